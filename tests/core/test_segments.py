"""Segments: derived names in conditions, and what is scaled by them."""

import math
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.conditions import Node, TermKind, View, became, explain, flips, terms, value_of, verdict
from orchestrator.core.decisions import Step
from orchestrator.core.events import Event
from orchestrator.core.facts import Facts, Value, fold
from orchestrator.core.lifecycle import advance, opened
from orchestrator.core.playbook import OnDay, Segment, Segmentation, Stage, TouchModel
from orchestrator.core.segments import owned, segment_of, window_of
from tests.core.playbooks import (
    DAY,
    PACE,
    PLAYBOOK,
    SEGMENT,
    SEGMENTATION,
    STAGES,
    VOCABULARY,
    calculate,
    case,
    compare,
    constant,
    count,
    every,
    negation,
    one_of,
    play,
    seen,
    term,
    trait,
    with_plays,
    work,
)
from tests.core.strategies import START, event, person, traits

MOMENT = timedelta(microseconds=1)
TRUE, FALSE, UNKNOWN = constant(value=True), constant(value=False), compare(trait("seats"), ">", 1)
NODES: dict[bool | None, Node] = {True: TRUE, False: FALSE, None: UNKNOWN}


def view(*events: Event, now: datetime = START) -> View:
    """What a condition may look at after these events."""
    facts = fold(Facts(), events, VOCABULARY)
    return View(facts=facts, vocabulary=VOCABULARY, now=now, anchor=START, stage="onboarding", stage_entered_at=START)


# -- derived names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        ([(True, "a"), (True, "b")], "a"),
        ([(False, "a"), (True, "b")], "b"),
        ([(False, "a"), (False, "b")], "rest"),
        ([], "rest"),
        ([(None, "a"), (True, "b")], None),
        ([(None, "a"), (True, "a")], "a"),
        ([(None, "a"), (None, "a"), (True, "a")], "a"),
        ([(None, "a"), (False, "b")], None),
        ([(None, "rest"), (False, "b")], "rest"),
        ([(True, "a"), (None, "b")], "a"),
    ],
)
def test_the_first_row_that_holds_gives_the_value(rows: list[tuple[bool | None, str]], value: Value) -> None:
    """An unknown row makes the value unknown, unless every value that is still possible is the same."""
    assert value_of(case("c", *((NODES[held], each) for held, each in rows), default="rest"), view()) == value


def test_the_unknown_may_have_a_value_of_its_own() -> None:
    """A case that says what it is while it cannot be told is never unknown."""
    assert value_of(case("c", (UNKNOWN, "a"), default="b", unknown="c"), view()) == "c"


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.sampled_from("ab")), max_size=5))
def test_the_unknown_agrees_with_every_way_it_could_turn_out(rows: list[tuple[bool | None, str]]) -> None:
    """A case is known exactly when every way of settling its unknown rows gives the same value."""
    said = value_of(case("c", *((NODES[held], each) for held, each in rows), default="b"), view())
    worlds: list[list[tuple[bool, str]]] = [[]]
    for held, each in rows:
        worlds = [[*world, (way, each)] for world in worlds for way in ([True, False] if held is None else [held])]
    values = {next((each for held, each in world if held), "b") for world in worlds}
    assert said == (values.pop() if len(values) == 1 else None)


def test_a_derived_name_may_stand_wherever_its_kind_may() -> None:
    """Compared, in a list and under not, it is read like any other name; arithmetic reads numbers of it."""
    large = view(traits(seats=80))
    assert verdict(compare(SEGMENT, "==", "large"), large) is True
    assert verdict(negation(one_of(SEGMENT, "middle", "small")), large) is True
    assert verdict(compare(SEGMENT, "==", "large"), view()) is None
    tenth = case("tenth", (TRUE, 10), default=0)
    assert value_of(calculate(count("login"), "+", tenth), view(event("login"))) == 11


def test_the_terms_of_a_derived_name_are_those_of_its_rows() -> None:
    """What a condition rests on is seen through the name."""
    assert [each.name for each in terms(one_of(SEGMENT, "large"))] == ["seats", "seats", "term"]


def test_a_derived_name_turns_when_a_row_may() -> None:
    """The instants of its rows are those of every condition that asks for it, wherever it stands."""
    seen_by = view(event("login"))
    turns = {START + 1.7 * DAY, START + 9 * DAY + MOMENT}
    for node in (compare(PACE, "==", "slow"), one_of(PACE, "slow", "lost"), negation(compare(PACE, "!=", "slow"))):
        assert set(flips(node, seen_by)) == turns


@pytest.mark.parametrize(
    ("days", "said", "since"),
    [(1.0, "quick", 0.0), (1.7, "slow", 1.7), (5.0, "slow", 1.7), (9.0, "slow", 1.7), (20.0, "lost", 9.0)],
)
def test_since_when_a_derived_name_says_so(days: float, said: str, since: float) -> None:
    """The row that gives the value has held since then, and those before it have not."""
    seen_by = view(event("login"), now=START + days * DAY)
    assert value_of(PACE, seen_by) == said
    assert abs(became(compare(PACE, "==", said), seen_by) - (START + since * DAY)) <= MOMENT


def test_since_when_a_segment_holds() -> None:
    """It is dated by the newest word on the traits that decide it, not by those that were not asked."""
    told = view(traits(START + DAY, seats=80), traits(START + 2 * DAY, term="annual"), now=START + 9 * DAY)
    assert became(compare(SEGMENT, "==", "large"), told) == START + DAY
    partly = view(traits(START + DAY, seats=9), traits(START + 2 * DAY, term="annual"), now=START + 9 * DAY)
    assert became(compare(SEGMENT, "==", "middle"), partly) == START + 2 * DAY
    assert (
        became(compare(SEGMENT, "!=", "large"), view(traits(START + DAY, seats=1), now=START + 9 * DAY)) == START + DAY
    )


