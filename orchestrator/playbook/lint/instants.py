"""Instants as differences: can they lie so, and if so, where. Exact, in whole microseconds.

Everything that conditions say of time (``day``, ``x.days_ago``, ``x.first_day``, one instant after another) bounds the
difference of two instants. Such bounds can be met together unless a circle of them adds up to less than nothing; the
shortest paths are then a solution.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

DAY = 86_400_000_000  # microseconds
_CALENDAR = 1_000_000 * DAY  # a greater difference is as good as none

Point = tuple[str, str]  # kind and name: ("first", "login")
NOW: Point = ("now", "")
ANCHOR: Point = ("anchor", "")
ENTERED: Point = ("entered", "")  # the stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """``later`` lies at most so many microseconds after ``earlier``."""

    later: Point
    earlier: Point
    most: int


def apart(later: Point, sign: str, earlier: Point, days: float) -> tuple[tuple[Apart, ...], ...]:
    """The ways in which ``later - earlier <sign> days`` holds, each as bounds that hold together."""
    match sign:
        case "<=" | "<":
            return ((_at_most(later, earlier, days, strictly=sign == "<"),),)
        case ">=" | ">":
            return ((_at_least(later, earlier, days, strictly=sign == ">"),),)
        case "==":
            both = (_at_most(later, earlier, days, strictly=False), _at_least(later, earlier, days, strictly=False))
            return (both,)
        case _:
            return apart(later, "<", earlier, days) + apart(later, ">", earlier, days)


def _at_most(later: Point, earlier: Point, days: float, *, strictly: bool) -> Apart:
    return Apart(later=later, earlier=earlier, most=_longest(days, strictly=strictly))


def _at_least(later: Point, earlier: Point, days: float, *, strictly: bool) -> Apart:
    # at least d is not less than d: the shortest such span is one moment longer than the longest below it
    return Apart(later=earlier, earlier=later, most=-(_longest(days, strictly=not strictly) + 1))


def _longest(days: float, *, strictly: bool) -> int:
    """The longest span, as the engine divides, of at most (or less than) so many days."""
    span = round(max(-_CALENDAR, min(_CALENDAR, days * DAY))) + 1
    while span / DAY >= days if strictly else span / DAY > days:
        span -= 1
        if abs(span) >= _CALENDAR:
            break
    return span


def placed(points: Iterable[Point], bounds: Iterable[Apart]) -> Mapping[Point, int] | None:
    """Where the points lie, in microseconds, as late as the bounds allow; None when they cannot be met."""
    at = dict.fromkeys(points, 0)
    edges = list(bounds)
    for _ in range(len(at) + 1):
        moved = list(_moved(at, edges))
        if not moved:
            return at
    return None


def _moved(at: dict[Point, int], edges: Iterable[Apart]) -> Iterator[Point]:
    for edge in edges:
        latest = at[edge.earlier] + edge.most
        if at[edge.later] > latest:
            at[edge.later] = latest
            yield edge.later
