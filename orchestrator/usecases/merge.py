"""``merge``: two accounts become one. Facts and ledgers are united; what comes for the gone one follows a redirect."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from orchestrator.core.account import merge as united
from orchestrator.core.decisions import Note, NoteKind
from orchestrator.core.errors import LifecycleError
from orchestrator.store import accounts, decisions, messages, people
from orchestrator.usecases.decide import decide
from orchestrator.usecases.ports import Ports


class CannotMergeError(LifecycleError):
    """Both accounts must exist, differ, and not be merged already; look at them with ``lifecycle account show``."""


def merge(ports: Ports, gone: str, kept: str) -> None:
    """Merge the account ``gone`` into ``kept`` and leave a redirect; nothing that either decided is decided again.

    Raises:
        CannotMergeError: one of them does not exist, or they are the same.
    """
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        if gone == kept or len(accounts.lock(connection, (gone, kept))) != 2:  # noqa: PLR2004 -- the two
            raise CannotMergeError
        _unite(connection, gone, kept, now)
        _hand_over(connection, gone, kept, now)
        decide(connection, ports, [kept], {}, now)
    ports.nudges.deliver()


def _unite(connection: Connection, gone: str, kept: str, now: datetime) -> None:
    both = accounts.load(connection, (gone, kept))
    merged = united(both[kept].account, both[gone].account)
    if merged.held(now) and not all(each.account.held(now) for each in both.values()):
        merged = replace(merged, live_at=now)  # one of them lives already; the other's past stays history
    accounts.save(connection, [(merged, both[kept].version)], now)
    note = Note(kind=NoteKind.MERGED, at=now, detail={"gone": gone})
    decisions.write_journal(connection, [(kept, note)], [])


def _hand_over(connection: Connection, gone: str, kept: str, now: datetime) -> None:
    """What hangs on the gone account, in the order of locks."""
    people.move(connection, gone, kept)
    decisions.move(connection, gone, kept, now)
    messages.move(connection, gone, kept)
    accounts.redirect(connection, gone, kept, now)
