"""``unite``: what accounts keep of a person under an id that was given up goes on under the id of today.

Facts (who was counted, who answered), what was said to whom lately, the person's traits, and what waits to be sent.
Under the accounts' locks, before their step. What is settled keeps the id that it was written with.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from orchestrator.core.account import known_as
from orchestrator.store import messages, people
from orchestrator.store.accounts import Locked
from orchestrator.usecases.ports import Ports

Names = Mapping[str, Mapping[str, str]]  # account -> given-up id -> what the person is known as


def unite(
    connection: Connection, ports: Ports, locked: Mapping[str, Locked], renames: Names, now: datetime
) -> dict[str, Locked]:
    """These locked accounts, with the persons of given-up ids under the ids that they are known as now."""
    names = {account: renames[account] for account in sorted(locked.keys() & renames.keys())}
    if not names:
        return dict(locked)
    people.unite(connection, names)
    messages.unite(connection, names, now)
    return {**locked, **{name: _united(connection, ports, locked[name], pairs) for name, pairs in names.items()}}


def _united(connection: Connection, ports: Ports, each: Locked, names: Mapping[str, str]) -> Locked:
    playbook = ports.library.edition(connection, each.account.playbook_version).playbook
    return replace(each, account=known_as(each.account, names, playbook.vocabulary))
