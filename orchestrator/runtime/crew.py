"""Crew: pieces of work side by side, each in a process of its own; what a piece yields comes back in its order.

The processes are forked, so they begin with all that was read and compiled until then, in some ten milliseconds. They
end with this process, however it ends: by Ctrl-C, by an error, by ``kill -9``. One that ends before its work is done
ends all of it, with an error that says how it ended.
"""

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from orchestrator.core.errors import LifecycleError
from orchestrator.runtime.tether import tied

Told = TypeVar("Told")


class CrewError(LifecycleError):
    """A process ended before its part of the work was done."""


def cores() -> int:
    """The processors that this process may use; one where processes cannot be forked."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def side_by_side(works: Sequence[Callable[[], Iterator[Told]]]) -> Iterator[list[Iterator[Told]]]:
    """What each piece of work yields (never None), from a process each; a single piece is done here.

    Raises:
        CrewError: while something is awaited: one of them has ended too early.
    """
    if len(works) == 1:
        yield [works[0]()]
        return
    hands: list[_Hand[Told]] = []
    try:
        for work in works:
            hands.append(_started(work, f"process {len(hands) + 1} of {len(works)}"))
        yield [hand.told(hands) for hand in hands]
    finally:
        for hand in hands:
            hand.dismiss()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hand(Generic[Told]):
    """A process that works, and the pipe by which it tells."""

    process: BaseProcess
    pipe: "Connection[None, Told | None]"

    def told(self, beside: "Sequence[_Hand[Told]]") -> Iterator[Told]:
        """What it yields; ``beside`` are all whose work is needed."""
        while (word := self._next(beside)) is not None:
            yield word

    def _next(self, beside: "Sequence[_Hand[Told]]") -> Told | None:
        while not self.pipe.poll():
            at_work = [hand.process.sentinel for hand in beside if not hand.has_ended()]
            wait([self.pipe, *at_work])
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join()
            raise CrewError(self._fall(self.process.exitcode or 0)) from None

    def has_ended(self) -> bool:
        """Whether its work is done; raises CrewError when it ended before that."""
        code = self.process.exitcode  # asked once: it may end at any time
        if code:
            raise CrewError(self._fall(code))
        return code is not None

    def _fall(self, code: int) -> str:
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
        hint = "; if memory ran out, fewer processes need less" if code == -signal.SIGKILL else ""
        return f"{self.process.name} ended {how} before its part was done{hint}"

    def dismiss(self) -> None:
        """End it, whatever it is about."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _started(work: Callable[[], Iterator[Told]], name: str) -> _Hand[Told]:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=_work, args=(work, theirs, os.getpid()), name=name, daemon=True
    )
    process.start()
    theirs.close()  # so that its end is the pipe's end
    return _Hand(process=process, pipe=ours)


def _work(work: Callable[[], Iterator[Told]], pipe: "Connection[Told | None, None]", parent: int) -> None:
    """The life of a process: it is told to end when its parent has ended, and Ctrl-C is the parent's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if tied(parent):
        gc.freeze()  # what was there before is not looked at again, so its pages stay shared
        for word in work():
            pipe.send(word)
        pipe.send(None)
