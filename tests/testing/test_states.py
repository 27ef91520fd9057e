# ruff: noqa: E501 -- stories and messages word for word, a line as it is printed
import textwrap

import pytest

from orchestrator.testing import ScenarioError, judge, parse_scenario, story
from orchestrator.testing.deeds import DETAILS
from tests.testing import small, whole
from tests.testing.whole import HEAD, judged

LIFE = """
events:
  - {at: day 1, event: login}
  - {at: day 1, judgement: value_proven, by: mei, evidence: a call}
  - {at: day 2, event: setup}
  - {at: day 5, traits: {seats: 80}}
  - {at: day 7 09:00, override: 90, until: day 7 12:00, by: mei, why: they called}
"""
BEGIN = """\
✗ whole.yaml: A whole life
    day 0 is Mon 2026-03-02; times are of Europe/Berlin

    day 0 Mon 10:00    event      signed_up by ann
    day 0 Mon 10:00    phase      kickoff
    day 0 Mon 10:00    health     unknown → red (0)
"""


def told(text: str, until: str = "day 8") -> str:
    return story(judged(text, until))


def ending(text: str, until: str = "day 8") -> str:
    """The story without what happened up to the difference."""
    return told(text, until).split("\n\n", 2)[2]


def block(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), "    ")


@pytest.mark.parametrize(
    "expected",
    [
        "signals: {day 3: [], day 4: [silence], end: [silence]}",
        "signals: [silence]",
        "health: {day 1: 100, day 2: green, day 4: 30, day 5: '< 40', day 6: red, day 7 10:00: 90, day 7: 0}",
        "health: 0",
        "segment: {day 4: smb, day 5: large}",
        "phase: {day 0: kickoff, day 1: kickoff, end: first_value}",
        "traits: {day 1: {tier: silver, vip: null}, end: {tier: gold, seats: 80}}",
        "holds: [{at: day 4 10:00, condition: health < 40 and at_risk}, {condition: vip, is: unknown}]",
        "holds: [touch == 'high' and value_proven, {condition: not at_risk, is: false}]",
        "stage: customer",
    ],
)
def test_a_state_is_asked_at_the_end_of_its_moment(expected: str) -> None:
    """Signals, health, segment, phase, traits and any condition are as they are at the end of that day or minute."""
    assert told(f"{LIFE}{expected}") == "✓ whole.yaml: A whole life"


def test_unknown_is_a_state() -> None:
    """Health and segment may be expected to be unknown."""
    text = f"""{HEAD.replace("account: {seats: 20}", "")}
events: [{{at: day 2, event: signed_up}}]
until: day 2
segment: {{day 1: unknown}}
health: {{day 1: unknown, day 2: red}}
"""
    assert judge(parse_scenario(text, whole.playbook()), whole.playbook()).passed
    assert not judged("segment: unknown").passed
    assert not judged("health: unknown").passed


def test_a_signal_that_is_not_open_is_told_with_its_time() -> None:
    """The story says when it will open, and by which trigger."""
    assert (
        told("signals: {day 2: [silence]}")
        == BEGIN
        + """\
    (1 play skipped meanwhile, of no concern here)

    expected  open: silence at day 2
              whole.yaml:5:11 signals.day 2
    instead   no signal open
    because   It comes due at day 3 Thu 10:00: no login for 3 days."""
    )


def test_a_signal_that_is_open_is_told_with_what_opened_it() -> None:
    """Where none should be open, the decision behind the first one is told with its clauses."""
    assert (
        told("signals: {day 4: []}")
        == BEGIN
        + """\
    day 3 Thu 10:00    opened     silence
    day 4 Fri 10:00    escalated  silence_1 to csm
    (1 play skipped meanwhile, of no concern here)

    expected  no signal open at day 4
              whole.yaml:5:11 signals.day 4
    instead   open: silence since day 3 Thu 10:00
    because   It was due and its condition held. Came due at day 3 Thu 10:00: no login for 3 days.
                true    login.days_ago >= 3   (login.days_ago = never)  ← had this been otherwise, so had the whole"""
    )


def test_a_signal_that_closed_is_told_with_when_and_why() -> None:
    """A signal that was open and is not any more."""
    events = "events: [{at: day 4, event: login}]\n"
    assert ending(f"{events}signals: {{day 5: [silence]}}") == block("""
        expected  open: silence at day 5
                  whole.yaml:6:11 signals.day 5
        instead   no signal open
        because   It closed at day 4 Fri 10:00: what it tells of was over.
    """)


def test_a_health_that_is_otherwise_is_told_by_its_indicators() -> None:
    """Score, colour and coverage, then each indicator with its colour, weight and points."""
    assert ending("events: [{at: day 4, event: login}]\nhealth: {day 4: 55}") == block("""
        expected  health 55 at day 4
                  whole.yaml:6:10 health.day 4
        instead   health 60, yellow, 100 % of the weight is known
        because     green   Logs in (60 %): 100 points
                    red     adoption (40 %): 0 points
    """)


