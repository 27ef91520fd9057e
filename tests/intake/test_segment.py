"""Segment calls: good ones are understood, bad ones are refused by name and place."""

import json
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from orchestrator.core.events import EventKind, Json
from orchestrator.intake.segment import (
    MOST_BYTES,
    MOST_DEPTH,
    MOST_DETAIL,
    MOST_ID,
    Parsed,
    Rejection,
    RejectionReason,
    belongs_to,
    parse_call,
)
from tests.intake.calls import NOW, call, raw, recorded_events, recorded_requests


def parsed(body: bytes, **options: bool) -> Parsed:
    return parse_call(body, source="segment", received_at=NOW, **options)


def refused(body: bytes) -> tuple[RejectionReason, str]:
    with pytest.raises(Rejection) as caught:
        parsed(body)
    return caught.value.reason, caught.value.detail


POISON = {
    "latin-1": (b'{"type": "caf\xe9"}', RejectionReason.NOT_UTF8, "at byte 13"),
    "utf-16": ('{"type": "track"}'.encode("utf-16"), RejectionReason.NOT_UTF8, "at byte 0"),
    "empty": (b"", RejectionReason.NOT_JSON, "empty"),
    "half": (raw()[:-5], RejectionReason.NOT_JSON, "column"),
    "python": (b"{'type': 'track'}", RejectionReason.NOT_JSON, "column"),
    "raw line break": (b'{"type": "a\nb"}', RejectionReason.NOT_JSON, "control character"),
    "NaN": (b'{"properties": {"price": NaN}}', RejectionReason.NOT_A_NUMBER, "properties.price"),
    "Infinity": (b'{"properties": {"a": [1, Infinity]}}', RejectionReason.NOT_A_NUMBER, "properties.a[1]"),
    "-Infinity": (b'{"properties": {"a": -Infinity}}', RejectionReason.NOT_A_NUMBER, "properties.a"),
    "1e999": (b'{"properties": {"a b": 1e999}}', RejectionReason.NOT_A_NUMBER, "properties.'a b'"),
    "5000 digits": (b'{"a": ' + b"9" * 5000 + b"}", RejectionReason.NOT_A_NUMBER, "a"),
    "high surrogate": (b'{"properties": {"t": "\\ud83d"}}', RejectionReason.LONE_SURROGATE, "properties.t"),
    "low surrogate": (b'{"t": "\\ude00"}', RejectionReason.LONE_SURROGATE, "t"),
    "surrogate in a name": (b'{"\\ud83d": 1}', RejectionReason.LONE_SURROGATE, "the name '\\ud83d'"),
    "surrogate in bytes": (b'{"t": "\xed\xa0\xbd"}', RejectionReason.LONE_SURROGATE, "at byte 7"),
    "escaped NUL": (raw(properties={"t": "a\0"}), RejectionReason.NUL_CHARACTER, "properties.t"),
    "NUL in a name": (raw(properties={"a\0": 1}), RejectionReason.NUL_CHARACTER, "properties.'a\\x00'"),
    "NUL in an id": (raw(messageId="m\0"), RejectionReason.NUL_CHARACTER, "messageId"),
    "raw NUL": (b'{"t": "\0"}', RejectionReason.NUL_CHARACTER, "t"),
    "NUL outside": (b'{}\0"', RejectionReason.NUL_CHARACTER, "at character 2"),
    "too large": (raw(properties={"t": "x" * MOST_BYTES}), RejectionReason.TOO_LARGE, "at most 32768"),
    "too deep": (b'{"a":' * 101 + b"1" + b"}" * 101, RejectionReason.BAD_FIELD, "deeper than 100"),
    "far too deep": (b"[" * 2000 + b"]" * 2000, RejectionReason.BAD_FIELD, "deeper than 100"),
    "abyss": (b"[" * 16000 + b"]" * 16000, RejectionReason.BAD_FIELD, "deeper than 100"),
    "a list": (b"[{}]", RejectionReason.BAD_FIELD, "expected an object, got a list"),
    "null": (b"null", RejectionReason.BAD_FIELD, "got null"),
    "a text": (b'"track"', RejectionReason.BAD_FIELD, "got a text of 5 characters"),
    "a number": (b"1", RejectionReason.BAD_FIELD, "got a number"),
    "true": (b"true", RejectionReason.BAD_FIELD, "got true or false"),
    "no type": (raw(type=None), RejectionReason.MISSING_FIELD, "type"),
    "a number as type": (raw(type=5), RejectionReason.BAD_FIELD, "type: expected a text, got a number"),
    "misspelt type": (raw(type="Trck"), RejectionReason.UNKNOWN_TYPE, "type: 'Trck'; did you mean track?"),
    "unheard-of type": (raw(type="\U0001f600"), RejectionReason.UNKNOWN_TYPE, "type: '\\U0001f600'"),
    "no messageId": (raw(messageId=None), RejectionReason.MISSING_FIELD, "messageId"),
    "blank messageId": (raw(messageId="  "), RejectionReason.MISSING_FIELD, "messageId"),
    "long messageId": (
        raw(messageId="m" * 256),
        RejectionReason.BAD_FIELD,
        "messageId: expected a text of at most 255",
    ),
    "long userId": (raw(userId="u" * 256), RejectionReason.BAD_FIELD, "userId"),
    "userId true": (raw(userId=True), RejectionReason.BAD_FIELD, "userId: "),
    "userId 1.5": (raw(userId=1.5), RejectionReason.BAD_FIELD, "userId: "),
    "userId a list": (raw(userId=["u"]), RejectionReason.BAD_FIELD, "userId: "),
    "groupId an object": (raw(context={"groupId": {}}), RejectionReason.BAD_FIELD, "context.groupId: "),
    "nobody": (raw(userId="", context=None), RejectionReason.NO_IDENTITY, "userId and anonymousId"),
    "identify nobody": (raw(type="identify", userId=None), RejectionReason.NO_IDENTITY, "userId and anonymousId"),
    "no event": (raw(event=None), RejectionReason.MISSING_FIELD, "event"),
    "long event": (raw(event="e" * 256), RejectionReason.BAD_FIELD, "event: "),
    "group of none": (raw(type="group"), RejectionReason.MISSING_FIELD, "groupId"),
    "alias of none": (raw(type="alias"), RejectionReason.MISSING_FIELD, "previousId"),
    "properties a list": (raw(properties=[]), RejectionReason.BAD_FIELD, "properties: expected an object, got a list"),
    "traits a text": (raw(type="identify", traits="x"), RejectionReason.BAD_FIELD, "traits: "),
    "context a text": (raw(context="x"), RejectionReason.BAD_FIELD, "context: "),
    "timestamp a number": (
        raw(timestamp=1795349025),
        RejectionReason.BAD_TIMESTAMP,
        "timestamp: expected ISO 8601, got",
    ),
    "timestamp words": (raw(timestamp="yesterday"), RejectionReason.BAD_TIMESTAMP, "timestamp: expected ISO 8601, got"),
    "in 1999": (raw(timestamp="1999-12-31T23:59:59Z"), RejectionReason.BAD_TIMESTAMP, "before the year 2000"),
    "in the year 1": (raw(timestamp="0001-01-01T00:00:00+14:00"), RejectionReason.BAD_TIMESTAMP, "timestamp: "),
    "in two days": (raw(timestamp="2026-11-24T12:00:00Z"), RejectionReason.BAD_TIMESTAMP, "more than 24 h after"),
    "in the year 9999": (raw(timestamp="9999-12-31T23:59:59Z"), RejectionReason.BAD_TIMESTAMP, "more than 24 h after"),
}


