"""When plays come due: the episode and the due instant of each trigger."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from orchestrator.core.account import Account, LedgerEntry, Outcome
from orchestrator.core.lifecycle import absorb, opened, outlook
from orchestrator.core.people import Person
from orchestrator.core.playbook import (
    After,
    Closed,
    Entered,
    EveryWeek,
    Holds,
    OnDay,
    Opened,
    Play,
    Reached,
    Silent,
    Trigger,
)
from orchestrator.core.reasons import DecisionReason
from orchestrator.core.timing import told, working_days, zone_of
from tests.core.playbooks import DAY, HOUR, MAIL, PLAYBOOK, play, seen, with_plays
from tests.core.strategies import START, event, person, traits

BERLIN_9 = datetime(2026, 3, 5, 8, tzinfo=UTC)  # 09:00 in Berlin on the day after START


def account(*events: tuple[str, datetime], **changes: Any) -> Account:  # noqa: ANN401 -- fields of Account
    """An account with these events behind it."""
    known = absorb(opened("a", START, PLAYBOOK), [event(name, at) for name, at in events], PLAYBOOK)
    return replace(known, **changes)


def due(each: Play, of: Account, *people: Person) -> tuple[str, datetime] | None:
    """The next episode of a play, and when it is due."""
    found = outlook(of, people, START, with_plays(each))
    return (found[0].episode, found[0].at) if found else None


def decided(name: str, episode: str) -> dict[str, LedgerEntry]:
    """A ledger in which this episode is decided."""
    entry = LedgerEntry(
        episode=episode,
        decided_at=START,
        outcome=Outcome.DONE,
        reason=DecisionReason.DUE,
        first_episode=episode,
        first_decided_at=START,
    )
    return {name: entry}


SIGNED = account(("signed_up", START))


@pytest.mark.parametrize(
    "trigger",
    [
        OnDay(day=1),
        After(delay=DAY, since="login"),
        Silent(period=DAY, since="login"),
        Reached(milestone="setup"),
        Entered(stage="growth"),
        EveryWeek(until_day=9),
        Holds(condition=seen("login")),
        Opened(signal="absent"),
        Closed(signal="absent"),
    ],
    ids=lambda trigger: type(trigger).__name__,
)
def test_without_its_cause_nothing_is_due(trigger: Trigger) -> None:
    """No anchor, no first time, no milestone, another stage: there is no episode."""
    assert due(play("p", trigger), account()) is None


def test_day_0_is_the_anchor_itself() -> None:
    """Day 0 without a time of day is due at the anchor."""
    assert due(play("p", OnDay(day=0)), SIGNED) == ("once", START)


def test_day_n_is_a_local_day() -> None:
    """Day n is due at ``at`` on the n-th local day, else at the anchor's time of day; clocks may change in between."""
    assert due(play("p", OnDay(day=1), at=time(9)), SIGNED) == ("once", BERLIN_9)
    assert due(play("p", OnDay(day=1)), SIGNED) == ("once", START + DAY)
    assert due(play("p", OnDay(day=30)), SIGNED) == ("once", START + 30 * DAY - HOUR)


def test_no_day_play_is_due_before_the_anchor() -> None:
    """Day 0 at 09:00 for somebody who signs up at 11:20 is due at once."""
    assert due(play("p", OnDay(day=0), at=time(9)), SIGNED) == ("once", START)
    assert due(play("p", OnDay(day=0), at=time(18)), SIGNED) == ("once", datetime(2026, 3, 4, 17, tzinfo=UTC))


def test_day_n_is_the_local_day_where_they_are() -> None:
    """A sign-up that is already tomorrow in Kiritimati counts days from there."""
    late = account(("signed_up", datetime(2026, 3, 4, 20, tzinfo=UTC)))
    there = person(timezone="Pacific/Kiritimati")
    assert due(play("p", OnDay(day=1), at=time(9)), late, there) == ("once", datetime(2026, 3, 5, 19, tzinfo=UTC))
    assert due(play("p", OnDay(day=1), at=time(9)), late) == ("once", BERLIN_9)


