"""Stream → decisions committed: every subject in turn, round by round, each round with events of its own."""

from collections.abc import Callable, Sequence
from functools import partial

from tests.benchmarks.ceiling import drained_by_ceiling
from tests.benchmarks.ours import drained_by_workers
from tests.benchmarks.outside import DBOS, LACKS, NOT_INSTALLED, TEMPORAL, missing, taken_outside
from tests.benchmarks.per_event import taken_one_by_one
from tests.benchmarks.report import Figure, Told, compared
from tests.benchmarks.scale import Scale
from tests.benchmarks.stage import SHARDS, Stage
from tests.benchmarks.subject import Run
from tests.benchmarks.workload import Call, Population, Traffic

OURS, CEILING, PER_EVENT = "lifecycle", "raw ceiling", "Celery task per event, ORM"
GOAL = 25_000  # events a second, on the first workload
Subject = Callable[[Stage, Sequence[Call]], Run]


def draining(stage: Stage, scale: Scale) -> Told:
    """The comparison on each workload."""
    figures = [
        figure
        for number, population in enumerate(scale.populations)
        for figure in _compare(stage, population, scale, GOAL if number == 0 else None)
    ]
    return Told(figures=figures, notes=_notes(scale))


def _compare(stage: Stage, population: Population, scale: Scale, goal: float | None) -> list[Figure]:
    print(f"{population.name}: setting up", flush=True)
    stage.populate(population)
    traffic = Traffic(population, stage.lives, SHARDS)
    runs: dict[str, list[Run]] = {}
    for number in range(scale.rounds):
        calls = traffic.take(scale.events)
        for name, run, events in _subjects(scale):
            stage.tidy()
            done = run(stage, calls[:events])
            runs.setdefault(name, []).append(done)
            print(f"{population.name}: round {number + 1}: {name}: {done.rate:,.0f} events/s", flush=True)
    return compared(population.name, runs, CEILING, goal)


def _subjects(scale: Scale) -> list[tuple[str, Subject, int]]:
    """Each with how many of a round's events it takes."""
    others = ((TEMPORAL, scale.temporal_events), (DBOS, scale.dbos_events))
    return [
        (OURS, drained_by_workers, scale.events),
        (CEILING, drained_by_ceiling, scale.events),
        (PER_EVENT, taken_one_by_one, scale.single_events),
        *((name, partial(_outside, name), events) for name, events in others if not missing(name)),
    ]


def _outside(name: str, stage: Stage, calls: Sequence[Call]) -> Run:
    return taken_outside(stage, name, calls)


def _notes(scale: Scale) -> list[str]:
    return [
        (
            f"Medians of {scale.rounds} rounds; {scale.events:,} events a round (task per event: "
            f"{scale.single_events:,}, Temporal {scale.temporal_events:,}, DBOS {scale.dbos_events:,})."
        ),
        (
            "Events wait before the clock starts; a round has fresh ones, the same for all subjects of 2 processes "
            "each (Temporal: its server and one worker)."
        ),
        "Accounts, timers, persons and links are set up by SQL from documents that the product's code made.",
        "The raw ceiling decides nothing: no identity, no load of accounts, no rules, no timers.",
        "Celery task per event: no rules; a worker that is killed loses the tasks that it has taken (Redis).",
        *(f"{name}: {NOT_INSTALLED}" if missing(name) else LACKS[name] for name in (TEMPORAL, DBOS)),
        "Servers and subjects share the machine.",
    ]
