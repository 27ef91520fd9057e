"""What became of messages, written down: each end with its outcome, as the event that the account will fold.

Answers of one kind are the rule: what the relay has accepted is settled many at a time. All others are told one by one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy import Connection

from orchestrator.core.playbook import Mode, OnUnknown
from orchestrator.core.reasons import MessageReason, PostponementReason
from orchestrator.messaging.transport import Abandoned, Accepted, Deferred, Receipt, Refused, Uncertain
from orchestrator.store import events, messages, people
from orchestrator.store.events import ReportedOutcome
from orchestrator.store.messages import Claimed
from orchestrator.usecases.ports import Ports

WEEK = timedelta(days=7)  # the longest span that a cap counts
FIRST_PAUSE = timedelta(minutes=1)  # after the relay deferred; doubles with each try
LONGEST_PAUSE = timedelta(hours=1)
_OUTCOMES = {"sent": "message_sent", "failed": "message_failed"}


def record(connection: Connection, ports: Ports, each: Claimed, receipt: Receipt) -> None:
    """Write what became of a hand-over, and tell the account."""
    now = ports.clock.now(connection)
    match receipt:
        case Accepted():
            settle(connection, [each], "sent", None, now)
        case Refused(address_dead=dead):
            if dead and each.message.mode is Mode.LIVE:
                people.suppress(connection, each.message.address, "bounce", now)
            settle(connection, [each], "failed", MessageReason.RELAY_REFUSED, now)
        case Deferred() | Abandoned():
            _defer(connection, each, now)
        case Uncertain():
            name_unknown(connection, ports, [each], now)
        case _ as unreachable:
            assert_never(unreachable)


def settle(
    connection: Connection, some: Sequence[Claimed], state: str, reason: MessageReason | None, now: datetime
) -> None:
    """Settle hand-overs of one lease that came to the same end; those that somebody else has settled stay so."""
    settled = messages.settle(connection, some, state, reason, now)
    told = (each for each in some if each.message.id in settled)
    events.report(connection, [outcome(each, _OUTCOMES[state], now, reason) for each in told])


def end(connection: Connection, each: Claimed, state: str, reason: MessageReason, now: datetime) -> None:
    """End a message before any hand-over, if it is ours: ``cancelled`` or ``failed``."""
    if messages.end(connection, each, state, reason, now):
        name = "message_cancelled" if state == "cancelled" else "message_failed"
        events.report(connection, [outcome(each, name, now, reason)])


def postpone(connection: Connection, each: Claimed, reason: PostponementReason, until: datetime, now: datetime) -> bool:
    """Let a message wait, and its journal say so; False: it is not ours any more."""
    ours = messages.put_back(connection, each, reason, until)
    if ours:
        messages.note_wait(connection, each, reason, until, now)
    return ours


def _defer(connection: Connection, each: Claimed, now: datetime) -> None:
    """Nothing was handed over: try again later, and give back what the cap had counted."""
    people.lock_contacts(connection, [each.message])  # the contact first, as at the door
    if postpone(connection, each, PostponementReason.RELAY_DEFERRED, now + _pause(each), now):
        people.uncount_send(connection, each.message, now - WEEK)


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
