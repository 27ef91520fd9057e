"""Habits of the house that no linter knows: reasons, thin tasks, claims, and names."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.figures import figures
from tests.house.source import HOUSE, comments, lengths, modules, tree, where

TASKS = HOUSE / "workers" / "tasks.py"
# The rule by name (`noqa: ABC123`, `type: ignore[code]`), then at least a word that says why.
EXCEPTION = re.compile(r"#\s*(noqa\b|type:\s*ignore|pragma:\s*no)", re.IGNORECASE)
REASONED = re.compile(
    r"#\s*(noqa: ?[A-Z]+\d+(, ?[A-Z]+\d+)*|type: ?ignore\[[\w-]+(, ?[\w-]+)*\]|pragma: no \w+)\W+\w.{3,}"
)
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


def is_task(decorator: ast.expr) -> bool:
    """Whether a decorator makes a Celery task: @app.task, @shared_task, called or not."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(called, ast.Attribute) and called.attr == "task") or (
        isinstance(called, ast.Name) and called.id == "shared_task"
    )


@pytest.mark.parametrize(
    ("comment", "reasoned"),
    [
        ("# noqa: BLE001 - the batch goes on without it", True),
        ("# noqa: BLE001 -- the batch goes on without it", True),
        ("# type: ignore[no-untyped-call]  # Celery ships no types", True),
        ("# noqa: BLE001", False),
        ("# noqa", False),
        ("# type: ignore", False),
        ("# type: ignore[arg-type]", False),
    ],
)
def test_a_reason_is_told_from_none(comment: str, reasoned: bool) -> None:
    """An exception names its rule and then says why."""
    assert bool(REASONED.search(comment)) is reasoned


def test_every_lint_exception_has_a_reason() -> None:
    """Each `noqa`, `type: ignore` and `pragma: no …` names its rule and says why."""
    bare = [
        f"{where(path, line)} {text}"
        for path in modules("orchestrator", "workers", "tests", "templates")
        for line, text in comments(path)
        if EXCEPTION.search(text) and not REASONED.search(text)
    ]
    assert not bare, bare


def test_every_file_says_what_it_is_for() -> None:
    """Each module of the product opens with a docstring."""
    silent = [where(path, 1) for path in modules("orchestrator", "workers") if not ast.get_docstring(tree(path))]
    assert not silent, silent


def test_no_file_is_a_drawer() -> None:
    """No module is named after nothing: utils, helpers, common, misc, manager."""
    drawers = [where(path, 1) for path in modules("orchestrator", "workers") if path.stem in FORBIDDEN_NAMES]
    assert not drawers, drawers


def test_every_test_is_one_claim() -> None:
    """Each test's docstring is there and is one paragraph."""
    found = []
    for path in modules("tests"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                claim = ast.get_docstring(node)
                if not claim or "\n\n" in claim:
                    found.append(f"{where(path, node.lineno)} {node.name}")
    assert not found, found


def test_tasks_are_one_statement() -> None:
    """A Celery task is one call of a use case: its body is one statement beside its docstring."""
    functions = [node for node in ast.walk(tree(TASKS)) if isinstance(node, ast.FunctionDef)]
    tasks = [node for node in functions if any(map(is_task, node.decorator_list))]
    assert tasks
    thick = {
        node.name: ast.unparse(node) for node in tasks if len(node.body) - (ast.get_docstring(node) is not None) != 1
    }
    assert not thick, thick


def test_lengths_leave_docstrings_out(tmp_path: Path) -> None:
    """A function is as long as its lines without its docstring, so that explaining costs nothing."""
    file = tmp_path / "said.py"
    file.write_text('def said():\n    """One.\n\n    Two.\n    """\n    return 1\n', encoding="utf-8")
    assert list(lengths(file)) == [(2, f"{file}:1 said")]


def test_figures_are_told() -> None:
    """The figures name how many functions there are, their median and p90, and the longest with their places."""
    told = list(figures([(3, "a.py:1 a"), (4, "a.py:5 b"), (40, "a.py:9 c")]))
    assert told == [
        "3 functions: median 4 lines, p90 40, longest:",
        "    40  a.py:9 c",
        "     4  a.py:5 b",
        "     3  a.py:1 a",
    ]


def test_the_tests_that_kill_are_where_make_looks_for_them() -> None:
    """Each file that marks a test as acceptance or chaos is in a folder that `make real` runs."""
    (real,) = re.findall(r"^REAL := (.+)$", (HOUSE / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    marked = [
        path.relative_to(HOUSE).as_posix()
        for path in (HOUSE / "tests").rglob("test_*.py")
        if re.search(r"mark\.(acceptance|chaos)\b", path.read_text(encoding="utf-8"))
    ]
    assert len(marked) > 8
    assert [path for path in marked if not path.startswith(tuple(f"{folder}/" for folder in real.split()))] == []
