"""Health: weighted indicators, what is unknown, bands, overrides, weekly samples, and since when."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.conditions import (
    ALWAYS,
    Indicator,
    Node,
    Says,
    TermKind,
    View,
    Weighted,
    became,
    explain,
    flips,
    read,
    verdict,
    weigh,
)
from orchestrator.core.decisions import NoteKind
from orchestrator.core.events import Event, Json
from orchestrator.core.facts import Facts, fold, week_of
from orchestrator.core.health import (
    MOST_SAMPLES,
    Colour,
    Reading,
    RollUp,
    Rules,
    falling_weeks,
    linear,
    override_of,
    override_turned,
    weighed,
    with_sample,
)
from orchestrator.core.playbook import EveryWeek
from tests.core.lives import Life, life
from tests.core.playbooks import (
    DAY,
    HEALTH,
    HOUR,
    TRANSITIONS,
    VOCABULARY,
    calculate,
    compare,
    constant,
    count,
    days_ago,
    every,
    health,
    negation,
    play,
    seen,
    term,
    trait,
    with_plays,
    work,
)
from tests.core.strategies import START, event, traits, word

MONDAY = START.replace(day=9, hour=0, minute=0)  # the first after the start
WEEK = 7 * DAY
SOON = (START + 5 * DAY).isoformat()
LOGIN = event("login", message_id="a1")  # after the sign-up of the same instant
POINTS = {Colour.GREEN: 100, Colour.YELLOW: 50, Colour.RED: 0}


def reading(name: str, weight: float, colour: Colour | None) -> Reading:
    """What an indicator says."""
    return Reading(name=name, label=name, weight=weight, points=POINTS.get(colour) if colour else None, colour=colour)


def view(*events: Event, now: datetime = START, samples: Mapping[int, float | None] | None = None) -> View:
    """What may be looked at after these events."""
    return View(
        facts=fold(Facts(), events, VOCABULARY),
        vocabulary=VOCABULARY,
        now=now,
        anchor=START,
        stage="onboarding",
        stage_entered_at=START,
        samples=samples or {},
    )


def lamp(name: str, weight: float, green: Node, yellow: Node | None = None, when: Node = ALWAYS) -> Indicator:
    """An indicator by conditions."""
    return Indicator(name=name, label=name, weight=weight, when=when, green=green, yellow=yellow)


def line(name: str, weight: float, figure: Node, worst: float = 0, best: float = 10) -> Indicator:
    """An indicator by a figure."""
    return Indicator(name=name, label=name, weight=weight, when=ALWAYS, figure=figure, worst=worst, best=best)


def made_of(*indicators: Indicator) -> Weighted:
    """Health made of these."""
    return Weighted(indicators=indicators, rules=Rules(), says=Says.SCORE, text="health")


def overridden(score: Json = 90, until: Json = SOON, at: datetime = START) -> Event:
    """A human says what the health is."""
    return word("health_overridden", at, score=score, until=until, by="mei", reason="I called them.")


UNKNOWN = compare(trait("seats"), ">", 1)
TRUE, FALSE = constant(value=True), constant(value=False)


# -- rolling up --------------------------------------------------------------------------------------------------------


def test_the_score_is_the_weighted_mean() -> None:
    """Green is 100, yellow 50, red 0, each by its weight."""
    found = weighed(
        [reading("a", 50, Colour.GREEN), reading("b", 30, Colour.YELLOW), reading("c", 20, Colour.RED)], Rules(), None
    )
    assert (found.score, found.raw, found.colour, found.coverage) == (65, 65, Colour.YELLOW, 100)


def test_what_is_unknown_is_left_out_and_told() -> None:
    """The weights of what is known are scaled up, and coverage says how much that is."""
    found = weighed(
        [reading("a", 45, Colour.GREEN), reading("b", 15, Colour.RED), reading("c", 40, None)], Rules(), None
    )
    assert (found.score, found.colour, found.coverage) == (75, Colour.GREEN, 60)


@pytest.mark.parametrize(("known", "floor"), [(59.9, 60), (0, 0), (99, 100)])
def test_too_little_is_unknown_and_never_green(known: float, floor: float) -> None:
    """Below the floor, and from nothing at all, neither score nor colour is said."""
    readings = [reading("a", known, Colour.GREEN if known else None), reading("b", 100 - known, None)]
    found = weighed(readings, Rules(coverage_floor=floor), None)
    assert (found.score, found.colour, found.coverage) == (None, None, known)


@pytest.mark.parametrize(
    ("score", "colour"),
    [(100, "green"), (70, "green"), (69.999, "yellow"), (40, "yellow"), (39.999, "red"), (0, "red")],
)
def test_bands_are_half_open(score: float, colour: str) -> None:
    """An edge belongs to the band above it, and fractions fall in no gap."""
    assert Rules().colour(score) == colour


@given(st.lists(st.integers(1, 50), min_size=1, max_size=7))
def test_all_alike_is_exactly_that(weights: list[int]) -> None:
    """Whatever the weights, all green is exactly 100 and all yellow exactly 50: no float misses an edge."""
    whole = sum(weights)
    for colour, points in POINTS.items():
        readings = [reading(str(n), 100 * weight / whole, colour) for n, weight in enumerate(weights)]
        assert weighed(readings, Rules(coverage_floor=99), None).score == points


def test_the_worst_of_some_decides_the_colour() -> None:
    """One red indicator of ``worst_of`` makes the whole red and leaves the score; yellow does not."""
    rules = Rules(worst_of=frozenset({"champion"}))
    for colour, whole in ((Colour.RED, Colour.RED), (Colour.YELLOW, Colour.GREEN), (None, Colour.GREEN)):
        found = weighed([reading("adoption", 90, Colour.GREEN), reading("champion", 10, colour)], rules, None)
        assert found.colour is whole
        assert found.score is not None
        assert found.score >= 90


@pytest.mark.parametrize(
    ("colours", "whole"),
    [
        ((Colour.GREEN, Colour.GREEN), Colour.GREEN),
        ((Colour.GREEN, Colour.YELLOW), Colour.YELLOW),
        ((Colour.GREEN, Colour.RED), Colour.RED),
        ((Colour.GREEN, None), Colour.GREEN),
    ],
)
def test_a_strict_roll_up(colours: tuple[Colour | None, ...], whole: Colour) -> None:
    """All known ones green: green; any red: red; else yellow, whatever the score."""
    readings = [reading("a", 90, colours[0]), reading("b", 10, colours[1])]
    assert weighed(readings, Rules(roll_up=RollUp.STRICT), None).colour is whole


# -- indicators --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("green", "yellow", "colour"),
    [
        (TRUE, TRUE, "green"),
        (FALSE, TRUE, "yellow"),
        (FALSE, FALSE, "red"),
        (FALSE, None, "red"),
        (UNKNOWN, TRUE, None),
        (FALSE, UNKNOWN, None),
        (TRUE, UNKNOWN, "green"),
    ],
)
def test_a_lamp(green: Node, yellow: Node | None, colour: str | None) -> None:
    """Green where that holds, else yellow where that holds, else red; unknown stays unknown."""
    (found,) = weigh(made_of(lamp("a", 100, green, yellow)), view()).readings
    assert found.colour == colour
    assert found.points == (None if colour is None else POINTS[Colour(colour)])


def test_an_indicator_is_known_only_while_its_when_holds() -> None:
    """So that a new account is not red for what it could not do yet."""
    for when, known in ((TRUE, True), (FALSE, False), (UNKNOWN, False)):
        (found,) = weigh(made_of(lamp("a", 100, TRUE, when=when)), view()).readings
        assert (found.points is not None) is known


@pytest.mark.parametrize(
    ("figure", "worst", "best", "points"),
    [(0, 0, 10, 0), (5, 0, 10, 50), (10, 0, 10, 100), (11, 0, 10, 100), (-1, 0, 10, 0), (1, 5, 0, 80), (9, 5, 0, 0)],
)
def test_a_line(figure: float, worst: float, best: float, points: float) -> None:
    """A figure is worth 0 at its worst, 100 at its best, straight in between; fewer may be better."""
    assert linear(figure, worst, best) == points


def test_a_figure_has_the_colour_of_its_band() -> None:
    """What a figure is worth is coloured as the whole would be; an unknown one is unknown."""
    node = made_of(line("a", 60, count("login"), best=2), line("b", 40, trait("seats")))
    found = weigh(node, view(event("login"))).readings
    assert [(each.points, each.colour) for each in found] == [(50, Colour.YELLOW), (None, None)]


def test_what_cannot_be_calculated_is_unknown() -> None:
    """An indicator with nothing to divide by is unknown, and coverage tells it: the account is not parked for it."""
    node = made_of(line("a", 40, calculate(constant(10), "/", trait("seats"))), lamp("b", 60, TRUE))
    found = weigh(node, view(traits(seats=0)))
    assert (found.coverage, found.score) == (60, 100)


def test_what_health_rests_on_is_decisive_within_it() -> None:
    """A clause that an indicator asks for, too, is supposed otherwise in both places."""
    node = made_of(lamp("a", 50, seen("login")), line("b", 50, count("login")))
    whole = every(seen("login"), compare(node, ">=", 50))
    assert [clause.decisive for clause in explain(whole, view(event("login")))] == [True, True]


# -- names -------------------------------------------------------------------------------------------------------------


def test_the_names_of_health() -> None:
    """``health``, ``health.raw``, ``health.colour`` and ``health.coverage`` in conditions."""
    node = made_of(lamp("a", 70, TRUE), lamp("b", 30, UNKNOWN))
    seen_by = view(overridden(10))
    for says, value in ((Says.SCORE, 10), (Says.RAW, 100), (Says.COLOUR, "red"), (Says.COVERAGE, 70)):
        assert verdict(compare(health(says, node), "==", value), seen_by) is True
    nothing = made_of(lamp("a", 100, UNKNOWN))
    for says in (Says.SCORE, Says.RAW, Says.COLOUR):
        assert verdict(compare(health(says, nothing), "==", "red"), view()) is None


def test_health_explains_itself() -> None:
    """A clause about health names each indicator with its colour, and who has set it."""
    node = made_of(lamp("a", 60, TRUE), lamp("b", 40, UNKNOWN))
    (clause,) = explain(compare(node, "<", 40), view())
    assert clause.value == "health = 100 (a green, b unknown)"
    (clause,) = explain(compare(node, "<", 40), view(overridden(39)))
    assert clause.value == "health = 39 (a green, b unknown, set by mei)"
    assert (clause.verdict, clause.decisive) == (True, True)
    nobody = word("health_overridden", score=1, until=(START + DAY).isoformat(), by=3, reason=4)
    (clause,) = explain(compare(node, "<", 40), view(nobody))
    assert clause.value == "health = 1 (a green, b unknown, set by a human)"


# -- overrides ---------------------------------------------------------------------------------------------------------


def test_an_override_holds_until_it_expires() -> None:
    """A human's score stands in until its instant, then the raw one counts again; both are kept."""
    node, until = made_of(lamp("a", 100, TRUE)), START + 5 * DAY
    before, after = (view(overridden(20), now=at) for at in (until - HOUR, until))
    assert [(weigh(node, each).score, weigh(node, each).raw) for each in (before, after)] == [(20, 100), (100, 100)]
    found = weigh(node, before).override
    assert found is not None
    assert (found.by, found.reason, found.at, found.until) == ("mei", "I called them.", START, until)
    assert list(flips(compare(node, "<", 40), before)) == [until]
    assert list(flips(compare(node, "<", 40), after)) == []


