"""Signals and their ladders: each rule has a playbook that trips it and one that does not."""
# ruff: noqa: E501 -- what is written stands in one line beside what it gives

import pytest

from orchestrator.playbook.lint import Finding
from tests.playbook.lint.books import bent, found

QUIET = """\
signals:
  quiet:
    severity: high
    category: adoption
    holds: login.days_ago > 7
    while: login.days_ago > 2
    flag: at_risk
    ladder:
      - email: gone_quiet
        when: tier == 'tech'
      - after: 2d
        escalate: {template: no_login, owner: csm, due: 8h}
"""


def book(*changes: tuple[str, str], more: str = "", plays: str = "") -> str:
    """The sound playbook with a signal, some of whose text is replaced."""
    text = QUIET
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return bent(("plays:\n", f"{text}{more}plays:\n{plays}"))


def tripped(text: str) -> list[tuple[str, str]]:
    """The rules that a playbook trips, each with its path."""
    return [(finding.rule, finding.path) for finding in found(text)]


def only(text: str) -> Finding:
    """The one finding."""
    (finding,) = found(text)
    return finding


LADDER = QUIET[QUIET.index("    ladder:") :]
HEARD = "  second:\n    opened: quiet\n    escalate: {template: no_login, severity: high, category: adoption, owner: csm, due: 8h}\n"
EARLY = """\
  early:
    severity: low
    category: adoption
    day: 3
    when: started
    while: day < 10
    ladder:
      - after: 5d
        escalate: {template: no_login, owner: csm, due: 8h}
"""


def test_a_sound_ladder_is_not_warned_of() -> None:
    """A signal that opens, is heard of and closes has no finding, whatever hears of it."""
    assert not tripped(book())
    assert not tripped(book((LADDER, ""), plays=HEARD))
    assert not tripped(book((LADDER, ""), ("    flag: at_risk\n", ""), plays=HEARD.replace("opened", "closed")))
    assert not tripped(book((LADDER, "")).replace("when: left}", "when: left and not at_risk}"))


NEVER = {
    "what opens it and its while exclude each other": (
        book(("while: login.days_ago > 2", "while: login.days_ago < 2")),
        ("never-opens", "signals.quiet.while"),
    ),
    "its condition never holds": (
        book(("    flag:", "    when: login and not login\n    flag:")),
        ("never-opens", "signals.quiet.when"),
    ),
    "what would open it never holds": (
        book(("holds: login.days_ago > 7", "holds: login.days_ago < 0")),
        ("never-opens", "signals.quiet.holds"),
    ),
    "a while that ends as it opens": (
        book(("while: login.days_ago > 2", "while: not quiet")),
        ("closes-at-once", "signals.quiet.while"),
    ),
    "a while of no days": (
        book(("while: login.days_ago > 2", "while: quiet.days < 0 or not quiet")),
        ("closes-at-once", "signals.quiet.while"),
    ),
    "a while that asks for more": (
        book(("while: login.days_ago > 2", "while: login.days_ago > 12")),
        ("narrow-while", "signals.quiet.while"),
    ),
    "nobody hears of it": (book((LADDER, "")), ("unheard-signal", "signals.quiet")),
    "a rung that is only for who came back": (
        book(("when: tier == 'tech'", "when: login.days_ago < 2")),
        ("rung-never-comes", "signals.quiet.ladder[0].when"),
    ),
    "a rung whose condition never holds": (
        book(("when: tier == 'tech'", "when: tier == 'tech' and tier == 'high'")),
        ("rung-never-comes", "signals.quiet.ladder[0].when"),
    ),
    "a rung that needs the signal to be closed": (
        book(("when: tier == 'tech'", "when: not at_risk")),
        ("rung-never-comes", "signals.quiet.ladder[0].when"),
    ),
    "a rung after the signal has closed": (
        book(("while: login.days_ago > 2", "while: login.days_ago > 2 and quiet.days < 2")),
        ("rung-never-comes", "signals.quiet.ladder[1].after"),
    ),
    "a rung after the days in which its signal is open": (
        book(more=EARLY.replace("after: 5d", "after: 8d")),
        ("rung-never-comes", "signals.early.ladder[0].after"),
    ),
    "a rung of our working time after that": (
        book(more=EARLY.replace("after: 5d", "after: 240 business hours")),
        ("rung-never-comes", "signals.early.ladder[0].after"),
    ),
    "two works for one owner at once": (
        book(
            (
                "      - email: gone_quiet\n",
                "      - after: 2d\n        escalate: {template: no_login, owner: csm, due: 4h}\n",
            )
        ),
        ("twin-rungs", "signals.quiet.ladder[1]"),
    ),
    "two mails to the same people at once": (
        book(("      - after: 2d\n", "      - email: gone_quiet\n      - after: 2d\n")),
        ("twin-rungs", "signals.quiet.ladder[1]"),
    ),
    "two words to the same room at once": (
        book(
            (
                "      - email: gone_quiet\n        when: tier == 'tech'\n",
                "      - notify: {to: cs, template: stuck}\n      - name: again\n        notify: {to: cs, template: stuck}\n",
            )
        ),
        ("twin-rungs", "signals.quiet.ladder[1]"),
    ),
    "an account at risk that only gets mail": (
        book(("        escalate: {template: no_login, owner: csm, due: 8h}", "        email: gone_quiet")),
        ("human-duty", "signals.quiet"),
    ),
    "what is critical and only gets mail": (
        book(
            ("high", "critical"),
            ("    flag: at_risk\n", ""),
            ("        escalate: {template: no_login, owner: csm, due: 8h}", "        email: gone_quiet"),
        ),
        ("human-duty", "signals.quiet"),
    ),
    "a play that waits for a signal that never opens": (
        book(("while: login.days_ago > 2", "while: login.days_ago < 2"), plays=HEARD),
        ("never-fires", "plays.second"),
    ),
    "a play that waits for the end of a signal that never opens": (
        book(("while: login.days_ago > 2", "while: login.days_ago < 2"), plays=HEARD.replace("opened", "closed")),
        ("never-fires", "plays.second"),
    ),
    "a play of a condition that its own condition contradicts": (
        book(
            plays="  second:\n    holds: login.days_ago > 7\n    for: 3d\n    when: login.days_ago < 7\n    email: gone_quiet\n"
        ),
        ("never-fires", "plays.second.when"),
    ),
}


