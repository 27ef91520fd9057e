"""``rescue``: what nobody will come back for.

Claims of lost processes go back; hand-overs without an answer are named ``unknown``; drafts that nobody approved in
time end as ``expired``.
"""

from dataclasses import dataclass

from orchestrator.core.reasons import MessageReason
from orchestrator.store import events, messages
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.receipts import name_unknown, outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """What was found, counted."""

    given_back: int  # claims whose lease ran out: pending again
    unknown: int  # hand-overs whose sender did not come back
    expired: int = 0  # drafts that nobody approved in time


def rescue(ports: Ports) -> Rescued:
    """Give back expired claims, name uncertain hand-overs, end overdue drafts; safe to run twice and side by side."""
    with ports.engine.begin() as connection:
        given_back = messages.give_back(connection)
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        lost = messages.lost(connection)
        name_unknown(connection, ports, lost, now)
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        expired = messages.expire(connection, MessageReason.EXPIRED, now)
        events.report(connection, [outcome(each, "message_cancelled", now, MessageReason.EXPIRED) for each in expired])
    return Rescued(given_back=given_back, unknown=len(lost), expired=len(expired))
