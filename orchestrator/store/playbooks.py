"""Statements on published playbooks: immutable, with their templates; at most one is current."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from orchestrator.store.rows import as_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version as it was published."""

    version: str
    name: str
    text: str  # its YAML
    templates: Mapping[str, str]  # path -> text


LOCK = text("""
    -- lock: one publishes at a time; the others find what was published and leave it
    LOCK TABLE playbooks IN SHARE ROW EXCLUSIVE MODE
""")

ADD = text("""
    -- add: a version is never changed
    INSERT INTO playbooks (version, name, text, templates, published_at, current)
    SELECT version, name, text, templates, :now, false
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (version text, name text, text text, templates jsonb)
        ON CONFLICT DO NOTHING
""")

RETIRE = text("UPDATE playbooks SET current = false WHERE current AND version <> :version")

APPOINT = text("UPDATE playbooks SET current = true WHERE version = :version AND NOT current")

CURRENT = text("SELECT version FROM playbooks WHERE current")

BY_VERSION = text("SELECT version, name, text, templates FROM playbooks WHERE version = :version")


def publish(connection: Connection, published: Published, now: datetime) -> None:
    """Keep this version and make it the current one: new accounts are pinned to it."""
    row = {
        "version": published.version,
        "name": published.name,
        "text": published.text,
        "templates": dict(published.templates),
    }
    connection.execute(LOCK)
    connection.execute(ADD, {"rows": as_json([row]), "now": now})
    connection.execute(RETIRE, {"version": published.version})
    connection.execute(APPOINT, {"version": published.version})


def current_version(connection: Connection) -> str | None:
    """The version that new accounts are pinned to; None when none was ever published."""
    return connection.scalars(CURRENT).one_or_none()


def by_version(connection: Connection, version: str) -> Published | None:
    """One version; None when it was never published here."""
    return _published(connection.execute(BY_VERSION, {"version": version}).one_or_none())


def _published(row: Row[Any] | None) -> Published | None:
    if row is None:
        return None
    return Published(version=row.version, name=row.name, text=row.text, templates=row.templates)
