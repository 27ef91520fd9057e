"""The audit of an onboarding programme in five sections (rules 1.0.8): score, gaps, quick improvements, roadmap, ROI.

It computes from figures that are known and says of every other that it is unknown; it never fills one in. What is most
urgent is what costs the score most; after what is known come the dimensions that nobody measures, the heaviest first.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from orchestrator.insight import costs
from orchestrator.insight.costs import Project, Return
from orchestrator.insight.figures import COMPANY, Given, shown
from orchestrator.insight.programme import Score, Weighed, figure_for, score
from orchestrator.insight.tables import AutomationTable, Benchmarks, CostStage

_MONEY = ("new_users_per_month", "cost_per_user", "automation", "automation_target", "project_cost")  # of a return


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What of an onboarding is automatic."""

    done: tuple[str, ...]  # tasks that the playbook does
    share: float  # of what could be automatic, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """What automation is there, what is aimed at, and what reaching it returns."""

    coverage: Coverage  # by the playbook
    stage: CostStage | None  # the company's size; None: how many users it has is unknown
    inputs: Mapping[str, Given]  # what the return is computed from, as far as it is known
    unknown: tuple[str, ...]  # what is missing for it
    months: int  # over which it is counted
    found: Return | None  # None: something is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit found."""

    figures: Mapping[str, Given]  # all that is known
    score: Score
    urgent: tuple[Weighed, ...]  # the dimensions that could be better, the most urgent first
    automation: Automation


def coverage(plays: Collection[str], table: AutomationTable) -> Coverage:
    """Which of the tasks a playbook with these plays does, and how much of what could be automatic that is."""
    worth = {"fully": table.worth.fully, "partly": table.worth.partly}
    done = [name for name, task in table.tasks.items() if set(task.plays) & set(plays)]
    most = sum(worth[task.automate] for task in table.tasks.values())
    share = sum(worth[table.tasks[name].automate] for name in done) / most
    return Coverage(done=tuple(done), share=round(share, 6))


def audit(figures: Mapping[str, Given], plays: Collection[str], tables: Benchmarks) -> Audit:
    """The audit of a programme with these figures, by name, that runs a playbook with these plays."""
    found = score({name: given.value for name, given in figures.items()}, tables.programme)
    return Audit(
        figures=figures,
        score=found,
        urgent=_urgent(found, tables),
        automation=_automation(figures, coverage(plays, tables.automation), tables),
    )


def _urgent(found: Score, tables: Benchmarks) -> tuple[Weighed, ...]:
    dimensions = tables.programme.dimensions
    known = [each for each in found.dimensions if each.lost]
    unknown = [each for each in found.dimensions if each.lost is None]
    return (
        *sorted(known, key=lambda each: -(each.lost or 0)),
        *sorted(unknown, key=lambda each: -dimensions[each.name].weight),
    )


def _automation(figures: Mapping[str, Given], covered: Coverage, tables: Benchmarks) -> Automation:
    users = figures.get("users")
    stage = None if users is None else costs.stage_of(users.value, tables.costs)
    inputs = {"automation": Given(value=covered.share, source="by the plays of the playbook")}
    if stage is not None:
        target = Given(value=stage.automation_target, source=f"the target of a company like yours ({stage.label})")
        inputs["automation_target"] = target
    inputs |= {name: figures[name] for name in _MONEY if name in figures}
    unknown = tuple(name for name in _MONEY if name not in inputs)
    months = tables.costs.roi.months
    return Automation(
        coverage=covered,
        stage=stage,
        inputs=inputs,
        unknown=unknown,
        months=months,
        found=None if unknown else costs.returns(_project(inputs, months)),
    )


def _project(inputs: Mapping[str, Given], months: int) -> Project:
    return Project(
        new_users_per_month=inputs["new_users_per_month"].value,
        cost_per_user=inputs["cost_per_user"].value,
        automation_now=inputs["automation"].value,
        automation_target=inputs["automation_target"].value,
        cost=inputs["project_cost"].value,
        months=months,
    )


def told(found: Audit, tables: Benchmarks) -> Iterator[str]:
    """The audit as a person reads it, line by line."""
    yield "1. Current onboarding health score"
    yield from _told_score(found, tables)
    yield f"\n2. Gap analysis by stage (industry: B2B SaaS {tables.programme.industry.year})"
    yield from _told_gaps(found, tables)
    quick = found.urgent[: tables.audit.quick_improvements]
    yield f"\n3. Urgent quick improvements, this week: {len(quick)}"
    yield from (f"  {number}. {_quick(each, tables)}" for number, each in enumerate(quick, start=1))
    yield f"\n4. Roadmap of {tables.audit.roadmap.days} days"
    yield from _told_roadmap(found, tables)
    yield "\n5. Automation plan and what it returns"
    yield from _told_automation(found.automation, tables)


