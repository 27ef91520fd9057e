"""Plays that can never act, and what an account lives through instead."""

import itertools
from collections.abc import Iterator, Sequence

from orchestrator.core import timing
from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import ALWAYS
from orchestrator.core.playbook import Play
from orchestrator.playbook.lint.clauses import Want
from orchestrator.playbook.lint.desk import Desk, asked
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.moments import Moment, at_rest, in_stage, moments_of, stages_of
from orchestrator.playbook.lint.stages import reachable
from orchestrator.playbook.lint.timelines import Happening, events_of, lived, story
from orchestrator.playbook.loader import Path

Groups = Sequence[Sequence[Moment]]  # one of each group must be so


def plays_that_never_fire(desk: Desk) -> Iterator[Finding]:
    """``never-fires``: with the first of its own reasons that is proven."""
    for name, play in desk.playbook.plays.items():
        found = _hindrance(desk, play)
        if found is not None:
            key, why = found
            path: Path = ("plays", name, key) if key else ("plays", name)
            yield desk.finding("never-fires", path, f"this play can never fire: {why}", _instead(desk, play))


def _hindrance(desk: Desk, play: Play) -> tuple[str, str] | None:
    """What excludes it: the key that says so, and the words; None when nothing is proven to."""
    goal = play.policy.only_while
    condition = [asked(play.when), *([] if goal is None else [asked(goal, Want.NOT_FALSE)])]
    stages = stages_of(play, reachable(desk), desk.playbook)
    told = ", ".join(stages)
    due = timing.told(play.trigger)
    asks = "its condition" if goal is None else "its only_while" if play.when == ALWAYS else "condition and only_while"
    times = moments_of(play, desk.playbook)
    steps: list[tuple[str, str, Groups]] = [
        ("when", "its condition can never hold", [[condition[0]]]),
        ("only_while", "its condition and its only_while exclude each other", [[each] for each in condition]),
        ("", f"its trigger ({due}) can never come", [times]),
        ("", f"when it is due ({due}), {asks} cannot hold", [times, *([each] for each in condition)]),
        ("", "none of its stages can be reached", [[in_stage(stage) for stage in stages]]),
        (
            "",
            f"when it is due ({due}) and {asks} holds, the account is never in a stage that it is for ({told})",
            [times, [in_stage(stage) for stage in stages], *([each] for each in condition)],
        ),
        (
            "",
            f"by the time it is due ({due}) and {asks} holds, the stage table has led out of its stages ({told})",
            [times, [at_rest(stage, desk.playbook) for stage in stages], *([each] for each in condition)],
        ),
    ]
    return next(((key, why) for key, why, groups in steps if _excluded(desk, groups)), None)


def _excluded(desk: Desk, groups: Groups) -> bool:
    """Whether no choice of one moment of each group can be."""
    return all(desk.possible(*choice).impossible for choice in itertools.product(*groups))


def _instead(desk: Desk, play: Play) -> tuple[str, ...]:
    """The life of an account for which it comes due."""
    views = (desk.example(moment) for moment in moments_of(play, desk.playbook))
    view = next((view for view in views if view is not None), None)
    if view is None:
        return ()
    told = lived(desk.playbook, events_of(view), view.now + play.policy.valid_for + 2 * DAY)
    shown = [each for each in told if _tells(each, play)]
    return story(shown) if any(each.about == play.name for each in shown) else ()


def _tells(each: Happening, play: Play) -> bool:
    return each.about == play.name or each.kind in {"event", "stage", "milestone", "stuck"}
