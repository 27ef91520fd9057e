"""One value for each piece of a domain: an atom says the same between the points where it turns.

A comparison of linear functions of one term turns at one point at most. The points of all atoms of a term cut its
domain into pieces; each point, its neighbours and something between any two points are tried with the engine's own
arithmetic.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache

from orchestrator.core.conditions import Arithmetic, Compare, Literal, Node, Term, View, verdict
from orchestrator.core.errors import UndecidableError
from orchestrator.core.facts import Facts, Value, Vocabulary

Number = int | float

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = View(
    facts=Facts(),
    vocabulary=Vocabulary(events=frozenset(), aliases={}, traits={}, scores={}, measures={}),
    now=_EPOCH,
    anchor=None,
    stage="",
    stage_entered_at=_EPOCH,
)  # where every term is a constant, nothing is looked at


def judged(atom: Node, value: Value) -> bool | None:
    """What an atom over one term says where that term reads this value.

    Raises:
        UndecidableError: it cannot be evaluated there (a division by zero).
    """
    return verdict(_filled(atom, value), _NOTHING)


@lru_cache(maxsize=65_536, typed=True)  # asked of the same pieces of the same atoms in alternative after alternative
def judged_or_no_value(atom: Node, value: Value) -> tuple[bool | None, ...]:
    """The verdict, as the only one of a tuple; empty where the atom cannot be evaluated."""
    try:
        return (judged(atom, value),)
    except UndecidableError:
        return ()


def _filled(node: Node, value: Value) -> Node:
    match node:
        case Term():
            # a bool that stands alone is its own verdict; elsewhere the value is compared
            return Literal(value=value, text=f"{node.text} = {value!r}")
        case Compare() | Arithmetic():
            return replace(node, left=_filled(node.left, value), right=_filled(node.right, value))
        case _:
            return node


@lru_cache(maxsize=16_384)  # the same
def turning_points(atom: Node) -> tuple[Fraction, ...] | None:
    """Where an atom over one number may turn; None when it is not linear in it."""
    if not isinstance(atom, Compare) or any(_is_text(side) for side in (atom.left, atom.right)):
        return ()
    left, right = _linear(atom.left), _linear(atom.right)
    if left is None or right is None:
        return None
    slope = left[0] - right[0]
    return ((right[1] - left[1]) / slope,) if slope else ()


def _is_text(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, str)


def _linear(node: Node) -> tuple[Fraction, Fraction] | None:
    """Slope and constant of a number; None when it is not linear."""
    match node:
        case Term():
            return Fraction(1), Fraction(0)
        case Literal(value=int() | float() as value):
            return Fraction(0), Fraction(value)
        case Arithmetic():
            return _combined(node.operator, _linear(node.left), _linear(node.right))
        case _:
            return None


def _combined(
    sign: str, left: tuple[Fraction, Fraction] | None, right: tuple[Fraction, Fraction] | None
) -> tuple[Fraction, Fraction] | None:
    if left is None or right is None:
        return None
    match sign:
        case "+":
            return left[0] + right[0], left[1] + right[1]
        case "-":
            return left[0] - right[0], left[1] - right[1]
        case "*" if not left[0] or not right[0]:
            return left[0] * right[1] + right[0] * left[1], left[1] * right[1]
        case "/" if not right[0] and right[1]:
            return left[0] / right[1], left[1] / right[1]
        case _:
            return None


def whole_numbers(points: Iterable[Fraction], lowest: int, highest: int) -> list[Number]:
    """A whole number of every piece between these bounds, the smallest first."""
    found = {lowest, highest}
    for point in points:
        found |= {math.floor(point) + step for step in (-1, 0, 1, 2)}
    return sorted(each for each in found if lowest <= each <= highest)


def real_numbers(points: Iterable[Fraction], lowest: float, highest: float) -> list[Number]:
    """A number of every piece between these bounds: what lies between the points, then the points, then their edge."""
    turning = sorted({float(point) for point in points if lowest <= point <= highest})
    ends = [max(lowest, turning[0] - 1), *turning, min(highest, turning[-1] + 1)] if turning else [lowest, highest]
    between = [first + (second - first) / 2 for first, second in itertools.pairwise(ends)]
    edges = [math.nextafter(point, way) for point in turning for way in (-math.inf, math.inf)]
    return [each for each in _once([*between, *ends, lowest, highest, *edges]) if lowest <= each <= highest]


def _once(values: Iterable[Number]) -> Iterator[Number]:
    return iter(dict.fromkeys(values))
