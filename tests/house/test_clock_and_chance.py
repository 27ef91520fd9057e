"""Time and chance are ports: who may read the clock, and what the core may be made of."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import HOUSE, modules, tree, where

CLOCK = HOUSE / "orchestrator" / "runtime" / "clock.py"
CLOCK_READS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.ctime",
    "time.strftime",
    "time.clock_gettime",
    "time.clock_gettime_ns",
}
# What pure code is made of. A module is added here only if it neither looks at the world nor changes it.
PURE = {
    "__future__", "abc", "ast", "base64", "bisect", "calendar", "collections", "copy", "dataclasses", "datetime",
    "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "inspect", "itertools", "json",
    "keyword", "math", "numbers", "operator", "re", "statistics", "string", "struct", "types", "typing",
    "unicodedata", "uuid", "zlib", "zoneinfo",
}  # fmt: skip


def imported_names(module: ast.Module) -> dict[str, str]:
    """What each local name stands for: `from datetime import datetime as dt` gives dt -> datetime.datetime."""
    names: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {each.asname: each.name for each in node.names if each.asname}
            names |= {root: root for each in node.names if not each.asname for root in [each.name.partition(".")[0]]}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full name of `a.b.c` with a's import resolved; empty for anything else."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and (base := dotted(node.value, names)):
        return f"{base}.{node.attr}"
    return ""


def clock_reads(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Where a module names a function that reads the wall clock, called or handed on."""
    names = imported_names(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Name | ast.Attribute) and (name := dotted(node, names)) in CLOCK_READS:
            yield node.lineno, name


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\ndatetime.datetime.now()",
        "import datetime as d\nd.datetime.now(d.UTC)",
        "from datetime import datetime\nfield(default_factory=datetime.now)",
        "from datetime import date as day\nday.today()",
        "from time import time\ntime()",
        "import time\nread = time.time_ns",
    ],
)
def test_each_way_to_read_the_clock_is_seen(text: str) -> None:
    """However it is imported, called or handed on, a clock read is found."""
    assert list(clock_reads(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.monotonic()",
        "from datetime import datetime\ndatetime.fromisoformat(x)",
        "clock.now()",
        "now = step.now",
    ],
)
def test_what_is_no_clock_read_is_left_alone(text: str) -> None:
    """Monotonic time, parsing and the clock port itself are allowed."""
    assert not list(clock_reads(ast.parse(text)))


def test_only_the_clock_reads_the_clock() -> None:
    """No module outside runtime/clock.py reads the wall clock."""
    found = [
        f"{where(path, line)} {name}"
        for path in modules("orchestrator", "workers")
        if path != CLOCK
        for line, name in clock_reads(tree(path))
    ]
    assert not found, found


def test_the_core_is_made_of_pure_modules_only() -> None:
    """The core imports itself and a closed list of standard modules, so that a new one is a decision."""
    found = [
        f"{where(path, line)} {name}"
        for path in modules("orchestrator")
        if path.is_relative_to(HOUSE / "orchestrator" / "core")
        for line, name in imports(path)
        if not name.startswith("orchestrator.core") and name.partition(".")[0] not in PURE
    ]
    assert not found, found


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """What a file imports, by full module name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")
