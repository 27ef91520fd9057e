"""The migrations make exactly the tables of ``tables.py``, step by step, up and down."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from orchestrator.store import migrate
from orchestrator.store.engine import AdvisoryLock, create_engine
from orchestrator.store.keys import Verdict, admit, body_digest, event_key, rotate
from orchestrator.store.tables import LEAF_STORAGE, RANGED, metadata
from tests.database import until

CATALOG = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, l.collname,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT attisdropped
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
          LEFT JOIN pg_collation l ON l.oid = a.attcollation
         WHERE c.relkind IN ('r', 'p') AND {ours} ORDER BY c.relname, a.attnum""",
    "tables": """
        SELECT c.relname, c.relkind::text, c.reloptions, pg_get_partkeydef(c.oid), obj_description(c.oid)
          FROM pg_class c WHERE c.relkind IN ('r', 'p', 'S') AND {ours} ORDER BY c.relname""",
    "constraints": """
        SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
          FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         WHERE k.contype <> 'n' AND {ours} ORDER BY c.relname, k.conname""",
    "indexes": """
        SELECT c.relname, pg_get_indexdef(i.indexrelid)
          FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE {ours} ORDER BY 1, 2""",
}
OURS = "c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND c.relname <> 'alembic_version'"


def _catalog(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Read back everything that a table is made of; partitions apart."""
    return {
        name: [tuple(row) for row in connection.execute(text(query.format(ours=OURS)))]
        for name, query in CATALOG.items()
    }


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Engine]:
    """An engine on a database without tables."""
    engine = create_engine(empty_database_url)
    yield engine
    engine.dispose()


def _partitions(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")))


def test_alembic_sees_no_difference(engine: Engine) -> None:
    """Alembic finds nothing to change between the migrated database and the tables."""
    with engine.connect() as connection:
        partitions = _partitions(connection)
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: kind != "table" or name not in partitions,
            },
        )
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("part", list(CATALOG))
def test_catalog_equals_the_tables(engine: Engine, empty: Engine, part: str) -> None:
    """Checks, defaults, collations, comments, storage settings and partition keys are those of the tables as well."""
    with empty.begin() as connection:
        metadata.create_all(connection)
        wanted = _catalog(connection)
    with engine.connect() as connection:
        assert _catalog(connection)[part] == wanted[part]


def test_every_monthly_table_has_a_default_partition(engine: Engine) -> None:
    """A month that nobody made stops nobody: each monthly table has a DEFAULT partition with its storage settings."""
    query = """SELECT p.relname AS parent, coalesce(c.reloptions, '{}') AS options FROM pg_class c
                 JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent
                WHERE c.relkind = 'r' AND pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'"""
    with engine.connect() as connection:
        found = {row.parent: set(row.options) for row in connection.execute(text(query))}
    assert found == {
        parent: {f"{name}={value}" for name, value in LEAF_STORAGE.get(parent, {}).items()} for parent in RANGED
    }


def test_steps_up_and_down_one_by_one(empty: Engine, empty_database_url: str) -> None:
    """Each revision can be climbed, left and climbed again, and base leaves nothing behind."""
    revisions = [each.revision for each in ScriptDirectory.from_config(migrate._config()).walk_revisions()]
    for revision in reversed(revisions):
        migrate.upgrade(empty_database_url, revision)
        migrate.downgrade(empty_database_url, "-1")
        migrate.upgrade(empty_database_url, revision)
        assert migrate.current(empty_database_url) == revision
    assert migrate.is_current(empty_database_url)
    for _ in revisions:
        migrate.downgrade(empty_database_url, "-1")
    with empty.connect() as connection:
        assert not any(_catalog(connection).values())
        assert not _partitions(connection)
    migrate.upgrade(empty_database_url)
    assert migrate.is_current(empty_database_url)


def test_indexes_are_built_anew_over_what_is_there(empty: Engine, empty_database_url: str) -> None:
    """Going down from the narrow indexes and up again leaves every generation's keys, and each refuses a key twice."""
    now, week, horizon = datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=7), timedelta(days=30)
    key, body = event_key("segment", "one"), body_digest(b"{}")
    migrate.upgrade(empty_database_url)
    for turn in range(2):
        with empty.begin() as connection:
            rotate(connection, now + turn * week, week, horizon)
            admit(connection, [(key, body), (event_key("segment", f"of {turn}"), body)])
    migrate.downgrade(empty_database_url, "0012")
    migrate.upgrade(empty_database_url)
    query = "SELECT count(*), min(generation), max(generation) FROM event_keys"
    with empty.connect() as connection:
        assert tuple(connection.execute(text(query)).one()) == (3, 0, 1)
        assert admit(connection, [(key, body)]).verdicts == (Verdict.DUPLICATE,)
    for generation in range(2):
        again = "INSERT INTO event_keys SELECT * FROM event_keys WHERE generation = :generation LIMIT 1"
        with empty.connect() as connection, pytest.raises(IntegrityError):
            connection.execute(text(again), {"generation": generation})


def test_a_fresh_database_is_not_current(empty_database_url: str) -> None:
    """A database that was never migrated has no revision and is not current."""
    assert migrate.current(empty_database_url) is None
    assert not migrate.is_current(empty_database_url)


def test_two_migrators_at_once(empty: Engine, empty_database_url: str) -> None:
    """Of two migrators at once one migrates, the other waits and finds nothing to do."""
    waiting = "SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with ThreadPoolExecutor(2) as pool, empty.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({AdvisoryLock.MIGRATION})"))
        migrators = [pool.submit(migrate.upgrade, empty_database_url) for _ in range(2)]
        until(empty, waiting)
        connection.execute(text(f"SELECT pg_advisory_unlock({AdvisoryLock.MIGRATION})"))
        for migrator in migrators:
            migrator.result(30)
    assert migrate.is_current(empty_database_url)


def test_a_failed_upgrade_changes_nothing(empty: Engine, empty_database_url: str) -> None:
    """An upgrade that fails half way leaves no table behind."""
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE playbooks (in_the_way int)"))  # the last table of the baseline
    with pytest.raises(Exception, match="already exists"):
        migrate.upgrade(empty_database_url)
    with empty.connect() as connection:
        assert {row[0] for row in _catalog(connection)["tables"]} == {"playbooks"}


def test_where_a_database_stands_is_what_alembic_says(engine: Engine, empty: Engine) -> None:
    """The newest file's number is Alembic's head, each file is named after its revision, and so is the look at it."""
    scripts = ScriptDirectory.from_config(migrate._config())
    assert migrate.head() == scripts.get_current_head()
    for script in scripts.walk_revisions():
        assert Path(script.path).name.startswith(f"r{script.revision}_")
    for each, stands in ((engine, True), (empty, False)):
        with each.connect() as connection:
            alembic = MigrationContext.configure(connection).get_current_revision()
            assert migrate._revision(connection) == alembic == (migrate.head() if stands else None)
            assert migrate.stands_at_head(connection) is stands
