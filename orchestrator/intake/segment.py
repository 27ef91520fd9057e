"""Segment calls: one call's bytes become an Event, or a Rejection that names the place.

What is decided here, and why:

* **Fast when it is good.** A good call is read once by orjson. Only what orjson refuses is read again, slowly, to say
  why.
* **Who.** person = ``userId``, else ``anonymousId``; account = ``groupId`` of a group call, else ``context.groupId``.
  One of the two is enough, except that identify and alias speak of a person. Clients send numbers as ids: whole
  numbers become text, other kinds are refused. A blank id is no id.
* **When.** Segment's correction of a wrong client clock, ``receivedAt - (sentAt - originalTimestamp)``, is made when
  it can be right: both are there, in that order, and the instant of reception is known (the call's own
  ``receivedAt``, written by the server that passed it on, else the one the entry was stamped with). Otherwise
  ``timestamp``, else ``originalTimestamp``, else the reception. What cannot be read among ``sentAt`` and
  ``receivedAt`` only prevents the correction.
* **Not from the future.** A fact that lies ahead of the clock would win every "last writer" and hold off every
  silence until then. Up to a day ahead is a clock that runs fast or a local time without its zone: it is set to the
  reception. Further ahead, or before the year 2000, the producer is mistaken: rejected, visibly, so that it can be
  mended.
* **Same or another body.** ``digest_bytes`` leave out what a resend may change, see ``TRANSPORT``.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import unique
from functools import cache
from typing import NoReturn, TypeAlias
from zoneinfo import available_timezones

import orjson

from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import Event, EventKind, Json
from orchestrator.core.facts import instant
from orchestrator.core.reasons import Reason

MOST_BYTES = 32 * 1024  # bytes a call; Segment's HTTP API: "32 KB per call"
MOST_ID = 255  # characters of messageId, userId, groupId and an event's name: each stands in an index
MOST_DEPTH = 100  # levels of nesting; orjson writes at most 254, and rows put some around it
MOST_DETAIL = 300  # characters of a rejection's detail
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)  # nothing a product says happened before
FURTHEST_AHEAD = timedelta(hours=24)  # how far beyond the reception is still a clock or zone that is off

TRANSPORT = frozenset({"sentAt", "receivedAt", "writeKey", "request_ip", "_metadata"})
"""What a resend may change in a call without its being another event; so may ``context.library``, and ``timestamp``
where ``originalTimestamp`` is given (a forwarder derives it from the reception)."""

_BOM = b"\xef\xbb\xbf"  # some platforms write it; it means nothing in UTF-8
_KINDS = {kind.value: kind for kind in EventKind}
_OF_A_PERSON = frozenset({EventKind.IDENTIFY, EventKind.ALIAS})
_CALLED = frozenset({EventKind.PAGE, EventKind.SCREEN})
_BODY = {EventKind.IDENTIFY: "traits", EventKind.GROUP: "traits"}  # where the kind's properties are; else "properties"

_Object: TypeAlias = Mapping[str, Json]


@unique
class RejectionReason(Reason):
    """Why an entry did not become an event."""

    NOT_UTF8 = "not_utf8", "The bytes are not UTF-8."
    NOT_JSON = "not_json", "The text is not JSON."
    NOT_A_NUMBER = "not_a_number", "A number is NaN, infinite, or too large to be held."
    LONE_SURROGATE = "lone_surrogate", "A text holds half a character (a lone surrogate)."
    NUL_CHARACTER = "nul_character", "A text or a name holds the NUL character, which the database cannot keep."
    TOO_LARGE = "too_large", "The call is larger than 32 KiB."
    MISSING_FIELD = "missing_field", "A field that the call needs is missing or blank."
    BAD_FIELD = "bad_field", "A field holds something that it may not hold."
    NO_IDENTITY = "no_identity", "The call names neither a person nor an account that it could belong to."
    UNKNOWN_TYPE = "unknown_type", "The call's type is none of track, identify, group, page, screen, alias."
    BAD_TIMESTAMP = "bad_timestamp", "A time cannot be read, or lies too far ahead or before the year 2000."
    CONFLICT = "conflict", "The same source has sent another body under this messageId before."
    DATA_ERROR = "data_error", "The database or a rule refused this event when it stood alone."


class Rejection(LifecycleError):  # noqa: N818 -- the glossary's word, as in ``rejected_events``
    """The call cannot become an event; mend it where the detail says and send it again."""

    def __init__(self, reason: RejectionReason, detail: str) -> None:
        """Take the reason and where and what; the detail never quotes what a person may have written."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:MOST_DETAIL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A call that was understood."""

    event: Event  # what it says
    digest_bytes: bytes  # what its body is told from another by; equal for a resend


