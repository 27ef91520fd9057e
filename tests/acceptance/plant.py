"""An installation of real processes: servers, workers, beats and a mail catcher, on the held clock, in its own folder.

The processes are the product's own parts, kept alive by the product's own supervisor; the clock is moved by its
conductor. A test kills what it likes. Nothing is slept for: everything waits for a state, and gives up with the logs.
At the end no process, socket or folder is left.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import redis
from sqlalchemy import text

from orchestrator.core.account import Outcome
from orchestrator.core.playbook import Playbook
from orchestrator.core.reasons import DecisionReason
from orchestrator.messaging.catcher import Caught, read_index
from orchestrator.messaging.compose import mail_id
from orchestrator.runtime import broker, parts, servers
from orchestrator.runtime.clock import HeldClock
from orchestrator.runtime.composition import Installation, install, publish_configured
from orchestrator.runtime.conductor import Conductor, Cue
from orchestrator.runtime.settings import ClockKind, Settings
from orchestrator.runtime.supervisor import Ended, Notice, Part, Pauses, Started, Supervisor
from orchestrator.store import messages
from orchestrator.store.failures import Fault, fault
from orchestrator.store.migrate import upgrade
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.prune import prune
from orchestrator.usecases.reconcile import reconcile
from tests.acceptance.gate import Gate
from tests.acceptance.simulator import Expected, Touch

HOUSE = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds that a state may take
_TELLING = (
    "id",
    "account_id",
    "play",
    "state",
    "reason",
    "attempts",
    "due_at",
    "not_before",
    "sending_at",
    "settled_at",
)
KEPT_TABLES = {"alembic_version", "playbooks", "key_generations"}
QUICK = Pauses(first=0.1, growth=1.5, longest=2.0)
Result = TypeVar("Result")

standing: list["Plant"] = []  # plants that are up, whose logs a failing test shows


def until(state: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Return once a state is reached; fails when that takes too long."""
    deadline = time.monotonic() + patience
    while not state():
        assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
        time.sleep(0.01)  # between two looks


def processes_of(folder: Path) -> list[str]:
    """The processes that work in a folder, or were told of it."""
    return [told for entry in Path("/proc").glob("[0-9]*") if str(folder) in (told := _described(entry))]


