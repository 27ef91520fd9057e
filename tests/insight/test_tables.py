"""Benchmark tables: what is wrong with one is told with file, line and path, and what to write."""

from pathlib import Path

import pytest

from orchestrator.insight.tables import FOLDER, TableError, benchmarks_from, read_benchmarks

HOUSE = Path(__file__).parents[2]
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in (HOUSE / "templates" / FOLDER).glob("*.yaml")}
CUSTOMER_LIFECYCLE = "\n".join(
    path.read_text(encoding="utf-8") for path in (HOUSE / "templates" / "playbooks").rglob("*.yaml")
)


def told(name: str, old: str, new: str) -> list[str]:
    """What is said when a piece of a table is written otherwise."""
    assert old in TEXTS[name], old
    with pytest.raises(TableError) as caught:
        benchmarks_from({**TEXTS, name: TEXTS[name].replace(old, new, 1)})
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("programme.yaml", "weight: 25", "weight: 26", "dimensions: the weights must add up to 100"),
        ("programme.yaml", "weight: 25", "weigth: 25", "unknown key `weigth` (did you mean `weight`?)"),
        ("programme.yaml", "[4.2, 70]", "[0, 70]", "the figures of a curve must rise from point to point"),
        ("programme.yaml", "[4.2, 70]", "[4.2, 170]", "points go from 0 to 100"),
        ("programme.yaml", "from: 60", "from: 85", "bands: write the best band first"),
        ("programme.yaml", "from: 0,", "from: 5,", "bands: write the best band first"),
        ("programme.yaml", "activation: {figure", "activating: {figure", "no dimension `activating` (did you mean"),
        ("costs.yaml", "[100, 1000]", "[200, 1000]", "must begin at 0 and follow each other without a gap"),
        ("costs.yaml", "[10000, null]", "[10000, 20000]", "the last stage must be open: users: [from, null]"),
        ("costs.yaml", "[150, 300]", "[300, 150]", "cost_per_user: expected the lower figure first"),
        ("costs.yaml", "0.95", "95", "expected a number of at most 1, got 95"),
        ("automation.yaml", "automate: fully", "automate: wholly", "expected fully or partly, got 'wholly'"),
        ("tiers.yaml", "0.20", "0.30", "tiers: the shares of revenue must add up to 1, and they add up to 1.1"),
        ("staffing.yaml", "[8, 12]", "[12, 8]", "expected the lower figure first"),
        ("staffing.yaml", "role: csm", "role: cms", "there is no role `cms` (did you mean `csm`?)"),
        ("improvement.yaml", "every: year", "every: decade", "expected week, month, quarter or year, got 'decade'"),
        ("audit.yaml", "[8, 14]", "[9, 14]", "steps[1].days: the steps must follow each other day by day"),
        ("audit.yaml", "days: 30", "days: 31", "roadmap.days: the steps end on day 30, the roadmap on day 31"),
        ("audit.yaml", "[team_growth]", "[team]", "there is no figure `team`"),
        ("audit.yaml", "  nps_day_14:\n    this", "  nps:\n    this", "about the dimension `nps_day_14` is missing"),
    ],
)  # fmt: skip
def test_each_mistake_is_named(name: str, old: str, new: str, says: str) -> None:
    """A mistake in a table is told with its file, its line and its path, and what was expected."""
    (first, *_) = [line for line in told(name, old, new) if says in line] or [""]
    assert first.startswith(f"{FOLDER}/{name}:"), told(name, old, new)


def test_all_problems_are_told_together(tmp_path: Path) -> None:
    """Mistakes in two tables are told at once, and a table that is missing says where to take it from."""
    texts = {**TEXTS, "costs.yaml": TEXTS["costs.yaml"].replace("0.95", "95")}
    del texts["tiers.yaml"]
    folder = tmp_path / FOLDER
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(TableError) as caught:
        read_benchmarks(tmp_path)
    assert [Path(problem.file).name for problem in caught.value.problems] == ["costs.yaml", "tiers.yaml"]
    assert "copy it from the templates that come with the program" in str(caught.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    """A table that is no UTF-8 is named."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "costs.yaml").write_bytes(b"\xff")
    with pytest.raises(TableError, match=r"costs\.yaml:1:1: the file cannot be read: it is no UTF-8"):
        read_benchmarks(tmp_path)


def test_each_play_that_does_a_task_is_one() -> None:
    """Every play that the table of automation counts on stands in a playbook that is shipped."""
    table = benchmarks_from(TEXTS).automation
    named = {play for task in table.tasks.values() for play in task.plays}
    assert not {play for play in named if f"  {play}:" not in CUSTOMER_LIFECYCLE}
