"""CloudEvents 1.0 (https://cloudevents.io): binary, structured, and in batches.

* **What.** ``type`` is the event's name as it is, but ``identify`` and ``group``, which are those calls: ``data`` holds
  the traits then. Else ``data`` holds the properties; what is no object stands under ``data``, and text and JSON in
  ``data_base64`` are unpacked. Extensions are properties too, where ``data`` has none of that name.
* **Which.** "source + id is unique": both together are the messageId, cut by a digest where they are too long for one.
  The source that the write key stands for stays the event's source.
* **Who.** The account is the first of the extensions ACCOUNTS, else of the members of ``data`` that ACCOUNTS_WITHIN
  names; the person alike. ``subject`` is looked at last: ``accounts/acme`` and ``users/u-1`` say what they are, and any
  other subject is the account of an event that names none. A product that has other subjects (an invoice, say) names
  the account itself.
* **When.** ``time``, else the reception.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import blake2b
from urllib.parse import unquote_to_bytes

import orjson

from orchestrator.core.events import Json
from orchestrator.intake.poison import loaded, sort_of
from orchestrator.intake.rejection import Rejection, RejectionReason
from orchestrator.intake.segment import MOST_ID, identifier

ACCOUNTS = ("accountid", "account", "groupid")  # extensions; attributes are written in small letters
PEOPLE = ("userid", "personid", "person")
ACCOUNTS_WITHIN = ("account", "accountId", "account_id", "groupId", "group_id")  # members of data
PEOPLE_WITHIN = ("person", "userId", "user_id", "personId", "person_id")
PREFIX = "ce-"  # of the headers of the binary mode
ATTRIBUTES = frozenset({b"ce_specversion", b"ce_id", b"ce-specversion", b"ce-id"})  # fields that tell a binary entry

_CORE = frozenset(
    {"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema", "data", "data_base64"}
)
_TYPES = (b"content_type", b"content-type", b"datacontenttype")  # fields that tell what the data are
_SUBJECT = re.compile(r"/?(?:(accounts?|groups?|customers?|companies|company)|users?|people|person)[/:](.+)", re.DOTALL)
_JSON = re.compile(r"\s*(?:application|text)/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)


def as_segment(event: Mapping[str, Json]) -> dict[str, Json]:
    """The Segment call that says the same as an event of the JSON format; raises Rejection."""
    version = event["specversion"]
    if not (isinstance(version, str) and version.startswith("1.")):
        raise Rejection(RejectionReason.BAD_FIELD, f"specversion: expected 1.0, got {sort_of(version)}")
    name, message_id = (
        _required(event, "type"),
        _message_id(_required(event, "source", 2048), _required(event, "id", 2048)),
    )
    data = _data(event)
    account, person = _who(event, data if isinstance(data, dict) else {})
    body: dict[str, Json] = data if isinstance(data, dict) else {} if data is None else {"data": data}
    told: dict[str, Json] = {"messageId": message_id, "timestamp": event.get("time"), "userId": person}
    if name == "group":
        told |= {"type": name, "groupId": account, "traits": body}
    else:
        told["context"] = {"groupId": account} if account else None
    if name == "identify":
        told |= {"type": name, "traits": body}
    elif name != "group":
        told |= {"type": "track", "event": name, "properties": {**_extensions(event), **body}}
    return {word: value for word, value in told.items() if value is not None}


def _required(event: Mapping[str, Json], attribute: str, most: int = MOST_ID) -> str:
    value = event.get(attribute)
    if value is None or value == "":
        raise Rejection(RejectionReason.MISSING_FIELD, attribute)
    if not isinstance(value, str) or len(value) > most or value.isspace():
        raise Rejection(
            RejectionReason.BAD_FIELD,
            f"{attribute}: expected a text of at most {most} characters, got {sort_of(value)}",
        )
    return value


def _message_id(source: str, name: str) -> str:
    whole = f"{source} {name}"
    if len(whole) <= MOST_ID:
        return whole
    return f"{blake2b(whole.encode(), digest_size=16).hexdigest()} {name}"[:MOST_ID]


def _who(event: Mapping[str, Json], data: Mapping[str, Json]) -> tuple[str | None, str | None]:
    account = _attribute_id(event, ACCOUNTS) or _member_id(data, ACCOUNTS_WITHIN)
    person = _attribute_id(event, PEOPLE) or _member_id(data, PEOPLE_WITHIN)
    subject = identifier(event, "subject")
    told = _SUBJECT.fullmatch(subject) if subject else None
    if told is not None and not told[1]:
        return account, person or told[2]
    account = account or (told[2] if told else subject)
    if account is None and person is None:
        expected = f"expected an extension ({ACCOUNTS[0]}, {PEOPLE[0]}), data.{ACCOUNTS_WITHIN[0]}, or a subject"
        raise Rejection(RejectionReason.NO_IDENTITY, f"the event names neither an account nor a person; {expected}")
    return account, person


def _attribute_id(event: Mapping[str, Json], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := identifier(event, name))), None)


def _member_id(data: Mapping[str, Json], names: tuple[str, ...]) -> str | None:
    """The first of these members that can be an id: what else stands under such a name is the product's affair."""
    fit = (name for name in names if isinstance(data.get(name), str | int) and not isinstance(data[name], bool))
    return next((found for name in fit if (found := identifier(data, name, "data."))), None)


