"""Onto the streams: what is answered 200 is kept, and what cannot be kept is said so, in time and with when to come."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from orchestrator.core.events import Json
from orchestrator.gateway import publisher
from orchestrator.intake.streams import stream_key
from tests.broker import running_valkey
from tests.gateway.live import Answer, Gateway, live, until

PATIENCE = 20.0  # seconds


def login(message_id: str, account: str = "acme") -> dict[str, Json]:
    return {"messageId": message_id, "userId": "u-1", "event": "Signed In", "context": {"groupId": account}}


def ids(gateway: Gateway) -> list[str]:
    return [orjson.loads(entry[b"call"])["messageId"] for entry in gateway.entries()]


def is_a_pause(answer: Answer, status: int, code: str) -> bool:
    """Whether an answer says no for now, and when to come again."""
    return (answer.status, answer["code"]) == (status, code) and int(answer.headers["Retry-After"]) >= 1


@contextmanager
def alone(database_url: str, folder: Path, **settings: Any) -> Iterator[Gateway]:  # noqa: ANN401 -- Settings checks
    """A gateway with a broker of its own, which a test may break."""
    with (
        running_valkey(folder) as socket,
        live(database_url, f"unix://{socket}?db=0", home=folder, **settings) as found,
    ):
        yield found


def test_waiting_requests_share_a_pipeline(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one pipeline is under way the entries of others gather, and the next one takes them all."""
    streams = gateway.door.publisher.streams
    pipelines: list[int] = []
    gate = threading.Event()
    put = streams.put

    def slow(commands: Any, **more: Any) -> Any:  # noqa: ANN401 -- as put
        pipelines.append(len(commands))
        assert gate.wait(PATIENCE)
        return put(commands, **more)

    monkeypatch.setattr(streams, "put", slow)
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(gateway.post, "/v1/track", login("m-0"))]
        until(lambda: pipelines)
        answers += [pool.submit(gateway.post, "/v1/track", login(f"m-{number}")) for number in range(1, 10)]
        until(lambda: gateway.figure("lifecycle_gateway_entries_gathered") == 9)
        gate.set()
        assert [answer.result().status for answer in answers] == [200] * 10
    assert pipelines == [1, 9]
    assert sorted(ids(gateway)) == sorted(f"m-{number}" for number in range(10))


def test_a_full_shard_refuses_until_there_is_room(database_url: str, tmp_path: Path, valkey_socket: str) -> None:
    """Beyond the bound of a shard the answer is 429 with Retry-After; once it was drained, 200 again."""
    broker_url = f"unix://{valkey_socket}?db=0"
    with live(database_url, broker_url, home=tmp_path, shards=1, most_waiting=3) as gateway:
        gateway.broker.flushall()
        batch: Json = {"batch": [{**login(f"m-{number}"), "type": "track"} for number in range(3)]}
        assert gateway.post("/v1/batch", batch).status == 200
        assert is_a_pause(gateway.post("/v1/track", login("n")), 429, "backlog")
        assert len(ids(gateway)) == 3
        gateway.broker.delete(stream_key(0))
        until(lambda: gateway.post("/v1/track", login("n")).status == 200)


def test_what_the_disk_does_not_confirm_is_not_promised(database_url: str, tmp_path: Path) -> None:
    """A server without an append-only file cannot confirm: 503, and /readyz says why; with ``memory`` it is 200."""
    with alone(database_url, tmp_path) as gateway:
        gateway.broker.config_set("appendonly", "no")
        assert is_a_pause(gateway.post("/v1/track", login("a")), 503, "not_durable")
        ready = gateway.look("/readyz")
        assert ready.status == 503
        assert "LIFECYCLE_DURABILITY=memory" in ready["broker"]
        broker_url = f"unix://{gateway.broker.get_connection_kwargs()['path']}?db=0"
        with live(database_url, broker_url, home=tmp_path, durability="memory") as lax:
            assert lax.post("/v1/track", login("b")).status == 200
            assert lax.look("/readyz").status == 200


def test_a_full_broker_promises_nothing(database_url: str, tmp_path: Path) -> None:
    """A broker whose memory is full is answered for with 503, and nothing is lost silently."""
    with alone(database_url, tmp_path) as gateway:
        gateway.broker.config_set("maxmemory", "1mb")
        assert is_a_pause(gateway.post("/v1/track", login("a")), 503, "broker_full")


def test_a_broker_that_is_away_is_answered_for_at_once(database_url: str, tmp_path: Path) -> None:
    """While the broker is away requests are answered 503 with Retry-After; when it is back, 200."""
    with running_valkey(tmp_path) as socket:
        broker_url = f"unix://{socket}?db=0"
        with live(database_url, broker_url, home=tmp_path) as gateway:
            assert gateway.post("/v1/track", login("a")).status == 200
            gateway.broker.shutdown(nosave=True)
            began = time.monotonic()
            assert is_a_pause(gateway.post("/v1/track", login("b")), 503, "broker_away")
            assert time.monotonic() - began < publisher.ANSWER_SECONDS
            assert gateway.look("/readyz").status == 503
            assert gateway.look("/healthz").status == 200
            with running_valkey(tmp_path):
                assert gateway.post("/v1/track", login("b")).status == 200
                assert ids(gateway) == ["a", "b"]


def test_a_broker_that_hangs_is_not_waited_for(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that does not answer costs a request a bounded time, and then it is 503."""
    monkeypatch.setattr(publisher, "ANSWER_SECONDS", 0.2)
    gate = threading.Event()
    monkeypatch.setattr(gateway.door.publisher.streams, "put", lambda *_, **__: gate.wait(PATIENCE) and [])
    try:
        assert is_a_pause(gateway.post("/v1/track", login("a")), 503, "broker_away")
    finally:
        gate.set()


def test_nothing_answered_200_is_lost_when_the_broker_is_killed(database_url: str, tmp_path: Path) -> None:
    """``kill -9`` of the broker under load: every id that was answered 200 stands on the streams after its restart."""
    stop = threading.Event()
    answered: list[str] = []

    def load(gateway: Gateway, number: int) -> None:
        sent = 0
        while not stop.is_set():
            sent += 1
            names = [f"{number}-{sent}-{item}" for item in range(20)]
            batch: Json = {"batch": [{**login(name, account=name), "type": "track"} for name in names]}
            if gateway.post("/v1/batch", batch).status == 200:
                answered.extend(names)

    kill = running_valkey(tmp_path)
    socket = kill.__enter__()
    with live(database_url, f"unix://{socket}?db=0", home=tmp_path) as gateway, ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(load, gateway, number) for number in range(4)]
        until(lambda: len(answered) > 2_000)
        kill.__exit__(None, None, None)  # a SIGKILL
        before = len(answered)
        with running_valkey(tmp_path):
            until(lambda: len(answered) > before + 1_000)
            stop.set()
            for each in loads:
                each.result()
            assert set(answered) <= set(ids(gateway))


def test_a_server_that_comes_back_is_used_again(gateway: Gateway) -> None:
    """Connections that were cut between two pipelines are made anew, and no request notices."""
    assert gateway.post("/v1/track", login("a")).status == 200
    gateway.broker.client_kill_filter(_type="normal", skipme=True)
    assert gateway.post("/v1/track", login("b")).status == 200
    assert ids(gateway) == ["a", "b"]
