"""Local time and business time, where clocks jump and where calendars skip."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.calendars import (
    DAY,
    Hours,
    add_business_time,
    at_local,
    at_or_after,
    local_day,
    next_opening,
    zone,
)

HOUR = timedelta(hours=1)
PLACES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(weekdays=frozenset(range(5)), opens=time(9), closes=time(17))
days = st.dates(date(2000, 1, 1), date(2035, 1, 1))
zones = st.sampled_from(PLACES).map(ZoneInfo)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- UTC is added


def wall(instant: datetime, place: str) -> str:
    """What a clock there shows."""
    return instant.astimezone(ZoneInfo(place)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("place", "day", "clock", "shown"),
    [
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29 03:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(2), "2026-03-29 03:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(3), "2026-03-29 03:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(1, 59), "2026-03-29 01:59"),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 10), "2026-10-04 02:30"),
        ("Pacific/Apia", date(2011, 12, 30), time(9), "2011-12-31 00:00"),
        ("America/Sao_Paulo", date(2018, 11, 4), time(0), "2018-11-04 01:00"),
        ("Pacific/Kiritimati", date(2026, 1, 1), time(9), "2026-01-01 09:00"),
        ("Asia/Kathmandu", date(2026, 1, 1), time(9), "2026-01-01 09:00"),
    ],
)
def test_a_time_in_a_gap_becomes_the_first_valid_instant_after_it(
    place: str, day: date, clock: time, shown: str
) -> None:
    """What a jump of the clocks swallows is moved to the jump's end; all else is what the clock shows."""
    assert wall(at_local(day, clock, ZoneInfo(place)), place) == shown


def test_offsets_that_are_no_full_hours() -> None:
    """Nepal is 5:45 ahead, Kiritimati 14 hours."""
    assert at_local(date(2026, 1, 1), time(9), ZoneInfo("Asia/Kathmandu")) == datetime(2026, 1, 1, 3, 15, tzinfo=UTC)
    assert at_local(date(2026, 1, 1), time(9), ZoneInfo("Pacific/Kiritimati")) == datetime(2025, 12, 31, 19, tzinfo=UTC)


