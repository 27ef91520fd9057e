"""Identities: which ids are one person, and whose account the person's calls are when they name none.

The rules, in the order in which they are asked:

* **Two ids are one person** when a call says so: ``alias`` (previousId is userId), or ``identify`` with both ids
  (anonymousId is userId). Whoever is said to be the same as somebody is the same as all whom that somebody is the same
  as: chains and circles end in one person, whatever the order of the calls. A person is *known as* one of the ids: one
  that was never given up for another, and of several the first in the order of the text.
* **A device is not a person.** An anonymous id is the first user's whom ``identify`` gives it to; another user of the
  same device is somebody else (as in PostHog). That is the one thing in which arrival has a say: within a batch the
  first by time, else the first that was heard. ``alias`` is somebody's word that two are one, and always unites.
* **What is no id unites nobody** (NOBODY: what clients send when they know no id), and nobody has more than MOST_IDS.
* **The account** of a person's calls that name none is the one that the last ``group`` or ``identify`` named, by
  (occurred_at, source, message_id). Where there was none, it is the first that any of the person's calls named. What
  holds for one id of a person holds for all.
* At every account that a person's calls named, up to MOST_ACCOUNTS, the person is one person.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from orchestrator.core.events import Event, EventKind
from orchestrator.core.facts import Stamp

MOST_IDS = 100  # of one person; more are no person's: some client sends the same id for everybody
MOST_ACCOUNTS = 50  # of one person, beside the last; who is at more is a machine
NOBODY = frozenset(
    {
        *("", "0", "-1", "null", "undefined", "none", "nil", "nan", "true", "false", "unknown", "anonymous", "guest"),
        *("anonymous_id", "anonymousid", "user_id", "userid", "distinct_id", "distinctid", "id", "email", "[]", "{}"),
        *("[object object]", "not_authenticated", "00000000-0000-0000-0000-000000000000"),
    }
)  # in small letters; after PostHog's list of ids that merge nobody, and what was seen in recorded calls

_EARLIER = timedelta(days=365_250)  # a thousand years: what no linking call said is older than any linking call
_GROUP, _IDENTIFY, _ALIAS = EventKind.GROUP, EventKind.IDENTIFY, EventKind.ALIAS  # looked up once: asked of each call
_WEAK_UNTIL = datetime(1971, 1, 1, tzinfo=UTC)  # stamps before this are of calls that only named an account


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One id of a person, and, of the id that the person is known as, which account the person's calls go to."""

    person_id: str
    account_id: str | None = None  # where calls go that name none; None: not known yet
    stamp: Stamp | None = None  # of the call that said so; that of a call that only named its account is ``weak``
    same_as: str | None = None  # the id that the person is known as; None: this one
    claimed_by: str | None = None  # the first user whom ``identify`` gave this anonymous id
    previous: bool = False  # whether a call has given this id up for another
    others: frozenset[str] = frozenset()  # the further accounts that the person's calls named

    @property
    def known_as(self) -> str:
        """The id that the person is known as."""
        return self.same_as or self.person_id

    @property
    def accounts(self) -> frozenset[str]:
        """All accounts that the person's calls named."""
        return self.others if self.account_id is None else self.others | {self.account_id}


def previous_of(event: Event) -> str | None:
    """The other id that a call gives its person; None when it gives none, or none that is anybody's own."""
    if event.kind is not _IDENTIFY and event.kind is not _ALIAS:
        return None
    previous, person = event.properties.get("previous_id"), event.person
    if not isinstance(previous, str) or person is None or previous == person:
        return None
    return None if previous.casefold() in NOBODY or person.casefold() in NOBODY else previous


def ids_of(event: Event) -> tuple[str, ...]:
    """The ids that a call names, the acting person's first."""
    return tuple(each for each in (event.person, previous_of(event)) if each)


def says_where(event: Event) -> bool:
    """Whether a call says whom a person belongs to; others say it only of those of whom nobody has."""
    return (event.kind is _GROUP or event.kind is _IDENTIFY) and event.account is not None


def weak(stamp: Stamp) -> Stamp:
    """The stamp of a call that only names an account: older than that of any linking call."""
    return (stamp[0] - _EARLIER, *stamp[1:])


def prevails(stamp: Stamp, held: Stamp | None) -> bool:
    """Whether a stamp goes before the one that is held: the last linking call, else the first call at all."""
    if held is None:
        return True
    return stamp < held if stamp[0] < _WEAK_UNTIL and held[0] < _WEAK_UNTIL else stamp > held


def united(members: Collection[Link]) -> list[Link]:
    """These ids as those of one person: a function of the set, so that the order of uniting does not matter."""
    root = min(members, key=lambda link: (link.previous, link.person_id))
    best = root
    for link in members:
        if link.stamp is not None and prevails(link.stamp, best.stamp):
            best = link
    others = frozenset().union(*(link.accounts for link in members)) - {best.account_id or ""}
    whole = replace(root, account_id=best.account_id, stamp=best.stamp, same_as=None, others=_few(others))
    return [whole, *(replace(link, same_as=root.person_id) for link in members if link is not root)]


def _few(accounts: Iterable[str]) -> frozenset[str]:
    return frozenset(sorted(accounts)[:MOST_ACCOUNTS])


