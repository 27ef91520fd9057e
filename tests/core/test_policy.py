"""Policy: when a play that writes may act. Windows, quiet hours, holidays, gaps, caps, the holdout, drafts."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.account import Account, Recent, merge
from orchestrator.core.calendars import Hours
from orchestrator.core.conditions import ALWAYS, Node
from orchestrator.core.decisions import Message, Postponement, Wait
from orchestrator.core.door import release
from orchestrator.core.events import OWN_SOURCE, Event
from orchestrator.core.facts import TraitRule, TraitType
from orchestrator.core.lifecycle import absorb, advance, opened
from orchestrator.core.people import Contact, Person
from orchestrator.core.playbook import (
    After,
    AskSurvey,
    Caps,
    Channel,
    Gaps,
    Holdout,
    Holidays,
    Mode,
    OnDay,
    Play,
    Playbook,
    Quiet,
    Silent,
)
from orchestrator.core.policy import held_out, next_opening, without
from orchestrator.core.reasons import DecisionReason, PostponementReason
from tests.core.lives import Life, life
from tests.core.playbooks import (
    DAY,
    HOUR,
    MAIL,
    PLAYBOOK,
    SURVEY,
    VOCABULARY,
    compare,
    constant,
    negation,
    one_of,
    play,
    trait,
    with_plays,
    work,
)
from tests.core.strategies import QUIET, SPAN, START, WINDOWS, crowds, event, histories, person, playbooks, traits

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


# -- gaps --------------------------------------------------------------------------------------------------------------

GAP = Gaps(message=20 * HOUR)
PATIENT: dict[str, Any] = {"max_defer": 9 * DAY, "valid_for": 9 * DAY}
SATURDAY = play("saturday", OnDay(day=3), MAIL, at=time(10), priority=50, **PATIENT)
SUNDAY = play("sunday", OnDay(day=4), MAIL, at=time(10), priority=10, **PATIENT)


def told(lived: Life) -> list[tuple[str, str, str]]:
    """What was decided, and when."""
    return [(each.play, local(each.decided_at), each.reason.value) for each in lived.decisions]


def waits(lived: Life) -> list[tuple[str, str, str, str | None]]:
    """What was postponed: the play, until when, why, by whom."""
    listed = [each for each in lived.said if isinstance(each, Postponement)]
    return [(each.play, local(each.until), each.reason.value, each.by) for each in listed]


def test_of_plays_that_may_act_at_one_instant_the_most_urgent_goes_first() -> None:
    """Both wait for Monday; the more urgent goes, and the other waits for the gap, naming the play it lost to."""
    lived = begin(SATURDAY, SUNDAY, window=OFFICE, gaps=GAP)
    lived.sleep(START + 8 * DAY)
    assert told(lived) == [("sunday", "Mon 09:00", "due"), ("saturday", "Tue 09:00", "due")]
    assert waits(lived) == [
        ("saturday", "Mon 09:00", "outside_window", None),
        ("sunday", "Mon 09:00", "outside_window", None),
        ("saturday", "Tue 09:00", "outranked", "sunday"),
    ]


def test_without_gaps_what_is_due_first_goes_first() -> None:
    """A playbook that keeps nothing apart has no losers, and judges by due instant as ever."""
    lived = begin(SATURDAY, SUNDAY, window=OFFICE)
    lived.sleep(START + 8 * DAY)
    assert told(lived) == [("saturday", "Mon 09:00", "due"), ("sunday", "Mon 09:00", "due")]
    assert lived.account.recent == ()


def test_equals_go_by_due_instant_and_then_by_name() -> None:
    """With one priority the one that was due first goes first; due at once, the first name does."""
    equal = replace(SUNDAY, policy=replace(SUNDAY.policy, priority=50))
    twin = replace(SATURDAY, name="another")
    lived = begin(SATURDAY, equal, twin, window=OFFICE, gaps=GAP)
    lived.sleep(START + 8 * DAY)
    assert [each.play for each in lived.decisions] == ["another", "saturday", "sunday"]


def test_a_loser_that_cannot_wait_is_skipped_as_outranked() -> None:
    """OUTRANKED: beyond its max_defer the loser is skipped, and its decision names the message that it lost to."""
    hasty = replace(SATURDAY, policy=replace(SATURDAY.policy, max_defer=2 * DAY))
    lived = begin(hasty, SUNDAY, window=OFFICE, gaps=GAP)
    lived.sleep(START + 8 * DAY)
    assert told(lived) == [("sunday", "Mon 09:00", "due"), ("saturday", "Mon 09:00", "outranked")]
    assert lived.decisions[1].reason is DecisionReason.OUTRANKED
    (clause,) = [each for each in lived.decisions[1].clauses if each.text == "gaps.message"]
    assert clause.value == "sunday to anna at 2026-03-09T08:00:00+00:00, holds until 2026-03-10T04:00:00+00:00"
    assert clause.decisive


def test_a_gap_is_over_at_its_last_instant() -> None:
    """What comes due exactly one gap later goes at once; a moment before it would have waited."""
    first, second = play("first", OnDay(day=0), MAIL), play("second", OnDay(day=1), MAIL)
    assert waits(_slept(begin(first, second, window=ALL_DAY, gaps=Gaps(message=DAY)))) == []
    longer = begin(first, second, window=ALL_DAY, gaps=Gaps(message=DAY + timedelta(microseconds=1)))
    assert waits(_slept(longer)) == [("second", "Thu 11:20", "outranked", "first")]


def _slept(lived: Life) -> Life:
    lived.sleep(START + 3 * DAY)
    return lived


@pytest.mark.parametrize("changes", [{"exempt": True}, {"mode": Mode.SHADOW}, {"mode": Mode.REDIRECT}])
def test_what_is_exempt_or_reaches_nobody_does_not_count(changes: dict[str, Any]) -> None:
    """An exempt message, and one that leaves for nobody, holds nothing back."""
    first = play("first", OnDay(day=0), MAIL, **changes)
    lived = begin(first, play("second", After(delay=HOUR, since="signed_up"), MAIL), window=ALL_DAY, gaps=GAP)
    assert waits(_slept(lived)) == []
    assert len(lived.decisions) == 2


def test_an_exempt_message_does_not_wait() -> None:
    """An exempt message goes within the gap of another."""
    second = play("second", After(delay=HOUR, since="signed_up"), MAIL, exempt=True)
    lived = begin(play("first", OnDay(day=0), MAIL), second, window=ALL_DAY, gaps=GAP)
    assert waits(_slept(lived)) == []


def test_a_play_that_does_not_write_does_not_wait() -> None:
    """Work for a human is opened whatever was written a moment ago."""
    lived = begin(play("first", OnDay(day=0), MAIL), play("job", OnDay(day=0), work()), window=ALL_DAY, gaps=GAP)
    assert len(lived.decisions) == 2
    assert waits(lived) == []


def test_a_gap_is_between_messages_to_one_person() -> None:
    """Who is written to for the first time does not wait for what another person got."""
    both = play("first", OnDay(day=0), MAIL), play("second", OnDay(day=1), MAIL)
    lived = begin(*both, window=ALL_DAY, gaps=Gaps(message=9 * DAY))
    lived.people = (person("boss", role="champion", timezone="Europe/Berlin"),)
    assert waits(_slept(lived)) == []
    assert [each.person for each in lived.account.recent] == ["anna", "boss"]


@pytest.mark.parametrize(("name", "kept"), [("message_cancelled", 0), ("message_failed", 0), ("message_sent", 1)])
def test_a_message_that_did_not_leave_holds_nothing_back(name: str, kept: int) -> None:
    """Once we are told that a message was cancelled or failed, it counts no more."""
    lived = begin(play("first", OnDay(day=0), MAIL), window=ALL_DAY, gaps=GAP)
    lived.step(START + HOUR, [_outcome(name, START + HOUR), event("login", START + HOUR)])
    assert len(lived.account.recent) == kept


def _outcome(name: str, at: datetime) -> Event:
    return event(name, at, source=OWN_SOURCE, person="anna", properties={"play": "first", "episode": "once"})


def test_what_no_gap_looks_at_is_forgotten() -> None:
    """What is recent reaches no further back than the longest gap, or a week where accounts are capped."""
    plays = [play(f"p{day}", OnDay(day=day), MAIL) for day in (0, 3, 9)]
    short = begin(*plays, window=ALL_DAY, gaps=GAP)
    capped = begin(*plays, window=ALL_DAY, gaps=GAP, account_caps=Caps(day=9, week=9))
    for lived in (short, capped):
        lived.sleep(START + 10 * DAY)
    assert [each.play for each in short.account.recent] == ["p9"]
    assert [each.play for each in capped.account.recent] == ["p3", "p9"]


def test_merged_accounts_remember_both() -> None:
    """What was said to either account before a merge counts for the one that is left, once."""
    said = [Recent(at=START + hours * HOUR, person="p", play=f"p{hours}", episode="once") for hours in (3, 1, 2)]
    left, right = (replace(opened("a", START, PLAYBOOK), recent=tuple(some)) for some in (said[:2], said[1:]))
    assert [each.play for each in merge(left, right).recent] == ["p1", "p2", "p3"]


# -- the gap between surveys -------------------------------------------------------------------------------------------

IN_APP = replace(SURVEY, channel=Channel.IN_APP)


@pytest.mark.parametrize(("first", "second"), [(SURVEY, IN_APP), (IN_APP, SURVEY), (IN_APP, IN_APP)])
def test_surveys_to_a_person_keep_a_gap_of_their_own(first: AskSurvey, second: AskSurvey) -> None:
    """By mail or in the product, a person is asked once within the gap; who is asked again waits, or is not asked."""
    plays = play("first", OnDay(day=0), first), play("second", OnDay(day=1), second, **PATIENT)
    lived = begin(*plays, window=ALL_DAY, gaps=Gaps(survey=3 * DAY))
    lived.sleep(START + 5 * DAY)
    assert waits(lived) == [("second", "Sat 11:20", "outranked", "first")]
    assert told(lived)[1] == ("second", "Sat 11:20", "due")
    hasty = begin(plays[0], play("second", OnDay(day=1), second), window=ALL_DAY, gaps=Gaps(survey=9 * DAY))
    assert told(_slept(hasty))[1] == ("second", "Thu 11:20", "outranked")
    assert hasty.decisions[1].clauses[-1].text == "gaps.survey"


def test_a_survey_in_the_product_is_no_mail() -> None:
    """It neither waits for a mail's gap and the account's caps nor uses them up; and a mail is no survey."""
    plays = play("p0", OnDay(day=0), MAIL), play("p1", OnDay(day=0), IN_APP)
    limits: dict[str, Any] = {"gaps": Gaps(message=DAY, survey=9 * DAY), "account_caps": Caps(day=2, week=2)}
    lived = begin(*plays, play("p2", OnDay(day=1), MAIL), window=ALL_DAY, **limits)
    assert waits(_slept(lived)) == []
    assert [(each.play, each.mail, each.survey) for each in lived.account.recent] == [
        ("p0", True, False),
        ("p1", False, True),
        ("p2", True, False),
    ]


def test_a_survey_by_mail_keeps_both_gaps() -> None:
    """What is mail and survey waits for the longer of the two."""
    plays = play("first", OnDay(day=0), SURVEY), play("second", OnDay(day=1), SURVEY, **PATIENT)
    for gaps in (Gaps(message=2 * DAY, survey=HOUR), Gaps(message=HOUR, survey=2 * DAY)):
        assert waits(_slept(begin(*plays, window=ALL_DAY, gaps=gaps))) == [
            ("second", "Fri 11:20", "outranked", "first")
        ]


def test_the_holdout_is_not_asked() -> None:
    """A survey in the product is for the holdout what a mail is: it is skipped, and holds nothing back."""
    lived = begin(play("first", OnDay(day=0), IN_APP), window=ALL_DAY, gaps=Gaps(survey=9 * DAY), holdout=ALL)
    assert told(lived) == [("first", "Wed 11:20", "holdout")]
    assert lived.account.recent == ()


# -- the account's caps ------------------------------------------------------------------------------------------------


def test_an_account_gets_no_more_touches_than_its_caps_allow() -> None:
    """Over the caps a play waits until a touch falls out of the count, and names that touch's play."""
    plays = [play(f"p{number}", OnDay(day=0), MAIL, priority=number, **PATIENT) for number in range(4)]
    lived = begin(*plays, window=ALL_DAY, account_caps=Caps(day=2, week=3))
    lived.sleep(START + 8 * DAY)
    assert told(lived) == [
        ("p0", "Wed 11:20", "due"),
        ("p1", "Wed 11:20", "due"),
        ("p2", "Thu 11:20", "due"),
        ("p3", "Wed 11:20", "due"),
    ]
    assert waits(lived) == [
        ("p2", "Thu 11:20", "account_capped", "p0"),
        ("p3", "Thu 11:20", "account_capped", "p0"),
        ("p3", "Wed 11:20", "account_capped", "p0"),
    ]


