"""The streams, on a real Valkey, in both of its protocols."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from orchestrator.core.events import Json
from orchestrator.intake import streams as module
from orchestrator.intake.entries import Entry, Rejected, decode
from orchestrator.intake.segment import Rejection
from orchestrator.intake.streams import (
    Batch,
    DecodingClientError,
    Lag,
    Origin,
    Streams,
    lease_key,
    shard_of,
    stream_key,
)
from tests.broker import running_valkey
from tests.intake.calls import NOW, raw, recorded_requests

AT_ONCE = timedelta(0)
MINUTE = timedelta(minutes=1)


def calls(count: int, **fields: Json) -> list[bytes]:
    return [raw(messageId=f"m-{number}", **fields) for number in range(count)]


def one_shard(client: redis.Redis, reclaim_after: timedelta = MINUTE) -> Streams:
    return Streams(client, 1, reclaim_after=reclaim_after)


def bodies(batch: Batch) -> list[bytes]:
    opened = [decode(stream_key(0), entry_id, fields, now=NOW) for entry_id, fields in batch.entries]
    return [entry.call for entry in opened if isinstance(entry, Entry)]


def batches(streams: Streams, consumer: str, count: int = 500) -> Iterator[Batch]:
    """What is read until nothing is left, each batch acknowledged."""
    for batch in takewhile(bool, iter(lambda: streams.read(0, consumer, count), None)):
        yield batch
        streams.ack(0, batch.ids)


def test_shards_are_a_function_of_the_account() -> None:
    """Shards are a function of the account: the same in every run, and within bounds."""
    assert shard_of("acme", 4000) == 2814
    assert {shard_of(f"account-{number}", 4) for number in range(100)} == {0, 1, 2, 3}
    assert shard_of("\ud83d", 1) == 0


def test_calls_come_out_as_they_went_in(client: redis.Redis) -> None:
    """Calls are read in order with their source and reception, and are gone once acknowledged."""
    streams = one_shard(client)
    sent = [body for request in recorded_requests().values() for body in request]
    published = streams.publish(sent, source="crm", received_at=NOW)
    batch = streams.read(0, "a")
    assert batch.origin is Origin.NEW
    assert bodies(batch) == sent
    assert batch.ids == published.entry_ids
    first = decode(stream_key(0), *batch.entries[0], now=NOW + MINUTE)
    assert isinstance(first, Entry)
    assert (first.source, first.received_at, first.stamped) == ("crm", NOW, True)
    streams.ack(0, batch.ids)
    assert not streams.read(0, "a")
    assert streams.lag(0) == Lag(length=0, pending=0, oldest_idle_ms=0, oldest_deliveries=0)


def test_an_account_stays_in_its_shard(client: redis.Redis) -> None:
    """Each call goes to the shard of its account, else of its person."""
    streams = Streams(client, 4)
    accounts = [f"account-{number}" for number in range(40)]
    streams.publish([raw(context={"groupId": account}) for account in accounts])
    streams.publish([raw(context=None, userId="u-7"), raw(type="group", groupId="acme")])
    for shard in range(4):
        entries = [decode(stream_key(shard), *entry, now=NOW) for entry in streams.read(shard, "a").entries]
        for entry in entries:
            assert isinstance(entry, Entry)
            event = entry.parse().event
            assert shard_of(event.account or event.person or "", 4) == shard


def test_poison_is_published_and_does_no_harm(client: redis.Redis) -> None:
    """What cannot be read goes to shard 0, is refused there by name, and its neighbours are read."""
    streams = Streams(client, 4)
    streams.publish([b"\xff\xfe", b"", b'{"a": NaN}', b"[" * 40_000])
    client.xadd(stream_key(0), {b"\xff": b"\xfe", b"other": b"1"})
    client.xadd(stream_key(0), {"call": raw(), "source": "lifecycle"})
    client.xadd(stream_key(0), {"call": raw()}, id="18446744073709551614-1")
    outcomes = [decode(stream_key(0), *entry, now=NOW) for entry in streams.read(0, "a").entries]
    reasons = []
    for outcome in outcomes:
        if isinstance(outcome, Rejected):
            reasons.append(outcome.reason.value)
        else:
            try:
                reasons.append(outcome.parse().event.name)
            except Rejection as rejection:
                reasons.append(rejection.reason.value)
    expected = ["not_utf8", "not_json", "not_a_number", "too_large", "missing_field", "bad_field", "Signed In"]
    assert reasons == expected


def test_doubled_fields_arrive(client: redis.Redis) -> None:
    """All fields of an entry are read as they were written, doubles too."""
    words = [b"call", b"old", b"call", b"new"]
    client.execute_command("XADD", stream_key(0), "*", *words)  # type: ignore[no-untyped-call] # redis-py has no types
    ((_, fields),) = one_shard(client).read(0, "a").entries
    assert fields == words


def test_a_decoding_client_is_refused(valkey_socket: str) -> None:
    """A client that decodes its answers is refused at once: one entry that is not UTF-8 would block the shard."""
    with (
        redis.Redis(unix_socket_path=valkey_socket, decode_responses=True) as decoding,
        pytest.raises(DecodingClientError),
    ):
        Streams(decoding, 1)


def test_a_group_begins_with_what_was_there_before(client: redis.Redis) -> None:
    """Entries that were added before any group existed are read."""
    client.xadd(stream_key(0), {"call": b"early"})
    assert bodies(one_shard(client).read(0, "a")) == [b"early"]


def test_flushall_is_survived(client: redis.Redis) -> None:
    """After FLUSHALL the group is made again by the next read, in every state that a reader may be in."""
    streams = one_shard(client, AT_ONCE)
    streams.publish(calls(3))
    batch = streams.read(0, "a")
    client.flushall()
    streams.ack(0, batch.ids)
    streams.publish(calls(2))
    assert len(streams.read(0, "a").entries) == 2
    client.flushall()
    assert not streams.read(0, "a")
    assert streams.lag(0).pending == 0


def test_creating_a_group_twice_does_nothing(client: redis.Redis) -> None:
    """A group that exists stays as it is."""
    streams = one_shard(client)
    streams.publish(calls(1))
    batch = streams.read(0, "a")
    streams.create_group(0)
    assert streams.lag(0).pending == len(batch.ids)


def test_a_key_of_another_kind_is_an_error(client: redis.Redis) -> None:
    """A key that is no stream is the server's error, passed through by every method."""
    client.set(stream_key(0), "text")
    streams = one_shard(client)
    for attempt in (
        lambda: streams.read(0, "a"),
        lambda: streams.publish(calls(1)),
        lambda: streams.create_group(0),
        lambda: streams.lag(0),
        lambda: streams.forget_idle(0, AT_ONCE),
    ):
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            attempt()


