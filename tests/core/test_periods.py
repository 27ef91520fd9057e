"""Calendar periods: where they begin, what follows, and their names."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.periods import Unit, beginning, day_within, following, label, labelled, months_later

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
UNITS = st.sampled_from(Unit)
ONE_DAY = timedelta(days=1)


@given(UNITS, DAYS)
def test_every_day_lies_in_one_period(unit: Unit, day: date) -> None:
    """Periods follow one another without gap: the day before the next one's beginning is still of this one."""
    start, after = beginning(unit, day), following(unit, day)
    assert start <= day < after
    assert beginning(unit, after) == after
    assert beginning(unit, after - ONE_DAY) == start


@given(UNITS, DAYS, DAYS)
def test_later_periods_have_later_names(unit: Unit, one: date, other: date) -> None:
    """Names sort as their periods do, and lead back to them."""
    starts = beginning(unit, one), beginning(unit, other)
    assert (label(unit, one) < label(unit, other)) is (starts[0] < starts[1])
    assert labelled(unit, label(unit, one)) == starts[0]


@pytest.mark.parametrize(
    ("unit", "day", "name"),
    [
        (Unit.WEEK, date(2026, 2, 15), "2026-W07"),
        (Unit.WEEK, date(2027, 1, 3), "2026-W53"),
        (Unit.MONTH, date(2026, 3, 31), "2026-03"),
        (Unit.QUARTER, date(2026, 3, 31), "2026-Q1"),
        (Unit.QUARTER, date(2026, 12, 31), "2026-Q4"),
    ],
)
def test_periods_have_names(unit: Unit, day: date, name: str) -> None:
    """Weeks are those of ISO 8601: the first days of January may be of last year's last week."""
    assert label(unit, day) == name


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("text", ["once", "day 0014", "2026-Q9", "2026-13", ""])
def test_what_is_no_name_leads_nowhere(unit: Unit, text: str) -> None:
    """The episode of another trigger is no period."""
    assert labelled(unit, text) is None


def test_a_month_may_be_too_short_for_its_day() -> None:
    """The 31st is the last day of a month that has fewer; of a quarter it is one of its first month."""
    assert day_within(Unit.MONTH, date(2026, 2, 1), 31) == date(2026, 2, 28)
    assert day_within(Unit.MONTH, date(2028, 2, 1), 30) == date(2028, 2, 29)
    assert day_within(Unit.MONTH, date(2026, 1, 1), 31) == date(2026, 1, 31)
    assert day_within(Unit.QUARTER, date(2026, 4, 1), 31) == date(2026, 4, 30)
    assert day_within(Unit.WEEK, date(2026, 3, 2), 4) == date(2026, 3, 6)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 2, 15), 1, date(2026, 3, 15)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_a_month_later_is_the_same_day(day: date, months: int, later: date) -> None:
    """Months are counted by the calendar, not by thirty days; a shorter month ends with its last day."""
    assert months_later(day, months) == later


def test_no_month_comes_after_the_calendar() -> None:
    """What leads beyond the calendar is an overflow, as with days."""
    with pytest.raises(OverflowError, match="beyond the calendar"):
        months_later(date(9999, 12, 1), 1)
