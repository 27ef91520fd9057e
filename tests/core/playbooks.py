"""A small, rich playbook made of core values, and the words to build conditions and variants of it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from orchestrator.core.calendars import Hours
from orchestrator.core.conditions import (
    ALWAYS,
    Arithmetic,
    Case,
    Compare,
    Either,
    Every,
    Indicator,
    Literal,
    Negation,
    Node,
    OneOf,
    Says,
    Term,
    TermKind,
    Weighted,
)
from orchestrator.core.events import OWN_EVENTS, Json
from orchestrator.core.facts import SAYINGS, Filter, MeasureRule, ScoreRule, TraitRule, TraitType, Value, Vocabulary
from orchestrator.core.health import Rules
from orchestrator.core.periods import Unit
from orchestrator.core.playbook import (
    Action,
    After,
    AskSurvey,
    Before,
    Cadence,
    CallWebhook,
    Caps,
    Channel,
    ChecklistItem,
    Closed,
    Entered,
    Escalate,
    EveryWeek,
    Holds,
    Milestone,
    Notify,
    Occurred,
    Onboarding,
    OnDay,
    OnDays,
    Opened,
    Overdue,
    Phase,
    PhaseEntered,
    Play,
    Playbook,
    Policy,
    Reached,
    Scale,
    Segment,
    Segmentation,
    SendEmail,
    SetTrait,
    Severity,
    ShowInApp,
    Signal,
    Silent,
    Stage,
    Stalled,
    SurveyKind,
    Target,
    TouchModel,
    Transition,
    Trigger,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# -- conditions --------------------------------------------------------------------------------------------------------


def term(kind: TermKind, name: str = "") -> Term:
    """A name of the vocabulary, written as a playbook would."""
    bare = {TermKind.SEEN, TermKind.TRAIT, TermKind.MILESTONE, TermKind.MEASURE, TermKind.JUDGED}
    suffix = "" if kind in bare else f".{kind.value}"
    return Term(kind=kind, name=name, text=f"{name}{suffix}" if name else kind.value)


def seen(name: str) -> Term:
    return term(TermKind.SEEN, name)


def count(name: str) -> Term:
    return term(TermKind.COUNT, name)


def days_ago(name: str) -> Term:
    return term(TermKind.DAYS_AGO, name)


def trait(name: str) -> Term:
    return term(TermKind.TRAIT, name)


def reached(name: str) -> Term:
    return term(TermKind.MILESTONE, name)


def is_open(name: str) -> Term:
    return Term(kind=TermKind.SIGNAL, name=name, text=name)


def acknowledged(name: str) -> Term:
    return term(TermKind.ACKNOWLEDGED, name)


def days_open(name: str) -> Term:
    return term(TermKind.SIGNAL_DAYS, name)


def constant(value: Value) -> Literal:
    return Literal(value=value, text=repr(value))


def compare(left: Node | Value, sign: str, right: Node | Value) -> Compare:
    first, second = _node(left), _node(right)
    return Compare(operator=sign, left=first, right=second, text=f"{first.text} {sign} {second.text}")


def _node(side: Node | Value) -> Node:
    return constant(side) if side is None or isinstance(side, bool | float | int | str | datetime) else side


def calculate(left: Node, sign: str, right: Node) -> Arithmetic:
    return Arithmetic(operator=sign, left=left, right=right, text=f"{left.text} {sign} {right.text}")


def one_of(item: Node, *values: Value, negated: bool = False) -> OneOf:
    return OneOf(item=item, values=values, negated=negated, text=f"{item.text} {'not ' * negated}in {values!r}")


def negation(node: Node) -> Negation:
    return Negation(operand=node, text=f"not ({node.text})")


def every(*nodes: Node) -> Every:
    return Every(operands=nodes, text=" and ".join(f"({node.text})" for node in nodes))


def either(*nodes: Node) -> Either:
    return Either(operands=nodes, text=" or ".join(f"({node.text})" for node in nodes))


def case(name: str, *rows: tuple[Node, Value], default: Value, unknown: Value = None) -> Case:
    return Case(rows=rows, default=default, unknown=unknown, text=name)


# -- the playbook ------------------------------------------------------------------------------------------------------

EVENTS = (
    "signed_up",
    "login",
    "setup_done",
    "core_used",
    "ticket_opened",
    "nps_answered",
    "ordered",
    "left",
    "came_back",
)
NOISE = "page_scrolled"  # an event of the vocabulary that no rule reads

FILTERED = "order_a"  # an event that is one by its properties

VOCABULARY = Vocabulary(
    events=frozenset({*EVENTS, FILTERED, NOISE, *OWN_EVENTS}),
    aliases={"Signed Up": "signed_up", **{name: name for name in (*EVENTS, FILTERED, NOISE, *OWN_EVENTS)}},
    filters={"ordered": (Filter(name=FILTERED, where={"product": ("a",)}),)},
    traits={
        "name": TraitRule(type=TraitType.TEXT),
        "seats": TraitRule(type=TraitType.NUMBER),
        "term": TraitRule(type=TraitType.TEXT, values=("monthly", "annual")),
        "vip": TraitRule(type=TraitType.BOOL, default=False),
        "renewal_at": TraitRule(type=TraitType.INSTANT),
        "timezone": TraitRule(type=TraitType.TEXT),
        "country": TraitRule(type=TraitType.TEXT),
        "weekend": TraitRule(type=TraitType.TEXT),
    },
    scores={"nps": ScoreRule(event="nps_answered", property="score", lowest=0, highest=10)},
    measures={
        "revenue": MeasureRule(event="ordered", property="amount", distinct=False),
        "products": MeasureRule(event="ordered", property="product", distinct=True),
    },
    steps=frozenset({"signed_up", "setup_done", "core_used", "came_back", "ordered"}),
)

CHECKLIST = (
    ChecklistItem(label="Set up", when=reached("setup")),
    ChecklistItem(label="Told what for", when=compare(count("core_used"), ">=", 1)),
)
STAGES = {
    "onboarding": Stage(
        name="onboarding", goal="The first value is felt.", window=(timedelta(0), 7.5 * DAY), checklist=CHECKLIST
    ),
    "growth": Stage(name="growth", goal="It becomes a habit.", window=(7 * DAY, 12 * DAY)),
    "maturity": Stage(name="maturity", goal="It is depended on."),
    "expansion": Stage(name="expansion", goal="It spreads."),
    "churned": Stage(name="churned", goal="They left.", exit=True),
}

SILENT_45 = every(seen("login"), compare(days_ago("login"), ">=", 45))
GONE = compare(term(TermKind.LAST, "left"), ">", term(TermKind.LAST, "came_back"))

TRANSITIONS = (
    Transition(source=None, target="churned", when=either(GONE, SILENT_45), path="stages.0"),
    Transition(source="churned", target="onboarding", when=every(negation(GONE), negation(SILENT_45)), path="stages.1"),
    Transition(
        source="onboarding",
        target="growth",
        when=every(reached("setup"), compare(term(TermKind.DAY), ">=", 7)),
        path="stages.2",
    ),
    Transition(source="growth", target="maturity", when=compare(term(TermKind.STAGE_DAYS), ">", 10), path="stages.3"),
    Transition(source="maturity", target="expansion", when=compare(trait("seats"), ">=", 50), path="stages.4"),
)

MILESTONES = {
    each.name: each
    for each in (
        Milestone(name="setup", when=seen("setup_done"), label="Set-up finished"),
        Milestone(
            name="value", when=every(reached("setup"), compare(count("core_used"), ">=", 2)), label="First value"
        ),
        Milestone(
            name="habit",
            when=compare(count("core_used"), ">=", 3),
            label="A habit",
            target=20 * DAY,
            targets=(Target(within=5 * DAY, since="login"), Target(within=12 * HOUR, since="setup")),
        ),
        Milestone(
            name="settled",
            when=every(seen("login"), compare(days_ago("login"), ">", 1.3), compare(days_ago("login"), "<=", 20)),
            label="A first pause",
        ),
        Milestone(name="agreed", when=term(TermKind.GOALS_MET), label="What they came for"),
    )
}

SEGMENT = case(
    "segment",
    (compare(trait("seats"), ">=", 50), "large"),
    (every(compare(trait("seats"), ">=", 3), compare(trait("term"), "==", "annual")), "middle"),
    default="small",
)
SEGMENTATION = Segmentation(
    by=SEGMENT,
    table={
        "large": Segment(
            name="large",
            label="Large",
            touch=TouchModel.HIGH,
            owner="specialist",
            windows={"onboarding": (timedelta(0), 20 * DAY), "growth": (DAY, None)},
        ),
        "middle": Segment(
            name="middle",
            label="Middle",
            touch=TouchModel.MEDIUM,
            owner="pooled_csm",
            phases={"kickoff": 5 * DAY, "handoff": None},
        ),
        "small": Segment(name="small", label="Small", touch=TouchModel.TECH),
    },
    default="small",
)
PACE = case(
    "pace",
    (compare(days_ago("login"), ">", 9), "lost"),
    (compare(days_ago("login"), ">=", 1.7), "slow"),
    default="quick",
)  # a derived name that moves with the clock
SLOWED = Milestone(name="slowed", when=every(seen("login"), compare(PACE, "==", "slow")), label="Slower than before")

HEALTH = Weighted(
    indicators=(
        Indicator(
            name="engagement",
            label="Engagement",
            weight=40,
            when=ALWAYS,
            green=compare(days_ago("login"), "<=", 2.4),
            yellow=compare(days_ago("login"), "<", 6),
        ),
        Indicator(
            name="adoption",
            label="Adoption",
            weight=30,
            when=compare(term(TermKind.DAY), ">=", 3),
            figure=count("core_used"),
            worst=0,
            best=4,
        ),
        Indicator(
            name="champion",
            label="Champion",
            weight=20,
            when=ALWAYS,
            green=term(TermKind.JUDGED, "proven"),
            yellow=negation(seen("ticket_opened")),
        ),
        Indicator(
            name="sentiment",
            label="Sentiment",
            weight=10,
            when=ALWAYS,
            green=compare(term(TermKind.LATEST, "nps"), ">=", 8),
        ),
    ),
    rules=Rules(worst_of=frozenset({"champion"})),
    says=Says.SCORE,
    text="health",
)
FADED = Milestone(name="faded", when=every(seen("login"), compare(HEALTH, "<", 50)), label="It fades")

MAIL = SendEmail(template="letter")

NOTE = ShowInApp(template="banner")
SURVEY = AskSurvey(kind=SurveyKind.NPS, template="survey", scale=Scale(lowest=0, highest=10, high_is_better=True))
WORD = Notify(to="csm", template="word")
CALL_CRM = CallWebhook(name="crm")


def said(**traits: Json) -> SetTrait:
    """Traits that a play sets."""
    return SetTrait(traits=tuple(traits.items()))


def health(says: Says = Says.SCORE, node: Weighted = HEALTH) -> Weighted:
    """A node that says this of the health."""
    return replace(node, says=says, text=says.value)


def work(severity: Severity = Severity.HIGH, due: timedelta = 4 * HOUR, owner: str = "csm") -> Escalate:
    """A piece of work for a human."""
    return Escalate(template="call", severity=severity, category="adoption", owner=owner, due=due)


def play(
    name: str,
    trigger: Trigger,
    *actions: Action,
    when: Node = ALWAYS,
    stages: Iterable[str] = (),
    prefer: Channel | None = None,
    **policy: Any,  # noqa: ANN401 -- fields of Policy
) -> Play:
    """A play by its parts; the rest is policy."""
    return Play(
        name=name,
        label=name,
        trigger=trigger,
        actions=actions,
        policy=Policy(**policy),
        stages=frozenset(stages),
        when=when,
        prefer=prefer,
    )


PLAYS = (
    play("greet", After(delay=timedelta(0), since="login"), NOTE, valid_for=DAY),
    play("ask", OnDay(day=12), SURVEY, at=time(10), only_while=negation(seen("nps_answered"))),
    play("both", OnDay(day=4), MAIL, NOTE, at=time(9)),
    play("in_app", OnDay(day=9), MAIL, NOTE, prefer=Channel.IN_APP),
    play("tell", Reached(milestone="value"), said(vip=True), WORD, CALL_CRM, only_while=negation(seen("left"))),
    play("special", After(delay=DAY, since="signed_up"), MAIL, when=trait("vip"), valid_for=9 * DAY, max_defer=9 * DAY),
    play("grown", Entered(stage="maturity"), said(seats=60, term="annual")),
    play("moved", OnDay(day=5), said(timezone="Asia/Kathmandu")),
    play("welcome", OnDay(day=0), MAIL, exempt=True, valid_for=DAY, priority=1),
    play("day_1", OnDay(day=1), MAIL, at=time(9), when=negation(seen("core_used"))),
    play("day_2", OnDay(day=2), MAIL, when=compare(trait("term"), "==", "annual")),
    play("day_3", OnDay(day=3), MAIL, at=time(10), only_while=negation(reached("setup"))),
    play("day_5", OnDay(day=5), MAIL, at=time(2, 30), valid_for=6 * HOUR, max_defer=12 * HOUR),
    play(
        "day_6",
        OnDay(day=6),
        work(Severity.LOW),
        when=every(compare(days_ago("login"), "<", 2), compare(term(TermKind.DAY), ">=", 5.5)),
    ),
    play(
        "assigned",
        OnDay(day=8),
        work(owner="segment"),
        when=negation(one_of(SEGMENT, "small")),
        only_while=compare(PACE, "!=", "lost"),
    ),
    play("day_14", OnDay(day=14), MAIL, at=time(10), stages={"growth"}, valid_for=7 * DAY),
    play("nudge", After(delay=48 * HOUR, since="signed_up"), work(), only_while=negation(seen("login"))),
    play("ticket", After(delay=DAY, since="ticket_opened", business=True), MAIL, work(), priority=10),
    play(
        "low_score",
        After(delay=timedelta(0), since="nps_answered"),
        work(Severity.CRITICAL),
        when=compare(term(TermKind.LOWEST, "nps"), "<", 6),
    ),
    play(
        "quiet",
        Silent(period=2 * DAY, since="login", business=True),
        MAIL,
        only_while=compare(days_ago("login"), ">=", 2),
        max_defer=4 * DAY,
        valid_for=5 * DAY,
    ),
    play("gone", Silent(period=10 * DAY, since="login"), work()),
    play("celebrate", Reached(milestone="value"), MAIL, at=time(11)),
    play("growing", Entered(stage="growth"), MAIL, at=time(9), max_defer=DAY),
    play("stuck", Stalled(stage="onboarding"), work()),
    play("stuck_again", Stalled(stage="growth"), MAIL, max_defer=4 * DAY, valid_for=5 * DAY),
    play("farewell", Entered(stage="churned"), MAIL, stages={"churned"}),
    play(
        "falling",
        EveryWeek(until_day=35),
        work(Severity.MEDIUM),
        when=compare(term(TermKind.FALLING, "login"), ">=", 1),
    ),
    play("unproven", OnDay(day=8), work(), only_while=negation(term(TermKind.JUDGED, "proven"))),
    play("aims", After(delay=DAY, since="goal_set"), MAIL, when=compare(term(TermKind.GOALS_OPEN), ">=", 1)),
    play("agreed", Reached(milestone="agreed"), work(Severity.LOW)),
    play(
        "ailing",
        EveryWeek(until_day=40),
        work(),
        when=compare(health(), "<", 60),
        only_while=negation(compare(health(Says.COLOUR), "==", "green")),
    ),
    play("sinking", EveryWeek(until_day=40), MAIL, when=compare(term(TermKind.HEALTH_FALLING), ">=", 1)),
    play("weekly", EveryWeek(until_day=28), MAIL, at=time(9), when=compare(trait("seats"), ">=", 3)),
    play("steps", OnDays(days=(4, 8, 30)), MAIL, at=time(9), when=negation(reached("value"))),
    play("renewal", Before(lead=20 * DAY, until="renewal_at"), MAIL, work(), max_defer=5 * DAY, valid_for=6 * DAY),
    play("order", Occurred(event=FILTERED), MAIL, valid_for=4 * DAY, max_defer=4 * DAY),
    play("order_of_a", Occurred(event=FILTERED), work(), when=compare(count(FILTERED), ">=", 2)),
    play(
        "unrenewed",
        OnDays(days=(9, 20)),
        work(),
        when=either(compare(term(TermKind.DAYS_UNTIL, "renewal_at"), "<", 12.5), seen("ordered")),
        only_while=compare(term(TermKind.DAYS_UNTIL, "renewal_at"), ">=", -2),
    ),
    play(
        "slack",
        OnDays(days=(3, 6, 12)),
        work(),
        when=compare(term(TermKind.MILESTONE_DAYS, "setup"), ">", 2),
        only_while=compare(term(TermKind.BUSINESS_DAYS_AGO, "login"), "<=", 2),
    ),
    play("return", Occurred(event="came_back"), work(Severity.LOW)),
    play("no_habit", Overdue(milestone="habit"), MAIL, only_while=negation(reached("habit")), max_defer=DAY),
    play("mondays", Cadence(unit=Unit.WEEK, on=0, until_day=40), MAIL, at=time(9), max_defer=HOUR, valid_for=DAY),
    play("month_end", Cadence(unit=Unit.MONTH, on=31), work(Severity.LOW), at=time(2, 30)),
    play("quarterly", Cadence(unit=Unit.QUARTER, on=1), MAIL),
)

ONBOARDING = Onboarding(
    starts=("signed_up",),
    phases={
        "kickoff": Phase(name="kickoff", label="Kickoff", until=seen("setup_done"), within=2 * DAY, owner="csm"),
        "training": Phase(
            name="training",
            label="Training",
            until=either(every(seen("core_used"), reached("setup")), seen("came_back")),
            within=4.5 * DAY,
            deliverable="trained people",
        ),
        "handoff": Phase(name="handoff", label="Handoff", until=seen("ordered")),
    },
)
PHASE_PLAYS = (
    play(
        "train",
        PhaseEntered(phase="training"),
        MAIL,
        at=time(9),
        only_while=compare(term(TermKind.PHASE), "==", "training"),
    ),
    play("hand_over", PhaseEntered(phase="handoff"), work(), when=compare(term(TermKind.ONBOARDINGS), ">=", 1)),
    play("onboarded", PhaseEntered(phase="done"), work(Severity.LOW)),
    play("slow", OnDay(day=6), work(), when=term(TermKind.PHASE_LATE)),
    play("slower", OnDay(day=1), work(), only_while=compare(term(TermKind.PHASE_DAYS), "<", 3.3)),
)
LATE = Milestone(
    name="late", when=either(term(TermKind.PHASE_LATE), compare(term(TermKind.PHASE_DAYS), ">", 9)), label="Late"
)


def signal(
    name: str,
    trigger: Trigger,
    *absorbs: str,
    when: Node = ALWAYS,
    cooldown: timedelta = timedelta(0),
    **policy: Any,  # noqa: ANN401 -- fields of Policy
) -> Play:
    """A signal by its parts; what keeps it open is the policy's ``only_while``."""
    what = Signal(severity=Severity.HIGH, category="adoption", absorbs=frozenset(absorbs), cooldown=cooldown)
    return replace(play(name, trigger, when=when, **{"valid_for": 7 * DAY, **policy}), signal=what)


