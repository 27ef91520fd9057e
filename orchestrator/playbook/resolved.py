"""What is in force: a playbook with all that it extends and every default, each value with where it comes from.

The text is a playbook again: read back, it says the same. What stands behind ``#`` is the file and the line of the
value, or that it is the default of the language.
"""

import json
import re
from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

from pydantic import BaseModel

from orchestrator.playbook import spans
from orchestrator.playbook.errors import PlaybookError
from orchestrator.playbook.loader import Path, Plain, Tree
from orchestrator.playbook.schema import validated
from orchestrator.playbook.source import PlaybookSource

DEFAULT = "default"
_COLUMN = 72  # where the places stand, if the line is no longer
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ()/.'<>=*+-]*[A-Za-z0-9_()'.]|[A-Za-z_]|\d+ ?[a-z ]*[dhmw]")
_WORDS = re.compile(r"(?i:true|false|null|yes|no|on|off|~)")  # which YAML of some age takes for something else


def resolved(source: PlaybookSource) -> str:
    """The playbook in force as YAML, a value a line with its place.

    Raises:
        PlaybookError: it is not in order.
    """
    tree = source.tree()
    document, _ = validated(tree) if tree.data is not None else (None, frozenset[str]())
    if tree.problems or document is None:
        raise PlaybookError(tree.problems)
    data = with_defaults(tree.data, document)
    data.pop("extends", None)
    return "\n".join(lines(tree, data)) + "\n"


def lines(tree: Tree, data: Plain) -> Iterator[str]:
    """Data as lines of YAML, each value with its place in the tree."""
    return _Listing(tree).block((), data, "")


class _Listing:
    """One document on its way to text."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def block(self, path: Path, value: Plain, indent: str) -> Iterator[str]:
        if isinstance(value, dict):
            for key, each in value.items():
                yield from self.entry((*path, key), f"{indent}{_scalar(key)}:", each, indent)
        else:
            for number, each in enumerate(value):
                yield from self.item((*path, number), each, indent)

    def entry(self, path: Path, head: str, value: Plain, indent: str) -> Iterator[str]:
        if _short(value):
            yield self.placed(f"{head} {_inline(value)}", path)
        else:
            yield head
            yield from self.block(path, value, f"{indent}  ")

    def item(self, path: Path, value: Plain, indent: str) -> Iterator[str]:
        if _short(value):
            yield self.placed(f"{indent}- {_inline(value)}", path)
            return
        first, *rest = self.block(path, value, f"{indent}  ")
        yield f"{indent}- {first.removeprefix(f'{indent}  ')}"
        yield from rest

    def placed(self, text: str, path: Path) -> str:
        place = self.tree.places.get(path)
        return f"{text:<{_COLUMN}}  # {DEFAULT if place is None else f'{place.origin.file}:{place.key[0]}'}"


def _short(value: Plain) -> bool:
    """Whether a value stands in one line: a scalar, or a list of scalars."""
    if isinstance(value, list):
        return not any(isinstance(each, list | dict) for each in value)
    return not isinstance(value, dict) or not value


def _inline(value: Plain) -> str:
    match value:
        case list():
            return f"[{', '.join(map(_scalar, value))}]"
        case dict():
            return "{}"
        case _:
            return _scalar(value)


def _scalar(value: Plain) -> str:
    """A value as our own loader and any other reads it back."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _WORDS.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)  # JSON's words and quotes are YAML's


def with_defaults(data: Plain, said: Any) -> Plain:  # noqa: ANN401 -- a model, or what a field of one holds
    """What was written, with the defaults of each shape that it was read as."""
    match data, said:
        case dict(), BaseModel():
            fields = {info.alias or name: getattr(said, name) for name, info in type(said).model_fields.items()}
            elsewhere = getattr(said, "FROM_ELSEWHERE", ())
            silent = {key: _plain(value) for key, value in fields.items() if key not in data and key not in elsewhere}
            found = {key: with_defaults(each, fields.get(key)) for key, each in data.items()}
            return {**found, **{key: each for key, each in silent.items() if each not in (None, [], {})}}
        case dict(), dict():
            return {key: with_defaults(each, said.get(key)) for key, each in data.items()}
        case list(), list():
            return [with_defaults(each, one) for each, one in zip(data, said, strict=True)]
        case _:
            return data


def _plain(value: Any) -> Plain:  # noqa: ANN401 -- a default of any field
    match value:
        case timedelta():
            return spans.written(value)
        case time():
            return f"{value:%H:%M}"
        case BaseModel():
            return with_defaults({}, value)
        case _:
            return value
