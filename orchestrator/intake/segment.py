"""Segment calls: one call's bytes become an Event, or a Rejection that names the place.

What is decided here, and why:

* **Fast when it is good.** A good call is read once by orjson. Only what orjson refuses is read again, slowly, to say
  why.
* **Who.** person = ``userId``, else ``anonymousId``; account = ``groupId`` of a group call, else ``context.groupId``,
  else the ``groupId`` that some clients put beside it. One of the two is enough, except that identify and alias speak
  of a person. Clients send numbers as ids: whole numbers become text, other kinds are refused. A blank id is no id.
* **Traits.** Those of an identify call are ``traits``, and beneath them ``context.traits``, where RudderStack's
  libraries put them. ``context.traits`` of every other call are the person's too (of a group call as well: the
  account's are its ``traits``), but a copy of what an earlier identify call said, as the specification has it: an old
  copy must not win over what was said since, so nothing is learnt from it.
* **Which.** ``messageId``; a call without one gets an id made of its content when it says when it happened, so that a
  resend counts once, else one of the place where it stands.
* **When.** Segment's correction of a wrong client clock, ``receivedAt - (sentAt - originalTimestamp)``, is made when
  it can be right: both are there, in that order, and the instant of reception is known (the call's own
  ``receivedAt``, written by the server that passed it on, else the one the entry was stamped with). A difference of
  seconds is the time on the road: what a right clock says is kept to the digit, also by a resend. Otherwise
  ``timestamp``, else ``originalTimestamp``, else the reception. What cannot be read among ``sentAt`` and
  ``receivedAt`` only prevents the correction.
* **Not from the future.** A fact that lies ahead of the clock would win every "last writer" and hold off every
  silence until then. Up to a day ahead is a clock that runs fast or a local time without its zone: it is set to the
  reception. Further ahead, or before the year 2000, the producer is mistaken: rejected, visibly, so that it can be
  mended.
* **Same or another body.** ``digest_bytes`` leave out what a resend may change, see ``TRANSPORT``.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from hashlib import blake2b
from typing import NamedTuple, NoReturn, TypeAlias
from zoneinfo import available_timezones

import orjson

from orchestrator.core.events import Event, EventKind, Json
from orchestrator.core.facts import instant
from orchestrator.intake.poison import MOST_DEPTH, loaded, sort_of
from orchestrator.intake.rejection import MOST_DETAIL, Rejection, RejectionReason

__all__ = [
    "FURTHEST_AHEAD",
    "KINDS",
    "MOST_BYTES",
    "MOST_DEPTH",
    "MOST_DETAIL",
    "MOST_ID",
    "OLDEST",
    "TRANSPORT",
    "Parsed",
    "Rejection",
    "RejectionReason",
    "belongs_to",
    "call_in",
    "identifier",
    "judge",
    "message_id_of",
    "named_object",
    "owner",
    "parse_call",
    "parsed",
    "refuse",
]

MOST_BYTES = 32 * 1024  # bytes a call; Segment's HTTP API: "32 KB per call"
MOST_ID = 255  # characters of messageId, userId, groupId and an event's name: each stands in an index
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)  # nothing a product says happened before
ON_THE_ROAD = timedelta(seconds=15)  # between sending and reception with a right clock: client libraries wait no longer
FURTHEST_AHEAD = timedelta(hours=24)  # how far beyond the reception is still a clock or zone that is off

TRANSPORT = frozenset({"sentAt", "receivedAt", "writeKey", "request_ip", "_metadata"})
"""What a resend may change in a call without its being another event; so may ``context.library``, and ``timestamp``
where ``originalTimestamp`` is given (a forwarder derives it from the reception)."""

_TRACK, _GROUP, _IDENTIFY, _ALIAS = EventKind.TRACK, EventKind.GROUP, EventKind.IDENTIFY, EventKind.ALIAS
KINDS = {kind.value: kind for kind in EventKind}
_OF_A_PERSON = frozenset({EventKind.IDENTIFY, EventKind.ALIAS})
_CALLED = frozenset({EventKind.PAGE, EventKind.SCREEN})
_BODY = {EventKind.IDENTIFY: "traits", EventKind.GROUP: "traits"}  # where the kind's properties are; else "properties"

Object: TypeAlias = Mapping[str, Json]


class Parsed(NamedTuple):
    """A call that was understood; a tuple, as one is made for each event there is."""

    event: Event  # what it says
    digest_bytes: bytes  # what its body is told from another by; equal for a resend
    beside: "Parsed | None" = None  # what the call says of its person besides


def parse_call(raw: bytes, *, source: str, received_at: datetime, stamped: bool = True) -> Parsed:
    """Read one Segment call (JSON) that ``source`` sent and that reached us at ``received_at`` (aware UTC).

    ``stamped`` says that ``received_at`` was taken at the reception; False when it is only the time of reading, which
    no clock may be corrected by. Raises Rejection, and nothing else whatever the bytes.
    """
    return parsed(call_in(raw), source=source, received_at=received_at, stamped=stamped)


def call_in(raw: bytes) -> dict[str, Json]:
    """The one call that these bytes hold, whatever format it has; raises Rejection."""
    if len(raw) > MOST_BYTES:
        raise Rejection(RejectionReason.TOO_LARGE, f"{len(raw)} bytes; at most {MOST_BYTES}")
    call = loaded(raw)
    if not isinstance(call, dict):
        raise Rejection(RejectionReason.BAD_FIELD, f"the call: expected an object, got {sort_of(call)}")
    return call


def parsed(
    call: Object, *, source: str, received_at: datetime, stamped: bool = True, place: str | None = None
) -> Parsed:
    """The event that a Segment call tells; ``place`` names where it was read, should it have neither id nor time.

    Without ``place`` a call needs a messageId of its own. Raises Rejection.
    """
    kind = _kind(call)
    context = named_object(call, "context")
    account, person = _who(call, kind, context)
    digest_bytes = _digest_bytes(call, context)
    message_id = identifier(call, "messageId")
    event = Event(
        source=source,
        message_id=_derived(call, digest_bytes, place) if message_id is None else message_id,
        account=account,
        person=person,
        kind=kind,
        name=_required_id(call, "event") if kind is _TRACK else kind.value,
        occurred_at=_occurred_at(call, received_at, stamped=stamped),
        received_at=received_at,
        properties=_properties(call, kind, context),
    )
    beside = _beside(event, digest_bytes, call["traits"]) if "traits" in call else None
    return Parsed(event=event, digest_bytes=digest_bytes, beside=beside)


def _beside(event: Event, digest_bytes: bytes, traits: Json) -> Parsed | None:
    """The identify call within one that says both what happened and who the person is."""
    if event.kind in _BODY or event.kind is _ALIAS or event.person is None or not isinstance(traits, dict):
        return None
    said = {name: value for name, value in traits.items() if name != "previous_id"}  # only two ids in a call unite
    if not said:
        return None
    message_id = f"{event.message_id} traits"
    if len(message_id) > MOST_ID:
        message_id = f"{blake2b(message_id.encode(), digest_size=16).hexdigest()} traits"
    identify = replace(
        event, message_id=message_id, kind=EventKind.IDENTIFY, name=EventKind.IDENTIFY.value, properties=said
    )
    return Parsed(event=identify, digest_bytes=b"traits " + digest_bytes)


def judge(call: Object, received_at: datetime, *, stamped: bool = True) -> str:
    """Whose a call is: its account's, else its person's; raises the Rejection that ``parsed`` would, and does less."""
    kind = _kind(call)
    context = named_object(call, "context")
    account, person = _who(call, kind, context)
    identifier(call, "messageId")
    if kind is _TRACK:
        _required_id(call, "event")
    _occurred_at(call, received_at, stamped=stamped)
    _properties(call, kind, context)
    return account or person or ""


def message_id_of(call: Object) -> str | None:
    """The call's own id, else one made of its content; None when it has neither an id nor a time of its own."""
    own = identifier(call, "messageId")
    if own is not None or not _has_time(call):
        return own
    return _derived(call, _digest_bytes(call, named_object(call, "context")), "")


