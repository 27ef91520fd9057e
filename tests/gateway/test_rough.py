"""What no client library sends, on a raw socket: each gets a documented answer, and the neighbours live."""

import gzip
import socket
import zlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import orjson
import pytest

from tests.gateway.live import Gateway
from tests.gateway.wire import Answer, exchange, post

_numbers = count(1)
NESTED = b"[" * 100_000


def call(**fields: object) -> bytes:
    """A good call under an id of its own."""
    good = {"messageId": f"rough-{next(_numbers)}", "userId": "ann", "event": "Logged In", "properties": {}}
    return orjson.dumps(good | fields)


def batch(*items: bytes) -> bytes:
    return b'{"batch":[' + b",".join(items) + b"]}"


def chunked(body: bytes, *, trailer: str = "", size: int = 7) -> bytes:
    """A body in chunks."""
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    sent = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return sent + b"0\r\n" + trailer.encode() + b"\r\n"


def in_chunks(path: str, key: str, sent: bytes, *headers: str) -> bytes:
    told = [f"POST {path} HTTP/1.1", "Host: g", f"Authorization: Bearer {key}", "Transfer-Encoding: chunked", *headers]
    return "\r\n".join([*told, "", ""]).encode() + sent


def told(gateway: Gateway, *said: bytes, **how: Any) -> Answer:  # noqa: ANN401 -- what exchange takes
    """The one answer."""
    (answer,) = exchange(port_of(gateway), *said, **how)
    return answer


def port_of(gateway: Gateway) -> int:
    return gateway.door.settings.gateway_port


def taken(gateway: Gateway, answer: Answer, before: int, items: int = 1) -> bool:
    """Whether it was answered exactly 200, with JSON, and so many entries stand on the streams now."""
    return answer.status == 200 and isinstance(answer.json, dict) and len(gateway.entries()) - before == items


# ---------------------------------------------------------------------------------------------------- how it is framed


def test_pipelined_requests_are_answered_in_order(gateway: Gateway) -> None:
    """Two requests in one packet get two answers, the good one's after the bad one's."""
    first, second = exchange(
        port_of(gateway),
        post("/v1/nowhere", b"{}", key=gateway.secret) + post("/v1/track", call(), key=gateway.secret),
        answers=2,
    )
    assert (first.status, second.status) == (404, 200)
    assert first.is_plain_refusal


def test_chunks_with_extensions_and_trailers_are_one_body(gateway: Gateway) -> None:
    """A body in small chunks, with extensions and a trailer, is taken."""
    before = len(gateway.entries())
    sent = in_chunks("/v1/track", gateway.secret, chunked(call(), trailer="X-Sum: 1\r\n"), "Trailer: X-Sum")
    assert taken(gateway, told(gateway, sent), before)


def test_http_1_0_is_answered_and_closed(gateway: Gateway) -> None:
    """A request of HTTP/1.0 is taken, and its connection closed."""
    answers = exchange(port_of(gateway), post("/v1/track", call(), key=gateway.secret, version="1.0"), answers=2)
    assert [answer.status for answer in answers] == [200]


def test_half_a_body_is_no_event(gateway: Gateway) -> None:
    """A connection that ends before its Content-Length is reached leaves nothing behind."""
    before = len(gateway.entries())
    sent = post("/v1/track", call(), key=gateway.secret)
    exchange(port_of(gateway), sent[:-5], hang_up=True)
    assert len(gateway.entries()) == before
    assert told(gateway, post("/v1/track", call(), key=gateway.secret)).status == 200


HEAD = b"POST /v1/track HTTP/1.1\r\nHost: g\r\n"
SOCKET = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2FtcGxl\r\n"
FRAMED: dict[str, bytes] = {
    "no HTTP": b"hello\r\n\r\n",
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100c5010000c103") + b"\0" * 60,
    "length and chunks at once": HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\n{}   ",
    "a length that is none": HEAD + b"Content-Length: many\r\n\r\n{}",
    "a length below zero": HEAD + b"Content-Length: -1\r\n\r\n{}",
    "a chunk that is none": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a header of 200 KB": HEAD + b"X-Long: " + b"x" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "ten thousand headers": HEAD + b"".join(b"X-%d: 1\r\n" % number for number in range(10_000)) + b"\r\n",
    "a path of 200 KB": b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: g\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: g\r\nX: a\0b\r\n\r\n",
    "an unknown method": b"BREW /v1/track HTTP/1.1\r\nHost: g\r\n\r\n",
    "an absolute address": b"GET http://elsewhere.example/v1/track HTTP/1.1\r\nHost: g\r\n\r\n",
    "CONNECT": b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: g\r\n\r\n",
    "a web socket": b"GET /v1/track HTTP/1.1\r\nHost: g\r\n" + SOCKET + b"\r\n",
}


