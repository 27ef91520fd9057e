"""Conditions: Kleene logic, the exact instants at which they turn, and how they explain themselves."""

import math
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import conditions
from orchestrator.core.conditions import (
    ALWAYS,
    MOVING,
    Literal,
    Node,
    Term,
    TermKind,
    View,
    became,
    explain,
    flips,
    monday_after,
    read,
    terms,
    verdict,
)
from orchestrator.core.errors import UndecidableError
from orchestrator.core.events import Event
from orchestrator.core.facts import Facts, fold
from tests.core.playbooks import (
    DAY,
    HOUR,
    VOCABULARY,
    calculate,
    case,
    compare,
    constant,
    count,
    days_ago,
    either,
    every,
    negation,
    one_of,
    reached,
    seen,
    term,
    trait,
)
from tests.core.strategies import START, event, traits

MOMENT = timedelta(microseconds=1)
UNKNOWN = compare(trait("seats"), ">", 1)
TRUE, FALSE = constant(value=True), constant(value=False)
NODES: dict[bool | None, Node] = {True: TRUE, False: FALSE, None: UNKNOWN}
ONE_DAY_TERM = term(TermKind.DAY)


def view(*events: Event, now: datetime = START, anchor: datetime | None = START, **milestones: datetime) -> View:
    """What a condition may look at after these events."""
    return View(
        facts=fold(Facts(), events, VOCABULARY),
        vocabulary=VOCABULARY,
        now=now,
        anchor=anchor,
        stage="onboarding",
        stage_entered_at=START,
        milestones=milestones,
    )


def at(seen_by: View, now: datetime) -> View:
    """The same, at another instant."""
    return View(
        facts=seen_by.facts,
        vocabulary=seen_by.vocabulary,
        now=now,
        anchor=seen_by.anchor,
        stage=seen_by.stage,
        stage_entered_at=seen_by.stage_entered_at,
        milestones=seen_by.milestones,
    )


# -- Kleene ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "right"), list(product([True, False, None], repeat=2)))
def test_and_or_follow_kleene(left: bool | None, right: bool | None) -> None:
    """``and`` is the least, ``or`` the greatest of false < unknown < true."""
    order = [False, None, True]
    ranks = [order.index(left), order.index(right)]
    nodes = (NODES[left], NODES[right])
    assert verdict(every(*nodes), view()) is order[min(ranks)]
    assert verdict(either(*nodes), view()) is order[max(ranks)]


@pytest.mark.parametrize(("inner", "whole"), [(True, False), (False, True), (None, None)])
def test_not_leaves_unknown_unknown(inner: bool | None, whole: bool | None) -> None:
    """``not`` turns true and false; the opposite of unknown is unknown."""
    assert verdict(negation(NODES[inner]), view()) is whole


@pytest.mark.parametrize(
    "node",
    [
        UNKNOWN,
        compare(3, "<", trait("seats")),
        one_of(trait("term"), "monthly"),
        compare(calculate(trait("seats"), "+", constant(1)), ">", 0),
        compare(term(TermKind.LATEST, "nps"), "<", 6),
        trait("term"),
    ],
    ids=lambda node: node.text,
)
def test_what_rests_on_something_unknown_is_unknown(node: Node) -> None:
    """A comparison, a sum or a membership of something unknown is unknown, never false."""
    assert verdict(node, view()) is None


@pytest.mark.parametrize("negated", [True, False])
def test_membership(negated: bool) -> None:
    """``in`` and ``not in`` a list of constants."""
    node = one_of(trait("term"), "monthly", "annual", negated=negated)
    assert verdict(node, view(traits(term="annual"))) is not negated


@pytest.mark.parametrize(
    ("sign", "verdicts"),
    [
        ("<", (True, False, False)),
        ("<=", (True, True, False)),
        ("==", (False, True, False)),
        ("!=", (True, False, True)),
        (">=", (False, True, True)),
        (">", (False, False, True)),
    ],
)
def test_comparisons(sign: str, verdicts: tuple[bool, ...]) -> None:
    """Each sign compares as in Python."""
    node = compare(trait("seats"), sign, 3)
    assert tuple(verdict(node, view(traits(seats=seats))) for seats in (2, 3, 4)) == verdicts


@pytest.mark.parametrize(("sign", "result"), [("+", 9), ("-", 3), ("*", 18), ("/", 2)])
def test_calculations(sign: str, result: int) -> None:
    """Each sign calculates as in Python."""
    node = compare(calculate(trait("seats"), sign, constant(3)), "==", result)
    assert verdict(node, view(traits(seats=6))) is True


