"""What happens then: the real ``advance`` and ``release`` on made-up events, told line by line.

A life begins on a Monday and is woken whenever the engine asks. One person can be reached; the relay takes every mail,
and nobody takes the other messages or approves a draft.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from orchestrator.core.account import Account, Outcome
from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import View
from orchestrator.core.decisions import Cancel, Decision, Message, Note, NoteKind, Send, Step, Wait
from orchestrator.core.door import release
from orchestrator.core.errors import UndecidableError
from orchestrator.core.events import OWN_EVENTS, OWN_SOURCE, Event, EventKind, Json
from orchestrator.core.facts import Fact, Value
from orchestrator.core.lifecycle import advance, opened
from orchestrator.core.people import Contact, Person, learn
from orchestrator.core.playbook import Channel, Playbook

MOST_LINES = 12  # of a timeline
_MOST_REPEATS = 30  # events of one name that are made up
_MOST_INSTANTS = 500  # at which a life is looked at
_WEEK = 7 * DAY
_ACCOUNT, _PERSON = "acme", "ann"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened."""

    at: datetime
    kind: str  # event, stage, milestone, opened, closed, done, skipped, postponed, sent, left, draft, cancelled, stuck
    about: str  # the event, stage, milestone, signal or play
    why: str = ""  # the reason and what decided, for a person


@dataclass(slots=True)
class _Life:
    """An account under way."""

    playbook: Playbook
    events: list[Event]  # to come, in order
    account: Account
    people: tuple[Person, ...]
    contact: Contact
    now: datetime  # the last instant that was looked at
    messages: list[Message] = field(default_factory=list)  # on their way
    outcomes: list[Event] = field(default_factory=list)  # to be folded
    told: list[Happening] = field(default_factory=list)

    def live(self, now: datetime) -> None:
        """All that happens at one instant."""
        self.now = now
        arrived = [event for event in self.events if event.occurred_at <= now]
        self.events = self.events[len(arrived) :]
        self.told += [Happening(at=now, kind="event", about=_named(event)) for event in arrived]
        while True:
            step = advance(self.account, self.people, [*arrived, *self.outcomes], now, self.playbook)
            self.account, arrived, self.outcomes = step.account, [], []
            self.told += _told(step, now, self.playbook)
            self.take(step)
            self.deliver(now)
            if not self.outcomes:
                return

    def take(self, step: Step) -> None:
        gone = {(each.play, each.episode): each.reason for each in step.withdrawals}
        for message in [each for each in self.messages if (each.play, each.episode) in gone]:
            self.end(message, "cancelled", gone[message.play, message.episode].sentence, None)
        self.messages += [each for each in step.messages if each.channel is Channel.EMAIL and not each.draft]
        left = [each for each in step.messages if each.channel is not Channel.EMAIL or each.draft]
        waits = [(each, "draft" if each.draft else "left") for each in left]
        self.told += [Happening(at=self.now, kind=kind, about=each.play, why=each.channel) for each, kind in waits]

    def deliver(self, now: datetime) -> None:
        ready = [each for each in self.messages if each.not_before <= now]
        for message in sorted(ready, key=lambda each: (each.priority, each.not_before, each.id)):
            person = next((each for each in self.people if each.id == message.person), None)
            match release(message, self.account, person, self.contact, now, self.playbook):
                case Cancel(reason=reason):
                    self.end(message, "cancelled", reason.sentence, now)
                case Wait(until=until):
                    self.messages[self.messages.index(message)] = replace(message, not_before=until)
                case Send():
                    self.count(message, now)
                    self.end(message, "sent", "", now)
                case _ as unreachable:
                    assert_never(unreachable)

    def count(self, message: Message, now: datetime) -> None:
        if not message.exempt:
            recent = tuple(at for at in self.contact.sends if at > now - _WEEK)
            self.contact = replace(self.contact, sends=(*recent, now))

    def end(self, message: Message, state: str, why: str, now: datetime | None) -> None:
        """A message's end; one that was at the door is reported to its account."""
        self.messages.remove(message)
        self.told.append(Happening(at=self.now, kind=state, about=message.play, why=why))
        if now is not None:
            properties: dict[str, Json] = {"play": message.play, "episode": message.episode}
            name = f"message_{state}"
            self.outcomes.append(_event(name, now, f"{message.id}:{name}", properties, source=OWN_SOURCE))

    def following(self, after: datetime) -> datetime | None:
        coming = [self.account.wake_at, *(each.not_before for each in self.messages)]
        coming += [event.occurred_at for event in self.events[:1]]
        return min((max(at, after + timedelta(microseconds=1)) for at in coming if at is not None), default=None)


