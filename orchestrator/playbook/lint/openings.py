"""What is known of a signal: while it is open, once it has been, and how early it can open.

All of it is necessary and none of it is all: a late event may open a signal, and a human may close it at any time.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import Compare, Literal, Node, OneOf, Term, TermKind
from orchestrator.core.playbook import After, Holds, OnDay, OnDays, Play, Playbook, Reached
from orchestrator.playbook.lint.clauses import Atoms, Demand, Implied, Want, lasting_parts
from orchestrator.playbook.lint.instants import ANCHOR, Apart, Point, apart

_NEVER = Demand(node=Literal(value=False, text="False"))
_CLOCKS = timedelta(hours=3)  # a clock change moves a wall clock by less


def implied(playbook: Playbook, milestones: Mapping[str, Node], silent: Iterable[str], *, settled: bool) -> Implied:
    """What milestones and signals bring along.

    Args:
        playbook: whose signals these are.
        milestones: each with its condition.
        silent: signals that are known never to open.
        settled: where plays are judged, so that every signal that had to close has closed.
    """
    names = playbook.signals
    opened = {name: (_NEVER,) if name in silent else tuple(_once_opened(playbook.plays[name])) for name in names}
    still = {name: tuple(_while_open(playbook.plays[name], playbook)) for name in names} if settled else {}
    return Implied(milestones=milestones, open=still, opened=opened)


def _once_opened(play: Play) -> Iterator[Demand]:
    conditions = [play.when]
    match play.trigger:
        case Holds(condition=condition):
            conditions.append(condition)
        case After(since=event):
            conditions.append(Term(kind=TermKind.SEEN, name=event, text=event))
        case Reached(milestone=name):
            conditions.append(Term(kind=TermKind.MILESTONE, name=name, text=name))
        case _:
            pass
    return (Demand(node=part) for condition in conditions for part in lasting_parts(condition))


def _while_open(play: Play, playbook: Playbook) -> Atoms:
    """Nothing that would close it is so."""
    inside = tuple(name for name, stage in playbook.stages.items() if not stage.exit or name in play.stages)
    stage = Term(kind=TermKind.STAGE, name="", text="stage")
    lives = Demand(node=OneOf(item=stage, values=inside, negated=False, text="stage"))
    stays = play.policy.only_while
    return (lives,) if stays is None else (lives, Demand(node=stays, want=Want.NOT_FALSE))


def opening_of(signal: str) -> Point:
    """The instant at which an open signal opened."""
    return ("opened", signal)


def earliest(play: Play) -> tuple[Apart, ...]:
    """How early a signal can have opened, as bounds on the instant at which it did."""
    at = opening_of(play.name)
    match play.trigger:
        case After(delay=delay, since=event):
            first = _after(at, ("first", event), delay)
        case OnDay(day=day):
            first = _after(at, ANCHOR, day * DAY - _CLOCKS)
        case OnDays(days=days):
            first = _after(at, ANCHOR, min(days) * DAY - _CLOCKS)
        case Holds(condition=condition, span=span):
            first = tuple(bound for days in _days_asked(condition) for bound in _after(at, ANCHOR, days * DAY + span))
        case _:
            first = ()
    return (*first, *(bound for days in _days_asked(play.when) for bound in _after(at, ANCHOR, days * DAY)))


def _after(later: Point, earlier: Point, span: timedelta) -> tuple[Apart, ...]:
    (bounds,) = apart(later, ">=", earlier, span / DAY)
    return bounds


def _days_asked(condition: Node) -> Iterator[float]:
    """The days since the anchor that a condition asks for, part by part."""
    for part in lasting_parts(condition):
        match part:
            case Compare(left=Term(kind=TermKind.DAY), right=Literal(value=int() | float() as days)):
                yield days
            case _:
                continue
