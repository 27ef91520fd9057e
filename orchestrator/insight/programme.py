"""The score of an onboarding programme, 0 to 100 (rules 1.0.1): of the programme as a whole, never of one account.

Each dimension's figure is worth points on the curve of its table: straight between the points that stand there, flat
beyond the ends. The score is their weighted mean. What is unknown is left out and the weights of the others are scaled
up, as ``core.health`` does it; below the coverage floor there is no score. Bands are half-open: 79.5 is not yet 80.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.core.health import Reading, Rules, weighed
from orchestrator.insight.tables import Band, Dimension, ProgrammeTable

_DIGITS = 6  # points are rounded to these, so that a band's edge is not missed by the last bit of a float


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One dimension of a score."""

    name: str
    figure: float | None  # in the dimension's unit; None: unknown
    points: float | None  # of 100; None: unknown
    lost: float | None  # what it takes from the score for not being worth 100; None: unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What the figures of a programme add up to."""

    dimensions: tuple[Weighed, ...]  # in the order of the table
    coverage: float  # the weight that is known, of 100
    points: float | None  # 0 to 100; None: too little is known
    band: Band | None  # in which they lie


def score(figures: Mapping[str, float], table: ProgrammeTable) -> Score:
    """The score of these figures, by dimension, each in its unit; a dimension without one is unknown."""
    readings = [_reading(name, figures.get(name), each) for name, each in table.dimensions.items()]
    found = weighed(readings, Rules(coverage_floor=table.coverage_floor), None)
    return Score(
        dimensions=tuple(_weighed(each, figures.get(each.name), found.coverage) for each in readings),
        coverage=found.coverage,
        points=found.raw,
        band=None if found.raw is None else band_of(found.raw, table),
    )


def _reading(name: str, figure: float | None, dimension: Dimension) -> Reading:
    worth = None if figure is None else points(figure, dimension)
    return Reading(name=name, label=dimension.label, weight=dimension.weight, points=worth, colour=None)


def _weighed(reading: Reading, figure: float | None, coverage: float) -> Weighed:
    lost = None if reading.points is None else round(reading.weight * (100 - reading.points) / coverage, _DIGITS)
    return Weighed(name=reading.name, figure=figure, points=reading.points, lost=lost)


def points(figure: float, dimension: Dimension) -> float:
    """What a figure is worth, 0 to 100."""
    curve = dimension.curve
    if figure <= curve[0][0]:
        return curve[0][1]
    for (before, low), (after, high) in pairwise(curve):
        if figure <= after:
            return round(low + (high - low) * (figure - before) / (after - before), _DIGITS)
    return curve[-1][1]


def figure_for(worth: float, dimension: Dimension) -> float | None:
    """The figure that is worth so many points, the first on the curve; None: none is."""
    for (before, low), (after, high) in pairwise(dimension.curve):
        if min(low, high) <= worth <= max(low, high):
            return before if low == high else before + (after - before) * (worth - low) / (high - low)
    return None


def band_of(points: float, table: ProgrammeTable) -> Band:
    """The band that a score lies in: from its bound on, to before the next one."""
    return next(band for band in table.bands if points >= band.from_)
