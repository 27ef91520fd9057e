"""CloudEvents: binary, structured and batches, as the specification's own library writes them."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from orchestrator.core.events import Event, EventKind, Json
from orchestrator.intake.formats import Dialect, Item, parse, read
from tests.intake.calls import INPUTS, NOW

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def items(
    body: bytes, headers: dict[str, str] | None = None, dialect: Dialect = Dialect.CLOUDEVENTS
) -> tuple[Item, ...]:
    return read(dialect, body, headers or {}, received_at=NOW)


def told(**fields: Json) -> Event:
    (item,) = items(orjson.dumps({"specversion": "1.0", "id": "1", "source": "/crm", "type": "t", **fields}))
    assert item.refusal is None, item.refusal
    return parse(item.call, source="shop", received_at=NOW).event


def why(**fields: Json) -> str:
    (item,) = items(orjson.dumps({"specversion": "1.0", "id": "1", "source": "/crm", "type": "t", **fields}))
    return str(item.refusal)


def written(data: Any = None, **attributes: Any) -> CloudEvent:  # noqa: ANN401 -- whatever the library takes
    return CloudEvent({"id": "1", "source": "/crm", "type": "Signed Up", "time": AT, **attributes}, data)


EVENTS = {
    "an object": written({"plan": "prö", "n": 1}, accountid="acme", userid="ann"),
    "odd characters": written({"a": 1}, type='50 % "ü"\\', accountid="acmé & co", subject="users/ånn"),
    "text": written("hello", datacontenttype="text/plain", accountid="acme"),
    "bytes": written(b"\xff\x00", datacontenttype="application/octet-stream", accountid="acme"),
    "a list": written([1, 2], accountid="acme"),
    "nothing": written(accountid="acme"),
    "JSON of another kind": written(
        {"a": 1}, datacontenttype="application/vnd.acme+json; charset=utf-8", accountid="a"
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_the_three_modes_are_one_event(name: str) -> None:
    """What the specification's library writes in binary, structured and batched mode is one and the same event."""
    binary, structured = to_binary_event(EVENTS[name]), to_structured_event(EVENTS[name])
    batched = b"[" + JSONFormat().write(EVENTS[name]) + b"]"
    found = [*items(binary.body, dict(binary.headers)), *items(structured.body), *items(batched)]
    events = [parse(item.call, source="shop", received_at=NOW).event for item in found]
    assert events[0] == events[1] == events[2]
    attributes = EVENTS[name].get_attributes()
    assert (events[0].name, events[0].account) == (attributes["type"], attributes["accountid"])
    assert (events[0].message_id, events[0].occurred_at) == ("/crm 1", AT)


def conformance() -> list[tuple[str, list[Json]]]:
    single = json.loads((INPUTS / "cloudevents" / "valid-events.json").read_text())["tests"]
    batches = json.loads((INPUTS / "cloudevents" / "valid-batches.json").read_text())["tests"]
    return [(each["id"], [each["event"]]) for each in single] + [(each["id"], each["batch"]) for each in batches]


@pytest.mark.parametrize(("name", "events"), conformance(), ids=[name for name, _ in conformance()])
def test_conformance_events_are_valid(name: str, events: list[dict[str, Json]]) -> None:
    """Each valid event of the conformance suite is understood once it says whose it is; alone it names nobody."""
    named = [{**each, "accountid": "acme"} for each in events]
    assert [item.refusal for item in items(orjson.dumps(named))] == [None] * len(events), name
    nobody = [
        str(item.refusal)[:11]
        for item, each in zip(items(orjson.dumps(events)), events, strict=True)
        if not each.get("subject")
    ]
    assert set(nobody) <= {"no_identity"}


def test_source_and_id_are_the_identity() -> None:
    """Equal ids of two sources are two events, and a source of any length leaves room for the id."""
    assert {told(source=source, accountid="a").message_id for source in ("/a", "/b")} == {"/a 1", "/b 1"}
    long = [told(source="/" + "s" * 300, id=name, accountid="a").message_id for name in ("1", "2")]
    assert len(set(long)) == 2
    assert all(len(each) <= 255 for each in long)


