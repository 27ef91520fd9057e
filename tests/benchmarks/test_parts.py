"""The benchmark of ``advance`` by parts, on a toy scale: it runs, and what it tells adds up; no time is judged."""

import pytest

from orchestrator.core.lifecycle import _Moving, absorb
from orchestrator.core.playbook import Playbook
from orchestrator.playbook import compile_playbook, read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from tests.benchmarks.__main__ import EVERYTHING
from tests.benchmarks.lives import past, relived
from tests.benchmarks.parts import PARTS, StopWatch, parts_of_advance, watched


def test_the_parts_add_up_to_the_whole(lifecycle_playbook: Playbook) -> None:
    """Every part of a call has a figure, and together they are the call's."""
    figures = {figure.name: figure.value for figure in parts_of_advance(lifecycle_playbook, lives=2, rounds=1)}
    call = "advance, one call in a life"
    parts = {name.removeprefix(f"{call}: "): value for name, value in figures.items() if name.startswith(f"{call}: ")}
    assert parts.keys() == {*(part for part, _, _ in PARTS), "all else"}
    assert all(value > 0 for value in parts.values())
    assert sum(parts.values()) == pytest.approx(figures[call])


def test_a_stop_watch_leaves_out_what_another_part_took() -> None:
    """The time of a part is without that of the parts that it calls, and nothing is counted twice."""
    watch = StopWatch()
    inner = watch.timed("inner", lambda: sum(range(20_000)))
    watch.timed("outer", lambda: [inner() for _ in range(3)])()
    assert watch.spent["inner"] > watch.spent["outer"] > 0
    assert watch.inner == sum(watch.spent.values())


def test_nothing_is_changed_afterwards(lifecycle_playbook: Playbook) -> None:
    """A life on stop-watches is the same life, and the core is as it was."""
    before = _Moving.judge_first_due
    calls = relived(past(1), lifecycle_playbook)
    with watched(StopWatch()):
        assert relived(past(1), lifecycle_playbook) == calls
    assert _Moving.judge_first_due is before
    assert absorb.__module__ == "orchestrator.core.lifecycle"


def test_the_playbook_with_everything_is_one() -> None:
    """It compiles, and uses what costs time where it is used."""
    book = compile_playbook(read_source(EVERYTHING, template_texts(Settings.load().templates)))
    assert all((book.segmentation, book.onboarding, book.health, book.sampled, book.signals, book.watched))
    assert all((book.gaps, book.account_caps, book.holdout, book.judgements))
