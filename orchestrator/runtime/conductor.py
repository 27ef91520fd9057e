"""The conductor moves a held clock: to the next event, wake-up or ``not_before``, and only once nothing is left to do.

So nothing is late because a machine was slow: at each instant all streams, due wake-ups, outcomes and sendable
messages are worked off by the real workers before the clock moves on. Waits are on real time; progress is looked for,
not slept for.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import redis

from orchestrator.core.errors import LifecycleError
from orchestrator.intake.streams import shard_of
from orchestrator.runtime.broker import Nudger
from orchestrator.runtime.clock import HeldClock
from orchestrator.store import observation
from orchestrator.store.failures import Fault, fault
from orchestrator.store.observation import Backlog
from orchestrator.usecases.ports import Ports

Result = TypeVar("Result")

LOOK_SECONDS = 0.01  # between two looks at whether all is done


class StuckError(LifecycleError):
    """The workers did not finish what was due; look at their logs in the data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A call of the product, at the instant at which it arrives."""

    at: datetime
    call: bytes  # one Segment call
    account: str  # or person: what it is routed by


@dataclass(slots=True)
class Conductor:
    """Plays cues on the held clock until an instant is reached."""

    ports: Ports
    clock: HeldClock
    nudger: Nudger
    on_move: Callable[[datetime], None] = lambda _: None  # told after each move, when all is at rest
    patience: float = 60.0  # seconds of real time that one instant's work may take
    _cues: Iterator[Cue] = field(default_factory=lambda: iter(()))
    _next: Cue | None = None

    def play(self, cues: Iterable[Cue], begin: datetime, end: datetime) -> None:
        """Move from ``begin`` to ``end`` (aware), playing the cues (in order of time) on the way.

        Raises:
            StuckError: what was due at an instant was not done within ``patience``.
        """
        self._cues = iter(cues)
        self._next = next(self._cues, None)
        now = begin
        while True:
            self._move(now)
            following = self._following(now)
            if following is None or following > end:
                break
            now = following
        self._move(end)

    def finish(self, now: datetime) -> None:
        """Let the workers do what is due at this instant.

        Raises:
            StuckError: it was not done within ``patience``.
        """
        self.nudger.nudge("lifecycle.wake")
        gives_up = time.monotonic() + self.patience
        while not self._persisted(lambda: self.at_rest(now)):
            if time.monotonic() > gives_up:
                msg = f"at {now.isoformat()} there is still work left after {self.patience:g} s: {self._left(now)}"
                raise StuckError(msg)
            time.sleep(LOOK_SECONDS)

    def at_rest(self, now: datetime) -> bool:
        """Whether nothing is left to do at this instant."""
        return not any(self._waiting()) and self._left(now).at_rest

    def _following(self, now: datetime) -> datetime | None:
        by_time = self._persisted(lambda: self._next_instant(now))
        instants = [at for at in (by_time, self._next.at if self._next else None) if at is not None]
        return min(instants, default=None)

    def _next_instant(self, now: datetime) -> datetime | None:
        with self.ports.engine.connect() as connection:
            return observation.next_instant(connection, now)

    def _move(self, now: datetime) -> None:
        self._persisted(lambda: self._set(now))
        for shard in self._publish(now):
            self.nudger.nudge("lifecycle.drain", shard)
        self.finish(now)
        self.on_move(now)

    def _set(self, now: datetime) -> None:
        with self.ports.engine.begin() as connection:
            self.clock.set(connection, now)

    def _publish(self, now: datetime) -> set[int]:
        """Put the calls that arrive by now on their streams; the shards that they went to."""
        arriving = []
        while self._next is not None and self._next.at <= now:
            arriving.append(self._next)
            self._next = next(self._cues, None)
        # tried again as a whole: what arrived twice counts once
        self._persisted(lambda: self.ports.streams.publish([cue.call for cue in arriving], received_at=now))
        return {shard_of(cue.account, self.ports.streams.shards) for cue in arriving}

    def _waiting(self) -> Iterator[int]:
        return (self.ports.streams.lag(shard).length for shard in range(self.ports.streams.shards))

    def _left(self, now: datetime) -> Backlog:
        with self.ports.engine.connect() as connection:
            return observation.backlog(connection, now)

    def _persisted(self, step: Callable[[], Result]) -> Result:
        """Take a step; while the database or the broker is away, try again until the patience ends."""
        gives_up = time.monotonic() + self.patience
        while True:
            try:
                return step()
            except Exception as error:
                if not _is_away(error) or time.monotonic() > gives_up:
                    raise
            time.sleep(LOOK_SECONDS)


def _is_away(error: Exception) -> bool:
    """Whether the database or the broker does not answer: it is being started again, or cut off."""
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return True
    return fault(error) in {Fault.WORLD, Fault.RETRY}
