from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.conditions import Literal
from orchestrator.core.playbook import Playbook
from orchestrator.testing import judge, read_scenario, scenario_files, story

FILES = scenario_files(Path(__file__).parent / "b2b-saas")
NO = Literal(value=False, text="False")
by_name = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@by_name
def test_the_shipped_playbook_does_what_the_scenario_tells(file: Path, lifecycle_playbook: Playbook) -> None:
    """Every scenario of the shipped playbook comes out as it is written."""
    verdict = judge(read_scenario(file, lifecycle_playbook), lifecycle_playbook)
    assert verdict.passed, f"\n{story(verdict)}"


@by_name
def test_each_scenario_can_fail(file: Path, lifecycle_playbook: Playbook) -> None:
    """Under the same playbook with every play and every row of the stage table switched off, no scenario passes."""
    plays = {name: replace(play, when=NO) for name, play in lifecycle_playbook.plays.items()}
    rows = tuple(replace(row, when=NO) for row in lifecycle_playbook.transitions)
    idle = replace(lifecycle_playbook, plays=plays, transitions=rows, milestones={})
    verdict = judge(read_scenario(file, lifecycle_playbook), idle)
    assert not verdict.passed


@by_name
def test_each_play_that_a_scenario_expects_is_held_by_it(file: Path, lifecycle_playbook: Playbook) -> None:
    """Take one expected play out of the playbook, and the scenario fails at that play."""
    scenario = read_scenario(file, lifecycle_playbook)
    for play in {each.play for each in scenario.expectations if each.play and not each.absent}:
        rest = {name: each for name, each in lifecycle_playbook.plays.items() if name != play}
        less = judge(scenario, replace(lifecycle_playbook, plays=rest))
        assert play in {each.play for each in less.differences}, play


def test_the_scenarios_are_many_and_say_why() -> None:
    """The shipped playbook has more than fifteen scenarios, and each says in a sentence why it must be so."""
    assert len(FILES) > 15
    assert all("\nwhy: " in file.read_text(encoding="utf-8") for file in FILES)
