"""The scenarios of the shipped playbooks. A folder names what it tries: ``b2b-saas``, or ``b2b-saas+acv-3-tier``."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.conditions import Literal
from orchestrator.core.playbook import Playbook
from orchestrator.testing import Scenario, judge, read_scenario, scenario_files
from tests.rules.shelf import HOUSE, Shelf, shipped

HERE = Path(__file__).parent
FILES = scenario_files(HERE)
NO = Literal(value=False, text="False")
by_name = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")


def tried(file: Path) -> tuple[Scenario, Playbook]:
    """A scenario, and the playbook that its folder names."""
    name, *presets = file.parent.name.split("+")
    book = shipped().book(name, *presets)
    return read_scenario(file, book), book


@by_name
def test_the_shipped_playbook_does_what_the_scenario_tells(file: Path, shelf: Shelf) -> None:
    """Every scenario of a shipped playbook comes out as it is written."""
    shelf.scenario(file.relative_to(HOUSE))


@by_name
def test_each_scenario_can_fail(file: Path) -> None:
    """Under the same playbook with every play and every row of the stage table switched off, no scenario passes."""
    scenario, book = tried(file)
    plays = {name: replace(play, when=NO) for name, play in book.plays.items()}
    rows = tuple(replace(row, when=NO) for row in book.transitions)
    idle = replace(book, plays=plays, transitions=rows, milestones={})
    assert not judge(scenario, idle).passed


@by_name
def test_each_play_that_a_scenario_expects_is_held_by_it(file: Path) -> None:
    """Take one expected play out of the playbook, and the scenario fails at that play."""
    scenario, book = tried(file)
    for play in {each.play for each in scenario.expectations if each.play and not each.absent}:
        rest = {name: each for name, each in book.plays.items() if name != play}
        less = judge(scenario, replace(book, plays=rest))
        assert play in {each.play for each in less.differences}, play


def test_the_scenarios_are_many_and_say_why() -> None:
    """There are sixty scenarios and more, and each says in a sentence why it must be so."""
    assert len(FILES) >= 60
    assert all("\nwhy: " in file.read_text(encoding="utf-8") for file in FILES)
