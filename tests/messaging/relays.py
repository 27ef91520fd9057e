"""Real SMTP servers that misbehave on purpose, each in a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from orchestrator.messaging import smtp


@dataclass(kw_only=True)
class Manners:
    """How a relay behaves; may be changed while it runs."""

    at_mail: str | None = None  # its answer to MAIL instead of yes
    at_rcpt: str | None = None  # to RCPT
    at_data: str | None = None  # to DATA
    at_end: str | None = None  # to the whole mail
    hangs_up: str | None = None  # connect, MAIL, RCPT, DATA, or END: after the whole mail was read
    stays_silent: str | None = None  # RCPT or END: answers only when the test is over
    ahead: bool = False  # it offers PIPELINING
    login: tuple[str, str] | None = None  # the user and password it knows


@dataclass(kw_only=True)
class Rogue:
    """A running relay, and what it has got."""

    manners: Manners
    loop: asyncio.AbstractEventLoop
    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    connections: int = 0
    logins: list[bool] = field(default_factory=list)
    transports: list[asyncio.BaseTransport] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def close_connections(self) -> None:
        """Close every connection, as relays do with those that say nothing for long."""
        for transport in self.transports:
            self.loop.call_soon_threadsafe(transport.close)

    def known(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        """Whether these are the right user and password."""
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        self.logins.append(given == self.manners.login)
        return AuthResult(success=given == self.manners.login, handled=False)

    async def handle_EHLO(  # noqa: N802 aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *["250-PIPELINING"] * self.manners.ahead, *responses[-1:]]

    async def handle_MAIL(  # noqa: N802 aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.manners.at_mail or "250 OK"

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.manners.stays_silent == "RCPT":
            await self.over.wait()
        if self.manners.at_rcpt:
            return self.manners.at_rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        if self.manners.at_end:
            return self.manners.at_end
        self.mails.append(envelope.original_content or b"")
        self.recipients.extend(envelope.rcpt_tos)
        if self.manners.stays_silent == "END":
            await self.over.wait()
        if self.manners.hangs_up == "END":
            hang_up(server.transport)
        return "250 2.0.0 taken"


class Speaker(SMTP):
    """aiosmtpd, with bad manners."""

    event_handler: Rogue

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.event_handler.connections += 1
        self.event_handler.transports.append(transport)
        if self.event_handler.manners.hangs_up == "connect":
            hang_up(transport)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 aiosmtpd's name
        if not self._hung_up("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 aiosmtpd's name
        if not self._hung_up("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 aiosmtpd's name
        if self._hung_up("DATA"):
            return
        if self.event_handler.manners.at_data:
            await self.push(self.event_handler.manners.at_data)
            return
        await super().smtp_DATA(arg or "")

    def _hung_up(self, step: str) -> bool:
        if self.event_handler.manners.hangs_up != step:
            return False
        hang_up(self.transport)
        return True


def hang_up(transport: asyncio.BaseTransport | None) -> None:
    """Cut a connection without a word."""
    if isinstance(transport, asyncio.Transport):
        transport.abort()


@contextmanager
def running(manners: Manners, tls: ssl.SSLContext | None = None, *, wrapped: bool = False) -> Iterator[Rogue]:
    """A relay while the block lasts; with a certificate it offers STARTTLS, or is ``wrapped`` in TLS from the start."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    rogue = Rogue(manners=manners, loop=loop)

    def speaker() -> Speaker:
        return Speaker(
            rogue, hostname="relay.test", loop=loop, tls_context=None if wrapped else tls,
            authenticator=rogue.known, auth_require_tls=False,
        )  # fmt: skip

    async def serve() -> None:
        server = await loop.create_server(speaker, "127.0.0.1", 0, ssl=tls if wrapped else None)
        rogue.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await rogue.over.wait()
        for transport in rogue.transports:
            transport.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield rogue
    finally:
        loop.call_soon_threadsafe(rogue.over.set)
        thread.join(10)
        loop.close()


def to(rogue: Rogue, **changes: object) -> smtp.Relay:
    """The relay's address for the transport, with short timeouts."""
    fields: dict[str, object] = {
        "host": "127.0.0.1", "port": rogue.port, "security": smtp.Security.PLAIN, "helo": "test.example",
        "timeout": 5.0, "answer_timeout": 5.0,
    }  # fmt: skip
    return smtp.Relay(**{**fields, **changes})  # type: ignore[arg-type]  # a mixture on purpose
