"""``wake``: time passes. Accounts whose instant has come are decided, in sets; what only waits costs nothing.

Accounts are claimed with SKIP LOCKED: of several workers each gets others, and none waits. What they were claimed for
is read again under the lock, as whoever let go of one may have decided it.

An error of the data or of ours halves the set until the account that it comes from stands alone and is parked; an error
of the world is raised, and the next tick goes on.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
        claimed, decided = _next(ports)
        done = Woken(accounts=done.accounts + decided.accounts, messages=done.messages + decided.messages)
        if decided.messages:
            ports.nudges.deliver()
        if not claimed:
            break
    return done


def _next(ports: Ports) -> tuple[bool, Decided]:
    """Claim accounts and decide them, in one transaction; whether there were any."""
    claimed: list[str] = []
    try:
        with ports.engine.begin() as connection:
            now = ports.clock.now(connection)
            claimed = accounts.claim(connection, now, min(ports.batch, MOST_AT_ONCE))
            return bool(claimed), _decide_due(connection, ports, claimed, now)
    except Exception as error:
        if not claimed:
            raise
        return True, _after(ports, claimed, error)


def _take_up(ports: Ports, names: Sequence[str], tries: int = 1) -> Decided:
    """Decide those of these that are free, in one transaction."""
    try:
        with ports.engine.begin() as connection:
            now = ports.clock.now(connection)
            return _decide_due(connection, ports, accounts.lock(connection, names, wait=False), now)
    except Exception as error:  # noqa: BLE001 -- what it means is told by kind; an error of the world is raised there
        return _after(ports, names, error, tries)


def _after(ports: Ports, names: Sequence[str], error: Exception, tries: int = 1) -> Decided:
    """Try again what lost a deadlock; halve the set when the fault lies in one of them.

    Raises:
        Exception: the fault is the world's.
    """
    match fault(error):
        case Fault.RETRY if tries < MOST_TRIES:
            return _take_up(ports, names, tries + 1)
        case Fault.WORLD | Fault.RETRY:
            raise error
        case Fault.DATA | Fault.OURS:
            return _halve(ports, names, error)


def _halve(ports: Ports, names: Sequence[str], error: Exception) -> Decided:
    middle = len(names) // 2
    if middle:
        return _take_up(ports, names[:middle]) + _take_up(ports, names[middle:])
    with ports.engine.begin() as connection:
        (name,) = names
        is_ours = bool(accounts.lock(connection, [name], wait=False))
        return park(connection, name, error, ports.clock.now(connection)) if is_ours else Decided()


def _decide_due(connection: Connection, ports: Ports, ids: Sequence[str], now: datetime) -> Decided:
    """Decide those of the locked accounts that still are due."""
    due = accounts.still_due(connection, ids, now) if ids else []
    return decide(connection, ports, due, {}, now) if due else Decided()