@pytest.mark.parametrize("poison", POISON)
def test_poison_is_refused_by_its_name_and_place(poison: str) -> None:
    """Each kind of bad call is refused with its own reason, and the detail names the place."""
    body, reason, place = POISON[poison]
    found, detail = refused(body)
    assert found is reason
    assert place in detail


def test_every_reason_of_a_call_has_poison() -> None:
    """Each reason but the drain's two and the batch's has a call that meets it, and each has its sentence."""
    elsewhere = {RejectionReason.CONFLICT, RejectionReason.DATA_ERROR, RejectionReason.TOO_MANY}
    assert {reason for _, reason, _ in POISON.values()} | elsewhere == set(RejectionReason)
    assert all(reason.sentence.endswith(".") for reason in RejectionReason)


def test_details_can_be_stored() -> None:
    """A detail is short, and PostgreSQL and UTF-8 can hold it, whatever the call held."""
    for body, _, _ in POISON.values():
        _, detail = refused(body)
        assert len(detail) <= MOST_DETAIL
        assert "\0" not in detail
        detail.encode()


def test_details_do_not_quote_people() -> None:
    """What a field holds is not repeated in the detail: it may be a person's."""
    for body in (raw(userId="ana@acme.example" * 20), raw(timestamp="ana@acme.example"), raw(properties="ana@acme")):
        assert "ana" not in refused(body)[1]


