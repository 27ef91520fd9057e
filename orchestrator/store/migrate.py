"""How the tables come to be: Alembic migrations, run from here; no ini file and no second way.

Two migrators at once are safe: the second waits for the first and then finds nothing to do. All steps of one call are
one transaction: an upgrade that fails leaves the database as it was.

Every command looks whether the database is at this version; only a migration brings Alembic in, which takes longer
than the look. So the look reads Alembic's own table, and the newest file's number; a test holds both to Alembic's word.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from alembic.config import Config

from orchestrator.store.engine import AdvisoryLock, create_engine

SCRIPTS = "orchestrator.store:migrations"
VERSIONS = Path(__file__).parent / "migrations" / "versions"  # r0001_….py, each named after its revision
QUEUE_PATIENCE = timedelta(minutes=10)
"""How long a migrator waits for another one."""
LOCK_PATIENCE = timedelta(seconds=30)
"""How long a migration waits for a table that is in use; whoever uses that table waits behind it."""

WAIT = text("SELECT set_config('lock_timeout', :patience, true), pg_advisory_xact_lock(:lock)").bindparams(
    patience=f"{QUEUE_PATIENCE // timedelta(milliseconds=1)}ms", lock=AdvisoryLock.MIGRATION.value
)
STANDS = text("SELECT to_regclass('alembic_version') IS NOT NULL")
REVISION = text("SELECT version_num FROM alembic_version")
GO = text("SELECT set_config('lock_timeout', :patience, true)").bindparams(
    patience=f"{LOCK_PATIENCE // timedelta(milliseconds=1)}ms"
)


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to a revision; does nothing when it is there already."""
    from alembic import command  # noqa: PLC0415 -- only a migration needs it

    with _migrating(url) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """Bring the database down to a revision (``base``: nothing is left, the data is gone)."""
    from alembic import command  # noqa: PLC0415 -- only a migration needs it

    with _migrating(url) as connection:
        command.downgrade(_config(connection), revision)


def current(url: str) -> str | None:
    """Return the revision that the database is at; None: it was never migrated."""
    with _connected(url) as connection:
        return _revision(connection)


def head() -> str:
    """Return the revision that this program needs."""
    return max(path.name[1:5] for path in VERSIONS.glob("r[0-9][0-9][0-9][0-9]_*.py"))


def is_current(url: str) -> bool:
    """Say whether the database is at the revision that this program needs."""
    return current(url) == head()


def stands_at_head(connection: Connection) -> bool:
    """Say the same of a database that somebody is connected to."""
    return _revision(connection) == head()


def _revision(connection: Connection) -> str | None:
    if not connection.scalars(STANDS).one():
        return None
    found: str | None = connection.scalars(REVISION).one_or_none()
    return found


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 -- only a migration needs it

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", SCRIPTS)
    return config


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """Open one transaction on a connection of its own; a migration may take as long as it takes."""
    engine = create_engine(url, application_name="lifecycle-migrate", statement_seconds=0, pool_size=1)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _migrating(url: str) -> Iterator[Connection]:
    with _connected(url) as connection:
        connection.execute(WAIT)
        connection.execute(GO)
        yield connection
