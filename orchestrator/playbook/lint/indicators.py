"""Health: indicators that say nothing, colours that no account can have, and all of it resting on one fact."""

import itertools
import math
from collections.abc import Iterator
from typing import assert_never

from orchestrator.core import health
from orchestrator.core.conditions import Compare, Indicator, Literal, Node, TermKind, Weighted, terms
from orchestrator.core.health import FULL, Colour, Reading, RollUp
from orchestrator.playbook.lint.clauses import Want
from orchestrator.playbook.lint.desk import Desk, asked
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.moments import Moment
from orchestrator.playbook.loader import Path

MOST_WAYS = 20_000  # in which the indicators are combined; beyond it nothing is said of bands

_Point = tuple[float | None, Colour | None]  # of an indicator; both None: unknown


def health_that_says_little(desk: Desk) -> Iterator[Finding]:
    """``stuck-indicator``, ``unreachable-band`` and ``one-fact``."""
    node = desk.playbook.health
    if node is None:
        return
    stuck = [finding for indicator in node.indicators for finding in _stuck(indicator, node, desk)]
    yield from stuck or _bands(node, desk)
    yield from _one_fact(node, desk)


# --------------------------------------------------------------------------------------------------------- indicators


def _stuck(indicator: Indicator, node: Weighted, desk: Desk) -> Iterator[Finding]:
    path: Path = ("health", "indicators", indicator.name)
    found = [colour for colour in Colour if _may_be(colour, indicator, node, desk)]
    if not found:
        yield desk.finding("stuck-indicator", (*path, "when"), f"`{indicator.name}` is never known: `when` cannot hold")
    elif len(found) == 1:
        yield desk.finding("stuck-indicator", path, f"`{indicator.name}` is always {found[0]} when it is known")
    elif Colour.GREEN not in found:
        yield desk.finding("stuck-indicator", path, f"`{indicator.name}` is never green: it can only pull health down")
    elif Colour.YELLOW not in found and indicator.yellow is not None:
        message = f"`{indicator.name}` is never yellow: where its `yellow` holds, its `green` holds already"
        yield desk.finding("stuck-indicator", (*path, "yellow"), message)


def _may_be(colour: Colour, indicator: Indicator, node: Weighted, desk: Desk) -> bool:
    return not desk.possible(asked(indicator.when), *_when(colour, indicator, node)).impossible


def _when(colour: Colour, indicator: Indicator, node: Weighted) -> tuple[Moment, ...]:
    """When a known indicator has this colour."""
    green, yellow = _lamps(indicator, node)
    match colour:
        case Colour.GREEN:
            return (asked(green),)
        case Colour.YELLOW:
            return (asked(green, Want.FALSE), asked(yellow))
        case Colour.RED:
            return (asked(green, Want.FALSE), asked(yellow, Want.FALSE))
        case _ as unreachable:
            assert_never(unreachable)


def _lamps(indicator: Indicator, node: Weighted) -> tuple[Node, Node]:
    if indicator.figure is not None:
        green, yellow = (_reaches(indicator.figure, edge, indicator) for edge in (node.rules.green, node.rules.yellow))
        return green, yellow
    never = Literal(value=False, text="False")
    return indicator.green or never, indicator.yellow or never


def _reaches(figure: Node, points: float, indicator: Indicator) -> Node:
    """That a figure is worth so many points."""
    edge = indicator.worst + (indicator.best - indicator.worst) * points / FULL
    sign = ">=" if indicator.best > indicator.worst else "<="
    return Compare(operator=sign, left=figure, right=Literal(value=edge, text=f"{edge:g}"), text=figure.text)


# -------------------------------------------------------------------------------------------------------------- bands