def _described(entry: Path) -> str:
    with suppress(OSError):
        if int(entry.name) != os.getpid() and (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
            told = ((entry / name).read_bytes().decode(errors="replace") for name in ("cmdline", "environ"))
            return " ".join((entry.name, *told, str((entry / "cwd").readlink()))).replace("\0", " ")
    return ""


class Plant:
    """One installation; see the module."""

    has_gateway = False  # whether anybody stands at its door

    def __init__(
        self,
        *,
        workers: int = 1,
        beats: int = 1,
        lease_seconds: int = 2,
        shards: int = 2,
        playbook: Path | None = None,
        clock: ClockKind = ClockKind.HELD,
        ground: Callable[[Path], Callable[[], None]] | None = None,
        **further: int | str,
    ) -> None:
        """``ground`` prepares the data folder before anything is started, and says how to undo it.

        What is ``further`` are settings, by field.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="lc-plant-", dir="/tmp"))
        self.folder.chmod(0o755)
        chosen: dict[str, Any] = {"playbook": playbook, **further} if playbook else further
        self.settings = Settings.load(
            home=self.folder / "var", clock=clock, lease_seconds=lease_seconds, shards=shards, workers=1, **chosen
        )
        self.clock = HeldClock()
        self.notices: list[Notice] = []
        self.pids: dict[str, int] = {}  # of the parts that run
        self._workers, self._beats = workers, beats
        self._pool = ThreadPoolExecutor(max_workers=4)
        self._supervisor: Supervisor | None = None
        self._thread: threading.Thread | None = None
        self._mark = 0  # mails caught before the test at hand
        self.settled: list[UUID] = []  # hand-overs that were uncertain in the test at hand
        self._unprepare = ground(self.settings.home) if ground else lambda: None

    # ---------------------------------------------------------------------------------------------------- up and down

    def build(self, begin: datetime) -> None:
        """Start the servers, migrate, and set the clock."""
        self.servers = servers.start(self.settings)
        upgrade(self.servers.addresses.database_url)
        planned = parts.plan(self.settings, self.servers.addresses)
        assert planned.catcher_port is not None
        self.gate = Gate(planned.catcher_port)
        self.variables = {
            **planned.variables(),
            "LIFECYCLE_HOME": str(self.settings.home),
            "LIFECYCLE_PLAYBOOK": str(self.settings.playbook),
            "LIFECYCLE_CLOCK": self.settings.clock.value,
            "LIFECYCLE_SHARDS": str(self.settings.shards),
            "LIFECYCLE_LEASE_SECONDS": str(self.settings.lease_seconds),
        }
        self.mail = planned.mail_folder
        self._table = parts.parts(planned, flower=False, gateway=self.has_gateway)
        self.installation = self._installed()
        self.begin(begin)

    def _installed(self) -> Installation:
        self.nudger = broker.Nudger(broker.client(self.servers.addresses.broker_url))
        return install(self.settings, self.servers.addresses, self.nudger.nudges())

    @property
    def ports(self) -> Ports:
        return self.installation.ports

    def begin(self, instant: datetime) -> None:
        """Begin anew at an instant: an empty database, an empty broker, the mails so far forgotten."""
        with self.ports.engine.begin() as connection:
            found = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            parents = text("SELECT inhrelid::regclass::text FROM pg_inherits")
            emptied = sorted(set(found) - KEPT_TABLES - set(connection.scalars(parents)))
            connection.execute(text(f"TRUNCATE {', '.join(emptied)}"))
            if self.settings.clock is ClockKind.HELD:
                self.clock.set(connection, instant)
        self.ports.streams.client.flushall()
        prune(self.ports)
        publish_configured(self.installation, lambda _: None)
        self._mark = len(read_index(self.mail))
        self.settled = []

    def start(self) -> None:
        """Start workers, beats and the catcher, and wait until they work."""
        self._supervisor = Supervisor(
            self._parts(),
            logs=self.settings.home / "log",
            tell=self._hear,
            watches=[replace(watch, every=0.2) for watch in parts.watches(self.servers)],
            pauses=QUICK,
        )
        self._thread = threading.Thread(target=self._supervisor.run, name="supervisor")
        self._thread.start()
        for name in self.workers:
            self.until_ready(name)

    def _parts(self) -> list[Part]:
        times = {"catcher": 1, "flow": self._workers, "delivery": self._workers, "beat": self._beats}
        numbered = [(part, number) for part in self._table for number in range(times.get(part.name, 1))]
        return [self._numbered(part, number) for part, number in numbered]

    def _numbered(self, part: Part, number: int) -> Part:
        variables = {**part.environment, **self.variables}
        if part.name == "delivery":
            variables["SMTP_URL"] = f"smtp://127.0.0.1:{self.gate.port}"
        name = part.name if number == 0 else f"{part.name}-{number + 1}"
        return replace(part, name=name, environment=variables, folder=HOUSE)

    @property
    def workers(self) -> list[str]:
        return [part.name for part in self._parts() if part.name.startswith(("flow", "delivery"))]

    def until_ready(self, name: str) -> None:
        """Return once the process of this worker that runs now is at work."""
        pattern = re.compile(rf"\w+-{self.pid(name)}@.* ready\.")
        until(lambda: pattern.search(self.log(name)), f"{name} is at work")

    def _hear(self, notice: Notice) -> None:
        self.notices.append(notice)
        match notice:
            case Started(part=part, pid=pid):
                self.pids[part] = pid
            case Ended(part=part):
                self.pids.pop(part, None)
            case _:
                pass

    def stop(self) -> None:
        """End workers, beats and the catcher at once; the servers stay."""
        if self._supervisor is not None and self._thread is not None:
            self._supervisor.stop()
            self._supervisor.stop()  # in a hurry: what is to be lost is lost
            self._thread.join(PATIENCE)
            assert not self._thread.is_alive(), "the supervisor does not end"
        self._supervisor = self._thread = None
        self.pids.clear()

    def raze(self) -> None:
        """End everything and remove the folder."""
        try:
            self.stop()
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            if hasattr(self, "gate"):
                self.gate.close()
                self.installation.close()
                self.nudger.app.close()
            servers.stop(self.settings)
            left = processes_of(self.folder)
            self._unprepare()
            shutil.rmtree(self.folder)
        assert not left, f"still running: {left}"

    # ------------------------------------------------------------------------------------------------------- what runs

    def log(self, name: str) -> str:
        path = self.settings.home / "log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def logs(self) -> Iterator[tuple[str, str]]:
        """The end of each log."""
        for path in sorted((self.settings.home / "log").glob("*.log")):
            yield path.stem, path.read_text(errors="replace")[-3000:]

    def pid(self, name: str) -> int:
        """The process of a part; waits for one that is being started again."""
        until(lambda: name in self.pids, f"{name} runs")
        return self.pids[name]

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send a signal to a part and all its children; its process id."""
        pid = self.pid(name)
        os.killpg(pid, number)
        return pid

    def kill(self, name: str) -> None:
        """``kill -9`` of a part with its children; the supervisor starts it again."""
        pid = self.signal(name, signal.SIGKILL)
        until(lambda: self.pids.get(name) != pid, f"the end of {name} is noticed")

    def server_pid(self, name: str) -> int | None:
        leader = self.servers._servers[name].leader()
        return leader if leader and Path(f"/proc/{leader}").exists() else None

    def cut(self) -> None:
        """Cut every connection to the database and to the broker; the servers stay up."""
        with suppress(Exception), self.ports.engine.connect() as connection:  # another cut may come first
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            )
        self.ports.streams.client.client_kill_filter(_type="normal", skipme=True)

    def kill_server(self, name: str) -> None:
        """``kill -9`` of PostgreSQL or the broker; the supervisor starts it again."""
        pid = self.server_pid(name)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.server_pid(name) not in {pid, None}, f"{name} is started again")

    def until_well(self) -> None:
        """Return once everything runs again."""
        for name in self.servers.names:
            until(lambda name=name: not self.servers.ensure(name), f"{name} answers")  # type: ignore[misc]  # mypy cannot type a lambda's default
        for name in self.workers:
            self.until_ready(name)

    def meanwhile(self, act: Callable[[], Result]) -> "Future[Result]":
        """Do something while the clock moves."""
        return self._pool.submit(act)

    @contextmanager
    def another(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """One more process of a part, outside the supervisor, at work for the length of the block."""
        part = next(self._numbered(part, 0) for part in self._table if part.name == name)
        log = self.settings.home / "log" / f"another-{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                part.argv,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=HOUSE,
                env={**os.environ, **part.environment},
                start_new_session=True,
            )
        try:
            until(lambda: " ready." in self.log(log.stem), f"another {name} is at work")
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)

    def children(self, name: str) -> list[int]:
        """The worker processes of a part."""
        pid = self.pid(name)
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of ``lifecycle`` in this installation, as an operator would."""
        return subprocess.run(
            [*parts.LIFECYCLE, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=HOUSE,
            env={**os.environ, **self.variables, "COLUMNS": "300"},
            timeout=PATIENCE,
        )

    # ----------------------------------------------------------------------------------------------------- what it does

    def conductor(self, on_move: Callable[[datetime], None] = lambda _: None) -> Conductor:
        return Conductor(ports=self.ports, clock=self.clock, nudger=self.nudger, on_move=on_move)

    def play(self, cues: Iterable[Cue], begin: datetime, end: datetime) -> None:
        """Move the clock from ``begin`` to ``end``, playing the cues; hand-overs left uncertain are settled at once."""
        conductor = self.conductor()
        conductor.on_move = lambda now: self._settle(conductor, now)
        conductor.play(cues, begin, end)

    def _settle(self, conductor: Conductor, now: datetime) -> None:
        while conductor._persisted(self.settle):
            conductor.finish(now)

    def settle(self) -> list[UUID]:
        """Settle each hand-over of unknown end by its Message-ID, as an operator would; which they were."""
        uncertain = list(self.looked(messages.unknown))
        arrived = {caught.message_id for caught in self.caught()} if uncertain else set()
        for message in uncertain:
            reconcile(self.ports, message, arrived=self.header(message) in arrived)
        self.settled += uncertain
        return uncertain

    def header(self, message: UUID) -> str:
        return mail_id(message, self.settings.mail_domain)

    def caught(self) -> Sequence[Caught]:
        """The mails that arrived since this test began."""
        return read_index(self.mail)[self._mark :]

    # ----------------------------------------------------------------------------------------------------- what is seen

    def looked(self, look: Callable[[Any], Result]) -> Result:
        """What a look at the database says; waits for a database that is away."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self.ports.engine.connect() as connection:
                    return look(connection)
            except Exception as error:
                if fault(error) is not Fault.WORLD or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)  # between two looks

    def rows(self, statement: str, **named: object) -> list[Mapping[str, Any]]:
        return self.looked(
            lambda connection: [dict(row) for row in connection.execute(text(statement), named).mappings()]
        )

    def value(self, statement: str, **named: object) -> Any:  # noqa: ANN401 -- as the statement says
        return self.looked(lambda connection: connection.execute(text(statement), named).scalar())

    @property
    def playbook(self) -> Playbook:
        return self.looked(lambda connection: self.ports.library.current(connection).playbook)

    def touches(self) -> set[Touch]:
        rows = self.rows("SELECT account_id, play, episode, outcome, reason, repeats FROM decisions")
        listed = [
            Touch(
                account=row["account_id"],
                play=row["play"],
                episode=row["episode"],
                outcome=Outcome(row["outcome"]),
                reason=DecisionReason(row["reason"]),
                repeats=row["repeats"],
            )
            for row in rows
        ]
        assert len(listed) == len({(each.account, each.play, each.episode) for each in listed}), "decided twice"
        return set(listed)

    @contextmanager
    def deciding_held(self) -> Iterator[None]:
        """Hold every transaction that is about to lock accounts, for the length of the block."""
        with self.ports.engine.connect() as connection:
            connection.execute(text("LOCK TABLE accounts IN EXCLUSIVE MODE"))
            try:
                yield
            finally:
                with suppress(Exception):  # the server may have been killed meanwhile: that lets go as well
                    connection.rollback()

    def in_flight(self) -> bool:
        """Whether a drain has taken entries and not acknowledged them; False also while the broker does not answer."""
        streams = self.ports.streams
        with suppress(redis.RedisError):
            return any(streams.lag(shard).pending for shard in range(streams.shards))
        return False


