"""``lifecycle gateway`` as a process: told to end under load, it answers what it took, and what it answered is kept."""

import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any

import orjson
import pytest
import redis
from sqlalchemy import Engine

from orchestrator.core.events import Json
from orchestrator.intake.streams import stream_key
from orchestrator.runtime.parts import LIFECYCLE, answers, free_port
from orchestrator.usecases import write_keys
from tests.acceptance.plant import HOUSE, until
from tests.broker import running_valkey
from tests.gateway.live import NOW, ask, basic

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]


def test_a_gateway_that_is_told_to_end_answers_what_it_took(
    database_url: str, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SIGTERM under load: every id that was answered 200 stands on the streams, and the process ends with 0."""
    folder = tmp_path_factory.mktemp("g")
    with running_valkey(folder) as socket:
        port, broker_url = free_port(), f"unix://{socket}?db=0"
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": broker_url,
            "GATEWAY_PORT": str(port),
            "GATEWAY_OPS_PORT": str(free_port()),
            "LIFECYCLE_HOME": str(folder / "var"),
        }
        secret = write_keys.create(engine, source="shop", now=NOW, rate="1000000/second").secret
        process = subprocess.Popen([*LIFECYCLE, "gateway"], cwd=HOUSE, env=environment)
        try:
            until(lambda: answers(port), "the gateway listens")
            answered = loaded_until_gone(port, secret, process)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait(30)
        assert answered
        assert answered <= kept(redis.Redis.from_url(broker_url))


def loaded_until_gone(port: int, secret: str, process: "subprocess.Popen[bytes]") -> set[str]:
    """Send from several sides, end the process in the midst of it, and go on until nobody listens; what was taken."""
    taken: set[str] = set()
    lock = threading.Lock()

    def send(number: int) -> None:
        sent = 0
        while True:
            sent += 1
            names = {f"{number}-{sent}-{item}" for item in range(10)}
            batch: Json = {
                "batch": [{"type": "track", "messageId": name, "userId": name, "event": "x"} for name in names]
            }
            try:
                answer = ask(f"http://127.0.0.1:{port}", "POST", "/v1/batch", orjson.dumps(batch), basic(secret))
            except (OSError, HTTPException):
                if process.poll() is not None or not answers(port):
                    return
                continue
            if answer.status == 200:
                with lock:
                    taken.update(names)

    with ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(send, number) for number in range(4)]
        until(lambda: len(taken) > 500, "the load is on")
        process.send_signal(signal.SIGTERM)
        for sender in senders:
            sender.result()
    return taken


def kept(broker: redis.Redis) -> set[str]:
    """The ids on the streams."""
    found: set[str] = set()
    for shard in range(4):
        entries: Any = broker.xrange(stream_key(shard))
        found |= {orjson.loads(fields[b"call"])["messageId"] for _, fields in entries}
    return found
