"""Conditions: Kleene logic over facts, compiled once, explained by the same tree.

A condition is a closed subset of Python expressions (parsed and typed in ``orchestrator.playbook.conditions``). Here is
what it means. None stands for *unknown* and follows Kleene's strong logic: ``False and unknown`` is False, ``True and
unknown`` is unknown. Facts are closed-world: an event never seen is False, its count 0, its ``days_ago`` infinite.
What cannot be evaluated raises ``UndecidableError``, never reads as False.

``Case`` makes derived names (``segment``, ``touch``): the first of its rows whose condition holds gives the value. It
is an ordinary node, so that what it says, when it turns, since when and why all follow from its rows.

Terms that move with the clock (``day``, ``stage_days``, ``x.days_ago``) may only be compared with a literal, so that
the instant at which the comparison turns is known exactly (``flips``): nothing has to be polled. Terms about calendar
weeks turn at the next Monday 00:00 UTC.
"""

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique
from functools import lru_cache, partial
from itertools import chain
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from orchestrator.core import calendars, goals, health, judgements, signals
from orchestrator.core.calendars import DAY, Hours
from orchestrator.core.errors import UndecidableError
from orchestrator.core.facts import Fact, Facts, Value, Vocabulary, measure, week_of
from orchestrator.core.figures import Figure
from orchestrator.core.health import Colour, Health, Reading, Rules
from orchestrator.core.signals import SignalState, acknowledged_at, is_open

_FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_NEVER_YET = datetime.min.replace(tzinfo=UTC)  # the ``last`` of what was never seen
_NEVER = datetime.max.replace(tzinfo=UTC)  # the ``first`` of what was never seen
_MOMENT = timedelta(microseconds=1)  # the resolution of our clocks


@unique
class TermKind(StrEnum):
    """What a name in a condition reads."""

    SEEN = "seen"  # login: has it ever happened
    COUNT = "count"  # login.count
    DAYS_AGO = "days_ago"  # login.days_ago: days since the last; infinite when never
    BUSINESS_DAYS_AGO = "business_days_ago"  # login.business_days_ago: the account's working days since the last
    FIRST_DAY = "first_day"  # login.first_day: days from the anchor to the first; infinite when never
    FIRST = "first"  # login.first: the instant
    LAST = "last"  # login.last: the instant
    FALLING = "falling_weeks"  # login.falling_weeks: full weeks in a row, each with less than the one before
    WEEK_RATIO = "week_ratio"  # login.week_ratio: the last full week over the first full week since the anchor
    TRAIT = "trait"
    DAYS_UNTIL = "days_until"  # renewal_at.days_until: days to the instant that a trait names; negative after it
    MILESTONE = "milestone"  # has it been reached
    MILESTONE_DAYS = "milestone_days"  # setup.days: days from the anchor until it was reached; infinite until then
    LATEST = "latest"  # nps.latest: the newest answer
    LOWEST = "lowest"  # nps.lowest: the lowest of the people's current answers
    ANSWERS = "answers"  # nps.answers: how many people answered
    MEASURE = "measure"  # a figure; 0 when nothing was measured
    JUDGED = "judged"  # has a human ticked it; never ticked is False
    GOALS_SET = "goals.set"  # has the account a goal of its own
    GOALS_MET = "goals.met"  # has it some, and are all of them met
    GOALS_OPEN = "goals.open"  # how many are not met
    OVERRIDE = "health.override"  # the score that a human has set; unknown when none is in force
    HEALTH_FALLING = "health.falling_weeks"  # weeks in a row that began with a lower score than the one before
    DAY = "day"  # days since the anchor
    STAGE = "stage"
    STAGE_DAYS = "stage_days"  # days since the stage was entered
    PHASE = "phase"  # where the oldest unfinished onboarding is
    PHASE_DAYS = "phase_days"  # days since that phase was entered; unknown when no onboarding is unfinished
    PHASE_LATE = "phase_late"  # whether that phase has taken longer than it should
    ONBOARDINGS = "onboardings"  # how many are unfinished

    SIGNAL = "signal"  # gone_quiet: is it open
    SIGNAL_DAYS = "signal_days"  # gone_quiet.days: days since it opened; 0 while it is closed
    SIGNAL_COUNT = "signal_count"  # gone_quiet.count: how often it has opened
    ACKNOWLEDGED = "acknowledged"  # gone_quiet.acknowledged: it is open, and a human has taken it on


MOVING = frozenset(
    {
        TermKind.DAYS_AGO,
        TermKind.BUSINESS_DAYS_AGO,
        TermKind.DAYS_UNTIL,
        TermKind.DAY,
        TermKind.STAGE_DAYS,
        TermKind.PHASE_DAYS,
        TermKind.SIGNAL_DAYS,
    }
)  # move with the clock: all rise but DAYS_UNTIL
WEEKLY = frozenset({TermKind.FALLING, TermKind.WEEK_RATIO, TermKind.HEALTH_FALLING})  # turn with the calendar week
_TIMED = MOVING | WEEKLY | {TermKind.OVERRIDE, TermKind.PHASE_LATE}  # turn by the clock alone


