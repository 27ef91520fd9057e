"""``deliver``: messages out. Claim a batch as a lease; of it a round: look again, mark ``sending``, hand over, record.

The order is the promise P4. Before a hand-over, one transaction locks the contact (for the cap), asks the core's
``release``, and with one guarded UPDATE makes the message ``sending`` if the lease is still ours. Only after its
commit, which waits for the disk, is the mail handed over; right before DATA the lease is looked at once more, so that a
sender who was stopped and wakes late sends nothing. What dies between is ``sending`` with a lease that runs out:
``rescue`` names it ``unknown``, and nobody sends it again by itself.

A round is one mail for each connection to the relay, all handed over at the same time: so one commit stands before
several mails, and a sender that dies leaves no more than one in doubt for each of its connections. What the relay has
accepted is recorded, with the outcome as an event for the account, in the transaction that marks the next round: until
that commit nothing more is handed over, so that waiting for it puts nothing further in doubt. After the last round, for
as long as another connection is slow, and where the next round fails, it is recorded by itself.

Accounts are never locked here, and contacts before messages.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

from sqlalchemy import Connection

from orchestrator.core.decisions import Cancel, Release, Send, Wait, key
from orchestrator.core.door import LOOK_AGAIN, release
from orchestrator.core.people import Contact
from orchestrator.core.playbook import Mode
from orchestrator.core.reasons import MessageReason, PostponementReason
from orchestrator.messaging.address import normalise
from orchestrator.messaging.compose import Letter, compose
from orchestrator.messaging.errors import MessagingError
from orchestrator.messaging.transport import Accepted, Deferred, Envelope, Receipt
from orchestrator.store import accounts, door, events, messages, people
from orchestrator.store.door import Looked
from orchestrator.store.failures import Fault, fault
from orchestrator.store.messages import Claimed
from orchestrator.usecases import receipts
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.receipts import WEEK, outcome

logger = logging.getLogger(__name__)

BATCH = 100  # messages under one lease
QUICK_SECONDS = 1.0  # a relay that takes longer keeps the answers to other mails waiting for no longer than that
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a batch is worked on."""

    ports: Ports
    connection: Connection
    lease: Lease
    lanes: Executor  # a thread for each transport
    taken: list[Claimed]  # what the relay has accepted, and is not recorded yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A message that may leave."""

    claimed: Claimed
    mail: EmailMessage
    recipient: str  # whom it is handed over to


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the door sees of a round's messages."""

    contacts: Mapping[UUID, Contact]  # by message, locked
    looked: Mapping[tuple[str, str], Looked]  # by account and person


def deliver(ports: Ports, sender: str, seconds: float = 5.0) -> Delivered:
    """Hand over what may leave, for at most about ``seconds``; ``sender`` names this process in its lease."""
    sent, others, ends, away = 0, _expire(ports), time.monotonic() + seconds, False
    with ThreadPoolExecutor(len(ports.mailing.transports)) as lanes:
        while time.monotonic() < ends and not away:
            lease, batch = _claim(ports, sender)
            if not batch:
                break
            for receipt in _work(ports, lanes, lease, batch, ends):
                sent, others = (sent + 1, others) if isinstance(receipt, Accepted) else (sent, others + 1)
                away = away or _relay_is_away(receipt)
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
        # what a database that dies forgets of a claim was not begun: the commit of a mark waits for all before it
        messages.soon(connection)
        now = ports.clock.now(connection)
        return lease, messages.claim(connection, lease.token, now, ports.mailing.lease_seconds, BATCH)


def _work(
    ports: Ports, lanes: Executor, lease: Lease, batch: Sequence[Claimed], ends: float
) -> Iterator[Receipt | None]:
    """Hand the batch over, round by round; give back what time or the relay does not allow for."""
    taken: list[Claimed] = []
    try:
        with ports.engine.connect() as connection:
            with connection.begin():  # after the claim's, which locks the messages
                messages.soon(connection)
                people.meet(connection, (each.message.address for each in batch if each.message.address))
            desk = Desk(ports=ports, connection=connection, lease=lease, lanes=lanes, taken=taken)
            for some in _rounds(batch, len(ports.mailing.transports)):
                answers = _round(desk, some)
                yield from answers
                if time.monotonic() >= ends or not lease.holds() or any(map(_relay_is_away, answers)):
                    break
    finally:
        _leave(ports, lease, taken)