def test_a_human_is_not_outvoted() -> None:
    """Under an override the colour is that of its score, whatever an indicator of ``worst_of`` says."""
    node = replace(made_of(lamp("a", 100, FALSE)), rules=Rules(worst_of=frozenset({"a"})))
    assert weigh(node, view(overridden(90))).colour is Colour.GREEN


@pytest.mark.parametrize(
    ("score", "until"),
    [
        (None, (START + DAY).isoformat()),
        (101, (START + DAY).isoformat()),
        (-1, (START + DAY).isoformat()),
        ("high", (START + DAY).isoformat()),
        (50, None),
        (50, "soon"),
        (50, START.isoformat()),
    ],
)
def test_a_word_that_is_no_score_lifts_the_override(score: Json, until: Json) -> None:
    """Without a score of 0 to 100 and an end to come nothing is overridden, and what was said before is lifted."""
    facts = fold(Facts(), [overridden(10, at=START - DAY), overridden(score, until)], VOCABULARY)
    assert override_of(facts, START) is None


def test_an_override_is_a_word_of_humans() -> None:
    """Nobody said anything: there is none, and nothing turned."""
    assert override_of(Facts(), START) is None
    assert override_turned(Facts(), START) is None
    assert read(term(TermKind.OVERRIDE), view()) is None
    assert read(term(TermKind.OVERRIDE), view(overridden(10))) == 10


