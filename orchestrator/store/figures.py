"""Statements on figures of many accounts: samples day by day, and alerts that open and close."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from orchestrator.store.rows import as_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One figure of one day."""

    metric: str
    figure: float | None  # None: unknown
    population: int
    unknown: int
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an alert asks of whom."""

    metric: str
    severity: str
    owner: str
    action: str
    figure: float  # when it was opened


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert that is on."""

    call: Call
    opened_at: datetime


MEASURED = text("""
    -- measured: whether the figures of a day are there, by this playbook
    SELECT EXISTS (SELECT FROM metric_samples WHERE day = :day AND playbook_version = :version)
""")

KEEP = text("""
    -- keep: the figures of a day; a second measurement of the day replaces the first
    INSERT INTO metric_samples (metric, day, figure, population, unknown, grade, playbook_version, measured_at)
    SELECT metric, :day, figure, population, unknown, grade, :version, :now
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (metric text, figure double precision, population int, unknown int, grade text)
     ORDER BY metric
        ON CONFLICT (metric, day) DO UPDATE
       SET figure = excluded.figure, population = excluded.population, unknown = excluded.unknown,
           grade = excluded.grade, playbook_version = excluded.playbook_version, measured_at = excluded.measured_at
""")

FORGET = text("DELETE FROM metric_samples WHERE day < :day")

OPEN_ALERTS = text("""
    -- open_alerts: those that are not open yet
    INSERT INTO cohort_alerts (metric, severity, owner, action, figure, opened_at)
    SELECT metric, severity, owner, action, figure, :now
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (metric text, severity text, owner text, action text, figure double precision)
     ORDER BY metric
        ON CONFLICT (metric) WHERE closed_at IS NULL DO NOTHING
""")

CLOSE_ALERTS = text("""
    -- close_alerts: all but these
    UPDATE cohort_alerts SET closed_at = :now WHERE closed_at IS NULL AND NOT metric = ANY(:standing)
""")

ALERTS = text("""
    -- alerts: those that are open, the oldest first
    SELECT metric, severity, owner, action, figure, opened_at
      FROM cohort_alerts WHERE closed_at IS NULL ORDER BY opened_at, id
""")


def measured(connection: Connection, day: date, version: str) -> bool:
    """Whether the figures of a UTC day are kept already, by this version of the playbook."""
    return bool(connection.scalars(MEASURED, {"day": day, "version": version}).one())


def keep(connection: Connection, samples: Iterable[Sample], version: str, now: datetime) -> None:
    """Keep the figures of today (UTC)."""
    rows = [
        {"metric": s.metric, "figure": s.figure, "population": s.population, "unknown": s.unknown, "grade": s.grade}
        for s in samples
    ]
    connection.execute(KEEP, {"rows": as_json(rows), "day": now.date(), "version": version, "now": now})


def forget(connection: Connection, before: date) -> None:
    """Drop the figures of the days before one: a few hundred rows a day."""
    connection.execute(FORGET, {"day": before})


def open_alerts(connection: Connection, calls: Iterable[Call], now: datetime) -> None:
    """Open these alerts where they are not open yet."""
    rows = [
        {"metric": c.metric, "severity": c.severity, "owner": c.owner, "action": c.action, "figure": c.figure}
        for c in calls
    ]
    connection.execute(OPEN_ALERTS, {"rows": as_json(rows), "now": now})


def close_alerts(connection: Connection, standing: Sequence[str], now: datetime) -> None:
    """Close all alerts but those of these metrics."""
    connection.execute(CLOSE_ALERTS, {"standing": list(standing), "now": now})


def alerts(connection: Connection) -> tuple[OpenAlert, ...]:
    """The alerts that are on, the oldest first."""
    found = []
    for row in connection.execute(ALERTS):
        call = Call(metric=row.metric, severity=row.severity, owner=row.owner, action=row.action, figure=row.figure)
        found.append(OpenAlert(call=call, opened_at=row.opened_at))
    return tuple(found)