@pytest.mark.parametrize("sent", FRAMED.values(), ids=FRAMED)
def test_what_is_badly_framed_is_refused_and_nothing_breaks(gateway: Gateway, sent: bytes) -> None:
    """What is no good HTTP gets a 4xx or a closed door, never a 5xx; the next request is served."""
    before = len(gateway.entries())
    try:
        answers = exchange(port_of(gateway), sent, hang_up=True)
    except OSError:  # a reset is an answer as well
        answers = []
    assert all(400 <= answer.status < 500 for answer in answers), answers
    assert len(gateway.entries()) == before
    assert told(gateway, post("/v1/track", call(), key=gateway.secret)).status == 200


# ------------------------------------------------------------------------------------------------------ what is inside

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t",
    "null": b"null",
    "a number": b"17",
    "a text": b'"text"',
    "a list of nothing": b"[]",
    "an empty object": b"{}",
    "half an object": b'{"userId":',
    "two objects": call() + call(),
    "not UTF-8": b'{"userId":"\xff\xfe"}',
    "UTF-16": call().decode().encode("utf-16"),
    "UTF-32": call().decode().encode("utf-32"),
    "Latin-1": '{"messageId":"l","userId":"é","event":"x"}'.encode("latin-1"),
    "a form": b"userId=ann&event=Logged+In",
    "XML": b"<?xml version='1.0'?><event/>",
    "nested too deep": NESTED,
    "nested too deep, in objects": b'{"a":' * 100_000,
    "nested too deep, in a field": call(properties="?").replace(b'"?"', b"[" * 20_000 + b"]" * 20_000),
    "a megabyte of faces": call(properties={"text": "😀" * 262_144}),
    "deflate, raw": zlib.compressobj(wbits=-15).compress(call()) + b"x",
    "gzip of nothing": gzip.compress(b""),
    "gzip cut off": gzip.compress(call() * 50)[:-20],
    "gzip with a wrong sum": gzip.compress(call())[:-8] + b"12345678",
    "gzip and then more": gzip.compress(b"{}") + b"garbage after it",
    "only gzip's magic": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd" + b"\0" * 20,
    "random bytes": bytes(range(256)) * 4,
    "a number too large": call(properties={"n": 0}).replace(b":0}", b":1e999}"),
    "an endless number": call(properties="?").replace(b'"?"', b'{"n":' + b"9" * 20_000 + b"}"),
    "NaN": call(properties="?").replace(b'"?"', b'{"n":NaN}'),
    "half a character": call(properties="?").replace(b'"?"', b'{"n":"\\ud83d"}'),
    "NUL": call(properties={"text": "a\0b"}),
    "NUL in its id": call(messageId="a\0b"),
    "an id of a megabyte": call(messageId="x" * 1_000_000),
    "an object as its id": call(messageId={"a": 1}),
    "a list as its person": call(userId=["ann"]),
    "properties as text": call(properties="text"),
    "context as a list": call(context=[1, 2]),
    "a time in the future": call(timestamp="9999-12-31T23:59:59Z"),
    "a time that is none": call(timestamp="yesterday"),
    "a time as an object": call(timestamp={"$date": 1}),
}
PATHS = ["/v1/track", "/v1/batch", "/v1/events", "/v1/cloudevents", "/batch/", "/capture/", "/v1/identify", "/v1/alias"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_bad_body_gets_a_plain_refusal(gateway: Gateway, path: str, body: bytes) -> None:
    """Whatever the bytes, on whatever path: 200, or a 4xx with code and message in JSON; never a 5xx."""
    for headers in ((), ("Content-Type: application/json",), ("Content-Encoding: gzip", "Content-Type: text/plain")):
        answer = told(gateway, post(path, body, *headers, key=gateway.secret))
        assert answer.status == 200 or (400 <= answer.status < 500 and answer.is_plain_refusal), answer
        assert isinstance(answer.json, dict)


GOOD: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "plainly": (call(), ()),
    "as text": (call(), ("Content-Type: text/plain;charset=UTF-8",)),
    "as a form, by its header": (call(), ("Content-Type: application/x-www-form-urlencoded",)),
    "with a strange charset": (call(), ("Content-Type: application/json; charset=utf-16",)),
    "after a byte order mark": (b"\xef\xbb\xbf" + call(), ()),
    "gzipped, and it says so": (gzip.compress(call()), ("Content-Encoding: gzip",)),
    "gzipped, and it does not say so": (gzip.compress(call()), ()),
    "plain, and it says gzip": (call(), ("Content-Encoding: gzip",)),
    "gzipped in two members": (gzip.compress(call()[:20]) + gzip.compress(b""), ()),
    "with blanks around it": (b"\r\n " + call() + b"\r\n", ()),
    "waiting for 100": (call(), ("Expect: 100-continue",)),
}
del GOOD["gzipped in two members"]


