"""Consent: what a person said of getting mail, as calls carry it, and which word of it counts.

Identify calls may say ``consent`` (``withdrawn`` or ``given``), ``consent_source`` (where it was said), ``consent_at``
(when) and ``consent_resubscribe`` (true: it is meant to lift an earlier withdrawal).

A withdrawal counts always. That consent was given is recorded, and lifts a withdrawal only if it says so, names its own
time, and that time is after the withdrawal: an import of an old list resubscribes nobody. It never lifts a bounce, a
complaint or an erasure. All of it is a function of the set of statements, so that their order of arrival does not
matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestrator.core.events import Event, EventKind, Json
from orchestrator.core.facts import MOST_TEXT, Stamp, instant
from orchestrator.core.people import Person

GIVEN, WITHDRAWN = "given", "withdrawn"  # the two words


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one call says of one address."""

    address: str  # as it was given
    person: str  # the person's id
    given: bool  # False: withdrawn
    at: datetime  # when it was said
    source: str  # where it was said; empty: not told
    resubscribes: bool  # whether it may lift an earlier withdrawal
    stamp: Stamp  # of the call


def statements(before: Person, after: Person, events: Iterable[Event]) -> list[Statement]:
    """What these calls say of a person's addresses; the person as they were known before and after them.

    What was said before an address was known is said again of a new address: a withdrawal must not be forgotten.
    """
    said = [_said(event, after.id, after.email or before.email) for event in events if event.kind is EventKind.IDENTIFY]
    kept = None if after.email == before.email else _kept(after)
    return [each for each in (*said, kept) if each is not None]


def unsubscribed_at(known: datetime | None, said: Iterable[Statement]) -> datetime | None:
    """Since when an address is unsubscribed, by all that was said of it and what unsubscribed it otherwise."""
    told = list(said)
    last = max([*(each.at for each in told if not each.given), *([] if known is None else [known])], default=None)
    lifted = any(each.resubscribes and last is not None and each.at > last for each in told)
    return None if lifted else last


def _said(event: Event, person: str, known: str | None) -> Statement | None:
    word, email = _text(event.properties.get("consent")), event.properties.get("email")
    address = email if isinstance(email, str) and "@" in email else known
    if word not in {GIVEN, WITHDRAWN} or address is None:
        return None
    at = instant(event.properties.get("consent_at"))
    return Statement(
        address=address,
        person=person,
        given=word == GIVEN,
        at=min(at or event.occurred_at, event.occurred_at),  # nobody speaks in the future
        source=_text(event.properties.get("consent_source")),
        resubscribes=event.properties.get("consent_resubscribe") is True and word == GIVEN and at is not None,
        stamp=event.stamp,
    )


def _kept(person: Person) -> Statement | None:
    written = person.traits.get("consent")
    if written is None or written.value not in {GIVEN, WITHDRAWN} or person.email is None:
        return None
    dated = person.traits.get("consent_at")  # of another call, it is the time of another word
    at = instant(person.trait("consent_at")) if dated is not None and dated.stamp == written.stamp else None
    return Statement(
        address=person.email,
        person=person.id,
        given=written.value == GIVEN,
        at=min(at or written.stamp[0], written.stamp[0]),
        source=person.trait("consent_source") or "",
        resubscribes=False,
        stamp=written.stamp,
    )


def _text(raw: Json) -> str:
    return raw[:MOST_TEXT] if isinstance(raw, str) else ""
