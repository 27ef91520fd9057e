"""Every number of the rules is accounted for: it has a home, or a reason why not."""

from tests.rules.register import register
from tests.rules.shelf import Shelf
from tests.rules.table import missing


def test_no_number_of_the_rules_is_forgotten(shelf: Shelf) -> None:
    """Each number token of every section is covered by an entry of the register."""
    found = missing(register().entries, shelf.templates)
    assert not found, "\n".join(line for section in found.values() for line in section)
