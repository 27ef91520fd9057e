"""Entries: the envelope around a call."""

from datetime import timedelta

import pytest

from orchestrator.intake.entries import MOST_KEPT, Entry, Rejected, Told, decode, packed, understand, unpacked
from orchestrator.intake.segment import RejectionReason
from tests.intake.calls import NOW, raw


def opened(*fields: bytes) -> Entry:
    entry = decode("lifecycle:events:0", b"1-0", list(fields), now=NOW)
    assert isinstance(entry, Entry)
    return entry


def refused(*fields: bytes) -> Rejected:
    rejected = decode("lifecycle:events:0", b"1-0", list(fields), now=NOW)
    assert isinstance(rejected, Rejected)
    return rejected


def test_a_call_is_enough() -> None:
    """An entry needs only its call: the source is segment, the reception is the time of reading."""
    entry = opened(b"call", raw())
    assert (entry.stream, entry.entry_id, entry.source) == ("lifecycle:events:0", "1-0", "segment")
    assert (entry.received_at, entry.stamped) == (NOW, False)
    assert entry.parse().event.name == "Signed In"


def test_source_and_reception_are_read() -> None:
    """An entry may say who sent it and when it came in."""
    entry = opened(b"received_at", b"2026-11-22T12:00:00+00:00", b"source", "bürö".encode(), b"call", raw())
    assert (entry.source, entry.received_at, entry.stamped) == ("bürö", NOW - timedelta(minutes=30), True)
    assert entry.parse().event.received_at == NOW - timedelta(minutes=30)


def test_a_mapping_will_do() -> None:
    """Fields may come as a mapping, as redis-py gives them, and are kept alike."""
    entry = decode("s", "1-0", {b"call": b"x", b"source": b"crm"}, now=NOW)
    assert isinstance(entry, Entry)
    assert (entry.call, entry.source) == (b"x", "crm")
    assert packed(entry.fields) == packed([b"call", b"x", b"source", b"crm"])


def test_the_last_double_counts() -> None:
    """Of a doubled field the last one counts; other fields are passed over."""
    assert opened(b"call", b"old", b"\xff", b"\xfe", b"call", b"new").call == b"new"


def test_the_entry_id_tells_no_time() -> None:
    """An id in the far future or past changes no time."""
    for entry_id in (b"18446744073709551614-1", b"0-1", b"\xff"):
        entry = decode("s", entry_id, [b"call", raw()], now=NOW)
        assert isinstance(entry, Entry)
        assert entry.received_at == NOW


def test_a_reception_ahead_is_now() -> None:
    """A received_at later than the time of reading is replaced by it."""
    assert opened(b"call", raw(), b"received_at", b"2027-01-01T00:00:00Z").received_at == NOW


@pytest.mark.parametrize(
    ("fields", "reason", "place"),
    [
        ([], RejectionReason.MISSING_FIELD, "call"),
        ([b"payload", b"{}"], RejectionReason.MISSING_FIELD, "call"),
        ([b"call", b"{}", b"source", b"lifecycle"], RejectionReason.BAD_FIELD, "source"),
        ([b"call", b"{}", b"source", b" Lifecycle"], RejectionReason.BAD_FIELD, "source"),
        ([b"call", b"{}", b"source", b" "], RejectionReason.BAD_FIELD, "source"),
        ([b"call", b"{}", b"source", b"a\0b"], RejectionReason.BAD_FIELD, "source"),
        ([b"call", b"{}", b"source", b"s" * 256], RejectionReason.BAD_FIELD, "source"),
        ([b"call", b"{}", b"source", b"\xff"], RejectionReason.NOT_UTF8, "source"),
        ([b"call", b"{}", b"received_at", b"\xff"], RejectionReason.NOT_UTF8, "received_at"),
        ([b"call", b"{}", b"received_at", b"noon"], RejectionReason.BAD_TIMESTAMP, "received_at"),
        ([b"call", b"{}", b"received_at", b"1970-01-01"], RejectionReason.BAD_TIMESTAMP, "received_at"),
    ],
)
def test_a_bad_envelope_is_refused(fields: list[bytes], reason: RejectionReason, place: str) -> None:
    """An envelope that cannot be understood is rejected with its reason, its place and all its bytes."""
    rejected = refused(*fields)
    assert (rejected.reason, rejected.received_at) == (reason, NOW)
    assert place in rejected.detail
    assert unpacked(rejected.raw) == fields


