"""An installation in one process: real PostgreSQL and Valkey, a held clock, and a relay that remembers."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import Connection, Engine, event, text

from orchestrator.core.playbook import Playbook
from orchestrator.intake.streams import Streams
from orchestrator.messaging.compose import Sender
from orchestrator.messaging.templates import TemplateSet
from orchestrator.messaging.transport import Abandoned, Accepted, Envelope, Receipt, go_on
from orchestrator.playbook.source import PlaybookSource
from orchestrator.runtime.clock import HeldClock
from orchestrator.store.documents import packed, unpacked
from orchestrator.store.engine import create_engine
from orchestrator.usecases.deliver import Delivered, deliver
from orchestrator.usecases.drain import Drained, drain
from orchestrator.usecases.library import Library
from orchestrator.usecases.ports import Mailing, Ports, silent
from orchestrator.usecases.publish import publish
from orchestrator.usecases.wake import Woken, wake
from tests.database import until

TEMPLATES = Path(__file__).parents[2] / "templates"
FILES = dict(TemplateSet.from_folder(TEMPLATES).files)
SHIPPED = TEMPLATES / "playbooks"
SENDER = Sender(
    product_name="Lumen",
    product_url="https://app.lumen.example",
    mail_from="hello@lumen.example",
    reply_to="hello@lumen.example",
    domain="lumen.example",
    postal_address="1 Harbour Street, Dublin",
    unsubscribe="stop@lumen.example",
)
Row = dict[str, Any]
Answer = Receipt | Callable[[], Receipt]


@dataclass(slots=True)
class Relay:
    """A transport that takes everything and remembers it, unless its script says otherwise."""

    script: deque[Answer] = field(default_factory=deque)  # one answer a hand-over, then it accepts
    taken: list[tuple[EmailMessage, Envelope]] = field(default_factory=list)  # handed over whole
    before: Callable[[], None] = lambda: None  # what happens while it is being handed over

    def send(self, mail: EmailMessage, envelope: Envelope, before_data: Callable[[], bool] = go_on) -> Receipt:
        self.before()
        answer = self.script.popleft() if self.script else Accepted(reply="250 ok")
        if not isinstance(answer, Abandoned) and not before_data():
            return Abandoned()
        receipt = answer if not callable(answer) else answer()
        if not hasattr(receipt, "code") and not isinstance(receipt, Abandoned):
            self.taken.append((mail, envelope))
        return receipt

    def close(self) -> None:
        pass

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail, _ in self.taken]

    @property
    def recipients(self) -> list[str]:
        return [envelope.recipient for _, envelope in self.taken]


@dataclass(frozen=True, slots=True)
class World:
    """Everything of one installation, and short words for what a test does with it."""

    ports: Ports
    relay: Relay
    client: redis.Redis

    @property
    def engine(self) -> Engine:
        return self.ports.engine

    # -- what the world does -----------------------------------------------------------------------------------------

    def at(self, instant: datetime) -> None:
        with self.engine.begin() as connection:
            HeldClock().set(connection, instant)

    def publish(self, playbook: str) -> Playbook:
        return publish(self.ports, PlaybookSource(file="test.yaml", text=playbook, templates=FILES))

    def send(self, *calls: bytes, source: str = "segment", received_at: datetime | None = None) -> None:
        self.ports.streams.publish(calls, source=source, received_at=received_at)

    def put(self, shard: int, call: bytes) -> None:
        """An entry where its writer wants it, not where it belongs."""
        self.client.xadd(f"lifecycle:events:{shard}", {"call": call})

    # -- what is under test ------------------------------------------------------------------------------------------

    def drain(self, *calls: bytes, seconds: float = 20) -> Drained:
        self.send(*calls)
        return sum((drain(self.ports, shard, "test", seconds) for shard in range(self.ports.streams.shards)), Drained())

    def wake(self) -> Woken:
        return wake(self.ports, seconds=20)

    def deliver(self, sender: str = "test") -> Delivered:
        return deliver(self.ports, sender, seconds=20)

    def live(self) -> None:
        """All that is to be done at this instant."""
        self.drain()
        while self.wake().accounts or self.deliver() != Delivered():
            pass

    def through(self, start: datetime, end: datetime, step: timedelta = timedelta(hours=1)) -> None:
        """Live from start to end, looking around at every step."""
        while start <= end:
            self.at(start)
            self.live()
            start += step

    # -- what came of it ---------------------------------------------------------------------------------------------

    def rows(self, statement: str, **parameters: Any) -> list[Row]:  # noqa: ANN401 -- whatever SQL takes
        with self.engine.begin() as connection:
            return [dict(row) for row in connection.execute(text(statement), parameters).mappings()]

    def run(self, statement: str, **parameters: Any) -> None:  # noqa: ANN401 -- the same
        with self.engine.begin() as connection:
            connection.execute(text(statement), parameters)

    def one(self, statement: str, **parameters: Any) -> Any:  # noqa: ANN401 -- whatever SQL answers
        (row,) = self.rows(statement, **parameters)
        (value,) = row.values()
        return value

    def document(self, account: str = "acme") -> Row:
        return unpacked(self.one("SELECT document FROM accounts WHERE id = :id", id=account))

    def documents(self) -> dict[str, Row]:
        return {row["id"]: unpacked(row["document"]) for row in self.rows("SELECT id, document FROM accounts")}

    def rewrite(self, account: str, change: Callable[[Row], object]) -> None:
        document = self.document(account)
        change(document)
        self.run("UPDATE accounts SET document = :document WHERE id = :id", document=packed(document), id=account)

    def facts(self, account: str = "acme") -> Row:
        found: Row = self.document(account)["facts"]
        return found

    def count_of(self, event_name: str, account: str = "acme") -> int:
        fact = self.facts(account)["events"].get(event_name)
        return int(fact[0]) if fact else 0

    def message(self, play: str = "hello") -> Row:
        (row,) = self.rows("SELECT * FROM messages WHERE play = :play", play=play)
        return row

    def message_of(self, account: str) -> Row:
        (row,) = self.rows("SELECT * FROM messages WHERE account_id = :account", account=account)
        return row

    def decisions(self) -> list[tuple[str, str, str]]:
        found = self.rows("SELECT account_id, play, reason FROM decisions ORDER BY account_id, play, decided_at")
        return [(row["account_id"], row["play"], row["reason"]) for row in found]

    def rejected(self) -> list[str]:
        return [row["reason"] for row in self.rows("SELECT reason FROM rejected_events ORDER BY id")]

    def pending(self, shard: int = 0) -> int:
        return self.ports.streams.lag(shard).length


@contextmanager
def another(world: World, **changes: Any) -> Iterator[World]:  # noqa: ANN401 -- fields of Ports
    """A second process of the same installation: connections of its own, and what it knows of nobody."""
    engine = create_engine(world.engine.url)
    streams = Streams(world.client, world.ports.streams.shards, reclaim_after=timedelta(0))
    ports = replace(world.ports, engine=engine, streams=streams, library=Library(), **changes)
    try:
        yield World(ports=ports, relay=world.relay, client=world.client)
    finally:
        engine.dispose()


@contextmanager
def holding(world: World, statement: str) -> Iterator[Connection]:
    """Somebody else's transaction that has run this statement and holds what it locked, until the block ends."""
    with world.engine.connect() as connection:
        connection.execute(text(statement))
        yield connection
        connection.rollback()


def until_waiting(world: World, many: int = 1) -> None:
    """Return once so many backends of this database wait for a lock that somebody holds."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    until(world.engine, f"SELECT ({waiting}) >= {many}")


def begun(pool: ThreadPoolExecutor, world: World, work: Callable[[], Any], waiting: int) -> "Future[Any]":
    """Begin work in a thread; returns once so many backends wait for locks."""
    future = pool.submit(work)
    until_waiting(world, waiting)
    return future


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent while the block runs."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def ports_of(engine: Engine, client: redis.Redis, relay: Relay, shards: int = 1) -> Ports:
    """The ports of a small installation."""
    return Ports(
        engine=engine,
        clock=HeldClock(),
        library=Library(),
        streams=Streams(client, shards),
        mailing=Mailing(transports=(relay,), sender=SENDER, redirect_to="inbox@lumen.example"),
        nudges=silent(),
    )
