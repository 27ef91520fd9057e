"""People: what is learnt of them, who is written to, and what a letter may read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.context import figure_names, letter_context
from orchestrator.core.events import Event, EventKind, Json
from orchestrator.core.facts import MeasureRule, TraitRule, TraitType, Vocabulary
from orchestrator.core.lifecycle import absorb, opened
from orchestrator.core.people import Person, learn, recipient
from tests.core.playbooks import DAY, HOUR, PLAYBOOK, VOCABULARY
from tests.core.strategies import START, event, person, traits

NOBODY = Person(id="p1")


def identify(at: timedelta, **said: Json) -> Event:
    """An IDENTIFY call."""
    return event("identify", START + at, kind=EventKind.IDENTIFY, properties=said, message_id=str(at))


CALLS = [identify(n * HOUR, role=role) for n, role in enumerate(["owner", "admin", None])] + [
    event("login", START - DAY)
]


@given(st.permutations(CALLS), st.integers(0, 4))
def test_what_is_known_does_not_depend_on_arrival(calls: list[Event], cut: int) -> None:
    """Traits are the last writer's, first_seen the first IDENTIFY's; other calls say nothing of a person."""
    known = learn(learn(NOBODY, calls[:cut]), calls[cut:])
    assert known == learn(NOBODY, CALLS)
    assert (known.first_seen, known.trait("role")) == (START, None)


def test_only_declared_traits_are_kept() -> None:
    """What a person record is not made for is not stored, and text is bounded."""
    known = learn(NOBODY, [identify(HOUR, email="x" * 600, salary=5, locale=7)])
    assert set(known.traits) == {"email", "locale"}
    assert (len(str(known.traits["email"].value)), known.trait("locale"), known.email) == (500, None, None)


@pytest.mark.parametrize(
    ("said", "name", "first"),
    [
        ({"name": "Anna Ek"}, "Anna Ek", "Anna"),
        ({"firstName": "Anna", "lastName": "Ek"}, "Anna Ek", "Anna"),
        ({"lastName": "Ek"}, "Ek", ""),
        ({"name": "  "}, "  ", ""),
        ({}, "", ""),
    ],
)
def test_names(said: dict[str, str], name: str, first: str) -> None:
    """The full name and what to call them, or nothing."""
    assert (person(**said).name, person(**said).first_name) == (name, first)


def test_who_is_written_to() -> None:
    """The champion, else owner, admin, then whoever came first; never somebody without an address."""
    plain = [learn(person("b"), [identify(DAY)]), person("c"), Person(id="a", traits=person("a").traits)]
    ranked = [
        person("admin", role="Admin"),
        person("owner", role="owner"),
        person("champion", role="champion", email="x"),
    ]
    assert recipient([]) is None
    assert recipient([ranked[2]]) is None
    assert recipient([*plain, *ranked]) is ranked[1]
    assert recipient([*plain, *ranked[:1]]) is ranked[0]
    assert recipient([plain[2], plain[0]]) is plain[0]
    assert recipient(plain[:2]) is plain[0]


def test_a_letter_reads_what_is_known() -> None:
    """Traits, figures and set-up as plain values."""
    more = {name: TraitRule(type=TraitType.TEXT) for name in ("plan", "owner_name", "owner_email")}
    vocabulary = Vocabulary(
        events=VOCABULARY.events,
        aliases=VOCABULARY.aliases,
        traits={**VOCABULARY.traits, **more},
        scores={},
        measures={"revenue": MeasureRule(event="ordered", property="amount", distinct=False)},
    )
    playbook = replace(PLAYBOOK, vocabulary=vocabulary, plays={})
    events = [
        event("signed_up"),
        event("ordered", properties={"amount": 12.5}),
        traits(name="Ek AB", seats=3, term="annual", renewal_at="2026-09-01", plan="team", owner_name="Bo"),
    ]
    account = replace(absorb(opened("a", START, playbook), events, playbook), anchor=START, milestones={"setup": START})
    context = letter_context(account, person(name="Anna Ek"), START + 3 * DAY, playbook)
    assert context == {
        "account": {
            "id": "a",
            "name": "Ek AB",
            "plan": "team",
            "term": "annual",
            "seats": 3,
            "renewal_date": "2026-09-01",
            "stage": "onboarding",
        },
        "segment": {},
        "person": {"name": "Anna Ek", "first_name": "Anna", "role": ""},
        "owner": {"name": "Bo", "email": None},
        "touch": {"day": 3, "days": 3},
        "figures": {"revenue": 12.5},
        "setup": {"done": 1, "total": 2, "missing": ["First value"]},
        "goals": {"all": [], "open": [], "met": [], "progress": []},
        "core_feature": {"label": "Boards", "path": "/boards"},
    }


def test_a_letter_invents_nothing() -> None:
    """What is not known is None or left out."""
    context = letter_context(opened("a", START, PLAYBOOK), None, START, PLAYBOOK)
    assert context["figures"] == {}
    assert context["touch"] == {"day": None, "days": None}
    assert context["account"] == {
        "id": "a",
        "name": "a",
        "plan": None,
        "term": None,
        "seats": None,
        "renewal_date": None,
        "stage": "onboarding",
    }


def test_a_letter_says_what_this_week_brought() -> None:
    """What counts an event's times is also said of the running week, and never as 0; other measures are not."""
    measures = {
        "logins": MeasureRule(event="login", property=None, distinct=False),
        "people": MeasureRule(event="login", property=None, distinct=True),
        "revenue": MeasureRule(event="ordered", property="amount", distinct=False),
        "never": MeasureRule(event="invited", property=None, distinct=False),
    }
    vocabulary = replace(VOCABULARY, measures=measures)
    playbook = replace(PLAYBOOK, vocabulary=vocabulary, plays={})
    assert figure_names(vocabulary) == {*measures, "logins_this_week", "never_this_week"}
    monday = datetime(2026, 3, 9, tzinfo=UTC)
    logins = [event("login", at) for at in (monday - HOUR, monday, monday + HOUR)]
    account = absorb(opened("a", START, playbook), logins, playbook)
    sunday = letter_context(account, None, monday - HOUR / 2, playbook)["figures"]
    assert isinstance(sunday, dict)
    assert sunday["logins_this_week"] == 1
    after = letter_context(account, None, monday + DAY, playbook)["figures"]
    assert after == {"logins": 3, "people": 1, "logins_this_week": 2}
    assert letter_context(account, None, monday + 7 * DAY, playbook)["figures"] == {"logins": 3, "people": 1}
