"""What every rule is given: the playbook, its source, the places of its lines, and the questions asked of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.core.conditions import Literal, Node, TermKind, View, terms
from orchestrator.core.playbook import Milestone, Playbook
from orchestrator.playbook.lint.clauses import Demand, Want
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.moments import Moment
from orchestrator.playbook.lint.solver import Answer, solve
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.source import PlaybookSource

_NEVER = Literal(value=False, text="False")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One playbook under examination."""

    playbook: Playbook
    source: PlaybookSource
    seen: frozenset[str] | None  # the products' event names in the store; None: nobody looked
    tree: Tree
    dead: Mapping[str, Milestone] = field(default_factory=dict)  # those that are never reached
    answers: dict[tuple[Moment, ...], Answer] = field(default_factory=dict)  # of questions that were asked

    def finding(
        self, rule: str, path: Path, message: str, timeline: Sequence[str] = (), part: Node | None = None
    ) -> Finding:
        """A finding at a path, or at a part of the condition there."""
        place = self.tree.places.get(path)
        offset = None if part is None or place is None or place.value is None else place.value.find(part.text)
        scratch = replace(self.tree, problems=[])
        scratch.refuse(path, message, None if offset == -1 else offset, key=offset is None)
        (problem,) = scratch.problems
        return Finding(
            file=problem.file,
            line=problem.line,
            column=problem.column,
            path=problem.path,
            rule=rule,
            message=message,
            timeline=tuple(timeline),
        )

    def without(self, milestone: str) -> "Desk":
        """The desk that knows that a milestone is never reached."""
        never = replace(self.playbook.milestones[milestone], when=_NEVER)
        return replace(self, dead={**self.dead, milestone: never}, answers={})

    def possible(self, *moments: Moment) -> Answer:
        """Whether all of this can be so at once."""
        if moments not in self.answers:
            demands = tuple(dict.fromkeys(demand for moment in moments for demand in moment.demands))
            bounds = tuple(bound for moment in moments for bound in moment.bounds)
            known = replace(self.playbook, milestones={**self.playbook.milestones, **self.dead})
            self.answers[moments] = solve(demands, known, bounds)
        return self.answers[moments]

    def example(self, *moments: Moment) -> View | None:
        """A View of all of this, if can be one in which the milestones that it names still are what they say."""
        milestones = self.playbook.milestones
        found = {demand.node for moment in moments for demand in moment.demands}
        named: set[str] = set()
        while found:
            new = {term.name for node in found for term in terms(node) if term.kind is TermKind.MILESTONE} - named
            named |= new
            found = {milestones[name].when for name in new}
        conditions = (asked(milestones[name].when) for name in sorted(named))
        return self.possible(*moments, *conditions).witness or self.possible(*moments).witness

    def never(self, node: Node, want: Want = Want.TRUE) -> bool:
        """Whether it is proven that a condition is never so."""
        return self.possible(asked(node, want)).impossible

    def conditions(self) -> Iterator[tuple[Path, Node]]:
        """Every condition that the playbook states, with its place."""
        for name, milestone in self.playbook.milestones.items():
            yield ("milestones", name, "when"), milestone.when
        for number, row in enumerate(self.playbook.transitions):
            yield ("stages", "transitions", number, "when"), row.when
        for name, play in self.playbook.plays.items():
            yield ("plays", name, "when"), play.when
            if play.policy.only_while is not None:
                yield ("plays", name, "only_while"), play.policy.only_while


def asked(node: Node, want: Want = Want.TRUE) -> Moment:
    """The moments at which a condition is so."""
    return Moment(demands=(Demand(node=node, want=want),))


def desk_of(playbook: Playbook, source: PlaybookSource, seen: frozenset[str] | None) -> Desk:
    """A playbook that compiled, with the places of its lines."""
    desk = Desk(playbook=playbook, source=source, seen=seen, tree=source.tree())
    for name, milestone in playbook.milestones.items():
        if desk.never(milestone.when):
            desk = desk.without(name)
    return desk
