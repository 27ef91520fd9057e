"""What becomes of a play that is due: every reason of a Decision, every postponement, pauses, withdrawals, actions."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from orchestrator.core.account import LedgerEntry, Outcome
from orchestrator.core.conditions import Node, TermKind
from orchestrator.core.decisions import NoteKind, Step
from orchestrator.core.errors import UndecidableError
from orchestrator.core.events import OWN_SOURCE, Event, EventKind
from orchestrator.core.lifecycle import advance, opened
from orchestrator.core.people import Person
from orchestrator.core.playbook import (
    After,
    Entered,
    EveryWeek,
    Milestone,
    Mode,
    OnDay,
    OnUnknown,
    Play,
    Playbook,
    Policy,
    Reached,
    SendEmail,
    Severity,
    Silent,
    Transition,
)
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason
from tests.core.lives import Life, life, outputs
from tests.core.playbooks import (
    DAY,
    HOUR,
    MAIL,
    MILESTONES,
    PLAYBOOK,
    TRANSITIONS,
    calculate,
    compare,
    constant,
    count,
    days_ago,
    every,
    negation,
    one_of,
    play,
    reached,
    seen,
    term,
    trait,
    with_plays,
    work,
)
from tests.core.strategies import START, event, pause, person, resume, traits

ANNA = person("anna")
EVENING = START + 10 * HOUR  # 21:20 in Berlin: the window is closed
ON_DAY_0 = play("p", OnDay(day=0), MAIL)


def step(
    *plays: Play,
    now: datetime = START,
    events: tuple[Event, ...] = (),
    people: tuple[Person, ...] = (ANNA,),
    **changes: object,
) -> Step:
    """What one call says of a new account that signed up at START."""
    known = (event("signed_up"), *events)
    return advance(opened("a", START, PLAYBOOK), people, known, now, with_plays(*plays, **changes))


def reason_of(answer: Step) -> DecisionReason:
    """Why its one decision was made."""
    (decision,) = answer.decisions
    return decision.reason


def begin(*plays: Play, people: tuple[Person, ...] = (ANNA,), **changes: object) -> Life:
    """The life of an account that signs up at START."""
    lived = life(people, with_plays(*plays, **changes), START)
    lived.step(START, [event("signed_up")])
    return lived


# -- the reasons of decisions ------------------------------------------------------------------------------------------


def test_due() -> None:
    """DUE: what is due and holds is done: one message, one ledger entry, one decision."""
    answer = step(ON_DAY_0)
    assert reason_of(answer) is DecisionReason.DUE
    assert answer.account.ledger["p"] == LedgerEntry(
        episode="once",
        decided_at=START,
        outcome=Outcome.DONE,
        reason=DecisionReason.DUE,
        first_episode="once",
        first_decided_at=START,
    )
    (message,) = answer.messages
    assert (message.person, message.address, message.not_before) == ("anna", "anna@example.com", START)
    assert (message.not_after, message.mode, message.exempt) == (START + 2 * DAY, Mode.LIVE, False)
    assert answer.account.standing == {"p": "once"}


def test_condition_false() -> None:
    """CONDITION_FALSE: a due play whose condition is false is skipped, and says which clause was decisive."""
    answer = step(replace(ON_DAY_0, when=every(seen("signed_up"), seen("login"))))
    assert reason_of(answer) is DecisionReason.CONDITION_FALSE
    assert answer.messages == ()
    assert [clause.text for clause in answer.decisions[0].clauses if clause.decisive] == ["login"]


def test_unknown() -> None:
    """UNKNOWN: what rests on something unknown is skipped under its own reason, naming the term."""
    answer = step(replace(ON_DAY_0, when=one_of(trait("term"), "annual")))
    assert reason_of(answer) is DecisionReason.UNKNOWN
    assert answer.decisions[0].clauses[0].value == "term = unknown"


def test_stale() -> None:
    """STALE: found due later than valid_for, to the microsecond."""
    last = START + 2 * DAY
    assert reason_of(step(ON_DAY_0, now=last)) is DecisionReason.DUE
    assert reason_of(step(ON_DAY_0, now=last + timedelta(microseconds=1))) is DecisionReason.STALE


@pytest.mark.parametrize("tight", [Policy(max_defer=HOUR), Policy(valid_for=HOUR)], ids=["max_defer", "valid_for"])
def test_deferred_too_long(tight: Policy) -> None:
    """DEFERRED_TOO_LONG: the window opens after max_defer, or after valid_for: it is not kept waiting in vain."""
    late = replace(ON_DAY_0, policy=tight)
    events = (event("signed_up", EVENING, message_id="again"),)
    known = life((ANNA,), with_plays(late), EVENING)
    assert reason_of(known.step(EVENING, events)) is DecisionReason.DEFERRED_TOO_LONG


def test_a_window_that_never_opens_is_deferred_too_long() -> None:
    """DEFERRED_TOO_LONG: nobody waits for hours that never come."""
    closed = replace(PLAYBOOK.window, weekdays=frozenset[int]())
    assert reason_of(step(ON_DAY_0, window=closed)) is DecisionReason.DEFERRED_TOO_LONG


def test_no_recipient() -> None:
    """NO_RECIPIENT: a mail waits for somebody with an address until its max_defer ends, then it is skipped."""
    lived = begin(ON_DAY_0, people=(person("anna", email=""),))
    (waits,) = lived.steps[0][1].postponements
    assert (waits.reason, waits.until) == (PostponementReason.NO_RECIPIENT, START + 2 * DAY)
    lived.sleep(START + 9 * DAY)
    assert [(each.reason, each.decided_at) for each in lived.decisions] == [
        (DecisionReason.NO_RECIPIENT, START + 2 * DAY)
    ]


def test_a_recipient_who_turns_up_is_written_to() -> None:
    """A postponed mail goes as soon as somebody has an address."""
    lived = begin(ON_DAY_0, people=())
    lived.people = (ANNA,)
    answer = lived.step(START + HOUR, [event("identify", START + HOUR, kind=EventKind.IDENTIFY)])
    assert reason_of(answer) is DecisionReason.DUE


def test_work_for_humans_needs_no_recipient() -> None:
    """An escalation is opened also where nobody can be written to."""
    answer = step(play("p", OnDay(day=0), work()), people=())
    assert reason_of(answer) is DecisionReason.DUE
    assert answer.escalations[0].context["person"] == {"name": "", "first_name": ""}


def test_exited() -> None:
    """EXITED: in an exit stage every play is skipped but those that belong there."""
    plays = (
        ON_DAY_0,
        play("q", OnDay(day=0), MAIL, stages={"growth"}),
        play("r", OnDay(day=0), MAIL, stages={"churned"}),
    )
    answer = step(*plays, events=(event("left"),))
    reasons = {each.play: each.reason for each in answer.decisions}
    assert reasons == {"p": DecisionReason.EXITED, "q": DecisionReason.EXITED, "r": DecisionReason.DUE}


def test_other_stage() -> None:
    """OTHER_STAGE: a play of other stages than the account's is skipped."""
    assert reason_of(step(replace(ON_DAY_0, stages=frozenset({"growth"})))) is DecisionReason.OTHER_STAGE


