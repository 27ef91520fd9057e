"""Fixtures for pytest; the one module that imports it: ``pytest_plugins = ["orchestrator.testing.plugin"]``."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from orchestrator.core.playbook import Playbook
from orchestrator.playbook.source import read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from orchestrator.testing.rehearsal import Rehearsal
from orchestrator.usecases.publish import checked


@pytest.fixture(scope="session")
def lifecycle_playbook_path() -> Path:
    """The playbook that is tried: the configured one; override this fixture to try another."""
    return Settings.load().playbook


@pytest.fixture(scope="session")
def lifecycle_playbook(lifecycle_playbook_path: Path) -> Playbook:
    """That playbook, checked with its templates and compiled, once a session."""
    return checked(read_source(lifecycle_playbook_path, template_texts(Settings.load().templates)))


@pytest.fixture(scope="session")
def rehearse(lifecycle_playbook: Playbook) -> Callable[..., Rehearsal]:
    """Begin a rehearsal of that playbook: ``rehearse(zone="Europe/Berlin", arr=150_000)``."""
    return partial(Rehearsal, lifecycle_playbook)
