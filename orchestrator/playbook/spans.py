"""Durations, times of day and triggers as a person writes them: ``48h``, ``3 business days since login``, ``09:00``."""

import re
from dataclasses import dataclass
from datetime import time, timedelta

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
_EVERY = re.compile(r"week\s+until\s+day\s+(?P<day>\d{1,4})", re.ASCII)
_CLOCK = re.compile(r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)", re.ASCII)
PLAIN_SPAN = r"^\d{1,6} *(m|h|d|w|minutes?|hours?|days?|weeks?)$"  # as an editor is told of it
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


def until_day(text: str) -> int:
    """``week until day 30``: the day.

    Raises:
        ValueError: it is not of that form.
    """
    found = _EVERY.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected `week until day 30` or another day, got {text!r}")
    return int(found["day"])


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
