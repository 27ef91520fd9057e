# ruff: noqa: E501 -- stories and messages word for word, a line as it is printed
"""Scenarios of what is no plain mail: notes in the product, surveys, words to our own people, drafts, dead addresses."""

import textwrap
from functools import cache

import pytest

from orchestrator.core.playbook import Playbook
from orchestrator.core.reasons import MessageReason
from orchestrator.playbook.compiler import load
from orchestrator.testing import Rehearsal, ScenarioError, Verdict, judge, parse_scenario, story

PLAYBOOK = """
playbook: letters
anchor: signed_up
vocabulary: {events: {signed_up: [Signed Up], login: []}}
stages: {first: trial, table: {trial: {goal: g}}}
windows:
  send: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}
  working: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}
caps: {per_day: 5, per_week: 20}
plays:
  welcome: {day: 0, in_app: hint, notify: {to: csm, template: word}, webhook: crm, valid_for: 2d}
  ask: {day: 1, survey: {kind: nps, template: asked, scale: [0, 10], better: high}}
  effort: {day: 1, survey: {kind: ces, template: hint, scale: [1, 5], better: low, channel: in_app}}
  letter: {day: 2, email: letter, draft: true, valid_for: 2d}
  second: {day: 3, email: letter, to: champion, fallback: owner}
"""
MAIL = "---\nsubject: Hello\n---\nHello\n"
NOTE = "---\ntitle: Look\nbutton:\n  label: Go\n  url: https://example.com\n---\nLook\n"
TEMPLATES = {
    "email/letter/en.md": MAIL,
    "email/asked/en.md": MAIL,
    "in_app/hint/en.md": NOTE,
    "notify/word.md": "---\ntitle: Look\n---\nLook\n",
}
HEAD = """\
scenario: Letters
anchor: 2026-03-02 10:00
zone: Europe/Berlin
people: {ann: {role: champion}, bob: {role: owner}}
"""  # a Monday


@cache
def playbook() -> Playbook:
    """The playbook, compiled once."""
    return load(PLAYBOOK, TEMPLATES)


def judged(text: str, until: str = "day 4") -> Verdict:
    """A scenario of it, lived through."""
    return judge(parse_scenario(f"{HEAD}{text.strip()}\nuntil: {until}\n", playbook(), file="l.yaml"), playbook())


def ending(text: str, until: str = "day 4") -> str:
    """The story of the first difference without its head."""
    return story(judged(text, until)).split("\n\n", 1)[1]


def block(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), "    ")


ALL = """
in_app: [{play: welcome, at: day 0 10:00, to: ann, template: hint}]
notify: [{play: welcome, to: csm, template: word}]
webhook: [{play: welcome, to: crm}]
survey: [{play: ask, kind: nps, to: ann, at: day 1}, {play: effort, kind: ces}]
drafts: [{play: letter, at: day 2, to: ann, template: letter}]
sent: [{play: second, to: ann}]
"""


def test_each_channel_has_expectations_of_its_own() -> None:
    """Notes in the product, words to our people, webhooks, surveys and drafts are there when they are decided."""
    assert story(judged(ALL)) == "✓ l.yaml: Letters"
    assert judged(f"{ALL}only: true").passed


@pytest.mark.parametrize(
    "wrong",
    [
        "in_app: [{play: welcome, to: bob}]",
        "in_app: [{play: welcome, at: day 1}]",
        "notify: [{play: welcome, to: cto}]",
        "webhook: [{play: welcome, to: erp}]",
        "webhook: [welcome, welcome]",
        "survey: [{play: ask, kind: ces}]",
        "survey: [{play: effort, by: day 0}]",
        "drafts: [{play: letter, at: day 3}]",
        "drafts: [second]",
        "never: [welcome]",
        "never: [effort]",
    ],
)
def test_each_of_them_can_fail(wrong: str) -> None:
    """Another reader, time, kind or play is a difference, and `never` means every channel."""
    assert not judged(wrong).passed


def test_each_channel_is_asserted_in_python() -> None:
    """A rehearsal asserts them as a scenario expects them."""
    account = Rehearsal(playbook(), zone="Europe/Berlin").said("day 0 12:00", unsubscribed="ann").until("day 1")
    account.assert_reached("in_app", "welcome", to="ann", at="day 0")
    account.assert_postponed("ask", reason="no_recipient")
    with pytest.raises(AssertionError, match="    expected  welcome notify to cto"):
        account.assert_reached("notify", "welcome", to="cto")


def test_what_goes_by_another_channel_is_told() -> None:
    """The timeline names the channel, and what came is told beside what was expected."""
    assert ending("notify: [{play: welcome, to: cto}]", "day 0") == block("""
        day 0 Mon 10:00    event      signed_up by ann
        day 0 Mon 10:00    done       welcome (due)
        day 0 Mon 10:00    in_app     welcome to ann
        day 0 Mon 10:00    notify     welcome to csm
        day 0 Mon 10:00    webhook    welcome to crm

        expected  welcome notify to cto
                  l.yaml:5:10 notify[0]
        instead   webhook welcome to crm at day 0 Mon 10:00
        because   It was due and its condition held. Came due at day 0 Mon 10:00: day 0 after the anchor.
    """).replace("    \n", "\n")