def _derived(call: Object, digest_bytes: bytes, place: str | None) -> str:
    """An id for a call that has none: of its content where it says when it happened, so that a resend counts once."""
    if place is None:
        raise _missing("messageId")
    content = digest_bytes if _has_time(call) else place.encode("utf-8", "surrogatepass") + b"\0" + digest_bytes
    return f"derived-{blake2b(content, digest_size=16).hexdigest()}"


def _has_time(call: Object) -> bool:
    return bool(call.get("timestamp") or call.get("originalTimestamp"))


def owner(call: Object) -> str | None:
    """The account, else the person, that a call speaks of; raises Rejection."""
    account, person = _who(call, _kind(call), named_object(call, "context"))
    return account or person


def belongs_to(raw: bytes) -> str | None:
    """The account, else the person, by which a call is routed; None when it will be rejected or names neither."""
    try:
        return owner(call_in(raw))
    except Rejection:
        return None


# ----------------------------------------------------------------------------------------------------------- fields


def refuse(field: str, expected: str, value: Json) -> NoReturn:
    """Raise the Rejection of a field that holds something else than it may hold."""
    raise Rejection(RejectionReason.BAD_FIELD, f"{field}: expected {expected}, got {sort_of(value)}")


def _missing(field: str) -> Rejection:
    return Rejection(RejectionReason.MISSING_FIELD, field)


