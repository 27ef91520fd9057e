"""Signals: what opens them, holds them back, keeps them open and closes them, and what follows from each."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from orchestrator.core.account import Account, merge
from orchestrator.core.conditions import Node, TermKind, became, explain, flips, read, verdict
from orchestrator.core.decisions import NoteKind
from orchestrator.core.lifecycle import absorb, advance, opened, view_of
from orchestrator.core.playbook import After, Closed, EveryWeek, Holds, OnDay, Opened, Play, Silent
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason
from orchestrator.core.signals import Edge, SignalState, acknowledged_at
from tests.core.lives import Life, life, outputs
from tests.core.playbooks import (
    DAY,
    HOUR,
    MAIL,
    PLAYBOOK,
    acknowledged,
    compare,
    count,
    days_ago,
    days_open,
    every,
    is_open,
    negation,
    play,
    reached,
    rung,
    seen,
    signal,
    term,
    trait,
    with_plays,
    work,
)
from tests.core.strategies import START, acknowledge, event, pause, person, resolve, resume, traits

MOMENT = timedelta(microseconds=1)
NEVER_CAME, NOT_SET_UP, UNUSED = negation(seen("login")), negation(reached("setup")), negation(seen("core_used"))
AWAY = every(seen("login"), compare(days_ago("login"), ">=", 3))
NEW = After(delay=2 * DAY, since="signed_up")


def begin(*plays: Play, **changes: object) -> Life:
    """The life of an account that signs up at START, under a table without stages to move through."""
    lived = life((person("anna"),), with_plays(*plays, **{"transitions": (), **changes}), START)
    lived.step(START, [event("signed_up")])
    return lived


def happens(lived: Life, name: str, days: float, **changes: object) -> None:
    """The account sleeps until then, and something happens."""
    at = START + days * DAY
    lived.sleep(at)
    lived.step(at, [event(name, at, **changes)])


def sleeps(lived: Life, days: float) -> None:
    """The account sleeps until so many days after START, that instant included."""
    lived.sleep(START + days * DAY + MOMENT)


def openings(lived: Life) -> list[tuple[str, float]]:
    """Which signals opened, and on which day."""
    signals = lived.playbook.signals
    done = (each for each in lived.decisions if each.reason is DecisionReason.DUE and each.play in signals)
    return [(each.play, (each.decided_at - START) / DAY) for each in done]


def closings(lived: Life) -> list[tuple[object, object, float]]:
    """Which signals closed, why, and on which day."""
    notes = (each for _, step in lived.steps for each in step.notes if each.kind is NoteKind.SIGNAL)
    return [(each.detail["signal"], each.detail["closed"], (each.at - START) / DAY) for each in notes]


def escalated(lived: Life) -> list[tuple[str, float]]:
    """The plays that called a human, and on which day."""
    return [(each.play, (at - START) / DAY) for at, step in lived.steps for each in step.escalations]


def postponed(lived: Life, reason: PostponementReason) -> list[tuple[str, float, float | None]]:
    """What was postponed for a reason: the play, on which day, until which."""
    return [
        (each.play, (each.at - START) / DAY, None if each.until is None else (each.until - START) / DAY)
        for _, step in lived.steps
        for each in step.postponements
        if each.reason is reason
    ]


# -- one cause, one escalation -----------------------------------------------------------------------------------------

FIVE = (
    signal("absent", NEW, "unset", "unused", "unloved", "quiet", only_while=NEVER_CAME),
    signal("unset", After(delay=5 * DAY, since="signed_up"), only_while=NOT_SET_UP),
    signal("unused", After(delay=7 * DAY, since="signed_up"), only_while=UNUSED),
    signal("unloved", OnDay(day=9), only_while=UNUSED),
    signal("quiet", Silent(period=4 * DAY, since="login"), only_while=negation(compare(days_ago("login"), "<", 4))),
)
CALLS = tuple(rung(1, each.name, timedelta(0), work()) for each in FIVE)


def test_an_account_that_never_logged_in_is_one_escalation() -> None:
    """ABSORBED: while the root is open its symptoms wait by name, so that five causes call one human, once."""
    lived = begin(*FIVE, *CALLS)
    sleeps(lived, 40)
    assert escalated(lived) == [("absent_1", 2)]
    assert openings(lived) == [("absent", 2)]
    waits = postponed(lived, PostponementReason.ABSORBED)
    assert waits == [("quiet", 4, None), ("unset", 5, None), ("unused", 7, None), ("unloved", 9, None)]
    assert lived.account.wake_at is None


def test_without_the_root_there_would_be_five() -> None:
    """The same signals, none of which absorbs another, call five times."""
    alone = tuple(bent(each, absorbs=frozenset()) for each in FIVE)
    lived = begin(*alone, *CALLS)
    sleeps(lived, 40)
    assert len(escalated(lived)) == 5


def bent(of: Play, **changes: Any) -> Play:  # noqa: ANN401 -- fields of Signal
    """The signal with changes to what makes it one."""
    assert of.signal is not None
    return replace(of, signal=replace(of.signal, **changes))


def test_what_still_holds_opens_when_the_root_closes() -> None:
    """A symptom that holds when its root closes opens then, however long ago it came due; the others are done with."""
    lived = begin(*FIVE, *CALLS)
    happens(lived, "core_used", 20)
    happens(lived, "login", 21)
    assert openings(lived) == [("absent", 2), ("unset", 21)]
    assert closings(lived) == [("absent", "cleared", 21)]
    reasons = {each.play: each.reason for each in lived.decisions if each.play in lived.playbook.signals}
    assert reasons["unused"] is reasons["unloved"] is DecisionReason.ALREADY_DONE
    assert reasons["quiet"] is DecisionReason.OVERTAKEN


def test_staleness_is_counted_from_the_closing_of_the_root() -> None:
    """A pause that outlasts valid_for after the root has closed makes the symptom stale, a shorter one does not."""
    for days, reason in ((7, DecisionReason.DUE), (7.1, DecisionReason.STALE)):
        lived = begin(*FIVE[:2])
        happens(lived, "account_paused", 19, source="lifecycle")
        happens(lived, "login", 20)
        happens(lived, "account_resumed", 20 + days, source="lifecycle")
        assert [each.reason for each in lived.decisions if each.play == "unset"] == [reason]


def test_what_was_open_before_its_root_stays_open() -> None:
    """A root that opens later closes nothing."""
    late = signal("absent", After(delay=6 * DAY, since="signed_up"), "unset", only_while=NEVER_CAME)
    lived = begin(late, FIVE[1])
    sleeps(lived, 30)
    assert openings(lived) == [("unset", 5), ("absent", 6)]
    assert closings(lived) == []


def test_the_symptoms_of_a_symptom_are_the_roots_too() -> None:
    """A root absorbs through another symptom, though that one is not open itself."""
    lived = begin(
        signal("absent", NEW, "unset", only_while=NEVER_CAME),
        signal("unset", After(delay=5 * DAY, since="signed_up"), "unused", only_while=NOT_SET_UP),
        FIVE[2],
    )
    sleeps(lived, 30)
    assert openings(lived) == [("absent", 2)]
    happens(lived, "login", 31)
    assert openings(lived) == [("absent", 2), ("unset", 31)]
    assert lived.account.waiting["unused"].reason is PostponementReason.ABSORBED


# -- opening -----------------------------------------------------------------------------------------------------------


def test_one_of_a_signal_is_open_at_a_time() -> None:
    """ALREADY_OPEN: a trigger that comes again while the signal is open is skipped under that reason."""
    lived = begin(signal("flat", EveryWeek(until_day=30)))
    sleeps(lived, 26)
    reasons = [each.reason for each in lived.decisions]
    assert reasons == [DecisionReason.DUE, *[DecisionReason.ALREADY_OPEN] * 3]
    assert lived.account.signals["flat"].count == 1


def test_a_signal_explains_its_opening_as_it_was_before() -> None:
    """The decision tells what held the condition, the trigger's own included, and not what the opening changed."""
    lived = begin(signal("away", Holds(condition=AWAY), when=negation(is_open("away")), only_while=seen("signed_up")))
    happens(lived, "login", 1)
    sleeps(lived, 5)
    (decision,) = lived.decisions
    assert [(clause.text, clause.verdict) for clause in decision.clauses] == [
        ("login", True),
        ("login.days_ago >= 3", True),
        ("not (away)", True),
        ("signed_up", True),
    ]


