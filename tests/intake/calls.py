"""Calls for the tests: the recorded ones, and small ones of our own."""

import json
from datetime import UTC, datetime
from pathlib import Path

import orjson

from orchestrator.core.events import Json

INPUTS = Path(__file__).parent.parent / "inputs"
NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)  # after everything that was recorded


def call(**fields: Json) -> dict[str, Json]:
    """A good track call with some fields set otherwise; a field set to ... would not be JSON, None stays null."""
    track: dict[str, Json] = {
        "type": "track",
        "messageId": "m-1",
        "userId": "u-1",
        "event": "Signed In",
        "timestamp": "2026-11-22T12:00:00.000Z",
        "properties": {},
        "context": {"groupId": "acme"},
    }
    return track | fields


def raw(**fields: Json) -> bytes:
    """The same as bytes."""
    return orjson.dumps(call(**fields))


def recorded_requests() -> dict[str, list[bytes]]:
    """The calls of each recorded request of Segment's libraries."""
    return {
        path.stem: [orjson.dumps(item) for request in json.loads(path.read_text()) for item in request["body"]["batch"]]
        for path in sorted((INPUTS / "clients").glob("segment_*.json"))
    }


def recorded_events() -> dict[str, list[bytes]]:
    """The lines of each recorded data set."""
    return {path.stem: path.read_bytes().splitlines() for path in sorted((INPUTS / "events").glob("*.jsonl"))}
