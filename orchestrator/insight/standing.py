"""Where one account stands: its segment, its open signals, the time that its stage gives it, and what is to be done."""

from collections.abc import Iterator
from datetime import datetime

from orchestrator.core import signals
from orchestrator.core.account import Account
from orchestrator.core.conditions import explain, value_of
from orchestrator.core.context import open_items
from orchestrator.core.lifecycle import view_of
from orchestrator.core.playbook import Playbook, Segment
from orchestrator.core.projects import Project, TaskState, projects_of
from orchestrator.core.segments import segment_of
from orchestrator.core.timing import stalls_at


def standing(account: Account, now: datetime, playbook: Playbook) -> Iterator[str]:
    """What a person would like to know first, a line each; nothing of what the playbook does not use."""
    segment = segment_of(account.facts, playbook)
    if segment is not None:
        yield _told(segment, account, playbook)
    yield from _open_signals(account, playbook)
    ends = stalls_at(account, playbook)
    if ends is not None:
        over = "ended" if ends <= now else "ends"
        yield f"window of {account.stage} {over} {ends:%Y-%m-%d %H:%M} UTC"
    yield from _checklist(account, now, playbook)
    yield from _age(account, now, playbook)
    for project in projects_of(view_of(account, now, playbook), playbook):
        yield _onboarding(project, now)
        yield from _work(project)


def _told(segment: Segment, account: Account, playbook: Playbook) -> str:
    assert playbook.segmentation is not None, "it has a segment"  # noqa: S101 -- invariant
    view = view_of(account, account.stage_entered_at, playbook)  # traits are the same at any instant
    (clause,) = explain(playbook.segmentation.by, view)
    owner = f", owner {segment.owner}" if segment.owner else ""
    return f"segment {segment.label}: {segment.touch} touch{owner}; {clause.value}"


def _open_signals(account: Account, playbook: Playbook) -> Iterator[str]:
    """Each open signal: how bad, since when, who has taken it on; and what a human should do about it."""
    for name in (each for each in playbook.signals if signals.is_open(each, account.signals)):
        signal, since = playbook.signals[name], account.signals[name].opened_at
        flag = ", at risk" if signal.at_risk else ""
        taken = signals.said_at(signals.ACKNOWLEDGED, name, account.signals, account.facts)
        by = account.facts.said[signals.ACKNOWLEDGED][name].words["by"] if taken is not None else None
        who = f"taken on by {by or 'somebody'} at {taken:%Y-%m-%d %H:%M} UTC" if taken else "nobody has taken it on"
        label = playbook.plays[name].label
        yield f"signal {name} ({label}), {signal.severity}{flag}: open since {since:%Y-%m-%d %H:%M} UTC, {who}"
        if signal.intervention:
            yield f"  to do: {signal.intervention}"


def _checklist(account: Account, now: datetime, playbook: Playbook) -> Iterator[str]:
    items = playbook.stages[account.stage].checklist
    left = open_items(account.stage, view_of(account, now, playbook), playbook)
    if items:
        yield f"checklist of {account.stage}: {len(items) - len(left)} of {len(items)} done"
    yield from (f"  to do: {item.label} ({item.when.text})" for item in left)


def _age(account: Account, now: datetime, playbook: Playbook) -> Iterator[str]:
    """How old the account is, in the words of its playbook."""
    age = None if playbook.ages is None else value_of(playbook.ages, view_of(account, now, playbook))
    if age is not None:
        yield f"age: {age}"


def _onboarding(project: Project, now: datetime) -> str:
    name = f"onboarding {project.onboarding}".rstrip()
    parts = [f"{name}: {project.label} since {project.entered_at:%Y-%m-%d %H:%M} UTC"]
    if project.late_at is not None:
        parts.append(f"{'late since' if project.late_at <= now else 'until'} {project.late_at:%Y-%m-%d %H:%M} UTC")
    parts += [f"led by {project.owner}"] if project.owner else []
    parts += [f"ends with: {project.deliverable}"] if project.deliverable else []
    return ", ".join(parts)


def _work(project: Project) -> Iterator[str]:
    """What is not done of the phases so far: who does it, what it leaves behind, and what it waits for."""
    so_far = project.so_far
    left = [each for each in so_far if each.state is not TaskState.DONE]
    if so_far:
        yield f"  tasks so far: {len(so_far) - len(left)} of {len(so_far)} done"
    for each in left:
        parts = [f"{each.state}: {each.label}"]
        parts += [f"waits for: {', '.join(each.waits_for)}"] if each.waits_for else []
        parts += [f"by {each.owner}"] if each.owner else []
        parts += [f"leaves: {each.deliverable}"] if each.deliverable else []
        yield f"    {', '.join(parts)}"
