"""A gateway that runs: both of its servers in a thread of this process, on free ports, with a real broker and database.

Nothing is slept for: it is up when it says so.
"""

import asyncio
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http.client import HTTPConnection
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import orjson
import uvicorn

from orchestrator.core.events import Json
from orchestrator.gateway.door import Door
from orchestrator.gateway.serving import Serving, open_door
from orchestrator.intake.streams import stream_key
from orchestrator.runtime.addresses import Addresses
from orchestrator.runtime.composition import install
from orchestrator.runtime.parts import free_port
from orchestrator.runtime.settings import Settings
from orchestrator.usecases import write_keys

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)  # when the keys of tests are made
Sent: TypeAlias = bytes | Iterable[bytes] | None
PATIENCE = 20.0  # seconds that a gateway may take to come up


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the gateway answered."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Json:
        """The body, read."""
        told: Json = orjson.loads(self.body)
        return told

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 -- any JSON
        """A field of the body."""
        return orjson.loads(self.body)[name]


def ask(url: str, method: str, path: str, body: Sent = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own; a list of chunks goes chunked."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    with closing(connection):
        chunked = not isinstance(body, bytes | None)
        connection.request(method, path, body, dict(headers or {}), encode_chunked=chunked)
        answer = connection.getresponse()
        return Answer(status=answer.status, headers=answer.headers, body=answer.read())


def basic(secret: str) -> dict[str, str]:
    """The head of a request that shows a key as Segment's libraries do."""
    return {"Authorization": "Basic " + b64encode(f"{secret}:".encode()).decode()}


class Gateway:
    """A running gateway, and short words for what a test asks of it."""

    def __init__(self, door: Door, *, keyed: bool = True) -> None:
        self.door = door
        host = door.settings.gateway_host
        self.url = f"http://{host}:{door.settings.gateway_port}"
        self.ops_url = f"http://{host}:{door.settings.gateway_ops_port}"
        self.broker = door.publisher.streams.client
        self.secret = self.key("shop") if keyed else ""

    def key(self, source: str, rate: str = write_keys.RATE) -> str:
        """The secret of a new key."""
        return write_keys.create(self.door.ports.engine, source=source, rate=rate, now=NOW).secret

    def post(self, path: str, body: Json, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a body as JSON with the gateway's own key, or with the head that is given."""
        return self.send(path, orjson.dumps(body), headers)

    def send(self, path: str, body: Sent, headers: Mapping[str, str] | None = None) -> Answer:
        """Send bytes as they are."""
        return ask(self.url, "POST", path, body, basic(self.secret) if headers is None else headers)

    def look(self, path: str) -> Answer:
        """Ask at the port for health and figures."""
        return ask(self.ops_url, "GET", path)

    def figure(self, name: str, **labels: str) -> float:
        """What a counter says."""
        return self.door.figures.registry.get_sample_value(name, labels) or 0.0

    def entries(self) -> list[dict[bytes, bytes]]:
        """The fields of everything on the streams, shard by shard."""
        found: list[dict[bytes, bytes]] = []
        for shard in range(self.door.shards):
            answer: Any = self.broker.xrange(stream_key(shard))
            found += [fields for _, fields in answer]
        return found


def until(state: Callable[[], object]) -> None:
    """Return once a state is reached; fails when that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < deadline


def _run(serving: Serving) -> None:
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:  # the loop that the product runs
        runner.run(serving.run())


@contextmanager
def live(database_url: str, redis_url: str, *, keyed: bool = True, **settings: Any) -> Iterator[Gateway]:  # noqa: ANN401 -- pydantic checks each
    """A gateway on these servers until the block ends; ``keyed``: with a key; ``settings`` are fields of Settings."""
    chosen = Settings.load(
        database_url=database_url,
        redis_url=redis_url,
        gateway_port=free_port(),
        gateway_ops_port=free_port(),
        **settings,
    )
    addresses = Addresses(database_url=database_url, redis_url=redis_url, broker_url=redis_url, stream_url=redis_url)
    installation = install(chosen, addresses)
    door = open_door(installation, addresses)
    serving = Serving(door)
    thread = threading.Thread(target=_run, args=(serving,), name="gateway")
    thread.start()
    try:
        assert serving.up.wait(PATIENCE), "the gateway does not come up"
        yield Gateway(door, keyed=keyed)
    finally:
        serving.end()
        thread.join(PATIENCE)
        installation.close()
        assert not thread.is_alive(), "the gateway does not end"
