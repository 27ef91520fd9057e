"""Whose fault an error is, by real errors."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy.exc
from sqlalchemy import Connection, Engine, bindparam, insert, text
from sqlalchemy.dialects.postgresql import JSONB

from orchestrator.store.engine import create_engine
from orchestrator.store.failures import Fault, fault
from orchestrator.store.tables import clock, events, redirects
from tests.database import backend, until_blocked

Provoke = Callable[[Connection], object]


def _fault_of(engine: Engine, provoke: Provoke) -> Fault:
    with engine.connect() as connection, pytest.raises(Exception) as caught:  # noqa: PT011 - any error is judged
        provoke(connection)
    return fault(caught.value)


def _json(value: object) -> Provoke:
    statement = text("SELECT CAST(:value AS jsonb)").bindparams(bindparam("value", type_=JSONB()))
    return lambda connection: connection.execute(statement, {"value": value})


def _nested(connection: Connection) -> object:
    return connection.execute(text("SELECT CAST(:value AS jsonb)"), {"value": "[" * 100_000 + "]" * 100_000})


def _overlong_key(connection: Connection) -> object:
    connection.execute(text("CREATE TEMPORARY TABLE keyed (key text PRIMARY KEY)"))
    return connection.execute(
        text("INSERT INTO keyed SELECT string_agg(md5(n::text), '') FROM generate_series(1, 999) n")
    )


def _twice(connection: Connection) -> object:
    row = {"from_account": "a", "to_account": "b", "at": "2026-01-01T00:00:00Z"}
    return [connection.execute(insert(redirects).values(row)) for _ in range(2)]


DATA: dict[str, Provoke] = {
    "a NUL byte in text": lambda c: c.execute(text("SELECT CAST(:value AS text)"), {"value": "a\0b"}),
    "a NUL byte in JSON": _json("a\0b"),
    "JSON that is nested too deep": _nested,
    "text where a number must be": lambda c: c.execute(text("SELECT CAST('x' AS int)")),
    "a key that is too long for an index": _overlong_key,
    "a key that exists": _twice,
    "a broken check": lambda c: c.execute(insert(clock).values(id=2, now="2026-01-01T00:00:00Z")),
    "a missing value": lambda c: c.execute(insert(events).values(account_id="acme")),
}


@pytest.mark.parametrize("name", list(DATA))
def test_a_refused_value_is_the_datas_fault(engine: Engine, name: str) -> None:
    """A value that PostgreSQL, or its client, refuses is the fault of the data."""
    assert _fault_of(engine, DATA[name]) is Fault.DATA


WORLD: dict[str, Provoke] = {
    "a statement that takes too long": lambda c: c.execute(text("SET statement_timeout = '5ms'; SELECT pg_sleep(5)")),
    "a table that was not migrated yet": lambda c: c.execute(text("SELECT * FROM of_tomorrow")),
    "a server gone read-only": lambda c: c.execute(
        text("SET TRANSACTION READ ONLY; INSERT INTO clock VALUES (1, clock_timestamp())")
    ),
    "an error inside PostgreSQL": lambda c: c.execute(text("DO $$BEGIN RAISE SQLSTATE 'XX000'; END$$")),
    "a full disk": lambda c: c.execute(text("DO $$BEGIN RAISE SQLSTATE '53100'; END$$")),
}


@pytest.mark.parametrize("name", list(WORLD))
def test_what_hits_every_event_alike_is_the_worlds_fault(engine: Engine, name: str) -> None:
    """What would fail for any event rejects none."""
    assert _fault_of(engine, WORLD[name]) is Fault.WORLD


def test_a_killed_backend_is_the_worlds_fault(engine: Engine) -> None:
    """A backend that is killed in the middle, and the dead connection afterwards, are the world's fault."""
    with engine.connect() as victim, engine.connect() as killer:
        killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend(victim)})
        raw = victim.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        with pytest.raises(sqlalchemy.exc.OperationalError) as killed:
            victim.execute(text("SELECT 1"))
        with pytest.raises(psycopg.OperationalError) as dead:
            raw.execute("SELECT 1")
    assert fault(killed.value) is Fault.WORLD
    assert fault(dead.value) is Fault.WORLD


def test_a_server_out_of_reach_is_the_worlds_fault() -> None:
    """A connection that is refused carries no SQLSTATE and is the world's fault."""
    assert _fault_of_connecting("postgresql:///?host=/nowhere") is Fault.WORLD


