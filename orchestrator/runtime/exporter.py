"""Our own metrics for Prometheus: what Flower cannot know, because it is in the streams and the database.

The table ``METRICS`` is all there is: name, labels, help; the README shows it, and a test holds both equal. Labels are
bounded: shards, states, stages, reasons, tables. Nothing personal is in a name, a label or a value.

What a scrape costs does not grow with what is stored: it asks each shard once, reads the database through indexes that
hold only what waits (counts end at ``gauges.MOST_COUNTED``), and takes whole counts from ``censuses``. Two scrapes
within ``FRESH_SECONDS`` share one reading. A source that does not answer is reported as such, and the others are told.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from types import MappingProxyType
from typing import TypeAlias

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from orchestrator.intake.durability import durability
from orchestrator.store import census, gauges, partitions
from orchestrator.store.census import Subject
from orchestrator.usecases.ports import Ports

logger = logging.getLogger(__name__)

FRESH_SECONDS = 2.0  # for so long a reading serves whoever asks
LIVE = frozenset({"pending", "draft", "claimed", "sending", "unknown"})  # states that are read live, not counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One line of the table of metrics; all are gauges."""

    name: str
    help: str  # what it is, in one sentence, with its unit
    labels: tuple[str, ...] = ()


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(
                name="lifecycle_source_up",
                labels=("source",),
                help="1 when the streams or the database answered this scrape, else 0; its figures are then missing.",
            ),
            Metric(
                name="lifecycle_source_read_seconds",
                labels=("source",),
                help="What reading the figures of a source took.",
            ),
            Metric(
                name="lifecycle_shard_waiting_entries",
                labels=("shard",),
                help="Entries of a shard that no drain was given yet.",
            ),
            Metric(
                name="lifecycle_shard_pending_entries",
                labels=("shard",),
                help="Entries of a shard that a drain was given and has not acknowledged.",
            ),
            Metric(
                name="lifecycle_shard_limit_entries",
                help="LIFECYCLE_MOST_WAITING: entries of a shard beyond which the gateway answers 429.",
            ),
            Metric(
                name="lifecycle_shard_oldest_entry_age_seconds",
                labels=("shard",),
                help="How long the first entry of a shard has been there since its XADD; 0 when it is empty.",
            ),
            Metric(
                name="lifecycle_shard_oldest_pending_idle_seconds",
                labels=("shard",),
                help="How long ago the oldest pending entry was last given to a drain; 0 when none is pending.",
            ),
            Metric(
                name="lifecycle_shard_oldest_pending_deliveries",
                labels=("shard",),
                help="How often the oldest pending entry was given to a drain; it grows when its batch keeps failing.",
            ),
            Metric(
                name="lifecycle_streams_memory_bytes",
                help="Memory that the server of the streams uses.",
            ),
            Metric(
                name="lifecycle_streams_memory_limit_bytes",
                help="The server's maxmemory, beyond which it takes no more events; 0 when it has no bound.",
            ),
            Metric(
                name="lifecycle_due_accounts",
                help="Accounts whose wake-up has come; counted up to 100,000.",
            ),
            Metric(
                name="lifecycle_due_oldest_age_seconds",
                help="How long the longest overdue wake-up has been due; parked accounts apart; 0 when none is.",
            ),
            Metric(
                name="lifecycle_outcomes_waiting",
                help="Outcomes of messages that no account has folded yet; counted up to 100,000.",
            ),
            Metric(
                name="lifecycle_outcomes_oldest_age_seconds",
                help="How old the oldest of them is; 0 when there is none.",
            ),
            Metric(
                name="lifecycle_messages",
                labels=("state",),
                help="Messages by state; pending, draft, claimed, sending, unknown live, the others as last counted.",
            ),
            Metric(
                name="lifecycle_messages_sendable",
                help="Mails that may leave now; counted up to 100,000.",
            ),
            Metric(
                name="lifecycle_messages_sendable_oldest_age_seconds",
                help="How long the first of them may have left; 0 when there is none.",
            ),
            Metric(
                name="lifecycle_parked_accounts",
                help="Accounts that could not be decided and wait with a growing pause.",
            ),
            Metric(
                name="lifecycle_parked_oldest_age_seconds",
                help="How long the first of them could not; 0 when there is none.",
            ),
            Metric(
                name="lifecycle_accounts",
                labels=("stage",),
                help="Accounts by stage, as last counted.",
            ),
            Metric(
                name="lifecycle_rejected_events",
                labels=("reason",),
                help="Entries kept in rejected_events by reason, as last counted.",
            ),
            Metric(
                name="lifecycle_parked_events",
                help="Events that wait for the account of their person, as last counted.",
            ),
            Metric(
                name="lifecycle_census_age_seconds",
                labels=("table",),
                help="How old the last whole count of a table is.",
            ),
            Metric(
                name="lifecycle_census_duration_seconds",
                labels=("table",),
                help="What that count took; it is repeated when that is a hundredth of the time since.",
            ),
            Metric(
                name="lifecycle_open_escalations",
                labels=("severity",),
                help="Open work of humans by severity.",
            ),
            Metric(
                name="lifecycle_overdue_escalations",
                help="Open work of humans whose time is over.",
            ),
            Metric(
                name="lifecycle_key_generations",
                help="Generations of event keys that are kept.",
            ),
            Metric(
                name="lifecycle_key_generation_age_seconds",
                help="How long ago the current generation of event keys began; prune begins one each ten days.",
            ),
            Metric(
                name="lifecycle_partition_months_ahead",
                labels=("table",),
                help="Months after this one whose partitions are made, without a gap; prune keeps it at 3.",
            ),
            Metric(
                name="lifecycle_partition_default_used",
                labels=("table",),
                help="1 when rows lie in the DEFAULT partition of a table, else 0.",
            ),
            Metric(
                name="lifecycle_longest_transaction_seconds",
                help="How long the oldest open transaction of the database has lasted: it keeps dead rows from going.",
            ),
        )
    }
)

