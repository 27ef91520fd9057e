"""Statements on messages: from pending to settled. Leases run on the database's real clock, instants on ours.

    pending ── claim ──► claimed ── begin ──► sending ── settle ──► sent | failed | pending (deferred) | unknown
       ▲                    │                    │
       └──── rescue ────────┘                    └── rescue ──► unknown ── reconcile ──► sent | pending
    draft ── approve ──► pending       draft ── discard, expire ──► cancelled
    draft, pending, claimed ── cancel ──► cancelled

What goes by another channel than mail is claimed by nobody yet: it stays pending, to be seen and taken, until its
time is over (``expire_untaken``) or its play withdraws it.

Only ``sending`` can ever become ``unknown``. Every step is one UPDATE guarded by the state and by the lease.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, Row, text

from orchestrator.core.decisions import Message, Withdrawal
from orchestrator.core.playbook import (
    AskSurvey,
    CallWebhook,
    Channel,
    Letter,
    Mode,
    Notify,
    Scale,
    SendEmail,
    ShowInApp,
    SurveyKind,
)
from orchestrator.core.reasons import MessageReason, PostponementReason
from orchestrator.store.rows import as_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message under our lease."""

    message: Message
    created_at: datetime  # names its partition
    token: UUID  # of the lease
    attempts: int  # hand-overs begun before
    sending_at: datetime | None  # when the first hand-over began: its Date, so that a resend has the same bytes


ADD = text("""
    -- add: decided messages
    INSERT INTO messages (created_at, id, account_id, person_id, address, play, episode, action, channel, template,
                          mode, state, priority, due_at, not_before, not_after, exempt, context, playbook_version)
    SELECT :now, id, account_id, person_id, address, play, episode, action, channel, template, mode, state,
           priority, due_at, not_before, not_after, exempt, context, playbook_version
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (id uuid, account_id text, person_id text, address text, play text, episode text, action text,
                 channel text, template text, mode text, state text, priority smallint, due_at timestamptz,
                 not_before timestamptz,
                 not_after timestamptz, exempt boolean, context jsonb, playbook_version text)
     ORDER BY id
""")

CANCEL = text("""
    -- cancel: what a withdrawn play had not handed over yet; claimed ones too: their sender finds its guard closed
    WITH withdrawn AS MATERIALIZED (
        SELECT m.id, m.created_at, r.reason
          FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (account_id text, play text, episode text, reason text)
          JOIN messages AS m ON m.account_id = r.account_id AND m.play = r.play AND m.episode = r.episode
         WHERE m.state IN ('draft', 'pending', 'claimed')
         ORDER BY m.id FOR NO KEY UPDATE OF m)
    UPDATE messages
       SET state = 'cancelled', reason = withdrawn.reason, settled_at = :now, lease_token = NULL, lease_until = NULL
      FROM withdrawn
     WHERE messages.id = withdrawn.id AND messages.created_at = withdrawn.created_at
       AND messages.state IN ('draft', 'pending', 'claimed')
""")

CLAIM = text("""
    -- claim: the most urgent mails that may leave, for the length of a lease; the CTE is a fence, so that LIMIT holds
    WITH urgent AS MATERIALIZED (
        SELECT id, created_at FROM messages
         WHERE state = 'pending' AND channel = 'email' AND not_before <= :now
         ORDER BY priority, not_before, due_at, play, id LIMIT :most
           FOR UPDATE SKIP LOCKED)
    UPDATE messages
       SET state = 'claimed', lease_token = :token, lease_until = clock_timestamp() + make_interval(secs => :seconds)
      FROM urgent
     WHERE messages.id = urgent.id AND messages.created_at = urgent.created_at AND messages.state = 'pending'
    RETURNING messages.*
""")

