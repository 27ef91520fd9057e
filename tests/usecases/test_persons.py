"""One person under several ids, and at several accounts: counted once, known whole, told once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest

from orchestrator.core.events import Json
from orchestrator.intake.entries import Entry, Told, decode
from orchestrator.usecases.deliver import deliver
from orchestrator.usecases.drain import drain, take_in
from orchestrator.usecases.simulate import Arrival, simulate
from tests.usecases.company import DAY, HOUR, MONDAY, Company
from tests.usecases.playbooks import HELLO, tiny
from tests.usecases.world import World, another, begun, holding

PEOPLE = tiny(HELLO).replace(
    "    tickets: {sum: tickets, of: login}\n",
    "    tickets: {sum: tickets, of: login}\n    users: {people: login}\n",
)
TO_ALL = """\
  hello:
    day: 0
    email: day_0_welcome
    to: everyone
    valid_for: 2d
"""
TO_NEW = """\
  hello:
    every: week until day 60
    email: day_7_feature
    to: new_members
    valid_for: 6d
"""


@pytest.fixture
def people(bare: World) -> World:
    """An installation that counts who has logged in."""
    bare.publish(PEOPLE)
    return bare


def called(call: bytes) -> Told:
    """A call as a drain has read it."""
    entry = decode("lifecycle:events:0", "1-1", {b"call": call}, now=MONDAY)
    assert isinstance(entry, Entry)
    return Told(entry=entry, parsed=entry.parse())


def users(world: World, account: str = "acme") -> list[str]:
    """Who is counted at an account."""
    return sorted(world.facts(account)["values"].get("users", []))


def identify(company: Company, anonymous: str, hours: float = 0, **fields: Json) -> bytes:
    """The call that a browser sends when its user signs in: both ids."""
    said: dict[str, Json] = {"type": "identify", "anonymousId": anonymous, "traits": {"email": company.email}}
    said |= fields
    return company.call(MONDAY + hours * HOUR, **said)


def anonymous(company: Company, device: str, hours: float = 0, **fields: Json) -> bytes:
    """A call of a device whose user has not signed in, at the account."""
    said: dict[str, Json] = {"userId": None, "anonymousId": device, "event": "Logged In"} | fields
    return company.call(MONDAY + hours * HOUR, **said)


@pytest.mark.parametrize("tie", ["identify", "alias"])
def test_before_and_after_signing_in_somebody_is_one_person(people: World, tie: str) -> None:
    """What a device did at the account before its user was known, and does after, is the user's: counted once."""
    ann = Company()
    ties = {"identify": identify(ann, "device"), "alias": ann.alias("device")}
    people.drain(anonymous(ann, "device", -1), ann.track("Logged In", MONDAY - HOUR))
    assert users(people) == ["ann", "device"]
    people.drain(ties[tie])
    assert users(people) == ["ann"]
    people.drain(anonymous(ann, "device", 1), anonymous(ann, "device", 2, context=None))
    assert (users(people), people.count_of("login")) == (["ann"], 4)


def test_facts_do_not_depend_on_when_the_tie_is_heard(people: World) -> None:
    """Five calls, each in a batch of its own, in many orders: the same people, the same counts, nothing left behind."""
    lives = []
    for number, order in enumerate(list(permutations(range(5)))[::5]):
        ann = Company(f"acme-{number}", f"ann-{number}")
        device, tablet = f"device-{number}", f"tablet-{number}"
        calls = [
            anonymous(ann, device, 1),
            identify(ann, device, 2),
            ann.lone("Logged In", MONDAY + 3 * HOUR),
            ann.call(MONDAY + 4 * HOUR, type="alias", previousId=tablet, context=None),
            anonymous(ann, tablet, 5, context=None),
        ]
        lives.append([calls[place] for place in order])
    for batch in zip(*lives, strict=True):
        people.drain(*batch)
    for number in range(len(lives)):
        assert users(people, f"acme-{number}") == [f"ann-{number}"]
        assert people.count_of("login", f"acme-{number}") == 3
    assert people.one("SELECT count(*) FROM parked_events") == 0


def test_traits_of_both_ids_are_one_persons(people: World) -> None:
    """Each trait as it was said last, under whichever id; the row of the given-up id is no more."""
    ann = Company()
    first = ann.call(
        MONDAY, type="identify", userId=None, anonymousId="device", traits={"name": "Ann", "role": "champion"}
    )
    people.drain(first, ann.identify(MONDAY + HOUR, name="Ann Okafor"))
    people.drain(ann.alias("device"))
    rows = people.rows("SELECT person_id, traits -> 'name' ->> 0 AS name, rank FROM persons")
    assert [tuple(row.values()) for row in rows] == [("ann", "Ann Okafor", 0)]


def test_a_device_of_two_users_does_not_make_them_one(people: World) -> None:
    """The second user of a device is somebody else."""
    ann, bob = Company(), Company("acme", "bob")
    people.drain(identify(ann, "device"), identify(bob, "device", 1))
    people.drain(ann.track("Logged In"), bob.track("Logged In"), anonymous(ann, "device", 2))
    assert users(people) == ["ann", "bob"]


