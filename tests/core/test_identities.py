"""Who is who, and where they belong: a function of the set of calls, however they arrive."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.account import Recent, known_as, renamed
from orchestrator.core.events import Event, EventKind
from orchestrator.core.facts import MeasureRule, ScoreRule, Vocabulary, Written, fold
from orchestrator.core.identities import MOST_ACCOUNTS, MOST_IDS, Link, Register, ids_of, previous_of
from orchestrator.core.lifecycle import opened
from orchestrator.core.people import one_person
from tests.core.playbooks import PLAYBOOK
from tests.core.strategies import START, event, person

HOUR = timedelta(hours=1)
IDS = ("a", "b", "c", "d", "e")


def alias(previous: str, user: str, hours: float = 0, account: str | None = None) -> Event:
    """Somebody says that the two are one."""
    said = {"previous_id": previous}
    return event("alias", START + hours * HOUR, kind=EventKind.ALIAS, person=user, account=account, properties=said)


def identify(anonymous: str | None, user: str, hours: float = 0, account: str | None = None) -> Event:
    """The user of a device signs in."""
    said = {} if anonymous is None else {"previous_id": anonymous}
    at = START + hours * HOUR
    return event("identify", at, kind=EventKind.IDENTIFY, person=user, account=account, properties=said)


def track(user: str, account: str | None, hours: float = 0, kind: EventKind = EventKind.TRACK) -> Event:
    """Somebody does something at an account, or says that they belong to it (group)."""
    return event("login", START + hours * HOUR, kind=kind, person=user, account=account)


def register(*batches: Sequence[Event]) -> Register:
    """What is known after these batches, each read as the store does: only calls that are not settled."""
    known = Register()
    for batch in batches:
        known.read([each for each in batch if not known.settled(each)])
    return known


def told(known: Register) -> tuple[dict[str, str], dict[str, object]]:
    """Who everybody is known as, and where those belong."""
    names = {each: known.known_as(each) for each in sorted(known.links)}
    places = {name: known.links[name] for name in sorted({*names.values()})}
    return names, {name: (link.account_id, link.stamp, link.others) for name, link in places.items()}


# Anonymous ids are claimed by one user each, as devices of one person: x1 and x2 are b's, x3 is d's.
CALLS = st.one_of(
    st.builds(alias, st.sampled_from(IDS), st.sampled_from(IDS), st.integers(0, 5)),
    st.sampled_from([("x1", "b"), ("x2", "b"), ("x3", "d")]).flatmap(
        lambda pair: st.builds(
            identify, st.just(pair[0]), st.just(pair[1]), st.integers(0, 5), st.sampled_from([None, "here", "there"])
        )
    ),
    st.builds(
        track,
        st.sampled_from([*IDS, "x1", "x3"]),
        st.sampled_from([None, "here", "there", "yonder"]),
        st.integers(0, 5),
        st.sampled_from([EventKind.TRACK, EventKind.GROUP]),
    ),
)


@given(st.lists(CALLS, max_size=12), st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_of_arrival_does_not_matter(calls: list[Event], chance: Random, parts: int) -> None:
    """Any permutation, any split into batches: the same persons under the same ids, at the same accounts."""
    shuffled = list(calls)
    chance.shuffle(shuffled)
    batches = [shuffled[number::parts] for number in range(parts)]
    assert told(register(*batches)) == told(register(calls))


@given(st.lists(CALLS, max_size=12))
def test_what_was_read_is_settled(calls: list[Event]) -> None:
    """A call that was read says nothing new the next time, once its account is known."""
    known = register(calls)
    for each in calls:
        if known.account_of(each) is not None:
            assert known.settled(each)


@given(st.lists(CALLS, max_size=12), st.randoms(use_true_random=False))
def test_renames_lead_to_whom_everybody_is_known_as(calls: list[Event], chance: Random) -> None:
    """Whatever name an account has kept of somebody, the renames of each batch lead on to the one of today."""
    chance.shuffle(calls)
    known, kept = Register(), dict[str, set[str]]()
    for each in calls:
        batch = Register(links=dict(known.links))
        batch.read([] if known.settled(each) else [each])
        for account, names in batch.renames.items():
            kept[account] = {names.get(one, one) for one in kept.get(account, set())}
        if each.account is not None and each.person is not None:
            kept.setdefault(each.account, set()).add(batch.known_as(each.person))
        known = Register(links=batch.links)
    for people in kept.values():
        assert people == {known.known_as(one) for one in people}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_chains_end_in_the_last(order: tuple[int, int, int]) -> None:
    """The first is the second, that is the third, and so on: all are known as the last."""
    calls = [alias("a", "b", 1), alias("b", "c", 2), alias("c", "d", 3)]
    known = register(*([calls[place]] for place in order))
    assert {known.known_as(each) for each in "abcd"} == {"d"}


@pytest.mark.parametrize("turned", [False, True])
def test_circles_are_one_person(turned: bool) -> None:
    """Two that are each other: one person, known as the first of both, whichever was said last."""
    calls = [alias("b", "a", 1), alias("a", "b", 2)]
    known = register(*([call] for call in (reversed(calls) if turned else calls)))
    assert (known.known_as("a"), known.known_as("b")) == ("a", "a")


def test_a_device_is_its_first_users() -> None:
    """A second user of the same device is somebody else; the device's calls stay with the first."""
    known = register([identify("device", "ann", 1, "here")], [identify("device", "bob", 2, "there")])
    assert (known.known_as("device"), known.known_as("bob")) == ("ann", "bob")
    assert known.account_of(track("device", None)) == "here"


