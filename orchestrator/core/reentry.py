"""Re-entry: how soon a play may do again what it did, counted in local days.

Days, not hours: what goes out daily at 09:00 is not lost because yesterday's left at 09:30, and from 15 February to 15
March it is a month (``spec/semantics.md``, "Re-entry").
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from orchestrator.core.account import Account, Outcome
from orchestrator.core.calendars import local_day
from orchestrator.core.periods import months_later
from orchestrator.core.playbook import Again, Play


def too_soon(play: Play, account: Account, at: datetime, tz: ZoneInfo) -> bool:
    """Whether an instant is too soon for a play to do again what it did last."""
    again = play.policy.again
    last = None if again is None else last_done(play.name, account)
    if again is None or last is None:
        return False
    return again.never or local_day(at, tz) < _first_day(again, last, tz)


def _first_day(again: Again, last: datetime, tz: ZoneInfo) -> date:
    return months_later(local_day(last, tz), again.months) + timedelta(days=again.days)


def last_done(play: str, account: Account) -> datetime | None:
    """When a play last did something, as far as it is remembered: always where its policy has an ``again``."""
    entry = account.ledger.get(play)
    if entry is not None and entry.outcome is Outcome.DONE:
        return max(entry.decided_at, account.done.get(play, entry.decided_at))
    return account.done.get(play)
