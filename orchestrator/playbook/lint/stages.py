"""The stage table: stages without a way out or a way in, and rows that are never taken."""

from collections.abc import Iterator

from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import View
from orchestrator.core.playbook import Transition
from orchestrator.playbook.lint.clauses import Want
from orchestrator.playbook.lint.desk import Desk, asked
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.moments import in_stage
from orchestrator.playbook.lint.timelines import events_of, lived, story
from orchestrator.playbook.loader import Path

_LONG = 365  # days that a life is followed


def stage_table(desk: Desk) -> Iterator[Finding]:
    """``dead-end``, ``unreachable-stage`` and ``shadowed-row``."""
    found = reachable(desk)
    for name, stage in desk.playbook.stages.items():
        path: Path = ("stages", "table", name)
        if name not in found:
            yield desk.finding("unreachable-stage", path, f"no row that leads to `{name}` can ever be taken")
        elif not stage.exit and not any(_open(row, name, desk) for row in desk.playbook.rows[name]):
            message = f"nobody can leave `{name}`: no row that leads out of it can ever be taken, and it is no exit"
            yield desk.finding("dead-end", path, message, _stuck(name, desk))
    for number, row in enumerate(desk.playbook.transitions):
        if row.source is not None and _shadowed(number, row, row.source, desk):
            path = ("stages", "transitions", number)
            yield desk.finding("shadowed-row", path, f"whenever `{row.when.text}` holds, a row above fits and is taken")


def reachable(desk: Desk) -> frozenset[str]:
    """The stages to which rows lead that are not proven to be never taken."""
    found: set[str] = set()
    newest = {desk.playbook.first_stage}
    while newest:
        found |= newest
        newest = {
            row.target
            for stage in newest
            for row in desk.playbook.rows[stage]
            if row.target not in found and _open(row, stage, desk)
        }
    return frozenset(found)


def _open(row: Transition, stage: str, desk: Desk) -> bool:
    return not desk.possible(in_stage(stage), asked(row.when)).impossible


def _shadowed(number: int, row: Transition, source: str, desk: Desk) -> bool:
    above = [each for each in desk.playbook.transitions[:number] if each in desk.playbook.rows[source]]
    if not above or not _open(row, source, desk):
        return False
    others = (asked(each.when, Want.NOT_TRUE) for each in above)
    return desk.possible(in_stage(source), asked(row.when), *others).impossible


def _stuck(stage: str, desk: Desk) -> tuple[str, ...]:
    """A life that comes into this stage and stays; nothing where none was found."""
    for view in _ways_in(stage, desk):
        told = lived(desk.playbook, events_of(view), view.now + _LONG * DAY)
        shown = [each for each in told if each.kind in {"event", "stage", "milestone", "stuck"}]
        entered = [each.about for each in shown if each.kind == "stage"] or [desk.playbook.first_stage]
        if entered[-1] == stage:
            first = desk.playbook.first_day
            return story(shown, first, end=f"day {_LONG + first}            still in {stage}")
    return ()


def _ways_in(stage: str, desk: Desk) -> Iterator[View]:
    ways = [asked(row.when) for row in desk.playbook.transitions if row.target == stage]
    if stage == desk.playbook.first_stage:
        ways.append(in_stage(stage))
    yield from (view for way in ways if (view := desk.example(way)) is not None)
