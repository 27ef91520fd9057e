"""What grows: workers, accounts and stored events, one at a time.

Neither throughput nor latency may fall off with what is stored. Stored events are made by SQL, with their keys, spread
over the accounts and over the horizon within which an event counts once. Latency is that of a few events that come
while nothing else does: from the nudge until they are decided, committed and acknowledged. Memory is what the workers
hold at the end of a run.
"""

import time
from dataclasses import replace
from statistics import median, quantiles

from sqlalchemy import text

from tests.benchmarks.lives import NOW
from tests.benchmarks.ours import drained_by_workers, drained_in_process
from tests.benchmarks.report import RATE, Figure, Told
from tests.benchmarks.scale import Growth, Scale
from tests.benchmarks.stage import SHARDS, Stage
from tests.benchmarks.subject import Run
from tests.benchmarks.workload import Call, Population, Traffic

USUAL_ACCOUNTS, USUAL_WORKERS = 100_000, 2
SERIES = 10  # times what is stored before it: there each series begins to count its ids
FEW = 100  # events whose latency is measured
HORIZON_DAYS = 25  # over which the stored events are spread
CHUNK = 1_000_000  # rows of one statement
STORE = (
    """
    INSERT INTO event_keys (generation, key, digest)
    SELECT (SELECT max(generation) FROM key_generations), md5('stored ' || number)::uuid, md5(number::text)::uuid
      FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS number ON CONFLICT DO NOTHING""",
    """
    INSERT INTO events (received_at, account_id, person_id, source, message_id, kind, name, occurred_at, properties)
    SELECT at, account, account || '-champion', 'segment', 'stored-' || number, 'track', 'Page Viewed', at,
           '{"path": "/workspace/7", "plan": "team", "device": "desktop"}'
      FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS number,
           LATERAL (SELECT 'acct-' || lpad((number * 7919 % :accounts)::text, 7, '0') AS account,
                           CAST(:now AS timestamptz) - make_interval(secs => number * :step) AS at) AS made""",
)


def growing(stage: Stage, scale: Scale) -> Told:
    """The figures of growth."""
    growth = scale.growth
    usual = min(USUAL_ACCOUNTS, most := max(growth.accounts))
    return Told(
        figures=[
            *(each for workers in growth.workers for each in _measured(stage, scale, usual, workers)),
            *(each for accounts in growth.accounts for each in _measured(stage, scale, accounts, USUAL_WORKERS)),
            *(_measured(stage, scale, most, USUAL_WORKERS, silent=most - usual) if most > usual else ()),
            *_stored(stage, scale, usual, growth),
        ],
        notes=[
            f"Medians of {scale.rounds} rounds of {growth.events:,} events; uniform accounts.",
            f"{FEW} events alone: from the nudge to their commit while nothing else is to do; of {growth.tries} times.",
            "Where more accounts are heard of, a batch has more to decide; where most of them are silent, it has not.",
            "Stored events are made by SQL, with their keys.",
        ],
    )


def _measured(stage: Stage, scale: Scale, accounts: int, workers: int, silent: int = 0) -> list[Figure]:
    population = Population(name="growing", size=accounts, exponent=0.0, silent=silent)
    stage.populate(population)
    return _drained(stage, scale, population, workers, 0)


def _stored(stage: Stage, scale: Scale, accounts: int, growth: Growth) -> list[Figure]:
    """With ever more events in the tables."""
    population, have = Population(name="growing", size=accounts, exponent=0.0), 0
    found: list[Figure] = []
    stage.populate(population)
    for stored in sorted(growth.stored):
        store(stage, accounts, have, stored)
        have = stored
        found += _drained(stage, scale, population, USUAL_WORKERS, stored)
    return found


def store(stage: Stage, accounts: int, first: int, last: int) -> None:
    """Make stored events with these numbers."""
    step = HORIZON_DAYS * 86_400 / max(last, 1)
    for at in range(first, last, CHUNK):
        upto = min(at + CHUNK, last)
        told = {"first": at, "last": upto - 1, "accounts": accounts, "now": NOW, "step": step}
        with stage.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in STORE:
                connection.execute(text(statement), told)
        print(f"{upto:,} events stored", flush=True)


def _drained(stage: Stage, scale: Scale, population: Population, workers: int, stored: int) -> list[Figure]:
    traffic = Traffic(population, stage.lives, SHARDS)
    traffic.sent = stored * SERIES  # ids of their own in each series
    runs = [_run(stage, traffic.take(scale.growth.events), workers, stored) for _ in range(scale.rounds)]
    spent = sorted(_waited(stage, traffic.take(FEW)) for _ in range(scale.growth.tries))
    among = f" ({population.silent:,} of them silent)" if population.silent else ""
    name = f"drain: {workers} workers, {population.size:,} accounts{among}, {stored:,} events stored before"
    print(f"{name}: {median(run.rate for run in runs):,.0f} events/s, {median(spent):.1f} ms", flush=True)
    return [
        Figure(name=name, value=median(run.rate for run in runs), unit=RATE),
        Figure(name=f"{name}: memory of the workers", value=max(run.memory for run in runs) / (1 << 20), unit="MiB"),
        Figure(name=f"{name}: {FEW} events alone", value=median(spent), unit="ms"),
        Figure(name=f"{name}: {FEW} events alone, p99", value=quantiles(spent, n=100)[-1], unit="ms"),
    ]


def _waited(stage: Stage, calls: list[Call]) -> float:
    """Milliseconds until these are decided, while nothing else is to do."""
    one = [replace(call, shard=0) for call in calls]  # any shard is correct
    stage.load(one, forget=False)
    began = time.monotonic()
    drained_in_process(stage)
    return (time.monotonic() - began) * 1e3


def _run(stage: Stage, calls: list[Call], workers: int, stored: int) -> Run:
    stage.tidy()
    return drained_by_workers(stage, calls, workers=workers, stored=stored)
