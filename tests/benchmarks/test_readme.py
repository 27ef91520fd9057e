"""The README's table of speed is what the file of figures gives."""

import pytest

from tests.benchmarks.readme import BEGIN, END, README, written


def _figure(name: str, value: float, unit: str, **told: str | float) -> dict[str, str | float | None]:
    return {"name": name, "value": value, "unit": unit, "beside": None, "ratio": None, "goal": None, **told}


TOLD = {
    "machine": {"machine": "2 cores", "PostgreSQL": "fsync on"},
    "versions": {"python": "3.11.7"},
    "parts": {
        "drain": {
            "figures": [
                _figure("a: ours", 12_345.6, "events/s", beside="a: raw", ratio=0.5, goal=25_000),
                _figure("a: ours, its processes", 51.2, "µs/event"),
                _figure("a: ours, database and broker", 9, "µs/event"),
            ],
            "notes": ["Medians."],
        },
        "steps": {"figures": [], "notes": ["for developers"]},
    },
}


def test_the_table_holds_the_figures_as_measured() -> None:
    """Each figure stands with its unit, cost, goal and ratio; what stood between the marks before is gone."""
    text = written(f"before\n{BEGIN}\nold\n{END}\nafter", TOLD)
    assert "| a: ours | 12,346 events/s (51.2 + 9 µs of processor time) | 25,000 | 0.5 times raw |" in text
    assert text.startswith(f"before\n{BEGIN}\nMeasured on 2 cores, PostgreSQL fsync on; python 3.11.7.")
    assert text.endswith(f"* Medians.\n{END}\nafter")


def test_a_readme_without_its_place_is_refused() -> None:
    """The marks are needed, and README.md has them."""
    with pytest.raises(ValueError, match="lacks"):
        written("nothing", TOLD)
    assert written(README.read_text(encoding="utf-8"), TOLD)
