"""A road to the gateway on which requests and answers get lost, cut, late or refused, by a seeded plan.

It speaks as much HTTP/1.1 as it needs to know where a request ends: its head, and a body by Content-Length or in
chunks. What it passes on, it passes on byte for byte. Each fault is one that clients meet in the wild; the ones that
matter most are those where the gateway has taken the request and its client never learns.
"""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto, unique
from typing import TypeAlias

MOST_HEAD = 256 * 1024  # bytes of a request's or an answer's head
LATE_SECONDS = 0.3  # how late a late answer is
PATIENCE = 30.0


@unique
class Fault(Enum):
    """What befalls one request."""

    NONE = auto()  # it is passed on, and so is its answer
    TOO_MANY = auto()  # 429 with Retry-After; the gateway never saw it
    BROKEN = auto()  # 500 in the gateway's own shape; the gateway never saw it
    AWAY = auto()  # 503 with Retry-After; the gateway never saw it
    STRANGE = auto()  # 502 with some proxy's page; the gateway never saw it
    REFUSED = auto()  # the connection is closed before anything was passed on
    CUT = auto()  # half of the request is passed on, then both sides are closed
    LOST = auto()  # the gateway took it and answered; the connection is closed instead of the answer
    SHORT = auto()  # the gateway took it and answered; the last byte of the answer does not arrive
    LATE = auto()  # the answer comes later than usual


Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_SAID: dict[Fault, tuple[str, str, str]] = {  # status, further headers, body
    Fault.TOO_MANY: ("429 Too Many Requests", "Retry-After: 1\r\n", '{"code":"too_many","message":"slower, please"}'),
    Fault.BROKEN: ("500 Internal Server Error", "", '{"code":"internal","message":"it broke"}'),
    Fault.AWAY: ("503 Service Unavailable", "Retry-After: 1\r\n", '{"code":"unavailable","message":"back soon"}'),
    Fault.STRANGE: ("502 Bad Gateway", "", "<html><body>bad gateway</body></html>"),
}


def every_fault(seed: int, *, without: Iterable[Fault] = (), times: int = 1) -> list[Fault]:
    """Each fault ``times`` times in some order, never two in a row: the retries of a client are few."""
    left = [fault for fault in Fault if fault is not Fault.NONE and fault not in set(without)] * times
    random.Random(seed).shuffle(left)
    return [step for fault in left for step in (fault, Fault.NONE)]


@dataclass(slots=True)
class Road:
    """A listener that passes on to the gateway; after its plan it is a plain road."""

    gateway_port: int  # on this machine
    plan: Sequence[Fault] = ()  # what befalls the first request, the second …
    met: Counter[Fault] = field(default_factory=Counter)  # what befell how many
    answers: Counter[int] = field(default_factory=Counter)  # what the gateway said, whether it arrived or not
    port: int = 0  # where it listens
    _passed: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _talks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        """What a client is told."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, ready: threading.Event) -> None:
        """Serve until the loop is stopped."""
        server = self._loop.run_until_complete(asyncio.start_server(self._welcome, "127.0.0.1", 0, limit=MOST_HEAD))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    def stop(self) -> None:
        """End ``run``, from another thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _end(self) -> None:
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _next(self) -> Fault:
        fault = self.plan[self._passed] if self._passed < len(self.plan) else Fault.NONE
        self._passed += 1
        self.met[fault] += 1
        return fault

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = self._loop.create_task(self._talk((reader, writer)))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, client: Stream) -> None:
        gateway: Stream | None = None
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                gateway = await asyncio.open_connection("127.0.0.1", self.gateway_port, limit=MOST_HEAD)
                while await self._pass(client, gateway, await _message(client[0])):
                    pass
        finally:
            for stream in filter(None, (client, gateway)):
                stream[1].transport.abort()

    async def _pass(self, client: Stream, gateway: Stream, request: bytes) -> bool:
        """Let one request meet its fate; says whether the connection lives on."""
        fault = self._next()
        if fault in _SAID:
            await _send(client, _answer(*_SAID[fault]))
            return True
        if fault is Fault.REFUSED:
            return False
        if fault is Fault.CUT:
            await _send(gateway, request[: len(request) // 2])
            return False
        answer = await self._asked(gateway, request)
        if fault is Fault.LATE:
            await asyncio.sleep(LATE_SECONDS)
        if fault is Fault.SHORT:
            await _send(client, answer[:-1])
        elif fault is not Fault.LOST:
            await _send(client, answer)
        return fault in {Fault.NONE, Fault.LATE} and b"connection: close" not in answer.lower()

    async def _asked(self, gateway: Stream, request: bytes) -> bytes:
        await _send(gateway, request)
        answer = await asyncio.wait_for(_message(gateway[0]), PATIENCE)
        self.answers[int(answer.split(b" ", 2)[1])] += 1
        return answer


@contextmanager
def road(gateway_port: int, plan: Sequence[Fault] = ()) -> Iterator[Road]:
    """A road that is open for the length of the block."""
    made, ready = Road(gateway_port=gateway_port, plan=plan), threading.Event()
    thread = threading.Thread(target=made.run, args=(ready,), name="road")
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield made
    finally:
        made.stop()
        thread.join(PATIENCE)


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, with its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:-2])
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        return head + await _chunks(reader)
    return head + await reader.readexactly(int(fields.get(b"content-length", b"0")))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while not body.endswith(b"0\r\n\r\n"):
        size = await reader.readuntil(b"\r\n")
        body += size + await reader.readexactly(int(size.split(b";")[0], 16) + 2)
    return body


async def _send(stream: Stream, said: bytes) -> None:
    stream[1].write(said)
    await stream[1].drain()


def _answer(status: str, headers: str, body: str) -> bytes:
    kind = "text/html" if body.startswith("<") else "application/json"
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode()
