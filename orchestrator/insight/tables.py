"""The benchmark tables of ``templates/benchmarks``: the figures of the domain that no playbook holds, read and checked.

Code holds no number of the domain: what a score, a cost, a tier or a head count is made of stands in these files, with
its source. Unknown keys are refused and nothing is guessed; an error names file, line and path, and what to write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.playbook import loader
from orchestrator.playbook.errors import PlaybookError, Problem, did_you_mean
from orchestrator.playbook.loader import Tree
from orchestrator.playbook.schema import note

FOLDER = "benchmarks"  # below the folder of templates
_WHOLE = 1  # what shares add up to
_HUNDRED = 100  # what weights add up to
_CLOSE = 1e-9  # nearer than this, two figures are equal


class TableError(PlaybookError):
    """A benchmark table cannot be used as it is written; mend each place that is named."""


Words = Annotated[str, Field(min_length=1, max_length=500)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Span = Annotated[list[Annotated[float, Field(ge=0)] | None], Field(min_length=2, max_length=2)]  # None: and more
Range = Annotated[list[Positive], Field(min_length=2, max_length=2)]
Point = Annotated[list[float], Field(min_length=2, max_length=2)]  # figure, points
Unit = Literal["days", "share", "tickets", "nps", "count", "money"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Dimension(_Table):
    """One part of the score of a programme."""

    label: Words
    assessed: Words  # what is assessed, in a clause
    unit: Unit
    weight: Annotated[float, Field(gt=0, le=100)]  # of 100
    curve: Annotated[list[Point], Field(min_length=2)]  # figure -> points of 100, by figure


class Band(_Table):
    """What scores from a bound on mean."""

    from_: Annotated[float, Field(ge=0, le=100)] = Field(alias="from")
    label: Words
    meaning: Words


class Benchmark(_Table):
    """How the industry does in one dimension."""

    figure: float
    is_: Words = Field(alias="is")  # the median, say


class Industry(_Table):
    """How the industry does."""

    year: int
    figures: dict[str, Benchmark]


class ProgrammeTable(_Table):
    """How a programme is scored."""

    dimensions: Annotated[dict[str, Dimension], Field(min_length=1)]
    coverage_floor: Annotated[float, Field(ge=0, le=100)]  # the weight that must be known, of 100
    bands: Annotated[list[Band], Field(min_length=1)]  # the best first
    industry: Industry


class CostStage(_Table):
    """What onboarding costs a company of some size."""

    label: Words
    users: Span  # from, to before
    new_users_per_month: Span
    cost_per_user: Range  # US dollars
    how: Words
    automation_target: Share


class Roi(_Table):
    """Over how long a return is counted."""

    months: Count


class CostTable(_Table):
    """Companies by size, the smallest first."""

    stages: Annotated[dict[str, CostStage], Field(min_length=1)]
    roi: Roi


class Worth(_Table):
    """How much of a task is covered when it is automated as far as it can be."""

    fully: Share
    partly: Share


class Task(_Table):
    """One task of an onboarding."""

    label: Words
    automate: Literal["fully", "partly"]
    agent: Words  # what the agent does
    plays: list[Words] = []  # a playbook with any of these does it


class AutomationTable(_Table):
    """What a machine can do."""

    worth: Worth
    tasks: Annotated[dict[str, Task], Field(min_length=1)]


class Tier(_Table):
    """Accounts that make up a share of the revenue."""

    segment: Words
    label: Words
    revenue_share: Share
    touch: Literal["high", "medium", "low", "tech"]
    owner: Words  # the role that its work goes to
    resources: list[Words]


class TierTable(_Table):
    """Tiers, the one that pays most first."""

    tiers: Annotated[list[Tier], Field(min_length=1)]


class Role(_Table):
    """Who does what."""

    label: Words
    carries: Words  # what the role's loads count
    owns: list[Words]
    leaves: list[Words]  # to others


class Load(_Table):
    """What one person of a role carries."""

    role: Words
    label: Words
    range: Range
    touches: list[Literal["high", "medium", "low", "tech"]] = []  # the touch models whose accounts are counted by it


class Generalist(_Table):
    """Until how many customers one person may do both."""

    customers: Count


class Example(_Table):
    """What is asked when nothing is said."""

    starts_per_quarter: Positive
    weeks: Positive  # that an onboarding takes
    carries: Range  # active implementations a specialist
    buffer: Annotated[float, Field(ge=0)]  # share on top


class Stated(_Table):
    """What the source says it takes."""

    starts_per_quarter: Positive
    specialists: Count


class Scenario(_Table):
    """The source's other figure."""

    starts_per_month: Positive


