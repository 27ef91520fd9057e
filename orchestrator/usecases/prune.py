"""``prune``: partitions ahead of time, old ones dropped, event keys rotated; never a mass delete."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.store import keys, partitions
from orchestrator.usecases.ports import Ports

MONTHS_AHEAD = 3
KEYS_EVERY = timedelta(days=10)  # the length of a generation of event keys
KEYS_HORIZON = timedelta(days=30)  # within which an event counts once
KEPT: Mapping[str, timedelta] = {
    "events": timedelta(days=800),
    "parked_events": timedelta(days=120),
    "rejected_events": timedelta(days=400),
    "decisions": timedelta(days=800),
    "journal": timedelta(days=800),
    "messages": timedelta(days=800),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a run of prune did."""

    made: tuple[str, ...]
    dropped: tuple[str, ...]
    generation: int  # of event keys, the current one


def prune(ports: Ports) -> Pruned:
    """Make the partitions of the months to come, drop what is older than it is kept, rotate the event keys."""
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
    with ports.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        made = partitions.ensure_ahead(connection, now, MONTHS_AHEAD)
        dropped = partitions.drop_before(connection, now, KEPT)
    with ports.engine.begin() as connection:
        rotation = keys.rotate(connection, now, KEYS_EVERY, KEYS_HORIZON)
    return Pruned(made=made.made, dropped=dropped.dropped, generation=rotation.current)
