"""Ten industries (rules 1.0.7), each in order, and each with a scenario that `b2b-saas` alone does not pass."""

from pathlib import Path

import pytest

from orchestrator.playbook import PlaybookSource
from orchestrator.playbook.errors import PlaybookError
from orchestrator.playbook.lint import lint
from orchestrator.testing import judge, read_scenario, scenario_files
from orchestrator.usecases.publish import checked
from tests.rules.shelf import Shelf

HERE = Path(__file__).parent
FILES = [file for folder in sorted(HERE.glob("b2b-saas+industry-*")) for file in scenario_files(folder)]
PRESETS = HERE.parents[1] / "templates" / "playbooks" / "presets"
INDUSTRIES = sorted(path.stem for path in PRESETS.glob("industry-*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_an_industry_is_not_a_swapped_word(file: Path, shelf: Shelf) -> None:
    """Under the playbook without the industry the same life comes out otherwise, or cannot even be told."""
    try:
        scenario = read_scenario(file, shelf.book("b2b-saas"))
    except PlaybookError:
        return
    assert not judge(scenario, shelf.book("b2b-saas")).passed


@pytest.mark.parametrize("industry", INDUSTRIES)
def test_an_industry_leaves_nothing_to_warn_of(industry: str, shelf: Shelf) -> None:
    """The check is content with each industry, with its templates and with every block of its words."""
    text = f"playbook: tried\nextends: [b2b-saas, {industry}]\n"
    source = PlaybookSource(file="tried.yaml", text=text, templates=shelf.templates)
    assert not lint(checked(source), source, None)


def test_every_industry_has_its_scenario() -> None:
    """All ten are there, each with a scenario."""
    assert sorted({file.parent.name.removeprefix("b2b-saas+") for file in FILES}) == INDUSTRIES
    assert len(INDUSTRIES) == 10