EXPIRE_UNTAKEN = text("""
    -- expire_untaken: what goes by a channel that nothing delivers, after its time
    WITH ended AS MATERIALIZED (
        SELECT id, created_at FROM messages
         WHERE state = 'pending' AND channel <> 'email' AND not_after < :now
         ORDER BY id LIMIT :most
           FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE messages SET state = 'cancelled', reason = :reason, settled_at = :now
      FROM ended
     WHERE messages.id = ended.id AND messages.created_at = ended.created_at AND messages.state = 'pending'
    RETURNING messages.*
""")

BEGIN = text("""
    -- begin: the guard before each hand-over; a CASE, so that they are found by their key, and never by the
    -- index of what is in hand, which holds few rows that live and many that are dead
    UPDATE messages SET state = 'sending', attempts = attempts + 1, sending_at = coalesce(sending_at, :now)
     WHERE id = ANY(CAST(:ids AS uuid[])) AND created_at = ANY(CAST(:made AS timestamptz[]))
       AND CASE WHEN state = 'claimed' THEN lease_token = :token AND lease_until > clock_timestamp() END
    RETURNING id
""")

SETTLE = text("""
    -- settle: the answers of the relay; one that comes late still settles what the rescue has named unknown
    UPDATE messages
       SET state = :state, reason = :reason, lease_token = NULL, lease_until = NULL, settled_at = :now
     WHERE id = ANY(CAST(:ids AS uuid[])) AND created_at = ANY(CAST(:made AS timestamptz[]))
       AND CASE WHEN state IN ('sending', 'unknown') THEN lease_token = :token END
    RETURNING id
""")

PUT_BACK = text("""
    -- put_back: nothing was handed over; it waits for its next try, also when the rescue has named it unknown meanwhile
    UPDATE messages
       SET state = 'pending', reason = :reason, not_before = greatest(not_before, :not_before),
           lease_token = NULL, lease_until = NULL
     WHERE id = :id AND created_at = :created_at AND lease_token = :token AND state IN ('claimed', 'sending', 'unknown')
""")

END = text("""
    -- end: it will not be sent; nothing was handed over
    UPDATE messages
       SET state = :state, reason = :reason, lease_token = NULL, lease_until = NULL, settled_at = :now
     WHERE id = :id AND created_at = :created_at AND lease_token = :token AND state = 'claimed'
""")

LET_GO = text("""
    -- let_go: the rest of a batch that is not worked on any more
    UPDATE messages SET state = 'pending', lease_token = NULL, lease_until = NULL
     WHERE (id, created_at) IN (
           SELECT id, created_at FROM messages
            WHERE lease_token = :token AND state = 'claimed' ORDER BY id FOR NO KEY UPDATE)
""")

GIVE_BACK = text("""
    -- give_back: claims whose lease ran out
    UPDATE messages SET state = 'pending', lease_token = NULL, lease_until = NULL
     WHERE (id, created_at) IN (
           SELECT id, created_at FROM messages
            WHERE state = 'claimed' AND lease_until < clock_timestamp() ORDER BY id FOR UPDATE SKIP LOCKED)
""")

LOST = text("""
    -- lost: hand-overs whose sender did not come back
    SELECT * FROM messages
     WHERE state = 'sending' AND lease_until < clock_timestamp() ORDER BY id FOR UPDATE SKIP LOCKED
""")

NAME_UNKNOWN = text("""
    -- name_unknown: the token stays, so that an answer that comes late can settle it
    UPDATE messages SET state = 'unknown', reason = :reason
     WHERE id = :id AND created_at = :created_at AND lease_token = :token AND state = 'sending'
""")

SOON = text("SET LOCAL synchronous_commit TO off")

NOTE_WAIT = text("""
    -- note_wait: a message that waits at the door, in its account's journal
    INSERT INTO journal (at, account_id, kind, play, detail)
    VALUES (:now, :account_id, 'postponed', :play, CAST(:detail AS jsonb))
""")

RECONCILE = text("""
    -- reconcile: what an operator, or the relay's log, says of an unknown one
    UPDATE messages
       SET state = :state, reason = NULL, lease_token = NULL, lease_until = NULL,
           not_before = greatest(not_before, CAST(:not_before AS timestamptz)),
           settled_at = CASE WHEN :state = 'sent' THEN CAST(:now AS timestamptz) END
     WHERE id = :id AND state = 'unknown'
    RETURNING *
""")

