"""Each rule has a playbook that trips it and one that does not."""
# ruff: noqa: E501 -- what is written stands in one line beside what it gives

import pytest

from orchestrator.playbook.lint import RULES
from orchestrator.playbook.lint.antipatterns import ANTI_PATTERNS
from tests.playbook.lint.books import SOUND, bent, found, play

WHEN = "    when: tier == 'tech'\n"
SCORED = "when: busy and nps.lowest > 6"

TRIPS = {
    "a play whose condition contradicts itself": (
        "never-fires",
        bent((WHEN, "    when: login and login.count == 0\n")),
    ),
    "a play whose condition and goal exclude each other": (
        "never-fires",
        bent((WHEN, "    when: login\n    only_while: not login\n")),
    ),
    "a day after the days that are asked for": (
        "never-fires",
        bent(("    day: 1", "    day: 10"), (WHEN, "    when: day <= 7\n")),
    ),
    "a day before the days that are asked for": (
        "never-fires",
        bent((WHEN, "    only_while: day >= 9\n")),
    ),
    "an offset that leaves no time": (
        "never-fires",
        bent(play("after: 10d since login\nwhen: login.first_day > 5 and day < 14\nemail: day_3_setup")),
    ),
    "a silence that is broken by its condition": (
        "never-fires",
        bent(play("silent: 5d since login\nwhen: login.days_ago < 5\nemail: day_3_setup")),
    ),
    "a business silence that is broken by its condition": (
        "never-fires",
        bent(play("silent: 5 business days since login\nwhen: login.days_ago < 5\nemail: day_3_setup")),
    ),
    "a milestone that is never reached": (
        "never-fires",
        bent(("login.count > 2 and", "login.count < 1 and"), play("reached: busy\nemail: day_3_setup")),
    ),
    "an entry of a stage that it is not for": (
        "never-fires",
        bent(play("entered: old\nstages: [young]\nemail: day_3_setup")),
    ),
    "an entry of a stage that is asked for too late": (
        "never-fires",
        bent(play('entered: old\nat: "09:00"\nwhen: stage_days > 30\nemail: day_3_setup')),
    ),
    "days that are all outside of what is asked for": (
        "never-fires",
        bent(play("day: [3, 12]\nwhen: day >= 5 and day < 10\nvalid_for: 1d\nemail: day_3_setup")),
    ),
    "a date that has passed by then": (
        "never-fires",
        bent(
            ("size: number", "size: number\n    ends: instant"),
            play("before: 30d until ends\nwhen: login.last > ends\nemail: day_3_setup"),
        ),
    ),
    "what happened long ago just when it happens": (
        "never-fires",
        bent(play("on: login\nwhen: login.days_ago > 9\nemail: day_3_setup")),
    ),
    "a milestone that is late before its target": (
        "never-fires",
        bent(
            ("  busy: {", "  idle: {when: left, target: 7d}\n  busy: {"),
            play("overdue: idle\nwhen: day < 7\nemail: day_3_setup"),
        ),
    ),
    "a cadence that ends before what is asked for": (
        "never-fires",
        bent(play("every: week on monday until day 20\nwhen: day > 40\nemail: day_3_setup")),
    ),
    "several days that fill the week": (
        "starved-by-caps",
        bent(("per_week: 3", "per_week: 1"), play('day: [2, 3]\nat: "09:00"\nvalid_for: 3d\nemail: day_3_setup')),
    ),
    "a stall in a stage that it is not for": (
        "never-fires",
        bent(
            ("young: {goal: grow}", "young: {goal: grow, window: [0d, 9d]}"),
            play("stalled: young\nstages: [old]\nemail: day_3_setup"),
        ),
    ),
    "falling weeks sooner than weeks are over": (
        "never-fires",
        bent(play("every: week until day 12\nvalid_for: 1d\nwhen: login.falling_weeks >= 2\nemail: day_3_setup")),
    ),
    "a stage that is left before the play is judged": (
        "never-fires",
        bent((SCORED, "when: busy"), play("day: 5\nwhen: busy\nstages: [young]\nemail: day_3_setup")),
    ),
    "stages that nobody reaches": (
        "never-fires",
        bent((SCORED, "when: login and not login"), play("day: 5\nstages: [old]\nemail: day_3_setup")),
    ),
    "a row whose guard never holds": ("always-false", bent((SCORED, "when: nps.lowest > 10"))),
    "a part that never holds": ("always-false", bent((SCORED, "when: busy or nps.latest < 0"))),
    "a list that leaves nothing": (
        "always-false",
        bent((WHEN, "    only_while: not (tier == 'high' and tier == 'tech' or login)\n")),
    ),
    "a draft that nobody ever approves": (
        "always-false",
        bent(("plays:\n", "draft: tier == 'high' and tier == 'tech'\nplays:\n")),
    ),
    "a play whose mail is always a draft": ("always-true", bent((WHEN, "    draft: login or not login\n"))),
    "a count that is never negative": ("always-true", bent((WHEN, "    when: login.count >= 0 and tier == 'tech'\n"))),
    "a goal that never ends": ("always-true", bent((WHEN, "    only_while: login or not login\n"))),
    "a stage without a way out": ("dead-end", bent(("from: any", "from: young"))),
    "a stage whose only way out never opens": (
        "dead-end",
        bent(("to: gone, when: left", "to: gone, when: left and not left")),
    ),
    "a stage to which only a dead row leads": ("unreachable-stage", bent((SCORED, "when: nps.lowest > 10"))),
    "a row below one that always fits first": (
        "shadowed-row",
        bent(
            (
                f"    - {{from: young, to: old, {SCORED}}}\n",
                f"    - {{from: young, to: old, when: login}}\n    - {{from: young, to: gone, {SCORED}}}\n",
            ),
        ),
    ),
    "a mail that may not wait for Monday": ("starved-by-window", bent((WHEN, "    valid_for: 12h\n"))),
    "a mail at night that may not wait": (
        "starved-by-window",
        bent(play("after: 2d since login\nvalid_for: 3h\nemail: day_3_setup")),
    ),
    "four mails in days where the caps let three through": (
        "starved-by-caps",
        bent(
            ("per_week: 3", "per_week: 1"),
            play('day: 2\nat: "09:00"\nvalid_for: 3d\nemail: day_3_setup'),
        ),
    ),
    "an event that nobody reads": ("unused-name", bent(("    left: [Left]", "    left: [Left]\n    noise: [Noise]"))),
    "a trait that nobody reads": ("unused-name", bent(("size: number", "size: number\n    shade: text"))),
    "a milestone that nobody reads": ("unused-name", bent(("  busy: {", "  idle: {when: not login}\n  busy: {"))),
    "an event that was never seen": ("never-seen", SOUND),
}
SEEN = frozenset({"Signed Up", "Logged In", "Scored"})


