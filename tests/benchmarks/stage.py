"""The stage: PostgreSQL and Valkey as the product starts its own, accounts in the database, events on the streams.

Accounts are set up in bulk by SQL from the real documents of ``lives``, with their timers, persons and links. Only the
table ``ledger`` is left empty: it is a backstop, and its upsert costs as much where a row is there as where none is.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import Engine, text

from orchestrator.core.playbook import Playbook
from orchestrator.intake.entries import CALL
from orchestrator.intake.streams import Streams, stream_key
from orchestrator.playbook.compiler import compile_playbook
from orchestrator.playbook.source import read_source
from orchestrator.runtime.addresses import Addresses
from orchestrator.runtime.clock import HeldClock
from orchestrator.runtime.composition import Installation, install, publish_configured, template_texts
from orchestrator.runtime.servers import Servers, start
from orchestrator.runtime.settings import ClockKind, Settings
from orchestrator.store.documents import account_document, packed, person_document
from orchestrator.store.migrate import upgrade
from orchestrator.store.rows import as_json
from orchestrator.usecases.prune import prune
from tests.benchmarks.lives import NOW, Life, lives, under
from tests.benchmarks.workload import Call, Population

SHARDS = 4
PATIENCE_SECONDS = 600.0
POLL_SECONDS = 0.02
PIPELINE = 1000
LIVED = ("accounts", "ledger", "wakes", "persons", "identities")  # what makes up the accounts
MADE = (
    *("event_keys", "events", "parked_events", "rejected_events", "outcomes"),
    *("decisions", "journal", "messages", "escalations"),
)  # what a run makes
PLACE = "{account}"  # where the account's id goes
_ACCOUNT = "'acct-' || lpad(number::text, 7, '0')"
_NUMBERS = "generate_series(0, :size - 1) AS number"
# Each is a hash join that reads the numbers in their order, so that nothing has to be sorted.
FILL: Mapping[str, str] = {
    "accounts": f"""
        INSERT INTO accounts (id, document, stage, version, playbook_version, created_at, updated_at)
        SELECT {_ACCOUNT}, document, stage, 0, playbook_version, created_at, created_at
          FROM {_NUMBERS} JOIN jsonb_to_recordset(CAST(:rows AS jsonb))
               AS r (life int, document bytea, stage text, playbook_version text, created_at timestamptz)
               ON life = number % :lives""",
    "wakes": f"""
        INSERT INTO wakes (account_id, wake_at, basis)
        SELECT {_ACCOUNT}, wake_at, basis
          FROM {_NUMBERS} JOIN jsonb_to_recordset(CAST(:rows AS jsonb))
               AS r (life int, wake_at timestamptz, basis text) ON life = number % :lives""",
    "persons": f"""
        INSERT INTO persons (account_id, person_id, traits, rank, first_seen)
        SELECT {_ACCOUNT}, replace(person, '{PLACE}', {_ACCOUNT}), replace(traits, '{PLACE}', {_ACCOUNT})::jsonb, rank,
               first_seen
          FROM {_NUMBERS} JOIN jsonb_to_recordset(CAST(:rows AS jsonb))
               AS r (life int, person text, traits text, rank smallint, first_seen timestamptz)
               ON life = number % :lives""",
    "identities": f"""
        INSERT INTO identities (person_id, account_id, linked_at, source, message_id)
        SELECT replace(person, '{PLACE}', {_ACCOUNT}), {_ACCOUNT}, first_seen, 'segment', 'identify'
          FROM {_NUMBERS} JOIN jsonb_to_recordset(CAST(:rows AS jsonb))
               AS r (life int, person text, first_seen timestamptz) ON life = number % :lives""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Burned:
    """Processor time in seconds, of all cores."""

    clients: float  # the processes under test
    servers: float  # PostgreSQL and Valkey


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything a subject needs."""

    installation: Installation
    addresses: Addresses
    servers: Servers
    playbook: Playbook  # the shipped one, as it is published
    lives: list[Life]

    @property
    def engine(self) -> Engine:
        """The database."""
        return self.installation.ports.engine

    @property
    def streams(self) -> Streams:
        """The event streams."""
        return self.installation.ports.streams

    @property
    def client(self) -> redis.Redis:
        """The broker."""
        return self.streams.client

    def environment(self) -> dict[str, str]:
        """The variables of a process that works on this stage."""
        settings = self.installation.settings
        told = {"LIFECYCLE_HOME": str(settings.home), "LIFECYCLE_CLOCK": "held", "LIFECYCLE_SHARDS": str(SHARDS)}
        return {**os.environ, **self.addresses.environment(), **told}

    # -- accounts ----------------------------------------------------------------------------------------------------

    def populate(self, population: Population) -> None:
        """Replace all accounts by those of a population."""
        rows = _rows(self.lives)
        with self.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL enable_nestloop = off"))
            connection.execute(text(f"TRUNCATE {', '.join((*LIVED, *MADE))}"))
            for table, statement in FILL.items():
                told = {"rows": as_json(rows[table]), "size": population.size, "lives": len(self.lives)}
                connection.execute(text(statement), told)
        self.tidy()

    def tidy(self) -> None:
        """Let the planner know, and leave no vacuum for the measured time."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("RESET statement_timeout"))

    def hold(self, now: datetime) -> None:
        """Set the clock, also back."""
        with self.engine.begin() as connection:
            connection.execute(text("DELETE FROM clock"))
            HeldClock().set(connection, now)

    # -- events ------------------------------------------------------------------------------------------------------

    def load(self, calls: Iterable[Call], *, forget: bool = True) -> None:
        """Forget the events of the run before, unless they are to stay, and put these on the streams."""
        if forget:
            with self.engine.begin() as connection:
                connection.execute(text(f"TRUNCATE {', '.join(MADE)}"))
        self.client.delete(*map(stream_key, range(SHARDS)))
        for shard in range(SHARDS):
            self.streams.create_group(shard)
        listed = list(calls)
        for at in range(0, len(listed), PIPELINE):
            pipeline = self.client.pipeline(transaction=False)
            for call in listed[at : at + PIPELINE]:
                pipeline.xadd(stream_key(call.shard), {CALL: call.body})
            pipeline.execute()

    def left(self) -> list[int]:
        """Entries that are still on each stream."""
        pipeline = self.client.pipeline(transaction=False)
        for shard in range(SHARDS):
            pipeline.xlen(stream_key(shard))
        return list(pipeline.execute())

    def count(self, table: str) -> int:
        """Rows of a table."""
        with self.engine.connect() as connection:
            return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)

    # -- processor time ----------------------------------------------------------------------------------------------

    def burned(self, *clients: int) -> Burned:
        """What these processes and the servers used so far, with their children; zeros where nobody can tell."""
        with self.engine.connect() as connection:
            backend = int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)
        valkey = int(self.client.info("server")["process_id"])
        table = _processes()
        postmaster = table[backend].parent if backend in table else 0
        return Burned(clients=_seconds(table, clients), servers=_seconds(table, (postmaster, valkey)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    parent: int
    seconds: float  # of processor time, with that of its children that have ended


def _processes() -> dict[int, _Process]:
    """All processes, where there is a /proc."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            ticks = sum(map(int, fields[11:15]))
            found[int(path.parent.name)] = _Process(parent=int(fields[1]), seconds=ticks / os.sysconf("SC_CLK_TCK"))
    return found


def _seconds(table: Mapping[int, _Process], roots: Iterable[int]) -> float:
    return sum(table[pid].seconds for pid in _family(table, roots))


def _family(table: Mapping[int, _Process], roots: Iterable[int]) -> set[int]:
    """These processes with all that they have started."""
    family = {pid for pid in roots if pid in table}
    while grown := {pid for pid, process in table.items() if process.parent in family} - family:
        family |= grown
    return family


def held(pid: int) -> int:
    """Bytes of memory that a process and its children hold alone."""
    found = 0
    for each in _family(_processes(), [pid]):
        with suppress(OSError):
            told = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            found += sum(int(line.split()[1]) for line in told if line.startswith("Private_")) << 10
    return found


def _rows(listed: list[Life]) -> dict[str, list[dict[str, Any]]]:
    """What the statements of FILL are given, by table."""
    numbered = list(enumerate(listed))
    people = [(number, person) for number, life in numbered for person in under(life, PLACE)]
    persons = [
        {
            "life": number,
            "person": person.id,
            "traits": as_json([person_document(person)])[1:-1],
            "rank": person.rank,
            "first_seen": person.first_seen,
        }
        for number, person in people
    ]
    return {
        "accounts": [
            {
                "life": number,
                "document": f"\\x{packed(account_document(life.account)).hex()}",
                "stage": life.account.stage,
                "playbook_version": life.account.playbook_version,
                "created_at": life.account.created_at,
            }
            for number, life in numbered
        ],
        "wakes": [
            {"life": number, "wake_at": life.account.wake_at, "basis": life.account.basis} for number, life in numbered
        ],
        "persons": persons,
        "identities": persons,
    }


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Servers of our own in a new folder, migrated, with the shipped playbook; afterwards all of it is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="home-", dir=folder) as home:
        Path(home).chmod(0o755)  # the servers run as somebody else when root measures
        settings = Settings.load(
            database_url=None,
            redis_url=None,
            stream_url=None,
            smtp_url=None,
            home=home,
            shards=SHARDS,
            clock=ClockKind.HELD,
        )
        playbook = compile_playbook(read_source(settings.playbook, template_texts(settings.templates)))
        servers = start(settings)
        try:
            with _installed(settings, servers) as installation:
                yield Stage(
                    installation=installation,
                    addresses=servers.addresses,
                    servers=servers,
                    playbook=playbook,
                    lives=lives(playbook),
                )
        finally:
            servers.stop()


@contextmanager
def _installed(settings: Settings, servers: Servers) -> Iterator[Installation]:
    upgrade(servers.addresses.database_url)
    installation = install(settings, servers.addresses)
    try:
        with installation.ports.engine.begin() as connection:
            HeldClock().set(connection, NOW)
        prune(installation.ports)
        publish_configured(installation, lambda _: None)
        yield installation
    finally:
        installation.close()


def until(reached: Callable[[], bool], what: str) -> None:
    """Return once it is so.

    Raises:
        TimeoutError: it takes too long.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not so after {PATIENCE_SECONDS:.0f} s: {what}")
        time.sleep(POLL_SECONDS)