def test_already_done() -> None:
    """ALREADY_DONE: what only_while says is no longer wanted is not begun, and the goal's clause is told."""
    goal = negation(seen("setup_done"))
    answer = step(replace(ON_DAY_0, policy=replace(ON_DAY_0.policy, only_while=goal)), events=(event("setup_done"),))
    assert reason_of(answer) is DecisionReason.ALREADY_DONE
    assert (answer.messages, answer.withdrawals) == ((), ())
    assert [clause.text for clause in answer.decisions[0].clauses] == ["True", "not (setup_done)"]


QUIET = play("p", Silent(period=DAY, since="login"), MAIL, max_defer=4 * DAY, valid_for=4 * DAY)
SATURDAY = START + 3 * DAY


def test_overtaken_by_a_sound() -> None:
    """OVERTAKEN: a silence that was broken while its mail waited for the window is decided, and the next one counts."""
    lived = begin(QUIET)
    lived.sleep(SATURDAY - DAY)
    lived.step(SATURDAY - DAY, [event("login", SATURDAY - DAY)])
    lived.sleep(SATURDAY + HOUR)
    assert [each.reason for each in lived.decisions] == [DecisionReason.DUE]
    assert lived.account.waiting["p"].reason is PostponementReason.OUTSIDE_WINDOW
    answer = lived.step(SATURDAY + HOUR, [event("login", SATURDAY + HOUR)])
    assert reason_of(answer) is DecisionReason.OVERTAKEN
    assert answer.decisions[0].due_at == SATURDAY
    assert answer.account.waiting == {}
    lived.sleep(SATURDAY + 5 * DAY)
    assert [each.due_at for each in lived.decisions] == [START + DAY, SATURDAY, SATURDAY + DAY + HOUR]


