"""``why``: how long the telling of one account takes, among a million, each with a decision or more."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from statistics import median, quantiles

from sqlalchemy import text

from orchestrator.cli.account import explain
from orchestrator.cli.console import out
from orchestrator.core.decisions import Decision
from orchestrator.store import decisions
from tests.benchmarks.lives import Life
from tests.benchmarks.report import Figure, Told
from tests.benchmarks.scale import Scale
from tests.benchmarks.stage import Stage
from tests.benchmarks.subject import HOUSE
from tests.benchmarks.workload import SEED, Population, account_name

GOAL_MS = 100.0
COMMANDS = 3  # whole commands that are timed
REMEMBER = """
    INSERT INTO decisions (decided_at, account_id, play, episode, due_at, outcome, reason, playbook_version,
                           explanation, repeats, last_at)
    SELECT d.decided_at, 'acct-' || lpad(number::text, 7, '0'), d.play, d.episode, d.due_at, d.outcome, d.reason,
           d.playbook_version, d.explanation, d.repeats, d.last_at
      FROM generate_series(0, :size - 1) AS number JOIN decisions AS d ON d.account_id = 'one-' || number % :lives
"""


def explaining(stage: Stage, scale: Scale) -> Told:
    """The figures of ``why``."""
    stage.populate(Population(name="explained", size=scale.waiting, exponent=0.0))
    asked = _remember(stage, scale)
    spent = sorted(_told(stage, account) for account in asked)
    commands = [_commanded(stage, account) for account in asked[: min(COMMANDS, scale.rounds)]]
    stored, long = stage.count("decisions"), sum(len(life.decisions) for life in stage.lives) / len(stage.lives)
    name = f"why, {scale.waiting:,} accounts"
    return Told(
        figures=[
            Figure(name=name, value=median(spent), unit="ms", goal=GOAL_MS),
            Figure(name=f"{name}, p99", value=quantiles(spent, n=100)[-1], unit="ms", goal=GOAL_MS),
            Figure(name=f"{name}, the whole command with the start of Python", value=median(commands), unit="ms"),
        ],
        notes=[
            f"{len(asked)} accounts with {long:.0f} decisions each on average; {stored:,} decisions are stored.",
            "Told as by the command, in a process that is up.",
        ],
    )


def _remember(stage: Stage, scale: Scale) -> list[str]:
    """Give each account its life's last decision, and some the whole history; those."""
    chosen = [account_name(number) for number in Random(SEED).sample(range(scale.waiting), scale.explained)]
    with stage.engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        decisions.record(connection, [_as(f"one-{at}", life.decisions[-1]) for at, life in enumerate(stage.lives)])
        connection.execute(text(REMEMBER), {"size": scale.waiting, "lives": len(stage.lives)})
        connection.execute(text("DELETE FROM decisions WHERE account_id = ANY(:ids)"), {"ids": chosen})
        for account in chosen:
            for decision in _life(stage.lives, account).decisions:
                decisions.record(connection, [_as(account, decision)])
    stage.tidy()
    return chosen


def _life(lives: Sequence[Life], account: str) -> Life:
    return lives[int(account.rpartition("-")[2]) % len(lives)]


def _as(account: str, decision: Decision) -> Decision:
    return replace(decision, account=account)


def _told(stage: Stage, account: str) -> float:
    """Milliseconds of one telling, printed for nobody."""
    began = time.monotonic()
    with out.capture(), stage.engine.connect() as connection:
        explain(stage.installation, connection, account)
    return (time.monotonic() - began) * 1e3


def _commanded(stage: Stage, account: str) -> float:
    """Milliseconds of the whole command."""
    began = time.monotonic()
    command = (sys.executable, "-m", "orchestrator.cli", "account", "why", account)
    subprocess.run(command, cwd=HOUSE, env=stage.environment(), stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - began) * 1e3