@pytest.mark.parametrize("case", TRIPS)
def test_each_rule_is_tripped(case: str) -> None:
    """A playbook with one thing wrong gets that finding."""
    rule, text = TRIPS[case]
    rules = {finding.rule for finding in found(text, SEEN if rule == "never-seen" else None)}
    assert rule in rules, rules


PASSES = {
    "a sound playbook": SOUND,
    "drafts for some": bent(("plays:\n", "draft: tier == 'high'\nplays:\n"), (WHEN, "    draft: true\n")),
    "mail to people who are not there yet": bent((WHEN, "    to: admins\n    when: tier == 'tech'\n")),
    "an event that is told apart by its properties": bent(
        (
            "    left: [Left]",
            "    left: [Left]\n    done: [Done]\n    one_done: [{name: done, where: {task: one}}]",
        ),
        play("on: one_done\nemail: day_3_setup"),
    ),
    "a day within the days that are asked for": bent(
        ("    day: 1", "    day: 7"), (WHEN, "    when: tier == 'tech' and day <= 7\n")
    ),
    "an offset that leaves some time": bent(
        play("after: 10d since login\nwhen: login.first_day > 5 and day < 18\nemail: day_3_setup")
    ),
    "a silence that is just long enough": bent(
        play("silent: 5d since login\nwhen: login.days_ago >= 5\nemail: day_3_setup")
    ),
    "falling weeks when enough are over": bent(
        play(
            "every: week until day 22\nwhen: login.falling_weeks >= 2 and login.week_ratio <= 0.5\nvalid_for: 5d\nemail: day_3_setup"
        )
    ),
    "an entry of a stage that it is for": bent(play("entered: old\nstages: [old]\nemail: day_3_setup")),
    "a play for the exit": bent(play("entered: gone\nstages: [gone]\nemail: day_3_setup")),
    "two terms that are compared": bent(
        (WHEN, "    when: tier == 'tech' and login.count > scored.count and login.count < scored.count\n")
    ),
    "mails that exclude each other": bent(
        ("per_week: 3", "per_week: 1"),
        play("day: 1\nat: \"09:00\"\nwhen: tier == 'high'\nemail: day_3_setup"),
    ),
    "mails for two kinds of account": bent(
        ("per_week: 3", "per_week: 1"),
        play("day: 2\nat: \"09:00\"\nwhen: tier == 'high' and login\nemail: day_3_setup"),
    ),
    "a weekly mail whose condition is behaviour": bent(
        ("per_week: 3", "per_week: 1"),
        play(
            'every: week until day 20\nat: "09:00"\nwhen: login.days_ago > 3\nonly_while: not left\nvalid_for: 4d\nemail: day_3_setup'
        ),
    ),
    "a weekly mail to another kind of account": bent(
        ("per_week: 3", "per_week: 1"),
        play("every: week until day 20\nat: \"09:00\"\nwhen: tier == 'high'\nvalid_for: 4d\nemail: day_3_setup"),
    ),
    "a mail for who comes back on the same day": bent(
        ("per_week: 3", "per_week: 1"),
        ("tier == 'tech'", "tier == 'tech' and login"),
        play('day: 1\nat: "09:00"\nonly_while: not login\nemail: day_3_setup'),
    ),
    "a date that is near": bent(
        ("size: number", "size: number\n    ends: instant"),
        play("before: 30d until ends\nwhen: login.last < ends\nemail: day_3_setup"),
    ),
    "what just happened": bent(play("on: login\nwhen: login.days_ago <= 1\nemail: day_3_setup")),
    "a milestone that is late": bent(
        ("  busy: {", "  idle: {when: not login, target: 7d}\n  busy: {"),
        play("overdue: idle\nwhen: day >= 7 and login\nemail: day_3_setup"),
    ),
    "a milestone that is late on another clock": bent(
        ("  busy: {", "  idle: {when: left, targets: [{within: 7d, since: login}]}\n  busy: {"),
        play("overdue: idle\nwhen: day < 7\nemail: day_3_setup"),
    ),
    "a cadence": bent(play("every: month on 1\nwhen: day > 200\nemail: day_3_setup")),
    "a mail that needs no window": bent(
        play("after: 2d since login\nvalid_for: 3h\ntransactional: true\nemail: day_3_setup")
    ),
    "a constant that is meant": bent(("tier == 'tech'\n", "tier == 'tech' or False\n")),
    "a milestone with a target": bent(("  busy: {", "  idle: {when: not login, target: 7d}\n  busy: {")),
    "a trait that only a play sets, for the product": bent(
        ("size: number", "size: number\n    open: bool"),
        play("on: login\nset: {unlock: open}"),
    ),
}