def parse_call(raw: bytes, *, source: str, received_at: datetime, stamped: bool = True) -> Parsed:
    """Read one Segment call (JSON) that ``source`` sent and that reached us at ``received_at`` (aware UTC).

    ``stamped`` says that ``received_at`` was taken at the reception; False when it is only the time of reading, which
    no clock may be corrected by. Raises Rejection, and nothing else whatever the bytes.
    """
    call = _load(raw)
    kind = _kind(call)
    context = _object(call, "context")
    account, person = _who(call, kind, context)
    event = Event(
        source=source,
        message_id=_required_id(call, "messageId"),
        account=account,
        person=person,
        kind=kind,
        name=_required_id(call, "event") if kind is EventKind.TRACK else kind.value,
        occurred_at=_occurred_at(call, received_at, stamped=stamped),
        received_at=received_at,
        properties=_properties(call, kind, context),
    )
    return Parsed(event=event, digest_bytes=_digest_bytes(call, context))


def belongs_to(raw: bytes) -> str | None:
    """The account, else the person, by which a call is routed; None when it will be rejected or names neither."""
    try:
        call = _load(raw)
        account, person = _who(call, _kind(call), _object(call, "context"))
    except Rejection:
        return None
    return account or person


# ---------------------------------------------------------------------------------------------------------- reading


def _load(raw: bytes) -> _Object:
    if len(raw) > MOST_BYTES:
        raise Rejection(RejectionReason.TOO_LARGE, f"{len(raw)} bytes; at most {MOST_BYTES}")
    raw = raw.removeprefix(_BOM)
    try:
        call = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _diagnosis(raw, str(error)) from None
    if b"\\u0000" in raw:  # it may also be a backslash followed by u0000
        _refuse_nul(call)
    if raw.count(b"{") + raw.count(b"[") > MOST_DEPTH and _depth(call) > MOST_DEPTH:
        raise _too_deep()
    if not isinstance(call, dict):
        raise Rejection(RejectionReason.BAD_FIELD, f"the call: expected an object, got {_sort(call)}")
    return call


def _refuse_nul(call: Json) -> None:
    for path, item in _walk(call):
        if isinstance(item, str) and "\0" in item:
            raise Rejection(RejectionReason.NUL_CHARACTER, path)


def _depth(value: Json) -> int:
    level, depth = [value], 0
    while level := [child for parent in level for child in _children(parent)]:
        depth += 1
    return depth


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _too_deep() -> Rejection:
    return Rejection(RejectionReason.BAD_FIELD, f"the call: nested deeper than {MOST_DEPTH} levels")


