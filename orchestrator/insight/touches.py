"""Touches: by play, what was sent, what was not and why, and what was handed to a human; over all accounts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from orchestrator.core.account import Account, Outcome
from orchestrator.core.decisions import Decision
from orchestrator.core.events import OWN_SOURCE
from orchestrator.store import accounts, observation
from orchestrator.usecases.simulate import Ended, Simulated

DECISIONS = text("""
    -- decisions: all, as they stand
    SELECT account_id AS account, play, episode, decided_at, outcome, reason, repeats, last_at FROM decisions
""")

MESSAGES = text("""
    -- messages: all, as they stand
    SELECT id, account_id AS account, play, episode, template, state, reason, settled_at FROM messages
""")

ESCALATIONS = text("""
    -- escalations: all, as they stand
    SELECT account_id AS account, play, opened_at, closed_at, close_reason AS reason FROM escalations
""")

PRODUCT_EVENTS = text("""
    -- product_events: what the product told; our own outcomes are events too, and not these
    SELECT count(*) FROM events WHERE source <> :own
""")

ACCOUNTS = text("SELECT id FROM accounts ORDER BY id")

HAPPENED = text("""
    -- happened: the newest of what people would like to hear of
    SELECT at, account_id AS account, kind, what FROM (
        (SELECT settled_at AS at, account_id, state AS kind, play AS what FROM messages
          WHERE state IN ('sent', 'cancelled', 'failed', 'unknown') AND settled_at IS NOT NULL
          ORDER BY settled_at DESC LIMIT :most)
        UNION ALL
        (SELECT opened_at, account_id, 'escalated', title FROM escalations ORDER BY opened_at DESC LIMIT :most)
        UNION ALL
        (SELECT closed_at, account_id, 'closed', title FROM escalations
          WHERE closed_at IS NOT NULL ORDER BY closed_at DESC LIMIT :most)
        UNION ALL
        (SELECT at, account_id, 'stage', detail ->> 'target' FROM journal
          WHERE kind = 'stage' ORDER BY at DESC LIMIT :most)
    ) AS happened ORDER BY at DESC, account_id LIMIT :most
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """One decision; equal skips in a row share one."""

    account: str
    play: str
    episode: str
    decided_at: datetime
    outcome: str
    reason: str
    repeats: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message."""

    id: UUID
    account: str
    play: str
    episode: str
    template: str
    state: str
    reason: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRow:
    """One piece of work."""

    account: str
    play: str
    opened_at: datetime
    closed_at: datetime | None
    reason: str | None  # why it was closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of what just happened."""

    at: datetime
    account: str
    kind: str  # sent, cancelled, failed, unknown, escalated, closed, stage
    what: str  # the play, the escalation's title, the stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of all accounts: everything that a report or a check may ask for."""

    accounts: Mapping[str, Account]
    decisions: Sequence[DecisionRow]
    messages: Sequence[MessageRow]
    escalations: Sequence[EscalationRow]


@dataclass(slots=True, kw_only=True)
class Touch:
    """What became of one play over all accounts."""

    play: str
    sent: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # reason -> how often
    cancelled: Counter[str] = field(default_factory=Counter)  # reason, or the state of what did not leave
    opened: int = 0  # escalations
    open: int = 0  # of those


def found(connection: Connection) -> Found:
    """Everything as it stands: for the demonstration and for installations of its size."""
    ids = connection.scalars(ACCOUNTS).all()
    return Found(
        accounts={name: each.account for name, each in accounts.load(connection, ids).items()},
        decisions=[DecisionRow(**row) for row in connection.execute(DECISIONS).mappings()],
        messages=[MessageRow(**row) for row in connection.execute(MESSAGES).mappings()],
        escalations=[EscalationRow(**row) for row in connection.execute(ESCALATIONS).mappings()],
    )


def as_found(simulated: Simulated) -> Found:
    """What a simulation would have left in the tables."""
    return Found(
        accounts=simulated.accounts,
        decisions=[_decision_row(decision) for decision in simulated.decisions],
        messages=[_message_row(ended) for ended in simulated.messages],
        escalations=[
            EscalationRow(
                account=each.escalation.account,
                play=each.escalation.play,
                opened_at=each.escalation.opened_at,
                closed_at=each.closed_at,
                reason=each.reason,
            )
            for each in simulated.escalations
        ],
    )


def _decision_row(decision: Decision) -> DecisionRow:
    return DecisionRow(
        account=decision.account,
        play=decision.play,
        episode=decision.first_episode or decision.episode,
        decided_at=decision.first_decided_at or decision.decided_at,
        outcome=decision.outcome,
        reason=decision.reason,
        repeats=decision.repeats,
        last_at=decision.decided_at,
    )


def _message_row(ended: Ended) -> MessageRow:
    message = ended.message
    return MessageRow(
        id=message.id,
        account=message.account,
        play=message.play,
        episode=message.episode,
        template=message.action.template,
        state=ended.state,
        reason=ended.reason,
        settled_at=None if ended.state in {"pending", "draft"} else ended.at,
    )


def happened(connection: Connection, most: int) -> list[Happening]:
    """The newest happenings, the newest last."""
    rows = connection.execute(HAPPENED, {"most": most}).mappings()
    return [Happening(**row) for row in rows][::-1]


def product_events(connection: Connection) -> int:
    """How many events of the product there are."""
    return int(connection.scalars(PRODUCT_EVENTS, {"own": OWN_SOURCE}).one())


def touches(connection: Connection, plays: Sequence[str]) -> dict[str, Touch]:
    """What became of each play, in the order given; counted in the database."""
    counted = {play: Touch(play=play) for play in plays}
    for row in observation.touches(connection):
        if row["outcome"] == Outcome.SKIPPED:
            _of(counted, row["play"]).skipped[row["reason"]] += int(row["times"])
    for row in observation.message_states(connection):
        _add_messages(_of(counted, row["play"]), row)
    for row in observation.open_work(connection):
        touch = _of(counted, row["cause"])
        touch.opened, touch.open = touch.opened + row["opened"], touch.open + row["open"]
    return counted


def _of(counted: dict[str, Touch], play: str) -> Touch:
    return counted.setdefault(play, Touch(play=play))


def _add_messages(touch: Touch, row: Mapping[str, Any]) -> None:
    if row["state"] == "sent":
        touch.sent += row["messages"]
    elif row["state"] == "cancelled":
        touch.cancelled[row["reason"]] += row["messages"]
    else:
        touch.cancelled[row["state"]] += row["messages"]
