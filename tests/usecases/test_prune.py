"""Housekeeping: months ahead, months that are over, and keys that rotate; safe to run twice."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from threading import Event

from orchestrator.store import partitions
from orchestrator.store.engine import LOCK_SECONDS
from orchestrator.store.tables import RANGED
from orchestrator.usecases.drain import drain
from orchestrator.usecases.ports import Retention
from orchestrator.usecases.prune import prune
from tests.usecases.company import DAY, MONDAY, Company
from tests.usecases.playbooks import WEEKLY, tiny
from tests.usecases.world import World, another


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


def test_a_retention_is_a_setting_of_each_kind(world: World) -> None:
    """What is kept for a shorter time goes earlier, month by month, and the other tables keep theirs."""
    prune(world.ports)
    shorter = Retention(rejected=timedelta(days=30), parked=timedelta(days=60))
    with another(world, retention=shorter) as other:
        other.at(MONDAY + 65 * DAY)
        assert set(prune(other.ports).dropped) == {"rejected_events_2026_03"}
        other.at(MONDAY + 95 * DAY)
        assert set(prune(other.ports).dropped) == {"rejected_events_2026_04", "parked_events_2026_03"}


def test_missing_months_stop_nobody_and_prune_mends_what_it_can(world: World) -> None:
    """With every month ahead gone, events come in, are decided and mailed all the same; a prune makes months again."""
    prune(world.ports)
    for table in RANGED:
        for month in ("04", "05", "06"):
            world.run(f"DROP TABLE {table}_2026_{month}")
    autumn = MONDAY + 200 * DAY  # 18 September, which was never made either
    for start in (MONDAY + 40 * DAY, autumn):
        world.at(start)
        company = Company(account=f"at-{start:%m}", person=f"ann-{start:%m}")
        world.drain(*company.sign_up(start), b"poison", Company(person=f"lone-{start:%m}").lone("Logged In", start))
        world.live()
        assert world.message_of(company.account)["state"] == "sent"
    lumped = {table for table in RANGED if world.one(f"SELECT count(*) FROM {table}_default")}
    assert lumped >= {"events", "decisions", "messages", "rejected_events", "parked_events"}
    pruned = prune(world.ports)
    assert set(pruned.left) == {f"{table}_2026_09" for table in lumped}
    assert {f"{table}_2026_10" for table in RANGED} <= set(pruned.made)
    october = MONDAY + 220 * DAY
    world.at(october)
    world.drain(*Company(account="october", person="oda").sign_up(october))
    world.live()
    assert world.one("SELECT count(*) FROM events_2026_10") == 3
    world.at(october + 900 * DAY)
    assert {f"{table}_default" for table in ("events", "decisions", "messages")} <= set(prune(world.ports).dropped)


def test_months_are_made_and_dropped_under_drains_that_run(world: World) -> None:
    """While two drains are at work, months are made and dropped: none of them fails, waits long or loses."""
    made = 8
    with world.engine.connect() as connection:
        for back in range(made):
            partitions.ensure_ahead(connection, MONDAY - timedelta(days=30 * (back + 2)), months=0)
    companies = [Company(account=f"a{number}", person=f"p{number}") for number in range(60)]
    done, slowest, drained = Event(), [0.0], [0]

    def work(ports_of: World) -> None:
        streams = replace(ports_of.ports, batch=20)
        while not done.is_set() or world.pending():
            begun = time.monotonic()
            drained[0] += drain(streams, 0, "attacked", seconds=0.05).entries
            slowest[0] = max(slowest[0], time.monotonic() - begun)

    def feed() -> Iterator[list[bytes]]:
        for step in range(made):
            at = MONDAY + timedelta(hours=step)
            yield [company.track("Logged In", at) for company in companies[step % 3 :: 3]]

    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(work, stack.enter_context(another(world))) for _ in range(2)]
        with world.engine.connect() as connection:
            for step, calls in enumerate(feed()):
                world.send(*calls)
                partitions.ensure_ahead(connection, MONDAY + timedelta(days=30 * step), months=2)
                keep = timedelta(days=30 * (made - step))
                assert partitions.drop_before(connection, MONDAY, dict.fromkeys(RANGED, keep)).busy == ()
        done.set()
        for future in futures:
            future.result(60)
    assert world.one("SELECT count(*) FROM events") == made * 20
    assert world.one("SELECT count(*) FROM rejected_events") == 0
    assert slowest[0] < LOCK_SECONDS  # beyond it a lock is given up: nothing may come near, on a busy machine either
