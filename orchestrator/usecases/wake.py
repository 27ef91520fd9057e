"""``wake``: time passes. Accounts whose instant has come are decided, in sets; what only waits costs nothing.

Candidates are read unlocked, locked with SKIP LOCKED (somebody else has the others), and read again under the lock.
"""

import time
from dataclasses import dataclass

from sqlalchemy import Connection

from orchestrator.store import accounts
from orchestrator.usecases.decide import Decided, decide
from orchestrator.usecases.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """What a run of wake did, counted."""

    accounts: int = 0
    messages: int = 0


def wake(ports: Ports, seconds: float = 5.0) -> Woken:
    """Decide the accounts that are due, for at most about ``seconds``."""
    done, ends = Woken(), time.monotonic() + seconds
    while time.monotonic() < ends:
        with ports.engine.begin() as connection:
            decided = _batch(connection, ports)
        done = Woken(accounts=done.accounts + decided.accounts, messages=done.messages + decided.messages)
        if decided.messages:
            ports.nudges.deliver()
        if not decided.accounts:
            break
    return done


def _batch(connection: Connection, ports: Ports) -> Decided:
    now = ports.clock.now(connection)
    candidates = accounts.due(connection, now, ports.batch)
    ids = accounts.lock(connection, candidates, wait=False) if candidates else []
    due = accounts.still_due(connection, ids, now) if ids else []
    return decide(connection, ports, due, {}, now) if due else Decided()
