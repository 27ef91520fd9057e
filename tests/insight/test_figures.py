"""Figures that people give: by file or by option, each in its unit; what is none is refused."""

import pytest

from orchestrator.insight.figures import FigureError, figures_from, figures_of, shown, units
from orchestrator.insight.tables import Benchmarks, TableError


def test_a_share_may_be_written_in_percent(tables: Benchmarks) -> None:
    """62%, 62 % and 0.62 are the same, in a file and as an option."""
    known = units(tables.programme, tables.audit)
    text = "activation: 62%\nretention_30d: 62 %\nsetup_completion: 0.62\nnps_day_14: -12\nusers: 400\n"
    written = figures_from(text, "figures.yaml", known)
    assert list(written.values()) == [0.62, 0.62, 0.62, -12, 400]
    assert figures_of(["activation=62%", "time_to_value = 4.2"], known) == {"activation": 0.62, "time_to_value": 4.2}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "activaton: 1",
            "f.yaml:1:12 activaton: there is no figure `activaton` (did you mean `activation`?); there are",
        ),
        ("activation: 62", "f.yaml:1:13 activation: activation: expected a share between 0 and 1"),
        ("activation: true", "expected a share between 0 and 1 (62 % is 0.62 or 62%), got True"),
        ("activation: .nan", "expected a share"),
        ("nps_day_14: 101", "expected an NPS between -100 and 100, got 101"),
        ("time_to_value: -1", "expected a number of at least 0, got -1"),
        ("users: many", "expected a number of at least 0, got 'many'"),
        ("users: [1]", "expected a number of at least 0, got [1]"),
        ("- activation", "expected a name and a number in each line"),
        ("users: 1\nusers: 2", "the key `users` stands here twice"),
    ],
)
def test_a_wrong_figure_is_named_with_its_place(tables: Benchmarks, line: str, says: str) -> None:
    """File, line and path of each, and what was expected."""
    with pytest.raises(TableError) as caught:
        figures_from(line, "f.yaml", units(tables.programme, tables.audit))
    assert says in str(caught.value)


@pytest.mark.parametrize("option", ["activation", "activation=", "activation=inf", "speed=4"])
def test_a_wrong_option_is_refused(tables: Benchmarks, option: str) -> None:
    """An option is a known name, an equals sign and a finite number."""
    with pytest.raises(FigureError):
        figures_of([option], units(tables.programme, tables.audit))


def test_a_figure_is_shown_in_its_unit() -> None:
    """As a person would write it."""
    assert [shown(0.6849, "share"), shown(4.2, "days"), shown(2.1, "tickets"), shown(-12, "nps")] == [
        "68.49 %", "4.2 days", "2.1 tickets", "-12",
    ]  # fmt: skip
    assert [shown(20000, "money"), shown(12.5, "money"), shown(1500, "count")] == ["$20,000", "$12.50", "1,500"]
