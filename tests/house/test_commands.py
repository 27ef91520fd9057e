"""The commands that people and CI run: `make`, `.ci/run`, and what an image is built from."""

import fnmatch
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.house.source import HOUSE

PROMISED = ["install", "demo", "test", "bench", "soak", "lint", "types", "contracts", "clean"]


def make(*arguments: str, folder: Path = HOUSE, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run make as a person would, without a terminal; MAKEFLAGS of a `make test` around us would speak in between."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    tool = shutil.which("make") or pytest.fail("make is not installed")
    return subprocess.run(
        [tool, "--no-print-directory", *arguments],
        cwd=folder,
        env=environment | ({} if path is None else {"PATH": path}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", PROMISED)
def test_bare_make_tells_every_command(target: str) -> None:
    """Bare `make` changes nothing and prints a line for each command."""
    told = make()
    assert told.returncode == 0
    assert [line for line in told.stdout.splitlines() if line.split()[:1] == [target]]


@pytest.mark.parametrize("target", [each for each in PROMISED if each not in {"clean", "install"}])
def test_each_command_needs_nothing_before_it(tmp_path: Path, target: str) -> None:
    """On a fresh clone each command would make the environment first."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(HOUSE / name, tmp_path)
    planned = make("--dry-run", target, folder=tmp_path).stdout
    assert planned.index("-m venv") < planned.index("pip install") < planned.index("touch .venv/.installed")


def test_without_a_python_it_says_what_to_do(tmp_path: Path) -> None:
    """Where no Python is new enough, `make install` says so and what to install."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(HOUSE / name, tmp_path)
    (tmp_path / "bin").mkdir()
    old = tmp_path / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    told = make("install", folder=tmp_path, path=str(tmp_path / "bin"))
    assert told.returncode != 0
    assert "No Python 3.11 or newer" in told.stderr


def test_ci_runs_what_people_run() -> None:
    """.ci/run can be executed, stops at the first fault, and is `make test`."""
    run = HOUSE / ".ci" / "run"
    assert os.access(run, os.X_OK)
    text = run.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert text.rstrip().endswith("exec make test")


def test_the_wheel_takes_the_templates_along() -> None:
    """The wheel has the templates beside the packages, where an editable install has them too."""
    build = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["packages"] == ["orchestrator", "workers", "templates"]
    assert build["dev-mode-dirs"] == ["."]


def test_the_image_is_built_from_what_it_copies() -> None:
    """Everything that the Dockerfile copies is let through by .dockerignore, and nothing else is."""
    ignore = (HOUSE / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    lines = (HOUSE / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert "*" in ignore
    assert copied == let_in


def test_the_image_does_not_run_as_root() -> None:
    """The image's last user is not root."""
    lines = (HOUSE / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("USER ")][-1] == "USER lifecycle"


def test_nothing_private_is_committed() -> None:
    """The environment file, the data folder and the virtual environment are ignored by git."""
    ignored = (HOUSE / ".gitignore").read_text(encoding="utf-8").splitlines()
    for name in (".env", "var/", ".venv/"):
        assert any(fnmatch.fnmatch(f"/{name}", line) for line in ignored), name
