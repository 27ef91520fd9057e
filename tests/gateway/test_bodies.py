"""Bodies: unpacked by what they are, bounded in size and time."""

import gzip
import socket
import zlib
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import orjson
import pytest

from orchestrator.core.events import Json
from orchestrator.gateway import bodies
from orchestrator.gateway.answers import Refusal
from orchestrator.gateway.bodies import MOST_BYTES, MOST_MEMBERS, unpacked
from tests.gateway.live import Gateway, basic, until

LOGIN: dict[str, Json] = {"userId": "u-1", "event": "Signed In", "context": {"groupId": "acme"}}


def test_gzip_is_known_by_its_bytes() -> None:
    """What begins as gzip is unpacked, in several members too; what does not stays as it is."""
    assert unpacked(gzip.compress(b"a") + gzip.compress(b"b")) == b"ab"
    assert unpacked(gzip.compress(b"a") + b"\0\0") == b"a"
    assert unpacked(b'{"a": 1}') == b'{"a": 1}'
    assert unpacked(b"") == b""


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (gzip.compress(b"x" * 100)[:-9], 400, "bad_gzip"),
        (b"\x1f\x8b" + b"\0" * 30, 400, "bad_gzip"),
        (gzip.compress(b"a") + b"tail", 400, "bad_gzip"),
        (gzip.compress(b"") * (MOST_MEMBERS + 1), 400, "bad_gzip"),
        (gzip.compress(b"\0" * (MOST_BYTES + 1)), 413, "too_large"),
        (gzip.compress(b"\0" * 1000) + gzip.compress(b"\0" * MOST_BYTES), 413, "too_large"),
    ],
    # gzip writes the second into its head: without names of their own, cases would be called otherwise a second later
    ids=["cut", "broken", "tail", "members", "bomb", "bomb behind"],
)
def test_bad_gzip_is_refused(raw: bytes, status: int, code: str) -> None:
    """Gzip that is cut, broken, in too many members or a bomb is refused, and no more is unpacked than may be held."""
    with pytest.raises(Refusal) as caught:
        unpacked(raw)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_a_body_at_the_bound_is_unpacked() -> None:
    """Exactly as many bytes as may be held are."""
    assert len(unpacked(gzip.compress(b"\0" * MOST_BYTES))) == MOST_BYTES


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "gzip", "Content-Type": "application/json"},
        {"Content-Type": "text/plain"},
        {"Content-Encoding": "identity", "Content-Type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_gzipped_call_is_taken_whatever_its_head_says(gateway: Gateway, headers: dict[str, str]) -> None:
    """A gzipped body is taken with a head that tells it, that tells nothing and that lies."""
    body = gzip.compress(orjson.dumps(LOGIN))
    assert gateway.send("/v1/track", body, {**basic(gateway.secret), **headers}).status == 200
    assert len(gateway.entries()) == 1


def test_a_chunked_body_is_taken(gateway: Gateway) -> None:
    """A body in chunks is the same body."""

    def chunks() -> Iterator[bytes]:
        raw = orjson.dumps(LOGIN)
        yield raw[:10]
        yield raw[10:]

    assert gateway.send("/v1/track", chunks()).status == 200
    assert len(gateway.entries()) == 1


def test_a_bomb_is_answered_413(gateway: Gateway) -> None:
    """A body that would unpack to 64 MiB is answered 413; the gateway lives and holds nothing of it."""
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(b"\0" * 2**20) for _ in range(64)) + packer.flush()
    answer = gateway.send("/v1/track", bomb)
    assert (answer.status, answer["code"]) == (413, "too_large")
    assert gateway.post("/v1/track", LOGIN).status == 200
    until(lambda: (gateway.door.room.requests, gateway.door.room.held) == (0, 0))  # counted just after the answer


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_a_body_is_answered_and_not_cut_off(gateway: Gateway, chunked: bool) -> None:
    """A client that sends too much, announced or in chunks, gets to read its 413."""
    body = b" " * (MOST_BYTES + 1)
    answer = gateway.send("/v1/batch", iter([body[: 2**20]] * 5) if chunked else body)
    assert (answer.status, answer["code"]) == (413, "too_large")


def test_a_body_that_drips_is_given_up(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not come in its time is answered 408, and its connection closed."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    where = (gateway.door.settings.gateway_host, gateway.door.settings.gateway_port)
    head = b"POST /v1/track HTTP/1.1\r\nHost: g\r\nContent-Length: 100\r\nAuthorization: Bearer "
    with socket.create_connection(where, timeout=10) as slow:
        slow.sendall(head + gateway.secret.encode() + b"\r\n\r\n{")
        answer = b"".join(iter(lambda: slow.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"slow_body"' in answer


def test_a_wrong_key_is_told_so_before_its_body_is_read(gateway: Gateway) -> None:
    """A large body under a wrong key is answered 401 once, and the connection takes the next request."""
    body = orjson.dumps({"batch": [LOGIN | {"type": "track"}] * 2_000})
    connection = HTTPConnection(gateway.door.settings.gateway_host, gateway.door.settings.gateway_port, timeout=20)
    with closing(connection):
        for secret, status in (("lwk_wrong", 401), (gateway.secret, 200)):
            connection.request("POST", "/v1/batch", body, basic(secret))
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (status, True)


def test_who_hangs_up_is_no_error_of_ours(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    """Clients that hang up while they wait for their answer leave no trace in the log, and room for others."""
    where = (gateway.door.settings.gateway_host, gateway.door.settings.gateway_port)
    body = orjson.dumps(LOGIN)
    head = f"POST /v1/track HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {gateway.secret}\r\n"
    for _ in range(20):
        with socket.create_connection(where, timeout=10) as client:
            client.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert gateway.send("/v1/track", body).status == 200
    until(lambda: gateway.door.room.requests == 0)
    assert "a request failed" not in caplog.text
