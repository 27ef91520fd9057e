"""Bodies: the bytes of a request become items, and a bad one harms no other."""

import base64
import gzip
import json
from datetime import timedelta

import orjson
import pytest

from orchestrator.core.events import Event, Json
from orchestrator.intake.formats import MOST_BODY, MOST_ITEMS, Dialect, Item, parse, read, redacted, secret_in
from orchestrator.intake.rejection import Rejection, RejectionReason
from tests.intake.calls import INPUTS, NOW, call, raw, recorded_requests


def items(dialect: Dialect, body: bytes, headers: dict[str, str] | None = None) -> tuple[Item, ...]:
    return read(dialect, body, headers or {}, received_at=NOW)


def event(item: Item) -> Event:
    assert item.refusal is None
    return parse(item.call, source="shop", received_at=NOW).event


def refused(dialect: Dialect, body: bytes) -> RejectionReason:
    with pytest.raises(Rejection) as caught:
        items(dialect, body)
    return caught.value.reason


def outcomes(found: tuple[Item, ...]) -> list[str | None]:
    return [None if item.refusal is None else item.refusal.reason.value for item in found]


def batch(*calls: Json, **around: Json) -> bytes:
    return orjson.dumps({"batch": list(calls), **around})


def test_the_path_says_the_type_that_a_body_leaves_out() -> None:
    """A call without a type is of the type of its path; one that has a type keeps it."""
    (left_out,) = items(Dialect.TRACK, raw(type=None))
    assert event(left_out).kind.value == "track"
    (said,) = items(Dialect.TRACK, raw(type="identify"))
    assert event(said).kind.value == "identify"
    assert left_out.is_alone


def test_a_batch_says_once_what_holds_for_all() -> None:
    """The context, sentAt and channel of a batch are those of each item that has none of its own."""
    first, second = call(context={"locale": "de"}, messageId="a"), call(context=None, messageId="b", sentAt="never")
    around: dict[str, Json] = {"context": {"groupId": "acme"}, "sentAt": "2026-11-22T12:00:00Z", "channel": "server"}
    told = [orjson.loads(item.call) for item in items(Dialect.BATCH, batch(first, second, **around))]
    assert [each["context"] for each in told] == [{"groupId": "acme", "locale": "de"}, {"groupId": "acme"}]
    assert [each["sentAt"] for each in told] == ["2026-11-22T12:00:00Z", "never"]
    assert {each["channel"] for each in told} == {"server"}


def test_formats_without_an_envelope_are_left_alone() -> None:
    """What a batch says of all its items is not put into a plain event or a CloudEvent, which have no words for it."""
    strangers: list[Json] = [
        {"id": "1", "event": "e", "account": "acme"},
        {"specversion": "1.0", "id": "2", "source": "/s", "type": "e", "subject": "acme"},
    ]
    found = items(Dialect.BATCH, batch(*strangers, sentAt="2026-11-22T12:00:00Z", context={"groupId": "other"}))
    assert [(event(item).account, event(item).properties) for item in found] == [("acme", {})] * 2


def test_the_clients_own_clock_is_corrected() -> None:
    """A client that is an hour ahead and sent after ten seconds told of what happened ten seconds before it came in."""
    ahead = NOW + timedelta(hours=1)
    late = call(timestamp=ahead.isoformat())
    (item,) = items(Dialect.BATCH, batch(late, sentAt=(ahead + timedelta(seconds=10)).isoformat()))
    assert event(item).occurred_at == NOW - timedelta(seconds=10)


def test_a_resend_of_a_batch_is_the_same_events() -> None:
    """Sent again with another sentAt, and read at another time, a call has the same id and the same digest."""
    calls = call(messageId=None), call()
    bodies = [batch(*calls, sentAt=(NOW - timedelta(minutes=minutes)).isoformat()) for minutes in (9, 3)]
    parsed = [
        [parse(item.call, source="shop", received_at=NOW, place="s/1") for item in items(Dialect.BATCH, body)]
        for body in bodies
    ]
    ids = [[(each.event.message_id, each.digest_bytes) for each in told] for told in parsed]
    assert ids[0] == ids[1]
    assert ids[0][0][0].startswith("derived-")


def test_keys_of_the_sender_are_left_out() -> None:
    """What a library shows to be let in is not put on the stream."""
    keyed = call(writeKey="hush", properties={"a": 1})
    posthog: Json = {"event": "e", "distinct_id": "u", "api_key": "hush", "properties": {"token": "hush"}}
    found = items(Dialect.BATCH, batch(keyed, posthog, writeKey="hush", api_key="hush"))
    assert outcomes(found) == [None, None]
    assert b"hush" not in b"".join(item.call for item in found)


