"""lifecycle-orchestrator: takes every customer account through its life, and can say why."""
