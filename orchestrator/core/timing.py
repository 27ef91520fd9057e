"""When plays come due: the next episode of each trigger, derived from facts and ledger, never stored.

| trigger   | episode                                   | due                                                      |
|-----------|-------------------------------------------|----------------------------------------------------------|
| OnDay     | once                                      | the local day n after the anchor; day 0: the anchor      |
| OnDays    | each day (``day 0014``)                   | as OnDay, the first that is not decided                  |
| Before    | the instant that the trait names          | that instant - the lead                                  |
| After     | once                                      | the first time it happened + the delay                   |
| Silent    | the instant from which silence is counted | the last time it happened (or the anchor) + the period   |
| Occurred  | the last time it happened                 | that instant                                             |
| Overdue   | once                                      | the first target of a milestone that is not reached      |
| Reached   | once                                      | when the milestone was reached                           |
| Entered   | the life of the stage (its entry)         | when the stage was entered                               |
| PhaseEntered | the turn of its note, and the onboarding | when that onboarding entered the phase                 |
| Stalled   | the life of the stage (its entry)         | the end of the stage's window in the account's segment   |
| EveryWeek | the week (its Monday 00:00 UTC)           | that Monday, from the first after the anchor             |
| Cadence   | the period (``2026-W07``, ``2026-Q1``)    | its local day, from the first after the anchor's day     |
| Holds     | the instant since which it holds          | that instant + the span, if it has held throughout       |
| Opened    | the instant at which the signal opened    | that instant + the delay, if it is still open            |
| Closed    | the instant at which the signal closed    | when it closed, until it opens again                     |

A stage's window counts from the anchor, and whoever enters late has the window's whole length: an account that came
into growth on day 25 of [7d, 30d) stalls 23 days later, one that was won back on day 200 has its seven days of
onboarding (``spec/rules.md`` 1.9 "Growth's clock" and "Onboarding length vs stage window").

A policy's ``at`` moves a due instant to that time of the local day. An episode that waits and is not called for any
more (the silence was broken, the date moved, the milestone was reached) is ``broken``.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

from orchestrator.core import calendars, periods, policy
from orchestrator.core.account import Account
from orchestrator.core.calendars import DAY, Hours
from orchestrator.core.conditions import monday_after
from orchestrator.core.people import Person
from orchestrator.core.periods import WEEKDAYS, Unit
from orchestrator.core.phases import episode_of
from orchestrator.core.playbook import (
    After,
    Before,
    Cadence,
    Closed,
    Entered,
    EveryWeek,
    Holds,
    Milestone,
    Occurred,
    OnDay,
    OnDays,
    Opened,
    Overdue,
    PhaseEntered,
    Play,
    Playbook,
    Reached,
    Silent,
    Stalled,
    Trigger,
)
from orchestrator.core.segments import window_of

ONCE = "once"
_OLDEST = datetime(1900, 1, 1, tzinfo=UTC)  # products write their nulls as dates before this,
_FARTHEST = datetime(9999, 1, 1, tzinfo=UTC)  # or after that: no day is counted from them
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


def unfinished(account: Account, playbook: Playbook) -> list[str]:
    """The plays that may still come due, as things stand: what starts them has come about, and none once only, before.

    In no order of its own.
    """
    starts, ledger = playbook.starts, account.ledger
    names = [
        *starts.freely,
        *starts.stage.get(account.stage, ()),
        *(name for name in account.edges if name in playbook.watched),
    ]
    for name, state in account.signals.items():
        names += (starts.opened if state.closed_at is None else starts.closed).get(name, ())
    for name in account.milestones.keys() & starts.milestone.keys():
        names += starts.milestone[name]
    if account.phases:
        names += starts.phase
    return [name for name in names if name not in ledger or ledger[name].episode < ONCE]


def next_due(play: Play, account: Account, zone: Zone, playbook: Playbook) -> Due | None:
    """The next undecided episode of a play; None when facts do not call for one."""
    entry = account.ledger.get(play.name)
    decided = "" if entry is None else entry.episode
    if decided >= ONCE:
        return None
    found = _episode(play, account, zone, playbook)
    if found is None or decided >= found[0]:
        return None
    episode, since = found
    base = _lapsed(play.trigger, since, account, zone.tz, playbook)
    return None if base is None else Due(play=play, episode=episode, at=_at(play, base, zone.tz))


def earliest(play: Play, account: Account, playbook: Playbook) -> datetime | None:
    """No instant that ``next_due`` gives in any zone is earlier; of the triggers that single events date, else None."""
    entry, trigger = account.ledger.get(play.name), play.trigger
    if entry is not None and entry.episode >= ONCE:
        return None
    anchor = anchor_of(account, playbook)
    match trigger:
        case After():
            fact = account.facts.events.get(trigger.since)
            found = None if fact is None else (ONCE, fact.first + trigger.delay)
        case Silent():
            since = _quiet_since(trigger, account, anchor)
            found = None if since is None else (since.isoformat(), since + trigger.period)
        case Occurred():
            fact = account.facts.events.get(trigger.event)
            found = None if fact is None else (fact.last.isoformat(), fact.last)
        case Overdue():
            found = _overdue(playbook.milestones[trigger.milestone], account, anchor)
        case _:
            found = None
    return None if found is None or (entry is not None and entry.episode >= found[0]) else found[1]


def broken(play: Play, account: Account, zone: Zone, playbook: Playbook) -> Due | None:
    """The episode that a waiting play came due for, when it is no longer the one that counts; else None."""
    waiting = account.waiting.get(play.name)
    base = None if waiting is None else _was_due(play.trigger, waiting.episode, account, zone, playbook)
    if waiting is None or base is None or _decided(play, waiting.episode, account):
        return None
    due = next_due(play, account, zone, playbook)
    if due is not None and due.episode == waiting.episode:
        return None
    return Due(play=play, episode=waiting.episode, at=_at(play, base, zone.tz))


def _was_due(trigger: Trigger, episode: str, account: Account, zone: Zone, playbook: Playbook) -> datetime | None:
    """When an episode that may pass came due; None where none ever passes."""
    match trigger:
        case Silent() | Holds() | Opened() | Closed():
            return _lapsed(trigger, datetime.fromisoformat(episode), account, zone.tz, playbook)
        case Before():
            return datetime.fromisoformat(episode) - trigger.lead
        case Occurred() | Stalled():
            return datetime.fromisoformat(episode)
        case Overdue():
            return _deadline(playbook.milestones[trigger.milestone], account, anchor_of(account, playbook))
        case _:
            return None


def _lapsed(trigger: Trigger, since: datetime, account: Account, tz: ZoneInfo, playbook: Playbook) -> datetime | None:
    """When a trigger comes due whose time counts from an instant; None: it never does."""
    match trigger:
        case After() | Silent():
            return _later(since, trigger, account, tz, playbook)
        case Holds():
            return since + trigger.span
        case Opened(business=True):
            return calendars.add_business_time(since, trigger.delay, playbook.working, ZoneInfo(playbook.timezone))
        case Opened():
            return since + trigger.delay
        case Stalled():
            return stalls_at(account, playbook)
        case _:
            return since


def _decided(play: Play, episode: str, account: Account) -> bool:
    entry = account.ledger.get(play.name)
    return entry is not None and entry.episode >= episode


def _at(play: Play, base: datetime, tz: ZoneInfo) -> datetime:
    if play.policy.at is None or isinstance(play.trigger, OnDay | OnDays | Cadence):
        return base  # they have read ``at`` already: it means that day, not the first such time after an instant
    return calendars.at_or_after(base, play.policy.at, tz)


def _episode(play: Play, account: Account, zone: Zone, playbook: Playbook) -> tuple[str, datetime] | None:
    """The episode that things call for, with the instant from which its time counts (``_lapsed``)."""
    anchor = anchor_of(account, playbook)
    match play.trigger:
        case Opened() | Closed() | Holds() as trigger:
            since = _lasts_since(trigger, play, account)
            return None if since is None else (since.isoformat(), since)
        case Cadence() as trigger:
            return None if anchor is None else _period(trigger, play, account, anchor, zone.tz)
        case OnDay() as trigger:
            return None if anchor is None else (ONCE, _day(trigger.day, play, anchor, zone.tz))
        case OnDays() as trigger:
            return None if anchor is None else _next_day(trigger, play, account, anchor, zone.tz)
        case Before() as trigger:
            return _before(trigger, play, account, playbook)
        case After() as trigger:
            fact = account.facts.events.get(trigger.since)
            return None if fact is None else (ONCE, fact.first)
        case Silent() as trigger:
            since = _quiet_since(trigger, account, anchor)
            return None if since is None else (since.isoformat(), since)
        case Occurred() as trigger:
            fact = account.facts.events.get(trigger.event)
            return None if fact is None else (fact.last.isoformat(), fact.last)
        case Overdue() as trigger:
            return _overdue(playbook.milestones[trigger.milestone], account, anchor)
        case Reached() as trigger:
            reached = account.milestones.get(trigger.milestone)
            return None if reached is None else (ONCE, reached)
        case PhaseEntered() as trigger:
            return _phase(trigger, play, account)
        case Entered() | Stalled() as trigger:
            entered = account.stage_entered_at
            return (entered.isoformat(), entered) if account.stage == trigger.stage else None
        case EveryWeek() as trigger:
            return _week(trigger, play, account, anchor)
        case _ as unreachable:
            assert_never(unreachable)


def _lasts_since(trigger: Holds | Opened | Closed, play: Play, account: Account) -> datetime | None:
    """Since when it holds, is open or is closed; None when it does not, or never was."""
    if isinstance(trigger, Holds):
        edge = account.edges.get(play.name)
        return edge.since if edge is not None and edge.until is None else None
    state = account.signals.get(trigger.signal)
    if state is None or isinstance(trigger, Closed):
        return state.closed_at if state else None
    return state.opened_at if state.closed_at is None else None


def _day(number: int, play: Play, anchor: datetime, tz: ZoneInfo) -> datetime:
    day = calendars.local_day(anchor, tz) + timedelta(days=number)
    wall = play.policy.at
    if wall is None:
        wall = anchor.astimezone(tz).time()
    return max(anchor, calendars.at_local(day, wall, tz))


def _next_day(
    trigger: OnDays, play: Play, account: Account, anchor: datetime, tz: ZoneInfo
) -> tuple[str, datetime] | None:
    for number in trigger.days:
        episode = f"day {number:04}"
        if not _decided(play, episode, account):
            return episode, _day(number, play, anchor, tz)
    return None


def _before(trigger: Before, play: Play, account: Account, playbook: Playbook) -> tuple[str, datetime] | None:
    written = account.facts.traits.get(trigger.until)
    until = playbook.vocabulary.traits[trigger.until].default if written is None else written.value
    if not isinstance(until, datetime) or not _OLDEST < until < _FARTHEST:
        return None
    waiting = account.waiting.get(play.name)
    episode = until.isoformat() if waiting is None else max(until.isoformat(), waiting.episode)
    return episode, until - trigger.lead


def _overdue(milestone: Milestone, account: Account, anchor: datetime | None) -> tuple[str, datetime] | None:
    if milestone.name in account.milestones:
        return None
    missed = _deadline(milestone, account, anchor)
    return None if missed is None else (ONCE, missed)


def _deadline(milestone: Milestone, account: Account, anchor: datetime | None) -> datetime | None:
    """The first of a milestone's targets, as far as their clocks have begun."""
    found = [] if anchor is None or milestone.target is None else [anchor + milestone.target]
    for target in milestone.targets:
        fact = account.facts.events.get(target.since)
        since = account.milestones.get(target.since) if fact is None else fact.first
        if since is not None:
            found.append(since + target.within)
    return min(found, default=None)


