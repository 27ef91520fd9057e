"""Bodies of requests: read within bounds of size and time, unpacked by what they are, not by what they say they are.

Clients send gzip under content types and encodings that lie (recorded), so the first two bytes decide. A bomb stops at
the bound: no more is unpacked than may be held.
"""

import asyncio
import zlib
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request

from orchestrator.gateway.answers import Refusal

MOST_BYTES = 4 * 1024 * 1024  # of a body, as sent and unpacked: eight times the 500 KiB that a batch may have
BODY_SECONDS = 20.0  # for all of a body to come; client libraries give up after 10 to 15
MOST_WASTED = 32 * 1024 * 1024  # bytes of a body that is too large which are read and thrown away before the answer
WASTED_SECONDS = 5.0  # that this may take
MOST_MEMBERS = 16  # of a gzip file: writers make one or two, and each costs a copy of what follows it
MOST_REQUESTS = 1_000  # in hand at once: each may wait for the broker
MOST_HELD = 256 * 1024 * 1024  # bytes of bodies in hand at once

_GZIP = b"\x1f\x8b"
_HELD = "lifecycle.held"  # bytes of this request, in its scope
_CLOSE = {"Connection": "close"}  # what is left of the body is not waited for


@dataclass(slots=True)
class Room:
    """What the gateway has in hand, so that a crowd is told to come again instead of eating memory."""

    requests: int = 0  # under way
    held: int = 0  # bytes of their bodies

    def enter(self) -> bool:
        """Count a request in; False when there is no room for it."""
        if self.requests >= MOST_REQUESTS or self.held >= MOST_HELD:
            return False
        self.requests += 1
        return True

    def leave(self, scope: MutableMapping[str, Any]) -> None:
        """Count a request out, with what was held for it."""
        self.requests -= 1
        self.held -= scope.pop(_HELD, 0)

    def hold(self, scope: MutableMapping[str, Any], size: int) -> None:
        """Count bytes of a request; they are free again when it leaves."""
        self.held += size
        scope[_HELD] = scope.get(_HELD, 0) + size


def busy() -> Refusal:
    """There is no room for another request."""
    return Refusal(429, "busy", "More requests wait here than there is room for.", retry_after=1)


async def read(request: Request) -> bytes:
    """The body of a request, unpacked; at most MOST_BYTES of it.

    Raises:
        Refusal: 400 its gzip is broken, 408 it came too slowly, 413 it is too large.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            raw = await _received(request)
    except TimeoutError:
        message = f"The body did not come within {BODY_SECONDS:g} seconds."
        raise Refusal(408, "slow_body", message, headers=_CLOSE) from None
    body = unpacked(raw)
    if body is not raw:
        request.app.state.door.room.hold(request.scope, len(body))
    return body


async def _received(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdecimal() and int(announced) > MOST_BYTES:
        await _waste(request)
        raise _too_large()
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            await _waste(request)
            raise _too_large()
        request.app.state.door.room.hold(request.scope, len(chunk))
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _waste(request: Request) -> None:
    """Read on for a while what is too large: a client that is cut off while it sends never sees the answer."""
    if "expect" in request.headers:  # it waits to be asked for the body
        return
    wasted = 0
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(WASTED_SECONDS):
            while wasted <= MOST_WASTED:
                message = await request.receive()
                wasted += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def unpacked(raw: bytes) -> bytes:
    """The bytes as they were before gzip, if it was gzip (in one or several members); else as they are."""
    if not raw.startswith(_GZIP):
        return raw
    parts: list[bytes] = []
    left = MOST_BYTES
    while raw:
        if len(parts) == MOST_MEMBERS:
            raise Refusal(400, "bad_gzip", f"The body has more than {MOST_MEMBERS} gzip members.")
        part, raw = _member(raw, left)
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _member(raw: bytes, left: int) -> tuple[bytes, bytes]:
    """One gzip member, and what follows it; at most ``left`` bytes are unpacked."""
    unzip = zlib.decompressobj(wbits=31)
    try:
        part = unzip.decompress(raw, left + 1)
    except zlib.error:
        raise Refusal(400, "bad_gzip", "The body begins as gzip and is none.") from None
    if len(part) > left:
        raise _too_large()
    if not unzip.eof:
        raise Refusal(400, "bad_gzip", "The body is gzip that was cut off.")
    return part, unzip.unused_data.lstrip(b"\0")  # some writers pad


def _too_large() -> Refusal:
    return Refusal(413, "too_large", f"A body may have {MOST_BYTES} bytes, unpacked too.", headers=_CLOSE)