def test_an_import_of_old_history_opens_nothing() -> None:
    """STALE: what has held for longer than valid_for when it is first heard of is history, whatever triggers it."""
    then = START - 100 * DAY
    past = [event("signed_up", then), event("login", then + DAY)]
    held = signal("held", Holds(condition=AWAY), only_while=AWAY)
    plays = (held, signal("never", Holds(condition=UNUSED, span=3 * DAY)), signal("quiet", FIVE[4].trigger), *FIVE[1:3])
    step = advance(opened("a", START, PLAYBOOK), (), past, START, with_plays(*plays, transitions=()))
    assert {each.reason for each in step.decisions} == {DecisionReason.STALE}
    assert {each.play for each in step.decisions} == {each.name for each in plays}
    assert step.account.signals == {}


def test_a_signal_of_a_paused_account_opens_when_it_is_resumed() -> None:
    """PAUSED: a signal waits for the end of a pause as every play does."""
    lived = begin(signal("absent", NEW, only_while=NEVER_CAME))
    lived.step(START + DAY, [pause(START + DAY)])
    sleeps(lived, 3)
    assert postponed(lived, PostponementReason.PAUSED) == [("absent", 2, None)]
    lived.step(START + 4 * DAY, [resume(START + 4 * DAY)])
    assert openings(lived) == [("absent", 4)]


