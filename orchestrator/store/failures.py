"""Whose fault an error is: what is bisected, what is waited out, and what is tried again at once."""

from collections.abc import Iterator
from enum import Enum, unique

import psycopg
import sqlalchemy.exc


@unique
class Fault(Enum):
    """Whose fault an error is.

    The rule, from DESIGN.md, "Whose fault?": "Only errors of the data or of ours (parse, fold, SQLSTATE 22/23) are
    bisected, each try in a new transaction, until the poison stands alone in ``rejected_events`` with its reason.
    Errors of the world (classes 08, 40, 53, 55, 57, 58: connection, full disk, shutdown) roll back, pause and leave
    the entries pending: nothing is rejected because a disk was full." And: "40P01 and 40001 are tried again."
    """

    DATA = "data"
    """A value that PostgreSQL refuses: bisect."""
    OURS = "ours"
    """Our code failed on it: bisect."""
    WORLD = "world"
    """Connection, disk, memory, shutdown, a lock, or a schema that does not fit: roll back, pause, reject nothing."""
    RETRY = "retry"
    """The world again, but over at once: roll back and try again without a pause."""


RETRIED = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock."""

DATA_CLASSES = frozenset({"22", "23", "54"})
"""Data exceptions, broken constraints, and values beyond a limit (an index entry too long, JSON too large or deep)."""

OUR_CLASSES = frozenset({"21"})
"""Cardinality: a batch that names a row twice; alone each half of it passes."""


def fault(exception: BaseException) -> Fault:
    """Say whose fault an error is; see ``Fault`` for the rule.

    A SQLSTATE that is not known to hang on the data is the world's, also where DESIGN.md lists it nowhere (a missing
    table, a lost right, a server gone read-only): it would fail for every event alike, so bisecting would reject them
    all. Errors that Python raised on its own are ours, save those of the operating system. An error of ours that was
    raised *from* one of the database is judged by that one.
    """
    return next((found for each in _causes(exception) if (found := _verdict(each))), Fault.OURS)


def _causes(exception: BaseException | None) -> Iterator[BaseException]:
    """Walk from an error to what it wraps: SQLAlchemy's ``orig``, else what it was raised from."""
    seen: set[int] = set()
    while exception is not None and id(exception) not in seen:
        seen.add(id(exception))
        yield exception
        wrapped = exception.orig if isinstance(exception, sqlalchemy.exc.StatementError) else None
        exception = wrapped or exception.__cause__


def _verdict(exception: BaseException) -> Fault | None:
    match exception:
        case psycopg.Error(sqlstate=str(state)):
            return _by_state(state)
        case psycopg.DataError() | psycopg.IntegrityError():  # the client saw it first: a NUL byte, a year 10000
            return Fault.DATA
        case psycopg.OperationalError() | psycopg.InterfaceError() | psycopg.InternalError():
            return Fault.WORLD
        case sqlalchemy.exc.TimeoutError() | OSError() | MemoryError():  # no connection free; files, sockets, memory
            return Fault.WORLD
        case _:
            return None


def _by_state(state: str) -> Fault:
    if state in RETRIED:
        return Fault.RETRY
    if state[:2] in DATA_CLASSES:
        return Fault.DATA
    return Fault.OURS if state[:2] in OUR_CLASSES else Fault.WORLD
