"""Ours: Celery workers, as `lifecycle up` runs them, drain the streams until they are empty; nudged as by beat."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from celery import Celery

from orchestrator.runtime.broker import client
from orchestrator.usecases.drain import Drained, drain
from tests.benchmarks.stage import POLL_SECONDS, Stage, held
from tests.benchmarks.subject import Run, difference, process, stalled, until_answers
from tests.benchmarks.workload import Call

PROCESSES = 2
TICK_SECONDS = 1.0  # as beat ticks
WARM = 20  # one of so many events is drained before the clock starts
WORKER = ("-m", "orchestrator.cli", "worker", "--queues", "flow", "--concurrency", str(PROCESSES))
_AT_CONCURRENCY = -1  # its place in the command


class LostError(AssertionError):
    """Not every event was counted, or one was rejected or parked: such a run shows nothing."""


def drained_by_workers(stage: Stage, calls: Sequence[Call], workers: int = PROCESSES, stored: int = 0) -> Run:
    """Drain some to warm up; load the others, start the clock with the nudge, stop it when the last is acknowledged.

    ``stored`` events are in the tables already, and stay there.
    """
    app, log = client(stage.addresses.broker_url), stage.installation.settings.home / "worker.log"
    command = (*WORKER[:_AT_CONCURRENCY], str(workers))
    warm, rest = calls[: len(calls) // WARM], calls[len(calls) // WARM :]
    with process(command, stage.environment(), log) as worker, suppress(KeyboardInterrupt):
        until_answers(app, worker, log)
        before_it = stage.count("events")
        stage.load(warm, forget=not stored)
        _until_empty(stage, app, log)  # as the others' processes are: connected, and with their playbook compiled
        stage.load(rest, forget=not stored)
        before, began = stage.burned(worker.pid), time.monotonic()
        _until_empty(stage, app, log)
        seconds, after = time.monotonic() - began, stage.burned(worker.pid)
        memory = held(worker.pid)
    app.close()
    check(stage, len(calls) + before_it if stored else len(rest))
    return Run(events=len(rest), seconds=seconds, burned=difference(after, before), memory=memory)


def _until_empty(stage: Stage, app: Celery, log: Path) -> None:
    """Nudge the shards that hold something, as beat does, until none does."""
    began, next_tick = time.monotonic(), 0.0
    while any(left := stage.left()):
        stalled(began, log)
        if time.monotonic() >= next_tick:
            next_tick = time.monotonic() + TICK_SECONDS
            for shard in (shard for shard, entries in enumerate(left) if entries):
                app.send_task("lifecycle.drain", args=(shard,), queue="flow", expires=2 * TICK_SECONDS)
        time.sleep(POLL_SECONDS)


def drained_in_process(stage: Stage) -> Drained:
    """Drain what is on the streams in this process, one shard after the other."""
    done = Drained()
    for shard in range(len(stage.left())):
        while stage.left()[shard]:
            done += drain(stage.installation.ports, shard, "benchmark")
    return done


def check(stage: Stage, events: int) -> None:
    """Every event counted once, none rejected, no account parked.

    Raises:
        LostError: it is not so.
    """
    found = {table: stage.count(table) for table in ("events", "rejected_events", "parked_events", "parked_accounts")}
    if found != {"events": events, "rejected_events": 0, "parked_events": 0, "parked_accounts": 0}:
        raise LostError(f"expected {events} events and nothing else, got {found}")
