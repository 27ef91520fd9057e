"""Lives: an account taken through its events and wakes, in several ways, and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator.core.account import Account
from orchestrator.core.decisions import Decision, Step
from orchestrator.core.events import Event
from orchestrator.core.lifecycle import advance, opened
from orchestrator.core.people import Person
from orchestrator.core.playbook import Playbook

HOURLY = timedelta(hours=1)


def unsure(account: Account) -> Account:
    """The same account, with its basis forgotten: nothing may be cut short."""
    return replace(account, basis="")


def same(left: Account, right: Account) -> bool:
    """Whether two accounts are equal but for what was forgotten."""
    return replace(left, basis="") == replace(right, basis="")


def outputs(step: Step) -> tuple[object, ...]:
    """All that a step says, but for the account."""
    parts = (
        step.decisions,
        step.postponements,
        step.messages,
        step.escalations,
        step.withdrawals,
        step.notes,
        step.events,
    )
    return tuple(each for part in parts for each in part)


@dataclass
class Life:
    """An account on its way, and the steps it took."""

    account: Account
    people: Sequence[Person]
    playbook: Playbook
    now: datetime
    cut_short: bool = True  # False: each call goes the full way
    steps: list[tuple[datetime, Step]] = field(default_factory=list)

    def step(self, now: datetime, events: Sequence[Event] = ()) -> Step:
        before = self.account if self.cut_short else unsure(self.account)
        step = advance(before, self.people, events, now, self.playbook)
        self.account, self.now = step.account, now
        self.steps.append((now, step))
        return step

    def sleep(self, until: datetime, *, hourly: bool = False) -> None:
        """Wake whenever ``wake_at`` says so, up to an instant; hourly: also each hour."""
        while True:
            ticks = [self.now + HOURLY] if hourly else []
            wakes = [self.account.wake_at] if self.account.wake_at is not None else []
            first = min([*ticks, *wakes, until])
            if first >= until:
                return
            self.step(first)

    def live(self, events: Iterable[Event], until: datetime, *, hourly: bool = False) -> "Life":
        """Each event arrives when it happens; in between the account sleeps. A new one is looked at as it is opened."""
        if not self.steps:
            self.step(self.now)
        for each in sorted(events, key=lambda event: event.stamp):
            self.sleep(each.occurred_at, hourly=hourly)
            self.step(each.occurred_at, [each])
        self.sleep(until, hourly=hourly)
        return self

    @property
    def decisions(self) -> list[Decision]:
        return [decision for _, step in self.steps for decision in step.decisions]

    @property
    def said(self) -> list[object]:
        return [each for _, step in self.steps for each in outputs(step)]


def life(people: Sequence[Person], playbook: Playbook, at: datetime, *, cut_short: bool = True) -> Life:
    """A new account that never moved."""
    return Life(account=opened("a", at, playbook), people=people, playbook=playbook, now=at, cut_short=cut_short)
