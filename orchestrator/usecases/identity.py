"""Whose event it is: named by the call, else by the person's link, else the event is parked under its person.

The rules are the core's (``core/identities``); this is how they are kept when two transactions read calls at once.

Why no parked event is forgotten: before an event is parked, and before a person is linked, the person's identity row
is locked (in the order of persons). So of two transactions, one that parks and one that links, the second sees what the
first did: either the link, or the parked event. Where ids turn out to be one person, the rows of all of them are
locked, so whoever holds the row of one id knows what the person is known as. All of it happens before any account is
locked, everywhere alike.

A call that can change nothing (``settled``) is resolved from what is read without a lock: one statement for a batch of
such calls, and a second one where ids were given up. Whether one of them was given up meanwhile is looked at again
under the accounts' locks (``drain``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from orchestrator.core.events import Event
from orchestrator.core.identities import Register, ids_of, previous_of
from orchestrator.store import accounts, people
from orchestrator.store import events as event_store
from orchestrator.store.events import EventId


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Events by what is known of their account; persons under the ids that they are known as."""

    known: tuple[Event, ...]  # each names its account; those that were parked until now among them
    parked: tuple[Event, ...]  # each names a person whose account nobody has named yet
    renames: Mapping[str, Mapping[str, str]]  # account -> id that was given up in these events -> what it is now
    versions: Mapping[str, str]  # those of their accounts that are there already -> the playbook version of each
    past: frozenset[EventId] = frozenset()  # of those that were parked until now, those that are history


def resolve(connection: Connection, events: Sequence[Event]) -> Resolved:
    """Name each event's account, save new links, and take out what was parked under the persons that they link."""
    register = _looked_up(connection, events)
    waiting, held, past = list(events), set[str](), set[EventId]()
    arrived = [event for event in events if not register.settled(event)]
    while arrived:
        _hold(connection, register, held, arrived)
        register.read(arrived)
        people.save_links(connection, (register.links[person] for person in register.changed))
        arrived, of_past = event_store.unpark(connection, register.freed)
        past |= of_past
        register.changed, register.freed = set(), set()
        waiting += arrived
    resolved = _redirected(connection, [register.named(event) for event in waiting], register.renames)
    return replace(resolved, past=frozenset(past)) if past else resolved


def _looked_up(connection: Connection, events: Sequence[Event]) -> Register:
    """What is known of the persons of these events, unlocked."""
    links = people.links(connection, {each for event in events for each in ids_of(event)})
    elsewhere = {link.same_as for link in links.values() if link.same_as is not None} - links.keys()
    return Register(links=links | people.links(connection, elsewhere) if elsewhere else links)


def _hold(connection: Connection, register: Register, held: set[str], events: Iterable[Event]) -> None:
    """Lock the identity rows that these events may change, all ids of a person where ids are to be united."""
    wanted, uniting = {each for event in events for each in ids_of(event)}, set[str]()
    for event in events:
        uniting |= set(ids_of(event)) if previous_of(event) is not None else set()
    while True:
        roots = {register.known_as(each) for each in wanted}
        wanted |= roots
        if uniting:
            wanted |= people.same(connection, {register.known_as(each) for each in uniting})
        if wanted <= held:
            return
        people.lock_links(connection, wanted - held)
        held |= wanted
        register.add(people.links(connection, wanted))


def _redirected(connection: Connection, events: Sequence[Event], renames: Mapping[str, Mapping[str, str]]) -> Resolved:
    """Events of accounts that are others now go where their account went."""
    known = [event for event in events if event.account is not None]
    named = {event.account for event in known if event.account} | renames.keys()
    versions = accounts.known(connection, named)
    missing = named - versions.keys()  # an account that became another has no row any more
    gone = accounts.redirects(connection, missing) if missing else {}
    if gone:
        versions |= accounts.known(connection, gone.values())
        known = [replace(event, account=gone.get(event.account or "", event.account)) for event in known]
    names: dict[str, dict[str, str]] = {}
    for account, pairs in renames.items():
        names.setdefault(gone.get(account, account), {}).update(pairs)
    parked = tuple(event for event in events if event.account is None)
    return Resolved(known=tuple(known), parked=parked, renames=names, versions=versions)
