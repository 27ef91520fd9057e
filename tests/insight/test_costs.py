"""Costs: which stage a company is in, what a month costs, and what automation returns."""

import pytest

from orchestrator.insight.costs import Project, RoiError, monthly_cost, returns, stage_of
from orchestrator.insight.tables import Benchmarks

PROJECT = {
    "new_users_per_month": 80,
    "cost_per_user": 90,
    "automation_now": 0.4,
    "automation_target": 0.7,
    "cost": 20000,
}


def project(**changes: float) -> Project:
    return Project(**{"months": 12, **PROJECT, **changes})  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("users", "label"),
    [(0, "Early"), (99, "Early"), (100, "Fast growth"), (999, "Fast growth"), (1000, "Scale"), (10000, "Enterprise")],
)
def test_a_company_is_in_one_stage(tables: Benchmarks, users: float, label: str) -> None:
    """Ranges of users are half-open, the last one without an end."""
    assert stage_of(users, tables.costs).label == label


def test_a_month_costs_new_users_times_what_one_costs(tables: Benchmarks) -> None:
    """From the fewest at the least to the most at the most; an open end counts as its beginning."""
    assert monthly_cost([10, 30], [150, 300]) == (1500, 9000)
    assert monthly_cost([1000, None], [5, 20]) == (5000, 20000)


def test_a_return_is_what_is_saved_over_what_it_cost() -> None:
    """80 users at $90, from 40 to 70 %: $2,160 a month; a year of it on $20,000 is 29.6 % more than it cost."""
    found = returns(project())
    assert found.monthly_saving == pytest.approx(2160)
    assert found.roi == pytest.approx(0.296)


def test_who_is_beyond_the_target_saves_nothing() -> None:
    """Where more is automatic than is aimed at, the saving is below nothing, and so is the return."""
    found = returns(project(automation_now=0.8))
    assert found.monthly_saving == pytest.approx(-720)
    assert found.roi < -1


@pytest.mark.parametrize(
    "change", [{"cost": 0}, {"cost_per_user": -1}, {"automation_now": 1.1}, {"new_users_per_month": -1}]
)
def test_what_makes_no_project_is_refused(change: dict[str, float]) -> None:
    """A project that costs nothing, a share above 1 and negative figures are errors, not results."""
    with pytest.raises(RoiError, match="A return needs"):
        returns(project(**change))