def test_a_missing_database_is_the_worlds_fault(postgres_url: str) -> None:
    """A server that lets us in but has no such database is the world's fault."""
    assert _fault_of_connecting(postgres_url.replace("/postgres?", "/nothing?")) is Fault.WORLD


def _fault_of_connecting(url: str) -> Fault:
    engine = create_engine(url)
    with pytest.raises(sqlalchemy.exc.OperationalError) as caught:
        engine.connect()
    return fault(caught.value)


def test_a_lock_that_does_not_come_is_the_worlds_fault(engine: Engine) -> None:
    """A lock that is not had in time is waited out, not bisected."""
    with engine.connect() as holder:
        holder.execute(text("LOCK TABLE clock"))
        assert _fault_of(engine, lambda c: c.execute(text("SET lock_timeout = '5ms'; LOCK TABLE clock"))) is Fault.WORLD


def test_an_exhausted_pool_is_the_worlds_fault(database_url: str) -> None:
    """No free connection in the pool is the world's fault."""
    engine = create_engine(database_url, pool_size=1)
    engine.pool._max_overflow, engine.pool._timeout = 0, 0.01  # type: ignore[attr-defined]  # how else, in no time?
    with engine.connect(), pytest.raises(sqlalchemy.exc.TimeoutError) as caught:
        engine.connect()
    engine.dispose()
    assert fault(caught.value) is Fault.WORLD


def test_a_deadlock_is_tried_again(engine: Engine) -> None:
    """Of two transactions that wait for each other one is told to try again, and the other goes on."""
    with ThreadPoolExecutor(1) as pool, engine.connect() as one, engine.connect() as other:
        one.execute(text("SELECT pg_advisory_xact_lock(1)"))
        other.execute(text("SELECT pg_advisory_xact_lock(2)"))
        pid = backend(other)
        waiting = pool.submit(other.execute, text("SELECT pg_advisory_xact_lock(1)"))
        until_blocked(engine, pid)
        errors = [_error_of(lambda: one.execute(text("SELECT pg_advisory_xact_lock(2)"))), waiting.exception(30)]
    assert [fault(error) for error in errors if error] == [Fault.RETRY]


def test_a_serialization_failure_is_tried_again(engine: Engine) -> None:
    """A lost race under a stricter isolation is told to try again."""
    move = text("UPDATE key_generations SET began_at = clock_timestamp()")
    with engine.connect() as one, engine.connect() as other:
        one.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        one.execute(text("SELECT 1"))
        other.execute(move)
        other.commit()
        error = _error_of(lambda: one.execute(move))
    assert error is not None
    assert fault(error) is Fault.RETRY


def _error_of(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except sqlalchemy.exc.DBAPIError as error:
        return error
    return None


def test_a_batch_that_names_a_row_twice_is_our_fault(engine: Engine) -> None:
    """An upsert that meets a row twice is ours: alone each half of the batch passes."""
    upsert = """INSERT INTO clock VALUES (1, clock_timestamp()), (1, clock_timestamp())
                    ON CONFLICT (id) DO UPDATE SET now = excluded.now"""
    assert _fault_of(engine, lambda c: c.execute(text(upsert))) is Fault.OURS


@pytest.mark.parametrize(
    "error", [KeyError("seats"), ValueError("nan"), RecursionError(), UnicodeDecodeError("utf-8", b"", 0, 1, "")]
)
def test_an_error_of_python_is_our_fault(error: Exception) -> None:
    """What parsing and folding raise is ours, to be bisected."""
    assert fault(error) is Fault.OURS


def test_a_value_that_python_cannot_write_is_our_fault(engine: Engine) -> None:
    """A value that never reaches PostgreSQL, because it cannot be written as JSON, is bisected."""
    assert _fault_of(engine, _json(object())) is Fault.OURS


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ConnectionResetError(), MemoryError()])
def test_an_error_of_the_system_is_the_worlds_fault(error: BaseException) -> None:
    """A full disk, a cut connection or too little memory rejects nothing, wherever it is met."""
    assert fault(error) is Fault.WORLD


def test_an_error_is_judged_by_its_cause(engine: Engine) -> None:
    """An error of ours that was raised from one of the database is judged by that one."""

    def wrapped(connection: Connection) -> None:
        try:
            connection.execute(text("SELECT CAST('x' AS int)"))
        except sqlalchemy.exc.DBAPIError as error:
            raise RuntimeError("the batch could not be saved") from error

    assert _fault_of(engine, wrapped) is Fault.DATA
