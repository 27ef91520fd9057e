"""``prune``: partitions ahead of time, old ones dropped, event keys rotated; never a mass delete."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.store import keys, partitions
from orchestrator.store.tables import RANGED
from orchestrator.usecases.ports import Ports, Retention

MONTHS_AHEAD = 3
KEYS_EVERY = timedelta(days=10)  # the length of a generation of event keys
KEYS_HORIZON = timedelta(days=30)  # within which an event counts once


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a run of prune did."""

    made: tuple[str, ...]
    left: tuple[str, ...]  # months that cannot be made: rows of theirs lie in DEFAULT, and stay there
    dropped: tuple[str, ...]
    busy: tuple[str, ...]  # their table was in use for too long: the next run tries again
    generation: int  # of event keys, the current one


def prune(ports: Ports) -> Pruned:
    """Make the partitions of the months to come, drop what is older than it is kept, rotate the event keys."""
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
    with ports.engine.connect() as connection:  # each step is a transaction of its own: its lock, patience and table
        made = partitions.ensure_ahead(connection, now, MONTHS_AHEAD)
        dropped = partitions.drop_before(connection, now, kept(ports.retention))
    with ports.engine.begin() as connection:
        rotation = keys.rotate(connection, now, KEYS_EVERY, KEYS_HORIZON)
    return Pruned(
        made=made.made,
        left=made.left,
        dropped=dropped.dropped,
        busy=(*made.busy, *dropped.busy),
        generation=rotation.current,
    )


def kept(retention: Retention) -> Mapping[str, timedelta]:
    """For how long each monthly table is kept."""
    own = {"parked_events": retention.parked, "rejected_events": retention.rejected}
    return {table: own.get(table, retention.history) for table in RANGED}
