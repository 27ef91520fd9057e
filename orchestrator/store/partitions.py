"""Partitions by month: made ahead, and dropped whole when their retention is over. Nothing is deleted row by row.

Making or dropping a partition locks its table for a moment, against readers and writers alike, so each one is a step
of its own: it waits for the table a short while only (whoever writes queues up behind it) and, outside a transaction of
the caller, commits by itself. So it never holds one table while it waits for another, and cannot deadlock with a drain.

A row for which no month was made lies in the table's DEFAULT partition. Such a month stays there: PostgreSQL refuses a
partition whose rows lie in DEFAULT, and to move them would be a mass delete. DEFAULT is emptied (TRUNCATE) once even
its youngest row is older than the retention.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, unique
from itertools import islice, takewhile

import psycopg
from sqlalchemy import Connection, column, exists, select, table, text
from sqlalchemy.exc import DBAPIError

from orchestrator.store.engine import AdvisoryLock
from orchestrator.store.tables import INSTANT, LEAF_STORAGE, RANGED

LOCK_PATIENCE = timedelta(seconds=2)

PREPARE = text("SELECT set_config('lock_timeout', :patience, true), pg_advisory_xact_lock(:lock)").bindparams(
    patience=f"{LOCK_PATIENCE // timedelta(milliseconds=1)}ms", lock=AdvisoryLock.PARTITIONS.value
)
"""One at a time, and none of them waits long."""

ATTACHED = text(r"""
    -- attached: the monthly partitions of a table with the instant at which each ends, oldest first
    SELECT leaf.relname, bounds.ends_at
      FROM pg_inherits AS link
      JOIN pg_class AS leaf ON leaf.oid = link.inhrelid
      CROSS JOIN LATERAL (
           SELECT CAST(substring(pg_get_expr(leaf.relpartbound, leaf.oid) FROM $$TO \('([^']+)'\)$$) AS timestamptz)
               AS ends_at) AS bounds
     WHERE link.inhparent = to_regclass(:parent) AND bounds.ends_at IS NOT NULL
     ORDER BY bounds.ends_at
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One monthly partition of one table."""

    # The partitioned table.
    parent: str
    # The first instant of the month, UTC.
    starts_at: datetime

    @property
    def ends_at(self) -> datetime:
        """The first instant of the next month, UTC."""
        return (self.starts_at + timedelta(days=31)).replace(day=1)

    @property
    def name(self) -> str:
        """The partition's name: ``events_2026_03``."""
        return f"{self.parent}_{self.starts_at:%Y_%m}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeAhead:
    """What became of the months ahead; a month that was there already is named nowhere."""

    # Partitions that were made.
    made: tuple[str, ...]
    # Partitions that cannot be made, because rows of that month lie in the DEFAULT partition.
    left: tuple[str, ...]
    # Partitions whose table was in use for too long; the next call tries again.
    busy: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What became of the months whose retention is over."""

    # Partitions that are gone; a DEFAULT partition named here was emptied.
    dropped: tuple[str, ...]
    # Partitions whose table was in use for too long; the next call tries again.
    busy: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one monthly table stands."""

    # Months after this one that are made, without a gap.
    ahead: int
    # Whether rows lie in its DEFAULT partition: for a while no month was made for them.
    in_default: bool


@unique
class _Result(Enum):
    DONE = "done"
    NOTHING = "nothing"
    LEFT = "left"
    BUSY = "busy"


def ensure_ahead(connection: Connection, now: datetime, months: int = 3) -> MadeAhead:
    """Make the partitions of this month and of so many months ahead, for each table in ``tables.RANGED``.

    Safe to call twice, by several at once, and while others write. Give it a connection that is in no transaction: then
    each partition is committed by itself. Raises ``sqlalchemy.exc.DBAPIError`` (see ``failures``).
    """
    results = {each.name: _make(connection, each) for each in _ahead(now, months)}
    return MadeAhead(
        made=_those(results, _Result.DONE), left=_those(results, _Result.LEFT), busy=_those(results, _Result.BUSY)
    )


def drop_before(connection: Connection, now: datetime, keep: Mapping[str, timedelta]) -> Dropped:
    """Drop the partitions whose youngest possible row is older than ``keep`` says for their table.

    A table that ``keep`` does not name is kept for ever. Connection and errors as with ``ensure_ahead``; raises
    ``ValueError`` when ``keep`` names a table that is not partitioned by month, or a span that is not positive.
    """
    _check(keep)
    results: dict[str, _Result] = {}
    for parent, span in keep.items():
        for name in _ended(connection, parent, now - span):
            results[name] = _drop(connection, name)
        results[f"{parent}_default"] = _empty_default(connection, parent, now - span)
    return Dropped(dropped=_those(results, _Result.DONE), busy=_those(results, _Result.BUSY))


def standing(connection: Connection, now: datetime) -> dict[str, Standing]:
    """Each monthly table, and how it stands at ``now``; locks nothing."""
    return {
        parent: Standing(ahead=_made_ahead(connection, parent, now), in_default=_has_any(connection, parent))
        for parent in RANGED
    }


def _made_ahead(connection: Connection, parent: str, now: datetime) -> int:
    ends = {row.ends_at.astimezone(UTC) for row in connection.execute(ATTACHED, {"parent": parent})}
    following = islice(_months(parent, now), 1, None)
    return sum(1 for _ in takewhile(ends.__contains__, (month.ends_at for month in following)))


def _has_any(connection: Connection, parent: str) -> bool:
    return connection.scalar(select(exists(text("1")).select_from(table(f"{parent}_default")))) is True


def _months(parent: str, now: datetime) -> Iterator[Month]:
    """The month of ``now`` and all after it."""
    month = Month(
        parent=parent, starts_at=now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    )
    while True:
        yield month
        month = Month(parent=parent, starts_at=month.ends_at)


def _ahead(now: datetime, months: int) -> Iterator[Month]:
    for parent in RANGED:
        yield from islice(_months(parent, now), months + 1)


def _those(results: Mapping[str, _Result], wanted: _Result) -> tuple[str, ...]:
    return tuple(name for name, result in results.items() if result is wanted)


def _check(keep: Mapping[str, timedelta]) -> None:
    for parent, span in keep.items():
        if parent not in RANGED or span <= timedelta(0):
            raise ValueError(f"expected a positive span for one of {', '.join(RANGED)}; got {span} for {parent}")


def _step(connection: Connection) -> AbstractContextManager[object]:
    """Open a transaction of the step's own; inside one of the caller's, a savepoint.

    Raises ``ValueError`` for a connection that commits each statement: its locks and patience would end with them.
    """
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        raise ValueError("expected a connection with transactions, got one that commits each statement")
    return connection.begin_nested() if connection.in_transaction() else connection.begin()


def _make(connection: Connection, month: Month) -> _Result:
    """Make one partition, unless it exists or rows of its month lie in DEFAULT."""
    try:
        with _step(connection):
            connection.execute(PREPARE)
            if _exists(connection, month.name):
                return _Result.NOTHING
            if _has_rows(connection, month):
                return _Result.LEFT
            connection.execute(text(_definition(month)))
    except DBAPIError as error:
        # A row may have come into DEFAULT since we looked: PostgreSQL then refuses with a check violation.
        if isinstance(error.orig, psycopg.errors.CheckViolation):
            return _Result.LEFT
        return _busy(error)
    return _Result.DONE


def _drop(connection: Connection, name: str) -> _Result:
    try:
        with _step(connection):
            connection.execute(PREPARE)
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
    except DBAPIError as error:
        return _busy(error)
    return _Result.DONE


def _empty_default(connection: Connection, parent: str, before: datetime) -> _Result:
    """Empty a DEFAULT partition that holds rows, but none as young as ``before``."""
    name = f"{parent}_default"
    try:
        with _step(connection):
            if not _holds_only_older(connection, parent, before):  # a look without a lock: mostly all there is to do
                return _Result.NOTHING
            connection.execute(PREPARE)
            connection.execute(text(f"LOCK TABLE {parent}, {name} IN ACCESS EXCLUSIVE MODE"))
            if not _holds_only_older(connection, parent, before):
                return _Result.NOTHING
            connection.execute(text(f"TRUNCATE TABLE {name}"))
    except DBAPIError as error:
        return _busy(error)
    return _Result.DONE


def _busy(error: DBAPIError) -> _Result:
    """Take a lock that did not come in time for a result; everything else is raised."""
    if isinstance(error.orig, psycopg.errors.LockNotAvailable):
        return _Result.BUSY
    raise error


def _exists(connection: Connection, name: str) -> bool:
    return connection.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name}) is True


