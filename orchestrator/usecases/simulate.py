"""``simulate``: the whole flow in memory. The same core, the same door, no database, no broker, no mail.

What happens at one instant has the order of the flow: first what arrived is folded and decided, then whoever's time has
come; then messages go to the door, the most urgent first, and what became of them is folded, until nothing is left.
Then time moves to the next arrival, wake-up or ``not_before``. So what is simulated can be compared with what really
ran, decision by decision (``lifecycle demo --events`` does), and a playbook can be tried on the past.

Identity is the flow's: the last call that says whom a person belongs to wins; what names no account waits for it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Literal, TypeAlias, assert_never

from orchestrator.core import families
from orchestrator.core.account import Account, known_as
from orchestrator.core.consent import Statement, statements, unsubscribed_at
from orchestrator.core.decisions import (
    Cancel,
    Decision,
    Escalation,
    Message,
    Note,
    NoteKind,
    Postponement,
    Send,
    Step,
    Wait,
    Withdrawal,
)
from orchestrator.core.door import release
from orchestrator.core.events import OWN_SOURCE, Event, EventKind, Json
from orchestrator.core.facts import concerns
from orchestrator.core.identities import Register
from orchestrator.core.lifecycle import absorb, advance, opened
from orchestrator.core.people import Contact, Person, learn, one_person
from orchestrator.core.playbook import Channel, Mode, Playbook
from orchestrator.core.reasons import MessageReason, PostponementReason
from orchestrator.intake.formats import parse
from orchestrator.intake.rejection import Rejection
from orchestrator.messaging.address import normalise
from orchestrator.messaging.errors import AddressError

SOURCE = "segment"  # who says what is simulated
WEEK = timedelta(days=7)  # the longest span that a cap counts
FIRST_PAUSE = timedelta(minutes=1)  # of an account that could not be decided; doubles with each failure
LONGEST_PAUSE = timedelta(hours=6)
_NO_PLACE = "simulated"  # of a call with neither id nor time: nothing stands in a stream here
_AHEAD = 1000  # calls that are read in a row
_MOMENT = timedelta(microseconds=1)  # the resolution of our clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A call of the product, at the instant at which it arrives."""

    at: datetime  # aware UTC
    call: bytes  # one Segment call
    source: str = SOURCE  # who says it; OWN_SOURCE for what our own people do


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """From here on the address of a person takes no mail."""

    at: datetime  # aware UTC
    person: str
    why: Literal["bounce", "complaint", "unsubscribed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A person looks at the drafts of a play that wait: they may leave, or they never will."""

    at: datetime  # aware UTC
    account: str
    play: str
    who: str
    approved: bool


Word: TypeAlias = Barred | Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a message."""

    message: Message
    state: str  # sent, cancelled, or pending or draft when the end came first
    reason: MessageReason | None  # why, when it was cancelled
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What became of a piece of work."""

    escalation: Escalation  # as it was opened; a repeat while it is open changes nothing here
    closed_at: datetime | None = None  # None: it is open
    reason: MessageReason | None = None  # why it was closed


What: TypeAlias = Decision | Postponement | Message | Ended | Worked | Withdrawal | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that was decided or done, when it was."""

    at: datetime
    account: str
    what: What


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What came of it."""

    accounts: Mapping[str, Account]  # as they are at the end
    decisions: tuple[Decision, ...]  # equal skips in a row share one
    messages: tuple[Ended, ...]
    escalations: tuple[Worked, ...]
    notes: tuple[tuple[str, Note], ...]  # the journal: (account, note)
    happened: tuple[Happening, ...]  # all of it by time and, within an instant, by account; each in its own order
    people: Mapping[str, tuple[Person, ...]]  # of each account, as they are known at the end
    instants: tuple[datetime, ...]  # at which something happened, in their order
    rejected: int  # calls that could not be read
    repeated: int  # calls that had arrived before
    waiting: int  # calls of persons whose account nobody has named
    parked: Mapping[str, str]  # accounts that cannot be decided, and the error


def simulate(
    arrivals: Iterable[Arrival], playbook: Playbook, end: datetime, *, words: Iterable[Word] = ()
) -> Simulated:
    """Live through these arrivals (in any order) and on to ``end`` (aware UTC), under one version of a playbook.

    ``words`` (in any order) are what no call says: addresses that take no mail any more, drafts that were looked at.
    """
    world = _World(
        playbook=playbook,
        arrivals=sorted(arrivals, key=lambda arrival: arrival.at, reverse=True),
        words=sorted(words, key=lambda word: word.at, reverse=True),
        substitutes=any(play.audience.fallback or play.unreachable for play in playbook.plays.values()),
    )
    while (now := world.following()) is not None and now <= end:
        world.live(now)
    return world.told(end)


@dataclass(slots=True, kw_only=True)
class _World:
    """Everything there is, while time passes; it never leaves ``simulate``."""

    playbook: Playbook
    arrivals: list[Arrival]  # to come, the next one last
    read: list[tuple[datetime, tuple[Event, ...]]] = field(default_factory=list)  # the next of them, in the same order
    words: list[Word] = field(default_factory=list)  # the same
    substitutes: bool = False  # whether somebody, or a human's work, stands in for whoever takes no mail
    accounts: dict[str, Account] = field(default_factory=dict)
    people: dict[str, dict[str, Person]] = field(default_factory=dict)  # account -> person
    contacts: dict[str, Contact] = field(default_factory=dict)  # by normalised address
    consents: dict[str, list[Statement]] = field(default_factory=dict)  # what was said of getting mail, by the same
    register: Register = field(default_factory=Register)  # who is who, and where they belong
    parents: dict[str, families.Parentage] = field(default_factory=dict)  # by account: the last word on its parent
    sent_to: dict[tuple[str, str, str, str], set[str]] = field(default_factory=dict)  # a touch -> whose
    tied: bool = False  # whether at this instant anybody has become known, perhaps under another id
    united: set[str] = field(default_factory=set)  # accounts of persons who have become known under another id
    unlinked: dict[str, list[Event]] = field(default_factory=dict)  # by person
    keys: set[tuple[str, str]] = field(default_factory=set)  # of the events that have arrived
    alarms: dict[str, datetime] = field(default_factory=dict)  # by account: when it is looked at again
    wakes: list[tuple[datetime, str]] = field(default_factory=list)  # a heap of them; what has moved is passed over
    pending: dict[str, list[Message]] = field(default_factory=dict)  # by account
    doors: list[tuple[datetime, str]] = field(default_factory=list)  # the same of messages, by account
    outcomes: dict[str, list[Event]] = field(default_factory=dict)  # by account, to be folded
    failures: dict[str, tuple[datetime, int, str]] = field(
        default_factory=dict
    )  # account -> parked until, tries, error
    ended: list[Ended] = field(default_factory=list)
    decisions: dict[tuple[str, str, str, datetime], Decision] = field(default_factory=dict)
    work: list[Worked] = field(default_factory=list)  # closed
    open: dict[tuple[str, str], Worked] = field(default_factory=dict)  # by account and play: one for one cause
    notes: list[tuple[str, Note]] = field(default_factory=list)
    happened: list[Happening] = field(default_factory=list)
    instants: list[datetime] = field(default_factory=list)
    rejected: int = 0
    repeated: int = 0

    # -- time --------------------------------------------------------------------------------------------------------

    def following(self) -> datetime | None:
        """The next instant at which something happens."""
        while self.wakes and self.alarms.get(self.wakes[0][1]) != self.wakes[0][0]:
            heappop(self.wakes)
        while self.doors and not self._at_door(*self.doors[0]):
            heappop(self.doors)
        if not self.read:
            self._read_on()
        words = [each.at for each in self.words[-1:]]
        return min([*words, *(at for at, _ in (*self.read[-1:], *self.wakes[:1], *self.doors[:1]))], default=None)

    def _at_door(self, at: datetime, name: str) -> list[Message]:
        """The messages of an account that come to the door at an instant."""
        return [message for message in self.pending.get(name, ()) if _comes_up(message) == at]

    def _keep(self, account: Account) -> None:
        """The account as it is now, with the instant at which it is looked at again."""
        self.accounts[account.id] = account
        parked = self.failures.get(account.id)
        wake = account.wake_at if parked is None else parked[0]
        if wake != self.alarms.get(account.id):
            self._set_alarm(account.id, wake)

    def _set_alarm(self, name: str, wake: datetime | None) -> None:
        if wake is None:
            del self.alarms[name]
        else:
            self.alarms[name] = wake
            heappush(self.wakes, (wake, name))

    def _rung(self, now: datetime) -> set[str]:
        """The accounts whose time has come."""
        rung = {name for at, name in _taken(self.wakes, now) if self.alarms.get(name) == at}
        for name in rung:
            del self.alarms[name]
        return rung

    def live(self, now: datetime) -> None:
        """All that happens at one instant."""
        self.instants.append(now)
        arrived = self._arrived(now)
        for name in sorted(arrived.keys() | self.united):
            if name in self.united or self._matters(name, arrived[name]):
                self._step(name, arrived.get(name, []), now)
        self.united.clear()
        while self.words and self.words[-1].at <= now:
            self._hear(self.words.pop(), now)
        while self._wake(now) or self._deliver(now):
            pass

    def _matters(self, name: str, events: Sequence[Event]) -> bool:
        """Whether the account is new or its playbook knows any of this: as in the flow, nothing else is looked at."""
        return name not in self.accounts or any(concerns(event, self.playbook.vocabulary) for event in events)

    # -- events in ---------------------------------------------------------------------------------------------------

    def _arrived(self, now: datetime) -> dict[str, list[Event]]:
        """What arrives at this instant, by account: one batch; who is who is known before anything is folded."""
        events, self.tied = list[Event](), False
        while self.read and self.read[-1][0] <= now:
            _, told = self.read.pop()
            self.rejected += not told
            events += [each for event in told for each in self._new(event)]
            if not self.read:
                self._read_on()
        for word in families.parentages(events).values():
            held = self.parents.get(word.account, word)
            self.parents[word.account] = word if word.stamp > held.stamp else held
        grouped: dict[str, list[Event]] = {}
        for event in events:
            grouped.setdefault(event.account or "", []).append(self.register.named(event) if self.tied else event)
        return grouped

    def _read_on(self) -> None:
        """Read some of what is to come in a row: that costs less than between decisions."""
        block = self.arrivals[-_AHEAD:]
        del self.arrivals[-_AHEAD:]
        self.read = [(each.at, _read(each)) for each in block]

    def _new(self, event: Event) -> list[Event]:
        if (event.source, event.message_id) in self.keys:
            self.repeated += 1
            return []
        self.keys.add((event.source, event.message_id))
        return self._resolved(event)

    def _resolved(self, event: Event) -> list[Event]:
        """The event with its account, and what waited for what it says of its person; nothing while that is unknown."""
        freed: list[Event] = []
        if not self.register.settled(event):
            self.register.read([event])
            self.tied = self.tied or bool(self.register.freed)
            freed = [each for person in sorted(self.register.freed) for each in self.unlinked.pop(person, [])]
            self._unite(event.received_at)
        named = self.register.named(event)
        if named.account is None:
            self.unlinked.setdefault(named.person or "", []).append(named)
        found = [] if named.account is None else [named]
        return [*found, *(each for waiting in freed for each in self._resolved(waiting))]

    def _unite(self, now: datetime) -> None:
        """What accounts keep of persons under ids that were given up goes on under those of today, as in the flow."""
        for account, names in self.register.renames.items():
            if account in self.accounts:
                self.accounts[account] = known_as(self.accounts[account], names, self.playbook.vocabulary)
                self._unite_people(self.people.get(account, {}), names)
                self._unite_messages(account, names, now)
                self.united.add(account)
        for each in (self.register.changed, self.register.freed, self.register.renames):
            each.clear()

    def _unite_people(self, people: dict[str, Person], names: Mapping[str, str]) -> None:
        for old, new in sorted(names.items()):
            gone = people.pop(old, None)
            if gone is not None:
                people[new] = one_person(people.get(new, replace(gone, id=new)), gone)

    def _unite_messages(self, account: str, names: Mapping[str, str], now: datetime) -> None:
        waiting = self.pending.get(account, [])
        for message in [each for each in waiting if each.person in names]:
            mine = replace(message, person=names[message.person])
            others = (*waiting, *(end.message for end in self.ended if _has_left(end)))
            if any(_is_touch(each, mine) for each in others):
                self._end(message, "cancelled", MessageReason.REPEATED, now)
            else:
                waiting[waiting.index(message)] = mine

    # -- words in ----------------------------------------------------------------------------------------------------

    def _hear(self, word: Word, now: datetime) -> None:
        match word:
            case Barred():
                self._bar(word)
            case Looked():
                waiting = [message for message in self.pending.get(word.account, []) if message.draft]
                for message in waiting:
                    if message.play == word.play:
                        self._look(message, word, now)
            case _ as unreachable:
                assert_never(unreachable)

    def _bar(self, word: Barred) -> None:
        """The address that the person has now; nothing when there is none that could be written to."""
        place = self.register.place(word.person)
        account = None if place is None else place.account_id
        person = self.people.get(account or "", {}).get(self.register.known_as(word.person))
        address = None if person is None else _address(person)
        if address is not None:
            known = self.contacts.get(address, Contact(address=address))
            unsubscribed = word.why == "unsubscribed"
            self.contacts[address] = (
                replace(known, unsubscribed_at=word.at) if unsubscribed else replace(known, suppressed=word.why)
            )

    def _look(self, message: Message, word: Looked, now: datetime) -> None:
        what = "approved" if word.approved else "discarded"
        detail: dict[str, Json] = {"message": str(message.id), "play": message.play, "what": what, "who": word.who}
        note = Note(kind=NoteKind.DRAFT, at=now, detail=detail)
        self.notes.append((message.account, note))
        self._tell(now, message.account, note)
        if word.approved:
            approved = replace(message, draft=False, not_before=now)
            self._replace(message, approved)
            self._tell(now, message.account, approved)
        else:
            self._report(message, "cancelled", MessageReason.DISCARDED, now)

    # -- deciding ----------------------------------------------------------------------------------------------------

    def _wake(self, now: datetime) -> bool:
        if not (self.outcomes or _is_due(self.wakes, now)):
            return False
        due = self._rung(now) | self.outcomes.keys()
        for name in sorted(due):
            self._step(name, [], now)
        return bool(due)

    def _step(self, name: str, arrived: Sequence[Event], now: datetime) -> None:
        events = [*arrived, *self.outcomes.pop(name, [])]
        account = self.accounts.get(name) or opened(name, now, self.playbook)
        self._learn(name, events)
        if name in self.failures and now < self.failures[name][0]:
            self._keep(replace(absorb(account, events, self.playbook), basis=""))
            return
        try:
            step = advance(account, self._crowd(name), events, now, self.playbook)
        except Exception as error:  # noqa: BLE001 -- as in the flow: it stops this account and no other
            self._park(account, events, error, now)
            return
        self.failures.pop(name, None)
        self._write(name, step, now)

    def _crowd(self, name: str) -> list[Person]:
        """The account's people; where a play says who stands in for whom, with those who take no mail marked."""
        known = list(self.people.get(name, {}).values())
        if not self.substitutes:
            return known
        return [replace(each, barred=self._is_barred(each)) for each in known]

    def _is_barred(self, person: Person) -> bool:
        contact = self.contacts.get(_address(person) or "")
        return contact is not None and (contact.suppressed is not None or contact.unsubscribed_at is not None)

    def _learn(self, name: str, events: Sequence[Event]) -> None:
        known = self.people.setdefault(name, {})
        for event in events:
            if event.kind is EventKind.IDENTIFY and event.person is not None:
                before = known.get(event.person, Person(id=event.person))
                known[event.person] = learn(before, [event])
                for said in statements(before, known[event.person], [event]):
                    self._agree(said)

    def _agree(self, said: Statement) -> None:
        """What was said of getting mail acts on the address at once, as in the flow."""
        address = _normalised(said.address)
        if address is not None:
            told = self.consents.setdefault(address, [])
            told.append(said)
            known = self.contacts.get(address, Contact(address=address))
            self.contacts[address] = replace(known, unsubscribed_at=unsubscribed_at(known.unsubscribed_at, told))

    def _park(self, account: Account, events: Sequence[Event], error: Exception, now: datetime) -> None:
        tries = self.failures.get(account.id, (now, 0, ""))[1] + 1
        pause = min(FIRST_PAUSE * 2 ** min(tries - 1, 20), LONGEST_PAUSE)
        self.failures[account.id] = (now + pause, tries, f"{type(error).__name__}: {error}")
        self._keep(replace(absorb(account, events, self.playbook), basis=""))
        detail: dict[str, Json] = {"error": self.failures[account.id][2], "until": (now + pause).isoformat()}
        self._tell(now, account.id, Note(kind=NoteKind.PARKED, at=now, detail=detail))

    def _write(self, name: str, step: Step, now: datetime) -> None:
        self._keep(step.account)
        for decision in step.decisions:
            begun = (decision.first_episode or decision.episode, decision.first_decided_at or decision.decided_at)
            self.decisions[(name, decision.play, *begun)] = decision
        self.notes += [(name, note) for note in step.notes]
        told: list[What] = [*step.notes, *step.decisions, *step.postponements, *step.withdrawals, *step.messages]
        for each in told:
            self._tell(now, name, each)
        for withdrawal in step.withdrawals:
            self._withdraw(name, withdrawal.play, withdrawal.episode, withdrawal.reason, now)
        for message in step.messages:
            self.pending.setdefault(name, []).append(message)
            heappush(self.doors, (_comes_up(message), name))
        for escalation in step.escalations:
            if (name, escalation.play) not in self.open:
                self.open[(name, escalation.play)] = Worked(escalation=escalation)
                self._tell(now, name, self.open[(name, escalation.play)])

    def _withdraw(self, name: str, play: str, episode: str, reason: MessageReason, now: datetime) -> None:
        worked = self.open.pop((name, play), None)
        if worked is not None:
            self.work.append(replace(worked, closed_at=now, reason=reason))
            self._tell(now, name, self.work[-1])
        for message in list(self.pending.get(name, [])):
            if (message.play, message.episode) == (play, episode):
                self._end(message, "cancelled", reason, now)

    # -- messages out ------------------------------------------------------------------------------------------------

    def _deliver(self, now: datetime) -> bool:
        if not _is_due(self.doors, now):
            return False
        called = {name for _, name in _taken(self.doors, now)}
        ready = [each for name in called for each in self.pending.get(name, ()) if _comes_up(each) <= now]
        for message in sorted(ready, key=lambda each: each.urgency):
            if message.channel is Channel.EMAIL:
                self._hand_over(message, now)
            else:
                self._report(message, "cancelled", MessageReason.EXPIRED, now)
        return bool(ready)

    def _hand_over(self, message: Message, now: datetime) -> None:
        try:
            address = normalise(message.address)
        except AddressError:
            self._report(message, "cancelled", MessageReason.NO_ADDRESS, now)
            return
        contact = self.contacts.get(address, Contact(address=address))
        match self._released(message, replace(contact, had=self._had(message, address)), now):
            case Cancel(reason=reason):
                self._report(message, "cancelled", reason, now)
            case Wait(until=until, reason=reason):
                self._replace(message, replace(message, not_before=until))
                self._tell(now, message.account, _wait(message, until, reason, now))
            case Send() if message.mode is Mode.SHADOW:
                self._report(message, "cancelled", MessageReason.SHADOW, now)
            case Send():
                self._count(contact, message, now)
                self.sent_to.setdefault(_touch(message, address), set()).add(message.account)
                self._report(message, "sent", None, now)
            case _ as unreachable:
                assert_never(unreachable)

    def _released(self, message: Message, contact: Contact, now: datetime) -> Send | Wait | Cancel:
        account = self.accounts[message.account]
        person = self.people[message.account].get(message.person)
        return release(message, account, person, contact, now, self.playbook, parked=message.account in self.failures)

    def _had(self, message: Message, address: str) -> frozenset[tuple[str, str]]:
        """Whether the address had this very touch from another account of the family."""
        told = self.sent_to.get(_touch(message, address), set()) if self.parents and not message.exempt else set[str]()
        parents = {each.account: each.parent for each in self.parents.values() if each.parent is not None}
        had = bool(told) and not told.isdisjoint(families.kin(message.account, parents) - {message.account})
        return frozenset({(message.play, message.episode)} if had else ())

    def _count(self, contact: Contact, message: Message, now: datetime) -> None:
        if not message.exempt and message.mode is Mode.LIVE:
            recent = tuple(at for at in contact.sends if at > now - WEEK)
            self.contacts[contact.address] = replace(contact, sends=(*recent, now))

    def _replace(self, message: Message, later: Message) -> None:
        listed = self.pending[message.account]
        listed[listed.index(message)] = later
        heappush(self.doors, (_comes_up(later), later.account))

    def _end(self, message: Message, state: str, reason: MessageReason | None, now: datetime) -> None:
        self.pending[message.account].remove(message)
        self.ended.append(Ended(message=message, state=state, reason=reason, at=now))
        self._tell(now, message.account, self.ended[-1])

    def _report(self, message: Message, state: str, reason: MessageReason | None, now: datetime) -> None:
        """End a message at the door, and leave what became of it to its account's next step."""
        self._end(message, state, reason, now)
        self.outcomes.setdefault(message.account, []).append(_outcome(message, f"message_{state}", reason, now))

    def _tell(self, now: datetime, account: str, what: What) -> None:
        self.happened.append(Happening(at=now, account=account, what=what))

    # -- the end -----------------------------------------------------------------------------------------------------

    def told(self, end: datetime) -> Simulated:
        """What came of it, with what is still on its way."""
        left = [message for listed in self.pending.values() for message in listed]
        return Simulated(
            accounts=self.accounts,
            decisions=tuple(self.decisions.values()),
            messages=(*self.ended, *(Ended(message=each, state=_left(each), reason=None, at=end) for each in left)),
            escalations=(*self.work, *self.open.values()),
            notes=tuple(self.notes),
            happened=tuple(sorted(self.happened, key=lambda each: (each.at, each.account))),
            people={name: tuple(known.values()) for name, known in self.people.items()},
            instants=tuple(self.instants),
            rejected=self.rejected,
            repeated=self.repeated,
            waiting=sum(len(listed) for listed in self.unlinked.values()),
            parked={name: error for name, (_, _, error) in self.failures.items()},
        )


def _read(arrival: Arrival) -> tuple[Event, ...]:
    """What a call says; nothing when it cannot be read."""
    try:
        parsed = parse(arrival.call, source=arrival.source, received_at=arrival.at, place=_NO_PLACE)
    except Rejection:
        return ()
    return (parsed.event,) if parsed.beside is None else (parsed.event, parsed.beside.event)


def _is_due(heap: list[tuple[datetime, str]], now: datetime) -> bool:
    """Whether anything has come by now: asked at each instant, where mostly nothing has."""
    return bool(heap) and heap[0][0] <= now


def _taken(heap: list[tuple[datetime, str]], now: datetime) -> Iterator[tuple[datetime, str]]:
    """What has come by now, taken from its heap."""
    while heap and heap[0][0] <= now:
        yield heappop(heap)


def _address(person: Person) -> str | None:
    return None if person.email is None else _normalised(person.email)


def _normalised(address: str) -> str | None:
    try:
        return normalise(address)
    except AddressError:
        return None


def _touch(message: Message, address: str) -> tuple[str, str, str, str]:
    return (address, message.play, message.episode, message.mode)


def _is_touch(message: Message, other: Message) -> bool:
    """Whether two messages are the same touch of the same person."""
    mine, theirs = ((each.account, each.play, each.episode, each.person, each.channel) for each in (message, other))
    return mine == theirs and type(message.action) is type(other.action)


def _has_left(end: Ended) -> bool:
    return end.state not in {"cancelled", "failed"}


def _wait(message: Message, until: datetime, reason: PostponementReason, now: datetime) -> Postponement:
    """A message that waits at the door, told as what it is."""
    return Postponement(
        account=message.account, play=message.play, episode=message.episode, at=now, until=until, reason=reason
    )


def _comes_up(message: Message) -> datetime:
    """When something becomes of a message: a mail goes to the door; what nothing delivers ends after its time."""
    return message.not_before if message.channel is Channel.EMAIL else message.not_after + _MOMENT


def _outcome(message: Message, name: str, reason: MessageReason | None, now: datetime) -> Event:
    return Event(
        source=OWN_SOURCE,
        message_id=f"{message.id}:{name}",
        account=message.account,
        person=message.person or None,
        kind=EventKind.TRACK,
        name=name,
        occurred_at=now,
        received_at=now,
        properties={**message.told, "reason": reason.value if reason else None},
    )


def _left(message: Message) -> str:
    return "draft" if message.draft else "pending"