def test_a_key_is_found_in_any_body() -> None:
    """The key in a body is found as writeKey, api_key or token, in a form, and beside poison."""
    form = b"data=" + base64.b64encode(b'{"api_key": "k", "event": "e"}')
    bodies = [batch(writeKey="k"), b'{"batch":[{"p":NaN}],"writeKey":"k"}', b'[{"properties":{"token":"k"}}]', form]
    assert [secret_in(body) for body in bodies] == ["k"] * 4
    assert [secret_in(body) for body in (b"", b"{}", b"\xff", b"data=!", b'{"writeKey":"\\ud83d"}')] == [None] * 5


def test_what_cannot_be_read_is_kept_without_its_key() -> None:
    """The values of keys are taken out of bytes, whatever else they are."""
    assert redacted(b'{"writeKey" : "a\\"b", "batch": [NaN') == b'{"writeKey" : "", "batch": [NaN'


POISONED = {
    "NaN": (b'{"type":"track","properties":{"p":NaN}}', "not_a_number"),
    "Infinity": (b'{"type":"track","properties":{"p":-Infinity}}', "not_a_number"),
    "lone surrogate": (b'{"type":"track","properties":{"p":"\\ud83d"}}', "lone_surrogate"),
    "NUL": (b'{"type":"track","userId":"u\\u0000"}', "nul_character"),
    "raw NUL": (b'{"type":"track","userId":"u\x00"}', "nul_character"),
    "raw line break": (b'{"type":"track","userId":"u\n"}', "not_json"),
    "not UTF-8": (b'{"type":"track","userId":"\xff"}', "not_utf8"),
    "an abyss": (b"[" * 9000 + b"]" * 9000, "bad_field"),
    "deeper than orjson writes": (b'{"a":' * 300 + b"1" + b"}" * 300, "bad_field"),
    "python": (b"{'type': 'track'}", "not_json"),
    "trailing comma": (b'{"type":"track",}', "not_json"),
    "no object": (b'"track"', "bad_field"),
    "nothing": (b" ", "not_json"),
    "too large": (b'{"type":"track","userId":"%s"}' % (b"u" * 40_000), "too_large"),
    "brackets in a text": (b'{"type":"track","properties":{"p":"}],[{\\""}}', "no_identity"),
}


@pytest.mark.parametrize("poison", POISONED)
@pytest.mark.parametrize("spoilt", [False, True], ids=["alone", "beside another poison"])
def test_poison_harms_no_neighbour(poison: str, spoilt: bool) -> None:
    """Within a batch the poisoned item alone is refused, with its reason; its neighbours are what they were."""
    body, reason = POISONED[poison]
    good = raw(messageId="first"), raw(messageId="last", properties={"n": 2**63, "x": 1e22, "t": 'ü"\\ []{},:'})
    parts = [good[0], body, good[1], *([b'{"p": NaN}'] if spoilt else [])]
    found = items(Dialect.BATCH, b'{"writeKey":"k","batch":[' + b" , ".join(parts) + b'],"sentAt":"2026-11-22T12:00Z"}')
    assert outcomes(found) == [None, reason, None, *(["not_a_number"] if spoilt else [])]
    alone = [parse(each, source="shop", received_at=NOW).event for each in good]
    assert [event(found[0]).properties, event(found[2]).properties] == [each.properties for each in alone]


@pytest.mark.parametrize("poison", POISONED)
def test_a_poisoned_item_is_refused_again_for_the_same_reason(poison: str) -> None:
    """What goes on the stream of a poisoned item is refused by the drain with the reason that its sender was told."""
    body, reason = POISONED[poison]
    (item, _) = items(Dialect.BATCH, b'{"batch":[' + body + b', {"p": NaN}]}')
    with pytest.raises(Rejection) as caught:
        parse(item.call, source="shop", received_at=NOW)
    assert caught.value.reason.value == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", RejectionReason.NOT_JSON),
        (b"{}", RejectionReason.MISSING_FIELD),
        (b"7", RejectionReason.BAD_FIELD),
        (b'{"batch": 5}', RejectionReason.BAD_FIELD),
        (b'{"batch": [{}', RejectionReason.NOT_JSON),
        (b'{"batch": [{}]} x', RejectionReason.NOT_JSON),
        (b'{"batch": [NaN], "context": NaN}', RejectionReason.NOT_A_NUMBER),
        ('{"batch": []}'.encode("utf-16"), RejectionReason.NOT_UTF8),
        (b" " * (MOST_BODY + 1), RejectionReason.TOO_LARGE),
        (b'{"batch": [' + b"[" * 2_000_000, RejectionReason.NOT_JSON),
        (b'{"batch": [' + b"1," * 10_000 + b"1]}", RejectionReason.TOO_MANY),
        (b'{"batch": [' + b"1," * 10_000 + b"NaN]}", RejectionReason.TOO_MANY),
        (b"data=%ff%fe", RejectionReason.NOT_JSON),
        (b"data=" + base64.b64encode(b"\x1f\x8bno"), RejectionReason.NOT_JSON),
    ],
)
def test_a_body_that_is_no_batch_is_refused_whole(body: bytes, reason: RejectionReason) -> None:
    """What cannot be read, or holds no list, is refused as a whole by its reason."""
    assert refused(Dialect.BATCH, body) is reason


