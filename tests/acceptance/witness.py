"""What both folders of real processes share: a bare environment, and the logs of a test that failed."""

from collections.abc import Generator, Iterator

import pytest

from orchestrator.runtime.settings import Settings
from tests.acceptance.plant import standing


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(f"log of {name}", log) for plant in standing for name, log in plant.logs()]
        report.sections += [("notices", "\n".join(map(str, plant.notices[-40:]))) for plant in standing]
    return report


@pytest.fixture(autouse=True, scope="module")
def bare_environment() -> Iterator[None]:
    """No setting of the machine reaches the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for setting in Settings.table():
            patch.delenv(setting.name, raising=False)
        yield