def test_a_silence_that_goes_on_still_waits() -> None:
    """A waiting play whose silence is not broken is left waiting by whatever else happens."""
    lived = begin(QUIET)
    lived.step(START + HOUR, [event("login", START + 2 * DAY + HOUR)])
    lived.sleep(START + 4 * DAY)
    assert outputs(lived.step(START + 4 * DAY, [event("core_used", START + 4 * DAY)])) == ()
    assert "p" in lived.account.waiting


GROWING = play("p", Entered(stage="growth"), MAIL)
THROUGH = (
    Transition(source="onboarding", target="growth", when=seen("setup_done"), path="0"),
    Transition(source="growth", target="maturity", when=seen("core_used"), path="1"),
)


def test_overtaken_by_the_next_stage() -> None:
    """OVERTAKEN: a stage that was left in the same call, or while its mail waited, leaves a decision for its entry."""
    answer = step(GROWING, events=(event("setup_done"), event("core_used")), transitions=THROUGH)
    assert (reason_of(answer), answer.account.stage) == (DecisionReason.OVERTAKEN, "maturity")
    lived = begin(GROWING, transitions=THROUGH)
    waits = lived.step(EVENING, [event("setup_done", EVENING)])
    assert [each.until for each in waits.postponements] == [lived.account.wake_at]
    after = lived.step(EVENING + HOUR, [event("core_used", EVENING + HOUR)])
    assert (reason_of(after), after.account.waiting) == (DecisionReason.OVERTAKEN, {})


def test_an_entry_that_was_not_due_yet_leaves_nothing() -> None:
    """Leaving a stage before its play came due is no decision: it never came due."""
    tomorrow = replace(GROWING, policy=replace(GROWING.policy, at=time(9)))
    answer = step(tomorrow, events=(event("setup_done"), event("core_used")), transitions=THROUGH)
    assert answer.decisions == ()


def test_every_reason_of_a_decision_has_a_test_here() -> None:
    """The list is closed, and each word of it is claimed by a test of this file, those of signals by test_signals."""
    claims = " ".join(str(each.__doc__) for name, each in globals().items() if name.startswith("test_"))
    elsewhere = {"OUTRANKED", "ACCOUNT_CAPPED", "HOLDOUT"}  # claimed in test_policy.py
    elsewhere |= {"ALREADY_OPEN", "UNCONFIRMED"}  # and in test_signals.py
    elsewhere |= {"NOT_AMONG"}  # and in test_checkpoints.py
    elsewhere |= {"TOO_SOON"}  # and in test_reentry.py
    elsewhere |= {"BACKFILL"}  # and in test_history.py
    assert {each.name for each in DecisionReason if each.name not in claims} == elsewhere


# -- postponements and pauses ------------------------------------------------------------------------------------------


def test_outside_the_window_it_waits_for_the_next_opening() -> None:
    """A mail due in the evening leaves at eight in the morning, judged again on the facts of then."""
    lived = life((ANNA,), with_plays(replace(ON_DAY_0, when=negation(seen("login")))), EVENING)
    answer = lived.step(EVENING, [event("signed_up", EVENING)])
    (waits,) = answer.postponements
    opening = datetime.fromisoformat("2026-03-05T07:00:00+00:00")
    assert (waits.until, waits.reason, answer.wake_at) == (opening, PostponementReason.OUTSIDE_WINDOW, opening)
    lived.sleep(opening)
    assert reason_of(lived.step(opening)) is DecisionReason.DUE