def _kind(call: Object) -> EventKind:
    word = call.get("type")
    if word is None or word == "":
        raise _missing("type")
    if not isinstance(word, str):
        refuse("type", "a text", word)
    kind = KINDS.get(word)
    if kind is None:
        near = get_close_matches(word[:MOST_ID].lower(), KINDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Rejection(RejectionReason.UNKNOWN_TYPE, f"type: {word[:40]!a}{hint}")
    return kind


def named_object(call: Object, field: str) -> dict[str, Json]:
    """The object in a field, empty when there is none; raises Rejection when it is something else."""
    value = call.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        refuse(field, "an object", value)
    return value


def identifier(holder: Object, field: str, prefix: str = "") -> str | None:
    """The id in a field, None when it is missing or blank; raises Rejection when it cannot be one."""
    value = holder.get(field)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or len(value) > MOST_ID:
        refuse(prefix + field, f"a text of at most {MOST_ID} characters", value)
    return value if value and not value.isspace() else None


def _required_id(call: Object, field: str) -> str:
    value = identifier(call, field)
    if value is None:
        raise _missing(field)
    return value


def _who(call: Object, kind: EventKind, context: Object) -> tuple[str | None, str | None]:
    person = identifier(call, "userId") or identifier(call, "anonymousId")
    if kind is _GROUP:
        account: str | None = _required_id(call, "groupId")
    else:
        account = identifier(context, "groupId", "context.") or identifier(call, "groupId")
    if person is None and (account is None or kind in _OF_A_PERSON):
        raise Rejection(RejectionReason.NO_IDENTITY, "userId and anonymousId are both missing or blank")
    return account, person


def _properties(call: Object, kind: EventKind, context: Object) -> dict[str, Json]:
    if kind is _TRACK:
        return named_object(call, "properties")
    if kind is _ALIAS:
        return {"previous_id": _required_id(call, "previousId")}
    properties = named_object(call, _BODY.get(kind, "properties"))
    if kind in _CALLED:
        return {**{field: call[field] for field in ("name", "category") if call.get(field)}, **properties}
    return _of_person(call, properties, context) if kind is _IDENTIFY else properties


def _of_person(call: Object, traits: dict[str, Json], context: Object) -> dict[str, Json]:
    """What an identify call says of its person: traits, and the anonymous id that is the user's."""
    said = _traits(traits, context)
    anonymous, user = identifier(call, "anonymousId"), identifier(call, "userId")
    if anonymous is not None and user is not None and anonymous != user:
        return {**said, "previous_id": anonymous}
    if "previous_id" in said:
        return {name: value for name, value in said.items() if name != "previous_id"}
    return said


def _traits(traits: dict[str, Json], context: Object) -> dict[str, Json]:
    """What an identify call says of its person, the call's own word before the context's."""
    around = context.get("traits")
    told = {**around, **traits} if isinstance(around, dict) else traits
    if told.get("timezone") is None and _is_zone(context.get("timezone")):
        return {**told, "timezone": context["timezone"]}
    return told


def _is_zone(value: Json) -> bool:
    return isinstance(value, str) and value in _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads folders: once a process


# ------------------------------------------------------------------------------------------------------------- time


def _occurred_at(call: Object, received_at: datetime, *, stamped: bool) -> datetime:
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


def _corrected(call: Object, received_at: datetime, *, stamped: bool) -> datetime | None:
    if "sentAt" not in call or "originalTimestamp" not in call:
        return None
    original, sent = instant(call["originalTimestamp"]), instant(call["sentAt"])
    reception = instant(call.get("receivedAt")) or (received_at if stamped else None)
    if original is None or sent is None or reception is None or sent < original:
        return None
    arrived = min(reception, received_at)
    if abs(arrived - sent) <= ON_THE_ROAD:
        return None
    try:
        return arrived - (sent - original)
    except OverflowError:
        return None


def _said(call: Object) -> datetime | None:
    for field in ("timestamp", "originalTimestamp"):
        value = call.get(field)
        if value is not None and value != "":
            return _instant(field, value)
    return None


def _instant(field: str, value: Json) -> datetime:
    at = instant(value)
    if at is None:
        raise Rejection(RejectionReason.BAD_TIMESTAMP, f"{field}: expected ISO 8601, got {sort_of(value)}")
    return at


# ------------------------------------------------------------------------------------------------------------- body


def _digest_bytes(call: Object, context: Object) -> bytes:
    """The body as JSON with sorted names; most calls of a stream hold nothing that has to be left out of it."""
    if TRANSPORT.isdisjoint(call) and "originalTimestamp" not in call and "library" not in context:
        return orjson.dumps(call, option=orjson.OPT_SORT_KEYS)
    body = dict(call)
    for field in TRANSPORT:
        body.pop(field, None)
    if body.get("originalTimestamp") is not None:
        body.pop("timestamp", None)
    if "library" in context:
        body["context"] = {field: value for field, value in context.items() if field != "library"}
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
