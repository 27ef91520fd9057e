"""Entries: one item of an event stream, decoded to a call with its source and reception, or rejected whole.

| field         | what                                                                                               |
|---------------|----------------------------------------------------------------------------------------------------|
| `call`        | one call as JSON in any of the formats, told apart by its content (``formats.content``); or a      |
|               | whole batch, a list or an object with a list ``batch``: each item is an entry of its own, whose id |
|               | is ``<entry>#<index>``                                                                             |
| `ce_id` …     | instead of ``call``: a CloudEvent in binary mode, an attribute a field, its data in ``data``       |
| `source`      | who says it; "segment" when it is missing                                                          |
| `received_at` | when it came in (ISO 8601), written by whoever took it; else only the time of reading is known     |
| `refused`     | ``reason: detail``: the gateway has judged the call and sends it on only to be kept; without this  |
|               | field it can be put back                                                                           |
| `retry_of`    | ``<stream>/<entry id>`` that the call first stood at, when it was put back                         |

Other fields are ignored; of a doubled field the last counts. Time is never taken from the entry's id: ids may lie in
the far future. A call that has neither an id nor a time of its own gets an id made of its place in the stream.

What is rejected is kept as it came: all fields, in order and with their doubles, as netstrings (``4:call,2:{},``: the
length in bytes, a colon, the bytes, a comma; field, value, field, value …). ``unpacked`` gives the fields back for
another XADD.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, NoReturn, TypeAlias

from orchestrator.core.events import OWN_SOURCE
from orchestrator.core.facts import instant
from orchestrator.intake.formats import Dialect, Item, parse, read
from orchestrator.intake.formats.cloudevents import ATTRIBUTES, from_fields
from orchestrator.intake.rejection import Rejection, RejectionReason
from orchestrator.intake.segment import MOST_ID, OLDEST, Parsed

CALL, SOURCE, RECEIVED_AT, REFUSED = b"call", b"source", b"received_at", b"refused"  # the fields
RETRY_OF = b"retry_of"  # where the call stood first
DEFAULT_SOURCE = "segment"  # who speaks when an entry does not say
MOST_KEPT = 1024 * 1024  # bytes of a rejected entry that are kept; only foreign writers can exceed it

Fields: TypeAlias = Sequence[bytes] | Mapping[bytes, bytes]  # field, value, field, value …, or a mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An entry that did not become an event, as ``rejected_events`` keeps it."""

    stream: str  # the key it stood in
    entry_id: str  # its id there
    received_at: datetime  # when it reached us; the time of reading where it does not say
    reason: RejectionReason
    detail: str  # where and what; text that the database can hold
    raw: bytes  # all fields as netstrings, at most MOST_KEPT bytes of them
    source: str | None = None  # who says it; None: that cannot be read


class Entry(NamedTuple):
    """An entry whose envelope was understood; its call was not looked at yet. A tuple, as ``Told`` is."""

    stream: str  # the key it stands in
    entry_id: str  # its id there
    source: str  # who says it
    received_at: datetime  # when it reached us, aware UTC
    stamped: bool  # whether the entry said so; else received_at is the time of reading
    call: bytes  # one call as JSON in any format, or a batch
    first: str | None  # where it stood first, if it was put back
    fields: Fields  # everything, as it came

    @property
    def place(self) -> str:
        """Where the call stands, or stood first: ``<stream>/<entry id>``."""
        return self.first or f"{self.stream}/{self.entry_id}"

    def parse(self) -> Parsed:
        """The event that the call tells; raises Rejection."""
        return parse(
            self.call, source=self.source, received_at=self.received_at, stamped=self.stamped, place=self.place
        )

    def rejected(self, reason: RejectionReason, detail: str) -> Rejected:
        """The entry as it is kept when its call is refused."""
        rejected = _rejected(self.stream, self.entry_id, self.fields, self.received_at, Rejection(reason, detail))
        return replace(rejected, source=self.source)


class Told(NamedTuple):
    """A call that was understood, with the entry that told it; a tuple, as one is made for each event there is."""

    entry: Entry
    parsed: Parsed


def understand(stream: str, entry_id: str | bytes, fields: Fields, *, now: datetime) -> list[Told | Rejected]:
    """What an entry tells: an event or a rejection, of a batch one for each item, in their order.

    A call that says both what happened and who its person is (``traits`` beside an event) tells two.
    """
    entry = decode(stream, entry_id, fields, now=now)
    if isinstance(entry, Rejected):
        return [entry]
    try:
        return _told(entry)
    except Rejection as rejection:
        return _items(entry) or [entry.rejected(rejection.reason, rejection.detail)]


def _items(entry: Entry) -> list[Told | Rejected]:
    """What the items of a batch tell; nothing when the entry is none. Looked at only when it is no event."""
    if entry.call.lstrip()[:1] != b"[" and b'"batch"' not in entry.call:
        return []
    try:
        items = read(Dialect.ANY, entry.call, {}, received_at=entry.received_at, stamped=entry.stamped)
    except Rejection:
        return []
    return [each for index, item in enumerate(items) if not item.is_alone for each in _item(entry, index, item)]


def _item(entry: Entry, index: int, item: Item) -> list[Told | Rejected]:
    alone = entry._replace(
        entry_id=f"{entry.entry_id}#{index}",
        first=entry.first and f"{entry.first}#{index}",
        call=item.call,
        fields=[*_without_call(entry.fields), CALL, item.call],
    )
    try:
        return _told(alone, item.refusal)
    except Rejection as rejection:
        return [alone.rejected(rejection.reason, rejection.detail)]


