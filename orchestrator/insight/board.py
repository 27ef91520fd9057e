"""The board: every metric of a playbook over many accounts, from the database and from a simulation alike.

Accounts are looked at one by one, as of one instant, and forgotten: only sums are kept, and of a median its numbers. An
account that is pinned to an older version is measured by the playbook of the board; a checkpoint that its own version
did not have was never judged, and so does not count.
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.core.account import Account
from orchestrator.core.lifecycle import view_of
from orchestrator.core.metrics import Bound, Grade, Median, Metric, Unit, graded
from orchestrator.core.observation import UNKNOWN, Observation, observed
from orchestrator.core.playbook import Playbook
from orchestrator.insight.tables import Benchmark

GREEN, YELLOW, NO_COLOUR = "green", "yellow", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One metric at an instant."""

    metric: Metric
    population: int  # accounts that it counts
    unknown: int  # those of them of which nothing is known
    figure: float | None  # None: unknown
    grade: Grade

    @property
    def colour(self) -> str:
        """Green, yellow, the colour of the alert, or unknown."""
        match self.grade, self.metric.alert:
            case Grade.MET, _:
                return GREEN
            case Grade.ALERT, alert if alert is not None:
                return alert.lamp.value
            case Grade.UNKNOWN, _:
                return NO_COLOUR
            case _:
                return YELLOW


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What was heard of one metric so far."""

    metric: Metric
    population: int = 0
    unknown: int = 0
    amount: float = 0.0
    weight: float = 0.0
    numbers: list[float] = field(default_factory=list)  # of a median

    def add(self, found: Observation | None) -> None:
        if found is None:
            return
        self.population += 1
        if found is UNKNOWN:
            self.unknown += 1
            return
        self.amount += found.amount
        self.weight += found.weight
        if isinstance(self.metric.measured, Median):
            self.numbers.append(found.amount)

    def figure(self) -> float | None:
        """The figure; None where too little is known, or there is nothing to divide by."""
        if self.population - self.unknown < self.metric.least:
            return None
        if self.numbers:
            return statistics.median(self.numbers)
        return self.amount / self.weight if self.weight else None

    def row(self) -> Row:
        figure = self.figure()
        return Row(
            metric=self.metric,
            population=self.population,
            unknown=self.unknown,
            figure=figure,
            grade=graded(self.metric, figure),
        )


def board(accounts: Iterable[Account], playbook: Playbook, now: datetime) -> tuple[Row, ...]:
    """Every metric of a playbook over these accounts at ``now`` (aware UTC), in the order of the playbook.

    Accounts that are not live yet are left out: their facts are known, and nothing that follows from them is.
    """
    tallies = [_Tally(metric=metric) for metric in playbook.metrics.values()]
    for account in (each for each in accounts if not each.held(now)):
        view = view_of(account, now, playbook)
        for tally in tallies:
            tally.add(observed(tally.metric, account, view))
    return tuple(tally.row() for tally in tallies)


def grouped(rows: Iterable[Row]) -> Mapping[str, tuple[Row, ...]]:
    """The rows under their headings, each heading where its first row stands."""
    found: dict[str, tuple[Row, ...]] = {}
    for row in rows:
        found[row.metric.group] = (*found.get(row.metric.group, ()), row)
    return found


def written(figure: float | None, unit: Unit) -> str:
    """A figure as people read it; what is not known is said so."""
    if figure is None:
        return "unknown"
    return f"{figure:.1%}" if unit is Unit.PERCENT else f"{figure:.4g}"


def promised(bound: Bound, unit: Unit) -> str:
    """A limit as people read it: ``> 85%``; no digit of it is lost."""
    return f"{bound.sign} {stated(bound.limit, unit)}"


def stated(figure: float, unit: Unit) -> str:
    """A figure that somebody wrote down, as people read it: ``85%``; no digit of it is lost."""
    return f"{figure * 100:g}%" if unit is Unit.PERCENT else f"{figure:g}"


def documents(rows: Iterable[Row], others: Mapping[str, Benchmark]) -> Iterator[dict[str, object]]:
    """The rows for other programs, with what others reach by metric; figures are as they are, shares from 0 to 1."""
    for row in rows:
        metric, alert = row.metric, row.metric.alert
        other = others.get(metric.name)
        yield {
            "metric": metric.name,
            "label": metric.label,
            "group": metric.group,
            "counts": metric.population,
            "population": row.population,
            "unknown": row.unknown,
            "figure": row.figure,
            "unit": metric.unit.value,
            "target": promised(metric.target, metric.unit),
            "grade": row.grade.value,
            "colour": row.colour,
            "benchmark": None if other is None else other.figure,
            "benchmark_is": None if other is None else other.is_,
            "alert": None if alert is None or row.grade is not Grade.ALERT else alert_words(metric),
        }


def alert_words(metric: Metric) -> dict[str, str]:
    """What an alert says to whom; empty for a metric without one."""
    if metric.alert is None:
        return {}
    alert = metric.alert
    return {"severity": alert.severity, "action": alert.action, "owner": alert.owner}
