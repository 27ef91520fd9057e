"""A life under a shipped playbook: events in, decisions out, woken whenever the engine asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from orchestrator.core.account import Outcome
from orchestrator.core.decisions import Decision, Escalation, Message, Note, NoteKind, Step, Withdrawal
from orchestrator.core.events import Event, EventKind, Json
from orchestrator.core.lifecycle import advance, opened
from orchestrator.core.people import Person, learn
from orchestrator.core.playbook import Playbook

START = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)


def event(name: str, days: float, kind: EventKind = EventKind.TRACK, **properties: Json) -> Event:
    """Something that happened so many days after the start."""
    at = START + days * DAY
    return Event(
        source="product",
        message_id=f"{name}@{days}{sorted(properties.items())}",
        account="acme",
        person="ann",
        kind=kind,
        name=name,
        occurred_at=at,
        received_at=at,
        properties=properties,
    )


def traits(days: float = 0, **properties: Json) -> Event:
    """A group call: what the product says of the account."""
    return event("group", days, EventKind.GROUP, **properties)


def somebody() -> Person:
    """Ann, whom mail can reach."""
    who = event("identify", 0, EventKind.IDENTIFY, email="ann@acme.example", firstName="Ann")
    return learn(Person(id="ann"), [who])


@dataclass
class Life:
    """What came of an account."""

    steps: list[Step] = field(default_factory=list)
    people: Sequence[Person] = field(default_factory=lambda: (somebody(),))

    @property
    def decisions(self) -> list[Decision]:
        return [each for step in self.steps for each in step.decisions]

    @property
    def messages(self) -> list[Message]:
        return [each for step in self.steps for each in step.messages]

    @property
    def escalations(self) -> list[Escalation]:
        return [each for step in self.steps for each in step.escalations]

    @property
    def withdrawals(self) -> list[Withdrawal]:
        return [each for step in self.steps for each in step.withdrawals]

    @property
    def notes(self) -> list[Note]:
        return [each for step in self.steps for each in step.notes]

    @property
    def done(self) -> list[str]:
        """The plays that were done, in order."""
        return [each.play for each in self.decisions if each.outcome is Outcome.DONE]

    @property
    def stages(self) -> list[tuple[object, float]]:
        """The stages that were entered, with the day of the entry."""
        found = [note.detail for note in self.notes if note.kind is NoteKind.STAGE]
        return [(each["target"], (datetime.fromisoformat(str(each["entered_at"])) - START) / DAY) for each in found]

    def when(self, play: str) -> list[float]:
        """The days since the start on which a play was done."""
        return [
            (each.decided_at - START) / DAY
            for each in self.decisions
            if each.play == play and each.outcome is Outcome.DONE
        ]


def lived(
    playbook: Playbook, events: Iterable[Event], until_day: float, people: Sequence[Person] | None = None
) -> Life:
    """The life of an account to a day: each event as it happens, each wake when it is asked for."""
    life = Life() if people is None else Life(people=people)
    waiting = sorted(events, key=lambda each: each.stamp)
    account, now, end = opened("acme", START, playbook), START, START + until_day * DAY
    while now <= end:
        batch = [each for each in waiting if each.occurred_at <= now]
        waiting = waiting[len(batch) :]
        step = advance(account, life.people, batch, now, playbook)
        life.steps.append(step)
        account = step.account
        coming = [at for at in (step.wake_at, waiting[0].occurred_at if waiting else None) if at is not None]
        now = min(coming, default=end + DAY)
    return life
