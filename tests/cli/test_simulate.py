"""``lifecycle simulate`` and ``lifecycle playbook test``: nothing is started, and two runs print the same bytes."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from orchestrator.runtime.cohort import read_cohort

HOUSE = Path(__file__).resolve().parents[2]
SCENARIOS = HOUSE / "tests" / "scenarios" / "b2b-saas"
KINDS = {"decision", "postponement", "message", "escalation", "withdrawal", "stage", "note"}
FAILING = """
scenario: Nobody is greeted
anchor: 2026-03-02 10:00
until: day 0
never: [day_0_welcome]
"""


def lifecycle(*arguments: str, seed: str = "0", status: int = 0) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", *arguments],
        cwd=HOUSE,
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the products of the demonstration's companies say in their first month, as a file."""
    file = tmp_path_factory.mktemp("events") / "events.jsonl"
    cohort = read_cohort(HOUSE / "templates" / "demo" / "cohort.yaml")
    file.write_bytes(b"\n".join(cue.call for cue in cohort.cues))
    return file


@pytest.fixture(scope="module")
def rows(events: Path) -> list[dict[str, object]]:
    told = lifecycle("simulate", "--events", str(events), "--jsonl").stdout
    return [orjson.loads(line) for line in told.splitlines()]


def test_two_runs_print_the_same_bytes(events: Path) -> None:
    """Under different hash seeds the lines are equal to the byte, as JSON and as a table."""
    for form in (["--jsonl"], []):
        first, second = (lifecycle("simulate", "--events", str(events), *form, seed=seed) for seed in ("1", "2"))
        assert first.stdout
        assert first.stdout == second.stdout


def test_every_kind_is_a_line_and_time_goes_forward(rows: list[dict[str, object]]) -> None:
    """Lines are sorted by time, then account; of a month of events no kind is missing."""
    lines = [(datetime.fromisoformat(str(row["at"])), row["account"]) for row in rows]
    assert lines == sorted(lines)
    assert {row["kind"] for row in rows} == KINDS


def test_a_decision_tells_its_clauses(rows: list[dict[str, object]]) -> None:
    """A line of a decision has its outcome, reason, trigger, and each clause with what it read."""
    decision = next(row for row in rows if row["kind"] == "decision" and row["clauses"])
    assert {"play", "episode", "outcome", "reason", "due_at", "trigger", "clauses"} <= decision.keys()
    clauses = decision["clauses"]
    assert isinstance(clauses, list)
    assert clauses[0].keys() == {"text", "value", "verdict", "decisive"}


def test_until_ends_it(rows: list[dict[str, object]], events: Path) -> None:
    """With ``--until`` the lines are the first ones of the longer run; what is no instant is refused."""
    until = str(rows[len(rows) // 2]["at"])
    told = lifecycle("simulate", "--events", str(events), "--jsonl", "--until", until).stdout
    assert [orjson.loads(line) for line in told.splitlines()] == [row for row in rows if str(row["at"]) <= until]
    assert b"--until" in lifecycle("simulate", "--events", str(events), "--until", "soon", status=2).stderr


def test_the_table_is_read_by_people(rows: list[dict[str, object]], events: Path) -> None:
    """Without ``--jsonl`` each happening is a line with time, account, verb and subject; the last counts."""
    lines = lifecycle("simulate", "--events", str(events)).stdout.decode().splitlines()
    assert any("  sent       day_0_welcome to " in line for line in lines)
    assert lines[-1].startswith(f"{len(rows)} happenings of ")


def test_what_cannot_be_simulated_is_told_apart(tmp_path: Path) -> None:
    """Calls that cannot be read, and calls of people whom no call links, are counted on the error stream."""
    file = tmp_path / "calls.jsonl"
    file.write_text(
        '{"type": "track", "messageId": "1", "userId": "u", "event": "Seen", "timestamp": "2026-03-02T09:00:00Z"}\n'
        "poison\n"
    )
    told = lifecycle("simulate", "--events", str(file), "--jsonl")
    assert told.stdout == b""
    assert told.stderr.decode().splitlines() == [
        "1 calls could not be read",
        "1 calls are of persons whose account no call names",
    ]


def test_the_scenarios_pass_on_the_command_line() -> None:
    """``playbook test`` tells a line a scenario, and the count."""
    lines = lifecycle("playbook", "test", str(SCENARIOS)).stdout.decode().splitlines()
    assert lines[0].startswith("✓ ")
    assert lines[-1].startswith(f"{len(lines) - 1} passed, 0 failed; playbook b2b-saas ")


def test_a_scenario_that_fails_is_told_and_ends_with_status_1(tmp_path: Path) -> None:
    """The story of the first difference is printed, and the exit status is 1."""
    (tmp_path / "greeting.yaml").write_text(FAILING)
    told = lifecycle("playbook", "test", str(tmp_path), status=1).stdout.decode()
    assert "    expected  never day_0_welcome sent\n" in told
    assert "0 passed, 1 failed; playbook b2b-saas " in told


def test_another_playbook_may_be_tried(tmp_path: Path) -> None:
    """``--playbook`` tries the file that it names: with the welcome in shadow mode nobody is greeted."""
    shipped = (HOUSE / "templates" / "playbooks" / "b2b-saas.yaml").read_text(encoding="utf-8")
    (tmp_path / "shadow.yaml").write_text(shipped.replace("mode: live", "mode: shadow"))
    (tmp_path / "greeting.yaml").write_text(FAILING)
    told = lifecycle("playbook", "test", str(tmp_path / "greeting.yaml"), "--playbook", str(tmp_path / "shadow.yaml"))
    assert "1 passed, 0 failed" in told.stdout.decode()


def test_scenarios_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    """The problems of all files are told together, with status 2; a folder without scenarios is refused too."""
    assert b"no scenario here" in lifecycle("playbook", "test", str(tmp_path), status=2).stderr
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(FAILING.replace("day_0_welcome", "day_0_welcom"))
    told = lifecycle("playbook", "test", str(tmp_path), status=2).stderr.decode()
    assert told.count("unknown play `day_0_welcom` (did you mean `day_0_welcome`?)") == 2
