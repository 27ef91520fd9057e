"""What PostgreSQL and Valkey have in common: to be found alive, to be started once, to be stopped in order.

The life of a server:

* It is *alive* while something holds its lock (``locks``), and *ready* when it answers to the password we saved.
* ``ensure`` starts it unless it answers. Survivors of a killed supervisor answer, and are kept. One that is alive and
  still recovering is waited for; one that is alive and silent, or knows another password, is ended first.
* ``stop`` asks politely, waits long, and only then presses harder.
"""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum, unique
from pathlib import Path
from typing import ClassVar

from orchestrator.runtime.servers import locks
from orchestrator.runtime.servers.errors import ServerError
from orchestrator.runtime.servers.ground import Ground, log_folder, run_folder
from orchestrator.runtime.servers.processes import all_of, belongs, last_lines, launch, open_log, reap, signalled
from orchestrator.runtime.servers.state import State

RECOVERY = 600.0  # seconds to wait for a server that says it is recovering
SILENCE = 30.0  # seconds after which one that is alive and silent is given up
FINAL = 15.0  # seconds that SIGKILL may take (the disk must let go)


@unique
class Pulse(StrEnum):
    """What a server says when it is spoken to."""

    ANSWERS = "answers"  # ready, and it knows our password
    BUSY = "busy"  # it is starting, recovering, or ending
    REFUSES = "refuses"  # ready, and it knows another password
    SILENT = "silent"  # nobody is there, or it hangs


class Server(ABC):
    """One server of our own."""

    name: ClassVar[str]  # "postgres", "valkey": of its folder, lock and log
    programs: ClassVar[frozenset[str]]  # what its processes are called

    def __init__(self, ground: Ground, state: State) -> None:
        """Know where it lives and its passwords; nothing is touched yet."""
        self.ground = ground
        self.state = state
        self.alive = run_folder(ground.home) / f"{self.name}.alive"
        self.log = log_folder(ground.home) / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def workplace(self) -> Path:
        """The folder in which its processes work."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Its address, with the password."""

    @abstractmethod
    def pulse(self) -> Pulse:
        """Speak to it, with the saved password; takes a few seconds at most."""

    @abstractmethod
    def prepare(self) -> list[str]:
        """Make what it needs to start, and return its command line. Nothing of it is alive meanwhile."""

    @abstractmethod
    def furnish(self) -> None:
        """Give a server that has just been started what its users need."""

    @abstractmethod
    def leader(self) -> int | None:
        """Return the process id that it wrote down, if any; the caller verifies whose it is."""

    @abstractmethod
    def farewells(self) -> tuple[tuple[Callable[[], None], float], ...]:
        """Return how to ask it to end, from polite to hard, each with the seconds it is given."""

    def ensure(self) -> bool:
        """Make sure that it answers; say whether it had to be started. The caller holds the lock of starting.

        Raises:
            ServerError: it does not start (with the end of its log), or a survivor does not end.

        """
        lock = self._vacancy()
        if lock is None:
            return False
        try:
            self._start(lock)
        finally:
            os.close(lock)
        return True

    def stop(self) -> None:
        """End it, if something of it is alive, and wait until nothing is.

        Raises:
            ServerError: something of it outlived SIGKILL.

        """
        for ask, patience in (*self.farewells(), (self._kill, FINAL)):
            if self._gone(0):
                return
            ask()
            if self._gone(patience):
                return
        raise ServerError(f"{self.name} does not end, even by SIGKILL: see {self.log}")

    def _vacancy(self) -> int | None:
        """Return the lock, once nothing of the server is alive; None if it is alive and answers."""
        began = time.monotonic()
        reap()
        while (lock := locks.taken(self.alive)) is None:
            pulse, waited = self.pulse(), time.monotonic() - began
            if pulse is Pulse.ANSWERS:
                return None
            if pulse is Pulse.REFUSES or (pulse is Pulse.SILENT and waited > SILENCE) or waited > RECOVERY:
                self.stop()
            time.sleep(locks.PAUSE)
        return lock

    def _start(self, lock: int) -> None:
        """Launch it with the lock in its hands, and wait until it answers."""
        argv = self.prepare()
        with open_log(self.log) as output:
            self._process = launch(argv, owner=self.ground.owner, folder=self.workplace, output=output, keep=(lock,))
        try:
            self._await_answer(self._process, Pulse.ANSWERS, Pulse.REFUSES)  # furnishing sets the password
            self.furnish()
            self._await_answer(self._process, Pulse.ANSWERS)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def _await_answer(self, process: subprocess.Popen[bytes], *enough: Pulse) -> None:
        deadline = time.monotonic() + RECOVERY
        while self.pulse() not in enough:
            if (status := process.poll()) is not None:
                raise ServerError(
                    f"{self.name} ended with {status} at its start. The end of {self.log}:\n{last_lines(self.log)}"
                )
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} has not answered for {RECOVERY:.0f} s: see {self.log}")
            time.sleep(locks.PAUSE)

    def _gone(self, patience: float) -> bool:
        """Wait until nothing of it is alive, for ``patience`` seconds at most."""
        deadline = time.monotonic() + patience
        while True:
            reap()
            if locks.is_free(self.alive):
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(locks.PAUSE)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its leader, if that process is really its."""
        pid = self.leader()
        if pid is not None and belongs(pid, self.workplace, self.programs):
            signalled(pid, number)
        elif self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _kill(self) -> None:
        self.signal(signal.SIGKILL)
        for pid in all_of(self.workplace, self.programs):
            signalled(pid, signal.SIGKILL)
