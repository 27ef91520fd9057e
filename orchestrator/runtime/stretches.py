"""Stretches: a file of calls read side by side, each call noted under the cluster that it belongs to.

A note is when a call arrives and where it stands; the calls stay in their file. Most of what a product says is of no
rule's interest. Such a call is *idle*, and is not lived through where it cannot have an effect: in a cluster of one
account that it does not open, all of whose calls name the account, no two of them under one id.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from mmap import mmap
from typing import TypeAlias, cast

import orjson

from orchestrator.core.events import Json
from orchestrator.core.facts import Vocabulary
from orchestrator.core.identities import previous_of
from orchestrator.intake.formats import parse
from orchestrator.intake.rejection import Rejection
from orchestrator.intake.segment import MOST_BYTES, MOST_DEPTH, judge
from orchestrator.runtime.cohort import CohortError, arrival, said_when
from orchestrator.usecases.clusters import ACCOUNT, Clusters, ties
from orchestrator.usecases.simulate import SOURCE

Content: TypeAlias = bytes | mmap
Numbers: TypeAlias = "array[int]"  # of 64 bits
Call: TypeAlias = dict[str, Json]

NOTED = 3  # numbers a call: its arrival in microseconds, the place in the file, the length
_BLOCK = 1 << 20  # bytes that are cut into lines at once
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOBODY = ("", "")  # what is tied to nothing: a call that cannot be read
_PLAIN = ("track", "page", "screen")  # calls whose ties are the ids that they name


def microseconds(at: datetime) -> int:
    """An instant as notes have it."""
    return (at - _EPOCH) // _MICROSECOND


def instant(noted: int) -> datetime:
    """The instant of a note."""
    return _EPOCH + timedelta(microseconds=noted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """The calls of a stretch of a file, by the number of their cluster."""

    clusters: Clusters = field(default_factory=Clusters)
    heard: dict[int, Numbers] = field(default_factory=dict)  # NOTED numbers a call
    idle: dict[int, Numbers] = field(default_factory=dict)  # the same of those that no rule hears
    ids: dict[int, Numbers] = field(default_factory=dict)  # a hash of each id of a call
    bound: set[int] = field(default_factory=set)  # where calls that no rule hears may count all the same

    @property
    def last(self) -> int:
        """When the last of the calls arrives."""
        return max(max(listed[::NOTED]) for listed in (*self.heard.values(), *self.idle.values()))

    def by_cluster(self) -> list[Numbers]:
        """The calls of each cluster that have to be lived through, the clusters with most of them first."""
        standing, tied = self.clusters.standing, self.clusters.tied.items()
        lived, bound = self._gathered(self.heard), {standing(number) for number in self.bound}
        accounts = Counter(standing(number) for (sort, _), number in tied if sort == ACCOUNT)
        for number, idle in self._gathered(self.idle).items():
            heard = lived.setdefault(number, array("q"))
            if number in bound or accounts[number] > 1 or _opens(idle, heard):
                heard.extend(idle)
        return sorted(lived.values(), key=len, reverse=True)

    def _gathered(self, noted: Mapping[int, Numbers]) -> dict[int, Numbers]:
        found: dict[int, Numbers] = {}
        for number, listed in noted.items():
            found.setdefault(self.clusters.standing(number), array("q")).extend(listed)
        return found

    def take_in(self, others: "Notes") -> None:
        """Add the notes of another stretch."""
        shift = self.clusters.take_in(others.clusters)
        for ours, theirs in ((self.heard, others.heard), (self.idle, others.idle), (self.ids, others.ids)):
            ours.update((number + shift, listed) for number, listed in theirs.items())
        self.bound.update(number + shift for number in others.bound)


def _opens(idle: Numbers, heard: Numbers) -> bool:
    """Whether an account begins with a call that no rule hears."""
    return not heard or min(idle[::NOTED]) <= min(heard[::NOTED])


def together(found: Sequence[Notes]) -> Notes:
    """The notes of all stretches; calls under one id are of one cluster."""
    whole, *others = found
    for notes in others:
        whole.take_in(notes)
    said: dict[int, int] = {}  # the hash of an id -> the cluster that it was met in
    for number, listed in whole.ids.items():
        before = len(said)
        for each in listed:
            if (other := said.setdefault(each, number)) != number:
                whole.clusters.unite(other, number)
        if len(said) - before < len(listed):
            whole.bound.add(number)
    whole.ids.clear()
    return whole


# -- lines -----------------------------------------------------------------------------------------------------------


def stretches(content: Content, number: int) -> Iterator[tuple[int, int]]:
    """Where to begin and to end, at the ends of lines."""
    cuts = [0, *(_line_end(content, len(content) * cut // number) for cut in range(1, number)), len(content)]
    yield from pairwise(cuts)


def _line_end(content: Content, place: int) -> int:
    return content.find(b"\n", place) + 1 or len(content)


def lines(content: Content, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The lines between two ends of lines that hold anything, each with its place."""
    while begin < end:
        stop = _line_end(content, min(begin + _BLOCK, end) - 1)
        for raw in content[begin:stop].splitlines(keepends=True):
            if not raw.isspace():
                yield begin, raw
            begin += len(raw)


