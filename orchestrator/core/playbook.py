"""The compiled Playbook: one immutable published version of everything that is decided by rule.

Made by ``orchestrator.playbook`` from YAML, checked and resolved, so that nothing here has a "missing step" branch.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum, unique
from typing import TypeAlias, assert_never, get_args

from orchestrator.core.audience import Audience
from orchestrator.core.calendars import Hours
from orchestrator.core.conditions import (
    ALWAYS,
    Case,
    Every,
    Hearing,
    Node,
    Weighted,
    hearing,
    is_timed,
    turned_by,
)
from orchestrator.core.events import Json
from orchestrator.core.facts import Vocabulary
from orchestrator.core.figures import Figure
from orchestrator.core.metrics import Bound, Metric
from orchestrator.core.periods import Unit


@unique
class Mode(StrEnum):
    """How far what is decided goes."""

    LIVE = "live"  # to the recipient
    SHADOW = "shadow"  # decided and composed, nothing leaves, no cap is used
    REDIRECT = "redirect"  # to one address of ours


@unique
class OnUnknown(StrEnum):
    """What becomes of a message whose hand-over is uncertain."""

    HOLD = "hold"  # it stays ``unknown`` until it is reconciled
    RESEND = "resend"  # it goes again: same Message-ID, same bytes


@unique
class Severity(StrEnum):
    """How bad a risk is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


Window: TypeAlias = tuple[timedelta, timedelta | None]  # since the anchor, half-open; None: it does not end


