"""``deliver``: messages out. Claim a batch as a lease; for each: look again, mark ``sending``, hand over, record.

The order is the promise P4. Before a hand-over, one transaction locks the contact (for the cap), asks the core's
``release``, and with one guarded UPDATE makes the message ``sending`` if the lease is still ours. Only after its commit
is the mail handed over; right before DATA the lease is looked at once more, so that a sender who was stopped and wakes
late sends nothing. The answer is recorded in a second transaction, with the outcome as an event for the account. What
dies between is ``sending`` with a lease that runs out: ``rescue`` names it ``unknown``, and nobody sends it again by
itself.

Accounts are never locked here.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import assert_never
from uuid import UUID

from sqlalchemy import Connection

from orchestrator.core.decisions import Cancel, Release, Send, Wait, key
from orchestrator.core.door import LOOK_AGAIN, release
from orchestrator.core.people import Contact
from orchestrator.core.playbook import Mode, OnUnknown
from orchestrator.core.reasons import MessageReason, PostponementReason
from orchestrator.messaging.address import normalise
from orchestrator.messaging.compose import Letter, compose
from orchestrator.messaging.errors import MessagingError
from orchestrator.messaging.transport import Abandoned, Accepted, Deferred, Envelope, Receipt, Refused, Uncertain
from orchestrator.store import accounts, events, messages, people
from orchestrator.store.events import ReportedOutcome
from orchestrator.store.failures import Fault, fault
from orchestrator.store.messages import Claimed
from orchestrator.usecases.ports import Ports

logger = logging.getLogger(__name__)

BATCH = 50  # messages under one lease
WEEK = timedelta(days=7)  # the longest span that a cap counts
FIRST_PAUSE = timedelta(minutes=1)  # after the relay deferred; doubles with each try
LONGEST_PAUSE = timedelta(hours=1)
_MOMENT = timedelta(microseconds=1)  # the resolution of our clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A batch that is ours for a while, on real time."""

    token: UUID
    ends: float  # of ``time.monotonic``

    def holds(self) -> bool:
        """Whether it is still ours; False for a process that was stopped and woke too late."""
        return time.monotonic() < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a run of deliver did: how many messages came to which end."""

    sent: int = 0
    others: int = 0  # cancelled, failed, unknown, or waiting again


def deliver(ports: Ports, sender: str, seconds: float = 5.0) -> Delivered:
    """Hand over what may leave, for at most about ``seconds``; ``sender`` names this process in its lease."""
    sent, others, ends = 0, _expire(ports), time.monotonic() + seconds
    receipt: Receipt | None = None
    while time.monotonic() < ends and not _relay_is_away(receipt):
        lease, batch = _claim(ports, sender)
        if not batch:
            break
        for receipt in _work(ports, lease, batch, ends):
            sent, others = (sent + 1, others) if isinstance(receipt, Accepted) else (sent, others + 1)
    if sent or others:
        ports.nudges.wake()
    return Delivered(sent=sent, others=others)


def _expire(ports: Ports) -> int:
    """End what goes by a channel that nothing here delivers, and that nobody took in its time; how many those were."""
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        ended = messages.expire_untaken(connection, now, MessageReason.EXPIRED, BATCH)
        events.report(connection, [outcome(each, "message_cancelled", now, MessageReason.EXPIRED) for each in ended])
    return len(ended)


def _claim(ports: Ports, sender: str) -> tuple[Lease, Sequence[Claimed]]:
    begun = time.monotonic()  # before the database starts the lease: ours ends a little earlier, never later
    lease = Lease(token=key("lease", sender, repr(begun)), ends=begun + ports.mailing.lease_seconds)
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        return lease, messages.claim(connection, lease.token, now, ports.mailing.lease_seconds, BATCH)


def _work(ports: Ports, lease: Lease, batch: Sequence[Claimed], ends: float) -> Iterator[Receipt | None]:
    """Hand the batch over, one by one; give back what time or the relay does not allow for."""
    try:
        with ports.engine.connect() as connection:
            with connection.begin():  # after the claim's, which locks the messages
                people.meet(connection, (each.message.address for each in batch if each.message.address))
            for each in batch:
                receipt = _hand_over(connection, ports, lease, each)
                yield receipt
                if time.monotonic() >= ends or not lease.holds() or _relay_is_away(receipt):
                    break
    finally:
        with ports.engine.begin() as connection:
            messages.let_go(connection, lease.token)


def _relay_is_away(receipt: Receipt | None) -> bool:
    return isinstance(receipt, Deferred) and receipt.code == 0


def _hand_over(connection: Connection, ports: Ports, lease: Lease, each: Claimed) -> Receipt | None:
    """One message, in two transactions of this connection; None when nothing was to be handed over."""
    ready = _ready(connection, ports, each)
    if ready is None:
        return None
    mail, address = ready
    envelope = Envelope(sender=normalise(ports.mailing.sender.mail_from), recipient=address)
    receipt = ports.mailing.transport.send(mail, envelope, before_data=lease.holds)
    with connection.begin():
        _record(connection, ports, each, receipt)
    return receipt


def _ready(connection: Connection, ports: Ports, each: Claimed) -> tuple[EmailMessage, str] | None:
    """The mail, and the address to hand it over to: it is ``sending`` now; None when it may not leave now.

    What cannot be judged (its rules raise, its version is unknown here) stands aside, so that the others go on.
    """
    try:
        with connection.begin():
            now = ports.clock.now(connection)
            mail = _composed(connection, ports, each, now)
            address = None if mail is None else _begin(connection, ports, each, now)
    except Exception as error:
        if fault(error) in {Fault.WORLD, Fault.RETRY}:
            raise
        # no trace: it may quote what the letter says
        logger.error("message %s stands aside: %s", each.message.id, type(error).__name__)  # noqa: TRY400 -- as above
        with connection.begin():
            _stand_aside(connection, each, PostponementReason.PARKED, ports.clock.now(connection))
        return None
    return None if mail is None or address is None else (mail, address)


def _stand_aside(connection: Connection, each: Claimed, reason: PostponementReason, now: datetime) -> None:
    """Let it come to the door again later, as long as it is valid."""
    if now > each.message.not_after:
        _end(connection, each, "cancelled", MessageReason.EXPIRED, now)
    else:
        _postpone(connection, each, reason, min(now + LOOK_AGAIN, each.message.not_after + _MOMENT), now)


def _composed(connection: Connection, ports: Ports, each: Claimed, now: datetime) -> EmailMessage | None:
    """The mail; None when it cannot be rendered: then it has failed, by name, before anything was handed over.

    Nothing is locked yet.
    """
    templates = ports.library.edition(connection, each.message.playbook_version).templates
    try:
        return compose(letter(each, now), templates, ports.mailing.sender)
    except MessagingError as error:
        # no trace: it may quote what the letter says
        logger.error("message %s cannot be composed: %s", each.message.id, type(error).__name__)  # noqa: TRY400 -- as above
        reason = MessageReason.RENDER_FAILED if each.message.address else MessageReason.NO_ADDRESS
        _end(connection, each, "failed" if each.message.address else "cancelled", reason, now)
        return None


def letter(each: Claimed, now: datetime) -> Letter:
    """What a message is composed from."""
    message = each.message
    person = message.context.get("person")
    name = person.get("name") if isinstance(person, dict) else None
    return Letter(
        message_id=message.id,
        template=message.action.template,
        locale="en",
        address=message.address,
        name=name if isinstance(name, str) else None,
        context=message.context,
        dated=each.sending_at or now,
        transactional=message.exempt,
        labels=_labels(each),
    )


def _labels(each: Claimed) -> dict[str, str]:
    """Ids for the headers, nothing personal."""
    message, touch = each.message, each.message.context.get("touch")
    day = touch.get("day") if isinstance(touch, dict) else None
    return {
        "Account": message.account,
        "Play": message.play,
        "Episode": message.episode,
        **({} if day is None else {"Day": str(day)}),
    }


def _begin(connection: Connection, ports: Ports, each: Claimed, now: datetime) -> str | None:
    """Look again, and mark it ``sending``; the address to hand it over to, None when it may not leave now."""
    contact = people.lock_contact(connection, each.message)
    match _released(connection, ports, each, contact, now):
        case None:
            return None
        case Cancel(reason=reason):
            _end(connection, each, "cancelled", reason, now)
        case Wait(until=until, reason=why):
            _postpone(connection, each, why, until, now)
        case Send() if each.message.mode is Mode.SHADOW:
            _end(connection, each, "cancelled", MessageReason.SHADOW, now)
        case Send() if each.message.mode is Mode.REDIRECT and ports.mailing.redirect_to is None:
            logger.error("message %s waits: its mode is redirect, and REDIRECT_TO is not set", each.message.id)
            _stand_aside(connection, each, PostponementReason.RELAY_DEFERRED, now)
        case Send():
            return _go(connection, ports, each, contact, now)
    return None


def _released(connection: Connection, ports: Ports, each: Claimed, contact: Contact, now: datetime) -> Release | None:
    """What the core says; None when the account was merged since the claim: let go, it comes again as the other's."""
    message = each.message
    locked = accounts.load(connection, [message.account]).get(message.account)
    if locked is None:
        merged = accounts.redirects(connection, [message.account])
        return None if merged else Cancel(reason=MessageReason.ERASED)
    person = people.person(connection, message.account, message.person)
    playbook = ports.library.edition(connection, locked.account.playbook_version).playbook
    parked = bool(accounts.parked(connection, [message.account]))
    return release(message, locked.account, person, contact, now, playbook, parked=parked)


