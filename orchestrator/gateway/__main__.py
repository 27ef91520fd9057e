"""``python -m orchestrator.gateway``, which ``lifecycle gateway`` becomes."""

from orchestrator.gateway.serving import main

main()