@pytest.mark.parametrize("case", NEVER)
def test_each_rule_of_signals_is_tripped(case: str) -> None:
    """A ladder with one thing wrong gets that finding, at its place."""
    text, expected = NEVER[case]
    assert expected in tripped(text), tripped(text)


FINE = {
    "a signal that only a human ends": book(more=EARLY.replace("    while: day < 10\n", "")),
    "two calls of one system": book(
        ("      - email: gone_quiet\n        when: tier == 'tech'\n", "      - webhook: crm\n      - webhook: crm\n")
    ),
    "a rung in the last days of its signal": book(more=EARLY),
    "a rung that humans may prevent": book(
        ("      - after: 2d\n", "      - after: 2d\n        unless: acknowledged\n        only_while: login\n")
    ),
    "a rung that asks how long it has been open": book(
        ("when: tier == 'tech'", "when: quiet.days < 1 and quiet.count == 2")
    ),
    "a rung for who took it on": book(("when: tier == 'tech'", "when: quiet.acknowledged")),
    "a rung of our working time": book(("after: 2d", "after: 16 business hours")),
    "a while of its own": book(("while: login.days_ago > 2", "while: tier == 'tech'")),
    "no while of its own": book(("    while: login.days_ago > 2\n", "")),
    "two owners at once": book(
        (
            "      - email: gone_quiet\n",
            "      - after: 2d\n        escalate: {template: no_login, owner: cs_director, due: 4h}\n",
        )
    ),
    "two mails to two kinds of account": book(
        ("      - after: 2d\n", "      - email: gone_quiet\n        when: tier == 'high'\n      - after: 2d\n")
    ),
    "two mails to two kinds of people": book(
        ("      - after: 2d\n", "      - email: gone_quiet\n        to: admins\n      - after: 2d\n")
    ),
    "a row that looks at a signal before it closes": book().replace(
        "when: left}", "when: left or quiet and login.days_ago < 1}"
    ),
    "a root": book(more=EARLY.replace("    ladder:", "    absorbs: [quiet]\n    ladder:")),
    "a first time": book(more=EARLY.replace("day: 3", "after: 3d since login")),
    "days": book(more=EARLY.replace("day: 3", "day: [3, 4]")),
    "a milestone": book(more=EARLY.replace("day: 3", "reached: busy")),
    "an event that comes again": book(more=EARLY.replace("day: 3", "on: login")),
    "a condition that asks for days": book(
        more=EARLY.replace("day: 3", "holds: day >= 4 and login.count > 1\n    for: 12h")
    ),
}


@pytest.mark.parametrize("case", FINE)
def test_what_a_ladder_may_mean_is_not_warned_of(case: str) -> None:
    """What can happen, and what nothing is proven of, gets no finding."""
    assert not [str(finding) for finding in found(FINE[case])]


def test_a_signal_that_hides_another_and_is_not_heard_of_is_told() -> None:
    """A root that only absorbs makes it worse: what it explains is not told either."""
    text = book((LADDER, "    absorbs: [early]\n"), more=EARLY)
    assert "and while it is open `early` cannot open" in only(text).message


def test_who_is_not_heard_of_is_shown_opening() -> None:
    """The timeline shows the signal opening, and nothing after it."""
    lines = only(book((LADDER, ""))).timeline
    assert lines[-1].endswith("quiet opens")


def test_a_rung_that_never_comes_is_shown_left_behind() -> None:
    """The timeline shows the signal open and closed before the rung would have come."""
    finding = only(book(("while: login.days_ago > 2", "while: login.days_ago > 2 and quiet.days < 2")))
    assert (
        finding.message
        == "this rung can never come: `quiet` has always closed by then (signal quiet open for 48 hours)"
    )
    assert [line.split("  ")[-1] for line in finding.timeline][-3:] == [
        "quiet opens",
        "quiet closes (cleared)",
        "quiet_2 is skipped: overtaken",
    ]


def test_twins_are_shown_together() -> None:
    """The timeline shows both at one instant."""
    text, _ = NEVER["two works for one owner at once"]
    lines = only(text).timeline
    assert lines[-2][:18] == lines[-1][:18]
    assert lines[-1].endswith("is done")


def test_an_account_at_risk_is_shown_with_its_mail() -> None:
    """The timeline shows the signal opening and the mail that is all that follows."""
    text, _ = NEVER["an account at risk that only gets mail"]
    lines = only(text).timeline
    assert any("quiet opens" in line for line in lines)
    assert lines[-1].endswith("its mail leaves")


def test_a_narrow_while_is_shown_not_opening() -> None:
    """The timeline shows the signal coming due and being left out."""
    text, _ = NEVER["a while that asks for more"]
    assert any("quiet is skipped: already_done" in line for line in only(text).timeline)
