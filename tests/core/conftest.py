"""The core is pure: its tests run with sockets off, and their properties say how to repeat a failure."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

settings.register_profile(
    "core",
    max_examples=40,
    deadline=None,  # a busy machine is no failure
    database=None,  # no folder is left behind
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # a whole life is one example
)
settings.load_profile("core")


@pytest.fixture(autouse=True, scope="package")
def _without_sockets() -> Iterator[None]:
    disable_socket()
    yield
    enable_socket()
