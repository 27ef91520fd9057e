"""Counter-examples: lives that the real engine lives through, told line by line."""

from datetime import timedelta
from types import SimpleNamespace

from orchestrator.playbook import PlaybookSource, compile_playbook
from orchestrator.playbook.lint import Finding
from orchestrator.playbook.lint.moments import Moment, moments_of
from orchestrator.playbook.lint.timelines import MOST_LINES, happened, lived, story
from orchestrator.playbook.lint.witness import MONDAY
from tests.playbook.lint.books import SOUND, bent, found, play
from tests.playbook.small import TEMPLATES

DAY = timedelta(days=1)
WHEN = "    when: tier == 'tech'\n"


def only(text: str, rule: str) -> Finding:
    """The one finding of a rule."""
    (finding,) = (each for each in found(text) if each.rule == rule)
    return finding


def test_a_play_that_never_fires_is_shown_being_skipped() -> None:
    """The account comes to the day of the play, and the engine says why nothing is done."""
    text = bent(("    day: 1", "    day: 10"), (WHEN, "    when: day <= 7 and tier == 'tech'\n"))
    finding = only(text, "never-fires")
    assert finding.message == (
        "this play can never fire: when it is due (day 10 after the anchor), its condition cannot hold"
    )
    assert finding.timeline[-1].startswith("day  10 Thu 09:00  hello is skipped: condition_false (day <= 7: day = 10.3")
    assert str(finding).splitlines()[1].startswith("    day   0 ")


def test_a_play_whose_stage_is_left_is_shown_coming_too_late() -> None:
    """The timeline shows the stage being left before the play is judged."""
    text = bent(
        ("when: busy and nps.lowest > 6", "when: login"),
        play("after: 1d since login\nwhen: login\nstages: [young]\nemail: day_3_setup"),
    )
    finding = only(text, "never-fires")
    assert "the stage table has led out of its stages (young)" in finding.message
    assert any("enters old (stages.transitions[1])" in line for line in finding.timeline)
    assert finding.timeline[-1].endswith("more is skipped: other_stage")


def test_a_trigger_that_never_comes_has_no_timeline() -> None:
    """Where nothing comes due there is nothing to show."""
    text = bent(("login.count > 2 and", "login.count < 1 and"), play("reached: busy\nemail: day_3_setup"))
    assert only(text, "never-fires").timeline == ()


def test_a_dead_end_is_shown_a_year_later() -> None:
    """The account comes into the stage and stays there."""
    finding = only(bent(("from: any", "from: young")), "dead-end")
    assert finding.timeline[-1] == "day 365            still in old"
    assert any("enters old" in line for line in finding.timeline)


def test_a_first_stage_that_nobody_leaves_is_shown_from_the_start() -> None:
    """An account that does nothing stays where it begins."""
    text = bent(
        ("from: any", "from: old"),
        ("when: busy and nps.lowest > 6", "when: nps.lowest > 10"),
        ("    - {from: old", "    - {from: gone, to: old, when: left}\n    - {from: old"),
    )
    findings = {each.path: each.timeline for each in found(text) if each.rule == "dead-end"}
    assert findings["stages.table.young"][-1] == "day 365            still in young"


def test_a_dead_end_that_no_made_up_life_reaches_has_no_timeline() -> None:
    """Where the life that was made up does not stay in the stage, none is shown."""
    text = bent(("from: any, to: gone, when: left", "from: young, to: gone, when: login"))
    assert [each.timeline for each in found(text) if each.rule == "dead-end"] == [()]


def test_a_starved_mail_is_shown_waiting_for_nothing() -> None:
    """The mail comes due on a Saturday, and no window opens in time."""
    finding = only(bent((WHEN, "    when: tier == 'tech'\n    valid_for: 12h\n")), "starved-by-window")
    assert finding.message.startswith("due on a Saturday or Sunday, this mail never leaves")
    assert finding.timeline[-1].endswith("hello is skipped: deferred_too_long")


def test_a_crowded_out_mail_is_shown_expiring() -> None:
    """The other mails take the week's share, and this one ends at the door."""
    text = bent(("per_week: 3", "per_week: 1"), play('day: 2\nat: "09:00"\nvalid_for: 3d\nemail: day_3_setup'))
    finding = only(text, "starved-by-caps")
    assert "hello: its mail leaves" in finding.timeline[1]
    assert "more: its mail is cancelled: It could not leave before its not_after." in finding.timeline[-1]


def test_a_weekly_mail_takes_its_share() -> None:
    """A mail that goes out every week to everybody crowds out the others too."""
    text = bent(
        ("per_week: 3", "per_week: 1"),
        ("    day: 1", "    priority: 90\n    day: 9"),
        play('every: week until day 30\nat: "09:00"\nvalid_for: 4d\nemail: day_3_setup'),
    )
    assert only(text, "starved-by-caps").path == "plays.hello"