def test_what_changed_while_it_waited_counts() -> None:
    """A postponed play is judged by the facts at its opening."""
    lived = life((ANNA,), with_plays(replace(ON_DAY_0, when=negation(seen("login")))), EVENING)
    lived.step(EVENING, [event("signed_up", EVENING)])
    lived.step(EVENING + HOUR, [event("login", EVENING + HOUR)])
    lived.sleep(EVENING + DAY)
    assert [each.reason for each in lived.decisions] == [DecisionReason.CONDITION_FALSE]


@pytest.mark.parametrize("free", [play("p", OnDay(day=0), MAIL, exempt=True), play("p", OnDay(day=0), work())])
def test_what_is_exempt_or_no_mail_does_not_wait(free: Play) -> None:
    """Transactional mail and work for humans know no window."""
    lived = life((ANNA,), with_plays(free), EVENING)
    assert reason_of(lived.step(EVENING, [event("signed_up", EVENING)])) is DecisionReason.DUE


def test_the_window_is_read_where_the_person_is() -> None:
    """Noon in Berlin is night in Los Angeles."""
    there = person("bob", timezone="America/Los_Angeles")
    answer = step(ON_DAY_0, people=(there,))
    assert [each.reason for each in answer.postponements] == [PostponementReason.OUTSIDE_WINDOW]


def test_a_paused_account_is_judged_when_the_pause_ends() -> None:
    """Each play that comes due in a pause is postponed once; after it all are judged in order, each by its own time."""
    lived = begin(play("p", OnDay(day=1), MAIL), play("q", OnDay(day=3), MAIL), transitions=())
    lived.step(START + HOUR, [pause(START + HOUR)])
    lived.sleep(START + 5 * DAY)
    postponed = [each for _, answer in lived.steps for each in answer.postponements]
    assert [(each.play, each.reason, each.until) for each in postponed] == [
        ("p", PostponementReason.PAUSED, None),
        ("q", PostponementReason.PAUSED, None),
    ]
    assert (lived.decisions, lived.account.wake_at) == ([], None)
    answer = lived.step(START + 5 * DAY, [resume(START + 5 * DAY)])
    reasons = [(each.play, each.reason) for each in answer.decisions]
    assert reasons == [("p", DecisionReason.STALE), ("q", DecisionReason.DUE)]


def test_a_pause_holds_what_waits_for_the_window() -> None:
    """A play that waits for its opening is still held when that comes in a pause."""
    lived = life((ANNA,), with_plays(ON_DAY_0), EVENING)
    lived.step(EVENING, [event("signed_up", EVENING)])
    lived.step(EVENING + HOUR, [pause(EVENING + HOUR)])
    lived.sleep(EVENING + DAY)
    assert lived.account.waiting["p"].reason is PostponementReason.PAUSED
    answer = lived.step(EVENING + DAY - 5 * HOUR, [resume(EVENING + DAY - 5 * HOUR)])
    assert reason_of(answer) is DecisionReason.DUE


def test_only_our_own_pause_counts() -> None:
    """A product that emits ``account_paused`` itself pauses nothing."""
    lived = begin(ON_DAY_0)
    lived.step(START, [event("account_paused", START)])
    assert not lived.account.paused


# -- order, caps of repetition, weeks ----------------------------------------------------------------------------------


def test_of_two_due_at_once_the_more_important_goes_first() -> None:
    """Order is by due instant, then priority, then name."""
    plays = [
        play("b", OnDay(day=0), work()),
        play("a", OnDay(day=0), work()),
        play("z", OnDay(day=0), work(), priority=1),
    ]
    assert [each.play for each in step(*plays).decisions] == ["z", "a", "b"]


def test_missed_weeks_are_visited_in_order() -> None:
    """A late call finds each missed week, stale ones sharing a record, the last one still good."""
    answer = step(play("p", EveryWeek(until_day=30), work()), now=START + 21 * DAY)
    assert [(each.episode, each.reason, each.repeats) for each in answer.decisions] == [
        ("2026-03-09", DecisionReason.STALE, 1),
        ("2026-03-16", DecisionReason.STALE, 2),
        ("2026-03-23", DecisionReason.STALE, 3),
    ]
    assert (answer.decisions[2].first_episode, answer.decisions[2].first_decided_at) == ("2026-03-09", START + 21 * DAY)
    assert answer.wake_at == START.replace(day=30, hour=0, minute=0)


# -- withdrawals -------------------------------------------------------------------------------------------------------

