"""Statements on families: who is whose parent (``core/families`` has the rules)."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from orchestrator.core.families import MOST_KIN, MOST_LEVELS, Parentage
from orchestrator.store.rows import as_json

LEARN = text("""
    -- learn: under the locks of the accounts; the last word on an account's parent stays
    INSERT INTO parents (account_id, parent_id, said_at, source, message_id)
    SELECT account_id, parent_id, said_at, source, message_id
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (account_id text, parent_id text, said_at timestamptz, source text, message_id text)
     ORDER BY account_id
        ON CONFLICT (account_id) DO UPDATE
       SET parent_id = excluded.parent_id, said_at = excluded.said_at, source = excluded.source,
           message_id = excluded.message_id
     WHERE (parents.said_at, parents.source, parents.message_id)
         < (excluded.said_at, excluded.source, excluded.message_id)
""")

MOVE = text("""
    -- move: what a merged account said of its parent, where the kept one said nothing later
    WITH moved AS (DELETE FROM parents WHERE account_id = :gone RETURNING parent_id, said_at, source, message_id)
    INSERT INTO parents (account_id, parent_id, said_at, source, message_id)
    SELECT :kept, nullif(parent_id, :kept), said_at, source, message_id FROM moved
        ON CONFLICT (account_id) DO UPDATE
       SET parent_id = excluded.parent_id, said_at = excluded.said_at, source = excluded.source,
           message_id = excluded.message_id
     WHERE (parents.said_at, parents.source, parents.message_id)
         < (excluded.said_at, excluded.source, excluded.message_id)
""")

PARENTS = text("""
    -- parents: of an account, of its parent, and so on; each under the name of today
    WITH RECURSIVE line (account_id, parent_id, level) AS (
        SELECT p.account_id, coalesce(r.to_account, p.parent_id), 1
          FROM parents p LEFT JOIN redirects r ON r.from_account = p.parent_id
         WHERE p.account_id = :account AND p.parent_id IS NOT NULL
         UNION
        SELECT p.account_id, coalesce(r.to_account, p.parent_id), level + 1
          FROM line JOIN parents p ON p.account_id = line.parent_id
          LEFT JOIN redirects r ON r.from_account = p.parent_id
         WHERE p.parent_id IS NOT NULL AND level < :levels)
    SELECT DISTINCT account_id, parent_id FROM line WHERE account_id <> parent_id
""")

PARTS = text("""
    -- parts: the accounts below one, level by level
    WITH RECURSIVE below (account_id, level) AS (
        SELECT CAST(:account AS text) COLLATE "C", 0
         UNION
        SELECT p.account_id, level + 1
          FROM below JOIN parents p ON p.parent_id = ANY(ARRAY(
               SELECT below.account_id
                UNION ALL SELECT from_account FROM redirects WHERE to_account = below.account_id))
         WHERE level < :levels)
    SELECT account_id, min(level) AS level FROM (SELECT * FROM below LIMIT :most) AS few
     GROUP BY account_id ORDER BY level, account_id
""")


def learn(connection: Connection, said: Iterable[Parentage]) -> None:
    """Write what accounts said of their parents, under the accounts' locks; an older word changes nothing."""
    rows = [
        {
            "account_id": each.account,
            "parent_id": each.parent,
            "said_at": each.stamp[0],
            "source": each.stamp[1],
            "message_id": each.stamp[2],
        }
        for each in sorted(said, key=lambda each: each.account)
    ]
    if rows:
        connection.execute(LEARN, {"rows": as_json(rows)})


def move(connection: Connection, gone: str, kept: str) -> None:
    """Hand what a merged account said of its parent to the kept one; its parts find it by its former name."""
    connection.execute(MOVE, {"gone": gone, "kept": kept})


def parents(connection: Connection, account_id: str) -> dict[str, str]:
    """The parent of an account, of that one, and so on."""
    rows = connection.execute(PARENTS, {"account": account_id, "levels": MOST_LEVELS})
    return {row.account_id: row.parent_id for row in rows}


def parts(connection: Connection, account_id: str) -> list[str]:
    """The accounts that belong to one, directly or through others, the nearest first; not more than MOST_KIN."""
    named = {"account": account_id, "levels": MOST_LEVELS, "most": MOST_KIN + 1}
    return [row.account_id for row in connection.execute(PARTS, named) if row.account_id != account_id]