def _go(connection: Connection, ports: Ports, each: Claimed, contact: Contact, now: datetime) -> str | None:
    if not messages.begin(connection, each, now):
        return None
    if each.message.mode is Mode.REDIRECT and ports.mailing.redirect_to is not None:
        return normalise(ports.mailing.redirect_to)
    if not each.message.exempt:
        people.count_send(connection, contact.address, each.message.id, now, now - WEEK)
    return contact.address


def _end(connection: Connection, each: Claimed, state: str, reason: MessageReason, now: datetime) -> None:
    if messages.end(connection, each, state, reason, now):
        name = "message_cancelled" if state == "cancelled" else "message_failed"
        events.report(connection, [outcome(each, name, now, reason)])


def _postpone(
    connection: Connection, each: Claimed, reason: PostponementReason, until: datetime, now: datetime
) -> bool:
    ours = messages.put_back(connection, each, reason, until)
    if ours:
        messages.note_wait(connection, each, reason, until, now)
    return ours


def _record(connection: Connection, ports: Ports, each: Claimed, receipt: Receipt) -> None:
    """Write what became of the hand-over, and tell the account.

    That a mail was accepted need not be on the disk before the next one is looked at: the next hand-over begins with a
    commit that waits for the disk, and what was committed before it is there then. So a database that dies leaves, as
    a sender that dies, no more than the last hand-over of each sender in doubt.
    """
    now = ports.clock.now(connection)
    match receipt:
        case Accepted():
            messages.soon(connection)
            _settle(connection, each, "sent", None, now)
        case Refused(address_dead=dead):
            if dead and each.message.mode is Mode.LIVE:
                people.suppress(connection, each.message.address, "bounce", now)
            _settle(connection, each, "failed", MessageReason.RELAY_REFUSED, now)
        case Deferred() | Abandoned():
            _defer(connection, each, now)
        case Uncertain():
            name_unknown(connection, ports, [each], now)
        case _ as unreachable:
            assert_never(unreachable)


