"""What holds whenever a play is judged: its trigger has come, it is not stale, and the stage table is at rest.

Each moment is a necessary condition, written a little too wide where zones and clock changes move the wall clock, and
left open for a trigger that says nothing of time. So what cannot be at such a moment never happens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import time, timedelta

from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import Compare, Literal, Node, OneOf, Term, TermKind
from orchestrator.core.lifecycle import leaving
from orchestrator.core.playbook import After, Entered, EveryWeek, OnDay, Play, Playbook, Reached, Silent
from orchestrator.playbook.lint.clauses import Demand, Want
from orchestrator.playbook.lint.instants import NOW, Apart, apart

_CLOCKS = timedelta(hours=3)  # a clock change moves a wall clock by less
_WEEKEND = timedelta(days=2)  # what a week has of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What holds at one."""

    demands: tuple[Demand, ...] = ()
    bounds: tuple[Apart, ...] = ()

    def and_also(self, other: "Moment") -> "Moment":
        """Both at once."""
        return Moment(demands=self.demands + other.demands, bounds=self.bounds + other.bounds)


def moments_of(play: Play) -> tuple[Moment, ...]:
    """What holds of time when the play is judged in time, as alternatives."""
    match play.trigger:
        case OnDay() as trigger:
            opens, closes = _day(trigger.day, play.policy.at)
            return (_between(TermKind.DAY, "", max(opens, timedelta(0)), closes + play.policy.valid_for),)
        case After(since=event) as trigger:
            bounds = _since(event, trigger.delay, _latest(trigger.delay, play, business=trigger.business))
            return (Moment(demands=(Demand(node=_term(TermKind.SEEN, event)),), bounds=bounds),)
        case Silent(since=event) as trigger:
            return tuple(_silences(event, trigger.period, _latest(trigger.period, play, business=trigger.business)))
        case Reached(milestone=name):
            return (Moment(demands=(Demand(node=_term(TermKind.MILESTONE, name)),)),)
        case Entered(stage=stage):
            late = _latest(timedelta(0), play, business=False)
            return (in_stage(stage).and_also(_between(TermKind.STAGE_DAYS, "", timedelta(0), late)),)
        case EveryWeek(until_day=day):
            return (_between(TermKind.DAY, "", timedelta(0), day * DAY + _latest(timedelta(0), play, business=False)),)


def in_stage(stage: str) -> Moment:
    """The account is in that stage."""
    node = OneOf(item=_term(TermKind.STAGE, ""), values=(stage,), negated=False, text=f"stage == {stage!r}")
    return Moment(demands=(Demand(node=node),))


def at_rest(stage: str, playbook: Playbook) -> Moment:
    """The account is in that stage and no row leads out of it: rows are taken before any play is judged."""
    rows = tuple(Demand(node=row.when, want=Want.NOT_TRUE) for row in leaving(stage, playbook))
    return in_stage(stage).and_also(Moment(demands=rows))


def stages_of(play: Play, reachable: Iterable[str], playbook: Playbook) -> list[str]:
    """The stages in which a play may act, of those that can be reached, in their order."""
    may = play.stages or {name for name, stage in playbook.stages.items() if not stage.exit}
    return [name for name in playbook.stages if name in may and name in set(reachable)]


def _day(day: int, at: time | None) -> tuple[timedelta, timedelta]:
    """The earliest and the latest that a local day's time may lie after the anchor."""
    wall = timedelta() if at is None else timedelta(hours=at.hour, minutes=at.minute)
    if at is None:
        return day * DAY - _CLOCKS, day * DAY + _CLOCKS
    return (day - 1) * DAY + wall - _CLOCKS, day * DAY + wall + _CLOCKS


def _latest(span: timedelta, play: Play, *, business: bool) -> timedelta:
    """How long after what it is counted from a play may still be judged in time."""
    weekends = (span // (5 * DAY) + 2) * _WEEKEND if business else timedelta(0)
    wall = timedelta(0) if play.policy.at is None else DAY + _CLOCKS
    return span + weekends + wall + play.policy.valid_for


def _since(event: str, least: timedelta, most: timedelta) -> tuple[Apart, ...]:
    first = ("first", event)
    (lower,), (upper,) = apart(NOW, ">=", first, least / DAY), apart(NOW, "<=", first, most / DAY)
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
    term, limit = _term(kind, name), Literal(value=span / DAY, text=f"{span / DAY:g}")
    return Compare(operator=sign, left=term, right=limit, text=f"{term.text} {sign} {limit.text}")


def _term(kind: TermKind, name: str) -> Term:
    told = kind.value if not name else name if kind in {TermKind.SEEN, TermKind.MILESTONE} else f"{name}.{kind.value}"
    return Term(kind=kind, name=name, text=told)