# A node hashes by its text, which does not walk down the tree: equal nodes have equal texts, and a text knows its hash.
# Each class says so itself: a function that they share would not be a method where the core is compiled.


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A constant."""

    value: Value
    text: str

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A name of the vocabulary, with what it reads."""

    kind: TermKind
    name: str  # the event, trait, milestone, score or measure; empty for DAY, STAGE, STAGE_DAYS
    text: str  # as written

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """Two numbers added, subtracted, multiplied or divided."""

    operator: str  # + - * /
    left: "Node"
    right: "Node"
    text: str

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Two values compared."""

    operator: str  # == != < <= > >=
    left: "Node"
    right: "Node"
    text: str

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """A value that is, or is not, one of some constants."""

    item: "Node"
    values: tuple[Value, ...]
    negated: bool  # True for ``not in``
    text: str

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Negation:
    """Not this."""

    operand: "Node"
    text: str

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """All of these (and)."""

    operands: tuple["Node", ...]
    text: str

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """Any of these (or)."""

    operands: tuple["Node", ...]
    text: str

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A derived name: the value of the first row whose condition holds."""

    rows: tuple[tuple["Node", Value], ...]  # condition, value
    default: Value  # when no row holds
    text: str  # the name
    unknown: Value = None  # when an unknown row leaves more than one value possible

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One part of the health: a colour by conditions, or a figure on a line."""

    name: str
    label: str  # what a person calls it
    weight: Figure  # of 100
    when: "Node"  # it is known only while this holds
    green: "Node | None" = None  # None: it is a figure
    yellow: "Node | None" = None  # where it is not green; None: then it is red
    figure: "Node | None" = None  # a number
    worst: Figure = 0  # the figure that is worth 0
    best: Figure = health.FULL  # the figure that is worth 100

    def __hash__(self) -> int:
        """As that of a node: by what it is called."""
        return hash(self.name)


@unique
class Says(StrEnum):
    """What a node about health says."""

    SCORE = "health"  # 0 to 100; unknown when too little is known
    RAW = "health.raw"  # the same without a human's override
    COLOUR = "health.colour"  # green, yellow or red
    COVERAGE = "health.coverage"  # the weight of what is known, of 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """What weighted indicators add up to."""

    indicators: tuple[Indicator, ...]
    rules: Rules
    says: Says
    text: str

    def __hash__(self) -> int:
        return hash(self.text)


Node = Literal | Term | Arithmetic | Compare | OneOf | Negation | Every | Either | Case | Weighted

ALWAYS = Literal(value=True, text="True")
OVERRIDE = Term(kind=TermKind.OVERRIDE, name="", text=TermKind.OVERRIDE.value)


NO_PHASE, FINISHED = "none", "done"  # what ``phase`` says before any onboarding began, and when none is unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Where one onboarding is (``core.phases`` derives it)."""

    onboarding: str  # its id; "" when the events name none
    phases: tuple[tuple[str, datetime], ...]  # those that it was in, and when each was entered; FINISHED is the last
    late_at: datetime | None = None  # when the phase that it is in has taken longer than it should

    @property
    def phase(self) -> str:
        """The phase that it is in."""
        return self.phases[-1][0]

    @property
    def entered_at(self) -> datetime:
        """When that phase was entered."""
        return self.phases[-1][1]


def _always() -> tuple[Hours, ZoneInfo]:
    return Hours(weekdays=frozenset(range(7))), ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that a condition may look at."""

    facts: Facts
    vocabulary: Vocabulary
    now: datetime
    anchor: datetime | None  # the start of the account's day count, None while unknown
    stage: str
    stage_entered_at: datetime
    milestones: Mapping[str, datetime] = field(default_factory=dict)  # reached ones
    signals: Mapping[str, SignalState] = field(default_factory=dict)  # those that were ever open
    samples: Mapping[int, Figure | None] = field(default_factory=dict)  # week -> score of health at its beginning
    working: Callable[[], tuple[Hours, ZoneInfo]] = _always  # the account's working days, asked for when they matter
    journeys: tuple[Journey, ...] = ()  # the account's onboardings, the oldest first
    weighed: dict["Scale", Health] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )  # what was found of the health already, so that each asks for it once
    chosen: dict[Callable[["View"], Value], Value] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )  # the same of names

    @property
    def journey(self) -> Journey | None:
        """The oldest unfinished onboarding, else the one that was finished last; None when none has begun."""
        open_ones = (each for each in self.journeys if each.phase != FINISHED)
        return next(open_ones, max(self.journeys, key=lambda each: each.entered_at, default=None))


Scale = Callable[[View], Health]  # what some indicators add up to


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One part of a condition with what it read."""

    text: str  # as written in the playbook
    value: str  # what its terms read, as text
    verdict: bool | None  # None: unknown
    decisive: bool  # had this clause been otherwise, the whole would have been


def verdict(node: Node, view: View) -> bool | None:
    """True, False or None (unknown).

    Raises:
        UndecidableError: it cannot be evaluated (a division by zero).
    """
    return _as_bool(_ask(node)(view))


def value_of(node: Node, view: View) -> Value:
    """What a node says; None is unknown.

    Raises:
        UndecidableError: it cannot be evaluated (a division by zero).
    """
    return _ask(node)(view)


def _as_bool(value: Value) -> bool | None:
    return value if isinstance(value, bool) else None


_Ask = Callable[[View], Value]


@lru_cache(maxsize=16_384)  # the conditions of a few playbooks, asked again and again
def _ask(node: Node) -> _Ask:
    """A node as one function of what it looks at: asking it costs a fraction of walking down its tree."""
    match node:
        case Literal():
            value = node.value
            return lambda _view: value
        case Term():
            return partial(_READINGS[node.kind], node)
        case Arithmetic():
            return _calculation(node, _ask(node.left), _ask(node.right))
        case Compare():
            return _comparison(node, _COMPARISONS[node.operator], _ask(node.left))
        case OneOf():
            return _one_of(node, _ask(node.item))
        case Negation():
            return _not(_ask(node.operand))
        case Every() | Either():
            return _kleene(tuple(map(_ask, node.operands)), decides=isinstance(node, Either))
        case Case():
            return _choice(node, tuple((_ask(condition), value) for condition, value in node.rows))
        case Weighted():
            says = node.says
            return lambda view: _of_health(says, weigh(node, view))
        case _ as unreachable:
            assert_never(unreachable)


