"""Onto the streams: entries of all requests that wait go in one pipeline, and each request hears of its own.

*Group commit.* While one pipeline is under way the entries of other requests gather; the next takes them all. So the
cost of the disk's word (WAITAOF) is shared by whoever waits, and a lone request waits for nobody. One pipeline at a
time, on one connection: the server's word at its end covers what came before it on that connection.

*Nothing is promised twice.* A pipeline that is cut anywhere says nothing of any entry in it: every request of it is
answered 503 and its client sends it again; what arrived twice has the same id.

*Back pressure.* The lengths of the streams are looked at once a second at most. A shard that is full refuses (429), and
its clients keep their events until there is room, instead of the broker's memory.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import redis
from redis.exceptions import OutOfMemoryError, ResponseError

from orchestrator.gateway.answers import Refusal
from orchestrator.gateway.figures import Figures
from orchestrator.intake.streams import CannotWaitError, NotDurableError, Streams

logger = logging.getLogger(__name__)

MOST_TOGETHER = 2_000  # entries beyond which a pipeline is full: about 15 ms, which the next request waits for
MOST_BYTES = 4 * 1024 * 1024  # the same, for entries that are large
MOST_GATHERED = 50_000  # entries that wait in the gateway; at 30,000 a second nobody waits longer than two
ANSWER_SECONDS = 10.0  # that a request waits for its entries to be kept, whatever the broker does
CONFIRM_MS = 4_000  # that the server is given for its word; below the connection's own time limit
LOOK_SECONDS = 1.0  # between two looks at the lengths of the streams

AGAIN_SECONDS = 2  # after which it may work: the broker is being started again
FULL_SECONDS = 5  # after which there may be room: drains take thousands a second


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request's entries on their way."""

    commands: Sequence[bytes]
    size: int  # bytes of them
    shards: Mapping[int, int]  # how many go where
    outcome: asyncio.Future[None]


_Outcome: TypeAlias = "Refusal | None"


class Publisher:
    """Puts entries on the streams for many requests at once; lives in one event loop, with one thread beside it."""

    def __init__(self, streams: Streams, figures: Figures, *, confirmed: bool, most_waiting: int) -> None:
        """``confirmed``: answer only when the server says that it is on disk. ``most_waiting``: entries a shard."""
        self.streams = streams
        self._figures = figures
        self._confirm_ms = CONFIRM_MS if confirmed else None
        self._most_waiting = most_waiting
        self._queue: deque[_Waiting] = deque()
        self._gathered = 0
        figures.gathered.set_function(lambda: self._gathered)
        self._called = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="publisher")
        self._lengths = [0] * streams.shards
        self._look_at = 0.0  # time.monotonic from which the lengths are looked at again

    async def publish(self, commands: Sequence[bytes], shards: Mapping[int, int]) -> None:
        """Return once these entries (as ``posted`` packs them) are kept.

        Raises:
            Refusal: 429 there is no room for them, 503 they are not known to be kept.
        """
        if not commands:
            return
        if self._gathered and self._gathered + len(commands) > MOST_GATHERED:
            raise Refusal(429, "busy", "More events wait here than there is room for.", retry_after=1)
        waiting = _Waiting(commands, sum(map(len, commands)), shards, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._gathered += len(commands)
        self._called.set()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await waiting.outcome
        except TimeoutError:
            raise _away("The broker did not answer in time.") from None

    async def run(self) -> None:
        """Take what waits, again and again, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._called.wait()
            group = self._taken()
            if not group:
                self._called.clear()
                continue
            outcomes = await loop.run_in_executor(self._thread, self._committed, group)
            for waiting, outcome in zip(group, outcomes, strict=True):
                _tell(waiting.outcome, outcome)

    def close(self) -> None:
        """End the thread; whoever still waits has been answered before."""
        self._thread.shutdown()

    def _taken(self) -> list[_Waiting]:
        """The requests of the next pipeline: those whose clients are still there, as many as go together."""
        group: list[_Waiting] = []
        entries = size = 0
        while self._queue and (not group or (entries <= MOST_TOGETHER and size <= MOST_BYTES)):
            waiting = self._queue.popleft()
            self._gathered -= len(waiting.commands)
            if not waiting.outcome.done():
                group.append(waiting)
                entries += len(waiting.commands)
                size += waiting.size
        return group

    # ------------------------------------------------------------------------------------------------- in the thread

    def _committed(self, group: list[_Waiting]) -> list[_Outcome]:
        """What became of each; never raises, so that the next group has its turn."""
        began = time.monotonic()
        try:
            outcomes = self._put(group)
        except Exception as error:  # noqa: BLE001 -- whatever it is, each request is told
            outcomes = [self._failed(error)] * len(group)
        self._figures.publish_seconds.observe(time.monotonic() - began)
        return outcomes

    def _put(self, group: list[_Waiting]) -> list[_Outcome]:
        self._look()
        full = {shard for shard, length in enumerate(self._lengths) if length >= self._most_waiting}
        going = [waiting for waiting in group if not full or full.isdisjoint(waiting.shards)]
        commands = [command for waiting in going for command in waiting.commands]
        answers = iter(self.streams.put(commands, durable_ms=self._confirm_ms) if commands else ())
        kept = {id(waiting): _refused([next(answers) for _ in waiting.commands]) for waiting in going}
        for waiting in going:
            for shard, count in waiting.shards.items():
                self._lengths[shard] += count  # until the next look, nothing is known of what was taken away
        return [kept[id(waiting)] if id(waiting) in kept else _full() for waiting in group]

    def _look(self) -> None:
        if time.monotonic() >= self._look_at:
            self._lengths = self.streams.lengths()
            self._look_at = time.monotonic() + LOOK_SECONDS

    def _failed(self, error: Exception) -> Refusal:
        self._look_at = 0.0
        self._figures.failed_pipelines.inc()
        if isinstance(error, CannotWaitError | NotDurableError):
            logger.error("the broker does not confirm: %s", error)
            return _away(str(error), code="not_durable")
        if isinstance(error, redis.RedisError | OSError):
            logger.warning("the broker is away: %s", type(error).__name__)
            return _away("The broker is away.")
        logger.error("a pipeline failed", exc_info=error)
        return Refusal(500, "internal_error", "The gateway failed on this; it is in its log.")


def _tell(outcome: "asyncio.Future[None]", refusal: _Outcome) -> None:
    if outcome.done():  # its client has gone, or was told that it took too long
        return
    if refusal is None:
        outcome.set_result(None)
    else:
        outcome.set_exception(refusal)


def _refused(answers: list[bytes | ResponseError]) -> _Outcome:
    """Why a request's entries were not all taken; what was taken of them is sent again with the rest."""
    error = next((each for each in answers if isinstance(each, ResponseError)), None)
    if error is None:
        return None
    logger.error("the broker refuses entries: %s", str(error)[:100])
    if isinstance(error, OutOfMemoryError):
        return _away("The broker's memory is full.", code="broker_full")
    return _away("The broker refuses to write.", code="broker_refuses")


def _away(message: str, code: str = "broker_away") -> Refusal:
    return Refusal(503, code, f"{message} Nothing is promised: send it again.", retry_after=AGAIN_SECONDS)


def _full() -> Refusal:
    return Refusal(429, "backlog", "More events wait to be decided than there may be.", retry_after=FULL_SECONDS)
