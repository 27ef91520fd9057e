"""Load on a gateway, from a process of its own: it has made every request before the clock starts.

``python -m tests.benchmarks.load batches PORT KEY SECONDS`` sends batches of 100 over a few connections, each as soon
as the one before is answered. ``singles`` sends 1,000 single events a second, whatever the answers take: a latency
counts from when its request was to be sent. It says "ready", waits for a line, and answers with one line of JSON.
"""

import asyncio
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

import orjson
import uvloop

from tests.benchmarks.workload import EVERYDAY, OWN, SEED, account_name, body

BATCH, CONNECTIONS = 100, 8  # of batches
RATE, POOL = 1_000, 64  # single events a second, and the connections they go over
ACCOUNTS = 100_000
MOST_RATE = 60_000  # events a second that are made in advance
_READY_SECONDS = 0.2  # between the start of the clock and the first single event


class Connection:
    """One connection that is kept: a request, then its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes) -> bool:
        """Whether it was answered 200."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await self.reader.readexactly(length)
        return head.startswith(b"HTTP/1.1 200")


async def _opened(port: int) -> Connection:
    return Connection(*await asyncio.open_connection("127.0.0.1", port))


def _request(path: str, key: str, content: bytes) -> bytes:
    proof = b64encode(f"{key}:".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Basic {proof}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _calls(number: int) -> Iterator[bytes]:
    """Different calls of different accounts; another run makes others."""
    rng, now = Random(SEED), datetime.now(UTC)
    first = time.time_ns()
    for each in range(number):
        name = rng.choice((*EVERYDAY, *OWN))
        yield body(account_name(rng.randrange(ACCOUNTS)), name, first + each, rng, now)


async def _batches(port: int, key: str, seconds: float) -> dict[str, float]:
    calls = _calls(int(MOST_RATE * seconds))
    requests = []
    while batch := [call for _, call in zip(range(BATCH), calls, strict=False)]:
        requests.append(_request("/v1/batch", key, b'{"batch":[' + b",".join(batch) + b"]}"))
    connections = [await _opened(port) for _ in range(CONNECTIONS)]
    await _told()
    began, accepted, refused = time.monotonic(), 0, 0

    async def send(connection: Connection) -> None:
        nonlocal accepted, refused
        while requests and time.monotonic() < began + seconds:
            if await connection.ask(requests.pop()):
                accepted += BATCH
            else:
                refused += 1

    await asyncio.gather(*map(send, connections))
    return {"rate": accepted / (time.monotonic() - began), "accepted": accepted, "refused": refused}


async def _singles(port: int, key: str, seconds: float) -> dict[str, float]:
    requests = [_request("/v1/track", key, call) for call in _calls(int(RATE * seconds))]
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(POOL):
        free.put_nowait(await _opened(port))
    await _told()
    began, spent, refused = time.monotonic() + _READY_SECONDS, list[float](), 0

    async def send(number: int, request: bytes) -> None:
        nonlocal refused
        due = began + number / RATE
        await asyncio.sleep(due - time.monotonic())
        connection = await free.get()
        refused += not await connection.ask(request)
        spent.append(time.monotonic() - due)
        free.put_nowait(connection)

    await asyncio.gather(*(send(number, request) for number, request in enumerate(requests)))
    ordered = sorted(spent)
    at = {name: ordered[int(share * (len(ordered) - 1))] * 1e3 for name, share in (("median", 0.5), ("p99", 0.99))}
    return {**at, "rate": len(ordered) / (time.monotonic() - began), "refused": refused}


async def _told() -> None:
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)


def main(mode: str, port: str, key: str, seconds: str) -> None:
    """Send, and say what came of it."""
    send = {"batches": _batches, "singles": _singles}[mode]
    told = uvloop.run(send(int(port), key, float(seconds)))
    print(orjson.dumps(told).decode(), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
