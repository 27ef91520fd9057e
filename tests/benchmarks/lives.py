"""Lives: a few dozen accounts of different ages and fates, made by the product's own code up to the present instant.

Every account of the benchmark is one of them under another id: its document and its timer are what ``advance`` left, so
that what is measured is the steady state, with documents of real size.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from orchestrator.core.account import Account
from orchestrator.core.decisions import Decision
from orchestrator.core.events import OWN_SOURCE, Event, EventKind
from orchestrator.core.facts import Value, Written
from orchestrator.core.lifecycle import advance, opened
from orchestrator.core.people import Person, learn
from orchestrator.core.playbook import Playbook

NOW = datetime(2026, 4, 15, 10, 0, tzinfo=UTC)  # a Wednesday; the clock of the benchmark is held here
LIVES = 40  # different ones
WATCHED, UNWATCHED = "Logged In", "Page Viewed"  # events that rules look at, and that none does
UNFINISHED = 3  # of ten lives: those with milestones still to be reached
PEOPLE = ("champion", "member")  # an account's persons, by role
SETUP = ("Integration Connected", "Data Imported", "Invite Sent", "Report Created")  # each completes a milestone
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One account as it stands at NOW."""

    account: Account
    people: tuple[Person, ...]
    todo: tuple[str, ...]  # events that would each complete a milestone, in this order
    decisions: tuple[Decision, ...]  # all that was decided, in time


def lives(playbook: Playbook, number: int = LIVES) -> list[Life]:
    """The lives, the same every time."""
    return [_lived(index, playbook) for index in range(number)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All that the world ever said of one account, up to NOW."""

    account: str
    age: int  # days
    done: int  # steps of the set-up
    people: tuple[Person, ...]
    calls: tuple[Event, ...]  # in the order of their occurrence


def past(index: int) -> Past:
    """The past of one life, the same every time."""
    rng = Random(index)
    account, age = f"life-{index}", rng.randint(3, 120)
    done = rng.randint(0, len(SETUP) - 1) if index % 10 < UNFINISHED else len(SETUP)
    calls = tuple(sorted(_calls(account, age, SETUP[:done], rng), key=lambda event: event.stamp))
    people = tuple(learn(Person(id=name), (call for call in calls if call.person == name)) for name in _names(account))
    return Past(account=account, age=age, done=done, people=people, calls=calls)


def relived(past: Past, playbook: Playbook) -> int:
    """Live through a past; how many calls of ``advance`` it took."""
    return _run(past, playbook)[1]


def _lived(index: int, playbook: Playbook) -> Life:
    known = past(index)
    account, _, decisions = _run(known, playbook)
    return Life(account=account, people=known.people, todo=SETUP[known.done :], decisions=tuple(decisions))


def _names(account: str) -> tuple[str, ...]:
    return tuple(f"{account}-{role}" for role in PEOPLE)


def _calls(account: str, age: int, setup: tuple[str, ...], rng: Random) -> Iterator[Event]:
    """A sign-up, who they are, the set-up in the first days, and work on most days."""
    start = NOW - age * _DAY - timedelta(minutes=rng.randint(0, 600))
    person, other = _names(account)
    yield _event(account, person, "Signed Up", start)
    yield _event(account, None, "group", start, EventKind.GROUP, name=f"Company {account}", plan="team", seats=12)
    for name, role in ((person, "champion"), (other, "")):
        traits = {"email": f"{name}@example.com", "firstName": "Ann", "role": role, "timezone": "Europe/Dublin"}
        yield _event(account, name, "identify", start, EventKind.IDENTIFY, **traits)
    for position, name in enumerate(setup):
        yield _event(account, person, name, start + position * _DAY / 2 + timedelta(hours=2), count=1)
    for day in range(1, age):
        at = start + day * _DAY
        if day == age - 1 or rng.random() < 0.7:
            yield _event(account, person, "Logged In", at)
        if setup == SETUP and rng.random() < 0.5:
            yield _event(account, person, "Report Created", at, user_id=rng.choice((person, other)), count=2)
            yield _event(account, person, "Feature Used", at, feature=f"feature-{rng.randint(1, 9)}")


def _event(
    account: str, person: str | None, name: str, at: datetime, kind: EventKind = EventKind.TRACK, /, **said: str | int
) -> Event:
    return Event(
        source="segment",
        message_id=f"{name}-{at.isoformat()}-{person}",
        account=account,
        person=person,
        kind=kind,
        name=name,
        occurred_at=at,
        received_at=at,
        properties=dict(said),
    )


def _run(past: Past, playbook: Playbook) -> tuple[Account, int, list[Decision]]:
    """Live from event to event and from wake to wake up to NOW; every mail leaves at once.

    Also: the calls it took, and what was decided.
    """
    waiting, people, taken, decisions = list(past.calls), past.people, 1, list[Decision]()
    account = opened(past.account, waiting[0].occurred_at, playbook)
    now = account.created_at
    while now <= NOW:
        arrived = [call for call in waiting if call.occurred_at <= now]
        waiting = waiting[len(arrived) :]
        step = advance(account, people, arrived, now, playbook)
        decisions += step.decisions
        sent = [_sent(account.id, message.play, message.episode, now) for message in step.messages]
        account = advance(step.account, people, sent, now, playbook).account if sent else step.account
        taken += 1 + bool(sent)
        ahead = [at for at in (account.wake_at, *(call.occurred_at for call in waiting[:1])) if at is not None]
        now = max(now, min(ahead)) if ahead else NOW + _DAY
    return advance(account, people, (), NOW, playbook).account, taken, decisions


def _sent(account: str, play: str, episode: str, at: datetime) -> Event:
    sent = _event(account, None, "message_sent", at, play=play, episode=episode)
    return replace(sent, source=OWN_SOURCE)


def happened(account: str, name: str) -> Event:
    """An event of an account that has just happened."""
    return _event(account, None, name, NOW - timedelta(minutes=5))


def under(life: Life, account: str) -> tuple[Person, ...]:
    """A life's people as another account's, each with an address of their own."""
    return tuple(
        replace(person, id=name, traits={**person.traits, "email": _address(person, f"{name}@example.com")})
        for person, name in zip(life.people, _names(account), strict=True)
    )


def _address(person: Person, address: Value) -> Written:
    return replace(person.traits["email"], value=address)
