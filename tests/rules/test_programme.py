"""1.0.1 and 1.0.8: what a programme's score is made of, what it means, and what an audit says."""

from orchestrator.insight.programme import band_of, points, score
from tests.rules.shelf import Shelf
from tests.rules.tables import audited, tables

BEST = {
    "time_to_value": 0.0,
    "activation": 1.0,
    "setup_completion": 1.0,
    "support_tickets": 0.0,
    "retention_30d": 1.0,
    "nps_day_14": 100.0,
}
WORST = {
    "time_to_value": 365.0,
    "activation": 0.0,
    "setup_completion": 0.0,
    "support_tickets": 99.0,
    "retention_30d": 0.0,
    "nps_day_14": -100.0,
}


def test_what_a_dimension_weighs(shelf: Shelf) -> None:
    """A programme that is perfect in one dimension and fails in all others has that dimension's weight as its score."""
    table = tables(shelf).programme
    found = {name: score({**WORST, name: best}, table).points for name, best in BEST.items()}
    assert list(found.values()) == [25, 20, 15, 15, 15, 10]
    assert list(found) == list(table.dimensions)


def test_what_is_assessed_is_said(shelf: Shelf) -> None:
    """The audit says of each dimension what its figure is, with the days that it speaks of."""
    said = audited(shelf)
    assert "share of those signed up who complete the core action within 7 days" in said
    assert "tickets per new user in the first 30 days" in said
    assert "30-day retention (15 %): unknown" in said
    assert "share still active on day 30)" in said
    assert "Day-14 NPS (10 %): unknown" in said


def test_bands_are_half_open(shelf: Shelf) -> None:
    """Each begins at its bound: 80, 60, 40; 79.5 is below 80."""
    table = tables(shelf).programme
    found = [band_of(each, table).label for each in (100, 80, 79.5, 60, 59.5, 40, 39.5, 0)]
    high, middle, low, least = "Excellent", "Average", "Serious revenue leakage", "Emergency"
    assert found == [high, high, middle, middle, low, low, least, least]
    assert [band_of(each, table).label for each in (79, 59, 39)] == [middle, low, least]


def test_what_a_band_means(shelf: Shelf) -> None:
    """The best is among the top tenth; a serious leakage must be fixed within a month."""
    assert "Excellent, top 10 % of B2B SaaS" in audited(shelf, **BEST)
    assert "must be fixed within 30 days" in audited(shelf, **{**WORST, "time_to_value": 0.0, "activation": 1.0})


def test_the_industry_stands_beside(shelf: Shelf) -> None:
    """The audit prints the industry's figures of 2026 beside one's own."""
    said = audited(shelf)
    assert "industry: B2B SaaS 2026" in said
    for line in (
        "Time to value: unknown (industry 4.2 days, the median;",
        "Activation: unknown (industry 68 %, where the top quartile begins;",
        "30-day retention: unknown (industry 72 %, the median;",
        "Support tickets: unknown (industry 2.1 tickets, the usual number;",
    ):
        assert line in said


def test_the_industry_is_average(shelf: Shelf) -> None:
    """Who does as half the industry does has 70 points, and the best quarter begins at 75; a little better is more."""
    dimensions = tables(shelf).programme.dimensions
    for name, figure, better, worth in (
        ("time_to_value", 4.2, 4.1, 70),
        ("activation", 0.68, 0.69, 75),
        ("retention_30d", 0.72, 0.73, 70),
        ("support_tickets", 2.1, 2.0, 70),
    ):
        assert points(figure, dimensions[name]) == worth
        assert points(better, dimensions[name]) > worth


def test_an_audit_looks_thirty_days_ahead(shelf: Shelf) -> None:
    """Its roadmap is of 30 days, to the last of them."""
    said = audited(shelf)
    assert "4. Roadmap of 30 days" in said
    assert "day 22 to 30: " in said


def test_the_loop_goes_on(shelf: Shelf) -> None:
    """After the roadmap: one or two improvements a month, and why speed is worth it."""
    said = audited(shelf)
    assert "(1 to 2 improvements)" in said
    assert "(a story: first workflow within 7 days, 90 % stayed)" in said
    assert "(a story: first workflow after 14 days or more, 50 % stayed)" in said
    assert "gave +15 points" in said