class StaffingTable(_Table):
    """What people carry, and by which method they are counted."""

    roles: dict[str, Role]
    loads: dict[str, Load]
    generalist: Generalist
    method: Literal["littles_law", "naive-staffing"]
    weeks_per_quarter: Positive
    months_per_quarter: Positive
    example: Example
    stated: list[Stated]
    scenario: Scenario


class Turn(_Table):
    """What is done again and again."""

    every: Literal["week", "month", "quarter", "year"]
    do: list[Words]
    improvements: Annotated[list[Count], Field(min_length=2, max_length=2)] | None = None  # how many: from, to


class Evidence(_Table):
    """How many stay, by the day on which they had their first workflow."""

    by_day: Count | None = None
    from_day: Count | None = None
    retention: Share


class ImprovementTable(_Table):
    """How an onboarding gets better."""

    inputs: list[Words]
    loop: list[Turn]
    evidence: list[Evidence]
    redesign_points: float  # of retention


class Further(_Table):
    """A figure that tells of a stage and is no part of the score."""

    label: Words
    assessed: Words
    unit: Unit
    goal: float


class AuditStage(_Table):
    """A stage of an onboarding, and the figures that tell of it."""

    label: Words
    figures: list[Words]


class RoadmapStep(_Table):
    """What is done from one day to another, both included."""

    days: Annotated[list[Count], Field(min_length=2, max_length=2)]
    do: Literal["quick", "first", "second", "third"]


class Roadmap(_Table):
    """What is done when, from day 1 on."""

    days: Count
    steps: Annotated[list[RoadmapStep], Field(min_length=1)]


class Improvement(_Table):
    """What can be done about a dimension."""

    this_week: Words
    lasting: Words
    measure: Words  # how its figure is found


