"""What holds for any bytes and any call (Hypothesis)."""

import json
from datetime import timedelta

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.core.events import Event, EventKind, Json
from orchestrator.intake.entries import Entry, Rejected, decode, packed, unpacked
from orchestrator.intake.segment import Parsed, Rejection, RejectionReason, belongs_to, parse_call
from tests.intake.calls import NOW

FIELDS = """userId anonymousId groupId previousId event name category properties traits context timestamp
originalTimestamp sentAt receivedAt""".split()  # noqa: SIM905 -- a list of words reads best as words

patient = settings(deadline=None)  # the machine may be busy

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes().map(str),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
kinds = st.sampled_from([kind.value for kind in EventKind])
wild = st.fixed_dictionaries(
    {"type": kinds | anything, "messageId": st.text(min_size=1) | anything},
    optional=dict.fromkeys(FIELDS, anything),
).map(lambda call: json.dumps(call).encode())

text = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
ids = text.filter(lambda chosen: bool(chosen.strip()))
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(text, children, max_size=3),
    max_leaves=8,
)
good = st.fixed_dictionaries(
    {
        "type": kinds,
        "messageId": ids,
        "userId": ids,
        "groupId": ids,
        "previousId": ids,
        "event": ids,
        "properties": st.dictionaries(text, values, max_size=4),
        "traits": st.dictionaries(text, values, max_size=4),
        "timestamp": st.datetimes(
            min_value=NOW.replace(year=2001, tzinfo=None), max_value=NOW.replace(tzinfo=None)
        ).map(lambda at: at.isoformat() + "Z"),
    },
    optional={"context": st.fixed_dictionaries({"groupId": ids})},
)


def parsed(body: bytes) -> Parsed:
    return parse_call(body, source="segment", received_at=NOW)


@patient
@given(st.binary() | wild | st.text().map(str.encode) | st.binary().map(lambda tail: b'{"type":"track"' + tail))
@example(b'{"type": "track", "messageId": "m", "userId": "u", "event": "e", "timestamp": "2026-W47-7T1"}')
def test_any_bytes_are_understood_or_refused(body: bytes) -> None:
    """Whatever the bytes, they become an event that can be stored, or a Rejection: never another exception."""
    try:
        event = parsed(body).event
    except Rejection as rejection:
        rejection.detail.encode()
        return
    assert event.occurred_at <= event.received_at == NOW
    assert "\0" not in repr(event)
    orjson.dumps([{"properties": event.properties, "name": event.name}])
    assert belongs_to(body) == (event.account or event.person)


@patient
@given(st.lists(st.binary(max_size=40) | wild | st.sampled_from([b"call", b"source", b"received_at"]), max_size=8))
def test_any_fields_are_opened_or_refused(items: list[bytes]) -> None:
    """Whatever its fields, an entry is opened or rejected, and what is kept gives the fields back."""
    fields = items[: len(items) // 2 * 2]
    entry = decode("s", b"1-0", fields, now=NOW)
    assert unpacked(entry.raw if isinstance(entry, Rejected) else packed(entry.fields)) == fields
    if isinstance(entry, Entry):
        assert unpacked(entry.rejected(RejectionReason.DATA_ERROR, "alone").raw) == fields


@patient
@given(good, st.randoms(use_true_random=False))
def test_the_way_of_writing_does_not_matter(call: dict[str, Json], chance: object) -> None:
    """Escapes, spaces and the order of the keys change neither the event nor its digest."""
    names = list(call)
    chance.shuffle(names)  # type: ignore[attr-defined] # Hypothesis's own random.Random
    shuffled = {name: call[name] for name in names}
    first = parsed(orjson.dumps(call))
    assert parsed(orjson.dumps(shuffled)) == first
    assert parsed(json.dumps(shuffled, indent=1).encode()) == first
    assert parsed(first.digest_bytes) == first


def as_call(event: Event) -> dict[str, Json]:
    """The call that an event would come in."""
    body = "traits" if event.kind in {EventKind.IDENTIFY, EventKind.GROUP} else "properties"
    return {
        "type": event.kind.value,
        "messageId": event.message_id,
        "userId": event.person,
        "groupId": event.account,
        "context": {"groupId": event.account},
        "previousId": event.properties.get("previous_id"),
        "event": event.name,
        "timestamp": event.occurred_at.isoformat(),
        body: dict(event.properties),
    }


@patient
@given(good)
def test_an_event_written_again_is_the_same(call: dict[str, Json]) -> None:
    """An event that is written as a call and read again is the same event."""
    event = parsed(orjson.dumps(call)).event
    assert parsed(orjson.dumps(as_call(event))).event == event


@patient
@given(good, st.integers(0, 86_400), st.dictionaries(text, values, max_size=2))
def test_a_resend_is_no_conflict(call: dict[str, Json], seconds: int, library: dict[str, Json]) -> None:
    """However often a call is sent again, with whatever sentAt and library, its digest stays."""
    sent = (NOW + timedelta(seconds=seconds)).isoformat()
    context = call.get("context", {})
    assert isinstance(context, dict)
    again = call | {"sentAt": sent, "receivedAt": sent, "writeKey": "k"}
    if "context" in call:
        again["context"] = context | {"library": library}
    assert parsed(orjson.dumps(again)).digest_bytes == parsed(orjson.dumps(call)).digest_bytes


@pytest.mark.parametrize("size", [32 * 1024 - 200, 32 * 1024])
def test_the_largest_calls_are_answered(size: int) -> None:
    """Calls made of nothing but nesting or names, up to the limit, are answered like any other."""
    for piece in (b"[", b'{"a":', b'"', b"\\u0000", b'{"\\ud83d":', b"[NaN,", b"1", b"\xed\xa0\xbd"):
        with pytest.raises(Rejection):
            parsed((piece * size)[:size])
