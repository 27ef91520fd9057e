"""Figures that people give: of a programme and of a company, by name, each in its unit; nothing is guessed.

They come from a file (``activation: 62%``) or from an option (``activation=62%``). A share may be written as 0.62 too.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from orchestrator.core.errors import LifecycleError
from orchestrator.insight.tables import AuditTable, ProgrammeTable, TableError, Unit
from orchestrator.playbook import loader
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Plain

COMPANY: Mapping[str, Unit] = {
    "users": "count",
    "new_users_per_month": "count",
    "cost_per_user": "money",
    "automation": "share",
    "automation_target": "share",
    "project_cost": "money",
}  # of the company, for the fifth section of an audit
_PERCENT = 100


class FigureError(LifecycleError):
    """A figure is given as NAME=NUMBER: activation=62%, time_to_value=5.5, nps_day_14=31."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A figure, and who says so."""

    value: float  # in its unit
    source: str  # "given", "the database, 41 of 60 accounts", …


def units(programme: ProgrammeTable, audit: AuditTable) -> dict[str, Unit]:
    """Every figure that may be given, and its unit."""
    dimensions: dict[str, Unit] = {name: each.unit for name, each in programme.dimensions.items()}
    return dimensions | {name: each.unit for name, each in audit.further.items()} | dict(COMPANY)


def figures_from(text: str, file: str, known: Mapping[str, Unit]) -> dict[str, float]:
    """The figures of a YAML text: names with numbers.

    Raises:
        TableError: a name is none, or a number is not one of its unit; each is named with its place.
    """
    tree = loader.read(text, file, "file of figures")
    found: dict[str, float] = {}
    if not tree.problems and not isinstance(tree.data, dict):
        tree.refuse((), "expected a name and a number in each line: `activation: 62%`")
    for name, written in (tree.data if isinstance(tree.data, dict) else {}).items():
        try:
            found[name] = _figure(name, written, known)
        except FigureError as error:
            tree.refuse((name,), str(error))
    if tree.problems:
        raise TableError(tree.problems)
    return found


def figures_of(options: Iterable[str], known: Mapping[str, Unit]) -> dict[str, float]:
    """The figures of options such as ``activation=62%``.

    Raises:
        FigureError: one is not of that form, its name is none, or its number is not one of its unit.
    """
    found: dict[str, float] = {}
    for option in options:
        name, equals, written = option.partition("=")
        if not equals:
            raise FigureError
        found[name.strip()] = _figure(name.strip(), written, known)
    return found


def _figure(name: str, written: Plain, known: Mapping[str, Unit]) -> float:
    if name not in known:
        raise FigureError(f"there is no figure `{name}`{did_you_mean(name, known)}; there are {', '.join(known)}")
    number = _number(written)
    if number is None or not _fits(number, known[name]):
        raise FigureError(f"{name}: expected {_expected(known[name])}, got {written!r}")
    return number


def _number(written: Plain) -> float | None:
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        return None
    text = str(written).strip()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return number / _PERCENT if text.endswith("%") else number


def _fits(number: float, unit: Unit) -> bool:
    match unit:
        case "share":
            return 0 <= number <= 1
        case "nps":
            return -_PERCENT <= number <= _PERCENT
        case "days" | "tickets" | "count" | "money":
            return number >= 0
        case _ as unreachable:
            assert_never(unreachable)


def _expected(unit: Unit) -> str:
    match unit:
        case "share":
            return "a share between 0 and 1 (62 % is 0.62 or 62%)"
        case "nps":
            return "an NPS between -100 and 100"
        case "days" | "tickets" | "count" | "money":
            return "a number of at least 0"
        case _ as unreachable:
            assert_never(unreachable)


def shown(figure: float, unit: Unit) -> str:
    """A figure as a person reads it."""
    match unit:
        case "share":
            return f"{figure * _PERCENT:.4g} %"
        case "nps" | "count":
            return f"{figure:,.6g}"
        case "days" | "tickets":
            return f"{figure:.4g} {unit}"
        case "money":
            return f"${figure:,.0f}" if figure == round(figure) else f"${figure:,.2f}"
        case _ as unreachable:
            assert_never(unreachable)