class AuditTable(_Table):
    """What an audit says beside the score."""

    further: dict[str, Further]
    stages: dict[str, AuditStage]
    quick_improvements: Count
    roadmap: Roadmap
    improvements: dict[str, Improvement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmarks:
    """All tables."""

    programme: ProgrammeTable
    costs: CostTable
    automation: AutomationTable
    tiers: TierTable
    staffing: StaffingTable
    improvement: ImprovementTable
    audit: AuditTable


Shape = TypeVar("Shape", bound=_Table)
Checked = TypeVar("Checked", bound=BaseModel)


def read_benchmarks(templates: Path) -> Benchmarks:
    """The tables of a folder of templates.

    Raises:
        TableError: one is missing or not in order; every problem is named with its place.
    """
    folder = templates / FOLDER
    return benchmarks_from({path.name: _text(path) for path in sorted(folder.glob("*.yaml"))}, str(folder))


def benchmarks_from(texts: Mapping[str, str], folder: str = FOLDER) -> Benchmarks:
    """The tables of some texts by file name (``costs.yaml``); raises as ``read_benchmarks`` does."""
    problems: list[Problem] = []

    def table(name: str, shape: type[Shape], check: Callable[[Shape, Tree], None]) -> Shape | None:
        try:
            return checked_table(texts.get(name), f"{folder}/{name}", shape, check)
        except TableError as error:
            problems.extend(error.problems)
            return None

    programme = table("programme.yaml", ProgrammeTable, _check_programme)
    costs = table("costs.yaml", CostTable, _check_costs)
    automation = table("automation.yaml", AutomationTable, _unchecked)
    tiers = table("tiers.yaml", TierTable, _check_tiers)
    staffing = table("staffing.yaml", StaffingTable, _check_staffing)
    improvement = table("improvement.yaml", ImprovementTable, _unchecked)
    names = frozenset(programme.dimensions) if programme else None
    audit = table("audit.yaml", AuditTable, lambda shape, tree: _check_audit(shape, tree, names))
    if not (programme and costs and automation and tiers and staffing and improvement and audit):
        raise TableError(problems)
    return Benchmarks(
        programme=programme,
        costs=costs,
        automation=automation,
        tiers=tiers,
        staffing=staffing,
        improvement=improvement,
        audit=audit,
    )


def checked_table(text: str | None, file: str, shape: type[Checked], check: Callable[[Checked, Tree], None]) -> Checked:
    """The table of a text in a shape; ``check`` refuses in the tree what the shape alone cannot see.

    Raises:
        TableError: the text is missing (None) or not in order.
    """
    if text is None:
        message = "the table is missing: copy it from the templates that come with the program"
        raise TableError([Problem(file=file, line=1, column=1, path="", message=message)])
    tree = loader.read(text, file, "table")
    found = None if tree.problems else _validated(tree, shape)
    if found is not None:
        check(found, tree)
    if found is None or tree.problems:
        raise TableError(tree.problems)
    return found


def _validated(tree: Tree, shape: type[Checked]) -> Checked | None:
    try:
        return shape.model_validate(tree.data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            note(detail, tree, shape)
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the file cannot be read: {getattr(error, 'strerror', None) or 'it is no UTF-8'}"
        raise TableError([Problem(file=str(path), line=1, column=1, path="", message=message)]) from error


def _unchecked(_: BaseModel, __: Tree) -> None:
    """The shape alone says all."""


def _check_programme(table: ProgrammeTable, tree: Tree) -> None:
    total = sum(dimension.weight for dimension in table.dimensions.values())
    if abs(total - _HUNDRED) > _CLOSE:
        tree.refuse(("dimensions",), f"the weights must add up to 100, and they add up to {total:g}", key=True)
    for name, dimension in table.dimensions.items():
        figures = [figure for figure, _ in dimension.curve]
        if any(after <= before for before, after in pairwise(figures)):
            tree.refuse(("dimensions", name, "curve"), "the figures of a curve must rise from point to point")
        if any(not 0 <= points <= _HUNDRED for _, points in dimension.curve):
            tree.refuse(("dimensions", name, "curve"), "points go from 0 to 100")
    bounds = [band.from_ for band in table.bands]
    if bounds[-1] != 0 or any(after >= before for before, after in pairwise(bounds)):
        tree.refuse(("bands",), "write the best band first, each bound below the one before, the last from 0")
    for name in table.industry.figures:
        _known(name, table.dimensions, "dimension", tree, ("industry", "figures", name))


def _check_costs(table: CostTable, tree: Tree) -> None:
    ends: float | None = 0
    for name, stage in table.stages.items():
        low, high = stage.users
        if low is None or low != ends or (high is not None and high <= low):
            message = (
                "the ranges of users must begin at 0 and follow each other without a gap, the last one open (null)"
            )
            tree.refuse(("stages", name, "users"), message)
            return
        ends = high
        for key, (least, most) in (
            ("cost_per_user", stage.cost_per_user),
            ("new_users_per_month", stage.new_users_per_month),
        ):
            if least is None or (most is not None and most < least):
                tree.refuse(("stages", name, key), "expected the lower figure first")
    if ends is not None:
        tree.refuse(("stages",), "the last stage must be open: users: [from, null]", key=True)


def _check_tiers(table: TierTable, tree: Tree) -> None:
    total = sum(tier.revenue_share for tier in table.tiers)
    if abs(total - _WHOLE) > _CLOSE:
        tree.refuse(("tiers",), f"the shares of revenue must add up to 1, and they add up to {total:g}", key=True)


def _check_staffing(table: StaffingTable, tree: Tree) -> None:
    for name, load in table.loads.items():
        _known(load.role, table.roles, "role", tree, ("loads", name, "role"))
        _ordered(load.range, tree, ("loads", name, "range"))
    _ordered(table.example.carries, tree, ("example", "carries"))


def _check_audit(table: AuditTable, tree: Tree, dimensions: frozenset[str] | None) -> None:
    begins = 1
    for number, step in enumerate(table.roadmap.steps):
        first, last = step.days
        if first != begins or last < first:
            message = f"the steps must follow each other day by day: this one begins on day {begins}"
            tree.refuse(("roadmap", "steps", number, "days"), message)
        begins = last + 1
    if begins != table.roadmap.days + 1:
        message = f"the steps end on day {begins - 1}, the roadmap on day {table.roadmap.days}"
        tree.refuse(("roadmap", "days"), message)
    if dimensions is None:
        return
    known = dimensions | frozenset(table.further)
    for stage, shape in table.stages.items():
        for number, name in enumerate(shape.figures):
            _known(name, known, "figure", tree, ("stages", stage, "figures", number))
    for name in sorted(dimensions - frozenset(table.improvements)):
        tree.refuse(("improvements",), f"what can be done about the dimension `{name}` is missing", key=True)
    for name in table.improvements:
        _known(name, dimensions, "dimension", tree, ("improvements", name))


def _ordered(range_: list[float], tree: Tree, path: loader.Path) -> None:
    if range_[1] < range_[0]:
        tree.refuse(path, "expected the lower figure first")


def _known(name: str, known: Mapping[str, object] | frozenset[str], what: str, tree: Tree, path: loader.Path) -> None:
    if name not in known:
        tree.refuse(path, f"there is no {what} `{name}`{did_you_mean(name, known)}")