DRAFTS = text("""
    -- drafts: what waits for a person, the most urgent first
    SELECT * FROM messages
     WHERE state = 'draft' AND (CAST(:account AS text) IS NULL OR account_id = :account)
     ORDER BY not_after, priority, id
""")

APPROVE = text("""
    -- approve: a draft may leave, if it still can
    UPDATE messages SET state = 'pending', not_before = greatest(not_before, CAST(:now AS timestamptz))
     WHERE id = :id AND state = 'draft' AND not_after >= :now
    RETURNING *
""")

DISCARD = text("""
    -- discard: a draft will not be sent
    UPDATE messages SET state = 'cancelled', reason = :reason, settled_at = :now
     WHERE id = :id AND state = 'draft'
    RETURNING *
""")

EXPIRE = text("""
    -- expire: drafts that nobody approved in time
    UPDATE messages SET state = 'cancelled', reason = :reason, settled_at = :now
     WHERE (id, created_at) IN (
           SELECT id, created_at FROM messages
            WHERE state = 'draft' AND not_after < :now ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING *
""")

UNKNOWN = text("SELECT id FROM messages WHERE state = 'unknown' ORDER BY id")

CANCEL_TWICE = text("""
    -- cancel_twice: what waits under a given-up id, and waits or was sent under the one of today
    UPDATE messages SET state = 'cancelled', reason = :reason, settled_at = :now, lease_token = NULL, lease_until = NULL
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (account_id text, old text, new text)
     WHERE messages.account_id = r.account_id AND messages.person_id = r.old
       AND messages.state IN ('draft', 'pending', 'claimed')
       AND EXISTS (SELECT FROM messages AS other
                    WHERE other.account_id = r.account_id AND other.person_id = r.new AND other.play = messages.play
                      AND other.episode = messages.episode AND other.action = messages.action
                      AND other.channel = messages.channel AND other.state NOT IN ('failed', 'cancelled'))
""")

UNITE = text("""
    -- unite: what is not settled, of persons whose id was given up for another
    UPDATE messages SET person_id = r.new
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (account_id text, old text, new text)
     WHERE messages.account_id = r.account_id AND messages.person_id = r.old
       AND messages.state IN ('draft', 'pending', 'claimed', 'sending', 'unknown')
""")

MOVE = text("""
    -- move: what a merged account has not sent yet goes on for the kept one
    UPDATE messages SET account_id = :kept
     WHERE account_id = :gone AND state IN ('draft', 'pending', 'claimed', 'sending', 'unknown')
""")


def add(connection: Connection, messages: Iterable[tuple[Message, str | None]], now: datetime) -> None:
    """Write decided messages, each with its normalised address (None: it has none that could be written to)."""
    rows = [_row(message, address) for message, address in messages]
    if rows:
        connection.execute(ADD, {"rows": as_json(rows), "now": now})


def _row(message: Message, address: str | None) -> dict[str, Any]:
    return {
        "id": message.id,
        "account_id": message.account,
        "person_id": message.person or None,
        "address": address,
        "play": message.play,
        "episode": message.episode,
        "action": _WORDS[type(message.action)],
        "channel": message.channel,
        "template": message.action.template,
        "mode": message.mode,
        "state": "draft" if message.draft else "pending",
        "priority": message.priority,
        "due_at": message.due_at,
        "not_before": message.not_before,
        "not_after": message.not_after,
        "exempt": message.exempt,
        "context": dict(message.context),
        "playbook_version": message.playbook_version,
    }


_WORDS: Mapping[type[Letter], str] = {
    SendEmail: "email",
    ShowInApp: "in_app",
    AskSurvey: "survey",
    Notify: "notify",
    CallWebhook: "webhook",
}


