"""``lifecycle accounts go-live``: accounts whose past was read in go live, by a plan that is shown first."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from orchestrator.cli.console import err, installed, out
from orchestrator.core.errors import LifecycleError
from orchestrator.core.facts import instant
from orchestrator.usecases.golive import Chosen, Order, Plan, Preview, choose, make, preview, take_back
from orchestrator.usecases.ports import Ports

PER_HOUR = 1_000  # accounts, when nothing else is said: none of them can flood anybody
MOST_PLAYS = 25  # of each table


class NoSuchFileError(LifecycleError):
    """``--only`` expects a file with one account a line."""


class PaceError(LifecycleError):
    """Say one pace: ``--per-hour``, ``--per-day``, or ``--at-once``."""


class NoStartError(LifecycleError):
    """``--from`` expects a date or an instant: 2026-12-01, or 2026-12-01T09:00:00Z (UTC where no zone is given)."""


def go_live(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="ACCOUNT…", help="Only these; without, all held ones.")
    ] = None,
    only: Annotated[Path | None, typer.Option("--only", help="Only those of a file, one a line.")] = None,
    segment: Annotated[str | None, typer.Option("--segment", help="Only those of this segment.")] = None,
    order: Annotated[Order, typer.Option("--order", help="Who goes first.")] = Order.ID,
    per_hour: Annotated[
        int | None, typer.Option("--per-hour", min=1, help="The pace; 1000 when nothing is said.")
    ] = None,
    per_day: Annotated[int | None, typer.Option("--per-day", min=1, help="The pace.")] = None,
    at_once: Annotated[bool, typer.Option("--at-once", help="No pace.")] = False,
    start: Annotated[str | None, typer.Option("--from", help="When the first goes live; now without it.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="How many days to look ahead.")] = 7,
    sample: Annotated[int, typer.Option("--sample", min=1, help="How many accounts to look at.")] = 2_000,
    replan: Annotated[bool, typer.Option("--replan", help="Also those that are planned and not live yet.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Hold them until further notice.")] = False,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take accounts live whose past was imported: shows the plan and what comes of it, then asks."""
    wanted = _only(names, only)
    every = _pace(per_hour, per_day, at_once=at_once)
    with installed() as installation:
        ports = installation.ports
        with ports.engine.connect() as connection:
            now = ports.clock.now(connection)
        which = Chosen(only=wanted, segment=segment, order=order, planned=replan or cancel)
        plan = Plan(names=choose(ports, which), start=_start(start, now), every=every)
        if not plan.names:
            out.print("no account that is meant is held")
            return
        if not cancel:
            _show(ports, plan, days, sample)
        _ask(plan, sure=sure, cancel=cancel)
        done = _counted(take_back(ports, plan.names) if cancel else make(ports, plan), len(plan.names))
    out.print(f"{done:,} accounts {'are held until further notice' if cancel else 'go live'}")


def _only(names: list[str] | None, file: Path | None) -> frozenset[str] | None:
    if file is None:
        return frozenset(names) if names else None
    if not file.is_file():
        raise NoSuchFileError
    listed = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return frozenset([*(each for each in listed if each), *(names or ())])


def _pace(per_hour: int | None, per_day: int | None, *, at_once: bool) -> timedelta:
    if sum((per_hour is not None, per_day is not None, at_once)) > 1:
        raise PaceError
    if at_once:
        return timedelta(0)
    return timedelta(days=1) / per_day if per_day is not None else timedelta(hours=1) / (per_hour or PER_HOUR)


def _start(text: str | None, now: datetime) -> datetime:
    at = now if text is None else instant(text)
    if at is None:
        raise NoStartError
    return max(at.astimezone(UTC), now)


def _ask(plan: Plan, *, sure: bool, cancel: bool) -> None:
    if not sure:
        what = (
            "Hold these accounts until further notice?" if cancel else f"Take these {len(plan.names):,} accounts live?"
        )
        typer.confirm(what, abort=True)


def _counted(done: Iterable[int], total: int) -> int:
    counted = 0
    with Progress(console=err, transient=True) as progress:
        bar = progress.add_task("", total=total)
        for each in done:
            counted += each
            progress.update(bar, completed=counted)
    return counted


# ------------------------------------------------------------------------------------------------------ what is shown


def _show(ports: Ports, plan: Plan, days: int, sample: int) -> None:
    first, last = _at(plan.start), _at(plan.end)
    out.print(f"{len(plan.names):,} held accounts go live, the first at {first}, the last at {last}", soft_wrap=True)
    told = Preview()
    with Progress(console=err, transient=True) as progress:
        bar = progress.add_task("looking ahead", total=min(sample, len(plan.names)))
        for told in preview(ports, plan, days, sample):
            progress.update(bar, completed=told.looked_at)
    if told.looked_at < len(plan.names):
        out.print(f"looked at {told.looked_at:,} of them, evenly taken: the figures below are theirs")
    for table in _tables(told, plan, days):
        out.print(table)
    if told.uncounted:
        why = "no day is counted for them; do their events have the names of the playbook's vocabulary?"
        out.print(f"{told.uncounted:,} have no event that is the playbook's anchor: {why}", soft_wrap=True)
    if told.beyond:
        out.print(f"{told.beyond:,} go live after these days: `--days` looks further", soft_wrap=True)
    if told.undecided:
        out.print(f"{told.undecided:,} cannot be decided: they will be parked, and `lifecycle doctor` counts them")


def _tables(told: Preview, plan: Plan, days: int) -> Iterator[Table]:
    table = Table("stage", "accounts", title="where they go live", title_justify="left")
    for stage, number in told.stages.most_common():
        table.add_row(escape(stage), f"{number:,}")
    yield table
    yield _by_day(told, plan, days)
    table = Table("play", "accounts", title="skipped as history: nothing is done for it", title_justify="left")
    for play, number in told.history.most_common(MOST_PLAYS):
        table.add_row(escape(play), f"{number:,}")
    if told.history:
        yield table


def _by_day(told: Preview, plan: Plan, days: int) -> Table:
    title = "what comes due then, if nothing more is heard of them"
    table = Table("day (UTC)", "messages", "work for humans", "most of all", title=title, title_justify="left")
    for number in range(days + 1):
        day = (plan.start + timedelta(days=number)).date()
        messages = {play: many for (on, play), many in told.messages.items() if on == day}
        work = {play: many for (on, play), many in told.work.items() if on == day}
        most = sorted((*messages.items(), *work.items()), key=lambda pair: (-pair[1], pair[0]))[:3]
        named = ", ".join(f"{escape(play)} {many:,}" for play, many in most)
        table.add_row(f"{day:%a %Y-%m-%d}", f"{sum(messages.values()):,}", f"{sum(work.values()):,}", named)
    return table


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
