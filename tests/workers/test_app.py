"""The Celery app: what Flower shows, what beat sends, and what a message may carry."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from orchestrator.runtime.broker import QUEUE_OF
from workers.schedule import TICKS, schedule

TELL = """
import json
from workers.app import app
import workers.tasks
print(json.dumps({
    "tasks": sorted(name for name in app.tasks if not name.startswith("celery.")),
    "schedule": {name: [entry["task"], list(entry["args"]), entry["options"]["queue"], entry["options"]["expires"]]
                 for name, entry in app.conf.beat_schedule.items()},
    "conf": {name: app.conf[name] for name in ("task_serializer", "accept_content", "task_acks_late",
             "task_ignore_result", "task_reject_on_worker_lost", "worker_prefetch_multiplier",
             "worker_send_task_events",
             "broker_connection_retry_on_startup")},
    "visibility": [app.conf.visibility_timeout, app.conf.broker_transport_options["visibility_timeout"]],
}))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, object]:
    """The app as Flower's process has it: with a broker's address and no database; nothing is connected."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "STREAM_URL"}}
    environment = {**kept, "REDIS_URL": "redis://127.0.0.1:1/0"}
    answer = subprocess.run([sys.executable, "-c", TELL], env=environment, capture_output=True, check=True, timeout=50)
    parsed: dict[str, object] = orjson.loads(answer.stdout)
    return parsed


def test_task_names_are_those_that_flower_shows(told: dict[str, object]) -> None:
    """Every task has a name under lifecycle., and a queue."""
    assert told["tasks"] == sorted(QUEUE_OF)


def test_every_tick_is_a_task_that_expires(told: dict[str, object]) -> None:
    """What beat sends is a known task on its queue, carries shard numbers only, and expires before it piles up."""
    entries = told["schedule"]
    assert isinstance(entries, dict)
    for task, arguments, queue, expires in entries.values():
        assert task in QUEUE_OF
        assert queue == QUEUE_OF[task]
        assert all(isinstance(argument, int) for argument in arguments)
        assert expires > 0


def test_each_shard_is_drained_once_a_tick() -> None:
    """The table of ticks has one drain a shard, and every other duty once."""
    ticks = schedule(3)
    drained = sorted(entry["args"] for entry in ticks.values() if entry["task"] == "lifecycle.drain")
    assert drained == [(0,), (1,), (2,)]
    assert {entry["task"] for entry in ticks.values()} == {"lifecycle.drain", *TICKS}


def test_a_message_is_a_nudge(told: dict[str, object]) -> None:
    """JSON only, no results, late acknowledgement, no requeue of what killed a worker, one task at a time."""
    assert told["conf"] == {
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_acks_late": True,
        "task_ignore_result": True,
        "task_reject_on_worker_lost": False,
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,
        "broker_connection_retry_on_startup": True,
    }
    assert told["visibility"] == [120, 120]


def test_no_module_schedules_for_later() -> None:
    """No Celery ETA or countdown anywhere: timers are rows."""
    sources = [*Path("workers").rglob("*.py"), *Path("orchestrator").rglob("*.py")]
    for word in ("countdown=", "eta="):
        assert [source for source in sources if word in source.read_text(encoding="utf-8")] == []
