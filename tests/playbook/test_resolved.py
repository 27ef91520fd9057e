"""What is in force: every value with its place, and the text read back says the same."""

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel

from orchestrator.playbook import PlaybookError, PlaybookSource, compile_playbook, loader, read_source
from orchestrator.playbook.json_schema import json_schema
from orchestrator.playbook.resolved import lines, resolved, with_defaults
from tests.playbook.small import SHIPPED, SMALL, TEMPLATES, bent

PLAYBOOKS = sorted(SHIPPED.glob("*.yaml"))
SHELF = TEMPLATES | {path.relative_to(SHIPPED.parent).as_posix(): "words" for path in SHIPPED.parent.glob("**/*.md")}


def test_each_value_tells_where_it_comes_from() -> None:
    """A value of the playbook, of its base and of the language each say so."""
    text = "extends: base\nplays:\n  hello:\n    at: '10:00'\n"
    source = PlaybookSource(file="p.yaml", text=text, templates={**TEMPLATES, "playbooks/base.yaml": SMALL})
    lines = {" ".join(line.split()) for line in resolved(source).splitlines()}
    assert 'at: "10:00" # p.yaml:4' in lines
    assert "email: day_0_welcome # templates/playbooks/base.yaml:35" in lines
    assert "valid_for: 2d # default" in lines
    assert "- from: young # templates/playbooks/base.yaml:26" in lines
    assert "per_day: 1 # templates/playbooks/base.yaml:30" in lines
    assert not any(line.startswith("extends") for line in lines)


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_what_is_in_force_is_a_playbook_again(path: Path) -> None:
    """Read back, the resolved text compiles to the same playbook."""
    source = read_source(path, SHELF)
    again = PlaybookSource(file="again", text=resolved(source), templates=source.templates)
    assert replace(compile_playbook(again), version="") == replace(compile_playbook(source), version="")


def test_a_broken_playbook_is_not_shown() -> None:
    """What is wrong is told instead."""
    with pytest.raises(PlaybookError, match="unknown key `vaild_for`"):
        resolved(PlaybookSource(file="p", text=bent(("    day: 1", "    day: 1\n    vaild_for: 2d")), templates={}))
    with pytest.raises(PlaybookError, match="the playbook is empty"):
        resolved(PlaybookSource(file="p", text="", templates={}))


def test_odd_words_are_quoted() -> None:
    """Words that some YAML reads as something else are written in quotes, and read back as they were."""
    text = bent(("[Signed Up]", '["on", "12", "a: b", "#x", "Ünï"]'))
    shown = resolved(PlaybookSource(file="p", text=text, templates={}))
    events = loader.read(shown, "again").data["vocabulary"]["events"]
    assert events["signed_up"] == ["on", "12", "a: b", "#x", "Ünï"]


def test_nothing_and_lists_of_plain_values_stay_in_a_line() -> None:
    """Empty mappings and lists, and lists of words, are written in one line; lists of mappings item by item."""
    tree = loader.read("a: []\nb: {}\nc: [x, y]\nd: [x, {e: 1, f: [2]}]\n", "p")
    shown = [" ".join(line.split()) for line in lines(tree, tree.data)]
    assert shown == ["a: [] # p:1", "b: {} # p:2", "c: [x, y] # p:3", "d:", "- x # p:4", "- e: 1 # p:4", "f: [2] # p:4"]


class Inner(BaseModel):
    """A shape within a shape."""

    opens: time = time(9)
    most: int = 3


class Outer(BaseModel):
    """A shape with defaults of every kind."""

    gap: timedelta = timedelta(hours=36)
    inner: Inner = Inner()
    items: list[Inner] = []
    nothing: int | None = None


def test_defaults_are_written_as_a_person_writes_them() -> None:
    """Durations, times of day and whole shapes that were not said are shown in the language's own words."""
    said = Outer.model_validate({"items": [{"most": 1}]})
    assert with_defaults({"items": [{"most": 1}]}, said) == {
        "items": [{"most": 1, "opens": "09:00"}],
        "gap": "36h",
        "inner": {"opens": "09:00", "most": 3},
    }


# -- the schema ------------------------------------------------------------------------------------------------------

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def wrong(data: object) -> list[str]:
    """Where a document breaks the schema."""
    return [error.json_path for error in VALIDATOR.iter_errors(data)]


def test_the_schema_is_a_schema() -> None:
    """It keeps the dialect that it names."""
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_shipped_playbooks_keep_the_schema(path: Path) -> None:
    """An editor finds nothing wrong in what we ship."""
    assert wrong(loader.read(path.read_text(encoding="utf-8"), path.name).data) == []


@pytest.mark.parametrize(
    "change",
    [
        ("    day: 1\n", "    day: one\n"),
        ("    day: 1\n", "    dya: 1\n"),
        ("anchor: signed_up\n", ""),
        ('at: "09:00"', "at: 9:00"),
        ("[0d, 7d]", "[0d, 7x]"),
        ("[mon, fri]", "[mno]"),
        ("per_day: 1", "per_day: 0"),
    ],
)
def test_the_schema_refuses_what_the_shapes_refuse(change: tuple[str, str]) -> None:
    """A wrong type, key, pattern, word or bound is seen by an editor too."""
    assert wrong(loader.read(SMALL, "p").data) == []
    assert wrong(loader.read(bent(change), "p").data) != []


def test_what_extends_says_only_what_differs() -> None:
    """With ``extends`` nothing is required and null removes; a wrong key is still wrong."""
    assert wrong({"extends": "b2b-saas", "plays": {"gone": None, "later": {"at": "10:00", "when": None}}}) == []
    assert wrong({"extends": ["b2b-saas"], "plays": {"later": {"att": "10:00"}}}) != []