def lived(playbook: Playbook, events: Iterable[Event], until: datetime) -> tuple[Happening, ...]:
    """The life of an account to whom these events happen, up to an instant; it is in no holdout."""
    waiting = sorted(events, key=lambda event: event.stamp)
    start = waiting[0].occurred_at if waiting else until
    life = _Life(
        playbook=replace(playbook, holdout=None),
        events=waiting,
        account=opened(_ACCOUNT, start, playbook),
        people=(_reachable(start),),
        contact=Contact(address="ann@acme.example"),
        now=start,
    )
    now: datetime | None = start
    try:
        for _ in range(_MOST_INSTANTS):
            if now is None or now > until:
                break
            life.live(now)
            now = life.following(now)
    except UndecidableError as error:
        life.told.append(Happening(at=now or until, kind="stuck", about=playbook.name, why=str(error)))
    return tuple(life.told)


def _reachable(since: datetime) -> Person:
    said = _event("identify", since, "who", {"email": "ann@acme.example", "firstName": "Ann"}, EventKind.IDENTIFY)
    return learn(Person(id=_PERSON), [said])


def _told(step: Step, now: datetime, playbook: Playbook) -> Iterator[Happening]:
    """In the order of the rules: what has closed, what opens, then what follows from it."""
    notes = [note for note in step.notes if note.kind in _NOTED]
    at_once = [note for note in notes if note.kind is NoteKind.SIGNAL and note.detail["opened_at"] == now.isoformat()]
    yield from (_noted(note, now) for note in notes if note not in at_once)
    decisions = [(_kind(each, playbook), each) for each in step.decisions]
    yield from (_decided(kind, each, now) for kind, each in decisions if kind == "opened")
    yield from (_noted(note, now) for note in at_once)
    for each in step.postponements:
        yield Happening(at=now, kind="postponed", about=each.play, why=each.reason.sentence)
    yield from (_decided(kind, each, now) for kind, each in decisions if kind != "opened")


def _kind(decision: Decision, playbook: Playbook) -> str:
    opens = decision.outcome is Outcome.DONE and decision.play in playbook.signals
    return "opened" if opens else decision.outcome.value


def _decided(kind: str, decision: Decision, now: datetime) -> Happening:
    return Happening(at=now, kind=kind, about=decision.play, why=_because(decision))


_NOTED = frozenset({NoteKind.STAGE, NoteKind.MILESTONE, NoteKind.SIGNAL})  # what a timeline tells of the journal


def _noted(note: Note, now: datetime) -> Happening:
    match note.kind:
        case NoteKind.STAGE:
            return Happening(at=now, kind="stage", about=str(note.detail["target"]), why=str(note.detail["rule"]))
        case NoteKind.SIGNAL:
            return Happening(at=now, kind="closed", about=str(note.detail["signal"]), why=str(note.detail["closed"]))
        case _:
            return Happening(at=now, kind="milestone", about=str(note.detail["milestone"]))


def _because(decision: Decision) -> str:
    """The reason, with the clauses that decided."""
    against = [clause for clause in decision.clauses if clause.value and clause.verdict is not True]
    clauses = [clause for clause in against if clause.decisive] or against  # where two are against it neither decides
    values = "; ".join(f"{clause.text}: {clause.value}" for clause in clauses)
    return f"{decision.reason.value} ({values})" if values else decision.reason.value