def test_a_backslash_before_u0000_is_no_nul() -> None:
    r"""The seven characters \\u0000 are a backslash and a word, not NUL."""
    assert parsed(raw(properties={"path": r"C:\u0000"})).event.properties == {"path": r"C:\u0000"}


def test_a_byte_order_mark_is_passed_over() -> None:
    """A UTF-8 byte order mark before the call changes nothing."""
    assert parsed(b"\xef\xbb\xbf" + raw()) == parsed(raw())


def test_nesting_up_to_the_limit_is_good() -> None:
    """A call nested as deep as is allowed is understood, and so is a broad one."""
    deep: Json = 1
    for _ in range(MOST_DEPTH - 2):
        deep = [deep]
    assert parsed(raw(properties={"deep": deep})).event.properties == {"deep": deep}
    assert parsed(raw(properties={"broad": [{} for _ in range(500)]})).event.name == "Signed In"


@pytest.mark.parametrize("client", recorded_requests())
def test_real_clients_are_understood(client: str) -> None:
    """Each call that Segment's own libraries send becomes the event that it says."""
    bodies = recorded_requests()[client]
    events = [parsed(body).event for body in bodies]
    assert len(events) == len(bodies)
    assert [event.kind.value for event in events] == [json.loads(body)["type"] for body in bodies]
    assert {event.person for event in events} <= {"u-1", "anon-9"}
    assert "acct-1" in {event.account for event in events}


def test_python_client_in_full() -> None:
    """The Python library's seven calls, field by field."""
    identify, group, track, page, alias, screen, anonymous = (
        parsed(body).event for body in recorded_requests()["segment_python"]
    )
    assert (identify.person, identify.account, identify.name) == ("u-1", None, "identify")
    assert identify.properties["name"] == "Ana Núñez"
    assert (group.account, group.person, group.properties["employees"]) == ("acct-1", "u-1", 42)
    assert (track.account, track.name, track.properties) == ("acct-1", "Trial Started", {"plan": "pro", "seats": 5})
    assert track.occurred_at == datetime(2026, 11, 20, 12, 2, 45, 871000, tzinfo=UTC)
    assert (page.kind, page.name) == (EventKind.PAGE, "page")
    assert page.properties == {"name": "Quickstart", "category": "Docs", "url": "https://acme.example/docs"}
    assert (alias.kind, alias.person, alias.properties) == (EventKind.ALIAS, "u-1", {"previous_id": "anon-9"})
    assert screen.properties == {"name": "Home", "category": "Mobile"}
    assert (anonymous.person, anonymous.account) == ("anon-9", None)


@pytest.mark.parametrize("data", recorded_events())
def test_recorded_events_are_understood(data: str) -> None:
    """Every line of the recorded data sets becomes an event at its own time, with its own id."""
    lines = recorded_events()[data]
    events = [parsed(line).event for line in lines]
    assert len({event.message_id for event in events}) == len(lines)
    assert [event.occurred_at for event in events] == [
        datetime.fromisoformat(json.loads(line)["timestamp"]) for line in lines
    ]


def test_numbers_as_ids_become_text() -> None:
    """A whole number as an id means the same as its digits."""
    event = parsed(raw(messageId=7, userId=42, context={"groupId": 0})).event
    assert (event.message_id, event.person, event.account) == ("7", "42", "0")


def test_an_account_alone_is_identity_enough() -> None:
    """A call that names an account and nobody is the account's."""
    assert parsed(raw(userId=None)).event.account == "acme"
    assert parsed(raw(type="group", userId=None, groupId="g", context=None)).event.person is None


def test_the_anonymous_id_stands_in() -> None:
    """A blank userId gives way to the anonymousId."""
    assert parsed(raw(userId=" ", anonymousId="anon-9")).event.person == "anon-9"


