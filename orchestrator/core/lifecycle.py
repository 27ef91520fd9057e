"""``advance``: the one verb. Everything the product decides about an account, it decides here.

Theory of operation. The events are folded into facts. Then four rules are applied until none applies (a fixed point):

1. A milestone whose condition holds is reached, once, dated by what it rests on.
   Likewise each phase that an onboarding has entered is noted once.
   So is, where a rule looks at them, the weekly sample of health: once a calendar week, when it has begun.
2. The first row of the stage table that leaves the account's stage and whose guard holds is taken. A circle within one
   instant is an error of the playbook.
3. What a play did is withdrawn when its ``only_while`` no longer holds or the account is in an exit stage: unsent
   messages are cancelled, the open escalation is closed. So closes an open signal, also when a human has resolved it.
   When a condition that a trigger watches begins or ceases to hold, that instant is kept.
4. Of the plays that are due, the first by (due, priority, name) is judged: done, skipped with a reason, or postponed.
   A done or skipped play is in the ledger; a postponed one waits; so each application makes progress and the loop ends.
   What came due and lost its cause before it could be judged (the stage was left; while it waited the silence was
   broken, the date moved, the milestone reached, the window gone with another segment, or the same happened again) is
   skipped as overtaken.

Then ``wake_at`` is derived: the earliest of the next due instants and the instants at which a guard, a milestone, an
``only_while`` that matters now or the health may turn by the clock alone.

A judgement asks, in this order: is the account in an exit stage, or in a stage that the play is not for; is it too late
(``valid_for``); does the condition hold; is what it asks for still to be done (``only_while``); is there somebody to
write to (``audience``), or work for a human where there is nobody; what was said to them or to the account before, and
is the send window open (``policy``). Where messages are kept apart, plays that write go first by (when each may act,
priority, due, name), and who loses waits for the gap to pass. A paused account is judged when the pause ends. Unknown
is not false: it is skipped under its own reason.

A signal does not open twice, and waits while another signal is open that explains it (ABSORBED) and while its own
closing is not long ago (COOLING). It is too late for it when ``valid_for`` has passed since it could have opened.

An account whose past is being read in (``history``) is held: its events are folded and nothing else is done until
``live_at``. The step that takes it live finds all of it at once, dated by what happened; what came due until then is
skipped as BACKFILL, unless it was postponed before the past was read in. So its anchor is the true one, and only what
comes due after ``live_at`` is done.

Illegal input raises and changes nothing. There is no clock, no I/O, no randomness and no logging in here.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from orchestrator.core import calendars, channels, conditions, goals, health, phases, policy, reentry, signals, timing
from orchestrator.core.account import Account, LedgerEntry, Outcome, Waiting, changed
from orchestrator.core.audience import NEW_FOR
from orchestrator.core.calendars import Hours
from orchestrator.core.conditions import Clause, Node, View
from orchestrator.core.context import letter_context, work_context
from orchestrator.core.decisions import (
    Decision,
    Escalation,
    Message,
    Note,
    NoteKind,
    Postponement,
    Step,
    Withdrawal,
    key,
)
from orchestrator.core.errors import IllegalInputError, UndecidableError
from orchestrator.core.events import OWN_SOURCE, Event, EventKind, Json, distinct
from orchestrator.core.facts import adds, fold, names_of, week_of
from orchestrator.core.glance import followed, next_look, still_rests
from orchestrator.core.people import Person, recipient
from orchestrator.core.playbook import (
    AskSurvey,
    CallWebhook,
    Entered,
    Escalate,
    Holds,
    Letter,
    Notify,
    OnDay,
    OnDays,
    PhaseEntered,
    Play,
    Playbook,
    SendEmail,
    SetTrait,
    ShowInApp,
    Stalled,
    Transition,
)
from orchestrator.core.projects import led
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason
from orchestrator.core.segments import owned
from orchestrator.core.signals import Closing, Edge, SignalState
from orchestrator.core.timing import Due, Zone

HELD = "history"  # the basis of an account that is not live yet: nothing was derived
_MOST_MOVES = 10_000  # more in one call can only be a circle
_NO_OFFSET = timedelta(0)  # of UTC
_OF_TRAITS = frozenset({EventKind.GROUP, EventKind.IDENTIFY})  # what they say is looked at in many places
_PAUSES = frozenset({"account_paused", "account_resumed"})  # every rule looks at these
_VIEWED = frozenset(
    {"facts", "anchor", "stage", "stage_entered_at", "milestones", "signals", "samples"}
)  # conditions look at these
_FOLLOWED = _VIEWED | {"phases", "edges"}  # at these the rules before the last look; a judgement leaves most alone


def opened(account_id: str, now: datetime, playbook: Playbook) -> Account:
    """A new account as its first event finds it, pinned to this version of the playbook."""
    return Account(
        id=account_id,
        playbook_version=playbook.version,
        created_at=now,
        stage=playbook.first_stage,
        stage_entered_at=now,
    )


def absorb(account: Account, events: Iterable[Event], playbook: Playbook) -> Account:
    """The account with these events folded into its facts and nothing decided; the same when they add nothing.

    Raises:
        IllegalInputError: an event is another account's, or its instant is not UTC.
    """
    arrived = tuple(events)
    for event in arrived:
        _check_event(event, account)
    new = distinct(event for event in arrived if adds(event, playbook.vocabulary))
    if not new:
        return account
    facts = fold(account.facts, new, playbook.vocabulary)
    recent = policy.left(account.recent, new)
    return changed(account, facts=facts, standing=_settled(account.standing, new, playbook), recent=recent)


def _check_event(event: Event, account: Account) -> None:
    if event.account != account.id:
        msg = f"event {event.message_id} belongs to account {event.account}, not to {account.id}"
        raise IllegalInputError(msg)
    if event.occurred_at.utcoffset() != _NO_OFFSET:
        msg = f"event {event.message_id}: expected occurred_at to be aware UTC, got {event.occurred_at.isoformat()}"
        raise IllegalInputError(msg)


def _settled(standing: Mapping[str, str], events: Sequence[Event], playbook: Playbook) -> Mapping[str, str]:
    """What stands, without the plays whose one mail has left and that did nothing else: nothing is left to withdraw."""
    left = {
        (event.properties.get("play"), event.properties.get("episode"))
        for event in events
        if event.source == OWN_SOURCE and event.name == "message_sent"
    }
    if not left:
        return standing
    return {
        play: episode
        for play, episode in standing.items()
        if (play, episode) not in left or not channels.lone_mail(playbook.plays[play])
    }


def advance(
    account: Account, people: Sequence[Person], events: Sequence[Event], now: datetime, playbook: Playbook
) -> Step:
    """Advance one account to ``now``: fold the events, decide what is due, say when to look again.

    Args:
        account: as the last step left it; its ``playbook_version`` must be the playbook's.
        people: those that the decision may need (the batch's actors and the holders of roles).
        events: new ones of this account; duplicates within the batch count once.
        now: the instant of deciding, aware.
        playbook: the compiled version that the account is pinned to.

    Raises:
        IllegalInputError: the input is not of one account and one version, or an instant is not UTC.
        UndecidableError: a rule cannot be evaluated for this account, or the stage table turns in a circle.
    """
    _check(account, now, playbook)
    absorbed = absorb(account, events, playbook)
    try:
        resting = _glanced(account, absorbed, events, now, playbook)
        return resting or _settle(_moving(account, absorbed, people, events, now, playbook))
    except OverflowError as error:
        msg = f"account {account.id}: one of its instants leads beyond the calendar ({error})"
        raise UndecidableError(msg) from error


def _moving(
    account: Account,
    absorbed: Account,
    people: Sequence[Person],
    events: Sequence[Event],
    now: datetime,
    book: Playbook,
) -> "_Moving":
    """The account, with what alone can have turned a condition since it rested: these events, and at a wake time."""
    heard = _heard(events, book) if account.basis == basis_of(account, book) else None
    rests = account.wake_at is None or account.wake_at > now
    near = heard is not None and rests and not any(_is_of_people(event) for event in events)
    if heard is not None and not rests:
        heard |= {conditions.CLOCK}
    return _Moving(absorbed, tuple(people), now, book, heard, near)


def _waiting_to_live(account: Account) -> Account:
    """Its facts only; it is looked at again when it goes live."""
    if (account.wake_at, account.basis) == (account.live_at, HELD):
        return account
    return changed(account, wake_at=account.live_at, basis=HELD)


def glance(account: Account, events: Sequence[Event], now: datetime, playbook: Playbook) -> Step | None:
    """What ``advance`` comes to, whoever the account's people are; None: it may depend on them.

    Raises:
        IllegalInputError: as ``advance`` does.
        UndecidableError: likewise.
    """
    _check(account, now, playbook)
    return _glanced(account, absorb(account, events, playbook), events, now, playbook)


def _glanced(
    account: Account, absorbed: Account, events: Sequence[Event], now: datetime, playbook: Playbook
) -> Step | None:
    """The step of an account that still rests with these events; None: everything must be looked at."""
    if account.held(now):
        return Step(account=_waiting_to_live(absorbed))
    if not _rests(account, now, playbook):
        return None
    if all(_unread(event, account, playbook) for event in events):
        return Step(account=absorbed)
    heard = None if any(_is_of_people(event) for event in events) else _heard(events, playbook)
    if heard is None or any(_counts_for_a_goal(name, account, playbook) for name in heard.difference(playbook.touched)):
        return None
    view = view_of(absorbed, now, playbook)
    if not still_rests(absorbed, heard, view, playbook):
        return None
    wake_at = next_look(absorbed, heard, view, playbook)
    return Step(account=absorbed if wake_at == absorbed.wake_at else changed(absorbed, wake_at=wake_at))


def _is_of_people(event: Event) -> bool:
    """What is said of people, and by us: it is looked at in more places than conditions."""
    return event.kind is EventKind.IDENTIFY or event.source == OWN_SOURCE


def _settle(moving: "_Moving") -> Step:
    moving.go_live()
    moving.note_anchor_correction()
    for _ in range(_MOST_MOVES):
        if not moving.move():
            return moving.rest()
    msg = f"account {moving.account.id} does not come to rest under playbook {moving.playbook.name}"
    raise UndecidableError(msg)


def _check(account: Account, now: datetime, playbook: Playbook) -> None:
    if now.utcoffset() != _NO_OFFSET:
        raise IllegalInputError(f"expected now to be aware UTC, got {now.isoformat()}")
    if account.playbook_version != playbook.version:
        msg = f"account {account.id} is pinned to playbook {account.playbook_version}, not to {playbook.version}"
        raise IllegalInputError(msg)
    if account.stage not in playbook.stages:
        msg = f"account {account.id} is in stage {account.stage}, which playbook {playbook.name} does not have"
        raise IllegalInputError(msg)


def basis_of(account: Account, playbook: Playbook) -> str:
    """What ``wake_at`` is derived from: when this changes, it must be derived afresh."""
    calendar = f"/{playbook.holidays.edition}" if playbook.holidays is not None else ""
    return f"{playbook.version}{calendar}{'/paused' if account.paused else ''}"


def version_of(basis: str) -> str | None:
    """The playbook version that a basis begins with; None of an account that is not live: nothing was derived."""
    return None if basis in {"", HELD} else basis.partition("/")[0]


def _rests(account: Account, now: datetime, playbook: Playbook) -> bool:
    """Whether without an event everything would still be as it was left."""
    return account.basis == basis_of(account, playbook) and (account.wake_at is None or account.wake_at > now)


def _heard(events: Sequence[Event], playbook: Playbook) -> frozenset[str] | None:
    """The names of what has happened, where conditions can have turned by these alone; else None.

    A trait, the anchor and a human's word on a signal are looked at in more places than conditions.
    """
    if any(event.kind is EventKind.GROUP for event in events):
        return None
    names = frozenset(name for event in events for name in names_of(event, playbook.vocabulary))
    return names if names.isdisjoint({playbook.anchor, signals.RESOLVED, *_PAUSES}) else None


def _unread(event: Event, account: Account, playbook: Playbook) -> bool:
    if event.kind in _OF_TRAITS:
        return False
    names = names_of(event, playbook.vocabulary)
    if not names:
        return True
    if not (playbook.reads.isdisjoint(names) and _PAUSES.isdisjoint(names)):
        return False
    return not any(_counts_for_a_goal(name, account, playbook) for name in names)


def _counts_for_a_goal(name: str, account: Account, playbook: Playbook) -> bool:
    """Whether a goal of the account is measured by this event, in a playbook whose rules look at goals."""
    return "goal_set" in playbook.reads and name in goals.measured_by(account.facts, playbook.vocabulary)


@dataclass(slots=True)
class _Moving:
    """An account on its way to rest at ``now``: the only mutable thing in the core, and it never leaves ``advance``."""

    account: Account
    people: tuple[Person, ...]
    now: datetime
    playbook: Playbook
    heard: frozenset[str] | None = None  # what alone can have turned a condition since it rested; None: anything can
    near: bool = False  # whether ``heard`` is all that happened since it rested: other instants stand as they did
    decisions: list[Decision] = field(default_factory=list)
    postponements: list[Postponement] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    escalations: list[Escalation] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    visited: set[tuple[str, datetime]] = field(default_factory=set)  # lives of stages, by entry
    found_at: datetime = field(init=False)  # dates what rests on nothing that happened
    said: frozenset[str] | None = field(init=False)  # all that was heard in this call; None: anything can have been
    followed: bool = False  # nothing changed since all rules but the last were asked in vain
    dues: dict[str, Due | None] = field(init=False)  # each play's next episode
    stale: dict[str, None] = field(init=False)  # the plays whose next episode is to be derived afresh
    person: Person | None = field(init=False)  # who is written to
    zone: Zone = field(init=False)
    view: View = field(init=False)

    def __post_init__(self) -> None:
        self.found_at = self.now
        self.person = recipient(self.people)
        self.zone = timing.zone_of(self.account, self.person, self.playbook)
        self.view = view_of(self.account, self.now, self.playbook, self.zone)
        self.said = self.heard
        self.stale = dict.fromkeys(self._dated() if self.near else timing.unfinished(self.account, self.playbook))
        self.dues = dict.fromkeys(self.stale)

    def _dated(self) -> Iterator[str]:
        """The plays whose due instant can have moved."""
        yield from self.account.waiting
        for name in self.heard or ():
            if name in self.playbook.touched:
                yield from self.playbook.touched[name].dated

    # -- what is seen ------------------------------------------------------------------------------------------------

    @property
    def exited(self) -> bool:
        return self.playbook.stages[self.account.stage].exit

    def set(self, **changes: Any) -> bool:  # noqa: ANN401 -- ``replace`` refuses what is no field of Account
        before, self.account = self.account, changed(self.account, **changes)
        if not _FOLLOWED.isdisjoint(changes):
            self.followed = False
            marks = _marks_of(changes, before, self.account)
            self._look(changes, marks)
            self._hear(marks)
            self.stale |= dict.fromkeys(_dated(changes, before, self.account, self.playbook))
        return True

    def _look(self, changes: Iterable[str], marks: frozenset[str] | None) -> None:
        """What is seen now; the health stands where none of what changed may turn it."""
        if "facts" in changes:
            self.zone = timing.zone_of(self.account, self.person, self.playbook)
        if not _VIEWED.isdisjoint(changes):
            weighed = self.view.weighed
            self.view = view_of(self.account, self.now, self.playbook, self.zone)
            if marks is not None and self.playbook.weighs is not None and self.playbook.weighs.isdisjoint(marks):
                self.view.weighed.update(weighed)

    def _hear(self, marks: frozenset[str] | None) -> None:
        """What changed in the account itself may turn conditions, too."""
        if marks is None:
            self.heard = self.said = None
            if self.near:
                self.near = False
                self.stale |= dict.fromkeys(timing.unfinished(self.account, self.playbook))
            return
        self.heard = None if self.heard is None else self.heard | marks
        self.said = None if self.said is None else self.said | marks

    def untouched(self, condition: Node) -> bool:
        """Whether it says what it said when all was asked last, so that nothing follows from it."""
        names = None if self.heard is None else self.playbook.hears[condition]
        return names is not None and names.isdisjoint(self.heard or ())

    def turned(self, condition: Node) -> bool:
        """Whether anything that was heard in this call may have turned it."""
        names = self.playbook.hears[condition]
        return self.said is None or names is None or not names.isdisjoint(self.said)

    def holds(self, condition: Node) -> bool:
        """Whether it holds, for rules that follow from that: had it held, the account would not have rested."""
        return not self.untouched(condition) and conditions.verdict(condition, self.view) is True

    def go_live(self) -> None:
        """The past has been read in, and is found now: what nothing dates is found as of the going live."""
        if self.account.history and self.account.live_at is not None:
            self.found_at = self.account.live_at
            self.notes.append(_note(NoteKind.LIVE, self.now, live_at=self.found_at.isoformat()))
            self.set(history=False)

    # -- the four rules ----------------------------------------------------------------------------------------------

    def move(self) -> bool:
        return self.follow() or self.judge_first_due()

    def follow(self) -> bool:
        """All rules but the last, unless nothing changed that they look at."""
        if not self.followed:
            self.followed = not (
                self.reach_milestone()
                or self.change_stage()
                or self.enter_phases()
                or self.take_sample()
                or self.watch()
                or self.close_signal()
                or self.withdraw()
                or self.drop_broken()
            )
            if self.followed:
                self.heard = frozenset()  # all was asked: from here on, only what is heard next can turn anything
            return not self.followed
        return False

    def reach_milestone(self) -> bool:
        for name, milestone in self.playbook.milestones.items():
            if name not in self.account.milestones and self.holds(milestone.when):
                at = self.became(milestone.when)
                self.notes.append(_note(NoteKind.MILESTONE, self.now, milestone=name, reached_at=at.isoformat()))
                return self.set(milestones={**self.account.milestones, name: at})
        return False

    def change_stage(self) -> bool:
        for row in self.playbook.rows[self.account.stage]:
            if self.holds(row.when):
                return self.enter(row)
        return False

    def enter(self, row: Transition) -> bool:
        at = self.entered_at(row)
        self.visited.add((self.account.stage, self.account.stage_entered_at))
        if (row.target, at) in self.visited:
            msg = f"{row.path}: the stage table turns in a circle at {row.target}"
            raise UndecidableError(msg)
        self.drop_overtaken(at)
        detail = {"source": self.account.stage, "target": row.target, "rule": row.path, "entered_at": at.isoformat()}
        self.notes.append(Note(kind=NoteKind.STAGE, at=self.now, detail=detail))
        return self.set(stage=row.target, stage_entered_at=at)

    def entered_at(self, row: Transition) -> datetime:
        """When the guard became true in this life of the stage; the first life began before we heard of it."""
        became = self.became(row.when)
        first = self.account.stage_entered_at == self.account.created_at
        return became if first else max(self.account.stage_entered_at, became)

    def became(self, condition: Node) -> datetime:
        return conditions.held_since(condition, self.view) or self.found_at

    def enter_phases(self) -> bool:
        if not self.view.journeys:
            return False
        entered = phases.entered(self.account.phases, self.view.journeys, self.now)
        for onboarding, phase, entry in entered:
            detail = {"onboarding": onboarding, "phase": phase, "entered_at": entry.at.isoformat()}
            self.notes.append(_note(NoteKind.PHASE, self.now, **detail))
        return bool(entered) and self.set(phases=phases.with_entries(self.account.phases, entered))

    def drop_overtaken(self, left: datetime) -> None:
        """The entry and the stall of the stage that is left: a play that they made due and that was not judged."""
        self.drop(due for due in self.pending() if due.at <= self.now and self.overtaken(due, left))

    def drop(self, overtaken: Iterable[Due]) -> None:
        """Skip these in the order of the playbook."""
        for due in sorted(overtaken, key=lambda each: self.playbook.places[each.play.name]):
            self.decide(due, Outcome.SKIPPED, DecisionReason.OVERTAKEN)

    def overtaken(self, due: Due, left: datetime) -> bool:
        """Whether leaving the stage ends the cause; who left it before its window ended has never stalled in it."""
        if isinstance(due.play.trigger, Stalled):
            return due.at < left or due.play.name in self.account.waiting
        return isinstance(due.play.trigger, Entered)

    def drop_broken(self) -> bool:
        for name, waiting in self.account.waiting.items():
            due = timing.broken(self.playbook.plays[name], self.account, self.zone, self.playbook)
            if due is not None:
                confirming = waiting.reason is PostponementReason.CONFIRMING
                reason = DecisionReason.UNCONFIRMED if confirming else DecisionReason.OVERTAKEN
                return self.decide(due, Outcome.SKIPPED, reason)
        return False

    def watch(self) -> bool:
        """A watched condition began or ceased to hold: that instant is kept, so that no later event dates it anew."""
        for name, trigger in self.playbook.watched.items():
            if self.untouched(trigger.condition):
                continue
            edge = self.account.edges.get(name)
            holds = conditions.verdict(trigger.condition, self.view) is True
            if edge is not None and edge.until is None:
                if not holds:
                    return self.set(edges={**self.account.edges, name: replace(edge, until=self.now)})
            elif holds:
                return self.rise(self.playbook.plays[name], trigger, edge)
        return False

    def rise(self, play: Play, trigger: Holds, before: Edge | None) -> bool:
        """What rests on nothing that happened (``not login``) has held since the anchor."""
        since = conditions.held_since(trigger.condition, self.view) or self.view.anchor or self.found_at
        if before is not None and before.until is not None:
            since = max(since, before.until)
        self.set(edges={**self.account.edges, play.name: Edge(since=min(since, self.now))})
        due = timing.next_due(play, self.account, self.zone, self.playbook)
        if due is not None and trigger.span and due.at > self.now:
            self.postpone(due, due.at, PostponementReason.CONFIRMING)
        return True

    def drop_followers(self, names: Container[str]) -> None:
        """A signal closes, or opens again: what the last turn made due and was not judged never will be."""
        self.drop(due for due in self.pending() if due.at <= self.now and due.play.name in names)

    def close_signal(self) -> bool:
        for name in self.playbook.signals:
            why = self.closing(name) if signals.is_open(name, self.account.signals) and self.shaken(name) else None
            if why is not None:
                return self.close(name, why)
        return False

    def shaken(self, name: str) -> bool:
        """Whether something can have happened that closes an open signal."""
        return not self.stands(self.playbook.plays[name]) or conditions.mark("signal", name) in (self.heard or ())

    def closing(self, name: str) -> Closing | None:
        """Why an open signal closes now; None when it stays open."""
        withdrawn = self.withdrawal_reason(self.playbook.plays[name])
        if withdrawn is MessageReason.EXITED:
            return Closing.EXITED
        if signals.said_at(signals.RESOLVED, name, self.account.signals, self.account.facts) is not None:
            return Closing.RESOLVED
        return None if withdrawn is None else Closing.CLEARED

    def close(self, name: str, why: Closing) -> bool:
        self.drop_followers(self.playbook.starts.opened.get(name, ()))
        state = replace(self.account.signals[name], closed_at=self.now)
        detail = {"signal": name, "closed": why, "episode": state.episode, "opened_at": state.opened_at.isoformat()}
        self.notes.append(Note(kind=NoteKind.SIGNAL, at=self.now, detail=detail))
        if why is Closing.RESOLVED and name in self.playbook.watched and self.playbook.signals[name].cooldown:
            self.set(
                edges={**self.account.edges, name: Edge(since=self.now)}
            )  # what still holds after it is a new cause
        return self.set(signals={**self.account.signals, name: state})

    def withdraw(self) -> bool:
        for play, episode in self.account.standing.items():
            done = self.playbook.plays[play]
            reason = None if self.stands(done) else self.withdrawal_reason(done)
            if reason is not None:
                self.withdrawals.append(Withdrawal(play=play, episode=episode, reason=reason))
                left = {name: kept for name, kept in self.account.standing.items() if name != play}
                return self.set(standing=left)
        return False

    def stands(self, play: Play) -> bool:
        """Whether nothing can have happened that withdraws what it did."""
        goal = play.policy.only_while
        return self.heard is not None and (goal is None or self.untouched(goal))

    def withdrawal_reason(self, play: Play) -> MessageReason | None:
        if self.exited and self.account.stage not in play.stages:
            return MessageReason.EXITED
        return MessageReason.GOAL_REACHED if self.goal_reached(play) else None

    def goal_reached(self, play: Play) -> bool:
        goal = play.policy.only_while
        return goal is not None and conditions.verdict(goal, self.view) is False

    def judge_first_due(self) -> bool:
        due = [each for each in self.pending() if each.at <= self.now and self.effective(each) <= self.now]
        if not due:
            return False
        first = min(due, key=self.turn)
        if self.is_history(first):
            return self.decide(first, Outcome.SKIPPED, DecisionReason.BACKFILL)
        return self.pause(first) if self.account.paused else self.judge(first)

    def is_history(self, due: Due) -> bool:
        """Whether it came due before the account went live, and was not postponed before its past was read in."""
        waiting = self.account.waiting.get(due.play.name)
        waits = waiting is not None and waiting.episode == due.episode
        return self.account.live_at is not None and due.at <= self.account.live_at and not waits

    def turn(self, due: Due) -> tuple[datetime, int, datetime, str]:
        """Who is judged first; of plays that compete for somebody's attention, who may act first, and then priority."""
        at = self.effective(due) if self.competes(due.play) else due.at
        return (at, due.play.policy.priority, due.at, due.play.name)

    # -- judging -----------------------------------------------------------------------------------------------------

    def todo(self, play: Play) -> tuple[channels.Numbered, ...]:
        """What the play is to do now: in the holdout nothing that customers read, but what is no matter of choice."""
        taken = channels.chosen(play, self.account.milestones, self.playbook)
        return tuple(each for each in taken if not channels.to_people((each,))) if self.spares(play) else taken

    def spares(self, play: Play) -> bool:
        """Whether the holdout keeps this play from writing."""
        holdout = self.playbook.holdout
        return (
            holdout is not None
            and not play.policy.exempt
            and channels.to_people(enumerate(play.actions))
            and policy.held_out(self.account.id, holdout)
        )

    def mails(self, play: Play) -> bool:
        return channels.by_mail(self.todo(play))

    def competes(self, play: Play) -> bool:
        """Whether what was said before may hold this play back: it is a mail, or asks a survey."""
        if not policy.competes(play, self.playbook):
            return False
        return self.mails(play) or (policy.asks(play) and not self.spares(play))

    def pending(self) -> list[Due]:
        for name in self.stale:
            self.dues[name] = timing.next_due(self.playbook.plays[name], self.account, self.zone, self.playbook)
        self.stale.clear()
        return [due for due in self.dues.values() if due is not None]

    def effective(self, due: Due) -> datetime:
        """When a due play is to be judged: its due instant, or the end of what it waits for."""
        waiting = self.account.waiting.get(due.play.name)
        if waiting is None or waiting.episode != due.episode:
            return due.at
        if waiting.reason is PostponementReason.ABSORBED and self.absorbed(due.play):
            return _FAR_OFF
        if waiting.until is None:
            return _FAR_OFF if self.account.paused else due.at
        if waiting.reason is PostponementReason.NO_RECIPIENT and self.reach(due):
            return due.at
        return max(due.at, waiting.until)

    def pause(self, due: Due) -> bool:
        return self.postpone(due, None, PostponementReason.PAUSED)

    def postpone(
        self, due: Due, until: datetime | None, reason: PostponementReason, held: policy.Held | None = None
    ) -> bool:
        name = due.play.name
        self.postponements.append(
            Postponement(
                account=self.account.id,
                play=name,
                episode=due.episode,
                at=self.now,
                until=until,
                reason=reason,
                by=None if held is None else held.by.play,
            )
        )
        waiting = Waiting(episode=due.episode, until=until, reason=reason)
        return self.set(waiting={**self.account.waiting, name: waiting})

    def judge(self, due: Due) -> bool:
        reason = self.skip_reason(due)
        if reason is not None:
            return self.decide(due, Outcome.SKIPPED, reason)
        if due.play.signal is not None:
            return self.judge_signal(due, due.play.signal.cooldown)
        if channels.to_people(self.todo(due.play)) and not self.reach(due):
            return self.await_recipient(due)
        held = self.held(due)
        opening = self.opening(due, self.now if held is None else held.until)
        if opening is not None and reentry.too_soon(due.play, self.account, opening, self.zone.tz):
            return self.decide(due, Outcome.SKIPPED, DecisionReason.TOO_SOON)
        if opening is not None and opening <= self.now:
            return self.decide(due, Outcome.DONE, DecisionReason.DUE)
        if opening is None or opening > due.at + min(due.play.policy.max_defer, due.play.policy.valid_for):
            too_long = DecisionReason.DEFERRED_TOO_LONG if held is None else held.skipped
            return self.decide(due, Outcome.SKIPPED, too_long, held)
        return self.postpone(due, opening, PostponementReason.OUTSIDE_WINDOW if held is None else held.reason, held)

    def judge_signal(self, due: Due, cooldown: timedelta) -> bool:
        if self.absorbed(due.play):
            return self.postpone(due, None, PostponementReason.ABSORBED)
        cooled = max((at + cooldown for at in signals.closings((due.play.name,), self.account.signals)), default=due.at)
        if cooled > self.now:
            return self.postpone(due, cooled, PostponementReason.COOLING)
        return self.decide(due, Outcome.DONE, DecisionReason.DUE)

    def absorbed(self, play: Play) -> bool:
        """Whether a signal is open that explains this one."""
        return any(signals.is_open(root, self.account.signals) for root in self.playbook.roots.get(play.name, ()))

    def could_act(self, due: Due) -> datetime:
        """Since when it may act, for what concerns ``valid_for``: a signal could not open while it was held back."""
        name, signal = due.play.name, due.play.signal
        if signal is None:
            return due.at
        roots = signals.closings(self.playbook.roots.get(name, ()), self.account.signals)
        own = (at + signal.cooldown for at in signals.closings((name,), self.account.signals))
        return max([due.at, *roots, *own])

    def skip_reason(self, due: Due) -> DecisionReason | None:
        play = due.play
        if self.account.stage not in play.stages and (play.stages or self.exited):
            return DecisionReason.EXITED if self.exited else DecisionReason.OTHER_STAGE
        if self.now - self.could_act(due) > play.policy.valid_for:
            return DecisionReason.STALE
        if isinstance(play.trigger, PhaseEntered) and phases.over(play.trigger.phase, due.episode, self.view.journeys):
            return DecisionReason.OVERTAKEN
        if play.signal is not None and signals.is_open(play.name, self.account.signals):
            return DecisionReason.ALREADY_OPEN
        if play.checkpoint is not None and (asked := conditions.verdict(play.checkpoint.among, self.view)) is not True:
            return DecisionReason.UNKNOWN if asked is None else DecisionReason.NOT_AMONG
        held = conditions.verdict(play.when, self.view)
        if held is not True:
            return DecisionReason.UNKNOWN if held is None else DecisionReason.CONDITION_FALSE
        if self.goal_reached(play):
            return DecisionReason.ALREADY_DONE
        return DecisionReason.HOLDOUT if play.actions and not self.todo(play) else None

    def await_recipient(self, due: Due) -> bool:
        """The call that says who somebody is may come after the event that made the play due: arrival is not order."""
        last = due.at + min(due.play.policy.max_defer, due.play.policy.valid_for)
        if self.now < last:
            return self.postpone(due, last, PostponementReason.NO_RECIPIENT)
        if due.play.unreachable is None:
            return self.decide(due, Outcome.SKIPPED, DecisionReason.NO_RECIPIENT)
        if reentry.too_soon(due.play, self.account, self.now, self.zone.tz):
            return self.decide(due, Outcome.SKIPPED, DecisionReason.TOO_SOON)
        return self.decide(due, Outcome.DONE, DecisionReason.DUE)

    def reach(self, due: Due) -> tuple[Person, ...]:
        """Whom a play writes to now; who is new is new since it was last decided, or came shortly before it was due."""
        before = self.account.ledger.get(due.play.name)
        since = due.at - NEW_FOR if before is None else before.decided_at
        return due.play.audience.of(self.people, since, by_mail=self.mails(due.play))

    def held(self, due: Due) -> policy.Held | None:
        """What was said before and holds this play back."""
        if not self.competes(due.play):
            return None
        people = {person.id for person in self.reach(due)}
        mails = self.mails(due.play)
        return policy.held(due.play, people, self.account, self.now, self.playbook, mails=mails)

    def opening(self, due: Due, start: datetime) -> datetime | None:
        """The first instant from ``start`` on at which this play may act."""
        if due.play.policy.exempt or not self.mails(due.play):
            return start
        return policy.next_opening(start, due.play, self.account, self.zone.tz, self.playbook)

    # -- deciding ----------------------------------------------------------------------------------------------------

    def decide(self, due: Due, outcome: Outcome, reason: DecisionReason, held: policy.Held | None = None) -> bool:
        self.freeze_anchor(due)
        entry = self.entry(due, outcome, reason)
        self.decisions.append(self.decision(due, entry, held))  # before it acts: what held then explains it
        if outcome is Outcome.DONE:
            self.act(due)
            self.remember(due.play)
        name = due.play.name
        self.stale[name] = None
        return self.set(
            ledger={**self.account.ledger, name: entry},
            waiting={play: kept for play, kept in self.account.waiting.items() if play != name},
        )

    def remember(self, play: Play) -> None:
        if play.policy.again is not None:
            self.set(done={**self.account.done, play.name: self.now})

    def entry(self, due: Due, outcome: Outcome, reason: DecisionReason) -> LedgerEntry:
        before = self.account.ledger.get(due.play.name)
        repeats = outcome is Outcome.SKIPPED and before is not None and before.reason is reason
        return LedgerEntry(
            episode=due.episode,
            decided_at=self.now,
            outcome=outcome,
            reason=reason,
            first_episode=before.first_episode if repeats and before else due.episode,
            first_decided_at=before.first_decided_at if repeats and before else self.now,
            repeats=before.repeats + 1 if repeats and before else 1,
        )

    def decision(self, due: Due, entry: LedgerEntry, held: policy.Held | None) -> Decision:
        return Decision(
            account=self.account.id,
            play=due.play.name,
            episode=due.episode,
            due_at=due.at,
            decided_at=self.now,
            outcome=entry.outcome,
            reason=entry.reason,
            playbook_version=self.playbook.version,
            trigger=timing.told(due.play.trigger, self.playbook.first_day),
            clauses=(
                *conditions.explain(self.playbook.whole[due.play.name], self.view),
                *self.said_by_policy(due.play, entry, held),
            ),
            zone=str(self.zone.tz),
            zone_from=self.zone.named_by,
            repeats=entry.repeats,
            first_decided_at=entry.first_decided_at if entry.repeats > 1 else None,
            first_episode=entry.first_episode if entry.repeats > 1 else None,
        )

    def said_by_policy(self, play: Play, entry: LedgerEntry, held: policy.Held | None) -> Iterator[Clause]:
        """What of the policy made a difference: the message that it lost to, or the holdout."""
        if held is not None:
            yield held.clause
        if entry.reason in {DecisionReason.DUE, DecisionReason.HOLDOUT} and self.spares(play):
            yield policy.spared(decisive=entry.reason is DecisionReason.HOLDOUT)

    def freeze_anchor(self, due: Due) -> None:
        if self.account.anchor is None and isinstance(due.play.trigger, OnDay | OnDays):
            self.set(anchor=timing.anchor_of(self.account, self.playbook))

    def open_signal(self, due: Due) -> None:
        name = due.play.name
        self.drop_followers(self.playbook.starts.closed.get(name, ()))
        before = self.account.signals.get(name)
        state = SignalState(episode=due.episode, opened_at=self.now, count=before.count + 1 if before else 1)
        self.set(signals={**self.account.signals, name: state})

    def act(self, due: Due) -> None:
        if due.play.signal is not None:
            self.open_signal(due)
        todo, before = self.todo(due.play), len(self.messages)
        people = self.reach(due) if channels.to_people(todo) else ()
        for number, action in todo:
            match action:
                case SendEmail() | ShowInApp() | AskSurvey():
                    self.messages += [self.message(due, action, number, person) for person in people]
                case Notify() | CallWebhook():
                    self.messages.append(self.message(due, action, number, None))
                case SetTrait():
                    self.say(due, action, number)
                case Escalate():
                    self.escalations.append(self.escalation(due, action))
                case _ as unreachable:
                    assert_never(unreachable)
        if policy.remembers(self.playbook):
            self.set(recent=policy.remembered(self.account, self.messages[before:], self.now, self.playbook))
        if due.play.unreachable is not None and channels.to_people(todo) and not people:
            self.escalations.append(self.escalation(due, due.play.unreachable))
        if channels.leaves(due.play):
            self.set(standing={**self.account.standing, due.play.name: due.episode})

    def say(self, due: Due, action: SetTrait, number: int) -> None:
        """What is set is an event like all others, but for its source: folded now, kept by whoever keeps this step."""
        event = Event(
            source=OWN_SOURCE,
            message_id=str(key("set", self.account.id, due.play.name, due.episode, str(number))),
            account=self.account.id,
            person=None,
            kind=EventKind.GROUP,
            name=EventKind.GROUP.value,
            occurred_at=self.now,
            received_at=self.now,
            properties=dict(action.traits),
        )
        self.events.append(event)
        self.set(facts=fold(self.account.facts, [event], self.playbook.vocabulary))

    def message(self, due: Due, action: Letter, number: int, person: Person | None) -> Message:
        play, reader = due.play, "" if person is None else person.id
        return Message(
            id=key("message", self.account.id, play.name, due.episode, reader, str(number)),
            account=self.account.id,
            play=play.name,
            episode=due.episode,
            person=reader,
            address=channels.address_of(action, person),
            action=action,
            due_at=due.at,
            not_before=self.now,
            not_after=due.at + play.policy.valid_for,
            priority=play.policy.priority,
            mode=play.policy.mode or self.playbook.mode,
            exempt=play.policy.exempt,
            draft=person is not None and policy.is_draft(play, self.view, self.playbook),
            playbook_version=self.playbook.version,
            context=letter_context(self.account, person or self.person, self.now, self.playbook, action),
        )

    def escalation(self, due: Due, action: Escalate) -> Escalation:
        vendor = calendars.zone(self.playbook.timezone)
        assert vendor is not None, "checked when the playbook is loaded"  # noqa: S101 -- invariant
        return Escalation(
            id=key("escalation", self.account.id, due.play.name, due.episode),
            account=self.account.id,
            play=due.play.name,
            episode=due.episode,
            title=due.play.label,
            action=owned(led(action, due.play.trigger, self.view, self.playbook), self.account.facts, self.playbook),
            opened_at=self.now,
            due_at=calendars.add_business_time(self.now, action.due, self.playbook.working, vendor),
            playbook_version=self.playbook.version,
            mode=due.play.policy.mode or self.playbook.mode,
            context=work_context(self.account, self.person, self.view, self.playbook),
        )

    def note_anchor_correction(self) -> None:
        """A frozen anchor stays; that the facts now say otherwise is written down, once for each correction."""
        fact = self.account.facts.events.get(self.playbook.anchor)
        frozen = self.account.anchor
        if frozen is None or fact is None or fact.first in {frozen, self.account.anchor_said}:
            return
        self.notes.append(_note(NoteKind.ANCHOR, self.now, frozen=frozen.isoformat(), corrected=fact.first.isoformat()))
        self.set(anchor_said=fact.first)

    def take_sample(self) -> bool:
        """The health at the beginning of this week, once; what was found late is this week's all the same.

        The week in which the account began has none, and in an exit stage none are taken.
        """
        book, week = self.playbook, week_of(self.now)
        if book.health is None or not book.sampled or self.exited or week in self.account.samples:
            return False
        if week_of(self.account.created_at) >= week:
            return False
        score = conditions.weigh(book.health, self.view).raw
        return self.set(samples=health.with_sample(self.account.samples, week, score))

    def note_health(self) -> None:
        """Each change of colour is written down, at the instant at which it came about: the colour's turns are due."""
        health = self.playbook.health
        if health is None or not self.turned(health):
            return
        found = conditions.weigh(health, self.view)
        colour = found.colour.value if found.colour else ""
        if colour != self.account.colour:
            detail: dict[str, Json] = {"before": self.account.colour or "unknown", "colour": colour or "unknown"}
            detail |= {"score": found.score, "coverage": found.coverage}
            self.notes.append(Note(kind=NoteKind.HEALTH, at=self.now, detail=detail))
            self.set(colour=colour)

    # -- resting -----------------------------------------------------------------------------------------------------

    def rest(self) -> Step:
        self.note_health()
        before = [self.account.wake_at] if self.near and self.account.wake_at is not None else []
        wake_at, basis = min((*before, *self.turns()), default=None), basis_of(self.account, self.playbook)
        if (wake_at, basis) != (self.account.wake_at, self.account.basis):
            self.set(wake_at=wake_at, basis=basis)
        return Step(
            account=self.account,
            decisions=tuple(self.decisions),
            postponements=tuple(self.postponements),
            messages=tuple(self.messages),
            escalations=tuple(self.escalations),
            withdrawals=tuple(self.withdrawals),
            notes=tuple(self.notes),
            events=tuple(self.events),
        )

    def turns(self) -> Iterator[datetime]:
        """Every instant after now at which something may become due by the clock alone."""
        yield from (at for due in self.pending() if (at := self.effective(due)) < _FAR_OFF)
        rules, goals = followed(self.playbook.timed, self.account, self.playbook)
        asked = (rule for rule in rules if self.turned(rule)) if self.near else rules
        yield from conditions.flips_of((*asked, *goals), self.view)
        if self.playbook.sampled and not self.exited:
            yield conditions.monday_after(self.now)


def _dated(changes: Iterable[str], before: Account, after: Account, playbook: Playbook) -> Iterator[str]:
    """The plays that these changes of an account may make due."""
    for change in changes:
        yield from playbook.dated_by.get(change, ())
        if change == "signals":
            for name in _moved(before, after):
                yield from playbook.starts.opened.get(name, ())
                yield from playbook.starts.closed.get(name, ())


def _moved(before: Account, after: Account) -> Iterator[str]:
    """The signals that have opened or closed."""
    return (name for name, state in after.signals.items() if before.signals.get(name) != state)


def _marks_of(changes: Iterable[str], before: Account, after: Account) -> frozenset[str] | None:
    marks = [_marks(each, before, after) for each in changes if each in _FOLLOWED]
    return None if any(each is None for each in marks) else frozenset(one for each in marks for one in each or ())


def _marks(change: str, before: Account, after: Account) -> Iterable[str] | None:
    """What conditions may hear of a change in the account itself; None: it may turn any."""
    match change:
        case "milestones":
            return (conditions.mark("milestone", name) for name in after.milestones if name not in before.milestones)
        case "signals":
            return (conditions.mark("signal", name) for name in _moved(before, after))
        case "samples":
            return (conditions.mark("samples"),)
        case "phases" | "edges":  # what is read of phases is derived from facts, and of edges nothing is
            return ()
        case _:
            return None


_FAR_OFF = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)  # no instant of ours is later


