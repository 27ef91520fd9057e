"""A CRM's JSON is read as its mapping says, and the mappings that are shipped are in order."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.core.events import Json
from orchestrator.intake import crm
from orchestrator.intake.crm import CrmMapping, MappingError, Record, UnknownCrmError

TEMPLATES = Path(__file__).parents[2] / "templates"
SHIPPED = sorted(each.stem for each in (TEMPLATES / "crm").glob("*.yaml"))


def mapping(**changes: Json) -> CrmMapping:
    return CrmMapping.model_validate({"signature": "standard", "account": "id", "fields": {}, **changes})


def read(said: CrmMapping, body: Json, delivery: str | None = "d-1") -> list[Record]:
    found = crm.records(said, body, delivery)
    assert found is not None
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_mappings_are_in_order(name: str) -> None:
    """Each example can be used as it is."""
    assert crm.load(TEMPLATES, name).account


def test_fields_are_taken_from_their_paths() -> None:
    """Names with dots lead into objects and lists; what is not there, or empty, says nothing."""
    fields: Json = {
        "arr": "deal.amount",
        "owner.name": "owners.0.name",
        "seats": "nowhere.at.all",
        "plan": "empty",
        "currency": {"always": "EUR"},
    }
    body: Json = {"id": 7, "deal": {"amount": 5}, "owners": [{"name": "Mei"}], "empty": ""}
    (record,) = read(mapping(fields=fields), body)
    assert (record.account, record.body) == ("7", {"arr": 5, "owner": {"name": "Mei"}, "currency": "EUR"})


def test_people_are_a_list_with_fields_of_their_own() -> None:
    """Each person of a record is read, and the CRM's words become ours."""
    optout: Json = {"from": "out", "words": {"True": "withdrawn", "False": ""}}
    people: Json = {"each": "contacts", "fields": {"email": "mail", "consent.status": optout}}
    body: Json = {"id": "a", "contacts": [{"mail": "x@y.example", "out": True}, {"mail": "z@y.example", "out": False}]}
    (record,) = read(mapping(people=people), body)
    assert record.body == {
        "people": [{"email": "x@y.example", "consent": {"status": "withdrawn"}}, {"email": "z@y.example"}]
    }


@pytest.mark.parametrize(
    ("raw", "read_as"),
    [
        (1798675200000, "2026-12-31"),
        ("1798588800000", "2026-12-30"),
        (1798711200000, "2026-12-31T10:00:00+00:00"),
        ("soon", "soon"),
        (1e30, 1e30),
        (True, True),
    ],
)
def test_milliseconds_are_dates(raw: Json, read_as: Json) -> None:
    """Midnight is a date without a time; what is no number is left for the check of its field."""
    fields: Json = {"renewal_at": {"from": "at", "millis": True}}
    (record,) = read(mapping(fields=fields), {"id": "a", "at": raw})
    assert record.body == {"renewal_at": read_as}


def test_each_change_has_a_key_of_its_own() -> None:
    """The record's own id, else the delivery's and the place in it, else the content."""
    with_id = mapping(id="event")
    assert [each.key for each in read(with_id, [{"event": 1}, {"event": 2}])] == ["1", "2"]
    assert [each.key for each in read(mapping(), [{}, {}])] == ["d-1/0", "d-1/1"]
    first, same, other = read(mapping(), [{"a": 1}, {"a": 1}, {"a": 2}], None)
    assert (first.key == same.key, first.key == other.key) == (True, False)


@pytest.mark.parametrize("body", ["text", 7, None, {"rows": 1}, [{}] * 1001])
def test_what_is_no_list_of_records_is_none(body: Json) -> None:
    """A delivery that is something else is refused as a whole."""
    said = mapping(each="rows") if isinstance(body, dict) else mapping()
    assert crm.records(said, body, "d-1") is None


def test_a_record_that_is_no_object_says_nothing() -> None:
    """Each record stands alone: one that is none names no account."""
    assert [(each.account, each.body) for each in read(mapping(fields={"arr": "a"}), [1, {"id": "x", "a": 2}])] == [
        ("", {}),
        ("x", {"arr": 2}),
    ]


HMAC: Json = {"header": "X-Sig", "encoding": "hex"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fields": {"arr": {"millis": True}}}, "one of `from` and `always`"),
        ({"signature": HMAC}, "give `id` or `fields.as_of`"),
        ({"signature": {"header": "X", "encoding": "hex", "over": ["url"]}}, "must have `body`"),
        ({"signature": {"header": "X", "encoding": "hex", "timestamp": {"header": "T"}}}, "must have `timestamp`"),
        ({"colour": "red"}, "colour: Extra inputs"),
    ],
)
def test_a_mapping_that_promises_too_little_is_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    """What would let a repeat count twice, or a stranger in, is an error of the mapping."""
    (tmp_path / "crm").mkdir()
    file = tmp_path / "crm" / "mine.yaml"
    file.write_text(yaml.safe_dump({"signature": "standard", "account": "id", "fields": {}, **changes}))
    with pytest.raises(MappingError, match=told):
        crm.load(tmp_path, "mine")
    file.write_text("[")
    with pytest.raises(MappingError, match=r"mine\.yaml"):
        crm.load(tmp_path, "mine")


@pytest.mark.parametrize("name", ["none", "../crm/hubspot", "", "Hub Spot"])
def test_what_has_no_mapping_is_unknown(name: str) -> None:
    """Nobody reaches another file by a name."""
    with pytest.raises(UnknownCrmError):
        crm.load(TEMPLATES, name)
