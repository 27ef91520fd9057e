"""Censuses: whole tables counted by a label, rarely, and kept in one row each, so that whoever asks reads one row.

A table is counted in ranges of its pages (TID range scans): each range is a statement of its own that lasts well under
a second, so that a count of many millions of rows holds no snapshot that would keep the vacuum from its work. What
moves while it is counted may be counted twice or not at all: a metric, not an account book.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, unique

import orjson
from sqlalchemy import Connection, text

PAGES = 4096  # of 8 KiB in one statement
SOONEST = timedelta(seconds=50)  # between the beginnings of two counts of one subject
SHARE = 0.01  # of all time that counting one subject may take


@unique
class Subject(Enum):
    """What is counted: the table, and the label, an expression over its columns."""

    ACCOUNTS = ("accounts", "stage")
    MESSAGES = ("messages", "state")
    REJECTED = ("rejected_events", "coalesce(settled_as, reason)")  # retried and dropped ones apart
    PARKED = ("parked_events", "''")

    @property
    def table(self) -> str:
        """The table whose rows are counted, with all its partitions."""
        return self.value[0]

    @property
    def label(self) -> str:
        """The expression by which they are told apart; few values."""
        return self.value[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """The last whole count of a subject."""

    counts: Mapping[str, int]  # label -> rows
    age: float  # seconds since it was finished
    took: float  # seconds


CLAIM = text("""
    -- claim: begin a count when the last one is old enough for what it cost; on the server's real time
    INSERT INTO censuses AS c (subject, begun_at) VALUES (:subject, now())
        ON CONFLICT (subject) DO UPDATE SET begun_at = now()
     WHERE c.begun_at <= now() - greatest(make_interval(secs => :soonest), make_interval(secs => c.took / :share))
    RETURNING subject
""")

LEAVES = text("""
    -- leaves: the table itself or its partitions, with their sizes in pages
    WITH leaves AS (
        SELECT CAST(relid AS oid) AS leaf FROM pg_partition_tree(CAST(:parent AS regclass)) WHERE isleaf
         UNION
        SELECT oid FROM pg_class WHERE oid = CAST(:parent AS regclass) AND relkind = 'r')
    SELECT CAST(CAST(leaf AS regclass) AS text) AS leaf,
           pg_relation_size(leaf) / CAST(current_setting('block_size') AS int) AS pages
      FROM leaves ORDER BY 1
""")

FINISH = text("""
    -- finish: the count, whole
    UPDATE censuses
       SET counts = CAST(:counts AS jsonb), counted_at = now(), took = extract(epoch FROM clock_timestamp() - begun_at)
     WHERE subject = :subject
""")

LATEST = text("""
    -- latest: the last whole count of each subject
    SELECT subject, counts, extract(epoch FROM clock_timestamp() - counted_at) AS age, took
      FROM censuses WHERE counted_at IS NOT NULL
""")


def claim(connection: Connection, subject: Subject) -> bool:
    """Whether a count of the subject is due, and now ours."""
    named = {"subject": subject.table, "soonest": SOONEST.total_seconds(), "share": SHARE}
    return connection.execute(CLAIM, named).first() is not None


def ranges(connection: Connection, subject: Subject) -> Iterator[tuple[str, int, int]]:
    """The ranges to count: a leaf, its first page, and the page after the last."""
    for leaf, pages in connection.execute(LEAVES, {"parent": subject.table}).all():
        yield from ((leaf, first, first + PAGES) for first in range(0, pages, PAGES))


def count(connection: Connection, subject: Subject, leaf: str, first: int, end: int) -> Counter[str]:
    """Rows of one range by label; a leaf that was dropped meanwhile raises, as the database says it."""
    statement = text(f"""
        -- count: the rows of a range of pages by label
        SELECT coalesce({subject.label}, '') AS label, count(*) AS n
          FROM {leaf} WHERE ctid >= CAST(:first AS tid) AND ctid < CAST(:end AS tid) GROUP BY 1
    """)  # noqa: S608 -- the words of Subject, and names that the database gave
    return Counter({row.label: row.n for row in connection.execute(statement, _tids(first, end))})


def _tids(first: int, end: int) -> Mapping[str, str]:
    return {"first": f"({first},0)", "end": f"({end},0)"}


def finish(connection: Connection, subject: Subject, counts: Mapping[str, int]) -> None:
    """Keep a count; the next one may begin when this one has cost no more than SHARE of the time since."""
    connection.execute(FINISH, {"subject": subject.table, "counts": orjson.dumps(counts).decode()})


def latest(connection: Connection) -> Mapping[Subject, Census]:
    """What was counted last, of each subject that ever was."""
    known = {subject.table: subject for subject in Subject}
    return {
        known[row.subject]: Census(counts=row.counts, age=float(row.age), took=float(row.took))
        for row in connection.execute(LATEST)
        if row.subject in known
    }