def view_of(account: Account, now: datetime, playbook: Playbook, zone: Zone | None = None) -> View:
    """What conditions may look at, for this account at this instant; working days are those of the zone."""
    view = View(
        facts=account.facts,
        vocabulary=playbook.vocabulary,
        now=now,
        anchor=timing.anchor_of(account, playbook),
        stage=account.stage,
        stage_entered_at=account.stage_entered_at,
        milestones=account.milestones,
        signals=account.signals,
        samples=account.samples,
        working=partial(_working, account, playbook, zone),
    )
    if playbook.onboarding is None:
        return view
    return replace(view, journeys=phases.journeys(playbook.onboarding, view, playbook))


def _working(account: Account, playbook: Playbook, zone: Zone | None) -> tuple[Hours, ZoneInfo]:
    tz = (zone or timing.zone_of(account, None, playbook)).tz
    return timing.working_days(account, policy.uncounted(account, playbook)), tz


def outlook(account: Account, people: Sequence[Person], now: datetime, playbook: Playbook) -> tuple[Due, ...]:
    """What is still to come as things stand now, by time: the pending future that ``why`` shows."""
    moving = _Moving(account, tuple(people), now, playbook)
    return tuple(sorted(moving.pending(), key=lambda due: (due.at, due.play.policy.priority, due.play.name)))


def _note(kind: NoteKind, at: datetime, **detail: str) -> Note:
    return Note(kind=kind, at=at, detail=detail)
