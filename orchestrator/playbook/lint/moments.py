"""What holds whenever a play is judged: its trigger has come, it is not stale, and the stage table is at rest.

Each moment is a necessary condition, written a little too wide where zones and clock changes move the wall clock, and
left open for a trigger that says nothing of time. So what cannot be at such a moment never happens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import time, timedelta

from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import Compare, Literal, Node, OneOf, Term, TermKind
from orchestrator.core.playbook import (
    After,
    Before,
    Cadence,
    Closed,
    Entered,
    EveryWeek,
    Holds,
    Milestone,
    Occurred,
    OnDay,
    OnDays,
    Opened,
    Overdue,
    Play,
    Playbook,
    Reached,
    Silent,
    Stalled,
)
from orchestrator.playbook.lint.clauses import Demand, Want
from orchestrator.playbook.lint.instants import NOW, Apart, Point, apart
from orchestrator.playbook.lint.openings import earliest, opening_of

_NO_TIME = timedelta(0)
_CLOCKS = timedelta(hours=3)  # a clock change moves a wall clock by less
_WEEKEND = timedelta(days=2)  # what a week has of it
_FOREVER = timedelta(days=300_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What holds at one."""

    demands: tuple[Demand, ...] = ()
    bounds: tuple[Apart, ...] = ()
    settled: bool = False  # plays are judged: every signal that had to close has closed

    def and_also(self, other: "Moment") -> "Moment":
        """Both at once."""
        return Moment(
            demands=self.demands + other.demands,
            bounds=self.bounds + other.bounds,
            settled=self.settled or other.settled,
        )


SETTLED = Moment(settled=True)  # nothing is known of it but that plays are judged


def moments_of(play: Play, playbook: Playbook) -> tuple[Moment, ...]:
    """What holds of time when the play is judged in time, as alternatives; nothing of a trigger that is not known."""
    late = _latest(_NO_TIME, play, business=False)
    match play.trigger:
        case OnDay(day=day):
            return (_on_day(day, play),)
        case OnDays(days=days):
            return tuple(_on_day(day, play) for day in days)
        case Before(lead=lead, until=trait):
            return (Moment(bounds=_since(("trait", trait), -lead, late - lead)),)
        case After(since=event) as trigger:
            bounds = _since(("first", event), trigger.delay, _latest(trigger.delay, play, business=trigger.business))
            return (Moment(demands=(Demand(node=_term(TermKind.SEEN, event)),), bounds=bounds),)
        case Silent(since=event) as trigger:
            return tuple(_silences(event, trigger.period, _latest(trigger.period, play, business=trigger.business)))
        case Occurred(event=event):
            return (_between(TermKind.DAYS_AGO, event, _NO_TIME, late),)
        case Overdue(milestone=name):
            return (_overdue(playbook.milestones[name], late),)
        case Reached(milestone=name):
            return (Moment(demands=(Demand(node=_term(TermKind.MILESTONE, name)),)),)
        case Entered(stage=stage):
            return (in_stage(stage).and_also(_between(TermKind.STAGE_DAYS, "", _NO_TIME, late)),)
        case Stalled(stage=stage):
            return (in_stage(stage),)
        case Holds(condition=condition):
            return (Moment(demands=(Demand(node=condition),)),)
        case Opened() as trigger:
            return (_open_for(trigger, play, playbook),)
        case Closed(signal=name):
            once = Demand(node=_compare_number(TermKind.SIGNAL_COUNT, name, ">=", 1))
            return (Moment(demands=(Demand(node=_term(TermKind.SIGNAL, name), want=Want.FALSE), once)),)
        case EveryWeek(until_day=day) | Cadence(until_day=int() as day):
            return (_between(TermKind.DAY, "", _NO_TIME, (day + 1) * DAY + late + _CLOCKS),)
        case _:
            return (Moment(),)


def _open_for(trigger: Opened, play: Play, playbook: Playbook) -> Moment:
    """It is open, and has been for so long; our working time is at least as long on the clock."""
    opened, least = opening_of(trigger.signal), trigger.delay
    most = _FOREVER if trigger.business else _latest(least, play, business=False)
    bounds = (*_since(opened, least, most), *earliest(playbook.plays[trigger.signal]))
    return Moment(demands=(Demand(node=_term(TermKind.SIGNAL, trigger.signal)),), bounds=bounds)


