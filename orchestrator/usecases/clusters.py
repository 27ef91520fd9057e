"""Clusters: accounts that can have to do with one another are simulated together, and no others need be.

What a call may change for another account's, and so ties the two together:

* a **person**, under any of their ids: where calls go that name no account, and who is known as whom;
* a **mail address**: its caps, what it was told, whether it takes mail at all;
* a **parent**: nobody is told the same thing twice in a family;
* the **id of a call**: of two under one id, the one that arrives first counts.

Everything else in a simulation is of one account. Where in doubt two are tied: that costs time and changes nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from orchestrator.core.events import Event, EventKind
from orchestrator.core.facts import MOST_TEXT
from orchestrator.core.families import parentages
from orchestrator.core.identities import previous_of
from orchestrator.messaging.address import normalise
from orchestrator.messaging.errors import AddressError

ACCOUNT, PERSON, ADDRESS = "account", "person", "address"
Tie = tuple[str, str]  # of what sort, and which one


def ties(event: Event) -> Iterator[Tie]:
    """What an event shares with whatever it has to do with, but for its own id."""
    if event.account is not None:
        yield ACCOUNT, event.account
    yield from ((PERSON, each) for each in (event.person, previous_of(event)) if each is not None)
    yield from ((ACCOUNT, word.parent) for word in parentages([event]).values() if word.parent is not None)
    if event.kind is EventKind.IDENTIFY:
        yield from ((ADDRESS, each) for each in _addresses(event))


def _addresses(event: Event) -> Iterator[str]:
    """The address that an identify call says, whole and as long as is kept of it."""
    said = event.properties.get("email")
    for each in (said, said[:MOST_TEXT]) if isinstance(said, str) else ():
        try:
            yield normalise(each)
        except AddressError:
            continue


@dataclass(slots=True)
class Clusters:
    """What is tied together so far: numbers from 0, of which each cluster has one or, as it grows, several."""

    above: list[int] = field(default_factory=list)  # by number: another of its cluster, nearer to the one that stands
    tied: dict[Tie, int] = field(default_factory=dict)  # the number under which a tie was met first

    def of(self, shared: Iterable[Tie]) -> int:
        """A number of the cluster that these belong to, whose clusters are one from now on."""
        first, *others = shared
        if first not in self.tied:
            self.tied[first] = len(self.above)
            self.above.append(len(self.above))
        for each in others:
            self.unite(self.tied.setdefault(each, self.tied[first]), self.tied[first])
        return self.tied[first]

    def standing(self, number: int) -> int:
        """The least number of the cluster that a number is of: the one that stands for it."""
        while self.above[number] != number:
            self.above[number] = number = self.above[self.above[number]]
        return number

    def unite(self, number: int, other: int) -> None:
        """Two clusters are one from now on."""
        first, second = sorted((self.standing(number), self.standing(other)))
        self.above[second] = first

    def take_in(self, others: "Clusters") -> int:
        """Add clusters that were found elsewhere; what has to be added to their numbers."""
        shift = len(self.above)
        self.above += [number + shift for number in others.above]
        for tie, number in others.tied.items():
            self.unite(self.tied.setdefault(tie, number + shift), number + shift)
        return shift
