"""``graded``: a metric of a book, by the code that grades it, is met, missed and an alert exactly where said."""

from orchestrator.core.metrics import Grade, Metric
from orchestrator.core.metrics import graded as grade_of
from tests.rules.register import Graded
from tests.rules.shelf import Shelf


def graded(shelf: Shelf, wanted: Graded) -> None:
    """Assert that each of the values is graded as the entry says; something has to be said."""
    metric = shelf.book(wanted.book).metrics[wanted.metric]
    assert wanted.met or wanted.missed or wanted.alert or wanted.quiet, "no value is named"
    for value in wanted.met:
        assert _grade(metric, float(value)) is Grade.MET, f"{metric.name} at {value}"
    for value in wanted.missed:
        assert _grade(metric, float(value)) is not Grade.MET, f"{metric.name} at {value}"
    for value in wanted.alert:
        assert _grade(metric, float(value)) is Grade.ALERT, f"{metric.name} at {value}"
    for value in wanted.quiet:
        assert _grade(metric, float(value)) is not Grade.ALERT, f"{metric.name} at {value}"


def _grade(metric: Metric, figure: float) -> Grade:
    return grade_of(metric, figure)