def _bands(node: Weighted, desk: Desk) -> Iterator[Finding]:
    choices = [list(_points(each, node, desk)) for each in node.indicators]
    lines = any(each.figure is not None for each in node.indicators)
    if math.prod(map(len, choices)) > MOST_WAYS or (lines and not _by_score(node)):
        return
    ways = [_weighed(way, node) for way in itertools.product(*choices)]
    scores = [way.raw for way in ways if way.raw is not None]
    if not scores:
        most = max(way.coverage for way in ways)
        message = f"health is never known: at most {most:g} of {FULL} of the weight can be, and this asks for more"
        yield desk.finding("unreachable-band", ("health", "coverage_floor"), message)
        return
    found = {way.colour for way in ways} | (_between(min(scores), max(scores), node) if lines else set())
    for colour in Colour:
        if colour not in found:
            yield desk.finding("unreachable-band", *_why(colour, scores, node))


def _by_score(node: Weighted) -> bool:
    return node.rules.roll_up is RollUp.WEIGHTED and not node.rules.worst_of


def _points(indicator: Indicator, node: Weighted, desk: Desk) -> Iterator[_Point]:
    """What an indicator may be worth; of one on a line its ends."""
    if indicator.figure is not None:
        yield from ((0, Colour.RED), (FULL, Colour.GREEN), (None, None))
        return
    yield from ((node.rules.points(each), each) for each in Colour if _may_be(each, indicator, node, desk))
    lamps = [each for each in (indicator.green, indicator.yellow) if each is not None]
    open_questions = [(asked(lamp, Want.NOT_FALSE), asked(lamp, Want.NOT_TRUE)) for lamp in lamps]
    unknown = [(asked(indicator.when, Want.NOT_TRUE),), *open_questions]
    if not all(desk.possible(*moments).impossible for moments in unknown):
        yield None, None


def _weighed(way: tuple[_Point, ...], node: Weighted) -> health.Health:
    readings = [
        Reading(name=each.name, label=each.label, weight=each.weight, points=points, colour=colour)
        for each, (points, colour) in zip(node.indicators, way, strict=True)
    ]
    return health.weighed(readings, node.rules, None)


def _between(least: float, most: float, node: Weighted) -> set[Colour]:
    """The bands that a score between these may lie in."""
    edges = (least, most, *(edge for edge in (node.rules.green, node.rules.yellow) if least <= edge <= most))
    return {node.rules.colour(edge) for edge in edges}


def _why(colour: Colour, scores: list[float], node: Weighted) -> tuple[Path, str]:
    never = f"no indicators can ever make an account {colour}"
    if node.rules.worst_of and node.rules.colour(max(scores)) is Colour.GREEN:
        return ("health", "worst_of"), f"{never}: each of these that is not green makes it red"
    if not _by_score(node):
        return ("health", "roll_up"), f"{never} by this `roll_up`"
    green, yellow = node.rules.green, node.rules.yellow
    band = {
        Colour.GREEN: f"from {green:g} on",
        Colour.YELLOW: f"{yellow:g} to {green:g}",
        Colour.RED: f"below {yellow:g}",
    }
    said = f"it is so {band[colour]}, and the scores lie between {min(scores):g} and {max(scores):g}"
    return ("health", "bands"), f"{never}: {said}"


# ----------------------------------------------------------------------------------------------------------- one fact


def _one_fact(node: Weighted, desk: Desk) -> Iterator[Finding]:
    facts = {fact for each in node.indicators for part in _parts(each) for fact in _facts(part, desk)}
    if len(node.indicators) > 1 and len(facts) == 1:
        (fact,) = facts
        many = "both" if len(node.indicators[1:]) == 1 else f"all {len(node.indicators)}"
        message = f"{many} indicators rest on `{fact}` alone: should it be missing or wrong, so is health"
        yield desk.finding("one-fact", ("health", "indicators"), message)


def _parts(indicator: Indicator) -> Iterator[Node]:
    parts = (indicator.when, indicator.green, indicator.yellow, indicator.figure)
    return (part for part in parts if part is not None)


def _facts(node: Node, desk: Desk) -> Iterator[str]:
    """What a condition rests on: the events of figures and answers, and the other names themselves."""
    words = desk.playbook.vocabulary
    for term in terms(node):
        if term.kind is TermKind.MEASURE:
            yield words.measures[term.name].event
        elif term.kind in {TermKind.LATEST, TermKind.LOWEST, TermKind.ANSWERS}:
            yield words.scores[term.name].event
        else:
            yield term.name or term.kind.value