Figure: TypeAlias = tuple[str, tuple[str, ...], float]  # the metric's name, the values of its labels, the value


def of_streams(ports: Ports) -> Iterator[Figure]:
    """What waits in each shard, and how full their server is."""
    for shard in range(ports.streams.shards):
        lag, named = ports.streams.lag(shard), (str(shard),)
        yield "lifecycle_shard_waiting_entries", named, lag.waiting
        yield "lifecycle_shard_pending_entries", named, lag.pending
        if lag.oldest_age_ms is not None:
            yield "lifecycle_shard_oldest_entry_age_seconds", named, lag.oldest_age_ms / 1000
        yield "lifecycle_shard_oldest_pending_idle_seconds", named, lag.oldest_idle_ms / 1000
        yield "lifecycle_shard_oldest_pending_deliveries", named, lag.oldest_deliveries
    server = durability(ports.streams.client, can_wait=True)
    yield "lifecycle_streams_memory_bytes", (), server.memory
    yield "lifecycle_streams_memory_limit_bytes", (), server.most_memory


def of_database(ports: Ports) -> Iterator[Figure]:
    """What waits in the database, what was counted, and whether there is room ahead; one transaction."""
    with ports.engine.begin() as connection:
        gauges.be_quick(connection)
        now = ports.clock.now(connection)
        yield from _waiting(gauges.waiting(connection, now), now)
        for state, count in gauges.in_motion(connection).items():
            yield "lifecycle_messages", (state,), count
        for severity, count in gauges.open_escalations(connection).items():
            yield "lifecycle_open_escalations", (severity,), count
        yield from _counted(connection)
        for table, standing in partitions.standing(connection, now).items():
            yield "lifecycle_partition_months_ahead", (table,), standing.ahead
            yield "lifecycle_partition_default_used", (table,), standing.in_default


