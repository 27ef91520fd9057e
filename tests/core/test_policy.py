"""Policy: when a play that writes may act. Windows, quiet hours, holidays."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.account import Account
from orchestrator.core.calendars import Hours
from orchestrator.core.decisions import Wait
from orchestrator.core.door import release
from orchestrator.core.facts import TraitRule, TraitType
from orchestrator.core.lifecycle import absorb, advance, opened
from orchestrator.core.people import Contact
from orchestrator.core.playbook import After, Holidays, OnDay, Play, Playbook, Quiet, Silent
from orchestrator.core.policy import next_opening, without
from orchestrator.core.reasons import DecisionReason, PostponementReason
from tests.core.lives import Life, life
from tests.core.playbooks import DAY, HOUR, MAIL, PLAYBOOK, VOCABULARY, play, with_plays, work
from tests.core.strategies import QUIET, START, WINDOWS, event, person, traits

ANNA = person("anna", timezone="Europe/Berlin")
BERLIN = ZoneInfo("Europe/Berlin")
ALL_DAY = Hours(weekdays=frozenset(range(7)))
OFFICE = Hours(weekdays=frozenset(range(5)), opens=time(9), closes=time(17))
ON_DAY_1 = play("p", OnDay(day=1), MAIL, at=time(10), max_defer=9 * DAY, valid_for=9 * DAY)
DAY_1 = datetime(2026, 3, 5, 9, tzinfo=UTC)  # 10:00 in Berlin, a Thursday
LIST = Holidays(dates={"DE": frozenset({date(2026, 3, 5)})}, edition="list 1", send=True, silence=True)


def begin(*plays: Play, country: str | None = "DE", **changes: object) -> Life:
    """The life of an account that signs up at START, in a country."""
    lived = life((ANNA,), with_plays(*plays, **changes), START)
    lived.step(START, [event("signed_up"), *([traits(country=country)] if country else [])])
    return lived


def local(instant: datetime | None) -> str:
    """What a clock in Berlin shows."""
    return instant.astimezone(BERLIN).strftime("%a %H:%M") if instant else "never"


# -- quiet hours -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "quiet", "left"),
    [
        (ALL_DAY, Quiet(begins=time(21), ends=time(8)), [(time(8), time(21))]),
        (ALL_DAY, Quiet(begins=time(12), ends=time(13, 30)), [(time(0), time(12)), (time(13, 30), None)]),
        (ALL_DAY, Quiet(begins=time(20), ends=time(0)), [(time(0), time(20))]),
        (ALL_DAY, Quiet(begins=time(0), ends=time(7)), [(time(7), None)]),
        (OFFICE, Quiet(begins=time(21), ends=time(8)), [(time(9), time(17))]),
        (OFFICE, Quiet(begins=time(16), ends=time(10)), [(time(10), time(16))]),
        (OFFICE, Quiet(begins=time(8), ends=time(18)), []),
    ],
)
def test_quiet_hours_are_cut_out(hours: Hours, quiet: Quiet, left: list[tuple[time, time | None]]) -> None:
    """Quiet hours leave of a window what lies before and after them, also when they pass midnight."""
    parts = without(hours, quiet)
    assert [(each.opens, each.closes) for each in parts] == left
    assert all(each.weekdays == hours.weekdays for each in parts)


@given(WINDOWS, QUIET, st.integers(0, 24 * 60 - 1))
def test_a_minute_is_open_in_the_window_and_not_in_the_quiet_hours(
    hours: Hours, quiet: Quiet | None, minute: int
) -> None:
    """Minute by minute: what is left is the window without the quiet hours."""
    if quiet is None:
        return
    wall = time(minute // 60, minute % 60)
    passes_midnight = quiet.begins >= quiet.ends
    after, before = wall >= quiet.begins, wall < quiet.ends
    silent = (after or before) if passes_midnight else (after and before)
    inside = hours.opens <= wall and (hours.closes is None or wall < hours.closes)
    found = [each for each in without(hours, quiet) if each.opens <= wall and (not each.closes or wall < each.closes)]
    assert len(found) == (inside and not silent)


def test_nobody_is_written_to_in_quiet_hours() -> None:
    """A mail that comes due in the quiet hours waits for their end, and so does one that stands at the door."""
    late = replace(ON_DAY_1, policy=replace(ON_DAY_1.policy, at=time(22)))
    lived = begin(late, window=ALL_DAY, quiet=Quiet(begins=time(21), ends=time(8)))
    lived.sleep(START + 3 * DAY)
    ((waits, _), (sends, step)) = lived.steps[1:]
    assert (local(waits), local(sends)) == ("Thu 22:00", "Fri 08:00")
    (message,) = step.messages
    contact = Contact(address="anna@example.com")
    again = release(message, lived.account, ANNA, contact, sends + 14 * HOUR, lived.playbook)
    assert isinstance(again, Wait)
    assert (local(again.until), again.reason) == ("Sat 08:00", PostponementReason.OUTSIDE_WINDOW)


def test_quiet_hours_that_leave_nothing_skip() -> None:
    """DEFERRED_TOO_LONG: a window that quiet hours close for good never opens."""
    lived = begin(ON_DAY_1, window=OFFICE, quiet=Quiet(begins=time(8), ends=time(18)))
    lived.sleep(START + 3 * DAY)
    assert [each.reason for each in lived.decisions] == [DecisionReason.DEFERRED_TOO_LONG]


# -- a window of its own -----------------------------------------------------------------------------------------------


def test_a_play_may_have_a_window_of_its_own() -> None:
    """A play's own window goes before the playbook's, at the decision and at the door; quiet hours hold for both."""
    own = Hours(weekdays=frozenset({5}), opens=time(6), closes=time(12))
    saturday = replace(ON_DAY_1, policy=replace(ON_DAY_1.policy, window=own))
    lived = begin(saturday, window=OFFICE, quiet=Quiet(begins=time(21), ends=time(8)))
    lived.sleep(START + 4 * DAY)
    assert [local(now) for now, _ in lived.steps[1:]] == ["Thu 10:00", "Sat 08:00"]
    (message,) = lived.steps[-1][1].messages
    contact = Contact(address="anna@example.com")
    again = release(message, lived.account, ANNA, contact, message.not_before + 5 * HOUR, lived.playbook)
    assert isinstance(again, Wait)
    assert (local(again.until), again.until - message.not_before) == ("Sat 08:00", 7 * DAY)


# -- holidays ----------------------------------------------------------------------------------------------------------


def test_no_mail_on_a_holiday_of_the_accounts_country() -> None:
    """Where the playbook keeps to holidays, a mail due on one waits for the day after, and the door says the same."""
    lived = begin(ON_DAY_1, window=OFFICE, holidays=LIST)
    lived.sleep(START + 4 * DAY)
    assert [local(now) for now, _ in lived.steps[1:]] == ["Thu 10:00", "Fri 09:00"]
    (message,) = lived.steps[-1][1].messages
    early = replace(message, not_before=DAY_1)
    again = release(early, lived.account, ANNA, Contact(address="anna@example.com"), DAY_1, lived.playbook)
    assert isinstance(again, Wait)
    assert local(again.until) == "Fri 09:00"


@pytest.mark.parametrize("country", [None, "XX"])
def test_an_unknown_country_has_no_holidays(country: str | None) -> None:
    """What nobody said, or the list does not know, closes no day."""
    lived = begin(ON_DAY_1, country=country, window=OFFICE, holidays=LIST)
    lived.sleep(START + 4 * DAY)
    assert [local(now) for now, _ in lived.steps[1:]] == ["Thu 10:00"]


def test_a_country_that_is_no_text_has_no_holidays() -> None:
    """A country that was said and could not be read closes no day, not even those of the default."""
    words = {**VOCABULARY.traits, "country": TraitRule(type=TraitType.TEXT, default="DE")}
    playbook = with_plays(ON_DAY_1, window=OFFICE, holidays=LIST, vocabulary=replace(VOCABULARY, traits=words))
    new = opened("a", START, playbook)
    assert local(_opening(new, playbook)) == "Fri 09:00"
    assert local(_opening(absorb(new, [traits(country=None)], playbook), playbook)) == "Thu 10:00"
    bare = replace(playbook, vocabulary=replace(VOCABULARY, traits={}))
    assert local(_opening(new, bare)) == "Thu 10:00"


def _opening(account: Account, playbook: Playbook) -> datetime | None:
    return next_opening(DAY_1, playbook.plays["p"], account, BERLIN, playbook)


def test_holidays_of_the_list_are_kept_only_where_the_playbook_says_so() -> None:
    """A playbook that keeps holidays for its silences alone sends on them; one that keeps them for mail counts them."""
    quiet = play("q", Silent(period=DAY, since="login", business=True), work())
    delayed = play("r", After(delay=DAY, since="signed_up", business=True), work())
    sends = begin(ON_DAY_1, quiet, delayed, window=OFFICE, holidays=replace(LIST, silence=False))
    counts = begin(ON_DAY_1, quiet, delayed, window=OFFICE, holidays=replace(LIST, send=False))
    for lived in (sends, counts):
        lived.sleep(START + 4 * DAY)
    done = [{each.play: local(each.decided_at) for each in lived.decisions} for lived in (sends, counts)]
    assert done == [
        {"p": "Fri 09:00", "q": "Thu 11:20", "r": "Thu 11:20"},
        {"p": "Thu 10:00", "q": "Fri 11:20", "r": "Fri 11:20"},
    ]


def test_a_new_list_of_holidays_derives_wakes_afresh() -> None:
    """``basis`` names the list: with another one the account is looked at again, though nothing happened."""
    quiet = play("q", Silent(period=DAY, since="login", business=True), work())
    lived = begin(quiet, holidays=LIST)
    assert lived.account.basis == "v1/list 1"
    assert local(lived.account.wake_at) == "Fri 11:20"
    corrected = replace(LIST, dates={}, edition="list 2")
    again = advance(lived.account, (ANNA,), [], START + HOUR, with_plays(quiet, holidays=corrected))
    assert (again.account.basis, local(again.wake_at)) == ("v1/list 2", "Thu 11:20")
    assert begin(quiet).account.basis == "v1"


def test_work_is_due_after_the_vendors_holidays() -> None:
    """Working time leaves out the days on which the vendor is closed."""
    closed = replace(PLAYBOOK.working, closed=frozenset({date(2026, 3, 5)}))
    job = play("job", OnDay(day=0), work(due=timedelta(hours=8)))
    due = [begin(job, working=hours).steps[0][1].escalations[0].due_at for hours in (PLAYBOOK.working, closed)]
    assert [local(each) for each in due] == ["Thu 11:20", "Fri 11:20"]
