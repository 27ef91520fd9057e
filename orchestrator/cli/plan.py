"""``lifecycle plan``: people, money and segments for onboarding, from the tables of ``templates/benchmarks``."""

from collections.abc import Iterator, Mapping
from enum import StrEnum, unique
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from orchestrator.cli.console import out
from orchestrator.core.errors import LifecycleError
from orchestrator.insight import costs
from orchestrator.insight.costs import Project
from orchestrator.insight.figures import shown
from orchestrator.insight.readings import by_touch, everyone
from orchestrator.insight.revenue import paid
from orchestrator.insight.staffing import (
    LITTLES_LAW,
    NAIVE,
    Demand,
    in_progress,
    needed,
    specialists,
    starts_per_month,
    sustained,
)
from orchestrator.insight.tables import CostTable, StaffingTable, read_benchmarks
from orchestrator.insight.tiers import Cut, cuts, segments_yaml
from orchestrator.playbook.source import read_source
from orchestrator.runtime.composition import install, template_texts
from orchestrator.runtime.servers import running
from orchestrator.runtime.settings import Settings
from orchestrator.usecases.publish import checked

app = typer.Typer(help="Plans: people, money and segments for onboarding.", no_args_is_help=True)


class NoAmountsError(LifecycleError):
    """No database is set and none of ours runs: say what the accounts pay with --amounts FILE, a number a line."""


class AmountsError(LifecycleError):
    """A file of amounts has what each account pays a year, one number a line."""


@unique
class Per(StrEnum):
    """What starts are counted by."""

    QUARTER = "quarter"
    MONTH = "month"


@unique
class Method(StrEnum):
    """How people are counted."""

    LITTLES_LAW = LITTLES_LAW
    NAIVE = NAIVE


@app.command()
def staffing(
    starts: Annotated[
        float | None, typer.Option(help="How many onboardings begin; the table's example without.")
    ] = None,
    per: Annotated[Per, typer.Option(help="What --starts are counted by.")] = Per.QUARTER,
    weeks: Annotated[float | None, typer.Option(help="How many weeks an onboarding takes.")] = None,
    carries: Annotated[
        tuple[float, float] | None, typer.Option(help="How many active ones a specialist carries, from and to.")
    ] = None,
    buffer: Annotated[float | None, typer.Option(help="Share on top for season and turnover: 0.2 is 20 %.")] = None,
    method: Annotated[Method | None, typer.Option(help="How people are counted; the table's method without.")] = None,
    high: Annotated[float | None, typer.Option(help="High-touch accounts; without it those of the database.")] = None,
    low: Annotated[float | None, typer.Option(help="Low-touch accounts; without it those of the database.")] = None,
) -> None:
    """Plan how many specialists and CSMs onboarding takes, by two methods, and why they differ."""
    settings = Settings.load()
    table = read_benchmarks(settings.templates).staffing
    example = table.example
    a_quarter = None if starts is None else starts * (table.months_per_quarter if per is Per.MONTH else 1)
    demands = [
        Demand(
            starts_per_quarter=example.starts_per_quarter if a_quarter is None else a_quarter,
            weeks=example.weeks if weeks is None else weeks,
            carries=each,
            buffer=example.buffer if buffer is None else buffer,
        )
        for each in (carries or example.carries)
    ]
    chosen = table.method if method is None else method.value
    for line in _told_staffing(demands, chosen, table):
        out.print(line, markup=False, soft_wrap=True)
    out.print(
        _loads(table, _touched(settings) if high is None and low is None else {"high": high or 0, "low": low or 0})
    )
    for role in table.roles.values():
        told = f"{role.label}: owns {', '.join(role.owns)}; not {', '.join(role.leaves)}"
        out.print(told, markup=False, soft_wrap=True)


def _touched(settings: Settings) -> Mapping[str, float]:
    """How many accounts of the database each touch model looks after; none where no database runs."""
    addresses = running(settings)
    if addresses is None:
        return {}
    playbook = checked(read_source(settings.playbook, template_texts(settings.templates)))
    installation = install(settings, addresses)
    try:
        with installation.ports.engine.connect() as connection:
            return by_touch(everyone(connection), playbook)
    finally:
        installation.close()


