"""The health of accounts, from its section of the playbook: indicators, bands, roll-up, and the names they give."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.core.conditions import ALWAYS, Indicator, Node, Says, Term, TermKind, Weighted
from orchestrator.core.health import FULL, Colour, RollUp, Rules
from orchestrator.playbook.conditions import Derived, Kind, Names, compile_number
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.schema import HealthShape, IndicatorShape
from orchestrator.playbook.vocabulary import check_name

HEALTH = "health"
ABSENT = {HEALTH: "this playbook has no `health` section to say what health is made of"}
NOT_YET = {HEALTH: "health may rest on milestones, so neither a milestone nor health itself may rest on health"}

_AT: Path = (HEALTH,)
_KINDS = {Says.SCORE: Kind.NUMBER, Says.RAW: Kind.NUMBER, Says.COLOUR: Kind.TEXT, Says.COVERAGE: Kind.NUMBER}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCompiler:
    """What every indicator is compiled with."""

    tree: Tree  # takes the problems
    names: Names  # what an indicator may speak of
    condition: Callable[..., Node]  # compiles a text at a path, or notes what is wrong with it

    def weighted(self, shape: HealthShape) -> Weighted:
        """The compiled section; what is wrong with it is noted in the tree."""
        indicators = tuple(self._indicator(name, each) for name, each in shape.indicators.items())
        self._check_weights(shape)
        self._check_rules(shape)
        rules = Rules(
            green=shape.bands.green,
            yellow=shape.bands.yellow,
            coverage_floor=shape.coverage_floor,
            roll_up=RollUp(shape.roll_up),
            worst_of=frozenset(shape.worst_of),
            worth=(shape.worth.green, shape.worth.yellow, shape.worth.red),
        )
        return Weighted(indicators=indicators, rules=rules, says=Says.SCORE, text=Says.SCORE.value)

    def _indicator(self, name: str, shape: IndicatorShape) -> Indicator:
        path: Path = (*_AT, "indicators", name)
        check_name(name, path, self.tree)
        self._check_form(shape, path)
        return Indicator(
            name=name,
            label=shape.label or name.replace("_", " "),
            weight=shape.weight,
            when=self._compiled(shape.when, (*path, "when")) or ALWAYS,
            green=self._compiled(shape.green, (*path, "green")),
            yellow=self._compiled(shape.yellow, (*path, "yellow")),
            figure=None
            if shape.value is None
            else self.condition(shape.value, (*path, "value"), self.names, compile_number),
            worst=0 if shape.worst is None else shape.worst,
            best=FULL if shape.best is None else shape.best,
        )

    def _compiled(self, text: str | None, path: Path) -> Node | None:
        return None if text is None else self.condition(text, path, self.names)

    def _check_form(self, shape: IndicatorShape, path: Path) -> None:
        """An indicator is a lamp (`green`, perhaps `yellow`) or a line (`value`, `from`, `to`), not both."""
        line = [shape.value, shape.worst, shape.best]
        lamp = shape.green is not None and line == [None, None, None]
        if not lamp and (shape.green is not None or shape.yellow is not None or None in line):
            self.tree.refuse(
                path, "an indicator has `green` and perhaps `yellow`, or `value`, `from` and `to`", key=True
            )
        elif shape.worst is not None and shape.worst == shape.best:
            self.tree.refuse((*path, "to"), "`from` and `to` must differ: the first is worth 0, the second 100")

    def _check_weights(self, shape: HealthShape) -> None:
        total = math.fsum(each.weight for each in shape.indicators.values())
        if not math.isclose(total, FULL, abs_tol=1e-9) and not self.names.broken:
            self.tree.refuse(
                (*_AT, "indicators"), f"the weights must add up to {FULL}, these add up to {total:g}", key=True
            )

    def _check_rules(self, shape: HealthShape) -> None:
        if shape.bands.yellow >= shape.bands.green:
            self.tree.refuse((*_AT, "bands"), "green must begin above yellow")
        if not shape.worth.green > shape.worth.yellow > shape.worth.red:
            self.tree.refuse((*_AT, "worth"), "green must count more than yellow, and yellow more than red")
        for number, name in enumerate(shape.worst_of):
            if name not in shape.indicators and name not in self.names.broken:
                near = did_you_mean(name, shape.indicators)
                self.tree.refuse((*_AT, "worst_of", number), f"unknown indicator `{name}`{near}")


def names_of(health: Weighted) -> Mapping[str, Derived]:
    """The names that a health section gives to conditions."""
    colours = {Says.COLOUR: tuple(Colour)}
    falling = Term(kind=TermKind.HEALTH_FALLING, name="", text=TermKind.HEALTH_FALLING.value)
    return {
        falling.text: Derived(node=falling, kind=Kind.NUMBER),
        **{
            says.value: Derived(
                node=Weighted(indicators=health.indicators, rules=health.rules, says=says, text=says.value),
                kind=kind,
                values=colours.get(says, ()),
            )
            for says, kind in _KINDS.items()
        },
    }
