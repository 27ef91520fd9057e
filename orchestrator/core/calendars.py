"""Local time and business time.

Local anchors follow the wall clock: a time that a DST gap swallows becomes the first valid instant after it, and one
that an overlap shows twice is its first showing (``spec/semantics.md``, "DST / month ends"). Business time counts only
what lies inside a calendar's hours.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_FURTHEST = 3660  # days that a search may walk: no rule reaches ten years ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Which part of which weekdays counts: a send window, or working time."""

    weekdays: frozenset[int]  # 0 is Monday
    opens: time = time(0)
    closes: time | None = None  # None: the end of the day
    closed: Container[date] = frozenset[date]()  # holidays: local days that do not count, whatever their weekday

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """The opening and closing instants of a local day (UTC, half-open); None when it is closed all day."""
        if day.weekday() not in self.weekdays or day in self.closed:
            return None
        closes = at_local(day + DAY, time(0), zone) if self.closes is None else at_local(day, self.closes, zone)
        return at_local(day, self.opens, zone), closes


_NO_PLACES = ("localtime", "posixrules", "Factory", "posix/", "right/")  # files that lie beside the zones


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """The time zone of that IANA name; None when there is none (names are untrusted: paths are refused)."""
    if name.startswith(_NO_PLACES):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; a path is a ValueError or OSError
        return None


@lru_cache(maxsize=8192)  # the same local hours of the same days, for account after account
def at_local(day: date, wall: time, tz: ZoneInfo) -> datetime:
    """The UTC instant at which a local wall clock shows this time on this day."""
    naive = datetime.combine(day, wall.replace(fold=0))
    instant = naive.replace(tzinfo=tz).astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == naive:
        return instant
    return _after_gap(naive, tz)


def _after_gap(naive: datetime, tz: ZoneInfo) -> datetime:
    """The first valid instant after a gap: fold 1 reads the wall time with the offset that holds after it."""
    before = naive.replace(tzinfo=tz, fold=1).astimezone(UTC)
    after = naive.replace(tzinfo=tz, fold=0).astimezone(UTC)
    low, high = before, after  # the gap's end lies between the two readings
    offset = low.astimezone(tz).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(tz).utcoffset() == offset else (low, middle)
    return high.replace(microsecond=0)


def local_day(instant: datetime, tz: ZoneInfo) -> date:
    """The local date of an instant."""
    return instant.astimezone(tz).date()


def at_or_after(instant: datetime, wall: time, tz: ZoneInfo) -> datetime:
    """The first instant at or after this one at which the local wall clock shows this time."""
    today = at_local(local_day(instant, tz), wall, tz)
    return today if today >= instant else at_local(local_day(instant, tz) + DAY, wall, tz)


def next_opening(instant: datetime, hours: Hours, tz: ZoneInfo) -> datetime | None:
    """The first instant at or after this one inside these hours; None when they never open."""
    return next((max(instant, opens) for opens, _ in _spans(instant, hours, tz)), None)


def add_business_time(start: datetime, span: timedelta, hours: Hours, tz: ZoneInfo) -> datetime:
    """The instant at which ``span`` of open time has passed since ``start``.

    Raises:
        ValueError: these hours hold too little open time within ten years.
    """
    left = span
    for opens, closes in _spans(start, hours, tz):
        begin = max(start, opens)
        if left <= closes - begin:
            return begin + left
        left -= closes - begin
    msg = f"less than {span} of open time in the ten years after {start.isoformat()}"
    raise ValueError(msg)


def business_time(start: datetime, end: datetime, hours: Hours, tz: ZoneInfo) -> timedelta:
    """The open time between two instants; none when the end is not later. Counts ten years at most."""
    total = timedelta(0)
    for opens, closes in _spans(start, hours, tz) if start < end else ():
        if opens >= end:
            break
        total += min(closes, end) - max(opens, start)
    return total


def _spans(start: datetime, hours: Hours, tz: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The open spans that end after ``start``, in order."""
    first = local_day(start, tz) - DAY  # a zone's day may have begun before
    for number in range(_FURTHEST):
        span = hours.on(first + number * DAY, tz)
        if span is not None and span[1] > max(start, span[0]):  # a gap may swallow all of it
            yield span
