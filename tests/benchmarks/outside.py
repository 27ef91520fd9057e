"""Subjects that others made and that need the extra ``bench``: each a process of its own, which imports them alone.

Such a process puts the events where they wait, says "ready", begins on a line from us, says "done" and waits again.
"""

import time
from collections.abc import Sequence
from importlib.util import find_spec

from tests.benchmarks.stage import PATIENCE_SECONDS, Stage
from tests.benchmarks.subject import Run, difference, process
from tests.benchmarks.workload import Call

TEMPORAL, DBOS = "Temporal, a workflow an account, a signal an event", "DBOS, a workflow an event"
MODULES = {TEMPORAL: "tests.benchmarks.of_temporal", DBOS: "tests.benchmarks.of_dbos"}
NEEDED = {TEMPORAL: "temporalio", DBOS: "dbos"}
LACKS = {
    TEMPORAL: (
        "Temporal: its development server keeps its state in memory, so a killed server loses all; signals wait on the "
        "server before the clock starts; the workflow only counts (no rules, no rows in PostgreSQL)."
    ),
    DBOS: (
        "DBOS: the workflow inserts the event and counts it in the account's row, in one transaction; no rules, "
        "no order of an account's events; its queue is filled before the clock starts."
    ),
}
NOT_INSTALLED = "not installed: make bench"


def missing(subject: str) -> bool:
    """Whether what it needs is not installed."""
    return find_spec(NEEDED[subject]) is None


def taken_outside(stage: Stage, subject: str, calls: Sequence[Call]) -> Run:
    """Give it the events, let it begin, and stop the clock when it says that it is done."""
    home = stage.installation.settings.home
    path, log = home / "calls.jsonl", home / f"{NEEDED[subject]}.log"
    path.write_bytes(b"".join(call.body + b"\n" for call in calls))
    with process(("-m", MODULES[subject], str(path)), stage.environment(), log, answers=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n", f"{subject} did not start: {log.read_text()[-3000:]}"
        before, began = stage.burned(running.pid), time.monotonic()
        running.stdin.write(b"go\n")
        running.stdin.flush()
        assert running.stdout.readline() == b"done\n", f"{subject} did not finish: {log.read_text()[-3000:]}"
        seconds, after = time.monotonic() - began, stage.burned(running.pid)
        running.stdin.write(b"end\n")  # by itself, with what it has started
        running.stdin.flush()
        running.wait(PATIENCE_SECONDS)
    return Run(events=len(calls), seconds=seconds, burned=difference(after, before))
