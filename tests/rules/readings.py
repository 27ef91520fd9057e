"""The programme as some accounts say it, under the tables and the layer of a shelf."""

from collections.abc import Sequence

from orchestrator.core.events import Event
from orchestrator.insight.figures import Given
from orchestrator.insight.readings import Measures, measured, measures
from orchestrator.playbook import PlaybookSource
from tests.playbook.lives import DAY, START, event, lived
from tests.rules.shelf import Shelf


def by(shelf: Shelf) -> Measures:
    """What measures the programme of b2b-saas."""
    text = shelf.text("playbooks/b2b-saas.yaml")
    source = PlaybookSource(file="b2b-saas.yaml", text=text, templates=shelf.templates)
    found = shelf.once("measures", lambda: measures(source, shelf.templates))
    assert isinstance(found, Measures)
    return found


def read(shelf: Shelf, day: float, *lives: Sequence[Event]) -> dict[str, Given]:
    """The figures on a day of accounts that signed up on day 0 and in which this happened."""
    ways = by(shelf)
    steps = [lived(ways.playbook, [event("Signed Up", 0), *each], day).steps[-1] for each in lives]
    return measured((step.account for step in steps), ways, START + day * DAY)