def rung(
    number: int,
    name: str,
    delay: timedelta,
    *actions: Action,
    unless_acknowledged: bool = True,
    business: bool = False,
) -> Play:
    """A rung of a signal's ladder."""
    return play(
        f"{name}_{number}",
        Opened(signal=name, delay=delay, business=business),
        *actions,
        when=negation(acknowledged(name)) if unless_acknowledged else ALWAYS,
        only_while=is_open(name),
        valid_for=7 * DAY,
    )


NO_LOGIN, LOW_USE = negation(seen("login")), compare(count("core_used"), "<", 3)
LONG_AGO = compare(days_ago("login"), ">=", 3)

SIGNALS = (
    signal(
        "absent",
        After(delay=2 * DAY, since="signed_up"),
        "unset",
        "unused",
        "away",
        only_while=NO_LOGIN,
        priority=1,
    ),
    signal("unset", After(delay=5 * DAY, since="signed_up"), "unused", only_while=negation(reached("setup"))),
    signal(
        "unused",
        Holds(condition=every(LOW_USE, compare(term(TermKind.DAY), ">=", 4)), span=2 * DAY),
        only_while=compare(count("core_used"), "<", 5),
        cooldown=6 * DAY,
    ),
    signal("away", Silent(period=3 * DAY, since="login"), only_while=LONG_AGO, cooldown=5 * DAY),
    signal("flat", EveryWeek(until_day=40), when=LONG_AGO, only_while=compare(days_open("flat"), "<", 9)),
    signal("idle", Holds(condition=LONG_AGO), only_while=LONG_AGO, cooldown=DAY, valid_for=DAY),
    signal("grim", Holds(condition=either(is_open("away"), is_open("idle")), span=DAY), only_while=is_open("away")),
)
FOLLOWS = (
    rung(1, "absent", timedelta(0), MAIL),
    rung(2, "absent", 4 * HOUR, work(), business=True),
    rung(3, "absent", 9 * DAY, work(Severity.CRITICAL), unless_acknowledged=False),
    rung(1, "away", 2 * DAY, MAIL, work()),
    rung(1, "idle", 3 * HOUR, work()),
    play("relief", Closed(signal="idle"), MAIL),
    play("steady", Holds(condition=every(seen("login"), negation(LONG_AGO)), span=4 * DAY), MAIL, at=time(10)),
)

PLAYBOOK = Playbook(
    name="test",
    version="v1",
    vocabulary=VOCABULARY,
    anchor="signed_up",
    first_stage="onboarding",
    stages=STAGES,
    transitions=TRANSITIONS,
    milestones=MILESTONES,
    plays={each.name: each for each in PLAYS},
    caps=Caps(day=2, week=4),
    window=Hours(weekdays=frozenset(range(5)), opens=time(8), closes=time(18)),
    working=Hours(weekdays=frozenset(range(5)), opens=time(9), closes=time(17)),
    timezone="Europe/Berlin",
    checklist=("setup", "value"),
    reads=frozenset({*EVENTS, FILTERED, *SAYINGS}) - {"ordered"},
    core_feature=("Boards", "/boards"),
    judgements={"proven": "Value is proven"},
)


def with_plays(*plays: Play, **changes: Any) -> Playbook:  # noqa: ANN401 -- fields of Playbook
    """The playbook with only these plays, and other changes."""
    return replace(PLAYBOOK, plays={each.name: each for each in plays}, **changes)