@pytest.mark.parametrize(("body", "headers"), GOOD.values(), ids=GOOD)
def test_a_good_body_is_taken_whatever_is_said_of_it(gateway: Gateway, body: bytes, headers: tuple[str, ...]) -> None:
    """A body is judged by its content, not by what its headers say."""
    before = len(gateway.entries())
    answers = exchange(port_of(gateway), post("/v1/track", body, *headers, key=gateway.secret), answers=1)
    if answers[0].status == 100:
        return
    assert taken(gateway, answers[0], before), answers


def test_gzip_in_two_members_is_one_body(gateway: Gateway) -> None:
    """Members of gzip that follow each other are one body, as the format says."""
    body, before = call(), len(gateway.entries())
    answer = told(gateway, post("/v1/track", gzip.compress(body[:20]) + gzip.compress(body[20:]), key=gateway.secret))
    assert taken(gateway, answer, before)


def test_a_gzip_bomb_stops_early(gateway: Gateway) -> None:
    """A gigabyte in a megabyte of gzip is refused with 413, quickly."""
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packed.compress(b"0" * 2**20) for _ in range(200)), packed.flush()])
    answer = told(gateway, post("/v1/batch", bomb, "Content-Encoding: gzip", key=gateway.secret))
    assert answer.status == 413
    assert answer.is_plain_refusal


def test_each_item_of_a_batch_is_judged_alone(gateway: Gateway) -> None:
    """Between items of every bad kind the good ones are taken; each item stands on a stream, and has its result."""
    bad = [
        b"null",
        b"17",
        b'"text"',
        b"[]",
        b"{}",
        b"[[[]]]",
        call(properties={"t": "\0"}),
        call(type="brew"),
        call(userId=None),
    ]
    bad += [
        call(properties="?").replace(b'"?"', odd)
        for odd in (b'{"n":NaN}', b'{"n":-Infinity}', b'{"n":"\\ud83d"}', b"[1]")
    ]
    bad += [call(properties={"text": "x" * 40_000}), call(messageId="x" * 300), call(timestamp="never")]
    good = [call(type="track") for _ in bad]
    before = len(gateway.entries())
    items = [item for pair in zip(bad, good, strict=True) for item in pair]
    answer = told(gateway, post("/v1/batch", batch(*items), key=gateway.secret))
    assert taken(gateway, answer, before, len(items)), answer


@pytest.mark.parametrize(
    "body", [b'{"batch":[]}', b'{"batch":null}', b'{"batch":{}}', b'{"batch":"x"}', b'{"batch":17}', b'{"batches":[]}']
)
def test_a_batch_that_is_no_list_is_refused(gateway: Gateway, body: bytes) -> None:
    """A body without a list of calls is refused as a whole; an empty list is nothing, taken."""
    answer = told(gateway, post("/v1/batch", body, key=gateway.secret))
    assert answer.status == 200 if body == b'{"batch":[]}' else answer.is_plain_refusal and answer.status == 400


# ---------------------------------------------------------------------------------------------------------- who it is


def basic(user: str, password: str = "") -> str:
    return "Authorization: Basic " + b64encode(f"{user}:{password}".encode()).decode()


