"""Statements on events: kept, parked under a person, rejected; and the outcomes that wait to be folded."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, text

from orchestrator.core.events import OWN_SOURCE, Event, EventKind, Json
from orchestrator.store.documents import Document, event_document, event_from
from orchestrator.store.rows import as_json, as_json_object

EventId: TypeAlias = tuple[str, str]  # source and message id


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedEvent:
    """An entry that was not folded, whole, with its reason."""

    stream: str
    entry_id: str
    received_at: datetime
    reason: str  # a word of the closed list of intake
    detail: str  # where and what, as a sentence
    raw: bytes  # the entry as it came
    source: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedOutcome:
    """What became of a message, on its way back to its account."""

    account_id: str
    person_id: str | None
    message_id: str  # of the event that it will be
    name: str  # one of OWN_EVENTS
    occurred_at: datetime
    properties: dict[str, Json]


KEEP = """
    -- keep: new events, at half the price of an insert
    COPY events (received_at, account_id, person_id, source, message_id, kind, name, occurred_at, properties) FROM STDIN
"""

PARK = text("""
    -- park: events whose account is not known yet
    INSERT INTO parked_events (received_at, person_id, event)
    SELECT received_at, person_id, event
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (received_at timestamptz, person_id text, event jsonb)
""")

UNPARK = text("""
    -- unpark: the events of persons who are linked now
    DELETE FROM parked_events WHERE person_id = ANY(:persons) RETURNING event
""")

REJECT = text("""
    -- reject: the same entry rejected twice is one row, also where its reception was read off two clocks
    INSERT INTO rejected_events (received_at, stream, entry_id, reason, detail, source, message_id, raw)
    SELECT CAST(:received_at AS timestamptz), :stream, :entry_id, :reason, :detail, :source, :message_id, :raw
     WHERE NOT EXISTS (SELECT FROM rejected_events WHERE stream = :stream AND entry_id = :entry_id)
        ON CONFLICT DO NOTHING
""")

TAKE_OUTCOMES = text("""
    -- take_outcomes: of accounts under our lock and of those merged into them; folded in this transaction
    WITH wanted AS MATERIALIZED (
        SELECT id, id AS folded_into FROM unnest(CAST(:ids AS text[])) AS locked (id)
         UNION ALL
        SELECT from_account, to_account FROM redirects WHERE to_account = ANY(CAST(:ids AS text[])))
    DELETE FROM outcomes USING wanted WHERE outcomes.account_id = wanted.id
    RETURNING wanted.folded_into,
              coalesce((SELECT same_as FROM identities AS i WHERE i.person_id = outcomes.person_id), person_id)
                  AS person_id, message_id, name, occurred_at, properties
""")

REPORT = text("""
    -- report: an outcome waits for its account's next step
    INSERT INTO outcomes (account_id, person_id, message_id, name, occurred_at, properties)
    SELECT account_id, person_id, message_id, name, occurred_at, properties
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (account_id text, person_id text, message_id text, name text, occurred_at timestamptz, properties jsonb)
""")


def keep(connection: Connection, events: Iterable[Event]) -> None:
    """Store new events, each with the account it was folded into."""
    lines = [_line(event) for event in events]
    driver: Any = connection.connection.driver_connection  # SQLAlchemy has no COPY of its own
    if lines:
        with driver.cursor() as cursor, cursor.copy(KEEP) as copy:
            copy.write("".join(lines))


def _line(event: Event) -> str:
    """An event as a line of COPY's text format; most hold nothing that has to be escaped, which one look tells."""
    words = (
        _iso(event.received_at),
        event.account or "",
        event.person or "",
        event.source,
        event.message_id,
        event.kind.value,
        event.name,
        event.occurred_at.isoformat(),
        as_json_object(event.properties),
    )
    line = "\t".join(words)
    if event.account is None or event.person is None or _is_special(line, len(words)):
        nulls = {_ACCOUNT: event.account, _PERSON: event.person}
        return "\t".join(_field(nulls.get(place, word)) for place, word in enumerate(words)) + "\n"
    return line + "\n"


def _is_special(line: str, words: int) -> bool:
    """Whether any word holds what COPY gives a meaning to; as searches for single characters, the fastest there are."""
    return "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= words


_iso = lru_cache(maxsize=1024)(datetime.isoformat)  # of receptions, which many events share


def _field(text: str | None) -> str:
    return r"\N" if text is None else text.translate(_ESCAPES)


_ACCOUNT, _PERSON = 1, 2  # their places in KEEP
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def park(connection: Connection, events: Iterable[Event], past: Container[EventId] = ()) -> None:
    """Park events that name a person and no account; those of the ``past`` stay history, whoever frees them."""
    rows = [
        {"received_at": event.received_at, "person_id": event.person, "event": _parked(event, past)} for event in events
    ]
    if rows:
        connection.execute(PARK, {"rows": as_json(rows)})


def _parked(event: Event, past: Container[EventId]) -> Document:
    return {**event_document(event), **({"past": True} if (event.source, event.message_id) in past else {})}


def unpark(connection: Connection, persons: Iterable[str]) -> tuple[list[Event], set[EventId]]:
    """Take the parked events of these persons, whose identity rows are under our lock; and which are of the past."""
    listed = sorted(persons)
    rows = connection.scalars(UNPARK, {"persons": listed}).all() if listed else []
    past = {(row["source"], row["message_id"]) for row in rows if row.get("past")}
    return [event_from(row) for row in rows], past


def reject(connection: Connection, rejected: Iterable[RejectedEvent]) -> None:
    """Keep what could not be folded, with its reason."""
    rows = [
        {
            "received_at": each.received_at,
            "stream": each.stream,
            "entry_id": each.entry_id,
            "reason": each.reason,
            "detail": each.detail,
            "source": each.source,
            "message_id": each.message_id,
            "raw": each.raw,
        }
        for each in rejected
    ]
    if rows:
        connection.execute(REJECT, rows)  # pipelined: bytes are no JSON


def report(connection: Connection, outcomes: Iterable[ReportedOutcome]) -> None:
    """Leave outcomes for the accounts' next step."""
    rows = [
        {
            "account_id": each.account_id,
            "person_id": each.person_id,
            "message_id": each.message_id,
            "name": each.name,
            "occurred_at": each.occurred_at,
            "properties": each.properties,
        }
        for each in outcomes
    ]
    if rows:
        connection.execute(REPORT, {"rows": as_json(rows)})


def take_outcomes(connection: Connection, ids: Iterable[str], now: datetime) -> list[Event]:
    """The outcomes that wait for these locked accounts, as events; they are removed."""
    rows = connection.execute(TAKE_OUTCOMES, {"ids": sorted(ids)})
    return [
        Event(
            source=OWN_SOURCE,
            message_id=row.message_id,
            account=row.folded_into,
            person=row.person_id,
            kind=EventKind.TRACK,
            name=row.name,
            occurred_at=row.occurred_at,
            received_at=now,
            properties=row.properties,
        )
        for row in rows
    ]
