"""Simulation: ``lifecycle simulate`` lives through a year of many accounts, twice, on all cores, to the same bytes."""

import hashlib
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.report import Figure, Told
from tests.benchmarks.scale import FULL, Scale
from tests.benchmarks.stage import Stage
from tests.benchmarks.subject import HOUSE
from tests.benchmarks.year import BEGIN, DAYS, EVENTS, write_year

ACCOUNTS, GOAL_SECONDS = 10_000, 120.0  # DESIGN.md: 5 M events


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One run, with the start of Python."""

    seconds: float
    burned: float  # seconds of processor time of all its processes
    digest: str  # of its output


class AnotherRunError(AssertionError):
    """Two runs of the same events gave different bytes."""


def simulation(stage: Stage, scale: Scale) -> Told:
    """The figures of the simulation."""
    path = stage.installation.settings.home / "year.jsonl"
    calls = write_year(path, scale.year)
    runs = [_lived(stage, path) for _ in range(2)]
    path.unlink()
    if runs[0].digest != runs[1].digest:
        raise AnotherRunError
    seconds = min(each.seconds for each in runs)
    burned = min(each.burned for each in runs)
    name = f"simulation: a year of {scale.year:,} accounts, {calls:,} events"
    whole = scale.year == ACCOUNTS
    figures = [
        Figure(name=name, value=seconds, unit="s", goal=GOAL_SECONDS if whole else None),
        Figure(name=f"{name}: rate", value=calls / seconds, unit="simulated events/s"),
        Figure(name=f"{name}: processor time", value=burned / calls * 1e6, unit="µs a simulated event"),
    ]
    if not whole and scale is not FULL:
        return Told(figures=figures)
    return Told(figures=figures, notes=[] if whole else [_smaller(scale)])


def _smaller(scale: Scale) -> str:
    return (
        f"The goal is {ACCOUNTS:,} accounts ({ACCOUNTS * EVENTS:,} events) in {GOAL_SECONDS:.0f} s: "
        f'`make bench ARGS="--only simulate --year {ACCOUNTS}"`; here {scale.year:,}, and cost is linear in accounts.'
    )


def _lived(stage: Stage, path: Path) -> _Run:
    end = f"{BEGIN.year + 1}-{BEGIN:%m-%d}"
    assert DAYS == 365
    command = (sys.executable, "-m", "orchestrator.cli", "simulate", "--events", str(path), "--until", end, "--jsonl")
    began, burned, digest = time.monotonic(), _burned(), hashlib.blake2b()
    with subprocess.Popen(command, cwd=HOUSE, env=stage.environment(), stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        while part := running.stdout.read(1 << 20):
            digest.update(part)
    assert running.returncode == 0
    return _Run(seconds=time.monotonic() - began, burned=_burned() - burned, digest=digest.hexdigest())


def _burned() -> float:
    """Processor time of all processes that were started here and have ended, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
