"""When plays come due: the next episode of each trigger, derived from facts and ledger, never stored.

| trigger   | episode                                   | due                                                      |
|-----------|-------------------------------------------|----------------------------------------------------------|
| OnDay     | once                                      | the local day n after the anchor; day 0: the anchor      |
| After     | once                                      | the first time it happened + the delay                   |
| Silent    | the instant from which silence is counted | the last time it happened (or the anchor) + the period   |
| Reached   | once                                      | when the milestone was reached                           |
| Entered   | the life of the stage (its entry)         | when the stage was entered                               |
| EveryWeek | the week (its Monday 00:00 UTC)           | that Monday, from the first after the anchor             |

A policy's ``at`` moves a due instant to that time of the local day.
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from orchestrator.core import calendars, policy
from orchestrator.core.account import Account
from orchestrator.core.calendars import DAY, Hours
from orchestrator.core.conditions import monday_after
from orchestrator.core.people import Person
from orchestrator.core.playbook import After, Entered, EveryWeek, OnDay, Play, Playbook, Reached, Silent, Trigger

ONCE = "once"
WEEKENDS = {
    "sat_sun": frozenset({5, 6}),
    "fri_sat": frozenset({4, 5}),
    "sun": frozenset({6}),
    "none": frozenset[int](),
}  # what the trait ``weekend`` may say


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A time zone with the rung of the ladder that named it."""

    tz: ZoneInfo
    named_by: str  # person, account or playbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An episode of a play that is not decided yet."""

    play: Play
    episode: str
    at: datetime


def zone_of(account: Account, person: Person | None, playbook: Playbook) -> Zone:
    """The zone that local times are read in: the person's, else the account's, else the playbook's."""
    trait = account.facts.traits.get("timezone")
    rungs = (
        ("person", person.trait("timezone") if person else None),
        ("account", trait.value if trait is not None else None),
    )
    for named_by, name in rungs:
        tz = calendars.zone(name) if isinstance(name, str) else None
        if tz is not None:
            return Zone(tz=tz, named_by=named_by)
    return Zone(tz=ZoneInfo(playbook.timezone), named_by="playbook")


def anchor_of(account: Account, playbook: Playbook) -> datetime | None:
    """The start of the day count: frozen once a day play was decided, else the first event of the anchor's name."""
    if account.anchor is not None:
        return account.anchor
    fact = account.facts.events.get(playbook.anchor)
    return fact.first if fact else None


def next_due(play: Play, account: Account, zone: Zone, playbook: Playbook) -> Due | None:
    """The next undecided episode of a play; None when facts do not call for one."""
    if _decided(play, ONCE, account):
        return None
    found = _episode(play, account, zone, playbook)
    if found is None or _decided(play, found[0], account):
        return None
    episode, base = found
    return Due(play=play, episode=episode, at=_at(play, base, zone.tz))


def broken(play: Play, account: Account, zone: Zone, playbook: Playbook) -> Due | None:
    """The silence that a waiting play came due for, when it is no longer the one that counts; else None."""
    waiting = account.waiting.get(play.name)
    if waiting is None or not isinstance(play.trigger, Silent) or _decided(play, waiting.episode, account):
        return None
    found = _episode(play, account, zone, playbook)
    if found is not None and found[0] == waiting.episode:
        return None
    base = _later(datetime.fromisoformat(waiting.episode), play.trigger, account, zone.tz, playbook)
    return Due(play=play, episode=waiting.episode, at=_at(play, base, zone.tz))


def _decided(play: Play, episode: str, account: Account) -> bool:
    entry = account.ledger.get(play.name)
    return entry is not None and entry.episode >= episode


def _at(play: Play, base: datetime, tz: ZoneInfo) -> datetime:
    if play.policy.at is None or isinstance(play.trigger, OnDay):
        return base  # OnDay has read ``at`` already: it means that day, not the first such time after an instant
    return calendars.at_or_after(base, play.policy.at, tz)


