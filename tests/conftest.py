"""Fixtures that more than one folder of tests needs."""

import pytest

pytest.register_assert_rewrite("tests.acceptance.plant")  # it asserts for many tests: what differs is to be shown

pytest_plugins = ["tests.database", "tests.broker", "tests.rules.shelf", "orchestrator.testing.plugin"]