# -- terms -------------------------------------------------------------------------------------------------------------


def test_what_was_never_seen_is_false_zero_or_infinitely_long_ago() -> None:
    """Facts are closed-world."""
    empty = view(anchor=None)
    assert read(seen("login"), empty) is False
    assert read(count("login"), empty) == 0
    assert read(days_ago("login"), empty) == math.inf
    assert read(term(TermKind.FIRST_DAY, "login"), empty) == math.inf
    assert read(term(TermKind.ANSWERS, "nps"), empty) == 0
    assert read(term(TermKind.MEASURE, "revenue"), empty) == 0
    assert verdict(compare(term(TermKind.LAST, "left"), ">", term(TermKind.LAST, "came_back")), empty) is False
    assert verdict(compare(term(TermKind.FIRST, "left"), "<", term(TermKind.FIRST, "came_back")), empty) is False


def test_without_an_anchor_what_counts_from_it_is_unknown() -> None:
    """Days and weeks since the anchor are unknown until there is one."""
    seen_by = view(event("login"), anchor=None)
    for kind in (TermKind.FIRST_DAY, TermKind.FALLING, TermKind.WEEK_RATIO):
        assert read(term(kind, "login"), seen_by) is None
    assert read(ONE_DAY_TERM, seen_by) is None


def test_terms_read_facts() -> None:
    """Counts, instants, days and figures are read as they are."""
    later = START + 2 * DAY
    events = [event("login"), event("login", later), event("ordered", properties={"amount": 2.5, "product": "a"})]
    seen_by = view(*events, now=START + 3 * DAY, setup=START)
    assert read(count("login"), seen_by) == 2
    assert (read(term(TermKind.FIRST, "login"), seen_by), read(term(TermKind.LAST, "login"), seen_by)) == (START, later)
    assert read(days_ago("login"), seen_by) == 1
    assert read(term(TermKind.FIRST_DAY, "login"), seen_by) == 0
    assert read(term(TermKind.MEASURE, "revenue"), seen_by) == 2.5
    assert read(term(TermKind.MEASURE, "products"), seen_by) == 1
    assert (read(reached("setup"), seen_by), read(reached("value"), seen_by)) == (True, False)
    assert read(term(TermKind.STAGE), seen_by) == "onboarding"
    assert read(term(TermKind.STAGE_DAYS), seen_by) == 3
    assert read(ONE_DAY_TERM, seen_by) == 3
    assert read(trait("vip"), seen_by) is False


def test_scores_read_the_newest_and_the_lowest_current_answer() -> None:
    """Each person's newest answer counts: ``latest`` is the newest of all, ``lowest`` the lowest of them."""
    answers = [("p1", 2, 0), ("p1", 9, 1), ("p2", 7, 2)]
    events = [event("nps_answered", START + n * DAY, person=who, properties={"score": s}) for who, s, n in answers]
    seen_by = view(*events)
    kinds = (TermKind.LATEST, TermKind.LOWEST, TermKind.ANSWERS)
    assert [read(term(kind, "nps"), seen_by) for kind in kinds] == [7, 7, 2]


MONDAY = datetime(2026, 3, 9, tzinfo=UTC)  # the first full week after START begins


def weekly(*counts: int) -> list[Event]:
    """That many log-ins in the week of START and in each after it."""
    starts = [START, *(MONDAY + number * 7 * DAY for number in range(len(counts)))]
    return [
        event("login", begin + n * HOUR) for begin, number in zip(starts, counts, strict=False) for n in range(number)
    ]


@pytest.mark.parametrize(
    ("counts", "falls", "ratio"),
    [((9, 5), 0, 1), ((9, 5, 4), 1, 0.8), ((9, 5, 4, 1), 2, 0.2), ((9, 5, 4, 4), 0, 0.8), ((9, 0, 3), 0, math.inf)],
)
def test_weeks_are_counted_from_the_first_full_one(counts: tuple[int, ...], falls: int, ratio: float) -> None:
    """Falls and ratio look at full weeks only: neither the week of the anchor nor the running one counts."""
    now = MONDAY + (len(counts) - 1) * 7 * DAY
    seen_by = view(*weekly(*counts), event("login", now), now=now)
    assert read(term(TermKind.FALLING, "login"), seen_by) == falls
    assert read(term(TermKind.WEEK_RATIO, "login"), seen_by) == ratio


