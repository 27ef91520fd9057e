"""What is told of an account is checked field by field, and each fault names its field."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from orchestrator.core.events import Json
from orchestrator.core.facts import TraitRule, TraitType
from orchestrator.intake.particulars.dossier import Dossier, read
from orchestrator.intake.particulars.fields import UnusableError
from orchestrator.playbook.vocabulary import BUILTIN_TRAITS

DECLARED = {
    **BUILTIN_TRAITS,
    "term": TraitRule(type=TraitType.TEXT, values=("monthly", "quarterly", "annual")),
    "arr": TraitRule(type=TraitType.NUMBER),
    "follow_up": TraitRule(type=TraitType.BOOL),
}
LONDON, CHICAGO = ZoneInfo("UTC"), ZoneInfo("America/Chicago")


def told(zone: ZoneInfo = LONDON, **body: Json) -> Dossier:
    return read("acme", body, DECLARED, zone)


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (120000, 120000),
        (1.5, 1.5),
        ("110000", 110000),
        ("120,000.50", 120000.5),
        ("$1,200", 1200),
        (" 1200 ", 1200),
        ({"amount": "7"}, 7),
    ],
)
def test_money_is_a_number_however_it_is_written(raw: Json, number: float) -> None:
    """A spreadsheet's ways to write a number are read."""
    assert told(arr=raw).traits == {"arr": number}


@pytest.mark.parametrize("raw", ["€120,000", "120000 EUR", "EUR 120000", {"amount": 120000, "currency": "eur"}])
def test_the_currency_is_kept_beside_the_number(raw: Json) -> None:
    """What is said of the currency is a trait of its own."""
    assert told(arr=raw).traits == {"arr": 120000, "currency": "EUR"}


@pytest.mark.parametrize(
    "raw", ["a lot", "1.234,56", "12,34", True, [], "$1 EUR", -1, "", 10**400, {"amount": 1, "tax": 2}, 1e301]
)
def test_what_is_no_number_is_refused_by_name(raw: Json) -> None:
    """Nothing is guessed of a number."""
    with pytest.raises(UnusableError, match=r"^arr: expected a number"):
        told(arr=raw)


@pytest.mark.parametrize(
    ("zone", "utc"), [(LONDON, "2026-12-31T00:00:00+00:00"), (CHICAGO, "2026-12-31T06:00:00+00:00")]
)
def test_a_date_is_midnight_where_the_account_is(zone: ZoneInfo, utc: str) -> None:
    """A contract ends with the account's own day, not with London's."""
    assert told(zone, renewal_at="2026-12-31").traits == {"renewal_at": utc}


def test_the_zone_of_the_same_body_goes_before_what_is_known() -> None:
    """An account that is told with its zone has its dates there."""
    traits = told(contract_end="2026-12-31", timezone="America/Chicago").traits
    assert traits == {"contract_end": "2026-12-31T06:00:00+00:00", "timezone": "America/Chicago"}


def test_a_time_with_its_offset_is_that_instant() -> None:
    """Who says the time is taken at their word."""
    assert told(CHICAGO, renewal_at="2026-12-31T09:00:00+01:00").traits == {"renewal_at": "2026-12-31T08:00:00+00:00"}


def test_each_fault_is_named_at_once() -> None:
    """Whoever mends a body sees all that is wrong with it, and no address is repeated."""
    body: dict[str, Json] = {
        "renewal_at": "soon",
        "term": "anual",
        "timezone": "Mars",
        "follow_up": "perhaps",
        "champion": {"email": "ann at acme@"},
        "people": [{"name": "Nobody"}, 7],
        "contract_start": "31.12.2026",
        "owner": {"email": "x"},
    }
    with pytest.raises(UnusableError) as caught:
        read("acme", body, DECLARED, CHICAGO)
    assert str(caught.value).split("; ") == [
        "renewal_at: expected a date such as 2026-12-31, got 'soon'",
        "term: expected one of monthly, quarterly, annual (did you mean annual?), got 'anual'",
        "timezone: expected an IANA time zone such as Europe/Berlin, got 'Mars'",
        "follow_up: expected true or false, got 'perhaps'",
        "contract_start: expected a date such as 2026-12-31, got '31.12.2026'",
        "owner.email: expected one e-mail address such as ann@acme.example, got 'x'",
        "people[0]: expected a person with an id or an email, got an object",
        "people[1]: expected a person: an object with an id or an email, got 7",
        "champion.email: expected one e-mail address such as ann@acme.example, got a text of 12 characters",
    ]


