import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.benchmarks.__main__ import CEILING, OURS, PER_EVENT, QUICK
from tests.benchmarks.subject import HOUSE


@pytest.mark.acceptance
@pytest.mark.timeout(240)
def test_the_benchmark_runs_and_reports(tmp_path: Path) -> None:
    """`make bench`, on a toy scale, compares all subjects on both workloads and writes figures; no time is judged."""
    arguments = ("-m", "tests.benchmarks", "--quick", "--folder", str(tmp_path / "bench"))
    done = subprocess.run([sys.executable, *arguments], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    figures = {figure["name"]: figure for figure in orjson.loads((tmp_path / "bench" / "latest.json").read_bytes())}
    for population in QUICK.populations:
        assert figures[f"{population.name}: {CEILING}"]["value"] > 0
        assert figures[f"{population.name}: {OURS}"]["beside"] == f"{population.name}: {CEILING}"
        assert figures[f"{population.name}: {PER_EVENT}"]["ratio"] > 0
    assert figures["advance, watched event"]["unit"] == "µs"
