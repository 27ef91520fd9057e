"""Simulation: ``lifecycle simulate`` lives through a year of many accounts, twice; the bytes must be the same."""

import hashlib
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.report import Figure, Told
from tests.benchmarks.scale import FULL, Scale
from tests.benchmarks.stage import Stage
from tests.benchmarks.subject import HOUSE
from tests.benchmarks.year import BEGIN, DAYS, EVENTS, write_year

ACCOUNTS, GOAL_SECONDS = 10_000, 120.0  # DESIGN.md: 5 M events


class AnotherRunError(AssertionError):
    """Two runs of the same events gave different bytes."""


def simulation(stage: Stage, scale: Scale) -> Told:
    """The figures of the simulation."""
    path = stage.installation.settings.home / "year.jsonl"
    calls = write_year(path, scale.year)
    runs = [_lived(stage, path) for _ in range(2)]
    path.unlink()
    if runs[0][1] != runs[1][1]:
        raise AnotherRunError
    seconds = min(each[0] for each in runs)
    name = f"simulation: a year of {scale.year:,} accounts, {calls:,} events"
    whole = scale.year == ACCOUNTS
    figures = [
        Figure(name=name, value=seconds, unit="s", goal=GOAL_SECONDS if whole else None),
        Figure(name=f"{name}: rate", value=calls / seconds, unit="simulated events/s"),
    ]
    if not whole and scale is not FULL:
        return Told(figures=figures)
    return Told(figures=figures, notes=[] if whole else [_smaller(scale)])


def _smaller(scale: Scale) -> str:
    return (
        f"The goal is {ACCOUNTS:,} accounts ({ACCOUNTS * EVENTS:,} events) in {GOAL_SECONDS:.0f} s: "
        f'`make bench ARGS="--only simulate --year {ACCOUNTS}"`; here {scale.year:,}, and cost is linear in accounts.'
    )


def _lived(stage: Stage, path: Path) -> tuple[float, str]:
    """Seconds of one run with the start of Python, and the digest of its output."""
    end = f"{BEGIN.year + 1}-{BEGIN:%m-%d}"
    assert DAYS == 365
    command = (sys.executable, "-m", "orchestrator.cli", "simulate", "--events", str(path), "--until", end, "--jsonl")
    began, digest = time.monotonic(), hashlib.blake2b()
    with subprocess.Popen(command, cwd=HOUSE, env=stage.environment(), stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        while part := running.stdout.read(1 << 20):
            digest.update(part)
    assert running.returncode == 0
    return time.monotonic() - began, digest.hexdigest()
