"""The file transport: each mail becomes one ``.eml`` file, once.

The name is made from the Message-ID, and the file appears whole or not at all, so that a mail handed over a second
time is found there and counts as accepted: a relay with a memory, for tests, shadow installations and machines
without one.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

from orchestrator.messaging.transport import Abandoned, Accepted, Deferred, Envelope, Receipt, go_on


class Outbox:
    """A folder of mails."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made when first needed."""
        self.folder = folder

    def send(self, mail: EmailMessage, envelope: Envelope, before_data: Callable[[], bool] = go_on) -> Receipt:
        """See ``Transport.send``; a disk that is full or closed to us defers."""
        del envelope  # a file reaches whoever reads it
        path = self.path_of(str(mail["Message-ID"]))
        try:
            draft = self._draft(mail.as_bytes())
        except OSError as error:
            return _deferred(error)
        with _removed_after(draft):
            return _publish(draft, path) if before_data() else Abandoned()

    def close(self) -> None:
        """Nothing is kept open."""

    def path_of(self, message_id: str) -> Path:
        """Where the mail with this Message-ID lies once it is sent."""
        return self.folder / f"{hashlib.blake2b(message_id.encode(), digest_size=16).hexdigest()}.eml"

    def _draft(self, content: bytes) -> Path:
        """The content in a file of its own, on the disk, under a name that nobody reads."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=self.folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)


@contextlib.contextmanager
def _removed_after(draft: Path) -> Iterator[None]:
    try:
        yield
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> Receipt:
    """Give the draft its name; a link, unlike a rename, never replaces what is there."""
    try:
        path.hardlink_to(draft)
        _keep_name(path.parent)
    except FileExistsError:
        return Accepted(reply=f"{path.name} was in the outbox already")
    except OSError as error:
        return _deferred(error)
    return Accepted(reply=f"written to {path.name}")


def _keep_name(folder: Path) -> None:
    """Put the folder's new entry on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _deferred(error: OSError) -> Deferred:
    return Deferred(code=0, text=f"the outbox cannot be written: {error}")
