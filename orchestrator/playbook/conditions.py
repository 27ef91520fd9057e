"""Conditions: from text to typed, checked ``core.conditions`` nodes.

The language is a closed subset of Python expressions: ``and``, ``or``, ``not``, comparisons (chains too), ``in`` and
``not in`` a list of constants, ``+ - * /`` of numbers, names of the vocabulary with at most one attribute, and
constants. It is parsed by ``ast`` and never run. A node that is not named here is refused, so a new Python adds nothing
to it.

Terms that move with the clock may only be compared, by order, with a number: so the engine knows the instant at which
each comparison turns and has nothing to poll. Terms that may be infinite (an event that never happened) are compared,
not calculated with: infinity minus infinity has no value. Every problem of a condition is told, each with its place.
"""

import ast
import io
import tokenize
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import TypeVar

from orchestrator.core.conditions import (
    MOVING,
    Arithmetic,
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
from orchestrator.core.facts import TraitType, Value, Vocabulary
from orchestrator.playbook.errors import did_you_mean

Found = TypeVar("Found")

LONGEST = 1000  # characters
DEEPEST = 20  # levels of nesting
LARGEST = 10**12  # of a number
FURTHEST_WORKING = 1000  # working days that may be asked for: some four years
FURTHEST = 36_500  # days that a moving term may be compared with: a century


class Kind(Enum):
    """The type of a value, as the author is told of it."""

    BOOL = "true or false"
    NUMBER = "a number"
    TEXT = "a text"
    INSTANT = "an instant"

    @property
    def bare(self) -> str:
        """The word without its article."""
        return self.value.removeprefix("a ").removeprefix("an ")


_BUILTIN = {"day": TermKind.DAY, "stage": TermKind.STAGE, "stage_days": TermKind.STAGE_DAYS}
BUILTINS = frozenset(_BUILTIN)  # names that every condition knows
_OF_EVENTS = {
    kind.value: kind
    for kind in (
        TermKind.COUNT,
        TermKind.DAYS_AGO,
        TermKind.BUSINESS_DAYS_AGO,
        TermKind.FIRST_DAY,
        TermKind.FIRST,
        TermKind.LAST,
        TermKind.FALLING,
        TermKind.WEEK_RATIO,
    )
}
_OF_SCORES = {kind.value: kind for kind in (TermKind.LATEST, TermKind.LOWEST, TermKind.ANSWERS)}
_OF_GOALS = {
    kind.value.partition(".")[2]: kind for kind in (TermKind.GOALS_SET, TermKind.GOALS_MET, TermKind.GOALS_OPEN)
}
GOALS = "goals"  # the account's own goals: known to every condition whose playbook does not mean something else by it
_OF_SIGNALS = {
    "days": TermKind.SIGNAL_DAYS,
    "count": TermKind.SIGNAL_COUNT,
    "acknowledged": TermKind.ACKNOWLEDGED,
}
AT_RISK = "at_risk"  # is any signal open that bears this flag; a name only where one does
_OF_MILESTONES = {"days": TermKind.MILESTONE_DAYS}
_OF_INSTANTS = {"days_until": TermKind.DAYS_UNTIL}
_ENDLESS = frozenset({TermKind.FIRST_DAY, TermKind.WEEK_RATIO, TermKind.MILESTONE_DAYS})  # infinite until it happened
_TRAIT_KINDS = {
    TraitType.BOOL: Kind.BOOL,
    TraitType.NUMBER: Kind.NUMBER,
    TraitType.TEXT: Kind.TEXT,
    TraitType.INSTANT: Kind.INSTANT,
}
_OTHER_KINDS = {
    TermKind.SEEN: Kind.BOOL,
    TermKind.MILESTONE: Kind.BOOL,
    TermKind.JUDGED: Kind.BOOL,
    TermKind.GOALS_SET: Kind.BOOL,
    TermKind.GOALS_MET: Kind.BOOL,
    TermKind.FIRST: Kind.INSTANT,
    TermKind.LAST: Kind.INSTANT,
    TermKind.STAGE: Kind.TEXT,
    TermKind.SIGNAL: Kind.BOOL,
    TermKind.ACKNOWLEDGED: Kind.BOOL,
}  # what is neither here nor a trait is a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A name that stands for a node: a macro."""

    node: Node  # its text is the name
    kind: Kind
    values: tuple[str, ...] = ()  # the closed list of a text


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """All that a condition may speak of."""

    vocabulary: Vocabulary
    stages: tuple[str, ...] = ()
    milestones: frozenset[str] = frozenset()  # those that may be named here
    derived: Mapping[str, Derived] = field(default_factory=dict)  # names that stand for nodes, whole: ``health.colour``
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # names that may not stand here -> why
    later: frozenset[str] = frozenset()  # milestones that may not be named here, being this one or later ones
    broken: frozenset[str] = frozenset()  # declared, but wrongly: said elsewhere, so not said again
    judgements: frozenset[str] = frozenset()
    signals: frozenset[str] = frozenset()

    def all(self) -> frozenset[str]:
        """Every name that may stand in a condition."""
        return self.declared() | BUILTINS | {GOALS}

    def declared(self) -> frozenset[str]:
        """Every name that the playbook declares."""
        words = self.vocabulary
        kinds = (words.traits, words.scores, words.measures, self.milestones, self.judgements, self.signals)
        return words.events.union(*kinds, {name.partition(".")[0] for name in self.derived})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a condition."""

    offset: int  # in the text, from 0
    message: str


class ConditionError(ValueError):
    """A condition is not of the language; ``faults`` says what and where."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Take the faults; none means that it rests on something that is broken elsewhere."""
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.message for fault in self.faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    node: Node
    kind: Kind
    values: tuple[str, ...] = ()  # the closed list of a text
    reads: TermKind | None = None  # what it reads, if it is a term

    @property
    def moving(self) -> bool:
        return self.reads in MOVING

    @property
    def told(self) -> str:
        """What it is, for an error: ``the text trait `plan```."""
        match self.node:
            case Term(kind=TermKind.TRAIT):
                return f"the {self.kind.bare} trait `{self.node.text}`"
            case Term(kind=TermKind.SEEN):
                return f"the event `{self.node.text}` (true or false)"
            case Term(kind=TermKind.SIGNAL):
                return f"the signal `{self.node.text}` (true or false)"
            case Term(kind=TermKind.MILESTONE):
                return f"the milestone `{self.node.text}` (true or false)"
            case Term(kind=TermKind.JUDGED):
                return f"the judgement `{self.node.text}` (true or false)"
            case _:
                return f"{self.kind.value} `{self.node.text}`".replace("true or false `", "the true-or-false `")


def compile_condition(text: str, names: Names) -> Node:
    """The compiled condition of a text.

    Raises:
        ConditionError: it is not of the language, or speaks of what there is not; all its faults together.
    """
    return _Compiler(text, names).whole()


def compile_number(text: str, names: Names) -> Node:
    """The compiled number of a text: a name or a calculation that does not move with the clock.

    Raises:
        ConditionError: it is not of the language, or speaks of what there is not; all its faults together.
    """
    return _Compiler(text, names).number()


def compile_figure(text: str, names: Names) -> Node:
    """The compiled number of a text that is read at one instant only: a name alone may also move, or be infinite.

    Raises:
        ConditionError: it is not of the language, or speaks of what there is not; all its faults together.
    """
    return _Compiler(text, names).figure()


def _parsed(text: str) -> ast.expr:
    """The tree of one expression.

    Raises:
        ConditionError: it is no Python expression, or holds a comment.
    """
    comment = next((token.start[1] for token in _tokens(text) if token.type == tokenize.COMMENT), None)
    if comment is not None:
        raise ConditionError([Fault(offset=comment, message="a comment may not stand inside a condition")])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python only warns of (a stray escape) is refused
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        offset = (error.offset or len(text) + 1) - 1  # none is given at the end
        raise ConditionError([Fault(offset=offset, message=f"this is no condition: {error.msg}")]) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConditionError([Fault(offset=0, message=f"this is no condition: {error}")]) from error


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
    except (tokenize.TokenError, SyntaxError):
        return  # the parser will say what is wrong


class _Compiler:
    """One condition on its way from text to node; each step gives a typed node or raises with its faults."""

    def __init__(self, text: str, names: Names) -> None:
        self.lead = len(text) - len(text.lstrip())
        self.text = " ".join(text.strip().splitlines())
        self.names = names

    def whole(self) -> Node:
        return self.boolean(self.tree(), 0)

    def number(self) -> Node:
        return self.summand(self.tree(), 0)

    def figure(self) -> Node:
        tree = self.tree()
        if not isinstance(tree, ast.Name | ast.Attribute):
            return self.summand(tree, 0)
        found = self.typed(tree, 0)
        if found.kind is not Kind.NUMBER:
            raise self.fault(tree, f"expected a number, got {found.told}")
        return found.node

    def tree(self) -> ast.expr:
        if not self.text:
            raise self.fault(0, "the condition is empty")
        if len(self.text) > LONGEST:
            raise self.fault(0, f"a condition may have {LONGEST} characters at most, this has {len(self.text)}")
        try:
            return _parsed(self.text)
        except ConditionError as error:
            raise ConditionError(
                Fault(offset=each.offset + self.lead, message=each.message) for each in error.faults
            ) from error

    # -- telling -----------------------------------------------------------------------------------------------------

    def fault(self, at: ast.expr | int, message: str) -> ConditionError:
        offset = at if isinstance(at, int) else len(self.text.encode()[: at.col_offset].decode())  # ast counts bytes
        return ConditionError([Fault(offset=offset + self.lead, message=message)])

    def written(self, tree: ast.expr) -> str:
        return self.text.encode()[tree.col_offset : tree.end_col_offset].decode()

    def each(self, trees: Iterable[ast.expr], step: Callable[[ast.expr, int], Found], depth: int) -> tuple[Found, ...]:
        """Every tree taken one step; the faults of all of them together."""
        found: list[Found] = []
        errors: list[ConditionError] = []
        for tree in trees:
            try:
                found.append(step(tree, depth))
            except ConditionError as error:
                errors.append(error)
        if errors:
            raise ConditionError(fault for error in errors for fault in error.faults)
        return tuple(found)

    # -- nodes -------------------------------------------------------------------------------------------------------

    def typed(self, tree: ast.expr, depth: int) -> _Typed:
        """A tree's node with its type; ``depth`` is that of what it stands in."""
        if depth == DEEPEST:
            raise self.fault(tree, f"nested deeper than {DEEPEST} levels: give a part of it a name as a milestone")
        match tree:
            case ast.BoolOp():
                return self.junction(tree, depth + 1)
            case ast.UnaryOp(op=ast.Not()):
                operand = self.boolean(tree.operand, depth + 1)
                return _Typed(node=Negation(operand=operand, text=self.written(tree)), kind=Kind.BOOL)
            case ast.UnaryOp(op=ast.USub()):
                return self.negative(tree)
            case ast.Compare():
                return self.comparison(tree, depth + 1)
            case ast.BinOp():
                return self.calculation(tree, depth + 1)
            case ast.Name():
                return self.name(tree)
            case ast.Attribute():
                return self.attribute(tree)
            case ast.Constant():
                return self.constant(tree, tree.value)
            case _:
                raise self.fault(tree, f"{_REFUSED.get(type(tree), 'this is')} not part of the condition language")

    def boolean(self, tree: ast.expr, depth: int) -> Node:
        found = self.typed(tree, depth)
        if found.kind is not Kind.BOOL:
            raise self.fault(tree, f"expected true or false, got {found.told}")
        return found.node

    def junction(self, tree: ast.BoolOp, depth: int) -> _Typed:
        operands = self.each(tree.values, self.boolean, depth)
        shape = Every if isinstance(tree.op, ast.And) else Either
        return _Typed(node=shape(operands=operands, text=self.written(tree)), kind=Kind.BOOL)

    def calculation(self, tree: ast.BinOp, depth: int) -> _Typed:
        sign = _CALCULATIONS.get(type(tree.op))
        if sign is None:
            raise self.fault(tree, "only + - * / may be calculated")
        left, right = self.each((tree.left, tree.right), self.summand, depth)
        node = Arithmetic(operator=sign, left=left, right=right, text=self.written(tree))
        return _Typed(node=node, kind=Kind.NUMBER)

    def summand(self, tree: ast.expr, depth: int) -> Node:
        found = self.typed(tree, depth)
        if found.kind is not Kind.NUMBER:
            raise self.fault(tree, f"expected a number, got {found.told}")
        if found.moving:
            raise self.fault(tree, _moves(found))
        if found.reads in _ENDLESS:
            infinite = f"`{found.node.text}` is infinite until it happened: compare it, do not calculate with it"
            raise self.fault(tree, infinite)
        return found.node

    # -- comparing ---------------------------------------------------------------------------------------------------

    def comparison(self, tree: ast.Compare, depth: int) -> _Typed:
        if any(isinstance(sign, ast.In | ast.NotIn) for sign in tree.ops):
            return self.membership(tree, depth)
        sides = (tree.left, *tree.comparators)
        pairs = [
            ast.copy_location(ast.Compare(left=left, ops=[sign], comparators=[right]), left)
            for left, sign, right in zip(sides, tree.ops, sides[1:], strict=False)
        ]  # a middle side is compiled once for each comparison: the engine tells terms apart by identity
        operands = self.each(pairs, self.pair, depth)
        if len(operands) == 1:
            return _Typed(node=replace(operands[0], text=self.written(tree)), kind=Kind.BOOL)
        return _Typed(node=Every(operands=operands, text=self.written(tree)), kind=Kind.BOOL)

    def pair(self, tree: ast.expr, depth: int) -> Compare:
        assert isinstance(tree, ast.Compare), "made above"  # noqa: S101 -- invariant
        first, second = tree.left, tree.comparators[0]
        sign = _COMPARISONS.get(type(tree.ops[0]))
        if sign is None:
            raise self.fault(second, "`is` is not part of the condition language: write == or !=")
        left, right = self.each((first, second), self.typed, depth)
        wrong = _mismatch(sign, left, right)
        if wrong is not None:
            raise self.fault(first if wrong[0] is left else second, wrong[1])
        text = f"{self.written(first)} {sign} {self.written(second)}"
        return Compare(operator=sign, left=left.node, right=right.node, text=text)

    def membership(self, tree: ast.Compare, depth: int) -> _Typed:
        if len(tree.ops) > 1:
            raise self.fault(tree, "`in` may not stand in a chain of comparisons")
        choices = tree.comparators[0]
        if not isinstance(choices, ast.List | ast.Tuple | ast.Set) or not choices.elts:
            raise self.fault(choices, "after `in` comes a list of constants such as ['monthly', 'annual']")
        item = self.typed(tree.left, depth)
        if item.moving:
            raise self.fault(tree.left, _moves(item))
        values = self.each(choices.elts, partial(self.choice, item), depth)
        negated = isinstance(tree.ops[0], ast.NotIn)
        node = OneOf(item=item.node, values=values, negated=negated, text=self.written(tree))
        return _Typed(node=node, kind=Kind.BOOL)

    def choice(self, item: _Typed, tree: ast.expr, depth: int) -> Value:
        found = self.typed(tree, depth)
        if not isinstance(found.node, Literal):
            raise self.fault(tree, f"a list after `in` holds constants only, got {found.told}")
        wrong = _mismatch("==", item, found)
        if wrong is not None:
            raise self.fault(tree, wrong[1])
        return found.node.value

    # -- leaves ------------------------------------------------------------------------------------------------------

    def negative(self, tree: ast.UnaryOp) -> _Typed:
        match tree.operand:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self.constant(tree, -value)
            case _:
                raise self.fault(tree, "a minus may stand only before a plain number or between two values")

    def constant(self, tree: ast.expr, value: object) -> _Typed:
        text = self.written(tree)
        match value:
            case bool():
                return _Typed(node=Literal(value=value, text=text), kind=Kind.BOOL)
            case int() | float():
                if abs(value) > LARGEST:
                    raise self.fault(tree, f"a number may be {LARGEST:,} at most")
                return _Typed(node=Literal(value=value, text=text), kind=Kind.NUMBER)
            case str():
                return _Typed(node=Literal(value=value, text=text), kind=Kind.TEXT)
            case _:
                raise self.fault(tree, f"`{text[:40]}` is no number, text, True or False")

    def name(self, tree: ast.Name) -> _Typed:
        name, words = tree.id, self.names.vocabulary
        if name in words.scores:
            raise self.fault(tree, f"`{name}` is a score: say {', '.join(f'{name}.{each}' for each in _OF_SCORES)}")
        kinds: Mapping[TermKind, Iterable[str]] = {
            TermKind.SEEN: words.events,
            TermKind.TRAIT: words.traits,
            TermKind.MILESTONE: self.names.milestones,
            TermKind.MEASURE: words.measures,
            TermKind.JUDGED: self.names.judgements,
            TermKind.SIGNAL: self.names.signals,
        }
        for kind, known in kinds.items():
            if name in known:
                return self.term(tree, kind, name)
        if name in _BUILTIN:
            return self.term(tree, _BUILTIN[name], "")
        if name in self.names.derived:
            return self.derived(self.names.derived[name])
        if name == GOALS:
            raise self.fault(tree, f"say {', '.join(f'{GOALS}.{each}' for each in _OF_GOALS)}")
        raise self.unknown(tree, name)

    def unknown(self, tree: ast.expr, name: str) -> ConditionError:
        if name in self.names.broken:
            return ConditionError([])  # what is wrong is said where it is declared
        if name in self.names.later:
            return self.fault(tree, f"a milestone may name only milestones above it, and `{name}` is not above")
        if name in self.names.elsewhere:
            return self.fault(tree, self.names.elsewhere[name])
        return self.fault(tree, f"unknown name `{name}`{did_you_mean(name, self.names.all())}")

    def attribute(self, tree: ast.Attribute) -> _Typed:
        if not isinstance(tree.value, ast.Name):
            raise self.fault(tree, "a name of the vocabulary may have one attribute, as in login.count")
        name, said = tree.value.id, tree.attr
        if f"{name}.{said}" in self.names.derived:
            return self.derived(self.names.derived[f"{name}.{said}"])
        known = self.attributes(name)
        if known is None:
            raise self.unknown(tree, name)
        if said not in known:
            has = [
                *known,
                *(each.removeprefix(f"{name}.") for each in self.names.derived if each.startswith(f"{name}.")),
            ]
            near = did_you_mean(said, has) or (f" (it has {', '.join(has)})" if has else "")
            raise self.fault(tree, f"`{name}` has no `.{said}`{near}")
        return self.term(tree, known[said], name)

    def derived(self, found: Derived) -> _Typed:
        reads = found.node.kind if isinstance(found.node, Term) else None
        return _Typed(node=found.node, kind=found.kind, values=found.values, reads=reads)

    def attributes(self, name: str) -> Mapping[str, TermKind] | None:
        """What may follow a name; None for an unknown one."""
        if name in self.names.vocabulary.events:
            return _OF_EVENTS
        if name in self.names.vocabulary.scores:
            return _OF_SCORES
        if name in self.names.milestones:
            return _OF_MILESTONES
        rule = self.names.vocabulary.traits.get(name)
        if rule is not None and rule.type is TraitType.INSTANT:
            return _OF_INSTANTS
        if name == GOALS and name not in self.names.declared():
            return _OF_GOALS
        if name in self.names.signals:
            return _OF_SIGNALS
        return {} if name in self.names.all() else None

    def term(self, tree: ast.expr, kind: TermKind, name: str) -> _Typed:
        node = Term(kind=kind, name=name, text=self.written(tree))
        if kind is TermKind.TRAIT:
            rule = self.names.vocabulary.traits[name]
            return _Typed(node=node, kind=_TRAIT_KINDS[rule.type], values=rule.values, reads=kind)
        values = self.names.stages if kind is TermKind.STAGE else ()
        return _Typed(node=node, kind=_OTHER_KINDS.get(kind, Kind.NUMBER), values=values, reads=kind)


_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_CALCULATIONS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_SAME = frozenset({"==", "!="})

_REFUSED: Mapping[type[ast.expr], str] = {
    ast.Call: "calls are",
    ast.Lambda: "functions are",
    ast.Subscript: "square brackets after a name are",
    ast.ListComp: "comprehensions are",
    ast.SetComp: "comprehensions are",
    ast.DictComp: "comprehensions are",
    ast.GeneratorExp: "comprehensions are",
    ast.IfExp: "`if … else` is",
    ast.NamedExpr: "`:=` is",
    ast.JoinedStr: "texts with values in them are",
    ast.List: "a list stands only after `in`; elsewhere it is",
    ast.Tuple: "a list stands only after `in`; elsewhere it is",
    ast.Set: "a list stands only after `in`; elsewhere it is",
}


def _moves(found: _Typed) -> str:
    return (
        f"`{found.node.text}` moves with the clock: compare it with a plain number by < <= > or >=,"
        " so that the engine knows when it turns"
    )


def _mismatch(sign: str, left: _Typed, right: _Typed) -> tuple[_Typed, str] | None:
    """Which side of a comparison is wrong, and why; None when they may be compared."""
    if left.moving or right.moving:
        return _misplaced(sign, left, right)
    if sign not in _SAME:
        for side, other in ((left, right), (right, left)):
            if side.kind in {Kind.BOOL, Kind.TEXT}:
                wanted = Kind.INSTANT if other.kind is Kind.INSTANT else Kind.NUMBER
                return side, f"expected {wanted.value}, got {side.told}"
    if left.kind is not right.kind:
        ending = ": an instant is compared with an instant only" if Kind.INSTANT in {left.kind, right.kind} else ""
        return right, f"expected {left.kind.value}, got {right.told}{ending}"
    return _unlisted(left, right) or _unlisted(right, left)


def _misplaced(sign: str, left: _Typed, right: _Typed) -> tuple[_Typed, str] | None:
    term, limit = (left, right) if left.moving else (right, left)
    if limit.kind is not Kind.NUMBER:
        return limit, f"expected a number, got {limit.told}"
    if sign in _SAME or not isinstance(limit.node, Literal):
        return term, _moves(term)
    days = limit.node.value
    if isinstance(days, int | float) and abs(days) > FURTHEST:
        return limit, f"`{term.node.text}` counts days: {limit.node.text} is more than a century"
    if isinstance(days, int | float) and days > FURTHEST_WORKING and term.reads is TermKind.BUSINESS_DAYS_AGO:
        return limit, f"`{term.node.text}` counts working days of at most {FURTHEST_WORKING}, not {limit.node.text}"
    return None


def _unlisted(term: _Typed, literal: _Typed) -> tuple[_Typed, str] | None:
    """A text constant that its closed list does not have."""
    if not term.values or not isinstance(literal.node, Literal):
        return None
    value: Value = literal.node.value
    if value in term.values:
        return None
    return literal, (
        f"`{term.node.text}` is never {literal.node.text}, only {', '.join(term.values)}"
        f"{did_you_mean(str(value), term.values)}"
    )