def test_a_derived_name_is_explained_with_what_it_rests_on() -> None:
    """The clause shows the name, its value, and each thing that it rests on once."""
    told = view(traits(seats=9, term="annual"))
    (clause,) = explain(compare(SEGMENT, "==", "large"), told)
    assert (clause.text, clause.verdict) == ("segment == 'large'", False)
    assert clause.value == "segment = middle (seats = 9, term = annual)"
    (unknown,) = explain(compare(SEGMENT, "==", "large"), view())
    assert unknown.value == "segment = unknown (seats = unknown, term = unknown)"


def test_a_derived_name_that_cannot_be_evaluated_is_still_explained() -> None:
    """To explain never raises: what cannot be evaluated reads as unknown."""
    ratio = compare(calculate(constant(1), "/", count("login")), ">", 1)
    (clause,) = explain(compare(case("c", (ratio, "a"), default="b"), "==", "a"), view())
    assert (clause.verdict, clause.value) == (None, "c = unknown (login.count = 0)")


# -- what is scaled ----------------------------------------------------------------------------------------------------

SCALED = Segmentation(
    by=SEGMENT,
    table={
        "large": Segment(
            name="large",
            label="Large",
            touch=TouchModel.HIGH,
            owner="specialist",
            windows={"onboarding": (timedelta(0), 120 * DAY)},
        ),
        "middle": Segment(name="middle", label="Middle", touch=TouchModel.MEDIUM),
        "small": Segment(
            name="small", label="Small", touch=TouchModel.TECH, owner="support", windows={"growth": (DAY, None)}
        ),
    },
    default="small",
)


def facts(**said: Any) -> Facts:  # noqa: ANN401 -- JSON
    """What is known after the account's traits were said."""
    return fold(Facts(), [traits(**said)], VOCABULARY)


def test_without_segments_everything_is_one() -> None:
    """A playbook that declares none has no segment, its stages' own windows, and owners as written."""
    book = with_plays(stages={"onboarding": Stage(name="onboarding", goal="g", window=(timedelta(0), 7 * DAY))})
    assert segment_of(facts(seats=80), book) is None
    assert window_of("onboarding", facts(seats=80), book) == (timedelta(0), 7 * DAY)
    assert owned(work(owner="segment"), facts(), book).owner == "segment"


@pytest.mark.parametrize(
    ("seats", "segment"), [(50, "large"), (49.999, "middle"), (3, "middle"), (2.999, "small"), (-math.inf, "small")]
)
def test_bounds_are_half_open_and_below_the_lowest_is_the_default(seats: float, segment: str) -> None:
    """The lower bound belongs to the segment, the upper one to the next (rules 1.9 "Segment value bounds")."""
    found = segment_of(facts(seats=seats, term="annual"), with_plays(segmentation=SCALED))
    assert found is not None
    assert found.name == segment


def test_a_window_scales_by_segment() -> None:
    """The segment's window counts, else the stage's own (rules 1.9 "Onboarding length vs stage window")."""
    own = {**STAGES, "onboarding": Stage(name="onboarding", goal="g", window=(timedelta(0), 7 * DAY))}
    book = with_plays(segmentation=SCALED, stages=own)
    assert window_of("onboarding", facts(seats=80), book) == (timedelta(0), 120 * DAY)
    assert window_of("onboarding", facts(seats=1), book) == (timedelta(0), 7 * DAY)
    assert window_of("growth", facts(), book) == (DAY, None)  # unknown: the default segment's


@pytest.mark.parametrize(("said", "owner"), [({"seats": 80}, "specialist"), ({"seats": 1}, "support"), ({}, "support")])
def test_the_owner_of_work_may_be_the_segments(said: dict[str, Any], owner: str) -> None:
    """Work whose owner is `segment` goes to the segment's role, to the default's while it is unknown."""
    answer = _escalated(SCALED, **said)
    assert [each.action.owner for each in answer.escalations] == [owner]


def test_a_segment_without_an_owner_leaves_the_word() -> None:
    """The checks of the playbook see to it; the engine does not invent a role."""
    answer = _escalated(SEGMENTATION, seats=1)
    assert [each.action.owner for each in answer.escalations] == ["segment"]


def _escalated(segmentation: Segmentation, **said: Any) -> Step:  # noqa: ANN401 -- JSON
    book = with_plays(play("p", OnDay(day=0), work(owner="segment")), segmentation=segmentation)
    return advance(opened("a", START, book), (person(),), [event("signed_up"), traits(**said)], START, book)


def test_a_segment_changes_with_the_account() -> None:
    """The condition of a play is judged on the segment of that instant."""
    book = with_plays(play("p", OnDay(day=1), work(), when=compare(SEGMENT, "==", "large")), segmentation=SEGMENTATION)
    account = advance(opened("a", START, book), (), [event("signed_up"), traits(seats=1)], START, book).account
    later = START + DAY
    answer = advance(account, (), [traits(later, seats=80)], later, book)
    (decision,) = answer.decisions
    assert decision.reason == "due"
    assert decision.clauses[0].value == "segment = large (seats = 80, term = unknown)"


def test_pace_and_stage_stand_side_by_side() -> None:
    """A derived name and a plain one are parts of one condition like any others."""
    node = every(seen("login"), compare(PACE, "==", "quick"), compare(term(TermKind.STAGE), "==", "onboarding"))
    assert verdict(node, view(event("login"))) is True
    assert [clause.value for clause in explain(node, view(event("login")))] == [
        "login = True",
        "pace = quick (login.days_ago = 0)",
        "stage = onboarding",
    ]
    assert PLAYBOOK.segmentation is None
