"""What a look at the streams and the partitions finds: for ``lifecycle doctor``, each finding with what to do.

Nothing here changes anything. A finding that is not well makes the doctor's exit status 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from orchestrator.intake.durability import dangers, durability, told
from orchestrator.intake.hot import LOOKED_AT, hottest
from orchestrator.intake.streams import Lag, Streams, stream_key
from orchestrator.store import partitions

LATE = timedelta(minutes=5)  # what waits longer than this is a lag
NEAR = 0.8  # of the bound on a shard's entries: then the door is about to refuse
KEEPS_FAILING = 10  # times that one batch was given to a drain: it does not get through


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    what: str
    well: bool
    detail: str


def shards(streams: Streams, where: str, most_waiting: int | None = None) -> Iterator[Finding]:
    """All shards together, then each that lags, is near its bound of entries, fails again and again, or is hot."""
    lags = [streams.lag(shard) for shard in range(streams.shards)]
    entries, late = sum(lag.length for lag in lags), [lag for lag in lags if _is_late(lag)]
    oldest = max((lag.oldest_age_ms or 0 for lag in lags), default=0) / 1000
    detail = f"{where}: {entries} entries in {streams.shards} shards, the oldest for {oldest:.0f} s"
    yield Finding(what="streams", well=not late, detail=detail)
    for shard, lag in enumerate(lags):
        yield from _shard(streams, shard, lag, most_waiting)


def _is_late(lag: Lag) -> bool:
    """Whether its oldest entry waits for too long; one whose age is not known counts by how long it is pending."""
    return max(lag.oldest_age_ms or 0, lag.oldest_idle_ms) > LATE / timedelta(milliseconds=1)


def _shard(streams: Streams, shard: int, lag: Lag, most_waiting: int | None) -> Iterator[Finding]:
    name, near = f"shard {shard}", most_waiting is not None and lag.length > NEAR * most_waiting
    if _is_late(lag) or near:
        bound = "" if most_waiting is None else f" of {most_waiting} at most"
        age = "of unknown age" if lag.oldest_age_ms is None else f"for {lag.oldest_age_ms / 1000:.0f} s"
        advice = "; beyond the bound the gateway answers 429: more workers, or LIFECYCLE_MOST_WAITING" if near else ""
        detail = f"{lag.length} entries{bound}, {lag.pending} of them in hand, the oldest {age}{advice}"
        yield Finding(what=name, well=not (_is_late(lag) or near), detail=detail)
    if lag.oldest_deliveries >= KEEPS_FAILING:
        detail = f"one batch was given to drains {lag.oldest_deliveries} times and does not get through: read their log"
        yield Finding(what=name, well=False, detail=detail)
    if lag.length >= LOOKED_AT:
        yield from _hot(streams, shard)


def _hot(streams: Streams, shard: int) -> Iterator[Finding]:
    """Name who fills the shard: no fault of the installation, so it is well with it."""
    hot = hottest(streams.head(shard, LOOKED_AT))
    if hot is not None:
        detail = (
            f"{hot.share:.0%} of the next {hot.looked_at} calls in {stream_key(shard)} are of {hot.whose}: one account "
            "is bounded by one drainer, more workers do not help; what does it send so much, and does a rule need it?"
        )
        yield Finding(what="hot account", well=True, detail=detail)


def server(streams: Streams) -> Iterator[Finding]:
    """What the server of the streams promises, and each thing that may lose an accepted event."""
    found = durability(streams.client, can_wait=streams.can_wait)
    yield Finding(what="durability", well=True, detail=told(found))
    for danger in dangers(found):
        yield Finding(what="durability", well=False, detail=danger)


def months(connection: Connection, now: datetime) -> Finding:
    """Whether there is room ahead; without it nothing stops, but rows pile up in DEFAULT partitions."""
    standing = partitions.standing(connection, now)
    short = sorted(name for name, each in standing.items() if each.ahead < 1)
    ahead = min(each.ahead for each in standing.values())
    lumped = sorted(name for name, each in standing.items() if each.in_default)
    aside = f"; rows of {_listed(lumped)} lie in DEFAULT partitions, until they are old enough to go" if lumped else ""
    if short:
        detail = (
            f"none is made ahead for {_listed(short)}: does the tick lifecycle.prune run? lifecycle migrate makes them"
        )
        return Finding(what="partitions", well=False, detail=detail + aside)
    return Finding(what="partitions", well=True, detail=f"{ahead} months are made ahead{aside}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