def _named(event: Event) -> str:
    said = ", ".join(f"{key}: {value}" for key, value in event.properties.items())
    return f"{event.name} ({said})" if said else event.name


_WORDS = {
    "event": "{about}",
    "stage": "enters {about} ({why})",
    "milestone": "reaches {about}",
    "opened": "{about} opens",
    "closed": "{about} closes ({why})",
    "done": "{about} is done",
    "skipped": "{about} is skipped: {why}",
    "postponed": "{about} waits: {why}",
    "sent": "{about}: its mail leaves",
    "cancelled": "{about}: its mail is cancelled: {why}",
    "left": "{about}: its message ({why}) is ready to be taken",
    "draft": "{about}: its message waits for approval",
    "stuck": "the account cannot be decided: {why}",
}


def story(happenings: Sequence[Happening], first_day: int, end: str = "") -> tuple[str, ...]:
    """A timeline as lines, the day first, equal neighbours told once; the middle of a long one is left out."""
    if not happenings:
        return ()
    start = happenings[0].at
    lines = list(dict.fromkeys(_line(each, start, first_day) for each in happenings))
    if len(lines) > MOST_LINES:
        left = len(lines) - MOST_LINES
        lines = [*lines[: MOST_LINES // 2], f"… {left} more …", *lines[-MOST_LINES // 2 :]]
    return (*lines, end) if end else tuple(lines)


def _line(each: Happening, start: datetime, first_day: int) -> str:
    day = (each.at.date() - start.date()).days + first_day
    return f"day {day:>3} {each.at:%a %H:%M}  {_WORDS[each.kind].format(about=each.about, why=each.why)}"


# ------------------------------------------------------------------------------------------------- events of a witness


def events_of(view: View) -> list[Event]:
    """Events that add up to the facts of a View, as far as few of them can."""
    made = [event for name, fact in view.facts.events.items() for event in _occurrences(name, fact, view)]
    begun = min((event.occurred_at for event in made), default=view.now)
    said = {name: _plain(written.value) for name, written in view.facts.traits.items()}
    group = [_event("group", begun, "traits", said, EventKind.GROUP)] if said else []
    return [*group, *made]


def happened(name: str, at: datetime) -> Event:
    """One event of the product, with nothing in it."""
    return _event(name, at, name, {})


def _plain(value: Value) -> Json:
    return value.isoformat() if isinstance(value, datetime) else value


def _occurrences(name: str, fact: Fact, view: View) -> Iterator[Event]:
    source = OWN_SOURCE if name in OWN_EVENTS else "product"
    properties = list(_carried(name, view))
    count = max(min(fact.count, _MOST_REPEATS), len(properties))
    step = (fact.last - fact.first) / max(count - 1, 1)
    for number in range(count):
        person, carried = properties[number] if number < len(properties) else (_PERSON, {})
        at = fact.last if number == count - 1 else fact.first + number * step
        yield _event(name, at, f"{name}-{number}", carried, source=source, person=person)


def _carried(name: str, view: View) -> Iterator[tuple[str, dict[str, Json]]]:
    """What the events of a name carry so that the scores come out."""
    for score, rule in view.vocabulary.scores.items():
        if rule.event == name:
            answers = sorted(view.facts.scores.get(score, {}).items(), key=lambda item: item[1].stamp)
            yield from ((person, {rule.property: _plain(written.value)}) for person, written in answers)


def _event(
    name: str,
    at: datetime,
    identity: str,
    properties: Mapping[str, Json],
    kind: EventKind = EventKind.TRACK,
    source: str = "product",
    person: str = _PERSON,
) -> Event:
    return Event(
        source=source,
        message_id=identity,
        account=_ACCOUNT,
        person=person,
        kind=kind,
        name=name,
        occurred_at=at,
        received_at=at,
        properties=properties,
    )