def _told(entry: Entry, refusal: Rejection | None = None) -> list[Told | Rejected]:
    if refusal is not None:
        raise refusal
    parsed = entry.parse()
    return [Told(entry, parsed)] if parsed.beside is None else [Told(entry, parsed), Told(entry, parsed.beside)]


def _without_call(fields: Fields) -> Iterator[bytes]:
    for field, value in _pairs(fields):
        if field != CALL:
            yield from (field, value)


def _pairs(fields: Fields) -> Iterable[tuple[bytes, bytes]]:
    return fields.items() if isinstance(fields, Mapping) else zip(fields[::2], fields[1::2], strict=True)


def _by_name(fields: list[bytes]) -> dict[bytes, bytes]:
    """The fields of an entry as streams give it."""
    words = iter(fields)
    return dict(zip(words, words, strict=True))


def decode(stream: str, entry_id: str | bytes, fields: Fields, *, now: datetime) -> Entry | Rejected:
    """Open an entry's envelope; ``now`` (aware UTC) stands for a reception that is not given or lies ahead."""
    name = entry_id if isinstance(entry_id, str) else entry_id.decode("latin-1")
    by_name = _by_name(fields) if isinstance(fields, list) else dict(_pairs(fields))
    stamp = by_name.get(RECEIVED_AT)
    try:
        if REFUSED in by_name:
            _pass_on(by_name[REFUSED])
        return Entry(
            stream=stream,
            entry_id=name,
            source=_source(by_name.get(SOURCE)),
            received_at=_received_at(stamp, now),
            stamped=bool(stamp),
            call=_call(by_name),
            first=_text(RETRY_OF, by_name[RETRY_OF]) if RETRY_OF in by_name else None,
            fields=fields,
        )
    except Rejection as rejection:
        return _rejected(stream, name, fields, now, rejection)


def refused(rejection: Rejection) -> bytes:
    """The value of the field ``refused``."""
    return f"{rejection.reason}: {rejection.detail}".encode("utf-8", "backslashreplace")


def _pass_on(raw: bytes) -> NoReturn:
    """Raise what the gateway said of this entry, which it has refused and sends on only to be kept."""
    word, _, detail = raw.decode("utf-8", "backslashreplace").partition(": ")
    known = word in set(RejectionReason)
    raise Rejection(RejectionReason(word) if known else RejectionReason.BAD_FIELD, detail if known else "refused")


def _call(fields: Mapping[bytes, bytes]) -> bytes:
    call = fields.get(CALL)
    if call is None and not ATTRIBUTES.isdisjoint(fields):
        return from_fields(fields)
    if call is None:
        raise Rejection(RejectionReason.MISSING_FIELD, f"call: the entry has {len(fields)} other fields")
    return call


@lru_cache(maxsize=1024)  # products and their parts: few, and each speaks often
def _source(raw: bytes | None) -> str:
    if not raw:
        return DEFAULT_SOURCE
    source = _text(SOURCE, raw)
    if source.strip().casefold() == OWN_SOURCE:
        raise Rejection(RejectionReason.BAD_FIELD, f"source: {OWN_SOURCE} is our own name, nobody else speaks under it")
    if source.isspace() or len(source) > MOST_ID or "\0" in source:
        raise Rejection(
            RejectionReason.BAD_FIELD, f"source: expected 1 to {MOST_ID} characters, not blank, without NUL"
        )
    return source


def _received_at(raw: bytes | None, now: datetime) -> datetime:
    return min(_stamp(raw), now) if raw else now


@lru_cache(maxsize=256)  # all entries of a request have one, and they stand close together
def _stamp(raw: bytes) -> datetime:
    at = instant(_text(RECEIVED_AT, raw))
    if at is None or at < OLDEST:
        raise Rejection(RejectionReason.BAD_TIMESTAMP, "received_at: expected ISO 8601, in the year 2000 or later")
    return at


def _text(field: bytes, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Rejection(RejectionReason.NOT_UTF8, f"{field.decode()}: at byte {error.start}") from None


def _rejected(stream: str, entry_id: str, fields: Fields, received_at: datetime, rejection: Rejection) -> Rejected:
    raw = packed(fields)
    cut = f" (kept the first {MOST_KEPT} of {len(raw)} bytes)" if len(raw) > MOST_KEPT else ""
    return Rejected(
        stream=stream,
        entry_id=entry_id,
        received_at=received_at,
        reason=rejection.reason,
        detail=_storable(rejection.detail) + cut,
        raw=raw[:MOST_KEPT],
    )


def _storable(detail: str) -> str:
    """A detail from elsewhere (a database's complaint, say) may quote what PostgreSQL cannot keep."""
    return detail.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def packed(fields: Fields) -> bytes:
    """All fields as netstrings."""
    flat = chain.from_iterable(fields.items()) if isinstance(fields, Mapping) else fields
    return b"".join(b"%d:%b," % (len(item), item) for item in flat)


def unpacked(raw: bytes) -> list[bytes]:
    """The fields again: field, value, field, value …; ValueError when they were cut off at MOST_KEPT or are none."""
    items, at = [], 0
    while at < len(raw):
        colon = raw.index(b":", at)
        end = colon + 1 + int(raw[at:colon])
        if raw[end : end + 1] != b",":
            raise ValueError(f"not whole netstrings: expected a comma at byte {end}")
        items.append(raw[colon + 1 : end])
        at = end + 1
    return items
