"""Cost grows with what is due, not with what waits: the plans of the statements that every tick sends."""

from typing import Any

import pytest
from sqlalchemy import TextClause, text

from orchestrator.store import accounts, events, gauges, messages, observation
from tests.usecases.company import DAY, MONDAY
from tests.usecases.world import World

MANY = 100_000


@pytest.fixture
def waiting(bare: World) -> World:
    """A hundred thousand accounts and messages that wait for next week, and ten of each that are due."""
    far = MONDAY + 7 * DAY
    bare.run(
        f"INSERT INTO wakes SELECT 'a' || n, CASE WHEN n <= 10 THEN :now ELSE :far END, 'b' "
        f"FROM generate_series(1, {MANY}) AS n",
        now=MONDAY,
        far=far,
    )
    bare.run(
        f"""
        INSERT INTO messages (created_at, id, account_id, address, play, episode, action, template, mode, state, due_at,
                              not_before, playbook_version)
        SELECT :now, gen_random_uuid(), 'a' || n, 'x@y.example', 'p', 'once', 'email', 't', 'live',
               CASE WHEN n <= 10 OR n % 2 = 0 THEN 'pending' ELSE 'sent' END, :now,
               CASE WHEN n <= 10 THEN :now ELSE CAST(:far AS timestamptz) END, 'v'
          FROM generate_series(1, {MANY}) AS n""",
        now=MONDAY,
        far=far,
    )
    bare.run("ANALYZE")
    return bare


def plan(world: World, statement: TextClause, **parameters: object) -> list[dict[str, Any]]:
    """The nodes of a statement's plan as it ran, flat."""
    with world.engine.connect() as connection:
        explained = text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.text}")
        ((tree,),) = connection.execute(explained, parameters).scalars()
        connection.rollback()
    found, level = [], [tree["Plan"]]
    while level:
        found += level
        level = [child for node in level for child in node.get("Plans", [])]
    return found


def indexes(nodes: list[dict[str, Any]]) -> str:
    return " ".join(str(node["Index Name"]) for node in nodes if "Index Name" in node)


def scanned(nodes: list[dict[str, Any]]) -> int:
    """How many rows the widest node looked at."""
    return max(
        int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * int(node["Actual Loops"]) for node in nodes
    )


def test_each_tick_reads_what_is_due_and_not_what_waits(waiting: World) -> None:
    """Of a hundred thousand that wait, who is due, what may leave and what is in hand are found by their indexes."""
    token = "00000000-0000-0000-0000-000000000001"
    due = plan(waiting, accounts.CLAIM, now=MONDAY, most=500)
    claim = plan(waiting, messages.CLAIM, now=MONDAY, most=50, seconds=60, token=token)
    assert "wakes_wake_at" in indexes(due)
    assert "not_before" in indexes(claim)
    assert max(scanned(due), scanned(claim)) <= 20
    assert scanned(plan(waiting, messages.GIVE_BACK)) == 0
    assert scanned(plan(waiting, messages.LOST)) == 0
    assert scanned(plan(waiting, messages.LET_GO, token=token)) == 0
    assert scanned(plan(waiting, observation.BACKLOG, now=MONDAY)) <= 20
    assert scanned(plan(waiting, observation.NEXT_INSTANT, now=MONDAY)) <= 20
    gauged = plan(waiting, gauges.WAITING, now=MONDAY, most=gauges.MOST_COUNTED)
    assert scanned(gauged) <= 100  # connections, of which it looks at all, and there are never more
    assert "Seq Scan on messages" not in str(plan(waiting, gauges.IN_MOTION, most=gauges.MOST_COUNTED))


def test_taking_outcomes_asks_the_index(bare: World) -> None:
    """TAKE_OUTCOMES of a batch reads the outcomes of its accounts only."""
    bare.run(
        f"INSERT INTO outcomes (account_id, message_id, name, occurred_at) "
        f"SELECT 'a' || n, 'm', 'message_sent', :now FROM generate_series(1, {MANY}) AS n",
        now=MONDAY,
    )
    bare.run("ANALYZE outcomes")
    nodes = plan(bare, events.TAKE_OUTCOMES, ids=["a1", "a2", "a3"])
    assert scanned(nodes) <= 10
