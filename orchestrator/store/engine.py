"""How we connect: psycopg 3, READ COMMITTED, JSON by orjson, and no statement or lock that waits for ever."""

from enum import IntEnum, unique

import orjson
import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

STATEMENT_SECONDS = 60
IDLE_SECONDS = 60
LOCK_SECONDS = 10
CONNECT_SECONDS = 10


@unique
class AdvisoryLock(IntEnum):
    """The advisory locks of this database, all in one place so that no two duties share a number by accident."""

    MIGRATION = 7_301
    """Held by the one who migrates."""
    KEYS = 7_302
    """Shared by whoever admits event keys; held alone by a rotation of generations."""
    PARTITIONS = 7_303
    """Held by the one who makes partitions."""


def create_engine(
    url: str | URL,
    *,
    application_name: str = "lifecycle",
    statement_seconds: float = STATEMENT_SECONDS,
    lock_seconds: float = LOCK_SECONDS,
    pool_size: int = 5,
) -> Engine:
    """Return an engine on a ``postgresql://`` address; nothing is connected yet.

    Timeouts are in seconds; 0 means none. What the address itself sets (``?options=…``, ``?application_name=…``)
    comes later and wins. An engine belongs to one process: after a fork, call ``dispose_after_fork`` in the child.
    Raises ``ValueError`` when the address is not PostgreSQL's.
    """
    address = _address(url)
    asked = dict(address.query)
    options = " ".join((_options(statement_seconds, lock_seconds), str(asked.pop("options", "")))).strip()
    return sqlalchemy.create_engine(
        address.set(query=asked),
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        hide_parameters=True,  # an error that quotes its statement must not quote names and addresses into a log
        pool_size=pool_size,
        json_serializer=orjson.dumps,
        json_deserializer=orjson.loads,
        connect_args={
            **{name: value for name, value in _connect_args(application_name).items() if name not in asked},
            "options": options,
        },
    )


def dispose_after_fork(engine: Engine) -> None:
    """Forget the parent's connections, in the child, without closing the parent's sockets."""
    engine.dispose(close=False)


def _address(url: str | URL) -> URL:
    address = make_url(url)
    if address.get_backend_name() not in {"postgresql", "postgres"}:
        raise ValueError(f"expected a postgresql:// address, got {address.drivername}://")
    return address.set(drivername="postgresql+psycopg")


def _options(statement_seconds: float, lock_seconds: float) -> str:
    """Settings that the server applies while it lets us in: no further round trip."""
    settings = {
        "statement_timeout": round(statement_seconds * 1000),
        "lock_timeout": round(lock_seconds * 1000),
        "idle_in_transaction_session_timeout": IDLE_SECONDS * 1000,
        "timezone": "UTC",
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _connect_args(application_name: str) -> dict[str, str | int]:
    """Notice a server that vanished: within seconds when connecting, within a minute when a cable was cut."""
    return {
        "application_name": application_name,
        "client_encoding": "utf8",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
