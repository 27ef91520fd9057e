"""What others reach, beside a board's figures: a metric's ``benchmark`` names a dimension of the programme's table."""

from collections.abc import Mapping
from pathlib import Path

from orchestrator.core.playbook import Playbook
from orchestrator.insight.tables import FOLDER, Benchmark, ProgrammeTable, read_benchmarks
from orchestrator.playbook.errors import PlaybookError, did_you_mean
from orchestrator.playbook.source import PlaybookSource


def programme_at_hand(templates: Path) -> ProgrammeTable | None:
    """The programme's table of a folder of templates; None where the folder has no tables at all.

    Raises:
        TableError: there are tables, and one is missing or not in order.
    """
    return read_benchmarks(templates).programme if (templates / FOLDER).is_dir() else None


def industry(playbook: Playbook, table: ProgrammeTable | None) -> dict[str, Benchmark]:
    """How the industry does, by metric; of a metric without a benchmark, or of which no figure is known, nothing."""
    known: Mapping[str, Benchmark] = {} if table is None else table.industry.figures
    return {
        name: known[metric.benchmark]
        for name, metric in playbook.metrics.items()
        if metric.benchmark is not None and metric.benchmark in known
    }


def refuse_unknown(playbook: Playbook, source: PlaybookSource, table: ProgrammeTable | None) -> None:
    """Let no benchmark pass that the table has no dimension for; without a table nobody can say.

    Raises:
        PlaybookError: each such benchmark with its place, and what may have been meant.
    """
    known = frozenset[str]() if table is None else frozenset(table.dimensions)
    named = {name: metric.benchmark for name, metric in playbook.metrics.items() if metric.benchmark is not None}
    unknown = {name: benchmark for name, benchmark in named.items() if benchmark not in known}
    if table is None or not unknown:
        return
    tree = source.tree()
    for name, benchmark in unknown.items():
        told = f"there is no benchmark `{benchmark}` in {FOLDER}/programme.yaml{did_you_mean(benchmark, known)}"
        tree.refuse(("metrics", name, "benchmark"), told)
    raise PlaybookError(tree.problems)
