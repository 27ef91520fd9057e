"""What is documented is true: settings, commands, reasons, links and examples of the README."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from typer.main import get_command

from orchestrator.cli.app import app
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason
from orchestrator.intake.segment import parse_call
from orchestrator.playbook.compiler import load
from orchestrator.playbook.lint import RULES
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from orchestrator.testing import Rehearsal, judge, parse_scenario, story
from tests.house.source import HOUSE

README = (HOUSE / "README.md").read_text(encoding="utf-8")


def commands(group: object, path: str = "lifecycle") -> list[str]:
    """Every command with its path, as a person types it."""
    inner = getattr(group, "commands", None)
    if inner is None:
        return [path]
    return [line for name, each in sorted(inner.items()) for line in commands(each, f"{path} {name}")]


def test_every_setting_is_in_the_readme() -> None:
    """The README's table of settings is the program's."""
    for setting in Settings.table():
        default = f"`{setting.default}`" if setting.default else ""
        assert f"| `{setting.name}` | {default} | {setting.help} |" in README


@pytest.mark.parametrize("command", commands(get_command(app)))
def test_every_command_is_in_the_readme(command: str) -> None:
    """The README's table of commands has each command with the words of its ``--help``."""
    told = " ".join((helped(command) or "").split())
    assert told
    assert f"| `{command}` | {told} |" in README


def helped(command: str) -> str | None:
    """What ``--help`` says of a command."""
    found: Any = get_command(app)
    for word in command.split()[1:]:
        found = found.commands[word]
    help_text: str | None = found.help
    return help_text


def test_the_readme_names_no_command_that_does_not_exist() -> None:
    """Whatever the README writes as `lifecycle …` is a command."""
    known = commands(get_command(app))
    for written in re.findall(r"`(lifecycle [a-z ]+[a-z])", README):
        assert any(written.startswith(command) or command.startswith(written) for command in known), written


def test_links_of_the_readme_lead_somewhere() -> None:
    """Each relative link is a file or folder of this repository; a test that a promise names exists."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (HOUSE / target).exists(), target


@pytest.mark.parametrize("promise", [f"P{number}" for number in range(1, 9)])
def test_each_promise_is_attacked_by_a_test_that_exists(promise: str) -> None:
    """P1 to P8 each link to a test function that is there."""
    (row,) = (line for line in README.splitlines() if line.startswith(f"| {promise} |"))
    named = re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", row)
    assert named
    for test, file in named:
        tree = ast.parse((HOUSE / file).read_text(encoding="utf-8"))
        assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, test


def test_the_first_play_of_the_readme_compiles() -> None:
    """The play of the README fits into the shipped playbook, and its template is all that is missing."""
    (block,) = (
        block for block in re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL) if "day_10_reports" in block
    )
    play = yaml.safe_load(block)["plays"]["day_10_reports"]
    path = HOUSE / "templates" / "playbooks" / "b2b-saas.yaml"
    indented = yaml.safe_dump({"day_10_reports": play}).replace("\n", "\n  ")
    templates = {**template_texts(HOUSE / "templates"), "email/day_10_reports/en.md": "---\nsubject: s\n---\n"}
    playbook = load(f"{path.read_text(encoding='utf-8').rstrip()}\n\n  {indented}", templates)
    assert "day_10_reports" in playbook.plays


def test_the_readme_has_each_rule_of_the_check() -> None:
    """The README's table of what a check warns of is the program's."""
    told = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", README, flags=re.MULTILINE)
    assert [(name, says) for name, says in told if name in RULES] == list(RULES.items())


def test_the_events_of_the_readme_are_read() -> None:
    """Each call that the README shows is one that intake understands."""
    (block,) = (block for block in re.findall(r"```json\n(.*?)```", README, flags=re.DOTALL))
    from datetime import UTC, datetime

    for line in block.strip().splitlines():
        parsed = parse_call(line.encode(), source="readme", received_at=datetime(2026, 11, 22, tzinfo=UTC))
        assert parsed.event.message_id == orjson.loads(line)["messageId"]


def test_the_scenario_of_the_readme_passes() -> None:
    """The scenario that the README shows comes out, under the shipped playbook, as it says."""
    (block,) = (
        block for block in re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL) if block.startswith("scenario:")
    )
    path = HOUSE / "templates" / "playbooks" / "b2b-saas.yaml"
    playbook = load(path, template_texts(HOUSE / "templates"))
    verdict = judge(parse_scenario(block, playbook, file="README.md"), playbook)
    assert verdict.passed, story(verdict)


def test_the_rehearsal_of_the_readme_passes(rehearse: Callable[..., Rehearsal]) -> None:
    """The Python test that the README shows is one that runs and passes."""
    (block,) = (block for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL) if "rehearse" in block)
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102 -- what our own README shows
    names["test_who_is_active_is_left_alone"](rehearse)
    assert names["pytest_plugins"] == ["orchestrator.testing.plugin"]


def test_the_files_that_the_readme_runs_commands_on_are_there() -> None:
    """Each path in a command of the README, but the reader's own events, is a file or folder of this repository."""
    commands = [
        line for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL) for line in block.splitlines()
    ]
    named = [word for line in commands for word in line.split() if re.match(r"(tests|templates)/", word)]
    assert named
    assert all((HOUSE / word).exists() for word in named), named


@pytest.mark.parametrize("reasons", [DecisionReason, PostponementReason, MessageReason])
def test_each_reason_has_its_sentence_and_a_test_that_names_it(reasons: type[DecisionReason]) -> None:
    """No reason is without its one sentence or without a test."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in Path(HOUSE / "tests").rglob("test_*.py"))
    for reason in reasons:
        assert reason.sentence.endswith(".")
        assert f"{reasons.__name__}.{reason.name}" in tests, reason
