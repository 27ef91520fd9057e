"""Figures of many accounts: limits with their side, what is measured of whom, and how a figure stands.

What one account says is found in ``core.observation``; what it adds up to is ``insight.board``'s.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, unique

from orchestrator.core.conditions import ALWAYS, Node
from orchestrator.core.figures import Figure


@unique
class Side(StrEnum):
    """On which side of its limit a figure should be; the limit itself belongs to two of them."""

    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"


_FITS: dict[Side, Callable[[Figure, Figure], bool]] = {
    Side.ABOVE: operator.gt,
    Side.AT_LEAST: operator.ge,
    Side.BELOW: operator.lt,
    Side.AT_MOST: operator.le,
}
_SIGNS = {Side.ABOVE: ">", Side.AT_LEAST: ">=", Side.BELOW: "<", Side.AT_MOST: "<="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A limit, open or closed exactly as it was promised."""

    side: Side
    limit: Figure

    def fits(self, figure: Figure) -> bool:
        """Whether a figure is on that side."""
        return _FITS[self.side](figure, self.limit)

    @property
    def sign(self) -> str:
        """The side as a sign: ``>=``."""
        return _SIGNS[self.side]


@unique
class Grade(StrEnum):
    """How a figure stands against its target and its alert."""

    MET = "met"
    BETWEEN = "between"  # the target is missed, and nobody has to be called
    ALERT = "alert"
    UNKNOWN = "unknown"  # nothing is known, or of too few: never good news


@unique
class Lamp(StrEnum):
    """The colour of an alert."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"


@unique
class Unit(StrEnum):
    """How a figure is written."""

    PERCENT = "percent"  # of a share from 0 to 1
    POINTS = "points"  # of a scale that the label names
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """From where on a figure calls somebody (``spec/rules.md`` 1.4 "Alerts")."""

    bound: Bound  # the alert is on while the figure is on this side
    severity: str  # of ``core.playbook.Severity``
    action: str  # what is to be done then, in a sentence
    owner: str  # the role that does it
    lamp: Lamp = Lamp.RED


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The share of accounts whose latest judgement of a checkpoint was that it is met."""

    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The share of accounts for which a condition holds."""

    of: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of a number over the accounts."""

    of: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    """The number of the account in the middle; of two in the middle their mean."""

    of: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class NetPromoters:
    """Promoters less detractors, of a hundred who answered: -100 to 100; each person's newest answer counts once."""

    score: str
    promoters: Figure  # who says so much, or more
    detractors: Figure  # who says so much, or less


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A number added up over the accounts, of another added up."""

    of: Node
    to: Node


Measured = Judged | Share | Mean | Median | NetPromoters | Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure of many accounts."""

    name: str
    label: str  # what a person calls it
    group: str  # under which heading of the board it stands: a stage, or a step
    population: str  # whom it counts, in words
    measured: Measured
    target: Bound
    among: Node = ALWAYS  # whom it counts
    alert: Alert | None = None  # None: nobody is called
    over: timedelta | None = None  # only what was judged or answered in this time counts; None: all
    least: int = 1  # of fewer accounts whose figure is known nothing is said
    unit: Unit = Unit.NUMBER
    benchmark: str | None = None  # the key of a figure of others, that is shown beside the target


def graded(metric: Metric, figure: Figure | None) -> Grade:
    """How a figure stands; None is not known."""
    if figure is None:
        return Grade.UNKNOWN
    if metric.target.fits(figure):
        return Grade.MET
    return Grade.ALERT if metric.alert is not None and metric.alert.bound.fits(figure) else Grade.BETWEEN
