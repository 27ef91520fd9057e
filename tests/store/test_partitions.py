"""Months are made ahead and dropped whole."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, Engine, insert, select, text

from orchestrator.store import partitions
from orchestrator.store.partitions import drop_before, ensure_ahead
from orchestrator.store.tables import QUEUE_VACUUM, RANGED, journal
from tests.database import in_background, until_blocked

NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)
YEAR = timedelta(days=365)


def _note(connection: Connection, at: datetime) -> None:
    connection.execute(insert(journal).values(at=at, account_id="acme", kind="milestone"))


def _homes(connection: Connection) -> list[str]:
    """Return the partitions in which the journal's rows lie, oldest row first."""
    return list(connection.scalars(text("SELECT tableoid::regclass::text FROM journal ORDER BY at")))


def test_months_are_made_ahead(engine: Engine) -> None:
    """The month of `now` and the next three exist for each monthly table, across the turn of a year."""
    with engine.connect() as connection:
        ahead = ensure_ahead(connection, NOW)
    months = ("2026_11", "2026_12", "2027_01", "2027_02")
    assert set(ahead.made) == {f"{parent}_{month}" for parent in RANGED for month in months}
    assert ahead.left == ahead.busy == ()


def test_a_second_call_makes_nothing(engine: Engine) -> None:
    """Months that exist are named nowhere, so a second call reports nothing."""
    with engine.connect() as connection:
        ensure_ahead(connection, NOW)
        ahead = ensure_ahead(connection, NOW)
    assert ahead.made == ahead.left == ahead.busy == ()


def test_two_calls_at_once(engine: Engine) -> None:
    """Of two calls at once each month is made by one of them."""

    def call() -> tuple[str, ...]:
        with engine.connect() as connection:
            ahead = ensure_ahead(connection, NOW)
        assert ahead.left == ahead.busy == ()
        return ahead.made

    with ThreadPoolExecutor(2) as pool:
        first, second = (each.result(30) for each in [pool.submit(call), pool.submit(call)])
    assert len(first + second) == len(set(first + second)) == 4 * len(RANGED)


def test_months_are_those_of_utc(engine: Engine) -> None:
    """The month is UTC's, wherever `now` was written down, and its first instant belongs to it."""
    sydney = datetime(2026, 12, 1, 3, tzinfo=timezone(timedelta(hours=11)))
    with engine.begin() as connection:
        assert "journal_2026_11" in ensure_ahead(connection, sydney, months=1).made
        _note(connection, datetime(2026, 12, 1, tzinfo=UTC) - timedelta(microseconds=1))
        _note(connection, datetime(2026, 12, 1, tzinfo=UTC))
        assert _homes(connection) == ["journal_2026_11", "journal_2026_12"]


def test_a_month_with_rows_in_default_is_left(engine: Engine) -> None:
    """A month whose rows lie in DEFAULT already stays there; its neighbours are made, and intake goes on."""
    with engine.begin() as connection:
        _note(connection, NOW)
    with engine.connect() as connection:
        ahead = ensure_ahead(connection, NOW, months=1)
    assert ahead.left == ("journal_2026_11",)
    assert "journal_2026_12" in ahead.made
    with engine.begin() as connection:
        _note(connection, NOW + timedelta(hours=1))
        assert _homes(connection) == ["journal_default"] * 2


