"""What Prometheus is told at the gateway's port for operators."""

from tests.gateway.live import Gateway


def test_the_figures_of_the_installation_are_at_the_port_for_operators(gateway: Gateway) -> None:
    """/metrics tells what waits in the streams and the database, beside what this gateway counts and its own memory."""
    gateway.post("/v1/track", {"userId": "u-1", "event": "Signed In", "context": {"groupId": "acme"}})
    told = gateway.look("/metrics")
    assert told.status == 200
    page = told.body.decode()
    for line in (
        'lifecycle_source_up{source="streams"} 1.0',
        'lifecycle_source_up{source="database"} 1.0',
        'lifecycle_partition_months_ahead{table="events"}',
        "lifecycle_shard_limit_entries 250000.0",
        'lifecycle_gateway_requests_total{route="/v1/track"',
        "process_resident_memory_bytes",
    ):
        assert line in page, line
