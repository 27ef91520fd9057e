"""What onboarding costs a month, and what an automation project returns (rules 1.0.5 and 1.0.8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core.errors import LifecycleError
from orchestrator.insight.tables import CostStage, CostTable


class RoiError(LifecycleError):
    """A return needs a project that costs something, shares between 0 and 1, and figures that are not negative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What the return of an automation project is computed from."""

    new_users_per_month: float
    cost_per_user: float  # US dollars
    automation_now: float  # share of the work, 0 to 1
    automation_target: float
    cost: float  # of the project, US dollars
    months: int  # over which the return is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What a project brings."""

    monthly_saving: float  # US dollars; negative: automation is beyond its target already
    roi: float  # 0.5 is half of the cost on top of the cost


def stage_of(users: float, table: CostTable) -> CostStage:
    """The stage of a company with so many users."""
    return next(each for each in reversed(table.stages.values()) if users >= (each.users[0] or 0))


def monthly_cost(new_users: Sequence[float | None], cost_per_user: Sequence[float]) -> tuple[float, float]:
    """From the least to the most that a month costs, in US dollars; an open end counts as its beginning."""
    least = new_users[0] or 0
    most = least if new_users[1] is None else new_users[1]
    return least * cost_per_user[0], most * cost_per_user[1]


def returns(project: Project) -> Return:
    """The saving a month and the return over the months (rules 1.0.8).

    Raises:
        RoiError: the figures make no project.
    """
    shares = (project.automation_now, project.automation_target)
    if project.cost <= 0 or min(project.new_users_per_month, project.cost_per_user) < 0:
        raise RoiError
    if not all(0 <= share <= 1 for share in shares):
        raise RoiError
    moved = project.automation_target - project.automation_now
    saving = round(project.new_users_per_month * project.cost_per_user * moved, 6)
    return Return(monthly_saving=saving, roi=(project.months * saving - project.cost) / project.cost)
