"""Segments: from the table of a playbook to conditions over traits, and the names that conditions gain by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.core.conditions import Case, Compare, Every, Literal, Node, OneOf, Term, TermKind
from orchestrator.core.facts import TraitRule, TraitType, Value, Vocabulary
from orchestrator.core.playbook import Segment, Segmentation, TouchModel, Window
from orchestrator.playbook.conditions import Derived, Kind
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Plain, Tree
from orchestrator.playbook.schema import Document, SegmentShape, SegmentsShape
from orchestrator.playbook.vocabulary import check_name

_AT = ("segments", "table")
_ENDS = 2  # a range has a lower and an upper one


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCompiler:
    """The segments of one document on their way to a Segmentation; problems are noted in its tree."""

    document: Document
    tree: Tree
    vocabulary: Vocabulary
    broken: frozenset[str]  # names that are declared wrongly: said elsewhere

    def segmentation(self) -> Segmentation | None:
        """The compiled segments; None when the playbook has none."""
        shape = self.document.segments
        return None if shape is None else self._compiled(shape)

    def _compiled(self, shape: SegmentsShape) -> Segmentation:
        known = self.broken.union(shape.table)
        rest = shape.default if shape.default in known else None  # a wrong default says nothing of who needs ``where``
        rows = [(self._fits(name, each, rest), name) for name, each in shape.table.items()]
        for key, name in (("default", shape.default), ("unknown", shape.unknown)):
            if name is not None and name not in known:
                near = did_you_mean(name, shape.table)
                self.tree.refuse(("segments", key), f"unknown segment `{name}`{near}")
        return Segmentation(
            by=Case(
                rows=tuple((fits, name) for fits, name in rows if fits is not None),
                default=shape.default,
                unknown=shape.unknown,
                text="segment",
            ),
            table={name: self._segment(name, each) for name, each in shape.table.items()},
            default=shape.default,
        )

    def _segment(self, name: str, shape: SegmentShape) -> Segment:
        check_name(name, (*_AT, name), self.tree)
        return Segment(
            name=name,
            label=shape.label or name.replace("_", " "),
            touch=TouchModel(shape.touch),
            owner=shape.owner,
            windows=self._windows(name, shape),
            phases=self._phases(name, shape),
        )

    def _windows(self, name: str, shape: SegmentShape) -> dict[str, Window]:
        stages = self.document.stages.table
        for stage in shape.windows:
            if stage not in {*stages, *self.broken}:
                path = (*_AT, name, "windows", stage)
                self.tree.refuse(path, f"unknown stage `{stage}`{did_you_mean(stage, stages)}", key=True)
        return {
            stage: window_of(said, (*_AT, name, "windows", stage), self.tree) for stage, said in shape.windows.items()
        }

    def _phases(self, name: str, shape: SegmentShape) -> dict[str, timedelta | None] | None:
        onboarding = self.document.onboarding
        known = {} if onboarding is None else onboarding.phases
        path = (*_AT, name, "phases")
        if shape.phases is not None and not shape.phases:
            self.tree.refuse(path, "an onboarding needs a phase")
        for phase in shape.phases or ():
            if phase not in {*known, *self.broken}:
                self.tree.refuse((*path, phase), f"unknown phase `{phase}`{did_you_mean(phase, known)}", key=True)
        return None if shape.phases is None else dict(shape.phases)

    def check_owners(self, path: Path) -> None:
        """Refuse ``owner: segment`` where a segment names no owner, or where there are no segments."""
        shape = self.document.segments
        if shape is None:
            self.tree.refuse(path, "`segment` is the owner of the account's segment, and this playbook has no segments")
            return
        for name, each in shape.table.items():
            if each.owner is None:
                self.tree.refuse(path, f"`segment` asks for the owner of the segment, and `{name}` names none")

    def check_end(self, stage: str, path: Path) -> None:
        """Refuse a stage in which nobody can stall: no window of it ends, neither its own nor a segment's."""
        table, segments = self.document.stages.table, self.document.segments
        said = [each.windows.get(stage) for each in segments.table.values()] if segments is not None else []
        if stage in table and not any(window and window[1] for window in (table[stage].window, *said)):
            self.tree.refuse(path, f"no window of `{stage}` ends, so that nobody can stall in it")

    # -- who belongs to it -------------------------------------------------------------------------------------------

    def _fits(self, name: str, shape: SegmentShape, rest: str | None) -> Node | None:
        """The condition of a segment; None for the default one when it only takes the rest."""
        path = (*_AT, name, "where")
        parts = [part for trait, said in shape.where.items() if (part := self._part(trait, said, (*path, trait)))]
        if not shape.where and rest not in {name, None}:
            self.tree.refuse((*_AT, name), f"whom does `{name}` hold? Only the default may leave out `where`", key=True)
        return Every(operands=tuple(parts), text=" and ".join(part.text for part in parts)) if parts else None

    def _part(self, trait: str, said: Plain, path: Path) -> Node | None:
        rule = self.vocabulary.traits.get(trait)
        if rule is None:
            if trait not in self.broken:
                known = self.vocabulary.traits
                self.tree.refuse(path, f"unknown trait `{trait}`{did_you_mean(trait, known)}", key=True)
            return None
        wrong = _wrong(said, rule)
        if wrong is not None:
            self.tree.refuse(path, wrong)
            return None
        return _condition(Term(kind=TermKind.TRAIT, name=trait, text=trait), said)


