"""Facts: what events add up to, bounded and typed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import facts
from orchestrator.core.events import OWN_EVENTS, OWN_SOURCE, Event, EventKind, Json, distinct
from orchestrator.core.facts import (
    Facts,
    Filter,
    MeasureRule,
    TraitRule,
    TraitType,
    Value,
    Vocabulary,
    adds,
    fold,
    measure,
    names_of,
    trait_value,
    union,
    week_of,
)
from tests.core.playbooks import DAY, VOCABULARY
from tests.core.strategies import START, event, traits


def added(*events: Event) -> Facts:
    """What these events add up to."""
    return fold(Facts(), events, VOCABULARY)


def test_an_event_is_counted_under_our_name() -> None:
    """Count, first, last and weeks, by the vocabulary's name; what it does not know leaves no trace."""
    known = added(event("Signed Up"), event("signed_up", START + 7 * DAY), event("Unheard Of"))
    fact = known.events["signed_up"]
    assert (fact.count, fact.first, fact.last) == (2, START, START + 7 * DAY)
    assert fact.weeks == {week_of(START): 1, week_of(START) + 1: 1}
    assert set(known.events) == {"signed_up"}


@pytest.mark.parametrize("name", OWN_EVENTS)
def test_our_own_words_are_only_ours_to_say(name: str) -> None:
    """A product that emits a word of ours is not believed."""
    said = replace(VOCABULARY, filters={name: (Filter(name="login", where={"play": ("p",)}),)})
    assert names_of(event(name, properties={"play": "p"}), said) == ()
    assert names_of(event(name, source=OWN_SOURCE), said) == (name,)
    assert names_of(event(name, source=OWN_SOURCE, properties={"play": "p"}), said) == (name, "login")


@pytest.mark.parametrize(
    ("name", "said", "names"),
    [
        ("ordered", {"product": "a", "trial": True, "amount": 3}, ("ordered", "order_0", "order_1")),
        ("ordered", {"product": "b", "trial": 1, "amount": 2.5}, ("ordered", "order_2")),
        ("ordered", {"product": ["a"], "trial": "true", "amount": True}, ("ordered",)),
        ("ordered", {}, ("ordered",)),
        ("Unheard Of", {"product": "a"}, ("order_0",)),
        ("Unheard Of", {"product": "c"}, ()),
        ("login", {"product": "a"}, ("login",)),
    ],
)
def test_an_event_may_have_several_names_by_its_properties(
    name: str, said: dict[str, Json], names: tuple[str, ...]
) -> None:
    """The plain name always counts, and each whose filter fits, once each; true is not 1."""
    zero = Filter(name="order_0", where={"product": ("a",)})
    one = Filter(name="order_1", where={"product": ("a", "b"), "trial": (True,)})
    two = Filter(name="order_2", where={"amount": (1, 2.5)})
    words = replace(VOCABULARY, filters={"ordered": (zero, one, two, zero), "Unheard Of": (zero,)})
    assert names_of(event(name, properties=said), words) == names
    assert adds(event(name, properties=said), words) is bool(names)


def test_an_event_counts_under_each_of_its_names() -> None:
    """Facts, figures and scores of a filtered name come from what fits, those of the plain name from all."""
    orders = [event("ordered", START + n * DAY, properties={"product": each}) for n, each in enumerate("aba")]
    known = added(*orders)
    assert (known.events["ordered"].count, known.events["order_a"].count) == (3, 2)
    assert known.events["order_a"].last == START + 2 * DAY


def test_the_last_writer_of_a_trait_wins() -> None:
    """By (occurred_at, source, message_id), in whatever order they arrive."""
    written = [traits(START, seats=1), traits(START + DAY, seats=2), traits(START + DAY, seats=3, source=0)]
    assert added(*reversed(written)).traits["seats"].value == 3
    assert added(*written).traits["seats"].value == 3


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (TraitType.BOOL, True, True),
        (TraitType.BOOL, "yes", None),
        (TraitType.NUMBER, 3, 3),
        (TraitType.NUMBER, 2.5, 2.5),
        (TraitType.NUMBER, True, None),
        (TraitType.NUMBER, "3", None),
        (TraitType.NUMBER, float("nan"), None),
        (TraitType.NUMBER, float("-inf"), None),
        (TraitType.NUMBER, 10**400, None),
        (TraitType.TEXT, "x" * 600, "x" * 500),
        (TraitType.TEXT, 5, None),
        (TraitType.INSTANT, START.isoformat(), START),
        (TraitType.INSTANT, "2026-03-04T11:20:00+01:00", START),
        (TraitType.INSTANT, "2026-03-04", START.replace(hour=0, minute=0)),
        (TraitType.INSTANT, "soon", None),
        (TraitType.INSTANT, "0001-01-01T00:00:00+14:00", None),
        (TraitType.INSTANT, 5, None),
    ],
)
def test_a_trait_is_what_its_rule_types_it(kind: TraitType, raw: Json, value: Value) -> None:
    """What cannot be that type is unknown, never guessed."""
    assert trait_value(raw, TraitRule(type=kind)) == value


