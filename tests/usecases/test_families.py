"""Accounts that belong to an account: each has its own life, nobody is told the same thing twice."""

from itertools import permutations

import pytest

from orchestrator.store import families
from orchestrator.usecases.merge import merge, rename
from orchestrator.usecases.simulate import Arrival, simulate
from tests.usecases.company import DAY, HOUR, MONDAY, Company
from tests.usecases.playbooks import HELLO, WEEKLY, tiny
from tests.usecases.world import World

SHARED = "ann@group.example"


@pytest.fixture
def parent() -> Company:
    return Company("group", "ann")


@pytest.fixture
def child() -> Company:
    return Company("unit", "ann")


def kin(world: World, account: str) -> tuple[dict[str, str], list[str]]:
    """Who is above an account, and who below."""
    with world.engine.connect() as connection:
        return families.parents(connection, account), families.parts(connection, account)


def greeted(world: World, *companies: Company, email: str = SHARED) -> list[str]:
    """They sign up, all at this instant, with one person; who is written to."""
    calls = [call for each in companies for call in (each.identify(email=email), each.track("Signed Up"))]
    world.drain(*calls)
    world.live()
    return world.relay.recipients


def test_somebody_at_parent_and_child_is_told_once(bare: World, parent: Company, child: Company) -> None:
    """The same play and episode for two accounts of a family reach an address once; the other is named repeated."""
    bare.publish(tiny(HELLO))
    bare.drain(child.group(parent="group"))
    assert greeted(bare, parent, child) == [SHARED]
    assert bare.one("SELECT reason FROM messages WHERE state = 'cancelled'") == "repeated"


def test_siblings_are_one_family(bare: World) -> None:
    """Two parts of an account that nobody has heard of are of one family."""
    bare.publish(tiny(HELLO))
    one, two = Company("one", "ann"), Company("two", "ann")
    bare.drain(one.group(parent="nobody-yet"), two.group(parent="nobody-yet"))
    assert greeted(bare, one, two) == [SHARED]


def test_others_at_the_family_are_told_too(bare: World, parent: Company, child: Company) -> None:
    """Each account has its own life: what differs is the reader, so both are welcomed."""
    bare.publish(tiny(HELLO))
    bare.drain(child.group(parent="group"))
    greeted(bare, parent)
    assert greeted(bare, child, email="bob@unit.example") == [SHARED, "bob@unit.example"]


def test_strangers_are_told_each(bare: World, parent: Company, child: Company) -> None:
    """Without a parent, two accounts of one person are two accounts."""
    bare.publish(tiny(HELLO))
    assert greeted(bare, parent, child) == [SHARED, SHARED]


def test_who_left_the_family_is_told_again(bare: World, parent: Company, child: Company) -> None:
    """The last word counts: a later call without a parent ends what an earlier one said."""
    bare.publish(tiny(HELLO))
    bare.drain(child.group(MONDAY, parent=None), child.group(MONDAY - HOUR, parent="group"))
    assert greeted(bare, parent, child) == [SHARED, SHARED]


def test_another_episode_is_another_touch(bare: World, parent: Company, child: Company) -> None:
    """A week's letter reaches the reader of two accounts once; the next week's once more."""
    bare.publish(tiny(WEEKLY))
    bare.drain(child.group(parent="group"))
    bare.drain(*(each.identify(email=SHARED) for each in (parent, child)))
    bare.drain(*(call for each in (parent, child) for call in (each.track("Signed Up"), each.track("Logged In"))))
    bare.through(MONDAY, MONDAY + 16 * DAY, DAY)
    weeks = bare.rows(
        "SELECT episode, count(*) FILTER (WHERE state = 'sent') AS sent, count(*) FROM messages GROUP BY 1"
    )
    assert {(row["sent"], row["count"]) for row in weeks} == {(1, 2)}
    assert len(weeks) == 2


def test_parents_do_not_depend_on_arrival(bare: World) -> None:
    """Three words on a parent, each in a batch of its own, in any order: the latest stands."""
    bare.publish(tiny(HELLO))
    lives = []
    for number, order in enumerate(permutations(range(3))):
        unit = Company(f"unit-{number}", f"ann-{number}")
        calls = [unit.group(MONDAY + hours * HOUR, parent=f"p{hours}") for hours in range(3)]
        lives.append([calls[place] for place in order])
    for batch in zip(*lives, strict=True):
        bare.drain(*batch)
    assert {row["parent_id"] for row in bare.rows("SELECT parent_id FROM parents")} == {"p2"}


def test_levels_and_circles(bare: World) -> None:
    """A line of three is seen from both ends; a circle is seen once around, and stops nobody."""
    bare.publish(tiny(HELLO))
    bare.drain(Company("c").group(parent="b"), Company("b").group(parent="a"))
    assert kin(bare, "c") == ({"c": "b", "b": "a"}, [])
    assert kin(bare, "a") == ({}, ["b", "c"])
    bare.drain(Company("a", "eve").group(parent="c"))
    assert kin(bare, "a") == ({"a": "c", "c": "b", "b": "a"}, ["b", "c"])
    assert greeted(bare, Company("a", "al"), Company("c", "al")) == [SHARED]


def test_families_follow_who_was_merged_or_renamed(bare: World, parent: Company, child: Company) -> None:
    """A parent under another id keeps its parts; a part that is merged brings its parent along."""
    bare.publish(tiny(HELLO))
    bare.drain(parent.group(), child.group(parent="group"), Company("other", "bob").group())
    rename(bare.ports, "group", "holding")
    assert kin(bare, "unit") == ({"unit": "holding"}, [])
    merge(bare.ports, "unit", "other")
    assert kin(bare, "holding") == ({}, ["other"])
    merge(bare.ports, "other", "holding")
    assert kin(bare, "holding") == ({}, [])


def test_a_simulation_knows_families(bare: World, parent: Company, child: Company) -> None:
    """The same calls simulated: one letter leaves, the other is repeated."""
    playbook = bare.publish(tiny(HELLO))
    calls = [child.group(parent="group")]
    calls += [call for each in (parent, child) for call in (each.identify(email=SHARED), each.track("Signed Up"))]
    found = simulate([Arrival(at=MONDAY, call=call) for call in calls], playbook, MONDAY)
    assert sorted((each.state, str(each.reason)) for each in found.messages) == [
        ("cancelled", "repeated"),
        ("sent", "None"),
    ]
