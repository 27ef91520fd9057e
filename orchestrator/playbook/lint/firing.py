"""Plays that can never act, and what an account lives through instead."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.core import timing
from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import ALWAYS
from orchestrator.core.playbook import Closed, Holds, Opened, Play
from orchestrator.playbook.lint.clauses import Want
from orchestrator.playbook.lint.desk import Desk, asked, openings
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.ladders import fleeting
from orchestrator.playbook.lint.moments import SETTLED, Moment, at_rest, in_stage, moments_of, stages_of
from orchestrator.playbook.lint.stages import reachable
from orchestrator.playbook.lint.timelines import Happening, events_of, lived, story
from orchestrator.playbook.loader import Path

Groups = Sequence[Sequence[Moment]]  # one of each group must be so


_SAID = {
    "checkpoint": ("never-fires", "this checkpoint can never be met"),
    "play": ("never-fires", "this play can never fire"),
    "signal": ("never-opens", "this signal can never open"),
    "rung": ("rung-never-comes", "this rung can never come"),
}  # what it is -> the rule, and how its message begins


def plays_that_never_fire(desk: Desk) -> Iterator[Finding]:
    """``never-fires``, ``never-opens``, ``rung-never-comes``: with the first of its own reasons that is proven."""
    for name, play in desk.playbook.plays.items():
        found = None if _told_of_its_signal(play, desk) else _hindrance(desk, play)
        if found is not None:
            key, why = found
            rule, begins = _SAID[desk.kind(name)]
            path: Path = (*desk.paths[name], key) if key else desk.paths[name]
            yield desk.finding(rule, path, f"{begins}: {why}", _instead(desk, play))


def _told_of_its_signal(play: Play, desk: Desk) -> bool:
    """Whether it is a rung of a signal that never opens, or not for a moment: that is said once."""
    if desk.kind(play.name) != "rung" or not isinstance(play.trigger, Opened):
        return False
    return play.trigger.signal in desk.silent or fleeting(play.trigger.signal, desk)


def _hindrance(desk: Desk, play: Play) -> tuple[str, str] | None:
    """What excludes it: the key that says so, and the words; None when nothing is proven to."""
    words, goal = _words(play, desk), play.policy.only_while
    condition = [asked(play.when), *([] if goal is None else [asked(goal, Want.NOT_FALSE)])]
    stages = stages_of(play, reachable(desk), desk.playbook)
    told = ", ".join(stages)
    times = moments_of(play, desk.playbook)
    steps: list[tuple[str, str, Groups]] = [
        ("when", "its condition can never hold", [[condition[0]]]),
        (words.stays, words.excluded, [[each] for each in condition]),
        (*_never_due(play, desk), [times]),
        (words.asked, f"{words.due}, {words.asks} cannot hold", [times, *([each] for each in condition)]),
        ("", "none of its stages can be reached", [[in_stage(stage) for stage in stages]]),
        (
            "",
            f"{words.due} and {words.asks} holds, the account is never in a stage that it is for ({told})",
            [times, [in_stage(stage) for stage in stages], *([each] for each in condition)],
        ),
        (
            "",
            f"{words.due} and {words.asks} holds, the stage table has led out of its stages ({told})",
            [times, [at_rest(stage, desk.playbook) for stage in stages], *([each] for each in condition)],
        ),
    ]
    return next(((key, why) for key, why, groups in steps if _excluded(desk, [[SETTLED], *groups])), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """How a play is spoken of."""

    due: str  # when it comes due
    asks: str  # what it asks for then
    asked: str  # the key of that
    stays: str  # the key of what it stands while
    excluded: str  # that these two are never so at once


def _words(play: Play, desk: Desk) -> _Words:
    due = timing.told(play.trigger, desk.playbook.first_day)
    if desk.kind(play.name) == "rung" and isinstance(play.trigger, Opened):
        excluded = f"its condition cannot hold while `{play.trigger.signal}` is open"
        return _Words(
            due=f"when it is due ({due})", asks="its condition", asked="when", stays="when", excluded=excluded
        )
    stays = "only_while" if play.signal is None else "while"
    asked_at = "met" if play.checkpoint is not None else "when"
    bare = play.when == ALWAYS
    return _Words(
        due=f"when it is due ({due})" if play.signal is None else f"when it would open ({due})",
        asks="its condition"
        if play.policy.only_while is None
        else f"its `{stays}`"
        if bare
        else f"its condition and `{stays}`",
        asked=stays if bare else asked_at,
        stays=stays,
        excluded=f"its condition and its `{stays}` exclude each other",
    )


def _never_due(play: Play, desk: Desk) -> tuple[str, str]:
    """The key of its trigger where one says it, and why it never comes."""
    match play.trigger:
        case Opened(signal=name) | Closed(signal=name) if name in desk.silent:
            return "", f"the signal `{name}` can never open"
        case Opened(signal=name, delay=delay) if delay:
            return "after", f"`{name}` has always closed by then ({timing.told(play.trigger, desk.playbook.first_day)})"
        case Holds(condition=condition):
            return "holds", f"`{condition.text}` can never hold"
        case _:
            return "", f"its trigger ({timing.told(play.trigger, desk.playbook.first_day)}) can never come"


def _excluded(desk: Desk, groups: Groups) -> bool:
    """Whether no choice of one moment of each group can be."""
    return all(desk.possible(*choice).impossible for choice in itertools.product(*groups))


def _instead(desk: Desk, play: Play) -> tuple[str, ...]:
    """The life of an account for which it comes due, or for which what it waits for comes up."""
    signal = play.trigger.signal if isinstance(play.trigger, Opened) else None
    ways: Iterable[tuple[Moment, ...]] = ((moment,) for moment in moments_of(play, desk.playbook))
    if signal is not None:
        ways = openings(desk.playbook.plays[signal], desk)
    view = next((view for way in ways if (view := desk.example(*way)) is not None), None)
    if view is None:
        return ()
    delay = play.trigger.delay if isinstance(play.trigger, Opened) else timedelta(0)
    told = lived(desk.playbook, events_of(view), view.now + delay + play.policy.valid_for + 2 * DAY)
    shown = [each for each in told if _tells(each, play.name, signal)]
    return story(shown, desk.playbook.first_day) if any(each.about in {play.name, signal} for each in shown) else ()


def _tells(each: Happening, play: str, signal: str | None) -> bool:
    return each.about in {play, signal} or each.kind in {"event", "stage", "milestone", "stuck"}
