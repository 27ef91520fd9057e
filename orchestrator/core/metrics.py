"""What is promised of many accounts: limits with their side, and how a figure stands against them."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Side(StrEnum):
    """On which side of its limit a figure should be; the limit itself belongs to two of them."""

    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"


_FITS: dict[Side, Callable[[float, float], bool]] = {
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
    limit: float

    def fits(self, figure: float) -> bool:
        """Whether a figure is on that side."""
        return _FITS[self.side](figure, self.limit)

    @property
    def sign(self) -> str:
        """The side as a sign: ``>=``."""
        return _SIGNS[self.side]