WANTED = play("p", OnDay(day=0), MAIL, only_while=negation(reached("setup")))


def test_a_goal_withdraws_what_was_done_for_it() -> None:
    """When only_while turns false, the play's mail is withdrawn in the same step, once."""
    lived = begin(WANTED)
    answer = lived.step(START + HOUR, [event("setup_done", START + HOUR)])
    assert [(each.play, each.episode, each.reason) for each in answer.withdrawals] == [
        ("p", "once", MessageReason.GOAL_REACHED)
    ]
    assert answer.account.standing == {}


def test_a_goal_may_be_reached_by_the_clock() -> None:
    """An only_while that turns with time is woken for."""
    lived = begin(play("p", OnDay(day=0), work(), only_while=compare(days_ago("signed_up"), "<", 3)))
    assert lived.account.wake_at == START + 3 * DAY
    lived.sleep(START + 4 * DAY)
    (withdrawal,) = lived.steps[-1][1].withdrawals
    assert (withdrawal.reason, lived.now) == (MessageReason.GOAL_REACHED, START + 3 * DAY)


def test_an_exit_withdraws_everything_but_its_own() -> None:
    """Entering an exit stage withdraws what stands, except plays that belong to it."""
    lived = begin(ON_DAY_0, play("bye", Entered(stage="churned"), MAIL, stages={"churned"}))
    answer = lived.step(START + HOUR, [event("left", START + HOUR)])
    assert [(each.play, each.reason) for each in answer.withdrawals] == [("p", MessageReason.EXITED)]
    assert set(answer.account.standing) == {"bye"}


def test_mail_that_has_left_cannot_be_withdrawn() -> None:
    """Our own word that it was sent settles the play; the same word from elsewhere does not."""
    lived = begin(WANTED)
    sent = {"play": "p", "episode": "once"}
    lived.step(START, [event("message_sent", START, properties=sent)])
    assert lived.account.standing == {"p": "once"}
    lived.step(START, [event("message_sent", START, source=OWN_SOURCE, properties=sent)])
    assert lived.account.standing == {}
    assert lived.step(START + HOUR, [event("setup_done", START + HOUR)]).withdrawals == ()


def test_open_work_is_closed_though_its_mail_has_left() -> None:
    """A play that also opened an escalation still stands when its mail was sent."""
    lived = begin(replace(WANTED, actions=(MAIL, work())))
    lived.step(START, [event("message_sent", START, source=OWN_SOURCE, properties={"play": "p", "episode": "once"})])
    answer = lived.step(START + HOUR, [event("setup_done", START + HOUR)])
    assert [each.reason for each in answer.withdrawals] == [MessageReason.GOAL_REACHED]


# -- actions -----------------------------------------------------------------------------------------------------------


def test_an_escalation_has_an_owner_and_a_deadline_in_working_time() -> None:
    """Work opened at 11:20 on Wednesday with eight hours is due at 11:20 on Thursday."""
    answer = step(play("p", OnDay(day=0), work(Severity.CRITICAL, 8 * HOUR)))
    (escalation,) = answer.escalations
    assert (escalation.action.owner, escalation.action.severity) == ("csm", Severity.CRITICAL)
    assert (escalation.opened_at, escalation.due_at) == (START, START + DAY)


def test_keys_are_deterministic() -> None:
    """The same decision made again has the same message and escalation ids; another action has another."""
    both = play("p", OnDay(day=0), MAIL, SendEmail(template="other"), work())
    first, second = step(both), step(both)
    assert [each.id for each in first.messages] == [each.id for each in second.messages]
    assert first.escalations[0].id == second.escalations[0].id
    assert len({*(each.id for each in first.messages), *(each.id for each in first.escalations)}) == 3


def test_a_play_without_actions_is_still_decided() -> None:
    """A play may only watch: it is done, and there is nothing to withdraw."""
    answer = step(play("p", OnDay(day=0)))
    assert (reason_of(answer), answer.account.standing) == (DecisionReason.DUE, {})


