import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.draining import CEILING, OURS, PER_EVENT
from tests.benchmarks.report import read
from tests.benchmarks.scale import QUICK
from tests.benchmarks.subject import HOUSE


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' own user can reach, as pytest's is not."""
    with tempfile.TemporaryDirectory(prefix="lc-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.acceptance
@pytest.mark.timeout(600)
def test_the_benchmark_runs_and_reports(folder: Path) -> None:
    """`make bench`, on a toy scale, compares all subjects on both workloads and writes figures; no time is judged."""
    arguments = ("-m", "tests.benchmarks", "--quick", "--folder", str(folder / "bench"))
    done = subprocess.run([sys.executable, *arguments], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    told = read(folder / "bench" / "latest.json")
    figures = {figure["name"]: figure for figure in told["figures"]}
    assert told["machine"]["PostgreSQL"] == "fsync on"
    assert {"python", "PostgreSQL", "Valkey", "celery"} <= told["versions"].keys()
    for population in QUICK.populations:
        assert figures[f"{population.name}: {CEILING}"]["value"] > 0
        assert figures[f"{population.name}: {OURS}"]["beside"] == f"{population.name}: {CEILING}"
        assert figures[f"{population.name}: {PER_EVENT}"]["ratio"] > 0
    assert figures["advance, watched event"]["unit"] == "µs"
    assert figures["advance, one call in a life: judging"]["unit"] == "µs"
