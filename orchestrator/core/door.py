"""``release``: the sister of ``advance``. Just before a hand-over it looks again at all that may have changed."""

from datetime import UTC, datetime, timedelta

from orchestrator.core import conditions, policy
from orchestrator.core.account import Account
from orchestrator.core.calendars import DAY
from orchestrator.core.decisions import Cancel, Message, Release, Send, Wait
from orchestrator.core.errors import IllegalInputError
from orchestrator.core.lifecycle import view_of
from orchestrator.core.people import Contact, Person
from orchestrator.core.playbook import Caps, Play, Playbook
from orchestrator.core.reasons import MessageReason, PostponementReason
from orchestrator.core.timing import zone_of

LOOK_AGAIN = timedelta(hours=1)  # after which a paused or parked account's message comes to the door again
_WEEK = 7 * DAY
_MOMENT = timedelta(microseconds=1)  # the resolution of our clocks
_NEVER = datetime.max.replace(tzinfo=UTC)


def release(
    message: Message,
    account: Account,
    person: Person | None,
    contact: Contact,
    now: datetime,
    playbook: Playbook,
    *,
    parked: bool = False,
) -> Release:
    """Whether a message may be handed over now, must wait, or must not be sent any more.

    ``person`` is None when there is no such person any more; ``parked`` says that the account could not be decided.

    Raises:
        IllegalInputError: the message is not of this account, its play not of this playbook, or now is not UTC.
    """
    _check(message, account, now, playbook)
    refused = _refusal(message, account, person, contact, now, playbook)
    if refused is not None:
        return Cancel(reason=refused)
    if message.draft:
        return Wait(until=message.not_after + _MOMENT, reason=PostponementReason.DRAFT)
    if parked or account.paused:
        reason = PostponementReason.PARKED if parked else PostponementReason.PAUSED
        return Wait(until=min(now + LOOK_AGAIN, message.not_after + _MOMENT), reason=reason)
    hindrance = _hindrance(message, account, person, contact, now, playbook)
    if hindrance is None:
        return Send()
    in_time = hindrance.until <= _last_moment(message, hindrance.reason, playbook)
    return hindrance if in_time else Cancel(reason=MessageReason.EXPIRED)


def _check(message: Message, account: Account, now: datetime, playbook: Playbook) -> None:
    if now.utcoffset() != timedelta(0):
        raise IllegalInputError(f"expected now to be aware UTC, got {now.isoformat()}")
    if message.account != account.id:
        raise IllegalInputError(f"message {message.id} belongs to account {message.account}, not to {account.id}")
    if message.play not in playbook.plays:
        raise IllegalInputError(f"message {message.id} is of play {message.play}, which {playbook.name} does not have")


def _refusal(
    message: Message, account: Account, person: Person | None, contact: Contact, now: datetime, playbook: Playbook
) -> MessageReason | None:
    """Why it must not be sent any more, the gravest first; None when nothing forbids it."""
    play = playbook.plays[message.play]
    if contact.erased_at is not None or person is None:
        return MessageReason.ERASED
    if person.email is None:
        return MessageReason.NO_ADDRESS
    if (message.play, message.episode) in contact.had:
        return MessageReason.REPEATED
    if contact.suppressed is not None:
        return _SUPPRESSED[contact.suppressed]
    if contact.unsubscribed_at is not None:
        return MessageReason.UNSUBSCRIBED
    if playbook.stages[account.stage].exit and account.stage not in play.stages:
        return MessageReason.EXITED
    if _goal_reached(play, account, now, playbook):
        return MessageReason.GOAL_REACHED
    return MessageReason.EXPIRED if now > message.not_after else None


_SUPPRESSED = {"bounce": MessageReason.SUPPRESSED_BOUNCE, "complaint": MessageReason.SUPPRESSED_COMPLAINT}


def _goal_reached(play: Play, account: Account, now: datetime, playbook: Playbook) -> bool:
    goal = play.policy.only_while
    return goal is not None and conditions.verdict(goal, view_of(account, now, playbook)) is False


def _hindrance(
    message: Message, account: Account, person: Person | None, contact: Contact, now: datetime, playbook: Playbook
) -> Wait | None:
    """Until when it must wait and why; None when nothing hinders it."""
    if now < message.not_before:
        return Wait(until=message.not_before, reason=PostponementReason.NOT_BEFORE)
    if message.exempt:
        return None
    room = room_at(contact, now, playbook.caps)
    play, tz = playbook.plays[message.play], zone_of(account, person, playbook).tz
    opens = policy.next_opening(room, play, account, tz, playbook) or _NEVER
    if opens <= now:
        return None
    reason = PostponementReason.CAPPED if room > now else PostponementReason.OUTSIDE_WINDOW
    return Wait(until=opens, reason=reason)


def room_at(contact: Contact, now: datetime, caps: Caps) -> datetime:
    """The first instant from now on at which one more mail to this address stays within the caps."""
    return max(_room(contact, now, caps.day, DAY), _room(contact, now, caps.week, _WEEK))


def _room(contact: Contact, now: datetime, most: int, span: timedelta) -> datetime:
    recent = sorted(at for at in contact.sends if at > now - span)
    return now if len(recent) < most else recent[-most] + span


def _last_moment(message: Message, reason: PostponementReason, playbook: Playbook) -> datetime:
    """How long it may still wait: for the window and the caps no longer than its ``max_defer``."""
    if reason is PostponementReason.NOT_BEFORE:
        return message.not_after
    return min(message.not_after, message.due_at + playbook.plays[message.play].policy.max_defer)
