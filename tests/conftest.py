"""Fixtures that more than one folder of tests needs."""

pytest_plugins = ["tests.database", "tests.broker", "orchestrator.testing.plugin"]