@unique
class TouchModel(StrEnum):
    """How much of a human an account gets (``spec/rules.md`` 1.9 "Touch names")."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    TECH = "tech"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A kind of customer, and what is scaled by it (``spec/rules.md`` 1.2 and 1.3 "Segments")."""

    name: str
    label: str  # what a person calls it
    touch: TouchModel
    owner: str | None = None  # the role that owns its accounts
    windows: Mapping[str, Window] = field(default_factory=dict)  # stage -> its window here
    phases: Mapping[str, timedelta | None] | None = None  # of an onboarding here, in order, with their time; None: all


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of an onboarding's work (``spec/rules.md`` 1.3 "Phases"): who does it, and what it waits for."""

    name: str
    label: str  # what a person calls it
    done: Node  # events in it are those of the onboarding itself
    owner: str | None = None  # the role that does it
    deliverable: str | None = None  # what it leaves behind
    needs: tuple[str, ...] = ()  # the tasks that come first, of any phase; those of phases that are passed by do not


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of an onboarding (``spec/rules.md`` 1.2 "Paths", 1.3 "Phases")."""

    name: str
    label: str  # what a person calls it
    until: Node  # events and milestones joined by and, or: what has happened once stays so
    within: timedelta | None = None  # of its entry: it should take no longer; None: nothing is stated
    owner: str | None = None  # the role that leads it
    deliverable: str | None = None  # what it ends with
    tasks: tuple[Task, ...] = ()  # what there is to do in it, in order


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """The phases of an onboarding, of which an account may have several (a department, a second product)."""

    starts: tuple[str, ...]  # the events with which one begins, if no other step of it came before
    phases: Mapping[str, Phase]  # in order
    opens: frozenset[str] | None = None  # the events with which one may begin; None: any that is kept of it


OF_SEGMENT = "segment"  # as the owner of work: the owner of the account's segment
OF_PHASE = "phase"  # as the owner of work: who leads the phase that the onboarding is in


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """All segments of a playbook."""

    by: Case  # says the name of the account's segment
    table: Mapping[str, Segment]
    default: str  # who fits no row; also whose owner and windows hold while the segment is unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """By when a milestone should be reached, on a clock of its own."""

    within: timedelta
    since: str  # an event's first time, or another milestone


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A named condition over facts, reached once."""

    name: str
    when: Node
    label: str  # what a person calls it
    target: timedelta | None = None  # after the anchor; None: no target
    targets: tuple[Target, ...] = ()  # on other clocks than the anchor's; the first that is missed counts

    @property
    def timed(self) -> bool:
        """Whether it has a target on any clock."""
        return self.target is not None or bool(self.targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One thing that is to be done before a stage is left (``spec/rules.md`` 1.4 "Transitions")."""

    label: str  # what a person calls it
    when: Node  # it is done while this holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where an account is in its life."""

    name: str
    goal: str  # what the stage is for, in a sentence
    window: Window | None = None  # None: none is stated; a segment may state another
    target: Figure | None = None  # of the goal's metric, 0..1
    checklist: tuple[ChecklistItem, ...] = ()  # of its exit: a transition may ask for all of it
    exit: bool = False  # the account has left: pending messages are cancelled, plays are skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row of the stage table."""

    source: str | None  # None: any stage but the target
    target: str
    when: Node
    path: str  # where in the playbook it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDay:
    """A local day after the anchor; day 0 is the anchor itself. Episode: once."""

    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDays:
    """Several local days after the anchor, as with OnDay. Episode: each day (``day 0014``)."""

    days: tuple[int, ...]  # rising


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """So long before an instant that a trait names, derived afresh when it moves. Episode: that instant.

    While it waits (for the send window, say) and the instant moves nearer, the episode stays: one process, one episode.
    """

    lead: timedelta
    until: str  # a trait that is an instant


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """An offset since the first time something happened. Episode: once."""

    delay: timedelta
    since: str  # an event of the vocabulary
    business: bool = False  # count only the account's working days


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Nothing for so long since the last time (or the anchor). Episode: the instant from which it is counted."""

    period: timedelta
    since: str  # an event of the vocabulary
    business: bool = False  # count only the account's working days


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurred:
    """Something happened, each time anew. Episode: the instant of the last time."""

    event: str  # of the vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A milestone is not reached though the first of its targets has passed. Episode: once."""

    milestone: str  # one with a target


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A milestone is reached. Episode: once."""

    milestone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A stage is entered. Episode: the life of the stage."""

    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEntered:
    """An onboarding enters a phase. Episode: the turn in which it was noted, and the onboarding."""

    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalled:
    """A stage's window has ended and the account is still there. Episode: the life of the stage."""

    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryWeek:
    """The beginning of each calendar week (Monday 00:00 UTC) after the anchor, up to a day. Episode: the week.

    These are the weeks that ``x.falling_weeks`` and ``x.week_ratio`` count in, the same for every account: for rules
    over weekly figures. What a person should get on a day of *their* week is a ``Cadence``.
    """

    until_day: int  # the last day since the anchor on which it still comes due


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """A day of each week, month or quarter on the local calendar, from the first after the anchor's day.

    Episode: the period (``2026-W07``, ``2026-03``, ``2026-Q1``).
    """

    unit: Unit
    on: int  # of a week: from 0 (Monday); else a day of its first month, from 1, its last day at most
    until_day: int | None = None  # the last local day since the anchor on which it comes due; None: for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """A condition has held for so long without a break. Episode: the instant since which it holds."""

    condition: Node
    span: timedelta = timedelta(0)  # zero: at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A signal is open for so long. Episode: the instant at which it opened."""

    signal: str
    delay: timedelta = timedelta(0)  # zero: at once
    business: bool = False  # count only the vendor's working time


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A signal has closed. Episode: the instant at which it closed."""

    signal: str


Trigger = (
    OnDay
    | OnDays
    | Before
    | After
    | Silent
    | Occurred
    | Overdue
    | Reached
    | Entered
    | Stalled
    | PhaseEntered
    | EveryWeek
    | Cadence
    | Holds
    | Opened
    | Closed
)  # when a play comes due: ``core.timing`` says how each is derived


@unique
class Channel(StrEnum):
    """How a letter reaches its reader; only mail is delivered here, the others are there to be taken."""

    EMAIL = "email"
    IN_APP = "in_app"  # a note in the product, to one person
    NOTIFY = "notify"  # a word to our own people
    WEBHOOK = "webhook"  # to another system


@unique
class SurveyKind(StrEnum):
    """What a survey asks."""

    NPS = "nps"  # would you recommend us: 0 to 10, more is better
    CSAT = "csat"  # how satisfied are you
    CES = "ces"  # how much effort was it: often 1 to 5, less is better (rules 1.3)
    GOAL = "goal"  # have you achieved your stated goal (rules 1.2, day 30)
    CHECK_IN = "check_in"  # how is it going, what is hard
    EXIT = "exit"  # why do you leave


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What numbers answer a survey; both ends belong to it."""

    lowest: Figure
    highest: Figure
    high_is_better: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SendEmail:
    """Write one mail to each of the audience."""

    template: str

    @property
    def channel(self) -> Channel:
        """By mail."""
        return Channel.EMAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowInApp:
    """Leave one note in the product for each of the audience."""

    template: str

    @property
    def channel(self) -> Channel:
        """In the product."""
        return Channel.IN_APP


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSurvey:
    """Ask each of the audience one thing."""

    kind: SurveyKind
    template: str
    scale: Scale | None = None  # None: it is answered in words
    channel: Channel = Channel.EMAIL  # or IN_APP


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Say something to our own people."""

    to: str  # a role, or the name of a chat channel
    template: str

    @property
    def channel(self) -> Channel:
        """To our own people."""
        return Channel.NOTIFY


@dataclass(frozen=True, slots=True, kw_only=True)
class CallWebhook:
    """Tell another system; its payload is the letter's context as JSON."""

    name: str  # of the other system

    @property
    def template(self) -> str:
        """It has none: what stands for it is its name."""
        return self.name

    @property
    def channel(self) -> Channel:
        """To another system."""
        return Channel.WEBHOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTrait:
    """Say something of the account: an event of our own, folded at once; of two words the later one holds."""

    traits: tuple[tuple[str, Json], ...]  # each with its value, as the vocabulary types it


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """Hand one piece of work to a human."""

    template: str
    severity: Severity
    category: str  # of ``spec/rules.md`` 1.3 "Risk categories": adoption, technical, champion, …
    owner: str  # the role that owns it; OF_SEGMENT: the owner of the account's segment
    due: timedelta  # of the vendor's working time


Letter = SendEmail | ShowInApp | AskSurvey | Notify | CallWebhook  # what makes a Message
Action = Letter | Escalate | SetTrait


def doing(action: Action) -> str:
    """What an action does, in a few words."""
    match action:
        case SendEmail():
            return f"email {action.template}"
        case Escalate():
            return f"escalate to {action.owner}, {action.severity}"
        case ShowInApp():
            return f"in-app {action.template}"
        case AskSurvey():
            return f"survey {action.kind} {action.template}, by {action.channel}"
        case Notify():
            return f"notify {action.to} {action.template}"
        case CallWebhook():
            return f"webhook {action.name}"
        case SetTrait():
            return f"set {', '.join(f'{name} = {value}' for name, value in action.traits)}"
        case _ as unreachable:
            assert_never(unreachable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How many local days must lie between two times that a play does something; neither days nor months: once only."""

    days: int = 0
    months: int = 0  # counted first

    @property
    def never(self) -> bool:
        """Whether once is all."""
        return not self.days and not self.months


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When and how a play may act."""

    at: time | None = None  # local wall-clock time; None: at once
    valid_for: timedelta = timedelta(days=2)  # found due later than this, it is stale
    max_defer: timedelta = timedelta(days=2)  # it may wait this long for a window or a cap
    priority: int = 50  # smaller goes first
    only_while: Node | None = None  # while this holds, what it did stands: else messages are cancelled, work is closed
    exempt: bool = False  # transactional: no window, no cap
    on_unknown: OnUnknown = OnUnknown.HOLD
    mode: Mode | None = None  # None: the playbook's
    window: Hours | None = None  # when its mail may leave; None: the playbook's window
    draft: Node | None = None  # while this holds, a person approves its messages first; None: as the playbook says
    again: Again | None = None  # None: whenever it comes due


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What makes a play a signal: all that it does is to be open, while its ``only_while`` holds."""

    severity: Severity
    category: str  # what kind of risk it is
    intervention: str = ""  # what a human should do about it, in a sentence
    absorbs: frozenset[str] = frozenset()  # its symptoms: signals that do not open while this one is open
    cooldown: timedelta = timedelta(0)  # after it closed, it stays closed for so long
    at_risk: bool = False  # while it is open, the account is at risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What makes a play a checkpoint: it does nothing, and being done says that its condition was met by then."""

    step: str  # of the programme it belongs to, for people
    among: Node = ALWAYS  # of whom it is asked; of others it says nothing
    target: Bound | None = None  # the share of accounts that should meet it; None: no share is promised


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Trigger + condition + actions + policy."""

    name: str
    label: str  # what a person calls it
    trigger: Trigger
    when: Node = ALWAYS
    actions: tuple[Action, ...] = ()
    policy: Policy = field(default_factory=Policy)
    stages: frozenset[str] = frozenset()  # empty: every stage that is no exit
    audience: Audience = field(default_factory=Audience)  # who of the account's people is written to
    prefer: Channel | None = None  # which goes of a mail and an in-app note; None: ``in_app_from`` says
    unreachable: Escalate | None = None  # the work for a human when nobody of them can be; None: it is skipped
    signal: Signal | None = None  # None: it is no signal, but does what its actions say
    checkpoint: Checkpoint | None = None  # None: it is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many mails one address may get; exempt ones neither count nor wait."""

    day: int  # in any 24 hours
    week: int  # in any 7 days


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """The least time between what one person gets; exempt messages neither count nor wait."""

    message: timedelta = timedelta(0)  # between two mails
    survey: timedelta = timedelta(0)  # between two surveys, by mail or in the product


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdout:
    """The share of accounts that is not written to, so that the difference can be measured; a matter of their ids."""

    share: Figure  # 0..1
    salt: str  # another one draws other accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """The hours of each local day in which nobody is written to, whatever the window says; they may pass midnight."""

    begins: time
    ends: time  # half-open; midnight: the end of the day


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """Public holidays, and what keeps to them. The vendor's stand in ``Playbook.working`` already."""

    dates: Mapping[str, Container[date]]  # by country (DE) or part of one (DE-BY), filled when asked
    edition: str  # which list this is: a new one derives every wake-up afresh
    send: bool = False  # no mail on the holidays of the account's country (its trait ``country``)
    silence: bool = False  # the working days of a silence or delay leave them out


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """Everything that is decided by rule."""

    name: str
    version: str  # hash of the text and of the templates
    vocabulary: Vocabulary
    anchor: str  # the event whose first occurrence starts the day count
    first_stage: str
    stages: Mapping[str, Stage]
    transitions: tuple[Transition, ...]
    milestones: Mapping[str, Milestone]
    plays: Mapping[str, Play]
    caps: Caps
    window: Hours  # when mail may leave, in the recipient's zone
    working: Hours  # the vendor's working time, for due times
    timezone: str  # where neither person nor account names one; also the vendor's
    mode: Mode = Mode.LIVE
    checklist: tuple[str, ...] = ()  # milestones that make up the set-up, in order
    horizon: timedelta = timedelta(days=30)  # events older than this on arrival are history
    reads: frozenset[str] = frozenset()  # the events that any rule looks at: others cost their fold only
    segmentation: Segmentation | None = None  # None: all accounts are treated alike
    onboarding: Onboarding | None = None  # None: it has no phases
    in_app_from: str | None = None  # the milestone from which on plays with both write in-app; None: they write both
    core_feature: tuple[str, str] = ("", "")  # label and path of the link to the core feature
    copy: Mapping[str, str] = field(default_factory=dict)  # blocks of words that letters may print
    first_day: int = 0  # what the playbook calls the anchor's own day; days are counted from 0 in here
    ages: Case | None = None  # says how old the account is, in words; None: it has no words for that
    draft: Node | None = None  # the same for every play that says nothing of it and is not exempt; None: nobody does
    account_caps: Caps | None = None  # how many touches one account may get, over all its people; None: any number
    gaps: Gaps | None = None  # None: messages may follow each other at once
    holdout: Holdout | None = None  # None: everyone is written to
    quiet: Quiet | None = None  # None: no hour of the window is quiet
    holidays: Holidays | None = None  # None: every day counts as its weekday does
    health: Weighted | None = None  # what the score of an account is made of; None: it has none
    sampled: bool = False  # some rule looks at the weekly samples of health, so they are taken
    metrics: Mapping[str, Metric] = field(default_factory=dict)  # what is promised of many accounts
    judgements: Mapping[str, str] = field(default_factory=dict)  # what only a human can tick -> what a person calls it
    signals: Mapping[str, Signal] = field(init=False)  # of the plays
    checkpoints: Mapping[str, Checkpoint] = field(init=False)  # of the plays
    roots: Mapping[str, tuple[str, ...]] = field(init=False)  # symptom -> the signals that absorb it
    watched: Mapping[str, Holds] = field(init=False)  # play -> the condition whose edges start it
    rows: Mapping[str, tuple[Transition, ...]] = field(init=False)  # stage -> what leads out of it, in order
    whole: Mapping[str, Node] = field(init=False)  # play -> all its conditions as one, to explain what became of it
    places: Mapping[str, int] = field(init=False)  # play -> its place among the plays
    dated_by: Mapping[str, tuple[str, ...]] = field(init=False)  # field of Account -> the plays that it may make due
    starts: "Starts" = field(init=False)  # the plays by what must have come about before they can come due
    hears: Mapping[Node, frozenset[str] | None] = field(init=False)  # condition -> what may turn it; None: any event
    weighs: frozenset[str] | None = field(init=False)  # what may turn its health; None: it has none, or any event may
    touched: Mapping[str, "Touched"] = field(init=False)  # event that rules look at -> what it alone may turn
    timed: "Touched" = field(init=False)  # what may turn by the clock alone

    def __post_init__(self) -> None:
        """Derive what the plays say, so that a playbook without signals has nothing to look through."""
        signals = {name: play.signal for name, play in self.plays.items() if play.signal is not None}
        checkpoints = {name: play.checkpoint for name, play in self.plays.items() if play.checkpoint is not None}
        watched = {name: play.trigger for name, play in self.plays.items() if isinstance(play.trigger, Holds)}
        rows = {
            stage: tuple(row for row in self.transitions if row.target != stage and row.source in {None, stage})
            for stage in self.stages
        }
        derived = {
            "signals": signals,
            "checkpoints": checkpoints,
            "roots": _roots(signals),
            "watched": watched,
            "rows": rows,
            "whole": {name: _whole(play) for name, play in self.plays.items()},
            "places": {name: place for place, name in enumerate(self.plays)},
            "dated_by": _dated_by(self.plays.values()),
            "starts": _starts(self.plays.values()),
            "hears": {node: turned_by(node, self.vocabulary) for node in self._followed()},
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "weighs", None if self.health is None else self.hears[self.health])
        object.__setattr__(self, "touched", self._touches())
        object.__setattr__(self, "timed", self._touched({node for node in self.hears if is_timed(node)}))

    def _touches(self) -> dict[str, "Touched"]:
        hearings = {node: hearing(node, self.vocabulary) for node in self._followed()}
        return {name: self._touched_by(name, hearings) for name in self.reads}

    def _touched_by(self, event: str, hearings: Mapping[Node, Hearing]) -> "Touched":
        """What an event of this name may turn, beside facts."""
        heard = {node for node, each in hearings.items() if each.goals or event in each.events}
        dated = frozenset(play.name for play in self.plays.values() if event in dates(play.trigger, self.milestones))
        everything = event in self.vocabulary.steps or any(hearings[node].zoned for node in heard)
        return self._touched(heard, dated, everything=everything)

    def _touched(
        self, heard: Container[Node | None], dated: frozenset[str] = frozenset(), *, everything: bool = False
    ) -> "Touched":
        rows = {stage: tuple(row for row in out if row.when in heard) for stage, out in self.rows.items()}
        goals = frozenset(name for name, play in self.plays.items() if play.policy.only_while in heard)
        return Touched(
            milestones=tuple(each for each in self.milestones.values() if each.when in heard),
            rows={stage: out for stage, out in rows.items() if out},
            watched=tuple((name, held.condition) for name, held in self.watched.items() if held.condition in heard),
            goals=goals,
            signals=tuple(name for name in self.signals if name in goals),
            dated=dated,
            weighs=self.health in heard,
            everything=everything,
        )

    def _followed(self) -> Iterator[Node]:
        """The conditions that an account is followed by, whatever is due."""
        yield from (milestone.when for milestone in self.milestones.values())
        yield from (row.when for row in self.transitions)
        for play in self.plays.values():
            held = play.trigger.condition if isinstance(play.trigger, Holds) else None
            yield from (node for node in (held, play.policy.only_while) if node is not None)
        if self.health is not None:
            yield self.health


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """Plays by what must have come about in an account before they can come due, each in the order of the playbook."""

    freely: list[str] = field(default_factory=list)  # nothing but facts
    opened: dict[str, list[str]] = field(default_factory=dict)  # by the signal that is open
    closed: dict[str, list[str]] = field(default_factory=dict)  # by the signal that has closed
    stage: dict[str, list[str]] = field(default_factory=dict)  # by the stage that it is in
    milestone: dict[str, list[str]] = field(default_factory=dict)  # by the milestone that is reached
    phase: list[str] = field(default_factory=list)  # any phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What one event, or the clock, may turn in an account at rest (``core.glance``)."""

    milestones: tuple[Milestone, ...]  # whose conditions hear it
    rows: Mapping[str, tuple[Transition, ...]]  # stage -> the ways out of it that hear it
    watched: tuple[tuple[str, Node], ...]  # play -> the condition whose edges start it
    goals: frozenset[str]  # plays whose ``only_while`` hears it
    signals: tuple[str, ...]  # those of them that are signals
    dated: frozenset[str]  # plays whose due instant it may move
    weighs: bool  # whether the health hears it
    everything: bool  # whether it may turn what is read in the zone of people, or where an onboarding is


def dates(trigger: Trigger, milestones: Mapping[str, Milestone]) -> frozenset[str]:
    """The events that move a trigger's due instant; the anchor, traits and what is decided move others."""
    match trigger:
        case After() | Silent():
            return frozenset({trigger.since})
        case Occurred():
            return frozenset({trigger.event})
        case Overdue() if trigger.milestone in milestones:  # else it is refused where it is written
            return frozenset(target.since for target in milestones[trigger.milestone].targets)
        case _:
            return frozenset()


def _whole(play: Play) -> Node:
    """Condition and goal as one: a clause is decisive only if it would have changed what was done."""
    held = play.trigger.condition if isinstance(play.trigger, Holds) else None
    goal = play.policy.only_while
    among = None if play.checkpoint is None else play.checkpoint.among
    asked = (held if held is not goal else None, among, play.when, goal)
    parts = tuple(part for part in asked if part is not None)
    return Every(operands=parts, text=" and ".join(f"({part.text})" for part in parts))


def _starts(plays: Iterable[Play]) -> "Starts":
    """The plays by what starts them."""
    found = Starts()
    for play in plays:
        match play.trigger:
            case Opened(signal=name):
                found.opened.setdefault(name, []).append(play.name)
            case Closed(signal=name):
                found.closed.setdefault(name, []).append(play.name)
            case Entered(stage=name) | Stalled(stage=name):
                found.stage.setdefault(name, []).append(play.name)
            case Reached(milestone=name):
                found.milestone.setdefault(name, []).append(play.name)
            case PhaseEntered():
                found.phase.append(play.name)
            case Holds():
                pass  # it has an edge of its own
            case _:
                found.freely.append(play.name)
    return found


_DATED_BY: Mapping[str, tuple[type[Trigger], ...]] = {
    "facts": get_args(Trigger),
    "milestones": (Overdue, Reached),
    "stage": (Entered, Stalled),
    "phases": (PhaseEntered,),
    "edges": (Holds,),
}  # field of Account -> the triggers that look at it, beside what is decided; an anchor is frozen at what it is


def _dated_by(plays: Iterable[Play]) -> dict[str, tuple[str, ...]]:
    every = tuple(plays)
    return {
        field: tuple(play.name for play in every if isinstance(play.trigger, kinds))
        for field, kinds in _DATED_BY.items()
    }


def _roots(signals: Mapping[str, Signal]) -> dict[str, tuple[str, ...]]:
    """For each symptom the signals that absorb it; the symptoms of a symptom are its root's too."""
    absorbed = {name: _symptoms(name, signals) for name in signals}
    symptoms = {symptom for found in absorbed.values() for symptom in found}
    return {each: tuple(root for root in signals if each in absorbed[root]) for each in symptoms}


def _symptoms(root: str, signals: Mapping[str, Signal]) -> set[str]:
    found: set[str] = set()
    newest = {root}
    while newest:
        newest = {each for name in newest if name in signals for each in signals[name].absorbs} - found
        found |= newest
    return found