def test_a_life_tells_what_becomes_of_mail() -> None:
    """Mail waits, is taken back when its goal is reached, and leaves at once where it is exempt."""
    text = bent(
        ("    when: tier == 'tech'\n", "    when: tier == 'tech'\n    only_while: not login\n"),
        play('day: 1\nat: "09:00"\npriority: 1\nemail: day_3_setup'),
    )
    text += "  welcome:\n    after: 1h since login\n    transactional: true\n    email: day_5_value\n"
    book = compile_playbook(PlaybookSource(file="p.yaml", text=text, templates=TEMPLATES))
    events = [happened("signed_up", MONDAY), happened("login", MONDAY + 1.5 * DAY)]
    told = lived(book, events, MONDAY + 4 * DAY)
    assert [(each.kind, each.about) for each in told if each.about in book.plays] == [
        ("done", "more"),
        ("done", "hello"),
        ("sent", "more"),
        ("cancelled", "hello"),
        ("done", "welcome"),
        ("sent", "welcome"),
    ]
    assert story(told, 0)[-3].endswith(
        "hello: its mail is cancelled: The play's only_while no longer holds: what the message asks for is done."
    )


def test_what_cannot_be_decided_ends_a_life() -> None:
    """An error of the playbook is the last line."""
    text = bent(("when: busy and nps.lowest > 6", "when: 1 / login.count > 0"))
    book = compile_playbook(PlaybookSource(file="p.yaml", text=text, templates=TEMPLATES))
    told = lived(book, [happened("signed_up", MONDAY)], MONDAY + DAY)
    assert [each.kind for each in told] == ["event", "stuck"]
    assert "division by zero" in story(told, 0)[-1]


def test_a_life_that_never_rests_is_cut() -> None:
    """Nobody waits for the end of a life that goes on for ever."""
    text = bent(play("every: week on monday\nwhen: tier == 'tech'\nemail: day_3_setup"))
    book = compile_playbook(PlaybookSource(file="p.yaml", text=text, templates=TEMPLATES))
    told = lived(book, [happened("signed_up", MONDAY)], MONDAY + 36_500 * DAY)
    assert (told[-1].at - MONDAY) / DAY < 5_000


def test_a_long_story_leaves_out_its_middle() -> None:
    """A timeline has so many lines at most."""
    book = compile_playbook(PlaybookSource(file="p.yaml", text=SOUND, templates=TEMPLATES))
    events = [happened("signed_up", MONDAY), *(happened("login", MONDAY + number * DAY) for number in range(40))]
    lines = story(lived(book, events, MONDAY + 60 * DAY), 0, end="the end")
    assert len(lines) == MOST_LINES + 2
    assert lines[MOST_LINES // 2] == "… 32 more …"
    assert story([], 0) == ()


def test_nothing_is_said_of_a_trigger_that_is_not_known() -> None:
    """A new kind of trigger is never proven not to come."""
    book = compile_playbook(PlaybookSource(file="p.yaml", text=SOUND, templates=TEMPLATES))
    unknown = SimpleNamespace(trigger=object(), policy=book.plays["hello"].policy, signal=None)  # of no kind
    assert moments_of(unknown, book) == (Moment(),)  # type: ignore[arg-type]  # the same


def test_events_of_a_witness_carry_its_answers() -> None:
    """What is made up of a witness adds up to its facts."""
    text = bent(("when: busy and nps.lowest > 6", "when: nps.lowest < 3 and nps.latest > 8 and size > 4"))
    finding = only(text.replace("from: any", "from: young"), "dead-end")
    assert any("size:" in line for line in finding.timeline)
    assert sum("scored (score:" in line for line in finding.timeline) == 2


def test_a_window_that_shuts_out_many_is_told_once() -> None:
    """Where the same days shut out four mails, the finding is about the window."""
    hurried = 'day: {}\nat: "09:00"\nvalid_for: 12h\nemail: day_3_setup'
    text = bent((WHEN, "    when: tier == 'tech'\n    valid_for: 12h\n"))
    for number in range(3):
        body = "".join(f"    {line}\n" for line in hurried.format(number + 3).splitlines())
        text += f"  more_{number}:\n{body}"
    assert [each.path for each in found(text) if each.rule == "starved-by-window"] == ["windows.send"]
    assert "4 mails never leave" in only(text, "starved-by-window").message


def test_where_two_clauses_are_against_it_both_are_shown() -> None:
    """No single clause decides then, and the timeline still says why."""
    text = bent(("    day: 1", "    day: 10"), (WHEN, "    when: day <= 7 and day <= 6\n"))
    assert only(text, "never-fires").timeline[-1].count("<=") == 2
