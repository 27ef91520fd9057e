"""Whose an event is: named by the call, by the person's link, or not known yet; and nothing is left behind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from orchestrator.usecases.drain import drain
from tests.usecases.company import DAY, HOUR, MONDAY, Company
from tests.usecases.world import World, another, begun, holding


def waiting(world: World) -> int:
    """How many events wait for their account."""
    return int(world.one("SELECT count(*) FROM parked_events"))


def test_an_event_that_names_no_account_is_parked_under_its_person(world: World) -> None:
    """Nobody has said yet where the person belongs: the event is kept, no account is made of it."""
    world.drain(Company().lone("Logged In"))
    assert waiting(world) == 1
    assert world.one("SELECT count(*) FROM accounts") == 0
    assert world.one("SELECT count(*) FROM events") == 0


@pytest.mark.parametrize("link", ["group", "identify", "track"])
def test_the_call_that_links_a_person_folds_what_waited(world: World, link: str) -> None:
    """In the transaction of the link the parked events become facts of the account, and leave the parking."""
    company = Company()
    calls: dict[str, Callable[[], bytes]] = {
        "group": company.group,
        "identify": company.identify,
        "track": lambda: company.track("Signed Up"),
    }
    world.drain(*(company.lone("Logged In", MONDAY - number * HOUR) for number in range(3)))
    world.drain(calls[link]())
    assert world.count_of("login") == 3
    assert waiting(world) == 0
    assert world.one("SELECT count(*) FROM events WHERE account_id = 'acme'") == 4


def test_within_one_batch_the_order_does_not_matter(world: World) -> None:
    """An event before the call that links its person, in the same batch, is never parked."""
    company = Company()
    world.drain(company.lone("Logged In"), company.group(), company.lone("Logged In", MONDAY + HOUR))
    assert (world.count_of("login"), waiting(world)) == (2, 0)


def test_a_linked_persons_events_need_no_account(world: World) -> None:
    """Once linked, a person's events go to the account, in later batches too."""
    company = Company()
    world.drain(company.group())
    world.drain(company.lone("Logged In"))
    assert world.count_of("login") == 1


@pytest.mark.parametrize("parks_first", [True, False], ids=["parked first", "linked first"])
def test_a_race_of_parking_and_linking_leaves_nothing_behind(
    world: World, pool: ThreadPoolExecutor, parks_first: bool
) -> None:
    """Two drains at once, one that would park and one that links: whoever is second sees what the first did."""
    company = Company()
    world.put(0, company.lone("Logged In"))
    world.put(1, company.group())
    shards = (0, 1) if parks_first else (1, 0)
    with another(world) as second:
        # The first is held where it has its person's row: at the table into which it writes next.
        with holding(world, "LOCK TABLE events, parked_events"):
            first = begun(pool, world, lambda: drain(world.ports, shards[0], "first", 20), 1)
            then = begun(pool, world, lambda: drain(second.ports, shards[1], "second", 20), 2)
        first.result()
        then.result()
    assert world.count_of("login") == 1
    assert waiting(world) == 0


def test_an_alias_carries_a_link_to_the_older_id(world: World) -> None:
    """What somebody did before they had an id is theirs once an alias says so, whichever of the two came last."""
    ann, nobody = Company(), Company("acme", "anonymous-1")
    world.drain(nobody.lone("Logged In"), ann.alias("anonymous-1"))
    assert waiting(world) == 2
    world.drain(ann.group())
    assert (world.count_of("login"), waiting(world)) == (1, 0)
    world.drain(nobody.lone("Logged In", MONDAY + HOUR))
    assert world.count_of("login") == 2


def test_a_chain_of_aliases_ends_at_the_account_in_any_order(world: World) -> None:
    """Two aliases, a link and an event, each in a batch of its own, in any order: the event arrives."""
    lives = []
    for number, order in enumerate(permutations(range(4))):
        first, second, third = (Company(f"acme-{number}", f"{person}-{number}") for person in ("a", "b", "c"))
        calls = [first.lone("Logged In"), second.alias(first.person), third.alias(second.person), third.group()]
        lives.append([calls[place] for place in order])
    for batch in zip(*lives, strict=True):
        world.drain(*batch)
    assert {world.count_of("login", f"acme-{number}") for number in range(len(lives))} == {1}
    assert waiting(world) == 0


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "the older last"])
def test_the_last_linking_call_by_occurrence_wins(world: World, reverse: bool) -> None:
    """A person at two accounts: events that name none go where the latest linking call said, whenever it arrived."""
    old, new = Company("old", "ann"), Company("new", "ann")
    calls = [old.group(MONDAY - DAY), new.group(MONDAY)]
    for call in reversed(calls) if reverse else calls:
        world.drain(call)
    world.drain(old.lone("Logged In"))
    assert (world.count_of("login", "new"), world.count_of("login", "old")) == (1, 0)


def test_an_event_that_names_its_account_goes_there(world: World) -> None:
    """A person's link does not matter for a call that names an account, and such a call does not move the link."""
    old, new = Company("old", "ann"), Company("new", "ann")
    world.drain(new.group(), old.track("Logged In", MONDAY + HOUR))
    world.drain(new.lone("Logged In", MONDAY + HOUR))
    assert (world.count_of("login", "new"), world.count_of("login", "old")) == (1, 1)


def test_a_person_at_two_accounts_is_known_at_both(world: World) -> None:
    """Each account knows what its own calls said of the person."""
    world.drain(Company("old", "ann").identify(name="Ann Old"), Company("new", "ann").identify(name="Ann New"))
    rows = world.rows("SELECT account_id, traits -> 'name' ->> 0 AS name FROM persons ORDER BY account_id")
    assert [(row["account_id"], row["name"]) for row in rows] == [("new", "Ann New"), ("old", "Ann Old")]


def test_an_identify_that_was_parked_names_the_person(world: World) -> None:
    """Who somebody is may be said before it is known where they belong: the mail finds its addressee."""
    company = Company()
    world.drain(company.call(MONDAY, type="identify", traits={"email": company.email}, context=None))
    world.drain(company.track("Signed Up"))
    world.live()
    assert world.relay.recipients == ["ann@acme.example"]


def test_a_resent_event_of_an_unknown_person_is_parked_once(world: World) -> None:
    """What is parked has its key: a resend is no second event, before the link and after it."""
    company = Company()
    login = company.lone("Logged In")
    world.drain(login)
    world.drain(login)
    assert waiting(world) == 1
    world.drain(company.group(), login)
    assert world.count_of("login") == 1
