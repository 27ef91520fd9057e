"""People at an account, and contacts: normalised addresses across accounts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from orchestrator.core.events import Event, EventKind
from orchestrator.core.facts import MOST_TEXT, Written, last_written
from orchestrator.core.figures import Figure

CONSENT_TRAITS = ("consent", "consent_source", "consent_at")  # ours: what was said of getting mail, by whom, when
PERSON_TRAITS = (
    *("email", "name", "firstName", "lastName", "role", "timezone", "locale"),  # the Segment spec's names
    *CONSENT_TRAITS,
)
ROLES = ("champion", "owner", "admin")  # in the order in which they are written to


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone at an account."""

    id: str  # the product's id of the person
    traits: Mapping[str, Written] = field(default_factory=dict)  # of PERSON_TRAITS, last writer wins
    first_seen: datetime | None = None  # the first call that identified them
    barred: bool = False  # their address takes no mail any more; looked up where a play says who stands in

    def trait(self, name: str) -> str | None:
        """The text of one trait, None when never said or said to be nothing."""
        written = self.traits.get(name)
        return written.value if written is not None and isinstance(written.value, str) and written.value else None

    @property
    def email(self) -> str | None:
        """The address as it was given; None when there is none that could be one."""
        address = self.trait("email")
        return address if address is not None and "@" in address else None

    @property
    def name(self) -> str:
        """The full name, or empty."""
        parts = (self.trait("firstName"), self.trait("lastName"))
        return self.trait("name") or " ".join(part for part in parts if part)

    @property
    def first_name(self) -> str:
        """What to call them, or empty."""
        return self.trait("firstName") or next(iter((self.trait("name") or "").split()), "")

    @property
    def reachable(self) -> bool:
        """Whether mail can reach them, as far as is known."""
        return self.email is not None and not self.barred

    @property
    def role(self) -> str:
        """Their role as ``role_of`` spells it; empty when none was said."""
        return role_of(self.trait("role") or "")

    @property
    def rank(self) -> int:
        """Where their role stands in ROLES; those without one come last."""
        return ROLES.index(self.role) if self.role in ROLES else len(ROLES)


@lru_cache(maxsize=1024)  # a few words, asked of everyone
def role_of(written: str) -> str:
    """A role in its one spelling: small letters, words joined by _ (``Decision-Maker`` is ``decision_maker``)."""
    return "_".join(written.lower().replace("-", " ").replace("_", " ").split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A normalised address, across accounts, and what may still be sent to it."""

    address: str  # normalised
    suppressed: str | None = None  # "bounce" or "complaint"
    unsubscribed_at: datetime | None = None
    erased_at: datetime | None = None
    sends: tuple[datetime, ...] = ()  # hand-overs that count against the cap, oldest first
    had: frozenset[tuple[str, str]] = frozenset()  # (play, episode): had from the account's kin


def learn(person: Person, events: Iterable[Event]) -> Person:
    """The person with what these IDENTIFY events say of them; a function of the set of events, as facts are.

    Other kinds say nothing of a person: the crowd's every click must not write the crowd's rows.
    """
    traits, first = dict(person.traits), person.first_seen
    for event in events:
        if event.kind is EventKind.IDENTIFY:
            first = event.occurred_at if first is None else min(first, event.occurred_at)
            traits = last_written(traits, _said(event))
    return Person(id=person.id, traits=traits, first_seen=first)


def one_person(left: Person, right: Person) -> Person:
    """Two that were known apart and are the same: each trait as it was said last, seen since the earlier; left's id."""
    seen = [each.first_seen for each in (left, right) if each.first_seen is not None]
    return replace(left, traits=last_written(left.traits, right.traits), first_seen=min(seen, default=None))


def _said(event: Event) -> dict[str, Written]:
    return {
        name: Written(value=value[:MOST_TEXT] if isinstance(value, str) else None, stamp=event.stamp)
        for name in PERSON_TRAITS
        if (value := event.properties.get(name, event)) is not event
    }


def recipient(people: Iterable[Person]) -> Person | None:
    """Who is written to: the champion, else owner, admin, then whoever came first; None when nobody has an address."""
    reachable = [person for person in people if person.email is not None]
    return reachable[0] if len(reachable) == 1 else min(reachable, key=_turn, default=None)


def in_line(people: Iterable[Person]) -> list[Person]:
    """These people in the order in which they are written to."""
    return sorted(people, key=_turn)


def _turn(person: Person) -> tuple[int, bool, Figure, str]:
    seen = person.first_seen
    return (person.rank, seen is None, seen.timestamp() if seen else 0.0, person.id)
