"""Signals as they are written: what each becomes, what is refused, and a life under them."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

from datetime import timedelta

import pytest

from orchestrator.core.playbook import Again, Closed, Escalate, Holds, OnDay, Opened, Playbook, SendEmail, Severity
from orchestrator.core.reasons import DecisionReason
from orchestrator.playbook.actions import ACTION_KEYS
from orchestrator.playbook.conditions import ConditionError, Names, compile_condition
from orchestrator.playbook.plays import TRIGGERS
from orchestrator.playbook.signals import VALID_FOR
from tests.playbook.lives import DAY, event, lived
from tests.playbook.small import SMALL, bent, compiled, told

HOUR = timedelta(hours=1)
WRITTEN = """\
signals:
  absent:
    label: Never logged in
    severity: high
    category: adoption
    intervention: Call them and ask what is in the way.
    after: 48h since signed_up
    while: not login
    cooldown: 7d
    absorbs: [silent_week]
    flag: at_risk
    ladder:
      - when: touch == 'tech'
        email: signal_no_login
      - after: 2d
        unless: acknowledged
        escalate: {template: no_login, owner: csm, due: 8h}
      - name: last_resort
        after: 16 business hours
        label: Nobody reached them
        priority: 3
        valid_for: 1d
        only_while: touch == 'tech'
        when: at_risk
        unless: acknowledged
        escalate: {template: no_login, severity: critical, category: champion, owner: cs_director, due: 4h}
  silent_week:
    severity: low
    category: champion
    holds: login.days_ago > 7
    for: 3d
    priority: 9
"""
SIGNALS = SMALL.replace("plays:\n", f"{WRITTEN}plays:\n")


def changed(*changes: tuple[str, str]) -> str:
    """The playbook with signals, with some of its text replaced."""
    text = SIGNALS
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.fixture(scope="module")
def book() -> Playbook:
    """The playbook with signals."""
    return compiled(SIGNALS)


def test_a_signal_is_a_play_whose_effect_is_to_be_open(book: Playbook) -> None:
    """What opens it is its trigger, what keeps it open its only_while; it does nothing else."""
    play = book.plays["absent"]
    assert (play.label, play.actions, play.policy.valid_for) == ("Never logged in", (), VALID_FOR)
    assert play.policy.only_while is not None
    assert play.policy.only_while.text == "not login"
    what = play.signal
    assert what is not None
    assert (what.severity, what.category, what.intervention) == (
        Severity.HIGH,
        "adoption",
        "Call them and ask what is in the way.",
    )
    assert (what.absorbs, what.cooldown, what.at_risk) == (frozenset({"silent_week"}), 7 * DAY, True)
    assert set(book.signals) == {"absent", "silent_week"}
    assert book.roots == {"silent_week": ("absent",)}


def test_what_holds_stays_open_while_it_holds(book: Playbook) -> None:
    """A signal of a condition without a ``while`` of its own closes when the condition ceases to hold."""
    play = book.plays["silent_week"]
    assert isinstance(play.trigger, Holds)
    assert (play.trigger.span, play.trigger.condition) == (3 * DAY, play.policy.only_while)
    assert book.watched == {"silent_week": play.trigger}
    wider = compiled(changed(("    for: 3d\n", "    for: 3d\n    while: login.days_ago > 2\n")))
    assert wider.plays["silent_week"].policy.only_while != play.policy.only_while


def test_a_root_goes_before_its_symptoms(book: Playbook) -> None:
    """Should both come due at one instant, the root is judged first, whatever their priorities."""
    assert (book.plays["absent"].policy.priority, book.plays["silent_week"].policy.priority) == (8, 9)


def test_a_rung_is_a_play_that_the_opening_starts(book: Playbook) -> None:
    """Without a word of its own a rung has the signal's label, times, severity and category."""
    first, second = book.plays["absent_1"], book.plays["absent_2"]
    assert (first.trigger, first.actions) == (Opened(signal="absent"), (SendEmail(template="signal_no_login"),))
    assert (first.label, first.policy.valid_for, first.when.text) == ("Never logged in", VALID_FOR, "touch == 'tech'")
    assert second.trigger == Opened(signal="absent", delay=2 * DAY)
    assert second.when.text == "not absent.acknowledged"
    assert second.policy.only_while is not None
    assert second.policy.only_while.text == "absent"
    assert second.actions == (
        Escalate(template="no_login", severity=Severity.HIGH, category="adoption", owner="csm", due=8 * HOUR),
    )


def test_a_rung_may_say_all_that_a_play_may_say(book: Playbook) -> None:
    """Its name, label, policy, severity and conditions are its own; the signal's being open is asked besides."""
    rung = book.plays["last_resort"]
    assert rung.trigger == Opened(signal="absent", delay=16 * HOUR, business=True)
    assert (rung.label, rung.policy.priority, rung.policy.valid_for) == ("Nobody reached them", 3, DAY)
    assert rung.when.text == "not absent.acknowledged and (at_risk)"
    assert rung.policy.only_while is not None
    assert rung.policy.only_while.text == "absent and (touch == 'tech')"
    (work,) = rung.actions
    assert isinstance(work, Escalate)
    assert (work.severity, work.category) == (Severity.CRITICAL, "champion")


