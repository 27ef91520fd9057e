"""``lifecycle demo`` as people run it: the command, a data folder, and nothing else."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import yaml

from orchestrator.messaging.catcher import read_index
from orchestrator.runtime import servers
from orchestrator.runtime.settings import Settings

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "inputs" / "events" / "ravenstack_segment_sample.jsonl"
PATIENCE_SECONDS = 120
QUICK = ("a ticket on the first day",)  # fates of a small cohort


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder that the servers' user can enter; at the end its servers are stopped and it is removed."""
    parent = Path(tempfile.mkdtemp(prefix="lc-demo-", dir="/tmp"))
    parent.chmod(0o755)
    yield parent / "var"
    servers.stop(Settings.load(home=parent / "var" / "demo"))
    shutil.rmtree(parent)


def command(home: Path, *arguments: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    kept = {"PATH": os.environ["PATH"], "LIFECYCLE_HOME": str(home), "COLUMNS": "200", "PYTHONPATH": str(ROOT)}
    return [sys.executable, "-m", "orchestrator.cli", *arguments], kept | environment


def lifecycle(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    argv, variables = command(home, *arguments, **environment)
    return subprocess.run(argv, env=variables, cwd=ROOT, capture_output=True, text=True, check=False)


def small(folder: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> str:
    """A copy of the templates whose cohort is one company of each quick fate, with those fates changed."""
    shutil.copytree(ROOT / "templates", folder)
    path = folder / "demo" / "cohort.yaml"
    cohort = yaml.safe_load(path.read_text())
    cohort["fates"] = [fate for fate in cohort["fates"] if fate["fate"] in QUICK]
    for fate in cohort["fates"]:
        fate["companies"] = fate["companies"][:1]
        change(fate)
    path.write_text(yaml.safe_dump(cohort))
    return str(folder)


def until_mail(home: Path, running: subprocess.Popen[bytes]) -> None:
    """Return once the first mail has come."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not read_index(home / "demo" / "mail"):
        assert monotonic() < deadline, "no mail came"
        with suppress(subprocess.TimeoutExpired):
            running.wait(0.05)
        assert running.returncode is None, "the demonstration ended before any mail came"


def test_the_demonstration_passes_its_own_checks(home: Path) -> None:
    """The shipped cohort lives through 35 days; it ends by itself with 0, tells where to look, and ``why`` answers."""
    done = lifecycle(home, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All checks passed" in done.stdout
    caught = read_index(home / "demo" / "mail")
    assert len({each.message_id for each in caught}) == len(caught) > 200
    assert (home / "demo" / "mail" / "index.html").is_file()
    assert servers.running(Settings.load(home=home / "demo")) is None
    why = lifecycle(home / "demo", "account", "why", "northwind-paper", LIFECYCLE_CLOCK="held")
    assert why.returncode == 0, why.stderr
    assert "day_30_value done(due)" in why.stdout


def test_a_disappointed_expectation_fails_the_demonstration(home: Path, tmp_path: Path) -> None:
    """A touch too many, one too few, a wrong reason and a wrong stage are each told, and it exits with 1."""

    def sabotage(fate: dict[str, Any]) -> None:
        fate["expected"]["sent"].remove("day_7_feature")
        fate["expected"]["sent"].append("gone_quiet_mail")
        fate["expected"]["skipped"]["day_3_setup"] = "exited"
        fate["expected"]["stage"] = "churned"

    done = lifecycle(home, "demo", LIFECYCLE_TEMPLATES=small(tmp_path / "templates", sabotage))
    assert done.returncode == 1, done.stdout + done.stderr
    for told in (
        "day_7_feature arrived and was not expected",
        "gone_quiet_mail was expected and did not arrive",
        "day_3_setup was expected to be skipped (exited) and is not",
        "expected to be in churned at the end, is in growth",
    ):
        assert told in done.stdout
    assert "All checks passed" not in done.stdout


def test_a_run_clears_what_a_killed_one_left(home: Path, tmp_path: Path) -> None:
    """Killed in the middle, the demonstration leaves servers and mails; the next one starts clean and passes."""
    templates = small(tmp_path / "templates")
    argv, variables = command(home, "demo", LIFECYCLE_TEMPLATES=templates)
    with subprocess.Popen(argv, env=variables, cwd=ROOT, stdout=subprocess.DEVNULL) as first:
        until_mail(home, first)
        first.send_signal(signal.SIGKILL)
    done = lifecycle(home, "demo", LIFECYCLE_TEMPLATES=templates)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [each.received for each in read_index(home / "demo" / "mail")] == list(range(1, 8))


def test_somebody_elses_database_is_left_alone(home: Path, database_url: str) -> None:
    """A database that holds anything is refused before anything is written to it."""
    done = lifecycle(home, "demo", DATABASE_URL=database_url)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "touches nobody's data" in done.stderr


def test_an_empty_database_is_used(home: Path, tmp_path: Path, empty_database_url: str) -> None:
    """With DATABASE_URL the demonstration lives in that database, and starts no PostgreSQL of its own."""
    templates = small(tmp_path / "templates")
    done = lifecycle(home, "demo", DATABASE_URL=empty_database_url, LIFECYCLE_TEMPLATES=templates)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (home / "demo" / "postgres" / "data").exists()


def test_ctrl_c_stops_everything(home: Path, tmp_path: Path) -> None:
    """Interrupted in the middle, it ends with 130, and neither workers nor servers are left."""
    argv, variables = command(home, "demo", LIFECYCLE_TEMPLATES=small(tmp_path / "templates"))
    with subprocess.Popen(argv, env=variables, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as first:
        until_mail(home, first)
        first.send_signal(signal.SIGINT)
        assert first.wait(PATIENCE_SECONDS) == 130
    assert servers.running(Settings.load(home=home / "demo")) is None
    assert [path for path in Path("/proc").glob("[0-9]*") if str(home).encode() in environment_of(path)] == []


def environment_of(process: Path) -> bytes:
    """What a process was told, empty when it has gone."""
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def test_a_folder_of_somebody_elses_is_left_alone(home: Path) -> None:
    """A folder ``demo`` that no demonstration made is not emptied."""
    precious = home / "demo" / "precious.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    done = lifecycle(home, "demo")
    assert done.returncode == 2, done.stdout + done.stderr
    assert precious.read_text() == "mine"


def test_two_years_of_real_events_are_lived_through(home: Path) -> None:
    """The RavenStack sample: every line accounted for, no mail twice, and the decisions are the pure core's."""
    playbook = ROOT / "templates" / "playbooks" / "ravenstack.yaml"
    done = lifecycle(home, "demo", "--events", str(SAMPLE), "--playbook", str(playbook))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"728 events of 10 accounts .* 0 rejected, 0 waiting", " ".join(done.stdout.split()))
