"""Every number of the rules is accounted for: it has a home, or a reason why not."""

import pytest

from tests.rules.register import register
from tests.rules.shelf import Shelf
from tests.rules.table import missing
from tests.rules.tokens import tokens

# The sections that are done; the names are those of `python -m tests.rules --missing`.
COMPLETE = [
    "head",
    "1.0",
    "1.0.1",
    "1.0.2",
    "1.0.4",
    "1.0.5",
    "1.0.6",
    "1.0.7",
    "1.9",
    "1.1",
    "1.2 Automation workflow examples",
    "1.0.8",
    "1.0.9",
    "1.2",
    "1.2 Pillar 1 - define success",
    "1.2 Roles and capacity",
    "1.2 Improvement loop",
    "1.4",
    "1.4 Transitions",
    "1.4 Indicator board",
    "1.4 Alerts",
    "1.2 Pillar 2 - segmentation factors",
    "1.2 Pillar 4 - timelines",
    "1.2 Content hierarchy",
    "1.2 Handoffs",
    "1.3",
    "1.4 Onboarding",
    "1.4 Growth",
    "1.4 Maturity",
    "1.4 Expansion",
    "1.4 Resources named per step",
]


@pytest.mark.parametrize("section", COMPLETE)
def test_no_number_of_a_section_is_forgotten(section: str, shelf: Shelf) -> None:
    """Each number token of the section is covered by an entry of the register."""
    assert section in {each.section for each in tokens()}
    found = missing(register().entries, shelf.templates).get(section, [])
    assert not found, "\n" + "\n".join(found)
