"""A mail sink in a process of its own: it speaks SMTP, takes every mail and keeps none, as fast as asyncio can.

Run as ``python -m tests.benchmarks.sink``; it says its port, then serves until it is ended.
"""

import asyncio

GREETING, EXTENSIONS, YES = (
    b"220 sink ESMTP\r\n",
    b"250-sink\r\n250-SIZE 33554432\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    b"250 2.0.0 ok\r\n",
)
GO_AHEAD, BYE, END = b"354 go ahead\r\n", b"221 2.0.0 bye\r\n", b"\r\n.\r\n"
MODULE = ("-m", "tests.benchmarks.sink")


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.waiting = b""
        self.in_mail = False
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        """Answer each whole command, and each whole mail."""
        assert self.transport is not None
        self.waiting += data
        while answer := self._answer():
            self.transport.write(answer)

    def _answer(self) -> bytes:
        """What the next command or mail is answered; nothing while it is not whole."""
        if self.in_mail:
            _, end, rest = self.waiting.partition(END)
            if not end:
                return b""
            self.waiting, self.in_mail = rest, False
            return YES
        line, end, rest = self.waiting.partition(b"\r\n")
        if not end:
            return b""
        self.waiting, verb = rest, line[:4].upper()
        self.in_mail = verb == b"DATA"
        return {b"DATA": GO_AHEAD, b"EHLO": EXTENSIONS, b"QUIT": BYE}.get(verb, YES)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
