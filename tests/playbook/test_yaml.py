"""YAML with places: what is read, what is refused, and where each value stands."""
# ruff: noqa: E501 -- one text and its whole message a line: that is the table

import pytest
import yaml

from orchestrator.playbook import loader
from orchestrator.playbook.loader import Origin, Tree, read


def data(text: str) -> object:
    """What a text holds, when nothing is wrong with it."""
    tree = read(text, "p.yaml")
    assert tree.problems == []
    return tree.data


def told(text: str) -> list[str]:
    """What is wrong with a text."""
    return [str(problem) for problem in read(text, "p.yaml").problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("10:30", "10:30"),
        ("2026-01-01", "2026-01-01"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("9" * 16, "9" * 16),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("-12", -12),
        ("007", 7),
        ("0.70", 0.7),
        (".5", 0.5),
        ("1.5e3", 1500.0),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("[a, {b: 1}]", ["a", {"b": 1}]),
    ],
)
def test_words_stay_what_they_look_like(written: str, value: object) -> None:
    """Only true, false, null and plain numbers are more than text."""
    found = data(f"a: {written}")
    assert found == {"a": value}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


def test_aliases_are_read() -> None:
    """An anchor and its aliases give the same value in each place, and each place is its own."""
    tree = read("a: &a {b: 1}\nc: *a\n", "p.yaml")
    assert tree.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert tree.places["c", "b"].line == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.yaml:1:1: the playbook is empty"),
        ("# nothing", "p.yaml:1:1: the playbook is empty"),
        ("a: 1\na: 2", "p.yaml:2:1 a: the key `a` stands here twice (first in line 1)"),
        ("a:\n  b: {c: 1}\n  b: {c: 2}", "p.yaml:3:3 a.b: the key `b` stands here twice (first in line 2)"),
        ("? [a]\n: b", "p.yaml:1:3: a key must be one word or text"),
        ("a: !!python/object:os.system x", "p.yaml:1:4 a: `!!python/object:os.system` cannot be read here: write plain values"),
        ("a: !!int x", "p.yaml:1:4 a: `!!int` cannot be read here: write plain values"),
        ("a: !!bool x", "p.yaml:1:4 a: `!!bool` cannot be read here: write plain values"),
        ("a: !!set {x}", "p.yaml:1:4 a: `!!set` cannot be read here: write plain values"),
        ("a: !!omap [x]", "p.yaml:1:4 a: `!!omap` cannot be read here: write plain values"),
        ("a:\n\t- b", "p.yaml:2:1: while scanning for the next token, found character '\\t' that cannot start any token"),
        ("a: *x", "p.yaml:1:4: found undefined alias 'x'"),
        ("a: 1\n---\nb: 2", "p.yaml:2:1: expected a single document in the stream, but found another document"),
        ("a: 1\nb: x\0", "p.yaml:2:5: the character U+0000 may not stand in YAML"),
        ("[" * 100, "p.yaml:1:101: nested deeper than 30 levels"),
        ("a: &a [*a]", "p.yaml:1:4: aliases make more than 50,000 values or 30 levels of it"),
        ("x" * 1_000_001, "p.yaml:1:1: a playbook may have 1,000,000 bytes at most"),
    ],
)  # fmt: skip
def test_what_is_no_plain_data_is_refused(text: str, message: str) -> None:
    """Each thing that a playbook cannot hold is refused with its place."""
    assert told(text) == [message]


def test_a_bomb_of_aliases_is_bounded() -> None:
    """Ten aliases of ten aliases of ten … are refused before they fill the memory."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    assert told("\n".join(lines)) == ["p.yaml:1:32: aliases make more than 50,000 values or 30 levels of it"]


def test_a_merge_key_is_a_key_like_any_other() -> None:
    """`<<` merges nothing: it is data, and the schema will not know it."""
    assert data("a: &a {b: 1}\nc: {<<: *a}") == {"a": {"b": 1}, "c": {"<<": {"b": 1}}}


def test_yaml_errors_without_a_mark_are_placed_at_the_top() -> None:
    """An error of the library that names no place is told for the file."""
    assert loader._marked(yaml.MarkedYAMLError(problem="odd"), "p.yaml").line == 1


def place(text: str, offset: int) -> tuple[int, int]:
    """Where the character of a value under `a` is told to stand."""
    tree = read(text, "p.yaml")
    tree.refuse(("a",), "here", offset)
    return tree.problems[0].line, tree.problems[0].column


@pytest.mark.parametrize(
    ("text", "offset", "found"),
    [
        ("a: one two", 4, (1, 8)),
        ("a: 'one two'", 4, (1, 9)),
        ('a: "one two"', 4, (1, 9)),
        ("a: >-\n  one\n  two", 4, (3, 3)),
        ("a: |\n  one\n  two", 4, (3, 3)),
        ("a: one\n  two", 4, (2, 3)),
        ("a: &x one two", 4, (1, 4)),  # the mark of the value is its anchor: near enough
        ("a: 'it''s two'", 5, (1, 4)),  # an escape lies between: the beginning of the value
        ("a: [x]", 4, (1, 4)),
        ("a: ' '", 0, (1, 4)),
    ],
)
def test_a_place_inside_a_value_is_found(text: str, offset: int, found: tuple[int, int]) -> None:
    """A character of a value is found in plain, quoted, folded and literal text; else its beginning is told."""
    assert place(text, offset) == found


def test_what_is_not_there_is_placed_at_its_parent() -> None:
    """A missing key, and a step that only a schema knows (a union's tag), lead to the nearest thing that is there."""
    tree = read("a:\n  b: {c: 1}", "p.yaml")
    tree.refuse(("a", "b", "d"), "missing")
    tree.refuse(("a", "tagged-union[x]", "b", "c"), "wrong")
    assert [str(problem) for problem in tree.problems] == ["p.yaml:2:3 a.b: missing", "p.yaml:2:10 a.b.c: wrong"]


def test_an_unread_tree_has_no_places() -> None:
    """What has no place at all is told at the top of the file."""
    tree = Tree(origin=Origin(file="p.yaml", text=""))
    tree.refuse(("a",), "nothing here")
    assert str(tree.problems[0]) == "p.yaml:1:1: nothing here"
