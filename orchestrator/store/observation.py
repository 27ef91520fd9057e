"""Statements that only look: what waits, what is parked, what an account's history says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, TextClause, text

Row: TypeAlias = Mapping[str, Any]  # column -> value


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits in the database at an instant."""

    due: int  # accounts whose wake-up has come
    outcomes: int  # internal events that are not folded yet
    sendable: int  # mails that may leave
    untaken: int  # messages that wait for a channel that nothing delivers
    expired: int  # of those: their time is over, they are to be ended
    in_hand: int  # messages claimed or being handed over
    unknown: int  # hand-overs whose end nobody knows
    parked: int  # accounts that could not be decided
    rejected: int  # entries in rejected_events that nobody has put back or dropped
    waiting_persons: int  # events parked under persons whose account is not known
    oldest_due: datetime | None  # the longest overdue wake-up
    oldest_sendable: datetime | None  # since when the longest waiting message may leave

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to do at this instant."""
        return not (self.due or self.outcomes or self.sendable or self.expired or self.in_hand)


BACKLOG = text("""
    -- backlog: counts are bounded where they could be large
    SELECT (SELECT count(*) FROM (
                SELECT FROM wakes WHERE wake_at <= :now
                   AND NOT EXISTS (SELECT FROM parked_accounts p
                                    WHERE p.account_id = wakes.account_id AND p.until > :now)
                 LIMIT 100000) AS d)
           + (SELECT count(*) FROM parked_accounts WHERE until <= :now) AS due,
           (SELECT count(*) FROM (SELECT FROM outcomes LIMIT 100000) AS o) AS outcomes,
           (SELECT count(*) FROM (
                SELECT FROM messages WHERE state = 'pending' AND channel = 'email' AND not_before <= :now
                 LIMIT 100000) AS s) AS sendable,
           (SELECT count(*) FROM (
                SELECT FROM messages WHERE state = 'pending' AND channel <> 'email' LIMIT 100000) AS u) AS untaken,
           (SELECT count(*) FROM (
                SELECT FROM messages WHERE state = 'pending' AND channel <> 'email' AND not_after < :now
                 LIMIT 100000) AS e) AS expired,
           (SELECT count(*) FROM messages WHERE state IN ('claimed', 'sending')) AS in_hand,
           (SELECT count(*) FROM messages WHERE state = 'unknown') AS unknown,
           (SELECT count(*) FROM parked_accounts) AS parked,
           (SELECT count(*) FROM (
                SELECT FROM rejected_events WHERE settled_at IS NULL LIMIT 100000) AS r) AS rejected,
           (SELECT count(*) FROM (SELECT FROM parked_events LIMIT 100000) AS w) AS waiting_persons,
           (SELECT min(wake_at) FROM wakes WHERE wake_at <= :now) AS oldest_due,
           (SELECT min(not_before) FROM messages
             WHERE state = 'pending' AND channel = 'email' AND not_before <= :now) AS oldest_sendable
""")

EVENT_NAMES = text("""
    -- event_names: what happened lately, by name; bounded, for a month may hold very many events
    SELECT DISTINCT name FROM (
        SELECT name FROM events WHERE received_at >= :since AND kind = 'track' LIMIT 500000) AS lately
""")

NEXT_INSTANT = text("""
    -- next_instant: when something may become due by time alone
    SELECT least((SELECT min(wake_at) FROM wakes WHERE wake_at > :now),
                 (SELECT min(not_before) FROM messages
                   WHERE state = 'pending' AND channel = 'email' AND not_before > :now),
                 (SELECT min(not_after) + interval '1 microsecond' FROM messages
                   WHERE state = 'pending' AND channel <> 'email' AND not_after >= :now),
                 (SELECT min(until) FROM parked_accounts WHERE until > :now))
""")

NAMES = text("""
    -- names: an account's own and all that it had; what was settled under those stays there
    SELECT CAST(:id AS text) UNION ALL (SELECT from_account FROM redirects WHERE to_account = :id ORDER BY 1)
""")

HISTORY = text("""
    -- history: what was decided for an account, under whatever name it had, in time
    SELECT account_id, decided_at, play, episode, due_at, outcome, reason, playbook_version, explanation, repeats,
           last_at
      FROM decisions
     WHERE account_id = ANY(:names)
       AND (CAST(:play AS text) IS NULL OR play = :play)
     ORDER BY decided_at, due_at, play
""")

JOURNAL = text("""
    -- journal: what else happened on the way
    SELECT account_id, at, kind, play, detail FROM journal
     WHERE account_id = ANY(:names)
       AND (CAST(:play AS text) IS NULL OR play = :play)
     ORDER BY at
""")

MESSAGES = text("""
    -- messages: of an account
    SELECT id, account_id, created_at, play, episode, channel, template, mode, state, reason, not_before, sending_at,
           settled_at, attempts
      FROM messages
     WHERE account_id = ANY(:names)
     ORDER BY created_at, play
""")

ESCALATIONS = text("""
    -- escalations: of an account
    SELECT id, account_id, cause, play, severity, category, owner, title, opened_at, due_at, closed_at, close_reason,
           context, playbook_version
      FROM escalations
     WHERE account_id = ANY(:names)
     ORDER BY opened_at