def test_a_closed_list_of_words_is_closed() -> None:
    """A word that is not on the list is unknown."""
    rule = TraitRule(type=TraitType.TEXT, values=("monthly", "annual"))
    assert (trait_value("annual", rule), trait_value("weekly", rule), trait_value(None, rule)) == ("annual", None, None)


def test_answers_lie_on_the_scale() -> None:
    """Both ends belong to it; what lies outside, or is no number, is no answer."""
    scores = [0, 10, -1, 11, "7", True, None]
    events = [event("nps_answered", person=f"p{n}", properties={"score": score}) for n, score in enumerate(scores)]
    assert {who: answer.value for who, answer in added(*events).scores["nps"].items()} == {"p0": 0, "p1": 10}


def test_figures_add_up_exactly() -> None:
    """Sums do not depend on the order of floats; absurd numbers and other types are left out."""
    amounts: list[Json] = [*[0.1] * 10, 1e13, "x", True, float("nan")]
    known = added(*(event("ordered", properties={"amount": each, "product": each}) for each in amounts))
    assert known.sums == {"revenue": 1_000_000}
    assert known.values == {"products": frozenset({"x"})}


@given(st.permutations(range(8)))
def test_what_is_bounded_keeps_the_same_survivors(order: list[int]) -> None:
    """Weeks, answers and distinct values beyond the bound are chosen by an order over all of them, not by arrival."""
    bounds = {name: getattr(facts, name) for name in ("MOST_WEEKS", "MOST_ANSWERS", "MOST_VALUES")}
    events = [
        each
        for n in order
        for each in (
            event("nps_answered", START + 7 * n * DAY, person=f"p{n}", properties={"score": n}, message_id=f"n{n}"),
            event("ordered", START, properties={"product": f"{n}"}, message_id=f"o{n}"),
        )
    ]
    try:
        for name in bounds:
            setattr(facts, name, 3)
        known = added(*events)
        halves = union(added(*events[:8]), added(*events[8:]))
    finally:
        for name, value in bounds.items():
            setattr(facts, name, value)
    assert halves == known
    assert set(known.events["nps_answered"].weeks) == {week_of(START) + n for n in (5, 6, 7)}
    assert set(known.scores["nps"]) == {"p5", "p6", "p7"}
    assert known.values["products"] == {"0", "1", "2"}


def test_an_event_is_distinct_by_source_and_id() -> None:
    """The same id from another source is another event; in order of occurrence."""
    one = event("login", START + DAY, message_id="1")
    assert distinct([one, one, event("login", START, message_id="1", source="server")])[1] is one
    assert len(distinct([one, one])) == 1


def test_weeks_begin_on_monday() -> None:
    """A week number turns at Monday 00:00 UTC."""
    monday = START.replace(day=9, hour=0, minute=0)
    assert week_of(monday) == week_of(monday - timedelta(microseconds=1)) + 1 == week_of(monday + 7 * DAY) - 1


def test_a_measure_may_count_an_event_or_its_people() -> None:
    """Without a property a measure counts how often, or by how many different people, something was done."""
    vocabulary = Vocabulary(
        events=frozenset({"used"}),
        aliases={"used": "used"},
        traits={},
        scores={},
        measures={
            "times": MeasureRule(event="used", property=None, distinct=False),
            "people": MeasureRule(event="used", property=None, distinct=True),
        },
    )
    people = ("a", "b", "a", None)
    calls = [replace(event("used", START), message_id=f"m{n}", person=who) for n, who in enumerate(people)]
    facts = fold(Facts(), calls, vocabulary)
    assert measure("times", facts) == 4
    assert measure("people", facts) == 2


def test_what_no_rule_knows_concerns_nobody() -> None:
    """Only known names, traits of the account and calls that say who somebody is can change anything."""
    unheard = event("Unheard Of")
    assert not facts.adds(unheard, VOCABULARY)
    assert not facts.concerns(unheard, VOCABULARY)
    assert facts.concerns(event("Signed Up"), VOCABULARY)
    assert facts.concerns(traits(seats=3), VOCABULARY)
    identified = replace(unheard, kind=EventKind.IDENTIFY)
    assert (facts.adds(identified, VOCABULARY), facts.concerns(identified, VOCABULARY)) == (False, True)
