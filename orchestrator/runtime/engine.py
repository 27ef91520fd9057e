"""Which engine runs: the sources, or what hatch_build.py compiled from them."""

from typing import Final

from orchestrator.core import lifecycle

LANGUAGE: Final = "Python" if str(lifecycle.__file__).endswith(".py") else "C"