def test_what_is_rejected_can_be_put_back() -> None:
    """Any fields, doubles and binary ones too, come out of the kept bytes as they went in."""
    fields = [b"", b"", b"call", b"\x00\xff,:", b"call", b"9:", "ü".encode(), b"x" * 1000]
    assert unpacked(packed(fields)) == fields


@pytest.mark.parametrize("broken", [b"5:abc,", b"3:abc", b"3:abcd", b"x:a,", b"abc"])
def test_cut_bytes_are_no_fields(broken: bytes) -> None:
    """Kept bytes that are not whole are told apart from whole ones."""
    with pytest.raises(ValueError, match=r"netstrings|int|subsection"):
        unpacked(broken)


def test_a_giant_is_kept_in_part() -> None:
    """Of a giant entry the first mebibyte is kept, and the detail says so."""
    rejected = refused(b"other", b"x" * 2 * MOST_KEPT)
    assert len(rejected.raw) == MOST_KEPT
    assert "kept the first" in rejected.detail


def test_a_later_refusal_keeps_the_entry() -> None:
    """The drain's own refusals keep the entry whole, its reception, and a detail that can be stored."""
    entry = opened(b"call", raw(), b"received_at", b"2026-11-22T12:00:00Z")
    rejected = entry.rejected(RejectionReason.DATA_ERROR, "half \ud83d and \0")
    assert rejected.detail == "half \\ud83d and \\0"
    assert rejected.received_at == NOW - timedelta(minutes=30)
    assert unpacked(rejected.raw) == entry.fields


def told(*fields: bytes, entry_id: str = "1-0") -> list[Told | Rejected]:
    return understand("lifecycle:events:0", entry_id, list(fields), now=NOW)


def names(found: list[Told | Rejected]) -> list[tuple[str, str]]:
    return [
        (each.entry_id, each.reason.value)
        if isinstance(each, Rejected)
        else (each.entry.entry_id, each.parsed.event.name)
        for each in found
    ]


FORMATS = {
    "segment": raw(event="e", userId="ann"),
    "cloudevents": b'{"specversion":"1.0","id":"m-1","source":"/s","type":"e","accountid":"acme","userid":"ann"}',
    "posthog": b'{"event":"e","distinct_id":"ann","uuid":"m","properties":{"$groups":{"company":"acme"}}}',
    "plain": b'{"event":"e","person":"ann","account":"acme","id":"m-1"}',
}


@pytest.mark.parametrize("name", FORMATS)
def test_an_entry_holds_any_format(name: str) -> None:
    """A call of any format, told apart by its content, is the event that it says."""
    (one,) = told(b"call", FORMATS[name])
    assert isinstance(one, Told)
    event = one.parsed.event
    assert (event.name, event.account, event.person) == ("e", "acme", "ann")


def test_an_entry_holds_a_batch_of_any_formats() -> None:
    """Each item of a batch in an entry is understood or rejected by itself, under the entry's id and its index."""
    batch = b"[" + b",".join([*FORMATS.values(), b"[]", b'{"p": NaN}']) + b"]"
    expected = [(f"1-0#{index}", "e") for index in range(4)] + [("1-0#4", "bad_field"), ("1-0#5", "not_a_number")]
    assert names(told(b"call", batch, b"source", b"crm")) == expected
    assert names(told(b"call", b'{"batch":' + batch + b"}")) == expected


