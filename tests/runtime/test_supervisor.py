"""The supervisor, with small real processes."""

import os
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from orchestrator.runtime.supervisor import (
    Ended,
    Late,
    Notice,
    Part,
    Pauses,
    Ready,
    Restarting,
    Revived,
    Started,
    Stopped,
    Stopping,
    Supervisor,
    Unwell,
    Watch,
    WhenEnded,
)

HOUSE = Path(__file__).resolve().parents[2]
QUICK = Pauses(first=0.01, longest=0.04)
WAIT = ("/bin/sh", "-c", "echo up; while :; do sleep 0.05; done")
DEAF = ("/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done")
Kind = TypeVar("Kind", bound=Notice)


class Ear:
    """Hears what a supervisor tells."""

    def __init__(self) -> None:
        self.heard: list[Notice] = []
        self._queue: queue.Queue[Notice] = queue.Queue()

    def __call__(self, notice: Notice) -> None:
        self.heard.append(notice)
        self._queue.put(notice)

    def next(self, kind: type[Kind]) -> Kind:
        """The next notice of a kind, as soon as it is told."""
        while True:
            notice = self._queue.get(timeout=20)
            if isinstance(notice, kind):
                return notice

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [notice for notice in self.heard if isinstance(notice, kind)]


@pytest.fixture
def ear() -> Ear:
    return Ear()


@contextmanager
def run(supervisor: Supervisor) -> Iterator[None]:
    """Run a supervisor beside the test, and end it with the block."""
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join(20)
        assert not thread.is_alive()


def is_gone(pid: int) -> bool:
    """Whether a process has ended, seen or unseen by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_gone(pid: int) -> None:
    """Return when a process that is no child of ours has ended."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        assert select.select([handle], [], [], 20)[0]
        os.close(handle)


def test_parts_start_in_order_and_end_in_reverse(tmp_path: Path, ear: Ear) -> None:
    """Each part is started when the one before is ready, and asked to end before it."""
    mark = tmp_path / "mark"
    make = ("/bin/sh", "-c", f"touch {mark}; exec {WAIT[0]} -c '{WAIT[2]}'")
    parts = [Part(name="one", argv=make, ready=mark.exists), Part(name="two", argv=WAIT), Part(name="three", argv=WAIT)]
    with run(Supervisor(parts, logs=tmp_path, tell=ear)):
        while ear.next(Ready).part != "three":
            pass
    order = [(type(notice).__name__, notice.part) for notice in ear.heard if not isinstance(notice, Revived | Unwell)]
    forth = [(what, part) for part in ("one", "two", "three") for what in ("Started", "Ready")]
    back = [(what, part) for part in ("three", "two", "one") for what in ("Stopping", "Stopped")]
    assert order == forth + back
    assert not any(notice.killed for notice in ear.of(Stopped))
    assert all(is_gone(notice.pid) for notice in ear.of(Started))


def test_a_part_that_crashes_is_started_again_with_growing_pauses(tmp_path: Path, ear: Ear) -> None:
    """Each end of a part is told, with its status, its log and the growing pause before the next start."""
    parts = [Part(name="frail", argv=("/bin/sh", "-c", "echo alas; exit 3"))]
    with run(Supervisor(parts, logs=tmp_path, tell=ear, pauses=QUICK)):
        while ear.next(Restarting).failures < 4:
            pass
    assert [notice.pause for notice in ear.of(Restarting)[:4]] == [0.01, 0.02, 0.04, 0.04]
    assert {(notice.status, notice.log) for notice in ear.of(Ended)} == {(3, tmp_path / "frail.log")}
    assert (tmp_path / "frail.log").read_text().startswith("alas\nalas\n")


def test_a_killed_part_comes_back_and_its_neighbour_goes_on(tmp_path: Path, ear: Ear) -> None:
    """After kill -9 of one part, that part alone is started again."""
    parts = [Part(name="one", argv=WAIT), Part(name="two", argv=WAIT)]
    with run(Supervisor(parts, logs=tmp_path, tell=ear, pauses=QUICK)):
        first, second = ear.next(Started), ear.next(Started)
        os.kill(first.pid, signal.SIGKILL)
        assert ear.next(Ended) == Ended(part="one", status=-signal.SIGKILL, log=tmp_path / "one.log")
        assert ear.next(Started).part == "one"
        assert not is_gone(second.pid)