def test_a_rung_may_say_how_soon_it_is_done_again() -> None:
    """Each opening starts the ladder anew, so that a rung may ask for days in between."""
    text = changed(("  - after: 2d\n", "  - after: 2d\n        again: once a month\n"))
    assert compiled(text).plays["absent_2"].policy.again == Again(months=1)


def test_what_humans_say_is_read_where_there_are_signals(book: Playbook) -> None:
    """Only a playbook with signals looks at acknowledged and resolved."""
    words = {"escalation_acknowledged", "escalation_resolved"}
    assert words <= book.reads
    assert not words & compiled().reads


def test_plays_may_follow_a_signal() -> None:
    """A play may start when a signal opens or closes, or when a condition holds."""
    changes = {"opened: absent": Opened(signal="absent"), "closed: absent": Closed(signal="absent")}
    for written, trigger in changes.items():
        text = changed(("    day: 1\n", f"    {written}\n"))
        assert compiled(text).plays["hello"].trigger == trigger
    held = compiled(changed(("    day: 1\n", "    holds: absent.days >= 2 and not absent.acknowledged\n"))).plays[
        "hello"
    ]
    assert isinstance(held.trigger, Holds)
    assert held.trigger.span == timedelta(0)


def test_a_signal_may_live_in_an_exit() -> None:
    """The rungs of a signal of an exit stage belong to that stage too, unless they say otherwise; others climb anywhere."""
    exits = ("old: {goal: stay}", "old: {goal: stay, exit: true}")
    stage = (
        "    for: 3d\n",
        "    for: 3d\n    stages: [{stage}]\n    ladder: [{{email: gone_quiet}}, {{email: gone_quiet, stages: [young]}}]\n",
    )
    found = {}
    for name in ("old", "young"):
        plays = compiled(changed(exits, (stage[0], stage[1].format(stage=name)))).plays
        found[name] = [plays[each].stages for each in ("silent_week", "silent_week_1", "silent_week_2")]
    old, young = frozenset({"old"}), frozenset({"young"})
    assert found == {"old": [old, old, young], "young": [young, frozenset(), young]}


def test_a_short_horizon_shortens_what_is_not_said() -> None:
    """A signal and its rungs are valid for two weeks, or as long as the playbook looks back."""
    book = compiled(changed(("anchor: signed_up", "anchor: signed_up\nhorizon: 5d")))
    assert {book.plays[each].policy.valid_for for each in ("absent", "absent_1", "silent_week")} == {5 * DAY}