def _leave(ports: Ports, lease: Lease, taken: Sequence[Claimed]) -> None:
    """Record what is not recorded yet, and let go of what was not begun; on a connection that is surely in order."""
    try:
        with ports.engine.begin() as connection:
            receipts.settle(connection, taken, "sent", None, ports.clock.now(connection))
    finally:
        with ports.engine.begin() as connection:
            messages.let_go(connection, lease.token)


def _rounds(batch: Sequence[Claimed], most: int) -> Iterator[list[Claimed]]:
    """The batch in its order, up to ``most`` at a time, and no address twice: its cap is counted, then asked again."""
    some: list[Claimed] = []
    for each in batch:
        if len(some) == most or any(each.message.address == other.message.address for other in some):
            yield some
            some = []
        some.append(each)
    if some:
        yield some


def _relay_is_away(receipt: Receipt | None) -> bool:
    return isinstance(receipt, Deferred) and receipt.code == 0


def _round(desk: Desk, some: Sequence[Claimed]) -> list[Receipt | None]:
    """Hand some messages over at the same time; None for each that was not to be handed over."""
    ready = _ready(desk, some)
    if ready is None:
        return [answer for each in some for answer in _round(desk, [each])]
    return [*_hand_over(desk, ready), *[None] * (len(some) - len(ready))]


def _hand_over(desk: Desk, ready: Sequence[Ready]) -> list[Receipt]:
    """Each over a connection of its own, until all have their answer; what is not accepted is recorded."""
    handed = _handed(desk, ready)
    done, waiting = wait(handed, QUICK_SECONDS)
    answers = _noted(desk, done, handed)
    while waiting:
        _write_down(desk)
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        answers += _noted(desk, done, handed)
    for each in handed:
        each.result()  # raises what its transport has raised, now that the others are noted
    return answers


def _handed(desk: Desk, ready: Sequence[Ready]) -> dict[Future[Receipt], Claimed]:
    mailing = desk.ports.mailing
    mail_from = normalise(mailing.sender.mail_from)
    return {
        desk.lanes.submit(
            transport.send, each.mail, Envelope(sender=mail_from, recipient=each.recipient), desk.lease.holds
        ): each.claimed
        for transport, each in zip(mailing.transports, ready, strict=False)  # a round has no more than there are
    }


def _noted(desk: Desk, done: set[Future[Receipt]], handed: Mapping[Future[Receipt], Claimed]) -> list[Receipt]:
    """The answers, noted: those that are accepted for the next commit, the others recorded."""
    answers = [(handed[each], each.result()) for each in done if each.exception() is None]
    desk.taken.extend(each for each, answer in answers if isinstance(answer, Accepted))
    for each, answer in answers:
        if not isinstance(answer, Accepted):
            with desk.connection.begin():
                receipts.record(desk.connection, desk.ports, each, answer)
    return [answer for _, answer in answers]


def _write_down(desk: Desk) -> None:
    """Record what is accepted in a transaction of its own."""
    if desk.taken:
        with desk.connection.begin():
            receipts.settle(desk.connection, desk.taken, "sent", None, desk.ports.clock.now(desk.connection))
        desk.taken.clear()


def _ready(desk: Desk, some: Sequence[Claimed]) -> list[Ready] | None:
    """Those that may leave: they are ``sending`` now; None when one of several cannot be judged, and none is marked.

    What cannot be judged (its rules raise, its version is unknown here) stands aside, so that the others go on.
    """
    connection = desk.connection
    try:
        with connection.begin():
            now = desk.ports.clock.now(connection)
            ready = _marked(desk, some, now)
            receipts.settle(connection, desk.taken, "sent", None, now)
    except Exception as error:
        if fault(error) in {Fault.WORLD, Fault.RETRY}:
            raise
        _write_down(desk)
        if len(some) > 1:
            return None
        _put_aside(desk, some[0], error)
        return []
    desk.taken.clear()
    return ready


def _put_aside(desk: Desk, each: Claimed, error: Exception) -> None:
    # no trace: it may quote what the letter says
    logger.error("message %s stands aside: %s", each.message.id, type(error).__name__)
    with desk.connection.begin():
        _stand_aside(desk.connection, each, PostponementReason.PARKED, desk.ports.clock.now(desk.connection))


