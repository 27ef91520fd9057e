"""Segments, touch models and human duties: who is treated how."""

import pytest

from orchestrator.playbook.lint.treatment import DUTIES
from tests.playbook.lint.books import bent, found

PLAYS = """\
plays:
  letter: {day: 1, at: "09:00", when: touch != 'high', email: day_0_welcome}
  work:
    day: 3
    when: touch == 'high' or not login
    escalate: {template: no_login, severity: high, category: adoption, owner: csm, due: 8h}
"""
TABLE = """\
segments:
  default: small
  table:
    big: {touch: high, where: {size: [100, null]}}
    mid: {touch: low, where: {size: [10, 100]}}
    small: {touch: tech}
"""


def book(plays: str = PLAYS, table: str = TABLE) -> str:
    """The sound playbook with segments and these plays."""
    head = bent(("    tier: {one_of: [high, tech], default: tech}\n", ""), (" and size > 3", "")).split("plays:\n")[0]
    return f"{head}{table}{plays}"


def rules(text: str) -> list[str]:
    """The rules that a playbook trips."""
    return [finding.rule for finding in found(text) if finding.rule != "unused-name"]


def test_who_is_treated_by_kind_is_not_warned_of() -> None:
    """Humans for the high-touch, mail for the others, segments without gaps: nothing is found."""
    assert not [str(finding) for finding in found(book())]


def test_a_gap_between_segments_is_shown_by_who_falls_into_it() -> None:
    """Where the default segment says who belongs to it, others who fall to it are told."""
    table = TABLE.replace("size: [10, 100]", "size: [10, 90]").replace(
        "small: {touch: tech}", "small: {touch: tech, where: {size: [null, 10]}}"
    )
    (finding,) = found(book(table=table))
    assert finding.rule == "segment-gap"
    assert "an account with size: 95" in finding.message
    assert not rules(book(table=table.replace("[10, 90]", "[10, 100]")))


def test_a_segment_that_nobody_can_be_in_is_told() -> None:
    """A segment whose accounts all belong to those above it is empty."""
    table = TABLE.replace("size: [10, 100]", "size: [200, 300]")
    (finding,) = found(book(table=table))
    assert (finding.rule, finding.path) == ("empty-segment", "segments.table.mid")


MACHINE = PLAYS.replace("when: touch != 'high', ", "").replace(
    "touch == 'high' or not login", "touch != 'high' and not login"
)
HUMANS = PLAYS.replace("when: touch != 'high'", "when: touch == 'low'")


def test_the_high_touch_who_only_get_mail_are_told() -> None:
    """An enterprise account in an e-mail sequence is a named mistake; the timeline shows its mail."""
    (finding,) = found(book(MACHINE))
    assert (finding.rule, finding.path) == ("high-touch-by-machine", "segments.table.big")
    assert finding.timeline[-1].endswith("letter: its mail leaves")


def test_the_tech_touch_who_only_get_humans_are_told() -> None:
    """A small account in human hands alone is one too; the timeline shows the work."""
    (finding,) = found(book(HUMANS))
    assert (finding.rule, finding.path) == ("tech-touch-by-humans", "segments.table.small")
    assert finding.timeline[-1].endswith("work is done")


def test_touch_may_be_a_trait() -> None:
    """Without segments a trait `touch` names the models; one that has no list says nothing."""
    text = book(MACHINE, "").replace("    size: number\n", "    size: number\n    touch: {one_of: [high, tech]}\n")
    assert rules(text) == ["high-touch-by-machine"]
    assert not rules(text.replace("{one_of: [high, tech]}", "text"))


SAME = """\
plays:
  letter: {day: 1, at: "09:00", email: day_0_welcome}
  work:
    day: 3
    only_while: not login
    escalate: {template: no_login, severity: high, category: adoption, owner: csm, due: 8h}
"""


def test_one_process_for_all_is_told() -> None:
    """Segments that no play, owner or window tells apart are told; a row, an owner or a window suffices."""
    assert rules(book(SAME)) == ["one-process"]
    owners = (
        TABLE.replace("touch: high", "touch: high, owner: csm")
        .replace("touch: low", "touch: low, owner: pool")
        .replace("touch: tech", "touch: tech, owner: nobody")
    )
    assert not rules(book(SAME.replace("owner: csm", "owner: segment"), owners))
    assert not rules(book(SAME, TABLE.replace("touch: high", "touch: high, windows: {young: [0d, 90d]}")))
    assert not rules(book(SAME).replace("when: left}", "when: left and segment != 'big'}"))
    assert not rules(book(SAME, "segments:\n  default: small\n  table:\n    small: {touch: tech}\n"))


@pytest.mark.parametrize(
    "label",
    [
        "Kick-off",
        "Your success criteria",
        "A complex problem",
        "Stakeholder map",
        "Custom configuration",
        "At risk",
        "Success validation",
    ],
)
def test_each_human_duty_stays_with_a_human(label: str) -> None:
    """A duty of the seven that only a mail is about is told; beside work of a human it is not."""
    letter = PLAYS.replace("letter: {", f"letter: {{label: {label}, ")
    (finding,) = found(book(letter))
    assert (finding.rule, finding.path) == ("human-duty", "plays.letter")
    assert not rules(book(letter.replace("  work:\n", f"  work:\n    label: {label}, by a human\n")))


def test_the_duties_are_seven() -> None:
    """As many as the source names."""
    assert len(DUTIES) == 7
