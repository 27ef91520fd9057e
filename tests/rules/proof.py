"""What proves an entry: its test, its scenario, or one of the tests that need no file, run on a shelf."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from tests.rules.register import GRADED, Entry
from tests.rules.says import says
from tests.rules.shelf import HOUSE, Shelf


class NoProofError(Exception):
    """What an entry names as its test is none."""


def proof_of(entry: Entry) -> Callable[[Shelf], None]:
    """What has to pass on the shipped shelf, and to fail where the entry's number is altered.

    Raises:
        NoProofError: there is no such test, or it wants more than a shelf.
    """
    if entry.says is not None:
        wanted = entry.says
        return lambda shelf: says(shelf, wanted)
    if entry.graded is not None:
        grade: Any = importlib.import_module(GRADED)
        graded = entry.graded
        return lambda shelf: grade.graded(shelf, graded)
    return _named(entry.test or "")


def _named(test: str) -> Callable[[Shelf], None]:
    file, _, name = test.partition("::")
    if not (HOUSE / file).is_file():
        raise NoProofError(f"there is no {file}")
    if not name:
        return lambda shelf: shelf.scenario(file)
    function = getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), name, None)
    if not name.startswith("test_") or not callable(function):
        raise NoProofError(f"{file} has no test `{name}`")
    if list(inspect.signature(function).parameters) != ["shelf"]:
        raise NoProofError(f"`{name}` has to take one argument, `shelf`")
    found: Callable[[Shelf], None] = function
    return found
