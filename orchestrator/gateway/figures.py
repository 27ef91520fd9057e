"""Figures of one gateway, for Prometheus; those of the installation come from a collector that the runtime brings."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Bounds of the buckets: the goal for a single event, 0.02, is one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one gateway counts; every figure is in ``registry``."""

    registry: CollectorRegistry
    requests: Counter  # by route and status
    request_seconds: Histogram  # by route
    accepted: Counter  # events answered 200
    refused: Counter  # events, by reason
    publish_seconds: Histogram  # a pipeline, with the disk's word
    failed_pipelines: Counter
    gathered: Gauge  # entries that wait for a pipeline
    _seen: dict[tuple[str, int], Counter] = field(default_factory=dict)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        counter = self._seen.get((route, status))
        if counter is None:
            counter = self._seen[route, status] = self.requests.labels(route=route, status=str(status))
        counter.inc()
        self.request_seconds.observe(seconds)


def figures() -> Figures:
    """New figures, in a registry of their own."""
    registry = CollectorRegistry()
    name = "lifecycle_gateway"
    return Figures(
        registry=registry,
        requests=Counter(f"{name}_requests", "Requests, by route and status.", ("route", "status"), registry=registry),
        request_seconds=Histogram(
            f"{name}_request_seconds", "From a request's head to its answer.", registry=registry, buckets=SECONDS
        ),
        accepted=Counter(f"{name}_events_accepted", "Events that were answered 200.", registry=registry),
        refused=Counter(f"{name}_events_refused", "Events that were refused.", ("reason",), registry=registry),
        publish_seconds=Histogram(
            f"{name}_publish_seconds", "A pipeline to the streams.", registry=registry, buckets=SECONDS
        ),
        failed_pipelines=Counter(f"{name}_pipelines_failed", "Pipelines that failed.", registry=registry),
        gathered=Gauge(f"{name}_entries_gathered", "Entries that wait for a pipeline.", registry=registry),
    )
