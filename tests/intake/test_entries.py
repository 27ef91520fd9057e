"""Entries: the envelope around a call."""

from datetime import timedelta

import pytest

from orchestrator.intake.entries import MOST_KEPT, Entry, Rejected, decode, packed, unpacked
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