def test_a_long_good_run_forgives_failures(tmp_path: Path, ear: Ear) -> None:
    """A part that ran for long begins the count of failures anew."""
    parts = [Part(name="frail", argv=("/bin/false",))]
    pauses = Pauses(first=0.01, forgiven_after=0.0)
    with run(Supervisor(parts, logs=tmp_path, tell=ear, pauses=pauses)):
        assert [ear.next(Restarting).failures for _ in range(3)] == [1, 1, 1]


def test_a_part_that_does_not_hear_is_killed_with_its_group(tmp_path: Path, ear: Ear) -> None:
    """After its grace period a deaf part gets SIGKILL, and so do its children."""
    deaf = ("/bin/sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; while :; do sleep 0.05; done")
    log = tmp_path / "deaf.log"
    part = Part(name="deaf", argv=deaf, grace=0.2, ready=lambda: log.read_text().endswith("\n"))
    with run(Supervisor([part], logs=tmp_path, tell=ear)):
        ear.next(Ready)
        child = int(log.read_text())
    assert ear.of(Stopped) == [Stopped(part="deaf", killed=True)]
    assert is_gone(child)


def test_what_a_crashed_part_left_is_killed(tmp_path: Path, ear: Ear) -> None:
    """The children of a part that crashed do not live beside those of its next run."""
    parent = ("/bin/sh", "-c", "sleep 1000 & echo $!; exit 1")
    with run(Supervisor([Part(name="parent", argv=parent)], logs=tmp_path, tell=ear, pauses=QUICK)):
        ear.next(Ended)
        child = int((tmp_path / "parent.log").read_text().split()[0])
        wait_gone(child)


def test_a_second_request_does_not_wait(tmp_path: Path, ear: Ear) -> None:
    """A second Ctrl-C cuts the grace period short."""
    log = tmp_path / "deaf.log"
    part = Part(name="deaf", argv=DEAF, grace=1000, ready=lambda: log.read_text() == "up\n")
    supervisor = Supervisor([part], logs=tmp_path, tell=ear)
    with run(supervisor):
        ear.next(Ready)
        supervisor.stop()
        assert ear.next(Stopping).grace == 1000
        supervisor.stop()
        assert ear.next(Stopped).killed


def test_a_late_part_is_told_and_passed(tmp_path: Path, ear: Ear) -> None:
    """A part that is not ready in time says so, and the next part is started without it."""
    parts = [Part(name="slow", argv=WAIT, ready=lambda: False, ready_within=0.2), Part(name="next", argv=WAIT)]
    with run(Supervisor(parts, logs=tmp_path, tell=ear)):
        assert ear.next(Late) == Late(part="slow", seconds=0.2, log=tmp_path / "slow.log")
        assert ear.next(Started).part == "next"


@pytest.mark.parametrize(
    ("policy", "status", "again"),
    [
        (WhenEnded.RESTART, 0, True),
        (WhenEnded.RESTART_FAILED, 0, False),
        (WhenEnded.RESTART_FAILED, 1, True),
        (WhenEnded.LEAVE, 1, False),
    ],
)
def test_a_part_s_policy_decides_what_follows_its_end(
    tmp_path: Path,
    ear: Ear,
    policy: WhenEnded,
    status: int,
    again: bool,
) -> None:
    """A part that ended by itself is started again or left, as its policy says."""
    parts = [Part(name="short", argv=("/bin/sh", "-c", f"exit {status}"), when_ended=policy)]
    with run(Supervisor(parts, logs=tmp_path, tell=ear, pauses=QUICK)):
        ear.next(Ended)
        if again:
            assert ear.next(Restarting).part == "short"
    assert bool(ear.of(Restarting)) is again


@pytest.mark.parametrize(("ending", "status"), [("exit 7", 7), ("exit 0", 0), ("kill -KILL $$", 137)])
def test_the_main_part_ends_all_and_gives_the_status(tmp_path: Path, ear: Ear, ending: str, status: int) -> None:
    """When the part that a run is for ends, the others are ended, and its status is returned as a shell says it."""
    parts = [
        Part(name="other", argv=WAIT),
        Part(name="main", argv=("/bin/sh", "-c", ending), when_ended=WhenEnded.END_ALL),
    ]
    assert Supervisor(parts, logs=tmp_path, tell=ear).run() == status
    assert [notice.part for notice in ear.of(Stopped)] == ["other"]


