"""The ten anti-patterns of an onboarding, each found in a playbook that has it and in no other."""

import pytest

from orchestrator.playbook.lint.antipatterns import ANTI_PATTERNS
from orchestrator.playbook.lint.findings import RULES
from tests.playbook.lint.books import bent, found

PHASES = """\
onboarding:
  starts: signed_up
  phases:
    kickoff: {until: kickoff_held, within: 5d}
    training: {until: trained}
    go_live: {until: live}
"""
HANDED = """\
  handoff:
    phase: done
    escalate: {template: no_login, severity: low, category: champion, owner: csm, due: 8h}
"""
TEAM = """\
  team: {day: 6, at: "09:00", to: champion, fallback: admins, email: day_3_setup}
"""
LATE = """\
  late:
    holds: phase_late
    escalate: {template: no_login, severity: low, category: timeline, owner: csm, due: 8h}
"""
GOALS = """\
  aimless:
    day: 9
    when: not goals.set and kickoff_held and trained and live
    escalate: {template: no_login, severity: low, category: scope, owner: csm, due: 8h}
"""


def book(*changes: tuple[str, str]) -> str:
    """A playbook with an onboarding that has none of the ten, bent."""
    text = bent(
        ("    left: [Left]\n", "    left: [Left]\n    kickoff_held: [K]\n    trained: [T]\n    live: [L]\n"),
        ("  started: {when: login}\n", "  started: {when: login, target: 7d}\n"),
        ("plays:\n", f"{PHASES}plays:\n{HANDED}{TEAM}{LATE}{GOALS}"),
    )
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def rules(text: str) -> list[str]:
    """The rules that a playbook trips, but for names that nothing reads any more."""
    return [finding.rule for finding in found(text) if finding.rule != "unused-name"]


ALONE = ("  handoff:\n    phase: done\n", "  handoff:\n    day: 5\n")
CASES = [
    ("no-kickoff", ("kickoff", "beginning")),
    ("no-criteria", ("not goals.set and ", "")),
    ("one-contact", ("to: champion, fallback: admins, ", "")),
    ("rigid-timeline", ("holds: phase_late", "holds: live")),
    ("gone-after-go-live", ALONE),
    ("no-value-date", (", target: 7d", "")),
    ("no-handoff", ("handoff", "goodbye")),
]


def test_an_onboarding_without_anti_patterns_is_not_warned_of() -> None:
    """Kickoff, goals, several people, a late phase that is seen and a hand-off: nothing is found."""
    assert rules(book()) == []


@pytest.mark.parametrize(("rule", "change"), CASES, ids=[rule for rule, _ in CASES])
def test_each_anti_pattern_is_found(rule: str, change: tuple[str, str]) -> None:
    """Left out of the playbook, it is the one thing that is found, at the phases."""
    (finding,) = [each for each in found(book(change)) if each.rule != "unused-name"]
    assert (finding.rule, finding.path) == (rule, "onboarding.phases")


def test_training_is_asked_what_came_of_it() -> None:
    """A milestone that says no more than that people were trained is no outcome; a goal of theirs is one."""
    only = [
        ("  started: {when: login, target: 7d}\n", "  trained_well: {label: trained, when: trained, target: 7d}\n"),
        ("  busy: {when: started and login.count > 2 and size > 3}\n", ""),
        ("setup: [started]\n", "setup: [trained_well]\n"),
        ("when: busy and nps", "when: trained_well and nps"),
    ]
    assert rules(book(*only)) == []
    assert rules(book(*only, ("not goals.set and ", ""))) == ["no-criteria", "training-alone"]
    assert rules(book(*only, ("not goals.set and ", ""), ("train", "learn"))) == ["no-criteria"]


@pytest.mark.parametrize(
    "later",
    [
        "before: 30d until renewal_at",
        "every: month",
        "entered: old",
        "after: 2d since go_live_seen",
        "silent: 2d since go_live_seen",
        "on: go_live_seen",
        "opened: quiet",
    ],
)
def test_whoever_reaches_out_later_has_not_disappeared(later: str) -> None:
    """A play that starts after the onboarding, or from the go-live on, is enough; so is the ladder of a signal."""
    quiet = (
        "signals:\n  quiet: {severity: low, category: adoption, silent: 3d since go_live_seen, ladder: []}\nplays:\n"
    )
    seen = ("    left: [Left]\n", "    left: [Left]\n    go_live_seen: [G]\n")
    text = book(ALONE, seen, ("  handoff:\n    day: 5\n", f"  handoff:\n    {later}\n"), ("plays:\n", quiet))
    assert "gone-after-go-live" not in rules(text)
    assert "gone-after-go-live" in rules(text.replace(f"    {later}\n", "    entered: young\n"))


def test_people_are_counted_or_several_are_written_to() -> None:
    """Where everything goes to one person, counting them is enough."""
    alone = ("to: champion, fallback: admins, ", "")
    measures = ("milestones:\n", "  measures:\n    people: {people: login}\nmilestones:\n")
    assert rules(book(alone, measures)) == []


def test_a_timeline_may_be_scaled_by_segment() -> None:
    """Phases of a segment's own answer a timeline that is the same for all."""
    late = ("holds: phase_late", "holds: live")
    table = "segments:\n  default: big\n  table:\n    big: {touch: medium, phases: {kickoff: 9d}}\nonboarding:\n"
    assert rules(book(late, ("onboarding:\n", table))) == []
    assert rules(book(late, ("onboarding:\n", table.replace(", phases: {kickoff: 9d}", "")))) == ["rigid-timeline"]


def test_the_anti_patterns_are_ten_and_each_has_its_rule() -> None:
    """As many as the source names, each with a rule of its own."""
    assert len(set(ANTI_PATTERNS.values())) == len(ANTI_PATTERNS) == 10
    assert set(ANTI_PATTERNS.values()) <= set(RULES)
