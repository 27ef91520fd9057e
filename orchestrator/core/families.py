"""Families: customers that belong to a customer, as a subsidiary to its group.

What is decided, and why. The systems of the field keep each account's own life and use the parent for looking at the
whole (Gainsight's and Totango's hierarchies roll figures up, Vitally's organizations hold accounts): so does this one.
An account's parent is what the last ``group`` call that speaks of it said in the trait ``parent``: the id of another
account, which need not be known yet; an empty one, null, its own id, or no text says that it has none.

* **Each has its own life**: facts, stage, health, plays, work and caps are of one account. Nothing is inherited.
* **Nobody is told the same thing twice.** Somebody who is at several accounts of a family gets a touch of the same play
  and the same episode once: the door asks what the address had from any of them (``MessageReason.REPEATED``). The
  episode says whether it is the same thing: a welcome is (once), this week's summary is, two silences are two.
  Transactional mail (``exempt``) is not held back.
* **What is added up is for reading**: who belongs to it, where each stands, what all of them are worth.
* **Circles are no family.** Nobody can refuse a call that closes one (it may arrive before the call that opens it), so
  they are followed once around and named where the family is shown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.core.account import Account
from orchestrator.core.events import Event, EventKind
from orchestrator.core.facts import Stamp
from orchestrator.core.figures import Figure

PARENT = "parent"  # the trait of a group call
WORTH = "arr"  # the trait that is added up, where the playbook knows it
LONGEST_ID = 255  # characters of an account's id
MOST_KIN = 200  # accounts of a family that are looked at
MOST_LEVELS = 20  # from the top of a family to its last member


@dataclass(frozen=True, slots=True, kw_only=True)
class Parentage:
    """What an account's last word on its parent was."""

    account: str
    parent: str | None  # None: it has none
    stamp: Stamp  # of the call that said so


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What the accounts of a family add up to."""

    accounts: int  # those that are known
    worth: Figure | None  # the sum of what each is worth; None: nobody says
    stages: Mapping[str, int]  # how many are in each
    colours: Mapping[str, int]  # of their health: how many; "unknown" among them


def parentages(events: Iterable[Event]) -> dict[str, Parentage]:
    """By account, the last word of these calls on its parent; nothing of accounts of which they do not speak."""
    said: dict[str, Parentage] = {}
    for event in events:
        if event.kind is EventKind.GROUP and PARENT in event.properties and event.account is not None:
            word = Parentage(account=event.account, parent=_parent(event, event.account), stamp=event.stamp)
            held = said.get(event.account)
            said[event.account] = word if held is None or word.stamp > held.stamp else held
    return said


def _parent(event: Event, account: str) -> str | None:
    raw = event.properties[PARENT]
    parent = str(raw).strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    return parent if parent and parent != account and len(parent) <= LONGEST_ID else None


def line(account: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    """An account's parent, that one's, and so on; where they turn in a circle, the account closes it once more."""
    found: list[str] = []
    while (parent := parents.get(found[-1] if found else account)) is not None and parent not in found:
        found.append(parent)
    return tuple(found)


def kin(account: str, parents: Mapping[str, str]) -> frozenset[str]:
    """All accounts of the family that an account belongs to, itself among them: whoever has the same top, or turns."""
    top = {account, *line(account, parents)}
    return frozenset({*top, *(each for each in parents if not top.isdisjoint(line(each, parents)))})


def whole(members: Iterable[Account]) -> Whole:
    """What these accounts add up to."""
    known = list(members)
    worths = [written.value for each in known if (written := each.facts.traits.get(WORTH)) is not None]
    numbers = [float(each) for each in worths if isinstance(each, int | float) and not isinstance(each, bool)]
    return Whole(
        accounts=len(known),
        worth=sum(numbers) if numbers else None,
        stages=dict(sorted(Counter(each.stage for each in known).items())),
        colours=dict(sorted(Counter(each.colour or "unknown" for each in known).items())),
    )