def test_before_the_first_full_week_is_over_there_is_no_ratio() -> None:
    """The week of the anchor over the running week says nothing: it is unknown."""
    seen_by = view(*weekly(1, 5), now=MONDAY + DAY)
    assert read(term(TermKind.WEEK_RATIO, "login"), seen_by) is None
    assert read(term(TermKind.WEEK_RATIO, "login"), view(now=MONDAY + 7 * DAY)) == math.inf


def test_an_anchor_on_monday_begins_a_full_week() -> None:
    """A week that the anchor opens is a full one."""
    events = [event("login", MONDAY + n * DAY) for n in (0, 1, 7)]
    seen_by = view(*events, anchor=MONDAY, now=MONDAY + 14 * DAY)
    assert read(term(TermKind.WEEK_RATIO, "login"), seen_by) == 0.5
    assert read(term(TermKind.FALLING, "login"), seen_by) == 1


# -- what cannot be evaluated ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "node",
    [
        calculate(constant(1), "/", constant(0)),
        calculate(constant(1), "/", count("login")),
        calculate(constant("a"), "-", constant(1)),
        calculate(term(TermKind.FIRST_DAY, "login"), "-", term(TermKind.FIRST_DAY, "core_used")),
    ],
    ids=lambda node: node.text,
)
def test_what_cannot_be_calculated_raises(node: Node) -> None:
    """Division by zero, text less a number, never less never: an error that names the place, never false."""
    with pytest.raises(UndecidableError) as caught:
        verdict(compare(node, ">", 1), view())
    assert node.text in str(caught.value)


def test_a_guard_spares_what_cannot_be_calculated() -> None:
    """``a and 1 / a > 1`` is false when ``a`` is, and explains itself without raising."""
    risky = compare(calculate(constant(1), "/", count("login")), ">", 1)
    guarded = every(compare(count("login"), ">", 0), risky)
    assert verdict(guarded, view()) is False
    guard, spared = explain(guarded, view())
    assert (guard.verdict, guard.decisive) == (False, True)
    assert (spared.text, spared.verdict, spared.value) == (risky.text, None, "login.count = 0")


# -- when it turns -----------------------------------------------------------------------------------------------------

MOVING_TERMS = (days_ago("login"), ONE_DAY_TERM, term(TermKind.STAGE_DAYS))
SIGNS = ("<", "<=", "==", "!=", ">=", ">")


@given(
    st.sampled_from(MOVING_TERMS),
    st.sampled_from(SIGNS),
    st.sampled_from([0.1, 1 / 3, 2, 2.5, 3.3333333, 0.3000001]) | st.floats(-1, 40) | st.integers(-2, 40),
    st.booleans(),
    st.integers(0, 3),
)
def test_a_comparison_turns_exactly_where_it_says(
    moving: Term, sign: str, limit: float, swapped: bool, seconds: int
) -> None:
    """Between now and the next flip the verdict never changes, not even a microsecond before; without a flip, never."""
    node = compare(limit, sign, moving) if swapped else compare(moving, sign, limit)
    seen_by = view(event("login", START + timedelta(microseconds=seconds)), now=START + timedelta(seconds=seconds))
    for _ in range(4):
        turns = list(flips(node, seen_by))
        before = verdict(node, seen_by)
        if not turns:
            assert all(verdict(node, at(seen_by, seen_by.now + n * DAY)) is before for n in range(0, 80, 3))
            return
        assert seen_by.now < turns[0]
        assert verdict(node, at(seen_by, turns[0] - MOMENT)) is before
        seen_by = at(seen_by, turns[0])
    pytest.fail("a comparison turns at most twice")


@pytest.mark.parametrize(("sign", "from_when"), [(">=", timedelta(0)), (">", MOMENT)])
def test_it_turns_to_the_microsecond(sign: str, from_when: timedelta) -> None:
    """``>=`` holds from the boundary on, ``>`` from one microsecond after it."""
    node = compare(days_ago("login"), sign, 3)
    seen_by = view(event("login"), now=START + DAY)
    (turn,) = flips(node, seen_by)
    assert turn == START + 3 * DAY + from_when
    assert [verdict(node, at(seen_by, turn + shift)) for shift in (-MOMENT, timedelta(0))] == [False, True]
    assert became(node, at(seen_by, START + 9 * DAY)) == turn


@pytest.mark.parametrize("limit", [1e9, -1e9, math.inf, 4e7])
def test_a_limit_beyond_the_calendar_never_turns(limit: float) -> None:
    """A number of days that no calendar holds has no instant to wake at."""
    assert list(flips(compare(days_ago("login"), "<", limit), view(event("login")))) == []