@pytest.mark.parametrize(
    ("traits", "zone", "expected"),
    [
        ({}, "Asia/Kuala_Lumpur", "Asia/Kuala_Lumpur"),
        ({"timezone": None}, "Asia/Kuala_Lumpur", "Asia/Kuala_Lumpur"),
        ({"timezone": "Europe/Berlin"}, "Asia/Kuala_Lumpur", "Europe/Berlin"),
        ({}, "Mars/Olympus", None),
        ({}, "../../etc/passwd", None),
        ({}, 8, None),
    ],
)
def test_the_zone_of_the_context_is_learnt(traits: dict[str, Json], zone: Json, expected: str | None) -> None:
    """An identify call's context.timezone becomes a trait if it is a zone and none is given."""
    event = parsed(raw(type="identify", traits=traits, context={"timezone": zone})).event
    assert event.properties.get("timezone") == expected


def test_traits_beside_an_event_are_said_besides() -> None:
    """Traits of a track or page call are an identify call beside it; those of nobody, or none, are nothing."""
    beside = parsed(raw(traits={"role": "champion"}, messageId="m" * 255)).beside
    assert beside is not None
    assert (beside.event.kind, beside.event.person, beside.event.account) == (EventKind.IDENTIFY, "u-1", "acme")
    assert beside.event.properties == {"role": "champion"}
    assert len(beside.event.message_id) < MOST_ID
    nothing: list[Json] = [{}, None, "x", {"previous_id": "other"}]
    assert [parsed(raw(traits=each)).beside for each in nothing] == [None] * 4
    assert parsed(raw(traits={"a": 1}, userId=None)).beside is None
    assert parsed(raw(type="identify", traits={"a": 1})).beside is None


def test_context_traits_are_those_of_an_identify_call() -> None:
    """In an identify call context.traits lie beneath its traits; in other calls nothing is learnt from them."""
    around: dict[str, Json] = {"groupId": "acme", "traits": {"a": 1, "b": 1}}
    assert parsed(raw(type="identify", traits={"b": 2}, context=around)).event.properties == {"a": 1, "b": 2}
    assert parsed(raw(type="group", groupId="g", traits={"b": 2}, context=around)).event.properties == {"b": 2}
    track = parsed(raw(context=around))
    assert (track.event.properties, track.beside) == ({}, None)
    assert parsed(raw(type="identify", context={"traits": "x"})).event.properties == {}


def test_a_group_id_beside_a_call_is_its_account() -> None:
    """A groupId beside a call is its account, where the context names none."""
    assert parsed(raw(groupId="beside", context=None)).event.account == "beside"
    assert parsed(raw(groupId="beside")).event.account == "acme"


def test_other_calls_learn_no_zone() -> None:
    """Only identify says something of the person."""
    assert parsed(raw(context={"groupId": "acme", "timezone": "Asia/Tokyo"})).event.properties == {}


def test_no_timestamp_is_the_reception() -> None:
    """A call that does not say when happened when it reached us."""
    assert parsed(raw(timestamp=None)).event.occurred_at == NOW
    assert parsed(raw(timestamp="")).event.occurred_at == NOW


def test_a_time_without_a_zone_is_utc() -> None:
    """ISO 8601 without an offset is read as UTC, another offset is turned into UTC."""
    assert parsed(raw(timestamp="2026-11-22T12:00:00")).event.occurred_at == NOW - timedelta(minutes=30)
    assert parsed(raw(timestamp="2026-11-22T20:00:00+08:00")).event.occurred_at == NOW - timedelta(minutes=30)


def test_a_little_ahead_is_set_back() -> None:
    """An event up to 24 h ahead of its reception happened at its reception."""
    assert parsed(raw(timestamp="2026-11-23T12:30:00Z")).event.occurred_at == NOW
    assert refused(raw(timestamp="2026-11-23T12:30:00.001Z"))[0] is RejectionReason.BAD_TIMESTAMP


SKEWED: dict[str, Json] = {
    "originalTimestamp": "2031-01-01T00:00:00Z",  # a clock five years ahead, sent ten seconds later
    "sentAt": "2031-01-01T00:00:10Z",
    "timestamp": "2026-11-22T10:00:00Z",
}


def test_a_wrong_client_clock_is_corrected() -> None:
    """With sentAt and originalTimestamp the event happened as long before the reception as the client's clock says."""
    assert parsed(raw(**SKEWED)).event.occurred_at == NOW - timedelta(seconds=10)


