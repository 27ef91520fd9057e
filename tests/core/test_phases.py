"""Phases: where each onboarding of an account is, when its phases are entered, and what plays make of it."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given

from orchestrator.core.account import Account, PhaseEntry, merge
from orchestrator.core.conditions import TermKind, became, flips, read, verdict
from orchestrator.core.events import Event
from orchestrator.core.facts import MOST_ONBOARDINGS, Facts, fold, union
from orchestrator.core.lifecycle import opened, outlook, view_of
from orchestrator.core.people import Person
from orchestrator.core.phases import over
from orchestrator.core.playbook import PhaseEntered, Play, Playbook
from tests.core.lives import Life, life
from tests.core.playbooks import (
    DAY,
    EVENTS,
    HOUR,
    MAIL,
    ONBOARDING,
    PHASE_PLAYS,
    PLAYBOOK,
    SEGMENTATION,
    VOCABULARY,
    compare,
    play,
    term,
    with_plays,
    work,
)
from tests.core.strategies import SPAN, START, crowds, event, histories, pause, person, resume, traits

PHASE, PHASE_DAYS = term(TermKind.PHASE), term(TermKind.PHASE_DAYS)
PHASE_LATE, OPEN = term(TermKind.PHASE_LATE), term(TermKind.ONBOARDINGS)
TRAINED = play("trained", PhaseEntered(phase="training"), work())


def book(*plays: Play) -> Playbook:
    """The test playbook with phases and these plays: kickoff until setup_done, training, handoff until ordered."""
    return with_plays(*plays, onboarding=ONBOARDING, segmentation=SEGMENTATION, reads=frozenset(EVENTS))


def step(name: str, days: float, onboarding: str = "") -> Event:
    """A step of an onboarding, so many days after the start."""
    return event(name, START + days * DAY, properties={"onboarding": onboarding} if onboarding else {})


def lived(playbook: Playbook, *events: Event, days: float = 40) -> Life:
    """A life of so many days."""
    return life((person(),), playbook, START).live(events, START + days * DAY)


def reading(account: Account, days: float) -> tuple[object, ...]:
    """What the names of an onboarding read on a day."""
    view = view_of(account, START + days * DAY, book())
    return tuple(read(each, view) for each in (PHASE, PHASE_DAYS, PHASE_LATE, OPEN))


def entered(lived: Life) -> list[tuple[object, object, float]]:
    """Onboarding, phase and day of each entry in the journal."""
    notes = [each.detail for _, answer in lived.steps for each in answer.notes if each.kind == "phase"]
    return [
        (each["onboarding"], each["phase"], (datetime.fromisoformat(str(each["entered_at"])) - START) / DAY)
        for each in notes
    ]


def told(lived: Life) -> list[tuple[str, str, float]]:
    """Play, reason and day of each decision."""
    return [(each.play, each.reason.value, (each.decided_at - START) / DAY) for each in lived.decisions]


# -- where it is -------------------------------------------------------------------------------------------------------


def test_before_anything_happened_there_is_none() -> None:
    """No step, no onboarding: the phase is none, its days are unknown, and nothing is late."""
    assert reading(opened("a", START, book()), 0) == ("none", None, False, 0)


def test_an_onboarding_goes_through_its_phases() -> None:
    """Each phase begins where the one before it ended; the end is noted too."""
    steps = (step("signed_up", 0), step("setup_done", 3), step("core_used", 5), step("ordered", 9))
    account = lived(book(), *steps).account
    assert entered(lived(book(), *steps)) == [
        ("", "kickoff", 0.0),
        ("", "training", 3.0),
        ("", "handoff", 5.0),
        ("", "done", 9.0),
    ]
    assert reading(account, 20) == ("done", None, False, 0)
    assert reading(lived(book(), *steps[:2]).account, 4) == ("training", 1.0, False, 1)


def test_a_phase_that_was_over_before_it_could_begin_is_passed_by() -> None:
    """Trained before the kickoff was held: there is no training to enter any more."""
    steps = (step("signed_up", 0), step("came_back", 1), step("setup_done", 3))
    assert entered(lived(book(), *steps)) == [("", "kickoff", 0.0), ("", "handoff", 3.0)]


def test_a_phase_may_end_with_a_milestone() -> None:
    """What is reached for the account counts for each of its onboardings; the steps are each one's own."""
    steps = (step("signed_up", 0), step("setup_done", 1), step("setup_done", 2, "emea"), step("core_used", 4, "emea"))
    assert entered(lived(book(), *steps)) == [
        ("", "kickoff", 0.0),
        ("", "training", 1.0),
        ("emea", "training", 2.0),
        ("emea", "handoff", 4.0),
    ]


def test_several_onboardings_are_each_where_they_are() -> None:
    """`phase` is that of the oldest unfinished one, `onboardings` counts the unfinished."""
    steps = [step("signed_up", 0), step("signed_up", 2, "emea"), step("setup_done", 3, "emea")]
    first = lived(book(), *steps).account
    assert reading(first, 10) == ("kickoff", 10.0, True, 2)
    ends = [step(name, 11) for name in ("setup_done", "came_back", "ordered")]
    second = lived(book(), *steps, *ends).account
    assert reading(second, 12) == ("training", 9.0, True, 1)