def test_after_counts_from_the_first_time() -> None:
    """An offset counts from the first time it happened; with ``at``, to the next showing of that time."""
    twice = account(("login", START), ("login", START + DAY))
    assert due(play("p", After(delay=48 * HOUR, since="login")), twice) == ("once", START + 2 * DAY)
    at_nine = play("p", After(delay=2 * HOUR, since="login"), at=time(9))
    assert due(at_nine, twice) == ("once", BERLIN_9)


def test_working_days_leave_out_the_accounts_weekend() -> None:
    """Three working days from Thursday noon end on Tuesday noon, on Monday where only Sunday is free."""
    thursday = datetime(2026, 3, 5, 12, tzinfo=UTC)
    each = play("p", After(delay=3 * DAY, since="login", business=True))
    known = account(("login", thursday))
    assert due(each, known) == ("once", thursday + 5 * DAY)
    free_friday = absorb(known, [traits(weekend="fri_sat")], PLAYBOOK)
    assert due(each, free_friday) == ("once", thursday + 5 * DAY)
    assert due(each, absorb(known, [traits(weekend="none")], PLAYBOOK)) == ("once", thursday + 3 * DAY)
    assert due(each, absorb(known, [traits(weekend="sun")], PLAYBOOK)) == ("once", thursday + 4 * DAY)


@pytest.mark.parametrize("said", ["never", None])
def test_an_unknown_weekend_is_saturday_and_sunday(said: str | None) -> None:
    """What is no known weekend leaves the usual one."""
    assert working_days(absorb(account(), [traits(weekend=said)], PLAYBOOK)).weekdays == frozenset(range(5))


def test_silence_counts_from_the_last_time_or_the_anchor() -> None:
    """The episode is the instant from which silence is counted."""
    each = play("p", Silent(period=3 * DAY, since="login"))
    assert due(each, SIGNED) == (START.isoformat(), START + 3 * DAY)
    heard = account(("signed_up", START), ("login", START + DAY))
    assert due(each, heard) == ((START + DAY).isoformat(), START + 4 * DAY)
    before = account(("signed_up", START), ("login", START - DAY))
    assert due(each, before) == (START.isoformat(), START + 3 * DAY)


def test_silence_begins_anew_only_when_it_was_broken() -> None:
    """A decided silence is not due again before there was a sound."""
    each = play("p", Silent(period=3 * DAY, since="login"))
    known = replace(SIGNED, ledger=decided("p", START.isoformat()))
    assert due(each, known) is None
    broken = absorb(known, [event("login", START + DAY)], PLAYBOOK)
    assert due(each, broken) == ((START + DAY).isoformat(), START + 4 * DAY)


def test_what_is_decided_is_not_decided_again_for_an_earlier_cause() -> None:
    """A late sign-up that moves the silence back does not make it due again: episodes only go forward."""
    each = play("p", Silent(period=3 * DAY, since="login"))
    known = replace(SIGNED, ledger=decided("p", START.isoformat()))
    assert due(each, absorb(known, [event("signed_up", START - DAY)], PLAYBOOK)) is None
    earlier = replace(account(("signed_up", START - DAY)), ledger=known.ledger)
    assert due(each, earlier) is None


def test_fractions_of_a_second_keep_their_order() -> None:
    """An episode that is half a second later is later, though its text is longer."""
    each = play("p", Silent(period=DAY, since="login"))
    known = replace(SIGNED, ledger=decided("p", START.isoformat()))
    later = START + timedelta(microseconds=500)
    assert due(each, absorb(known, [event("login", later)], PLAYBOOK)) == (later.isoformat(), later + DAY)


def test_a_milestone_is_due_when_it_was_reached() -> None:
    """Once, at its date."""
    known = account(milestones={"setup": START + HOUR})
    assert due(play("p", Reached(milestone="setup")), known) == ("once", START + HOUR)


def test_the_entry_of_a_stage_is_its_life() -> None:
    """Entering again is a new episode."""
    each = play("p", Entered(stage="onboarding"))
    assert due(each, account()) == (START.isoformat(), START)
    again = account(stage_entered_at=START + DAY, ledger=decided("p", START.isoformat()))
    assert due(each, again) == ((START + DAY).isoformat(), START + DAY)


