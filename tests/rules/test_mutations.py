"""Each value is held where it lives: altered there, and only there, by one, the test that its entry names fails.

No process is started for it: the test is called, the scenario lived through, on a tree of templates in memory, and of
the altered playbook only the altered file is parsed again. 440 values take 72 seconds of CPU, so all of them are
part of ``make test``.
"""

from collections.abc import Callable

import pytest

from orchestrator.core.errors import LifecycleError
from tests.rules.homes import home_of
from tests.rules.proof import proof_of
from tests.rules.register import Entry, register
from tests.rules.shelf import Shelf, shipped

ENTRIES = [each for each in register().entries if each.home is not None]
# What counts as failing: the test says so, or the altered file is refused by whoever reads it.
FAILURES = (AssertionError, LifecycleError, ValueError, pytest.fail.Exception)


@pytest.mark.parametrize("entry", ENTRIES, ids=[each.rule for each in ENTRIES])
def test_the_named_test_fails_where_the_value_is_altered(entry: Entry) -> None:
    """What proves an entry passes on what is shipped, and fails where that one number is one more."""
    shelf, home, proof = shipped(), home_of(entry, shipped().templates), proof_of(entry)
    assert passes(entry.test or entry.rule, proof), entry.proof
    altered = shelf.with_altered(home.path, home.altered(shelf.templates))
    assert fails(proof, altered), f"{entry.proof} passes though {home.path}:{home.line} no longer says {home.number}"


_passed: dict[str, bool] = {}


def passes(name: str, proof: Callable[[Shelf], None]) -> bool:
    """Whether a proof passes on what is shipped; each is asked once."""
    if name not in _passed:
        proof(shipped())
        _passed[name] = True
    return _passed[name]


def fails(proof: Callable[[Shelf], None], altered: Shelf) -> bool:
    """Whether a proof fails, or what it reads is refused."""
    try:
        proof(altered)
    except FAILURES:
        return True
    return False
