"""How much of everything a run of the benchmark takes: in full, or on a toy scale that only shows that it works."""

from dataclasses import dataclass

from tests.benchmarks.workload import Population


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What is varied one at a time: throughput and latency must not fall with what is stored."""

    workers: tuple[int, ...]  # processes that drain
    accounts: tuple[int, ...]
    stored: tuple[int, ...]  # events that are in the tables already
    events: int  # a round
    tries: int  # of a few events alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much of everything."""

    populations: tuple[Population, ...]  # of the drain
    events: int  # a round, for ours and the ceiling
    single_events: int  # a round, for the task per event
    temporal_events: int
    dbos_events: int
    rounds: int
    seconds: float  # for each single step
    lives: int  # for the parts of ``advance``
    waiting: int  # accounts that wait
    due: int  # of those, at once
    idle_ticks: int
    eta_waiting: int  # Celery tasks with an ETA
    eta_due: int  # of those, at once
    messages: int  # delivered a round
    mails: int  # composed, and sent by the bare loop, a round
    explained: int  # accounts whose ``why`` is asked
    year: int  # accounts of the simulated year
    door_seconds: float  # of load on the gateway
    growth: Growth


FULL = Scale(
    populations=(
        Population(name="100,000 accounts, Zipf 1.1", size=100_000, exponent=1.1),
        Population(name="1,000,000 accounts, uniform", size=1_000_000, exponent=0.0),
    ),
    events=300_000,
    single_events=3_000,
    temporal_events=3_000,
    dbos_events=1_000,
    rounds=3,
    seconds=2.0,
    lives=40,
    waiting=1_000_000,
    due=100_000,
    idle_ticks=100,
    eta_waiting=20_000,
    eta_due=3_000,
    messages=3_000,
    mails=3_000,
    explained=200,
    year=500,
    door_seconds=15.0,
    growth=Growth(
        workers=(1, 2, 4),
        accounts=(10_000, 100_000, 1_000_000),
        stored=(100_000, 1_000_000, 10_000_000),
        events=300_000,
        tries=200,
    ),
)
QUICK = Scale(
    populations=(
        Population(name="500 accounts, Zipf 1.1", size=500, exponent=1.1),
        Population(name="1,000 accounts, uniform", size=1_000, exponent=0.0),
    ),
    events=1_200,
    single_events=20,
    temporal_events=40,
    dbos_events=20,
    rounds=1,
    seconds=0.05,
    lives=2,
    waiting=400,
    due=40,
    idle_ticks=3,
    eta_waiting=40,
    eta_due=20,
    messages=20,
    mails=20,
    explained=3,
    year=3,
    door_seconds=1.0,
    growth=Growth(workers=(1, 2), accounts=(100, 400), stored=(1_000, 2_000), events=400, tries=3),
)