def _extensions(event: Mapping[str, Json]) -> dict[str, Json]:
    taken = {*_CORE, *ACCOUNTS, *PEOPLE}
    return {name: value for name, value in event.items() if name not in taken}


def _data(event: Mapping[str, Json]) -> Json:
    packed, kind = event.get("data_base64"), event.get("datacontenttype")
    if packed is None:
        return event.get("data")
    if not isinstance(packed, str):
        raise Rejection(RejectionReason.BAD_FIELD, f"data_base64: expected a text, got {sort_of(packed)}")
    try:
        raw = b64decode(packed, validate=True)
    except ValueError:
        raise Rejection(RejectionReason.BAD_FIELD, "data_base64: expected base64") from None
    return unpacked(raw, kind if isinstance(kind, str) else "", packed)


def unpacked(raw: bytes, kind: str, packed: str) -> Json:
    """What bytes of a content type say: JSON, or text; of anything else ``packed``; raises Rejection."""
    if not raw:
        return None
    if _JSON.fullmatch(kind):
        return loaded(raw)
    if not kind.lower().lstrip().startswith("text/"):
        return packed
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Rejection(RejectionReason.NOT_UTF8, f"data: at byte {error.start}") from None
    if "\0" in text:
        raise Rejection(RejectionReason.NUL_CHARACTER, "data")
    return text


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether a request's headers are an event of the binary mode."""
    return any(name.lower() == "ce-specversion" for name in headers)


def from_headers(headers: Mapping[str, str]) -> dict[str, Json]:
    """The attributes in a request's headers, percent-decoded (HTTP binding 3.1.3.2); raises Rejection."""
    event: dict[str, Json] = {
        name.lower().removeprefix(PREFIX): _spelt(name, value)
        for name, value in headers.items()
        if name.lower().startswith(PREFIX)
    }
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    return event if kind is None else {**event, "datacontenttype": kind}


def from_fields(fields: Mapping[bytes, bytes]) -> bytes:
    """A CloudEvent whose attributes are the fields of an entry (``ce_id``, ``ce-id``), its data the field ``data``.

    Gives it in the JSON format; ``content_type`` or ``datacontenttype`` says what the data are. Raises Rejection.
    """
    event: dict[str, Json] = {"specversion": "1.0"}
    for field, value in fields.items():
        if field[:3].lower() in {b"ce_", b"ce-"}:
            event[field[3:].decode("latin-1").lower()] = _attribute(field, value)
    kind = next((fields[name] for name in _TYPES if name in fields), None)
    if kind is not None:
        event["datacontenttype"] = _attribute(b"content_type", kind)
    data = fields.get(b"data", b"")
    try:
        return orjson.dumps(with_body(event, data))
    except Rejection:
        return kept(event, data)


def _attribute(field: bytes, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Rejection(RejectionReason.NOT_UTF8, f"{field[:40]!a}: at byte {error.start}") from None


def _spelt(name: str, value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        return unquote_to_bytes(value.encode("latin-1", "backslashreplace")).decode()
    except UnicodeDecodeError as error:
        raise Rejection(RejectionReason.NOT_UTF8, f"{name.lower()[:40]}: at byte {error.start}") from None


def with_body(event: Mapping[str, Json], body: bytes) -> dict[str, Json]:
    """An event of the binary mode in the JSON format: its data as JSON where it is that; raises Rejection."""
    kind = event.get("datacontenttype")
    if not body:
        return dict(event)
    if kind is None or (isinstance(kind, str) and _JSON.fullmatch(kind)):
        return {**event, "data": loaded(body)}
    return {**event, "data_base64": b64encode(body).decode()}


def kept(event: Mapping[str, Json], body: bytes) -> bytes:
    """An event of the binary mode that cannot be read, whole, in the JSON format: read again it is refused alike."""
    kind = event.get("datacontenttype") or "application/json"
    return orjson.dumps({**event, "datacontenttype": kind, "data_base64": b64encode(body).decode()})
