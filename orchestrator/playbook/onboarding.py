"""Onboardings: the phases of a playbook as conditions over steps, and the names that conditions gain by them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from orchestrator.core.conditions import (
    ALWAYS,
    FINISHED,
    NO_PHASE,
    Either,
    Every,
    Node,
    Term,
    TermKind,
    terms,
)
from orchestrator.core.facts import Vocabulary
from orchestrator.core.playbook import Onboarding, Phase
from orchestrator.playbook.conditions import Derived, Kind
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.schema import Document, PhaseShape
from orchestrator.playbook.vocabulary import check_event, check_name

_AT = ("onboarding", "phases")
_NAMES = {
    "phase": (TermKind.PHASE, Kind.TEXT),
    "phase_days": (TermKind.PHASE_DAYS, Kind.NUMBER),
    "phase_late": (TermKind.PHASE_LATE, Kind.BOOL),
    "onboardings": (TermKind.ONBOARDINGS, Kind.NUMBER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardingCompiler:
    """The onboarding of one document on its way to a core Onboarding; problems are noted in its tree."""

    document: Document
    tree: Tree
    broken: frozenset[str]  # names that are declared wrongly: said elsewhere

    @property
    def phases(self) -> Mapping[str, PhaseShape]:
        """The phases as they are written."""
        return {} if self.document.onboarding is None else self.document.onboarding.phases

    def derived(self) -> Mapping[str, Derived]:
        """What a condition may ask once an onboarding has phases."""
        return {} if self.document.onboarding is None else derived_names(self.phases)

    def compiled(self, condition: Callable[[str, Path], Node]) -> Onboarding | None:
        """The compiled onboarding; None when the playbook has none."""
        shape = self.document.onboarding
        if shape is None:
            return None
        starts = shape.starts or self.document.anchor
        events = {*self.document.vocabulary.events, *self.broken}
        if shape.starts is not None:
            check_event(starts, ("onboarding", "starts"), self.tree, events)
        phases = {name: self._phase(name, each, condition) for name, each in shape.phases.items()}
        return Onboarding(starts=starts, phases=phases)

    def _phase(self, name: str, shape: PhaseShape, condition: Callable[[str, Path], Node]) -> Phase:
        check_name(name, (*_AT, name), self.tree)
        if name in {NO_PHASE, FINISHED}:
            self.tree.refuse((*_AT, name), f"`{name}` is what `phase` says without an unfinished one", key=True)
        return Phase(
            name=name,
            label=shape.label or name.replace("_", " "),
            until=self._until(shape.until, (*_AT, name, "until"), condition),
            within=shape.within,
            owner=shape.owner,
            deliverable=shape.deliverable,
        )

    def _until(self, text: str, path: Path, condition: Callable[[str, Path], Node]) -> Node:
        found = condition(text, path)
        if found is not ALWAYS and not _stays(found):
            self.tree.refuse(path, "`until` joins events and milestones by `and` and `or`: what has happened stays so")
        return found

    # -- what plays ask ----------------------------------------------------------------------------------------------

    def check_phase(self, name: str, path: Path) -> None:
        """Refuse a phase that the onboarding does not have; its end is one too."""
        known = {*self.phases, FINISHED} if self.phases else set()
        if name not in {*known, *self.broken}:
            self.tree.refuse(path, f"unknown phase `{name}`{did_you_mean(name, known)}")


def derived_names(phases: Iterable[str]) -> Mapping[str, Derived]:
    """What a condition may ask once an onboarding has these phases: ``phase`` and what belongs to it."""
    values = {"phase": (*phases, NO_PHASE, FINISHED)}
    return {
        name: Derived(node=Term(kind=reads, name="", text=name), kind=kind, values=values.get(name, ()))
        for name, (reads, kind) in _NAMES.items()
    }


def _stays(node: Node) -> bool:
    """Whether a condition that holds holds for ever: what has happened once, joined by and, or."""
    match node:
        case Every() | Either():
            return all(_stays(part) for part in node.operands)
        case Term():
            return node.kind in {TermKind.SEEN, TermKind.MILESTONE}
        case _:
            return False


def with_steps(vocabulary: Vocabulary, onboarding: Onboarding | None, document: Document) -> Vocabulary:
    """The vocabulary that also keeps the steps of each onboarding: the events that tell where it is."""
    if onboarding is None or document.onboarding is None:
        return vocabulary
    return replace(vocabulary, steps=_steps(onboarding), onboarding=document.onboarding.property)


def _steps(onboarding: Onboarding) -> frozenset[str]:
    untils = (term for phase in onboarding.phases.values() for term in terms(phase.until))
    return frozenset({onboarding.starts, *(term.name for term in untils if term.kind is TermKind.SEEN)})
