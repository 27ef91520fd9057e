"""Figures of many accounts: limits, what each account says, and how it adds up."""

import pytest

from orchestrator.core.metrics import Bound, Side

LIMITS = (
    (Side.ABOVE, ">", False, True),
    (Side.AT_LEAST, ">=", True, True),
    (Side.BELOW, "<", False, False),
    (Side.AT_MOST, "<=", True, False),
)  # side, sign, whether the limit itself fits, whether more fits


@pytest.mark.parametrize(("side", "sign", "itself", "more"), LIMITS)
def test_a_limit_is_open_or_closed_as_it_was_promised(side: Side, sign: str, itself: bool, more: bool) -> None:
    """More than 85 % is not 85 %; at least 85 % is."""
    bound = Bound(side=side, limit=0.85)
    assert (bound.sign, bound.fits(0.85), bound.fits(0.86), bound.fits(0.84)) == (sign, itself, more, not more)
