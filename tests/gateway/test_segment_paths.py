"""Segment's paths: what comes in over HTTP stands on the streams, judged item by item."""

from collections.abc import Mapping
from typing import Any

import orjson

from orchestrator.core.events import Json
from tests.gateway.live import Gateway

TRACK: Mapping[str, Json] = {
    "type": "track",
    "messageId": "m-1",
    "userId": "u-1",
    "event": "Signed In",
    "timestamp": "2026-11-22T12:00:00.000Z",
    "context": {"groupId": "acme"},
}


def track(**fields: Json) -> dict[str, Json]:
    return {**TRACK, **fields}


def calls(gateway: Gateway) -> list[dict[str, Any]]:
    return [orjson.loads(entry[b"call"]) for entry in gateway.entries()]


def test_a_track_is_on_the_streams_when_it_is_answered(gateway: Gateway) -> None:
    """A track is answered exactly 200, and stands on the streams under its key's source with its reception."""
    answer = gateway.post("/v1/track", {key: value for key, value in track().items() if key != "type"})
    assert (answer.status, answer.json()) == (200, {"success": True})
    (entry,) = gateway.entries()
    assert entry[b"source"] == b"shop"
    assert entry[b"received_at"]
    assert orjson.loads(entry[b"call"])["type"] == "track"


def test_one_bad_item_leaves_its_batch_alone(gateway: Gateway) -> None:
    """A batch with a bad item is answered 200 with its name; all of it is on the streams, the bad one marked."""
    batch = [track(messageId="a"), track(messageId="b", userId=None, context={}), track(messageId="c")]
    answer = gateway.post("/v1/batch", {"batch": [*batch]})
    assert answer.status == 200
    assert (answer["success"], answer["accepted"]) == (True, 2)
    assert [(each["index"], each["messageId"], each["code"]) for each in answer["refused"]] == [(1, "b", "no_identity")]
    marks = {orjson.loads(entry[b"call"])["messageId"]: entry.get(b"refused", b"") for entry in gateway.entries()}
    assert {key: bool(mark) for key, mark in marks.items()} == {"a": False, "b": True, "c": False}
    assert marks["b"].startswith(b"no_identity: ")
