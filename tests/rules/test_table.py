"""The table of the rules that is shipped is the one that the register makes."""

from tests.rules.register import register
from tests.rules.shelf import Shelf
from tests.rules.table import TABLE, table


def test_the_table_of_the_rules_is_up_to_date(shelf: Shelf) -> None:
    """templates/playbooks/RULES.md is what `python -m tests.rules` writes: each rule, its place and its test."""
    assert shelf.text(TABLE) == table(register(), shelf.templates), "run: .venv/bin/python -m tests.rules"


def test_each_rule_with_a_home_has_its_row(shelf: Shelf) -> None:
    """Each entry is one row: with file and line where it has a home, with a reason where it has none."""
    rows = [line for line in shelf.text(TABLE).splitlines() if line.startswith("| ")]
    assert len(rows) == len(register().entries) + 2
