"""What a playbook allows and hardly anyone means: plays that never fire, stages without a way out, touches that starve.

Reading order: ``clauses`` (a condition as alternatives of atoms), ``pieces`` (one value for each piece of a number
line), ``instants`` (differences of instants), ``solver`` (can it hold, and when), ``moments`` (what holds when a play
is judged), ``timelines`` (the real engine on made-up events), ``findings`` (the table of rules), then the rules, each
family in a file of its own, and ``checker``, which asks them all.
"""

from orchestrator.playbook.lint.checker import lint
from orchestrator.playbook.lint.findings import RULES, Finding
from orchestrator.playbook.lint.solver import Answer, Proof, solve

__all__ = ["RULES", "Answer", "Finding", "Proof", "lint", "solve"]