def _told_staffing(demands: list[Demand], chosen: str, table: StaffingTable) -> Iterator[str]:
    first = demands[0]
    running_now, monthly = in_progress(first, table), starts_per_month(first, table)
    both = " to ".join(f"{each.carries:g}" for each in demands)
    yield (
        f"{first.starts_per_quarter:g} starts a quarter, {first.weeks:g} weeks each,"
        f" {both} active ones a specialist, {shown(first.buffer, 'share')} on top"
    )
    yield f"specialists by {chosen}: {_people(demands, chosen, table)}"
    other = NAIVE if chosen == LITTLES_LAW else LITTLES_LAW
    yield f"specialists by {other}: {_people(demands, other, table)}"
    yield (
        f"why they differ: {running_now:.1f} onboardings run at any time"
        f" ({first.starts_per_quarter:g} x {first.weeks:g} / {table.weeks_per_quarter:g}); {NAIVE} counts the"
        f" {monthly:.1f} that begin in a month, as if none ran on into the next, and knows no buffer"
    )
    few = [specialists(each, table, NAIVE) for each in demands]
    borne = " to ".join(f"{sustained(few[-1], each, table):.4g}" for each in demands)
    yield f"{few[-1]} specialists bear {borne} starts a quarter"
    for each in table.stated:
        if each.starts_per_quarter == first.starts_per_quarter:
            yield f"the source says {each.specialists} for {each.starts_per_quarter:g} a quarter, by {NAIVE}"
    yield _scenario(demands, table)
    yield f"one person for both roles works up to about {table.generalist.customers} customers"


def _people(demands: list[Demand], method: str, table: StaffingTable) -> str:
    """From the most people to the fewest: who carries less needs more of them."""
    counts = [specialists(each, table, method) for each in demands]
    return f"{counts[0]}" if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"


def _scenario(demands: list[Demand], table: StaffingTable) -> str:
    """The source's other figure: as many a month."""
    starts = table.scenario.starts_per_month * table.months_per_quarter
    plain = [Demand(starts_per_quarter=starts, weeks=each.weeks, carries=each.carries, buffer=0) for each in demands]
    progress = in_progress(plain[0], table)
    return (
        f"{table.scenario.starts_per_month:g} a month, as in the source's scenario: {progress:.0f} in progress,"
        f" {_people(plain, LITTLES_LAW, table)} specialists without a buffer"
    )


def _loads(table: StaffingTable, accounts: Mapping[str, float]) -> Table:
    """What one person carries, and how many people these accounts take."""
    told = Table("role", "accounts", "one carries", *(["people for yours"] if accounts else []))
    for load in table.loads.values():
        role, (least, most) = table.roles[load.role], load.range
        asked = sum(accounts.get(touch, 0) for touch in load.touches)
        people = f"{needed(asked, most)} to {needed(asked, least)} for {asked:g}" if asked else ""
        carries = f"{least:g} to {most:g} {role.carries}"
        told.add_row(role.label, load.label, carries, *([people] if accounts else []))
    return told


