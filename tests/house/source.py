"""What the tests of the house read: its files, its modules and their syntax trees."""

import ast
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that belongs to the repository, or will with the next commit; none that .gitignore names."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=HOUSE,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (HOUSE / name for name in sorted(set(listed.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file())


def modules(*roots: str) -> list[Path]:
    """The Python files below the named folders."""
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(HOUSE).parts[0] in roots]


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def where(path: Path, line: int) -> str:
    """A place as people and editors write it: path:line."""
    return f"{path.relative_to(HOUSE) if path.is_relative_to(HOUSE) else path}:{line}"


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """The comments of a file, with their lines; text that only looks like one is left out."""
    with path.open("rb") as lines:
        for token in tokenize.tokenize(lines.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def lengths(path: Path) -> Iterator[tuple[int, str]]:
    """The functions of a file: how many lines each has without its docstring, and where it is."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _length(node), f"{where(path, node.lineno)} {node.name}"


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    said = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node, clean=False) is not None else 0
    return (node.end_lineno or 0) - node.lineno + 1 - said