def test_alias_unites_whom_a_device_did_not() -> None:
    """Somebody's word that two users are one counts, also where one of them has the device."""
    known = register([identify("device", "ann", 1)], [alias("device", "bob", 2)])
    assert {known.known_as(each) for each in ("device", "ann", "bob")} == {"ann"}


@pytest.mark.parametrize("nobody", ["anonymous", "NULL", "[object Object]", "0"])
def test_what_is_no_id_unites_nobody(nobody: str) -> None:
    """What clients send when they know no id is nobody's."""
    assert previous_of(alias(nobody, "ann")) is None
    assert previous_of(alias("ann", nobody)) is None
    assert ids_of(identify(nobody, "ann")) == ("ann",)


@pytest.mark.parametrize(
    "call",
    [alias("ann", "ann"), track("ann", None), replace(alias("x", "ann"), person=None), identify(None, "ann")],
    ids=["the same id", "no such call", "nobody", "one id only"],
)
def test_a_call_that_gives_nothing_up(call: Event) -> None:
    """The same id twice, another kind of call, nobody, or one id only: no two ids are tied."""
    assert previous_of(call) is None


def test_nobody_has_ids_without_end() -> None:
    """An id that a client gives everybody unites no more than MOST_IDS."""
    known = register(*([alias(f"u{number:03}", "hub")] for number in range(MOST_IDS + 5)))
    assert sum(known.known_as(each) == "hub" for each in known.links) == MOST_IDS


def test_a_machine_is_at_no_more_than_so_many_accounts() -> None:
    """Who is named at hundreds of accounts is not followed beyond MOST_ACCOUNTS, and is settled then."""
    known = register([track("robot", f"account-{number:03}", number) for number in range(MOST_ACCOUNTS + 9)])
    place = known.place("robot")
    assert place is not None
    assert len(place.others) == MOST_ACCOUNTS
    assert known.settled(track("robot", "account-999", 99))


def test_what_waits_is_freed_once_there_is_somewhere_to_go() -> None:
    """The first account of a person frees what waits; a later one does not."""
    known = register([track("ann", None)])
    assert known.freed == set()
    known.read([track("ann", "here", 1)])
    assert known.freed == {"ann"}
    known.freed.clear()
    known.read([track("ann", "there", 2, EventKind.GROUP)])
    assert known.freed == set()


def test_a_call_of_nobody_is_its_accounts() -> None:
    """A call without a person goes where it says, and is settled."""
    call = track("", "here")
    assert register([replace(call, person=None)]).links == {}
    assert Register().account_of(replace(call, person=None)) == "here"