def test_a_survey_that_did_not_come_is_told() -> None:
    """A survey is told with what it asks."""
    assert (
        ending("survey: [{play: ask, kind: ces, at: day 1}]", "day 1").partition("    expected  ")[2]
        == textwrap.dedent("""\
        ask sent ces at day 1
                      l.yaml:5:10 survey[0]
            instead   sent ask to ann at day 1 Tue 10:00
            because   It was due and its condition held. Came due at day 1 Tue 10:00: day 1 after the anchor.""").replace(
            "\n    ", "\n    "
        )
    )


def test_what_nobody_listed_is_told_by_its_channel() -> None:
    """Under `only` the first message on another channel beside those listed is the difference."""
    assert "    expected  no other than those under `in_app`\n" in ending("only: messages")
    assert "    expected  no other mail than those under `sent`\n" in ending(
        "in_app: [welcome]\nnotify: [welcome]\nwebhook: [welcome]\nsurvey: [effort]\nonly: true"
    )


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("", "cancelled: [{play: letter, reason: expired}]\nnever: [letter]"),
        ("{at: day 2 12:00, approve: letter, by: mei}", "sent: [{play: letter, at: day 2 12:00}]"),
        ("{at: day 2 20:00, approve: letter}", "sent: [{play: letter, at: day 3 09:00}]"),
        (
            "{at: day 2 12:00, discard: letter, by: mei}",
            "cancelled: [{play: letter, reason: discarded}]\nnever: [letter]",
        ),
    ],
)
def test_a_draft_is_looked_at(events: str, expected: str) -> None:
    """Approved it leaves as soon as the window is open; discarded, or forgotten, it never does."""
    assert judged(f"events: [{events}]\ndrafts: [letter]\n{expected}", "day 5").passed


def test_a_draft_that_was_looked_at_is_told() -> None:
    """The timeline says who approved it, and that it left."""
    told = ending("events: [{at: day 2 12:00, approve: letter, by: mei}]\nnever: [letter]").splitlines()
    assert [line for line in told if "letter" in line][:-2] == [
        "    day 2 Wed 10:00    done       letter (due)",
        "    day 2 Wed 10:00    draft      letter to ann",
        "    day 2 Wed 10:00    waits      letter (draft)",
        "    day 2 Wed 12:00    event      letter approved by mei",
        "    day 2 Wed 12:00    sent       letter to ann",
    ]


@pytest.mark.parametrize(
    ("word", "reason", "words"),
    [
        ("unsubscribed", MessageReason.UNSUBSCRIBED, "ann wants no mail any more"),
        ("bounced", MessageReason.SUPPRESSED_BOUNCE, "ann cannot be reached any more: the address bounced"),
        ("complained", MessageReason.SUPPRESSED_COMPLAINT, "ann complains about our mail"),
    ],
)
def test_an_address_takes_no_mail_any_more(word: str, reason: str, words: str) -> None:
    """The door refuses it by name; where a play says who stands in, they are written to from then on."""
    late = f"events: [{{at: day 2 11:00, {word}: ann}}, {{at: day 2 12:00, approve: letter}}]\n"
    assert judged(
        f"{late}cancelled: [{{play: letter, reason: {reason}, at: day 2 12:00}}]\nsent: [{{play: second, to: bob}}]"
    ).passed
    assert f"    day 2 Wed 11:00    event      {words}\n" in ending(f"{late}sent: [letter]")
    assert judged(f"{late.replace('ann', 'bob')}\nsent: [letter, {{play: second, to: ann}}]").passed


def test_an_address_is_that_of_the_moment() -> None:
    """Whoever has another address by then is reached there; where there is none that could be written to, none is lost."""
    moved = "events:\n  - {at: day 0 12:00, bounced: ann}\n  - {at: day 0 13:00, person: ann, traits: {email: new@acme.example}}\n"
    assert judged(f"{moved}sent: [{{play: ask, to: ann}}]").passed
    gone = "events:\n  - {at: day 0 11:00, person: ann, traits: {email: %s}}\n  - {at: day 0 12:00, bounced: ann}\n"
    assert judged(gone % "null" + "sent: [{play: second, to: bob}]").passed
    assert judged(gone % '"no address@"' + "cancelled: [{play: second, reason: no_address}]").passed


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("in_app: [{play: letter}]", "6:17 in_app[0].play: the play `letter` has no `in_app`"),
        ("notify: [ask]", "6:10 notify[0]: the play `ask` has no `notify`"),
        ("survey: [asc]", "6:10 survey[0]: unknown play `asc` (did you mean `ask`?)"),
        ("drafts: [leter]", "6:10 drafts[0]: unknown play `leter` (did you mean `letter`?)"),
        (
            "events: [{at: day 1, unsubscribed: an}]",
            "6:36 events[0].unsubscribed: unknown person `an` (did you mean `ann`?)",
        ),
        (
            "events: [{at: day 1, approve: leter}]",
            "6:31 events[0].approve: unknown play `leter` (did you mean `letter`?)",
        ),
        (
            "events: [{at: day 1, bounced: ann, person: bob}]",
            "6:36 events[0].person: `person` stands beside `event` or `traits` only",
        ),
    ],
)
def test_each_mistake_is_named_with_its_place(line: str, problem: str) -> None:
    """What the play does not do, and whom there is not, is refused with line, column and path."""
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(f"{HEAD}until: day 9\n{line}\n", playbook(), file="s.yaml")
    assert [str(each).removeprefix("s.yaml:") for each in caught.value.problems] == [problem]
