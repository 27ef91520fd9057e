"""What counts as a number of the rules."""

import pytest

from tests.rules.homes import one_more
from tests.rules.tokens import HEAD, Line, lines, same, tokens, tokens_of, written_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tickets per new user **2.1**.", ["2.1"]),
        ("| Scale | 1,000-10,000 | $15-50 |", ["1000", "10000", "15", "50"]),
        ("ACV **$50K+**, 25%, 10-50K, < $1K", ["50", "25", "10", "50", "1"]),
        ("W1-2: plan; D1/3/7; D-7..0; Day-14; D0..30", ["1", "2", "1", "3", "7", "7", "0", "14", "0", "30"]),
        ("00:15-00:45 last quarter; 1:1; 1:many", ["00:15", "00:45", "1:1", "1"]),
        ("[80,100], [60,80)", ["80", "100", "60", "80"]),
        ("(1) twice, 90-day, 24 h, 60 min, 3.2 hours.", ["1", "90", "24", "60", "3.2"]),
        ("R1, P5, L4, B2B, v1.0, 2FA and rules 1.0.4 say 7.", ["7"]),
        ("## 1.0 Source 000_59d140f5be47a8fc (zh), 002 and 48", ["48"]),
        ("### 1.0.7 Industry adaptations (10)", ["10"]),
    ],
)
def test_a_number_is_what_a_person_reads_as_one(text: str, found: list[str]) -> None:
    """Amounts, ranges, shares, clocks, weeks and days are numbers; names with digits are none."""
    assert [each.text for each in tokens_of(Line(number=1, text=text, section=HEAD))] == found


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ("48 business hours since signed_up", ["48"]),
        ("30d", ["30"]),
        ("[0d, 7d]", ["0", "7"]),
        ("core_action.week_ratio <= 0.7", ["0.7"]),
        ('"09:00"', ["09:00"]),
        ("day_30_value", []),
        ("nps.lowest < 6", ["6"]),
    ],
)
def test_the_numbers_of_a_value(value: str, numbers: list[str]) -> None:
    """A value's numbers are found with or without a unit, and never inside a name."""
    assert [each.group() for each in written_in(value)] == numbers


@pytest.mark.parametrize(
    ("number", "more"),
    [("48", "49"), ("0.85", "0.86"), ("0.9", "1.0"), ("09:00", "09:01"), ("23:59", "23:58"), ("1,000", "1,001")],
)
def test_one_more_is_written_alike(number: str, more: str) -> None:
    """An altered number keeps the way in which it is written."""
    assert one_more(number) == more


def test_a_rule_may_be_written_as_a_share_or_in_thousands() -> None:
    """25 % is 0.25 and $50K is 50000; 24 is neither."""
    assert same("25", "0.25")
    assert same("50", "50000")
    assert same("01:15", "75")
    assert not same("25", "24")


def test_each_section_has_its_own_name() -> None:
    """Sections are told apart by their headings, and each token stands in one."""
    order = [each.section for each in lines()]
    changes = [name for name, before in zip(order, [None, *order], strict=False) if name != before]
    assert len(changes) == len(set(changes))
    assert {"1.0.4", "1.2 Handoffs", "1.4 Transitions", "1.9"} <= {each.section for each in tokens()}
