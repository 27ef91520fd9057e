"""``drain``: events in. Reads a shard's stream in batches, decides each batch in one transaction, then acknowledges it.

Acknowledged after the commit: whatever dies in between, the entries are read again and their keys are known. A lease
keeps one drainer a shard, for speed only: two are slower, never wrong.

Whose fault (DESIGN.md): an error of the data, or of ours, bisects the batch, each half in a new transaction, until the
poison stands alone in ``rejected_events``. An error of the world is raised: nothing is acknowledged, the next tick goes
on.
"""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from orchestrator.core.events import Event
from orchestrator.core.facts import concerns
from orchestrator.core.families import parentages
from orchestrator.core.lifecycle import opened
from orchestrator.intake.entries import Rejected, Told, understand
from orchestrator.intake.rejection import MOST_DETAIL, RejectionReason
from orchestrator.intake.streams import Batch, stream_key
from orchestrator.playbook.errors import PlaybookError
from orchestrator.store import accounts, families, keys
from orchestrator.store import events as event_store
from orchestrator.store.documents import UnknownFormatError
from orchestrator.store.events import EventId, RejectedEvent
from orchestrator.store.failures import Fault, fault
from orchestrator.usecases.decide import by_account, decide
from orchestrator.usecases.identity import Resolved, resolve
from orchestrator.usecases.library import NoPlaybookError
from orchestrator.usecases.lookback import look_back
from orchestrator.usecases.ports import Ports

logger = logging.getLogger(__name__)

FIRST = 1000  # entries of a run's first batch; where more wait, the next are larger: less to look up for each
GROWTH = 4  # times as many
BATCH_BYTES = 64 * 1024 * 1024  # of entries, about, in one batch: what it becomes takes several times as much memory
MOST_TRIES = 5  # of a transaction that lost a deadlock
NOT_IN_ORDER = (NoPlaybookError, PlaybookError, UnknownFormatError)  # nothing published, or by another version of ours
LEASE = timedelta(seconds=10)  # of a shard, renewed with each batch: a killed drainer delays its shard by no more
CONSUMER = "drain"  # one name for whoever holds the shard, so that what a killed drainer left is read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What a run of drain did, counted."""

    entries: int = 0
    events: int = 0  # new ones
    rejected: int = 0
    messages: int = 0

    def __add__(self, other: "Drained") -> "Drained":
        """Both runs together."""
        return Drained(
            entries=self.entries + other.entries,
            events=self.events + other.events,
            rejected=self.rejected + other.rejected,
            messages=self.messages + other.messages,
        )


def drain(ports: Ports, shard: int, drainer: str, seconds: float = 5.0) -> Drained:
    """Decide what waits in a shard, for at most about ``seconds``; ``drainer`` names the process that does it."""
    if not ports.streams.lease(shard, drainer, LEASE):
        return Drained()
    done, ends, most = Drained(), time.monotonic() + seconds, min(FIRST, ports.batch)
    try:
        while time.monotonic() < ends and (batch := ports.streams.read(shard, CONSUMER, most)):
            done += _batch(ports, shard, batch)
            most = size_after(batch, ports.batch)
            if not ports.streams.renew(shard, drainer, LEASE):
                break
    finally:
        ports.streams.release(shard, drainer)
    return done


def size_after(batch: Batch, most: int) -> int:
    """How many entries to take next: more and more while they wait, so long as they are small."""
    entries = len(batch.entries)
    held = sum(len(word) for _, fields in batch.entries for word in fields)
    fitting = BATCH_BYTES * entries // held if held else most
    return max(1, min(most, fitting, max(FIRST, GROWTH * entries)))


def _batch(ports: Ports, shard: int, batch: Batch) -> Drained:
    if batch.lost:
        logger.error("shard %d: %d pending entries were deleted from the stream by somebody", shard, len(batch.lost))
    with ports.engine.connect() as connection:
        now = ports.clock.now(connection)
    key = stream_key(shard)
    read = [each for entry_id, fields in batch.entries for each in understand(key, entry_id, fields, now=now)]
    calls = [each for each in read if isinstance(each, Told)]
    poison = [_kept(each) for each in read if isinstance(each, Rejected)]
    done = take_in(ports, calls) + reject(ports, poison)
    ports.streams.ack(shard, batch.ids)
    if done.messages:
        ports.nudges.deliver()
    return done + Drained(entries=len(batch.entries))


def reject(ports: Ports, rejected: Sequence[RejectedEvent]) -> Drained:
    """Keep what could not be folded; nothing is lost."""
    if rejected:
        logger.warning("%d entries rejected: %s", len(rejected), ", ".join(sorted({each.reason for each in rejected})))
        with ports.engine.begin() as connection:
            event_store.reject(connection, rejected)
    return Drained(rejected=len(rejected))


def _kept(each: Rejected, call: Told | None = None) -> RejectedEvent:
    return RejectedEvent(
        stream=each.stream,
        entry_id=each.entry_id,
        received_at=each.received_at,
        reason=each.reason.value,
        detail=each.detail,
        raw=each.raw,
        source=call.parsed.event.source if call else each.source,
        message_id=call.parsed.event.message_id if call else None,
    )


