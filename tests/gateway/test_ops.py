"""The port for operators: the process lives, events can be taken or what is missing, and our own faults."""

from pathlib import Path

import pytest

from orchestrator.gateway import intake
from tests.gateway.live import Gateway, ask, live, until


def test_a_gateway_that_can_take_events_is_ready(gateway: Gateway) -> None:
    """With broker and database in order both /healthz and /readyz answer 200."""
    assert gateway.look("/healthz").status == 200
    ready = gateway.look("/readyz")
    assert (ready.status, ready["status"], ready["broker"], ready["database"]) == (200, "ready", "ok", "ok")


def test_a_database_that_is_not_migrated_is_said(empty_database_url: str, valkey_socket: str, tmp_path: Path) -> None:
    """Before the migration the gateway lives, is not ready, says what to do, and promises nothing."""
    with live(empty_database_url, f"unix://{valkey_socket}?db=0", keyed=False, home=tmp_path) as gateway:
        assert gateway.look("/healthz").status == 200
        ready = gateway.look("/readyz")
        assert (ready.status, ready["database"]) == (503, "not migrated: lifecycle migrate")
        refused = gateway.post("/v1/track", {"writeKey": "lwk_any"}, {})
        assert (refused.status, refused["code"]) == (503, "database_away")


def test_events_are_taken_while_the_database_is_away(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """With keys that were read before, a gateway takes events and stays ready while the database is away."""

    def away() -> None:
        raise ConnectionError

    assert gateway.post("/v1/track", {"userId": "u-1", "event": "x"}).status == 200
    monkeypatch.setattr(gateway.door.ports.engine, "begin", away)
    monkeypatch.setattr(gateway.door.ports.engine, "connect", away)
    assert gateway.post("/v1/track", {"userId": "u-1", "event": "x"}).status == 200
    ready = gateway.look("/readyz")
    assert (ready.status, ready["database"]) == (200, "away: Refusal")
    assert gateway.post("/v1/track", {"writeKey": "lwk_new"}, {}).status == 503


def test_what_is_not_there_is_said_in_json(gateway: Gateway) -> None:
    """An unknown path at this port is answered with a code and a message as well."""
    answer = ask(gateway.ops_url, "GET", "/nowhere")
    assert (answer.status, answer["code"]) == (404, "not_found")


def test_our_own_fault_is_said_without_its_inside(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is answered 500 in JSON that tells nothing of what is inside, and is counted."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(intake, "read", broken)
    answer = gateway.post("/v1/track", {})
    assert (answer.status, answer["code"]) == (500, "internal_error")
    assert b"secret" not in answer.body
    monkeypatch.undo()
    failed = {"route": "/v1/track", "status": "500"}
    until(lambda: gateway.figure("lifecycle_gateway_requests_total", **failed) == 1)  # counted just after the answer
