"""What a template may read of an account: plain values, only what is really known (figures are never invented)."""

from collections.abc import Mapping
from datetime import datetime

from orchestrator.core.account import Account
from orchestrator.core.calendars import local_day
from orchestrator.core.conditions import FINISHED, View, verdict, weigh
from orchestrator.core.errors import UndecidableError
from orchestrator.core.events import Json
from orchestrator.core.facts import MOST_VALUES, Vocabulary, measure, week_of
from orchestrator.core.goals import Goal, goals_of
from orchestrator.core.people import Person
from orchestrator.core.playbook import AskSurvey, ChecklistItem, Letter, Playbook
from orchestrator.core.projects import Project, TaskState, project_of
from orchestrator.core.segments import segment_of
from orchestrator.core.signals import is_open
from orchestrator.core.timing import zone_of

THIS_WEEK = "_this_week"  # what a figure of the running week is called: ``figures.reports_this_week``


def figure_names(vocabulary: Vocabulary) -> frozenset[str]:
    """The figures that letters may print: each measure, and of what counts an event's times also those of the week."""
    return frozenset({*vocabulary.measures, *(f"{name}{THIS_WEEK}" for name in _times(vocabulary))})


def letter_context(
    account: Account, person: Person | None, now: datetime, playbook: Playbook, letter: Letter | None = None
) -> dict[str, Json]:
    """The saved context of one message or escalation: from it and the template alone the letter is composed."""
    return {
        "account": _account(account, playbook),
        "segment": _segment(account, playbook),
        "person": _person(person),
        "owner": {"name": _text(account, "owner_name"), "email": _text(account, "owner_email")},
        "touch": _touch(account, person, now, playbook),
        "figures": {**_figures(account, playbook), **_this_week(account, now, playbook)},
        "setup": _setup(account, playbook),
        "goals": _goals(account, playbook),
        "core_feature": {"label": playbook.core_feature[0], "path": playbook.core_feature[1]},
        **({"copy": dict(playbook.copy)} if playbook.copy else {}),
        **({"survey": _survey(letter)} if isinstance(letter, AskSurvey) else {}),
    }


def _person(person: Person | None) -> dict[str, Json]:
    if person is None:
        return {"name": "", "first_name": ""}
    return {"name": person.name, "first_name": person.first_name, "role": person.role}


def work_context(account: Account, person: Person | None, view: View, playbook: Playbook) -> dict[str, Json]:
    """The saved context of an escalation: that of a letter, and where the account stands at the view's instant."""
    project = project_of(view, playbook)
    return {
        **letter_context(account, person, view.now, playbook),
        "phase": _phase(project),
        "project": _project(project),
        "health": _health(view, playbook),
        "signals": {"open": _open_signals(account, view.now, playbook)},
        "checklist": {"open": [item.label for item in open_items(account.stage, view, playbook)]},
    }


def open_items(stage: str, view: View, playbook: Playbook) -> tuple[ChecklistItem, ...]:
    """The items of a stage's checklist that are not done, or not known to be."""
    return tuple(item for item in playbook.stages[stage].checklist if not _done(item, view))


def _done(item: ChecklistItem, view: View) -> bool:
    try:
        return verdict(item.when, view) is True
    except UndecidableError:
        return False


def _phase(project: Project | None) -> dict[str, Json]:
    """The phase of the oldest onboarding that goes on; empty when none does."""
    if project is None or project.phase == FINISHED:
        return {}
    until = None if project.late_at is None else project.late_at.date().isoformat()
    return {"label": project.label, "owner": project.owner, "deliverable": project.deliverable, "until": until}


def _project(project: Project | None) -> dict[str, Json]:
    """What can be done in it now, each with who does it, and what waits for what."""
    work = () if project is None else project.so_far
    blocked = (each for each in work if each.state is TaskState.BLOCKED)
    return {
        "open": [f"{each.label} ({each.owner})" for each in work if each.state is TaskState.OPEN],
        "blocked": [f"{each.label}, until this is done: {', '.join(each.waits_for)}" for each in blocked],
    }


def _health(view: View, playbook: Playbook) -> dict[str, Json]:
    if playbook.health is None:
        return {}
    found = weigh(playbook.health, view)
    return {"score": found.score, "colour": None if found.colour is None else found.colour.value}


