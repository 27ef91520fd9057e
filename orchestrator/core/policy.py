"""Policy: when a play that writes may act. Openings of the window, quiet hours, holidays.

An opening is an instant inside the play's window (its own, else the playbook's), outside the playbook's quiet hours,
and, if the playbook keeps to holidays, on no holiday of the account's country: all on the recipient's wall clock
(``spec/semantics.md``, "Quiet hours", "DST / month ends"). A country that nobody named, or that the list does not know,
has no holidays.
"""

from collections.abc import Container, Iterator
from dataclasses import replace
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from orchestrator.core import calendars
from orchestrator.core.account import Account
from orchestrator.core.calendars import Hours
from orchestrator.core.playbook import Play, Playbook, Quiet

_EVERY_DAY: Container[date] = frozenset()
_MIDNIGHT = time(0)
_MINUTE = 60  # seconds
_DAY = 24 * 60 * _MINUTE  # seconds


def next_opening(instant: datetime, play: Play, account: Account, tz: ZoneInfo, playbook: Playbook) -> datetime | None:
    """The first instant at or after this one at which a mail of this play may leave; None when there is none."""
    keeps = playbook.holidays is not None and playbook.holidays.send
    closed = holidays_of(account, playbook) if keeps else _EVERY_DAY
    found = (
        calendars.next_opening(instant, replace(hours, closed=closed) if keeps else hours, tz)
        for hours in window_of(play, playbook)
    )
    return min((opens for opens in found if opens is not None), default=None)


def window_of(play: Play, playbook: Playbook) -> tuple[Hours, ...]:
    """The hours in which mail of a play may leave: its window without the quiet hours."""
    window = play.policy.window or playbook.window
    return (window,) if playbook.quiet is None else without(window, playbook.quiet)


@lru_cache(maxsize=1024)  # a few windows a playbook, asked for by every account
def without(hours: Hours, quiet: Quiet) -> tuple[Hours, ...]:
    """What quiet hours leave of some hours: none, one or two parts, in order."""
    opens, closes = _second(hours.opens), _last_second(hours.closes)
    parts = []
    for begins, ends in _loud(quiet):
        low, high = max(opens, begins), min(closes, ends)
        if low < high:
            parts.append(replace(hours, opens=_clock(low) or _MIDNIGHT, closes=_clock(high)))
    return tuple(parts)


def _loud(quiet: Quiet) -> Iterator[tuple[int, int]]:
    """The spans of a day that are not quiet, in seconds of the wall clock."""
    begins, ends = _second(quiet.begins), _second(quiet.ends)
    if begins < ends:
        yield from ((0, begins), (ends, _DAY))
    else:  # they pass midnight, or end with the day
        yield ends, begins


def _second(wall: time) -> int:
    return (wall.hour * 60 + wall.minute) * _MINUTE + wall.second


def _last_second(closes: time | None) -> int:
    return _DAY if closes is None else _second(closes)


def _clock(second: int) -> time | None:
    """The wall clock at that second of the day; None at its end."""
    return None if second == _DAY else time(second // 3600, second // _MINUTE % 60, second % _MINUTE)


def holidays_of(account: Account, playbook: Playbook) -> Container[date]:
    """The holidays of the account's country, as its trait ``country`` names it; none when nobody knows them."""
    said = account.facts.traits.get("country")
    rule = playbook.vocabulary.traits.get("country")
    country = said.value if said is not None else rule.default if rule is not None else None
    if playbook.holidays is None or not isinstance(country, str):
        return _EVERY_DAY
    return playbook.holidays.dates.get(country, _EVERY_DAY)


def uncounted(account: Account, playbook: Playbook) -> Container[date]:
    """The holidays that a silence or a delay in working days leaves out."""
    keeps = playbook.holidays is not None and playbook.holidays.silence
    return holidays_of(account, playbook) if keeps else _EVERY_DAY
