"""1.2, roles and capacity: what people carry, the example by both methods, and the scenario."""

from orchestrator.insight.staffing import LITTLES_LAW, NAIVE, Demand, in_progress, specialists, sustained
from tests.rules.shelf import Shelf
from tests.rules.tables import tables


def demand(starts: float, carries: float, buffer: float = 0) -> Demand:
    return Demand(starts_per_quarter=starts, weeks=8, carries=carries, buffer=buffer)


def test_what_one_person_carries(shelf: Shelf) -> None:
    """Specialists 8 to 15 or pooled 8 to 12; CSMs 8 to 15 accounts, 40 to 80, or 40 to 60 by the mid-market path."""
    loads = tables(shelf).staffing.loads
    assert {name: each.range for name, each in loads.items()} == {
        "specialist_high_touch": [8, 15],
        "specialist_pooled": [8, 12],
        "csm_high_touch": [8, 15],
        "csm_low_touch": [40, 80],
        "csm_mid_market_path": [40, 60],
    }


def test_the_plan_says_how_far_a_generalist_goes(shelf: Shelf) -> None:
    """One person does both up to about 200 customers."""
    assert tables(shelf).staffing.generalist.customers == 200


def test_the_example_is_the_sources(shelf: Shelf) -> None:
    """50 a quarter, 8 weeks each, 10 to 12 active ones: what is asked when nothing is said."""
    example = tables(shelf).staffing.example
    assert (example.starts_per_quarter, example.weeks, example.carries) == (50, 8, [10, 12])


def test_what_the_source_says(shelf: Shelf) -> None:
    """2 for 50, 4 for 100, and 8 for 200, though its own method gives 7."""
    table = tables(shelf).staffing
    assert [(each.starts_per_quarter, each.specialists) for each in table.stated] == [(50, 2), (100, 4), (200, 8)]
    assert [specialists(demand(each.starts_per_quarter, 10), table, NAIVE) for each in table.stated] == [2, 4, 7]


def test_the_naive_count_is_of_a_month(shelf: Shelf) -> None:
    """A quarter has three months: 61 starts a quarter are 20.3 a month, too many for two who carry ten."""
    table = tables(shelf).staffing
    assert [specialists(demand(each, 10), table, NAIVE) for each in (60, 61)] == [2, 3]
    assert specialists(demand(119, 10), table, NAIVE) == 4


def test_a_quarter_has_thirteen_weeks(shelf: Shelf) -> None:
    """By Little's law 65 starts of 8 weeks are 40 in progress; two who carry ten bear 32.5, with twelve 39."""
    table = tables(shelf).staffing
    assert (table.method, in_progress(demand(65, 10), table)) == (LITTLES_LAW, 40)
    assert [sustained(2, demand(50, each), table) for each in (10, 12)] == [32.5, 39]
    for starts, found in ((50, (4, 3)), (100, (7, 6)), (200, (13, 11))):
        assert tuple(specialists(demand(starts, each), table) for each in (10, 12)) == found


def test_the_buffer_is_a_fifth(shelf: Shelf) -> None:
    """Ours, 20 %: 4 and 4, 8 and 7, 15 and 13 specialists; exactly 12 people where 10 are needed."""
    table = tables(shelf).staffing
    buffer = table.example.buffer
    for starts, found in ((50, (4, 4)), (100, (8, 7)), (200, (15, 13)), (162.5, (12, 10))):
        assert tuple(specialists(demand(starts, each, buffer), table) for each in (10, 12)) == found


def test_the_scenario_is_fifty_a_month(shelf: Shelf) -> None:
    """50 a month are 92 in progress, and 8 to 10 specialists."""
    table = tables(shelf).staffing
    asked = [demand(table.scenario.starts_per_month * table.months_per_quarter, each) for each in (10, 12)]
    assert round(in_progress(asked[0], table)) == 92
    assert [specialists(each, table) for each in asked] == [10, 8]