@dataclass(slots=True)
class Register:
    """The identities that some calls concern, while the calls are read: mutable, and of one transaction only."""

    links: dict[str, Link] = field(default_factory=dict)  # by id
    changed: set[str] = field(default_factory=set)  # ids whose link is another now
    freed: set[str] = field(default_factory=set)  # ids under which calls may wait that have somewhere to go now
    renames: dict[str, dict[str, str]] = field(default_factory=dict)  # account -> given-up id -> what it is known as
    _groups: dict[str, set[str]] | None = None  # known as -> all ids of the person; None: to be counted

    def add(self, links: dict[str, Link]) -> None:
        """Take in links as they are kept."""
        self.links.update(links)
        self._groups = None

    def known_as(self, person: str) -> str:
        """The id that a person is known as."""
        link = self.links.get(person)
        return person if link is None else link.known_as

    def place(self, person: str) -> Link | None:
        """The link that holds for a person, under whatever id; None when nothing is known of it."""
        link = self.links.get(person)
        return link if link is None or link.same_as is None else self.links[link.same_as]

    def account_of(self, event: Event) -> str | None:
        """The account of a call: the one that it names, else its person's; None when that is not known."""
        if event.account is not None or event.person is None:
            return event.account
        place = self.place(event.person)
        return None if place is None else place.account_id

    def named(self, event: Event) -> Event:
        """The call with its account, as far as it is known, and its person as they are known."""
        if event.person is None:
            return event
        account, person = self.account_of(event), self.known_as(event.person)
        if account == event.account and person == event.person:
            return event
        return replace(event, account=account, person=person)

    def settled(self, event: Event) -> bool:
        """Whether a call can change nothing that is known of its person, and its account is known.

        What one call leaves settled no other call unsettles.
        """
        if event.person is None:
            return True
        place = self.links.get(event.person)
        if place is not None and place.same_as is not None:
            place = self.links[place.same_as]
        if place is None or place.stamp is None or self._is_news(event, place, place.stamp):
            return False
        previous = previous_of(event)
        return previous is None or self._tied(event, previous)

    def _is_news(self, event: Event, place: Link, held: Stamp) -> bool:
        """Whether what a call says of the person's account is not known yet; asked of each call, so instants first."""
        account = event.account
        if account is None:
            return False
        if account != place.account_id and account not in place.others and len(place.others) < MOST_ACCOUNTS:
            return True
        if event.kind is _GROUP or event.kind is _IDENTIFY:
            return event.occurred_at >= held[0] and event.stamp > held
        if held[0] >= _WEAK_UNTIL:
            return False
        return event.occurred_at - _EARLIER <= held[0] and weak(event.stamp) < held

    def _tied(self, event: Event, previous: str) -> bool:
        link = self.links.get(previous)
        if link is None:
            return False
        if event.kind is _IDENTIFY:
            return link.claimed_by is not None
        return link.previous and link.known_as == self.known_as(event.person or "")

    def read(self, events: Iterable[Event]) -> None:
        """Take in what calls say of persons: first who is who, then where they belong."""
        ordered = sorted(events, key=lambda event: event.stamp)
        for event in ordered:
            self._tie(event)
        for event in ordered:
            self._learn(event)

    # -- who is who --------------------------------------------------------------------------------------------------

    def _tie(self, event: Event) -> None:
        previous, person = previous_of(event), event.person
        if previous is None or person is None or self._tied(event, previous):
            return
        for each in (previous, person):
            self.links.setdefault(each, Link(person_id=each))
        roots = {self.known_as(previous), self.known_as(person)}
        groups = self._grouped()
        ids = set().union(*(groups.setdefault(root, {root}) for root in roots))
        if len(ids) <= MOST_IDS:
            given_up = self.links[previous]
            claim = person if event.kind is _IDENTIFY else given_up.claimed_by
            self._put(replace(given_up, previous=True, claimed_by=claim))
            self._unite(roots, ids, groups)

    def _grouped(self) -> dict[str, set[str]]:
        if self._groups is None:
            self._groups = {}
            for link in self.links.values():
                self._groups.setdefault(link.known_as, set()).add(link.person_id)
        return self._groups

    def _unite(self, roots: set[str], ids: set[str], groups: dict[str, set[str]]) -> None:
        accounts = {root: self.links[root].accounts for root in roots}
        whole, *rest = united([self.links[each] for each in sorted(ids)])
        for link in (whole, *rest):
            self._put(link)
        for root in roots - {whole.person_id}:
            self._rename(accounts[root], root, whole.person_id)
            del groups[root]
        groups[whole.person_id] = ids
        self.freed |= {*roots, whole.person_id}

    def _rename(self, accounts: Iterable[str], old: str, new: str) -> None:
        for account in accounts:
            names = self.renames.setdefault(account, {})
            names |= {each: new for each, now in names.items() if now == old} | {old: new}
            names.pop(new, None)

    def _put(self, link: Link) -> None:
        if self.links.get(link.person_id) != link:
            self.links[link.person_id] = link
            self.changed.add(link.person_id)

    # -- where they belong -------------------------------------------------------------------------------------------

    def _learn(self, event: Event) -> None:
        """Take in the account that a call names; what waits under the person has somewhere to go then."""
        if event.person is None or event.account is None:
            return
        before = self.place(event.person) or Link(person_id=event.person)
        stamp = event.stamp if says_where(event) else weak(event.stamp)
        if prevails(stamp, before.stamp):
            others = _few(before.accounts - {event.account})
            self._put(replace(before, account_id=event.account, stamp=stamp, others=others))
        elif event.account not in before.accounts:
            self._put(replace(before, others=_few({*before.others, event.account})))
        if before.stamp is None:
            self.freed.add(before.person_id)
