"""Bodies: the bytes of a request become items, each judged by itself, so that a bad one harms no other.

A good body is read once by orjson. One that it refuses is cut into its items (``scan``), and each is read alone: the
poisoned ones are refused with the bytes they came in, their neighbours are what they were.

What a batch says of all its items is merged into each: ``context`` beneath the item's own, ``integrations``,
``channel``, ``sentAt`` and ``receivedAt`` where the item has none. Whoever sends us a call is the client itself, so its
``timestamp`` is that of its own clock: beside a ``sentAt`` it is put down as ``originalTimestamp`` too, from which
``segment`` makes its correction. The keys by which a library shows who it is are taken out.
"""

import re
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from urllib.parse import unquote_to_bytes

import orjson

from orchestrator.core.events import Json
from orchestrator.intake import segment
from orchestrator.intake.formats import cloudevents, plain, posthog
from orchestrator.intake.formats.content import as_segment
from orchestrator.intake.formats.items import (
    MOST_BATCH_BYTES,
    MOST_BODY,
    MOST_ITEMS,
    MOST_LISTED,
    Dialect,
    Item,
    Reception,
)
from orchestrator.intake.formats.scan import members, parts
from orchestrator.intake.poison import BOM, diagnosis, loaded, refuse_unfit, sort_of
from orchestrator.intake.rejection import Rejection, RejectionReason
from orchestrator.intake.segment import MOST_BYTES

