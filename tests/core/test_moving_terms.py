"""Terms that count working days, days until a date, and the days that a milestone took: values and exact turns."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.calendars import Hours, business_time
from orchestrator.core.conditions import Node, TermKind, View, became, explain, flips, read, verdict
from orchestrator.core.facts import Facts, fold
from orchestrator.core.lifecycle import absorb, opened, view_of
from orchestrator.core.playbook import Silent
from orchestrator.core.reasons import DecisionReason
from orchestrator.core.timing import zone_of
from tests.core.lives import life
from tests.core.playbooks import DAY, HOUR, PLAYBOOK, VOCABULARY, compare, play, term, with_plays, work
from tests.core.strategies import START, event, person, traits

MOMENT = timedelta(microseconds=1)
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Hours(weekdays=frozenset(range(5)))
WORKED = term(TermKind.BUSINESS_DAYS_AGO, "login")
UNTIL = term(TermKind.DAYS_UNTIL, "renewal_at")
TOOK = term(TermKind.MILESTONE_DAYS, "setup")
FRIDAY = datetime(2026, 3, 6, 11, tzinfo=UTC)  # noon in Berlin
RENEWAL = datetime(2026, 4, 1, tzinfo=UTC)
SIGNS = ("<", "<=", ">=", ">")


def view(now: datetime = FRIDAY, login: datetime | None = FRIDAY, **said: str | None) -> View:
    """What a condition may look at, in Berlin."""
    logins = [] if login is None else [event("login", login)]
    return View(
        facts=fold(Facts(), [*logins, traits(START, **said)], VOCABULARY),
        vocabulary=VOCABULARY,
        now=now,
        anchor=START,
        stage="onboarding",
        stage_entered_at=START,
        working=lambda: (WEEK, BERLIN),
    )


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "days"),
    [(HOUR, 1 / 24), (12 * HOUR, 0.5), (36 * HOUR, 0.5), (60 * HOUR, 0.5), (84 * HOUR, 1.5), (7 * DAY, 5), (-HOUR, 0)],
)
def test_working_days_stand_still_at_the_weekend(later: timedelta, days: float) -> None:
    """From Friday noon to Monday noon is one working day; what lies ahead is none."""
    assert read(WORKED, view(FRIDAY + later)) == pytest.approx(days)


def test_what_never_happened_is_infinitely_long_ago() -> None:
    """Closed world: no login at all is no login for any number of working days."""
    assert read(WORKED, view(login=None)) == math.inf
    assert list(flips(compare(WORKED, ">=", 2), view(login=None))) == []


def test_days_until_a_date_fall() -> None:
    """Days to the instant, negative once it is past; unknown without a date."""
    assert read(UNTIL, view(RENEWAL - 36 * HOUR, renewal_at="2026-04-01")) == 1.5
    assert read(UNTIL, view(RENEWAL + 2 * DAY, renewal_at="2026-04-01")) == -2
    assert read(UNTIL, view(renewal_at="soon")) is None
    assert list(flips(compare(UNTIL, "<", 9), view(renewal_at="soon"))) == []


def test_a_milestone_took_its_days() -> None:
    """Days from the anchor to its date; infinite until it is reached, unknown without an anchor."""
    known = replace(view(), milestones={"setup": START + 36 * HOUR})
    assert read(TOOK, known) == 1.5
    assert read(TOOK, view()) == math.inf
    assert read(TOOK, replace(known, anchor=None)) is None
    assert became(compare(TOOK, "<", 2), known) == START + 36 * HOUR
    assert list(flips(compare(TOOK, "<", 2), known)) == []


def test_they_explain_themselves() -> None:
    """A clause tells what a term read."""
    (worked,) = explain(compare(WORKED, ">=", 2), view(FRIDAY + 84 * HOUR))
    assert worked.value == "login.business_days_ago = 1.5"
    (until,) = explain(compare(UNTIL, "<=", 2), view(RENEWAL - DAY, renewal_at="2026-04-01"))
    assert until.value == "renewal_at.days_until = 1"
    (took,) = explain(compare(TOOK, "<=", 2), view())
    assert took.value == "setup.milestone_days = never"


# -- turns -------------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from([WORKED, UNTIL]),
    st.sampled_from((*SIGNS, "==", "!=")),
    st.sampled_from([0, 0.5, 1 / 3, 2.5, 1.0000001])
    | st.integers(-3, 25)
    | st.floats(-3, 25)
    | st.integers(0, 96).map(lambda number: number / 96),
    st.booleans(),
    st.integers(0, 14 * 24 * 4),
    st.sampled_from([timedelta(0), 3 * MOMENT]),
)
def test_a_comparison_turns_exactly_where_it_says(
    moving: Node, sign: str, limit: float, swapped: bool, quarters: int, odd: timedelta
) -> None:
    """Between now and the next flip the verdict never changes, not even a microsecond before; without a flip, never."""
    node = compare(limit, sign, moving) if swapped else compare(moving, sign, limit)
    began = START + quarters * HOUR / 4 + odd
    seen = view(began, began, renewal_at="2026-03-30T09:30:00+02:00")
    for _ in range(4):
        turns = list(flips(node, seen))
        before = verdict(node, seen)
        if not turns:
            assert all(verdict(node, replace(seen, now=seen.now + n * DAY)) is before for n in range(0, 60, 3))
            return
        assert seen.now < turns[0]
        assert verdict(node, replace(seen, now=turns[0] - MOMENT)) is before
        seen = replace(seen, now=turns[0])
        assert sign in {"==", "!="} or verdict(node, seen) is not before or limit <= 0
    pytest.fail("a comparison turns at most twice")


def test_past_a_working_day_may_begin_after_the_weekend() -> None:
    """Half a working day after Friday noon is reached at the local midnight, and past only on Monday."""
    saturday, monday = datetime(2026, 3, 6, 23, tzinfo=UTC), datetime(2026, 3, 8, 23, tzinfo=UTC)
    assert list(flips(compare(WORKED, ">=", 0.5), view())) == [saturday]
    assert list(flips(compare(WORKED, ">", 0.5), view())) == [monday + MOMENT]


@pytest.mark.parametrize("limit", [5000, 1e12, math.inf])
def test_working_days_beyond_the_calendar_never_turn(limit: float) -> None:
    """More working days than ten years hold have no instant to wake at."""
    assert list(flips(compare(WORKED, ">=", limit), view())) == []


@pytest.mark.parametrize(
    ("node", "now", "since"),
    [
        (compare(UNTIL, "<=", 20), RENEWAL, RENEWAL - 20 * DAY),
        (compare(UNTIL, "<", 20), RENEWAL, RENEWAL - 20 * DAY + MOMENT),
        (compare(UNTIL, ">", 20), RENEWAL - 21 * DAY, START),
        (compare(UNTIL, "<=", 90), RENEWAL, START),
        (compare(WORKED, ">=", 2), FRIDAY + 9 * DAY, FRIDAY + 4 * DAY),
        (compare(WORKED, "<", 2), FRIDAY + DAY, FRIDAY),
    ],
    ids=lambda value: getattr(value, "text", ""),
)
def test_they_are_dated_by_their_turn(node: Node, now: datetime, since: datetime) -> None:
    """What moves holds since it turned, but not before what it rests on was said."""
    assert became(node, view(now, renewal_at="2026-04-01")) == since


# -- in a life ---------------------------------------------------------------------------------------------------------


def test_the_working_days_are_the_accounts() -> None:
    """The account's weekend and, without a person, its own zone."""
    account = opened("a", START, PLAYBOOK)
    said = [event("login", FRIDAY), traits(START, weekend="fri_sat", timezone="Asia/Kathmandu")]
    seen = view_of(absorb(account, said, PLAYBOOK), FRIDAY + 2 * DAY, PLAYBOOK)
    hours, tz = seen.working()
    assert (hours.weekdays, str(tz)) == (frozenset({6, 0, 1, 2, 3}), "Asia/Kathmandu")
    assert read(WORKED, seen) == pytest.approx((16 + 45 / 60) / 24)


def test_without_a_word_every_day_works() -> None:
    """A view that nobody told of working days counts all of them, in UTC."""
    bare = View(
        facts=fold(Facts(), [event("login", FRIDAY)], VOCABULARY),
        vocabulary=VOCABULARY,
        now=FRIDAY + 3 * DAY,
        anchor=START,
        stage="onboarding",
        stage_entered_at=START,
    )
    assert read(WORKED, bare) == 3


def test_a_silence_and_its_condition_agree() -> None:
    """A silence of working days comes due at the instant at which as many working days have passed, where they are."""
    silent = Silent(period=2 * DAY, since="login", business=True)
    quiet = play("p", silent, work(), only_while=compare(WORKED, ">=", 2))
    far = (person(timezone="Pacific/Apia"),)
    lived = life(far, with_plays(quiet, transitions=()), START)
    lived.live([event("signed_up"), event("login", FRIDAY - DAY)], FRIDAY + 9 * DAY)
    assert [each.reason for each in lived.decisions] == [DecisionReason.DUE]
    zone = zone_of(lived.account, far[0], PLAYBOOK)
    (decision,) = lived.decisions
    assert business_time(FRIDAY - DAY, decision.due_at, WEEK, zone.tz) == 2 * DAY