def test_a_server_that_is_gone_is_an_error() -> None:
    """A connection that fails is the client's error, passed through."""
    with redis.Redis(unix_socket_path="/nowhere/valkey.sock", retry=Retry(NoBackoff(), 0)) as nowhere:
        streams = Streams(nowhere, 1)
        with pytest.raises(redis.ConnectionError):
            streams.read(0, "a")
        with pytest.raises(redis.ConnectionError):
            streams.publish(calls(1))


def test_a_failed_batch_is_read_again(client: redis.Redis) -> None:
    """What was read and not acknowledged is read again before anything new, all of it."""
    streams = one_shard(client)
    streams.publish(calls(5))
    assert len(streams.read(0, "a", 3).entries) == 3
    again = streams.read(0, "a", 2)
    assert (again.origin, len(again.entries)) == (Origin.OWN, 2)
    seen = [(batch.origin.value, len(batch.entries)) for batch in batches(streams, "a", 2)]
    assert seen == [("own", 2), ("own", 1), ("new", 2)]


def test_a_restarted_consumer_finds_its_own(client: redis.Redis) -> None:
    """A consumer of the same name in a new process first gets what the old one held, without waiting to reclaim."""
    one_shard(client).publish(calls(4))
    held = one_shard(client).read(0, "a", 3)
    seen = [(batch.origin, batch.ids) for batch in batches(one_shard(client), "a", 3)]
    assert seen[0] == (Origin.OWN, held.ids)
    assert [origin for origin, _ in seen] == [Origin.OWN, Origin.NEW]


KILLED = """
import sys, redis
from orchestrator.intake.streams import Streams
batch = Streams(redis.Redis(unix_socket_path=sys.argv[1]), 1).read(0, "doomed")
print(len(batch.entries), flush=True)
sys.stdin.read()
"""


