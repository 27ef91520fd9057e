"""A condition as alternatives of atoms: disjunctive normal form over Kleene's three values, one alternative at a time.

What is asked of a part is one of four thresholds in the order false < unknown < true. ``and`` is the least of its parts
and ``or`` the greatest, so each threshold of a whole is a threshold of all its parts, or of any of them; ``not`` turns
the order round. A milestone brings along what its name implies: the engine reaches milestones before anything else, so
that where one is not reached its condition does not hold; and where one is reached, what of its condition can never
stop holding holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, unique

from orchestrator.core.conditions import (
    Arithmetic,
    Case,
    Compare,
    Either,
    Every,
    Literal,
    Negation,
    Node,
    OneOf,
    Term,
    TermKind,
)
from orchestrator.core.facts import Value


@unique
class Want(Enum):
    """What a condition is asked to be."""

    TRUE = "true"
    NOT_FALSE = "true or unknown"
    NOT_TRUE = "false or unknown"
    FALSE = "false"

    @property
    def opposite(self) -> "Want":
        """What is asked of ``x`` where this is asked of ``not x``."""
        return _OPPOSITE[self]

    @property
    def upward(self) -> bool:
        """Whether more truth meets it as well: then ``and`` asks it of all its parts."""
        return self in {Want.TRUE, Want.NOT_FALSE}

    def met(self, verdict: bool | None) -> bool:  # noqa: FBT001 -- a verdict is no flag
        """Whether a verdict is as asked."""
        return verdict in _MEETING[self]


_OPPOSITE = {
    Want.TRUE: Want.FALSE,
    Want.FALSE: Want.TRUE,
    Want.NOT_FALSE: Want.NOT_TRUE,
    Want.NOT_TRUE: Want.NOT_FALSE,
}
_MEETING: Mapping[Want, tuple[bool | None, ...]] = {
    Want.TRUE: (True,),
    Want.NOT_FALSE: (True, None),
    Want.NOT_TRUE: (False, None),
    Want.FALSE: (False,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A condition and what it is asked to be."""

    node: Node
    want: Want = Want.TRUE


Atoms = tuple[Demand, ...]


def alternatives(demands: Iterable[Demand], milestones: Mapping[str, Node]) -> Iterator[Atoms]:
    """Every way to meet all demands, as atoms that must be met together; lazily, for there may be very many."""
    stack: list[tuple[Atoms, Atoms]] = [(tuple(demands), ())]
    while stack:
        todo, atoms = stack.pop()
        if not todo:
            yield atoms
            continue
        first, rest = todo[0], todo[1:]
        if first in atoms:
            stack.append((rest, atoms))
        elif isinstance(first.node, Every | Either):
            stack.extend(_divided(first, rest, atoms))
        elif isinstance(first.node, Negation):
            stack.append(((Demand(node=first.node.operand, want=first.want.opposite), *rest), atoms))
        elif isinstance(first.node, OneOf):
            stack.append(((Demand(node=_spelled_out(first.node), want=first.want), *rest), atoms))
        elif (case := _derived(first.node)) is not None:
            stack.extend(((*_chosen(first, case, way), *rest), atoms) for way in _ways(case))
        else:
            stack.append(((*rest, *_implied(first, milestones)), (*atoms, first)))


def _divided(whole: Demand, rest: Atoms, atoms: Atoms) -> Iterator[tuple[Atoms, Atoms]]:
    assert isinstance(whole.node, Every | Either), "asked by the caller"  # noqa: S101 -- invariant
    parts = tuple(Demand(node=part, want=whole.want) for part in whole.node.operands)
    if isinstance(whole.node, Every) is whole.want.upward:
        yield ((*parts, *rest), atoms)
    elif not any(part in atoms for part in parts):
        yield from (((part, *rest), atoms) for part in reversed(parts))
    else:
        yield (rest, atoms)  # one of them is asked for already


def _spelled_out(node: OneOf) -> Node:
    sign, shape = ("!=", Every) if node.negated else ("==", Either)
    literals = [Literal(value=value, text=repr(value)) for value in node.values]
    parts = [
        Compare(operator=sign, left=node.item, right=each, text=f"{node.item.text} {sign} {each.text}")
        for each in literals
    ]
    return shape(operands=tuple(parts), text=node.text)


# ------------------------------------------------------------------------------------------------------ derived names


def _derived(node: Node) -> Case | None:
    """The first derived name in an atom."""
    match node:
        case Case():
            return node
        case Compare() | Arithmetic():
            return _derived(node.left) or _derived(node.right)
        case _:
            return None


def _ways(case: Case) -> Iterator[tuple[Atoms, Value]]:
    """How a derived name comes to each value: a row stops the search, none does, or what is unknown divides it."""
    for number, (condition, value) in enumerate(case.rows):
        yield (*_excluded(case.rows[:number], value), Demand(node=condition)), value
    yield tuple(_excluded(case.rows, case.default)), case.default
    for condition, _ in case.rows:
        unknown = (Demand(node=condition, want=Want.NOT_FALSE), Demand(node=condition, want=Want.NOT_TRUE))
        yield unknown, case.unknown


def _excluded(rows: Iterable[tuple[Node, Value]], value: Value) -> Iterator[Demand]:
    """No row of another value may be possible."""
    return (Demand(node=condition, want=Want.FALSE) for condition, other in rows if other != value)


def _chosen(atom: Demand, case: Case, way: tuple[Atoms, Value]) -> Atoms:
    demands, value = way
    literal = Literal(value=value, text=repr(value))
    return (Demand(node=_with(atom.node, case, literal), want=atom.want), *demands)


def _with(node: Node, case: Case, literal: Literal) -> Node:
    """An atom in which a derived name says a value."""
    if node is case:
        return literal
    if isinstance(node, Compare | Arithmetic):
        return replace(node, left=_with(node.left, case, literal), right=_with(node.right, case, literal))
    return node


# --------------------------------------------------------------------------------------------------------- milestones


def _implied(atom: Demand, milestones: Mapping[str, Node]) -> Iterator[Demand]:
    if not isinstance(atom.node, Term) or atom.node.kind is not TermKind.MILESTONE:
        return
    condition = milestones[atom.node.name]
    if not atom.want.upward:
        yield Demand(node=condition, want=Want.NOT_TRUE)
    else:
        yield from (Demand(node=part) for part in _lasting_parts(condition))


def _lasting_parts(condition: Node) -> Iterator[Node]:
    """What of a condition that held once still holds."""
    if isinstance(condition, Every):
        for part in condition.operands:
            yield from _lasting_parts(part)
    elif lasting(condition):
        yield condition


_GROWING = frozenset({TermKind.COUNT, TermKind.ANSWERS, TermKind.DAY})
_KEPT = frozenset({TermKind.SEEN, TermKind.MILESTONE})


def lasting(node: Node) -> bool:
    """Whether a condition that holds once holds ever after, whatever happens."""
    match node:
        case Literal():
            return True
        case Term():
            return node.kind in _KEPT
        case Every() | Either():
            return all(lasting(part) for part in node.operands)
        case Compare(operator=">=" | ">", left=Term() as term, right=Literal()):
            return term.kind in _GROWING
        case Compare(operator="<=" | "<", left=Literal(), right=Term() as term):
            return term.kind in _GROWING
        case _:
            return False