def test_a_touch_to_several_people_counts_once() -> None:
    """A cap of an account counts touches, not recipients."""
    crowd = tuple(Recent(at=START, person=each, play="first", episode="once") for each in ("anna", "ben", "cleo"))
    lived = begin(play("second", OnDay(day=1), MAIL), window=ALL_DAY, account_caps=Caps(day=2, week=2))
    lived.account = replace(lived.account, recent=crowd)
    assert waits(_slept(lived)) == []


def test_an_account_without_room_skips_what_cannot_wait() -> None:
    """ACCOUNT_CAPPED: beyond max_defer the play is skipped, and its decision names the touch that took the room."""
    plays = [play(f"p{number}", OnDay(day=0), MAIL, max_defer=HOUR) for number in range(2)]
    lived = begin(*plays, window=ALL_DAY, account_caps=Caps(day=1, week=3))
    assert told(lived) == [("p0", "Wed 11:20", "due"), ("p1", "Wed 11:20", "account_capped")]
    assert lived.decisions[1].reason is DecisionReason.ACCOUNT_CAPPED
    assert lived.decisions[1].clauses[-1].text == "caps.account"


# -- the holdout -------------------------------------------------------------------------------------------------------

ALL, NOBODY = Holdout(share=1, salt="x"), Holdout(share=0, salt="x")


