"""What the server of the streams promises is read from it, and what may lose an event is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import redis
from redis.exceptions import ResponseError

from orchestrator.intake.durability import Durability, dangers, durability, told

SAFE = Durability(
    version="valkey 9.1.2",
    append_only=True,
    last_write_ok=True,
    fsync="always",
    eviction="noeviction",
    memory=1,
    most_memory=0,
    can_wait=True,
)


@contextmanager
def configured(client: redis.Redis, name: str, value: str) -> Iterator[None]:
    before = str(next(iter(client.config_get(name).values())))
    client.config_set(name, value)
    try:
        yield
    finally:
        client.config_set(name, before)


def test_a_server_of_ours_is_safe(client: redis.Redis) -> None:
    """The test's own server writes an append-only file, evicts nothing and confirms writes: no danger is named."""
    found = durability(client, can_wait=True)
    assert (found.append_only, found.fsync, found.eviction) == (True, "always", "noeviction")
    assert found.memory > 0
    assert list(dangers(found)) == []
    assert "appendfsync always" in told(found)


@pytest.mark.parametrize(
    ("name", "value", "danger"),
    [
        ("appendonly", "no", "appendonly is off"),
        ("appendfsync", "no", "appendfsync is no"),
        ("maxmemory-policy", "allkeys-lru", "maxmemory-policy is allkeys-lru"),
        ("maxmemory", "1000000", "of maxmemory is used"),
    ],
)
def test_what_may_lose_an_event_is_named(client: redis.Redis, name: str, value: str, danger: str) -> None:
    """A server that is set so that accepted events may be lost is told from one that is not."""
    with configured(client, name, value):
        found = durability(client, can_wait=True)
    assert any(danger in each for each in dangers(found))


def test_a_full_disk_is_named() -> None:
    """A server whose append-only file cannot be written says so."""
    assert ["disk full" in each for each in dangers(replace(SAFE, last_write_ok=False))] == [True]


def test_a_hosted_server_that_refuses_config_is_read_as_far_as_it_tells(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where CONFIG is refused, appendfsync is not known and the rest is."""

    def refuse(*_: object) -> None:
        raise ResponseError("unknown command 'CONFIG'")

    monkeypatch.setattr(client, "config_get", refuse)
    found = durability(client, can_wait=False)
    assert found.fsync is None
    assert "not told" in told(found)
    assert "no WAITAOF" in told(found)
    assert "nothing on disk" in told(replace(found, append_only=False))
