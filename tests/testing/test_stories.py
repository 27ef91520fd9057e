import textwrap

import pytest

from orchestrator.testing import story
from tests.testing.small import judged


def told(text: str, until: str = "day 2") -> str:
    return story(judged(text, until=until))


def whole(text: str) -> str:
    return textwrap.dedent(text).strip("\n").removesuffix("\n")


def part(text: str) -> str:
    return textwrap.indent(whole(text), "    ")


def test_a_skip_is_told_with_the_clauses_that_decided_it() -> None:
    """Expected done and skipped: the story has the timeline, both words, and each clause with its value."""
    assert told("""
events:
  - {at: day 1 12:00, event: setup}
expect:
  - {at: day 2 09:00, play: reminder, outcome: done}
""") == whole("""
        ✗ trial.yaml: A trial
            day 0 is Mon 2026-03-02; times are of Europe/Berlin

            day 0 Mon 10:00    event      signed_up by ann
            day 0 Mon 10:00    sent       welcome to ann
            day 1 Tue 12:00    event      setup by ann
            day 1 Tue 12:00    reached    ready
            day 2 Wed 09:00    skipped    reminder (already_done)

            expected  reminder done at day 2 09:00
                      trial.yaml:8:5 expect[0]
            instead   skipped reminder (already_done) at day 2 Wed 09:00
            because   It was due, but its only_while did not hold: what it asks for is done. Came due at day 2 Wed 09:00: day 2 after the anchor.
                        false   not setup   (setup = True)  ← had this been otherwise, so had the whole
    """)  # noqa: E501 -- as it is printed


def test_what_is_still_to_come_is_told_with_its_time() -> None:
    """Expected before it can come due: the story says when it will, and by which trigger."""
    assert part("""
            expected  call escalated to csm at day 2
                      trial.yaml:6:5 escalations[0]
            instead   nothing
            because   It comes due at day 3 Thu 10:00: no login for 3 days.
    """) in told("escalations:\n  - {play: call, at: day 2, owner: csm}")


def test_what_nothing_calls_for_is_told() -> None:
    """Expected after the silence was broken for good: nothing has made it due."""
    text = "expect: [{play: call}]\nevents: [{at: day 0 10:00, event: signed_up, arrives: day 2}]"
    assert "because   Nothing has made it due: no login for 3 days." in story(
        judged(text, "scenario: s\nanchor: 2026-03-02 10:00\n", until="day 2 09:00")
    )


def test_what_never_should_have_come_is_told_with_what_made_it_due() -> None:
    """A mail that was forbidden is told with the decision behind it."""
    assert told("never: [reminder]") == whole("""
        ✗ trial.yaml: A trial
            day 0 is Mon 2026-03-02; times are of Europe/Berlin

            day 0 Mon 10:00    event      signed_up by ann
            day 0 Mon 10:00    sent       welcome to ann
            day 2 Wed 09:00    done       reminder (due)
            day 2 Wed 09:00    sent       reminder to ann

            expected  never reminder sent
                      trial.yaml:5:9 never[0]
            instead   sent reminder to ann at day 2 Wed 09:00
            because   It was due and its condition held. Came due at day 2 Wed 09:00: day 2 after the anchor.
                        true    not setup   (setup = False)  ← had this been otherwise, so had the whole
    """)


def test_what_nobody_listed_is_told_when_nothing_else_may_come() -> None:
    """Under ``only`` the first mail or work beside those listed is the difference."""
    assert part("""
            expected  no other work than that under `escalations`
                      trial.yaml only
            instead   escalated call to csm at day 3 Thu 10:00
    """) in told("sent: [welcome, reminder]\nonly: true", until="day 4")


@pytest.mark.parametrize("only", ["messages", "false"])
def test_only_what_is_asked_for_is_strict(only: str) -> None:
    """``only: messages`` says nothing of work; without ``only`` nothing is strict."""
    assert judged(f"sent: [welcome, reminder]\nonly: {only}", until="day 4").passed


def test_a_wait_at_the_door_is_told_with_its_end() -> None:
    """A mail that came due and waits is told as waiting, with its reason and until when."""
    head = "scenario: s\nanchor: 2026-03-05 10:00\nzone: Europe/Berlin\n"  # a Thursday: day 2 is a Saturday
    assert part("""
            instead   waits reminder (outside_window) at day 2 Sat 09:00
            because   It waits for the next opening of the send window. Until day 4 Mon 09:00.
    """) in story(judged("sent: [{play: reminder, at: day 2}]", head))


def test_a_stage_that_is_not_reached_is_told_with_the_guard_before_it() -> None:
    """The rows of the stage table that would lead there are explained as things stand then."""
    assert told("""
events:
  - {every: day, from: day 0 11:00, to: day 0, event: login}
  - {at: day 1 11:00, event: setup}
stage: {day 1: customer}
""") == whole("""
        ✗ trial.yaml: A trial
            day 0 is Mon 2026-03-02; times are of Europe/Berlin

            day 0 Mon 10:00    event      signed_up by ann
            day 0 Mon 10:00    sent       welcome to ann
            day 0 Mon 11:00    event      login by ann
            day 1 Tue 11:00    event      setup by ann
            day 1 Tue 11:00    reached    ready

            expected  stage customer at day 1
                      trial.yaml:8:9 stage.day 1
            instead   stage trial, from the beginning
            because   from trial to customer: ready and login.count >= 2
                        true    ready   (ready = True)
                        false   login.count >= 2   (login.count = 1)  ← had this been otherwise, so had the whole
    """)


def test_a_stage_without_a_way_to_it_is_told() -> None:
    """Where no row of the stage table leads there, the story says so."""
    assert "because   No row of the stage table leads from trial to gone." in told("stage: gone")


def test_a_milestone_is_told_with_its_condition() -> None:
    """A milestone that is not reached is told with what it waits for."""
    assert part("""
            expected  milestone ready at day 1
                      trial.yaml:5:13 milestone.ready
            instead   nothing
            because   setup
    """) in told("milestone: {ready: day 1}")


def test_many_calls_are_one_line() -> None:
    """Calls of the same words between two things of ours are told once, with how often and until when."""
    text = "events: [{every: 6h, from: day 0 10:00, to: day 1, event: login}]\nnever: [reminder]"
    assert "    day 0 Mon 16:00    event      login by ann, 6 times until day 1 Tue 22:00" in told(text).splitlines()


def test_the_first_difference_is_the_earliest() -> None:
    """Whatever the order of the file, the difference at the earliest instant is told, and the others are counted."""
    text = told("expect:\n  - {at: day 3 10:00, play: call, outcome: skipped}\nnever: [welcome]", until="day 3")
    assert "expected  never welcome sent" in text
    assert text.endswith("1 more difference from there on")


def test_a_cancelled_mail_is_told_with_the_reason_of_its_end() -> None:
    """A mail that was decided and did not leave is told as cancelled, with why and with what made it due."""
    head = "scenario: s\nanchor: 2026-03-02 10:00\nzone: Europe/Berlin\npeople: {ann: {email: no address@}}\n"
    text = story(judged("sent: [{play: reminder, by: day 2}]", head))
    assert "instead   cancelled reminder to ann (no_address) at day 2 Wed 09:00" in text
    assert "because   The person has no address any more.\n" in text


def test_a_scenario_that_passes_is_one_line() -> None:
    """Nothing is told of a scenario that passed but its name."""
    assert told("sent: [welcome]") == "✓ trial.yaml: A trial"