def test_the_holdout_is_not_written_to() -> None:
    """HOLDOUT: what would have been written is skipped under its own reason, and says what was decisive."""
    lived = _slept(begin(ON_DAY_1, holdout=ALL))
    assert told(lived) == [("p", "Thu 10:00", "holdout")]
    assert lived.decisions[0].reason is DecisionReason.HOLDOUT
    assert [each.text for each in lived.decisions[0].clauses if each.decisive][-1] == "holdout"
    assert told(_slept(begin(ON_DAY_1, holdout=NOBODY))) == [("p", "Thu 10:00", "due")]


def test_the_holdout_keeps_its_humans_and_its_transactional_mail() -> None:
    """Work is opened, alone where a play also writes, at any hour; exempt mail goes."""
    both = play("both", OnDay(day=0), MAIL, work(), at=time(23))
    lived = _slept(begin(both, play("legal", OnDay(day=0), MAIL, exempt=True), holdout=ALL))
    assert told(lived) == [("legal", "Wed 11:20", "due"), ("both", "Wed 23:00", "due")]
    steps = [step for _, step in lived.steps]
    assert [message.play for step in steps for message in step.messages] == ["legal"]
    assert [escalation.play for step in steps for escalation in step.escalations] == ["both"]
    assert [(each.text, each.decisive) for each in lived.decisions[1].clauses][-1] == ("holdout", False)


