"""A condition as alternatives of atoms: disjunctive normal form over Kleene's three values, one alternative at a time.

What is asked of a part is one of four thresholds in the order false < unknown < true. ``and`` is the least of its parts
and ``or`` the greatest, so each threshold of a whole is a threshold of all its parts, or of any of them; ``not`` turns
the order round. A milestone brings along what its name implies: the engine reaches milestones before anything else, so
that where one is not reached its condition does not hold; and where one is reached, what of its condition can never
stop holding holds. So does a signal: what is open has opened, and where plays are judged nothing has closed it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    Says,
    Term,
    TermKind,
    Weighted,
    terms,
)
from orchestrator.core.errors import UndecidableError
from orchestrator.core.facts import Value
from orchestrator.core.health import Colour, RollUp
from orchestrator.playbook.lint.pieces import judged


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Implied:
    """What a name brings along."""

    milestones: Mapping[str, Node] = field(default_factory=dict)  # each with its condition
    open: Mapping[str, Atoms] = field(default_factory=dict)  # signal -> what holds while it is open
    opened: Mapping[str, Atoms] = field(default_factory=dict)  # signal -> what holds once it has been


def alternatives(demands: Iterable[Demand], implied: Implied) -> Iterator[Atoms]:
    """Every way to meet all demands, as atoms that must be met together; lazily, for there may be very many."""
    stack = [_Way(todo=tuple(demands))]
    while stack:
        way = stack.pop()
        if not way.todo:
            yield way.atoms
            continue
        first, rest = way.todo[0], way.todo[1:]
        if first in way.atoms:
            stack.append(replace(way, todo=rest))
        elif isinstance(first.node, Every | Either):
            stack.extend(replace(way, todo=(*parts, *rest)) for parts in _divided(first, way.atoms))
        elif isinstance(first.node, Negation):
            turned = Demand(node=first.node.operand, want=first.want.opposite)
            stack.append(replace(way, todo=(turned, *rest)))
        elif isinstance(first.node, OneOf):
            stack.append(replace(way, todo=(Demand(node=_spelled_out(first.node), want=first.want), *rest)))
        elif isinstance(derived := _derived(first.node), Weighted):
            freed = Demand(node=_with(first.node, derived, _free(derived)), want=first.want)
            stack.append(replace(way, todo=(freed, *rest)))
        elif derived is not None:
            stack.extend(reversed([replace(each, todo=(*each.todo, *rest)) for each in _chosen(first, derived, way)]))
        else:
            stack.append(replace(way, todo=(*rest, *_implied(first, implied)), atoms=(*way.atoms, first)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One way under way."""

    todo: Atoms
    atoms: Atoms = ()
    said: tuple[tuple[Case, Value], ...] = ()  # what derived names say on it


def _divided(whole: Demand, atoms: Atoms) -> Iterator[Atoms]:
    assert isinstance(whole.node, Every | Either), "asked by the caller"  # noqa: S101 -- invariant
    parts = tuple(Demand(node=part, want=whole.want) for part in whole.node.operands)
    if isinstance(whole.node, Every) is whole.want.upward:
        yield parts
    elif not any(part in atoms for part in parts):
        yield from ((part,) for part in reversed(parts))
    else:
        yield ()  # one of them is asked for already


def _spelled_out(node: OneOf) -> Node:
    sign, shape = ("!=", Every) if node.negated else ("==", Either)
    literals = [Literal(value=value, text=repr(value)) for value in node.values]
    parts = [
        Compare(operator=sign, left=node.item, right=each, text=f"{node.item.text} {sign} {each.text}")
        for each in literals
    ]
    return shape(operands=tuple(parts), text=node.text)


# ------------------------------------------------------------------------------------------------------ derived names


def _derived(node: Node) -> Case | Weighted | None:
    """The first derived name in an atom."""
    match node:
        case Case() | Weighted():
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


def _chosen(atom: Demand, case: Case, way: _Way) -> Iterator[_Way]:
    """The ways on which a derived name says each of its values, or what it says on this one already."""
    said = next((value for other, value in way.said if other is case), ...)
    ways = _ways(case) if said is ... else [((), said)]
    for demands, value in ways:
        node = _with(atom.node, case, Literal(value=value, text=repr(value)))
        yield replace(way, todo=(Demand(node=node, want=atom.want), *demands), said=(*way.said, (case, value)))


def _with(node: Node, derived: Node, stands: Node) -> Node:
    """An atom in which something else stands for a derived name."""
    if node is derived:
        return stands
    if isinstance(node, Compare | Arithmetic):
        return replace(node, left=_with(node.left, derived, stands), right=_with(node.right, derived, stands))
    return node


def _free(health: Weighted) -> Node:
    """Health as something that may be anything: a human may set any score, whatever the facts.

    Its colour is the band of the score, unless single indicators have a say in it.
    """
    score, rules = Term(kind=TermKind.OVERRIDE, name=Says.SCORE.value, text=Says.SCORE.value), health.rules
    if health.says is not Says.COLOUR or rules.worst_of or rules.roll_up is not RollUp.WEIGHTED:
        return replace(score, name=health.says.value, text=health.text)
    bands = ((rules.green, Colour.GREEN), (rules.yellow, Colour.YELLOW))
    rows = tuple(
        (Compare(operator=">=", left=score, right=Literal(value=edge, text=f"{edge:g}"), text="health"), colour.value)
        for edge, colour in bands
    )
    return Case(rows=rows, default=Colour.RED.value, text=health.text)


# ----------------------------------------------------------------------------------------------- milestones and signals


def _implied(atom: Demand, implied: Implied) -> Iterator[Demand]:
    for term in terms(atom.node):
        match term.kind:
            case TermKind.MILESTONE:
                yield from _of_milestone(implied.milestones[term.name], atom)
            case TermKind.SIGNAL if _beyond(atom, value=False):
                yield from (*implied.open.get(term.name, ()), *implied.opened.get(term.name, ()))
            case TermKind.ACKNOWLEDGED if _beyond(atom, value=False):
                yield _open(term.name)
            case TermKind.MILESTONE_DAYS if _beyond(atom, value=math.inf):
                yield Demand(node=Term(kind=TermKind.MILESTONE, name=term.name, text=term.name))
            case TermKind.SIGNAL_DAYS if _beyond(atom, value=0):
                yield _open(term.name)
            case TermKind.SIGNAL_COUNT if _beyond(atom, value=0):
                yield from implied.opened.get(term.name, ())
            case _:
                continue


def _of_milestone(condition: Node, atom: Demand) -> Iterator[Demand]:
    if not isinstance(atom.node, Term):
        return
    if not atom.want.upward:
        yield Demand(node=condition, want=Want.NOT_TRUE)
    else:
        yield from (Demand(node=part) for part in lasting_parts(condition))


def _beyond(atom: Demand, *, value: Value) -> bool:
    """Whether an atom is not met where its one term reads this."""
    try:
        return len(set(terms(atom.node))) == 1 and not atom.want.met(judged(atom.node, value))
    except UndecidableError:
        return False


def _open(signal: str) -> Demand:
    return Demand(node=Term(kind=TermKind.SIGNAL, name=signal, text=signal))


def lasting_parts(condition: Node) -> Iterator[Node]:
    """What of a condition that held once still holds, part by part."""
    if isinstance(condition, Every):
        for part in condition.operands:
            yield from lasting_parts(part)
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
