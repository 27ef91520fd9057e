"""``wake``: time passes. Accounts whose instant has come are decided, in sets; what only waits costs nothing.

Candidates are read unlocked, locked with SKIP LOCKED (somebody else has the others), and read again under the lock.
An error of the data or of ours halves the set until the account that it comes from stands alone and is parked; an error
of the world is raised, and the next tick goes on.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from orchestrator.store import accounts
from orchestrator.store.failures import Fault, fault
from orchestrator.usecases.decide import Decided, decide, park
from orchestrator.usecases.ports import Ports

MOST_TRIES = 5  # of a transaction that lost a deadlock
MOST_AT_ONCE = 500  # accounts whose locks are held together: each is looked at whole, in a millisecond or so


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """What a run of wake did, counted."""

    accounts: int = 0
    messages: int = 0


def wake(ports: Ports, seconds: float = 5.0) -> Woken:
    """Decide the accounts that are due, for at most about ``seconds``."""
    done, ends = Woken(), time.monotonic() + seconds
    while time.monotonic() < ends:
        decided = _take_up(ports, _candidates(ports))
        done = Woken(accounts=done.accounts + decided.accounts, messages=done.messages + decided.messages)
        if decided.messages:
            ports.nudges.deliver()
        if not decided.accounts:
            break
    return done


def _candidates(ports: Ports) -> Sequence[str]:
    with ports.engine.begin() as connection:
        return accounts.due(connection, ports.clock.now(connection), min(ports.batch, MOST_AT_ONCE))


def _take_up(ports: Ports, candidates: Sequence[str], tries: int = 1) -> Decided:
    """Decide these in one transaction; halve them when the fault lies in one of them."""
    if not candidates:
        return Decided()
    try:
        with ports.engine.begin() as connection:
            return _batch(connection, ports, candidates)
    except Exception as error:
        match fault(error):
            case Fault.RETRY if tries < MOST_TRIES:
                return _take_up(ports, candidates, tries + 1)
            case Fault.WORLD | Fault.RETRY:
                raise
            case Fault.DATA | Fault.OURS:
                return _halve(ports, candidates, error)


def _halve(ports: Ports, candidates: Sequence[str], error: Exception) -> Decided:
    middle = len(candidates) // 2
    if middle:
        return _take_up(ports, candidates[:middle]) + _take_up(ports, candidates[middle:])
    with ports.engine.begin() as connection:
        (name,) = candidates
        is_ours = bool(accounts.lock(connection, [name], wait=False))
        return park(connection, name, error, ports.clock.now(connection)) if is_ours else Decided()


def _batch(connection: Connection, ports: Ports, candidates: Sequence[str]) -> Decided:
    now = ports.clock.now(connection)
    ids = accounts.lock(connection, candidates, wait=False)
    due = accounts.still_due(connection, ids, now) if ids else []
    return decide(connection, ports, due, {}, now) if due else Decided()
