"""A timeline on a shelf: the product's own rehearsal, begun on a Monday at ten in Berlin, under a book of the shelf."""

from orchestrator.core.events import Json
from orchestrator.testing import Rehearsal
from tests.rules.shelf import Shelf

MONDAY = "2026-03-02 10:00"  # day 0 of most timelines
ENTERPRISE = 150_000  # a year: an account with a human
SELF_SERVE = 1_200  # a year: one without


def life(shelf: Shelf, *presets: str, book: str = "b2b-saas", anchor: str = MONDAY, **traits: str | float) -> Rehearsal:
    """An account that signs up under a book with presets over it, with these traits."""
    said: dict[str, Json] = dict(traits)
    return Rehearsal(shelf.book(book, *presets), anchor=anchor, zone="Europe/Berlin", people=None, **said)