def test_an_empty_batch_is_no_event() -> None:
    """A batch may be empty, also one beside poison."""
    assert items(Dialect.BATCH, b'{"batch": []}') == items(Dialect.BATCH, b'{"batch": [ ], "x": NaN}') == ()


def test_items_beyond_the_count_are_refused_one_by_one() -> None:
    """Of 2,502 items two are refused as too many, and each of those is good by itself."""
    calls = [call(messageId=str(number)) for number in range(MOST_ITEMS + 2)]
    for body in (batch(*calls), batch(*calls).replace(b'{"batch":', b'{"x":NaN,"batch":')):
        found = items(Dialect.BATCH, body)
        assert outcomes(found) == [None] * MOST_ITEMS + ["too_many"] * 2
        assert parse(found[-1].call, source="shop", received_at=NOW).event.message_id == str(MOST_ITEMS + 1)


def test_items_beyond_the_bytes_are_refused_one_by_one() -> None:
    """Of a batch of 600 KiB the items that lie beyond 500 KiB are refused, and no other."""
    calls = [call(properties={"t": "x" * 20_000}) for _ in range(30)]
    verdicts = outcomes(items(Dialect.BATCH, batch(*calls)))
    assert verdicts == [None] * 25 + ["too_many"] * 5


def test_one_call_that_is_too_large_is_refused_alone() -> None:
    """A call of more than 32 KiB is refused by its size, alone or within a batch."""
    large = call(properties={"t": "x" * 40_000})
    assert outcomes(items(Dialect.TRACK, orjson.dumps(large))) == ["too_large"]
    assert outcomes(items(Dialect.BATCH, batch(call(), large, call()))) == [None, "too_large", None]


@pytest.mark.parametrize("client", recorded_requests())
def test_recorded_requests_are_understood(client: str) -> None:
    """Each recorded request becomes the events that its calls say, in their order, with their ids."""
    for request in json.loads((INPUTS / "clients" / f"{client}.json").read_text()):
        found = items(Dialect.BATCH, orjson.dumps(request["body"]))
        told = [(event(item).kind.value, item.message_id) for item in found]
        assert told == [(each["type"], each["messageId"]) for each in request["body"]["batch"]]


def test_forms_are_opened() -> None:
    """A form's field data holds JSON, base64 of it, or base64 of it gzipped."""
    packed = base64.b64encode(gzip.compress(raw()))
    for form in (b"data=" + base64.b64encode(raw()), b"compression=gzip&data=" + packed, b"ip=1&data=%7B%7D&v=2"):
        assert len(items(Dialect.POSTHOG, form)) == 1
    assert event(items(Dialect.POSTHOG, b"data=" + packed)[0]).message_id == "m-1"


def test_a_bomb_within_a_form_is_not_unpacked() -> None:
    """What grows beyond the bound of a body when it is unpacked is refused."""
    bomb = base64.b64encode(gzip.compress(b" " * 40_000_000))
    assert refused(Dialect.POSTHOG, b"data=" + bomb) is RejectionReason.TOO_LARGE


def test_an_id_is_of_the_place_where_a_call_has_no_time() -> None:
    """A call with neither id nor time has an id of the place it stands at, so that two of them are two events."""
    (item,) = items(Dialect.TRACK, raw(messageId=None, timestamp=None))
    assert (item.message_id, item.refusal) == (None, None)
    ids = {
        parse(item.call, source="s", received_at=NOW, place=place).event.message_id for place in ("a/1", "a/2", "a/1")
    }
    assert len(ids) == 2