def _period(
    trigger: Cadence, play: Play, account: Account, anchor: datetime, tz: ZoneInfo
) -> tuple[str, datetime] | None:
    entry = account.ledger.get(play.name)
    found = _next_period(trigger, calendars.local_day(anchor, tz), "" if entry is None else entry.episode)
    return None if found is None else (found[0], calendars.at_local(found[1], play.policy.at or time(0), tz))


@lru_cache(maxsize=8192)  # the periods are the same for all who began on a day
def _next_period(trigger: Cadence, began: date, decided: str) -> tuple[str, date] | None:
    """The first period that is not decided, with its day."""
    start, done = periods.beginning(trigger.unit, began), periods.labelled(trigger.unit, decided)
    if done is not None:
        start = max(start, periods.following(trigger.unit, done))
    day = periods.day_within(trigger.unit, start, trigger.on)
    if day <= began:
        start = periods.following(trigger.unit, start)
        day = periods.day_within(trigger.unit, start, trigger.on)
    if trigger.until_day is not None and (day - began).days > trigger.until_day:
        return None
    return periods.label(trigger.unit, start), day


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


def _quiet_since(trigger: Silent, account: Account, anchor: datetime | None) -> datetime | None:
    fact = account.facts.events.get(trigger.since)
    return max((at for at in (fact.last if fact else None, anchor) if at is not None), default=None)


