"""A gate between the senders and the relay: it can hold an answer back, so that a sender can be killed just then.

SMTP without pipelining is a dialogue: one command, one answer. The gate passes both on, one connection a thread, and
holds the answer to a chosen step until it is opened. What the relay had done by then, it has done.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, unique

END_OF_MAIL = b"\r\n.\r\n"
PATIENCE = 60.0


@unique
class At(Enum):
    """Where a sender is held."""

    MAIL = b"MAIL"  # it is about to hand over, and nothing has left
    END = b"."  # the relay has kept the mail, and the sender was not told yet


class Gate:
    """Passes SMTP on to a relay on this machine."""

    def __init__(self, relay_port: int) -> None:
        self._relay_port = relay_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._changed = threading.Condition()
        self._closed_at: At | None = None
        self._places = 0  # how many more senders may be held
        self.held = 0  # senders that stand at the gate now
        self._sockets: set[socket.socket] = set()
        threading.Thread(target=self._accept, name="gate", daemon=True).start()

    @contextmanager
    def closed(self, at: At, places: int = 1_000) -> Iterator[None]:
        """Hold up to ``places`` senders at a step, for the length of the block."""
        with self._changed:
            self._closed_at, self._places = at, places
        try:
            yield
        finally:
            with self._changed:
                self._closed_at = None
                self._changed.notify_all()

    def until_held(self, senders: int = 1) -> None:
        """Return once so many senders are held."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.held >= senders, PATIENCE), "no sender came to the gate"

    def close(self) -> None:
        """Let go of everything."""
        self._listener.close()
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(client,), name="gate", daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._relay_port), PATIENCE) as relay:
            self._sockets |= {client, relay}
            try:
                self._talk(client, relay)
            finally:
                self._sockets -= {client, relay}

    def _talk(self, client: socket.socket, relay: socket.socket) -> None:
        client.sendall(_answer(relay))
        in_mail = False
        while said := _said(client, END_OF_MAIL if in_mail else b"\r\n"):
            relay.sendall(said)
            answer = _answer(relay)
            self._hold(At.END if in_mail else At.MAIL if said[:4].upper() == At.MAIL.value else None)
            in_mail = not in_mail and said[:4].upper() == b"DATA" and answer.startswith(b"354")
            client.sendall(answer)

    def _hold(self, at: At | None) -> None:
        with self._changed:
            if at is None or at is not self._closed_at or not self._places:
                return
            self._places -= 1
            self.held += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed_at is not at, PATIENCE)
            self.held -= 1


def _said(client: socket.socket, end: bytes) -> bytes:
    """What the sender says, up to the end of its turn; empty when it hung up."""
    said = b""
    while not said.endswith(end):
        more = client.recv(65536)
        if not more:
            return b""
        said += more
    return said


def _answer(relay: socket.socket) -> bytes:
    """The relay's answer, all lines of it."""
    answer = b""
    while not (answer.endswith(b"\r\n") and answer.rstrip().rpartition(b"\n")[2][3:4] in {b" ", b""}):
        more = relay.recv(65536)
        if not more:
            raise ConnectionResetError
        answer += more
    return answer
