"""Addresses: one spelling in, the right one out for each client."""

import pytest
from kombu.connection import Connection

from orchestrator.runtime import addresses
from orchestrator.runtime.addresses import Addresses


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_each_spelling_of_postgresql_is_taken(scheme: str) -> None:
    """The common spellings of a PostgreSQL address all reach SQLAlchemy's psycopg dialect."""
    assert addresses.database_url(f"{scheme}://u:p@h:1/d?x=1") == "postgresql+psycopg://u:p@h:1/d?x=1"


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "postgresql+asyncpg://u:secret@h/d", "secret", ""])
def test_no_other_database_is_taken(url: str) -> None:
    """Another database is refused, and its address is not repeated."""
    with pytest.raises(ValueError, match="expected postgresql://") as refused:
        addresses.database_url(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "for_redis", "for_kombu"),
    [
        ("redis://h:1/2", "redis://h:1/2", "redis://h:1/2"),
        ("redis://h?db=3", "redis://h?db=3", "redis://h/3"),
        ("valkey://:p@h/0", "redis://:p@h/0", "redis://:p@h/0"),
        ("rediss://h/0?ssl_cert_reqs=required", *["rediss://h/0?ssl_cert_reqs=required"] * 2),
        ("unix://:p@/run/v.sock", "unix://:p@/run/v.sock?db=0", "redis+socket://:p@/run/v.sock?virtual_host=0"),
        ("unix:///run/v.sock?db=3", "unix:///run/v.sock?db=3", "redis+socket:///run/v.sock?virtual_host=3"),
        (
            "redis+socket://u:p@/run/v.sock?virtual_host=3",
            "unix://u:p@/run/v.sock?db=3",
            "redis+socket://u:p@/run/v.sock?virtual_host=3",
        ),
    ],
)
def test_redis_and_kombu_get_their_own_spelling(url: str, for_redis: str, for_kombu: str) -> None:
    """A broker's address is spelt for redis-py and for kombu, sockets and database numbers included."""
    assert addresses.redis_url(url) == for_redis
    assert addresses.broker_url(url) == for_kombu


@pytest.mark.parametrize("url", ["http://h", "redis://", "unix://", "redis://h:99999999/0", "redis://[h/0"])
def test_a_bad_broker_address_is_refused(url: str) -> None:
    """What no client could use is refused at once."""
    with pytest.raises(ValueError, match=r"expected|is not an address"):
        addresses.redis_url(url)


def test_kombu_reads_the_number_of_a_socket_s_database() -> None:
    """Kombu takes the database number of a socket from virtual_host."""
    url = addresses.broker_url("unix://:p@/run/v.sock?db=3")
    with Connection(url) as connection:  # type: ignore[no-untyped-call]  # kombu ships no types
        parameters = connection.transport.Channel._connparams
        channel = type("Channel", (connection.transport.Channel,), {"__init__": lambda _: None})()
        channel.connection = type("Virtual", (), {"client": connection, "default_port": 6379})()
        assert parameters(channel)["db"] == 3


def test_a_printed_address_has_no_password() -> None:
    """The repr of addresses masks each password."""
    url = "redis://u:secret@h/0"
    shown = repr(
        Addresses(
            database_url=url, redis_url=url, broker_url="redis+socket://:secret@/s", stream_url="unix://:secret@/s"
        )
    )
    assert "secret" not in shown
    assert "redis://u:***@h/0" in shown
    assert addresses.masked("redis://h/0") == "redis://h/0"
    assert addresses.masked("redis://u:secret@[h/0") == "***"
