"""What humans say of an account: judgements and goals, each a function of the set of events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import facts
from orchestrator.core.conditions import TermKind, View, became, read
from orchestrator.core.context import letter_context
from orchestrator.core.events import Event, Json
from orchestrator.core.facts import Facts, Value, fold, union
from orchestrator.core.goals import Goal, goals_of, measured_by
from orchestrator.core.judgements import judgement
from orchestrator.core.lifecycle import absorb, opened
from tests.core.lives import life, outputs
from tests.core.playbooks import DAY, HOUR, MAIL, NOISE, PLAYBOOK, VOCABULARY, play, term, with_plays
from tests.core.strategies import START, event, person, word


def said(*events: Event) -> Facts:
    """What these events add up to."""
    return fold(Facts(), events, VOCABULARY)


def view(*events: Event) -> View:
    """What a condition may look at after these events."""
    return View(
        facts=said(*events),
        vocabulary=VOCABULARY,
        now=START + 9 * DAY,
        anchor=START,
        stage="onboarding",
        stage_entered_at=START,
    )


def ticked(at: int = 0, **words: Json) -> Event:
    """Somebody ticks the judgement ``proven``, so many days in."""
    return word("judgement_ticked", START + at * DAY, judgement="proven", by="mei", **words)


def goal(name: str = "save", at: int = 0, **words: Json) -> Event:
    """Somebody sets a goal, so many days in."""
    return word("goal_set", START + at * DAY, goal=name, **words)


def goals(*events: Event) -> tuple[Goal, ...]:
    """The goals after these events."""
    return goals_of(said(*events), VOCABULARY)


# -- judgements --------------------------------------------------------------------------------------------------------


def test_a_judgement_keeps_who_when_and_why() -> None:
    """A tick is a fact with its author, its date and its evidence."""
    found = judgement("proven", said(ticked(2, evidence="They said so on the call.")))
    assert found is not None
    assert (found.ticked, found.by, found.at) == (True, "mei", START + 2 * DAY)
    assert found.evidence == "They said so on the call."


def test_what_nobody_judged_is_false() -> None:
    """Judgements are closed-world: never ticked is not judged to hold."""
    assert judgement("proven", Facts()) is None
    assert read(term(TermKind.JUDGED, "proven"), view()) is False
    assert became(term(TermKind.JUDGED, "proven"), view()) == START + 9 * DAY


def test_the_last_word_on_a_judgement_counts() -> None:
    """What was ticked can be taken back, in whatever order the words arrive."""
    back = ticked(3, ticked=False)
    for events in ([ticked(), back], [back, ticked()]):
        assert read(term(TermKind.JUDGED, "proven"), view(*events)) is False
    assert read(term(TermKind.JUDGED, "proven"), view(back, ticked(4))) is True
    assert became(term(TermKind.JUDGED, "proven"), view(back, ticked(4))) == START + 4 * DAY


def test_a_word_without_a_subject_is_kept_nowhere() -> None:
    """A tick that names no judgement is counted as an event and ticks nothing; odd authors are nobody."""
    known = said(
        word("judgement_ticked", judgement=None), word("judgement_ticked", judgement="proven", by=3, evidence=4)
    )
    assert known.events["judgement_ticked"].count == 2
    found = judgement("proven", known)
    assert found is not None
    assert (found.by, found.evidence) == ("", "")


def test_a_product_cannot_tick() -> None:
    """Only our own source speaks for humans."""
    assert said(event("judgement_ticked", properties={"judgement": "proven"})).said == {}


@given(st.permutations(range(6)))
def test_no_more_subjects_are_kept_than_fit(order: list[int]) -> None:
    """Of more subjects than are kept the newest stay, whatever the order and however the events are split."""
    bound = facts.MOST_SAID
    events = [word("goal_set", START + n * DAY, goal=f"g{n}", message_id=f"w{n}") for n in order]
    try:
        facts.MOST_SAID = 3
        known, halves = said(*events), union(said(*events[:3]), said(*events[3:]))
    finally:
        facts.MOST_SAID = bound
    assert known == halves
    assert set(known.said["goal_set"]) == {"g3", "g4", "g5"}


# -- goals -------------------------------------------------------------------------------------------------------------


def test_a_goal_is_met_when_a_human_says_so() -> None:
    """A goal without a figure is open until somebody says that it is met."""
    (found,) = goals(goal(text="Save an hour a week", by="mei"))
    assert (found.text, found.by, found.met, found.figure, found.measure) == (
        "Save an hour a week",
        "mei",
        False,
        None,
        None,
    )
    (found,) = goals(goal(), word("goal_met", START + DAY, goal="save"))
    assert (found.text, found.by, found.met) == ("save", "", True)


def test_a_goal_set_afresh_is_open_again() -> None:
    """What was met before the goal was last set does not meet it."""
    met = word("goal_met", START + DAY, goal="save")
    assert [each.met for each in goals(goal(), met, goal(at=2))] == [False]
    assert goals(met) == ()


def test_a_dropped_goal_is_none() -> None:
    """A goal that was dropped counts no more, until it is set again."""
    dropped = word("goal_dropped", START + DAY, goal="save")
    assert goals(goal(), dropped) == ()
    assert len(goals(goal(), dropped, goal(at=2))) == 1


@pytest.mark.parametrize(
    ("measure", "events", "figure", "met"),
    [
        ("login", 0, 0, False),
        ("login", 2, 2, True),
        ("products", 0, 0, False),
        ("products", 2, 2, True),
        ("nothing", 2, None, False),
        (3, 2, None, False),
    ],
)
def test_a_measured_goal_is_met_by_its_figure(measure: Json, events: int, figure: float | None, met: bool) -> None:
    """A measure, or how often an event happened, meets the goal at its target; an unknown name measures nothing."""
    done = [event("login") for _ in range(events)]
    done += [event("ordered", properties={"product": f"p{n}"}) for n in range(events)]
    (found,) = goals(goal(measure=measure, target=2), *done)
    assert (found.figure, found.met) == (figure, met)
    assert found.target == 2


def test_a_goal_without_a_target_has_no_figure() -> None:
    """A measure without a number to reach meets nothing by itself."""
    (found,) = goals(goal(measure="login"), event("login"))
    assert (found.figure, found.target, found.met) == (None, 0, False)


def test_goals_in_conditions() -> None:
    """``goals.set``, ``goals.met`` and ``goals.open``: no goals are none set and none met."""
    kinds = (TermKind.GOALS_SET, TermKind.GOALS_MET, TermKind.GOALS_OPEN)

    def values(*events: Event) -> list[Value]:
        return [read(term(kind), view(*events)) for kind in kinds]

    met = word("goal_met", START + DAY, goal="save")
    assert values() == [False, False, 0]
    assert values(goal(), goal("grow")) == [True, False, 2]
    assert values(goal(), goal("grow"), met) == [True, False, 1]
    assert values(goal(), met) == [True, True, 0]


def test_a_goal_reached_is_dated_by_what_met_it() -> None:
    """Words and the last of what is measured say since when all goals are met."""
    measured = goal(measure="login", target=1)
    assert became(term(TermKind.GOALS_MET), view(measured, event("login", START + 3 * DAY))) == START + 3 * DAY
    met = word("goal_met", START + DAY, goal="save")
    assert became(term(TermKind.GOALS_MET), view(goal(measure="login", target=5), met)) == START + DAY
    assert became(term(TermKind.GOALS_MET), view()) == START + 9 * DAY


def test_what_measures_a_goal_is_read() -> None:
    """An event that no rule reads is looked at all the same once a goal of the account is measured by it."""
    lived = life((person(),), with_plays(play("hello", PLAYBOOK.plays["welcome"].trigger, MAIL)), START)
    lived.step(START, [event("signed_up"), goal(measure=NOISE, target=1)])
    assert measured_by(lived.account.facts, VOCABULARY) == {NOISE}
    (note,) = outputs(lived.step(START + HOUR, [event(NOISE, START + HOUR)]))
    assert "agreed" in lived.account.milestones, note


def test_a_measured_goal_rests_on_the_event_of_its_measure() -> None:
    """A goal measured by a figure is measured by the event that feeds it."""
    assert measured_by(said(goal(measure="products", target=1)), VOCABULARY) == {"ordered"}
    assert measured_by(said(goal()), VOCABULARY) == frozenset()


def test_a_letter_has_the_goals() -> None:
    """A template may say all goals, the open and the met ones, and how far the measured ones are."""
    events = [goal(text="Two logins", measure="login", target=2), goal("grow", 1, text="Grow"), event("login")]
    met = word("goal_met", START + 2 * DAY, goal="grow")
    account = absorb(opened("a", START, PLAYBOOK), [*events, met], PLAYBOOK)
    assert letter_context(account, None, START, PLAYBOOK)["goals"] == {
        "all": ["Two logins", "Grow"],
        "open": ["Two logins"],
        "met": ["Grow"],
        "progress": ["Two logins: 1 of 2"],
    }
