"""Staffing: Little's law and the naive count, with the source's own table beside them."""

import pytest

from orchestrator.insight.staffing import (
    LITTLES_LAW,
    NAIVE,
    Demand,
    DemandError,
    in_progress,
    needed,
    specialists,
    starts_per_month,
    sustained,
)
from orchestrator.insight.tables import Benchmarks


def demand(starts: float, carries: float = 10, buffer: float = 0, weeks: float = 8) -> Demand:
    return Demand(starts_per_quarter=starts, weeks=weeks, carries=carries, buffer=buffer)


@pytest.mark.parametrize(
    ("starts", "wip", "at_10", "at_12", "buffered"),
    [(50, 30.8, 4, 3, (4, 4)), (100, 61.5, 7, 6, (8, 7)), (200, 123.1, 13, 11, (15, 13))],
)
def test_littles_law(
    tables: Benchmarks, starts: float, wip: float, at_10: int, at_12: int, buffered: tuple[int, int]
) -> None:
    """What arrives times how long it takes is in progress; that over what one carries, rounded up, is who it takes."""
    assert round(in_progress(demand(starts), tables.staffing), 1) == wip
    assert specialists(demand(starts, 10), tables.staffing) == at_10
    assert specialists(demand(starts, 12), tables.staffing) == at_12
    found = tuple(specialists(demand(starts, each, 0.2), tables.staffing, LITTLES_LAW) for each in (10, 12))
    assert found == buffered


@pytest.mark.parametrize(("starts", "at_10", "at_12"), [(50, 2, 2), (100, 4, 3), (200, 7, 6)])
def test_the_naive_count_forgets_who_is_still_there(tables: Benchmarks, starts: float, at_10: int, at_12: int) -> None:
    """The starts of a month over what one carries, whatever the weeks and the buffer are."""
    for weeks, buffer in ((8, 0), (26, 0.5)):
        found = [specialists(demand(starts, each, buffer, weeks), tables.staffing, NAIVE) for each in (10, 12)]
        assert found == [at_10, at_12]


def test_fifty_starts_a_quarter_are_not_fifty_a_month(tables: Benchmarks) -> None:
    """16.7 a month begin of 50 a quarter; 50 a month are 92 in progress."""
    assert round(starts_per_month(demand(50), tables.staffing), 1) == 16.7
    assert round(in_progress(demand(150), tables.staffing)) == 92


def test_what_two_specialists_bear(tables: Benchmarks) -> None:
    """20 to 24 places turn over 32.5 to 39 times a quarter."""
    assert [sustained(2, demand(50, each), tables.staffing) for each in (10, 12)] == [32.5, 39]


def test_a_whole_number_is_not_rounded_up() -> None:
    """What divides evenly needs nobody more, whatever the last bit of a float says."""
    assert (needed(80, 40), needed(81, 40), needed(0, 40), needed(0.3, 0.1)) == (2, 3, 0, 3)


@pytest.mark.parametrize("wrong", [{"starts": 0}, {"starts": 5, "carries": 0}, {"starts": 5, "buffer": -0.1}])
def test_an_impossible_demand_is_refused(wrong: dict[str, float]) -> None:
    """Nobody starts, nobody carries anything, or a buffer is negative: an error, not a head count."""
    with pytest.raises(DemandError, match="must be more than 0"):
        demand(**wrong)
    with pytest.raises(DemandError):
        needed(1, 0)