@app.command()
def cost(
    users: Annotated[
        float | None, typer.Option(help="How many users you have: it says which stage you are in.")
    ] = None,
    new_users: Annotated[float | None, typer.Option(help="How many users are new each month.")] = None,
    unit_cost: Annotated[float | None, typer.Option(help="What onboarding one of them costs, in dollars.")] = None,
    automation: Annotated[float | None, typer.Option(help="The share that is automatic now: 0.4 is 40 %.")] = None,
    target: Annotated[float | None, typer.Option(help="The share aimed at; without it that of your stage.")] = None,
    project: Annotated[float | None, typer.Option(help="What the automation project costs, in dollars.")] = None,
) -> None:
    """Plan what onboarding costs a month at each size of company, and what an automation project returns."""
    table = read_benchmarks(Settings.load().templates).costs
    stage = None if users is None else costs.stage_of(users, table)
    told = Table("stage", "users", "new a month", "cost a user", "cost a month", "automate")
    for each in table.stages.values():
        low, high = costs.monthly_cost(each.new_users_per_month, each.cost_per_user)
        told.add_row(
            f"{each.label}{' (you)' if each is stage else ''}",
            _span(each.users, "count"),
            _span(each.new_users_per_month, "count"),
            f"{_span(each.cost_per_user, 'money')} ({each.how})",
            f"{shown(low, 'money')} to {shown(high, 'money')}",
            shown(each.automation_target, "share"),
        )
    out.print(told)
    aim = stage.automation_target if target is None and stage is not None else target
    given = {
        "--new-users": new_users,
        "--unit-cost": unit_cost,
        "--automation": automation,
        "--target (or --users)": aim,
        "--project": project,
    }
    for line in _told_return(given, table):
        out.print(line, markup=False, soft_wrap=True)


def _span(span: list[float] | list[float | None], unit: str) -> str:
    low, high = span
    kind = "money" if unit == "money" else "count"
    least = shown(low or 0, kind)  # type: ignore[arg-type]  # a word of two
    return f"{least} and more" if high is None else f"{least} to {shown(high, kind)}"  # type: ignore[arg-type]  # as above


def _told_return(given: dict[str, float | None], table: CostTable) -> Iterator[str]:
    known = [each for each in given.values() if each is not None]
    if not known:
        return
    missing = [name for name, each in given.items() if each is None]
    if missing:
        yield f"no return without {', '.join(missing)}"
        return
    new_users, unit_cost, now, aim, project = known
    found = costs.returns(
        Project(
            new_users_per_month=new_users,
            cost_per_user=unit_cost,
            automation_now=now,
            automation_target=aim,
            cost=project,
            months=table.roi.months,
        )
    )
    month = shown(found.monthly_saving, "money")
    yield (
        f"saving a month: {new_users:g} new users x {shown(unit_cost, 'money')}"
        f" x ({shown(aim, 'share')} - {shown(now, 'share')}) = {month}"
    )
    yield (
        f"ROI: ({table.roi.months} x {month} - {shown(project, 'money')}) / {shown(project, 'money')}"
        f" = {shown(round(found.roi, 4), 'share')}"
    )


@app.command()
def segments(
    amounts: Annotated[
        Path | None,
        typer.Option(help="What the accounts pay a year, a number a line; without it the database.", exists=True),
    ] = None,
    trait: Annotated[str, typer.Option(help="The trait of accounts that says what they pay.")] = "arr",
) -> None:
    """Plan segments by share of revenue: cut the accounts into tiers, and print them as a preset."""
    settings = Settings.load()
    table = read_benchmarks(settings.templates).tiers
    found = cuts(_amounts(amounts) if amounts is not None else _paid(settings, trait), table)
    for cut in found:
        out.print(f"# {_told_cut(cut)}", markup=False, soft_wrap=True)
    playbook = checked(read_source(settings.playbook, template_texts(settings.templates)))
    named = tuple(playbook.segmentation.table) if playbook.segmentation is not None else ()
    for line in segments_yaml(found, named, trait):
        typer.echo(line)


def _amounts(file: Path) -> list[float]:
    try:
        return [float(line) for line in file.read_text(encoding="utf-8").split()]
    except ValueError as error:
        raise AmountsError from error


def _paid(settings: Settings, trait: str) -> list[float]:
    addresses = running(settings)
    if addresses is None:
        raise NoAmountsError
    installation = install(settings, addresses)
    try:
        with installation.ports.engine.connect() as connection:
            return paid(connection, trait)
    finally:
        installation.close()


def _told_cut(cut: Cut) -> str:
    pays = "" if cut.lowest is None else f", from {shown(cut.lowest, 'money')} on"
    share = f"{shown(round(cut.share, 4), 'share')} of the revenue (planned {shown(cut.tier.revenue_share, 'share')})"
    return f"{cut.tier.label}: {cut.accounts} accounts, {share}{pays}. {'; '.join(cut.tier.resources)}."
