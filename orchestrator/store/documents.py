"""Accounts, people and events as JSON documents, and back.

Instants are integers: microseconds since 1970 UTC, which is the resolution of our clocks and of PostgreSQL's. A trait's
value keeps its type: an instant is written as ``{"at": …}``. A document of another ``format`` is refused, not guessed.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

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
        "milestones": {name: micros(at) for name, at in account.milestones.items()},
        "ledger": {play: _entry_document(entry) for play, entry in account.ledger.items()},
        "waiting": {play: [w.episode, _maybe(micros, w.until), w.reason.value] for play, w in account.waiting.items()},
        "standing": dict(account.standing),
        "recent": [_recent_document(each) for each in account.recent],
        **_phases_document(account),
        "signals": {name: _signal_document(state) for name, state in account.signals.items()},
        "edges": {play: [micros(edge.since), _maybe(micros, edge.until)] for play, edge in account.edges.items()},
        "samples": {str(week): score for week, score in account.samples.items()},
        "colour": account.colour,
        "done": {play: micros(at) for play, at in account.done.items()},
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
        milestones={name: instant_of(at) for name, at in document["milestones"].items()},
        ledger={play: _entry_from(entry) for play, entry in document["ledger"].items()},
        waiting={play: _waiting_from(*waiting) for play, waiting in document["waiting"].items()},
        standing=document["standing"],
        recent=tuple(_recent_from(*each) for each in document.get("recent", ())),
        phases={
            onboarding: {
                phase: PhaseEntry(at=instant_of(at), turn=instant_of(turn)) for phase, (at, turn) in each.items()
            }
            for onboarding, each in document.get("phases", {}).items()
        },
        signals={name: _signal_from(*state) for name, state in document.get("signals", {}).items()},
        edges={play: _edge_from(*edge) for play, edge in document.get("edges", {}).items()},
        samples={int(week): score for week, score in document.get("samples", {}).items()},
        colour=document.get("colour", ""),
        done={play: instant_of(at) for play, at in document.get("done", {}).items()},
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
    episode, decided, outcome, reason, *run = fields
    decided_at = instant_of(decided)
    repeats, first_episode, first_decided = run or (1, episode, None)
    return LedgerEntry(
        episode=episode,
        decided_at=decided_at,
        outcome=_OUTCOMES[outcome],
        reason=_REASONS[reason],
        first_episode=first_episode,
        first_decided_at=decided_at if first_decided is None else instant_of(first_decided),
        repeats=repeats,
    )


def _waiting_from(episode: str, until: int | None, reason: str) -> Waiting:
    return Waiting(episode=episode, until=_maybe(instant_of, until), reason=PostponementReason(reason))


def _recent_document(recent: Recent) -> list[Any]:
    return [micros(recent.at), recent.person, recent.play, recent.episode, recent.mail, recent.survey]


def _recent_from(at: int, person: str, play: str, episode: str, mail: bool = True, survey: bool = False) -> Recent:  # noqa: FBT001, FBT002 -- as they stand in the list; two were not always written
    return Recent(at=instant_of(at), person=person, play=play, episode=episode, mail=mail, survey=survey)


def _signal_document(state: SignalState) -> list[Any]:
    return [state.episode, micros(state.opened_at), _maybe(micros, state.closed_at), state.count]


def _signal_from(episode: str, opened: int, closed: int | None, count: int) -> SignalState:
    return SignalState(episode=episode, opened_at=instant_of(opened), closed_at=_maybe(instant_of, closed), count=count)


def _edge_from(since: int, until: int | None) -> Edge:
    return Edge(since=instant_of(since), until=_maybe(instant_of, until))


# -- facts -----------------------------------------------------------------------------------------------------------


def _facts_document(facts: Facts) -> Document:
    return {
        "events": {name: _fact_document(fact) for name, fact in facts.events.items()},
        "traits": _written_document(facts.traits),
        "scores": {name: _written_document(answers) for name, answers in facts.scores.items()},
        "sums": dict(facts.sums),
        "values": {name: sorted(values) for name, values in facts.values.items()},
        "said": {name: _said_document(said) for name, said in facts.said.items()},
        **({"onboardings": _steps_document(facts)} if facts.onboardings else {}),
    }


def _steps_document(facts: Facts) -> Document:
    return {each: {step: micros(at) for step, at in steps.items()} for each, steps in facts.onboardings.items()}


def _facts_from(document: Document) -> Facts:
    return Facts(
        events={name: _fact_from(*fields) for name, fields in document["events"].items()},
        traits=_written_from(document["traits"]),
        scores={name: _written_from(answers) for name, answers in document["scores"].items()},
        sums=document["sums"],
        values={name: frozenset(values) for name, values in document["values"].items()},
        said={name: _said_from(said) for name, said in document.get("said", {}).items()},
        onboardings={
            each: {step: instant_of(at) for step, at in steps.items()}
            for each, steps in document.get("onboardings", {}).items()
        },
    )


def _fact_document(fact: Fact) -> list[Any]:
    return [fact.count, micros(fact.first), micros(fact.last), {str(week): n for week, n in fact.weeks.items()}]


def _fact_from(count: int, first: int, last: int, weeks: dict[str, int]) -> Fact:
    return Fact(
        count=count,
        first=instant_of(first),
        last=instant_of(last),
        weeks={int(week): number for week, number in weeks.items()},
    )


def _written_document(written: Mapping[str, Written]) -> Document:
    return {
        name: [_value_document(each.value), micros(each.stamp[0]), each.stamp[1], each.stamp[2]]
        for name, each in written.items()
    }


def _written_from(document: Document) -> dict[str, Written]:
    return {
        name: Written(value=_value_from(value), stamp=(instant_of(at), source, message_id))
        for name, (value, at, source, message_id) in document.items()
    }


def _said_document(said: Mapping[str, Said]) -> Document:
    return {
        subject: [
            {word: _value_document(value) for word, value in each.words.items()},
            micros(each.stamp[0]),
            *each.stamp[1:],
        ]
        for subject, each in said.items()
    }


def _said_from(document: Document) -> dict[str, Said]:
    return {
        subject: Said(
            words={word: _value_from(value) for word, value in words.items()},
            stamp=(instant_of(at), source, message_id),
        )
        for subject, (words, at, source, message_id) in document.items()
    }


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
