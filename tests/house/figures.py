"""The lengths of the product's functions as figures; they are printed with `make test` and gate nothing."""

import statistics
from collections.abc import Iterator

from tests.house.source import lengths, modules

SHOWN = 5  # of the longest


def figures(found: list[tuple[int, str]]) -> Iterator[str]:
    """The lines to print for functions given as (lines, place)."""
    ranked = sorted(found)
    lines = [length for length, _ in ranked]
    middle, most = statistics.median(lines), lines[len(lines) * 9 // 10]
    yield f"{len(lines)} functions: median {middle:.0f} lines, p90 {most}, longest:"
    yield from (f"  {length:4d}  {place}" for length, place in reversed(ranked[-SHOWN:]))


if __name__ == "__main__":
    print(*figures([each for path in modules("orchestrator", "workers") for each in lengths(path)]), sep="\n")
