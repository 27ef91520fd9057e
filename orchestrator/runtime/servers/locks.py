"""Locks that end with their holders: ``flock``, which the kernel lets go however a process dies.

Four files in the run folder:

* ``servers.lock``: held around starting and stopping, so that one process at a time does either.
* ``users.lock``: held shared by everyone who uses the servers. Who leaves and can take it alone is the last one.
* ``postgres.alive``, ``valkey.alive``: taken by the starter and *inherited by the server* and by its children. While it
  cannot be taken, something of that server lives; unlike a process id it can neither be stale nor be recycled, and it
  is seen from another container as well.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.runtime.servers.errors import ServerError

PATIENCE = 180.0  # seconds to wait while somebody else starts or stops the servers
PAUSE = 0.02  # seconds between two looks


@contextmanager
def alone(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock for the length of the block.

    Raises:
        ServerError: somebody else held it for longer than ``patience`` seconds.

    """
    deadline = time.monotonic() + patience
    while (descriptor := taken(path)) is None:
        if time.monotonic() > deadline:
            raise ServerError(
                f"another process has been starting or stopping the servers for {patience:.0f} s ({path})"
            )
        time.sleep(PAUSE)
    try:
        yield
    finally:
        os.close(descriptor)


def taken(path: Path) -> int | None:
    """Take the lock alone and return its descriptor, or None at once if somebody holds it."""
    return _flock(path, fcntl.LOCK_EX)


def shared(path: Path) -> int | None:
    """Take the lock together with others and return its descriptor, or None if somebody holds it alone."""
    return _flock(path, fcntl.LOCK_SH)


def is_free(path: Path) -> bool:
    """Say whether nobody holds the lock."""
    descriptor = taken(path)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def _flock(path: Path, kind: int) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
