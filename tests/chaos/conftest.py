"""A bare environment, and the logs of a test that failed."""

from tests.acceptance.witness import bare_environment, pytest_runtest_makereport

__all__ = ["bare_environment", "pytest_runtest_makereport"]