# -- what must hold for so long ----------------------------------------------------------------------------------------

HELD = signal("held", Holds(condition=AWAY, span=2 * DAY), only_while=AWAY)


def test_what_holds_is_confirmed_before_it_opens() -> None:
    """CONFIRMING: what begins to hold is postponed until it has held for its span, woken for to the microsecond."""
    lived = begin(HELD)
    happens(lived, "login", 1)
    sleeps(lived, 20)
    assert postponed(lived, PostponementReason.CONFIRMING) == [("held", 4, 6)]
    assert openings(lived) == [("held", 6)]


def test_what_ceases_to_hold_is_not_confirmed() -> None:
    """UNCONFIRMED: a condition that breaks off is skipped; when it holds again it is counted from there."""
    lived = begin(HELD)
    for days in (1, 5, 9.5):
        happens(lived, "login", days)
    sleeps(lived, 20)
    ends = [(each.reason, (each.decided_at - START) / DAY) for each in lived.decisions]
    assert ends == [
        (DecisionReason.UNCONFIRMED, 5),
        (DecisionReason.UNCONFIRMED, 9.5),
        (DecisionReason.DUE, 14.5),
    ]


def test_a_confirmation_survives_later_events() -> None:
    """Events that leave the condition true do not begin its span anew."""
    lived = begin(signal("busy", Holds(condition=compare(count("ticket_opened"), ">=", 2), span=3 * DAY)))
    for days in (1, 2, 4, 4.9):
        happens(lived, "ticket_opened", days)
    sleeps(lived, 6)
    assert openings(lived) == [("busy", 5)]


def test_an_absence_is_counted_from_the_anchor() -> None:
    """What rests on nothing that happened has held since the account's first day."""
    lived = begin(signal("absent", Holds(condition=NEVER_CAME, span=2 * DAY), only_while=NEVER_CAME))
    sleeps(lived, 3)
    assert openings(lived) == [("absent", 2)]
    unanchored = life((), with_plays(HELD, signal("absent", Holds(condition=NEVER_CAME, span=DAY))), START)
    unanchored.step(START, [event("core_used", START - 9 * DAY)])
    assert unanchored.account.edges == {"absent": Edge(since=START)}