SECRETS = ("writeKey", "api_key", "token")  # members of a body by which its sender shows who it is
_SECRET = re.compile(rb'("(?:writeKey|api_key|token)"\s*:\s*)"(?:[^"\\]++|\\.)*+"', re.DOTALL)
SHARED = (
    "context",
    "integrations",
    "channel",
    "sentAt",
    "receivedAt",
    "sent_at",
)  # what a batch says once for all its items
MOST_SHOWN = 1_000  # places of a body that are looked at for a key: each item of PostHog's has one
_SHOWN = re.compile(rb'"(writeKey|api_key|token)"\s*:\s*"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_GZIP = b"\x1f\x8b"
_FORM = re.compile(rb"\s*(?:[\w.]+=[^&]*&)*?data=([^&]*)", re.DOTALL)


def read(
    dialect: Dialect, body: bytes, headers: Mapping[str, str], *, received_at: datetime, stamped: bool = True
) -> tuple[Item, ...]:
    """The items of a body, one for each event that it was meant to hold, in their order.

    ``received_at`` (aware UTC) is the reception, or, where not ``stamped``, only the time of reading. Raises Rejection
    when the body as a whole cannot be read, and nothing else whatever the bytes; what is wrong with one item stands in
    its ``refusal``.
    """
    at = Reception(at=received_at, stamped=stamped)
    if dialect in {Dialect.CLOUDEVENTS, Dialect.PLAIN} and cloudevents.is_binary(headers):
        return (_binary(headers, body, at),)
    body = _opened(body)
    if len(body) > MOST_BODY:
        raise Rejection(RejectionReason.TOO_LARGE, f"the body: {len(body)} bytes; at most {MOST_BODY}")
    try:
        return _strictly(dialect, body, at)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        return _leniently(dialect, body, at, str(error))


def secret_in(body: bytes) -> str | None:
    """The write key that a body shows (``writeKey``, ``api_key``, ``token``), also one that a strict parser refuses."""
    try:
        body = _opened(body)
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = _shown(body)
    except Rejection:
        return None
    if isinstance(told, list) and told:
        told = told[0]
    return _secret(told) if isinstance(told, dict) else None


def _shown(body: bytes) -> Json:
    """What looks like a write key in a body that is no JSON; found without reading it: a stranger may have sent it."""
    found = {
        match[1].decode(): match[2] for match in islice(_SHOWN.finditer(body), MOST_SHOWN) if b"\\" not in match[2]
    }
    return {word: value.decode("utf-8", "replace") for word, value in found.items()}


def _secret(told: Mapping[str, Json]) -> str | None:
    found = next((told[word] for word in SECRETS if told.get(word)), None)
    if found is None and isinstance(properties := told.get("properties"), dict):
        found = properties.get("token")
    return found if isinstance(found, str) else None


def redacted(body: bytes) -> bytes:
    """The bytes with the values of all write keys in them taken out, whatever else they are."""
    return _SECRET.sub(rb'\1""', body)


# ---------------------------------------------------------------------------------------------------------- opening


def _opened(body: bytes) -> bytes:
    """The JSON in a body: as it is, or in a form's field ``data``, as base64, gzipped; raises Rejection."""
    body = body.removeprefix(BOM)
    form = _FORM.match(body)
    if form is None:
        return body
    held = unquote_to_bytes(form[1].replace(b"+", b" "))
    if held.lstrip()[:1] in {b"{", b"["}:
        return held
    try:
        held = b64decode(held.replace(b" ", b"+"), validate=True)
    except ValueError:
        raise Rejection(RejectionReason.NOT_JSON, "data: expected JSON, or base64 of it") from None
    return _inflated(held) if held.startswith(_GZIP) else held


def _inflated(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(packed, MOST_BODY + 1)
    except zlib.error:
        raise Rejection(RejectionReason.NOT_JSON, "data: gzip that cannot be unpacked") from None


def _binary(headers: Mapping[str, str], body: bytes, at: Reception) -> Item:
    """The one event of a request of CloudEvents' binary mode."""
    try:
        event = cloudevents.from_headers(headers)
    except Rejection as rejection:
        return Item(call=body, message_id=None, whose=None, refusal=rejection, is_alone=True)
    try:
        if len(body) > MOST_BYTES:
            raise _too_large(len(body))
        return _judged(cloudevents.with_body(event, body), at, is_alone=True)
    except (Rejection, orjson.JSONEncodeError) as fault:
        refusal = fault if isinstance(fault, Rejection) else Rejection(RejectionReason.BAD_FIELD, "data: too deep")
        return Item(call=cloudevents.kept(event, body), message_id=None, whose=None, refusal=refusal, is_alone=True)


def _too_large(size: int) -> Rejection:
    return Rejection(RejectionReason.TOO_LARGE, f"{size} bytes; at most {MOST_BYTES}")


# --------------------------------------------------------------------------------------------------------- good ones


def _strictly(dialect: Dialect, body: bytes, at: Reception) -> tuple[Item, ...]:
    """The items of a body that is JSON; raises orjson's errors when it is none, or is too deep to be written again."""
    told = orjson.loads(body)
    if isinstance(told, list):
        return tuple(_each(told, {}, dialect, body, at))
    if isinstance(told, dict) and isinstance(told.get("batch"), list):
        return tuple(_each(told["batch"], _shared(told), dialect, body, at))
    if dialect is Dialect.BATCH and not (isinstance(told, dict) and _is_call(told)):
        _refuse_batch(told)
    return (_item(told, {}, dialect, at, is_alone=True),)


def _is_call(told: Mapping[str, Json]) -> bool:
    return "batch" not in told and ("type" in told or "event" in told)


def _refuse_batch(told: Json) -> None:
    if isinstance(told, dict) and told.get("batch") is None:
        raise Rejection(RejectionReason.MISSING_FIELD, "batch")
    found = told["batch"] if isinstance(told, dict) else told
    raise Rejection(RejectionReason.BAD_FIELD, f"batch: expected a list, got {sort_of(found)}")


def _shared(told: Mapping[str, Json]) -> dict[str, Json]:
    """What a batch says of all its items."""
    return {word: told[word] for word in SHARED if told.get(word) is not None}


def _said(named: Mapping[bytes, bytes], words: Sequence[str]) -> dict[str, Json]:
    """Some members of an object that was cut, each read by itself; raises Rejection."""
    return {word: loaded(named[word.encode()]) for word in words if word.encode() in named}


def _each(
    calls: Sequence[Json], envelope: Mapping[str, Json], dialect: Dialect, body: bytes, at: Reception
) -> Iterator[Item]:
    _bound(len(calls))
    size, is_large = 0, len(body) > MOST_BATCH_BYTES
    for index, call in enumerate(calls):
        size += len(orjson.dumps(call)) + 1 if is_large else 0
        item = _item(call, envelope, dialect, at)
        yield _beyond(item) if index >= MOST_ITEMS or size > MOST_BATCH_BYTES else item


def _bound(items: int) -> None:
    """Refuse a body of so many items that to refuse each of them would itself be the harm."""
    if items > MOST_LISTED:
        raise Rejection(RejectionReason.TOO_MANY, f"the body: {items} items; at most {MOST_LISTED} are looked at")


def _beyond(item: Item) -> Item:
    """An item that is too many: by itself it may be good, so it is kept to be put back."""
    told = f"at most {MOST_ITEMS} items and {MOST_BATCH_BYTES} bytes a batch"
    refusal = item.refusal or Rejection(RejectionReason.TOO_MANY, told)
    return Item(call=item.call, message_id=item.message_id, whose=item.whose, refusal=refusal)


def _item(call: Json, envelope: Mapping[str, Json], dialect: Dialect, at: Reception, *, is_alone: bool = False) -> Item:
    if not isinstance(call, dict):
        refusal = Rejection(RejectionReason.BAD_FIELD, f"the call: expected an object, got {sort_of(call)}")
        return Item(call=orjson.dumps(call), message_id=None, whose=None, refusal=refusal, is_alone=is_alone)
    return _judged(_merged(call, envelope, dialect), at, is_alone=is_alone)


def _merged(call: dict[str, Json], envelope: Mapping[str, Json], dialect: Dialect) -> dict[str, Json]:
    """The call with what its path and its batch say; without what only its sender should know."""
    envelope = envelope if envelope and _has_envelope(call) else {}
    told = {**envelope, **call}
    for secret in SECRETS:
        told.pop(secret, None)
    around, own = envelope.get("context"), call.get("context")
    if isinstance(around, dict) and (own is None or isinstance(own, dict)):
        told["context"] = {**around, **(own or {})}
    if dialect.kind is not None and not told.get("type"):
        told["type"] = dialect.kind
    if told.get("sentAt") and told.get("timestamp") and not told.get("originalTimestamp"):
        told["originalTimestamp"] = told["timestamp"]
    if isinstance(properties := told.get("properties"), dict) and posthog.speaks(told) and "token" in properties:
        told["properties"] = {name: value for name, value in properties.items() if name != "token"}
    return told


def _has_envelope(call: Mapping[str, Json]) -> bool:
    """Whether what a batch says of all its items is said in this one's format; the other two have no such words."""
    return "specversion" not in call and not plain.speaks(call)


def _judged(call: dict[str, Json], at: Reception, *, is_alone: bool = False) -> Item:
    """A call, turned into Segment's words where it is not in them, and what the drain will say of it."""
    raw = orjson.dumps(call)
    try:
        refuse_unfit(raw, call)
        told = as_segment(call, at.known)
        if told is not call:
            raw = orjson.dumps(told)
        if len(raw) > MOST_BYTES:
            raise _too_large(len(raw))
        whose = segment.judge(told, at.at, stamped=at.stamped)
    except Rejection as rejection:
        return Item(call=raw, message_id=_own_id(call), whose=None, refusal=rejection, is_alone=is_alone)
    return Item(call=raw, message_id=segment.message_id_of(told), whose=whose, refusal=None, is_alone=is_alone)


def _own_id(call: Mapping[str, Json]) -> str | None:
    """What a call that is refused calls itself, for the answer."""
    own = next((call[word] for word in ("messageId", "id", "uuid") if call.get(word)), None)
    return own if isinstance(own, str) and len(own) <= segment.MOST_ID else None


# ---------------------------------------------------------------------------------------------------- poisoned ones


def _leniently(dialect: Dialect, body: bytes, at: Reception, complaint: str) -> tuple[Item, ...]:
    """The items of a body that a strict parser refuses: each is cut out and read alone."""
    named = members(body)
    listed = parts(body) if named is None else parts(named.get(b"batch", b""))
    if listed is None:
        return (_alone(dialect, body, at, complaint),)
    _bound(len(listed))
    envelope = _shared(_said(named or {}, SHARED))
    items, size = [], 0
    for index, part in enumerate(listed):
        size += len(part) + 1
        item = _cut(part.strip(), envelope, dialect, at)
        items.append(_beyond(item) if index >= MOST_ITEMS or size > MOST_BATCH_BYTES else item)
    return tuple(items)


def _alone(dialect: Dialect, body: bytes, at: Reception, complaint: str) -> Item:
    """The one call of a body; of a body that should have many, and cannot be cut, nothing is an event."""
    if len(body) > MOST_BYTES:
        raise Rejection(RejectionReason.NOT_JSON, complaint)
    if dialect is Dialect.BATCH:
        raise diagnosis(body, complaint)
    item = _cut(body, {}, dialect, at)
    return Item(call=item.call, message_id=None, whose=item.whose, refusal=item.refusal, is_alone=True)


def _cut(part: bytes, envelope: Mapping[str, Json], dialect: Dialect, at: Reception) -> Item:
    try:
        if len(part) > MOST_BYTES:
            raise _too_large(len(part))
        return _item(loaded(part), envelope, dialect, at)
    except Rejection as rejection:
        return Item(call=redacted(part), message_id=None, whose=None, refusal=rejection)