@pytest.mark.parametrize(
    ("fields", "account", "person"),
    [
        ({"accountid": "acme", "userid": "ann"}, "acme", "ann"),
        ({"groupid": 7, "personid": 8}, "7", "8"),
        ({"data": {"accountId": "acme", "userId": "ann"}}, "acme", "ann"),
        ({"data": {"account": {"id": 1}, "account_id": "acme", "user_id": True}}, "acme", None),
        ({"subject": "accounts/acme"}, "acme", None),
        ({"subject": "users/ann"}, None, "ann"),
        ({"subject": "/user/ann", "accountid": "acme"}, "acme", "ann"),
        ({"subject": "acme"}, "acme", None),
        ({"subject": "invoice-7", "accountid": "acme"}, "acme", None),
    ],
)
def test_whose_an_event_is(fields: dict[str, Json], account: str | None, person: str | None) -> None:
    """Extensions come before members of data, and those before the subject."""
    event = told(**fields)
    assert (event.account, event.person) == (account, person)


def test_identify_and_group_are_those_calls() -> None:
    """A type of exactly identify or group carries traits; any other type is an event's name."""
    identify, group = (told(type=name, accountid="a", userid="u", data={"x": 1}) for name in ("identify", "group"))
    assert (identify.kind, group.kind) == (EventKind.IDENTIFY, EventKind.GROUP)
    assert identify.properties == group.properties == {"x": 1}
    assert told(type="page", accountid="a").name == "page"
    assert told(type="page", accountid="a").kind is EventKind.TRACK


def test_data_are_properties() -> None:
    """Objects are the properties, other data stand under data, and extensions beside them."""
    assert told(accountid="a", data={"x": 1}, plan="pro").properties == {"x": 1, "plan": "pro"}
    assert told(accountid="a", data="text").properties == {"data": "text"}
    packed: dict[str, Json] = {"accountid": "a", "data_base64": "eyJ4IjoxfQ=="}
    assert told(datacontenttype="application/json", **packed).properties == {"x": 1}
    assert told(datacontenttype="text/plain", **packed).properties == {"data": '{"x":1}'}
    assert told(**packed).properties == {"data": "eyJ4IjoxfQ=="}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"specversion": "0.3"}, "bad_field: specversion"),
        ({"specversion": 1}, "bad_field: specversion"),
        ({"id": ""}, "missing_field: id"),
        ({"source": None}, "missing_field: source"),
        ({"type": " "}, "bad_field: type"),
        ({"type": "t" * 256}, "bad_field: type"),
        ({"accountid": [1]}, "bad_field: accountid"),
        ({"time": "soon"}, "bad_timestamp: timestamp"),
        ({"data_base64": 5}, "bad_field: data_base64"),
        ({"data_base64": "%"}, "bad_field: data_base64"),
        ({"data_base64": "/w==", "datacontenttype": "text/plain"}, "not_utf8: data"),
        ({"data_base64": "AA==", "datacontenttype": "text/plain"}, "nul_character: data"),
        ({"data_base64": "TmFO", "datacontenttype": "application/json"}, "not_a_number"),
        ({}, "no_identity"),
    ],
)
def test_what_is_no_cloudevent_is_refused_by_its_attribute(fields: dict[str, Json], place: str) -> None:
    """A missing, wrong or unreadable attribute is named in the words of CloudEvents."""
    whose: dict[str, Json] = {"accountid": "acme"} if fields else {}
    assert why(**{**whose, **fields}).startswith(place)


HEADERS = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/crm", "ce-type": "t", "Ce-AccountId": "acme"}


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b'{"p": NaN}', "application/json", "not_a_number"),
        (b"\xff", "application/json", "not_utf8"),
        (b"[" * 400 + b"]" * 400, None, "bad_field"),
        (b"x" * 40_000, "text/plain", "too_large"),
    ],
)
def test_a_poisoned_binary_event_is_kept_whole(body: bytes, kind: str | None, reason: str) -> None:
    """A binary event whose data cannot be read is kept with its attributes, and refused again for the same reason."""
    (item,) = items(body, {**HEADERS, **({"content-type": kind} if kind else {})})
    assert str(item.refusal).startswith(reason)
    again = read(Dialect.ANY, item.call, {}, received_at=NOW)[0]
    assert str(again.refusal).startswith(reason)
    assert orjson.loads(item.call)["accountid"] == "acme"


def test_headers_are_decoded() -> None:
    """Header values are percent-decoded and may stand in quotes; what is no UTF-8 then is refused."""
    (item,) = items(b"", {**HEADERS, "ce-type": '"50%25 \\"up\\""'})
    assert parse(item.call, source="s", received_at=NOW).event.name == '50% "up"'
    (bad,) = items(b"", {**HEADERS, "ce-type": "%ff"})
    assert str(bad.refusal).startswith("not_utf8: ce-type")


def test_a_binary_event_is_known_at_the_plain_path() -> None:
    """The headers of a binary event are seen at the path of plain events too."""
    (item,) = items(b"{}", HEADERS, Dialect.PLAIN)
    assert item.whose == "acme"