@pytest.mark.parametrize(
    ("raw", "traits"),
    [
        ("Annual", {"term": "annual"}),
        (12, {"term": "annual", "term_months": 12}),
        ("36 months", {"term": "annual", "term_months": 36}),
        ("1 month", {"term": "monthly", "term_months": 1}),
        (3, {"term": "quarterly", "term_months": 3}),
        (6, {"term": None, "term_months": 6}),
        (None, {"term": None}),
    ],
)
def test_a_term_is_a_word_or_a_number_of_months(raw: Json, traits: dict[str, Json]) -> None:
    """The months are kept; a number without a word is not forced into one."""
    assert told(term=raw).traits == traits


@pytest.mark.parametrize("raw", [0, 1000, 1.5, float("inf")])
def test_a_term_of_no_length_is_refused(raw: Json) -> None:
    """A term is a whole number of months."""
    with pytest.raises(UnusableError, match=r"^term: expected a word such as annual"):
        told(term=raw)


def test_null_clears_and_what_is_not_given_stays() -> None:
    """A body changes what it names, and nothing else."""
    cleared = {"owner_name": None, "owner_email": None, "departments": None, "departments_total": None}
    assert told(arr=None, owner=None, departments=None, renewal_at=None).traits == {
        "arr": None,
        "renewal_at": None,
        **cleared,
    }


@pytest.mark.parametrize(
    ("raw", "traits"),
    [
        ("Mei Tan", {"owner_name": "Mei Tan"}),
        ("mei@vendor.example", {"owner_email": "mei@vendor.example"}),
        ({"name": "Mei", "email": None}, {"owner_name": "Mei", "owner_email": None}),
    ],
)
def test_an_owner_is_a_name_or_an_address_or_both(raw: Json, traits: dict[str, Json]) -> None:
    """The owner is told in the playbooks' own traits."""
    assert told(owner=raw).traits == traits


@pytest.mark.parametrize(
    ("raw", "traits"),
    [
        (4, {"departments_total": 4}),
        ("4", {"departments_total": 4}),
        ("Sales; Support", {"departments": ["Sales", "Support"], "departments_total": 2}),
        (["Sales", "Sales"], {"departments": ["Sales"], "departments_total": 1}),
    ],
)
def test_departments_are_counted_or_named(raw: Json, traits: dict[str, Json]) -> None:
    """Their number is what the playbook compares."""
    assert told(departments=raw).traits == traits


def test_what_no_rule_reads_is_kept_with_a_word_about_it() -> None:
    """An unknown field is a trait; a near miss is pointed out."""
    dossier = told(renewel_at="2026-12-31", industry="steel", traits={"tier": {"level": 2}})
    assert dossier.traits == {"tier": {"level": 2}, "renewel_at": "2026-12-31", "industry": "steel"}
    assert any("did you mean renewal_at?" in note for note in dossier.notes)


def test_consent_is_read_with_its_source() -> None:
    """Who says that consent was withdrawn or given, and when, comes along."""
    said: Json = {"status": "opted_out", "source": "CRM", "at": "2026-03-01"}
    (person,) = told(people=[{"email": "ann@acme.example", "consent": said}]).people
    consent = person.consent
    assert consent is not None
    assert (consent.given, consent.source, consent.at) == (False, "CRM", "2026-03-01T00:00:00+00:00")


@pytest.mark.parametrize("word", ["given", "Opted_In", True])
def test_consent_may_be_one_word(word: Json) -> None:
    """The short form is enough."""
    champion = told(champion={"id": 7, "consent": word}).champion
    assert champion is not None
    assert champion.id == "7"
    assert champion.consent is not None
    assert champion.consent.given


def test_as_of_is_when_it_held() -> None:
    """A CRM may say when its record was changed."""
    assert told(as_of="2026-03-01T10:00:00Z").as_of == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("account", ["", " ", "x" * 256, "a\0b"])
def test_an_account_needs_an_id(account: str) -> None:
    """Without an id there is nobody to tell of."""
    with pytest.raises(UnusableError, match=r"^account: expected"):
        read(account, {}, DECLARED, LONDON)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"people": "ann"}, "people"),
        ({"traits": 1}, "traits"),
        ({str(number): 1 for number in range(501)}, "the whole"),
        ({"": 1}, "''"),
        ({"currency": "euro"}, "currency"),
        ({"contract_start": "2026-02-01", "contract_end": "2026-01-01"}, "contract_end"),
        ({"people": [{"id": "u", "consent": "maybe"}]}, r"people\[0\].consent"),
        ({"departments": -1}, "departments"),
        ({"owner_email": 4}, "owner_email"),
        ({"name": " "}, "name"),
    ],
)
def test_other_faults_are_named_too(body: dict[str, Json], field: str) -> None:
    """Whatever cannot be used is named by its field."""
    with pytest.raises(UnusableError, match=f"^{field}: expected"):
        read("acme", body, DECLARED, LONDON)
