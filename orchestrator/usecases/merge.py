"""``merge`` and ``rename``: one customer who was known under two ids. Facts and ledgers are united, a redirect stays.

What hangs on the old id and is not settled moves: people, ledger, open work, messages that have not left. What is
settled (decisions, journal, sent messages, events) stays under the id it was written with; whoever looks at the account
is shown both. Why nothing is said twice: the ledger holds what either decided, and where both had the same touch on its
way, the door lets it pass once an address (``MessageReason.REPEATED``).

Only an operator merges or renames. No event does: a write key stands in every browser, and one wrong call would unite
two customers for good (our choice; systems that merge by event, PostHog among them, warn of just that).
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from orchestrator.core.account import merge as united
from orchestrator.core.account import renamed
from orchestrator.core.decisions import Note, NoteKind
from orchestrator.core.errors import LifecycleError
from orchestrator.store import accounts, decisions, families, messages, people
from orchestrator.usecases.decide import decide
from orchestrator.usecases.ports import Ports


class CannotMergeError(LifecycleError):
    """Both accounts must exist, differ, and not be merged already; look at them with ``lifecycle account show``."""


class CannotRenameError(LifecycleError):
    """The account must exist under its old id, and the new id must be another of 1 to 255 characters."""


def merge(ports: Ports, gone: str, kept: str) -> None:
    """Merge the account ``gone`` into ``kept`` and leave a redirect; nothing that either decided is decided again.

    Raises:
        CannotMergeError: one of them does not exist, or they are the same.
    """
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        _merge(connection, ports, gone, kept, now)
    ports.nudges.deliver()


def rename(ports: Ports, old: str, new: str) -> str:
    """Give an account another id, for good or back again; where ``new`` is taken, by it or by a former name, merge.

    Returns the id that it has now.

    Raises:
        CannotRenameError: there is no account ``old``, or ``new`` is no other name.
        CannotMergeError: ``new`` was taken and given up while we looked; try again.
    """
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        if old == new or not 1 <= len(new) <= accounts.LONGEST_ID or old not in accounts.known(connection, [old]):
            raise CannotRenameError
        taken_by = accounts.redirects(connection, [new]).get(new, new)
        if taken_by != old and taken_by in accounts.known(connection, [taken_by]):
            _merge(connection, ports, old, taken_by, now)
        elif not _take_name(connection, ports, old, new, now):
            _merge(connection, ports, old, new, now)
            taken_by = new
    ports.nudges.deliver()
    return new if taken_by == old else taken_by


def _take_name(connection: Connection, ports: Ports, old: str, new: str, now: datetime) -> bool:
    """Move the account to a free name; False when a drain has opened an account of that name meanwhile.

    The new row is made first, empty of meaning and locked by that, then the old one is locked: it is what ``drain``
    does with accounts that it opens, so that of two at once one waits.
    """
    seen = accounts.load(connection, [old])[old].account
    if not accounts.claim_name(connection, renamed(seen, new)):
        return False
    if len(accounts.lock(connection, [old])) != 1:
        raise CannotRenameError
    current, fresh = accounts.load(connection, [old])[old].account, accounts.load(connection, [new])[new]
    accounts.save(connection, [(renamed(current, new), fresh.version)], now)
    accounts.forget_redirect(connection, new)
    _note(connection, new, NoteKind.RENAMED, old, now)
    _hand_over(connection, old, new, now)
    decide(connection, ports, [new], {}, now)
    return True


def _merge(connection: Connection, ports: Ports, gone: str, kept: str, now: datetime) -> None:
    if gone == kept or len(accounts.lock(connection, (gone, kept))) != 2:  # noqa: PLR2004 -- the two
        raise CannotMergeError
    both = accounts.load(connection, (gone, kept))
    merged = united(both[kept].account, both[gone].account)
    if merged.held(now) and not all(each.account.held(now) for each in both.values()):
        merged = replace(merged, live_at=now)  # one of them lives already; the other's past stays history
    accounts.save(connection, [(merged, both[kept].version)], now)
    _note(connection, kept, NoteKind.MERGED, gone, now)
    _hand_over(connection, gone, kept, now)
    decide(connection, ports, [kept], {}, now)


def _note(connection: Connection, account: str, kind: NoteKind, gone: str, now: datetime) -> None:
    decisions.write_journal(connection, [(account, Note(kind=kind, at=now, detail={"gone": gone}))], [])


def _hand_over(connection: Connection, gone: str, kept: str, now: datetime) -> None:
    """What hangs on the gone account, in the order of locks."""
    people.move(connection, gone, kept)
    decisions.move(connection, gone, kept, now)
    messages.move(connection, gone, kept)
    families.move(connection, gone, kept)
    accounts.redirect(connection, gone, kept, now)