_OUTCOMES = {"sent": "message_sent", "failed": "message_failed"}


def _settle(connection: Connection, each: Claimed, state: str, reason: MessageReason | None, now: datetime) -> None:
    if messages.settle(connection, each, state, reason, now):
        events.report(connection, [outcome(each, _OUTCOMES[state], now, reason)])


def _defer(connection: Connection, each: Claimed, now: datetime) -> None:
    """Nothing was handed over: try again later, and give back what the cap had counted."""
    people.lock_contact(connection, each.message)  # the contact first, as at the door
    if _postpone(connection, each, PostponementReason.RELAY_DEFERRED, now + _pause(each), now):
        people.uncount_send(connection, each.message.address, each.message.id, now - WEEK)


def _pause(each: Claimed) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(each.attempts, 10)), LONGEST_PAUSE)


def name_unknown(connection: Connection, ports: Ports, lost: Sequence[Claimed], now: datetime) -> None:
    """Name hand-overs whose end nobody knows.

    Those whose play says so go again, after a pause, with the same Message-ID and bytes.
    """
    for each in lost:
        if not messages.name_unknown(connection, each, MessageReason.SENDER_LOST):
            continue
        events.report(connection, [outcome(each, "message_unknown", now, MessageReason.SENDER_LOST)])
        playbook = ports.library.edition(connection, each.message.playbook_version).playbook
        if playbook.plays[each.message.play].policy.on_unknown is OnUnknown.RESEND:
            messages.reconcile(connection, each.message.id, now, now + _pause(each), arrived=False)


def outcome(each: Claimed, name: str, now: datetime, reason: MessageReason | None = None) -> ReportedOutcome:
    """What became of a message, as the event that its account will fold."""
    message = each.message
    return ReportedOutcome(
        account_id=message.account,
        person_id=message.person or None,
        message_id=f"{message.id}:{name}:{each.attempts}",
        name=name,
        occurred_at=now,
        properties={**message.told, "reason": reason.value if reason else None},
    )