def _loaded(raw: bytes) -> Json:
    try:
        return cast("Json", orjson.loads(raw))
    except orjson.JSONDecodeError:
        return None


def time_before(content: Content, place: int) -> datetime:
    """When the last call before a place was that says so, else the first one after it.

    Raises:
        CohortError: no call says so.
    """
    ends = place
    while ends > 0:
        begins = content.rfind(b"\n", 0, ends - 1) + 1
        for _, raw in reversed(list(lines(content, begins, ends))):
            if (at := said_when(_loaded(raw))) is not None:
                return at
        ends = begins
    after = (said_when(_loaded(raw)) for _, raw in lines(content, place, len(content)))
    if (at := next((at for at in after if at is not None), None)) is None:
        raise CohortError("the file holds no call with a timestamp")
    return at


# -- calls -----------------------------------------------------------------------------------------------------------


def noted(content: Content, words: Vocabulary | None, begin: int, end: int) -> Iterator[Notes]:
    """Note the calls of a stretch; one without a readable time arrives with the one before it.

    ``words`` are those of the rules; None: no call is idle.
    """
    reader = _Reader(words=words)
    at = time_before(content, begin)
    for place, raw in lines(content, begin, end):
        call = _loaded(raw)
        at = said_when(call) or at
        arrives = arrival(at)
        reader.listed(call, raw, arrives).extend((microseconds(arrives), place, len(raw)))
    yield reader.notes


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Takes notes of calls, one after the other."""

    words: Vocabulary | None  # of the rules
    notes: Notes = field(default_factory=Notes)
    actors: dict[tuple[Json, ...], int] = field(default_factory=dict)  # ids that act together -> number of the cluster

    def listed(self, call: Json, raw: bytes, arrives: datetime) -> Numbers:
        """The notes among which a call belongs; whoever has acted before need not be understood again."""
        actor = _actor(call)
        number = None if actor is None else self.actors.get(actor)
        if number is None:
            return _of(self.notes.heard, self._understood(actor, raw, arrives))
        known = cast("Call", call)
        if told := known.get("messageId"):
            _of(self.notes.ids, number).append(hash(str(told)))
        idle = self.words is not None and _is_idle(known, raw, arrives, self.words)
        return _of(self.notes.idle if idle else self.notes.heard, number)

    def _understood(self, actor: tuple[Json, ...] | None, raw: bytes, arrives: datetime) -> int:
        try:
            parsed = parse(raw.strip(), source=SOURCE, received_at=arrives, place="")
        except Rejection:
            return self.notes.clusters.of([_NOBODY])
        events = [each.event for each in (parsed, parsed.beside) if each is not None]
        number = self.notes.clusters.of(tie for event in events for tie in ties(event))
        _of(self.notes.ids, number).extend(hash(event.message_id) for event in events)
        if any(event.account is None or previous_of(event) is not None for event in events):
            self.notes.bound.add(number)
        if actor is not None:
            self.actors[actor] = number
        return number


def _of(noted: dict[int, Numbers], number: int) -> Numbers:
    listed = noted.get(number)
    if listed is None:
        listed = noted[number] = array("q")
    return listed


def _actor(call: Json) -> tuple[Json, ...] | None:
    """The ids of which the ties of a call are made; None where that is not all, or they are not plain texts."""
    if not isinstance(call, dict) or call.get("type") not in _PLAIN or "traits" in call or "specversion" in call:
        return None
    context = call.get("context")
    within = context.get("groupId") if isinstance(context, dict) else None
    ids = (call.get("groupId"), within, call.get("userId"), call.get("anonymousId"))
    return ids if all(each is None or isinstance(each, str) for each in ids) else None


def _is_idle(call: Call, raw: bytes, arrives: datetime, words: Vocabulary) -> bool:
    """Whether a plain call speaks of nothing that a rule knows; what might be refused is left to who reads it whole."""
    name = call.get("event") if call["type"] == "track" else call["type"]
    if not isinstance(name, str) or name in words.aliases or name in words.filters:
        return False
    if len(raw) > MOST_BYTES or b"\\u0000" in raw or raw.count(b"{") + raw.count(b"[") > MOST_DEPTH:
        return False
    try:
        judge(call, arrives)
    except Rejection:
        return False
    return True
