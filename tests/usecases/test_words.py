"""What humans say of an account: the playbook's vocabulary is the list, and each word counts once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.core.events import Json
from orchestrator.usecases import log
from orchestrator.usecases.log import GoalText, UnknownWordError
from orchestrator.usecases.overrule import Aside, SaidOtherwiseError, UnknownAccountError
from orchestrator.usecases.words import Aimed, Ended, Happened, Judged, UnsayableError, Word, sayable, write_down
from tests.usecases.company import HOUR, MONDAY, Company
from tests.usecases.playbooks import tiny
from tests.usecases.world import World

WORDS = """\
    kickoff_completed: [Kickoff Completed, kickoff.completed]
    handoff_completed: [Handoff Completed]
    handed_over: [{name: Handoff Completed, where: {kind: [sales, ongoing]}}]
    sentiment_recorded: [Sentiment Recorded]
    concern_heard: [{name: sentiment_recorded, where: {sentiment: concerned}}]
    nps_answered: [NPS Answered]
    left: [Left]
"""
SCORES = "  scores:\n    nps: {event: nps_answered, property: score, scale: [0, 10]}\n  measures:"


@pytest.fixture
def acme(bare: World) -> World:
    """One account, under a playbook that knows what humans say."""
    text = tiny().replace("    left: [Left]\n", WORDS).replace("  measures:", SCORES)
    bare.publish(text.replace("milestones:", "judgements: {proven: Value is proven}\nmilestones:"))
    bare.drain(*Company().sign_up())
    return bare


def say(world: World, word: Word, by: str = "mei", **aside: object) -> None:
    write_down(world.ports, "acme", word, by, replace(Aside(), **aside))  # type: ignore[arg-type]  # fields of Aside
    world.live()


def test_what_happened_is_a_fact_with_who_said_so(acme: World) -> None:
    """An event that a human tells is folded like one of the product's, under whichever name it was said."""
    for name in ("kickoff_completed", "Kickoff Completed"):
        say(acme, Happened(event=name, properties={"note": "All agreed"}), person="ann")
    assert acme.count_of("kickoff_completed") == 2
    row = acme.rows("SELECT * FROM events WHERE name = 'kickoff_completed'")[0]
    assert (row["source"], row["person_id"]) == ("lifecycle", "ann")
    assert row["properties"] == {"note": "All agreed", "by": "mei"}


def test_a_word_reaches_the_rules_that_listen_by_its_properties(acme: World) -> None:
    """A filter hears a human's word, also one that names the product's name for it."""
    say(acme, Happened(event="sentiment_recorded", properties={"sentiment": "concerned"}))
    say(acme, Happened(event="handoff_completed", properties={"kind": "sales"}))
    names = ("sentiment_recorded", "concern_heard", "handoff_completed", "handed_over")
    assert [acme.count_of(name) for name in names] == [1, 1, 1, 1]


def test_the_past_is_told_with_its_time(acme: World) -> None:
    """What was held last week happened last week."""
    say(acme, Happened(event="kickoff_completed"), at=MONDAY - timedelta(days=5))
    assert acme.one("SELECT occurred_at FROM events WHERE name = 'kickoff_completed'") == MONDAY - timedelta(days=5)


def test_a_word_under_a_key_counts_once(acme: World) -> None:
    """A second try is the same word; another word under the same key is refused, and the first stands."""
    for _ in range(2):
        say(acme, Happened(event="kickoff_completed"), once="k-1")
    acme.at(MONDAY + HOUR)
    say(acme, Happened(event="kickoff_completed"), once="k-1")
    say(acme, Happened(event="kickoff_completed"), once="k-2")
    assert acme.count_of("kickoff_completed") == 2
    with pytest.raises(SaidOtherwiseError):
        say(acme, Happened(event="left"), once="k-1")


def test_judgements_and_goals_are_words_too(acme: World) -> None:
    """One way to write down whatever is said."""
    goal = Aimed(goal="save", said=GoalText(text="Save an hour", measure="login", target=3))
    for word in (Judged(judgement="proven", evidence="They said so"), goal, Ended(goal="save", met=True)):
        say(acme, word, once=str(word))
    said = acme.facts()["said"]
    assert {name: set(said[name]) for name in ("judgement_ticked", "goal_set", "goal_met")} == {
        "judgement_ticked": {"proven"},
        "goal_set": {"save"},
        "goal_met": {"save"},
    }


@pytest.mark.parametrize(
    ("word", "told"),
    [
        (Happened(event="kickof_completed"), "did you mean `kickoff_completed`"),
        (Happened(event="proven"), "it is a judgement"),
        (Happened(event="message_sent"), "no event `message_sent`"),
        (Judged(judgement="prove"), "did you mean `proven`"),
    ],
)
def test_what_the_playbook_does_not_know_is_not_said(acme: World, word: Word, told: str) -> None:
    """A mistyped word is refused with the one that may have been meant; our own events are nobody else's to say."""
    with pytest.raises(UnknownWordError, match=told):
        say(acme, word)


@pytest.mark.parametrize("score", [11, -1, "7", True])
def test_an_answer_outside_of_its_scale_is_refused(acme: World, score: Json) -> None:
    """It would count for nothing."""
    with pytest.raises(UnsayableError, match="score: expected a number from 0 to 10"):
        say(acme, Happened(event="nps_answered", properties={"score": score}))
    say(acme, Happened(event="nps_answered", properties={"score": 7}))


@pytest.mark.parametrize(
    ("by", "note", "aside"),
    [
        (" ", "", {}),
        ("mei", "a\0b", {}),
        ("mei", "\ud800", {}),
        ("mei", "x" * 40_000, {}),
        ("mei", "", {"person": "a\0"}),
        ("mei", "", {"at": MONDAY + HOUR}),
        ("mei", "", {"at": MONDAY - timedelta(days=20_000)}),
    ],
)
def test_what_cannot_be_kept_is_refused(acme: World, by: str, note: str, aside: dict[str, object]) -> None:
    """Nobody, what the database cannot hold, and times that cannot be."""
    with pytest.raises(UnsayableError):
        say(acme, Happened(event="kickoff_completed", properties={"note": note}), by, **aside)


def test_only_a_known_account_is_spoken_of(acme: World) -> None:
    """A mistyped account is refused."""
    with pytest.raises(UnknownAccountError):
        write_down(acme.ports, "acne", Happened(event="left"), "mei")


def test_what_may_be_said_is_listed_with_what_rules_listen_to(acme: World) -> None:
    """The list has the events of the playbook with the values its filters name, and its judgements."""
    _, playbook = log.found(acme.ports, "acme")
    events, judgements = sayable(playbook)
    listed = {each.name: each.choices for each in events}
    assert listed["sentiment_recorded"] == {"sentiment": ["concerned"]}
    assert listed["handoff_completed"] == {"kind": ["sales", "ongoing"]}
    assert "message_sent" not in listed
    assert [(each.name, each.label) for each in judgements] == [("proven", "Value is proven")]