@pytest.mark.parametrize(
    "node",
    [
        compare(days_ago("core_used"), ">=", 3),
        compare(count("login"), ">=", 3),
        compare(ONE_DAY_TERM, ">=", term(TermKind.STAGE_DAYS)),
        compare(days_ago("login"), "==", "x"),
        compare(calculate(constant(1), "+", constant(1)), "==", 2),
        one_of(trait("term"), "annual"),
        ALWAYS,
    ],
    ids=lambda node: node.text,
)
def test_what_does_not_move_has_no_flip(node: Node) -> None:
    """Only a moving term against a number turns by the clock."""
    assert list(flips(node, view(event("login")))) == []


def test_flips_are_found_in_every_part() -> None:
    """``and``, ``or`` and ``not`` turn where one of their parts does."""
    node = every(negation(compare(ONE_DAY_TERM, ">=", 2)), either(compare(term(TermKind.STAGE_DAYS), "<", 1), TRUE))
    assert set(flips(node, view())) == {START + DAY, START + 2 * DAY}


def test_terms_about_weeks_turn_on_monday() -> None:
    """Weeks end on Monday 00:00 UTC; exactly then, the next is meant."""
    node = compare(term(TermKind.FALLING, "login"), ">=", 2)
    assert list(flips(node, view())) == [MONDAY] == [monday_after(START)]
    assert monday_after(MONDAY) == MONDAY + 7 * DAY
    assert monday_after(MONDAY - MOMENT) == MONDAY


# -- since when --------------------------------------------------------------------------------------------------------

NOW = START + 20 * DAY
LATER = START + 5 * DAY
PAST = (
    event("login"),
    event("login", LATER),
    event("core_used", START + 2 * DAY),
    event("ordered", START + 3 * DAY, properties={"amount": 5}),
    event("nps_answered", START + 4 * DAY, properties={"score": 3}),
    traits(START + 6 * DAY, seats=5),
)


@pytest.mark.parametrize(
    ("node", "since"),
    [
        (seen("login"), START),
        (compare(count("login"), ">=", 1), LATER),
        (compare(term(TermKind.FIRST_DAY, "core_used"), "<", 9), START + 2 * DAY),
        (compare(term(TermKind.LAST, "login"), ">", term(TermKind.FIRST, "core_used")), LATER),
        (compare(term(TermKind.MEASURE, "revenue"), ">", 1), START + 3 * DAY),
        (compare(term(TermKind.LOWEST, "nps"), "<", 6), START + 4 * DAY),
        (UNKNOWN, START + 6 * DAY),
        (reached("setup"), START + 7 * DAY),
        (compare(days_ago("login"), ">=", 3), LATER + 3 * DAY),
        (compare(days_ago("login"), "<", 30), LATER),
        (compare(days_ago("login"), "!=", 3), LATER + 3 * DAY + MOMENT),
        (compare(ONE_DAY_TERM, ">", 3), START + 3 * DAY + MOMENT),
        (compare(term(TermKind.STAGE), "==", "onboarding"), START),
        (compare(term(TermKind.FALLING, "login"), ">=", 0), datetime(2026, 3, 23, tzinfo=UTC)),
        (every(seen("login"), seen("core_used"), negation(seen("left"))), START + 2 * DAY),
        (every(compare(ONE_DAY_TERM, ">=", 3), compare(ONE_DAY_TERM, "<", 30)), START + 3 * DAY),
        (either(seen("login"), seen("core_used"), seen("left")), START),
        (negation(every(seen("left"), seen("login"))), NOW),
        (negation(either(seen("left"), compare(days_ago("login"), "<", 3))), LATER + 3 * DAY),
        (negation(compare(count("login"), "<", 2)), LATER),
        (negation(seen("left")), NOW),
        (either(negation(seen("left")), seen("core_used")), START + 2 * DAY),
        (compare(ONE_DAY_TERM, "<", 30), NOW),
        (compare(trait("vip"), "==", False), NOW),
        (ALWAYS, NOW),
    ],
    ids=lambda value: getattr(value, "text", ""),
)
def test_a_condition_is_dated_by_what_it_rests_on(node: Node, since: datetime) -> None:
    """``and`` holds since its newest part, ``or`` since its oldest, what moves since it turned; else since now."""
    seen_by = view(*PAST, now=NOW, setup=START + 7 * DAY)
    assert verdict(node, seen_by) is True
    assert became(node, seen_by) == since


