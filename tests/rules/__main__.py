"""``python -m tests.rules`` writes the table of the rules; with ``--missing`` it lists the numbers without a home."""

import sys

from tests.rules.register import register
from tests.rules.shelf import TEMPLATES, shipped
from tests.rules.table import TABLE, missing, table


def main(arguments: list[str]) -> int:
    """Write the table, or list what is missing: all sections, or those that begin with a word."""
    found = register()
    if found.problems:
        print("\n".join(found.problems), file=sys.stderr)
        return 1
    if arguments[:1] == ["--missing"]:
        _list(arguments[1] if arguments[1:] else "")
    else:
        (TEMPLATES / TABLE).write_text(table(found, shipped().templates), encoding="utf-8")
    return 0


def _list(start: str) -> None:
    for section, places in missing(register().entries, shipped().templates).items():
        if section.startswith(start):
            print(f"{section}: {len(places)}", *places, sep="\n  ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
