"""``lifecycle metrics``: the board of a file of events, in memory; as tables and as JSON."""

import json
from pathlib import Path

import pytest

from orchestrator.runtime.cohort import read_cohort
from tests.cli.test_simulate import lifecycle
from tests.house.source import HOUSE

FEW = 40  # calls: enough for some accounts
BOARD = "playbook: board\nextends: [b2b-saas, layers/checkpoints]\n"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first that the products of the demonstration's companies say."""
    found = tmp_path_factory.mktemp("events") / "events.jsonl"
    cohort = read_cohort(HOUSE / "templates" / "demo" / "cohort.yaml")
    first = sorted(cohort.cues, key=lambda cue: cue.at)[:FEW]
    found.write_bytes(b"\n".join(cue.call for cue in first))
    return found


def test_the_board_of_a_month_is_shown(file: Path) -> None:
    """Each metric has its figure or is unknown; the tables name whom each counts, and the alerts that are on."""
    book = file.with_name("board.yaml")
    book.write_text(BOARD, encoding="utf-8")
    asked = ("metrics", "--events", str(file), "--playbook", str(book))
    rows = {row["metric"]: row for row in json.loads(lifecycle(*asked, "--json").stdout)}
    activation = rows["activation_7d"]
    assert activation["population"] > 0
    assert 0 <= activation["figure"] <= 1
    assert (activation["target"], activation["counts"]) == ("> 85%", "accounts whose seventh day has passed")
    assert activation["benchmark"] == 0.68
    assert (rows["renewal_90d"]["figure"], rows["renewal_90d"]["colour"]) == (None, "unknown")
    told = lifecycle(*asked).stdout.decode()
    assert "Onboarding" in told
    assert "unknown" in told
    assert "others: 7-day activation: 68% is where the top quartile begins" in told


def test_a_benchmark_that_no_table_knows_is_an_error(file: Path) -> None:
    """The board and the check name the line, and what may have been meant."""
    book = file.with_name("misspelt.yaml")
    book.write_text(f"{BOARD}metrics:\n  activation_7d: {{benchmark: activatoin}}\n", encoding="utf-8")
    for asked in (("metrics", "--events", str(file), "--playbook", str(book)), ("playbook", "check", str(book))):
        told = lifecycle(*asked, status=2)
        assert "misspelt.yaml:4:30" in (told.stdout + told.stderr).decode()


def test_a_playbook_without_promises_says_so(file: Path) -> None:
    """The board of a playbook without metrics is one sentence."""
    book = HOUSE / "templates" / "playbooks" / "b2b-saas.yaml"
    assert b"promises nothing" in lifecycle("metrics", "--events", str(file), "--playbook", str(book)).stdout