def take_in(ports: Ports, calls: Sequence[Told], tries: int = 1, *, past: bool = False) -> Drained:
    """Decide these calls in one transaction; bisect when the fault lies in them. ``past``: fold them as history."""
    if not calls:
        return Drained()
    try:
        with ports.engine.begin() as connection:
            return _decide(connection, ports, calls, past=past)
    except Exception as error:
        match _fault(error):
            case Fault.RETRY if tries < MOST_TRIES:
                return take_in(ports, calls, tries + 1, past=past)
            case Fault.WORLD | Fault.RETRY:
                raise
            case Fault.DATA | Fault.OURS:
                return _bisect(ports, calls, error, past=past)


def _fault(error: Exception) -> Fault:
    """As ``fault`` says; what befalls every event alike, because this installation is not in order, is no event's."""
    if isinstance(error, MergedMeanwhileError):
        return Fault.RETRY
    return Fault.WORLD if isinstance(error, NOT_IN_ORDER) else fault(error)


def _bisect(ports: Ports, calls: Sequence[Told], error: Exception, *, past: bool) -> Drained:
    if len(calls) == 1:
        return reject(ports, [_poison(calls[0], RejectionReason.DATA_ERROR, _told(error))])
    middle = len(calls) // 2
    return take_in(ports, calls[:middle], past=past) + take_in(ports, calls[middle:], past=past)


def _told(error: Exception) -> str:
    """The error in a line; of the database's the sentence only, never the statement with its parameters."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    sentence = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    return f"{type(cause).__name__}: {sentence or cause}"[:MOST_DETAIL]


def _poison(call: Told, reason: RejectionReason, detail: str) -> RejectedEvent:
    return _kept(call.entry.rejected(reason, detail), call)


def _decide(connection: Connection, ports: Ports, calls: Sequence[Told], *, past: bool) -> Drained:
    """The transaction: keys, identity, accounts, one step each, all written."""
    now = ports.clock.now(connection)
    new, conflicts = _admitted(connection, calls)
    resolved = resolve(connection, new)
    event_store.reject(connection, conflicts)
    event_store.park(connection, resolved.parked, _history(resolved, past=past))
    event_store.keep(connection, resolved.known)
    named = by_account(resolved.known)
    grouped = _concerned(connection, ports, named, resolved.versions)
    grouped |= {name: [] for name in resolved.renames.keys() - grouped.keys()}
    _open(connection, ports, grouped.keys() - resolved.versions.keys(), now, past=past)
    _lock(connection, grouped)
    families.learn(connection, parentages(resolved.known).values())
    if past or resolved.past:
        look_back(connection, ports, sorted(grouped if past else _looking_back(resolved) & grouped.keys()), now)
    decided = decide(connection, ports, sorted(grouped), grouped, now, resolved.renames)
    return Drained(events=len(new), rejected=len(conflicts), messages=decided.messages)


def _history(resolved: Resolved, *, past: bool) -> frozenset[EventId]:
    """What is parked as history: all of an import, and what was so before."""
    imported = ((event.source, event.message_id) for event in resolved.parked) if past else ()
    return resolved.past.union(imported)


def _looking_back(resolved: Resolved) -> set[str]:
    """The accounts to which events of the past came, that had waited for the call which names the account."""
    freed = (event for event in resolved.known if (event.source, event.message_id) in resolved.past)
    return {event.account or "" for event in freed}


def _admitted(connection: Connection, calls: Sequence[Told]) -> tuple[list[Event], list[RejectedEvent]]:
    """The events that are new, and those that came under an id that another body holds."""
    verdicts = keys.admit(connection, [_key(call) for call in calls]).verdicts
    paired = list(zip(calls, verdicts, strict=True))
    told = "another event came under this source and messageId before; it stands, this one is kept here"
    return [call.parsed.event for call, verdict in paired if verdict is keys.Verdict.NEW], [
        _poison(call, RejectionReason.CONFLICT, told) for call, verdict in paired if verdict is keys.Verdict.CONFLICT
    ]


def _key(call: Told) -> tuple[str, str]:
    """What the event is known by, and what its body is told from another by."""
    event = call.parsed.event
    return keys.event_key(event.source, event.message_id), keys.body_digest(call.parsed.digest_bytes)


def _concerned(
    connection: Connection, ports: Ports, named: Mapping[str, list[Event]], versions: Mapping[str, str]
) -> dict[str, list[Event]]:
    """The accounts that are new, and those of whose events their playbook knows some: nothing can change the others.

    Each with what can change it. Most of what a product says is of no rule's interest. It is kept in ``events``, so
    that another version can ask.
    """
    words = {
        version: ports.library.edition(connection, version).playbook.vocabulary for version in set(versions.values())
    }
    found = {}
    for name, listed in named.items():
        heard = [event for event in listed if concerns(event, words[versions[name]])] if name in versions else listed
        if heard:
            found[name] = heard
    return found


def _open(connection: Connection, ports: Ports, missing: Collection[str], now: datetime, *, past: bool) -> None:
    """Open the accounts that were not there yet; whoever was opened meanwhile stays as it is."""
    if missing:
        playbook = ports.library.current(connection).playbook
        new = (replace(opened(name, now, playbook), history=past) for name in sorted(missing))
        accounts.open_accounts(connection, new)


def _lock(connection: Connection, grouped: Mapping[str, list[Event]]) -> None:
    """Lock all of them in order; a merge that came between is followed."""
    persons = {event.person for listed in grouped.values() for event in listed if event.person}
    if len(accounts.lock(connection, grouped)) != len(grouped) or accounts.moved(connection, grouped, persons):
        raise MergedMeanwhileError


class MergedMeanwhileError(Exception):
    """An account or a person of this batch became another while we waited for the locks; it is decided again."""
