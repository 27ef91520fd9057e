"""What was refused is put back after a fix, or dropped; nothing is lost, and nothing counts twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from orchestrator.intake.entries import unpacked
from orchestrator.store import rejected as entries
from orchestrator.store.rejected import Which
from orchestrator.usecases.rejected import NotOnDiskError, Retried, Word, drop, retry
from tests.usecases.company import MONDAY, Company
from tests.usecases.test_history import bring
from tests.usecases.world import World

ALL = Which()


def refused(world: World, *calls: bytes) -> list[int]:
    """Calls that were refused; their numbers."""
    world.drain(*calls)
    return [row["id"] for row in world.rows("SELECT id FROM rejected_events WHERE settled_at IS NULL ORDER BY id")]


def put_back(world: World, which: Which = ALL, edited: bytes | None = None) -> Retried:
    """Put them back, as mei."""
    return sum(retry(world.ports, which, Word(who="mei", why="mended", edited=edited)), Retried())


def settlements(world: World) -> list[tuple[str | None, str | None]]:
    """What became of each row, and by whom."""
    rows = world.rows("SELECT settled_as, settled_by FROM rejected_events ORDER BY id")
    return [(row["settled_as"], row["settled_by"]) for row in rows]


def nameless(company: Company) -> bytes:
    """A call that misses the name of its event."""
    return company.call(MONDAY, properties={})


def test_a_corrected_call_counts(world: World) -> None:
    """One entry is put back with another call; its row says who did it, and the event is folded."""
    company = Company()
    (number,) = refused(world, nameless(company))
    assert put_back(world, Which(ids=(number,)), company.track("Logged In")) == Retried(put_back=1)
    assert world.drain().events == 1
    assert (world.count_of("login"), settlements(world)) == (1, [("retried", "mei")])


def test_what_is_refused_again_is_listed_again(world: World) -> None:
    """Put back as it is without a fix, it is a new row; the old one is not open any more."""
    refused(world, nameless(Company()))
    assert put_back(world).put_back == 1
    world.drain()
    assert settlements(world) == [("retried", "mei"), (None, None)]
    assert put_back(world).put_back == 1


def test_killed_between_the_broker_and_the_mark_nothing_counts_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was put back and not marked is still open; put back again, the event counts once."""
    company = Company()
    (number,) = refused(world, nameless(company))

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    login = company.track("Logged In")
    with monkeypatch.context() as patched:
        patched.setattr(entries, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            put_back(world, Which(ids=(number,)), login)
    assert settlements(world) == [(None, None)]
    assert put_back(world, Which(ids=(number,)), login) == Retried(put_back=1)
    world.drain()
    assert world.count_of("login") == 1


def test_two_people_who_retry_at_once_put_it_back_once(world: World, pool: ThreadPoolExecutor) -> None:
    """Each entry is in one person's hand: two at once put back all of them, each once."""
    refused(world, *(nameless(Company(f"account-{number}")) for number in range(60)))
    both = [pool.submit(put_back, world) for _ in range(2)]
    assert sum(each.result().put_back for each in both) == 60
    assert world.pending() == 60


def test_what_the_broker_does_not_confirm_stays_open(world: World) -> None:
    """Without the broker's word that the entry is on disk, it is not marked."""
    refused(world, nameless(Company()))
    server = world.ports.streams.client
    server.config_set("appendonly", "no")
    try:
        with pytest.raises(NotOnDiskError):
            next(retry(world.ports, ALL, Word(who="mei")))
        assert settlements(world) == [(None, None)]
        (done,) = retry(world.ports, ALL, Word(who="mei"), confirm=False)  # LIFECYCLE_DURABILITY=memory
    finally:
        server.config_set("appendonly", "yes")
    assert done.put_back == 1


def test_a_conflict_stays_until_it_is_edited(world: World) -> None:
    """Its id is another event's, so as it is it would be refused for ever; with an id of its own it counts."""
    company = Company()
    first = orjson.loads(company.track("Logged In"))
    (number,) = refused(world, orjson.dumps(first), orjson.dumps(first | {"event": "Came Back"}))
    assert put_back(world) == Retried(conflicts=(number,))
    mended = orjson.dumps(first | {"event": "Came Back", "messageId": "another"})
    assert put_back(world, Which(ids=(number,)), mended) == Retried(put_back=1)
    world.drain()
    assert (world.count_of("login"), world.count_of("came_back")) == (1, 1)


def test_what_was_cut_off_stays(world: World) -> None:
    """Of an entry whose bytes were not all kept nothing is put back; a corrected call can be."""
    company = Company()
    (number,) = refused(world, nameless(company))
    world.run("UPDATE rejected_events SET raw = substr(raw, 1, 20)")
    assert put_back(world) == Retried(cut_off=(number,))
    assert put_back(world, Which(ids=(number,)), company.track("Logged In")) == Retried(put_back=1)


def test_it_goes_back_as_it_came(world: World) -> None:
    """All fields, but for the door's refusal; with when it first came and as which entry, said once."""
    world.client.xadd(
        "lifecycle:events:0",
        {"other": b"\xff", "call": "{", "source": "shop", "refused": "too_large: x", "received_at": ""},
    )
    world.drain()
    for _ in range(2):
        put_back(world)
        waiting: Any = world.client.xrange("lifecycle:events:0")
        ((_, fields),) = waiting
        world.drain()
    first = world.one("SELECT stream || '/' || entry_id FROM rejected_events ORDER BY id LIMIT 1")
    assert fields[b"retry_of"].decode() == first
    assert (fields[b"other"], fields[b"call"], fields[b"source"]) == (b"\xff", b"{", b"shop")
    assert b"refused" not in fields
    raw = world.one("SELECT raw FROM rejected_events ORDER BY id LIMIT 1")
    assert unpacked(raw)[:2] == [b"other", b"\xff"]


def test_an_event_without_a_time_is_dated_when_it_first_came(world: World) -> None:
    """Put back days later, what says no time happened when it first reached us."""
    company = Company()
    (number,) = refused(world, company.call(MONDAY, timestamp=None))
    world.at(MONDAY + timedelta(days=5))
    put_back(world, Which(ids=(number,)), company.call(MONDAY, event="Logged In", timestamp=None))
    world.drain()
    assert world.one("SELECT occurred_at FROM events") == MONDAY


def test_a_line_of_history_is_read_in_again_as_history(world: World) -> None:
    """A refused line of an import does not come back as a live event; refused again, it is a row of its own."""
    company = Company()
    bring(world, [nameless(company), b"{"])
    one, _ = (row["id"] for row in world.rows("SELECT id FROM rejected_events ORDER BY id"))
    assert put_back(world, Which(ids=(one,)), company.track("Signed Up", MONDAY - timedelta(days=9))).put_back == 1
    assert put_back(world, Which(reason="not_json")).put_back == 1
    assert put_back(world, Which(reason="not_json")).put_back == 1
    assert world.document()["history"] is True
    assert (world.pending(), world.count_of("signed_up")) == (0, 1)
    tries = [
        row["entry_id"].partition("~")[2] for row in world.rows("SELECT entry_id FROM rejected_events ORDER BY id")
    ]
    assert tries == ["", "", "2", "3"]


def test_which_are_meant(world: World) -> None:
    """By reason, by when they came, by number, and no others."""
    refused(world, nameless(Company()), b"{")
    world.at(MONDAY + timedelta(days=2))
    refused(world, b"[")

    def reasons(which: Which, *, everything: bool = False) -> list[str]:
        with world.engine.connect() as connection:
            return [row["reason"] for row in entries.listed(connection, which, 10, None, everything=everything)]

    assert reasons(Which(reason="not_json")) == ["not_json", "not_json"]
    assert reasons(Which(since=datetime.fromisoformat("2026-03-03T00:00Z"))) == ["not_json"]
    assert drop(world.ports, Which(reason="missing_field"), Word(who="mei", why="a test")) == 1
    assert reasons(ALL) == ["not_json", "not_json"]
    assert len(reasons(ALL, everything=True)) == 3


def test_what_is_dropped_leaves_its_reason_only(world: World) -> None:
    """Its bytes are gone; who dropped it and why stays; it cannot be put back."""
    (number,) = refused(world, nameless(Company()))
    assert drop(world.ports, Which(ids=(number,)), Word(who="mei", why="a robot")) == 1
    with world.engine.connect() as connection:
        row = entries.found(connection, number)
    assert row is not None
    told = (row["raw"], row["settled_as"], row["settled_by"], row["settled_why"])
    assert told == (b"", "dropped", "mei", "a robot")
    assert put_back(world, Which(ids=(number,))) == Retried()
