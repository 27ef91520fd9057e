"""Bodies to items, until ``intake.formats`` is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from hashlib import sha256

import orjson

from orchestrator.core.events import Json
from orchestrator.intake.segment import Rejection, RejectionReason, belongs_to, parse_call


@unique
class Dialect(StrEnum):
    """How a body is spelt."""

    TRACK = "track"
    IDENTIFY = "identify"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"
    BATCH = "batch"

    @property
    def is_batch(self) -> bool:
        """Whether a body has many."""
        return self is Dialect.BATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One event of a body."""

    call: bytes
    message_id: str | None
    whose: str | None
    refusal: Rejection | None


def read(
    dialect: Dialect,
    body: bytes,
    headers: Mapping[str, str],  # noqa: ARG001 -- the interface
    *,
    received_at: datetime,
) -> tuple[Item, ...]:
    """The items of a body."""
    told = _loaded(body)
    told.pop("writeKey", None)
    if dialect is not Dialect.BATCH:
        return (_item({**told, "type": dialect.value}, received_at),)
    calls = told.get("batch")
    if not isinstance(calls, list):
        raise Rejection(RejectionReason.MISSING_FIELD, "batch")
    shared = {key: told[key] for key in ("sentAt",) if key in told}
    return tuple(_item({**shared, **call} if isinstance(call, dict) else call, received_at) for call in calls)


def secret_in(body: bytes) -> str | None:
    """The write key that a body shows."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    found = (told.get("writeKey") or told.get("api_key")) if isinstance(told, dict) else None
    return found if isinstance(found, str) else None


def _loaded(body: bytes) -> dict[str, Json]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Rejection(RejectionReason.NOT_JSON, str(error)) from None
    if not isinstance(told, dict):
        raise Rejection(RejectionReason.BAD_FIELD, "the body: expected an object")
    return told


def _item(call: Json, received_at: datetime) -> Item:
    if isinstance(call, dict) and not call.get("messageId"):
        call = {**call, "messageId": sha256(orjson.dumps(call)).hexdigest()}
    raw = orjson.dumps(call)
    told = call.get("messageId") if isinstance(call, dict) else None
    message_id = told if isinstance(told, str) else None
    try:
        parse_call(raw, source="x", received_at=received_at)
    except Rejection as rejection:
        return Item(call=raw, message_id=message_id, whose=None, refusal=rejection)
    return Item(call=raw, message_id=message_id, whose=belongs_to(raw), refusal=None)
