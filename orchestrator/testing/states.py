"""What an account must be like at a time: open signals, health, segment, phase, traits, or any condition that holds.

Each is a condition of the playbook's own language, compiled against its names and asked at the end of the moment that
is meant (the last instant of a day, or of a minute). Without a time it is asked at the end of the scenario.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.core.conditions import FINISHED, NO_PHASE, Compare, Literal, Node, Term, TermKind
from orchestrator.core.facts import Value, trait_value
from orchestrator.core.health import FULL, Colour
from orchestrator.core.playbook import Playbook
from orchestrator.playbook.conditions import ConditionError, compile_condition
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Plain, Tree, shown
from orchestrator.playbook.names import names_of
from orchestrator.testing.moments import Moment
from orchestrator.testing.shape import ScenarioShape

END = "end"
UNKNOWN = "unknown"
_MOMENT = timedelta(microseconds=1)  # the resolution of our clocks
_COMPARED = re.compile(r"(?P<sign><=|>=|<|>|==|!=)\s*(?P<score>\d{1,3}(\.\d{1,6})?)", re.ASCII)
_HEALTH = f"expected a score such as 55, a comparison such as `< 40`, {', '.join(Colour)} or {UNKNOWN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing that must be true of the account at an instant."""

    place: str  # ``file:line:col path``
    kind: str  # signals, health, segment, phase, traits, holds
    node: Node  # the condition
    says: bool | None  # what it must say; None: unknown
    words: str  # as a reader is told what was expected
    moment: Moment | None  # when; None: at the end

    def limit(self, until: datetime) -> datetime:
        """The instant at which it is asked, in a scenario that ends then."""
        return until if self.moment is None else min(until, self.moment.ends - _MOMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What is expected, before it has its place."""

    text: str  # the condition
    words: str
    says: bool | None = True


class StateCompiler:
    """The expectations of one scenario about states; problems are noted in its tree."""

    def __init__(
        self, shape: ScenarioShape, tree: Tree, playbook: Playbook, moment: Callable[[Path, str], Moment | None]
    ) -> None:
        """Take the scenario, where problems go, and how a moment at a path is read."""
        self.shape = shape
        self.tree = tree
        self.playbook = playbook
        self.moment = moment
        self.names = names_of(playbook)

    def asked(self) -> Iterator[Asked]:
        """All of them, kind by kind."""
        shape = self.shape
        yield from self._each("signals", shape.signals, self._signals)
        yield from self._each("health", shape.health, self._health)
        yield from self._each("segment", shape.segment, self._segment)
        yield from self._each("phase", shape.phase, self._phase)
        yield from self._traits()
        yield from self._holds()

    def _each(
        self, kind: str, said: Mapping[str, Plain], read: Callable[[Path, Plain], _Said | None]
    ) -> Iterator[Asked]:
        for text, wanted in said.items():
            path: Path = (kind, text) if (kind, text) in self.tree.places else (kind,)
            found = read(path, wanted)
            moment = None if text == END else self.moment(path, text)
            if found is not None:
                node = compile_condition(found.text, self.names)
                yield self._placed(kind, path, node, found, moment)

    def _placed(self, kind: str, path: Path, node: Node, said: _Said, moment: Moment | None) -> Asked:
        line, column = self.tree.places[self.tree.held(path)].key
        return Asked(
            place=f"{self.tree.origin.file}:{line}:{column} {shown(path)}",
            kind=kind,
            node=node,
            says=said.says,
            words=said.words if moment is None else f"{said.words} at {moment.text}",
            moment=moment,
        )

    def _known(self, path: Path, name: str, known: Iterable[str], what: str) -> bool:
        listed = list(known)
        if name not in listed:
            self.tree.refuse(path, f"unknown {what} `{name}`{did_you_mean(name, listed)}")
        return name in listed

    # -- of each kind ------------------------------------------------------------------------------------------------

    def _signals(self, path: Path, wanted: list[str]) -> _Said | None:
        """Those that are open, and no others."""
        signals = self.playbook.signals
        if not signals:
            self.tree.refuse(path, "this playbook has no signals", key=True)
            return None
        known = [self._known((*path, number), name, signals, "signal") for number, name in enumerate(wanted)]
        if not all(known):
            return None
        text = " and ".join(name if name in wanted else f"not {name}" for name in signals)
        return _Said(text=text, words=f"open: {', '.join(wanted)}" if wanted else "no signal open")

    def _health(self, path: Path, wanted: float | str) -> _Said | None:
        if self.playbook.health is None:
            self.tree.refuse(path, "this playbook has no `health` section", key=True)
            return None
        if wanted == UNKNOWN:
            return _Said(text="health >= 0", words="health unknown", says=None)
        if wanted in tuple(Colour):
            return _Said(text=f"health.colour == {str(wanted)!r}", words=f"health {wanted}")
        found = _COMPARED.fullmatch(f"== {wanted}" if isinstance(wanted, int | float) else wanted.strip())
        if found is None or float(found["score"]) > FULL:
            self.tree.refuse(path, f"{_HEALTH}, got {wanted!r}{did_you_mean(str(wanted), [*Colour, UNKNOWN])}")
            return None
        return _Said(text=f"health {found['sign']} {found['score']}", words=f"health {wanted}")

    def _segment(self, path: Path, wanted: str) -> _Said | None:
        if self.playbook.segmentation is None:
            self.tree.refuse(path, "this playbook has no segments", key=True)
            return None
        return self._word("segment", path, wanted, [*self.playbook.segmentation.table, UNKNOWN])

    def _phase(self, path: Path, wanted: str) -> _Said | None:
        if self.playbook.onboarding is None:
            self.tree.refuse(path, "this playbook has no phases", key=True)
            return None
        return self._word("phase", path, wanted, [*self.playbook.onboarding.phases, NO_PHASE, FINISHED])

    def _word(self, what: str, path: Path, wanted: str, known: list[str]) -> _Said | None:
        if not self._known(path, wanted, known, what):
            return None
        says = None if wanted == UNKNOWN else True
        return _Said(text=f"{what} == {(known[0] if says is None else wanted)!r}", words=f"{what} {wanted}", says=says)

    # -- of several words --------------------------------------------------------------------------------------------

    def _traits(self) -> Iterator[Asked]:
        for text, traits in self.shape.traits.items():
            moment = None if text == END else self.moment(("traits", text), text)
            for name, wanted in traits.items():
                path: Path = ("traits", text, name)
                node = self._trait(path, name, wanted)
                if node is not None:
                    said = _Said(text="", words=f"{name} {_written(wanted)}", says=None if wanted is None else True)
                    yield self._placed("traits", path, node, said, moment)

    def _trait(self, path: Path, name: str, wanted: Plain) -> Node | None:
        """The trait beside the value that it must have; any value, where it must be unknown."""
        rule = self.playbook.vocabulary.traits.get(name)
        if rule is None:
            near = did_you_mean(name, self.playbook.vocabulary.traits)
            self.tree.refuse(path, f"unknown trait `{name}`{near}", key=True)
            return None
        value = trait_value(wanted, rule)
        if value is None and wanted is not None:
            told = f"one of {', '.join(rule.values)}" if rule.values else f"a value of type {rule.type.value}"
            self.tree.refuse(path, f"expected {told}, got {wanted!r}{did_you_mean(str(wanted), rule.values)}")
            return None
        return _equal(name, value)

    def _holds(self) -> Iterator[Asked]:
        for number, held in enumerate(self.shape.holds):
            path: Path = ("holds", number)
            moment = None if held.at is None else self.moment((*path, "at"), held.at)
            written: Path = (*path, "condition")
            node = self._condition(written if written in self.tree.places else path, held.condition)
            if node is not None:
                said = _Said(text=held.condition, words=f"{_TRUTH[held.says]}: {held.condition}", says=held.says)
                yield self._placed("holds", path, node, said, moment)

    def _condition(self, path: Path, text: str) -> Node | None:
        """A condition as it is written; what is wrong with it is noted where it stands."""
        try:
            return compile_condition(text, self.names)
        except ConditionError as error:
            for fault in error.faults:
                self.tree.refuse(path, fault.message, fault.offset)
            return None


_TRUTH = {True: "true", False: "false", None: UNKNOWN}


def _equal(name: str, value: Value) -> Node:
    return Compare(
        operator="==",
        left=Term(kind=TermKind.TRAIT, name=name, text=name),
        right=Literal(value=value if value is not None else "", text=_written(value)),
        text=f"{name} == {_written(value)}",
    )


def _written(value: Plain) -> str:
    return UNKNOWN if value is None else str(value)