@pytest.mark.parametrize("case", PASSES)
def test_what_may_be_meant_is_not_warned_of(case: str) -> None:
    """What can happen, and what nothing is proven of, gets no finding."""
    assert not [str(finding) for finding in found(PASSES[case])]


def test_every_rule_is_tripped_by_a_playbook() -> None:
    """The table of rules and the playbooks that trip them are of one length."""
    of_treatment = {"segment-gap", "empty-segment", "high-touch-by-machine", "tech-touch-by-humans", "one-process"}
    of_signals = {"never-opens", "rung-never-comes", "closes-at-once", "narrow-while", "unheard-signal", "twin-rungs"}
    of_health = {"stuck-indicator", "unreachable-band", "one-fact"}
    elsewhere = of_treatment | of_signals | of_health | {"human-duty"}  # test_treatment, test_ladders, test_indicators
    elsewhere |= set(ANTI_PATTERNS.values())  # test_antipatterns
    assert {rule for rule, _ in TRIPS.values()} | elsewhere == set(RULES)


def test_names_that_were_seen_are_not_told() -> None:
    """An event is seen under any of its names, or under ours."""
    assert not found(SOUND, SEEN | {"left"})
    (finding,) = found(SOUND, SEEN)
    assert finding.message == "the store has never seen `Left`, `left`"


def test_an_event_by_its_properties_is_seen_under_what_it_is_part_of() -> None:
    """Where the product's event was seen, whether it ever had those properties is not known, and nothing is told."""
    text = bent(("    left: [Left]", "    left: [{name: Page Viewed, where: {path: /leave}}]"))
    assert not found(text, SEEN | {"Page Viewed"})
    (finding,) = found(text, SEEN)
    assert finding.message == "the store has never seen `Page Viewed`, `left`"


def test_a_finding_names_its_place() -> None:
    """A warning is one line with the place of the part that it is about."""
    (finding,) = found(TRIPS["a part that never holds"][1])
    line = SOUND.splitlines().index("    - {from: young, to: old, when: busy and nps.lowest > 6}") + 1
    assert str(finding) == (
        f"p.yaml:{line}:44 stages.transitions[1].when: warning: `nps.latest < 0` can never hold [always-false]"
    )