def test_the_path_and_its_times_are_those_of_the_segment() -> None:
    """A segment may leave phases out and give them other times (rules 1.2 "Pillar 4 - timelines")."""
    steps = (traits(seats=9, term="annual"), step("signed_up", 0), step("setup_done", 3))
    assert entered(lived(book(), *steps)) == [("", "kickoff", 0.0), ("", "handoff", 3.0)]
    started = lived(book(), *steps[:2]).account
    assert [reading(started, days)[2] for days in (4.99, 5)] == [False, True]
    plain = lived(book(), *steps[1:2]).account
    assert [reading(plain, days)[2] for days in (1.99, 2)] == [False, True]


# -- facts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "onboarding"),
    [
        ("emea", "emea"),
        (" emea ", "emea"),
        (7, "7"),
        (True, ""),
        (None, ""),
        (1.5, ""),
        ("a\nb", ""),
        ("x" * 200, "x" * 100),
    ],
)
def test_which_onboarding_an_event_belongs_to(said: str | float | None, onboarding: str) -> None:
    """A text or a whole number; whatever else is said, it is the one without a name."""
    facts = fold(Facts(), [event("setup_done", properties={"onboarding": said})], VOCABULARY)
    assert facts.onboardings == {onboarding: {"setup_done": START}}


def test_only_steps_are_kept_for_each_onboarding() -> None:
    """The first time of each; what is no step is a fact of the account only."""
    events = [step("setup_done", 2, "emea"), step("setup_done", 1, "emea"), step("login", 0, "emea")]
    assert fold(Facts(), events, VOCABULARY).onboardings == {"emea": {"setup_done": START + DAY}}


def test_too_many_onboardings_are_cut_by_their_ids() -> None:
    """Twenty are kept, the first in order, whatever came first."""
    events = [step("setup_done", number, f"o{number:02}") for number in range(30)]
    forth, back = (fold(Facts(), each, VOCABULARY) for each in (events, events[::-1]))
    assert forth == back
    assert list(forth.onboardings) == [f"o{number:02}" for number in range(MOST_ONBOARDINGS)]
    parts = [fold(Facts(), events[low::2], VOCABULARY) for low in (0, 1)]
    assert union(*parts).onboardings == forth.onboardings


# -- time --------------------------------------------------------------------------------------------------------------


def test_a_phase_is_late_to_the_instant() -> None:
    """It turns at its end, which is known beforehand; what holds is dated by it."""
    account = lived(book(), step("signed_up", 0)).account
    before = view_of(account, START + DAY, book())
    assert list(flips(PHASE_LATE, before)) == [START + 2 * DAY]
    after = view_of(account, START + 3 * DAY, book())
    assert list(flips(PHASE_LATE, after)) == []
    assert became(PHASE_LATE, after) == START + 2 * DAY
    assert became(compare(PHASE_LATE, "==", False), before) == START


def test_the_days_of_a_phase_turn_to_the_instant() -> None:
    """Like the days of a stage: from the entry; a finished onboarding has none."""
    account = lived(book(), step("signed_up", 0), step("setup_done", 3)).account
    late = compare(PHASE_DAYS, ">=", 4)
    view = view_of(account, START + 5 * DAY, book())
    assert list(flips(late, view)) == [START + 7 * DAY]
    assert verdict(late, view_of(account, START + 7 * DAY, book())) is True
    assert list(flips(late, view_of(opened("a", START, book()), START, book()))) == []
    done = lived(book(), *(step(name, 1) for name in ("setup_done", "came_back", "ordered"))).account
    assert list(flips(late, view_of(done, START + 2 * DAY, book()))) == []
    assert verdict(late, view_of(done, START + 2 * DAY, book())) is None


def test_since_when_a_phase_holds() -> None:
    """A condition on the phase is dated by the entry; without onboardings it rests on nothing."""
    account = lived(book(), step("signed_up", 0), step("setup_done", 3)).account
    view = view_of(account, START + 5 * DAY, book())
    assert became(compare(PHASE, "==", "training"), view) == START + 3 * DAY
    empty = view_of(opened("a", START, book()), START + 5 * DAY, book())
    assert became(compare(OPEN, "==", 0), empty) == START + 5 * DAY


# -- plays -------------------------------------------------------------------------------------------------------------


def test_a_play_comes_due_once_for_each_onboarding() -> None:
    """At the entry; each onboarding is an episode of its own."""
    steps = [step("signed_up", 0), step("setup_done", 3), step("setup_done", 5, "emea"), step("setup_done", 4, "emea")]
    lives = lived(book(TRAINED), *steps)
    assert told(lives) == [("trained", "due", 3.0), ("trained", "due", 4.0)]
    assert [each.episode for each in lives.decisions] == [
        (START + 3 * DAY).isoformat(),
        f"{(START + 4 * DAY).isoformat()} emea",
    ]
    assert lives.decisions[0].trigger == "phase training of an onboarding entered"


