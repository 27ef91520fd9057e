"""1.2, pillar 2: tiers by share of revenue, and what each of them gets."""

from orchestrator.insight.tiers import cuts
from tests.rules.shelf import Shelf
from tests.rules.tables import tables


def test_shares_of_revenue_cut_the_tiers(shelf: Shelf) -> None:
    """A hundred accounts that pay nearly the same: 20, 40 and 40 of them."""
    found = cuts([1_000 + each / 1_000_000 for each in range(100)], tables(shelf).tiers)
    assert [(cut.tier.segment, cut.accounts) for cut in found] == [("enterprise", 20), ("mid_market", 40), ("smb", 40)]


def test_a_tier_says_what_it_gets(shelf: Shelf) -> None:
    """The middle one has the standard playbook of six weeks."""
    assert "standard 6-week playbook" in tables(shelf).tiers.tiers[1].resources
