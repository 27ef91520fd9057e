"""Accounts, people and events as JSON documents, and back.

Instants are integers: microseconds since 1970 UTC, which is the resolution of our clocks and of PostgreSQL's. A trait's
value keeps its type: an instant is written as ``{"at": …}``. A document of another ``format`` is refused, not guessed.

An account is kept as the lz4 of its JSON (``packed``). Most accounts are of some 4 KB, which PostgreSQL would compress
itself, at fifteen times the price of all else that saving a row costs it (measured: 107 µs, with these bytes 7 µs).

What of an account nobody looks at is not made: its mappings are ``Stored``, which turn an item of the JSON into ours
when it is asked for, and back into the same JSON for nothing. Most steps fold one fact and leave the rest alone.
"""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import lz4.block
import orjson

from orchestrator.core.account import Account, LedgerEntry, Outcome, PhaseEntry, Recent, Waiting
from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import Event, EventKind
from orchestrator.core.facts import Fact, Facts, Said, Value, Written
from orchestrator.core.people import Person
from orchestrator.core.reasons import DecisionReason, PostponementReason
from orchestrator.core.signals import Edge, SignalState

FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_OUTCOMES = {each.value: each for each in Outcome}  # a look-up: calling the enum costs ten times as much
_REASONS = {each.value: each for each in DecisionReason}

Document = dict[str, Any]
T = TypeVar("T")
K = TypeVar("K")


class UnknownFormatError(LifecycleError):
    """A stored document has a format that this version does not know; run the version that wrote it, or migrate."""


def micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC of an aware instant."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(number: int) -> datetime:
    """The instant of that many microseconds since 1970 UTC."""
    return _EPOCH + timedelta(0, 0, number)


def _maybe(convert: Callable[[Any], T], value: Any) -> T | None:  # noqa: ANN401 -- JSON
    return None if value is None else convert(value)


def packed(document: Document) -> bytes:
    """A document as its row keeps it."""
    return lz4.block.compress(orjson.dumps(document))  # type: ignore[no-any-return] # the library says no types


def unpacked(stored: bytes) -> Document:
    """The document that a row keeps.

    Raises:
        UnknownFormatError: it is not what ``packed`` makes.
    """
    try:
        found: Document = orjson.loads(lz4.block.decompress(stored))
    except (ValueError, lz4.block.LZ4BlockError) as error:
        raise UnknownFormatError from error
    return found


class Stored(Mapping[str, T]):
    """A mapping as JSON keeps it, each item made ours when it is asked for, once."""

    __slots__ = ("_made", "_make", "raw")

    def __init__(self, raw: Document, make: Callable[[Any], T]) -> None:
        """Take the JSON, which is nobody else's from now on, and what makes an item of its value."""
        self.raw = raw
        self._make = make
        self._made: dict[str, T] = {}

    def __getitem__(self, key: str) -> T:
        """The item of that name."""
        made = self._made.get(key)
        if made is None:  # as no item of ours is
            made = self._made[key] = self._make(self.raw[key])
        return made

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 -- as ``Mapping`` says it, in two overloads
        """The item of that name, or the default; without the error that ``Mapping`` raises and catches for each."""
        return self[key] if key in self.raw else default

    def __contains__(self, key: object) -> bool:
        """Whether there is an item of that name; makes none."""
        return key in self.raw

    def __iter__(self) -> Iterator[str]:
        """The names, as they are stored."""
        return iter(self.raw)

    def __len__(self) -> int:
        """How many items there are."""
        return len(self.raw)


def _items(mapping: Mapping[str, T], write: Callable[[T], Any]) -> Document:
    """The JSON of a mapping; what was never made is as it was, and of what is laid over it only that is written."""
    if isinstance(mapping, Stored):
        return mapping.raw
    if isinstance(mapping, ChainMap) and isinstance(mapping.maps[-1], Stored):
        return mapping.maps[-1].raw | {name: write(item) for name, item in mapping.maps[0].items()}
    return {name: write(item) for name, item in mapping.items()}


# -- accounts --------------------------------------------------------------------------------------------------------


def account_document(account: Account) -> Document:
    """An account as a document; its id stands in the row."""
    return {
        "format": FORMAT,
        "playbook": account.playbook_version,
        "created": micros(account.created_at),
        "stage": account.stage,
        "entered": micros(account.stage_entered_at),
        "facts": _facts_document(account.facts),
        "anchor": _maybe(micros, account.anchor),
        "anchor_said": _maybe(micros, account.anchor_said),
        "milestones": _items(account.milestones, micros),
        "ledger": _items(account.ledger, _entry_document),
        "waiting": _items(account.waiting, _waiting_document),
        "standing": dict(account.standing),
        "recent": [_recent_document(each) for each in account.recent],
        **_phases_document(account),
        "signals": _items(account.signals, _signal_document),
        "edges": _items(account.edges, _edge_document),
        "samples": {str(week): score for week, score in account.samples.items()},
        "colour": account.colour,
        "done": _items(account.done, micros),
        "wake_at": _maybe(micros, account.wake_at),
        "basis": account.basis,
        **_history_document(account),
    }


