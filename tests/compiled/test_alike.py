"""The engine in C decides as the engine in Python does. ``make alike`` compiles it and runs these."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from orchestrator.runtime.engine import LANGUAGE
from tests.benchmarks.lives import LIVES
from tests.compiled.lives import EXAMPLES, SHIPPED

ROOT = Path(__file__).parents[2]
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
HOOK = BUILD["targets"]["wheel"]["hooks"]["custom"]

pytestmark = [
    pytest.mark.skipif(LANGUAGE != "C", reason="the engine is not compiled here: run make alike"),
    pytest.mark.timeout(300),
]


def test_every_module_that_is_named_is_compiled() -> None:
    """The list in pyproject.toml names modules that exist, and each of them is an extension module."""
    for pattern in HOOK["modules"]:
        assert list(ROOT.glob(pattern)), pattern
    named = {path.relative_to(ROOT) for pattern in HOOK["modules"] for path in ROOT.glob(pattern)}
    for path in named - {Path(each) for each in HOOK["interpreted"]}:
        module = import_module(".".join(path.with_suffix("").parts))
        assert not str(module.__file__).endswith(".py"), path


def test_both_engines_live_the_same_lives() -> None:
    """Step for step, to the last digit and the last word of an explanation."""
    compiled, interpreted = _lines(), _lines("interpreted")
    assert (compiled.pop(0), interpreted.pop(0)) == ("C", "Python")
    assert len(compiled) == EXAMPLES + len(SHIPPED) * (LIVES + 1)
    assert compiled == interpreted


def _lines(*arguments: str) -> list[str]:
    """What the lives print."""
    command = [sys.executable, "-m", "tests.compiled.lives", *arguments]
    fixed = {**os.environ, "PYTHONHASHSEED": "0"}  # sets are told in one order
    told = subprocess.run(command, env=fixed, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()