@pytest.mark.parametrize(("mode", "expected"), [(None, Mode.SHADOW), (Mode.REDIRECT, Mode.REDIRECT)])
def test_a_plays_mode_goes_before_the_playbooks(mode: Mode | None, expected: Mode) -> None:
    """What is decided goes as far as its play says, else as far as the playbook says."""
    answer = step(play("p", OnDay(day=0), MAIL, work(), mode=mode, on_unknown=OnUnknown.RESEND), mode=Mode.SHADOW)
    assert (answer.messages[0].mode, answer.escalations[0].mode) == (expected, expected)


def test_a_decision_says_where_its_times_were_read() -> None:
    """The zone, who named it, and why the play came due."""
    (decision,) = step(ON_DAY_0, people=(person(timezone="Asia/Kathmandu"),)).decisions
    assert (decision.zone, decision.zone_from) == ("Asia/Kathmandu", "person")
    assert decision.trigger == "day 0 after the anchor"


# -- the anchor --------------------------------------------------------------------------------------------------------


def test_an_anchor_freezes_when_its_first_play_is_decided() -> None:
    """A correction that comes later is noted once, and again only when it says something else."""
    lived = begin(ON_DAY_0, play("q", OnDay(day=5), MAIL))
    assert lived.account.anchor == START
    for earlier, notes in ((DAY, 1), (HOUR, 0), (2 * DAY, 1)):
        answer = lived.step(START + HOUR, [event("signed_up", START - earlier)])
        assert [each.kind for each in answer.notes] == [NoteKind.ANCHOR] * notes
    assert (lived.account.anchor, lived.account.anchor_said) == (START, START - 2 * DAY)
    assert lived.account.wake_at == START + 5 * DAY


def test_before_that_it_moves() -> None:
    """While no day play is decided, an earlier sign-up moves the days."""
    lived = begin(play("q", OnDay(day=5), MAIL))
    answer = lived.step(START + HOUR, [event("signed_up", START - DAY)])
    assert (answer.account.anchor, answer.notes, answer.wake_at) == (None, (), START + 4 * DAY)


# -- milestones and stages ---------------------------------------------------------------------------------------------


def noted(answer: Step, kind: NoteKind) -> list[dict[str, object]]:
    return [dict(each.detail) for each in answer.notes if each.kind is kind]


def test_a_milestone_is_reached_once_and_dated_by_what_it_rests_on() -> None:
    """Milestones that build on each other are reached together, each with its own date."""
    events = [event("setup_done", START + HOUR)] + [event("core_used", START + n * DAY) for n in (1, 2)]
    answer = step(events=tuple(events), now=START + 5 * DAY)
    assert noted(answer, NoteKind.MILESTONE) == [
        {"milestone": "setup", "reached_at": (START + HOUR).isoformat()},
        {"milestone": "value", "reached_at": (START + 2 * DAY).isoformat()},
    ]
    again = advance(answer.account, (), [event("setup_done", START - DAY)], START + 5 * DAY, with_plays())
    assert again.account.milestones == answer.account.milestones


def test_a_stage_turns_at_the_exact_instant() -> None:
    """A guard on time is woken for at its boundary; the entry bears that instant, also when it is found late."""
    lived = begin()
    lived.step(START + HOUR, [event("setup_done", START + HOUR)])
    assert lived.account.wake_at == START + 7 * DAY
    late = lived.step(START + 9 * DAY)
    assert (late.account.stage, late.account.stage_entered_at) == ("growth", START + 7 * DAY)
    assert late.wake_at == START + 17 * DAY + timedelta(microseconds=1)


def test_imported_history_does_not_begin_today() -> None:
    """An account that is first heard of long after its life began has its stages dated by that life."""
    then = START - 100 * DAY
    past = (event("signed_up", then), event("setup_done", then + DAY))
    answer = advance(opened("a", START, PLAYBOOK), (ANNA,), past, START, with_plays(GROWING))
    assert [each["entered_at"] for each in noted(answer, NoteKind.STAGE)] == [
        (then + 7 * DAY).isoformat(),
        (then + 17 * DAY + timedelta(microseconds=1)).isoformat(),
    ]
    assert answer.messages == ()