def _waiting(found: gauges.Waiting, now: datetime) -> Iterator[Figure]:
    def age(since: datetime | None) -> float:
        return 0.0 if since is None else max((now - since).total_seconds(), 0.0)

    yield "lifecycle_due_accounts", (), found.due
    yield "lifecycle_due_oldest_age_seconds", (), age(found.oldest_due)
    yield "lifecycle_outcomes_waiting", (), found.outcomes
    yield "lifecycle_outcomes_oldest_age_seconds", (), age(found.oldest_outcome)
    yield "lifecycle_messages_sendable", (), found.sendable
    yield "lifecycle_messages_sendable_oldest_age_seconds", (), age(found.oldest_sendable)
    yield "lifecycle_parked_accounts", (), found.parked
    yield "lifecycle_parked_oldest_age_seconds", (), age(found.oldest_parked)
    yield "lifecycle_overdue_escalations", (), found.overdue
    yield "lifecycle_key_generations", (), found.key_generations
    yield "lifecycle_key_generation_age_seconds", (), age(found.keys_since)
    yield "lifecycle_longest_transaction_seconds", (), found.longest_transaction or 0.0


def _counted(connection: Connection) -> Iterator[Figure]:
    """What the last censuses say."""
    found = census.latest(connection)
    for subject, each in found.items():
        yield "lifecycle_census_age_seconds", (subject.table,), each.age
        yield "lifecycle_census_duration_seconds", (subject.table,), each.took
    for subject, name in ((Subject.ACCOUNTS, "lifecycle_accounts"), (Subject.REJECTED, "lifecycle_rejected_events")):
        for label, count in (found[subject].counts if subject in found else {}).items():
            yield name, (label,), count
    for state, count in (found[Subject.MESSAGES].counts if Subject.MESSAGES in found else {}).items():
        if state not in LIVE:
            yield "lifecycle_messages", (state,), count
    if Subject.PARKED in found:
        yield "lifecycle_parked_events", (), sum(found[Subject.PARKED].counts.values())


SOURCES: Mapping[str, Callable[[Ports], Iterable[Figure]]] = MappingProxyType(
    {"streams": of_streams, "database": of_database}
)


def read(ports: Ports) -> Iterator[Figure]:
    """All figures now; a source that fails gives none, and says so."""
    for name, source in SOURCES.items():
        begun = time.monotonic()
        try:
            found = list(source(ports))
        except Exception as error:  # noqa: BLE001 -- a server that is away is what a metric is for
            logger.warning("no metrics of the %s: %s", name, type(error).__name__)
            yield "lifecycle_source_up", (name,), 0
            continue
        yield "lifecycle_source_up", (name,), 1
        yield "lifecycle_source_read_seconds", (name,), time.monotonic() - begun
        yield from found


@dataclass(slots=True, eq=False)  # a registry keeps collectors by identity
class Figures(Collector):
    """Collects our metrics when Prometheus asks; threads may ask at once."""

    ports: Ports
    most_waiting: int | None = None  # the gateway's bound of a shard; None: nothing refuses here
    _lock: Lock = field(default_factory=Lock)
    _families: tuple[GaugeMetricFamily, ...] = ()
    _good_until: float = 0.0  # of time.monotonic

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Each metric with its values; read anew when the last reading is older than FRESH_SECONDS."""
        with self._lock:
            if time.monotonic() >= self._good_until:
                self._families = tuple(_families((*self._bound(), *read(self.ports))))
                self._good_until = time.monotonic() + FRESH_SECONDS
            return self._families

    def _bound(self) -> Iterator[Figure]:
        if self.most_waiting is not None:
            yield "lifecycle_shard_limit_entries", (), self.most_waiting

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The names, so that registering asks no server."""
        return [GaugeMetricFamily(metric.name, metric.help) for metric in METRICS.values()]


def _families(figures: Iterable[Figure]) -> Iterator[GaugeMetricFamily]:
    families = {name: GaugeMetricFamily(name, each.help, labels=each.labels) for name, each in METRICS.items()}
    for name, labels, value in figures:
        families[name].add_metric(labels, value)
    return iter(families.values())


def collectors(ports: Ports, most_waiting: int | None = None) -> tuple[Collector, ...]:
    """Our metrics, and this process's memory, time and files."""
    return Figures(ports, most_waiting), ProcessCollector(registry=None)