def _told_score(found: Audit, tables: Benchmarks) -> Iterator[str]:
    points, floor = found.score.points, tables.programme.coverage_floor
    if points is None or found.score.band is None:
        yield f"  No score: {found.score.coverage:g} % of the weight is known, and it takes {floor:g} %."
    else:
        band = found.score.band
        known = f"{found.score.coverage:g} % of the weight is known"
        yield f"  {points:.1f} of 100: {band.label}, {band.meaning}. {known}."
    for each in found.score.dimensions:
        dimension = tables.programme.dimensions[each.name]
        head = f"  {dimension.label} ({dimension.weight:g} %): "
        if each.figure is None or each.points is None:
            yield f"{head}unknown, so it does not count ({each.name}: {dimension.assessed})"
        else:
            source = found.figures[each.name].source
            yield f"{head}{shown(each.figure, dimension.unit)} is worth {each.points:.4g} of 100 ({source})"


def _told_gaps(found: Audit, tables: Benchmarks) -> Iterator[str]:
    weighed = {each.name: each for each in found.score.dimensions}
    for stage in tables.audit.stages.values():
        yield f"  {stage.label}"
        for name in stage.figures:
            yield f"    {_gap(weighed[name], tables) if name in weighed else _further(name, found, tables)}"


def _gap(each: Weighed, tables: Benchmarks) -> str:
    dimension = tables.programme.dimensions[each.name]
    industry = tables.programme.industry.figures.get(each.name)
    best = tables.programme.bands[0]
    goal = figure_for(best.from_, dimension)
    beside = [] if industry is None else [f"industry {shown(industry.figure, dimension.unit)}, {industry.is_}"]
    beside += [] if goal is None else [f"{best.label.lower()} at {shown(goal, dimension.unit)}"]
    if each.figure is None or each.lost is None:
        return f"{dimension.label}: unknown ({'; '.join(beside)})"
    costs_it = f"costs the score {each.lost:.1f} points" if each.lost else "costs the score nothing"
    return f"{dimension.label}: {shown(each.figure, dimension.unit)} ({'; '.join(beside)}): {costs_it}"


def _further(name: str, found: Audit, tables: Benchmarks) -> str:
    figure = tables.audit.further[name]
    goal, given = shown(figure.goal, figure.unit), found.figures.get(name)
    if given is None:
        return f"{figure.label}: unknown (goal {goal}: {figure.assessed})"
    reached = "reached" if given.value >= figure.goal else "not reached"
    return f"{figure.label}: {shown(given.value, figure.unit)} (goal {goal}, {reached}: {figure.assessed})"


def _quick(each: Weighed, tables: Benchmarks) -> str:
    label, advice = tables.programme.dimensions[each.name].label, tables.audit.improvements[each.name]
    return f"{label}: {advice.this_week}" if each.lost else f"{label} is unknown. {advice.measure}"


def _lasting(each: Weighed, tables: Benchmarks) -> str:
    label, advice = tables.programme.dimensions[each.name].label, tables.audit.improvements[each.name]
    return f"{label}: {advice.lasting}" if each.lost else f"{label} is unknown. {advice.measure}"


def _told_roadmap(found: Audit, tables: Benchmarks) -> Iterator[str]:
    order = ("first", "second", "third")
    for step in tables.audit.roadmap.steps:
        first, last = step.days
        quick = step.do not in order
        number = 0 if quick else order.index(step.do)
        what = [_lasting(each, tables) for each in found.urgent[number : number + 1]]
        todo = "the quick improvements above." if quick else " ".join(what)
        yield f"  day {first} to {last}: {todo or 'keep what is good, and look at the figures again.'}"
    yield f"  day {tables.audit.roadmap.days}: audit again, and compare."
    yield from _told_loop(tables)


def _told_loop(tables: Benchmarks) -> Iterator[str]:
    """The improvement loop that goes on after the roadmap."""
    table = tables.improvement
    yield f"  From then on, with {'; '.join(table.inputs)}:"
    for turn in table.loop:
        many = "" if turn.improvements is None else f" ({turn.improvements[0]} to {turn.improvements[1]} improvements)"
        yield f"    every {turn.every}: {', '.join(turn.do)}{many}"
    for each in table.evidence:
        when = f"within {each.by_day} days" if each.by_day else f"after {each.from_day} days or more"
        yield f"    (a story: first workflow {when}, {shown(each.retention, 'share')} stayed)"
    yield f"    (the redesign of that onboarding gave +{table.redesign_points:g} points)"


def _told_automation(plan: Automation, tables: Benchmarks) -> Iterator[str]:
    for name, task in tables.automation.tasks.items():
        state = "done by the playbook" if name in plan.coverage.done else "not done by the playbook"
        yield f"  {task.label}: {task.automate} for a machine, {state}. Agent: {task.agent}."
    if plan.stage is not None:
        low, high = (shown(each, "money") for each in plan.stage.cost_per_user)
        yield f"  A company like yours ({plan.stage.label}, {plan.stage.how}) pays {low} to {high} a user."
    for name, given in plan.inputs.items():
        yield f"  {name} = {shown(given.value, COMPANY[name])} ({given.source})"
    if plan.found is None:
        yield f"  What it returns cannot be said: {', '.join(plan.unknown)} unknown (--figure NAME=NUMBER)."
        return
    yield f"  Saving a month: {shown(plan.found.monthly_saving, 'money')}"
    if plan.found.monthly_saving < 0:
        yield "  (less than nothing: more is automatic already than the target asks for)"
    yield f"  ROI over {plan.months} months: {shown(round(plan.found.roi, 4), 'share')}"
