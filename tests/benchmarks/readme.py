"""The README's table of speed, from the file of figures: no figure is typed. ``python -m tests.benchmarks.readme``.

What stands between the two marks in README.md is replaced; ``--check`` only says whether it is what the file of figures
gives (exit 1: it is not).
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.report import CLIENTS, COST, RATE, SERVERS, STEP, read
from tests.benchmarks.subject import HOUSE

BEGIN, END = "<!-- figures of make bench: begin -->", "<!-- figures of make bench: end -->"
LEFT_OUT = frozenset({"steps", "advance"})  # parts that are told to developers only
README = HOUSE / "README.md"


def table(told: Mapping[str, Any]) -> str:
    """The figures as Markdown, with the machine, the versions and what must be known of them."""
    lines = [_where(told), "", "| what | measured | goal | beside it |", "|---|---|---|---|"]
    notes = []
    for name, part in told["parts"].items():
        if name not in LEFT_OUT:
            lines += [_row(figure, part["figures"]) for figure in part["figures"] if figure["unit"] not in {COST, STEP}]
            notes += part["notes"]
    return "\n".join([*lines, "", *(f"* {note}" for note in dict.fromkeys(notes))])


def _where(told: Mapping[str, Any]) -> str:
    machine = ", ".join(f"{name} {value}" if name != "machine" else value for name, value in told["machine"].items())
    versions = ", ".join(f"{name} {value}" for name, value in told["versions"].items())
    return f"Measured on {machine}; {versions}."


def _row(figure: Mapping[str, Any], part: Sequence[Mapping[str, Any]]) -> str:
    goal = "" if figure["goal"] is None else _number(figure["goal"])
    cells = (figure["name"], f"{_number(figure['value'])} {figure['unit']}{_cost(figure, part)}", goal, _beside(figure))
    return f"| {' | '.join(cells)} |"


def _cost(figure: Mapping[str, Any], part: Sequence[Mapping[str, Any]]) -> str:
    """What an event burned, where that was looked at."""
    values = {each["name"]: each["value"] for each in part}
    burned = [values.get(figure["name"] + of) for of in (CLIENTS, SERVERS)]
    if figure["unit"] != RATE or None in burned:
        return ""
    ours, servers = (_number(each) for each in burned if each is not None)
    return f" ({ours} + {servers} µs of processor time)"


def _beside(figure: Mapping[str, Any]) -> str:
    return "" if figure["ratio"] is None else f"{figure['ratio']:.3g} times {figure['beside'].rpartition(': ')[2]}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def written(text: str, told: Mapping[str, Any]) -> str:
    """The README with the table in its place.

    Raises:
        ValueError: it has no such place.
    """
    before, _, rest = text.partition(BEGIN)
    if END not in rest:
        raise ValueError(f"{README.name} lacks {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table(told)}\n{END}{rest.partition(END)[2]}"


def main(arguments: Sequence[str]) -> None:
    """Write the table, or check it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.readme", description=__doc__)
    parser.add_argument("--figures", type=Path, default=HOUSE / "var" / "bench" / "latest.json")
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args(arguments)
    text = README.read_text(encoding="utf-8")
    new = written(text, read(asked.figures))
    if asked.check:
        sys.exit(new != text)
    README.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
