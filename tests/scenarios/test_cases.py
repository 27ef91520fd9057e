"""The cases that must have a scenario: each is claimed by one (``proves``), and what can be looked up is looked up."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest

from orchestrator.core.events import Json
from orchestrator.core.playbook import OnDay, Playbook
from orchestrator.testing import Scenario, judge, read_scenario, scenario_files
from tests.rules.shelf import shipped

FILES = [file for file in scenario_files(Path(__file__).parent) if "\nproves: " in file.read_text(encoding="utf-8")]
BOOK = shipped().book("b2b-saas")
TOUCHES = [name for name, play in BOOK.plays.items() if isinstance(play.trigger, OnDay) and name.startswith("day_")]
ROWS = [(row.source or "any", row.target) for row in BOOK.transitions]

# What only a reader can judge: that the scenario is of this case.
OF_LIFE = [
    "the ladder climbed to the director",
    "the ladder stopped by an acknowledgement",
    "the ladder from mail to a human",
    "the ladder ended by its mail",
    "the gap of a summer time",
    "the overlap of a winter time",
    "a holiday without mail",
    "a holiday that is no silence",
    "a late event",
    "a key person leaves",
    "several onboardings at once",
    "an unsubscribed champion",
    "a re-entry after churn",
    "an annual contract",
    "a monthly contract",
]
REQUIRED = [
    *(f"touch {name} {sent}" for name in TOUCHES for sent in ("sent", "not sent")),
    *(f"signal {name} {what}" for name in BOOK.signals for what in ("opened", "closed")),
    *(f"transition {source} to {target} {what}" for source, target in ROWS for what in ("made", "refused")),
    *(f"path of {name}" for name in (BOOK.segmentation.table if BOOK.segmentation else ())),
    *(f"zone {name}" for name in ("Pacific/Kiritimati", "Australia/Lord_Howe", "Asia/Kathmandu")),
    *OF_LIFE,
]
KNOWN = {*REQUIRED, *(f"signal {name} not opened" for name in BOOK.signals)}


def tried(file: Path) -> tuple[Scenario, Playbook]:
    """A scenario, and the playbook that its folder names."""
    name, *presets = file.parent.name.split("+")
    book = shipped().book(name, *presets)
    return read_scenario(file, book), book


@cache
def claims() -> dict[str, list[str]]:
    """The cases, each with the scenarios that say they prove it."""
    found: dict[str, list[str]] = {}
    for file in FILES:
        for case in tried(file)[0].proves:
            found.setdefault(case, []).append(file.stem)
    return found


def test_each_case_has_a_scenario() -> None:
    """No touch, signal, transition, segment, zone or turn of life is without a scenario that proves it."""
    claimed = claims()
    assert not [case for case in REQUIRED if case not in claimed]


def test_no_case_is_misspelt() -> None:
    """Whatever a scenario says it proves is a case of the list."""
    assert not set(claims()) - KNOWN


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_scenario_proves_what_it_says(file: Path) -> None:
    """What is claimed of touches, signals, transitions, paths and zones is so in the life that is lived through."""
    scenario, book = tried(file)
    lines = [line.row for line in judge(scenario, book).lines]
    for case in scenario.proves:
        assert is_so(case, scenario, lines), case


def is_so(case: str, scenario: Scenario, lines: Iterable[Mapping[str, Json]]) -> bool:
    """Whether a life is of a case; what only a reader can judge is."""
    rows = [(row["kind"], row) for row in lines]
    match case.split(" ", 2):
        case ["touch", name, sent]:
            left = any(kind == "message" and (row["play"], row["state"]) == (name, "sent") for kind, row in rows)
            return left is (sent == "sent")
        case ["signal", name, "closed"]:
            return any(kind == "note" and row.get("signal") == name and row.get("closed") for kind, row in rows)
        case ["signal", name, opened]:
            done = any(kind == "decision" and (row["play"], row["outcome"]) == (name, "done") for kind, row in rows)
            return done is (opened == "opened")
        case ["transition", source, rest]:
            target, what = rest.removeprefix("to ").split()
            taken = [row for kind, row in rows if kind == "stage" and row["target"] == target]
            if what == "made":
                return any(source in {"any", row["source"]} for row in taken)
            return any(each.wanted.get("stage") not in {None, target} for each in scenario.expectations)
        case ["path", "of", name]:
            ended = any(kind == "stage" and row["target"] == "expansion" for kind, row in rows)
            return ended and any(each.kind == "segment" and name in each.words for each in scenario.asked)
        case ["zone", name]:
            return scenario.calendar.zone.key == name
        case _:
            return case in OF_LIFE


def test_a_claim_that_is_not_so_is_found() -> None:
    """A claim is held against the life: what was not sent, opened, made or lived does not count."""
    file = next(file for file in FILES if file.stem == "left_in_the_first_week")
    scenario, book = tried(file)
    lines = [line.row for line in judge(scenario, book).lines]
    wrong = ["touch day_7_feature sent", "signal no_login opened", "path of smb", "zone UTC+1", "a rainy day"]
    assert not [case for case in wrong if is_so(case, scenario, lines)]