def test_two_who_are_one_at_two_accounts(people: World) -> None:
    """Both were linked, to different accounts, before anybody said that they are one: one person at both accounts."""
    here, there = Company("here", "ann"), Company("there", "ann@home")
    people.drain(here.group(), here.track("Logged In"), there.group(MONDAY + HOUR), there.track("Logged In"))
    people.drain(here.alias("ann@home"))
    assert (users(people, "here"), users(people, "there")) == (["ann"], ["ann"])
    people.drain(there.lone("Logged In", MONDAY + 2 * HOUR), here.lone("Logged In", MONDAY + 2 * HOUR))
    assert (people.count_of("login", "there"), people.count_of("login", "here")) == (3, 1)


def test_who_got_another_id_is_no_new_member(bare: World) -> None:
    """Somebody was written to as a new member; that their id changes later makes them no newer."""
    bare.publish(tiny(TO_NEW))
    ann = Company("acme", "a-1")
    bare.drain(*ann.sign_up())
    bare.through(MONDAY, MONDAY + 9 * DAY, DAY / 2)
    sent = len(bare.relay.taken)
    assert sent == 1
    now = Company("acme", "a-2")
    bare.drain(now.identify(MONDAY + 9 * DAY, email=ann.email), now.alias("a-1", MONDAY + 9 * DAY))
    bare.through(MONDAY + 9 * DAY, MONDAY + 20 * DAY, DAY / 2)
    assert len(bare.relay.taken) == sent


def test_what_waits_for_both_ids_goes_once(bare: World) -> None:
    """Two ids with two addresses wait for the same letter when they turn out to be one person: one letter leaves."""
    bare.publish(tiny(TO_ALL))
    ann = Company()
    bare.drain(ann.identify(), Company("acme", "ann@home").identify(), ann.track("Signed Up"))
    assert bare.one("SELECT count(*) FROM messages WHERE state = 'pending'") == 2
    bare.drain(ann.alias("ann@home"))
    bare.live()
    assert bare.relay.recipients == ["ann@acme.example"]
    assert bare.one("SELECT reason FROM messages WHERE state = 'cancelled'") == "repeated"


def test_a_letter_for_an_id_that_is_given_up_finds_its_reader(bare: World) -> None:
    """What waits, and what a sender holds at that moment, is for the person under the new id: it is sent once."""
    bare.publish(tiny(HELLO))
    bob, ann = Company("second", "bob"), Company()
    bare.drain(*ann.sign_up(), *bob.sign_up(MONDAY - HOUR))

    def meanwhile() -> None:
        if not bare.relay.taken:
            bare.drain(
                Company("second", "robert").call(MONDAY, type="alias", previousId="bob", context=None),
                Company("acme", "annie").call(MONDAY, type="alias", previousId="ann", context=None),
            )

    bare.relay.before = meanwhile
    deliver(bare.ports, "test", seconds=20)
    assert sorted(bare.relay.recipients) == ["ann@acme.example", "bob@second.example"]
    assert {row["state"] for row in bare.rows("SELECT state FROM messages")} == {"sent"}


def test_a_drain_that_read_before_the_tie_counts_after_it(people: World, pool: ThreadPoolExecutor) -> None:
    """A drain that took a device for a person of its own waits while another ties it to its user: nobody is double."""
    ann, first = Company(), Company("aaa", "bob")
    people.drain(ann.identify(), anonymous(ann, "device", -1, event="Signed Up"), first.track("Signed Up"))
    people.send(anonymous(ann, "device"), first.track("Logged In"))
    with another(people) as second:
        # It has read who is who, and waits for the first of its accounts, when the tie is made.
        with holding(people, "SELECT FROM accounts WHERE id = 'aaa' FOR NO KEY UPDATE"):
            reading = begun(pool, people, lambda: drain(people.ports, 0, "first", 20), 1)
            take_in(second.ports, [called(identify(ann, "device", 1))])
        reading.result()
    assert users(people) == ["ann"]
    assert people.count_of("login") == 1


@pytest.mark.parametrize("turned", [False, True])
def test_two_who_tie_crosswise_at_once(people: World, pool: ThreadPoolExecutor, turned: bool) -> None:
    """Each of two drains gives one of two ids up for the other: one person, no deadlock, nothing rejected."""
    ann, other = Company("acme", "ann"), Company("acme", "annie")
    people.drain(ann.track("Logged In"), other.track("Logged In"))
    people.put(0, ann.alias("annie"))
    people.put(1, other.alias("ann"))
    shards = (1, 0) if turned else (0, 1)
    with another(people) as second:
        with holding(people, "LOCK TABLE events"):
            first = begun(pool, people, lambda: drain(people.ports, shards[0], "first", 20), 1)
            then = begun(pool, people, lambda: drain(second.ports, shards[1], "second", 20), 2)
        first.result()
        then.result()
    assert users(people) == ["ann"]
    assert people.rejected() == []


