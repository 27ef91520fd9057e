"""Who of an account's people a touch goes to: groups of them, and who stands in when nobody of a group is reachable.

A touch has one audience for all its channels. The groups of ``to`` are united; when nobody of them can be reached, the
groups of ``fallback`` are tried one after another (``spec/semantics.md``, "Channel unreachable": substitute a role).
Nobody gets a touch twice, and no address does: two persons who share one, however it is spelled, get one letter.

Only the people whom ``advance`` was given count. The store gives it the first fifty in line, and, where a playbook
names other groups, their holders and the newest, fifty each: for ``everyone`` that is the bound.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.core.people import Person, in_line, role_of

NEW_FOR = timedelta(days=14)  # before a touch was first decided, who is new to it (our choice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A part of an account's people."""

    name: str  # as a playbook says it
    role: str = ""  # as ``role_of`` spells it; empty: whatever their role
    several: bool = False  # each of them; False: the first in line
    new: bool = False  # only those who have come since the touch was last decided

    def of(self, crowd: Sequence[Person], since: datetime) -> list[Person]:
        """Its members among these, the first in line first; ``since`` is when the touch was last decided."""
        found = [person for person in crowd if self._has(person, since)]
        return found if self.several else found[:1]

    def _has(self, person: Person, since: datetime) -> bool:
        if self.new and (person.first_seen is None or person.first_seen <= since):
            return False
        return not self.role or person.role == self.role


ANYONE = Group(name="anyone")
GROUPS = {
    group.name: group
    for group in (
        ANYONE,
        Group(name="champion", role="champion"),
        Group(name="owner", role="owner"),
        Group(name="decision_maker", role="decision_maker"),
        Group(name="admins", role="admin", several=True),
        Group(name="everyone", several=True),
        Group(name="new_members", several=True, new=True),
    )
}  # the words that a playbook may use


def holders(role: str) -> Group:
    """Each who has a role that the product calls so, however it spells it."""
    return Group(name=f"role {role}", role=role_of(role), several=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who a touch goes to."""

    to: tuple[Group, ...] = (ANYONE,)  # all of these together
    fallback: tuple[Group, ...] = ()  # tried in this order when nobody of ``to`` is reachable

    def of(self, people: Iterable[Person], since: datetime, *, by_mail: bool) -> tuple[Person, ...]:
        """Whom the touch reaches: each once, each address once, the first in line first; empty when nobody."""
        crowd = in_line(person for person in people if person.reachable or not by_mail)
        for rung in (self.to, *((group,) for group in self.fallback)):
            wanted = {person.id for group in rung for person in group.of(crowd, since)}
            found = [person for person in crowd if person.id in wanted]
            if found:
                return tuple(_one_an_address(found) if by_mail else found)
        return ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """All that it names."""
        return (*self.to, *self.fallback)


def _one_an_address(found: Iterable[Person]) -> list[Person]:
    """The first in line of those who share an address, whatever its spelling in small and capital letters."""
    by_address: dict[str, Person] = {}
    for person in found:
        by_address.setdefault((person.email or "").strip().casefold(), person)
    return list(by_address.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a playbook asks of an account's people beyond who is first in line."""

    roles: frozenset[str] = frozenset()  # whose holders are written to
    new: bool = False  # whether the newest are
    substitutes: bool = False  # whether somebody, or a human's work, stands in for whoever takes no mail


def sought(audiences: Iterable[Audience]) -> Sought:
    """What these audiences ask together."""
    listed = tuple(audiences)
    groups = [group for audience in listed for group in audience.groups]
    return Sought(
        roles=frozenset(group.role for group in groups if group.role),
        new=any(group.new for group in groups),
        substitutes=any(audience.fallback for audience in listed),
    )
