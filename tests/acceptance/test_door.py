"""What others wrote, at the gateway of a running installation: clients on roads with faults, recordings, poison.

Each event counts once, state is by event time, and whatever is wrong stands alone in ``rejected_events``.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from subprocess import Popen
from typing import Any

import orjson
import pytest

from orchestrator.intake.streams import GROUP, stream_key
from tests.acceptance import clients
from tests.acceptance.doorway import Doorway, opened
from tests.acceptance.faulty import Fault, Road, every_fault, road
from tests.acceptance.recorded import Recorded, recorded
from tests.acceptance.said import Deed, tale, write
from tests.gateway.wire import exchange, post

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]

CLIENTS = [clients.NODE, *clients.CLIENTS]
DIRECT = "direct"  # who says the same without a gateway, in order
PATIENCE = 90.0  # seconds for a client with all its pauses


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one client's tale."""

    deeds: list[Deed]
    road: Road
    status: int  # the client's exit status
    log: str  # what it complained of


@pytest.fixture(scope="module")
def doorway() -> Iterator[Doorway]:
    with opened() as doorway:
        yield doorway


@pytest.fixture(scope="module")
def told(doorway: Doorway, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """All clients at once, each on a road of its own; and the same tales put on the streams by hand, in order."""
    folder, tales = tmp_path_factory.mktemp("tales"), {name: tale(seed, name) for seed, name in enumerate(CLIENTS)}
    with ExitStack() as roads:
        at_work = [
            _begun(roads, doorway, folder, name, deeds, seed) for seed, (name, deeds) in enumerate(tales.items())
        ]
        for deeds in tales.values():
            doorway.put([_direct(deed).as_call() for deed in sorted(deeds, key=lambda deed: deed.at)], DIRECT)
        try:
            ended = [(process.wait(PATIENCE), way) for process, way in at_work]
        finally:
            for process, _ in at_work:
                process.kill()
    doorway.until_drained()
    return {
        name: Told(deeds=deeds, road=way, status=status, log=(folder / f"{name}.log").read_text())
        for (name, deeds), (status, way) in zip(tales.items(), ended, strict=True)
    }


def _begun(
    roads: ExitStack, doorway: Doorway, folder: Path, name: str, deeds: list[Deed], seed: int
) -> "tuple[Popen[bytes], Road]":
    file = folder / f"{name}.jsonl"
    write(file, deeds)
    way = roads.enter_context(road(doorway.settings.gateway_port, every_fault(seed)))
    return clients.started(name, way.url, doorway.key(name), file, folder / f"{name}.log"), way


def _direct(deed: Deed) -> Deed:
    return replace(deed, account=f"{DIRECT}-{deed.account}", person=f"{DIRECT}-{deed.person}")


@pytest.mark.parametrize("name", CLIENTS)
def test_each_event_of_a_real_client_counts_once(doorway: Doorway, told: dict[str, Told], name: str) -> None:
    """Through 429, 500, dropped connections and lost answers, a client's events are each there, once."""
    seen = told[name]
    assert seen.status == 0, seen.log
    assert set(seen.road.met) == set(Fault), "a fault was not met"
    assert set(seen.road.answers) == {200}
    assert sorted(doorway.ids(name)) == sorted(f"{_before_id(name)}{deed.id}" for deed in seen.deeds)
    assert not doorway.rows("SELECT reason, detail FROM rejected_events WHERE source = :name", name=name)


def _before_id(name: str) -> str:
    """What makes a CloudEvent's id unique stands before it: its source."""
    return f"{clients.CLOUD_SOURCE} " if name.startswith("cloudevents") else ""


@pytest.mark.parametrize("name", CLIENTS)
def test_what_a_real_client_told_is_known_by_event_time(doorway: Doorway, told: dict[str, Told], name: str) -> None:
    """What is known of each account and person is what the same calls say when they come in order."""
    assert told[name].status == 0, told[name].log
    known = doorway.known_of(f"{name}-", f'"{name}"', _before_id(name))
    assert len(known) >= 10
    assert known == doorway.known_of(f"{DIRECT}-{name}-", f'"{DIRECT}"')


# ---------------------------------------------------------------------------------------------------------- recorded


@pytest.mark.parametrize("request_", list(recorded()), ids=lambda each: each.library)
def test_a_recorded_request_is_stored_as_it_means(doorway: Doorway, request_: Recorded) -> None:
    """What Segment's libraries sent is answered exactly 200, and stands in the database as it was said."""
    assert len(request_.text()) == request_.length, "these are not the bytes that were recorded"
    source = f"recorded-{request_.library}"
    key = doorway.key(source)
    basic = "Basic " + b64encode(f"{key}:".encode()).decode()
    (answer,) = exchange(doorway.settings.gateway_port, request_.bytes(basic, key))
    assert answer.status == 200
    doorway.until_drained()
    items = {item["messageId"]: item for item in request_.body["batch"]}
    kept = {
        row["message_id"]: row for row in doorway.rows("SELECT * FROM events WHERE source = :source", source=source)
    }
    waiting = doorway.rows("SELECT event FROM parked_events WHERE event ->> 'source' = :source", source=source)
    assert len(kept) + len(waiting) == len(items)
    for name, row in kept.items():
        item = items[name]
        assert row["kind"] == item["type"]
        assert row["name"] == item.get("event", item["type"])
        assert row["person_id"] in _known_as(item.get("userId") or item.get("anonymousId"))
        said = item.get("properties") or item.get("traits") or {}
        assert said.items() <= row["properties"].items()
        ago = datetime.fromisoformat(request_.body["sentAt"]) - datetime.fromisoformat(item["timestamp"])
        assert row["occurred_at"] == row["received_at"] - ago, "its clock is hours behind ours by now"
        assert row["account_id"] == item.get("groupId", item.get("context", {}).get("groupId", row["account_id"]))


def _known_as(person: str) -> set[str]:
    """The ids of a person: the one that was said, and the one that a recorded alias ties it to."""
    aliases = (item for each in recorded() for item in each.body["batch"] if item["type"] == "alias")
    return {person, *(item["userId"] for item in aliases if item["previousId"] == person)}


# ------------------------------------------------------------------------------------------------------------ poison


def good(number: int, name: str) -> bytes:
    """A neighbour."""
    call = {"type": "track", "messageId": f"{name}-good-{number}", "userId": "ann", "event": "Logged In"}
    return orjson.dumps(call | {"context": {"groupId": f"{name}-company"}})


POISON: dict[str, bytes] = {  # inputs/README.md, "What real clients and servers taught", 6 and 7; each is one item
    "NaN": b'{"type":"track","messageId":"p1","userId":"u","event":"E","properties":{"n":NaN}}',
    "Infinity": b'{"type":"track","messageId":"p2","userId":"u","event":"E","properties":{"n":-Infinity}}',
    "half a character": b'{"type":"track","messageId":"p3","userId":"u","event":"E","properties":{"t":"\\ud83d"}}',
    "NUL": b'{"type":"track","messageId":"p4","userId":"u","event":"E","properties":{"t":"a\\u0000b"}}',
    "not UTF-8": b'{"type":"track","messageId":"p5","userId":"u","event":"\xff\xfe"}',
    "nested deep": b'{"type":"track","messageId":"p6","userId":"u","event":"E","properties":'
    + b'{"a":' * 300
    + b"1"
    + b"}" * 301,
    "too large": b'{"type":"track","messageId":"p7","userId":"u","event":"E","properties":{"t":"'
    + b"x" * 40_000
    + b'"}}',
    "nobody": b'{"type":"track","messageId":"p8","event":"E"}',
    "no type": b'{"messageId":"p9","userId":"u","event":"E","context":{"groupId":"g"}}',
    "a text": b'"text"',
    "a number too large": b'{"type":"track","messageId":"p10","userId":"u","event":"E","properties":{"n":1e999}}',
    "an id too long": b'{"type":"track","messageId":"' + b"m" * 300 + b'","userId":"u","event":"E"}',
}


def test_poison_in_a_batch_leaves_its_neighbours_alone(doorway: Doorway) -> None:
    """A batch with every poison between good calls is answered 200: the good ones count, each bad one is kept."""
    key = doorway.key("poisoned-batch")
    items = [item for number, bad in enumerate(POISON.values()) for item in (good(number, "batch"), bad)]
    body = b'{"batch":[' + b",".join(items) + b"]}"
    (answer,) = exchange(doorway.settings.gateway_port, post("/v1/batch", body, key=key))
    assert answer.status == 200
    assert [each["index"] for each in answer.json["refused"]] == list(range(1, len(items), 2))
    doorway.until_drained()
    assert len(doorway.ids("poisoned-batch")) == len(POISON)
    assert _kept_apart(doorway, "poisoned-batch") == len(POISON)


def test_poison_alone_is_refused_and_kept(doorway: Doorway) -> None:
    """A single bad call is answered 400 with its reason, and stands in `rejected_events` all the same."""
    key = doorway.key("poisoned-call")
    for bad in POISON.values():
        (answer,) = exchange(doorway.settings.gateway_port, post("/v1/track", bad, key=key))
        assert answer.status in {200, 400, 413}, (bad[:100], answer)
        assert answer.status == 200 or answer.is_plain_refusal
    doorway.until_drained()
    assert len(doorway.ids("poisoned-call")) + _kept_apart(doorway, "poisoned-call") == len(POISON)


def test_poison_put_on_a_stream_by_hand_stops_nobody(doorway: Doorway) -> None:
    """Raw entries of every bad kind, and a group that is gone, keep no neighbour from being counted."""
    client, key = doorway.ports.streams.client, stream_key(0)
    doorway.until_drained()
    before = _kept_apart(doorway)
    strange: list[dict[Any, Any]] = [
        *({b"call": bad, b"source": b"poisoned-stream"} for bad in POISON.values()),
        {b"\xff\xfe": b"\x00\x01"},
        {b"payload": b"{}"},
        {b"call": b""},
        {b"call": b"\x82\xa4type\xa5track\xa5event\xa1E"},  # msgpack
        {b"call": good(900, "stream"), b"source": b"lifecycle"},
        {b"call": good(901, "stream"), b"source": b"\xff"},
        {b"call": good(902, "stream"), b"received_at": b"never"},
    ]
    for number, fields in enumerate(strange):
        client.xadd(key, fields)
        client.xadd(key, {"call": good(number, "stream"), "source": "poisoned-stream"})
        if number == len(strange) // 2:
            client.xgroup_destroy(key, GROUP)
    client.execute_command(  # type: ignore[no-untyped-call]  # redis-py gives it no types
        "XADD", key, "*", "call", b"{", "call", good(903, "stream"), "source", "poisoned-stream"
    )
    doorway.until_drained()
    assert len(doorway.ids("poisoned-stream")) == len(strange) + 1
    assert _kept_apart(doorway) - before == len(strange)


def test_an_id_in_the_far_future_says_nothing_of_time(doorway: Doorway) -> None:
    """An entry whose id lies centuries ahead is decided at once, and events after it too."""
    client, key = doorway.ports.streams.client, stream_key(1)
    client.xadd(key, {"call": good(1, "future"), "source": "future"}, id="9999999999999-0")
    client.xadd(key, {"call": good(2, "future"), "source": "future"})
    doorway.until_drained()
    assert len(doorway.ids("future")) == 2
    assert doorway.value("SELECT max(occurred_at) < now() FROM events WHERE source = 'future'")


def _kept_apart(doorway: Doorway, source: str | None = None) -> int:
    kept = doorway.rows("SELECT raw FROM rejected_events")
    return sum(source is None or source.encode() in bytes(row["raw"]) for row in kept)