def _phase(trigger: PhaseEntered, play: Play, account: Account) -> tuple[str, datetime] | None:
    """The first entry that is not decided; several onboardings come one after the other."""
    decided = account.ledger.get(play.name)
    entries = (
        (episode_of(onboarding, entries[trigger.phase]), entries[trigger.phase].at)
        for onboarding, entries in account.phases.items()
        if trigger.phase in entries
    )
    return min((each for each in entries if decided is None or each[0] > decided.episode), default=None)


def stalls_at(account: Account, playbook: Playbook) -> datetime | None:
    """When the account has been in its stage for too long; None when its window does not end, or has not begun."""
    anchor, window = anchor_of(account, playbook), window_of(account.stage, account.facts, playbook)
    opens, closes = window or (timedelta(0), None)
    if anchor is None or closes is None:
        return None
    if account.stage_entered_at == account.created_at:
        return anchor + closes  # the first life began before we heard of it
    return max(anchor + closes, account.stage_entered_at + (closes - opens))


def _week(trigger: EveryWeek, play: Play, account: Account, anchor: datetime | None) -> tuple[str, datetime] | None:
    if anchor is None:
        return None
    entry = account.ledger.get(play.name)
    monday = monday_after(anchor) if entry is None else _monday_after(entry.episode)
    return (monday.date().isoformat(), monday) if monday - anchor <= trigger.until_day * DAY else None


