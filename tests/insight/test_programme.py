"""The score of a programme: curves, weights, bands, and what is unknown."""

import pytest

from orchestrator.insight.programme import band_of, figure_for, points, score
from orchestrator.insight.tables import Benchmarks

MEDIAN = {"time_to_value": 4.2, "activation": 0.68, "retention_30d": 0.72, "support_tickets": 2.1}


@pytest.mark.parametrize(
    ("name", "figure", "worth"),
    [
        ("time_to_value", 0, 100),
        ("time_to_value", 2.1, 85),
        ("time_to_value", 4.2, 70),
        ("time_to_value", 5.6, 60),
        ("time_to_value", 30, 0),
        ("time_to_value", 400, 0),
        ("activation", 0.34, 37.5),
        ("activation", 1, 100),
        ("nps_day_14", -100, 0),
        ("nps_day_14", 40, 70),
        ("support_tickets", 4.2, 35),
    ],
)
def test_a_figure_is_worth_what_its_curve_says(tables: Benchmarks, name: str, figure: float, worth: float) -> None:
    """Straight between the points of the table, flat beyond its ends."""
    assert points(figure, tables.programme.dimensions[name]) == pytest.approx(worth)


def test_what_a_score_asks_for_can_be_read_off_the_curve(tables: Benchmarks) -> None:
    """The figure that is worth so many points is the one whose points are that many; none where the curve has none."""
    for dimension in tables.programme.dimensions.values():
        for worth in (0, 55, 80, 100):
            figure = figure_for(worth, dimension)
            assert figure is not None
            assert points(figure, dimension) == pytest.approx(worth)
    level = tables.programme.dimensions["activation"].model_copy(update={"curve": [[0, 40], [1, 40]]})
    assert (figure_for(80, level), figure_for(40, level)) == (None, 0)


def test_the_best_programme_has_100_and_the_worst_0(tables: Benchmarks) -> None:
    """All weights count, and nothing else."""
    best = {"time_to_value": 0, "activation": 1, "setup_completion": 1, "support_tickets": 0, "retention_30d": 1}
    worst = {"time_to_value": 90, "activation": 0, "setup_completion": 0, "support_tickets": 9, "retention_30d": 0}
    assert score({**best, "nps_day_14": 100}, tables.programme).points == 100
    found = score({**worst, "nps_day_14": -100}, tables.programme)
    assert (found.points, found.coverage, found.band and found.band.label) == (0, 100, "Emergency")


def test_what_is_unknown_is_left_out_and_the_rest_scaled_up(tables: Benchmarks) -> None:
    """Without two of the dimensions the others make up the whole: (25 x 70 + 20 x 75 + 15 x 70 + 15 x 70) / 75."""
    found = score(MEDIAN, tables.programme)
    assert found.coverage == 75
    assert found.points is not None
    assert found.points == pytest.approx((25 * 70 + 20 * 75 + 15 * 70 + 15 * 70) / 75)
    unknown = {each.name for each in found.dimensions if each.points is None}
    assert unknown == {"setup_completion", "nps_day_14"}
    lost = sum(each.lost for each in found.dimensions if each.lost is not None)
    assert found.points + lost == pytest.approx(100)


def test_below_the_coverage_floor_there_is_no_score(tables: Benchmarks) -> None:
    """60 of 100 of the weight give one, 45 give none."""
    assert score({"time_to_value": 4.2, "activation": 0.68, "retention_30d": 0.72}, tables.programme).points is not None
    found = score({"time_to_value": 4.2, "activation": 0.68}, tables.programme)
    assert (found.coverage, found.points, found.band) == (45, None, None)
    assert score({}, tables.programme).points is None


@pytest.mark.parametrize(
    ("found", "label"),
    [(100, "Excellent"), (80, "Excellent"), (79.5, "Average"), (60, "Average"), (59.999999, "Serious revenue leakage"),
     (40, "Serious revenue leakage"), (39.9, "Emergency"), (0, "Emergency")],
)  # fmt: skip
def test_bands_are_half_open(tables: Benchmarks, found: float, label: str) -> None:
    """A band begins at its bound and ends before the next one: 79.5 is not yet excellent."""
    assert band_of(found, tables.programme).label == label
