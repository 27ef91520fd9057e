"""The people that a decision may need: the first in line, and, where the playbook asks, those behind and who is barred.

What a playbook does not ask for costs nothing: no account of such a playbook is looked up twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from orchestrator.core.audience import Sought
from orchestrator.core.people import Person
from orchestrator.messaging.address import normalise
from orchestrator.messaging.errors import AddressError
from orchestrator.store import people
from orchestrator.store.accounts import Locked
from orchestrator.store.people import MOST_PEOPLE, Behind
from orchestrator.usecases.ports import Ports


def gather(
    connection: Connection, ports: Ports, locked: Mapping[str, Locked], curious: Iterable[str]
) -> dict[str, list[Person]]:
    """The people of these accounts whose decision may need them; accounts without people are left out."""
    crowd = people.people(connection, curious)
    sought = {name: _sought(connection, ports, locked[name]) for name in crowd}
    full = [
        Behind(account_id=name, roles=sought[name].roles, newest=sought[name].new)
        for name, listed in crowd.items()
        if len(listed) >= MOST_PEOPLE and (sought[name].roles or sought[name].new)
    ]
    for name, listed in people.behind(connection, full).items():
        known = {person.id for person in crowd[name]}
        crowd[name] += [person for person in listed if person.id not in known]
    _bar(connection, {name: listed for name, listed in crowd.items() if sought[name].substitutes})
    return crowd


def _sought(connection: Connection, ports: Ports, locked: Locked) -> Sought:
    return ports.library.edition(connection, locked.account.playbook_version).sought


def _bar(connection: Connection, crowd: Mapping[str, list[Person]]) -> None:
    """Mark those whose address takes no mail, as it stands now: the door looks again."""
    addresses = {person.email: _address(person) for listed in crowd.values() for person in listed}
    barred = people.barred(connection, {each for each in addresses.values() if each is not None})
    for listed in crowd.values():
        listed[:] = [replace(each, barred=True) if addresses[each.email] in barred else each for each in listed]


def _address(person: Person) -> str | None:
    try:
        return None if person.email is None else normalise(person.email)
    except AddressError:
        return None