def test_terms_shared_by_comparisons_are_dated_apart() -> None:
    """One Term object in two comparisons has each comparison's own turn."""
    shared = days_ago("login")
    node = every(compare(shared, ">=", 2), compare(shared, "<=", 30))
    assert became(node, view(event("login"), now=NOW)) == START + 2 * DAY


def test_nothing_is_dated_in_the_future() -> None:
    """What a wrong clock says has happened tomorrow holds since now."""
    assert became(seen("login"), view(event("login", NOW + DAY), now=NOW)) == NOW


# -- explaining --------------------------------------------------------------------------------------------------------


def decisive(node: Node, seen_by: View) -> list[str]:
    return [clause.text for clause in explain(node, seen_by) if clause.decisive]


def test_the_false_part_of_an_and_is_decisive() -> None:
    """Of ``true and false`` only the false clause was decisive; of ``false and false`` neither alone."""
    logged = view(event("login"))
    assert decisive(every(seen("login"), seen("left")), logged) == ["left"]
    assert decisive(every(seen("came_back"), seen("left")), logged) == []
    assert decisive(every(seen("login"), TRUE), logged) == ["login", "True"]


def test_the_true_part_of_an_or_is_decisive() -> None:
    """Of ``true or false`` only the true clause was decisive, also under ``not``."""
    logged = view(event("login"))
    assert decisive(either(seen("login"), seen("left")), logged) == ["login"]
    assert decisive(negation(either(seen("login"), seen("left"))), logged) == ["login"]


RECURRING: dict[str, Node] = {
    "under not": negation(compare(seen("login"), "==", 1)),
    "in a list": one_of(seen("login"), True),
    "in a figure": compare(calculate(count("core_used"), "+", seen("login")), ">", 5),
    "in a derived name": compare(case("kind", (seen("login"), "in"), default="out"), "==", "in"),
    "nowhere": one_of(count("core_used"), 7),
}  # in which a condition's own clause stands once more, or does not


@pytest.mark.parametrize("where", RECURRING)
def test_a_clause_is_supposed_otherwise_wherever_it_stands(where: str) -> None:
    """What would be otherwise with a clause also is where its words stand within another one."""
    node = either(seen("login"), RECURRING[where])
    logged = view(event("login"))
    turned = {"in a list", "in a derived name", "nowhere", "in a figure"}
    assert (node.operands[0].text in decisive(node, logged)) is (where in turned)


def test_an_unknown_clause_is_named() -> None:
    """A condition that is unknown names the term that is."""
    (clause,) = explain(UNKNOWN, view())
    assert (clause.value, clause.verdict, clause.decisive) == ("seats = unknown", None, True)


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        (compare(days_ago("login"), ">=", 3), "login.days_ago = never"),
        (
            compare(term(TermKind.LAST, "login"), ">", term(TermKind.FIRST, "left")),
            "login.last = never, left.first = never",
        ),
        (
            compare(term(TermKind.LAST, "core_used"), ">", term(TermKind.LAST, "left")),
            f"core_used.last = {START.isoformat()}, left.last = never",
        ),
        (compare(ONE_DAY_TERM, ">=", 3), "day = 0.5"),
        (compare(count("core_used"), ">=", 3), "core_used.count = 1"),
        (one_of(trait("term"), "annual"), "term = unknown"),
        (seen("core_used"), "core_used = True"),
        (ALWAYS, ""),
    ],
    ids=lambda value: getattr(value, "text", ""),
)
def test_values_are_shown_as_a_person_reads_them(node: Node, shown: str) -> None:
    """Never, unknown, numbers and instants as text."""
    (clause,) = explain(node, view(event("core_used"), now=START + 12 * HOUR))
    assert clause.value == shown


def test_terms_are_listed_left_to_right() -> None:
    """Every term of a condition is found, in all kinds of nodes."""
    node = every(
        either(seen("login"), negation(reached("setup"))),
        one_of(trait("term"), "annual"),
        compare(calculate(trait("seats"), "+", constant(1)), ">", count("left")),
        Literal(value=True, text="True"),
    )
    assert [each.text for each in terms(node)] == ["login", "setup", "term", "seats", "left.count"]


def test_each_kind_of_term_can_be_read() -> None:
    """Every kind has a reading, and every kind that moves has a clock."""
    assert conditions._READINGS.keys() == set(TermKind)
    assert conditions._CLOCKS.keys() == MOVING