def test_the_time_on_the_road_is_no_wrong_clock() -> None:
    """A call that took seconds to arrive happened when it says, to the digit."""
    sent = {"sentAt": "2026-11-22T12:29:48Z", "originalTimestamp": "2026-11-20T09:00:00Z"}
    on_time = parsed(raw(**sent, timestamp="2026-11-20T09:00:00Z"))
    assert on_time.event.occurred_at == datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_a_forwarders_reception_counts() -> None:
    """A receivedAt in the call is the reception that the client's clock is compared with, unless it lies ahead."""
    forwarded = parsed(raw(**SKEWED, receivedAt="2026-11-22T11:00:00Z"), stamped=False)
    assert forwarded.event.occurred_at == datetime(2026, 11, 22, 10, 59, 50, tzinfo=UTC)
    ahead = parsed(raw(**SKEWED, receivedAt="2027-11-22T11:00:00Z"))
    assert ahead.event.occurred_at == NOW - timedelta(seconds=10)


def test_the_time_of_reading_corrects_nothing() -> None:
    """Where only the time of reading is known, an hour in the stream is not taken for a wrong clock."""
    assert parsed(raw(**SKEWED), stamped=False).event.occurred_at == NOW - timedelta(hours=2, minutes=30)


@pytest.mark.parametrize(
    "broken",
    [
        {"sentAt": "2030-12-31T00:00:00Z"},  # sent before it happened
        {"sentAt": "soon"},
        {"sentAt": None},
        {"originalTimestamp": 5},
        {"originalTimestamp": "0001-01-01T00:00:00Z", "sentAt": "9999-12-31T00:00:00Z"},
    ],
)
def test_a_correction_that_cannot_be_is_not_made(broken: dict[str, Json]) -> None:
    """Times that make no sense together leave the timestamp as it was said."""
    assert parsed(raw(**(SKEWED | broken))).event.occurred_at == NOW - timedelta(hours=2, minutes=30)


def test_a_resend_has_the_same_digest() -> None:
    """Another sentAt, receivedAt, writeKey, library, or order of the keys is the same body."""
    first = call(sentAt="2026-11-22T12:00:01Z", context={"groupId": "acme", "library": {"version": "1"}})
    again = call(
        sentAt="2026-11-22T12:10:00Z",
        receivedAt="2026-11-22T12:10:01Z",
        writeKey="k",
        context={"library": {"version": "2"}, "groupId": "acme"},
    )
    turned = dict(reversed(again.items()))
    digests = {parsed(orjson.dumps(body)).digest_bytes for body in (first, again, turned)}
    assert len(digests) == 1


def test_a_forwarders_timestamp_is_not_the_body() -> None:
    """Where originalTimestamp is given, timestamp is derived and may differ from resend to resend."""
    later = SKEWED | {"timestamp": "2026-11-22T10:00:05Z"}
    assert parsed(raw(**SKEWED)).digest_bytes == parsed(raw(**later)).digest_bytes
    assert parsed(raw()).digest_bytes != parsed(raw(timestamp="2026-11-22T12:00:01Z")).digest_bytes


@pytest.mark.parametrize(
    "change",
    [{"event": "Signed Out"}, {"userId": "u-2"}, {"properties": {"a": 1}}, {"context": {"groupId": "other"}}],
)
def test_another_body_has_another_digest(change: dict[str, Json]) -> None:
    """Whatever an event says is part of its digest."""
    assert parsed(raw(**change)).digest_bytes != parsed(raw()).digest_bytes


def test_routing_goes_by_account_then_person() -> None:
    """A call belongs to its account, else to its person; one that will be refused belongs to nobody."""
    assert belongs_to(raw()) == "acme"
    assert belongs_to(raw(type="group", groupId="g")) == "g"
    assert belongs_to(raw(context=None)) == "u-1"
    assert belongs_to(b"\xff") is None
    assert belongs_to(raw(userId=None, context=None)) is None


@pytest.mark.parametrize(
    ("fields", "previous"),
    [
        ({"anonymousId": "device"}, "device"),
        ({"anonymousId": "u-1"}, None),
        ({"anonymousId": "device", "userId": None}, None),
        ({"traits": {"previous_id": "boss"}}, None),
        ({"anonymousId": "device", "traits": {"previous_id": "boss"}}, "device"),
    ],
    ids=["both", "the same", "no user", "a trait", "both and a trait"],
)
def test_identify_with_both_ids_ties_them(fields: dict[str, Json], previous: str | None) -> None:
    """The anonymous id is the user's; nobody can say that of another by a trait."""
    named: dict[str, Json] = {"type": "identify", "event": None, "userId": "u-1", "properties": None}
    event = parsed(raw(**(named | fields))).event
    assert event.properties.get("previous_id") == previous
