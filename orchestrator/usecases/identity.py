"""Whose account is an event's: named by the call, else by the person's link, else the event is parked under its person.

Why no parked event is forgotten: before an event is parked, and before a person is linked, the person's identity row
is locked (in the order of persons). So of two transactions, one that parks and one that links, the second sees what the
first did: either the link, or the parked event. All of it happens before any account is locked, everywhere alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from orchestrator.core.events import Event, EventKind
from orchestrator.store import accounts, people
from orchestrator.store import events as event_store
from orchestrator.store.people import Link

_WEAK = datetime(1970, 1, 1, tzinfo=UTC)  # older than any linking call


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Events by what is known of their account."""

    known: tuple[Event, ...]  # each names its account; those that were parked until now among them
    parked: tuple[Event, ...]  # each names a person whose account nobody has named yet


def resolve(connection: Connection, events: Sequence[Event]) -> Resolved:
    """Name each event's account, save new links, and take out what was parked under the persons that they link."""
    links = _locked_links(connection, events)
    waiting, arrived = list(events), list(events)
    while arrived:
        fresh = _learn(links, arrived)
        people.save_links(connection, (links[person] for person in fresh))
        arrived = event_store.unpark(connection, fresh)
        links |= _locked_links(connection, [event for event in arrived if not links.keys() >= {*_persons(event)}])
        waiting += arrived
    known = [event for event in (_named(event, links) for event in waiting) if event.account is not None]
    parked = [event for event in waiting if _account_of(event, links) is None]
    return Resolved(known=_redirected(connection, known), parked=tuple(parked))


def _locked_links(connection: Connection, events: Sequence[Event]) -> dict[str, Link]:
    """The links of all persons named, those that may change under our lock."""
    persons = {person for event in events for person in _persons(event)}
    links = people.links(connection, persons)
    unsettled = {person for event in events for person in _persons(event) if not _settled(event, links.get(person))}
    people.lock_links(connection, unsettled)
    return {**links, **people.links(connection, unsettled)} if unsettled else links


def _persons(event: Event) -> tuple[str, ...]:
    previous = event.properties.get("previous_id") if event.kind is EventKind.ALIAS else None
    named = (event.person, previous if isinstance(previous, str) else None)
    return tuple(person for person in named if person)


def _settled(event: Event, link: Link | None) -> bool:
    """Whether this event can change nothing of this link, so that it need not be locked."""
    if link is None or link.account_id is None or link.stamp is None:
        return False
    return not _links(event) or link.stamp >= event.stamp


def _links(event: Event) -> bool:
    """Whether a call says whom a person belongs to; others link only those who were not linked yet."""
    return event.account is not None and event.kind in {EventKind.GROUP, EventKind.IDENTIFY}


def _learn(links: dict[str, Link], events: Iterable[Event]) -> list[str]:
    """Take in the links that these events make; the persons whose link is new or another now.

    The last linking call by (occurred_at, source, message_id) wins, so that the order of arrival does not matter; a
    link that only follows from some other call gives way to any linking call.
    """
    fresh = set()
    for event in sorted(events, key=lambda event: event.stamp):
        account = _account_of(event, links)
        for person in _persons(event) if account is not None else ():
            before = links.get(person)
            stamp = event.stamp if _links(event) else (_WEAK, event.source, event.message_id)
            if before is None or before.stamp is None or (_links(event) and stamp > before.stamp):
                links[person] = Link(person_id=person, account_id=account, stamp=stamp)
                fresh.add(person)
    return sorted(fresh)


def _account_of(event: Event, links: Mapping[str, Link]) -> str | None:
    if event.account is not None:
        return event.account
    link = links.get(event.person or "")
    return link.account_id if link else None


def _named(event: Event, links: Mapping[str, Link]) -> Event:
    return event if event.account is not None else replace(event, account=_account_of(event, links))


def _redirected(connection: Connection, events: Sequence[Event]) -> tuple[Event, ...]:
    """Events of merged accounts go where their account went."""
    gone = accounts.redirects(connection, {event.account for event in events if event.account})
    if not gone:
        return tuple(events)
    return tuple(replace(event, account=gone.get(event.account or "", event.account)) for event in events)
