"""``lifecycle metrics``: the board: what is promised of many accounts, and how it stands; of the database or a file."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import Connection

from orchestrator.cli.console import installed, out
from orchestrator.cli.simulate import AFTER
from orchestrator.core.metrics import Grade
from orchestrator.core.playbook import Playbook
from orchestrator.insight.board import Row, board, documents, grouped, promised, written
from orchestrator.playbook.source import read_source
from orchestrator.runtime.cohort import read_events
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from orchestrator.store import accounts, figures
from orchestrator.usecases.publish import checked
from orchestrator.usecases.simulate import Arrival, simulate

_STYLES = {"green": "green", "yellow": "yellow", "orange": "dark_orange", "red": "red"}  # of what is known


def metrics(
    events: Annotated[
        Path | None,
        typer.Option(help="A file of events to live through in memory instead.", exists=True, dir_okay=False),
    ] = None,
    playbook: Annotated[Path | None, typer.Option(help="With --events: the playbook; else the configured one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A list of JSON objects instead of tables.")] = False,
) -> None:
    """Show the board: each figure of many accounts with its target, whom it counts, and which alerts are on."""
    rows, kept = _live() if events is None else (_simulated(events, playbook), ())
    if as_json:
        sys.stdout.write(json.dumps(list(documents(rows)), indent=2) + "\n")
        return
    for group, listed in grouped(rows).items():
        out.print(_table(group, listed))
    for call in kept:
        out.print(call, markup=False, soft_wrap=True)
    for row in rows if events is not None else ():
        if row.grade is Grade.ALERT and row.metric.alert is not None:
            alert = row.metric.alert
            out.print(f"{row.metric.label}: {alert.severity}, {alert.owner}: {alert.action}", markup=False)
    if not rows:
        out.print("this playbook promises nothing of many accounts: see `metrics` in templates/playbooks/README.md")


def calls(connection: Connection) -> Iterator[str]:
    """The alerts that the daily measurement has opened, a line each."""
    for alert in figures.alerts(connection):
        call = alert.call
        since = f"{alert.opened_at:%Y-%m-%d}"
        yield f"{call.metric}: {call.severity}, {call.owner}: {call.action} (on since {since})"


def _live() -> tuple[tuple[Row, ...], tuple[str, ...]]:
    with installed() as installation, installation.ports.engine.connect() as connection:
        book = installation.ports.library.current(connection).playbook
        now = installation.ports.clock.now(connection)
        rows = board(accounts.every(connection, installation.ports.batch), book, now)
        return rows, tuple(calls(connection))


def _simulated(events: Path, playbook: Path | None) -> tuple[Row, ...]:
    settings = Settings.load()
    book = checked(read_source(playbook or settings.playbook, template_texts(settings.templates)))
    lines = [each for each in (raw.strip() for raw in events.read_bytes().splitlines()) if each]
    cohort = read_events(lines, AFTER)
    return simulated(tuple(Arrival(at=cue.at, call=cue.call) for cue in cohort.cues), book, cohort.end)


def simulated(arrivals: tuple[Arrival, ...], book: Playbook, end: datetime) -> tuple[Row, ...]:
    """The board of what was lived through in memory, at its end (aware UTC)."""
    return board(simulate(arrivals, book, end).accounts.values(), book, end)


def _table(group: str, rows: tuple[Row, ...]) -> Table:
    table = Table("metric", "figure", "target", "accounts", "unknown", "it counts", title=group, title_justify="left")
    for row in rows:
        table.add_row(
            row.metric.label,
            f"[{_STYLES.get(row.colour, 'dim')}]{written(row.figure, row.metric.unit)}[/]",
            promised(row.metric.target, row.metric.unit),
            str(row.population),
            str(row.unknown),
            row.metric.population,
        )
    return table
