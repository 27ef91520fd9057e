"""How we connect."""

import os
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url

from orchestrator.store.engine import create_engine, dispose_after_fork
from tests.database import backend


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "1min"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("lock_timeout", "10s"),
        ("TimeZone", "UTC"),
        ("application_name", "lifecycle"),
        ("transaction_isolation", "read committed"),
        ("client_encoding", "UTF8"),
    ],
)
def test_a_session_is_bounded(engine: Engine, setting: str, value: str) -> None:
    """No statement, lock or idle transaction lasts for ever, and instants are in UTC."""
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_setting(:setting)"), {"setting": setting}) == value


def test_the_address_has_the_last_word(database_url: str) -> None:
    """What the address sets itself wins over our own settings; the rest stays."""
    url = make_url(database_url).update_query_dict({"options": "-c lock_timeout=7s", "application_name": "mine"})
    engine = create_engine(url)
    with engine.connect() as connection:
        query = "SELECT current_setting(unnest(ARRAY['lock_timeout', 'application_name', 'statement_timeout']))"
        assert list(connection.scalars(text(query))) == ["7s", "mine", "1min"]
    engine.dispose()


def test_json_is_orjson(engine: Engine) -> None:
    """JSON goes out and comes back through orjson, which knows instants and tells text from bytes."""
    at = datetime(2026, 3, 1, tzinfo=UTC)
    statement = text("SELECT :value").bindparams(bindparam("value", type_=JSONB()))
    with engine.connect() as connection:
        assert connection.scalar(statement, {"value": {"at": at, "name": "Zoë"}}) == {
            "at": "2026-03-01T00:00:00+00:00",
            "name": "Zoë",
        }


def test_only_postgresql() -> None:
    """Another database is refused before anything connects."""
    with pytest.raises(ValueError, match=r"expected a postgresql:// address, got sqlite://"):
        create_engine("sqlite://")


def test_a_lost_connection_is_noticed(engine: Engine) -> None:
    """A pooled connection whose backend was killed meanwhile is replaced, unnoticed by the next user."""
    with engine.connect() as victim, engine.connect() as other:
        first, killer = backend(victim), other
        victim.rollback()
        victim.close()
        killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
        with engine.connect() as next_user:
            assert backend(next_user) != first


def test_a_child_leaves_the_parents_connection_alone(engine: Engine) -> None:
    """After a fork the child connects anew, and its end does not touch the parent's connection."""
    with engine.connect() as connection:
        parents = backend(connection)
    child = os.fork()
    if child == 0:
        dispose_after_fork(engine)
        with engine.connect() as connection:
            differs = backend(connection) != parents
        os._exit(0 if differs else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with engine.connect() as connection:
        assert backend(connection) == parents
