"""What every subject of a comparison gives: how long it took for how many events, and what it burned."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from celery import Celery

from tests.benchmarks.stage import PATIENCE_SECONDS, Burned, until

HOUSE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a subject."""

    events: int
    seconds: float  # from the first nudge to the last acknowledgement
    burned: Burned  # meanwhile
    memory: int = 0  # bytes that its processes held at the end; 0: it was not looked at

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    @property
    def costs(self) -> tuple[float, float]:
        """Microseconds of processor time an event: of the processes under test, of PostgreSQL and Valkey."""
        return self.burned.clients / self.events * 1e6, self.burned.servers / self.events * 1e6


def difference(after: Burned, before: Burned) -> Burned:
    """What was burned in between."""
    return Burned(clients=after.clients - before.clients, servers=after.servers - before.servers)


@contextmanager
def process(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, *, answers: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process of this house, stopped in order afterwards; what it says goes into ``log``, or to us."""
    with log.open("ab") as said:
        running = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=HOUSE,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if answers else said,
            stderr=said,
        )
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                running.kill()
                running.communicate()


def until_answers(app: Celery, running: subprocess.Popen[bytes], log: Path) -> None:
    """Return once a worker of this app answers.

    Raises:
        RuntimeError: it ended instead.
    """

    def answered() -> bool:
        if running.poll() is not None:
            raise RuntimeError(f"the worker ended with status {running.returncode}, see {log}")
        return bool(app.control.ping(timeout=0.5))

    until(answered, "the worker answers")


def stalled(began: float, log: Path) -> None:
    """Raise when what began then (``time.monotonic``) takes too long.

    Raises:
        TimeoutError: it does; with the end of what the worker said.
    """
    if time.monotonic() > began + PATIENCE_SECONDS:
        raise TimeoutError(f"no end after {PATIENCE_SECONDS:.0f} s; the worker said: {log.read_text()[-3000:]}")
