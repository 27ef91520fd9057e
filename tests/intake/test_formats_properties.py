"""What holds for any body in any dialect (Hypothesis)."""

import json
from datetime import timedelta
from typing import Any

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.core.events import Json
from orchestrator.intake.entries import Rejected, understand
from orchestrator.intake.formats import Dialect, Item, parse, read, redacted, secret_in
from orchestrator.intake.formats.scan import members, parts
from orchestrator.intake.rejection import Rejection
from orchestrator.intake.segment import ON_THE_ROAD
from tests.intake.calls import NOW
from tests.intake.test_intake_properties import anything, good

patient = settings(deadline=None)  # the machine may be busy

WORDS = """type messageId userId anonymousId groupId event context properties traits timestamp sentAt specversion id
source data data_base64 datacontenttype subject time accountid distinct_id uuid offset sent_at account person
at""".split()  # noqa: SIM905 -- a list of words reads best as words
hints = st.sampled_from(
    ["track", "identify", "group", "alias", "1.0", "$identify", "$groupidentify", "application/json"]
)
wild = st.dictionaries(st.sampled_from(WORDS), hints | anything, max_size=8) | anything
poisoned = st.sampled_from(
    [
        b'{"p": NaN}',
        b'{"p": "\\ud83d"}',
        b'{"p": "a\\u0000"}',
        b'"\xff"',
        b"[" * 2000 + b"]" * 2000,
        b"{'a': 1}",
        b'"\n"',
    ]
)
body = (
    st.binary()
    | wild.map(lambda each: json.dumps(each).encode())
    | st.lists(wild, max_size=4).map(lambda each: json.dumps({"batch": each, "context": {"groupId": "a"}}).encode())
    | st.lists(poisoned | wild.map(lambda each: json.dumps(each).encode()), max_size=4).map(
        lambda each: b'{"batch": [' + b",".join(each) + b"]}"
    )
    | st.binary(max_size=30).map(lambda each: b"data=" + each)
)
headers = st.none() | st.dictionaries(
    st.sampled_from(["ce-specversion", "ce-id", "ce-type", "ce-source", "ce-accountid", "content-type"]),
    st.text(max_size=9),
)


def outcome(item: Item) -> tuple[str, Any]:
    """What becomes of an item: its reason, or all that its event says."""
    if item.refusal is not None:
        return ("refused", item.refusal.reason)
    event = parse(item.call, source="s", received_at=NOW, place="s/1").event
    return ("told", (event.kind, event.name, event.account, event.person, event.occurred_at, event.properties))


@patient
@given(st.sampled_from(Dialect), body, headers)
@example(Dialect.BATCH, b'{"batch":[{"a":"\\', None)
@example(Dialect.POSTHOG, b'{"event":"e","distinct_id":"u","offset":1e400}', None)
def test_any_body_is_read_or_refused(dialect: Dialect, raw: bytes, named: dict[str, str] | None) -> None:
    """Whatever the bytes, a body is items or a Rejection; what is good for the door is good for the drain."""
    secret_in(raw)
    redacted(raw)
    try:
        items = read(dialect, raw, named or {}, received_at=NOW)
    except Rejection as rejection:
        rejection.detail.encode()
        return
    for item in items:
        told, _ = outcome(item)
        assert (item.whose is None) is (told == "refused") or item.refusal is not None


@patient
@given(body | st.lists(wild, max_size=3).map(lambda each: json.dumps(each).encode()))
def test_any_entry_is_understood_or_rejected(raw: bytes) -> None:
    """Whatever an entry holds, each of its items is an event that can be stored, or is kept with its reason."""
    found = understand("s", "1-0", [b"call", raw], now=NOW)
    assert found
    for each in found:
        if isinstance(each, Rejected):
            assert "\0" not in each.detail
        else:
            assert "\0" not in repr(each.parsed.event)
            orjson.dumps(dict(each.parsed.event.properties))


@patient
@given(st.lists(good | poisoned, max_size=6))
def test_neighbours_of_poison_come_through_unchanged(listed: list[dict[str, Json] | bytes]) -> None:
    """As many items come out as went in, in order; a good one is the event that it is alone."""
    written = [each if isinstance(each, bytes) else orjson.dumps(each) for each in listed]
    items = read(Dialect.BATCH, b'{"batch":[' + b" , ".join(written) + b"]}", {}, received_at=NOW)
    assert len(items) == len(listed)
    for item, each in zip(items, listed, strict=True):
        if isinstance(each, bytes):
            assert item.refusal is not None
        else:
            direct = parse(orjson.dumps(each), source="s", received_at=NOW).event
            assert parse(item.call, source="s", received_at=NOW).event == direct
            assert (item.message_id, item.whose) == (direct.message_id, direct.account or direct.person)


@patient
@given(st.integers(0, 3600), st.integers(-7200, 7200), st.integers(0, 600))
def test_a_clock_that_is_off_is_corrected(ago: int, off: int, way: int) -> None:
    """What happened so long before it was sent happened so long before it came, unless the clock is right."""
    sent = NOW - timedelta(seconds=way) + timedelta(seconds=off)
    call: dict[str, Json] = {"type": "track", "event": "e", "userId": "u", "messageId": "m"}
    call["timestamp"] = (sent - timedelta(seconds=ago)).isoformat()
    (item,) = read(Dialect.BATCH, orjson.dumps({"batch": [call], "sentAt": sent.isoformat()}), {}, received_at=NOW)
    expected = NOW - timedelta(seconds=ago)
    if abs(NOW - sent) <= ON_THE_ROAD:
        expected = min(NOW, sent - timedelta(seconds=ago))
    assert parse(item.call, source="s", received_at=NOW).event.occurred_at == expected


@patient
@given(st.lists(anything, max_size=5), st.dictionaries(st.text(max_size=5), anything, max_size=5))
def test_containers_are_cut_where_their_parts_end(listed: list[Json], named: dict[str, Json]) -> None:
    """The parts of a list and the members of an object are what a parser finds in them."""
    found = parts(json.dumps(listed, indent=1).encode())
    assert found is not None
    assert repr([json.loads(each) for each in found]) == repr(listed)
    cut = members(json.dumps(named).encode())
    assert cut is not None
    assert repr([json.loads(value) for value in cut.values()]) == repr(list(named.values()))


@patient
@given(st.binary())
def test_scanning_never_fails(raw: bytes) -> None:
    """Whatever the bytes, they are cut or found to be no container."""
    for text in (raw, b"[" + raw, b"{" + raw + b"}"):
        cut = parts(text)
        assert cut is None or sum(map(len, cut)) <= len(text)
        members(text)
