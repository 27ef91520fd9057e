"""Policy: when a play that writes may act. Openings, minimum gaps, the account's caps, the holdout.

An opening is an instant inside the play's window (its own, else the playbook's), outside the playbook's quiet hours,
and, if the playbook keeps to holidays, on no holiday of the account's country: all on the recipient's wall clock
(``spec/semantics.md``, "Quiet hours", "DST / month ends"). A country that nobody named, or that the list does not know,
has no holidays.

What was decided a short while ago (``Account.recent``) holds back what comes due now: nobody gets two mails within the
minimum gap, or two surveys within theirs (``spec/rules.md`` 1.9, "First-week NPS"), and no account more touches by mail
than its caps allow (``spec/semantics.md``, "Frequency cap", "Same event, two touches"). Exempt messages neither count
nor wait; what leaves for nobody (shadow, redirect) waits and does not count; neither does what ended without leaving,
once we are told.

A draft is written and decided like any other message and leaves only when a person has approved it; whether it is one
rests on a condition, and what is not known makes it one.

The holdout is drawn by the account's id alone ("Holdout"): it stays the same for as long as the salt does.
"""

from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from orchestrator.core import calendars, conditions
from orchestrator.core.account import Account, Recent
from orchestrator.core.calendars import DAY, Hours
from orchestrator.core.conditions import Clause, View
from orchestrator.core.decisions import Message, key
from orchestrator.core.events import OWN_SOURCE, Event
from orchestrator.core.playbook import AskSurvey, Channel, Gaps, Holdout, Mode, Play, Playbook, Quiet
from orchestrator.core.reasons import DecisionReason, PostponementReason

_EVERY_DAY: Container[date] = frozenset()
_MIDNIGHT = time(0)
_MINUTE = 60  # seconds
_DAY = 24 * 60 * _MINUTE  # seconds
_WEEK = 7 * DAY
_NO_GAP = timedelta(0)
_NO_GAPS = Gaps()


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


# -- what was said before --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What holds a play back: a message that was decided before."""

    until: datetime  # after now
    reason: PostponementReason  # OUTRANKED or ACCOUNT_CAPPED
    rule: str  # where in the playbook it stands
    by: Recent

    @property
    def skipped(self) -> DecisionReason:
        """Why the play is skipped when it cannot wait for so long."""
        outranked = self.reason is PostponementReason.OUTRANKED
        return DecisionReason.OUTRANKED if outranked else DecisionReason.ACCOUNT_CAPPED

    @property
    def clause(self) -> Clause:
        """The message that it lost to, for the explanation."""
        value = f"{self.by.play} to {self.by.person} at {self.by.at.isoformat()}"
        return Clause(
            text=self.rule, value=f"{value}, holds until {self.until.isoformat()}", verdict=False, decisive=True
        )


def remembers(playbook: Playbook) -> bool:
    """Whether plays of this playbook compete at all: without gaps and caps of accounts nothing is remembered."""
    return playbook.gaps is not None or playbook.account_caps is not None


def competes(play: Play, playbook: Playbook) -> bool:
    """Whether what was said before may hold this play back, if it writes."""
    return remembers(playbook) and not play.policy.exempt


def asks(play: Play) -> bool:
    """Whether this play asks a survey."""
    return any(isinstance(action, AskSurvey) for action in play.actions)


def held(
    play: Play, people: Collection[str], account: Account, now: datetime, playbook: Playbook, *, mails: bool
) -> Held | None:
    """What holds a play that competes for these people back the longest; None when nothing does."""
    recent = [each for each in account.recent if each.person in people]
    found = [*_by_survey_gap(recent, playbook)] if asks(play) else []
    if mails:
        found += [*_by_message_gap(recent, playbook), *_by_caps(account, now, playbook)]
    return max((each for each in found if each.until > now), key=lambda each: each.until, default=None)


def _by_message_gap(recent: Iterable[Recent], playbook: Playbook) -> Iterator[Held]:
    gap = _gaps(playbook).message
    for each in recent:
        if each.mail:
            yield Held(until=each.at + gap, reason=PostponementReason.OUTRANKED, rule="gaps.message", by=each)


def _by_survey_gap(recent: Iterable[Recent], playbook: Playbook) -> Iterator[Held]:
    gap = _gaps(playbook).survey
    for each in recent:
        if each.survey:
            yield Held(until=each.at + gap, reason=PostponementReason.OUTRANKED, rule="gaps.survey", by=each)


def _by_caps(account: Account, now: datetime, playbook: Playbook) -> Iterator[Held]:
    """A touch counts once, to however many people it went."""
    caps = playbook.account_caps
    if caps is None:
        return
    touches = list({(each.play, each.episode): each for each in account.recent if each.mail}.values())
    for most, span in ((caps.day, DAY), (caps.week, _WEEK)):
        counted = [each for each in touches if each.at > now - span]
        if len(counted) >= most:
            oldest = counted[-most]
            yield Held(until=oldest.at + span, reason=PostponementReason.ACCOUNT_CAPPED, rule="caps.account", by=oldest)


def remembered(account: Account, messages: Iterable[Message], now: datetime, playbook: Playbook) -> tuple[Recent, ...]:
    """What is recent, with these messages of now, and without what no gap and no cap looks at any more."""
    said = (_recent(each, now) for each in messages if not each.exempt and each.mode is Mode.LIVE)
    return tuple(each for each in (*account.recent, *said) if each.at > now - _span(each, playbook))


def _recent(message: Message, now: datetime) -> Recent:
    return Recent(
        at=now,
        person=message.person,
        play=message.play,
        episode=message.episode,
        mail=message.channel is Channel.EMAIL,
        survey=isinstance(message.action, AskSurvey),
    )


def _span(recent: Recent, playbook: Playbook) -> timedelta:
    """How long a message is looked at."""
    gaps = _gaps(playbook)
    caps = _NO_GAP if playbook.account_caps is None else _WEEK
    return max(max(gaps.message, caps) if recent.mail else _NO_GAP, gaps.survey if recent.survey else _NO_GAP)


def left(recent: tuple[Recent, ...], events: Iterable[Event]) -> tuple[Recent, ...]:
    """What is recent, without the messages of which these events say that they did not leave."""
    if not recent:
        return recent
    ended = {
        (event.properties.get("play"), event.properties.get("episode"), event.person)
        for event in events
        if event.source == OWN_SOURCE
        and event.name in {"message_cancelled", "message_failed"}
        and "channel" not in event.properties  # only mail is remembered
    }
    return tuple(each for each in recent if (each.play, each.episode, each.person) not in ended)


def _gaps(playbook: Playbook) -> Gaps:
    return playbook.gaps or _NO_GAPS


# -- the holdout -----------------------------------------------------------------------------------------------------


def held_out(account_id: str, holdout: Holdout) -> bool:
    """Whether an account belongs to the holdout."""
    return key("holdout", holdout.salt, account_id).int < holdout.share * 2**128


def spared(*, decisive: bool) -> Clause:
    """That the holdout kept a play from writing, for the explanation."""
    return Clause(text="holdout", value="the account belongs to it", verdict=True, decisive=decisive)


# -- drafts ----------------------------------------------------------------------------------------------------------


def is_draft(play: Play, view: View, playbook: Playbook) -> bool:
    """Whether a person approves this play's messages first; those that leave for nobody need no approval."""
    asks = play.policy.draft or (None if play.policy.exempt else playbook.draft)
    if asks is None or (play.policy.mode or playbook.mode) is Mode.SHADOW:
        return False
    return conditions.verdict(asks, view) is not False
