"""Durations, times of day and triggers as a person writes them: ``48h``, ``3 business days since login``, ``09:00``."""

import re
from dataclasses import dataclass
from datetime import time, timedelta

from orchestrator.core.periods import WEEKDAYS, Unit
from orchestrator.core.playbook import Again, Cadence, EveryWeek
from orchestrator.playbook.errors import did_you_mean

LONGEST = timedelta(days=3660)  # ten years: no rule reaches further

_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_SPAN = re.compile(
    r"(?P<amount>\d{1,6})\s*(?P<business>business\s+)?(?P<unit>m|h|d|w|minutes?|hours?|days?|weeks?)", re.ASCII
)
_SINCE = re.compile(r"(?P<span>.+?)\s+since\s+(?P<event>\S+)")
_UNTIL = re.compile(r"(?P<span>.+?)\s+until\s+(?P<name>\S+)")
_EVERY = re.compile(
    r"(?P<unit>week|month|quarter)(?:\s+on\s+(?P<on>[a-z]+|\d{1,2}))?(?:\s+until\s+day\s+(?P<day>\d{1,4}))?", re.ASCII
)
LATEST_DAY = 3660  # since the anchor
_OFTEN = re.compile(r"once\s+an?\s+(?P<period>day|week|month|quarter|year)", re.ASCII)
_PERIODS = {
    "day": Again(days=1),
    "week": Again(days=7),
    "month": Again(months=1),
    "quarter": Again(months=3),
    "year": Again(months=12),
}
_CLOCK = re.compile(r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)", re.ASCII)
PLAIN_SPAN = r"^\d{1,6} *(m|h|d|w|minutes?|hours?|days?|weeks?)$"  # as an editor is told of it
WORKING_SPAN = r"^\d{1,6} *(business +)?(m|h|minutes?|hours?)$"
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A duration, and whether only the account's working days count."""

    length: timedelta
    business: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """A duration counted from an event."""

    span: Span
    event: str
    offset: int  # where the event's name begins in the text


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """A duration counted back from an instant."""

    lead: timedelta
    trait: str
    offset: int  # where the trait's name begins in the text


def span(text: object) -> Span:
    """A duration such as ``30m``, ``48h``, ``3d``, ``2w``, ``2 business days``, ``48 business hours``.

    Raises:
        ValueError: it is none, or is longer than ten years.
    """
    found = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"expected a duration such as 30m, 48h, 3d or 2w, got {text!r}")
    length = int(found["amount"]) * _UNITS[found["unit"][0]]
    if length > LONGEST:
        raise ValueError(f"expected a duration of ten years at most, got {text!r}")
    return Span(length=length, business=found["business"] is not None)


def written(length: timedelta) -> str:
    """A duration as a person writes it, in the largest unit that holds it whole: ``2d``, ``36h``, ``90m``."""
    unit = next(unit for unit in ("d", "h", "m") if not length % _UNITS[unit])
    return f"{length // _UNITS[unit]}{unit}"


def plain_span(text: object) -> timedelta:
    """A duration in which every day counts.

    Raises:
        ValueError: it is none, or counts business time.
    """
    found = span(text)
    if found.business:
        raise ValueError(
            f"business time counts in `after` and `silent` only; write this in plain hours or days: {text!r}"
        )
    return found.length


def working_span(text: str) -> Span:
    """A duration in which business hours are hours of the vendor's working time: ``16 business hours``.

    Raises:
        ValueError: it is none, or counts business days: how long is a working day?
    """
    found = _SPAN.fullmatch(text.strip())
    if found is not None and found["business"] is not None and found["unit"][0] in {"d", "w"}:
        raise ValueError(f"write your own working time in business hours, as `working` counts them; got {text!r}")
    return span(text)


def working_time(text: object) -> timedelta:
    """A duration of the vendor's working time, where no other could be meant: ``8h``, ``16 business hours``.

    Raises:
        ValueError: it is none, or counts days: two of them would be 48 hours of work, six days from nine to five.
    """
    length = span(text).length
    if not re.fullmatch(WORKING_SPAN, str(text).strip(), re.ASCII):
        raise ValueError(f"this counts your working time, as `working` says: write it in hours, got {text!r}")
    return length


def since(text: str) -> Since:
    """``48 business hours since signed_up``.

    Raises:
        ValueError: it is not of that form.
    """
    found = _SINCE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected a duration and an event such as `48h since signed_up`, got {text!r}")
    lead = len(text) - len(text.lstrip())
    return Since(span=span(found["span"]), event=found["event"], offset=lead + found.start("event"))