def in_stage(stage: str) -> Moment:
    """The account is in that stage."""
    node = OneOf(item=_term(TermKind.STAGE, ""), values=(stage,), negated=False, text=f"stage == {stage!r}")
    return Moment(demands=(Demand(node=node),))


def at_rest(stage: str, playbook: Playbook) -> Moment:
    """The account is in that stage and no row leads out of it: rows are taken before any play is judged."""
    rows = tuple(Demand(node=row.when, want=Want.NOT_TRUE) for row in playbook.rows[stage])
    return in_stage(stage).and_also(Moment(demands=rows))


def stages_of(play: Play, reachable: Iterable[str], playbook: Playbook) -> list[str]:
    """The stages in which a play may act, of those that can be reached, in their order."""
    may = play.stages or {name for name, stage in playbook.stages.items() if not stage.exit}
    return [name for name in playbook.stages if name in may and name in set(reachable)]


def _on_day(day: int, play: Play) -> Moment:
    opens, closes = _day(day, play.policy.at)
    return _between(TermKind.DAY, "", max(opens, _NO_TIME), closes + _valid_for(play))


def _overdue(milestone: Milestone, late: timedelta) -> Moment:
    """It is not reached, and where the anchor's is its only clock, that target has passed."""
    missed = Moment(demands=(Demand(node=_term(TermKind.MILESTONE, milestone.name), want=Want.FALSE),))
    if milestone.target is None or milestone.targets:
        return missed
    return missed.and_also(_between(TermKind.DAY, "", milestone.target, milestone.target + late))


def _day(day: int, at: time | None) -> tuple[timedelta, timedelta]:
    """The earliest and the latest that a local day's time may lie after the anchor."""
    wall = timedelta() if at is None else timedelta(hours=at.hour, minutes=at.minute)
    if at is None:
        return day * DAY - _CLOCKS, day * DAY + _CLOCKS
    return (day - 1) * DAY + wall - _CLOCKS, day * DAY + wall + _CLOCKS


def _latest(span: timedelta, play: Play, *, business: bool) -> timedelta:
    """How long after what it is counted from a play may still be judged in time."""
    weekends = (span // (5 * DAY) + 2) * _WEEKEND if business else _NO_TIME
    wall = _NO_TIME if play.policy.at is None else DAY + _CLOCKS
    return span + weekends + wall + _valid_for(play)


def _valid_for(play: Play) -> timedelta:
    """A signal does not go stale while its root is open, or while it cools."""
    return _FOREVER if play.signal is not None else play.policy.valid_for


def _since(point: Point, least: timedelta, most: timedelta) -> tuple[Apart, ...]:
    (lower,), (upper,) = apart(NOW, ">=", point, least / DAY), apart(NOW, "<=", point, most / DAY)
    return lower + upper


def _silences(event: str, least: timedelta, most: timedelta) -> Iterator[Moment]:
    """Counted from the last time, or from the anchor, whichever is later."""
    ago, day = (TermKind.DAYS_AGO, event), (TermKind.DAY, "")
    for counted, other in ((ago, day), (day, ago)):
        upper = Demand(node=_compare(*counted, "<=", most))
        lower = (
            Demand(node=_compare(*counted, ">=", least)),
            Demand(node=_compare(*other, ">=", least), want=Want.NOT_FALSE),
        )
        yield Moment(demands=(upper, *lower))


def _between(kind: TermKind, name: str, least: timedelta, most: timedelta) -> Moment:
    both = (_compare(kind, name, ">=", least), _compare(kind, name, "<=", most))
    return Moment(demands=tuple(Demand(node=node) for node in both))


def _compare(kind: TermKind, name: str, sign: str, span: timedelta) -> Node:
    return _compare_number(kind, name, sign, span / DAY)


def _compare_number(kind: TermKind, name: str, sign: str, number: float) -> Node:
    term, limit = _term(kind, name), Literal(value=number, text=f"{number:g}")
    return Compare(operator=sign, left=term, right=limit, text=f"{term.text} {sign} {limit.text}")


_BARE = {TermKind.SEEN, TermKind.MILESTONE, TermKind.SIGNAL}


def _term(kind: TermKind, name: str) -> Term:
    told = kind.value if not name else name if kind in _BARE else f"{name}.{kind.value}"
    return Term(kind=kind, name=name, text=told)
