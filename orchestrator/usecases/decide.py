"""What drain and wake share: locked accounts, their events, one step of the core each, and all of it written in sets.

The order of locks and writes is one everywhere (DESIGN.md, "Locks"): accounts by id, then, in new statements, what
depends on them, each write sorted by key.

If one account cannot be decided, its facts are saved, it is parked with a growing pause and a note, and its neighbours
go on. A parked account's new events are folded; it is decided again when its pause is over.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from operator import attrgetter, is_
from types import MappingProxyType

from sqlalchemy import Connection

from orchestrator.core.account import Account
from orchestrator.core.consent import Statement, statements
from orchestrator.core.decisions import Message, Note, NoteKind, Step
from orchestrator.core.events import Event, EventKind
from orchestrator.core.lifecycle import absorb, advance, glance
from orchestrator.core.people import Person, learn
from orchestrator.core.playbook import Channel, Playbook
from orchestrator.messaging.address import normalise
from orchestrator.messaging.errors import AddressError
from orchestrator.store import accounts, consents, decisions, messages, people
from orchestrator.store import events as event_store
from orchestrator.store.accounts import Locked, Parking
from orchestrator.store.decisions import DecidedTwiceError
from orchestrator.usecases.crowd import gather
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.unite import Names, unite

logger = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(minutes=1)  # of an account that could not be decided; doubles with each failure
LONGEST_PAUSE = timedelta(hours=6)


_NONE: Names = MappingProxyType({})
_LASTING = attrgetter(*(each.name for each in fields(Account) if each.name not in {"wake_at", "basis"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What one transaction decided, counted."""

    accounts: int = 0
    decisions: int = 0
    messages: int = 0
    escalations: int = 0
    parked: int = 0

    def __add__(self, other: "Decided") -> "Decided":
        """Both together."""
        return Decided(
            accounts=self.accounts + other.accounts,
            decisions=self.decisions + other.decisions,
            messages=self.messages + other.messages,
            escalations=self.escalations + other.escalations,
            parked=self.parked + other.parked,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """One account before and after."""

    before: Locked
    step: Step
    parking: Parking | None  # as it is now
    was: Parking | None  # as it was before

    @property
    def name(self) -> str:
        """The account's id."""
        return self.before.account.id


def decide(
    connection: Connection,
    ports: Ports,
    ids: Sequence[str],
    arrived: Mapping[str, list[Event]],
    now: datetime,
    renames: Names = _NONE,
) -> Decided:
    """Advance these locked accounts to ``now`` with the events that arrived for them, and write what came of it.

    ``renames`` are the persons among them who are known under another id from now on.
    """
    loaded = _loaded(connection, ids, arrived, now)
    locked = unite(connection, ports, loaded, renames, now) if renames else loaded
    parked = accounts.parked(connection, ids)
    events = _with_outcomes(connection, ids, arrived, now)
    _save_people(connection, events, now)
    resting = _resting(connection, ports, locked.values(), events, now)
    crowd = gather(connection, ports, locked, locked.keys() - resting.keys())
    moved = [
        _move(connection, ports, each, crowd.get(name, []), events.get(name, []), parked.get(name), now)
        if name in parked or name not in resting
        else _Moved(before=each, step=resting[name], parking=None, was=None)
        for name, each in sorted(locked.items())
    ]
    written = _held_back(connection, ports, moved, events, now)
    if renames:  # what was united is a change, also where nothing follows from it
        written = [replace(each, before=loaded[each.name]) for each in written]
    return _write(connection, written, now)


def _loaded(
    connection: Connection, ids: Sequence[str], arrived: Mapping[str, list[Event]], now: datetime
) -> dict[str, Locked]:
    """The accounts; of those to whom something came, and whose instant seems to be over, as their timers stand."""
    loaded = accounts.load(connection, ids)
    over = {name: each for name, each in loaded.items() if arrived.get(name) and _over(each.account, now)}
    return {**loaded, **accounts.timed(connection, over)} if over else loaded


def _over(account: Account, now: datetime) -> bool:
    return account.wake_at is not None and account.wake_at <= now


def _with_outcomes(
    connection: Connection, ids: Sequence[str], arrived: Mapping[str, list[Event]], now: datetime
) -> dict[str, list[Event]]:
    """The events by account, with the outcomes of our own messages that waited for this step."""
    outcomes = event_store.take_outcomes(connection, ids, now)
    event_store.keep(connection, outcomes)
    events = {account: list(listed) for account, listed in arrived.items()}
    for outcome in outcomes:
        events.setdefault(outcome.account or "", []).append(outcome)
    return events


def _save_people(connection: Connection, events: Mapping[str, list[Event]], now: datetime) -> None:
    """Learn what calls say of persons, under their accounts' locks."""
    said: dict[tuple[str, str], list[Event]] = {}
    for account, listed in events.items():
        for event in listed:
            if event.kind is EventKind.IDENTIFY and event.person is not None:
                said.setdefault((account, event.person), []).append(event)
    if said:
        known = people.persons(connection, said)
        before = {key: known.get(key, Person(id=key[1])) for key in said}
        learned = {key: learn(before[key], listed) for key, listed in said.items()}
        people.save_persons(connection, learned)
        _save_consents(
            connection, [each for key in said for each in statements(before[key], learned[key], said[key])], now
        )


def _save_consents(connection: Connection, said: Sequence[Statement], now: datetime) -> None:
    """What was said of getting mail acts on the address at once: the door looks there (P5)."""
    by_address: dict[str, list[Statement]] = {}
    for each in said:
        address = _normalised(each.address)
        if address is not None:
            by_address.setdefault(address, []).append(each)
    consents.record(connection, by_address, now)


def _resting(
    connection: Connection, ports: Ports, locked: Iterable[Locked], events: Mapping[str, list[Event]], now: datetime
) -> dict[str, Step]:
    """The steps of the accounts whose decision needs no people: most cost their fold only."""
    found = {}
    for each in locked:
        account = each.account
        playbook = ports.library.edition(connection, account.playbook_version).playbook
        with suppress(Exception):  # whatever a rule raises is raised again, and dealt with, by the whole step
            step = glance(account, events.get(account.id, []), now, playbook)
            if step is not None:
                found[account.id] = step
    return found


def _move(
    connection: Connection,
    ports: Ports,
    before: Locked,
    crowd: Sequence[Person],
    events: Sequence[Event],
    parking: Parking | None,
    now: datetime,
) -> _Moved:
    """One step of the core, or, when it cannot be taken, the facts alone."""
    account = before.account
    playbook = ports.library.edition(connection, account.playbook_version).playbook
    if parking is not None and now < parking.until:
        return _Moved(before=before, step=_folded(account, events, playbook), parking=parking, was=parking)
    try:
        step = advance(account, crowd, events, now, playbook)
    except Exception as error:  # noqa: BLE001 -- whatever a rule raises must stop this account and no other
        return _failed(before, events, playbook, parking, error, now)
    return _Moved(before=before, step=step, parking=None, was=parking)


def _failed(
    before: Locked, events: Sequence[Event], playbook: Playbook, was: Parking | None, error: Exception, now: datetime
) -> _Moved:
    """The facts are saved, the account is parked, and its journal says why."""
    longer = _longer(before.account.id, was, error, now)
    note = Note(kind=NoteKind.PARKED, at=now, detail={"error": longer.error, "tries": longer.tries})
    step = replace(_folded(before.account, events, playbook), notes=(note,))
    return _Moved(before=before, step=step, parking=longer, was=was)


def _folded(account: Account, events: Sequence[Event], playbook: Playbook) -> Step:
    """Facts only; without a basis, so that the next step looks at them all and does not take the account for quiet."""
    return Step(account=replace(absorb(account, events, playbook), basis=""))


def _held_back(
    connection: Connection, ports: Ports, moved: Sequence[_Moved], events: Mapping[str, list[Event]], now: datetime
) -> list[_Moved]:
    """Park those who were about to decide what their ledger holds already (P3): their neighbours go on."""
    ahead = decisions.decided(connection, [decision for each in moved for decision in each.step.decisions])
    return [_not_twice(connection, ports, each, events, now) if each.name in ahead else each for each in moved]


def _not_twice(
    connection: Connection, ports: Ports, each: _Moved, events: Mapping[str, list[Event]], now: datetime
) -> _Moved:
    playbook = ports.library.edition(connection, each.before.account.playbook_version).playbook
    return _failed(each.before, events.get(each.name, []), playbook, each.was, DecidedTwiceError(), now)


def _longer(account_id: str, parking: Parking | None, error: Exception, now: datetime) -> Parking:
    tries = 1 if parking is None else parking.tries + 1
    pause = min(FIRST_PAUSE * 2 ** min(tries - 1, 20), LONGEST_PAUSE)
    told = f"{type(error).__name__}: {error}"[:1000]
    logger.error("account %s could not be decided (try %d): %s", account_id, tries, type(error).__name__)
    since = now if parking is None else parking.since
    return Parking(account_id=account_id, until=now + pause, tries=tries, error=told, since=since)


def park(connection: Connection, account_id: str, error: Exception, now: datetime) -> Decided:
    """Park a locked account that cannot even be read or written, whatever it is that fails."""
    longer = _longer(account_id, accounts.parked(connection, [account_id]).get(account_id), error, now)
    note = Note(kind=NoteKind.PARKED, at=now, detail={"error": longer.error, "tries": longer.tries})
    decisions.write_journal(connection, [(account_id, note)], [])
    accounts.park(connection, [longer])
    return Decided(accounts=1, parked=1)


def _write(connection: Connection, moved: Sequence[_Moved], now: datetime) -> Decided:
    """Everything that came of it, in one order."""
    steps = [each.step for each in moved]
    withdrawn = [(step.account.id, withdrawal) for step in steps for withdrawal in step.withdrawals]
    written = [message for step in steps for message in step.messages]
    opened = [escalation for step in steps for escalation in step.escalations]
    changed = [each for each in moved if not _stands(each.before.account, each.step.account, now)]
    accounts.save(connection, [(each.step.account, each.before.version) for each in changed], now)
    event_store.keep(connection, [event for step in steps for event in step.events])
    decisions.record(connection, [decision for step in steps for decision in step.decisions])
    decisions.write_journal(
        connection,
        [(step.account.id, note) for step in steps for note in step.notes],
        [postponement for step in steps for postponement in step.postponements],
    )
    messages.cancel(connection, withdrawn, now)
    messages.add(connection, [(message, _address(message)) for message in written], now)
    decisions.close_escalations(connection, withdrawn, now)
    decisions.open_escalations(connection, opened)
    _write_timers(connection, moved)
    return Decided(
        accounts=len(steps),
        decisions=sum(len(step.decisions) for step in steps),
        messages=len(written),
        escalations=len(opened),
        parked=sum(each.parking is not None for each in moved),
    )


def _stands(before: Account, after: Account, now: datetime) -> bool:
    """Whether the account's row may stay as it is: nothing changed, or a wake found nothing but when to look again.

    Its timer says when. The instant in the document is over then, so whoever reads it knows to ask the timer.
    """
    if after is before:
        return True
    return _over(before, now) and before.basis == after.basis and all(map(is_, _LASTING(before), _LASTING(after)))


def _write_timers(connection: Connection, moved: Sequence[_Moved]) -> None:
    accounts.set_wakes(connection, [each.step.account for each in moved if _timer_moved(each)])
    accounts.park(connection, [each.parking for each in moved if each.parking is not None])
    accounts.unpark(connection, [each.name for each in moved if each.was and each.parking is None])


def _timer_moved(each: _Moved) -> bool:
    before, after = each.before.account, each.step.account
    return (before.wake_at, before.basis) != (after.wake_at, after.basis)


def _address(message: Message) -> str | None:
    """The normalised address; None for a mail that cannot be written, which the door will name, and for no address."""
    if message.channel is not Channel.EMAIL:
        return message.address or None
    return _normalised(message.address)


def _normalised(address: str) -> str | None:
    try:
        return normalise(address)
    except AddressError:
        return None


def by_account(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Events by the account that they name."""
    grouped: dict[str, list[Event]] = {}
    for event in events:
        grouped.setdefault(event.account or "", []).append(event)
    return grouped