def _comparison(node: Compare, holds: Callable[[Any, Any], bool], left: _Ask) -> _Ask:
    """Most are with a constant, and are told with one question less."""
    constant, right = node.right.value if isinstance(node.right, Literal) else None, _ask(node.right)

    def ask(view: View) -> Value:
        first, second = left(view), right(view)
        return None if first is None or second is None else holds(first, second)

    def ask_constant(view: View) -> Value:
        found = left(view)
        return None if found is None else holds(found, constant)

    return ask if constant is None else ask_constant


def _calculation(node: Arithmetic, left: _Ask, right: _Ask) -> _Ask:
    return lambda view: _calculated(node, left(view), right(view))


def _one_of(node: OneOf, item: _Ask) -> _Ask:
    def ask(view: View) -> Value:
        found = item(view)
        return None if found is None else (found in node.values) is not node.negated

    return ask


def _not(operand: _Ask) -> _Ask:
    def ask(view: View) -> Value:
        inner = operand(view)
        return not inner if isinstance(inner, bool) else None

    return ask


def _kleene(parts: tuple[_Ask, ...], *, decides: bool) -> _Ask:
    """The first part that decides, else whether one of them is unknown."""

    def ask(view: View) -> Value:
        unknown = False
        for part in parts:
            found = part(view)
            if found is decides:
                return decides
            unknown = unknown or not isinstance(found, bool)
        return None if unknown else not decides

    return ask