# -- turning -----------------------------------------------------------------------------------------------------------


def test_health_turns_when_an_indicator_does() -> None:
    """The instants at which a part of any indicator may turn are those at which health may."""
    node = made_of(lamp("a", 100, compare(days_ago("login"), "<=", 2), compare(days_ago("login"), "<", 6)))
    turns = list(flips(compare(node, "<", 40), view(event("login"))))
    assert turns == [START + 2 * DAY + timedelta(microseconds=1), START + 6 * DAY]


def test_health_has_been_so_since_its_last_change() -> None:
    """A condition on health is dated by the last thing that changed in it: an event, a turn, an override's end."""
    node = made_of(lamp("a", 100, compare(days_ago("login"), "<=", 2), compare(days_ago("login"), "<", 6)))
    ailing, now = compare(node, "<", 40), START + 9 * DAY
    assert became(ailing, view(event("login"), now=now)) == START + 6 * DAY
    assert (
        became(ailing, view(event("login"), overridden(90, (START + 8 * DAY).isoformat()), now=now)) == START + 8 * DAY
    )
    assert became(ailing, view(event("login"), overridden(10, at=START + 7 * DAY), now=now)) == START + 7 * DAY
    word_at = START + 7 * DAY
    ends = (START + 20 * DAY).isoformat()
    assert became(ailing, view(event("login"), overridden(10, ends, at=word_at), now=now)) == word_at
    colour = compare(health(Says.COLOUR, node), "==", "red")
    assert became(negation(colour), view(event("login"), now=START + DAY)) == START