def test_two_chains_that_meet_at_once(people: World, pool: ThreadPoolExecutor) -> None:
    """Two drains each make a link of one chain at the same time: its ends are one person."""
    a, b, c = (Company("acme", each) for each in "abc")
    people.drain(a.track("Logged In"), b.track("Logged In"), c.track("Logged In"))
    people.put(0, b.alias("a"))
    people.put(1, c.alias("b"))
    with another(people) as second:
        with holding(people, "LOCK TABLE events"):
            first = begun(pool, people, lambda: drain(people.ports, 0, "first", 20), 1)
            then = begun(pool, people, lambda: drain(second.ports, 1, "second", 20), 2)
        first.result()
        then.result()
    assert users(people) == ["c"]
    people.drain(a.track("Logged In"), b.track("Logged In"))
    assert users(people) == ["c"]


def test_a_person_at_two_accounts_is_told_within_the_cap_of_the_address(bare: World) -> None:
    """A consultant signs two customers up in one minute: the welcomes are each account's, the cap is the address's."""
    bare.publish(tiny(HELLO, cap=1))
    here, there = Company("here", "ann"), Company("there", "ann")
    bare.drain(
        here.identify(email="ann@consulting.example"),
        there.identify(email="ann@consulting.example"),
        here.track("Signed Up"),
        there.track("Signed Up"),
    )
    bare.live()
    assert len(bare.relay.taken) == 1
    bare.at(MONDAY + DAY)
    bare.live()
    assert bare.relay.recipients == ["ann@consulting.example"] * 2


def test_calls_of_a_person_at_two_accounts(people: World) -> None:
    """Calls that name an account go there, the others to the last linked; both accounts count the person."""
    here, there = Company("here", "ann"), Company("there", "ann")
    people.drain(here.group(), there.group(MONDAY + HOUR))
    people.drain(
        here.track("Logged In"), there.track("Logged In"), here.lone("Logged In"), there.lone("Logged In", MONDAY - DAY)
    )
    assert (people.count_of("login", "here"), people.count_of("login", "there")) == (1, 3)
    assert (users(people, "here"), users(people, "there")) == (["ann"], ["ann"])


@pytest.mark.parametrize("to", [TO_ALL, HELLO])
def test_a_simulation_knows_who_is_who(bare: World, to: str) -> None:
    """The same calls simulated: the same people counted and known, the same drafts for them, each once."""
    playbook = bare.publish(PEOPLE.replace(HELLO, to.replace("    only_while: not login\n", "") + "    draft: true\n"))
    ann, second = Company(), Company("acme", "annie")
    early = [second.identify(), ann.track("Signed Up"), second.track("Logged In")]
    early += [ann.identify()] if to is TO_ALL else []
    late = [ann.alias("annie", MONDAY + HOUR), second.lone("Logged In", MONDAY + HOUR)]
    bare.drain(*early)
    bare.at(MONDAY + HOUR)
    bare.drain(*late)
    bare.live()
    arrivals = [Arrival(at=MONDAY, call=call) for call in early] + [
        Arrival(at=MONDAY + HOUR, call=call) for call in late
    ]
    found = simulate(arrivals, playbook, MONDAY + HOUR)
    assert found.accounts["acme"].facts.values["users"] == set(users(bare)) == {"ann"}
    assert [person.id for person in found.people["acme"]] == ["ann"]
    ends = sorted((row["state"], str(row["reason"])) for row in bare.rows("SELECT state, reason FROM messages"))
    assert sorted((each.state, str(each.reason)) for each in found.messages) == ends
    assert {each.message.person for each in found.messages if each.state == "draft"} == {"ann"}


@pytest.mark.parametrize("seed", range(3))
def test_many_ties_by_two_drains_at_once(people: World, pool: ThreadPoolExecutor, seed: int) -> None:
    """Ties, links and events of ten persons in random order on two shards, drained at once: as if by one, in order."""
    chance = Random(seed)
    calls: list[bytes] = []
    for number in range(10):
        ann = Company("acme", f"user-{number}")
        devices = [f"device-{number}-{device}" for device in range(4)]
        older = Company("acme", f"older-{number}")
        calls += [identify(ann, device, place) for place, device in enumerate(devices)]
        calls += [anonymous(ann, device, chance.randrange(-5, 5)) for device in devices for _ in range(2)]
        calls += [anonymous(ann, device, chance.randrange(-5, 5), context=None) for device in devices]
        calls += [ann.alias(older.person), older.track("Logged In"), older.lone("Logged In")]
    chance.shuffle(calls)
    for call in calls:
        people.put(chance.randrange(2), call)
    small = replace(people.ports, batch=7)
    with another(people, batch=7) as second:
        first = pool.submit(drain, small, 0, "first", 60)
        then = pool.submit(drain, second.ports, 1, "second", 60)
        first.result()
        then.result()
    assert users(people) == [f"user-{number}" for number in range(10)]
    assert people.count_of("login") == 10 * (4 * 3 + 2)
    assert people.one("SELECT count(*) FROM parked_events") == 0
    assert people.rejected() == []
    known = people.rows("SELECT person_id FROM persons ORDER BY person_id")
    assert [row["person_id"] for row in known] == [f"user-{number}" for number in range(10)]
