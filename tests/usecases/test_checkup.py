"""What the doctor finds in the streams and the partitions, and what he says to do."""

from datetime import timedelta

import pytest

from orchestrator.insight import checkup
from orchestrator.insight.checkup import Finding
from orchestrator.intake.streams import Streams, stream_key
from orchestrator.usecases.prune import prune
from tests.usecases.company import DAY, MONDAY, Company
from tests.usecases.world import World

LONG_AGO = timedelta(minutes=6)


def shards(world: World, most_waiting: int | None = None, many: int = 2) -> list[Finding]:
    return list(checkup.shards(Streams(world.client, many), "here", most_waiting))


def waiting(world: World, shard: int, age: timedelta, call: bytes = b"{}") -> None:
    """Put one entry there as if it had come so long ago."""
    seconds, _ = world.client.time()
    world.client.xadd(stream_key(shard), {"call": call}, id=f"{(seconds - age // timedelta(seconds=1)) * 1000}-*")


def test_shards_that_keep_up_are_one_line(bare: World) -> None:
    """Where nothing lags, all shards together are one finding, and it is well."""
    waiting(bare, 1, timedelta(seconds=3))
    (found,) = shards(bare)
    assert found.well
    assert "1 entries in 2 shards, the oldest for " in found.detail


def test_a_shard_that_lags_is_named(bare: World) -> None:
    """The shard whose oldest entry waits too long is named with its length, and the others are not."""
    waiting(bare, 1, LONG_AGO)
    together, named = shards(bare)
    assert not together.well
    assert (named.what, named.well) == ("shard 1", False)
    assert "the oldest for 36" in named.detail


@pytest.mark.parametrize(("entries", "well"), [(8, True), (9, False)])
def test_a_shard_near_its_bound_is_named_before_the_door_refuses(bare: World, entries: int, well: bool) -> None:
    """From four fifths of its bound on a shard is named, with what to do."""
    for _ in range(entries):
        waiting(bare, 0, timedelta(0))
    named = [found for found in shards(bare, most_waiting=10) if found.what == "shard 0"]
    assert all("of 10 at most" in found.detail and "429" in found.detail for found in named)
    assert (named == []) is well


def test_a_batch_that_does_not_get_through_is_named(bare: World) -> None:
    """An entry that was given to a drain again and again is told, however young it is."""
    waiting(bare, 0, timedelta(0))
    for _ in range(checkup.KEEPS_FAILING):
        Streams(bare.client, 1).read(0, "drain")
    assert any("does not get through" in found.detail and not found.well for found in shards(bare))


def test_a_hot_account_is_named(bare: World) -> None:
    """An account that fills most of a shard is named with its share; that alone is no illness."""
    acme, other = Company(), Company(account="umbrella")
    bare.send(*(acme.track("Logged In") for _ in range(400)), *(other.track("Logged In") for _ in range(100)))
    together, hot = shards(bare, many=1)
    assert (hot.what, hot.well, together.well) == ("hot account", True, True)
    assert "80% of the next 500 calls" in hot.detail
    assert "acme" in hot.detail


def test_the_server_of_the_streams_says_what_it_promises(bare: World) -> None:
    """What a 200 rests on is one line; what may lose an accepted event is one more each, and is not well."""
    (found,) = checkup.server(bare.ports.streams)
    assert found.well
    assert "append-only file" in found.detail
    bare.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        _, danger = checkup.server(bare.ports.streams)
    finally:
        bare.client.config_set("maxmemory-policy", "noeviction")
    assert not danger.well
    assert "noeviction" in danger.detail


def test_missing_months_are_told_with_what_makes_them(world: World) -> None:
    """Without a month ahead the doctor says so; after a prune he is content, and names what lies in DEFAULT."""

    def months() -> Finding:
        with world.engine.begin() as connection:
            return checkup.months(connection, world.ports.clock.now(connection))

    assert not months().well
    assert "lifecycle.prune" in months().detail
    prune(world.ports)
    assert months() == Finding(what="partitions", well=True, detail="3 months are made ahead")
    world.at(MONDAY + 200 * DAY)
    world.drain(*Company().sign_up(MONDAY + 200 * DAY))
    prune(world.ports)
    assert months().well
    assert "rows of decisions, events" in months().detail
