"""An installation a test: a fresh database, an emptied broker, the clock at a Monday morning."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from sqlalchemy import Engine

from tests.usecases.company import MONDAY
from tests.usecases.playbooks import tiny
from tests.usecases.world import Relay, World, ports_of


@pytest.fixture
def bare(engine: Engine, valkey_socket: str) -> Iterator[World]:
    """An installation without a playbook."""
    with redis.Redis(unix_socket_path=valkey_socket) as client:
        client.flushall()
        relay = Relay()
        world = World(ports=ports_of(engine, client, relay), relay=relay, client=client)
        world.at(MONDAY)
        yield world


@pytest.fixture
def world(bare: World) -> World:
    """An installation that says hello to whoever signs up."""
    bare.publish(tiny())
    return bare


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads
