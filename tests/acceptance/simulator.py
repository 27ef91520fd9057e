"""What ought to come of an account: the same calls through the pure core, in memory, one account at a time.

It knows nothing of streams, databases, workers or relays: it folds, decides and asks at the door, at the instants that
the core itself names. What the running installation did is held against it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from orchestrator.core.account import Account, Outcome
from orchestrator.core.decisions import Cancel, Decision, Message, Send, Wait
from orchestrator.core.door import release
from orchestrator.core.events import OWN_SOURCE, Event, EventKind
from orchestrator.core.lifecycle import advance, opened
from orchestrator.core.people import Contact, Person, learn
from orchestrator.core.playbook import Channel, Playbook
from orchestrator.core.reasons import DecisionReason
from orchestrator.intake.segment import parse_call
from tests.acceptance.cohort import Member

WEEK = timedelta(days=7)
MOST_LIVES = 100  # that are tried of one account, before what it gets is called chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Nothing runs from ``begin`` on, until ``end``."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What became of a play for an episode; equal skips in a row share the first one's record."""

    account: str
    play: str
    episode: str
    outcome: Outcome
    reason: DecisionReason
    repeats: int


def _comes_up(message: Message) -> datetime:
    """When something becomes of it."""
    return message.not_before if message.channel is Channel.EMAIL else message.not_after + timedelta(microseconds=1)


def _urgency(message: Message) -> tuple[int, datetime, datetime, str, UUID]:
    return (message.priority, message.not_before, message.due_at, message.play, message.id)


@dataclass(slots=True, kw_only=True)
class Chance:
    """Which of several mails that may leave at one instant goes first: as told, and then by urgency.

    The senders beside one another keep no order among what they have in hand; who comes first uses up the day's cap, so
    that only the first of them makes a difference.
    """

    told: tuple[int, ...] = ()  # by turn: the place of the one that goes first
    options: list[int] = field(default_factory=list)  # by turn: how many there were to choose from

    def arranged(self, mails: Sequence[Message]) -> list[Message]:
        """These mails in the order in which they come to the door."""
        contending = [each for each in mails if not each.exempt]
        if len(contending) < 2:
            return list(mails)
        turn = len(self.options)
        self.options.append(len(contending))
        first = contending[self.told[turn] if turn < len(self.told) else 0]
        return [first, *(each for each in mails if each is not first)]

    @property
    def others(self) -> Iterator[tuple[int, ...]]:
        """What else could have been told, with the same beginning."""
        for turn in range(len(self.told), len(self.options)):
            padding = (0,) * (turn - len(self.told))
            yield from ((*self.told, *padding, pick) for pick in range(1, self.options[turn]))


@dataclass(slots=True)
class Life:
    """An account on its way, its one person, and what was said to them."""

    id: str
    playbook: Playbook
    chance: Chance
    account: Account | None = None
    people: dict[str, Person] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    pending: list[Message] = field(default_factory=list)
    decided: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    escalations: set[UUID] = field(default_factory=set)
    open_work: dict[str, UUID] = field(default_factory=dict)  # by cause: one open for one cause
    instants: list[datetime] = field(default_factory=list)

    def live(self, arrivals: Sequence[tuple[datetime, Event]], end: datetime, outages: Sequence[Outage] = ()) -> "Life":
        """Take it through what arrives, up to and including ``end``."""
        waiting = sorted(arrivals, key=lambda arrival: arrival[0])
        now = waiting[0][0]
        while True:
            now = _running(now, outages)
            arrived = [event for at, event in waiting if at <= now]
            waiting = [(at, event) for at, event in waiting if at > now]
            self.visit(arrived, now)
            following = self.following(now, waiting)
            if following is None or following > end:
                return self
            now = following

    def following(self, now: datetime, waiting: Sequence[tuple[datetime, Event]]) -> datetime | None:
        assert self.account is not None
        wake = [self.account.wake_at] if self.account.wake_at is not None else []
        instants = [*wake, *(at for at, _ in waiting[:1]), *map(_comes_up, self.pending)]
        return min((at for at in instants if at > now), default=None)

    def visit(self, arrived: Sequence[Event], now: datetime) -> None:
        """Decide at an instant until nothing is left to do at it."""
        self.instants.append(now)
        events = list(arrived)
        while True:
            self.step(events, now)
            mails = self.chance.arranged(self.sendable(now))
            events = [outcome for message in mails if (outcome := self.knock(message, now)) is not None]
            events += [self.ended(message, now) for message in self.expired(now)]
            if not events and not self.sendable(now):
                return

    def step(self, events: Sequence[Event], now: datetime) -> None:
        for event in events:
            if event.kind is EventKind.IDENTIFY and event.person is not None:
                self.people[event.person] = learn(self.people.get(event.person, Person(id=event.person)), [event])
        before = self.account or opened(self.id, now, self.playbook)
        step = advance(before, list(self.people.values()), events, now, self.playbook)
        self.account = step.account
        self.decisions += step.decisions
        self.decided += step.messages
        withdrawn = {(each.play, each.episode) for each in step.withdrawals}
        self.pending = [each for each in self.pending if (each.play, each.episode) not in withdrawn]
        self.pending += [each for each in step.messages if (each.play, each.episode) not in withdrawn]
        self.open_work = {
            cause: each for cause, each in self.open_work.items() if cause not in {w.play for w in step.withdrawals}
        }
        for each in step.escalations:
            self.escalations.add(self.open_work.setdefault(each.play, each.id))

    def sendable(self, now: datetime) -> list[Message]:
        mails = (each for each in self.pending if each.channel is Channel.EMAIL and each.not_before <= now)
        return sorted(mails, key=_urgency)

    def knock(self, message: Message, now: datetime) -> Event | None:
        """Take a message to the door; the outcome, if it has come to its end."""
        assert self.account is not None
        contact = self.contacts.get(message.address, Contact(address=message.address))
        self.pending.remove(message)
        match release(message, self.account, self.people.get(message.person), contact, now, self.playbook):
            case Wait(until=until):
                self.pending.append(replace(message, not_before=until))
                return None
            case Cancel():
                return self.outcome(message, "message_cancelled", now)
            case Send():
                if not message.exempt:
                    recent = tuple(at for at in contact.sends if at > now - WEEK)
                    self.contacts[message.address] = replace(contact, sends=(*recent, now))
                self.sent.append(message)
                return self.outcome(message, "message_sent", now)

    def expired(self, now: datetime) -> list[Message]:
        """What goes by a channel that nothing delivers, after its time."""
        return [each for each in self.pending if each.channel is not Channel.EMAIL and each.not_after < now]

    def ended(self, message: Message, now: datetime) -> Event:
        self.pending.remove(message)
        return self.outcome(message, "message_cancelled", now)

    def outcome(self, message: Message, name: str, now: datetime) -> Event:
        return Event(
            source=OWN_SOURCE,
            message_id=f"{message.id}:{name}",
            account=self.id,
            person=message.person or None,
            kind=EventKind.TRACK,
            name=name,
            occurred_at=now,
            received_at=now,
            properties=message.told,
        )

    @property
    def touches(self) -> Iterable[Touch]:
        records = {(each.play, each.first_episode or each.episode): each for each in self.decisions}
        for (play, episode), last in records.items():
            yield Touch(
                account=self.id,
                play=play,
                episode=episode,
                outcome=last.outcome,
                reason=last.reason,
                repeats=last.repeats,
            )


