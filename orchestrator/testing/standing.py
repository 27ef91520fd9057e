"""How an account stands at an instant, in words: what it is like in place of what was expected, and why."""

from collections.abc import Iterator

from orchestrator.core.conditions import Clause, View, explain, value_of, weigh
from orchestrator.core.conditions import verdict as verdict_of
from orchestrator.core.errors import UndecidableError
from orchestrator.core.health import Health
from orchestrator.core.playbook import Playbook
from orchestrator.core.signals import is_open
from orchestrator.playbook.names import names_of
from orchestrator.testing.moments import Calendar
from orchestrator.testing.states import UNKNOWN, Asked

NOBODY = "nothing is known of the account yet"
_TRUTH = {True: "true", False: "false", None: UNKNOWN}
_DECISIVE = "  ← had this been otherwise, so had the whole"


def as_it_is(asked: Asked, view: View | None, playbook: Playbook, calendar: Calendar) -> str:
    """What the account is like, where it is otherwise than expected."""
    if view is None:
        return NOBODY
    match asked.kind:
        case "signals":
            return _open(view, calendar)
        case "health":
            return _health(_weighed(view, playbook))
        case "segment" | "phase":
            value = value_of(names_of(playbook).derived[asked.kind].node, view)
            return f"{asked.kind} {UNKNOWN if value is None else value}"
        case _:
            return _said(asked, view)


def _open(view: View, calendar: Calendar) -> str:
    found = sorted((state.opened_at, name) for name, state in view.signals.items() if is_open(name, view.signals))
    told = [f"{name} since {calendar.told(at)}" for at, name in found]
    return f"open: {', '.join(told)}" if told else "no signal open"


def _weighed(view: View, playbook: Playbook) -> Health:
    assert playbook.health is not None, "checked when the scenario is read"  # noqa: S101 -- invariant
    return weigh(playbook.health, view)


def _health(found: Health) -> str:
    known = f"{found.coverage:g} % of the weight is known"
    if found.score is None:
        return f"health unknown, {known}"
    by = "" if found.override is None else f", as {found.override.by or 'somebody'} has said"
    return f"health {found.score:g}, {found.colour}{by}, {known}"


def _said(asked: Asked, view: View) -> str:
    try:
        said = verdict_of(asked.node, view)
    except UndecidableError as error:
        return f"it cannot be told: {error}"
    if asked.kind == "traits":
        return ", ".join(clause.value for clause in explain(asked.node, view))
    return f"it is {_TRUTH[said]}"


def rests_on(asked: Asked, view: View | None, playbook: Playbook) -> Iterator[str]:
    """Why it is so: the indicators of the health, what ends the phase, else the clauses of the condition."""
    if view is None or asked.kind == "traits":
        return
    if asked.kind == "health":
        yield from _indicators(_weighed(view, playbook))
    elif asked.kind == "phase":
        yield from _phases(view, playbook)
    else:
        yield from (clause_told(clause) for clause in explain(asked.node, view) if clause.value)


def _indicators(found: Health) -> Iterator[str]:
    for each in found.readings:
        points = "" if each.points is None else f"{each.points:g} points"
        yield f"  {each.colour or UNKNOWN:7} {each.label} ({each.weight:g} %){f': {points}' if points else ''}"


def _phases(view: View, playbook: Playbook) -> Iterator[str]:
    """What each unfinished onboarding waits for."""
    known = playbook.onboarding.phases if playbook.onboarding else {}
    for journey in view.journeys:
        if journey.phase in known:
            named = f" of {journey.onboarding}" if journey.onboarding else ""
            yield f"{journey.phase}{named} lasts until: {known[journey.phase].until.text}"


def clause_told(clause: Clause) -> str:
    """A clause with what it reads, and whether it was decisive."""
    return f"  {_TRUTH[clause.verdict]:7} {clause.text}   ({clause.value}){_DECISIVE if clause.decisive else ''}"
