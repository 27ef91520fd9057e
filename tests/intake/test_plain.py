"""Plain events: our own words."""

import orjson
import pytest

from orchestrator.core.events import Event, EventKind, Json
from orchestrator.intake.formats import Dialect, parse, read
from tests.intake.calls import NOW


def told(**fields: Json) -> Event:
    (item,) = read(Dialect.PLAIN, orjson.dumps(fields), {}, received_at=NOW)
    assert item.refusal is None, item.refusal
    return parse(item.call, source="shop", received_at=NOW).event


def test_an_event_in_full() -> None:
    """An event says its id, account, person, time and properties in plain words."""
    event = told(id=7, event="Signed In", account="acme", person="ann", at="2026-11-22T12:00:00Z", properties={"a": 1})
    assert (event.kind, event.name, event.account, event.person) == (EventKind.TRACK, "Signed In", "acme", "ann")
    assert (event.message_id, event.occurred_at.isoformat()) == ("7", "2026-11-22T12:00:00+00:00")
    assert event.properties == {"a": 1}


def test_traits_without_an_event() -> None:
    """Traits are the person's where a person is named, else the account's."""
    person = told(id="1", person="ann", account="acme", traits={"email": "ann@acme.example"})
    account = told(id="2", account="acme", traits={"arr": 1})
    assert (person.kind, person.account, person.person) == (EventKind.IDENTIFY, "acme", "ann")
    assert (account.kind, account.account, account.properties) == (EventKind.GROUP, "acme", {"arr": 1})


def test_a_list_is_as_many_events() -> None:
    """A list of events is read item by item."""
    body: Json = [{"event": "a", "account": "x", "id": "1"}, {"account": "x"}, {"event": "b", "person": "p", "id": "2"}]
    found = read(Dialect.PLAIN, orjson.dumps(body), {}, received_at=NOW)
    assert [item.refusal is None for item in found] == [True, False, True]
    assert not any(item.is_alone for item in found)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"account": "a"}, "missing_field: event"),
        ({"event": "e", "at": "2026-11-22"}, "no_identity: account and person"),
        ({"account": "a", "evnt": "e"}, "bad_field: 'evnt': unknown; did you mean event?"),
        ({"account": "a", "event": "e", "zzz": 1}, "bad_field: 'zzz': unknown; expected id, event"),
        ({"account": "a", "event": "e", "traits": {}}, "bad_field: traits"),
        ({"account": "a", "event": "e", "properties": 5}, "bad_field: properties"),
        ({"account": {}, "event": "e"}, "bad_field: account"),
        ({"account": "a", "event": "e", "at": "soon"}, "bad_timestamp"),
    ],
)
def test_what_is_amiss_is_named(fields: dict[str, Json], place: str) -> None:
    """What a plain event misses, or says in a word that nobody knows, is named."""
    (item,) = read(Dialect.PLAIN, orjson.dumps(fields), {}, received_at=NOW)
    assert str(item.refusal).startswith(place)
