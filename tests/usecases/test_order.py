"""The same events twice, shuffled, and in parts in the wrong order: the same facts, and the same touches."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from orchestrator.usecases.drain import drain
from tests.usecases.company import DAY, HOUR, MONDAY, cohort
from tests.usecases.world import SHIPPED, World, another

RAVENSTACK = Path(__file__).parents[1] / "inputs" / "events" / "ravenstack_segment_sample.jsonl"
WAYS = ("twice", "shuffled", "four parts backwards")


def arranged(calls: list[bytes], way: str) -> list[list[bytes]]:
    """The calls in parts, each of which is sent and drained before the next."""
    quarter = len(calls) // 4 + 1
    parts = [calls[at : at + quarter] for at in range(0, len(calls), quarter)]
    match way:
        case "twice":
            return [calls, calls]
        case "shuffled":
            return [Random(7).sample(calls * 2, 2 * len(calls))]
        case _:
            return [parts[3], parts[1], parts[0], parts[2], parts[1]]


def facts(world: World) -> dict[str, Any]:
    """Each account's facts."""
    return {name: document["facts"] for name, document in world.documents().items()}


def persons(world: World) -> list[dict[str, Any]]:
    """Everybody, as they are known."""
    return world.rows("SELECT account_id, person_id, traits, rank, first_seen FROM persons ORDER BY 1, 2")


def emptied(world: World) -> None:
    """The same installation before anything came in."""
    tables = "accounts, wakes, parked_accounts, events, parked_events, rejected_events, event_keys, outcomes, persons"
    world.run(f"TRUNCATE {tables}, identities, contacts, ledger, decisions, journal, messages, escalations")
    world.client.flushall()


@pytest.mark.parametrize("way", WAYS)
def test_facts_do_not_depend_on_order(bare: World, way: str) -> None:
    """Two years of ten accounts: however they arrive, with decisions in between, the facts and the people are equal."""
    bare.publish((SHIPPED / "b2b-saas.yaml").read_text(encoding="utf-8"))
    calls = RAVENSTACK.read_bytes().splitlines()
    bare.at(MONDAY)
    bare.drain(*calls)
    expected = facts(bare), persons(bare)
    emptied(bare)
    for part in arranged(calls, way):
        bare.drain(*part)
    assert (facts(bare), persons(bare)) == expected
    assert bare.rejected() == []
    assert bare.one("SELECT count(*) FROM events WHERE source <> 'lifecycle'") == len(calls)


def month(world: World, parts: list[list[bytes]]) -> tuple[Any, Any, Any]:
    """Everything arrives before anything is decided; then the rest of the month is lived through."""
    emptied(world)
    for part in parts:
        world.send(*part)
    with another(world, batch=5000) as whole:
        whole.live()
        decisions = whole.rows("SELECT * FROM decisions ORDER BY account_id, play, episode")
        sent = whole.rows("SELECT id, account_id, play, address, context, state, reason FROM messages ORDER BY id")
        work = whole.rows("SELECT id, account_id, play, due_at, context FROM escalations ORDER BY id")
    return decisions, sent, work


@pytest.mark.parametrize("way", WAYS)
def test_touches_are_the_same_when_all_parts_are_in(bare: World, way: str) -> None:
    """With the clock held until every part has arrived, decisions, messages and work are equal, id by id."""
    bare.publish((SHIPPED / "b2b-saas.yaml").read_text(encoding="utf-8"))
    calls: list[bytes] = []
    for number, each in enumerate(cohort(12)):
        begins = MONDAY + number * HOUR
        calls += [*each.sign_up(begins), each.group(begins, arr=150_000 if number % 3 else 1_200)]
        calls += [each.track("Report Created", begins + HOUR, count=number)] * (number % 2)
        calls += [each.lone("Ticket Created", begins + 2 * HOUR)] * (number % 4 == 1)
        calls += [each.track("Setup Completed", begins + 3 * HOUR)] * (number % 5 == 2)
        calls += [each.track("Subscription Cancelled", begins + DAY)] * (number == 7)
    bare.at(MONDAY + 3 * DAY + HOUR)
    expected = month(bare, [calls])
    assert len(expected[0]) > 12
    assert len(expected[1]) > 6
    assert month(bare, arranged(calls, way)) == expected


def test_a_batch_of_any_size_decides_the_same_facts(bare: World) -> None:
    """One event a transaction or all in one: the facts are equal."""
    bare.publish((SHIPPED / "b2b-saas.yaml").read_text(encoding="utf-8"))
    calls = RAVENSTACK.read_bytes().splitlines()[:120]
    bare.drain(*calls)
    expected = facts(bare)
    emptied(bare)
    bare.send(*calls)
    drain(replace(bare.ports, batch=7), 0, "test", 20)
    assert facts(bare) == expected
