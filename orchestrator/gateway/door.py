"""The door: what every route works with, and the three questions it asks: who is it, is it too much, is it kept."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from sqlalchemy import Connection
from starlette.requests import Request

from orchestrator.gateway.answers import Refusal
from orchestrator.gateway.bodies import Room
from orchestrator.gateway.figures import Figures
from orchestrator.gateway.keyring import KeyRing, KeysAwayError
from orchestrator.gateway.publisher import Publisher
from orchestrator.runtime.clock import SystemClock
from orchestrator.runtime.settings import Settings
from orchestrator.store.failures import Fault, fault
from orchestrator.store.write_keys import WriteKey
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.write_keys import parsed_rate

AWAY_SECONDS = 2  # after which the database may be back

Result = TypeVar("Result")
_rate: Callable[[str], RateLimitItem] = lru_cache(maxsize=1024)(parsed_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One gateway: what its routes share."""

    settings: Settings
    ports: Ports  # of the use cases; events do not go through ``ports.streams`` but through ``publish``
    keys: KeyRing  # who may bring events
    publisher: Publisher  # how they are kept
    figures: Figures  # what is counted
    room: Room = field(default_factory=Room)  # what is in hand
    limiter: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage())
    )  # of the keys' rates, for this gateway alone

    async def now(self) -> datetime:
        """The instant at which the installation lives, aware UTC."""
        clock = self.ports.clock
        return clock.instant() if isinstance(clock, SystemClock) else await self.database(clock.now)

    async def database(self, work: Callable[[Connection], Result]) -> Result:
        """Do work on the database in a thread, in one transaction.

        Raises:
            Refusal: 503, the database is away.
        """
        return await self.aside(lambda: self._transaction(work))

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Do work that opens its own transactions in a thread; raises Refusal as ``database`` does."""
        try:
            return await asyncio.to_thread(work)
        except Exception as error:
            if fault(error) not in {Fault.WORLD, Fault.RETRY}:
                raise
            raise _database_away() from None

    def _transaction(self, work: Callable[[Connection], Result]) -> Result:
        with self.ports.engine.begin() as connection:
            return work(connection)

    # ------------------------------------------------------------------------------------------------------- who is it

    async def authenticated(self, request: Request) -> WriteKey:
        """The key that a request shows in its head: as the user of Basic, or as a Bearer token.

        Raises:
            Refusal: 401 it shows none or a wrong one, 503 that cannot be known.
        """
        return await self.key(shown(request.headers))

    async def key(self, secret: str | None) -> WriteKey:
        """The key of a secret; raises Refusal as ``authenticated`` does."""
        if not secret:
            raise _unauthorised("no_key", "A write key is needed: as the user of Basic, as Bearer, or in the body.")
        try:
            found = await self.keys.find(secret)
        except KeysAwayError:
            raise _database_away() from None
        if found is None:
            raise _unauthorised("unknown_key", "There is no such write key, or it was revoked.")
        return found

    # ------------------------------------------------------------------------------------------------- is it too much

    async def admit(self, key: WriteKey, events: int) -> None:
        """Take so many events from what the key may bring; who asks for more than is left gets in, and takes all of it.

        So a batch that is as large as its rate is not held off for ever by single events that come in between; more
        than a rate allows comes by one request a window.

        Raises:
            Refusal: 429, its rate is used up.
        """
        rate = _rate(key.rate)
        name = str(key.id)
        if await self.limiter.hit(rate, name, cost=max(1, min(events, rate.amount))):
            return
        stats = await self.limiter.get_window_stats(rate, name)
        if stats.remaining and await self.limiter.hit(rate, name, cost=stats.remaining):
            return
        left = stats.reset_time - SystemClock().instant().timestamp()  # the limiter tells the machine's time
        raise Refusal(429, "rate", f"This key may bring {key.rate}.", retry_after=round(left + 0.5))

    # ---------------------------------------------------------------------------------------------------- is it kept

    async def publish(self, commands: Sequence[bytes], shards: Mapping[int, int]) -> None:
        """Return once entries, packed by ``streams.posted``, are kept; see ``Publisher.publish``."""
        await self.publisher.publish(commands, shards)

    @property
    def shards(self) -> int:
        """How many streams there are."""
        return self.ports.streams.shards


def shown(headers: Mapping[str, str]) -> str | None:
    """The secret that a request shows in its head; None when it shows none.

    Raises:
        Refusal: 401, the head cannot be read.
    """
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    match scheme.lower():
        case "":
            return None
        case "bearer":
            return rest.strip() or None
        case "basic":
            return _user(rest.strip())
        case _:
            raise _unauthorised("bad_credentials", "Authorization: expected Basic with the key as user, or Bearer.")


def _user(credentials: str) -> str | None:
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        raise _unauthorised("bad_credentials", "Authorization: the credentials of Basic are no base64.") from None
    return text.partition(":")[0] or None


def _unauthorised(code: str, message: str) -> Refusal:
    return Refusal(401, code, message, headers={"WWW-Authenticate": 'Basic realm="lifecycle", charset="UTF-8"'})


def _database_away() -> Refusal:
    return Refusal(503, "database_away", "The database is away: send it again.", retry_after=AWAY_SECONDS)