@pytest.mark.parametrize("fold", [0, 1])
def test_a_time_that_is_shown_twice_is_its_first_showing(fold: int) -> None:
    """When the clocks go back, the first showing counts, whatever ``fold`` the wall time carries."""
    clock = time(2, 30, fold=fold)
    assert at_local(date(2026, 10, 25), clock, BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    half_hour = at_local(date(2026, 4, 5), time(1, 45, fold=fold), ZoneInfo("Australia/Lord_Howe"))
    assert half_hour == datetime(2026, 4, 4, 14, 45, tzinfo=UTC)


@given(days, st.times(), zones)
def test_a_local_time_is_shown_or_lies_at_the_end_of_a_gap(day: date, clock: time, tz: ZoneInfo) -> None:
    """The clock shows that time then, or it jumped over it at that very instant."""
    instant = at_local(day, clock, tz)
    shown = instant.astimezone(tz).replace(tzinfo=None)
    before = (instant - timedelta(microseconds=1)).astimezone(tz).replace(tzinfo=None)
    naive = datetime.combine(day, clock)
    assert instant.utcoffset() == timedelta(0)
    assert shown == naive or before < naive < shown


@given(moments, st.times(), zones)
def test_the_next_showing_is_never_before(instant: datetime, clock: time, tz: ZoneInfo) -> None:
    """``at_or_after`` is at most a skipped day away, never earlier, and it rests."""
    found = at_or_after(instant, clock, tz)
    assert instant <= found <= instant + 2 * DAY
    assert found == at_local(local_day(found, tz), clock, tz) or found.astimezone(tz).time() != clock


def test_the_next_showing_is_today_when_it_is_still_to_come() -> None:
    """At the instant itself it is now; a moment later it is tomorrow."""
    nine = at_local(date(2026, 3, 2), time(9), BERLIN)
    assert at_or_after(nine, time(9), BERLIN) == nine
    assert at_or_after(nine + timedelta(microseconds=1), time(9), BERLIN) == nine + DAY


def test_business_time_counts_open_hours_only() -> None:
    """Friday 16:00 and two hours is Monday 10:00; what starts on a closed day starts at its next opening."""
    friday = at_local(date(2026, 3, 6), time(16), BERLIN)
    assert wall(add_business_time(friday, 2 * HOUR, OFFICE, BERLIN), "Europe/Berlin") == "2026-03-09 10:00"
    assert wall(add_business_time(friday + DAY, 2 * HOUR, OFFICE, BERLIN), "Europe/Berlin") == "2026-03-09 11:00"
    assert add_business_time(friday, HOUR, OFFICE, BERLIN) == friday + HOUR
    assert add_business_time(friday, timedelta(0), OFFICE, BERLIN) == friday


def test_a_working_day_is_as_long_as_the_clock_makes_it() -> None:
    """Over the change of clocks, whole days of open time are counted as they are: 23 hours on that Sunday."""
    every_day = Hours(weekdays=frozenset(range(7)))
    saturday = at_local(date(2026, 3, 28), time(0), BERLIN)
    assert add_business_time(saturday, 47 * HOUR, every_day, BERLIN) == at_local(date(2026, 3, 30), time(0), BERLIN)


def test_too_little_open_time_is_an_error() -> None:
    """Hours that never open hold no business time."""
    with pytest.raises(ValueError, match="open time"):
        add_business_time(datetime(2026, 1, 1, tzinfo=UTC), HOUR, Hours(weekdays=frozenset()), BERLIN)


@given(moments, st.timedeltas(timedelta(0), timedelta(days=5)), st.timedeltas(timedelta(0), timedelta(days=5)), zones)
def test_business_time_adds_up(start: datetime, first: timedelta, second: timedelta, tz: ZoneInfo) -> None:
    """Two spans one after the other end where their sum ends, inside or at the edge of open hours."""
    halfway = add_business_time(start, first, OFFICE, tz)
    assert add_business_time(halfway, second, OFFICE, tz) >= halfway
    end = add_business_time(start, first + second, OFFICE, tz)
    assert next_opening(add_business_time(halfway, second, OFFICE, tz), OFFICE, tz) == next_opening(end, OFFICE, tz)


@given(moments, zones)
def test_an_opening_lies_inside_the_hours(instant: datetime, tz: ZoneInfo) -> None:
    """The next opening is now when it is open, else the first open instant."""
    opening = next_opening(instant, OFFICE, tz)
    assert opening is not None
    local = opening.astimezone(tz)
    assert local.weekday() < 5
    assert time(9) <= local.time() < time(17)
    assert opening == instant or (local.hour, local.minute) == (9, 0)


def test_openings() -> None:
    """The closing instant is closed; hours that never open have no opening."""
    monday = at_local(date(2026, 3, 2), time(9), BERLIN)
    assert next_opening(monday - HOUR, OFFICE, BERLIN) == monday
    assert next_opening(monday + HOUR, OFFICE, BERLIN) == monday + HOUR
    assert next_opening(monday + 8 * HOUR, OFFICE, BERLIN) == monday + DAY
    assert next_opening(monday, Hours(weekdays=frozenset()), BERLIN) is None


def test_hours_that_a_gap_swallows_do_not_open() -> None:
    """A day that a calendar skips, and an hour that the clock jumps over, have no opening."""
    apia = ZoneInfo("Pacific/Apia")
    thursday = at_local(date(2011, 12, 29), time(18), apia)
    assert wall(next_opening(thursday, OFFICE, apia) or thursday, "Pacific/Apia") == "2012-01-02 09:00"
    small = Hours(weekdays=frozenset({6}), opens=time(2), closes=time(2, 45))
    sunday = next_opening(datetime(2026, 3, 28, tzinfo=UTC), small, BERLIN)
    assert sunday is not None
    assert wall(sunday, "Europe/Berlin") == "2026-04-05 02:00"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Nowhere/Atlantis",
        "../../etc/passwd",
        "/etc/passwd",
        "Europe",
        "a\x00b",
        "x" * 5000,
        "�",
        "localtime",
        "right/Europe/Berlin",
        "posix/UTC",
        "posixrules",
        "Factory",
    ],
)
def test_a_name_that_is_no_place_is_no_zone(name: str) -> None:
    """Names are untrusted: paths, nonsense, and the machine's own zone are refused."""
    assert zone(name) is None


def test_a_place_is_a_zone() -> None:
    """An IANA name finds its zone."""
    assert zone("Asia/Kathmandu") == ZoneInfo("Asia/Kathmandu")