def test_who_comes_back_leaves_the_exit() -> None:
    """Churn is an exit with a way back; the way there and back may be taken again."""
    lived = begin(play("bye", Entered(stage="churned"), MAIL, stages={"churned"}))
    stages = []
    for number, name in enumerate(("left", "came_back", "left", "came_back")):
        stages.append(lived.step(START + number * HOUR, [event(name, START + number * HOUR)]).account.stage)
    assert stages == ["churned", "onboarding"] * 2
    assert [each.episode for each in lived.decisions] == [(START + n * HOUR).isoformat() for n in (0, 2)]


STAGE_DAYS = term(TermKind.STAGE_DAYS)


def turning(*rows: tuple[str, str, Node]) -> Playbook:
    """A playbook with this stage table only."""
    table = [
        Transition(source=source, target=target, when=when, path=f"stages.{number}")
        for number, (source, target, when) in enumerate(rows)
    ]
    return with_plays(transitions=tuple(table))


def test_a_circle_within_one_instant_is_an_error() -> None:
    """Guards that hold in turn are an error of the playbook that names the row, not an endless loop."""
    yes = constant(value=True)
    circle = turning(("onboarding", "growth", yes), ("growth", "onboarding", yes))
    with pytest.raises(UndecidableError, match=r"stages\.\d: .*circle"):
        advance(opened("a", START, PLAYBOOK), (), [], START, circle)


def test_a_circle_through_time_is_visited_in_order() -> None:
    """A late call may pass a stage twice, as calls on time would have done."""
    days = compare(STAGE_DAYS, ">=", 5)
    rounds = turning(("onboarding", "growth", days), ("growth", "onboarding", days))
    account = opened("a", START, PLAYBOOK)
    late = advance(account, (), [], START + 17 * DAY, rounds)
    for day in (5, 10, 15):
        account = advance(account, (), [], START + day * DAY, rounds).account
    assert (late.account.stage, late.account.stage_entered_at) == ("growth", START + 15 * DAY)
    assert (account.stage, account.stage_entered_at) == ("growth", START + 15 * DAY)


def test_a_table_that_never_rests_is_an_error() -> None:
    """Guards that turn every microsecond are given up after some thousand moves."""
    soon = compare(STAGE_DAYS, ">", 0)
    with pytest.raises(UndecidableError, match="does not come to rest"):
        advance(
            opened("a", START, PLAYBOOK),
            (),
            [],
            START + DAY,
            turning(("onboarding", "growth", soon), ("growth", "onboarding", soon)),
        )


# -- what cannot be decided --------------------------------------------------------------------------------------------


def test_a_division_by_zero_raises_and_changes_nothing() -> None:
    """What cannot be evaluated raises by name; the account is as it was, and goes on when the data is mended."""
    ratio = compare(calculate(constant(1), "/", count("login")), ">", 0.1)
    lived = begin(play("p", OnDay(day=1), work(), when=ratio))
    before = lived.account
    with pytest.raises(UndecidableError, match=r"1 / login\.count"):
        lived.step(START + DAY)
    assert lived.account is before
    assert reason_of(lived.step(START + DAY, [event("login")])) is DecisionReason.DUE


def test_a_milestone_that_cannot_be_evaluated_raises() -> None:
    """Also where no play is due, an error is never read as false."""
    broken = Milestone(name="m", when=compare(calculate(constant(1), "/", count("login")), ">", 1), label="m")
    with pytest.raises(UndecidableError):
        step(milestones={**MILESTONES, "m": broken})


def test_an_instant_beyond_the_calendar_raises() -> None:
    """An event from the year 9999 leads no rule astray: the account is undecidable."""
    far = event("login", datetime.fromisoformat("9999-12-31T12:00:00+00:00"))
    with pytest.raises(UndecidableError, match="calendar"):
        step(play("p", After(delay=30 * DAY, since="login"), MAIL), events=(far,))


def test_the_stage_table_of_the_test_playbook_has_an_exit() -> None:
    """The rows lead to stages that exist, and one of them is an exit."""
    assert {row.target for row in TRANSITIONS} <= set(PLAYBOOK.stages)
    assert PLAYBOOK.stages["churned"].exit


def test_a_reached_milestone_starts_its_play() -> None:
    """Reached comes due at the date of the milestone, at the next such local time."""
    answer = step(
        play("p", Reached(milestone="setup"), work(), at=time(14)), events=(event("setup_done", START), traits(seats=3))
    )
    assert answer.wake_at == START.replace(hour=13, minute=0)
