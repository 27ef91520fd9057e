"""On the wire: a request's head has a bound of size and of time, and what is no HTTP is answered in JSON too.

uvicorn and httptools bound neither: a head that never ends is collected in memory for ever (seen with both), and one
that drips in holds its connection. Bodies have their own bounds, in ``bodies``.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from orchestrator.gateway.answers import problem

MOST_HEAD = 64 * 1024  # bytes of a request's line and headers; the usual bound of servers is 8 to 64 KiB
HEAD_SECONDS = 15.0  # for all of a head to come, from the connection or the first byte after an answer


class HeadError(ValueError):
    """The head is larger than it may be."""


class Wire(HttpToolsProtocol):
    """A connection with bounds on its requests' heads."""

    _in_message = False  # whether a body is coming
    _size = 0  # bytes of the head that is coming
    _timer: asyncio.TimerHandle | None = None  # until which it must be here

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._waited()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is part of a head that is not whole yet is counted."""
        if self._timer is None and not self._in_message:
            self._wait()
        super().data_received(data)
        if self._timer is not None:
            self._size += len(data)
            if self._size > MOST_HEAD:
                self._refuse(431, "head_too_large", f"A request's head may have {MOST_HEAD} bytes.")

    def on_message_begin(self) -> None:
        """Count from here."""
        self._size = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, and refuse the head when it grew too large within one read."""
        self._size += len(name) + len(value)
        if self._size > MOST_HEAD:
            raise HeadError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is here; what follows is a body, also one that nobody reads because its head was refused."""
        self._waited()
        self._in_message = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next bytes are another head."""
        self._in_message = False
        super().on_message_complete()

    def eof_received(self) -> None:
        """The client hung up: uvloop closes at once and tells later, and an answer in between would be an error."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, in JSON."""
        if self._size > MOST_HEAD:
            self._refuse(431, "head_too_large", f"A request's head may have {MOST_HEAD} bytes.")
        else:
            self._refuse(400, "bad_request", msg)

    def _wait(self) -> None:
        self._waited()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _waited(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._size:
            self._refuse(408, "slow_head", f"The head did not come within {HEAD_SECONDS:g} seconds.")
        else:
            self.transport.close()

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer past the application, which has not seen the request, and hang up."""
        self._waited()
        if self.transport.is_closing():
            return
        answer = problem(status, code, message, {"Connection": "close"})
        head = [b"HTTP/1.1 %d %b\r\n" % (status, _PHRASE[status])]
        head += [b"%b: %b\r\n" % pair for pair in answer.raw_headers]
        self.transport.write(b"".join([*head, b"\r\n", bytes(answer.body)]))
        self.transport.close()


_PHRASE = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}