def _episode(play: Play, account: Account, zone: Zone, playbook: Playbook) -> tuple[str, datetime] | None:
    anchor = anchor_of(account, playbook)
    match play.trigger:
        case OnDay() as trigger:
            return None if anchor is None else (ONCE, _day(trigger, play, anchor, zone.tz))
        case After() as trigger:
            fact = account.facts.events.get(trigger.since)
            return None if fact is None else (ONCE, _later(fact.first, trigger, account, zone.tz, playbook))
        case Silent() as trigger:
            return _silence(trigger, account, anchor, zone.tz, playbook)
        case Reached() as trigger:
            reached = account.milestones.get(trigger.milestone)
            return None if reached is None else (ONCE, reached)
        case Entered() as trigger:
            entered = account.stage_entered_at
            return (entered.isoformat(), entered) if account.stage == trigger.stage else None
        case EveryWeek() as trigger:
            return _week(trigger, play, account, anchor)
        case _ as unreachable:
            assert_never(unreachable)


def _day(trigger: OnDay, play: Play, anchor: datetime, tz: ZoneInfo) -> datetime:
    day = calendars.local_day(anchor, tz) + timedelta(days=trigger.day)
    wall = play.policy.at
    if wall is None:
        wall = anchor.astimezone(tz).time()
    return max(anchor, calendars.at_local(day, wall, tz))


def _later(base: datetime, trigger: After | Silent, account: Account, tz: ZoneInfo, playbook: Playbook) -> datetime:
    span = trigger.delay if isinstance(trigger, After) else trigger.period
    if not trigger.business:
        return base + span
    return calendars.add_business_time(base, span, working_days(account, policy.uncounted(account, playbook)), tz)


def working_days(account: Account, closed: Container[date] = frozenset[date]()) -> Hours:
    """The days that count for an account's silence: all but its weekend (trait ``weekend``; sat_sun when not said).

    ``closed`` are its holidays, if the playbook leaves them out (``policy.uncounted``).
    """
    trait = account.facts.traits.get("weekend")
    weekend = WEEKENDS.get(str(trait.value) if trait else "sat_sun", WEEKENDS["sat_sun"])
    return Hours(weekdays=frozenset(range(7)) - weekend, closed=closed)


def _silence(
    trigger: Silent, account: Account, anchor: datetime | None, tz: ZoneInfo, playbook: Playbook
) -> tuple[str, datetime] | None:
    fact = account.facts.events.get(trigger.since)
    instants = [at for at in (fact.last if fact else None, anchor) if at is not None]
    if not instants:
        return None
    base = max(instants)
    return base.isoformat(), _later(base, trigger, account, tz, playbook)


def _week(trigger: EveryWeek, play: Play, account: Account, anchor: datetime | None) -> tuple[str, datetime] | None:
    if anchor is None:
        return None
    entry = account.ledger.get(play.name)
    monday = monday_after(anchor) if entry is None else monday_after(_monday(entry.episode))
    return (monday.date().isoformat(), monday) if monday - anchor <= trigger.until_day * DAY else None


def _monday(episode: str) -> datetime:
    return datetime.combine(date.fromisoformat(episode), datetime.min.time(), tzinfo=UTC)


def told(trigger: Trigger) -> str:
    """A trigger as a sentence."""
    match trigger:
        case OnDay():
            return f"day {trigger.day} after the anchor"
        case After():
            return f"{_span(trigger.delay, business=trigger.business)} after the first {trigger.since}"
        case Silent():
            return f"no {trigger.since} for {_span(trigger.period, business=trigger.business)}"
        case Reached():
            return f"milestone {trigger.milestone} reached"
        case Entered():
            return f"stage {trigger.stage} entered"
        case EveryWeek():
            return f"every week until day {trigger.until_day}"
        case _ as unreachable:
            assert_never(unreachable)


def _span(span: timedelta, *, business: bool) -> str:
    days, rest = divmod(span, DAY)
    amount = f"{days} days" if not rest and span > 2 * DAY else f"{span / timedelta(hours=1):g} hours"
    return f"{amount} of working days" if business else amount
