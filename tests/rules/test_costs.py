"""1.0.5: what onboarding costs a company of each size, and how much of it should be automatic."""

from orchestrator.insight.costs import Project, monthly_cost, returns, stage_of
from orchestrator.insight.tables import CostStage
from tests.rules.shelf import Shelf
from tests.rules.tables import audited, tables


def stages(shelf: Shelf) -> dict[str, CostStage]:
    return tables(shelf).costs.stages


def test_users_say_the_stage(shelf: Shelf) -> None:
    """From 0, 100, 1,000 and 10,000 users on."""
    table = tables(shelf).costs
    found = [stage_of(users, table).label for users in (0, 99, 100, 999, 1_000, 9_999, 10_000)]
    assert found == ["Early", "Early", "Fast growth", "Fast growth", "Scale", "Scale", "Enterprise"]
    assert stages(shelf)["early"].users[0] == 0


def test_what_a_month_costs(shelf: Shelf) -> None:
    """New users times what one costs, at both ends; enterprise from 1,000 a month on."""
    ranges = [
        ([10, 30], [150, 300], (1_500, 9_000)),
        ([50, 200], [50, 150], (2_500, 30_000)),
        ([200, 2_000], [15, 50], (3_000, 100_000)),
        ([1_000, None], [5, 20], (5_000, 20_000)),
    ]
    found = [
        (each.new_users_per_month, each.cost_per_user, monthly_cost(each.new_users_per_month, each.cost_per_user))
        for each in stages(shelf).values()
    ]
    assert found == ranges


def test_how_much_should_be_automatic(shelf: Shelf) -> None:
    """40, 70, 90 and 95 %: what an audit aims at for a company of that size."""
    for users, target in ((50, "40 %"), (500, "70 %"), (5_000, "90 %"), (50_000, "95 %")):
        assert f"automation_target = {target} (" in audited(shelf, users=users)


def test_a_year_of_savings_is_counted(shelf: Shelf) -> None:
    """The return is of 12 months: 100 saved a month on 600 is as much again."""
    months = tables(shelf).costs.roi.months
    project = Project(
        new_users_per_month=10, cost_per_user=20, automation_now=0, automation_target=0.5, cost=600, months=months
    )
    assert returns(project).roi == 1
