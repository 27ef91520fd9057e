"""The benchmark tables of a shelf, and the audit that rests on them."""

from orchestrator.insight.audit import audit, told
from orchestrator.insight.figures import Given
from orchestrator.insight.tables import FOLDER, Benchmarks, benchmarks_from
from tests.rules.shelf import Shelf


def tables(shelf: Shelf) -> Benchmarks:
    """All tables of a shelf; raises TableError where one is not in order."""
    texts = {path.removeprefix(f"{FOLDER}/"): text for path, text in shelf.templates.items() if path.startswith(FOLDER)}
    found = shelf.once("benchmarks", lambda: benchmarks_from(texts))
    assert isinstance(found, Benchmarks)
    return found


def audited(shelf: Shelf, **figures: float) -> str:
    """What an audit of these figures says."""
    given = {name: Given(value=value, source="given") for name, value in figures.items()}
    return "\n".join(told(audit(given, (), tables(shelf)), tables(shelf)))
