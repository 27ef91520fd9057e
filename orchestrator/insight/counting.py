"""``count``: whole tables are counted by stage, state and reason, rarely, for the metrics; safe to run at any time.

A table is counted again when that costs at most a hundredth of the time since: a small installation is counted each
minute, one with a million accounts every few minutes.
"""

from collections import Counter

import psycopg
from sqlalchemy.exc import DBAPIError

from orchestrator.store import census
from orchestrator.store.census import Subject
from orchestrator.usecases.ports import Ports


def count(ports: Ports) -> tuple[Subject, ...]:
    """Count what is due to be counted; says what was."""
    return tuple(subject for subject in Subject if _counted(ports, subject))


def _counted(ports: Ports, subject: Subject) -> bool:
    with ports.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not census.claim(connection, subject):
            return False
        total: Counter[str] = Counter()
        try:
            for leaf, first, end in list(census.ranges(connection, subject)):
                total += census.count(connection, subject, leaf, first, end)
        except DBAPIError as error:
            if isinstance(error.orig, psycopg.errors.UndefinedTable):
                return False  # a partition was dropped meanwhile: counted again at its time
            raise
        census.finish(connection, subject, total)
    return True
