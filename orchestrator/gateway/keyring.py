"""Who is it: write keys, read from PostgreSQL every few seconds and remembered in between.

So no request waits for the database, a revoked key works for KEY_SECONDS at most, and keys that are known work on while
PostgreSQL is away. A key that is not known may be new: it waits for the next reading, which comes early for it, but not
earlier than PAUSE_SECONDS after the last, so that a flood of wrong keys is no flood of queries.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from orchestrator.core.errors import LifecycleError
from orchestrator.store.write_keys import WriteKey
from orchestrator.usecases.write_keys import hashed

logger = logging.getLogger(__name__)

KEY_SECONDS = 5.0  # between two readings of the keys: for so long a revoked key may still open
PAUSE_SECONDS = 0.5  # between two readings that strangers cause
LOOK_UP_SECONDS = 3.0  # that a request waits for the database


class KeysAwayError(LifecycleError):
    """The key is not known here, and the database that knows all keys does not answer."""


class KeyRing:
    """The keys that open, as they were read last; lives in one event loop."""

    def __init__(self, load: Callable[[], Iterable[WriteKey]]) -> None:
        """``load`` reads all keys from the database; it is called in a thread."""
        self._load = load
        self._keys: dict[bytes, WriteKey] = {}
        self._loading: asyncio.Task[bool] | None = None
        self._asked: asyncio.Task[bool] | None = None  # the reading that strangers wait for
        self._read_at = 0.0  # time.monotonic of the last reading
        self.is_read = False  # whether the keys were ever read
        self.is_fresh = False  # whether the last reading worked

    async def find(self, secret: str) -> WriteKey | None:
        """The key of this secret; None when there is no such key, or it was revoked.

        Raises:
            KeysAwayError: it is not known here, and the database is away.
        """
        asked = hashed(secret)
        if asked not in self._keys and not await self._looked_up():
            raise KeysAwayError
        return self._keys.get(asked)

    async def _looked_up(self) -> bool:
        """Wait for a reading that begins after now; one that is under way may have begun before the key was made."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._read_soon())
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_UP_SECONDS):
                return await asyncio.shield(self._asked)
        return False

    async def _read_soon(self) -> bool:
        if self._loading is not None:
            await asyncio.shield(self._loading)
        await asyncio.sleep(self._read_at + PAUSE_SECONDS - time.monotonic())
        self._asked = None  # who comes from here on asks for the next one
        return await self.refresh()

    async def refresh(self) -> bool:
        """Read the keys; False when the database does not answer, and those that are known stay."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._read())
        return await asyncio.shield(self._loading)

    async def _read(self) -> bool:
        self._read_at = time.monotonic()
        try:
            found = await asyncio.to_thread(self._load)
        except Exception as error:  # noqa: BLE001 -- whatever keeps the keys from us, those that are known work on
            logger.warning("the write keys cannot be read: %s", type(error).__name__)
            self.is_fresh = False
        else:
            self._keys = {key.hash: key for key in found if key.revoked_at is None}
            self.is_read = self.is_fresh = True
        finally:
            self._loading = None
        return self.is_fresh

    async def keep_fresh(self) -> None:
        """Read the keys again and again, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(KEY_SECONDS)
