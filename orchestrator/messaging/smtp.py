"""The SMTP transport: one connection, kept open; every step is taken singly, so that each failure can be told apart.

``Transport`` draws the line; here is where it lies. Everything up to the last octet of the mail's end
(``<CRLF>.<CRLF>``) is before it: a relay that has not been sent the end must not deliver (RFC 5321 4.1.1.4), and an
end whose sending fails has not left whole. So the mail and its end are written apart, and only a lost or garbled
*answer* to the end is ``Uncertain``.
"""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum, unique
from typing import Self
from urllib.parse import unquote, urlsplit

from orchestrator.core.errors import LifecycleError
from orchestrator.messaging.context import plain_text
from orchestrator.messaging.transport import Abandoned, Accepted, Deferred, Envelope, Receipt, Refused, Uncertain, go_on

END = b".\r\n"  # of the mail: after a whole line
LONGEST_REPLY = 500  # characters of a relay's answer that are kept

# First digits of SMTP replies (RFC 5321 4.2.1), and the two replies that stand for themselves.
_YES, _LATER, _NEVER = 2, 4, 5
_GO_AHEAD = 354
_CLOSING = 421

# Enhanced codes (RFC 3463, 7505) that say: nobody can ever write to this address.
DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
# Bare replies (RFC 5321 4.2.3) that say so when no enhanced code and no word of policy stands beside them.
DEAD_BARE = frozenset({550, 551, 553})
# The relay wants other credentials: our fault, not this message's, and mended by an operator.
OUR_FAULT = frozenset({454, 530, 534, 535, 538})

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")
_POLICY = re.compile(
    r"relay|spam|block|polic|denied|reject.{0,20}(ip|content)|reputation|listed|dnsbl|spf|dkim|dmarc|auth",
    re.IGNORECASE,
)


class RelayUrlError(LifecycleError):
    """SMTP_URL must be smtp://, smtp+starttls:// or smtps:// with a host: smtps://user:password@mail.example.com:465."""


@unique
class Security(StrEnum):
    """How the connection is kept private."""

    PLAIN = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


