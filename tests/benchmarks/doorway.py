"""The gateway: events a second in Segment batches of 100, and how long a single event takes at 1,000 a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median

import orjson

from orchestrator.runtime.parts import answers, free_port
from orchestrator.usecases import write_keys
from tests.benchmarks.load import BATCH, CONNECTIONS, RATE
from tests.benchmarks.report import Figure, Told
from tests.benchmarks.scale import Scale
from tests.benchmarks.stage import Stage, until
from tests.benchmarks.subject import process

GATEWAY = ("-m", "orchestrator.cli", "gateway")
LOAD = ("-m", "tests.benchmarks.load")
GOAL_RATE, GOAL_P99_MS = 30_000.0, 20.0
FREE = "1000000/second"  # the rate of the key: it must not be what is measured


def doorway(stage: Stage, scale: Scale) -> Told:
    """The figures of the gateway."""
    key = write_keys.create(stage.engine, source="bench", now=datetime.now(UTC), rate=FREE).secret
    with _open(stage) as gateway:
        batches = [_loaded(stage, "batches", gateway, key, scale.door_seconds) for _ in range(scale.rounds)]
        singles = [_loaded(stage, "singles", gateway, key, scale.door_seconds) for _ in range(scale.rounds)]
    name = f"gateway, a single event at {RATE:,} a second"
    rate, spent = (median(each["rate"] for each in batches), median(each["burned"] for each in batches))
    return Told(
        figures=[
            Figure(name=f"gateway, batches of {BATCH}", value=rate, unit="accepted events/s", goal=GOAL_RATE),
            Figure(name=f"gateway, batches of {BATCH}: its processor time", value=spent, unit="µs an event"),
            Figure(name=f"{name}: median", value=median(each["median"] for each in singles), unit="ms"),
            Figure(name=f"{name}: p99", value=median(each["p99"] for each in singles), unit="ms", goal=GOAL_P99_MS),
        ],
        notes=[
            f"Medians of {scale.rounds} rounds of {scale.door_seconds:.0f} s; one gateway process.",
            f"{CONNECTIONS} connections of batches; the load is made by another process on the same machine.",
            "A 200 means that Valkey has confirmed the events on disk (LIFECYCLE_DURABILITY=disk). Nobody drains.",
            f"Requests refused: {sum(each['refused'] for each in batches + singles):.0f}.",
        ],
    )


@contextmanager
def _open(stage: Stage) -> Iterator[tuple[int, int]]:
    """A gateway in a process of its own; its port and the process."""
    port, ops = free_port(), free_port()
    told = {"GATEWAY_PORT": str(port), "GATEWAY_OPS_PORT": str(ops), "LIFECYCLE_CLOCK": "system"}
    log = stage.installation.settings.home / "gateway.log"
    with process(GATEWAY, {**stage.environment(), **told}, log) as running:
        until(lambda: answers(port) or _died(running.poll(), log.read_text()), "the gateway listens")
        yield port, running.pid


def _died(status: int | None, said: str) -> bool:
    if status is not None:
        raise RuntimeError(f"the gateway ended with {status}: {said[-2000:]}")
    return False


def _loaded(stage: Stage, mode: str, gateway: tuple[int, int], key: str, seconds: float) -> dict[str, float]:
    """One round of load on streams that were empty."""
    stage.load(())
    port, pid = gateway
    log = stage.installation.settings.home / "load.log"
    with process((*LOAD, mode, str(port), key, str(seconds)), stage.environment(), log, answers=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n", log.read_text()[-2000:]
        before = stage.burned(pid).clients
        running.stdin.write(b"go\n")
        running.stdin.flush()
        told: dict[str, float] = orjson.loads(running.stdout.readline())
        burned = stage.burned(pid).clients - before
    kept = sum(stage.left())
    stage.load(())
    assert kept >= told.get("accepted", 0), "accepted events are not on the streams"
    return {**told, "burned": burned / max(kept, 1) * 1e6}