def _choice(node: Case, rows: tuple[tuple[_Ask, Value], ...]) -> _Ask:
    """The value on which every reading of the unknown rows agrees; else what the case says of the unknown."""

    def ask(view: View) -> Value:
        if choose not in view.chosen:
            view.chosen[choose] = choose(view)
        return view.chosen[choose]

    def choose(view: View) -> Value:
        possible: list[Value] = []
        for condition, value in rows:
            held = condition(view)
            if held is not False:
                possible.append(value)
            if held is True:
                break
        else:
            possible.append(node.default)
        return possible[0] if all(value == possible[0] for value in possible) else node.unknown

    return ask


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CALCULATIONS: Mapping[str, Callable[[Any, Any], Figure]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def _calculated(node: Arithmetic, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    try:
        result = _CALCULATIONS[node.operator](left, right)
    except (ArithmeticError, TypeError) as error:
        msg = f"{node.text}: {error} ({left} {node.operator} {right})"
        raise UndecidableError(msg) from error
    if math.isnan(result):
        msg = f"{node.text}: not a number ({left} {node.operator} {right})"
        raise UndecidableError(msg)
    return result


def weigh(node: Weighted, view: View) -> Health:
    """The health of an account, indicator by indicator; what a view says of it is found once."""
    scale = _scale_of(node)
    found = view.weighed.get(scale)
    if found is None:
        found = view.weighed[scale] = scale(view)
    return found


@lru_cache(maxsize=1024)  # the healths of a few playbooks
def _scale_of(node: Weighted) -> Scale:
    return _scale(node.indicators, node.rules)


@lru_cache(maxsize=1024)  # one for all that is said of the same health: score, colour, coverage
def _scale(indicators: tuple[Indicator, ...], rules: Rules) -> Scale:
    asked = tuple(_indicated(each, rules) for each in indicators)
    return lambda view: health.weighed([each(view) for each in asked], rules, health.override_of(view.facts, view.now))


def _indicated(indicator: Indicator, rules: Rules) -> Callable[[View], Reading]:
    """What an indicator says; one that cannot be evaluated (nothing to divide by) is unknown, and coverage tells it."""
    unknown = _reading_of(indicator, None, None)
    known, says = _ask(indicator.when), _line(indicator, rules) if indicator.figure else _lamp(indicator, rules)

    def ask(view: View) -> Reading:
        try:
            return (says(view) or unknown) if known(view) is True else unknown
        except UndecidableError:
            return unknown

    return ask


def _reading_of(indicator: Indicator, points: Figure | None, colour: Colour | None) -> Reading:
    return Reading(name=indicator.name, label=indicator.label, weight=indicator.weight, points=points, colour=colour)


def _line(indicator: Indicator, rules: Rules) -> Callable[[View], Reading | None]:
    """Where its figure lies between the worst and the best; None is unknown."""
    assert indicator.figure is not None, "it is a figure"  # noqa: S101 -- invariant
    figure = _ask(indicator.figure)

    def ask(view: View) -> Reading | None:
        found = figure(view)
        if not isinstance(found, int | float):
            return None
        points = health.linear(found, indicator.worst, indicator.best)
        return _reading_of(indicator, points, rules.colour(points))

    return ask


def _lamp(indicator: Indicator, rules: Rules) -> Callable[[View], Reading | None]:
    """Green where that holds, else yellow where that holds, else red; None, unknown, where that is not known."""
    lit = {colour: _reading_of(indicator, rules.points(colour), colour) for colour in Colour}
    asked = ((Colour.GREEN, indicator.green), (Colour.YELLOW, indicator.yellow))
    lamps = tuple((lit[colour], _ask(node)) for colour, node in asked if node is not None)

    def ask(view: View) -> Reading | None:
        for reading, holds in lamps:
            held = holds(view)
            if held is not False:
                return reading if held is True else None
        return lit[Colour.RED]

    return ask


def _of_health(says: Says, found: Health) -> Value:
    match says:
        case Says.SCORE:
            return found.score
        case Says.RAW:
            return found.raw
        case Says.COLOUR:
            return None if found.colour is None else found.colour.value
        case Says.COVERAGE:
            return found.coverage
        case _ as unreachable:
            assert_never(unreachable)


def read(term: Term, view: View) -> Value:
    """What a name reads in this view."""
    return _READINGS[term.kind](term, view)


def _phase(term: Term, view: View) -> Value:
    kind, journey = term.kind, view.journey
    if kind is TermKind.ONBOARDINGS:
        return sum(each.phase != FINISHED for each in view.journeys)
    if kind is TermKind.PHASE:
        return NO_PHASE if journey is None else journey.phase
    if kind is TermKind.PHASE_DAYS:
        return None if journey is None or journey.phase == FINISHED else _days(journey.entered_at, view.now)
    return journey is not None and journey.late_at is not None and journey.late_at <= view.now


def _days(since: datetime, now: datetime) -> Figure:
    return (now - since) / DAY


def _working_days(since: datetime, now: datetime, view: View) -> Figure:
    return calendars.business_time(since, now, *view.working()) / DAY


def _until(term: Term, view: View) -> datetime | None:
    value = _trait(term.name, view)
    return value if isinstance(value, datetime) else None


def _milestone_days(reached: datetime | None, anchor: datetime | None) -> Figure | None:
    if reached is None:
        return math.inf
    return None if anchor is None else _days(anchor, reached)


def _ticked(name: str, facts: Facts) -> bool:
    found = judgements.judgement(name, facts)
    return found is not None and found.ticked


def _days_until(until: datetime | None, now: datetime) -> Figure | None:
    return None if until is None else _days(now, until)


def _working_days_ago(fact: Fact | None, view: View) -> Figure:
    return _working_days(fact.last, view.now, view) if fact else math.inf


def _first_day(fact: Fact | None, anchor: datetime | None) -> Figure | None:
    if fact is None:
        return math.inf
    return None if anchor is None else _days(anchor, fact.first)


def _trait(name: str, view: View) -> Value:
    written = view.facts.traits.get(name)
    return view.vocabulary.traits[name].default if written is None else written.value


def _score(term: Term, view: View) -> Value:
    answers = view.facts.scores.get(term.name, {})
    if term.kind is TermKind.ANSWERS:
        return len(answers)
    if not answers:
        return None
    if term.kind is TermKind.LATEST:
        return max(answers.values(), key=lambda answer: answer.stamp).value
    return min(answer.value for answer in answers.values() if isinstance(answer.value, int | float))


def _goals(term: Term, view: View) -> Value:
    found = goals.goals_of(view.facts, view.vocabulary)
    unmet = sum(not goal.met for goal in found)
    if term.kind is TermKind.GOALS_OPEN:
        return unmet
    return bool(found) and (term.kind is TermKind.GOALS_SET or not unmet)


def _signal(term: Term, view: View) -> Value:
    state = view.signals.get(term.name)
    if term.kind is TermKind.SIGNAL_COUNT:
        return state.count if state else 0
    if term.kind is TermKind.SIGNAL_DAYS:
        return _days(state.opened_at, view.now) if state and state.closed_at is None else 0
    if term.kind is TermKind.ACKNOWLEDGED:
        return acknowledged_at(term.name, view.signals, view.facts) is not None
    return is_open(term.name, view.signals)


_READINGS: Mapping[TermKind, Callable[[Term, View], Value]] = {
    TermKind.SEEN: lambda term, view: term.name in view.facts.events,
    TermKind.COUNT: lambda term, view: fact.count if (fact := _fact(term, view)) else 0,
    TermKind.DAYS_AGO: lambda term, view: (
        (view.now - fact.last) / DAY if (fact := view.facts.events.get(term.name)) else math.inf
    ),
    TermKind.BUSINESS_DAYS_AGO: lambda term, view: _working_days_ago(_fact(term, view), view),
    TermKind.FIRST_DAY: lambda term, view: _first_day(_fact(term, view), view.anchor),
    TermKind.FIRST: lambda term, view: fact.first if (fact := _fact(term, view)) else _NEVER,
    TermKind.LAST: lambda term, view: fact.last if (fact := _fact(term, view)) else _NEVER_YET,
    TermKind.FALLING: lambda term, view: _falling_weeks(_fact(term, view), view),
    TermKind.WEEK_RATIO: lambda term, view: _week_ratio(_fact(term, view), view),
    TermKind.TRAIT: lambda term, view: _trait(term.name, view),
    TermKind.DAYS_UNTIL: lambda term, view: _days_until(_until(term, view), view.now),
    TermKind.MILESTONE: lambda term, view: term.name in view.milestones,
    TermKind.MILESTONE_DAYS: lambda term, view: _milestone_days(view.milestones.get(term.name), view.anchor),
    **dict.fromkeys((TermKind.LATEST, TermKind.LOWEST, TermKind.ANSWERS), _score),
    TermKind.MEASURE: lambda term, view: measure(term.name, view.facts) or 0,
    TermKind.JUDGED: lambda term, view: _ticked(term.name, view.facts),
    **dict.fromkeys((TermKind.GOALS_SET, TermKind.GOALS_MET, TermKind.GOALS_OPEN), _goals),
    TermKind.OVERRIDE: lambda _, view: said.score if (said := health.override_of(view.facts, view.now)) else None,
    TermKind.HEALTH_FALLING: lambda _, view: health.falling_weeks(view.samples, week_of(view.now)),
    TermKind.DAY: lambda _, view: None if view.anchor is None else _days(view.anchor, view.now),
    TermKind.STAGE: lambda _, view: view.stage,
    TermKind.STAGE_DAYS: lambda _, view: _days(view.stage_entered_at, view.now),
    **dict.fromkeys((TermKind.PHASE, TermKind.PHASE_DAYS, TermKind.PHASE_LATE, TermKind.ONBOARDINGS), _phase),
    **dict.fromkeys((TermKind.SIGNAL, TermKind.SIGNAL_DAYS, TermKind.SIGNAL_COUNT, TermKind.ACKNOWLEDGED), _signal),
}  # what each kind of term reads: a table, because nothing else is done as often


def _fact(term: Term, view: View) -> Fact | None:
    return view.facts.events.get(term.name)


def _first_full_week(anchor: datetime) -> int:
    week = week_of(anchor)
    return week if anchor == _FIRST_MONDAY + timedelta(weeks=week) else week + 1


def monday_after(instant: datetime) -> datetime:
    """The first Monday 00:00 UTC after an instant: where its calendar week ends."""
    return _FIRST_MONDAY + timedelta(weeks=week_of(instant) + 1)


def _falling_weeks(fact: Fact | None, view: View) -> int | None:
    if view.anchor is None:
        return None
    weeks = fact.weeks if fact else {}
    week, falls = week_of(view.now) - 1, 0
    while week > _first_full_week(view.anchor) and weeks.get(week, 0) < weeks.get(week - 1, 0):
        week, falls = week - 1, falls + 1
    return falls


def _week_ratio(fact: Fact | None, view: View) -> Figure | None:
    if view.anchor is None:
        return None
    first_week, last_week = _first_full_week(view.anchor), week_of(view.now) - 1
    if last_week < first_week:
        return None  # no full week is over yet
    weeks = fact.weeks if fact else {}
    first = weeks.get(first_week, 0)
    return weeks.get(last_week, 0) / first if first else math.inf


@lru_cache(maxsize=16_384)  # the conditions of a few playbooks, asked for with each decision
def terms(node: Node) -> tuple[Term, ...]:
    """Every term that a condition rests on, left to right; those of a derived name in its place."""
    found = ((leaf,) if isinstance(leaf, Term) else _terms_within(leaf) for leaf in _leaves(node))
    return tuple(chain.from_iterable(found))


def _terms_within(leaf: "Case | Weighted") -> Iterator[Term]:
    return chain.from_iterable(terms(part) for part in _within(leaf))


def events_of(node: Node, vocabulary: Vocabulary) -> Iterator[str]:
    """The events that a condition rests on; a milestone's own condition is asked by itself.

    What counts from the anchor does not name its event, and what is said of goals not that of their figures.
    """
    for term in terms(node):
        match term.kind:
            case TermKind.LATEST | TermKind.LOWEST | TermKind.ANSWERS:
                yield vocabulary.scores[term.name].event
            case TermKind.MEASURE:
                yield vocabulary.measures[term.name].event
            case TermKind.JUDGED:
                yield judgements.WORD
            case TermKind.OVERRIDE:
                yield health.WORD
            case TermKind.GOALS_SET | TermKind.GOALS_MET | TermKind.GOALS_OPEN:
                yield from goals.WORDS
            case TermKind.PHASE | TermKind.PHASE_DAYS | TermKind.PHASE_LATE | TermKind.ONBOARDINGS:
                yield from vocabulary.steps
            case TermKind.ACKNOWLEDGED:
                yield from signals.WORDS
            case _:
                yield from () if term.kind in _UNHEARD else (term.name,)


def turned_by(node: Node, vocabulary: Vocabulary) -> frozenset[str] | None:
    """What may turn a condition, beside the anchor, traits and the stage; None: any event, or none at all.

    The names of events, the marks of what an account came to (``mark``), and CLOCK where time alone may.
    """
    if any(term.kind in _OPEN for term in terms(node)):
        return None
    return frozenset((*events_of(node, vocabulary), *_marks(node)))


def is_timed(node: Node) -> bool:
    """Whether the clock alone may turn a condition."""
    return any(term.kind in _TIMED for term in terms(node))


def mark(what: str, name: str = "") -> str:
    """The mark of a milestone that is reached, a signal that opens or closes, a sample of health that is taken."""
    return f"{what}:{name}"


CLOCK = mark("clock")  # that time has passed


def _marks(node: Node) -> Iterator[str]:
    for term in terms(node):
        if term.kind in _TIMED:
            yield CLOCK
        match term.kind:
            case TermKind.MILESTONE | TermKind.MILESTONE_DAYS:
                yield mark("milestone", term.name)
            case TermKind.SIGNAL | TermKind.SIGNAL_DAYS | TermKind.SIGNAL_COUNT | TermKind.ACKNOWLEDGED:
                yield mark("signal", term.name)
            case TermKind.HEALTH_FALLING:
                yield mark("samples")
            case _:
                pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What of an account whose people, traits and stage stay as they are may turn a condition."""

    events: frozenset[str]  # by name
    goals: bool  # whether any event may, as an account's goals name figures of their own
    zoned: bool  # whether what it says depends on the zone of whoever is written to


def hearing(node: Node, vocabulary: Vocabulary) -> Hearing:
    """Which events may turn a condition."""
    kinds = {term.kind for term in terms(node)}
    return Hearing(
        events=frozenset(events_of(node, vocabulary)),
        goals=not kinds.isdisjoint(_OF_GOALS),
        zoned=TermKind.BUSINESS_DAYS_AGO in kinds,
    )


_OF_GOALS = frozenset({TermKind.GOALS_SET, TermKind.GOALS_MET, TermKind.GOALS_OPEN})
_OPEN = _OF_GOALS | {
    TermKind.BUSINESS_DAYS_AGO
}  # an account's goals name figures of their own, and a working day is read in the zone of whoever is written to
_UNHEARD = frozenset(
    {
        *(TermKind.TRAIT, TermKind.DAYS_UNTIL, TermKind.MILESTONE, TermKind.MILESTONE_DAYS, TermKind.HEALTH_FALLING),
        *(TermKind.DAY, TermKind.STAGE, TermKind.STAGE_DAYS),
        *(TermKind.SIGNAL, TermKind.SIGNAL_DAYS, TermKind.SIGNAL_COUNT),
    }
)  # no event that somebody sends is what they read


def _within(leaf: Case | Weighted) -> tuple[Node, ...]:
    """What a derived name rests on."""
    if isinstance(leaf, Case):
        return tuple(condition for condition, _ in leaf.rows)
    parts = (part for each in leaf.indicators for part in (each.when, each.green, each.yellow, each.figure))
    return (*(part for part in parts if part is not None), OVERRIDE)


def _parts(node: Node) -> tuple[Node, ...]:
    match node:
        case Literal() | Term():
            return ()
        case Negation():
            return (node.operand,)
        case OneOf():
            return (node.item,)
        case Arithmetic() | Compare():
            return (node.left, node.right)
        case Every() | Either():
            return node.operands
        case Case() | Weighted():
            return _within(node)
        case _ as unreachable:
            assert_never(unreachable)


@lru_cache(maxsize=16_384)  # the same
def _leaves(node: Node) -> tuple[Term | Case | Weighted, ...]:
    """Every name as written, left to right."""
    if isinstance(node, Term | Case | Weighted):
        return (node,)
    return tuple(chain.from_iterable(_leaves(part) for part in _parts(node)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # there is one for equal comparisons
class _Limit:
    """A moving term that is compared with a number of days."""

    term: Term
    days: Figure  # since its clock began
    turns: tuple[Callable[[Any, Any], bool], ...]  # when the days are at the limit (ge), past it (gt), or both


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clocks:
    """What of a condition turns by the clock alone."""

    weekly: bool
    overridden: bool  # when a human's word on the health expires
    late: bool  # when a phase has taken too long
    limits: tuple[_Limit, ...]


@lru_cache(maxsize=4096)  # the conditions of a few playbooks, asked for at each rest of each account
def _clocks(node: Node) -> _Clocks:
    kinds = {term.kind for term in terms(node)}
    return _Clocks(
        weekly=bool(kinds & WEEKLY),
        overridden=TermKind.OVERRIDE in kinds,
        late=TermKind.PHASE_LATE in kinds,
        limits=tuple(limit for part in _comparisons(node) if (limit := _limit(part)) is not None),
    )


def flips(node: Node, view: View) -> Iterator[datetime]:
    """The instants after now at which a part of this condition may turn by the clock alone."""
    return flips_of((node,), view)


def flips_of(nodes: Iterable[Node], view: View) -> Iterator[datetime]:
    """The same for several conditions: a part that stands in many of them is asked once."""
    clocks = [_clocks(node) for node in nodes]
    if any(each.weekly for each in clocks):
        yield monday_after(view.now)
    if any(each.overridden for each in clocks) and (overridden := health.override_of(view.facts, view.now)):
        yield overridden.until
    late_at = view.journey.late_at if any(each.late for each in clocks) and view.journey is not None else None
    if late_at is not None and late_at > view.now:
        yield late_at
    yield from _turns(dict.fromkeys(chain.from_iterable(each.limits for each in clocks)), view)


def flips_after(event: str, nodes: Iterable[Node], view: View) -> Iterator[datetime]:
    """Those instants that an event has moved: all others are what they were before it."""
    limits = dict.fromkeys(limit for node in nodes for limit in _clocks(node).limits if limit.term.name == event)
    return _turns(limits, view)


def _turns(limits: Iterable[_Limit], view: View) -> Iterator[datetime]:
    """The instants to come; that the days are past a limit is told quicker than when that was."""
    for limit in limits:
        since = _since(limit.term, view)
        if since is None or (limit.term.kind not in _STANDING_STILL and _days(since, view.now) > limit.days):
            continue
        turn = _turned(limit, since, view)
        if turn is not None and turn > view.now:
            yield turn


_STANDING_STILL = frozenset({TermKind.BUSINESS_DAYS_AGO})  # at night and on weekends


@lru_cache(maxsize=16_384)  # the same
def _comparisons(node: Node) -> tuple[Compare, ...]:
    if isinstance(node, Negation | Every | Either):
        return tuple(chain.from_iterable(_comparisons(part) for part in _parts(node)))
    own = (node,) if isinstance(node, Compare) else ()
    return (*own, *chain.from_iterable(_comparisons_within(leaf) for leaf in _leaves(node)))


def _comparisons_within(leaf: Term | Case | Weighted) -> Iterator[Compare]:
    parts = () if isinstance(leaf, Term) else _within(leaf)
    return chain.from_iterable(_comparisons(part) for part in parts)


@lru_cache(maxsize=4096)  # the comparisons of a few playbooks
def _limit(part: Compare) -> _Limit | None:
    """``moving term <sign> literal`` turns strictly after the limit for ``<=`` and ``>``, else at it.

    What falls (``days_until``) is read backwards: it is at most a limit when the days since are at least its negative.
    """
    term, limit = (part.left, part.right) if isinstance(part.left, Term) else (part.right, part.left)
    if not isinstance(term, Term) or term.kind not in MOVING or not isinstance(limit, Literal):
        return None
    if not isinstance(limit.value, int | float):
        return None
    falls = term.kind is TermKind.DAYS_UNTIL
    strictly_after = (part.operator in ({"<", ">="} if falls else {"<=", ">"})) == isinstance(part.left, Term)
    turns = (operator.gt,) if strictly_after else (operator.ge,)
    both = part.operator in {"==", "!="}
    days = -limit.value if falls else limit.value
    return _Limit(term=term, days=days, turns=(operator.ge, operator.gt) if both else turns)


def _turn(part: Compare, view: View) -> datetime | None:
    """When a comparison turns, or has turned last; None when not by the clock."""
    limit = _limit(part)
    since = None if limit is None else _since(limit.term, view)
    return None if limit is None or since is None else _turned(limit, since, view)


def _turned(limit: _Limit, since: datetime, view: View) -> datetime | None:
    first = partial(_first_working, view=view) if limit.term.kind in _STANDING_STILL else _first_instant
    found = [first(since, limit.days, holds) for holds in limit.turns]
    return next((turn for turn in found if turn is not None and turn > view.now), found[-1])


def _first_instant(since: datetime, days: Figure, holds: Callable[[Any, Any], bool]) -> datetime | None:
    """The first instant at which the days since then are at, or past, a limit; None when no calendar holds it."""
    try:
        at = since + days * DAY - _MOMENT  # rounded to the microsecond: the instant itself is found by asking
    except (OverflowError, ValueError):
        return None
    while not holds(_days(since, at), days):
        at += _MOMENT
    return at


def _first_working(since: datetime, days: Figure, holds: Callable[[Any, Any], bool], view: View) -> datetime | None:
    """The same for working days: they stand still outside of them, so that what is past may begin days later."""
    hours, tz = view.working()
    try:
        at = calendars.add_business_time(since, max(days, 0) * DAY, hours, tz) - _MOMENT
        while not holds(_working_days(since, at, view), days):
            at = (calendars.next_opening(at, hours, tz) or at) + _MOMENT
    except (OverflowError, ValueError):
        return None
    return at


def _since(term: Term, view: View) -> datetime | None:
    return _CLOCKS[term.kind](term, view)


_CLOCKS: Mapping[TermKind, Callable[[Term, View], datetime | None]] = {
    TermKind.DAYS_AGO: lambda term, view: fact.last if (fact := _fact(term, view)) else None,
    TermKind.BUSINESS_DAYS_AGO: lambda term, view: fact.last if (fact := _fact(term, view)) else None,
    TermKind.DAYS_UNTIL: _until,
    TermKind.DAY: lambda _, view: view.anchor,
    TermKind.STAGE_DAYS: lambda _, view: view.stage_entered_at,
    TermKind.PHASE_DAYS: lambda _, view: _phase_began(view.journey),
    TermKind.SIGNAL_DAYS: lambda term, view: _opened_at(term.name, view.signals),
}  # since when the days of each moving term are counted


def _phase_began(journey: Journey | None) -> datetime | None:
    return None if journey is None or journey.phase == FINISHED else journey.entered_at


def _opened_at(name: str, states: Mapping[str, SignalState]) -> datetime | None:
    return states[name].opened_at if is_open(name, states) else None


def became(node: Node, view: View) -> datetime:
    """Since when a condition that holds has held, at most now: ``and`` since its newest part, ``or`` since its oldest.

    So that what is found late, or read from history, is dated by what happened and not by when it was found.
    """
    return held_since(node, view) or view.now


def held_since(node: Node, view: View) -> datetime | None:
    """The same; None when it rests on nothing that happened."""
    since = _since_when(node, view, wanted=True)
    return None if since is None else min(view.now, since)


def _since_when(node: Node, view: View, *, wanted: bool) -> datetime | None:
    """Since when a node has said what is wanted, which it says now; None when it rests on nothing that happened."""
    match node:
        case Negation():
            return _since_when(node.operand, view, wanted=not wanted)
        case Every() | Either():
            parts = [part for part in node.operands if verdict(part, view) is wanted]
            instants = [_since_when(part, view, wanted=wanted) for part in parts]
            return _newest(instants) if isinstance(node, Every) is wanted else _oldest(instants)
        case Compare():
            turn = _turn(node, view)
            rests_on = _newest_of_names(node, view)
            return _newest((turn, rests_on)) if turn is not None and turn <= view.now else rests_on
        case _:
            return _newest_of_names(node, view)


def _newest_of_names(node: Node, view: View) -> datetime | None:
    return _newest([_said_since(leaf, view) for leaf in _leaves(node)])


def _said_since(leaf: Term | Case | Weighted, view: View) -> datetime | None:
    match leaf:
        case Term():
            return _rests_on(leaf, view)
        case Case():
            return _chosen_since(leaf, view)
        case Weighted():
            return _weighed_since(leaf, view)
        case _ as unreachable:
            assert_never(unreachable)


def _weighed_since(node: Weighted, view: View) -> datetime | None:
    """The last instant at which anything of the health changed: since then it has said what it says."""
    turns = (_turn(part, view) for part in _comparisons(node))
    turned = [turn for turn in turns if turn is not None and turn <= view.now]
    return _newest([*turned, *(_rests_on(term, view) for term in terms(node))])


def _chosen_since(node: Case, view: View) -> datetime | None:
    """Since when a derived name has said what it says: the row that gives it holds, and those before it do not."""
    instants = []
    for condition, _ in node.rows:
        held = verdict(condition, view)
        instants.append(_since_when(condition, view, wanted=held is True))
        if held:
            break
    return _newest(instants)


def _newest(instants: Iterable[datetime | None]) -> datetime | None:
    return max((instant for instant in instants if instant is not None), default=None)


def _oldest(instants: Iterable[datetime | None]) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)


def _rests_on(term: Term, view: View) -> datetime | None:
    fact = view.facts.events.get(term.name)
    match term.kind:
        case TermKind.SEEN | TermKind.FIRST | TermKind.FIRST_DAY:
            return fact.first if fact else None
        case TermKind.COUNT | TermKind.LAST | TermKind.DAYS_AGO | TermKind.BUSINESS_DAYS_AGO:
            return fact.last if fact else None
        case TermKind.TRAIT | TermKind.DAYS_UNTIL:
            return view.facts.traits[term.name].stamp[0] if term.name in view.facts.traits else None
        case TermKind.LATEST | TermKind.LOWEST | TermKind.ANSWERS:
            return _newest(answer.stamp[0] for answer in view.facts.scores.get(term.name, {}).values())
        case TermKind.MILESTONE | TermKind.MILESTONE_DAYS:
            return view.milestones.get(term.name)
        case TermKind.MEASURE:
            return _newest_of_measure(term.name, view)
        case TermKind.JUDGED:
            found = judgements.judgement(term.name, view.facts)
            return found.at if found else None
        case TermKind.GOALS_SET | TermKind.GOALS_MET | TermKind.GOALS_OPEN:
            return _newest(goals.instants(view.facts, view.vocabulary))
        case TermKind.FALLING | TermKind.WEEK_RATIO | TermKind.HEALTH_FALLING:
            return _FIRST_MONDAY + timedelta(weeks=week_of(view.now))
        case TermKind.STAGE:
            return view.stage_entered_at
        case TermKind.OVERRIDE:
            return health.override_turned(view.facts, view.now)
        case TermKind.PHASE | TermKind.PHASE_LATE | TermKind.ONBOARDINGS:
            return _phase_since(term.kind, view)
        case TermKind.SIGNAL | TermKind.SIGNAL_COUNT | TermKind.SIGNAL_DAYS:
            return _newest_of_signal(term.name, view)
        case TermKind.ACKNOWLEDGED:
            said = acknowledged_at(term.name, view.signals, view.facts)
            return said or _newest_of_signal(term.name, view)
        case TermKind.DAY | TermKind.STAGE_DAYS | TermKind.PHASE_DAYS:
            return None  # what moves is dated by the comparison it stands in
        case _ as unreachable:
            assert_never(unreachable)


def _phase_since(kind: TermKind, view: View) -> datetime | None:
    """Since when a phase is late; else when any onboarding last moved on."""
    late_at = view.journey.late_at if kind is TermKind.PHASE_LATE and view.journey is not None else None
    moved = _newest(each.entered_at for each in view.journeys)
    return late_at if late_at is not None and late_at <= view.now else moved


def _newest_of_signal(name: str, view: View) -> datetime | None:
    state = view.signals.get(name)
    return None if state is None else state.closed_at or state.opened_at


def _newest_of_measure(name: str, view: View) -> datetime | None:
    fact = view.facts.events.get(view.vocabulary.measures[name].event)
    return fact.last if fact else None


def explain(node: Node, view: View) -> tuple[Clause, ...]:
    """Each clause with its value, its verdict, and whether it was decisive; it never raises."""
    whole = _judged(_ask(node), view)
    return tuple(_explained(each, view, outcome=whole) for each in _questions(node))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A clause of a condition, and what is asked to find out whether it was decisive."""

    text: str  # as written in the playbook
    says: _Ask
    leaves: tuple["Term | Case | Weighted", ...]  # its names, left to right
    supposed: Mapping[bool, _Ask]  # the whole condition, were this clause so


@lru_cache(maxsize=4096)  # the plays of a few playbooks, explained with each decision
def _questions(node: Node) -> tuple[_Question, ...]:
    return tuple(
        _Question(
            text=part.text,
            says=_ask(part),
            leaves=_leaves(part),
            supposed={said: _ask(_supposing(node, part.text, said=said)) for said in (True, False)},
        )
        for part in _clauses(node)
    )


def _supposing(node: Node, text: str, *, said: bool) -> Node:
    """A condition in which everything of this text says so."""
    if node.text == text:
        return Literal(value=said, text=text)
    if text not in _texts(node) or isinstance(node, Literal | Term):
        return node
    within = partial(_supposing, text=text, said=said)
    match node:
        case Negation():
            return replace(node, operand=within(node.operand))
        case OneOf():
            return replace(node, item=within(node.item))
        case Arithmetic() | Compare():
            return replace(node, left=within(node.left), right=within(node.right))
        case Every() | Either():
            return replace(node, operands=tuple(map(within, node.operands)))
        case Case():
            return replace(node, rows=tuple((within(condition), value) for condition, value in node.rows))
        case Weighted():
            return replace(node, indicators=tuple(_indicator_supposing(each, within) for each in node.indicators))
        case _ as unreachable:
            assert_never(unreachable)


@lru_cache(maxsize=16_384)  # the conditions of a few playbooks, each with what it is made of
def _texts(node: Node) -> frozenset[str]:
    """The texts of a condition and of all that it is made of."""
    return frozenset((node.text, *(text for part in _parts(node) for text in _texts(part))))


def _indicator_supposing(indicator: Indicator, within: Callable[[Node], Node]) -> Indicator:
    green, yellow, figure = (
        None if part is None else within(part) for part in (indicator.green, indicator.yellow, indicator.figure)
    )
    return replace(indicator, when=within(indicator.when), green=green, yellow=yellow, figure=figure)


def _judged(asked: _Ask, view: View) -> bool | None:
    """The verdict; a clause that a guard had spared from evaluation may be undecidable."""
    try:
        return _as_bool(asked(view))
    except UndecidableError:
        return None


def _clauses(node: Node) -> Iterator[Node]:
    match node:
        case Every() | Either():
            for part in node.operands:
                yield from _clauses(part)
        case Negation(operand=Every() | Either() | Negation()):
            yield from _clauses(node.operand)
        case _:
            yield node


def _explained(asked: _Question, view: View, *, outcome: bool | None) -> Clause:
    found = _judged(asked.says, view)
    changed = any(_judged(whole, view) is not outcome for said, whole in asked.supposed.items() if said is not found)
    values = ", ".join(_reading(leaf, view) for leaf in asked.leaves)
    return Clause(text=asked.text, value=values, verdict=found, decisive=changed)


def _reading(leaf: Term | Case | Weighted, view: View) -> str:
    """A name with what it reads; a derived one also with what it rests on."""
    if isinstance(leaf, Term):
        return f"{leaf.text} = {_shown(read(leaf, view))}"
    if isinstance(leaf, Weighted):
        return _health_reading(leaf, view)
    try:
        said = _ask(leaf)(view)
    except UndecidableError:
        said = None
    rests_on = dict.fromkeys(_reading(term, view) for term in terms(leaf))  # each once
    return f"{leaf.text} = {_shown(said)} ({', '.join(rests_on)})"


def _health_reading(node: Weighted, view: View) -> str:
    found = weigh(node, view)
    parts = [f"{each.name} {each.colour or 'unknown'}" for each in found.readings]
    parts += [f"set by {found.override.by or 'a human'}"] if found.override else []
    return f"{node.text} = {_shown(_of_health(node.says, found))} ({', '.join(parts)})"


def _shown(value: Value) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, datetime):
        return "never" if value in {_NEVER, _NEVER_YET} else value.isoformat()
    if isinstance(value, float):
        return "never" if math.isinf(value) else f"{value:g}"
    return str(value)
