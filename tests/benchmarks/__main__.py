"""``make bench``: every subject in one run, on the same machine, with the same events; a table, and a file of figures.

``--quick`` runs everything on a toy scale: it shows that the benchmark works, its figures mean nothing.
``--advance`` prices ``advance`` alone, by parts, under the shipped playbook and under one that uses every feature.
``--profile`` runs our drain alone, in this process under cProfile, and says where the time goes.
"""

import argparse
import cProfile
import pstats
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.playbook import compile_playbook, read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from tests.benchmarks.ceiling import drained_by_ceiling
from tests.benchmarks.ours import drained_by_workers, drained_in_process
from tests.benchmarks.parts import parts_of_advance
from tests.benchmarks.per_event import taken_one_by_one
from tests.benchmarks.report import Figure, compared, machine, show, write
from tests.benchmarks.single import single_steps
from tests.benchmarks.stage import SHARDS, Stage, staged
from tests.benchmarks.subject import HOUSE, Run
from tests.benchmarks.workload import Call, Population, Traffic

EVERYTHING = Path(__file__).with_name("everything.yaml")  # a playbook that uses every feature
OURS, CEILING, PER_EVENT = "lifecycle", "raw ceiling", "Celery task per event, ORM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much of everything."""

    populations: tuple[Population, ...]
    events: int  # a round, for ours and the ceiling
    single_events: int  # a round, for the task per event
    rounds: int
    seconds: float  # for each single step
    lives: int  # for the parts of ``advance``


FULL = Scale(
    populations=(
        Population(name="100,000 accounts, Zipf 1.1", size=100_000, exponent=1.1),
        Population(name="1,000,000 accounts, uniform", size=1_000_000, exponent=0.0),
    ),
    events=100_000,
    single_events=3_000,
    rounds=3,
    seconds=2.0,
    lives=40,
)
QUICK = Scale(
    populations=(
        Population(name="500 accounts, Zipf 1.1", size=500, exponent=1.1),
        Population(name="1,000 accounts, uniform", size=1_000, exponent=0.0),
    ),
    events=1_200,
    single_events=20,
    rounds=1,
    seconds=0.05,
    lives=2,
)


def main(arguments: Sequence[str]) -> None:
    """Run what is asked for."""
    asked = _parser().parse_args(arguments)
    scale = QUICK if asked.quick else FULL
    if asked.advance:
        figures = _advance(scale)
        show(figures, {}, ["Best of the rounds; the two playbooks differ in what is decided."])
        write(figures, asked.out or asked.folder / "advance.json")
        return
    with staged(asked.folder) as stage:
        if asked.profile:
            for population in scale.populations:
                _profile(stage, population, scale.events)
            return
        figures = [figure for population in scale.populations for figure in _compare(stage, population, scale)]
        figures += single_steps(stage, scale.seconds)
        figures += _advance(scale)
        show(figures, machine(stage), _notes(scale))
    write(figures, asked.out or asked.folder / "latest.json")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a toy scale, some seconds")
    parser.add_argument("--advance", action="store_true", help="the parts of advance alone, without any server")
    parser.add_argument("--profile", action="store_true", help="our drain alone, under cProfile")
    parser.add_argument("--folder", type=Path, default=HOUSE / "var" / "bench", help="where servers and figures go")
    parser.add_argument("--out", type=Path, help="the file of figures (else latest.json in the folder)")
    return parser


def _advance(scale: Scale) -> list[Figure]:
    texts = template_texts(Settings.load().templates)
    books = {"": Settings.load().playbook, " under everything": EVERYTHING}
    return [
        figure
        for under, path in books.items()
        for figure in parts_of_advance(compile_playbook(read_source(path, texts)), scale.lives, scale.rounds, under)
    ]


def _compare(stage: Stage, population: Population, scale: Scale) -> list[Figure]:
    """All subjects in turn, round by round, each round with events of its own."""
    _say(f"{population.name}: setting up")
    stage.populate(population)
    traffic = Traffic(population, stage.lives, SHARDS)
    runs: dict[str, list[Run]] = {}
    for number in range(scale.rounds):
        calls = traffic.take(scale.events)
        rows: tuple[tuple[str, Callable[[Stage, Sequence[Call]], Run], Sequence[Call]], ...] = (
            (OURS, drained_by_workers, calls),
            (CEILING, drained_by_ceiling, calls),
            (PER_EVENT, taken_one_by_one, calls[: scale.single_events]),
        )
        for name, run, share in rows:
            stage.tidy()
            done = run(stage, share)
            runs.setdefault(name, []).append(done)
            _say(f"{population.name}: round {number + 1}: {name}: {done.rate:,.0f} events/s")
    return compared(population.name, runs, CEILING)


def _profile(stage: Stage, population: Population, events: int) -> None:
    stage.populate(population)
    traffic = Traffic(population, stage.lives, SHARDS)
    stage.load(traffic.take(events // 10))
    drained_in_process(stage)
    calls = traffic.take(events)
    stage.load(calls)
    began = time.process_time()
    drained_in_process(stage)
    spent = (time.process_time() - began) / events
    _say(f"{population.name}: {spent * 1e6:.0f} µs of this process an event, unprofiled")
    stage.load(traffic.take(events))
    profile = cProfile.Profile(time.process_time)  # waiting for the database is not its price
    profile.runcall(drained_in_process, stage)
    _say(f"{population.name}: {events} events; divide by them for the price of one")
    told = pstats.Stats(profile, stream=sys.stdout)
    told.sort_stats("cumulative").print_stats(60)
    told.sort_stats("tottime").print_stats(40)


def _notes(scale: Scale) -> list[str]:
    return [
        f"Medians of {scale.rounds} rounds; {scale.events:,} events a round (task per event: {scale.single_events:,}).",
        "Events wait before the clock starts; a round has fresh ones, the same for all subjects of 2 processes each.",
        "Accounts, timers, persons and links are set up by SQL from documents that the product's code made.",
        "Servers and subjects share the machine.",
    ]


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