def _letter(row: Row[Any]) -> Letter:
    match row.action:
        case "in_app":
            return ShowInApp(template=row.template)
        case "survey":
            return _survey(row)
        case "notify":
            return Notify(to=row.address, template=row.template)
        case "webhook":
            return CallWebhook(name=row.template)
        case _:
            return SendEmail(template=row.template)


def _survey(row: Row[Any]) -> AskSurvey:
    asked = row.context["survey"]
    scale = (
        Scale(lowest=asked["lowest"], highest=asked["highest"], high_is_better=asked["best"] == asked["highest"])
        if "best" in asked
        else None
    )
    kind, channel = SurveyKind(asked["kind"]), Channel(row.channel)
    return AskSurvey(kind=kind, template=row.template, scale=scale, channel=channel)


def cancel(connection: Connection, withdrawn: Iterable[tuple[str, Withdrawal]], now: datetime) -> None:
    """Cancel what the withdrawn plays of these accounts have not handed over yet."""
    rows = [
        {"account_id": account, "play": each.play, "episode": each.episode, "reason": each.reason}
        for account, each in withdrawn
    ]
    if rows:
        connection.execute(CANCEL, {"rows": as_json(rows), "now": now})


def claim(connection: Connection, token: UUID, now: datetime, seconds: float, most: int) -> list[Claimed]:
    """Lease up to ``most`` messages that may leave at ``now``, the most urgent first."""
    rows = connection.execute(CLAIM, {"token": token, "now": now, "seconds": seconds, "most": most}).all()
    return sorted((claimed(row) for row in rows), key=lambda each: each.message.urgency)


def claimed(row: Row[Any]) -> Claimed:
    """The leased message that a row tells of."""
    message = Message(
        id=row.id,
        account=row.account_id,
        play=row.play,
        episode=row.episode,
        person=row.person_id or "",
        address=row.address or "",
        action=_letter(row),
        due_at=row.due_at,
        not_before=row.not_before,
        not_after=row.not_after,
        priority=row.priority,
        mode=Mode(row.mode),
        exempt=row.exempt,
        playbook_version=row.playbook_version,
        context=row.context,
    )
    return Claimed(
        message=message,
        created_at=row.created_at,
        token=row.lease_token,
        attempts=row.attempts,
        sending_at=row.sending_at,
    )


def expire_untaken(connection: Connection, now: datetime, reason: MessageReason, most: int) -> list[Claimed]:
    """End up to ``most`` messages of channels that nothing delivers, after their ``not_after``; those that ended."""
    rows = connection.execute(EXPIRE_UNTAKEN, {"now": now, "reason": reason, "most": most}).all()
    return [claimed(row) for row in rows]


def begin(connection: Connection, some: Sequence[Claimed], now: datetime) -> set[UUID]:
    """Mark those of one lease ``sending`` that are still ours; which those were."""
    return set(connection.scalars(BEGIN, {**_keys(some), "now": now})) if some else set()


def settle(
    connection: Connection, some: Sequence[Claimed], state: str, reason: MessageReason | None, now: datetime
) -> set[UUID]:
    """Record the relay's answer to those of one lease: ``sent`` or ``failed``; the others somebody else has settled."""
    told = {"state": state, "reason": reason, "now": now}
    return set(connection.scalars(SETTLE, {**_keys(some), **told})) if some else set()


def put_back(connection: Connection, each: Claimed, reason: str, not_before: datetime) -> bool:
    """Let it wait until ``not_before`` (our clock); False: it is not ours any more."""
    return connection.execute(PUT_BACK, {**_key(each), "reason": reason, "not_before": not_before}).rowcount == 1


def end(connection: Connection, each: Claimed, state: str, reason: MessageReason, now: datetime) -> bool:
    """End it before any hand-over: ``cancelled`` or ``failed``; False: it is not ours any more."""
    return connection.execute(END, {**_key(each), "state": state, "reason": reason, "now": now}).rowcount == 1


def let_go(connection: Connection, token: UUID) -> int:
    """Give back what is left of a batch; how many those were."""
    return connection.execute(LET_GO, {"token": token}).rowcount


