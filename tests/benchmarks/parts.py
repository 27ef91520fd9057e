"""The price of ``advance`` by its parts: whole lives under the full playbook, in this process, without any server.

A life is lived twice: once as it is, for the price of an account, of an event and of a call, and once with a stop-watch
in each part, for the shares. The stop-watches cost time of their own, so the shares are of the second run and are
applied to the first.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar
from unittest.mock import patch

from orchestrator.core import lifecycle, timing
from orchestrator.core.lifecycle import advance
from orchestrator.core.playbook import Playbook
from orchestrator.runtime.engine import LANGUAGE
from tests.benchmarks.lives import NOW, UNWATCHED, WATCHED, Past, happened, past, relived
from tests.benchmarks.lives import lives as lives_under
from tests.benchmarks.report import STEP, Figure

P = ParamSpec("P")
R = TypeVar("R")
PARTS: tuple[tuple[str, object, str], ...] = (
    ("fold", lifecycle, "absorb"),
    ("milestones and stages", lifecycle._Moving, "reach_milestone"),
    ("milestones and stages", lifecycle._Moving, "change_stage"),
    ("view", lifecycle, "view_of"),
    ("phases, signals, health", lifecycle._Moving, "enter_phases"),
    ("phases, signals, health", lifecycle._Moving, "take_sample"),
    ("phases, signals, health", lifecycle._Moving, "watch"),
    ("phases, signals, health", lifecycle._Moving, "close_signal"),
    ("phases, signals, health", lifecycle._Moving, "note_health"),
    ("withdrawals", lifecycle._Moving, "withdraw"),
    ("dues", timing, "next_due"),
    ("dues", timing, "broken"),
    ("judging", lifecycle._Moving, "judge_first_due"),
    ("rest", lifecycle._Moving, "rest"),
)  # the part, and what it is made of: a module or a class, and a function of it
WHOLE = "all else"
_REPEATS = 50


@dataclass(slots=True)
class StopWatch:
    """How long each part took, without what it called of the others."""

    spent: Counter[str] = field(default_factory=Counter)  # nanoseconds by part
    inner: int = 0  # nanoseconds of the parts within the one that runs

    def timed(self, part: str, work: Callable[P, R]) -> Callable[P, R]:
        """The same function, with its time on this watch."""

        def run(*arguments: P.args, **named: P.kwargs) -> R:
            before, self.inner, began = self.inner, 0, time.perf_counter_ns()
            try:
                return work(*arguments, **named)
            finally:
                took = time.perf_counter_ns() - began
                self.spent[part] += took - self.inner
                self.inner = before + took

        return run


@contextmanager
def watched(watch: StopWatch) -> Iterator[None]:
    """Every part of ``advance`` on a stop-watch."""
    with ExitStack() as stack:
        for part, owner, name in PARTS:
            stack.enter_context(patch.object(owner, name, watch.timed(part, getattr(owner, name))))
        yield


def parts_of_advance(playbook: Playbook, lives: int, rounds: int, under: str = "") -> list[Figure]:
    """What a life costs, what an event and a call of it, how the latter is divided, what calls of each kind cost."""
    pasts = [past(index) for index in range(lives)]
    calls = sum(relived(each, playbook) for each in pasts)  # once before the clock starts: everything is warm
    spent = min(_seconds(pasts, playbook) for _ in range(rounds))
    events = sum(len(each.calls) for each in pasts)
    days = sum(each.age for each in pasts) / lives
    micros = spent * 1e6
    return [
        Figure(name=f"advance{under}, an account's whole life ({days:.0f} days)", value=micros / lives, unit=STEP),
        Figure(name=f"advance{under}, an event of a life with all it brings about", value=micros / events, unit=STEP),
        Figure(name=f"advance{under}, one call in a life", value=micros / calls, unit=STEP),
        *(
            Figure(name=f"advance{under}, one call in a life: {part}", value=share * micros / calls, unit=STEP)
            for part, share in _shares(pasts, playbook).items()
        ),
        *(
            Figure(name=f"advance{under}, {kind}", value=min(_each(steps) for _ in range(rounds)) * 1e6, unit=STEP)
            for kind, steps in _steps(playbook, lives).items()
        ),
    ]


def _steps(playbook: Playbook, number: int) -> dict[str, list[Callable[[], object]]]:
    """A call of each kind for each life as it stands: an event that rules look at, one that none does, and a wake."""
    steps: dict[str, list[Callable[[], object]]] = {}
    for life in lives_under(playbook, number):
        step = partial(advance, life.account, life.people, playbook=playbook)
        for kind, name in (("watched event", WATCHED), ("unwatched event", UNWATCHED)):
            steps.setdefault(kind, []).append(partial(step, [happened(life.account.id, name)], NOW))
        if life.account.wake_at is not None:
            steps.setdefault("wake", []).append(partial(step, (), life.account.wake_at))
    return steps


def _each(steps: Sequence[Callable[[], object]]) -> float:
    """Seconds of this process a step."""
    began = time.process_time()
    for _ in range(_REPEATS):
        for step in steps:
            step()
    return (time.process_time() - began) / (_REPEATS * len(steps))


def _seconds(pasts: Sequence[Past], playbook: Playbook) -> float:
    began = time.process_time()
    for each in pasts:
        relived(each, playbook)
    return time.process_time() - began


def _shares(pasts: Sequence[Past], playbook: Playbook) -> dict[str, float]:
    """The parts of the whole; they add up to 1. None in C: no stop-watch gets between functions there."""
    if LANGUAGE == "C":
        return {}
    watch = StopWatch()
    with watched(watch):
        whole = watch.timed(WHOLE, _seconds)
        whole(pasts, playbook)
    total = sum(watch.spent.values())
    return {part: watch.spent[part] / total for part in dict.fromkeys([*(part for part, _, _ in PARTS), WHOLE])}
