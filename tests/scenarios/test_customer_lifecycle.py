"""The whole life of a customer, told in scenarios: the shipped playbook with every layer over it."""

from pathlib import Path

import pytest

from orchestrator.core.playbook import Playbook
from orchestrator.playbook.source import read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.testing import judge, read_scenario, scenario_files, story
from orchestrator.usecases.publish import checked
from tests.playbook.small import HOUSE, SHIPPED

FILES = scenario_files(Path(__file__).parent / "customer-lifecycle")


@pytest.fixture(scope="module")
def whole() -> Playbook:
    """The playbook with every layer."""
    return checked(read_source(SHIPPED / "customer-lifecycle.yaml", template_texts(HOUSE / "templates")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_whole_playbook_does_what_the_scenario_tells(file: Path, whole: Playbook) -> None:
    """Every scenario of the whole playbook comes out as it is written."""
    verdict = judge(read_scenario(file, whole), whole)
    assert verdict.passed, f"\n{story(verdict)}"


def test_the_scenarios_of_the_whole_say_why() -> None:
    """Each scenario says in a sentence why it must be so."""
    assert all("\nwhy: " in file.read_text(encoding="utf-8") for file in FILES)
