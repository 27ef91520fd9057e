"""Tiers by share of revenue (rules 1.2, pillar 2): from what accounts pay to the bounds of a segment table.

The accounts are sorted by what they pay a year, the largest first. One belongs to the first tier as long as those
before it have not reached that tier's share of the whole, and so on; who pays as much as another is in the same tier.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.core.errors import LifecycleError
from orchestrator.insight.tables import Tier, TierTable

_DIGITS = 9  # shares are rounded to these, so that a cut is not missed by the last bit of a float


class RevenueError(LifecycleError):
    """Tiers by revenue need accounts whose ARR is known and more than 0: send it as the trait `arr`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One tier, as the accounts make it."""

    tier: Tier
    accounts: int
    revenue: float  # US dollars a year
    share: float  # of all revenue
    lowest: float | None  # what the smallest account in it pays; None: nobody is in it


def cuts(arrs: Sequence[float], table: TierTable) -> tuple[Cut, ...]:
    """The tiers of accounts that pay this much a year, each; those that pay nothing are left out.

    Raises:
        RevenueError: nobody pays anything.
    """
    paying = sorted((arr for arr in arrs if arr > 0), reverse=True)
    if not paying:
        raise RevenueError
    tiers = _tiers(paying, table)
    return tuple(
        _cut(tier, [arr for arr, each in tiers if each == number], sum(paying))
        for number, tier in enumerate(table.tiers)
    )


def _tiers(paying: Sequence[float], table: TierTable) -> list[tuple[float, int]]:
    """What each account pays, and the number of its tier."""
    total, before, found = sum(paying), 0.0, list[tuple[float, int]]()
    for arr in paying:
        equal = found and found[-1][0] == arr
        found.append((arr, found[-1][1] if equal else _tier(before / total, table)))
        before += arr
    return found


def _tier(share_before: float, table: TierTable) -> int:
    """The tier of an account before which that share of the revenue is taken."""
    ends = 0.0
    for number, tier in enumerate(table.tiers):
        ends = round(ends + tier.revenue_share, _DIGITS)
        if round(share_before, _DIGITS) < ends:
            return number
    return len(table.tiers) - 1


def _cut(tier: Tier, own: Sequence[float], total: float) -> Cut:
    return Cut(tier=tier, accounts=len(own), revenue=sum(own), share=sum(own) / total, lowest=min(own, default=None))


def segments_yaml(found: Sequence[Cut], segments: Sequence[str], trait: str = "arr") -> Iterator[str]:
    """The lines of a preset whose segments are these tiers; ``segments`` are those of the playbook that it goes over.

    A tier that nobody is in is left out, and who pays less than all others, or nobody knows what, is in the last one.
    """
    *upper, last = (cut.tier for cut in found)
    bounds = {cut.tier.segment: f"{cut.lowest:.12g}" for cut in found[:-1] if cut.lowest is not None}
    yield "# Tiers by share of revenue, from what the accounts paid when this was printed: a file beside your playbook."
    yield "#"
    yield "#   extends: [b2b-saas, revenue-tiers]"
    yield ""
    yield "segments:"
    yield f"  default: {last.segment}"
    yield f"  unknown: {last.segment}"
    yield "  table:"
    below = "null"
    for tier in (each for each in upper if each.segment in bounds):
        where = f"{{{trait}: [{bounds[tier.segment]}, {below}]}}"
        yield f"    {tier.segment}: {{where: {where}, touch: {tier.touch}, owner: {tier.owner}}}"
        below = bounds[tier.segment]
    yield f"    {last.segment}: {{where: null, touch: {last.touch}, owner: {last.owner}}}"
    yield from (f"    {name}: null" for name in segments if name not in {*bounds, last.segment})
