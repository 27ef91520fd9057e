"""Onboardings: the phases of a playbook as conditions over steps, and the names that conditions gain by them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from orchestrator.core.playbook import OF_SEGMENT, Onboarding, Phase, Task
from orchestrator.playbook.conditions import Derived, Kind
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.schema import Document, PhaseShape, TaskShape
from orchestrator.playbook.segments import SegmentCompiler
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
    segments: SegmentCompiler  # knows who owns what ``owner: segment`` says

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
        starts = tuple(shape.starts) or (self.document.anchor,)
        self._check_starts(shape.starts)
        phases = {name: self._phase(name, each, condition) for name, each in shape.phases.items()}
        self._check_needs()
        return Onboarding(starts=starts, phases=phases, opens=_opens(starts, phases.values()))

    def _check_starts(self, starts: list[str]) -> None:
        events = {*self.document.vocabulary.events, *self.broken}
        path: Path = ("onboarding", "starts")
        for number, event in enumerate(starts):
            place = (*path, number) if (*path, number) in self.tree.places else path  # it may be one word
            check_event(event, place, self.tree, events)

    def _phase(self, name: str, shape: PhaseShape, condition: Callable[[str, Path], Node]) -> Phase:
        check_name(name, (*_AT, name), self.tree)
        if name in {NO_PHASE, FINISHED}:
            self.tree.refuse((*_AT, name), f"`{name}` is what `phase` says without an unfinished one", key=True)
        self._check_owner(shape.owner, (*_AT, name, "owner"))
        return Phase(
            name=name,
            label=shape.label or name.replace("_", " "),
            until=self._until(shape.until, (*_AT, name, "until"), condition),
            within=shape.within,
            owner=shape.owner,
            deliverable=shape.deliverable,
            tasks=tuple(self._task(name, task, each, condition) for task, each in shape.tasks.items()),
        )

    def _check_owner(self, owner: str | None, path: Path) -> None:
        if owner == OF_SEGMENT:
            self.segments.check_owners(path)

    # -- the work of a phase -----------------------------------------------------------------------------------------

    def _task(self, phase: str, name: str, shape: TaskShape, condition: Callable[[str, Path], Node]) -> Task:
        path = (*_AT, phase, "tasks", name)
        check_name(name, path, self.tree)
        first = next(each for each, other in self.phases.items() if name in other.tasks)
        if first != phase:
            self.tree.refuse(path, f"`{name}` is a task of `{first}` already: a name is one task only", key=True)
        self._check_owner(shape.owner, (*path, "owner"))
        return Task(
            name=name,
            label=shape.label or name.replace("_", " "),
            done=condition(shape.done, (*path, "done")),
            owner=shape.owner,
            deliverable=shape.deliverable,
            needs=tuple(shape.needs),
        )

    def _check_needs(self) -> None:
        """Refuse tasks that need what nobody does, or that wait for each other."""
        needs = {name: task.needs for phase in self.phases.values() for name, task in phase.tasks.items()}
        for phase, shape in self.phases.items():
            for name, task in shape.tasks.items():
                path = (*_AT, phase, "tasks", name, "needs")
                for need in task.needs:
                    if need not in {*needs, *self.broken}:
                        self.tree.refuse(path, f"unknown task `{need}`{did_you_mean(need, needs)}")
                circle = _circle(name, needs)
                if circle:
                    self.tree.refuse(path, f"these tasks wait for each other: {' → '.join(circle)}")

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

    def check_leaders(self, path: Path) -> None:
        """Refuse ``owner: phase`` where a phase names no owner, or where there are no phases."""
        if not self.phases:
            self.tree.refuse(path, "`phase` is who leads the phase of the onboarding, and this playbook has no phases")
        for name, each in self.phases.items():
            if each.owner is None:
                self.tree.refuse(path, f"`phase` asks for the owner of the phase, and `{name}` names none")


def _circle(name: str, needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The way from a task back to itself, told at the first of its names only; nothing where there is none."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for need in needs.get(way[-1], ()):
            if need == name:
                return (*way, name) if name == min(way) else ()
            if need not in seen:
                seen.add(need)
                ways.append((*way, need))
    return ()


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
    tasks = (task for phase in onboarding.phases.values() for task in phase.tasks)
    done = (name for task in tasks for name in _seen(task.done))
    return _opens(onboarding.starts, onboarding.phases.values()).union(done)


def _opens(starts: Iterable[str], phases: Iterable[Phase]) -> frozenset[str]:
    """The events with which an onboarding may begin: its start, and the steps from phase to phase; no mere task."""
    return frozenset({*starts, *(name for phase in phases for name in _seen(phase.until))})


def _seen(node: Node) -> Iterator[str]:
    return (term.name for term in terms(node) if term.kind is TermKind.SEEN)
