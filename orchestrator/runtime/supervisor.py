"""The supervisor: a table of processes, started in order, kept alive, ended in reverse order.

Rules:

1. A part is started when all before it are ready (or late: it says so, and goes on without them).
2. A part that ends is started again after a pause that grows with each failure in a row; a long good run forgives them.
3. SIGINT, SIGTERM or SIGHUP ends all in reverse order, one after the other: SIGTERM to the part, its grace period, then
   SIGKILL to its process group. A second signal does not wait any more.
4. What a part leaves behind in its process group is killed before it is started again, and at the end.
5. If the supervisor itself is killed, the kernel sends SIGTERM to its parts (``tether``; Linux). Servers are no parts:
   they survive, and the next supervisor takes them over. They are *watched*.
6. It prints nothing: all that happens is told as a notice (``Notice``). Secrets go to a part by its environment.

``run`` belongs in the main thread: signals arrive there, and a part is tied to the thread that started it.
"""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum, unique
from pathlib import Path
from types import FrameType

from orchestrator.runtime import tether
from orchestrator.runtime.servers.processes import open_log

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TURN = 0.1  # seconds between two looks at the parts


@unique
class WhenEnded(StrEnum):
    """What to do when a part ends by itself."""

    RESTART = "restart"  # start it again, whatever its exit status
    RESTART_FAILED = "restart_failed"  # start it again unless it ended with 0
    LEAVE = "leave"  # it has done its work
    END_ALL = "end_all"  # it was what this run was for: end the others, and return its exit status


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One line of the table of processes."""

    name: str  # of its log file and in notices
    argv: tuple[str, ...]  # its command line; no secrets, everybody can read it
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)  # added to ours; secrets go here
    folder: Path | None = None  # its working directory; None: ours
    ready: Callable[[], bool] | None = None  # whether it is ready: quick, and False rather than an error. None: at once
    ready_within: float = 30.0  # seconds after which the next part does not wait for it any more
    when_ended: WhenEnded = WhenEnded.RESTART  # what to do when it ends by itself
    grace: float = 20.0  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Something that is no part, and is made well again when it is not: a server of our own."""

    name: str  # in notices
    ensure: Callable[[], bool]  # makes it well; says whether it had to. Called in a thread of its own
    every: float = 2.0  # seconds between two looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """How long to wait before a part that failed is started again, in seconds."""

    first: float = 0.5  # after the first failure
    growth: float = 2.0  # each failure in a row multiplies it by this
    longest: float = 30.0  # but not beyond this
    forgiven_after: float = 60.0  # a run at least this long begins the count anew

    def after(self, failures: int) -> float:
        """Return the pause after this many failures in a row (at least one)."""
        return min(self.longest, self.first * self.growth ** min(failures - 1, 32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A part was started."""

    part: str  # its name
    pid: int  # its process id, and that of its group


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A part is ready."""

    part: str  # its name
    seconds: float  # since it was started


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A part is not ready in its time; the next are started without it."""

    part: str  # its name
    seconds: float  # how long it was waited for
    log: Path  # where to look


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A part ended by itself."""

    part: str  # its name
    status: int  # exit status; below zero: the signal that killed it
    log: Path  # where to look


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarting:
    """A part that ended will be started again."""

    part: str  # its name
    pause: float  # seconds until then
    failures: int  # how often in a row it ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """A part was asked to end."""

    part: str  # its name
    grace: float  # seconds it is given; 0 when in a hurry


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A part that was asked to end has ended."""

    part: str  # its name
    killed: bool  # whether it took SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Revived:
    """What is watched was not well, and is again."""

    watch: str  # its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwell:
    """What is watched is not well, and could not be helped; it is tried again."""

    watch: str  # its name
    error: str  # what was tried and failed


Notice = Started | Ready | Late | Ended | Restarting | Stopping | Stopped | Revived | Unwell


@dataclass(slots=True, kw_only=True)
class _Run:
    """A part and what has become of it."""

    part: Part
    process: subprocess.Popen[bytes] | None = None  # while it runs
    began: float = 0.0  # when it was last started (monotonic seconds)
    due: float | None = 0.0  # when it is to be started; None: it is not
    failures: int = 0  # ends in a row
    ready: bool = False  # the process that runs is ready
    passed: bool = False  # the next part need not wait for it any more
    first: float | None = None  # when it was first started


class Supervisor:
    """Runs a table of parts until it is told to end."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        logs: Path,
        tell: Callable[[Notice], None],
        watches: Sequence[Watch] = (),
        pauses: Pauses | None = None,
    ) -> None:
        """Take the table; ``logs`` is the folder of ``<name>.log``; ``tell`` is never called twice at once."""
        self._runs = [_Run(part=part) for part in parts]
        self._logs = logs
        self._tell = tell
        self._watches = watches
        self._pauses = pauses or Pauses()
        self._telling = threading.Lock()
        self._ending = threading.Event()
        self._asked = 0  # how often it was asked to end
        self._status = 0
        self._inbox, self._outbox = os.pipe()  # a signal's handler may write to a pipe, and may not take a lock
        os.set_blocking(self._outbox, False)

    def run(self) -> int:
        """Run until told to end; return 0, or the exit status of the part that ended all.

        Whatever happens, no part outlives it.
        """
        with self._signals(), self._watching():
            try:
                while not self._asked:
                    self._turn()
                    self._rest()
            finally:
                self._asked = max(1, self._asked)
                self._end_all()
        return self._status

    def stop(self) -> None:
        """Ask it to end, as a signal does; a second time, to hurry. From any thread."""
        self._asked += 1
        with suppress(BlockingIOError):  # a full pipe wakes it as well
            os.write(self._outbox, b".")

    def _turn(self) -> None:
        """Look at each part in order, as far as the first that the next must wait for."""
        for run in self._runs:
            self._tend(run)
            if not run.passed or self._asked:
                break

    def _tend(self, run: _Run) -> None:
        if run.process is not None and (status := run.process.poll()) is not None:
            self._bury(run, run.process, status)
        if run.process is None and run.due is not None and time.monotonic() >= run.due:
            self._start(run)
        if run.process is not None and not run.ready:
            self._look(run)

    def _start(self, run: _Run) -> None:
        part = run.part
        with open_log(self._log(part)) as output:
            run.process = subprocess.Popen(  # noqa: S603 - the table's argv, no shell
                [sys.executable, "-I", "-S", str(tether.__file__), str(os.getpid()), *part.argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=part.folder,
                env={**os.environ, **part.environment},
                start_new_session=True,
            )
        run.began, run.due, run.ready = time.monotonic(), None, False
        run.first = run.began if run.first is None else run.first
        self._say(Started(part=part.name, pid=run.process.pid))

    def _look(self, run: _Run) -> None:
        """See whether a part has become ready, or is late."""
        part, moment = run.part, time.monotonic()
        if part.ready is None or part.ready():
            run.ready = run.passed = True
            self._say(Ready(part=part.name, seconds=moment - run.began))
        else:
            self._pass_if_late(run)

    def _pass_if_late(self, run: _Run) -> None:
        if run.passed or run.first is None or time.monotonic() - run.first < run.part.ready_within:
            return
        run.passed = True
        self._say(Late(part=run.part.name, seconds=run.part.ready_within, log=self._log(run.part)))

    def _bury(self, run: _Run, process: subprocess.Popen[bytes], status: int) -> None:
        """Take note of an end, and decide what follows from it."""
        _kill_group(process)
        run.process, long = None, time.monotonic() - run.began >= self._pauses.forgiven_after
        run.failures = 1 if long else run.failures + 1
        self._say(Ended(part=run.part.name, status=status, log=self._log(run.part)))
        if _starts_again(run.part.when_ended, status):
            pause = self._pauses.after(run.failures)
            run.due = time.monotonic() + pause
            self._say(Restarting(part=run.part.name, pause=pause, failures=run.failures))
            self._pass_if_late(run)
            return
        run.passed = True
        if run.part.when_ended is WhenEnded.END_ALL:
            self._status = status if status >= 0 else 128 - status  # as a shell says it
            self.stop()

    def _end_all(self) -> None:
        for run in reversed(self._runs):
            if run.process is not None:
                self._end(run.part, run.process)
                run.process = None

    def _end(self, part: Part, process: subprocess.Popen[bytes]) -> None:
        """End one part: SIGTERM, its grace period unless in a hurry, SIGKILL to what is left of its group."""
        deadline = time.monotonic() + part.grace
        self._say(Stopping(part=part.name, grace=0 if self._hurries else part.grace))
        process.terminate()
        while process.poll() is None and time.monotonic() < deadline and not self._hurries:
            self._rest()
        killed = process.poll() is None
        _kill_group(process)
        process.wait()
        self._say(Stopped(part=part.name, killed=killed))

    @property
    def _hurries(self) -> bool:
        """Whether it was asked to end more than once."""
        return self._asked > 1

    def _rest(self) -> None:
        """Wait for a turn, or until it is asked to end."""
        if select.select([self._inbox], [], [], TURN)[0]:
            os.read(self._inbox, 64)

    def _log(self, part: Part) -> Path:
        return self._logs / f"{part.name}.log"

    def _say(self, notice: Notice) -> None:
        with self._telling:
            self._tell(notice)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Take the signals that end it, and give them back; outside the main thread there are none to take."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._signalled) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _signalled(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        self.stop()

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Look after what is watched, each in a thread of its own, until the parts have ended."""
        threads = [threading.Thread(target=self._watch, args=(watch,), daemon=True) for watch in self._watches]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ending.set()
            for thread in threads:
                thread.join()

    def _watch(self, watch: Watch) -> None:
        while not self._ending.wait(watch.every):
            try:
                revived = watch.ensure()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told and tried again
                self._say(Unwell(watch=watch.name, error=str(error)))
                continue
            if revived:
                self._say(Revived(watch=watch.name))


def _starts_again(policy: WhenEnded, status: int) -> bool:
    return policy is WhenEnded.RESTART or (policy is WhenEnded.RESTART_FAILED and status != 0)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a part's process group: its id is that of its first process."""
    with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says it otherwise
        os.killpg(process.pid, signal.SIGKILL)
