"""Work side by side: what is yielded comes back in its order, and none outlives the others' end."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from orchestrator.runtime.crew import CrewError, cores, side_by_side

FOREVER = """
import os, time
from orchestrator.runtime.crew import side_by_side

def work():
    yield os.getpid()
    time.sleep(60)

with side_by_side([work, work]) as streams:
    print(*(next(stream) for stream in streams), flush=True)
    next(streams[0])
"""


def counting(first: int, last: int) -> Iterator[int]:
    yield os.getpid()
    yield from range(first, last)


def ending(code: int) -> Iterator[int]:
    yield 1
    os._exit(code)


def failing() -> Iterator[int]:
    yield 1
    raise ValueError("broken")


def killed() -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), signal.SIGKILL)


def waiting() -> Iterator[int]:
    yield 1
    time.sleep(60)


def test_each_yields_in_its_order_from_a_process_of_its_own() -> None:
    """Two pieces of work run in two processes; each stream holds what its work yielded, more than a pipe holds."""
    with side_by_side([partial(counting, 0, 50_000), partial(counting, 7, 9)]) as streams:
        first, second = (list(stream) for stream in streams)
    assert first[1:] == list(range(50_000))
    assert second[1:] == [7, 8]
    assert len({first[0], second[0], os.getpid()}) == 3


def test_a_single_piece_is_done_here() -> None:
    """For one piece of work no process is started."""
    with side_by_side([partial(counting, 0, 2)]) as (stream,):
        assert list(stream) == [os.getpid(), 0, 1]


@pytest.mark.parametrize(
    ("work", "told"),
    [
        (killed, r"process 2 of 2 ended by SIGKILL .*if memory ran out, fewer processes need less"),
        (failing, "process 2 of 2 ended with status 1 before its part was done"),
        (partial(ending, 7), "process 2 of 2 ended with status 7"),
        (partial(ending, 0), "process 2 of 2 ended with status 0"),
    ],
)
def test_one_that_falls_ends_all(work: partial[Iterator[int]], told: str) -> None:
    """Who ends too early is named, with how it ended, also while another one is awaited; nobody is left."""
    began = time.monotonic()
    works: list[Callable[[], Iterator[int]]] = [waiting, work]
    with side_by_side(works) as streams:
        awaited = streams[1] if told.endswith("0") else streams[0]
        with pytest.raises(CrewError, match=told):
            list(awaited)
    assert time.monotonic() - began < 30
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_all_end_with_the_one_that_started_them(how: signal.Signals) -> None:
    """Ctrl-C and ``kill -9`` leave no process behind."""
    with subprocess.Popen(
        [sys.executable, "-c", FOREVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as running:
        assert running.stdout is not None
        hands = [int(word) for word in running.stdout.readline().split()]
        (os.killpg if how is signal.SIGINT else os.kill)(running.pid, how)
        assert running.wait(30) != 0
        assert running.stdout.read() == b""  # whoever lives holds the pipe open
    assert len(hands) == 2


def test_there_is_a_core() -> None:
    """At least one processor is there to work on."""
    assert cores() >= 1
