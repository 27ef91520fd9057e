"""Statements of the metrics: what waits now, each through an index or a small table: a scrape costs milliseconds.

What can only be counted by reading a whole table stands in ``censuses`` and is counted rarely (``census``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

MOST_COUNTED = 100_000
"""Rows at which a count of what waits stops: beyond it, it says "so many at least" for the price of so many."""
PATIENCE = timedelta(seconds=4)
"""For one statement of a scrape; Prometheus itself waits ten seconds by default."""

BE_QUICK = text("SELECT set_config('statement_timeout', :patience, true)").bindparams(
    patience=f"{PATIENCE // timedelta(milliseconds=1)}ms"
)

WAITING = text("""
    -- waiting: what is to be done at an instant, and since when; counts end at a bound
    SELECT (SELECT count(*) FROM (SELECT FROM wakes WHERE wake_at <= :now LIMIT :most) AS w) AS due,
           (SELECT wake_at FROM wakes WHERE wake_at <= :now
               AND NOT EXISTS (SELECT FROM parked_accounts p
                                WHERE p.account_id = wakes.account_id AND p.until > :now)
             ORDER BY wake_at LIMIT 1) AS oldest_due,
           (SELECT count(*) FROM (SELECT FROM outcomes LIMIT :most) AS o) AS outcomes,
           (SELECT min(occurred_at) FROM (SELECT occurred_at FROM outcomes ORDER BY id LIMIT 1) AS o) AS oldest_outcome,
           (SELECT count(*) FROM parked_accounts) AS parked,
           (SELECT min(since) FROM parked_accounts) AS oldest_parked,
           (SELECT count(*) FROM (
                SELECT FROM messages WHERE state = 'pending' AND channel = 'email' AND not_before <= :now
                 LIMIT :most) AS s) AS sendable,
           (SELECT min(not_before) FROM messages
             WHERE state = 'pending' AND channel = 'email' AND not_before <= :now) AS oldest_sendable,
           (SELECT count(*) FROM escalations WHERE closed_at IS NULL AND due_at <= :now) AS overdue,
           (SELECT count(*) FROM key_generations) AS key_generations,
           (SELECT began_at FROM key_generations ORDER BY generation DESC LIMIT 1) AS keys_since,
           (SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity
             WHERE datname = current_database() AND backend_type = 'client backend'
               AND pid <> pg_backend_pid()) AS longest_transaction
""")

IN_MOTION = text("""
    -- in_motion: messages that have not come to their end, by state; each through its partial index
    SELECT 'pending' AS state, (SELECT count(*) FROM (
               SELECT FROM messages WHERE state = 'pending' AND channel = 'email' LIMIT :most) AS e)
         + (SELECT count(*) FROM (
               SELECT FROM messages WHERE state = 'pending' AND channel <> 'email' LIMIT :most) AS u) AS n
     UNION ALL
    SELECT 'draft', (SELECT count(*) FROM (SELECT FROM messages WHERE state = 'draft' LIMIT :most) AS d)
     UNION ALL
    SELECT state.name, (SELECT count(*) FROM messages AS m
                         WHERE m.state IN ('claimed', 'sending', 'unknown') AND m.state = state.name)
      FROM (VALUES ('claimed'), ('sending'), ('unknown')) AS state (name)
""")

OPEN_ESCALATIONS = text("""
    -- open_escalations: by severity
    SELECT severity, count(*) AS n FROM escalations WHERE closed_at IS NULL GROUP BY severity
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is to be done at an instant; counts end at MOST_COUNTED, instants are None where nothing waits."""

    due: int  # accounts whose wake-up has come
    oldest_due: datetime | None  # the longest overdue wake-up of an account that is not parked
    outcomes: int  # internal events that are not folded yet
    oldest_outcome: datetime | None  # when the first of them happened
    parked: int  # accounts that could not be decided
    oldest_parked: datetime | None  # since when the first of them cannot
    sendable: int  # mails that may leave
    oldest_sendable: datetime | None  # since when the first of them may
    overdue: int  # open escalations whose time is over
    key_generations: int  # generations of event keys that are kept
    keys_since: datetime | None  # when the current one began; None: never rotated
    longest_transaction: float | None  # seconds, of the oldest transaction that is open; None: there is none


def be_quick(connection: Connection) -> None:
    """End each statement of this transaction after PATIENCE: a metric is not worth more."""
    connection.execute(BE_QUICK)


def waiting(connection: Connection, now: datetime) -> Waiting:
    """What is to be done at this instant."""
    return Waiting(**connection.execute(WAITING, {"now": now, "most": MOST_COUNTED}).mappings().one())


def in_motion(connection: Connection) -> Mapping[str, int]:
    """Messages that have not come to their end, by state; every such state is named."""
    return {row.state: row.n for row in connection.execute(IN_MOTION, {"most": MOST_COUNTED})}


def open_escalations(connection: Connection) -> Mapping[str, int]:
    """Open work by severity."""
    return {row.severity: row.n for row in connection.execute(OPEN_ESCALATIONS)}
