"""``golive``: accounts whose past was read in go live, by plan.

The plan gives each held account an instant, at the pace that was asked for, so that no burst leaves. It is shown before
it is made: the real engine takes a sample of the accounts live in memory, each at its instant, and lives them on for
some days as if nothing more were heard. Making it writes the instant into each account and its timer, under its lock;
``wake`` does the rest, when the instant has come. Nothing polls, and what was made can be taken back until then.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum, unique

from sqlalchemy import Connection

from orchestrator.core import timing
from orchestrator.core.account import Account
from orchestrator.core.decisions import Step
from orchestrator.core.lifecycle import HELD, advance
from orchestrator.core.people import Person
from orchestrator.core.playbook import Playbook
from orchestrator.core.reasons import DecisionReason
from orchestrator.core.segments import segment_of
from orchestrator.store import accounts
from orchestrator.store.accounts import Locked
from orchestrator.usecases.crowd import gather
from orchestrator.usecases.ports import Ports

PAGE = 500  # accounts that are read, or written in one transaction, together
MOST_STEPS = 1_000  # of one account in a preview; a playbook that asks for more is shown as far as that


@unique
class Order(StrEnum):
    """Who goes live first."""

    ID = "id"  # by the account's id
    NEWEST = "newest"  # those that began last
    OLDEST = "oldest"  # those that began first


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which of the held accounts are meant."""

    only: frozenset[str] | None = None  # these; None: all
    segment: str | None = None  # those of this segment
    order: Order = Order.ID
    planned: bool = False  # also those that have an instant already


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When each account goes live."""

    names: Sequence[str]  # in their order
    start: datetime  # of the first
    every: timedelta  # between two; nothing: all at once

    def at(self, number: int) -> datetime:
        """When the account of this number goes live."""
        return self.start + number * self.every

    @property
    def end(self) -> datetime:
        """When the last one goes live."""
        return self.at(max(len(self.names) - 1, 0))


@dataclass(slots=True, kw_only=True)
class Preview:
    """What a plan would do, as far as it was looked at."""

    looked_at: int = 0  # accounts
    undecided: int = 0  # of them, those that cannot be decided: they would be parked
    stages: Counter[str] = field(default_factory=Counter)  # accounts, by the stage in which they go live
    history: Counter[str] = field(default_factory=Counter)  # accounts, by the play that is skipped as history
    messages: Counter[tuple[date, str]] = field(default_factory=Counter)  # by UTC day and play
    work: Counter[tuple[date, str]] = field(default_factory=Counter)  # escalations, the same
    uncounted: int = 0  # accounts without the playbook's anchor: no day is counted for them
    beyond: int = 0  # accounts that go live after the days that were looked at


def choose(ports: Ports, which: Chosen) -> list[str]:
    """The held accounts that are meant, in their order."""
    with ports.engine.connect() as connection:
        names = accounts.held(connection, planned=which.planned)
        if which.only is not None:
            names = [name for name in names if name in which.only]
        if which.segment is None and which.order is Order.ID:
            return names
        return _sifted(connection, ports, names, which)


def _sifted(connection: Connection, ports: Ports, names: Sequence[str], which: Chosen) -> list[str]:
    found: list[tuple[datetime, str]] = []
    for locked in _pages(connection, names):
        account, playbook = locked.account, _playbook(connection, ports, locked)
        segment = segment_of(account.facts, playbook)
        if which.segment is None or (segment is not None and segment.name == which.segment):
            found.append((timing.anchor_of(account, playbook) or account.created_at, account.id))
    if which.order is Order.ID:
        return [name for _, name in found]
    return [name for _, name in sorted(found, reverse=which.order is Order.NEWEST)]


def _pages(connection: Connection, names: Sequence[str]) -> Iterator[Locked]:
    for start in range(0, len(names), PAGE):
        yield from accounts.load(connection, names[start : start + PAGE]).values()


def _playbook(connection: Connection, ports: Ports, locked: Locked) -> Playbook:
    return ports.library.edition(connection, locked.account.playbook_version).playbook


# ---------------------------------------------------------------------------------------------------------- preview


def preview(ports: Ports, plan: Plan, days: int, sample: int) -> Iterator[Preview]:
    """What the plan would do until so many days after its start, of at most ``sample`` accounts evenly taken.

    Gives the same preview again and again as it fills, so that somebody who waits sees it grow.
    """
    told, until = Preview(), plan.start + timedelta(days=days)
    step = max(-(-len(plan.names) // sample), 1)
    numbers = range(0, len(plan.names), step)
    with ports.engine.connect() as connection:
        for start in range(0, len(numbers), PAGE):
            chunk = {plan.names[number]: plan.at(number) for number in numbers[start : start + PAGE]}
            loaded = accounts.load(connection, chunk)
            crowd = gather(connection, ports, loaded, sorted(loaded))
            for name, locked in loaded.items():
                _look(told, locked, crowd.get(name, []), (chunk[name], until), _playbook(connection, ports, locked))
            yield told


def _look(
    told: Preview, locked: Locked, people: Sequence[Person], span: tuple[datetime, datetime], playbook: Playbook
) -> None:
    live_at, until = span
    told.looked_at += 1
    try:
        lived = list(_lived(planned(locked.account, live_at), people, until, playbook))
    except Exception:  # noqa: BLE001 -- whatever a rule raises: the account would be parked and its neighbours go on
        told.undecided += 1
        return
    told.beyond += live_at > until
    told.uncounted += timing.anchor_of(lived[0][1].account, playbook) is None
    told.stages[lived[0][1].account.stage] += 1
    skipped = {each.play for each in lived[0][1].decisions if each.reason is DecisionReason.BACKFILL}
    told.history.update(skipped)
    for at, step in lived:
        told.messages.update((at.date(), each.play) for each in step.messages)
        told.work.update((at.date(), each.play) for each in step.escalations)


def _lived(
    account: Account, people: Sequence[Person], until: datetime, playbook: Playbook
) -> Iterator[tuple[datetime, Step]]:
    """The steps of an account from its going live on, if nothing more is heard of it."""
    now = account.live_at
    for _ in range(MOST_STEPS):
        if now is None:
            return
        step = advance(account, people, [], now, playbook)
        yield now, step
        account, now = step.account, step.wake_at
        if now is not None and now > until:
            return


# ----------------------------------------------------------------------------------------------------------- making


def planned(account: Account, live_at: datetime | None) -> Account:
    """The account with the instant at which it goes live; None: it is held until further notice."""
    return replace(account, history=True, live_at=live_at, wake_at=live_at, basis=HELD)


def make(ports: Ports, plan: Plan) -> Iterator[int]:
    """Write the plan, page by page; gives how many accounts each transaction planned. Killed, it may be made again."""
    for start in range(0, len(plan.names), PAGE):
        page = {name: plan.at(start + number) for number, name in enumerate(plan.names[start : start + PAGE])}
        yield _write(ports, page)
    ports.nudges.wake()


def take_back(ports: Ports, names: Sequence[str]) -> Iterator[int]:
    """Hold these accounts until further notice, as far as they are not live yet; gives how many each time."""
    for start in range(0, len(names), PAGE):
        yield _write(ports, dict.fromkeys(names[start : start + PAGE]))


def _write(ports: Ports, page: dict[str, datetime] | dict[str, datetime | None]) -> int:
    """Who has gone live, or was merged away, meanwhile is left alone."""
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        names = accounts.lock(connection, page)
        loaded = accounts.load(connection, names)
        changed = [
            (planned(each.account, page[name]), each.version)
            for name, each in loaded.items()
            if each.account.held(now) and (each.account.live_at, each.account.basis) != (page[name], HELD)
        ]
        accounts.save(connection, changed, now)
        accounts.set_wakes(connection, [account for account, _ in changed])
        return len(changed)