# -- notes of the journal ----------------------------------------------------------------------------------------------


def lived(events: list[Event], until: datetime, **changes: object) -> Life:
    """An account under a playbook with one weekly rule and health."""
    sinking = play("sinking", EveryWeek(until_day=60), work(), when=compare(term(TermKind.HEALTH_FALLING), ">=", 2))
    book = with_plays(sinking, **{"health": HEALTH, "sampled": True, "transitions": (), **changes})
    return life((), book, START).live([event("signed_up", message_id="a0"), *events], until)


def colours(of: Life) -> list[tuple[object, object, datetime]]:
    """The changes of colour that were noted."""
    notes = [note for _, step in of.steps for note in step.notes if note.kind is NoteKind.HEALTH]
    return [(each.detail["before"], each.detail["colour"], each.at) for each in notes]


def test_each_change_of_colour_is_noted_when_it_comes_about() -> None:
    """Nobody has to do anything for the colour to turn: the account wakes for it."""
    told = colours(lived([LOGIN, word("judgement_ticked", judgement="proven")], START + 20 * DAY))
    assert told == [
        ("unknown", "red", START),  # never a login
        ("red", "green", START),
        ("green", "yellow", START + 2.4 * DAY + timedelta(microseconds=1)),
        ("yellow", "red", START + 6 * DAY),
    ]


def test_a_note_has_score_and_coverage() -> None:
    """What is written down is the score as well, and how much of the weight is known."""
    step = lived([LOGIN], START + HOUR).steps[-1][1]
    (note,) = (each for each in step.notes if each.kind is NoteKind.HEALTH)
    assert note.detail == {"before": "red", "colour": "green", "score": 83.333333, "coverage": 60}


def test_without_health_nothing_is_noted() -> None:
    """A playbook that says nothing of health has none, and its accounts do not wake for it."""
    quiet = lived([LOGIN], START + 40 * DAY, health=None, sampled=False)
    assert colours(quiet) == []
    assert quiet.account.samples == {}