def test_what_holds_again_is_dated_after_it_ceased() -> None:
    """A condition whose parts are old does not count the time in which it did not hold."""
    calm = every(negation(compare(trait("seats"), ">", 5)), seen("login"))
    lived = begin(signal("calm", Holds(condition=calm, span=4 * DAY)))
    for days, seats in ((1, 1), (2, 9), (3, 2)):
        at = START + days * DAY
        lived.sleep(at)
        lived.step(at, [traits(at, seats=seats), event("login", START)])
    assert lived.account.edges["calm"] == Edge(since=START + 3 * DAY)
    sleeps(lived, 9)
    assert openings(lived) == [("calm", 7)]


def test_a_play_may_wait_for_what_holds() -> None:
    """Holds is a trigger of plays too: it comes again with each new edge, at the play's time of day."""
    lived = begin(play("p", Holds(condition=AWAY), work()))
    happens(lived, "login", 1)
    happens(lived, "login", 8)
    sleeps(lived, 20)
    assert escalated(lived) == [("p", 4), ("p", 11)]


# -- closing -----------------------------------------------------------------------------------------------------------


def test_a_signal_closes_by_itself_when_its_cause_is_over() -> None:
    """What ends ``while`` closes the signal in the same step, by events or by the clock, and says so in the journal."""
    month = compare(term(TermKind.DAY), "<", 12.5)
    lived = begin(signal("absent", NEW, only_while=NEVER_CAME), signal("early", NEW, only_while=month))
    happens(lived, "login", 9)
    sleeps(lived, 20)
    assert closings(lived) == [("absent", "cleared", 9), ("early", "cleared", 12.5)]
    (note,) = (each for _, step in lived.steps for each in step.notes if each.detail.get("signal") == "absent")
    assert note.detail == {
        "signal": "absent",
        "closed": "cleared",
        "episode": "once",
        "opened_at": (START + 2 * DAY).isoformat(),
    }


def test_hysteresis_keeps_it_open() -> None:
    """Between the limit that opens it and the limit that closes it a signal stays as it is."""
    low, not_high = compare(trait("seats"), "<", 40), compare(trait("seats"), "<", 50)
    lived = begin(signal("low", Holds(condition=low), only_while=not_high))
    states = []
    for number, seats in enumerate((45, 39, 45, 39, 50, 45, 39)):
        at = START + number * DAY
        lived.step(at, [traits(at, seats=seats)])
        states.append(verdict(is_open("low"), view_of(lived.account, at, lived.playbook)))
    assert states == [False, True, True, True, False, False, True]
    assert openings(lived) == [("low", 1), ("low", 6)]
    assert [each.reason for each in lived.decisions][1] is DecisionReason.ALREADY_OPEN


def test_a_signal_may_close_by_its_own_age() -> None:
    """``flat.days < 9`` as its own ``while`` closes a signal nine days after it opened."""
    lived = begin(signal("flat", NEW, only_while=compare(days_open("flat"), "<", 9)))
    sleeps(lived, 20)
    assert closings(lived) == [("flat", "cleared", 11)]


def test_an_exit_closes_it() -> None:
    """Who has left has no open signals, but those of the exit itself."""
    bye = replace(signal("bye", OnDay(day=3)), stages=frozenset({"churned"}))
    lived = begin(signal("absent", NEW, only_while=NEVER_CAME), bye, transitions=PLAYBOOK.transitions)
    happens(lived, "left", 2.5)
    sleeps(lived, 4)
    assert closings(lived) == [("absent", "exited", 2.5)]
    assert openings(lived) == [("absent", 2), ("bye", 3)]


def test_a_signal_that_denies_itself_comes_to_rest() -> None:
    """A condition that its own signal makes false opens and closes it, and then rests."""
    lived = begin(signal("odd", Holds(condition=negation(is_open("odd")))))
    sleeps(lived, 3)
    assert 1 <= len(openings(lived)) <= 2
    assert outputs(lived.step(lived.now)) == ()


# -- cooling and coming back -------------------------------------------------------------------------------------------

COOL = signal("away", Silent(period=3 * DAY, since="login"), only_while=AWAY, cooldown=6 * DAY)


def test_it_opens_again_with_a_new_cause() -> None:
    """A silence that comes back opens the signal again, and counts it."""
    lived = begin(bent(COOL, cooldown=timedelta(0)))
    for days in (1, 6, 8):
        happens(lived, "login", days)
    sleeps(lived, 12)
    assert openings(lived) == [("away", 4), ("away", 11)]
    assert lived.account.signals["away"].count == 2


