"""What the door looks at besides the contact: of messages about to leave, in one statement, account and reader."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, text

from orchestrator.core.account import Account
from orchestrator.core.decisions import Message
from orchestrator.core.people import Person
from orchestrator.store.documents import account_from, person_from, unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What there is of a message's account and of its reader."""

    account: Account | None  # None: there is none of this id any more
    person: Person | None  # None: there is nobody of this id at the account
    parked: bool  # the account could not be decided


LOOK = text("""
    -- look: unlocked; in a statement after the lock of the contacts, so that it sees what that has waited for
    SELECT r.account_id, r.person_id, a.document, p.traits, p.first_seen, k.account_id IS NOT NULL AS parked
      FROM unnest(CAST(:accounts AS text[]), CAST(:persons AS text[])) AS r (account_id, person_id)
      LEFT JOIN accounts AS a ON a.id = r.account_id
      LEFT JOIN persons AS p ON p.account_id = r.account_id AND p.person_id = r.person_id
      LEFT JOIN parked_accounts AS k ON k.account_id = r.account_id
""")


def look(connection: Connection, messages: Iterable[Message]) -> dict[tuple[str, str], Looked]:
    """By account and person, as the messages name them."""
    wanted = sorted({(each.account, each.person) for each in messages})
    told = {"accounts": [account for account, _ in wanted], "persons": [person for _, person in wanted]}
    return {
        (row.account_id, row.person_id): Looked(
            account=None if row.document is None else account_from(row.account_id, unpacked(row.document)),
            person=None if row.traits is None else person_from(row.person_id, row.traits, row.first_seen),
            parked=row.parked,
        )
        for row in connection.execute(LOOK, told)
    }
