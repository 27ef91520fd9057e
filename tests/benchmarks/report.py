"""What is told at the end: one table, and the same as JSON."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import orjson
from rich.console import Console
from rich.table import Column, Table
from sqlalchemy import text

from tests.benchmarks.stage import Stage
from tests.benchmarks.subject import Run

RATE, COST, STEP = "events/s", "µs/event", "µs"  # units
CLIENTS, SERVERS = ", its processes", ", database and broker"  # what costs are of
PACKAGES = ("celery", "kombu", "redis", "SQLAlchemy", "psycopg", "orjson")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure."""

    name: str
    value: float
    unit: str
    beside: str | None = None  # the figure that it is compared to
    ratio: float | None = None  # value / the other's value


def compared(workload: str, runs: Mapping[str, Sequence[Run]], beside: str) -> list[Figure]:
    """Throughput of each subject, the median of its rounds, beside one of them; and what an event burned."""
    rates = {subject: median(run.rate for run in listed) for subject, listed in runs.items()}
    found = []
    for subject, listed in runs.items():
        other = None if subject == beside else f"{workload}: {beside}"
        ratio = None if other is None else rates[subject] / rates[beside]
        name = f"{workload}: {subject}"
        clients, servers = (median(costs) for costs in zip(*(run.costs for run in listed), strict=True))
        found += [
            Figure(name=name, value=rates[subject], unit=RATE, beside=other, ratio=ratio),
            Figure(name=name + CLIENTS, value=clients, unit=COST),
            Figure(name=name + SERVERS, value=servers, unit=COST),
        ]
    return found


def machine(stage: Stage) -> dict[str, str]:
    """Where and with what it was measured."""
    with stage.engine.connect() as connection:
        postgres = str(connection.scalar(text("SHOW server_version")))
        fsync = str(connection.scalar(text("SHOW fsync")))
    info = stage.client.info("server")
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "PostgreSQL": f"{postgres}, fsync {fsync}",
        "Valkey": str(info.get("valkey_version", info["redis_version"])),
        **{name: version(name) for name in PACKAGES},
    }


def show(figures: Sequence[Figure], told: Mapping[str, str], notes: Iterable[str]) -> None:
    """Print the tables."""
    out = Console(highlight=False)
    out.print(_subjects(figures))
    out.print(_steps(figures))
    out.print("; ".join(f"{name} {value}" for name, value in told.items()), soft_wrap=True)
    for note in notes:
        out.print(note, soft_wrap=True)


def _subjects(figures: Sequence[Figure]) -> Table:
    """A row a subject, with what an event of it burned."""
    table = Table("", *(Column(name, justify="right") for name in ("events/s", "of the ceiling", "µs*", "µs**")))
    values = {figure.name: figure.value for figure in figures}
    for figure in figures:
        if figure.unit == RATE:
            ratio = "" if figure.ratio is None else f"{figure.ratio:.3f}"
            costs = (_number(values[figure.name + suffix]) for suffix in (CLIENTS, SERVERS))
            table.add_row(figure.name, _number(figure.value), ratio, *costs)
    table.caption = "Processor time an event: * of its processes, ** of PostgreSQL and Valkey"
    return table


def _steps(figures: Sequence[Figure]) -> Table:
    """A row a single step."""
    table = Table("in one process", Column("µs", justify="right"), Column("a second", justify="right"))
    for figure in figures:
        if figure.unit == STEP:
            table.add_row(figure.name, _number(figure.value), _number(1e6 / figure.value))
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def write(figures: Iterable[Figure], path: Path) -> None:
    """Write the figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps([asdict(figure) for figure in figures], option=orjson.OPT_INDENT_2) + b"\n")
