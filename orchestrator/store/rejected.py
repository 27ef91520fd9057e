"""Statements on what was rejected: listed, counted, locked to be put back, and settled by a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from orchestrator.store.observation import Row

_FILTERED = """
       AND (CAST(:reason AS text) IS NULL OR reason = :reason)
       AND (CAST(:source AS text) IS NULL OR source = :source)
       AND (CAST(:since AS timestamptz) IS NULL OR received_at >= :since)
       AND (CAST(:ids AS bigint[]) IS NULL OR id = ANY(CAST(:ids AS bigint[])))
"""

LISTED = text(f"""
    -- listed: what was rejected, the newest first
    SELECT id, received_at, stream, entry_id, reason, detail, source, message_id, settled_at, settled_as, settled_by,
           settled_why
      FROM rejected_events
     WHERE (:everything OR settled_at IS NULL) {_FILTERED}
       AND (CAST(:before AS bigint) IS NULL OR id < :before)
     ORDER BY id DESC LIMIT :most
""")  # noqa: S608 -- a constant

COUNTED = text(f"""
    -- counted: what was rejected, by reason
    SELECT reason, count(*) AS entries, max(received_at) AS last
      FROM rejected_events
     WHERE (:everything OR settled_at IS NULL) {_FILTERED}
     GROUP BY reason ORDER BY count(*) DESC, reason
""")  # noqa: S608 -- a constant

FOUND = text("""
    -- found: one of them, whole
    SELECT id, received_at, stream, entry_id, reason, detail, source, message_id, raw, settled_at, settled_as,
           settled_by, settled_why
      FROM rejected_events WHERE id = :id
""")

OF_STREAM = text("""
    -- of_stream: the first open ones of a stream, as they were refused
    SELECT entry_id, reason, detail FROM rejected_events
     WHERE stream = :stream AND settled_at IS NULL ORDER BY id LIMIT :most
""")

NEWEST = text("SELECT coalesce(max(id), 0) FROM rejected_events")

TAKEN = text(f"""
    -- taken: open ones under our lock, the oldest first; those that somebody else has in hand are left out
    SELECT id, received_at, stream, entry_id, reason, raw FROM rejected_events
     WHERE settled_at IS NULL {_FILTERED}
       AND id > :after AND id <= :until
     ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
""")  # noqa: S608 -- a constant

SETTLE = text("""
    -- settle: a person has put these back or dropped them
    UPDATE rejected_events
       SET settled_at = :now, settled_as = :what, settled_by = :who, settled_why = :why,
           raw = CASE WHEN :what = 'dropped' THEN '' ELSE raw END
     WHERE id = ANY(CAST(:ids AS bigint[])) AND settled_at IS NULL
""")

STANDING = text("""
    -- standing: the event of an account that holds an id
    SELECT received_at, occurred_at, kind, name, properties FROM events
     WHERE account_id = :account AND source = :source AND message_id = :message_id LIMIT 1
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which of the rejected entries are meant; a field that is None asks for nothing."""

    ids: tuple[int, ...] | None = None  # these
    reason: str | None = None  # those rejected for this
    source: str | None = None  # those of this source
    since: datetime | None = None  # those that reached us then or later

    @property
    def names(self) -> dict[str, object]:
        """As the statements ask for it."""
        ids = None if self.ids is None else list(self.ids)
        return {"ids": ids, "reason": self.reason, "source": self.source, "since": self.since}


def listed(connection: Connection, which: Which, most: int, before: int | None, *, everything: bool) -> Sequence[Row]:
    """The newest of them, or those before an id; ``everything``: also those that are settled."""
    names = {**which.names, "most": most, "before": before, "everything": everything}
    return [dict(row) for row in connection.execute(LISTED, names).mappings()]


def counted(connection: Connection, which: Which, *, everything: bool) -> Sequence[Row]:
    """How many there are, by reason, the most frequent first."""
    return [dict(row) for row in connection.execute(COUNTED, {**which.names, "everything": everything}).mappings()]


def found(connection: Connection, number: int) -> Row | None:
    """One of them, whole; None when there is none of this number."""
    row = connection.execute(FOUND, {"id": number}).mappings().one_or_none()
    return None if row is None else dict(row)


def of_stream(connection: Connection, stream: str, most: int) -> Sequence[Row]:
    """The first open ones of a stream."""
    return [dict(row) for row in connection.execute(OF_STREAM, {"stream": stream, "most": most}).mappings()]


def newest(connection: Connection) -> int:
    """The greatest number there is."""
    return int(connection.scalars(NEWEST).one())


def taken(connection: Connection, which: Which, after: int, until: int, most: int) -> Sequence[Row]:
    """Open ones with a number after one and up to another, locked until the end of the transaction."""
    names = {**which.names, "after": after, "until": until, "most": most}
    return [dict(row) for row in connection.execute(TAKEN, names).mappings()]


def settle(connection: Connection, ids: Sequence[int], words: Mapping[str, Any]) -> int:
    """Note what a person did (``what``, ``who``, ``why``, ``now``); says of how many."""
    return connection.execute(SETTLE, {**words, "ids": list(ids)}).rowcount


def standing(connection: Connection, account: str, source: str, message_id: str) -> Row | None:
    """The event that an account holds under an id; None when it is another account's, or was pruned."""
    names = {"account": account, "source": source, "message_id": message_id}
    row = connection.execute(STANDING, names).mappings().one_or_none()
    return None if row is None else dict(row)
