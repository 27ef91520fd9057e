"""The benchmark tables that are shipped."""

from pathlib import Path

import pytest

from orchestrator.insight.tables import Benchmarks, read_benchmarks

TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.fixture(scope="session")
def tables() -> Benchmarks:
    return read_benchmarks(TEMPLATES)