def give_back(connection: Connection) -> int:
    """Give back claims whose lease ran out; how many those were."""
    return connection.execute(GIVE_BACK).rowcount


def lost(connection: Connection) -> list[Claimed]:
    """The hand-overs whose lease ran out before their answer was recorded, locked."""
    return [claimed(row) for row in connection.execute(LOST)]


def soon(connection: Connection) -> None:
    """Let this transaction's commit not wait for the disk: it is there, at the latest, with the next that does."""
    connection.execute(SOON)


def name_unknown(connection: Connection, each: Claimed, reason: MessageReason) -> bool:
    """Name a hand-over whose end nobody knows; False: it was settled meanwhile."""
    return connection.execute(NAME_UNKNOWN, {**_key(each), "reason": reason}).rowcount == 1


def note_wait(
    connection: Connection, each: Claimed, reason: PostponementReason, until: datetime, now: datetime
) -> None:
    """Write down that a message waits, until when and why."""
    detail = {"episode": each.message.episode, "until": until, "reason": reason}
    named = {"now": now, "account_id": each.message.account, "play": each.message.play}
    connection.execute(NOTE_WAIT, {**named, "detail": orjson.dumps(detail).decode()})


def reconcile(
    connection: Connection, message_id: UUID, now: datetime, not_before: datetime, *, arrived: bool
) -> Claimed | None:
    """Settle an unknown message: it arrived (sent) or did not (pending until not_before); None: it is not unknown."""
    named = {"id": message_id, "state": "sent" if arrived else "pending", "now": now, "not_before": not_before}
    row = connection.execute(RECONCILE, named).one_or_none()
    return None if row is None else claimed(row)


def drafts(connection: Connection, account: str | None = None) -> list[Claimed]:
    """The drafts of an account, or all: who is out of time first comes first."""
    return [claimed(row) for row in connection.execute(DRAFTS, {"account": account})]


def approve(connection: Connection, message_id: UUID, now: datetime) -> Claimed | None:
    """Let a draft leave; None: it is none, or its time is over."""
    row = connection.execute(APPROVE, {"id": message_id, "now": now}).one_or_none()
    return None if row is None else claimed(row)


def discard(connection: Connection, message_id: UUID, reason: MessageReason, now: datetime) -> Claimed | None:
    """End a draft; None: it is none."""
    row = connection.execute(DISCARD, {"id": message_id, "reason": reason, "now": now}).one_or_none()
    return None if row is None else claimed(row)


def expire(connection: Connection, reason: MessageReason, now: datetime) -> list[Claimed]:
    """End the drafts whose time is over."""
    return [claimed(row) for row in connection.execute(EXPIRE, {"reason": reason, "now": now})]


def unknown(connection: Connection) -> Sequence[UUID]:
    """The messages whose hand-over is uncertain."""
    return connection.scalars(UNKNOWN).all()


def unite(connection: Connection, names: Mapping[str, Mapping[str, str]], now: datetime) -> None:
    """Of locked accounts, what waits for given-up ids goes to whom they are known as; what is there twice goes once."""
    rows = [
        {"account_id": account, "old": old, "new": new}
        for account, pairs in names.items()
        for old, new in pairs.items()
    ]
    named = {"rows": as_json(rows), "now": now, "reason": MessageReason.REPEATED}
    connection.execute(CANCEL_TWICE, named)
    connection.execute(UNITE, named)


def move(connection: Connection, gone: str, kept: str) -> None:
    """Hand the unsettled messages of a merged account to the kept one."""
    connection.execute(MOVE, {"gone": gone, "kept": kept})


def _key(each: Claimed) -> dict[str, Any]:
    return {"id": each.message.id, "created_at": each.created_at, "token": each.token}


def _keys(some: Sequence[Claimed]) -> dict[str, Any]:
    """Of messages under one lease; ``made`` names their partitions."""
    ids, made = [each.message.id for each in some], [each.created_at for each in some]
    return {"ids": ids, "made": made, "token": some[0].token}
