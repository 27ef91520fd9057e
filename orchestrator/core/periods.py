"""Calendar periods of local days: which week, month or quarter a day lies in, what comes next, how they are called."""

import calendar
from datetime import date, timedelta
from enum import StrEnum, unique

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@unique
class Unit(StrEnum):
    """A calendar period."""

    WEEK = "week"  # Monday to Sunday
    MONTH = "month"
    QUARTER = "quarter"  # January to March, and so on


_LENGTHS = {Unit.WEEK: 7, Unit.MONTH: 31, Unit.QUARTER: 92}  # days that surely lead from a beginning into the next


def beginning(unit: Unit, day: date) -> date:
    """The first day of the period that holds a day."""
    if unit is Unit.WEEK:
        return day - timedelta(days=day.weekday())
    month = day.month if unit is Unit.MONTH else 3 * ((day.month - 1) // 3) + 1
    return date(day.year, month, 1)


def following(unit: Unit, day: date) -> date:
    """The first day of the period after the one that holds a day.

    Raises:
        OverflowError: the calendar ends before.
    """
    return beginning(unit, beginning(unit, day) + timedelta(days=_LENGTHS[unit]))


def day_within(unit: Unit, start: date, number: int) -> date:
    """A period's day by its number: of a week from 0 (Monday), else of its first month from 1, its last at most."""
    if unit is Unit.WEEK:
        return start + timedelta(days=number)
    return min(start + timedelta(days=number - 1), following(Unit.MONTH, start) - timedelta(days=1))


def label(unit: Unit, day: date) -> str:
    """The name of the period that holds a day: ``2026-W07``, ``2026-03``, ``2026-Q1``; later ones sort later."""
    if unit is Unit.WEEK:
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    return f"{day.year:04}-{day.month:02}" if unit is Unit.MONTH else f"{day.year:04}-Q{(day.month + 2) // 3}"


def labelled(unit: Unit, text: str) -> date | None:
    """The first day of the period of that name; None when it is no such name."""
    try:
        if unit is Unit.QUARTER:
            year, _, number = text.partition("-Q")
            return date(int(year), 3 * int(number) - 2, 1)
        return beginning(unit, date.fromisoformat(text if unit is Unit.WEEK else f"{text}-01"))
    except ValueError:
        return None


def months_later(day: date, months: int) -> date:
    """The same day of a later month, its last day where it has fewer.

    Raises:
        OverflowError: the calendar ends before.
    """
    years, month = divmod(day.month - 1 + months, 12)
    if day.year + years > date.max.year:
        msg = f"{months} months after {day} lie beyond the calendar"
        raise OverflowError(msg)
    last = calendar.monthrange(day.year + years, month + 1)[1]
    return date(day.year + years, month + 1, min(day.day, last))