def test_entries_that_are_found_together_are_each_decided() -> None:
    """Two onboardings in one late call, in the order in which they entered."""
    lives = life((person(),), book(TRAINED), START)
    lives.step(
        START + 5 * DAY, [step("setup_done", 4.5, "b"), step("setup_done", 4, "c"), step("setup_done", 4.5, "a")]
    )
    assert [(each.due_at - START) / DAY for each in lives.decisions] == [4.0, 4.5, 4.5]
    assert [each.episode.partition(" ")[2] for each in lives.decisions] == ["c", "a", "b"]


def test_a_late_word_about_another_onboarding_is_not_lost() -> None:
    """What entered earlier and is heard of later comes due all the same: here it is too late for it."""
    lives = life((person(),), book(TRAINED), START)
    lives.step(START + 5 * DAY, [step("setup_done", 5, "a")])
    lives.step(START + 6 * DAY, [step("setup_done", 1, "b")])
    assert told(lives) == [("trained", "due", 5.0), ("trained", "stale", 6.0)]


def test_a_late_word_enters_no_phase_twice() -> None:
    """An earlier time of a step that is known changes what is read, and makes nothing due again."""
    lives = life((person(),), book(TRAINED), START)
    lives.step(START + 5 * DAY, [step("setup_done", 5)])
    lives.step(START + 5 * DAY, [step("setup_done", 4)])
    assert told(lives) == [("trained", "due", 5.0)]
    assert reading(lives.account, 6)[1] == 2.0


def test_a_phase_that_was_left_is_overtaken() -> None:
    """A mail about a phase that is over when its hour comes is not written."""
    mail = play("mail", PhaseEntered(phase="kickoff"), MAIL)
    evening = 10 / 24  # the window is closed
    steps = (step("signed_up", evening), step("setup_done", evening + 1 / 24))
    assert [each[:2] for each in told(lived(book(mail), *steps))] == [("mail", "overtaken")]


def test_the_end_of_an_onboarding_is_a_trigger() -> None:
    """`done` is entered like a phase, and nothing overtakes it."""
    steps = (step("signed_up", 0), *(step(name, 3) for name in ("setup_done", "came_back", "ordered")))
    assert told(lived(book(play("p", PhaseEntered(phase="done"), work())), *steps)) == [("p", "due", 3.0)]
    assert told(lived(book(play("p", PhaseEntered(phase="done"), work())), *steps[:2])) == []


def test_a_paused_account_catches_up_in_order() -> None:
    """What was entered during a pause waits, one onboarding after the other."""
    steps = [step("setup_done", 3, "a"), step("setup_done", 3.5, "b")]
    lives = lived(book(TRAINED), pause(START + 2 * DAY), *steps, resume(START + 4 * DAY))
    assert told(lives) == [("trained", "due", 4.0), ("trained", "due", 4.0)]


def test_an_onboarding_that_is_not_kept_has_left() -> None:
    """Nothing stands for it any more."""
    assert over("training", f"{START.isoformat()} gone", ())


def test_merged_accounts_keep_each_entry() -> None:
    """Onboardings of both; where both know one, what the kept account noted."""
    turn = START + HOUR
    mine, theirs = PhaseEntry(at=START, turn=turn), PhaseEntry(at=START, turn=turn + HOUR)
    kept = replace(opened("a", START, PLAYBOOK), phases={"": {"kickoff": mine}})
    gone = replace(
        opened("b", START, PLAYBOOK), phases={"": {"kickoff": theirs, "done": theirs}, "x": {"done": theirs}}
    )
    assert merge(kept, gone).phases == {"": {"kickoff": mine, "done": theirs}, "x": {"done": theirs}}


@given(histories(), crowds())
def test_each_entry_of_a_phase_is_answered(events: list[Event], people: tuple[Person, ...]) -> None:
    """Every entry in the journal has one decision of each play of its phase, or waits in line behind one that does."""
    playbook = book(*PHASE_PLAYS[:3])
    lives = life(people, playbook, START).live(events, START + SPAN)
    decided = [(each.play, each.episode) for each in lives.decisions]
    coming = {due.play.name for due in outlook(lives.account, people, lives.now, playbook)}
    assert len(decided) == len(set(decided))
    for phase, name in (("training", "train"), ("handoff", "hand_over"), ("done", "onboarded")):
        noted = [each for each in entered(lives) if each[1] == phase]
        assert len({each[0] for each in noted}) == len(noted)
        answers = [each for each in decided if each[0] == name]
        assert len(answers) == len(noted) or name in coming


def test_a_playbook_without_phases_notes_nothing() -> None:
    """The steps are facts, and nothing else comes of them."""
    assert entered(lived(PLAYBOOK, step("signed_up", 0))) == []
    assert view_of(opened("a", START, PLAYBOOK), START, PLAYBOOK).journey is None
