"""Clocks: the machine's, and the one that stands still."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, create_engine, text

from orchestrator.runtime.clock import ClockNotSetError, HeldClock, SystemClock, clock_from
from orchestrator.runtime.servers import Servers
from orchestrator.runtime.settings import Settings

MAY = datetime(2026, 5, 1, 9, tzinfo=UTC)


@pytest.fixture
def connection(shared: Servers) -> Iterator[Connection]:
    """A connection with an empty clock, in a zone far from UTC; nothing of it stays."""
    engine = create_engine(shared.addresses.database_url)
    with engine.connect() as connection:
        connection.execute(text("SET TIME ZONE 'Asia/Kuala_Lumpur'"))
        connection.execute(text("CREATE TEMPORARY TABLE clock (id smallint PRIMARY KEY, now timestamptz NOT NULL)"))
        yield connection
    engine.dispose()


def test_a_held_clock_stands_until_it_is_moved(connection: Connection) -> None:
    """The held clock says the instant it was set to, in UTC, as often as it is read."""
    clock = HeldClock()
    assert clock.set(connection, MAY.astimezone(timezone(timedelta(hours=-7)))) == MAY
    assert [clock.now(connection) for _ in range(2)] == [MAY, MAY]
    assert clock.now(connection).tzinfo is UTC


def test_a_held_clock_never_moves_backwards(connection: Connection) -> None:
    """Setting an earlier instant leaves the clock where it is, and says so."""
    clock = HeldClock()
    clock.set(connection, MAY)
    assert clock.set(connection, MAY - timedelta(days=1)) == MAY
    assert clock.set(connection, MAY + timedelta(days=1)) == MAY + timedelta(days=1)


def test_a_held_clock_that_was_never_set_says_what_to_do(connection: Connection) -> None:
    """Reading a held clock without a row is an error that names the remedy."""
    with pytest.raises(ClockNotSetError, match="LIFECYCLE_CLOCK=system"):
        HeldClock().now(connection)


def test_an_instant_without_a_zone_is_refused(connection: Connection) -> None:
    """A held clock cannot be set to an instant that has no time zone."""
    with pytest.raises(ValueError, match="with a time zone"):
        HeldClock().set(connection, MAY.replace(tzinfo=None))


def test_the_system_clock_says_utc(connection: Connection) -> None:
    """The machine's clock gives aware instants in UTC that do not stand still."""
    clock = SystemClock()
    first = clock.now(connection)
    assert first.tzinfo is UTC
    assert clock.now(connection) >= first


def test_the_settings_choose_the_clock() -> None:
    """LIFECYCLE_CLOCK names the clock."""
    assert isinstance(clock_from(Settings.load()), SystemClock)
    assert isinstance(clock_from(Settings.load(clock="held")), HeldClock)
