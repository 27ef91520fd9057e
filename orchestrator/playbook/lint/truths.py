"""Conditions that say nothing: what can never hold, and what always does."""

from collections.abc import Iterator

from orchestrator.core.conditions import Either, Every, Literal, Negation, Node
from orchestrator.playbook.lint.clauses import Want
from orchestrator.playbook.lint.desk import Desk
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.loader import Path

_PLAYS = frozenset({"plays", "signals", "checkpoints"})
_OPENING = frozenset({"when", "holds", "while", "met"})


def conditions_that_say_nothing(desk: Desk) -> Iterator[Finding]:
    """``always-false`` and ``always-true``, for the smallest part that is so by itself."""
    for path, node in desk.conditions():
        if not _told_elsewhere(desk, path, node):
            yield from _decided(desk, path, node)


def _told_elsewhere(desk: Desk, path: Path, node: Node) -> bool:
    """Whether it is why a play never fires, or an indicator always says the same."""
    if path[0] == "health":
        return desk.never(node) or desk.never(node, Want.NOT_TRUE)
    return path[0] in _PLAYS and path[-1] in _OPENING and desk.never(node)


def _decided(desk: Desk, path: Path, node: Node) -> Iterator[Finding]:
    within = [finding for part in _parts(node) for finding in _decided(desk, path, part)]
    if within or isinstance(node, Literal):
        yield from within
    elif desk.never(node):
        yield desk.finding("always-false", path, f"`{node.text}` can never hold", part=node)
    elif desk.never(node, Want.NOT_TRUE):
        yield desk.finding("always-true", path, f"`{node.text}` always holds", part=node)


def _parts(node: Node) -> tuple[Node, ...]:
    match node:
        case Every() | Either():
            return node.operands
        case Negation(operand=Every() | Either() | Negation() as inner):
            return (inner,)
        case _:
            return ()