def _stand_aside(connection: Connection, each: Claimed, reason: PostponementReason, now: datetime) -> None:
    """Let it come to the door again later, as long as it is valid."""
    if now > each.message.not_after:
        receipts.end(connection, each, "cancelled", MessageReason.EXPIRED, now)
    else:
        receipts.postpone(connection, each, reason, min(now + LOOK_AGAIN, each.message.not_after + _MOMENT), now)


def _marked(desk: Desk, some: Sequence[Claimed], now: datetime) -> list[Ready]:
    """Compose, look again, and mark ``sending`` what may leave; what may not is ended, or waits."""
    connection = desk.connection
    mails = [(each, _composed(desk, each, now)) for each in some]  # before anything is locked
    seen = _seen(connection, [each for each, mail in mails if mail is not None])
    ready = []
    for each, mail in mails:
        if mail is None:
            _end_unrendered(connection, each, now)
        elif (recipient := _recipient(desk, seen, each, now)) is not None:
            ready.append(Ready(claimed=each, mail=mail, recipient=recipient))
    begun = messages.begin(connection, [each.claimed for each in ready], now)
    leaving = [each for each in ready if each.claimed.message.id in begun]
    counted = [each.claimed.message for each in leaving if not each.claimed.message.exempt]
    people.count_sends(connection, [each for each in counted if each.mode is not Mode.REDIRECT], now, now - WEEK)
    return leaving


def _seen(connection: Connection, some: Sequence[Claimed]) -> Seen:
    """The contacts first, which are locked."""
    told = [each.message for each in some]
    return Seen(contacts=people.lock_contacts(connection, told), looked=door.look(connection, told))


def _composed(desk: Desk, each: Claimed, now: datetime) -> EmailMessage | None:
    """The mail; None when it cannot be rendered."""
    templates = desk.ports.library.edition(desk.connection, each.message.playbook_version).templates
    try:
        return compose(letter(each, now), templates, desk.ports.mailing.sender)
    except MessagingError as error:
        # no trace: it may quote what the letter says
        logger.error("message %s cannot be composed: %s", each.message.id, type(error).__name__)  # noqa: TRY400 -- as above
        return None


def _end_unrendered(connection: Connection, each: Claimed, now: datetime) -> None:
    """What cannot be rendered has failed, by name, before anything was handed over."""
    if each.message.address:
        receipts.end(connection, each, "failed", MessageReason.RENDER_FAILED, now)
    else:
        receipts.end(connection, each, "cancelled", MessageReason.NO_ADDRESS, now)


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


def _recipient(desk: Desk, seen: Seen, each: Claimed, now: datetime) -> str | None:
    """Look again: whom to hand it over to, None when it may not leave now."""
    connection, redirect_to = desk.connection, desk.ports.mailing.redirect_to
    match _released(desk, seen, each, now):
        case None:
            pass
        case Cancel(reason=reason):
            receipts.end(connection, each, "cancelled", reason, now)
        case Wait(until=until, reason=why):
            receipts.postpone(connection, each, why, until, now)
        case Send() if each.message.mode is Mode.SHADOW:
            receipts.end(connection, each, "cancelled", MessageReason.SHADOW, now)
        case Send() if each.message.mode is not Mode.REDIRECT:
            return seen.contacts[each.message.id].address
        case Send() if redirect_to is None:
            logger.error("message %s waits: its mode is redirect, and REDIRECT_TO is not set", each.message.id)
            _stand_aside(connection, each, PostponementReason.RELAY_DEFERRED, now)
        case Send():
            return normalise(redirect_to)
    return None


def _released(desk: Desk, seen: Seen, each: Claimed, now: datetime) -> Release | None:
    """What the core says; None when the account was merged since the claim: let go, it comes again as the other's."""
    message, connection = each.message, desk.connection
    looked = seen.looked[message.account, message.person]
    if looked.account is None:
        merged = accounts.redirects(connection, [message.account])
        return None if merged else Cancel(reason=MessageReason.ERASED)
    # the person's id may be another by now
    person = looked.person or people.person(connection, message.account, message.person)
    playbook = desk.ports.library.edition(connection, looked.account.playbook_version).playbook
    contact = seen.contacts[message.id]
    return release(message, looked.account, person, contact, now, playbook, parked=looked.parked)
