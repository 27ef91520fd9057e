"""Simulation: a file of calls lived through cluster by cluster, on all cores, told line by line in the order of time.

First the file is read once, in as many stretches as there are processes: each call is noted (when it arrives, where it
stands) under the cluster that it belongs to. Then each process takes its share of the clusters and lives through one
after the other, for a cluster has nothing to do with any other (``usecases.clusters``). The lines are merged by time
and account, so they are the same bytes however many processes there were.

What is held in memory is the notes (24 bytes a call and the hash of its id), one cluster, and where each line stands:
the calls stay in their file, the lines in a temporary one until they are told.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush, merge
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeAlias, cast

import orjson

from orchestrator.core.events import Json
from orchestrator.core.playbook import Playbook
from orchestrator.intake.formats import parse
from orchestrator.intake.rejection import Rejection
from orchestrator.intake.segment import Parsed
from orchestrator.runtime.cohort import CohortError, arrival, said_when
from orchestrator.runtime.crew import cores, side_by_side
from orchestrator.usecases.chronicle import line
from orchestrator.usecases.clusters import Clusters, ties
from orchestrator.usecases.simulate import SOURCE, Arrival, Simulated, simulate

Content: TypeAlias = bytes | mmap
Numbers: TypeAlias = "array[int]"  # of 64 bits
Line: TypeAlias = tuple[int, str, bytes]  # when (microseconds), of which account, and the line itself

SHARE = 4 << 20  # bytes of a file for which a process of its own is worth while: a second's work
_BLOCK = 1 << 20  # bytes that are cut into lines at once
_CHUNK = 1000  # lines that go from one process to another at once
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOTED = 3  # numbers a call: its arrival in microseconds, the place in the file, the length
_NOBODY = ("", "")  # what is tied to nothing: a call that cannot be read
_PLAIN = ("track", "page", "screen")  # calls whose ties are the ids that they name


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
    _before(content, 0)
    with side_by_side([partial(_noted, content, *each) for each in _stretches(content, processes)]) as found:
        notes = _together([note for stretch in found for note in stretch])
    until = course.until if isinstance(course.until, datetime) else _instant(notes.last) + course.until
    works = [partial(_lived, content, each, course, until) for each in _fairly(notes.by_cluster(), processes)]
    with side_by_side(works) as streams:
        sums = [cast("Sum", next(stream)) for stream in streams]
        lines = (cast("Iterator[list[Line]]", stream) for stream in streams)
        told = merge(*(_flat(each) for each in lines))
        yield Lived(sum=Sum.of(sums), lines=(text for _, _, text in told))


def _flat(chunks: Iterator[list[Line]]) -> Iterator[Line]:
    for chunk in chunks:
        yield from chunk


# -- reading the file ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """The calls of a stretch of a file, by the number of their cluster."""

    clusters: Clusters = field(default_factory=Clusters)
    calls: dict[int, Numbers] = field(default_factory=dict)  # _NOTED numbers a call
    ids: dict[int, Numbers] = field(default_factory=dict)  # a hash of each id of a call

    @property
    def last(self) -> int:
        """When the last of them arrives."""
        return max(max(listed[::_NOTED]) for listed in self.calls.values())

    def add(self, number: int, at: int, place: int, length: int) -> None:
        """Note a call."""
        listed = self.calls.get(number)
        if listed is None:
            listed = self.calls[number] = array("q")
        listed.extend((at, place, length))

    def by_cluster(self) -> list[Numbers]:
        """The calls of each cluster, those with most calls first."""
        whole: dict[int, Numbers] = {}
        for number, listed in self.calls.items():
            whole.setdefault(self.clusters.standing(number), array("q")).extend(listed)
        return sorted(whole.values(), key=len, reverse=True)


def _stretches(content: Content, number: int) -> Iterator[tuple[int, int]]:
    """Where to begin and to end, at the ends of lines."""
    cuts = [0, *(_line_end(content, len(content) * cut // number) for cut in range(1, number)), len(content)]
    yield from pairwise(cuts)


def _line_end(content: Content, place: int) -> int:
    return content.find(b"\n", place) + 1 or len(content)


def _calls(content: Content, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The lines between two ends of lines that hold anything, each with its place."""
    while begin < end:
        stop = _line_end(content, min(begin + _BLOCK, end) - 1)
        for raw in content[begin:stop].splitlines(keepends=True):
            if not raw.isspace():
                yield begin, raw
            begin += len(raw)