# fmt: off
REFUSED = [
    (("severity: high", "severity: hihg"), "34:15 signals.absent.severity: expected low, medium, high or critical, got 'hihg' (did you mean `high`?)"),
    (("    severity: low\n", ""), "57:3 signals.silent_week: missing key `severity`"),
    (("absorbs: [silent_week]", "absorbs: [silent_wek]"), "40:15 signals.absent.absorbs[0]: unknown signal `silent_wek` (did you mean `silent_week`?)"),
    (("absorbs: [silent_week]", "absorbs: [absent]"), "40:15 signals.absent.absorbs[0]: `absent` cannot absorb itself"),
    (("flag: at_risk", "flag: at_rsk"), "41:11 signals.absent.flag: expected at_risk, got 'at_rsk' (did you mean `at_risk`?)"),
    (("    while: not login\n", "    while: not logn\n"), "38:16 signals.absent.while: unknown name `logn` (did you mean `login`?)"),
    (("    while: not login\n", "    only_while: not login\n"), "38:5 signals.absent.only_while: a signal has no `only_while`: what is done about it stands on its `ladder`, what keeps it open in `while`"),
    (("    while: not login\n", "    while: not login\n    email: gone_quiet\n"), "39:5 signals.absent.email: a signal has no `email`: what is done about it stands on its `ladder`, what keeps it open in `while`"),
    (("    holds: login.days_ago > 7\n    for: 3d\n", ""), f"57:3 signals.silent_week: a signal needs one trigger of {', '.join(TRIGGERS)}; this has none"),
    (("    holds: login.days_ago > 7\n", "    silent: 7d since login\n"), "61:10 signals.silent_week.for: `for` says how long a condition must hold: it stands beside `holds`"),
    (("holds: login.days_ago > 7", "holds: login.days_ago"), "60:12 signals.silent_week.holds: expected true or false, got a number `login.days_ago`"),
    (("  - after: 2d\n", "  - after: 2 business days\n"), "45:16 signals.absent.ladder[1].after: write your own working time in business hours, as `working` counts them; got '2 business days'"),
    (("  - after: 2d\n", "  - after: 2d since login\n"), "45:16 signals.absent.ladder[1].after: expected a duration such as 30m, 48h, 3d or 2w, got '2d since login'"),
    (("  - after: 2d\n", "  - after: 2d\n        holds: login\n"), "46:9 signals.absent.ladder[1].holds: a rung has no `holds`: it comes due when its signal has been open for its `after`"),
    (("  - after: 2d\n", "  - after: 2d\n        for: 2d\n"), "46:9 signals.absent.ladder[1].for: a rung has no `for`: it comes due when its signal has been open for its `after`"),
    (("unless: acknowledged", "unless: acknowleged"), "46:17 signals.absent.ladder[1].unless: expected acknowledged, got 'acknowleged' (did you mean `acknowledged`?)"),
    (("name: last_resort", "name: last-resort"), "48:9 signals.absent.ladder[2].name: `last-resort` cannot be a name: use letters, digits and _, no word of the language"),
    (("name: last_resort", "name: hello"), "48:9 signals.absent.ladder[2]: `hello` is a play already: a name is one thing only"),
    (("name: last_resort", "name: absent_1"), "48:9 signals.absent.ladder[2]: `absent_1` is a play already: a name is one thing only"),
    (("template: no_login, owner", "template: no_logn, owner"), "47:30 signals.absent.ladder[1].escalate.template: there is no template templates/escalation/no_logn.md (did you mean `no_login`?)"),
    (("        email: signal_no_login\n", "        label: x\n"), f"43:9 signals.absent.ladder[0]: a play needs something to do: one or more of {', '.join(ACTION_KEYS)}"),
    (("touch: {one_of", "absent: text\n    touch: {one_of"), "33:3 signals.absent: `absent` is a trait already: a name is one thing only"),
    (("touch: {one_of", "at_risk: bool\n    touch: {one_of"), "9:5 vocabulary.traits.at_risk: `at_risk` is the flag of signals already: a name is one thing only"),
    (("    day: 1\n", "    opened: absnt\n"), "65:13 plays.hello.opened: unknown signal `absnt` (did you mean `absent`?)"),
    (("    day: 1\n", "    closed: absnt\n"), "65:13 plays.hello.closed: unknown signal `absnt` (did you mean `absent`?)"),
    (("    day: 1\n", "    day: 1\n    for: 2d\n"), "66:10 plays.hello.for: `for` says how long a condition must hold: it stands beside `holds`"),
    (("    day: 1\n", "    day: 1\n    when: absent.dys > 1\n"), "66:11 plays.hello.when: `absent` has no `.dys` (did you mean `days`?)"),
    (("    day: 1\n", "    day: 1\n    when: absent > 1\n"), "66:11 plays.hello.when: expected a number, got the signal `absent` (true or false)"),
    (("    email: day_0_welcome\n", "    escalate: {template: no_login, owner: csm, due: 4h, severity: low}\n"), "67:5 plays.hello.escalate: missing key `category`"),
]
# fmt: on


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_each_mistake_is_named_with_its_place(change: tuple[str, str], message: str) -> None:
    """One mistake gives one problem, at its place."""
    assert told(changed(change)) == [f"p.yaml:{message}"]


def test_two_roots_of_each_other_are_refused() -> None:
    """Signals that absorb each other, straight or in a circle, have no root."""
    text = changed(("    for: 3d\n", "    for: 3d\n    absorbs: [absent]\n"))
    assert told(text) == [
        "p.yaml:40:15 signals.absent.absorbs[0]: `absent` and `silent_week` absorb each other: only one of them can be the root",
        "p.yaml:62:15 signals.silent_week.absorbs[0]: `silent_week` and `absent` absorb each other: only one of them can be the root",
    ]


def test_a_broken_signal_is_said_once() -> None:
    """What names a signal whose declaration is wrong is left alone."""
    text = changed(("    severity: low\n", ""), ("    day: 1\n", "    opened: silent_week\n"))
    assert told(text) == ["p.yaml:57:3 signals.silent_week: missing key `severity`"]


def test_the_flag_is_a_name_only_where_a_signal_bears_it() -> None:
    """``at_risk`` is any open signal with the flag; without one it is no name, and a trait may be called so."""
    names = Names(vocabulary=compiled().vocabulary)
    with pytest.raises(ConditionError, match="unknown name `at_risk`"):
        compile_condition("at_risk", names)
    assert "at_risk" in compiled(bent(("touch: {one_of", "at_risk: bool\n    touch: {one_of"))).vocabulary.traits


def test_a_life_under_signals(book: Playbook) -> None:
    """Nobody logs in: the mail, then one call; the weekly silence stays absorbed, and a login ends it all."""
    life = lived(book, [event("Signed Up", 0), event("Logged In", 20)], 26)
    assert life.when("absent") == [2]
    assert [each.play for each in life.messages] == ["absent_1"]
    assert [(each.play, each.title) for each in life.escalations] == [
        ("absent_2", "Never logged in"),
        ("last_resort", "Nobody reached them"),
    ]
    assert {each.play for each in life.withdrawals} == {"absent_1", "absent_2", "last_resort"}
    assert life.when("silent_week") == []
    assert DecisionReason.DUE not in {each.reason for each in life.decisions if each.play == "silent_week"}
    assert isinstance(book.plays["hello"].trigger, OnDay)