def test_an_override_is_told_with_whose_it_is() -> None:
    """While a human's word is in force, the story says whose it is."""
    events = "events: [{at: day 1, override: 90, until: day 3, by: mei}]\n"
    assert ending(f"{events}health: {{day 1: '< 40'}}") == block("""
        expected  health < 40 at day 1
                  whole.yaml:6:10 health.day 1
        instead   health 90, green, as mei has said, 60 % of the weight is known
        because     red     Logs in (60 %): 0 points
                    unknown adoption (40 %)
    """)


def test_a_segment_that_is_otherwise_is_told_with_what_it_rests_on() -> None:
    """The traits that it was read from."""
    assert ending("segment: large") == block("""
        expected  segment large
                  whole.yaml:5:1 segment
        instead   segment smb
        because     false   segment == 'large'   (segment = smb (seats = 20))  ← had this been otherwise, so had the whole
    """)


def test_a_phase_that_is_otherwise_is_told_with_what_ends_it() -> None:
    """What the onboarding waits for."""
    assert ending("phase: {day 3: done}") == block("""
        expected  phase done at day 3
                  whole.yaml:5:9 phase.day 3
        instead   phase kickoff
        because   kickoff lasts until: setup
    """)


def test_a_trait_that_is_otherwise_is_told() -> None:
    """The value that it has."""
    assert ending("traits: {day 1: {tier: gold}}") == block("""
        expected  tier gold at day 1
                  whole.yaml:5:18 traits.day 1.tier
        instead   tier = silver
    """)


def test_a_condition_that_is_otherwise_is_told_by_its_clauses() -> None:
    """Each clause with its value, and which of them decided."""
    assert ending("holds: [{at: day 8 09:00, condition: health < 40 and not at_risk}]") == block("""
        expected  true: health < 40 and not at_risk at day 8 09:00
                  whole.yaml:5:9 holds[0]
        instead   it is false
        because     true    health < 40   (health = 0 (engagement red, adoption red))
                    true    silence   (silence = True)  ← had this been otherwise, so had the whole
    """)


def test_what_cannot_be_told_is_a_difference() -> None:
    """A division by zero holds neither way, and the story says so."""
    assert "instead   it cannot be told: reports / 0: division by zero (0 / 0)" in told("holds: ['reports / 0 > 1']")
    assert not judged("holds: [{condition: reports / 0 > 1, is: unknown}]").passed


@pytest.mark.parametrize("state", ["holds: [{at: day -1, condition: at_risk}]", "signals: {day -1: []}"])
def test_before_the_account_is_known_it_has_no_state(state: str) -> None:
    """A state before anything was heard of the account is a difference."""
    assert "    instead   nothing is known of the account yet" in told(state)


# -- the word of our people --------------------------------------------------------------------------------------------


WORDS = """
events:
  - {at: day 0, goal: roll_out, text: All teams use it, measure: reports, target: 5, by: mei}
  - {at: day 0, goal: champion, by: mei}
  - {at: day 0, judgement: value_proven}
  - {at: day 1, judgement: value_proven, ticked: false, by: mei}
  - {at: day 1, override: 90, until: day 3, by: mei}
  - {at: day 2, override: null, by: tom}
  - {at: day 2, goal_met: champion, by: mei}
  - {at: day 3, goal_dropped: roll_out, by: mei}
  - {at: day 3 12:00, acknowledge: silence, by: mei}
  - {at: day 3 13:00, resolve: silence, by: mei}
"""


def test_our_people_say_what_no_event_says() -> None:
    """Judgements, goals and overrides are own events, and conditions read them."""
    assert judged(f"""{WORDS}
holds:
  - {{at: day 0, condition: value_proven and goals.open == 2}}
  - {{at: day 1, condition: not value_proven and health == 90}}
  - {{at: day 2, condition: health < 40 and goals.open == 1}}
  - {{at: day 3, condition: goals.open == 0 and goals.met}}
signals: [unproven]
""").passed


def test_the_words_of_our_people_are_told() -> None:
    """In the timeline each says what was said, of what, and by whom."""
    lines = told(f"{WORDS}stage: customer").splitlines()
    assert [line.partition("event")[2].strip() for line in lines if " event " in line][1:] == [
        "goal roll_out set by mei",
        "goal champion set by mei",
        "value_proven ticked by somebody",
        "value_proven taken back by mei",
        "health set to 90 by mei",
        "override of the health lifted by tom",
        "goal champion met by mei",
        "goal roll_out dropped by mei",
        "silence acknowledged by mei",
        "silence resolved by mei",
    ]


