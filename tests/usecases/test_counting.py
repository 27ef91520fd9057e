"""Whole tables are counted by a tick, range by range, as often as that is cheap."""

import pytest

from orchestrator.insight.counting import count
from orchestrator.store import census
from orchestrator.store.census import Subject
from orchestrator.usecases.prune import prune
from tests.usecases.company import Company
from tests.usecases.world import World, another


def counted(world: World) -> dict[Subject, dict[str, int]]:
    with world.engine.begin() as connection:
        return {subject: dict(each.counts) for subject, each in census.latest(connection).items()}


def test_each_row_is_counted_by_its_label(world: World) -> None:
    """Accounts by stage, messages by state, rejected entries by reason and parked events are counted, in all months."""
    prune(world.ports)
    world.drain(*Company().sign_up(), *Company(account="umbrella", person="bo").sign_up(), b"poison")
    world.drain(Company(person="stranger").lone("Logged In"))
    world.live()
    assert count(world.ports) == tuple(Subject)
    assert counted(world) == {
        Subject.ACCOUNTS: {"young": 2},
        Subject.MESSAGES: {"sent": 2},
        Subject.REJECTED: {"not_json": 1},
        Subject.PARKED: {"": 1},
    }


def test_a_count_in_ranges_is_the_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is counted page by page gives each row once, however many pages it has."""
    monkeypatch.setattr(census, "PAGES", 1)
    world.run(
        "INSERT INTO accounts (id, document, stage, version, playbook_version, created_at, updated_at) "
        "SELECT 'a' || n, convert_to(repeat('x', 900), 'UTF8'), 's' || n % 3, 0, 'v', now(), now() "
        "FROM generate_series(1, 300) AS n"
    )
    count(world.ports)
    assert counted(world)[Subject.ACCOUNTS] == {"s0": 100, "s1": 100, "s2": 100}


def test_a_table_is_not_counted_again_too_soon(world: World) -> None:
    """Nobody counts what was just begun; it is counted again when that costs a hundredth of the time since."""
    assert count(world.ports) == tuple(Subject)
    assert count(world.ports) == ()
    with another(world) as second:
        assert count(second.ports) == ()
    world.run("UPDATE censuses SET begun_at = begun_at - interval '1 minute', took = 0.5 WHERE subject = 'accounts'")
    world.run("UPDATE censuses SET begun_at = begun_at - interval '1 minute', took = 0.7 WHERE subject = 'messages'")
    assert count(world.ports) == (Subject.ACCOUNTS,)


def test_a_partition_that_goes_while_it_is_counted_spoils_that_count_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month that prune drops meanwhile leaves the count before it as it was, and the others go on."""
    world.run(
        "INSERT INTO censuses (subject, begun_at, counted_at, counts) "
        "VALUES ('messages', '2000-01-01', now(), jsonb_build_object('sent', 7))"
    )
    ranges = census.ranges
    monkeypatch.setattr(
        census,
        "ranges",
        lambda connection, subject: (
            [("messages_1999_01", 0, 1)] if subject is Subject.MESSAGES else ranges(connection, subject)
        ),
    )
    assert count(world.ports) == (Subject.ACCOUNTS, Subject.REJECTED, Subject.PARKED)
    assert counted(world)[Subject.MESSAGES] == {"sent": 7}
