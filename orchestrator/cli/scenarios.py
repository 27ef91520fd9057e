"""``lifecycle playbook test``: a playbook is tried on scenarios before it runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.console import out
from orchestrator.core.errors import LifecycleError
from orchestrator.core.playbook import Playbook
from orchestrator.playbook.errors import Problem
from orchestrator.playbook.source import read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from orchestrator.testing.scenario import Scenario, ScenarioError, read_scenario, scenario_files
from orchestrator.testing.story import story
from orchestrator.testing.verdict import judge
from orchestrator.usecases.publish import checked

FAILED = 1  # exit status: a scenario came out otherwise than expected


class NoScenariosError(LifecycleError):
    """There is no scenario here: a scenario is a .yaml file, see tests/scenarios."""


def tried_on(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of scenarios, or one file.", exists=True)],
    playbook: Annotated[Path | None, typer.Option(help="The playbook to try; the configured one without it.")] = None,
) -> None:
    """Try a playbook on scenarios (YAML timelines); tell the first difference of each as a story."""
    settings = Settings.load()
    tried = checked(read_source(playbook or settings.playbook, template_texts(settings.templates)))
    files = scenario_files(folder)
    if not files:
        raise NoScenariosError
    verdicts = [judge(scenario, tried) for scenario in _scenarios(files, tried)]
    for verdict in verdicts:
        out.print(story(verdict) + ("" if verdict.passed else "\n"), markup=False, soft_wrap=True)
    failed = sum(not verdict.passed for verdict in verdicts)
    out.print(f"{len(verdicts) - failed} passed, {failed} failed; playbook {tried.name} {tried.version}")
    if failed:
        raise typer.Exit(FAILED)


def _scenarios(files: Sequence[Path], playbook: Playbook) -> list[Scenario]:
    """All of them, once each is in order; the problems of all files are told together."""
    read: list[Scenario] = []
    problems: list[Problem] = []
    for file in files:
        try:
            read.append(read_scenario(file, playbook))
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    return read
