"""``look_back``: an account that lives already is told more of its past.

What is due now is decided first, on what was known. Then what is folded in this transaction is history: the account
goes live anew at this instant, and what the past makes due before it is skipped (``core.lifecycle``).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from orchestrator.store import accounts
from orchestrator.usecases.decide import decide
from orchestrator.usecases.ports import Ports


def look_back(connection: Connection, ports: Ports, ids: Sequence[str], now: datetime) -> None:
    """Prepare those of these locked accounts that live already for events of the past, folded next at ``now``."""
    live = accounts.live(connection, ids)
    if not live:
        return
    decide(connection, ports, live, {}, now)
    loaded = accounts.load(connection, live).values()
    looking = [(replace(each.account, history=True, live_at=now, basis=""), each.version) for each in loaded]
    accounts.save(connection, looking, now)