def test_it_cools_before_it_opens_again() -> None:
    """COOLING: within the cooldown the risk is postponed, and looked at again when it is over: never dropped."""
    lived = begin(COOL)
    for days in (1, 6):
        happens(lived, "login", days)
    sleeps(lived, 20)
    assert closings(lived) == [("away", "cleared", 6)]
    assert postponed(lived, PostponementReason.COOLING) == [("away", 9, 12)]
    assert openings(lived) == [("away", 4), ("away", 12)]


def test_what_is_over_when_it_has_cooled_is_not_opened() -> None:
    """A silence that is broken within the cooldown is skipped as overtaken."""
    lived = begin(COOL)
    for days in (1, 6, 11):
        happens(lived, "login", days)
    sleeps(lived, 13)
    assert openings(lived) == [("away", 4)]
    assert lived.decisions[-1].reason is DecisionReason.OVERTAKEN


def test_staleness_is_counted_from_the_end_of_the_cooldown() -> None:
    """A cooldown longer than valid_for drops no risk."""
    lived = begin(signal("away", COOL.trigger, only_while=AWAY, cooldown=9 * DAY, valid_for=DAY))
    for days in (1, 6):
        happens(lived, "login", days)
    sleeps(lived, 20)
    assert openings(lived) == [("away", 4), ("away", 15)]


# -- the ladder, and who takes it on -----------------------------------------------------------------------------------

LADDER = (
    signal("absent", NEW, only_while=NEVER_CAME),
    rung(1, "absent", timedelta(0), MAIL),
    rung(2, "absent", 2 * DAY, work()),
    rung(3, "absent", 5 * DAY, work()),
)


def test_the_ladder_climbs_while_nobody_takes_it_on() -> None:
    """Each rung comes when the signal has been open for its delay, and only once."""
    lived = begin(*LADDER)
    sleeps(lived, 30)
    assert [each.play for _, step in lived.steps for each in step.messages] == ["absent_1"]
    assert escalated(lived) == [("absent_2", 4), ("absent_3", 7)]


def test_the_ladder_stops_when_somebody_takes_it_on() -> None:
    """An acknowledged signal stays open, and its further rungs are skipped; what was handed out stands."""
    lived = begin(*LADDER)
    sleeps(lived, 5)
    at = START + 5.5 * DAY
    step = lived.step(at, [acknowledge("absent", at)])
    assert step.withdrawals == ()
    sleeps(lived, 30)
    assert escalated(lived) == [("absent_2", 4)]
    assert lived.decisions[-1].reason is DecisionReason.CONDITION_FALSE
    assert lived.account.signals["absent"].closed_at is None
    assert acknowledged_at("absent", lived.account.signals, lived.account.facts) == at


def test_the_ladder_is_withdrawn_when_the_signal_closes() -> None:
    """Unsent mail is cancelled and open work is closed by the rungs' own goal; rungs to come do not come."""
    lived = begin(*LADDER)
    happens(lived, "login", 6)
    sleeps(lived, 30)
    withdrawals = [(each.play, each.reason) for _, step in lived.steps for each in step.withdrawals]
    assert withdrawals == [("absent_1", MessageReason.GOAL_REACHED), ("absent_2", MessageReason.GOAL_REACHED)]
    assert escalated(lived) == [("absent_2", 4)]


def test_a_ladder_may_count_our_own_working_time() -> None:
    """Business hours of a rung are the vendor's: eight of them after Friday 11:20 are Monday 11:20."""
    lived = begin(signal("absent", NEW), rung(1, "absent", 8 * HOUR, work(), business=True))
    sleeps(lived, 9)
    assert escalated(lived) == [("absent_1", 5)]


def test_a_word_from_before_the_opening_does_not_count() -> None:
    """To take a signal on or to settle it one must wait for it to open; an unknown one is nobody's."""
    lived = begin(*LADDER)
    at = START + DAY
    words = [acknowledge("absent", at), resolve("absent", at), resolve("nothing", at), event("escalation_resolved", at)]
    lived.step(at, words)
    sleeps(lived, 30)
    assert escalated(lived) == [("absent_2", 4), ("absent_3", 7)]


