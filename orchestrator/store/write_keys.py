"""Statements on write keys: who may bring events, under which source, and how many."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKey:
    """A key as it is kept; its secret is not."""

    id: int  # a number to speak of it by
    source: str  # under what name everything counts that comes with it
    hash: bytes  # SHA-256 of the secret
    shown: str  # how the secret begins
    rate: str  # how many events it may bring, as 100/second
    created_at: datetime
    revoked_at: datetime | None  # None: it works


_COLUMNS = "id, source, hash, shown, rate, created_at, revoked_at"

ADD = text(f"""
    -- add: a key for a source
    INSERT INTO write_keys (source, hash, shown, rate, created_at)
    VALUES (:source, :hash, :shown, :rate, :created_at) RETURNING {_COLUMNS}
""")  # noqa: S608 -- the names of our own columns

ALL = text(f"SELECT {_COLUMNS} FROM write_keys ORDER BY id")  # noqa: S608 -- the names of our own columns

REVOKE = text(f"""
    -- revoke: a second time changes nothing
    UPDATE write_keys SET revoked_at = coalesce(revoked_at, :now) WHERE id = :id RETURNING {_COLUMNS}
""")  # noqa: S608 -- the names of our own columns


def _key(row: Row[Any]) -> WriteKey:
    return WriteKey(**row._asdict())


def add(connection: Connection, *, source: str, hashed: bytes, shown: str, rate: str, now: datetime) -> WriteKey:
    """Keep a new key."""
    row = connection.execute(
        ADD, {"source": source, "hash": hashed, "shown": shown, "rate": rate, "created_at": now}
    ).one()
    return _key(row)


def all_keys(connection: Connection) -> list[WriteKey]:
    """Every key that was ever made, the oldest first."""
    return [_key(row) for row in connection.execute(ALL)]


def revoke(connection: Connection, key_id: int, now: datetime) -> WriteKey | None:
    """Take a key back; None when there is no such key."""
    row = connection.execute(REVOKE, {"id": key_id, "now": now}).one_or_none()
    return None if row is None else _key(row)
