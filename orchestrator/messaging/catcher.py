"""The mail catcher: an SMTP server that delivers nothing and keeps everything, for development and the demonstration.

Each mail becomes one ``.eml`` file and one line of ``index.jsonl``, both on the disk before the sender is told 250:
so whatever a killed sender left uncertain can be settled here by its Message-ID. A second copy of a Message-ID is
kept as well, and counted: it is what must never happen.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from orchestrator.messaging.context import plain_text

INDEX = "index.jsonl"
LARGEST = 10_000_000  # octets of one mail

_HEADERS = {"account": "X-Lifecycle-Account", "day": "X-Lifecycle-Day", "template": "X-Lifecycle-Template"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """One mail, as the index tells it."""

    received: int  # in this order, from 1
    message_id: str  # of its header
    copy: int  # 1: the first with this Message-ID
    sender: str  # of the envelope
    to: tuple[str, ...]  # of the envelope: those who would have got it
    subject: str
    date: str  # of its header
    account: str  # of X-Lifecycle-Account, or empty
    day: str  # of X-Lifecycle-Day, or empty
    template: str  # of X-Lifecycle-Template, or empty
    file: str  # its name in the folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A catcher that accepts connections."""

    host: str
    port: int
    stop: Callable[[], None]  # asks it to end; from any thread


class CatcherFolder:
    """Where the mails are kept; one catcher at a time writes to it."""

    def __init__(self, folder: Path) -> None:
        """Open or make the folder; mails that a killed catcher wrote but did not list are listed now."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        listed = read_index(folder)
        self._received = max((caught.received for caught in listed), default=0)
        self._copies = Counter(caught.message_id for caught in listed)
        _rewrite(folder / INDEX, listed)
        for path in sorted(set(folder.glob("*.eml")) - {folder / caught.file for caught in listed}):
            self._list(_described(path.read_bytes()), "", (), path.name)

    def keep(self, content: bytes, sender: str, to: Sequence[str]) -> Caught:
        """Keep one mail; when this returns, it and its line are on the disk."""
        mail = _described(content)
        name = f"{self._received + 1:06d}-{_safe(mail['subject'])}.eml"
        draft = self.folder / f".{name}.part"
        _write(draft, content)
        draft.rename(self.folder / name)
        return self._list(mail, sender, tuple(to), name)

    def _list(self, mail: dict[str, str], sender: str, to: tuple[str, ...], file: str) -> Caught:
        self._received += 1
        self._copies[mail["message_id"]] += 1
        caught = Caught(
            received=self._received, copy=self._copies[mail["message_id"]], sender=sender, to=to, file=file, **mail
        )  # fmt: skip
        _append(self.folder / INDEX, _line(caught))
        _keep_names(self.folder)
        return caught


class _Handler:
    """What aiosmtpd calls."""

    def __init__(self, folder: CatcherFolder) -> None:
        self.folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        content = envelope.original_content or b""
        try:
            caught = self.folder.keep(content, envelope.mail_from or "", envelope.rcpt_tos)
        except OSError as error:
            return f"452 4.3.1 cannot be kept: {plain_text(str(error))}"
        return f"250 2.0.0 kept as {caught.received}"


def run_catcher(host: str, port: int, folder: Path, ready: Callable[[Listening], None]) -> None:
    """Catch mails until asked to stop: by ``Listening.stop``, or by SIGINT or SIGTERM when this is the main thread.

    ``ready`` is called once, when connections are accepted; with port 0 it tells which port it became.
    Raises OSError when the address cannot be listened on.
    """
    asyncio.run(_catch(host, port, CatcherFolder(folder), ready))


async def _catch(host: str, port: int, folder: CatcherFolder, ready: Callable[[Listening], None]) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def protocol() -> SMTP:
        return SMTP(_Handler(folder), data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="catcher", loop=loop)

    server = await loop.create_server(protocol, host, port)
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
    async with server:
        bound = server.sockets[0].getsockname()[1]
        ready(Listening(host=host, port=bound, stop=lambda: _ask(loop, ended)))
        await ended.wait()


def _ask(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # it has ended already
        loop.call_soon_threadsafe(ended.set)


def read_index(folder: Path) -> list[Caught]:
    """All mails caught, in the order of their arrival; a line that was cut off by a crash is left out."""
    return list(_read(folder / INDEX))


def duplicates(folder: Path) -> dict[str, int]:
    """Message-IDs that arrived more than once, with how often."""
    counted = Counter(caught.message_id for caught in read_index(folder))
    return {message_id: count for message_id, count in counted.items() if count > 1}


def _read(index: Path) -> Iterator[Caught]:
    lines = index.read_bytes().splitlines() if index.exists() else []
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):
            row = json.loads(line)
            yield Caught(**{**row, "to": tuple(row["to"])})


def _line(caught: Caught) -> bytes:
    return json.dumps(asdict(caught), ensure_ascii=False).encode() + b"\n"


def _described(content: bytes) -> dict[str, str]:
    """What the index says of a mail, by its headers; a header that cannot be read counts as empty."""
    mail = message_from_bytes(content, policy=default)
    if not isinstance(mail, EmailMessage):
        raise TypeError("the default policy makes EmailMessages")
    described = {key: _header(mail, name) for key, name in _HEADERS.items()}
    return described | {
        "message_id": _header(mail, "Message-ID"),
        "subject": _header(mail, "Subject"),
        "date": _header(mail, "Date"),
    }


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return plain_text(str(mail[name] or ""), 300)
    except Exception:  # noqa: BLE001 Python's header parser fails in many ways on what strangers send
        return ""


def _safe(subject: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")[:60] or "mail"


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _append(path: Path, line: bytes) -> None:
    with path.open("ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _rewrite(path: Path, listed: Sequence[Caught]) -> None:
    draft = path.with_suffix(".part")
    _write(draft, b"".join(map(_line, listed)))
    draft.replace(path)


def _keep_names(folder: Path) -> None:
    """Put the folder's new entries on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
