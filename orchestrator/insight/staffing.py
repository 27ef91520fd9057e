"""How many people onboarding takes (rules 1.2, roles and capacity), by two methods, and why they differ.

``littles_law``: who is being onboarded at any time is what arrives, times how long it takes (Little's law), so
``specialists = ceil(starts a quarter x weeks / weeks a quarter x (1 + buffer) / what one carries)``.
``naive-staffing`` is the source's own: the starts of one month over what one carries. It forgets that an onboarding
still runs when the next month begins, so it is low by as much as an onboarding is longer than a month.
"""

import math
from dataclasses import dataclass

from orchestrator.core.errors import LifecycleError
from orchestrator.insight.tables import StaffingTable

_DIGITS = 9  # a head count is rounded to these before it is rounded up, so that 8.000000001 people are 8

LITTLES_LAW, NAIVE = "littles_law", "naive-staffing"


class DemandError(LifecycleError):
    """Starts, weeks and what one person carries must be more than 0, and the buffer not less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is asked of the people."""

    starts_per_quarter: float
    weeks: float  # that an onboarding takes
    carries: float  # active implementations a specialist
    buffer: float  # share on top, for season, turnover and complex deals

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if min(self.starts_per_quarter, self.weeks, self.carries) <= 0 or self.buffer < 0:
            raise DemandError


def in_progress(demand: Demand, table: StaffingTable) -> float:
    """How many onboardings run at any time."""
    return demand.starts_per_quarter * demand.weeks / table.weeks_per_quarter


def starts_per_month(demand: Demand, table: StaffingTable) -> float:
    """How many begin in a month: what the naive method takes for those that run."""
    return demand.starts_per_quarter / table.months_per_quarter


def specialists(demand: Demand, table: StaffingTable, method: str | None = None) -> int:
    """How many specialists it takes; without a method, by the table's. The naive one knows no buffer."""
    if (method or table.method) == NAIVE:
        return _whole(starts_per_month(demand, table) / demand.carries)
    return _whole(in_progress(demand, table) * (1 + demand.buffer) / demand.carries)


def sustained(people: int, demand: Demand, table: StaffingTable) -> float:
    """How many starts a quarter so many specialists can bear."""
    return people * demand.carries * table.weeks_per_quarter / demand.weeks


def needed(accounts: float, carries: float) -> int:
    """How many people so many accounts take, where one carries so many.

    Raises:
        DemandError: one carries nothing.
    """
    if carries <= 0 or accounts < 0:
        raise DemandError
    return _whole(accounts / carries)


def _whole(people: float) -> int:
    return math.ceil(round(people, _DIGITS))