_PORTS = {Security.PLAIN: 25, Security.STARTTLS: 587, Security.TLS: 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Where to hand mails over."""

    host: str
    port: int
    security: Security
    user: str | None = None  # None: no authentication
    password: str = ""
    helo: str = "localhost"  # how we introduce ourselves: the domain mails come from
    timeout: float = 30.0  # seconds to connect, and for each answer before the mail is handed over
    answer_timeout: float = 60.0  # seconds for the answer to the whole mail; shorter makes more of them uncertain

    @classmethod
    def from_url(
        cls, url: str, *, helo: str = "localhost", timeout: float = 30.0, answer_timeout: float = 60.0
    ) -> Self:
        """The relay that a URL names, user and password percent-encoded in it.

        Raises RelayUrlError, which never shows the password.
        """
        try:
            parts = urlsplit(url)
            security, port = Security(parts.scheme), parts.port
        except ValueError as error:
            raise RelayUrlError from error
        if (
            not parts.hostname
            or not unquote(parts.netloc).isascii()
            or parts.path not in {"", "/"}
            or parts.query
            or parts.fragment
        ):
            raise RelayUrlError
        user = None if parts.username is None else unquote(parts.username)
        return cls(
            host=parts.hostname, port=port or _PORTS[security], security=security, user=user,
            password=unquote(parts.password or ""), helo=helo, timeout=timeout, answer_timeout=answer_timeout,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Relay({self.security}://{self.host}:{self.port})"  # without the password


class SmtpTransport:
    """Hands mails to one relay over one connection, opened when first needed and again whenever it was lost."""

    def __init__(self, relay: Relay, *, trust: ssl.SSLContext | None = None) -> None:
        """Take the relay and whose certificates to trust (None: the system's); nothing is opened yet."""
        self.relay = relay
        self._trust = trust
        self._connection: smtplib.SMTP | None = None

    def send(self, mail: EmailMessage, envelope: Envelope, before_data: Callable[[], bool] = go_on) -> Receipt:
        """See ``Transport.send``."""
        content = _dotted(mail.as_bytes())
        try:
            declined = self._addressed(envelope, len(content))
            if declined is not None:
                return declined
            if not before_data():
                self._clear()
                return Abandoned()
            return self._handed_over(content)
        except BaseException:  # from before_data, or an interrupt: the conversation is out of step
            self._drop()
            raise

    def close(self) -> None:
        """Say goodbye, if there is anybody to say it to."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.quit()
        self._drop()

    def _addressed(self, envelope: Envelope, size: int) -> Receipt | None:
        """MAIL and RCPT; None when the relay agreed to both."""
        kept = self._connection is not None
        declined = self._asked(envelope, size)
        if declined is not None and kept and self._connection is None:
            declined = self._asked(
                envelope, size
            )  # a connection kept from the last mail may have been closed meanwhile
        return declined

    def _asked(self, envelope: Envelope, size: int) -> Receipt | None:
        try:
            (code, text), (code_of_rcpt, text_of_rcpt) = _answers(self._opened(), envelope, size)
        except OSError as error:
            return self._lost(error)
        if not _agreed(code):
            return self._declined(code, text)
        if not _agreed(code_of_rcpt):
            return self._declined(code_of_rcpt, text_of_rcpt, dead=_is_dead(code_of_rcpt, _said(text_of_rcpt)))
        return None

    def _handed_over(self, content: bytes) -> Receipt:
        """DATA, the mail, its end, the answer."""
        connection = self._opened()
        try:
            code, text = connection.docmd("DATA")
            if code != _GO_AHEAD:
                return self._declined(code, text)
            connection.send(content)
            connection.send(END)
        except OSError as error:
            return self._lost(error)
        return self._answered(connection)

    def _answered(self, connection: smtplib.SMTP) -> Receipt:
        """The relay's answer to a whole mail: from here on, silence is uncertain."""
        try:
            _patience(connection, self.relay.answer_timeout)
            code, text = connection.getreply()
            _patience(connection, self.relay.timeout)
        except OSError as error:
            self._drop()
            return Uncertain(text=f"no answer to the whole mail: {_reason(error)}")
        if _agreed(code):
            return Accepted(reply=_said(text))
        if _is_no(code):
            return self._declined(code, text, dead=_is_dead_for_certain(_said(text)))
        self._drop()
        return Uncertain(text=f"an answer that is none to the whole mail: {code} {_said(text)}")

    def _opened(self) -> smtplib.SMTP:
        """The connection, introduced, private and known; raises OSError."""
        if self._connection is None:
            connection = self._connected()
            try:
                self._greet(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _connected(self) -> smtplib.SMTP:
        relay = self.relay
        if relay.security is Security.TLS:
            return smtplib.SMTP_SSL(
                relay.host, relay.port, local_hostname=relay.helo, timeout=relay.timeout, context=self._certificates()
            )
        return smtplib.SMTP(relay.host, relay.port, local_hostname=relay.helo, timeout=relay.timeout)

    def _greet(self, connection: smtplib.SMTP) -> None:
        _socket(connection).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the end follows the mail at once
        connection.ehlo_or_helo_if_needed()
        if self.relay.security is Security.STARTTLS:
            connection.starttls(context=self._certificates())  # raises when not on offer: never in the clear instead
            connection.ehlo_or_helo_if_needed()
        if self.relay.user is not None:
            connection.login(self.relay.user, self.relay.password)

    def _certificates(self) -> ssl.SSLContext:
        return self._trust or ssl.create_default_context()

    def _declined(self, code: int, text: bytes, *, dead: bool = False) -> Receipt:
        """A no to one step; the connection is made ready for the next mail."""
        if _is_no(code) and code != _CLOSING:
            self._clear()
        else:
            self._drop()
        if code // 100 == _NEVER and code not in OUR_FAULT:
            return Refused(code=code, text=_said(text), address_dead=dead)
        return Deferred(code=max(code, 0), text=_said(text))

    def _lost(self, error: OSError) -> Deferred:
        self._drop()
        return Deferred(
            code=error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0, text=_reason(error)
        )

    def _clear(self) -> None:
        """Forget the mail begun; a connection that cannot is dropped."""
        try:
            code, _ = self._opened().rset()
        except OSError:
            code = 0
        if not _agreed(code):
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _answers(connection: smtplib.SMTP, envelope: Envelope, size: int) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    """To MAIL and RCPT; the same twice where the first is a no that leaves nothing more to ask. Raises OSError.

    A relay that offers PIPELINING (RFC 2920) is told both before it answers. DATA never goes with them: until both are
    agreed to, and the lease was looked at, nothing may be handed over.
    """
    ahead = connection.has_extn("pipelining")
    announced = f" size={size}" if connection.has_extn("size") else ""
    connection.putcmd("mail", f"from:{smtplib.quoteaddr(envelope.sender)}{announced}")
    if ahead:
        connection.putcmd("rcpt", f"to:{smtplib.quoteaddr(envelope.recipient)}")
    answer = connection.getreply()
    if answer[0] == _CLOSING or not (ahead or _agreed(answer[0])):
        return answer, answer
    if not ahead:
        connection.putcmd("rcpt", f"to:{smtplib.quoteaddr(envelope.recipient)}")
    return answer, connection.getreply()


def _dotted(content: bytes) -> bytes:
    """The mail as it goes between DATA and its end: whole lines, a leading dot doubled (RFC 5321 4.5.2)."""
    whole = content if content.endswith(b"\r\n") else content + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", whole)


def _agreed(code: int) -> bool:
    return code // 100 == _YES


def _is_no(code: int) -> bool:
    return code // 100 in {_LATER, _NEVER}


def _is_dead(code: int, said: str) -> bool:
    """Whether a refused recipient exists nowhere: by enhanced code, else by a bare reply that speaks of no policy."""
    if _ENHANCED.match(said):
        return _is_dead_for_certain(said)
    return code in DEAD_BARE and not _POLICY.search(said)


def _is_dead_for_certain(said: str) -> bool:
    enhanced = _ENHANCED.match(said)
    return enhanced is not None and enhanced[0] in DEAD


def _said(text: bytes) -> str:
    return plain_text(text.decode("utf-8", "replace"), LONGEST_REPLY)


def _reason(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException) and isinstance(error.smtp_error, bytes):
        return _said(error.smtp_error)
    return plain_text(str(error), LONGEST_REPLY) or type(error).__name__


def _socket(connection: smtplib.SMTP) -> socket.socket:
    if connection.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection is closed")
    return connection.sock


def _patience(connection: smtplib.SMTP, seconds: float) -> None:
    _socket(connection).settimeout(seconds)