def _has_rows(connection: Connection, month: Month) -> bool:
    at = column(RANGED[month.parent], INSTANT)
    default = table(f"{month.parent}_default", at)
    rows = select(default).where(at >= month.starts_at, at < month.ends_at)
    return connection.scalar(select(exists(rows))) is True


def _holds_only_older(connection: Connection, parent: str, before: datetime) -> bool:
    at = column(RANGED[parent], INSTANT)
    default = table(f"{parent}_default", at)
    some, young = exists(select(default)), exists(select(default).where(at >= before))
    return connection.scalar(select(some & ~young)) is True


def _ended(connection: Connection, parent: str, before: datetime) -> list[str]:
    with _step(connection):
        rows = connection.execute(ATTACHED, {"parent": parent}).all()
    return [row.relname for row in rows if row.ends_at <= before]


def _definition(month: Month) -> str:
    """Write the statement that makes a partition; names and settings are our own words."""
    storage = ", ".join(f"{name} = {value}" for name, value in LEAF_STORAGE.get(month.parent, {}).items())
    return (
        f"CREATE TABLE {month.name} PARTITION OF {month.parent}"
        f" FOR VALUES FROM ('{month.starts_at.isoformat()}') TO ('{month.ends_at.isoformat()}')"
        + (f" WITH ({storage})" if storage else "")
    )