def _noted(content: Content, begin: int, end: int) -> Iterator[Notes]:
    """Note the calls of a stretch; one without a readable time arrives with the one before it."""
    notes, actors = Notes(), dict[tuple[Json, ...], int]()
    at = _before(content, begin)
    for place, raw in _calls(content, begin, end):
        call = _loaded(raw)
        at = said_when(call) or at
        arrives = arrival(at)
        number = _number(call, raw, arrives, notes, actors)
        notes.add(number, _microseconds(arrives), place, len(raw))
    yield notes


def _loaded(raw: bytes) -> Json:
    try:
        return cast("Json", orjson.loads(raw))
    except orjson.JSONDecodeError:
        return None


def _before(content: Content, place: int) -> datetime:
    """When the last call before a place was that says so, else the first one after it.

    Raises:
        CohortError: no call says so.
    """
    ends = place
    while ends > 0:
        begins = content.rfind(b"\n", 0, ends - 1) + 1
        for _, raw in reversed(list(_calls(content, begins, ends))):
            if (at := said_when(_loaded(raw))) is not None:
                return at
        ends = begins
    after = (said_when(_loaded(raw)) for _, raw in _calls(content, place, len(content)))
    if (at := next((at for at in after if at is not None), None)) is None:
        raise CohortError("the file holds no call with a timestamp")
    return at


def _number(call: Json, raw: bytes, arrives: datetime, notes: Notes, actors: dict[tuple[Json, ...], int]) -> int:
    """The number of a call's cluster; whoever has acted before need not be understood again."""
    actor = _actor(call)
    number = None if actor is None else actors.get(actor)
    if number is not None:
        if told := cast("dict[str, Json]", call).get("messageId"):
            notes.ids.setdefault(number, array("q")).append(hash(str(told)))
        return number
    parsed = _parsed(raw, arrives)
    if parsed is None:
        return notes.clusters.of([_NOBODY])
    events = [each.event for each in (parsed, parsed.beside) if each is not None]
    number = notes.clusters.of(tie for event in events for tie in ties(event))
    notes.ids.setdefault(number, array("q")).extend(hash(event.message_id) for event in events)
    if actor is not None:
        actors[actor] = number
    return number


def _actor(call: Json) -> tuple[Json, ...] | None:
    """The ids of which the ties of a call are made; None where that is not all, or they are not plain texts."""
    if not isinstance(call, dict) or call.get("type") not in _PLAIN or "traits" in call or "specversion" in call:
        return None
    context = call.get("context")
    within = context.get("groupId") if isinstance(context, dict) else None
    ids = (call.get("groupId"), within, call.get("userId"), call.get("anonymousId"))
    return ids if all(each is None or isinstance(each, str) for each in ids) else None


def _parsed(raw: bytes, arrives: datetime) -> Parsed | None:
    try:
        return parse(raw.strip(), source=SOURCE, received_at=arrives, place="")
    except Rejection:
        return None


def _together(found: Sequence[Notes]) -> Notes:
    """The notes of all stretches; calls under one id are of one cluster."""
    whole, *others = found
    for notes in others:
        shift = whole.clusters.take_in(notes.clusters)
        whole.calls.update((number + shift, listed) for number, listed in notes.calls.items())
        whole.ids.update((number + shift, listed) for number, listed in notes.ids.items())
    said: dict[int, int] = {}  # the hash of an id -> the cluster that it was met in
    for number, listed in whole.ids.items():
        for each in listed:
            if (other := said.setdefault(each, number)) != number:
                whole.clusters.unite(other, number)
    whole.ids.clear()
    return whole


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
                order.append((_microseconds(happening.at), happening.account, begins, ends))
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
        yield Arrival(at=_instant(at), call=content[place : place + length].strip())


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


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