""")

OPEN_ESCALATIONS = text("""
    -- open_escalations: of all accounts or one, of all roles or one; the first due first
    SELECT account_id, play, severity, category, owner, title, opened_at, due_at, context, playbook_version
      FROM escalations
     WHERE closed_at IS NULL
       AND (CAST(:account AS text) IS NULL OR account_id = :account)
       AND (CAST(:play AS text) IS NULL OR play = :play)
       AND (CAST(:owner AS text) IS NULL OR owner = :owner)
     ORDER BY due_at, account_id, play LIMIT 1000
""")

UNKNOWN = text("""
    -- unknown: hand-overs whose end nobody knows
    SELECT id, account_id, play, sending_at FROM messages WHERE state = 'unknown' ORDER BY sending_at, id
""")

PARKED = text("SELECT account_id, until, tries, error, since FROM parked_accounts ORDER BY since LIMIT 100")

TOUCHES = text("""
    -- touches: by play, what became of it
    SELECT play, outcome, reason, sum(repeats) AS times, count(DISTINCT account_id) AS accounts
      FROM decisions GROUP BY play, outcome, reason ORDER BY play, outcome, reason
""")

MESSAGE_STATES = text("""
    -- message_states: by play
    SELECT play, state, reason, count(*) AS messages FROM messages
     GROUP BY play, state, reason ORDER BY play, state, reason
""")

STAGES = text("""
    -- stages: how many accounts are where
    SELECT stage, count(*) AS accounts FROM accounts GROUP BY 1 ORDER BY 1
""")

OPEN_WORK = text("""
    -- open_work: escalations by cause
    SELECT cause, severity, owner, count(*) AS opened, count(*) FILTER (WHERE closed_at IS NULL) AS open
      FROM escalations GROUP BY cause, severity, owner ORDER BY cause
""")


def backlog(connection: Connection, now: datetime) -> Backlog:
    """What waits at this instant."""
    return Backlog(**connection.execute(BACKLOG, {"now": now}).mappings().one())


def next_instant(connection: Connection, now: datetime) -> datetime | None:
    """The next instant after now at which something may become due; None: nothing waits for time."""
    found: datetime | None = connection.scalars(NEXT_INSTANT, {"now": now}).one()
    return found


def names(connection: Connection, account_id: str) -> list[str]:
    """The account's id, and the ids that it had before it was renamed or took others in."""
    return list(connection.scalars(NAMES, {"id": account_id}))


def history(connection: Connection, account_id: str, play: str | None = None) -> Sequence[Row]:
    """An account's decisions in time, of one play or all."""
    return _rows(connection, HISTORY, {"names": names(connection, account_id), "play": play})


def journal(connection: Connection, account_id: str, play: str | None = None) -> Sequence[Row]:
    """An account's journal in time, of one play or all."""
    return _rows(connection, JOURNAL, {"names": names(connection, account_id), "play": play})


def messages(connection: Connection, account_id: str) -> Sequence[Row]:
    """An account's messages."""
    return _rows(connection, MESSAGES, {"names": names(connection, account_id)})


def escalations(connection: Connection, account_id: str) -> Sequence[Row]:
    """An account's escalations."""
    return _rows(connection, ESCALATIONS, {"names": names(connection, account_id)})


def open_escalations(
    connection: Connection, *, account: str | None = None, play: str | None = None, owner: str | None = None
) -> Sequence[Row]:
    """Open work: of an account, a play, a role, or all (the first thousand), the first due first."""
    return _rows(connection, OPEN_ESCALATIONS, {"account": account, "play": play, "owner": owner})


def unknown(connection: Connection) -> Sequence[Row]:
    """Messages whose hand-over is uncertain."""
    return _rows(connection, UNKNOWN)


def parked(connection: Connection) -> Sequence[Row]:
    """Accounts that could not be decided, the longest parked first."""
    return _rows(connection, PARKED)


def touches(connection: Connection) -> Sequence[Row]:
    """What became of each play over all accounts."""
    return _rows(connection, TOUCHES)


def message_states(connection: Connection) -> Sequence[Row]:
    """What became of each play's messages."""
    return _rows(connection, MESSAGE_STATES)


def stages(connection: Connection) -> dict[str, int]:
    """How many accounts are in each stage."""
    return {row.stage: row.accounts for row in connection.execute(STAGES)}


def open_work(connection: Connection) -> Sequence[Row]:
    """Escalations by cause, severity and owner."""
    return _rows(connection, OPEN_WORK)


def figures(connection: Connection) -> dict[str, Any]:
    """Row counts for a live view: events, decisions, messages sent, escalations opened."""
    return dict(connection.execute(FIGURES).mappings().one())


FIGURES = text("""
    -- figures: totals
    SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM decisions) AS decisions,
           (SELECT count(*) FROM messages WHERE state = 'sent') AS sent,
           (SELECT count(*) FROM escalations) AS escalations, (SELECT count(*) FROM accounts) AS accounts
""")


def _rows(connection: Connection, statement: TextClause, parameters: Row | None = None) -> Sequence[Row]:
    return [dict(row) for row in connection.execute(statement, parameters or {}).mappings()]


def event_names(connection: Connection, since: datetime) -> frozenset[str]:
    """The names of what happened since an instant, as the products say them; of 500,000 events at most."""
    return frozenset(connection.execute(EVENT_NAMES, {"since": since}).scalars())
