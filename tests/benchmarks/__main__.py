"""``make bench``: every subject in one run, on the same machine; tables, and a file of figures for the README.

The parts, each alone with ``--only``: drain (stream to decisions), wake, deliver, simulate, door (the gateway), why,
steps (single steps), advance (deciding alone), and with ``--scale`` grow (workers, accounts and stored events varied).
``--quick`` runs everything on a toy scale: it shows that the benchmark works, its figures mean nothing.
``--advance`` prices ``advance`` alone, without any server. ``--profile`` runs our drain alone, in this process under
cProfile, and says where the time goes. ``python -m tests.benchmarks.readme`` writes the figures into the README.
"""

import argparse
import cProfile
import pstats
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.playbook import compile_playbook, read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from tests.benchmarks.delivery import delivery
from tests.benchmarks.doorway import doorway
from tests.benchmarks.draining import draining
from tests.benchmarks.explaining import explaining
from tests.benchmarks.growing import growing
from tests.benchmarks.ours import drained_in_process
from tests.benchmarks.parts import parts_of_advance
from tests.benchmarks.report import Told, machine, show, versions, write
from tests.benchmarks.scale import FULL, QUICK, Scale
from tests.benchmarks.simulation import simulation
from tests.benchmarks.single import single_steps
from tests.benchmarks.stage import SHARDS, Stage, staged
from tests.benchmarks.subject import HOUSE
from tests.benchmarks.waking import waking
from tests.benchmarks.workload import Population, Traffic

EVERYTHING = Path(__file__).with_name("everything.yaml")  # a playbook that uses every feature
Part = Callable[[Stage, Scale], Told]


def main(arguments: Sequence[str]) -> None:
    """Run what is asked for."""
    asked = _parser().parse_args(arguments)
    scale = _scale(asked)
    if asked.advance:
        told = _advance(scale)
        show(told)
        write({"advance": told}, {}, asked.out or asked.folder / "advance.json")
        return
    with staged(asked.folder) as stage:
        if asked.profile:
            for population in scale.populations:
                _profile(stage, population, scale.events)
            return
        where = {"machine": machine(stage), "versions": versions(stage)}
        parts = {name: _run(name, stage, scale) for name in _chosen(asked)}
    for told in parts.values():
        show(told)
    for named in where.values():
        _say("; ".join(f"{name} {value}" for name, value in named.items()))
    write(parts, where, asked.out or asked.folder / "latest.json")


def _run(name: str, stage: Stage, scale: Scale) -> Told:
    _say(f"-- {name}")
    began = time.monotonic()
    told = PARTS[name](stage, scale)
    _say(f"-- {name}: {time.monotonic() - began:.0f} s")
    return told


def _chosen(asked: argparse.Namespace) -> list[str]:
    named = [name for name in (asked.only or "").split(",") if name]
    return named or [name for name in PARTS if name != GROW or asked.scale]


def _scale(asked: argparse.Namespace) -> Scale:
    scale = QUICK if asked.quick else FULL
    growth = replace(
        scale.growth,
        workers=_numbers(asked.workers) or scale.growth.workers,
        accounts=_numbers(asked.accounts) or scale.growth.accounts,
        stored=_numbers(asked.stored) or scale.growth.stored,
    )
    return replace(scale, growth=growth, rounds=asked.rounds or scale.rounds, year=asked.year or scale.year)


def _numbers(text: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",")) if text else ()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a toy scale, less than a minute")
    parser.add_argument("--only", help=f"these parts, with commas between: {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, help="rounds of which the median is told")
    parser.add_argument("--year", type=int, help="accounts of the simulated year (10000 is what the goal speaks of)")
    parser.add_argument("--scale", action="store_true", help="the part grow too: many minutes, some GB of disk")
    parser.add_argument("--workers", help="for grow: numbers of processes, with commas between")
    parser.add_argument("--accounts", help="for grow: numbers of accounts")
    parser.add_argument("--stored", help="for grow: numbers of events that are stored already")
    parser.add_argument("--advance", action="store_true", help="the parts of advance alone, without any server")
    parser.add_argument("--profile", action="store_true", help="our drain alone, under cProfile")
    parser.add_argument("--folder", type=Path, default=HOUSE / "var" / "bench", help="where servers and figures go")
    parser.add_argument("--out", type=Path, help="the file of figures (else latest.json in the folder)")
    return parser


def _advance(scale: Scale) -> Told:
    texts = template_texts(Settings.load().templates)
    books = {"": Settings.load().playbook, " under everything": EVERYTHING}
    figures = [
        figure
        for under, path in books.items()
        for figure in parts_of_advance(compile_playbook(read_source(path, texts)), scale.lives, scale.rounds, under)
    ]
    return Told(figures=figures, notes=["Best of the rounds; the two playbooks differ in what is decided."])


def _steps(stage: Stage, scale: Scale) -> Told:
    return Told(figures=single_steps(stage, scale.seconds))


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


def _say(line: str) -> None:
    print(line, flush=True)


GROW = "grow"
PARTS: Mapping[str, Part] = {
    "drain": draining,
    "wake": waking,
    "deliver": delivery,
    "simulate": simulation,
    "door": doorway,
    "why": explaining,
    "steps": _steps,
    GROW: growing,
    "advance": lambda _, scale: _advance(scale),
}


if __name__ == "__main__":
    main(sys.argv[1:])