def test_only_our_own_words_count() -> None:
    """A product that says ``escalation_resolved`` itself settles nothing."""
    lived = begin(*LADDER)
    sleeps(lived, 3)
    at = lived.now
    lived.step(at, [event("escalation_resolved", at, properties={"signal": "absent"})])
    lived.step(at, [event("escalation_resolved", at, source="lifecycle", properties={"signal": 7})])
    assert lived.account.signals["absent"].closed_at is None


def test_a_human_settles_it() -> None:
    """A resolved signal closes as resolved, though its cause still holds, and stays closed until a new cause."""
    lived = begin(COOL)
    happens(lived, "login", 1)
    sleeps(lived, 5)
    lived.step(lived.now, [resolve("away", lived.now)])
    assert closings(lived)[0][:2] == ("away", "resolved")
    sleeps(lived, 30)
    assert openings(lived) == [("away", 4)]
    happens(lived, "login", 30.5)
    sleeps(lived, 40)
    assert openings(lived) == [("away", 4), ("away", 33.5)]


@pytest.mark.parametrize(("cooldown", "days"), [(timedelta(0), [4]), (6 * DAY, [4, 11])])
def test_what_a_human_settled_and_still_holds_is_asked_again_after_its_cooldown(
    cooldown: timedelta, days: list[float]
) -> None:
    """A condition that holds on is a new cause when its signal has a cooldown; without one the human's word stays."""
    lived = begin(signal("away", Holds(condition=AWAY), only_while=AWAY, cooldown=cooldown))
    happens(lived, "login", 1)
    sleeps(lived, 4.9)
    lived.sleep(START + 5 * DAY)
    lived.step(START + 5 * DAY, [resolve("away", START + 5 * DAY)])
    sleeps(lived, 30)
    assert openings(lived) == [("away", day) for day in days]


# -- what others see of it ---------------------------------------------------------------------------------------------


def test_plays_follow_its_closing() -> None:
    """Closed starts a play with each closing; an opening in between overtakes the one that still waits."""
    cool = bent(COOL, cooldown=timedelta(0))
    lived = begin(cool, play("relief", Closed(signal="away"), MAIL, max_defer=9 * DAY, valid_for=9 * DAY))
    happens(lived, "login", 2)  # a Friday
    happens(lived, "login", 9.4)  # a Friday evening: the window is closed
    sleeps(lived, 9.5)
    assert postponed(lived, PostponementReason.OUTSIDE_WINDOW)[0][0] == "relief"
    happens(lived, "login", 10)
    sleeps(lived, 12.9)
    assert [each.reason for each in lived.decisions if each.play == "relief"] == [DecisionReason.DUE]


def test_an_opening_overtakes_what_its_last_closing_started() -> None:
    """OVERTAKEN: what came due by a closing, and was not judged before the signal opened again, is skipped by name."""
    lived = begin(signal("flap", Holds(condition=AWAY), only_while=AWAY), play("relief", Closed(signal="flap"), MAIL))
    happens(lived, "login", 1)
    happens(lived, "login", 4.4)  # Sunday evening: the relief waits for Monday
    lived.step(lived.now, [event("login", lived.now)])
    late = replace(lived.account, edges={"flap": Edge(since=START + 4.5 * DAY)}, basis="")
    left = signal("flap", Holds(condition=seen("left")), only_while=seen("left"))
    book = replace(lived.playbook, plays={**lived.playbook.plays, "flap": left})
    step = advance(late, lived.people, [event("left", lived.now)], START + 4.6 * DAY, book)
    assert [(each.play, each.reason) for each in step.decisions] == [
        ("flap", DecisionReason.DUE),
        ("relief", DecisionReason.OVERTAKEN),
    ]