def _running(now: datetime, outages: Sequence[Outage]) -> datetime:
    """When something runs again: now, or the end of the outage that we are in."""
    return next((outage.end for outage in outages if outage.begin < now < outage.end), now)


def arrivals(member: Member) -> list[tuple[datetime, Event]]:
    """An account's calls as events, each with when it arrives."""
    return [
        (cue.at, replace(parse_call(cue.call, source="segment", received_at=cue.at).event, account=member.account))
        for cue in member.cues
    ]


def simulate(
    member: Member,
    playbook: Playbook,
    end: datetime,
    *,
    outages: Sequence[Outage] = (),
    chance: Chance | None = None,
) -> Life:
    """Take one account through its calls, up to ``end``."""
    life = Life(id=member.account, playbook=playbook, chance=chance or Chance())
    return life.live(arrivals(member), end, outages)


def _left_to_chance(life: Life, member: Member, playbook: Playbook, end: datetime, outages: Sequence[Outage]) -> bool:
    """Whether it is chance what this account gets: which of the mails that may leave at one instant goes first.

    All that can happen is lived through, as far as MOST_LIVES: who has more than those is taken to be left to chance.
    """
    sent, waiting, lives = {each.id for each in life.sent}, list(life.chance.others), 1
    while waiting:
        lives += 1
        if lives > MOST_LIVES:
            return True
        chance = Chance(told=waiting.pop())
        other = simulate(member, playbook, end, outages=outages, chance=chance)
        if {each.id for each in other.sent} != sent:
            return True
        waiting += chance.others
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What ought to come of many accounts."""

    touches: frozenset[Touch]
    sent: frozenset[UUID]  # what must arrive
    chance: frozenset[UUID]  # what may arrive: of two mails of one instant, the second may find no room any more
    escalations: frozenset[UUID]
    events: int  # calls of the product
    instants: int  # how many different ones


def expected(members: Sequence[Member], playbook: Playbook, end: datetime, outages: Sequence[Outage] = ()) -> Expected:
    """What ought to come of these accounts by ``end``."""
    lives = [(member, simulate(member, playbook, end, outages=outages)) for member in members]
    chance = {life.id for member, life in lives if _left_to_chance(life, member, playbook, end, outages)}
    sent = [message for _, life in lives for message in life.sent]
    return Expected(
        touches=frozenset(touch for _, life in lives for touch in life.touches),
        sent=frozenset(message.id for message in sent if message.account not in chance),
        chance=frozenset(message.id for _, life in lives for message in life.decided if life.id in chance),
        escalations=frozenset(each for _, life in lives for each in life.escalations),
        events=sum(len(member.cues) for member in members),
        instants=len({at for _, life in lives for at in life.instants}),
    )