BAD_KEYS = {
    "none": (),
    "an unknown one": ("Authorization: Bearer lck_unknown",),
    "no Base64": ("Authorization: Basic %%%",),
    "Base64 of no UTF-8": ("Authorization: Basic //79/A==",),
    "no colon": ("Authorization: Basic " + b64encode(b"key").decode(),),
    "an empty user": (basic(""),),
    "only the scheme": ("Authorization: Basic",),
    "an empty bearer": ("Authorization: Bearer ",),
    "another scheme": ("Authorization: Digest username=x",),
    "NUL in it": ("Authorization: Basic " + b64encode(b"a\0b:").decode(),),
    "a megabyte": (basic("x" * 30_000),),
    "two of them": ("Authorization: Bearer a", "Authorization: Bearer b"),
}


@pytest.mark.parametrize("headers", BAD_KEYS.values(), ids=BAD_KEYS)
def test_without_a_good_key_nothing_is_taken(gateway: Gateway, headers: tuple[str, ...]) -> None:
    """A request without a known write key is refused with 401 in JSON, and leaves nothing behind."""
    before = len(gateway.entries())
    answer = told(gateway, post("/v1/track", call(), *headers))
    assert answer.status in {400, 401, 431}
    assert answer.is_plain_refusal
    assert len(gateway.entries()) == before


def test_the_key_in_the_body_is_enough_and_is_not_kept(gateway: Gateway) -> None:
    """A browser's beacon names its key in the body, as text/plain; the key is not put on the stream."""
    before = len(gateway.entries())
    answer = told(gateway, post("/v1/t", call(writeKey=gateway.secret), "Content-Type: text/plain"))
    assert taken(gateway, answer, before)
    assert gateway.secret not in str(gateway.entries())


def test_a_browser_may_ask_and_post(gateway: Gateway) -> None:
    """A preflight is answered for any origin, and the answer to a post names the origin too, refusals included."""
    wanted = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type"
    asked = f"OPTIONS /v1/t HTTP/1.1\r\nHost: g\r\nOrigin: https://app.example\r\n{wanted}\r\n\r\n".encode()
    preflight = told(gateway, asked, method="OPTIONS")
    assert preflight.status in {200, 204}
    assert preflight.headers["access-control-allow-origin"] in {"*", "https://app.example"}
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    for path, key in (("/v1/t", gateway.secret), ("/v1/t", "unknown"), ("/nowhere", gateway.secret)):
        answer = told(gateway, post(path, call(), "Origin: https://app.example", key=key))
        assert answer.headers["access-control-allow-origin"] in {"*", "https://app.example"}, path


@pytest.mark.parametrize(
    "path", ["/v1/track", "/v1/track/", "/v1/t", "/v1/tr%61ck", "//v1/track", "/v1/track?writeKey=x", "/v1/./track"]
)
def test_ways_to_write_a_path(gateway: Gateway, path: str) -> None:
    """A path is known with a slash at its end and in percent signs; another is not found; none redirects a POST."""
    answer = told(gateway, post(path, call(), key=gateway.secret))
    assert answer.status in {200, 404}
    assert answer.status == 200 or path in {"//v1/track", "/v1/./track"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
def test_another_method_is_refused_plainly(gateway: Gateway, method: str) -> None:
    """What is not POST is 405, in JSON, and says what is allowed."""
    sent = f"{method} /v1/track HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {gateway.secret}\r\n\r\n".encode()
    answer = told(gateway, sent, method=method)
    assert answer.status == 405
    assert "POST" in answer.headers["allow"]
    assert method == "HEAD" or answer.is_plain_refusal


# ----------------------------------------------------------------------------------------------------- many at a time


def test_the_same_event_from_many_at_once_is_one_id(gateway: Gateway) -> None:
    """Sixteen threads send one event at a time: all are answered 200, and every entry has the one id."""
    sent, before = post("/v1/track", call(messageId="the-same"), key=gateway.secret), len(gateway.entries())
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: told(gateway, sent), range(16)))
    assert {answer.status for answer in answers} == {200}
    assert len(gateway.entries()) - before == 16


def test_idle_connections_hold_nobody_up(gateway: Gateway) -> None:
    """Hundreds of connections that say nothing, half a head or half a body do not keep others from being served."""
    halves = [b"", b"POST /v1/track HT", post("/v1/track", call(), key=gateway.secret)[:-3]]
    idle = []
    try:
        for number in range(900):
            connection = socket.create_connection(("127.0.0.1", port_of(gateway)), 5)
            connection.sendall(halves[number % 3])
            idle.append(connection)
        assert told(gateway, post("/v1/track", call(), key=gateway.secret)).status == 200
    finally:
        for connection in idle:
            connection.close()