def _diagnosis(raw: bytes, complaint: str) -> Rejection:
    """Say why orjson refused these bytes."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return Rejection(_undecodable(raw), f"at byte {error.start}")
    try:
        call = json.loads(text, strict=False, parse_int=float)  # reads NaN, half characters and raw control characters
    except RecursionError:
        return _too_deep()
    except ValueError:
        return _not_json(text, complaint)
    poison = next((_poison(path, item) for path, item in _walk(call) if _is_poison(item)), None)
    return poison or (_too_deep() if _depth(call) > MOST_DEPTH else Rejection(RejectionReason.NOT_JSON, complaint))


def _undecodable(raw: bytes) -> RejectionReason:
    try:
        raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return RejectionReason.NOT_UTF8
    return RejectionReason.LONE_SURROGATE


def _not_json(text: str, complaint: str) -> Rejection:
    if "\0" in text:
        return Rejection(RejectionReason.NUL_CHARACTER, f"at character {text.index(chr(0))}")
    return Rejection(RejectionReason.NOT_JSON, complaint)


def _is_poison(item: Json) -> bool:
    if isinstance(item, float):
        return not math.isfinite(item)
    return isinstance(item, str) and ("\0" in item or _is_torn(item))


def _is_torn(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _poison(path: str, item: Json) -> Rejection:
    if not isinstance(item, str):
        return Rejection(RejectionReason.NOT_A_NUMBER, path)
    return Rejection(RejectionReason.NUL_CHARACTER if "\0" in item else RejectionReason.LONE_SURROGATE, path)


def _walk(value: Json) -> Iterator[tuple[str, Json]]:
    """Every value and every name in it with its path, in the order of the text; never recursive, whatever the depth."""
    waiting: list[tuple[str, Json]] = [("", value)]
    while waiting:
        path, item = waiting.pop()
        yield path or "the call", item
        if isinstance(item, dict):
            waiting += reversed([entry for key, child in item.items() for entry in _named(path, key, child)])
        elif isinstance(item, list):
            waiting += reversed([(f"{path}[{index}]"[-MOST_DETAIL:], child) for index, child in enumerate(item)])


def _named(path: str, key: str, child: Json) -> tuple[tuple[str, Json], tuple[str, Json]]:
    shown = key if key.isascii() and key.isidentifier() else ascii(key[:40])
    place = f"{path}.{shown}".removeprefix(".")[-MOST_DETAIL:]
    return (f"the name {place}", key), (place, child)


# ----------------------------------------------------------------------------------------------------------- fields


def _refuse(field: str, expected: str, value: Json) -> NoReturn:
    raise Rejection(RejectionReason.BAD_FIELD, f"{field}: expected {expected}, got {_sort(value)}")


def _sort(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return f"a text of {len(value)} characters"
        case list():
            return "a list"
        case dict():
            return "an object"


def _missing(field: str) -> Rejection:
    return Rejection(RejectionReason.MISSING_FIELD, field)


def _kind(call: _Object) -> EventKind:
    word = call.get("type")
    if word is None or word == "":
        raise _missing("type")
    if not isinstance(word, str):
        _refuse("type", "a text", word)
    kind = _KINDS.get(word)
    if kind is None:
        near = get_close_matches(word[:MOST_ID].lower(), _KINDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Rejection(RejectionReason.UNKNOWN_TYPE, f"type: {word[:40]!a}{hint}")
    return kind


def _object(call: _Object, field: str) -> dict[str, Json]:
    value = call.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        _refuse(field, "an object", value)
    return value


def _id(holder: _Object, field: str, prefix: str = "") -> str | None:
    value = holder.get(field)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or len(value) > MOST_ID:
        _refuse(prefix + field, f"a text of at most {MOST_ID} characters", value)
    return value if value and not value.isspace() else None


def _required_id(call: _Object, field: str) -> str:
    value = _id(call, field)
    if value is None:
        raise _missing(field)
    return value


def _who(call: _Object, kind: EventKind, context: _Object) -> tuple[str | None, str | None]:
    person = _id(call, "userId") or _id(call, "anonymousId")
    is_group = kind is EventKind.GROUP
    account = _required_id(call, "groupId") if is_group else _id(context, "groupId", "context.")
    if person is None and (account is None or kind in _OF_A_PERSON):
        raise Rejection(RejectionReason.NO_IDENTITY, "userId and anonymousId are both missing or blank")
    return account, person


def _properties(call: _Object, kind: EventKind, context: _Object) -> dict[str, Json]:
    if kind is EventKind.ALIAS:
        return {"previous_id": _required_id(call, "previousId")}
    properties = _object(call, _BODY.get(kind, "properties"))
    if kind in _CALLED:
        return {**{field: call[field] for field in ("name", "category") if call.get(field)}, **properties}
    if kind is EventKind.IDENTIFY and properties.get("timezone") is None and _is_zone(context.get("timezone")):
        return {**properties, "timezone": context["timezone"]}
    return properties


def _is_zone(value: Json) -> bool:
    return isinstance(value, str) and value in _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads folders: once a process


# ------------------------------------------------------------------------------------------------------------- time


def _occurred_at(call: _Object, received_at: datetime, *, stamped: bool) -> datetime:
    at = _corrected(call, received_at, stamped=stamped) or _said(call) or received_at
    if at > received_at:
        return _set_back(at, received_at)
    if at < OLDEST:
        raise Rejection(RejectionReason.BAD_TIMESTAMP, f"timestamp: {at.isoformat()} is before the year {OLDEST.year}")
    return at


def _set_back(at: datetime, received_at: datetime) -> datetime:
    if at - received_at > FURTHEST_AHEAD:
        ahead = f"{at.isoformat()} is more than 24 h after its reception, {received_at.isoformat()}"
        raise Rejection(RejectionReason.BAD_TIMESTAMP, f"timestamp: {ahead}")
    return received_at


def _corrected(call: _Object, received_at: datetime, *, stamped: bool) -> datetime | None:
    if "sentAt" not in call or "originalTimestamp" not in call:
        return None
    original, sent = instant(call["originalTimestamp"]), instant(call["sentAt"])
    reception = instant(call.get("receivedAt")) or (received_at if stamped else None)
    if original is None or sent is None or reception is None or sent < original:
        return None
    try:
        return min(reception, received_at) - (sent - original)
    except OverflowError:
        return None


def _said(call: _Object) -> datetime | None:
    for field in ("timestamp", "originalTimestamp"):
        value = call.get(field)
        if value is not None and value != "":
            return _instant(field, value)
    return None


def _instant(field: str, value: Json) -> datetime:
    at = instant(value)
    if at is None:
        raise Rejection(RejectionReason.BAD_TIMESTAMP, f"{field}: expected ISO 8601, got {_sort(value)}")
    return at


# ------------------------------------------------------------------------------------------------------------- body


def _digest_bytes(call: _Object, context: _Object) -> bytes:
    body = {field: value for field, value in call.items() if field not in TRANSPORT}
    if body.get("originalTimestamp") is not None:
        body.pop("timestamp", None)
    if "library" in context:
        body["context"] = {field: value for field, value in context.items() if field != "library"}
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
