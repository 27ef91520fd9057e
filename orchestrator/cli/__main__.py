"""``python -m orchestrator.cli``: the same as ``lifecycle``."""

from orchestrator.cli.app import main

main()
