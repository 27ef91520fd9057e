"""PostHog: what its libraries send."""

from datetime import timedelta

import orjson
import pytest

from orchestrator.core.events import Event, EventKind, Json
from orchestrator.intake.entries import Told, understand
from orchestrator.intake.formats import Dialect, parse, read
from tests.intake.calls import NOW


def told(event: str, properties: dict[str, Json] | None = None, **fields: Json) -> Event:
    body = {"event": event, "distinct_id": "ann", "uuid": "u-1", "properties": properties or {}, **fields}
    (item,) = read(Dialect.POSTHOG, orjson.dumps(body), {}, received_at=NOW)
    assert item.refusal is None, item.refusal
    return parse(item.call, source="shop", received_at=NOW, place="s/1").event


def why(**body: Json) -> str:
    (item,) = read(Dialect.POSTHOG, orjson.dumps(body), {}, received_at=NOW)
    return str(item.refusal)


def test_an_event_keeps_its_name_and_its_own_properties() -> None:
    """Another event is the event of its name, with the properties that are not the envelope's."""
    event = told("report made", {"n": 1, "$groups": {"company": "acme"}, "$set": {"a": 1}, "$lib": "web"})
    assert (event.name, event.account, event.person, event.message_id) == ("report made", "acme", "ann", "u-1")
    assert event.properties == {"n": 1, "$lib": "web"}


def test_set_within_an_event_tells_its_person() -> None:
    """An event with $set is two: what happened, and who its person is, each with an id of its own."""
    for body in ({"properties": {"$set": {"email": "a@b.example"}}}, {"$set": {"email": "a@b.example"}}):
        raw = orjson.dumps({"event": "e", "distinct_id": "ann", "uuid": "u-1", **body})
        event, identify = (each for each in understand("s", "1-0", [b"call", raw], now=NOW) if isinstance(each, Told))
        assert (event.parsed.event.kind, identify.parsed.event.kind) == (EventKind.TRACK, EventKind.IDENTIFY)
        assert (event.parsed.event.message_id, identify.parsed.event.message_id) == ("u-1", "u-1 traits")
        assert (identify.parsed.event.person, identify.parsed.event.properties) == ("ann", {"email": "a@b.example"})
        assert event.parsed.digest_bytes != identify.parsed.digest_bytes


def test_a_group_is_an_account_by_its_type() -> None:
    """Of several groups the first type that means an account counts; a project or a team is none."""
    assert told("e", {"$groups": {"team": "t", "organization": "o", "company": "c"}}).account == "c"
    assert told("e", {"$groups": {"organization": 7}}).account == "7"
    assert told("e", {"$groups": {"project": "p"}}).account is None
    assert told("e", {"$groups": "acme"}).account is None


def test_identify_and_set_tell_traits() -> None:
    """$identify and $set are identify calls; what is set once lies beneath what is set."""
    for name in ("$identify", "$set"):
        event = told(name, {"$set_once": {"a": 1, "b": 1}, "$set": {"b": 2}, "$groups": {"company": "acme"}})
        assert (event.kind, event.person, event.account) == (EventKind.IDENTIFY, "ann", "acme")
        assert {"a": 1, "b": 2}.items() <= event.properties.items()


def test_groupidentify_tells_an_account() -> None:
    """$groupidentify is a group call of nobody where the group is an account, else the event that it is."""
    group = told("$groupidentify", {"$group_type": "company", "$group_key": "acme", "$group_set": {"name": "Acme"}})
    assert (group.kind, group.account, group.person, group.properties) == (
        EventKind.GROUP,
        "acme",
        None,
        {"name": "Acme"},
    )
    assert told("$groupidentify", {"$group_type": "project", "$group_key": "p"}).kind is EventKind.TRACK


def test_an_alias_unites() -> None:
    """$create_alias is an alias call of the two ids in its properties."""
    event = told("$create_alias", {"distinct_id": "ann", "alias": "anon-9"})
    assert (event.kind, event.person, event.properties) == (EventKind.ALIAS, "ann", {"previous_id": "anon-9"})


def test_views_are_pages_and_screens() -> None:
    """$pageview and $screen are page and screen calls with their names."""
    assert (told("$pageview", {"title": "Home"}).kind, told("$screen", {"$screen_name": "Main"}).kind) == (
        EventKind.PAGE,
        EventKind.SCREEN,
    )
    assert told("$screen", {"$screen_name": "Main"}).properties["name"] == "Main"
    assert "name" not in told("$pageview", {"title": 5}).properties


def test_the_times_of_a_library() -> None:
    """A timestamp is corrected by sent_at; without one the offset says how long ago it was."""
    ahead = NOW + timedelta(hours=1)
    sent = (ahead + timedelta(seconds=5)).isoformat()
    assert told("e", timestamp=ahead.isoformat(), sent_at=sent).occurred_at == NOW - timedelta(seconds=5)
    assert told("e", timestamp="2026-11-22T12:00:00Z").occurred_at == NOW - timedelta(minutes=30)
    assert told("e", offset=2000).occurred_at == NOW - timedelta(seconds=2)
    assert told("e", offset=True).occurred_at == told("e").occurred_at == NOW


def test_an_offset_counts_from_the_reception_only() -> None:
    """Where only the time of reading is known an offset says nothing."""
    body = orjson.dumps({"event": "e", "distinct_id": "ann", "offset": 2000, "uuid": "u"})
    assert parse(body, source="s", received_at=NOW, stamped=False).event.occurred_at == NOW


def test_the_id_may_stand_in_the_properties() -> None:
    """The person may stand in the properties, and $insert_id is the id where there is no uuid."""
    event = told("e", {"distinct_id": "bob", "$insert_id": "i"}, distinct_id=None, uuid=None)
    assert (event.person, event.message_id) == ("bob", "i")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"distinct_id": "a"}, "missing_field: event"),
        ({"distinct_id": "", "event": "e"}, "no_identity: distinct_id"),
        ({"distinct_id": ["a"], "event": "e"}, "bad_field: distinct_id"),
        ({"distinct_id": "a", "event": "e", "properties": []}, "bad_field: properties"),
        ({"distinct_id": "a", "event": "$groupidentify", "properties": {"$group_type": "company"}}, "missing_field"),
    ],
)
def test_what_is_amiss_is_named(body: dict[str, Json], place: str) -> None:
    """What an event misses is named in PostHog's words."""
    assert why(**body).startswith(place)


def test_a_batch_at_segments_path_is_known() -> None:
    """PostHog's batch is understood wherever batches are, with its sent_at for every item."""
    sent = (NOW + timedelta(hours=1)).isoformat()
    batch: Json = [{"event": "e", "properties": {"distinct_id": "ann"}, "timestamp": sent}]
    (item,) = read(Dialect.BATCH, orjson.dumps({"api_key": "k", "batch": batch, "sent_at": sent}), {}, received_at=NOW)
    assert parse(item.call, source="s", received_at=NOW, place="s/1").event.occurred_at == NOW
