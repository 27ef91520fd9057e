"""Data folders for real servers: under /tmp and open to be entered, because pytest's own folders are root's alone."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.runtime import servers
from orchestrator.runtime.servers import Servers
from orchestrator.runtime.settings import Settings

VARIABLES = ("DATABASE_URL", "REDIS_URL", "STREAM_URL")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (setting.name for setting in Settings.table()):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def new_settings() -> Iterator[Callable[[], Settings]]:
    """Makes settings with a data folder of their own; at the end their servers are stopped and the folders removed."""
    made: list[Settings] = []

    def make() -> Settings:
        parent = Path(tempfile.mkdtemp(prefix="lc-test-", dir="/tmp"))
        parent.chmod(0o755)
        made.append(Settings.load(home=parent / "var"))
        return made[-1]

    yield make
    for settings in made:
        servers.stop(settings)
        shutil.rmtree(settings.home.parent)


@pytest.fixture
def settings(new_settings: Callable[[], Settings]) -> Settings:
    """Settings with an empty data folder."""
    return new_settings()


@pytest.fixture(scope="session")
def house(new_settings: Callable[[], Settings]) -> Settings:
    """The settings of the servers that tests share."""
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        return new_settings()


@pytest.fixture(scope="session")
def shared(house: Settings) -> Iterator[Servers]:
    """Running servers that tests share; a test that kills one makes it well again."""
    used = servers.start(house)
    yield used
    used.leave()
