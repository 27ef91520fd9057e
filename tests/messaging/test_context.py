import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.messaging.context import (
    CONTEXT,
    LONGEST_BLOCK,
    LONGEST_TEXT,
    clean,
    context_names,
    is_link,
    plain_text,
    sample_context,
    trial_contexts,
)


def test_every_name_is_always_there() -> None:
    """A cleaned context holds every name of the table, however empty the saved one is."""
    cleaned = clean({})
    assert {f"{group}.{key}" for group, keys in cleaned.items() for key in keys} == {name.path for name in CONTEXT}


def test_what_the_table_does_not_name_is_left_out() -> None:
    """Names that the table does not know never reach a template."""
    cleaned = clean({"account": {"name": "A", "secret": "x"}, "secret": {"y": 1}})
    assert "secret" not in cleaned
    assert "secret" not in cleaned["account"]


@pytest.mark.parametrize("odd", [None, "", " \n ", [], {}, True, math.nan, "\u202e\x00"])
def test_an_odd_value_counts_as_absent(odd: object) -> None:
    """A value that is empty or of the wrong kind counts as absent, wherever it stands."""
    odd_everywhere: dict[str, dict[str, object]] = {name.keys[0]: {} for name in CONTEXT} | {
        "figures": {"hours_saved": odd}
    }
    for name in CONTEXT:
        odd_everywhere[name.keys[0]][name.keys[1]] = odd
    assert all(value is None for group in clean(odd_everywhere).values() for value in group.values())


def test_a_group_that_is_no_group_counts_as_empty() -> None:
    """A saved group that is text or nothing at all counts as empty."""
    assert clean({"account": "x", "person": None, "figures": [1]})["account"]["name"] is None


@pytest.mark.parametrize(
    "written", ["2027-03-01", "2027-03-01T23:00:00Z", date(2027, 3, 1), datetime(2027, 3, 1, tzinfo=UTC)]
)
def test_a_date_is_read_as_json_keeps_it(written: object) -> None:
    """A date comes as a date or as ISO text, with or without a time."""
    assert clean({"account": {"renewal_date": written}})["account"]["renewal_date"] == date(2027, 3, 1)


def test_numbers_written_as_names_are_text() -> None:
    """A plan that is a number is printed as one."""
    assert clean({"account": {"plan": 3}})["account"]["plan"] == "3"


def test_figures_are_numbers_or_they_are_not_there() -> None:
    """Only finite numbers under a plain name are figures."""
    figures = {
        "ok": 3.5,
        "nan": math.nan,
        "inf": math.inf,
        "yes": True,
        "text": "3",
        "huge": 10**20,
        "no name": 1,
        "Up": 2,
    }
    assert clean({"figures": figures})["figures"] == {"ok": 3.5}


@given(st.text())
def test_text_becomes_one_bounded_visible_line(text: str) -> None:
    """Any text becomes one line of visible signs, at most as long as allowed, and stays so."""
    line = plain_text(text)
    assert len(line) <= LONGEST_TEXT
    assert not any(sign in line for sign in "\r\n\t\x00\u2028\u2029\u202e\u200b\ue000\ue001")
    assert plain_text(line) == line
    line.encode()


def test_a_megabyte_of_emoji_is_a_short_name() -> None:
    """A name of a megabyte is cut, and says so."""
    cut = plain_text("👩‍🚀" * 300_000)
    assert len(cut) <= LONGEST_TEXT
    assert cut.endswith("👩…")


@pytest.mark.parametrize(
    "link", ["https://x.example/a?b=c&d=%20#e", "http://x.example", "mailto:a@x.example?subject=b"]
)
def test_what_may_stand_in_a_mail_is_a_link(link: str) -> None:
    """Absolute http, https and mailto addresses are links."""
    assert is_link(link)


@pytest.mark.parametrize(
    "text",
    ["", "x.example", "javascript:alert(1)", "data:text/html,x", "https://x y", 'https://x"y', "https://x\n", "/a"],
)
def test_what_may_not_is_none(text: str) -> None:
    """Relative, scripted and broken addresses are not."""
    assert not is_link(text)


def test_the_sample_has_every_name() -> None:
    """Each name of the table has a sample value of its kind."""
    assert all(value is not None for group in clean(sample_context()).values() for value in group.values())


def test_the_trials_leave_out_each_optional_name() -> None:
    """Every optional name and figure is missing in some trial and alone in another."""
    cases = {case for case, _ in trial_contexts(["hours_saved"])}
    assert {"without figures.hours_saved", "with only figures.hours_saved", "without owner.name"} <= cases
    assert "without product.name" not in cases


def test_a_block_of_words_is_bounded_and_may_always_be_absent() -> None:
    """A block goes into a letter as one bounded line; one that the playbook does not have is absent, and no error."""
    found = clean({"copy": {"welcome": "One\nstep. " * 80, "blank": " ", "number": 3, 4: "four"}})["copy"]
    assert str(found["welcome"]).startswith("One step. One")
    assert len(str(found["welcome"])) == LONGEST_BLOCK
    assert (found["blank"], found["number"], found["other"]) == (None, None, None)
    assert "four" not in found.values()


def test_the_trials_leave_out_each_block() -> None:
    """Each block of words that a template reads is missing in some trial and alone in another."""
    trials = dict(trial_contexts(blocks=["welcome"]))
    assert trials["without copy.welcome"]["copy"] == {}
    assert trials["with only copy.welcome"]["copy"] == trials["with every name there"]["copy"] != {}


def test_figures_are_known_by_name() -> None:
    """Templates may read the table, the figures as a whole, and the declared measures."""
    names = context_names(["hours_saved"])
    assert {"account.name", "figures", "figures.hours_saved"} <= names
    assert "figures.other" not in names