def until(text: str) -> Until:
    """``60d until renewal_at``.

    Raises:
        ValueError: it is not of that form, or counts business time.
    """
    found = _UNTIL.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected a duration and a trait such as `60d until renewal_at`, got {text!r}")
    lead = len(text) - len(text.lstrip())
    return Until(lead=plain_span(found["span"]), trait=found["name"], offset=lead + found.start("name"))


def days(said: object) -> int | tuple[int, ...] | None:
    """A day, ``7``, or several in rising order, ``[7, 14, 21]``.

    Raises:
        ValueError: it is neither, or no day of the first ten years.
    """
    if said is None or not isinstance(said, list):
        return None if said is None else _day(said)
    found = tuple(_day(each) for each in said)
    if not found:
        raise ValueError("expected a day or a list of days, got a list of 0")
    if list(found) != sorted(set(found)):
        raise ValueError(f"expected each day once and in order, got {said}")
    return found


def _day(said: object) -> int:
    if isinstance(said, bool) or not isinstance(said, int):
        raise ValueError(f"expected a whole number, got {said!r}")  # noqa: TRY004 -- what a validator raises
    if said < 0:
        raise ValueError(f"expected a number of at least 0, got {said}")
    if said > LATEST_DAY:
        raise ValueError(f"expected a number of at most {LATEST_DAY}, got {said}")
    return said


def cadence(text: str) -> Cadence | EveryWeek:
    """``week on monday``, ``month on 15 until day 365``, ``quarter``; ``week until day 30`` is the week of figures.

    Raises:
        ValueError: it is not of that form.
    """
    found = _EVERY.fullmatch(text.strip())
    if found is None or (found["unit"] == "week" and not (found["on"] or found["day"])):
        raise ValueError(
            "expected `week on monday`, `month`, `month on 15`, `quarter` (each with `until day 90` if you like)"
            f" or `week until day 30`, got {text!r}"
        )
    unit, last = Unit(found["unit"]), None if found["day"] is None else int(found["day"])
    if unit is not Unit.WEEK:
        return Cadence(unit=unit, on=_day_of_month(found["on"] or "1"), until_day=last)
    if found["on"] is None:
        return EveryWeek(until_day=last or 0)
    return Cadence(unit=unit, on=_weekday(found["on"]), until_day=last)


def _day_of_month(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 31:  # noqa: PLR2004 -- the days of a month
        raise ValueError(f"expected a day of the month, 1 to 31 (31 is its last day, whichever that is), got {text!r}")
    return int(text)


def _weekday(text: str) -> int:
    for number, day in enumerate(WEEKDAYS):
        if text in {day, day[:3]}:
            return number
    raise ValueError(f"expected a weekday such as monday, got {text!r}{did_you_mean(text, WEEKDAYS)}")


def again(text: str) -> Again:
    """``never``, ``30d`` (local days), ``once a month`` (from the 15th to the 15th).

    Raises:
        ValueError: it is none, or no whole number of days.
    """
    said, often = text.strip(), _OFTEN.fullmatch(text.strip())
    if said == "never":
        return Again()
    if often is not None:
        return _PERIODS[often["period"]]
    wanted = f"expected `never`, days such as `30d`, or `once a week` (day, month, quarter, year), got {text!r}"
    try:
        length = plain_span(said)
    except ValueError as error:
        raise ValueError(wanted) from error
    if not length or length % timedelta(days=1):
        raise ValueError(wanted)
    return Again(days=length.days)


def clock(text: object) -> time:
    """A time of day, ``09:00`` to ``23:59``.

    Raises:
        ValueError: it is none.
    """
    found = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'expected a time of day such as "09:00", got {text!r}')
    return time(int(found["hour"]), int(found["minute"]))


def closing(text: object) -> time | None:
    """A time of day at which something closes; None for ``24:00``, the end of the day.

    Raises:
        ValueError: it is none.
    """
    return None if text == "24:00" else clock(text)


def yes_no_or_text(written: object) -> object:
    """``true``, ``false``, or the text of a condition.

    Raises:
        ValueError: it is none of them.
    """
    if not isinstance(written, bool | str):
        raise ValueError(f"expected true, false or a condition, got {written!r}")  # noqa: TRY004 -- what pydantic takes
    return written