def test_a_rejected_item_can_be_put_back_alone() -> None:
    """What is kept of a rejected item is an entry of that item alone, with the other fields of its batch."""
    _, bad = told(b"source", b"crm", b"call", b'[{"event":"e","account":"a","id":"1"},{"account":"a"}]', b"x", b"\xff")
    assert isinstance(bad, Rejected)
    assert unpacked(bad.raw) == [b"source", b"crm", b"x", b"\xff", b"call", b'{"account":"a"}']


def test_a_large_batch_is_no_large_call() -> None:
    """A batch may be larger than a call; an entry that is neither is refused by its size."""
    batch = b"[" + b",".join([raw(properties={"t": "x" * 20_000})] * 10) + b"]"
    assert names(told(b"call", batch)) == [(f"1-0#{index}", "Signed In") for index in range(10)]
    assert names(told(b"call", raw(properties={"batch": "x" * 40_000}))) == [("1-0", "too_large")]
    assert names(told(b"call", b"[" * 5_000_000)) == [("1-0", "too_large")]


@pytest.mark.parametrize("spelt", [(b"ce_", b"content_type"), (b"ce-", b"content-type"), (b"ce_", b"datacontenttype")])
def test_a_cloudevent_may_be_fields(spelt: tuple[bytes, bytes]) -> None:
    """A CloudEvent in binary mode is an attribute a field, with its data in the field data."""
    prefix, kind = spelt
    attributes = {b"id": b"1", b"source": b"/crm", b"type": b"50 % \xc3\xbcp", b"accountid": b"acme"}
    fields = [word for name, value in attributes.items() for word in (prefix + name, value)]
    (one,) = told(*fields, kind, b"application/json", b"data", b'{"a": 1}')
    assert isinstance(one, Told)
    assert (one.parsed.event.name, one.parsed.event.properties) == ("50 % üp", {"a": 1})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([b"ce_id", b"1"], "missing_field"),
        ([b"ce_id", b"\xff"], "not_utf8"),
        (
            [b"ce_id", b"1", b"ce_source", b"/s", b"ce_type", b"t", b"ce_accountid", b"a", b"data", b"NaN"],
            "not_a_number",
        ),
    ],
)
def test_a_poisoned_binary_entry_is_kept_as_it_came(fields: list[bytes], reason: str) -> None:
    """A binary entry that is no event is rejected by its reason, with all its fields."""
    (bad,) = told(*fields)
    assert isinstance(bad, Rejected)
    assert (bad.reason.value, unpacked(bad.raw)) == (reason, fields)


def test_what_the_gateway_refused_is_kept_for_its_reason() -> None:
    """The field refused says why an entry is only kept, whatever its call would be by itself."""
    assert names(told(b"call", raw(), b"refused", b"too_many: at most")) == [("1-0", "too_many")]
    assert names(told(b"call", raw(), b"refused", b"\xff")) == [("1-0", "bad_field")]


def test_an_event_without_an_id_counts_once() -> None:
    """Without an id the content makes one where there is a time, else the place where the call stood first."""
    timed, timeless = raw(messageId=None), raw(messageId=None, timestamp=None)

    def ids(call: bytes, entry_id: str, *more: bytes) -> str:
        (one,) = told(b"call", call, *more, entry_id=entry_id)
        assert isinstance(one, Told)
        return one.parsed.event.message_id

    assert ids(timed, "1-0") == ids(timed, "2-0")
    assert ids(timeless, "1-0") != ids(timeless, "2-0")
    assert ids(timeless, "9-0", b"retry_of", b"lifecycle:events:0/1-0") == ids(timeless, "1-0")


def test_two_alike_in_a_batch_are_two() -> None:
    """Two items of a batch that are alike, and have neither id nor time, are two events."""
    found = told(b"call", b"[" + b",".join([raw(messageId=None, timestamp=None)] * 2) + b"]")
    assert len({each.parsed.event.message_id for each in found if isinstance(each, Told)}) == 2