def test_a_play_that_does_nothing_is_not_held_out() -> None:
    """A play without actions is decided as ever."""
    assert told(begin(play("p", OnDay(day=0)), holdout=ALL)) == [("p", "Wed 11:20", "due")]


def test_the_holdout_is_drawn_by_id_and_salt() -> None:
    """About the share of accounts is drawn, always the same; a greater share keeps them; another salt draws others."""
    ids = [f"account {number}" for number in range(2000)]
    drawn = {each for each in ids if held_out(each, Holdout(share=0.1, salt="a"))}
    assert 150 < len(drawn) < 250
    assert drawn < {each for each in ids if held_out(each, Holdout(share=0.2, salt="a"))}
    assert drawn != {each for each in ids if held_out(each, Holdout(share=0.1, salt="b"))}


# -- drafts ------------------------------------------------------------------------------------------------------------

ANNUAL = compare(trait("term"), "==", "annual")
NEVER = constant(value=False)


@pytest.mark.parametrize(
    ("asks", "of_playbook", "changes", "draft"),
    [
        (None, None, {}, False),
        (ALWAYS, None, {}, True),
        (None, ALWAYS, {}, True),
        (NEVER, ALWAYS, {}, False),
        (ANNUAL, None, {}, True),
        (negation(ANNUAL), None, {}, False),
        (one_of(trait("vip"), True), None, {}, False),
        (compare(trait("seats"), ">", 3), None, {}, True),
        (None, ALWAYS, {"exempt": True}, False),
        (ALWAYS, None, {"exempt": True}, True),
        (ALWAYS, None, {"mode": Mode.SHADOW}, False),
    ],
    ids=["silent", "play", "playbook", "no", "true", "false", "default", "unknown", "exempt", "exempt play", "shadow"],
)
def test_a_person_approves_what_the_playbook_says(
    asks: Node | None, of_playbook: Node | None, changes: dict[str, Any], *, draft: bool
) -> None:
    """A play's own word goes before the playbook's; unknown is a draft; exempt mail only if its play asks for it."""
    lived = life((ANNA,), with_plays(play("p", OnDay(day=0), MAIL, draft=asks, **changes), draft=of_playbook), START)
    (message,) = lived.step(START, [event("signed_up"), traits(term="annual")]).messages
    assert message.draft is draft


