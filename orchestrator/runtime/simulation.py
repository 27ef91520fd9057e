"""Simulation: a file of calls lived through cluster by cluster, on all cores, told line by line in the order of time.

First the file is read once, in as many stretches as there are processes, and each call is noted under the cluster that
it belongs to (``stretches``). Then each process takes its share of the clusters and lives through one
after the other, for a cluster has nothing to do with any other (``usecases.clusters``). The lines are merged by time
and account, so they are the same bytes however many processes there were.

What is held in memory is the notes (24 bytes a call and the hash of its id), one cluster, and where each line stands:
the calls stay in their file, the lines in a temporary one until they are told.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush, merge
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeAlias, cast

from orchestrator.core.playbook import Playbook
from orchestrator.runtime.crew import cores, side_by_side
from orchestrator.runtime.stretches import (
    Content,
    Numbers,
    instant,
    microseconds,
    noted,
    stretches,
    time_before,
    together,
)
from orchestrator.usecases.chronicle import line
from orchestrator.usecases.simulate import Arrival, Simulated, simulate

Line: TypeAlias = tuple[int, str, bytes]  # when (microseconds), of which account, and the line itself

SHARE = 4 << 20  # bytes of a file for which a process of its own is worth while: a second's work
_CHUNK = 1000  # lines that go from one process to another at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What is told of a simulation beside its lines."""

    accounts: int = 0
    happenings: int = 0
    widest: int = 0  # characters of the longest id of an account to which anything happened
    instants: frozenset[datetime] = frozenset()  # at which anything happened; empty when that was not asked
    rejected: int = 0  # calls that could not be read
    waiting: int = 0  # calls of persons whose account nobody has named
    parked: Mapping[str, str] = field(default_factory=dict)  # accounts that cannot be decided, and the error

    @classmethod
    def of(cls, sums: "Sequence[Sum]") -> "Sum":
        """All of them together."""
        return cls(
            accounts=sum(each.accounts for each in sums),
            happenings=sum(each.happenings for each in sums),
            widest=max((each.widest for each in sums), default=0),
            instants=frozenset[datetime]().union(*(each.instants for each in sums)),
            rejected=sum(each.rejected for each in sums),
            waiting=sum(each.waiting for each in sums),
            parked={account: error for each in sums for account, error in each.parked.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """A simulation that is over."""

    sum: Sum
    lines: Iterator[bytes]  # by time and, within an instant, by account: JSON with its line feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Under what is lived."""

    playbook: Playbook
    until: datetime | timedelta  # aware UTC, or how long after the last call
    counted: bool  # whether instants are counted: that takes memory


def shares(content: Content) -> int:
    """How many processes a file is worth on this machine."""
    return min(cores(), 1 + len(content) // SHARE)


@contextmanager
def opened(path: Path) -> Iterator[Content]:
    """What a file holds; of a large one no more is in memory than is looked at."""
    if not path.is_file() or path.stat().st_size < SHARE:
        yield path.read_bytes()
        return
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        yield content


@contextmanager
def lived_through(content: Content, course: Course, processes: int) -> Iterator[Lived]:
    """Live through the calls of a file; the lines can be read while the context lasts.

    Raises:
        CohortError: there is no call with a timestamp.
        CrewError: one of the processes ended too early.
    """
    time_before(content, 0)
    words = None if course.counted else course.playbook.vocabulary  # an instant counts, also if no rule hears of it
    with side_by_side([partial(noted, content, words, *each) for each in stretches(content, processes)]) as found:
        notes = together([note for stretch in found for note in stretch])
    until = course.until if isinstance(course.until, datetime) else instant(notes.last) + course.until
    works = [partial(_lived, content, each, course, until) for each in _fairly(notes.by_cluster(), processes)]
    with side_by_side(works) as streams:
        sums = [cast("Sum", next(stream)) for stream in streams]
        lines = (cast("Iterator[list[Line]]", stream) for stream in streams)
        told = merge(*(_flat(each) for each in lines))
        yield Lived(sum=Sum.of(sums), lines=(text for _, _, text in told))


def _flat(chunks: Iterator[list[Line]]) -> Iterator[Line]:
    for chunk in chunks:
        yield from chunk


# -- living through it -----------------------------------------------------------------------------------------------


def _fairly(clusters: Sequence[Numbers], processes: int) -> list[list[Numbers]]:
    """A share of the clusters for each process, with about as many calls in each; the largest are dealt first."""
    dealt: list[list[Numbers]] = [[] for _ in range(processes)]
    heap = [(0, number) for number in range(processes)]
    for cluster in clusters:
        calls, number = heappop(heap)
        dealt[number].append(cluster)
        heappush(heap, (calls + len(cluster), number))
    return [share for share in dealt if share]


def _lived(
    content: Content, clusters: Sequence[Numbers], course: Course, until: datetime
) -> Iterator[Sum | list[Line]]:
    """Live through clusters, one after the other: what came of it all, then its lines by time, some at once."""
    sums, order, ends = list[Sum](), list[tuple[int, str, int, int]](), 0
    with TemporaryFile() as spool:
        for cluster in clusters:
            lived = simulate(_arrivals(content, cluster), course.playbook, until)
            sums.append(_sum(lived, counted=course.counted))
            for happening in lived.happened:
                begins, ends = ends, ends + spool.write(line(happening))
                order.append((microseconds(happening.at), happening.account, begins, ends))
        yield Sum.of(sums)
        order.sort()
        spool.flush()
        yield from _told(order, spool.fileno())


def _told(order: Sequence[tuple[int, str, int, int]], spool: int) -> Iterator[list[Line]]:
    if order:
        with mmap(spool, 0, access=ACCESS_READ) as lines:
            for first in range(0, len(order), _CHUNK):
                chunk = order[first : first + _CHUNK]
                yield [(at, account, lines[begins:ends]) for at, account, begins, ends in chunk]


def _arrivals(content: Content, cluster: Numbers) -> Iterator[Arrival]:
    """The calls of a cluster; those of one instant as they stand in the file."""
    numbers = iter(cluster)
    for at, place, length in sorted(zip(numbers, numbers, numbers, strict=True)):
        yield Arrival(at=instant(at), call=content[place : place + length].strip())


def _sum(lived: Simulated, *, counted: bool) -> Sum:
    return Sum(
        accounts=len(lived.accounts),
        happenings=len(lived.happened),
        widest=max((len(each.account) for each in lived.happened), default=0),
        instants=frozenset(lived.instants if counted else ()),
        rejected=lived.rejected,
        waiting=lived.waiting,
        parked=lived.parked,
    )