def _open_signals(account: Account, now: datetime, playbook: Playbook) -> list[Json]:
    """Each open signal with the days since it opened."""
    opened = ((name, account.signals[name].opened_at) for name in playbook.signals if is_open(name, account.signals))
    return [f"{playbook.plays[name].label} ({_days((now - at).days)})" for name, at in opened]


def _days(number: int) -> str:
    return {0: "since today", 1: "1 day"}.get(number, f"{number} days")


def _segment(account: Account, playbook: Playbook) -> dict[str, Json]:
    segment = segment_of(account.facts, playbook)
    return {} if segment is None else {"label": segment.label, "touch": segment.touch.value}


def _survey(survey: AskSurvey) -> dict[str, Json]:
    """What it asks and, where numbers answer it, which, and which end is the better one."""
    scale = survey.scale
    if scale is None:
        return {"kind": survey.kind.value}
    best, worst = (scale.highest, scale.lowest) if scale.high_is_better else (scale.lowest, scale.highest)
    return {
        "kind": survey.kind.value,
        "lowest": scale.lowest,
        "highest": scale.highest,
        "best": best,
        "worst": worst,
    }


def _account(account: Account, playbook: Playbook) -> dict[str, Json]:
    renewal = account.facts.traits.get("renewal_at")
    date = renewal.value.date().isoformat() if renewal and isinstance(renewal.value, datetime) else None
    seats = account.facts.traits.get("seats")
    return {
        "id": account.id,
        "name": _text(account, "name") or account.id,
        "plan": _text(account, "plan"),
        "term": _text(account, "term"),
        "seats": seats.value if seats and isinstance(seats.value, int | float) else None,
        "renewal_date": date,
        "stage": playbook.stages[account.stage].name,
    }


def _text(account: Account, trait: str) -> str | None:
    written = account.facts.traits.get(trait)
    return written.value if written is not None and isinstance(written.value, str) else None


def _touch(account: Account, person: Person | None, now: datetime, playbook: Playbook) -> dict[str, Json]:
    """The local day as the Day-N touches count it, and how many have passed since the anchor's own."""
    if account.anchor is None:
        return {"day": None, "days": None}
    tz = zone_of(account, person, playbook).tz
    days = (local_day(now, tz) - local_day(account.anchor, tz)).days
    return {"day": days + playbook.first_day, "days": days}


def _figures(account: Account, playbook: Playbook) -> Mapping[str, Json]:
    """Figures that were measured; one that may be larger than what is kept of it is left out, not understated."""
    full = {name for name, values in account.facts.values.items() if len(values) >= MOST_VALUES}
    found = {name: measure(name, account.facts) for name in playbook.vocabulary.measures.keys() - full}
    return {name: value for name, value in sorted(found.items()) if value}


def _this_week(account: Account, now: datetime, playbook: Playbook) -> Mapping[str, Json]:
    """How often it happened in the running calendar week (from Monday, UTC, as weekly terms count); never 0."""
    week = week_of(now)
    facts = {name: account.facts.events.get(event) for name, event in _times(playbook.vocabulary).items()}
    found = {f"{name}{THIS_WEEK}": fact.weeks.get(week, 0) for name, fact in sorted(facts.items()) if fact is not None}
    return {name: times for name, times in found.items() if times}


def _times(vocabulary: Vocabulary) -> Mapping[str, str]:
    """The measures that count an event's times, with that event."""
    rules = vocabulary.measures.items()
    return {name: rule.event for name, rule in rules if rule.property is None and not rule.distinct}


def _setup(account: Account, playbook: Playbook) -> dict[str, Json]:
    missing = [playbook.milestones[name].label for name in playbook.checklist if name not in account.milestones]
    total = len(playbook.checklist)
    return {"done": total - len(missing), "total": total, "missing": list(missing)}


def _goals(account: Account, playbook: Playbook) -> dict[str, Json]:
    """The customer's own goals: all of them, the open and the met ones, and where the measured ones stand."""
    found = goals_of(account.facts, playbook.vocabulary)
    return {
        "all": [goal.text for goal in found],
        "open": [goal.text for goal in found if not goal.met],
        "met": [goal.text for goal in found if goal.met],
        "progress": [_progress(goal) for goal in found if goal.figure is not None],
    }


def _progress(goal: Goal) -> str:
    return f"{goal.text}: {goal.figure:g} of {goal.target:g}"
