"""A client of the session's Valkey, speaking both protocols, with nothing in it."""

from collections.abc import Iterator

import pytest
import redis


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(request: pytest.FixtureRequest, valkey_socket: str) -> Iterator[redis.Redis]:
    with redis.Redis(unix_socket_path=valkey_socket, protocol=request.param) as connected:
        connected.flushall()
        yield connected