def holds(plant: Plant, expected: Expected) -> None:
    """Every account has exactly its touches, none twice, and no event is lost."""
    touches = plant.touches()
    assert not plant.rows(
        "SELECT account_id, play, state FROM messages WHERE state NOT IN ('sent', 'cancelled', 'pending')"
    )
    assert _differences(touches, expected.touches) == ([], [])
    caught = [mail.message_id for mail in plant.caught()]
    assert len(caught) == len(set(caught)), "a mail arrived twice"
    wanted = {plant.header(message) for message in expected.sent}
    open_to_chance = {plant.header(message) for message in expected.chance}
    missing, strange = wanted - set(caught), set(caught) - wanted - open_to_chance
    assert not missing, "\n".join(["these did not arrive:", *_told(plant, missing)])
    assert not strange, "\n".join(["these should not have arrived:", *_told(plant, strange)])
    assert {row["id"] for row in plant.rows("SELECT id FROM escalations")} == expected.escalations
    assert plant.value("SELECT count(*) FROM events WHERE source <> 'lifecycle'") == expected.events
    assert plant.value("SELECT count(*) FROM rejected_events") == 0
    assert plant.value("SELECT count(*) FROM parked_events") == 0


def _told(plant: Plant, headers: Iterable[str]) -> list[str]:
    """What the installation knows of these mails, and of what else went to their accounts."""
    by_header = {plant.header(row["id"]): row for row in plant.rows("SELECT * FROM messages ORDER BY due_at")}
    accounts = {by_header[header]["account_id"] for header in headers if header in by_header}
    beside = [
        " ".join(f"{key}={row[key]}" for key in _TELLING) for row in by_header.values() if row["account_id"] in accounts
    ]
    notes = [
        " ".join(f"{key}={value}" for key, value in row.items())
        for row in plant.rows("SELECT * FROM journal WHERE kind = 'postponed' ORDER BY at")
        if row["account_id"] in accounts
    ]
    return [*sorted(headers), *beside, *notes]


def _differences(found: set[Touch], wanted: frozenset[Touch]) -> tuple[list[str], list[str]]:
    """What is missing and what is too much, the first few of each."""
    return sorted(map(str, wanted - found))[:10], sorted(map(str, found - wanted))[:10]


@contextmanager
def built(begin: datetime, **choices: Any) -> Iterator[Plant]:  # noqa: ANN401 -- what Plant takes
    """A plant that runs, for the length of the block."""
    plant = Plant(**choices)
    standing.append(plant)
    try:
        plant.build(begin)
        plant.start()
        yield plant
    finally:
        standing.remove(plant)
        plant.raze()


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