def _wrong(said: Plain, rule: TraitRule) -> str | None:
    """What is wrong with what a segment says of a trait; None when it may stand."""
    match rule.type, said:
        case TraitType.BOOL, bool():
            return None
        case TraitType.NUMBER, list():
            return _wrong_range(said)
        case TraitType.NUMBER, _ if _is_number(said):
            return None
        case TraitType.TEXT, str():
            return _unlisted([said], rule)
        case TraitType.TEXT, list() if said and all(isinstance(each, str) for each in said):
            return _unlisted(said, rule)
        case _:
            return f"expected {_WANTED[rule.type]}, got {said!r}"


_WANTED = {
    TraitType.BOOL: "true or false",
    TraitType.NUMBER: "a number or a range such as [5000, 25000], from the first to before the second",
    TraitType.TEXT: "a text or a list of texts",
    TraitType.INSTANT: "a trait that is no instant: a segment does not change with the clock",
}


def _is_number(said: Plain) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool)


def _wrong_range(said: list[Plain]) -> str | None:
    if len(said) != _ENDS or any(end is not None and not _is_number(end) for end in said):
        return f"expected {_WANTED[TraitType.NUMBER]}, null for no end, got {said!r}"
    low, high = said
    if low is None and high is None:
        return "a range without both ends holds every number: leave it out"
    return None if low is None or high is None or low < high else "the range must end after it begins"


def _unlisted(said: list[str], rule: TraitRule) -> str | None:
    for word in said:
        if rule.values and word not in rule.values:
            return f"the trait is never '{word}', only {', '.join(rule.values)}{did_you_mean(word, rule.values)}"
    return None


def _condition(trait: Term, said: Plain) -> Node:
    match said:
        case [None, high]:
            return _compared(trait, "<", high)
        case [low, None]:
            return _compared(trait, ">=", low)
        case [int() | float() as low, high]:
            operands = (_compared(trait, ">=", low), _compared(trait, "<", high))
            return Every(operands=operands, text=" and ".join(each.text for each in operands))
        case list():
            return OneOf(item=trait, values=tuple(said), negated=False, text=f"{trait.text} in {said!r}")
        case _:
            return _compared(trait, "==", said)


def _compared(trait: Term, sign: str, limit: Value) -> Compare:
    literal = Literal(value=limit, text=repr(limit))
    return Compare(operator=sign, left=trait, right=literal, text=f"{trait.text} {sign} {literal.text}")


def derived_names(segmentation: Segmentation | None) -> Mapping[str, Derived]:
    """What a condition may ask once there are segments: ``segment`` and ``touch``."""
    if segmentation is None:
        return {}
    by, table = segmentation.by, segmentation.table
    touch = {name: segment.touch.value for name, segment in table.items()}
    models = Case(
        rows=tuple((fits, touch.get(str(name))) for fits, name in by.rows),
        default=touch.get(str(by.default)),
        unknown=touch.get(str(by.unknown)),
        text="touch",
    )
    return {
        "segment": Derived(node=by, kind=Kind.TEXT, values=tuple(table)),
        "touch": Derived(node=models, kind=Kind.TEXT, values=tuple(TouchModel)),
    }


def window_of(said: list[timedelta | None], path: Path, tree: Tree) -> Window:
    """A window, half-open; one that ends before it begins is noted."""
    opens, closes = said[0] or timedelta(0), said[1]
    if closes is not None and opens >= closes:
        tree.refuse(path, "the window must end after it begins")
    return (opens, closes)
