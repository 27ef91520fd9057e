"""What others reach stands beside our own figure, and a key that no table knows is named with its place."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.conditions import ALWAYS
from orchestrator.core.metrics import Bound, Metric, Share, Side, Unit
from orchestrator.core.playbook import Playbook
from orchestrator.insight.board import board, documents, stated
from orchestrator.insight.comparison import industry, programme_at_hand, refuse_unknown
from orchestrator.insight.tables import Benchmarks
from orchestrator.playbook.errors import PlaybookError
from orchestrator.playbook.source import PlaybookSource
from tests.core.playbooks import PLAYBOOK
from tests.core.strategies import START
from tests.insight.conftest import TEMPLATES
from tests.rules.shelf import Shelf

SOURCE = PlaybookSource(file="ours.yaml", text="metrics:\n  m:\n    benchmark: activatoin\n", templates={})


def playbook(benchmark: str | None) -> Playbook:
    """One metric, compared with that."""
    bound = Bound(side=Side.ABOVE, limit=0.5)
    metric = Metric(
        name="m", label="M", group="g", population="all", measured=Share(of=ALWAYS), target=bound, benchmark=benchmark
    )
    return replace(PLAYBOOK, metrics={"m": metric})


def test_the_figure_of_others_is_a_value(tables: Benchmarks) -> None:
    """The industry's figure and what it is, for people and for programs."""
    book = playbook("activation")
    found = industry(book, tables.programme)
    assert stated(found["m"].figure, Unit.PERCENT) == "68%"
    (document,) = documents(board([], book, START), found)
    assert (document["benchmark"], document["benchmark_is"]) == (0.68, "where the top quartile begins")


@pytest.mark.parametrize("benchmark", [None, "setup_completion"])
def test_where_nothing_is_known_of_others_nothing_is_shown(benchmark: str | None, tables: Benchmarks) -> None:
    """No benchmark, or a dimension of which the industry's figure is not known, has no value."""
    book = playbook(benchmark)
    refuse_unknown(book, SOURCE, tables.programme)
    assert industry(book, tables.programme) == {}
    (document,) = documents(board([], book, START), {})
    assert (document["benchmark"], document["benchmark_is"]) == (None, None)


def test_an_unknown_benchmark_is_named_with_what_was_meant(tables: Benchmarks) -> None:
    """A misspelt key has its place, and the nearest dimension."""
    with pytest.raises(PlaybookError, match=r"ours\.yaml:3:16 metrics\.m\.benchmark: .*did you mean `activation`\?"):
        refuse_unknown(playbook("activatoin"), SOURCE, tables.programme)


def test_without_tables_nobody_can_say(tmp_path: Path) -> None:
    """A folder of templates without benchmark tables compares with nobody, and refuses nothing."""
    assert programme_at_hand(tmp_path) is None
    refuse_unknown(playbook("activatoin"), SOURCE, None)
    assert industry(playbook("activation"), None) == {}


def test_what_is_shipped_is_compared(shelf: Shelf) -> None:
    """Each benchmark of the shipped playbooks is a dimension, and the first month's are shown with a figure."""
    table = programme_at_hand(TEMPLATES)
    book = shelf.book("customer-lifecycle", "layers/programme")
    refuse_unknown(book, SOURCE, table)
    assert {"activation_7d", "days_to_value", "retention_30d"} <= industry(book, table).keys()