# -- over random lives -------------------------------------------------------------------------------------------------


@given(histories(), crowds(), playbooks())
def test_gaps_and_caps_hold(events: list[Event], people: tuple[Person, ...], playbook: Playbook) -> None:
    """Whatever happens, mails to a person keep the gap, touches of an account its caps, and losers name a winner."""
    lived = life(people, playbook, START).live(events, START + SPAN)
    written = [(now, each) for now, step in lived.steps for each in step.messages if not each.exempt]
    sent = [(now, each) for now, each in written if each.channel is Channel.EMAIL]  # the product shows what it likes
    if playbook.gaps is not None:
        _check_gaps(sent, playbook.gaps.message)
    if playbook.account_caps is not None:
        touches = {(each.play, each.episode): now for now, each in sent}.values()
        for most, span in ((playbook.account_caps.day, DAY), (playbook.account_caps.week, 7 * DAY)):
            assert all(sum(now - span < at <= now for at in touches) <= most for now in touches)
    for said in lived.said:
        if isinstance(said, Postponement):
            held = said.reason in {PostponementReason.OUTRANKED, PostponementReason.ACCOUNT_CAPPED}
            assert held is (said.by is not None)
            assert said.until is None or said.until > said.at
    if playbook.holdout is not None and playbook.holdout.share:
        assert written == []


def _check_gaps(sent: list[tuple[datetime, Message]], gap: timedelta) -> None:
    last: dict[str, datetime] = {}
    for now, each in sent:
        assert each.person not in last or now - last[each.person] >= gap
        last[each.person] = now
