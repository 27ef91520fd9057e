"""What every rule is given: the playbook, its source, the places of its lines, and the questions asked of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.core.conditions import Literal, Node, TermKind, View, terms
from orchestrator.core.playbook import Holds, Milestone, Play, Playbook
from orchestrator.playbook.checkpoints import missed_name
from orchestrator.playbook.lint.clauses import Demand, Want
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.moments import SETTLED, Moment, moments_of
from orchestrator.playbook.lint.openings import implied
from orchestrator.playbook.lint.solver import Answer, solve
from orchestrator.playbook.loader import Path, Plain, Tree
from orchestrator.playbook.source import PlaybookSource

_NEVER = Literal(value=False, text="False")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One playbook under examination."""

    playbook: Playbook
    source: PlaybookSource
    seen: frozenset[str] | None  # the products' event names in the store; None: nobody looked
    tree: Tree
    paths: Mapping[str, Path]  # play -> where it stands
    dead: Mapping[str, Milestone] = field(default_factory=dict)  # those that are never reached
    silent: frozenset[str] = frozenset()  # signals that never open
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
            bounds = tuple(dict.fromkeys(bound for moment in moments for bound in moment.bounds))
            milestones = {**self.playbook.milestones, **self.dead}
            conditions = {name: milestone.when for name, milestone in milestones.items()}
            settled = any(moment.settled for moment in moments)
            known = implied(self.playbook, conditions, self.silent, settled=settled)
            self.answers[moments] = solve(demands, self.playbook, bounds, known)
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
        return ((path, node) for path, node in self._conditions() if path in self.tree.places)

    def _conditions(self) -> Iterator[tuple[Path, Node]]:
        for name, milestone in self.playbook.milestones.items():
            yield ("milestones", name, "when"), milestone.when
        for number, row in enumerate(self.playbook.transitions):
            yield ("stages", "transitions", number, "when"), row.when
        if self.playbook.draft is not None:
            yield ("draft",), self.playbook.draft
        for each in () if self.playbook.health is None else self.playbook.health.indicators:
            path: Path = ("health", "indicators", each.name)
            lamps = (("when", each.when), ("green", each.green), ("yellow", each.yellow))
            yield from (((*path, key), node) for key, node in lamps if node is not None)
        for name, play in self.playbook.plays.items():
            yield from (((*self.paths[name], key), node) for key, node in _of_play(play))

    def kind(self, play: str) -> str:
        """What a play is to its author: a play, a signal, a rung of one's ladder, or a checkpoint."""
        path = self.paths[play]
        if self.playbook.plays[play].checkpoint is not None:
            return "checkpoint"
        if path[0] == "checkpoints":
            return "play"
        return "play" if path[0] == "plays" else "rung" if "ladder" in path else "signal"


def _of_play(play: Play) -> Iterator[tuple[str, Node]]:
    yield "when" if play.checkpoint is None else "met", play.when
    if play.checkpoint is not None:
        yield "among", play.checkpoint.among
    if isinstance(play.trigger, Holds):
        yield "holds", play.trigger.condition
    if play.policy.only_while is not None:
        yield "only_while" if play.signal is None else "while", play.policy.only_while
    if play.policy.draft is not None:
        yield "draft", play.policy.draft


def asked(node: Node, want: Want = Want.TRUE) -> Moment:
    """The moments at which a condition is so."""
    return Moment(demands=(Demand(node=node, want=want),))


def desk_of(playbook: Playbook, source: PlaybookSource, seen: frozenset[str] | None) -> Desk:
    """A playbook that compiled, with the places of its lines."""
    tree = source.tree()
    desk = Desk(playbook=playbook, source=source, seen=seen, tree=tree, paths=_paths(playbook, tree))
    for name, milestone in playbook.milestones.items():
        if desk.never(milestone.when):
            desk = desk.without(name)
    silent = frozenset(name for name in playbook.signals if not _opens(playbook.plays[name], desk))
    return replace(desk, silent=silent, answers={}) if silent else desk


def openings(play: Play, desk: Desk) -> Iterator[tuple[Moment, ...]]:
    """The moments at which a signal opens, as far as time and its conditions tell."""
    stays = play.policy.only_while
    conditions = [SETTLED, asked(play.when), *([] if stays is None else [asked(stays, Want.NOT_FALSE)])]
    return ((moment, *conditions) for moment in moments_of(play, desk.playbook))


def _opens(play: Play, desk: Desk) -> bool:
    return not all(desk.possible(*moments).impossible for moments in openings(play, desk))


def _paths(playbook: Playbook, tree: Tree) -> dict[str, Path]:
    """Where each play stands: rungs under their signals, what is done of a missed checkpoint under the checkpoint."""
    paths: dict[str, Path] = {name: ("plays", name) for name in playbook.plays}
    for name in playbook.signals:
        paths[name] = ("signals", name)
        for number, rung in enumerate(_listed(tree.data, "signals", name, "ladder")):
            paths[_name_of(rung) or f"{name}_{number + 1}"] = ("signals", name, "ladder", number)
    for name in playbook.checkpoints:
        paths[name] = ("checkpoints", name)
        missed = tree.data["checkpoints"][name].get("missed")
        if missed is not None:
            paths[missed_name(name, _name_of(missed))] = ("checkpoints", name, "missed")
    return paths


def _listed(data: Plain, *path: str) -> list[Plain]:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data if isinstance(data, list) else []


def _name_of(rung: Plain) -> str | None:
    name = rung.get("name") if isinstance(rung, dict) else None
    return name if isinstance(name, str) else None