def test_accounts_keep_whom_they_knew_under_the_name_of_today() -> None:
    """Distinct people, answers and what was said to whom: nobody is counted, or remembered, twice."""
    words = Vocabulary(
        events=frozenset({"login", "answered"}),
        aliases={"login": "login", "answered": "answered"},
        traits={},
        scores={"nps": ScoreRule(event="answered", property="score", lowest=0, highest=10)},
        measures={
            "users": MeasureRule(event="login", property=None, distinct=True),
            "features": MeasureRule(event="login", property="feature", distinct=True),
        },
    )
    said = [
        event("login", person="anon", properties={"feature": "anon"}),
        event("login", person="ann"),
        event("login", person="bob"),
        event("answered", START + HOUR, person="anon", properties={"score": 9}),
        event("answered", START, person="ann", properties={"score": 3}),
        event("answered", START, person="bob", properties={"score": 5}),
    ]
    account = opened("a", START, PLAYBOOK)
    recent = (Recent(at=START, person="anon", play="hello", episode="once"),)
    after = known_as(replace(account, facts=fold(account.facts, said, words), recent=recent), {"anon": "ann"}, words)
    assert after.facts.values == {"users": {"ann", "bob"}, "features": {"anon"}}
    assert {who: answer.value for who, answer in after.facts.scores["nps"].items()} == {"ann": 9, "bob": 5}
    assert [each.person for each in after.recent] == ["ann"]
    assert (after.wake_at, after.basis) == (None, "")


def test_one_person_has_the_last_word_of_both_and_was_seen_first() -> None:
    """Traits by who wrote last, seen since the earlier; nobody who was never seen is seen."""
    old, new = person("old", name="Ann"), person("new", name="Ann Okafor")
    later = {"name": Written(value="Ann O.", stamp=(START + HOUR, "segment", "m"))}
    both = one_person(new, replace(old, traits={**old.traits, **later}, first_seen=START - HOUR))
    assert (both.id, both.name, both.first_seen) == ("new", "Ann O.", START - HOUR)
    assert one_person(replace(new, first_seen=None), replace(old, first_seen=None)).first_seen is None


def test_a_later_word_on_where_somebody_belongs_is_news() -> None:
    """A later linking call moves the link; an earlier one, and a call that only names the account, do not."""
    known = Register()
    known.add(register([track("ann", "here", 2, EventKind.GROUP)]).links)
    assert not known.settled(track("ann", "here", 3, EventKind.GROUP))
    assert known.settled(track("ann", "here", 1, EventKind.GROUP))
    assert known.settled(track("ann", "here", 9))


def test_before_any_word_the_first_call_says_where() -> None:
    """Of calls that only name their account the earliest counts, whenever it arrives."""
    known = register([track("ann", "here", 2)], [track("ann", "there", 3)])
    assert known.account_of(track("ann", None)) == "here"
    assert not known.settled(track("ann", "there", 1))
    known.read([track("ann", "there", 1)])
    assert known.account_of(track("ann", None)) == "there"


def test_a_call_is_named_after_whom_it_is_of() -> None:
    """A call gets its account and its person's name of today; one that has both, or is of nobody, stays as it is."""
    known = register([alias("device", "ann"), track("ann", "here")])
    named = known.named(track("device", None))
    assert (named.account, named.person) == ("here", "ann")
    for same in (track("ann", "here"), replace(track("", "here"), person=None)):
        assert known.named(same) is same


def test_a_link_names_its_accounts() -> None:
    """All accounts of a person: where calls go, and the others; none of somebody new."""
    assert Link(person_id="ann").accounts == frozenset()
    assert Link(person_id="ann", account_id="here", others=frozenset({"there"})).accounts == {"here", "there"}


def test_an_account_under_another_id_is_the_same() -> None:
    """All that was decided stands; only when it is looked at next is derived afresh."""
    account = replace(opened("old", START, PLAYBOOK), wake_at=START, basis="v1")
    assert renamed(account, "new") == replace(account, id="new", wake_at=None, basis="")