@pytest.mark.parametrize(
    ("word", "open_then"),
    [("acknowledge", "[silence]"), ("resolve", "[]")],
)
def test_an_open_signal_is_answered(word: str, open_then: str) -> None:
    """Taken on, it stays open and its ladder is climbed no further; settled, it closes."""
    events = f"events: [{{at: day 3 12:00, {word}: silence, by: mei}}]\n"
    assert judged(f"{events}signals: {{day 4: {open_then}}}\nnever: [silence_1]", "day 4").passed
    assert judged("escalations: [silence_1]", "day 4").passed


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("holds: [at_rsk and login]", "6:9 holds[0]: unknown name `at_rsk` (did you mean `at_risk`?)"),
        (
            "holds: [{condition: login and vpi, at: day 2}]",
            "6:31 holds[0].condition: unknown name `vpi` (did you mean `vip`?)",
        ),
        ("holds: [seats]", "6:9 holds[0]: expected true or false, got the number trait `seats`"),
        (
            "holds: [checklist]",
            "6:9 holds[0]: `checklist` stands in a transition only: it is the checklist of the stage that is left",
        ),
        ("holds: [{condition: vip, is: maybe}]", "6:30 holds[0].is: expected true, false or unknown, got 'maybe'"),
        ("signals: [silnce]", "6:11 signals[0]: unknown signal `silnce` (did you mean `silence`?)"),
        ("signals: {day 1: [x]}", "6:19 signals.day 1[0]: unknown signal `x`"),
        (
            "signals: {day 10: []}",
            "6:19 signals.day 10: `day 10` lies after the scenario's end, `until: day 9`",
        ),
        (
            "health: gren",
            "6:9 health: expected a score such as 55, a comparison such as `< 40`, green, yellow, red or unknown, got 'gren' (did you mean `green`?)",
        ),
        (
            "health: {day 1: 101}",
            "6:17 health.day 1: expected a score such as 55, a comparison such as `< 40`, green, yellow, red or unknown, got 101",
        ),
        ("segment: smbb", "6:10 segment: unknown segment `smbb` (did you mean `smb`?)"),
        ("phase: {day 1: kick}", "6:16 phase.day 1: unknown phase `kick` (did you mean `kickoff`?)"),
        ("traits: {day 1: {teir: gold}}", "6:18 traits.day 1.teir: unknown trait `teir` (did you mean `tier`?)"),
        (
            "traits: {end: {tier: gld}}",
            "6:22 traits.end.tier: expected one of silver, gold, got 'gld' (did you mean `gold`?)",
        ),
        ("traits: {end: {seats: many}}", "6:23 traits.end.seats: expected a value of type number, got 'many'"),
        (
            "events: [{at: day 1, judgement: value_prove}]",
            "6:33 events[0].judgement: unknown judgement `value_prove` (did you mean `value_proven`?)",
        ),
        (
            "events: [{at: day 1, resolve: silenc}]",
            "6:31 events[0].resolve: unknown signal `silenc` (did you mean `silence`?)",
        ),
        (
            "events: [{at: day 1, goal: g, measure: reprts}]",
            "6:40 events[0].measure: unknown measure or event `reprts` (did you mean `reports`?)",
        ),
        (
            "events: [{at: day 1, override: 9}]",
            "6:32 events[0].override: an override has a score and `until`; `override: null` lifts the one that is in force",
        ),
        (
            "events: [{at: day 1, event: login, by: mei}]",
            f"6:36 events[0].by: `by` stands beside {' or '.join(f'`{kind}`' for kind, keys in DETAILS.items() if 'by' in keys)} only",
        ),
        (
            "events: [{at: day 1, traits: {vip: true}, times: 2}]",
            "6:43 events[0].times: `times` stands beside `event` only",
        ),
    ],
)
def test_each_mistake_is_named_with_its_place(line: str, problem: str) -> None:
    """A state or a word that cannot be meant is refused with line, column, path, and what was perhaps meant."""
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(f"{HEAD.strip()}\nuntil: day 9\n{line}\n", whole.playbook(), file="s.yaml")
    assert [str(each).removeprefix("s.yaml:") for each in caught.value.problems] == [problem]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("signals: []", "this playbook has no signals"),
        ("health: green", "this playbook has no `health` section"),
        ("segment: smb", "this playbook has no segments"),
        ("phase: done", "this playbook has no phases"),
        ("holds: [health < 40]", "this playbook has no `health` section to say what health is made of"),
        (
            "events: [{at: day 1, override: 9, until: day 2}]",
            "this playbook has no `health` section: there is nothing to override",
        ),
    ],
)
def test_what_the_playbook_does_not_have_cannot_be_asked(line: str, problem: str) -> None:
    """Under a playbook without signals, health, segments or phases their expectations are refused."""
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(f"{small.HEAD.strip()}\nuntil: day 9\n{line}\n", small.playbook())
    assert [each.message for each in caught.value.problems] == [problem]