@lru_cache(maxsize=1024)  # the weeks are the same for every account
def _monday_after(episode: str) -> datetime:
    return monday_after(datetime.combine(date.fromisoformat(episode), datetime.min.time(), tzinfo=UTC))


def told(trigger: Trigger, first_day: int) -> str:
    """A trigger as a sentence; days as the playbook counts them, which calls the anchor's own day ``first_day``."""
    match trigger:
        case OnDay():
            return f"day {_counted((trigger.day,), first_day)}"
        case OnDays():
            return f"days {_counted(trigger.days, first_day)}"
        case Before():
            return f"{_span(trigger.lead, business=False)} before {trigger.until}"
        case After():
            return f"{_span(trigger.delay, business=trigger.business)} after the first {trigger.since}"
        case Silent():
            return f"no {trigger.since} for {_span(trigger.period, business=trigger.business)}"
        case Occurred():
            return f"each {trigger.event}"
        case Overdue():
            return f"milestone {trigger.milestone} overdue"
        case Reached():
            return f"milestone {trigger.milestone} reached"
        case Entered():
            return f"stage {trigger.stage} entered"
        case PhaseEntered():
            return f"phase {trigger.phase} of an onboarding entered"
        case Stalled():
            return f"stage {trigger.stage} not left by the end of its window"
        case EveryWeek():
            return f"every week until day {trigger.until_day + first_day}"
        case Cadence():
            return _cadence(trigger, first_day)
        case Holds():
            lasting = f" for {_span(trigger.span, business=False)}" if trigger.span else ""
            return f"{trigger.condition.text} has held{lasting}"
        case Opened():
            return f"signal {trigger.signal} {_open_for(trigger)}"
        case Closed():
            return f"signal {trigger.signal} closed"
        case _ as unreachable:
            assert_never(unreachable)


def _counted(days: Iterable[int], first_day: int) -> str:
    listed = ", ".join(str(day + first_day) for day in days)
    return f"{listed}, counting the anchor's own day as day {first_day}" if first_day else f"{listed} after the anchor"


def _cadence(trigger: Cadence, first_day: int) -> str:
    day = WEEKDAYS[trigger.on] if trigger.unit is Unit.WEEK else f"day {trigger.on}"
    until = "" if trigger.until_day is None else f" until day {trigger.until_day + first_day}"
    return f"every {trigger.unit} on {day}{until}"


def _open_for(trigger: Opened) -> str:
    if not trigger.delay:
        return "opened"
    ours = " of our working time" if trigger.business else ""
    return f"open for {_span(trigger.delay, business=False)}{ours}"


def _span(span: timedelta, *, business: bool) -> str:
    days, rest = divmod(span, DAY)
    amount = f"{days} days" if not rest and span > 2 * DAY else f"{span / timedelta(hours=1):g} hours"
    return f"{amount} of working days" if business else amount