def account_from(account_id: str, document: Document) -> Account:
    """The account that a document tells of.

    Raises:
        UnknownFormatError: another version wrote it.
    """
    if document.get("format") != FORMAT:
        msg = f"account {account_id} is stored in format {document.get('format')!r}, this version knows {FORMAT}"
        raise UnknownFormatError(msg)
    return Account(
        id=account_id,
        playbook_version=document["playbook"],
        created_at=instant_of(document["created"]),
        stage=document["stage"],
        stage_entered_at=instant_of(document["entered"]),
        facts=_facts_from(document["facts"]),
        anchor=_maybe(instant_of, document["anchor"]),
        anchor_said=_maybe(instant_of, document["anchor_said"]),
        milestones=Stored(document["milestones"], instant_of),
        ledger=Stored(document["ledger"], _entry_from),
        waiting=Stored(document["waiting"], _waiting_from),
        standing=document["standing"],
        recent=tuple(_recent_from(*each) for each in document.get("recent", ())),
        phases={
            onboarding: {
                phase: PhaseEntry(at=instant_of(at), turn=instant_of(turn)) for phase, (at, turn) in each.items()
            }
            for onboarding, each in document.get("phases", {}).items()
        },
        signals=Stored(document.get("signals", {}), _signal_from),
        edges=Stored(document.get("edges", {}), _edge_from),
        samples={int(week): score for week, score in document.get("samples", {}).items()},
        colour=document.get("colour", ""),
        done=Stored(document.get("done", {}), instant_of),
        wake_at=_maybe(instant_of, document["wake_at"]),
        basis=document["basis"],
        history=document.get("history", False),
        live_at=_maybe(instant_of, document.get("live_at")),
    )


def _history_document(account: Account) -> Document:
    """Nothing of an account whose past was never read in."""
    held = {"history": True} if account.history else {}
    return held if account.live_at is None else {**held, "live_at": micros(account.live_at)}


def _phases_document(account: Account) -> Document:
    """Nothing where no onboarding has phases."""
    phases = {
        onboarding: {phase: [micros(entry.at), micros(entry.turn)] for phase, entry in entries.items()}
        for onboarding, entries in account.phases.items()
    }
    return {"phases": phases} if phases else {}


def _entry_document(entry: LedgerEntry) -> list[Any]:
    first = [] if entry.repeats == 1 else [entry.repeats, entry.first_episode, micros(entry.first_decided_at)]
    return [entry.episode, micros(entry.decided_at), str(entry.outcome), str(entry.reason), *first]


def _entry_from(fields: list[Any]) -> LedgerEntry:
    episode, decided, outcome, reason = fields[:4]
    decided_at = instant_of(decided)
    repeats, first_episode, first_decided = fields[4:] or (1, episode, None)
    return LedgerEntry(
        episode=episode,
        decided_at=decided_at,
        outcome=_OUTCOMES[outcome],
        reason=_REASONS[reason],
        first_episode=first_episode,
        first_decided_at=decided_at if first_decided is None else instant_of(first_decided),
        repeats=repeats,
    )


def _waiting_document(waiting: Waiting) -> list[Any]:
    return [waiting.episode, _maybe(micros, waiting.until), waiting.reason.value]


def _waiting_from(fields: list[Any]) -> Waiting:
    episode, until, reason = fields
    return Waiting(episode=episode, until=_maybe(instant_of, until), reason=PostponementReason(reason))


def _recent_document(recent: Recent) -> list[Any]:
    return [micros(recent.at), recent.person, recent.play, recent.episode, recent.mail, recent.survey]


def _recent_from(at: int, person: str, play: str, episode: str, mail: bool = True, survey: bool = False) -> Recent:  # noqa: FBT001, FBT002 -- as they stand in the list; two were not always written
    return Recent(at=instant_of(at), person=person, play=play, episode=episode, mail=mail, survey=survey)


def _signal_document(state: SignalState) -> list[Any]:
    return [state.episode, micros(state.opened_at), _maybe(micros, state.closed_at), state.count]