def test_a_program_that_is_not_there_is_told(tmp_path: Path, ear: Ear) -> None:
    """A part whose program is missing ends with 127, and its log says why."""
    parts = [Part(name="none", argv=("/no/such/program",), when_ended=WhenEnded.END_ALL)]
    assert Supervisor(parts, logs=tmp_path, tell=ear).run() == 127
    assert (tmp_path / "none.log").read_text() == "/no/such/program cannot be started: No such file or directory\n"


def test_secrets_go_by_the_environment(tmp_path: Path, ear: Ear) -> None:
    """A part gets its own variables beside ours, and they are not in its repr."""
    part = Part(
        name="asks",
        argv=("/bin/sh", "-c", 'echo "$TOKEN"'),
        environment={"TOKEN": "s3cret"},
        when_ended=WhenEnded.END_ALL,
    )
    Supervisor([part], logs=tmp_path, tell=ear).run()
    assert (tmp_path / "asks.log").read_text() == "s3cret\n"
    assert (tmp_path / "asks.log").stat().st_mode & 0o777 == 0o600
    assert "s3cret" not in repr(part)


def test_a_long_log_is_set_aside(tmp_path: Path, ear: Ear) -> None:
    """A log that has grown too long is kept once beside the new one."""
    log = tmp_path / "talks.log"
    with log.open("wb") as file:
        file.truncate(20_000_001)
    part = Part(name="talks", argv=("/bin/echo", "hello"), when_ended=WhenEnded.END_ALL)
    Supervisor([part], logs=tmp_path, tell=ear).run()
    assert log.read_text() == "hello\n"
    assert (tmp_path / "talks.log.1").stat().st_size == 20_000_001


def test_what_is_watched_is_made_well(tmp_path: Path, ear: Ear) -> None:
    """A watch that had to help is told, one that could not is told and tried again."""
    answers: Iterator[bool | Exception] = iter([False, RuntimeError("no disk"), True])
    done = threading.Event()

    def ensure() -> bool:
        answer = next(answers, None)
        if answer is None:
            done.set()
            return False
        if isinstance(answer, Exception):
            raise answer
        return answer

    watch = Watch(name="server", ensure=ensure, every=0.01)
    with run(Supervisor([], logs=tmp_path, tell=ear, watches=[watch])):
        assert done.wait(20)
    assert ear.heard == [Unwell(watch="server", error="no disk"), Revived(watch="server")]


def test_if_the_table_s_check_breaks_all_parts_end(tmp_path: Path, ear: Ear) -> None:
    """An error in the supervisor's own loop ends the parts before it is raised."""

    def breaks() -> bool:
        raise ZeroDivisionError

    parts = [Part(name="one", argv=WAIT), Part(name="two", argv=WAIT, ready=breaks)]
    with pytest.raises(ZeroDivisionError):
        Supervisor(parts, logs=tmp_path, tell=ear).run()
    assert [notice.part for notice in ear.of(Stopped)] == ["two", "one"]


PROGRAM = """
import sys
from pathlib import Path
from orchestrator.runtime.supervisor import Part, Supervisor
argv = ("/bin/sh", "-c", "while :; do sleep 0.05; done")
parts = [Part(name="one", argv=argv), Part(name="two", argv=argv)]
tell = lambda notice: print(type(notice).__name__, notice.part, getattr(notice, "pid", ""), flush=True)
sys.exit(Supervisor(parts, logs=Path(sys.argv[1]), tell=tell).run())
"""


@contextmanager
def supervising(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", list[int]]]:
    """A supervisor in a process of its own, and the process ids of its two parts."""
    argv = [sys.executable, "-c", PROGRAM, str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HOUSE), *sys.path])}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True) as process:
        assert process.stdout
        told = [process.stdout.readline().split() for _ in range(4)]
        yield process, [int(words[2]) for words in told if words[0] == "Started"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_everything_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """One Ctrl-C, sent to the process group as a terminal does, ends the parts in reverse order, with status 0."""
    with supervising(tmp_path) as (process, pids):
        os.killpg(process.pid, number)
        told, _ = process.communicate(timeout=20)
        assert [line.split() for line in told.splitlines()] == [
            [what, part] for part in ("two", "one") for what in ("Stopping", "Stopped")
        ]
        assert process.returncode == 0
        assert all(map(is_gone, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_parts_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    """After kill -9 of the supervisor, the kernel ends its parts."""
    with supervising(tmp_path) as (process, pids):
        process.kill()
        for pid in pids:
            wait_gone(pid)