def test_a_killed_consumers_entries_are_reclaimed(client: redis.Redis, valkey_socket: str) -> None:
    """What a consumer had read when it was killed is given to another, once, and nothing is lost."""
    one_shard(client).publish(calls(7))
    doomed = subprocess.Popen(
        [sys.executable, "-c", KILLED, valkey_socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert doomed.stdout is not None
    assert doomed.stdout.readline() == "7\n"
    doomed.kill()
    doomed.communicate()
    one_shard(client).publish(calls(2, event="Later"))
    assert bodies(one_shard(client).read(0, "patient")) == calls(2, event="Later")
    heir = one_shard(client, AT_ONCE)
    reclaimed = heir.read(0, "heir", 500)
    assert reclaimed.origin is Origin.RECLAIMED
    assert bodies(reclaimed) == [*calls(7), *calls(2, event="Later")]
    heir.ack(0, reclaimed.ids)
    assert not heir.read(0, "heir")
    assert client.xlen(stream_key(0)) == 0


def test_a_sweep_goes_to_its_end_over_reads(client: redis.Redis) -> None:
    """Reclaiming goes on from read to read, and its next pass waits for reclaim_after."""
    streams = one_shard(client)
    streams.publish(calls(10))
    streams.read(0, "dead")
    heir = one_shard(client, AT_ONCE)
    sizes = [len(batch.entries) for batch in batches(heir, "heir", 4)]
    assert sizes == [4, 4, 2]
    assert streams._sweeps[0].is_due is False


def test_a_sweep_passes_over_what_is_not_idle(client: redis.Redis) -> None:
    """More pending entries than one step looks at do not keep a sweep from its end, nor new entries waiting."""
    one_shard(client).publish(calls(50))
    one_shard(client).read(0, "busy", 49)
    streams = one_shard(client)
    batch = streams.read(0, "other", 1)
    assert (batch.origin, bodies(batch)) == (Origin.NEW, calls(50)[49:])
    assert streams._sweeps[0].cursor == b"0-0"


@pytest.mark.parametrize("consumer", ["a", "b"])
def test_deleted_pending_entries_are_reported(client: redis.Redis, consumer: str) -> None:
    """An entry that was deleted while it was pending is named as lost, once, by its own reader or another."""
    streams = one_shard(client, MINUTE if consumer == "a" else AT_ONCE)
    first, second = streams.publish(calls(2)).entry_ids
    one_shard(client).read(0, "a")
    client.xdel(stream_key(0), first)
    seen = list(batches(streams, consumer))
    assert [lost for batch in seen for lost in batch.lost] == [first]
    assert [entry_id for batch in seen for entry_id, _ in batch.entries] == [second]
    assert streams.lag(0).pending == 0


def test_own_deleted_entries_are_reported(client: redis.Redis) -> None:
    """A lost entry that shows between two sweeps is named when its reader reads its own again."""
    streams = one_shard(client)
    assert not streams.read(0, "a")
    first, second = streams.publish(calls(2)).entry_ids
    streams.read(0, "a")
    client.xdel(stream_key(0), first)
    batch = streams.read(0, "a")
    assert (batch.origin, batch.lost, batch.ids) == (Origin.OWN, (first,), (second, first))
    streams.ack(0, batch.ids)
    assert not streams.read(0, "a")
    assert streams.lag(0).pending == 0


def test_a_batch_of_losses_alone_is_no_empty_batch(client: redis.Redis) -> None:
    """A read that finds only lost entries says so instead of ending the drain."""
    streams = one_shard(client)
    (only,) = streams.publish(calls(1)).entry_ids
    streams.read(0, "a")
    client.xtrim(stream_key(0), maxlen=0, approximate=False)
    batch = streams.read(0, "a")
    assert batch
    assert (batch.entries, batch.lost) == ((), (only,))


def test_acknowledging_nothing_sends_nothing() -> None:
    """An empty acknowledgement needs no server."""
    one_shard(redis.Redis(unix_socket_path="/nowhere/valkey.sock")).ack(0, ())


def test_a_zombies_acknowledgement_is_harmless(client: redis.Redis) -> None:
    """Two consumers that hold the same entries may both acknowledge them."""
    zombie, heir = one_shard(client), one_shard(client, AT_ONCE)
    zombie.publish(calls(3))
    held = zombie.read(0, "zombie")
    reclaimed = heir.read(0, "heir")
    assert held.entries == reclaimed.entries
    heir.ack(0, reclaimed.ids)
    zombie.publish(calls(1))
    zombie.ack(0, held.ids)
    assert len(zombie.read(0, "zombie").entries) == 1


@pytest.mark.parametrize("count", [0, 1, 500, 501, 1203])
def test_publishing_many_can_be_confirmed(client: redis.Redis, count: int) -> None:
    """Any number of calls is published in order, and the server confirms that all are fsynced."""
    streams = one_shard(client)
    assert streams.can_wait
    published = streams.publish((body for body in calls(count)), durable_ms=2000)
    assert published.durable
    assert len(set(published.entry_ids)) == count == client.xlen(stream_key(0))
    assert [body for batch in batches(streams, "a") for body in bodies(batch)] == calls(count)


@pytest.mark.parametrize("count", [0, 1, 501])
def test_putting_back_many_can_be_confirmed(client: redis.Redis, count: int) -> None:
    """Whole entries, with all their fields, go back in order, and the server confirms that they are fsynced."""
    streams = one_shard(client)
    entries = [(b"call", call, b"source", b"crm") for call in calls(count)]
    back = streams.put_back(iter(entries), durable_ms=2000)
    assert back.durable
    assert len(set(back.entry_ids)) == count == client.xlen(stream_key(0))
    assert [tuple(fields) for batch in batches(streams, "a") for _, fields in batch.entries] == entries


def test_without_asking_nothing_is_confirmed(client: redis.Redis) -> None:
    """A publication that did not ask for durability does not claim it."""
    assert not one_shard(client).publish(calls(1)).durable


def test_without_an_append_only_file_nothing_is_durable(client: redis.Redis) -> None:
    """A server that keeps no append-only file takes the calls and confirms nothing."""
    client.config_set("appendonly", "no")
    try:
        published = one_shard(client).publish(calls(2), durable_ms=100)
    finally:
        client.config_set("appendonly", "yes")
    assert not published.durable
    assert client.xlen(stream_key(0)) == 2


def test_an_old_server_confirms_nothing(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server does not know WAITAOF, calls are published and nothing is claimed."""
    monkeypatch.setattr(Streams, "_send", lambda *_: [None])
    streams = one_shard(client)
    assert not streams.publish(calls(1), durable_ms=100).durable
    assert client.xlen(stream_key(0)) == 1


def test_a_restart_between_pipelines_is_not_durable() -> None:
    """What an earlier run of the server took is not vouched for by a later one."""

    def added(run_id: str | None, *, is_fsynced: bool) -> Any:  # noqa: ANN401 -- a value of the module's own
        return module._Added(entry_ids=[], run_id=run_id, is_fsynced=is_fsynced)

    assert module._is_durable([added("1", is_fsynced=False), added("1", is_fsynced=True)])
    assert not module._is_durable([added("1", is_fsynced=False), added("2", is_fsynced=True)])
    assert not module._is_durable([added("1", is_fsynced=False)])
    assert not module._is_durable([added(None, is_fsynced=True)])


def test_a_full_server_refuses_a_publication(client: redis.Redis) -> None:
    """A call that the server has no memory for is the server's error: it is never taken for published."""
    client.config_set("maxmemory", "1")
    try:
        with pytest.raises(redis.ResponseError, match="maxmemory"):
            one_shard(client).publish(calls(1))
    finally:
        client.config_set("maxmemory", "0")


def test_a_killed_server_keeps_what_it_confirmed(valkey_folder: Path) -> None:
    """After kill -9 of the server all that was confirmed is there, and what was pending comes back to its reader."""
    folder = valkey_folder / "killed"
    folder.mkdir()
    with running_valkey(folder) as socket, redis.Redis(unix_socket_path=socket) as client:
        streams = one_shard(client)
        assert streams.publish(calls(700), durable_ms=2000).durable
        held = streams.read(0, "a", 300)
    with running_valkey(folder) as socket, redis.Redis(unix_socket_path=socket) as client:
        seen = list(batches(one_shard(client), "a"))
        assert seen[0].ids == held.ids
        assert [body for batch in seen for body in bodies(batch)] == calls(700)


def test_one_owner_holds_a_lease(client: redis.Redis) -> None:
    """A lease is one owner's until it is released or runs out; its owner may take it again."""
    streams = one_shard(client)
    assert streams.lease(0, "a", MINUTE)
    assert streams.lease(0, "a", 2 * MINUTE)
    assert 60_000 < client.pttl(lease_key(0)) <= 120_000
    assert not streams.lease(0, "b", MINUTE)
    assert not streams.renew(0, "b", MINUTE)
    assert not streams.release(0, "b")
    assert streams.release(0, "a")
    assert not streams.release(0, "a")
    assert not streams.renew(0, "a", MINUTE)
    assert streams.lease(0, "b", MINUTE)
    assert streams.lease(1, "a", MINUTE)


def test_lag_says_what_waits(client: redis.Redis) -> None:
    """Lag counts what is there, what is pending, and how long and how often the oldest was given."""
    streams = one_shard(client)
    assert streams.lag(0) == Lag(length=0, pending=0, oldest_idle_ms=0, oldest_deliveries=0)
    streams.publish(calls(5))
    assert (streams.lag(0).length, streams.lag(0).waiting) == (5, 5)
    streams.read(0, "a", 3)
    streams.read(0, "a", 3)
    lag = streams.lag(0)
    assert (lag.length, lag.pending, lag.waiting, lag.oldest_deliveries) == (5, 3, 2, 2)
    client.xclaim(stream_key(0), "lifecycle", "a", 0, [streams.read(0, "a").ids[0]], idle=90_000)
    assert streams.lag(0).oldest_idle_ms >= 90_000


def test_the_age_of_the_oldest_entry_is_counted_from_its_xadd(client: redis.Redis) -> None:
    """What the server wrote as an entry's id says since when it waits, by the server's own clock."""
    seconds, _ = client.time()
    client.xadd(stream_key(0), {"call": b"{}"}, id=f"{(seconds - 90) * 1000}-0")
    assert one_shard(client).lag(0).oldest_age_ms in range(90_000, 100_000)


@pytest.mark.parametrize("entry_id", ["99999999999999-0", "7-1"])
def test_an_id_that_a_producer_made_up_is_not_believed(client: redis.Redis, entry_id: str) -> None:
    """An id in the future or one that only counts says nothing of the age; the reception does, where it is given."""
    stamp = (datetime.now(UTC) - MINUTE).isoformat()
    client.xadd(stream_key(0), {"call": b"{}", "received_at": stamp}, id=entry_id)
    client.xadd(stream_key(1), {"call": b"{}"}, id=entry_id)
    assert one_shard(client).lag(0).oldest_age_ms in range(59_000, 70_000)
    assert one_shard(client).lag(1).oldest_age_ms is None


def test_the_head_of_a_shard_is_looked_at_without_being_taken(client: redis.Redis) -> None:
    """The first calls of a shard are shown, pending or not, and nothing is taken by looking."""
    streams = one_shard(client)
    streams.publish(calls(5))
    streams.read(0, "a", 2)
    client.xadd(stream_key(0), {"other": b"field"})
    assert streams.head(0, 3) == tuple(calls(3))
    assert streams.head(0) == tuple(calls(5))
    assert streams.lag(0).pending == 2
    assert streams.head(7) == ()


def test_idle_consumers_are_forgotten_unless_they_hold_something(client: redis.Redis) -> None:
    """Only names without pending entries, not heard of for long enough, are removed."""
    streams = one_shard(client)
    assert streams.forget_idle(0, AT_ONCE) == ()
    streams.publish(calls(3))
    streams.read(0, "holder", 2)
    streams.ack(0, streams.read(0, "gone", 1).ids)
    assert streams.forget_idle(0, MINUTE) == ()
    assert streams.forget_idle(0, AT_ONCE) == ("gone",)
    assert streams.forget_idle(0, AT_ONCE) == ()
    assert streams.lag(0).pending == 2
    client.xgroup_destroy(stream_key(0), "lifecycle")
    assert streams.forget_idle(0, AT_ONCE) == ()


def test_the_streams_are_never_trimmed() -> None:
    """No statement of the room trims a stream, by length or by age."""
    source = Path(module.__file__).read_text().lower()
    assert not {"maxlen", "minid", "xtrim"} & set(source.replace("(", " ").replace("=", " ").replace('"', " ").split())
