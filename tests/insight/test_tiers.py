"""Tiers by share of revenue: where the cuts fall, and that what is printed is a preset."""

import pytest

from orchestrator.core.facts import Facts, fold
from orchestrator.core.playbook import Playbook
from orchestrator.core.segments import segment_of
from orchestrator.insight.tables import Benchmarks
from orchestrator.insight.tiers import Cut, RevenueError, cuts, segments_yaml
from orchestrator.playbook import PlaybookSource, compile_playbook, read_source
from tests.playbook.lives import traits
from tests.playbook.small import SHIPPED, TEMPLATES

SEGMENTS = ("enterprise", "mid_market", "smb", "self_serve")


def sizes(found: tuple[Cut, ...]) -> list[int]:
    return [cut.accounts for cut in found]


@pytest.mark.parametrize(
    ("arrs", "expected"),
    [
        ([20, 20, 20, 20, 20], [5, 0, 0]),
        ([20, 19, 18, 17, 16, 10], [1, 3, 2]),
        ([100, 10, 10, 10], [1, 0, 3]),
        ([21, 20, 19, 15, 14, 11], [1, 2, 3]),
        ([1] * 100, [100, 0, 0]),
        ([7], [1, 0, 0]),
    ],
)
def test_an_account_belongs_to_the_tier_in_which_it_begins(
    tables: Benchmarks, arrs: list[float], expected: list[int]
) -> None:
    """It is in the tier whose share those before it have not reached; who pays the same is never divided."""
    assert sizes(cuts(arrs, tables.tiers)) == expected
    assert sizes(cuts([0, *reversed(arrs), -5], tables.tiers)) == expected


def test_a_cut_that_is_met_exactly_begins_the_next_tier(tables: Benchmarks) -> None:
    """The first two make up a fifth of 1,000, and five more two fifths: the next one after each begins a tier."""
    found = cuts([110, 90, 89, 88, 87, 86, 50, *[49] * 8, 8], tables.tiers)
    assert sizes(found) == [2, 5, 9]
    assert sum(cut.share for cut in found) == pytest.approx(1)
    assert [cut.lowest for cut in found] == [90, 50, 8]


def test_who_pays_nothing_makes_no_tier(tables: Benchmarks) -> None:
    """Without a single account that pays there is nothing to cut, and the error says what to send."""
    with pytest.raises(RevenueError, match="send it as the trait `arr`"):
        cuts([0, 0], tables.tiers)


def preset(text: str) -> Playbook:
    """The shipped playbook with a printed preset over it."""
    base = read_source(SHIPPED / "b2b-saas.yaml", TEMPLATES)
    shelf = {**base.templates, "playbooks/b2b-saas.yaml": base.text, "playbooks/presets/revenue-tiers.yaml": text}
    ours = "playbook: b2b-saas\nextends: [b2b-saas, revenue-tiers]\n"
    return compile_playbook(PlaybookSource(file="ours.yaml", text=ours, templates=shelf))


def test_what_is_printed_is_a_preset(tables: Benchmarks) -> None:
    """Over b2b-saas it compiles, and each of the accounts is in the segment of its tier."""
    arrs = [90_000, 60_000, 50_000, 40_000, 30_000, 12_000, 9_000, 9_000]
    found = cuts(arrs, tables.tiers)
    book = preset("\n".join(segments_yaml(found, SEGMENTS)) + "\n")
    assert book.segmentation is not None
    assert {name: each.touch for name, each in book.segmentation.table.items()} == {
        "enterprise": "high",
        "mid_market": "medium",
        "smb": "tech",
    }
    placed = [segment_of(fold(Facts(), [traits(0, arr=arr)], book.vocabulary), book) for arr in arrs]
    names = [each.name for each in placed if each is not None]
    assert [names.count(name) for name in SEGMENTS[:3]] == sizes(found) == [1, 2, 5]


def test_a_tier_that_nobody_is_in_is_no_segment(tables: Benchmarks) -> None:
    """Where one account pays nearly all, there is no middle: its segment is taken out."""
    book = preset("\n".join(segments_yaml(cuts([1_000_000, 5, 5], tables.tiers), SEGMENTS)) + "\n")
    assert book.segmentation is not None
    assert list(book.segmentation.table) == ["enterprise", "smb"]
