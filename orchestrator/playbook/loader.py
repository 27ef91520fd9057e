"""YAML with places: every key and value keeps its line and column, so that each refusal can name where.

Only plain data is read: text, whole and decimal numbers, true, false, null, lists and mappings. Words that YAML 1.1
would turn into something else (``no``, ``10:30``, ``2026-01-01``) stay text. Size, depth and the number of nodes after
aliases are expanded are bounded, a key may stand only once, and no tag makes an object.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import yaml

from orchestrator.playbook.errors import Problem

MOST_BYTES = 1_000_000
DEEPEST = 30  # levels of nesting
MOST_NODES = 50_000  # after aliases are expanded

Path: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = Any  # what YAML holds: text, numbers, booleans, None, lists, mappings


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One text, and what errors call it."""

    file: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value stands."""

    origin: Origin  # in which text: a playbook may extend others
    line: int  # of the value, from 1
    column: int  # of the value, from 1
    key: tuple[int, int]  # line and column of its key; of the value itself in a list
    begin: int  # of the value in the text, from 0
    end: int
    value: str | None  # the text of a scalar


@dataclass(slots=True)
class Tree:
    """A YAML document: its data, and the place of each path."""

    origin: Origin
    data: Plain = None
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, path: Path, message: str, offset: int | None = None, *, key: bool = False) -> None:
        """Note a problem at a path; ``offset`` points into its text, ``key`` at its key rather than its value.

        What the document does not hold (a missing key, a union's tag) is placed at the nearest parent that it holds.
        """
        held = self.held(path)
        place = self.places.get(held)
        line, column = (1, 1) if place is None else _position(place, offset, key=key or held[-1:] != path[-1:])
        file = (self.origin if place is None else place.origin).file
        self.problems.append(Problem(file=file, line=line, column=column, path=shown(held), message=message))

    def held(self, path: Path) -> Path:
        """The path without the steps that the document does not have."""
        kept: Path = ()
        for step in path:
            if (*kept, step) in self.places:
                kept = (*kept, step)
        return kept


def _position(place: Place, offset: int | None, *, key: bool) -> tuple[int, int]:
    if key:
        return place.key
    index = None if offset is None or place.value is None else _index(place, place.value, offset)
    return (place.line, place.column) if index is None else _line_column(place.origin.text, index)


def _index(place: Place, value: str, offset: int) -> int | None:
    """Where a character of a scalar's value stands in the text, found by counting what is no white space."""
    text = place.origin.text
    written = [index for index in range(_body(text, place), place.end) if not text[index].isspace()]
    said = [letter for letter in value[: offset + 1] if not letter.isspace()]
    if not said or said != [text[index] for index in written[: len(said)]]:
        return None  # an escape lies between: the value's beginning is near enough
    return written[len(said) - 1]


def _line_column(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _body(text: str, place: Place) -> int:
    """Where the value's own letters begin: after a quote, or after the header of a block."""
    if text[place.begin] in "'\"":
        return place.begin + 1
    return text.index("\n", place.begin) if text[place.begin] in "|>" else place.begin


def shown(path: Path) -> str:
    """A path as a person writes it: ``stages.transitions[2].when``."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(parts).removeprefix(".")


class _Loader(yaml.SafeLoader):
    """YAML's safe loader with a bound on depth, and with the few implicit types that a playbook has."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # type: ignore[misc]  # an instance variable to the stubs
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {DEEPEST} levels", problem_mark=self.get_mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


_TAG = "tag:yaml.org,2002:"
_IMPLICIT = {
    "null": (r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "int": (r"^[-+]?[0-9]{1,15}$", list("-+0123456789")),
    "float": (r"^[-+]?(?:[0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,3})?$", list("-+.0123456789")),
}
for _name, (_pattern, _first) in _IMPLICIT.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), _first)

_SCALARS: Mapping[str, Callable[[str], Plain]] = {
    f"{_TAG}str": str,
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": lambda word: {"true": True, "false": False}[word.lower()],
    f"{_TAG}int": int,
    f"{_TAG}float": float,
}


def read(text: str, file: str, what: str = "playbook") -> Tree:
    """The document of a text; ``problems`` of the tree tells what could not be read, and calls it ``what``."""
    tree = Tree(origin=Origin(file=file, text=text))
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        tree.refuse((), f"a {what} may have {MOST_BYTES:,} bytes at most")
        return tree
    try:
        node = _composed(text)
        if node is None:
            tree.refuse((), f"the {what} is empty")
        else:
            tree.data = _Reading(tree).value(node, (), None)
    except yaml.MarkedYAMLError as error:
        tree.problems.append(_marked(error, file))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        message = f"the character U+{ord(text[error.position]):04X} may not stand in YAML"
        tree.problems.append(Problem(file=file, line=line, column=column, path="", message=message))
    return tree


def _composed(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _marked(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    message = ", ".join(part for part in (error.context, error.problem) if part)
    return Problem(file=file, line=line, column=column, path="", message=message)


class _Reading:
    """One pass over the nodes of a document: data and places, aliases expanded within bounds."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.nodes = 0

    def value(self, node: yaml.Node, path: Path, key: yaml.Node | None) -> Plain:
        self.nodes += 1
        if self.nodes > MOST_NODES or len(path) > DEEPEST:
            message = f"aliases make more than {MOST_NODES:,} values or {DEEPEST} levels of it"
            raise yaml.MarkedYAMLError(problem=message, problem_mark=node.start_mark)
        self.tree.places[path] = _place(self.tree.origin, node, key)
        match node:
            case yaml.MappingNode(tag=tag) if tag == f"{_TAG}map":
                return self.mapping(node, path)
            case yaml.SequenceNode(tag=tag) if tag == f"{_TAG}seq":
                return [self.value(each, (*path, number), None) for number, each in enumerate(node.value)]
            case _:
                return self.scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Plain]:
        found: dict[str, Plain] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.complain(key, path, "a key must be one word or text")
            elif key.value in found:
                line = self.tree.places[(*path, key.value)].key[0]
                self.complain(
                    key, (*path, key.value), f"the key `{key.value}` stands here twice (first in line {line})"
                )
            else:
                found[key.value] = None  # known before its value, so that a second one is refused inside it too
                found[key.value] = self.value(value, (*path, key.value), key)
        return found

    def scalar(self, node: yaml.Node, path: Path) -> Plain:
        try:
            return _SCALARS[node.tag](node.value)
        except (KeyError, ValueError, TypeError):
            self.complain(node, path, f"`{node.tag.replace(_TAG, '!!')}` cannot be read here: write plain values")
            return None

    def complain(self, node: yaml.Node, path: Path, message: str) -> None:
        file, mark = self.tree.origin.file, node.start_mark
        self.tree.problems.append(
            Problem(file=file, line=mark.line + 1, column=mark.column + 1, path=shown(path), message=message)
        )


def _place(origin: Origin, node: yaml.Node, key: yaml.Node | None) -> Place:
    start, at = node.start_mark, (key or node).start_mark
    return Place(
        origin=origin,
        line=start.line + 1,
        column=start.column + 1,
        key=(at.line + 1, at.column + 1),
        begin=start.index,
        end=node.end_mark.index,
        value=node.value if isinstance(node, yaml.ScalarNode) else None,
    )