def test_a_closing_overtakes_the_rungs_that_were_due() -> None:
    """OVERTAKEN: a rung that came due and was not judged before its signal closed is skipped by name."""
    lived = begin(*LADDER)
    lived.step(START + 2 * DAY)
    late = advance(lived.account, lived.people, [event("login", START + 9 * DAY)], START + 9 * DAY, lived.playbook)
    assert [(each.play, each.reason) for each in late.decisions] == [
        ("absent_2", DecisionReason.OVERTAKEN),
        ("absent_3", DecisionReason.OVERTAKEN),
    ]


def seen_at(account: Account, now: datetime, node: Node) -> tuple[object, list[datetime], datetime]:
    """What a condition says, when it may turn, and since when it is so."""
    view = view_of(account, now, PLAYBOOK)
    return verdict(node, view), list(flips(node, view)), became(node, view)


def test_terms_of_a_signal_read_its_state() -> None:
    """Open or not, for how many days, how often, and whether somebody has taken it on: dated, and turned, exactly."""
    at, now = START + DAY, START + 3 * DAY
    asks = (
        is_open("s"),
        compare(days_open("s"), ">=", 5),
        compare(term(TermKind.SIGNAL_COUNT, "s"), "==", 2),
        acknowledged("s"),
    )
    never = replace(opened("a", START, PLAYBOOK))
    open_ = replace(never, signals={"s": SignalState(episode="x", opened_at=at, count=2)})
    taken = absorb(open_, [acknowledge("s", at + HOUR)], PLAYBOOK)
    closed = replace(taken, signals={"s": SignalState(episode="x", opened_at=at, closed_at=at + DAY)})
    assert [seen_at(never, now, ask) for ask in asks] == [(False, [], now)] * 4
    assert [seen_at(open_, now, ask) for ask in asks] == [
        (True, [], at),
        (False, [at + 5 * DAY], at),
        (True, [], at),
        (False, [], at),
    ]
    assert seen_at(taken, now, asks[3]) == (True, [], at + HOUR)
    assert [seen_at(closed, now, negation(ask)) for ask in asks] == [(True, [], at + DAY)] * 4
    assert read(days_open("s"), view_of(closed, now, PLAYBOOK)) == 0
    assert [each.value for each in explain(asks[1], view_of(open_, now, PLAYBOOK))] == ["s.signal_days = 2"]


# -- merging -----------------------------------------------------------------------------------------------------------


def states(*told: tuple[str, int, int | None]) -> dict[str, SignalState]:
    """States by name, with the days of opening and closing."""
    return {
        name: SignalState(
            episode=name, opened_at=START + since * DAY, closed_at=None if until is None else START + until * DAY
        )
        for name, since, until in told
    }


def merged(left: Iterable[tuple[str, int, int | None]], right: Iterable[tuple[str, int, int | None]]) -> Account:
    """Two accounts with these signals made one."""
    kept = replace(opened("a", START, PLAYBOOK), signals=states(*left), edges={"p": Edge(since=START)})
    gone = replace(kept, signals=states(*right), edges={"p": Edge(since=START + DAY), "q": Edge(since=START)})
    return merge(kept, gone)


def test_what_is_open_at_either_account_is_open() -> None:
    """Of two open ones the earlier counts, an open one before a closed one, of two closed ones the later."""
    gone = [("a", 1, None), ("b", 1, None), ("c", 0, 4), ("d", 1, 2)]
    both = merged([("a", 2, None), ("b", 5, 6), ("c", 1, 3)], gone)
    told = {name: (state.opened_at, state.closed_at, state.count) for name, state in both.signals.items()}
    assert told == {
        "a": (START + DAY, None, 2),
        "b": (START + DAY, None, 2),
        "c": (START, START + 4 * DAY, 2),
        "d": (START + DAY, START + 2 * DAY, 1),
    }
    assert both.edges == {"p": Edge(since=START), "q": Edge(since=START)}


def test_opened_is_another_trigger_for_plays() -> None:
    """A play that is no rung may start with a signal too, once for each opening."""
    cool = bent(COOL, cooldown=timedelta(0))
    lived = begin(cool, play("alarm", Opened(signal="away"), work()))
    happens(lived, "login", 1)
    happens(lived, "login", 6)
    sleeps(lived, 12)
    assert escalated(lived) == [("alarm", 4), ("alarm", 9)]