def test_weeks_begin_on_monday_after_the_anchor() -> None:
    """Each Monday up to the last day; ``at`` moves it to the local time."""
    monday = datetime(2026, 3, 9, tzinfo=UTC)
    assert due(play("p", EveryWeek(until_day=9)), SIGNED) == ("2026-03-09", monday)
    assert due(play("p", EveryWeek(until_day=4)), SIGNED) is None
    known = replace(SIGNED, ledger=decided("p", "2026-03-09"))
    assert due(play("p", EveryWeek(until_day=12), at=time(9)), known) == (
        "2026-03-16",
        datetime(2026, 3, 16, 8, tzinfo=UTC),
    )
    assert due(play("p", EveryWeek(until_day=11)), known) is None


def test_the_zone_is_the_persons_the_accounts_the_playbooks() -> None:
    """Local times are read where the person is, else the account, else the playbook; what is no zone is passed over."""
    nepal = absorb(account(), [traits(timezone="Asia/Kathmandu")], PLAYBOOK)
    cases = [
        (nepal, person(timezone="Pacific/Apia"), ("Pacific/Apia", "person")),
        (nepal, person(timezone="Nowhere/Atlantis"), ("Asia/Kathmandu", "account")),
        (nepal, None, ("Asia/Kathmandu", "account")),
        (account(), person(), ("Europe/Berlin", "playbook")),
        (absorb(account(), [traits(timezone=5)], PLAYBOOK), None, ("Europe/Berlin", "playbook")),
    ]
    for known, who, expected in cases:
        found = zone_of(known, who, PLAYBOOK)
        assert (str(found.tz), found.named_by) == expected


def test_a_frozen_anchor_counts() -> None:
    """Once frozen, the anchor is what days are counted from."""
    frozen = account(("signed_up", START), anchor=START + DAY)
    assert due(play("p", OnDay(day=1)), frozen) == ("once", START + 2 * DAY)


def test_the_outlook_is_in_order() -> None:
    """What is still to come is told by time, priority and name."""
    plays = (
        play("c", OnDay(day=2)),
        play("b", OnDay(day=1)),
        play("a", OnDay(day=1)),
        play("z", OnDay(day=1), priority=1),
    )
    found = outlook(SIGNED, (), START, with_plays(*plays))
    assert [each.play.name for each in found] == ["z", "a", "b", "c"]


@pytest.mark.parametrize(
    ("trigger", "sentence"),
    [
        (OnDay(day=3), "day 3 after the anchor"),
        (After(delay=48 * HOUR, since="signed_up"), "48 hours after the first signed_up"),
        (Silent(period=3 * DAY, since="login", business=True), "no login for 3 days of working days"),
        (Silent(period=timedelta(hours=1.5), since="login"), "no login for 1.5 hours"),
        (Reached(milestone="setup"), "milestone setup reached"),
        (Entered(stage="growth"), "stage growth entered"),
        (EveryWeek(until_day=28), "every week until day 28"),
        (Holds(condition=seen("login"), span=14 * DAY), "login has held for 14 days"),
        (Holds(condition=seen("login")), "login has held"),
        (Opened(signal="absent", delay=16 * HOUR), "signal absent open for 16 hours"),
        (Opened(signal="absent"), "signal absent opened"),
        (
            Opened(signal="absent", delay=16 * HOUR, business=True),
            "signal absent open for 16 hours of our working time",
        ),
        (Closed(signal="absent"), "signal absent closed"),
    ],
)
def test_a_trigger_is_told_as_a_sentence(trigger: Trigger, sentence: str) -> None:
    """Each trigger says in words why it came due."""
    assert told(trigger, 0) == sentence


def test_dates_of_weeks_are_mondays() -> None:
    """The episode of a week is the date of its Monday."""
    found = due(play("p", EveryWeek(until_day=60), MAIL), SIGNED)
    assert found is not None
    assert date.fromisoformat(found[0]).weekday() == 0
