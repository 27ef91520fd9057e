"""PostgreSQL 18 of our own: on a socket only, with passwords, fsync on.

What we insist on is given on its command line; what an operator may tune is written once into ``postgresql.conf`` by
``initdb``. Two roles: ``postgres``, the superuser, which only this module uses, and ``lifecycle``, which owns the
database of that name and may make others.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import ClassVar

import psycopg
from psycopg import pq, sql

from orchestrator.runtime import addresses
from orchestrator.runtime.servers.binaries import postgres_programs
from orchestrator.runtime.servers.errors import ServerError
from orchestrator.runtime.servers.processes import belongs, run
from orchestrator.runtime.servers.server import Pulse, Server

SUPERUSER = "postgres"
ROLE = DATABASE = "lifecycle"
SOCKET_FILES = (".s.PGSQL.5432", ".s.PGSQL.5432.lock")

LEAST_SHARED, MOST_SHARED = 128, 2048  # megabytes; what ten million events' keys and a million timers and links lie in


def memory(limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """Bytes of memory that this machine has, or the container that we are in if it has less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no such file, or the word "max"
        return min(machine, int(limit.read_text()))
    return machine


def shared_megabytes(machine: int) -> int:
    """How much of a machine's memory, in bytes, the server caches pages in: an eighth, as others live here too."""
    return min(MOST_SHARED, max(LEAST_SHARED, machine // 8 // 2**20))


TUNABLE = {
    "max_connections": "100",
    "shared_buffers": f"{shared_megabytes(memory())}MB",
    # After a checkpoint the first write of a page is one of 8 KB, and keys and accounts lie anywhere: let it be seldom.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "lc_messages": "C",
}
INSISTED = {"listen_addresses": "", "unix_socket_permissions": "0700", "fsync": "on", "full_page_writes": "on"}


class Postgres(Server):
    """The database server; its folder holds ``data`` and the mark of the superuser's password."""

    name: ClassVar[str] = "postgres"
    programs: ClassVar[frozenset[str]] = frozenset({"postgres"})

    @property
    def workplace(self) -> Path:
        """The cluster."""
        return self.ground.folder / "postgres" / "data"

    @property
    def address(self) -> str:
        """Its address for SQLAlchemy."""
        return addresses.socket_database_url(
            user=ROLE, password=self.state.database_password, database=DATABASE, folder=self.ground.sockets
        )

    def pulse(self) -> Pulse:
        """Ask as libpq's ``pg_isready`` does, then log in with the saved password."""
        match pq.PGconn.ping(f"host={self.ground.sockets} dbname={DATABASE} user={ROLE} connect_timeout=3".encode()):
            case pq.Ping.OK:
                return self._login()
            case pq.Ping.REJECT:
                return Pulse.BUSY
            case _:
                return Pulse.SILENT

    def _login(self) -> Pulse:
        try:
            self._connect(ROLE, self.state.database_password, DATABASE).close()
        except psycopg.OperationalError as error:
            return _meaning(str(error))
        return Pulse.ANSWERS

    def _connect(self, role: str, password: str, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.ground.sockets),
            user=role,
            password=password,
            dbname=database,
            connect_timeout=3,
            autocommit=True,
        )

    def prepare(self) -> list[str]:
        """Make the cluster if there is none, see to its superuser's password and to stale lock files."""
        programs = postgres_programs(self.ground.owner)
        if not (self.workplace / "PG_VERSION").exists():
            self._make_cluster(programs / "initdb")
        self._clear_stale_locks()
        if not self._mark.exists() or self._mark.read_text() != self._digest:
            self._reset_superuser(programs / "postgres")
        insisted = {**INSISTED, "unix_socket_directories": str(self.ground.sockets)}
        options = [part for name, value in insisted.items() for part in ("-c", f"{name}={value}")]
        return [str(programs / "postgres"), "-D", str(self.workplace), *options]

    @property
    def _mark(self) -> Path:
        """The file that tells which password the superuser was given; it holds a digest of it."""
        return self.workplace.parent / "superuser.sha256"

    @property
    def _digest(self) -> str:
        return sha256(self.state.superuser_password.encode()).hexdigest()

    def _make_cluster(self, initdb: Path) -> None:
        """Run ``initdb`` in a draft that gets the final name only when it is whole."""
        draft, password_file = self.workplace.with_name("data.new"), self.workplace.with_name("password")
        rmtree(draft, ignore_errors=True)
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600, exist_ok=False)
        self.ground.owner.takes(password_file)
        try:
            password_file.write_text(self.state.superuser_password)
            made = run(_initdb_argv(initdb, draft, password_file), owner=self.ground.owner)
        finally:
            password_file.unlink()
        if made.returncode != 0:
            raise ServerError(f"initdb failed in {draft}:\n{made.stderr.strip()}")
        self._mark.write_text(self._digest)
        draft.rename(self.workplace)

    def _clear_stale_locks(self) -> None:
        """Remove the lock files of a killed server: the number in them may be another process's by now.

        Nothing of the server that we started is alive here (its lock is ours). One that somebody started by hand
        would still be found by its working directory, and keeps its files.
        """
        pid = self.leader()
        if pid is not None and belongs(pid, self.workplace, self.programs):
            return
        (self.workplace / "postmaster.pid").unlink(missing_ok=True)
        for name in SOCKET_FILES:
            (self.ground.sockets / name).unlink(missing_ok=True)

    def _reset_superuser(self, postgres: Path) -> None:
        """Set the superuser's password in single-user mode: the file that held the old one was lost."""
        statement = f"ALTER ROLE {SUPERUSER} PASSWORD '{self.state.superuser_password}'\n"
        argv = [str(postgres), "--single", "-D", str(self.workplace), SUPERUSER]
        answer = run(argv, owner=self.ground.owner, told=statement)
        if answer.returncode != 0 or "ERROR" in answer.stderr:
            raise ServerError(f"the password of PostgreSQL's superuser could not be set:\n{answer.stderr.strip()}")
        self._mark.write_text(self._digest)

    def furnish(self) -> None:
        """Make the role and its database, or give the role its password anew; safe to repeat."""
        with self._connect(SUPERUSER, self.state.superuser_password, SUPERUSER) as connection:
            role, password = sql.Identifier(ROLE), sql.Literal(self.state.database_password)
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {}").format(role))
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, password))
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), role))

    def leader(self) -> int | None:
        """Return the first line of ``postmaster.pid``; a torn file gives 0, which is nobody's."""
        try:
            first = (self.workplace / "postmaster.pid").read_text().partition("\n")[0].strip()
        except FileNotFoundError:
            return None
        return int(first) if first.isdecimal() else 0

    def farewells(self) -> tuple[tuple[Callable[[], None], float], ...]:
        """Fast shutdown, and much later the immediate one."""
        return ((lambda: self.signal(signal.SIGINT), 90.0), (lambda: self.signal(signal.SIGQUIT), 20.0))


def _initdb_argv(initdb: Path, folder: Path, password_file: Path) -> list[str]:
    """Return the command line of ``initdb``: text sorts by code point, the same on every machine."""
    settings = [f"--set={name}={value}" for name, value in TUNABLE.items()]
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    access = [f"--username={SUPERUSER}", "--auth=scram-sha-256", f"--pwfile={password_file}"]
    return [str(initdb), f"--pgdata={folder}", "--no-instructions", *access, *locale, *settings]


def _meaning(error: str) -> Pulse:
    """Tell a refused login from the rest: libpq gives no SQLSTATE then, and our server's messages are English."""
    if "password authentication failed" in error or "does not exist" in error:
        return Pulse.REFUSES
    if "the database system is" in error:
        return Pulse.BUSY
    return Pulse.ANSWERS if "too many clients" in error or "connection slots" in error else Pulse.SILENT
