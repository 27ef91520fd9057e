"""The table of ticks: each is safe to send twice, from any number of beats, and expires before it piles up."""

from typing import Any

from orchestrator.runtime.broker import QUEUE_OF

TICKS = {
    "lifecycle.wake": 1.0,
    "lifecycle.deliver": 1.0,
    "lifecycle.rescue": 5.0,
    "lifecycle.prune": 3600.0,
    "lifecycle.measure": 3600.0,  # it does something once a day; each hour, so that a beat that restarts misses no day
    "lifecycle.count": 60.0,  # a large table is counted less often than that, by what it costs
}  # task -> seconds between two ticks
DRAIN_SECONDS = 1.0  # between two ticks of a shard


def schedule(shards: int) -> dict[str, dict[str, Any]]:
    """What beat sends: the table, and a drain for each shard."""
    ticks = {task: _tick(task, seconds, ()) for task, seconds in TICKS.items()}
    drains = {f"lifecycle.drain {shard}": _tick("lifecycle.drain", DRAIN_SECONDS, (shard,)) for shard in range(shards)}
    return {**ticks, **drains}


def _tick(task: str, seconds: float, arguments: tuple[int, ...]) -> dict[str, Any]:
    options = {"queue": QUEUE_OF[task], "expires": max(2.0, seconds)}
    return {"task": task, "schedule": seconds, "args": arguments, "options": options}
