"""Housekeeping: months ahead, months that are over, and keys that rotate; safe to run twice."""

from orchestrator.usecases.prune import prune
from tests.usecases.company import DAY, MONDAY, Company
from tests.usecases.playbooks import WEEKLY, tiny
from tests.usecases.world import World


def test_months_are_made_ahead_and_only_once(world: World) -> None:
    """The month at hand and three more, for each table that grows; a second run finds them."""
    made = prune(world.ports).made
    assert {name for name in made if name.startswith("events_")} == {f"events_2026_0{month}" for month in (3, 4, 5, 6)}
    assert prune(world.ports).made == ()


def test_rows_go_to_their_months(world: World) -> None:
    """After a prune what arrives lies in its month, not in the default partition."""
    prune(world.ports)
    world.drain(*Company().sign_up())
    world.live()
    for table in ("events", "decisions", "messages", "journal"):
        assert world.one(f"SELECT count(*) FROM {table}_default") == 0
    assert world.one("SELECT count(*) FROM events_2026_03") == 3


def test_what_is_older_than_it_is_kept_is_dropped_whole(world: World) -> None:
    """Three years later the months of today are gone, and the accounts are as they were."""
    prune(world.ports)
    world.drain(*Company().sign_up())
    world.live()
    before = world.facts()
    world.at(MONDAY + 1000 * DAY)
    dropped = prune(world.ports).dropped
    assert {"events_2026_03", "decisions_2026_03", "messages_2026_03"} <= set(dropped)
    assert world.one("SELECT count(*) FROM events") == 0
    assert world.facts() == before


def test_keys_rotate_and_still_count_once(world: World) -> None:
    """Every ten days a new generation of keys begins; a resend is known for thirty days, through all of them."""
    login = Company().track("Logged In")
    first = prune(world.ports).generation
    world.drain(login)
    for days in (10, 20, 30):
        world.at(MONDAY + days * DAY)
        assert prune(world.ports).generation == first + days // 10
        assert world.drain(login).events == 0
    assert world.count_of("login") == 1


def test_a_skip_that_goes_on_after_its_first_record_was_pruned_is_recorded(world: World) -> None:
    """A run of equal skips whose first record is gone begins a record anew: nothing is silent."""
    world.publish(tiny(WEEKLY))
    world.drain(*Company().sign_up())
    world.at(MONDAY + 7 * DAY)
    world.live()
    world.run("DELETE FROM decisions")
    world.at(MONDAY + 14 * DAY)
    world.live()
    (row,) = world.rows("SELECT episode, repeats FROM decisions")
    assert (row["episode"], row["repeats"]) == ("2026-03-16", 2)
