"""``lifecycle metrics``: the board: what is promised of many accounts, and how it stands; of the database or a file."""

import json
import sys
from collections.abc import Iterator, Mapping
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
from orchestrator.insight.board import Row, board, documents, grouped, promised, stated, written
from orchestrator.insight.comparison import industry, programme_at_hand, refuse_unknown
from orchestrator.insight.tables import Benchmark
from orchestrator.playbook.source import read_source
from orchestrator.runtime.cohort import read_events
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from orchestrator.store import accounts, figures
from orchestrator.usecases.publish import checked
from orchestrator.usecases.simulate import Arrival, simulate

_STYLES = {"green": "green", "yellow": "yellow", "orange": "dark_orange", "red": "red"}  # of what is known
_NUMBERS = {"figure": 7, "target": 7, "others": 6, "known of": 8}  # their columns, at least so many letters wide


def metrics(
    events: Annotated[
        Path | None,
        typer.Option(help="A file of events to live through in memory instead.", exists=True, dir_okay=False),
    ] = None,
    playbook: Annotated[Path | None, typer.Option(help="With --events: the playbook; else the configured one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A list of JSON objects instead of tables.")] = False,
) -> None:
    """Show the board: each figure of many accounts with its target, whom it counts, and which alerts are on."""
    rows, others, kept = _live() if events is None else (*_simulated(events, playbook), ())
    if as_json:
        sys.stdout.write(json.dumps(list(documents(rows, others)), indent=2) + "\n")
        return
    for group, listed in grouped(rows).items():
        out.print(_table(group, listed, others))
    for line in _reached(rows, others):
        out.print(line, markup=False, soft_wrap=True)
    for call in kept:
        out.print(call, markup=False, soft_wrap=True)
    for row in rows if events is not None else ():
        if row.grade is Grade.ALERT and row.metric.alert is not None:
            alert = row.metric.alert
            told = f"{row.metric.label}: {alert.severity}, {alert.owner}: {alert.action}"
            out.print(told, markup=False, soft_wrap=True)
    if not rows:
        out.print("this playbook promises nothing of many accounts: see `metrics` in templates/playbooks/README.md")


def calls(connection: Connection) -> Iterator[str]:
    """The alerts that the daily measurement has opened, a line each."""
    for alert in figures.alerts(connection):
        call = alert.call
        since = f"{alert.opened_at:%Y-%m-%d}"
        yield f"{call.metric}: {call.severity}, {call.owner}: {call.action} (on since {since})"


def _live() -> tuple[tuple[Row, ...], Mapping[str, Benchmark], tuple[str, ...]]:
    with installed() as installation, installation.ports.engine.connect() as connection:
        book = installation.ports.library.current(connection).playbook
        now = installation.ports.clock.now(connection)
        rows = board(accounts.every(connection), book, now)
        others = industry(book, programme_at_hand(Settings.load().templates))
        return rows, others, tuple(calls(connection))


def _simulated(events: Path, playbook: Path | None) -> tuple[tuple[Row, ...], Mapping[str, Benchmark]]:
    settings = Settings.load()
    source = read_source(playbook or settings.playbook, template_texts(settings.templates))
    book, table = checked(source), programme_at_hand(settings.templates)
    refuse_unknown(book, source, table)
    lines = [each for each in (raw.strip() for raw in events.read_bytes().splitlines()) if each]
    cohort = read_events(lines, AFTER)
    arrivals = tuple(Arrival(at=cue.at, call=cue.call) for cue in cohort.cues)
    return simulated(arrivals, book, cohort.end), industry(book, table)


def simulated(arrivals: tuple[Arrival, ...], book: Playbook, end: datetime) -> tuple[Row, ...]:
    """The board of what was lived through in memory, at its end (aware UTC)."""
    return board(simulate(arrivals, book, end).accounts.values(), book, end)


def _table(group: str, rows: tuple[Row, ...], others: Mapping[str, Benchmark]) -> Table:
    """One heading of the board, as wide as the terminal, so that the tables stand below one another."""
    table = Table(title=group, title_justify="left", expand=True)
    table.add_column("metric", ratio=5)
    for head, width in _NUMBERS.items():
        table.add_column(head, min_width=width, no_wrap=True)
    table.add_column("it counts", ratio=4)
    for row in rows:
        metric = row.metric
        table.add_row(
            metric.label,
            f"[{_STYLES.get(row.colour, 'dim')}]{written(row.figure, metric.unit)}[/]",
            promised(metric.target, metric.unit),
            _other(row, others),
            f"{row.population - row.unknown} of {row.population}",
            metric.population,
        )
    return table


def _reached(rows: tuple[Row, ...], others: Mapping[str, Benchmark]) -> Iterator[str]:
    """What the figures of others are, a line each."""
    for row in rows:
        if found := others.get(row.metric.name):
            yield f"others: {row.metric.label}: {stated(found.figure, row.metric.unit)} is {found.is_}"


def _other(row: Row, others: Mapping[str, Benchmark]) -> str:
    found = others.get(row.metric.name)
    return "" if found is None else stated(found.figure, row.metric.unit)
