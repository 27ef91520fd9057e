"""Moments of a scenario as a person writes them, on the account's own calendar.

| written                     | as the time of an event                   | as the time of an expectation     |
|-----------------------------|-------------------------------------------|-----------------------------------|
| ``day 3``                   | that local day at the anchor's wall clock | any time of that local day        |
| ``day 3 09:00``             | that local time                           | that minute                       |
| ``2026-03-05 09:00``        | that local time                           | that minute                       |
| ``2026-03-05T08:00:00Z``    | that instant                              | that minute                       |
| ``+2h``                     | that long after the event before it       | not here                          |

Day 0 is the local day of the anchor, ``day -1`` the one before it; in a playbook with ``first_day: 1`` they are day 1
and day 0. Whole days follow the calendar: a day with a change
of the clocks is one day.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from orchestrator.core.calendars import DAY, at_local, local_day
from orchestrator.playbook import spans

MINUTE = timedelta(minutes=1)
FURTHEST = 3660  # days from the anchor: no rule reaches further
_DAY = re.compile(r"day\s+(?P<number>-?\d{1,4})(?:\s+(?P<clock>\S+))?", re.ASCII)
_LATER = re.compile(r"\+\s*(?P<span>.+)")
_EXPECTED = "expected `day 3`, `day 3 09:00`, `+2h` or an instant such as `2026-03-05 09:00`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time of a scenario: an instant, and the span that an expectation means by it."""

    at: datetime  # aware UTC: when an event at this moment happens
    begins: datetime  # of the span that is meant
    ends: datetime  # its end, not within it
    text: str  # as written


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Where the days of a scenario are counted from, and by whose clock."""

    anchor: datetime  # aware UTC
    zone: ZoneInfo
    first_day: int = 0  # what the playbook calls the anchor's own day

    def day(self, number: int, wall: time | None = None) -> datetime:
        """The instant of a local day: at the wall clock that is given, else at the anchor's."""
        local = self.anchor.astimezone(self.zone)
        clock = local.time() if wall is None else wall
        return (
            self.anchor if (number, wall) == (self.first_day, None) else at_local(self.date(number), clock, self.zone)
        )

    def date(self, number: int) -> date:
        """The local date of a day."""
        return local_day(self.anchor, self.zone) + (number - self.first_day) * DAY

    def moment(self, text: str, before: datetime | None = None) -> Moment:
        """The moment that is written; ``before`` is what ``+2h`` counts from, None where it may not stand.

        Raises:
            ValueError: it is none.
        """
        later = _LATER.fullmatch(text.strip())
        if later is not None:
            return self._later(text, spans.plain_span(later["span"]), before)
        found = _DAY.fullmatch(text.strip())
        return self._instant(text) if found is None else self._day(text, int(found["number"]), found["clock"])

    def _later(self, text: str, span: timedelta, before: datetime | None) -> Moment:
        if before is None:
            raise ValueError(f"`{text}` counts from the event before it: it can stand in `events` only")
        return _minute(before + span, text)

    def _day(self, text: str, number: int, clock: str | None) -> Moment:
        if abs(number) > FURTHEST:
            raise ValueError(f"expected a day within ten years, got `{text}`")
        if clock is not None:
            return _minute(self.day(number, spans.clock(clock)), text)
        begins, ends = (at_local(self.date(each), time(0), self.zone) for each in (number, number + 1))
        return Moment(at=self.day(number), begins=begins, ends=ends, text=text)

    def _instant(self, text: str) -> Moment:
        try:
            written = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ValueError(f"{_EXPECTED}, got {text!r}") from None
        if written.tzinfo is not None:
            return _minute(written.astimezone(UTC), text)
        return _minute(at_local(written.date(), written.time(), self.zone), text)

    def told(self, at: datetime) -> str:
        """An instant in the words of a scenario: ``day 3 Thu 09:00``."""
        local = at.astimezone(self.zone)
        number = (local.date() - self.date(0)).days
        return f"day {number} {_WEEKDAYS[local.weekday()]} {local:%H:%M:%S}".removesuffix(":00")

    def legend(self) -> str:
        """What a reader must know of it: ``day 0 is Mon 2026-03-02; times are of Europe/Berlin``."""
        first = self.date(self.first_day)
        return f"day {self.first_day} is {_WEEKDAYS[first.weekday()]} {first}; times are of {self.zone.key}"


def _minute(at: datetime, text: str) -> Moment:
    begins = at.replace(second=0, microsecond=0)
    return Moment(at=at, begins=begins, ends=begins + MINUTE, text=text)


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
