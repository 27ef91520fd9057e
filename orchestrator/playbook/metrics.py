"""Metrics: what a playbook promises of many accounts, compiled; each checkpoint with a target is one by itself.

What a metric reads is not a rule's: no account is looked at again because of it. So its conditions are not among those
that the compiler gathers for ``reads``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from orchestrator.core.conditions import ALWAYS, Node
from orchestrator.core.metrics import (
    Alert,
    Bound,
    Judged,
    Lamp,
    Mean,
    Measured,
    Median,
    Metric,
    NetPromoters,
    Ratio,
    Share,
    Side,
    Unit,
)
from orchestrator.core.playbook import Play
from orchestrator.playbook.checkpoints import bound_of
from orchestrator.playbook.conditions import ConditionError, Names, compile_condition, compile_figure
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.schema import AlertShape, MetricShape, PromotersShape, RatioShape
from orchestrator.playbook.vocabulary import check_name

KINDS = ("checkpoint", "share", "average", "median", "nps", "ratio")  # the keys of which a metric has one
OTHERS = "other"  # the heading of what names none
_HIGH = frozenset({Side.ABOVE, Side.AT_LEAST})
_NOWHERE = Bound(side=Side.ABOVE, limit=0)  # stands in where the target is wrong; what holds it is never used


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricCompiler:
    """What every metric is compiled with."""

    tree: Tree  # takes the problems
    names: Names  # what its conditions may speak of

    def compiled(self, shapes: Mapping[str, MetricShape], plays: Mapping[str, Play]) -> dict[str, Metric]:
        """The metrics of a playbook, and those that its checkpoints are; what is wrong is noted in the tree."""
        checkpoints = {name: play for name, play in plays.items() if play.checkpoint is not None}
        said = {name: self._metric(name, shape, checkpoints) for name, shape in shapes.items()}
        asked = {shape.checkpoint for shape in shapes.values()}
        for name in said.keys() & checkpoints.keys():
            self.tree.refuse(("metrics", name), f"`{name}` is a checkpoint: a name is one thing only", key=True)
        return said | {name: each for name, each in _of_checkpoints(checkpoints) if name not in asked}

    def _metric(self, name: str, shape: MetricShape, checkpoints: Mapping[str, Play]) -> Metric:
        path: Path = ("metrics", name)
        check_name(name, path, self.tree)
        target = self._target(shape, path, checkpoints)
        measured = self._measured(shape, path, checkpoints)
        self._check_over(shape, measured, path)
        return Metric(
            name=name,
            label=shape.label or name.replace("_", " "),
            group=shape.group or OTHERS,
            population=shape.population,
            measured=measured,
            target=target,
            among=ALWAYS if shape.among is None else self._node(shape.among, (*path, "among"), compile_condition),
            alert=None if shape.alert is None else self._alert(shape.alert, (*path, "alert"), target),
            over=shape.over,
            least=shape.least,
            unit=_unit(measured) if shape.unit is None else Unit(shape.unit),
            benchmark=shape.benchmark,
        )

    def _node(self, text: str, path: Path, compiled: Callable[[str, Names], Node]) -> Node:
        try:
            return compiled(text, self.names)
        except ConditionError as error:
            for fault in error.faults:
                self.tree.refuse(path, fault.message, fault.offset)
            return ALWAYS

    # -- what is measured ----------------------------------------------------------------------------------------------

    def _measured(self, shape: MetricShape, path: Path, checkpoints: Mapping[str, Play]) -> Measured:
        said = [kind for kind in KINDS if getattr(shape, kind) is not None]
        if len(said) != 1:
            self.tree.refuse(path, f"a metric has one of {', '.join(KINDS)}", key=True)
            return Share(of=ALWAYS)
        at = (*path, said[0])
        match shape:
            case MetricShape(checkpoint=str() as name):
                self._check_known("checkpoint", name, at, checkpoints)
                return Judged(checkpoint=name)
            case MetricShape(share=str() as text):
                return Share(of=self._node(text, at, compile_condition))
            case MetricShape(average=str() as text):
                return Mean(of=self._node(text, at, compile_figure))
            case MetricShape(median=str() as text):
                return Median(of=self._node(text, at, compile_figure))
            case MetricShape(nps=PromotersShape() as asked):
                return self._promoters(asked, at)
            case _:
                return self._ratio(shape.ratio, at)

    def _ratio(self, shape: RatioShape | None, path: Path) -> Ratio:
        assert shape is not None, "it is the only kind that is left"  # noqa: S101 -- invariant
        of, to = ((shape.of, (*path, "of")), (shape.to, (*path, "to")))
        return Ratio(of=self._node(*of, compile_figure), to=self._node(*to, compile_figure))

    def _promoters(self, asked: PromotersShape, path: Path) -> NetPromoters:
        self._check_known("score", asked.score, (*path, "score"), self.names.vocabulary.scores)
        if asked.detractors >= asked.promoters:
            self.tree.refuse((*path, "detractors"), "detractors must end below where promoters begin")
        return NetPromoters(score=asked.score, promoters=asked.promoters, detractors=asked.detractors)

    def _check_known(self, kind: str, name: str, path: Path, known: Mapping[str, object]) -> None:
        if name not in known and name not in self.names.broken:
            self.tree.refuse(path, f"unknown {kind} `{name}`{did_you_mean(name, known)}")

    def _check_over(self, shape: MetricShape, measured: Measured, path: Path) -> None:
        if shape.over is not None and not isinstance(measured, Judged | NetPromoters):
            self.tree.refuse((*path, "over"), "`over` is for a `checkpoint` or an `nps`: they know when it was said")

    # -- what is promised ----------------------------------------------------------------------------------------------

    def _target(self, shape: MetricShape, path: Path, checkpoints: Mapping[str, Play]) -> Bound:
        if shape.target is not None:
            return bound_of(shape.target, (*path, "target"), self.tree) or _NOWHERE
        play = checkpoints.get(shape.checkpoint or "")
        if play is not None and play.checkpoint is not None and play.checkpoint.target is not None:
            return play.checkpoint.target
        self.tree.refuse(path, "a metric needs a `target`, its own or its checkpoint's", key=True)
        return _NOWHERE

    def _alert(self, shape: AlertShape, path: Path, target: Bound) -> Alert:
        bound = bound_of(shape, path, self.tree) or target
        if target is not _NOWHERE and bound is not target and _overlap(bound, target):
            told = f"an alert lies beyond what the target ({target.sign} {target.limit:g}) still misses"
            self.tree.refuse(path, told, key=True)
        lamp = Lamp(shape.colour)
        return Alert(bound=bound, severity=shape.severity, action=shape.action, owner=shape.owner, lamp=lamp)


def _overlap(alert: Bound, target: Bound) -> bool:
    """Whether an alert is on the target's side, or begins where the target is still met."""
    same = (alert.side in _HIGH) is (target.side in _HIGH)
    return same or (alert.limit > target.limit if target.side in _HIGH else alert.limit < target.limit)


def _unit(measured: Measured) -> Unit:
    """Shares are percents, and scores points, unless the author says otherwise."""
    match measured:
        case Judged() | Share():
            return Unit.PERCENT
        case NetPromoters():
            return Unit.POINTS
        case _:
            return Unit.NUMBER


def _of_checkpoints(checkpoints: Mapping[str, Play]) -> Iterator[tuple[str, Metric]]:
    """Each checkpoint with a target is the share of accounts that met it."""
    for name, play in checkpoints.items():
        what = play.checkpoint
        if what is not None and what.target is not None:
            yield (
                name,
                Metric(
                    name=name,
                    label=play.label,
                    group=what.step,
                    population="accounts of which it was asked",
                    measured=Judged(checkpoint=name),
                    target=what.target,
                    unit=Unit.PERCENT,
                ),
            )
