"""A plant that is looked at from the street: the real gateway in front, real workers behind, the system's clock.

Its playbook decides next to nothing, so that what it knows is what it was told.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import requests

from orchestrator.intake.streams import shard_of, stream_key
from orchestrator.runtime.parts import free_port
from orchestrator.runtime.settings import ClockKind
from orchestrator.runtime.supervisor import Part
from orchestrator.store.documents import unpacked
from orchestrator.usecases import write_keys
from tests.acceptance.plant import PATIENCE, Plant, standing, until
from tests.acceptance.said import BEGAN

PLAYBOOK = Path(__file__).parent / "quiet.yaml"
WANTED = ("flow", "beat", "gateway")  # nothing is delivered here


class Doorway(Plant):
    """An installation with a gateway; see the module."""

    has_gateway = True

    def __init__(self, **choices: Any) -> None:  # noqa: ANN401 -- what Plant takes
        ports = {"gateway_port": free_port(), "gateway_ops_port": free_port()}
        super().__init__(**{"clock": ClockKind.SYSTEM, "playbook": PLAYBOOK, **ports, **choices})

    def build(self, *_: object) -> None:
        """Start the servers, migrate, publish the small playbook."""
        super().build(BEGAN)
        self.variables["LIFECYCLE_DURABILITY"] = self.settings.durability.value
        self.variables["GATEWAY_PORT"] = str(self.settings.gateway_port)
        self.variables["GATEWAY_OPS_PORT"] = str(self.settings.gateway_ops_port)

    def _parts(self) -> list[Part]:
        return [part for part in super()._parts() if part.name in WANTED]

    @property
    def url(self) -> str:
        """Where the gateway listens."""
        return f"http://127.0.0.1:{self.settings.gateway_port}"

    def start(self) -> None:
        """Start the gateway, the workers and a beat, and wait until they work."""
        super().start()
        self.until_open()

    def until_open(self, patience: float = PATIENCE) -> None:
        """Return once the gateway says that it is ready."""
        until(self.is_open, "the gateway is ready", patience)

    def is_open(self) -> bool:
        """Whether the gateway says that it is ready."""
        try:
            return requests.get(f"http://127.0.0.1:{self.settings.gateway_ops_port}/readyz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def key(self, source: str) -> str:
        """A fresh write key for a source."""
        return write_keys.create(self.ports.engine, source=source, now=datetime.now(UTC)).secret

    def put(self, calls: Sequence[bytes], source: str) -> None:
        """Put calls on the streams by hand, past the gateway."""
        with self.ports.streams.client.pipeline(transaction=False) as pipeline:
            for call in calls:
                key = stream_key(shard_of(orjson.loads(call)["context"]["groupId"], self.settings.shards))
                pipeline.xadd(key, {"call": call, "source": source})
            pipeline.execute()

    def until_drained(self, patience: float = PATIENCE) -> None:
        """Return once nothing waits on any stream."""
        streams = self.ports.streams
        until(lambda: not any(streams.lag(shard).length for shard in range(streams.shards)), "all is drained", patience)

    def ids(self, source: str) -> list[str]:
        """The ids of the events of a source, each as often as it was folded."""
        found = self.rows("SELECT message_id FROM events WHERE source = :source", source=source)
        return [row["message_id"] for row in found]

    def known_of(self, prefix: str, *apart: str) -> dict[str, Any]:
        """Facts of accounts and traits of people whose names begin so; without that, and without what is ``apart``."""
        accounts = self.rows("SELECT id, document FROM accounts WHERE starts_with(id, :prefix)", prefix=f"{prefix}c")
        people = self.rows("SELECT * FROM persons WHERE starts_with(person_id, :prefix)", prefix=f"{prefix}p")
        told = [(row["id"], unpacked(row["document"])["facts"]) for row in accounts]
        told += [(f"{row['account_id']} {row['person_id']}", row["traits"]) for row in people]
        plain = orjson.dumps(dict(told), option=orjson.OPT_SORT_KEYS).decode()
        for word in (*apart, prefix):
            plain = plain.replace(word, '"?"' if word.startswith('"') else "") if word else plain
        known: dict[str, Any] = orjson.loads(plain)
        return known


@contextmanager
def opened(**choices: Any) -> Iterator[Doorway]:  # noqa: ANN401 -- what Plant takes
    """A doorway that is open, for the length of the block."""
    doorway = Doorway(**choices)
    standing.append(doorway)
    try:
        doorway.build()
        doorway.start()
        yield doorway
    finally:
        standing.remove(doorway)
        doorway.raze()
