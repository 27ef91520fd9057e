"""Ages and the number of the first day: how a playbook counts time from its anchor, and what it may not say."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

from datetime import timedelta

import pytest

from orchestrator.core.conditions import value_of
from orchestrator.core.lifecycle import opened, view_of
from orchestrator.core.periods import Unit
from orchestrator.core.playbook import Cadence, EveryWeek, OnDay, OnDays
from orchestrator.core.timing import told as trigger_told
from orchestrator.playbook.graph import graph
from orchestrator.playbook.lint import lint
from orchestrator.playbook.source import PlaybookSource
from tests.playbook.lives import START, event, lived
from tests.playbook.small import TEMPLATES, bent, compiled, told

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
AGES = ("setup: [started]\n", "setup: [started]\nages: {welcome: 5m, setting_up: 3d, habit: 14d}\n")
HELLO = '    day: 1\n    at: "09:00"\n'
ONE = ("anchor: signed_up\n", "anchor: signed_up\nfirst_day: 1\n")


# -- ages --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passed", "age"),
    [
        (timedelta(0), "welcome"),
        (5 * MINUTE - timedelta(microseconds=1), "welcome"),
        (5 * MINUTE, "setting_up"),
        (3 * DAY - MINUTE, "setting_up"),
        (3 * DAY, "habit"),
        (14 * DAY, "over"),
    ],
)
def test_an_age_lasts_until_its_end(passed: timedelta, age: str) -> None:
    """Each goes on from the end of the one before it, and its own end belongs to the next."""
    book = compiled(bent(AGES))
    account = lived(book, [event("signed_up", 0)], 0).steps[-1].account
    assert book.ages is not None
    assert value_of(book.ages, view_of(account, START + passed, book)) == age


def test_without_an_anchor_the_age_is_unknown() -> None:
    """Nobody can say how old an account is that has not begun."""
    book = compiled(bent(AGES))
    assert book.ages is not None
    assert value_of(book.ages, view_of(opened("acme", START, book), START, book)) is None


def test_an_age_turns_to_the_instant() -> None:
    """A play that waits for an age comes due at the moment at which it begins, without anything happening."""
    book = compiled(
        bent(
            AGES,
            (HELLO, "    holds: age == 'habit'\n"),
            (
                "    email: day_0_welcome\n",
                "    escalate: {template: no_login, severity: low, category: scope, owner: csm, due: 4h}\n",
            ),
        )
    )
    assert lived(book, [event("signed_up", 0)], 20).when("hello") == [3.0]


def test_a_playbook_without_ages_may_call_anything_so() -> None:
    """The name is free."""
    assert compiled(bent(("    scored: [Scored]\n", "    scored: [Scored]\n    age: []\n"))).ages is None


WRONG_AGES = [
    ("ages: {welcome: 5m, setting_up: 5m}", "19:33 ages.setting_up: `setting_up` must end after it begins: an age goes on from the end of the one before it"),
    ("ages: {welcome: 0m}", "19:17 ages.welcome: `welcome` must end after it begins: an age goes on from the end of the one before it"),
    ("ages: {over: 5m}", "19:8 ages.over: `over` is what `age` says after the last one"),
    ("ages: {is: 5m}", "19:8 ages.is: `is` cannot be a name: use letters, digits and _, no word of the language"),
    ("ages: {}", "19:7 ages: expected at least 1 item, got keys with values"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "message"), WRONG_AGES)
def test_what_ages_may_not_say(said: str, message: str) -> None:
    """Each refusal names its place."""
    assert f"p.yaml:{message}" in told(bent(("setup: [started]\n", f"{said}\n")))


def test_an_age_is_one_of_those_that_are_declared() -> None:
    """A misspelt one is refused, and nothing else may be called `age`."""
    wrong = told(bent(AGES, ("    day: 1\n", "    day: 1\n    when: age == 'habits'\n")))
    assert wrong == [
        "p.yaml:35:18 plays.hello.when: `age` is never 'habits', only welcome, setting_up, habit, over (did you mean `habit`?)"
    ]
    both = told(bent(AGES, ("    scored: [Scored]\n", "    scored: [Scored]\n    age: []\n")))
    assert both == ["p.yaml:8:5 vocabulary.events.age: `age` is given by the ages already: a name is one thing only"]


# -- the number of the first day ---------------------------------------------------------------------------------------


def test_the_first_day_may_be_day_one() -> None:
    """Then day 1 is the anchor's own day: what comes due on it comes due where day 0 does otherwise."""
    zero, one = compiled(bent((HELLO, "    day: 0\n"))), compiled(bent(ONE, (HELLO, "    day: 1\n")))
    assert (zero.first_day, one.first_day) == (0, 1)
    assert zero.plays["hello"].trigger == one.plays["hello"].trigger == OnDay(day=0)


@pytest.mark.parametrize(
    ("trigger", "compiled_to", "sentence"),
    [
        ("day: 3", OnDay(day=2), "day 3, counting the anchor's own day as day 1"),
        ("day: [1, 7]", OnDays(days=(0, 6)), "days 1, 7, counting the anchor's own day as day 1"),
        ("every: week until day 30", EveryWeek(until_day=29), "every week until day 30"),
        ("every: week on monday until day 30", Cadence(unit=Unit.WEEK, on=0, until_day=29), "every week on monday until day 30"),
        ("every: week on monday", Cadence(unit=Unit.WEEK, on=0), "every week on monday"),
    ],
)  # fmt: skip
def test_days_are_counted_and_told_from_the_first(trigger: str, compiled_to: object, sentence: str) -> None:
    """Whatever counts days in a trigger counts them as the playbook says, and `why` tells it as it is written."""
    found = compiled(bent(ONE, (HELLO, f"    {trigger}\n"))).plays["hello"].trigger
    assert found == compiled_to
    assert trigger_told(found, 1) == sentence


def test_a_decision_tells_the_day_as_the_playbook_counts_it() -> None:
    """What `why` shows is the sentence of that playbook, and so is the day in the copy."""
    life = lived(compiled(bent(ONE, (HELLO, '    day: 5\n    at: "09:00"\n'))), [event("signed_up", 0)], 9)
    assert [each.trigger for each in life.decisions] == ["day 5, counting the anchor's own day as day 1"]
    assert [each.context["touch"] for each in life.messages] == [{"day": 5, "days": 4}]


def test_the_graph_draws_days_as_the_playbook_counts_them() -> None:
    """Also where a play has several."""
    assert list(graph(compiled(bent(ONE, (HELLO, "    day: [2, 5]\n")))).days) == [2, 5]


def test_a_warning_counts_days_as_the_playbook_does() -> None:
    """The timeline of a warning begins on the first day."""
    text = bent(ONE, ("    day: 1\n", "    day: 10\n    when: day < 3\n"))
    source = PlaybookSource(file="p.yaml", text=text, templates=TEMPLATES)
    (found,) = (each for each in lint(compiled(text), source, None) if each.rule == "never-fires")
    assert [line[:9] for line in found.timeline] == ["day   1 M", "day  10 W"]


def test_there_is_no_day_before_the_first() -> None:
    """In a playbook that begins with day 1, day 0 is refused."""
    wrong = "plays.hello.day: the first day is day 1, as `first_day` says, got 0"
    assert told(bent(ONE, (HELLO, "    day: 0\n"))) == [f"p.yaml:34:10 {wrong}"]
    assert told(bent(("anchor: signed_up\n", "anchor: signed_up\nfirst_day: 2\n"))) == [
        "p.yaml:3:12 first_day: expected a number of at most 1, got 2"
    ]
