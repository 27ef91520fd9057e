"""A glance: what the events that were heard can have turned, of an account that was at rest; mostly it is nothing.

An account rests when all rules were asked in vain. After that only what *hears* an event can turn by it, and which that
is stands in the playbook (``Playbook.touched``). So a glance asks these rules alone. If none turns, the account still
rests: its facts are new, and it is looked at again no later than before. If one does, everything is looked at.

``wake_at`` only ever moves earlier here, and may then be earlier than need be, which is harmless: the idle wake that
it leads to derives it afresh (DESIGN.md, "One verb", timers). Nobody's time zone is asked for, as people are not looked
at: where an instant depends on it, the earliest that it can be is taken.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from orchestrator.core import conditions, signals, timing
from orchestrator.core.account import Account
from orchestrator.core.conditions import Node, View
from orchestrator.core.playbook import Playbook, Touched


def still_rests(account: Account, heard: Iterable[str], view: View, playbook: Playbook) -> bool:
    """Whether none of the rules that hear these events turns by them at the instant of the view."""
    touched = [playbook.touched[name] for name in heard if name in playbook.touched]
    return not any(_turns(each, account, view, playbook) for each in touched)


def next_look(account: Account, heard: Iterable[str], view: View, playbook: Playbook) -> datetime | None:
    """When to look again at an account that still rests: its ``wake_at``, or earlier where these events say so."""
    told = [] if account.wake_at is None else [account.wake_at]
    for name in heard:
        each = playbook.touched.get(name)
        if each is not None:
            told += _due(each, account, playbook)
            told += conditions.flips_after(name, chain(*followed(each, account, playbook)), view)
    return min(told, default=None)


def _turns(touched: Touched, account: Account, view: View, playbook: Playbook) -> bool:
    return (
        touched.everything
        or _holds_now(touched, account, view)
        or _edge_turns(touched, account, view)
        or _ceases(touched, account, view, playbook)
        or not account.waiting.keys().isdisjoint(touched.dated)
        or any(at <= view.now for at in _due(touched, account, playbook))
        or _recolours(account, view, playbook, weighs=touched.weighs)
    )


def _holds_now(touched: Touched, account: Account, view: View) -> bool:
    """Whether a milestone is reached, or a way out of the stage open."""
    milestones = (each.when for each in touched.milestones if each.name not in account.milestones)
    rows = (row.when for row in touched.rows.get(account.stage, ()))
    return any(conditions.verdict(node, view) is True for node in chain(milestones, rows))


def _edge_turns(touched: Touched, account: Account, view: View) -> bool:
    """Whether a watched condition begins or ceases to hold."""
    for name, condition in touched.watched:
        edge = account.edges.get(name)
        if (edge is not None and edge.until is None) is not (conditions.verdict(condition, view) is True):
            return True
    return False


def _ceases(touched: Touched, account: Account, view: View, playbook: Playbook) -> bool:
    """Whether what an open signal or an unsent message is for is over."""
    goals = _goals(touched, account, playbook)
    return any(conditions.verdict(goal, view) is False for goal in goals)


def _goals(touched: Touched, account: Account, playbook: Playbook) -> Iterator[Node]:
    standing = (name for name in account.standing if name in touched.goals)
    opened = (name for name in touched.signals if signals.is_open(name, account.signals))
    goals = (playbook.plays[name].policy.only_while for name in chain(standing, opened))
    yield from (goal for goal in goals if goal is not None)


def _due(touched: Touched, account: Account, playbook: Playbook) -> Iterator[datetime]:
    """When the plays that these events date come due, at the earliest."""
    for name in touched.dated:
        at = timing.earliest(playbook.plays[name], account, playbook)
        if at is not None:
            yield at


def _recolours(account: Account, view: View, playbook: Playbook, *, weighs: bool) -> bool:
    if not weighs or playbook.health is None:
        return False
    colour = conditions.weigh(playbook.health, view).colour
    return (colour.value if colour else "") != account.colour


def followed(touched: Touched, account: Account, playbook: Playbook) -> tuple[Iterator[Node], Iterator[Node]]:
    """The conditions of these whose turning would change something as things stand: of rules, and of what was done."""
    return _rules(touched, account, playbook), _goals(touched, account, playbook)


def _rules(touched: Touched, account: Account, playbook: Playbook) -> Iterator[Node]:
    yield from (each.when for each in touched.milestones if each.name not in account.milestones)
    yield from (row.when for row in touched.rows.get(account.stage, ()))
    yield from (condition for _, condition in touched.watched)
    if touched.weighs and playbook.health is not None:
        yield playbook.health
