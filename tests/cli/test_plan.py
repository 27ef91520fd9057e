"""``lifecycle plan`` and ``lifecycle audit``: what a person types and reads; nothing is started."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.cli.console import out
from orchestrator.cli.plan import AmountsError, NoAmountsError
from orchestrator.core.errors import LifecycleError


@pytest.fixture
def lifecycle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Lifecycle":
    """The command, on a data folder in which nothing runs."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    monkeypatch.setattr(out, "_width", 160)  # a table that is squeezed breaks its words
    return Lifecycle()


class Lifecycle:
    def __call__(self, *arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def fails(self, *arguments: str) -> BaseException | None:
        return CliRunner().invoke(app, list(arguments)).exception


def test_staffing_prints_both_methods_and_why_they_differ(lifecycle: Lifecycle) -> None:
    """Without options it is the source's example: 4 by Little's law, 2 by the source, and the scenario's 50 a month."""
    told = lifecycle("plan", "staffing")
    for line in (
        "50 starts a quarter, 8 weeks each, 10 to 12 active ones a specialist, 20 % on top",
        "specialists by littles_law: 4",
        "specialists by naive-staffing: 2",
        "30.8 onboardings run at any time (50 x 8 / 13)",
        "2 specialists bear 32.5 to 39 starts a quarter",
        "the source says 2 for 50 a quarter",
        "92 in progress, 8 to 10 specialists without a buffer",
        "up to about 200 customers",
    ):
        assert line in told


def test_staffing_can_be_asked_otherwise(lifecycle: Lifecycle) -> None:
    """By the month, by the naive method, and with the accounts of the CSMs."""
    options = ("--starts", "50", "--per", "month", "--weeks", "6", "--carries", "8", "15", "--buffer", "0")
    told = lifecycle("plan", "staffing", *options, "--method", "naive-staffing", "--high", "30", "--low", "100")
    assert "150 starts a quarter, 6 weeks each, 8 to 15" in told
    assert told.index("specialists by naive-staffing: 4 to 7") < told.index("specialists by littles_law: 5 to 9")
    assert "2 to 4 for 30" in told
    assert "2 to 3 for 100" in told
    assert "the source says" not in told


def test_cost_prints_each_stage_and_yours(lifecycle: Lifecycle) -> None:
    """The four stages with what a month costs; yours is marked, and its target is aimed at."""
    told = lifecycle("plan", "cost", "--users", "400", "--new-users", "80", "--unit-cost", "90", "--automation", "0.4")
    for line in (
        "$1,500 to $9,000",
        "Fast growth (you)",
        "$2,500 to $30,000",
        "$3,000 to $100,000",
        "$5,000 to $20,000",
    ):
        assert line in told
    assert "no return without --project" in told
    full = ("--new-users", "80", "--unit-cost", "90", "--automation", "0.4", "--target", "0.7", "--project", "20000")
    told = lifecycle("plan", "cost", *full)
    assert "80 new users x $90 x (70 % - 40 %) = $2,160" in told
    assert "(12 x $2,160 - $20,000) / $20,000 = 29.6 %" in told
    assert "return" not in lifecycle("plan", "cost")


def test_segments_are_cut_from_a_file(lifecycle: Lifecycle, tmp_path: Path) -> None:
    """A number a line becomes a preset; without a database and without a file it says what to give."""
    file = tmp_path / "amounts.txt"
    file.write_text("90000\n60000\n50000\n40000\n30000\n12000\n9000\n9000\n", encoding="utf-8")
    told = lifecycle("plan", "segments", "--amounts", str(file), "--trait", "acv")
    assert "enterprise: {where: {acv: [90000, null]}, touch: high, owner: csm}" in told
    assert "Mid-market: 2 accounts, 36.67 % of the revenue (planned 40 %)" in told
    file.write_text("much\n", encoding="utf-8")
    assert isinstance(lifecycle.fails("plan", "segments", "--amounts", str(file)), AmountsError)
    assert isinstance(lifecycle.fails("plan", "segments"), NoAmountsError)


def test_an_audit_takes_figures_from_a_file_and_from_options(lifecycle: Lifecycle, tmp_path: Path) -> None:
    """An option goes before the file, and each figure says where it comes from."""
    file = tmp_path / "figures.yaml"
    file.write_text("activation: 62%\ntime_to_value: 6\n", encoding="utf-8")
    told = lifecycle("audit", "--figures", str(file), "--figure", "time_to_value=4.2")
    assert "4.2 days is worth 70 of 100 (given)" in told
    assert f"62 % is worth 68.38 of 100 (from {file})" in told
    assert "5. Automation plan" in told
    assert isinstance(lifecycle.fails("audit", "--figure", "speed=1"), LifecycleError)
