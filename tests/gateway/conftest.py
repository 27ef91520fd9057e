"""One gateway for the tests that leave it whole, on a database and a broker of its own; the streams are emptied."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import running_valkey
from tests.database import fresh_database
from tests.gateway.live import Gateway, live


@pytest.fixture(scope="session")
def standing(postgres_url: str, database_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("door")
    with (
        fresh_database(postgres_url, database_template) as url,
        running_valkey(folder) as socket,
        live(url, f"unix://{socket}?db=0", home=folder) as gateway,
    ):
        yield gateway


@pytest.fixture
def gateway(standing: Gateway) -> Gateway:
    """The standing gateway, with nothing on its streams."""
    standing.broker.flushall()
    return standing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