# -- weekly samples ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "falls"),
    [
        ({}, None),
        ({9: 50.0}, None),
        ({8: 60.0}, None),
        ({8: None, 9: 50.0}, None),
        ({8: 60.0, 9: None}, None),
        ({8: 50.0, 9: 50.0}, 0),
        ({8: 40.0, 9: 50.0}, 0),
        ({8: 60.0, 9: 50.0}, 1),
        ({7: 70.0, 8: 60.0, 9: 50.0}, 2),
        ({6: 80.0, 8: 60.0, 9: 50.0}, 1),
        ({6: 80.0, 7: None, 8: 60.0, 9: 50.0}, 1),
        ({7: 10.0, 8: 60.0, 9: 50.0}, 1),
    ],
)
def test_falling_weeks(samples: dict[int, float | None], falls: int | None) -> None:
    """Weeks in a row that began lower than the one before; a missing week breaks the run, and may leave it unknown."""
    assert falling_weeks(samples, 9) == falls
    week = week_of(START)
    shifted = {number - 9 + week: score for number, score in samples.items()}
    assert read(term(TermKind.HEALTH_FALLING), view(samples=shifted)) == falls


def test_falling_weeks_turn_on_monday() -> None:
    """The next sample is the next instant at which it can be otherwise, and the last one says since when."""
    node, week = compare(term(TermKind.HEALTH_FALLING), ">=", 1), week_of(START)
    falling = view(samples={week - 1: 50.0, week: 40.0})
    assert list(flips(node, falling)) == [MONDAY]
    assert became(node, falling) == MONDAY - WEEK


def test_no_more_samples_are_kept_than_fit() -> None:
    """The newest sixty weeks stay."""
    samples: dict[int, float | None] = {}
    for week in range(MOST_SAMPLES + 5):
        samples = with_sample(samples, week, 1.0)
    assert list(samples) == list(range(5, MOST_SAMPLES + 5))


def test_a_sample_is_taken_each_monday() -> None:
    """The account wakes at Monday 00:00 UTC, writes down its raw score once, and not in the week it began."""
    found = lived([LOGIN, overridden(99, (START + 40 * DAY).isoformat())], MONDAY + WEEK + HOUR)
    week = week_of(MONDAY)
    assert found.account.samples == {week: 33.333333, week + 1: 11.111111}
    assert found.account.wake_at == MONDAY + 2 * WEEK


def test_what_falls_two_weeks_running_is_a_trigger() -> None:
    """Three samples, each lower than the one before, call a human on the third Monday."""
    used = [event("core_used", START + n * HOUR) for n in range(4)]
    events = [*used, event("login", MONDAY - HOUR), word("judgement_ticked", judgement="proven")]
    later = [
        event("ticket_opened", MONDAY + 8 * DAY),
        word("judgement_ticked", MONDAY + 8 * DAY, judgement="proven", ticked=False),
    ]
    found = lived([*events, *later], MONDAY + 3 * WEEK)
    assert list(found.account.samples.values()) == [100, 55.555556, 33.333333]
    assert [each.opened_at for _, step in found.steps for each in step.escalations] == [MONDAY + 2 * WEEK]


def test_a_late_wake_takes_this_week_only() -> None:
    """Who was not woken for weeks has this week's sample; those that were missed stay unknown."""
    found = lived([LOGIN], MONDAY + HOUR)
    found.step(MONDAY + 3 * WEEK + DAY)
    week = week_of(MONDAY)
    assert set(found.account.samples) == {week, week + 3}
    assert falling_weeks(found.account.samples, week + 3) is None


def test_who_has_left_is_not_sampled() -> None:
    """In an exit stage no sample is taken and nobody wakes for one."""
    found = lived([event("left", START + DAY)], MONDAY + 3 * WEEK, transitions=TRANSITIONS)
    assert found.account.stage == "churned"
    assert found.account.samples == {}


def test_where_no_rule_reads_samples_none_are_taken() -> None:
    """Health alone wakes for its turns, not for every Monday."""
    found = lived([LOGIN], MONDAY + 5 * WEEK, sampled=False)
    assert found.account.samples == {}
