"""Waking: what accounts cost that only wait, and how fast those are decided whose time has come at once.

The clock moves to the instant at which enough accounts are due by themselves: what is decided there is real.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from sqlalchemy import text

from orchestrator.runtime.broker import client
from orchestrator.runtime.clock import HeldClock
from orchestrator.usecases.wake import wake
from tests.benchmarks.eta import ETA_NOTE, eta
from tests.benchmarks.lives import NOW
from tests.benchmarks.ours import TICK_SECONDS, WORKER
from tests.benchmarks.report import Figure, Told, beside
from tests.benchmarks.scale import Scale
from tests.benchmarks.stage import POLL_SECONDS, Stage
from tests.benchmarks.subject import process, stalled, until_answers
from tests.benchmarks.workload import Population

FEW = 100  # times fewer accounts wait, for comparison
GOAL_IDLE_MS, GOAL_RATE = 5.0, 5_000.0
RATE_UNIT = "accounts/s"


def waking(stage: Stage, scale: Scale) -> Told:
    """The figures of waking."""
    few = _idle(stage, scale.waiting // FEW, scale.idle_ticks)
    many = _idle(stage, scale.waiting, scale.idle_ticks)
    with _clock_back(stage):
        runs = [_at_once(stage, scale.due) for _ in range(scale.rounds)]
    waiting, due = eta(stage, scale)
    unit = Figure(name=f"idle tick of wake, {scale.waiting // FEW:,} accounts wait", value=few, unit="ms")
    rate = Figure(
        name=f"{scale.due:,} of {scale.waiting:,} accounts due at once",
        value=median(runs),
        unit=RATE_UNIT,
        goal=GOAL_RATE,
    )
    idle = Figure(name=f"idle tick of wake, {scale.waiting:,} accounts wait", value=many, unit="ms", goal=GOAL_IDLE_MS)
    return Told(
        figures=[
            *(unit, beside(idle, unit), beside(rate, due), due, *waiting),
            Figure(name=f"{scale.waiting:,} timers of ours in PostgreSQL", value=_wakes_mib(stage), unit="MiB"),
        ],
        notes=[
            (
                f"Medians of {scale.idle_ticks} ticks and of {scale.rounds} rounds; 2 processes of workers decide, "
                "write and derive the next instant; the clock is set to when so many are due by themselves."
            ),
            ETA_NOTE,
        ],
    )


def _idle(stage: Stage, accounts: int, ticks: int) -> float:
    """Milliseconds of a tick that finds nothing to do."""
    stage.populate(Population(name="waiting", size=accounts, exponent=0.0))
    spent = []
    for _ in range(ticks + 1):  # the first opens the connection
        began = time.monotonic()
        assert wake(stage.installation.ports).accounts == 0
        spent.append(time.monotonic() - began)
    return median(spent[1:]) * 1e3


def _at_once(stage: Stage, due: int) -> float:
    """Accounts decided a second, when so many (or a few more) are due together."""
    with stage.engine.begin() as connection:
        at = connection.scalar(text(NEXT), {"due": due})
        HeldClock().set(connection, at)
    stage.tidy()
    number = stage.count(DUE)
    app, log = client(stage.addresses.broker_url), stage.installation.settings.home / "waking.log"
    with process(WORKER, stage.environment(), log) as worker:
        until_answers(app, worker, log)
        began, next_tick = time.monotonic(), 0.0
        while stage.count(SOME_DUE):
            stalled(began, log)
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + TICK_SECONDS
                for _ in range(2):  # as two beats would
                    app.send_task("lifecycle.wake", queue="flow", expires=2 * TICK_SECONDS)
            time.sleep(POLL_SECONDS)
        seconds = time.monotonic() - began
    app.close()
    assert not stage.count("parked_accounts")
    return number / seconds


NEXT = "SELECT wake_at FROM wakes ORDER BY wake_at OFFSET :due - 1 LIMIT 1"
_DUE = "SELECT FROM wakes WHERE wake_at <= (SELECT now FROM clock)"
DUE = f"({_DUE}) AS due"
SOME_DUE = f"({_DUE} ORDER BY wake_at LIMIT 1) AS due"  # by the index: whoever looks must not burn what is measured


def _wakes_mib(stage: Stage) -> float:
    with stage.engine.connect() as connection:
        return float(connection.scalar(text("SELECT pg_total_relation_size('wakes')")) or 0) / (1 << 20)


@contextmanager
def _clock_back(stage: Stage) -> Iterator[None]:
    """Afterwards the clock stands where it stood."""
    try:
        yield
    finally:
        stage.hold(NOW)