def _signal_from(fields: list[Any]) -> SignalState:
    episode, opened, closed, count = fields
    return SignalState(episode=episode, opened_at=instant_of(opened), closed_at=_maybe(instant_of, closed), count=count)


def _edge_document(edge: Edge) -> list[Any]:
    return [micros(edge.since), _maybe(micros, edge.until)]


def _edge_from(fields: list[Any]) -> Edge:
    since, until = fields
    return Edge(since=instant_of(since), until=_maybe(instant_of, until))


# -- facts -----------------------------------------------------------------------------------------------------------


def _facts_document(facts: Facts) -> Document:
    return {
        "events": _items(facts.events, _fact_document),
        "traits": _written_document(facts.traits),
        "scores": _items(facts.scores, _written_document),
        "sums": dict(facts.sums),
        "values": _items(facts.values, sorted),
        "said": _items(facts.said, _said_document),
        **({"onboardings": _steps_document(facts)} if facts.onboardings else {}),
    }


def _steps_document(facts: Facts) -> Document:
    return {each: {step: micros(at) for step, at in steps.items()} for each, steps in facts.onboardings.items()}


def _facts_from(document: Document) -> Facts:
    return Facts(
        events=Stored(document["events"], _fact_from),
        traits=_written_from(document["traits"]),
        scores=Stored(document["scores"], _written_from),
        sums=document["sums"],
        values=Stored(document["values"], frozenset),
        said=Stored(document.get("said", {}), _said_from),
        onboardings={
            each: {step: instant_of(at) for step, at in steps.items()}
            for each, steps in document.get("onboardings", {}).items()
        },
    )


def _fact_document(fact: Fact) -> list[Any]:
    return [fact.count, micros(fact.first), micros(fact.last), {str(week): n for week, n in fact.weeks.items()}]


def _fact_from(fields: list[Any]) -> Fact:
    count, first, last, weeks = fields
    return Fact(
        count=count,
        first=instant_of(first),
        last=instant_of(last),
        weeks={int(week): number for week, number in weeks.items()},
    )


def _written_document(written: Mapping[str, Written]) -> Document:
    return _items(written, _one_written)


def _one_written(each: Written) -> list[Any]:
    return [_value_document(each.value), micros(each.stamp[0]), each.stamp[1], each.stamp[2]]


def _written_from(document: Document) -> Mapping[str, Written]:
    return Stored(document, _one_written_from)


def _one_written_from(fields: list[Any]) -> Written:
    value, at, source, message_id = fields
    return Written(value=_value_from(value), stamp=(instant_of(at), source, message_id))


def _said_document(said: Mapping[str, Said]) -> Document:
    return _items(said, _one_said)


def _one_said(each: Said) -> list[Any]:
    words = {word: _value_document(value) for word, value in each.words.items()}
    return [words, micros(each.stamp[0]), *each.stamp[1:]]


def _said_from(document: Document) -> Mapping[str, Said]:
    return Stored(document, _one_said_from)


def _one_said_from(fields: list[Any]) -> Said:
    words, at, source, message_id = fields
    made = {word: _value_from(value) for word, value in words.items()}
    return Said(words=made, stamp=(instant_of(at), source, message_id))


def _value_document(value: Value) -> Any:  # noqa: ANN401 -- JSON
    return {"at": micros(value)} if isinstance(value, datetime) else value


def _value_from(value: Any) -> Value:  # noqa: ANN401 -- JSON
    return instant_of(value["at"]) if isinstance(value, dict) else value


# -- people and events -----------------------------------------------------------------------------------------------


def person_document(person: Person) -> Document:
    """A person's traits as a document; id, rank and first_seen stand in the row."""
    return _written_document(person.traits)


def person_from(person_id: str, document: Document, first_seen: datetime) -> Person:
    """The person that a row tells of."""
    return Person(id=person_id, traits=_written_from(document), first_seen=first_seen)


def event_document(event: Event) -> Document:
    """A whole event, for one that is parked."""
    return {
        "source": event.source,
        "message_id": event.message_id,
        "account": event.account,
        "person": event.person,
        "kind": event.kind.value,
        "name": event.name,
        "occurred_at": micros(event.occurred_at),
        "received_at": micros(event.received_at),
        "properties": dict(event.properties),
    }


def event_from(document: Document) -> Event:
    """The event that a document tells of."""
    return Event(
        source=document["source"],
        message_id=document["message_id"],
        account=document["account"],
        person=document["person"],
        kind=EventKind(document["kind"]),
        name=document["name"],
        occurred_at=instant_of(document["occurred_at"]),
        received_at=instant_of(document["received_at"]),
        properties=document["properties"],
    )
