from collections.abc import Callable

import pytest

from orchestrator.core.events import Json
from orchestrator.playbook import load
from orchestrator.testing import Rehearsal, ScenarioError
from tests.testing import whole
from tests.testing.small import PLAYBOOK, TEMPLATES, playbook


def rehearsal() -> Rehearsal:
    return Rehearsal(playbook(), zone="Europe/Berlin", touch="high")


def test_an_account_is_lived_through_in_python() -> None:
    """Events, a clock that is moved, and each kind of assertion, in the words of a scenario."""
    account = rehearsal().event("setup", "day 2 09:30").until("day 4")
    account.assert_sent("welcome", at="day 0 10:00", to="ann")
    account.assert_sent("reminder", at="day 2 09:00")
    account.assert_decided("call", outcome="done", at="day 3 10:00")
    account.assert_escalated("call", owner="csm", closed="never")
    account.assert_milestone("ready", "day 2 09:30")
    account.assert_stage("trial")
    account.usage("login", "1d", "day 5 12:00", "day 6", person="ann").until("day 6")
    account.assert_stage("customer")
    account.assert_escalated("call", closed="goal_reached")


def test_an_event_may_be_named_as_the_product_calls_it() -> None:
    """A product's name that only leads somewhere by its properties may happen too, and counts where they fit."""
    by_properties = PLAYBOOK.replace("setup: [Set Up]", "setup: [{name: Step Done, where: {step: [last, only]}}]")
    account = Rehearsal(load(by_properties, TEMPLATES), zone="Europe/Berlin")
    account.event("Step Done", "day 1 09:00", properties={"step": "first"})
    account.event("Step Done", "day 2 09:30", properties={"step": "last"})
    account.until("day 3").assert_milestone("ready", "day 2 09:30")


def test_the_clock_is_where_it_was_moved_to() -> None:
    """What comes later than the clock has not happened."""
    account = rehearsal().until("day 1")
    account.assert_never("reminder")
    account.until("day 2").assert_sent("reminder")


def test_what_waits_or_is_cancelled_is_asserted() -> None:
    """A mail that waits, and one that never leaves, have assertions of their own."""
    account = Rehearsal(playbook(), anchor="2026-03-05 10:00", zone="Europe/Berlin").until("day 3")
    account.assert_postponed("reminder", reason="outside_window", at="day 2 09:00")
    Rehearsal(playbook(), people={"ann": {"email": "no address@"}}).until("day 0").assert_cancelled(
        "welcome", reason="no_address"
    )


def test_a_state_is_asserted() -> None:
    """What the account is like, and any condition, as things stand where the clock is."""
    account = Rehearsal(whole.playbook(), zone="Europe/Berlin", seats=80)
    account.said("day 1", judgement="value_proven", by="mei").until("day 4")
    account.assert_is(signals=["silence"], health="< 40", segment="large", phase="kickoff")
    account.assert_holds("value_proven and at_risk")
    states: list[dict[str, Json]] = [{"signals": []}, {"health": "green"}, {"segment": "smb"}, {"phase": "done"}]
    for wrong in states:
        with pytest.raises(AssertionError, match="    instead   "):
            account.assert_is(**wrong)
    with pytest.raises(AssertionError, match="    instead   it is false"):
        account.assert_holds("not at_risk")


WRONG: dict[str, Callable[[Rehearsal], None]] = {
    "sent": lambda account: account.assert_sent("reminder", at="day 1"),
    "never": lambda account: account.assert_never("welcome"),
    "decided": lambda account: account.assert_decided("reminder", outcome="skipped"),
    "cancelled": lambda account: account.assert_cancelled("reminder"),
    "postponed": lambda account: account.assert_postponed("reminder"),
    "escalated": lambda account: account.assert_escalated("call"),
    "stage": lambda account: account.assert_stage("customer"),
    "milestone": lambda account: account.assert_milestone("ready", "by day 2"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_each_assertion_can_fail_and_tells_the_timeline(wrong: Callable[[Rehearsal], None]) -> None:
    """An assertion that fails tells what happened, what was expected, what came instead, and why."""
    with pytest.raises(AssertionError) as caught:
        wrong(rehearsal().until("day 2"))
    told = str(caught.value)
    assert all(word in told for word in ("signed_up by ann", "    expected  ", "    instead   ", "    because   "))


def test_the_timeline_can_be_looked_at() -> None:
    """The timeline up to now is a text."""
    assert rehearsal().until("day 1").timeline().splitlines() == [
        "    day 0 Mon 10:00    event      signed_up by ann",
        "    day 0 Mon 10:00    sent       welcome to ann",
    ]


def test_a_name_that_is_none_is_refused_as_in_a_file() -> None:
    """What a scenario refuses, a rehearsal refuses, with what was perhaps meant."""
    with pytest.raises(ScenarioError, match="unknown event `logn`"):
        rehearsal().event("logn", "day 1").until("day 2").assert_stage("trial")


def test_the_plugin_gives_the_configured_playbook(rehearse: Callable[..., Rehearsal]) -> None:
    """The fixtures of the plugin rehearse the playbook of the settings, which a test suite may override."""
    account = rehearse(zone="Europe/Berlin", arr=150_000).event("login", "day 0 11:00").until("day 3")
    account.assert_sent("day_3_setup", at="day 3 09:00")
    account.assert_never("no_login_call")