def test_a_row_that_slips_into_default_is_left_too(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that comes into DEFAULT between the look and the making makes nothing fail."""
    with engine.begin() as connection:
        _note(connection, NOW)
    monkeypatch.setattr(partitions, "_has_rows", lambda *_: False)
    with engine.connect() as connection:
        ahead = ensure_ahead(connection, NOW, months=0)
    assert ahead.left == ("journal_2026_11",)
    assert len(ahead.made) == len(RANGED) - 1


def test_making_waits_for_a_writer(engine: Engine) -> None:
    """A month is made as soon as a writer in flight has ended, and his row stays where it was put."""
    with ThreadPoolExecutor(1) as pool, engine.connect() as writer:
        _note(writer, NOW - YEAR)
        making, pid = in_background(pool, engine, lambda connection: ensure_ahead(connection, NOW))
        until_blocked(engine, pid)
        writer.commit()
        assert len(making.result(30).made) == 4 * len(RANGED)
    with engine.connect() as connection:
        assert _homes(connection) == ["journal_default"]


def test_a_table_in_use_for_too_long_is_busy(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer who does not end holds up his own table only, and only for the lock's patience."""
    monkeypatch.setattr(partitions, "PREPARE", partitions.PREPARE.bindparams(patience="20ms"))
    with engine.connect() as writer, engine.connect() as connection:
        _note(writer, NOW)
        ahead = ensure_ahead(connection, NOW, months=0)
        assert ahead.busy == ("journal_2026_11",)
        assert len(ahead.made) == len(RANGED) - 1
        writer.rollback()
        assert ensure_ahead(connection, NOW, months=0).made == ("journal_2026_11",)


def test_within_a_transaction_of_the_caller(engine: Engine) -> None:
    """Inside a caller's transaction the months live and die with it."""
    with engine.connect() as connection:
        connection.begin()
        assert ensure_ahead(connection, NOW, months=0).made
        connection.rollback()
        assert len(ensure_ahead(connection, NOW, months=0).made) == len(RANGED)


def test_partitions_of_messages_are_swept_by_count(engine: Engine) -> None:
    """A month of messages carries the autovacuum settings of a table that changes all the time."""
    with engine.connect() as connection:
        ensure_ahead(connection, NOW, months=0)
        options = connection.scalar(text("SELECT reloptions FROM pg_class WHERE relname = 'messages_2026_11'"))
    assert options == [f"{name}={value}" for name, value in QUEUE_VACUUM.items()]


def test_old_months_are_dropped_whole(engine: Engine) -> None:
    """A month goes once its last instant is older than the retention, and only where one is set."""
    with engine.connect() as connection:
        ensure_ahead(connection, datetime(2025, 9, 1, tzinfo=UTC), months=3)
        dropped = drop_before(connection, NOW, {"journal": YEAR, "events": timedelta(days=400)})
        assert dropped.dropped == ("journal_2025_09", "journal_2025_10", "events_2025_09")
        assert dropped.busy == ()
        exactly = datetime(2026, 12, 1, tzinfo=UTC)
        assert drop_before(connection, exactly - timedelta(microseconds=1), {"journal": YEAR}).dropped == ()
        assert drop_before(connection, exactly, {"journal": YEAR}).dropped == ("journal_2025_11",)


def test_default_is_emptied_when_all_of_it_is_old(engine: Engine) -> None:
    """DEFAULT is emptied once even its youngest row is older than the retention, and not while one row is young."""
    with engine.connect() as connection:
        _note(connection, NOW - YEAR - timedelta(days=1))
        _note(connection, NOW)
        connection.commit()
        assert drop_before(connection, NOW, {"journal": YEAR}).dropped == ()
        assert drop_before(connection, NOW + YEAR + timedelta(days=1), {"journal": YEAR}).dropped == (
            "journal_default",
        )
        assert connection.scalars(select(journal.c.at)).all() == []


def test_dropping_does_not_wait_for_ever(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month that somebody reads is named busy and goes with the next call."""
    monkeypatch.setattr(partitions, "PREPARE", partitions.PREPARE.bindparams(patience="20ms"))
    with engine.connect() as connection, engine.connect() as reader:
        ensure_ahead(connection, NOW - 2 * YEAR, months=0)
        _note(connection, NOW - 3 * YEAR)
        connection.commit()
        reader.execute(select(journal))
        assert drop_before(connection, NOW, {"journal": YEAR}).busy == ("journal_2024_11", "journal_default")
        reader.rollback()
        assert drop_before(connection, NOW, {"journal": YEAR}).dropped == ("journal_2024_11", "journal_default")


@pytest.mark.parametrize("keep", [{"accounts": YEAR}, {"events": timedelta(0)}])
def test_a_retention_must_make_sense(engine: Engine, keep: dict[str, timedelta]) -> None:
    """A retention for a table without months, or of no time at all, is refused and drops nothing."""
    with engine.connect() as connection, pytest.raises(ValueError, match="expected a positive span for one of events"):
        drop_before(connection, NOW, keep)


def test_a_connection_without_transactions_is_refused(engine: Engine) -> None:
    """Where each statement commits by itself no lock and no patience would hold: nothing is made or dropped."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for call in (lambda: ensure_ahead(connection, NOW), lambda: drop_before(connection, NOW, {"journal": YEAR})):
            with pytest.raises(ValueError, match="commits each statement"):
                call()
