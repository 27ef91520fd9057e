"""A glance finds what looking at everything finds, and leaves it to that when a rule that hears the events turns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest
from hypothesis import given

from orchestrator.core.account import Account
from orchestrator.core.conditions import TermKind
from orchestrator.core.events import Event, EventKind
from orchestrator.core.facts import Facts, fold
from orchestrator.core.lifecycle import advance, glance
from orchestrator.core.people import Person
from orchestrator.core.playbook import After, Holds, Milestone, Occurred, OnDay, Overdue, Play, Playbook, Silent, Target
from orchestrator.core.timing import earliest
from tests.core.lives import life, outputs, unsure
from tests.core.playbooks import (
    DAY,
    EVENTS,
    HEALTH,
    HOUR,
    MAIL,
    VOCABULARY,
    compare,
    count,
    negation,
    play,
    seen,
    signal,
    term,
    with_plays,
)
from tests.core.strategies import START, crowds, event, histories, person, playbooks, traits

LOGIN = "login"


def rested(*plays: Play, **changes: object) -> tuple[Account, Playbook]:
    """An account that signed up and logged in, at rest, and its playbook without a stage table."""
    plain: dict[str, object] = {"transitions": (), "milestones": {}, "checklist": (), "reads": frozenset(EVENTS)}
    plain["vocabulary"] = replace(VOCABULARY, steps=frozenset())
    lived = life((person("anna"),), with_plays(*plays, **{**plain, **changes}), START)
    lived.step(START, [event("signed_up"), event(LOGIN)])
    return lived.account, lived.playbook


def glanced(account: Account, playbook: Playbook, *events: Event, after: timedelta = HOUR) -> Account | None:
    """The account after a glance; None when everything must be looked at."""
    step = glance(account, events, START + after, playbook)
    return None if step is None else step.account


def again(name: str = LOGIN, after: timedelta = HOUR) -> Event:
    return event(name, START + after)


@given(histories(), crowds(), playbooks())
def test_a_glance_equals_looking_at_everything(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """Where a glance is enough, everything says the same, and would look again no earlier."""
    lived = life(people, playbook, START)
    lived.step(START)
    for each in sorted(events, key=lambda event: event.stamp):
        lived.sleep(each.occurred_at)
        found = glance(lived.account, [each], each.occurred_at, playbook)
        if found is not None and not lived.account.held(each.occurred_at):
            full = advance(unsure(lived.account), people, [each], each.occurred_at, playbook)
            assert outputs(full) == outputs(found) == ()
            assert replace(full.account, wake_at=None) == replace(found.account, wake_at=None)
            assert found.account.wake_at is None or found.account.wake_at <= (full.account.wake_at or LATER)
        lived.step(each.occurred_at, [each])


LATER = START + 10_000 * DAY


def test_what_turns_nothing_needs_no_people() -> None:
    """A log-in under a silence that it only breaks is folded, and the account is looked at when it would have been."""
    account, playbook = rested(play("quiet", Silent(period=3 * DAY, since=LOGIN), MAIL))
    found = glanced(account, playbook, again())
    assert found is not None
    assert found.facts.events[LOGIN].count == 2
    assert found.wake_at == account.wake_at == START + 3 * DAY


def test_a_glance_moves_the_next_look_forward() -> None:
    """What an event dates before the next look is looked at then, also where nothing else was to come."""
    account, playbook = rested(play("nudge", After(delay=2 * DAY, since="core_used"), MAIL))
    assert account.wake_at is None
    found = glanced(account, playbook, again("core_used"))
    assert found is not None
    assert found.wake_at == START + HOUR + 2 * DAY
    later = glanced(found, playbook, again("core_used", 2 * HOUR), after=2 * HOUR)
    assert later is not None
    assert later.wake_at == found.wake_at


def test_what_no_rule_reads_dates_no_look() -> None:
    """Beside an event that rules read, one that none reads is folded and moves nothing."""
    account, playbook = rested(play("nudge", After(delay=2 * DAY, since="core_used"), MAIL))
    fewer = replace(playbook, reads=frozenset({"core_used"}))
    found = glanced(account, fewer, again("core_used"), again(LOGIN))
    assert found is not None
    assert found.facts.events[LOGIN].count == 2
    assert found.wake_at == START + HOUR + 2 * DAY


def test_an_edge_that_does_not_rise_turns_nothing() -> None:
    """A watched condition that an event is heard by, and leaves as it was, needs no people."""
    account, playbook = rested(play("often", Holds(condition=compare(count(LOGIN), ">=", 3)), MAIL))
    assert glanced(account, playbook, again()) is not None


SEEN_OFTEN = compare(count(LOGIN), ">=", 2)
TURNING: Mapping[str, tuple[Sequence[Play], dict[str, object]]] = {
    "a milestone is reached": (
        (),
        {"milestones": {"often": Milestone(name="often", when=SEEN_OFTEN, label="Often here")}},
    ),
    "an edge rises": ((play("often", Holds(condition=SEEN_OFTEN), MAIL),), {}),
    "a play is due": ((play("each", Occurred(event=LOGIN), MAIL, max_defer=DAY),), {}),
    "a day is read by people's zones": (
        (play("idle", Holds(condition=compare(term(TermKind.BUSINESS_DAYS_AGO, LOGIN), ">=", 3)), MAIL),),
        {},
    ),
    "a phase may begin": ((), {"vocabulary": replace(VOCABULARY, steps=frozenset({LOGIN}))}),
}


@pytest.mark.parametrize("case", TURNING)
def test_what_turns_is_looked_at_whole(case: str) -> None:
    """Whatever a log-in makes true, due or different is no matter of a glance."""
    plays, changes = TURNING[case]
    account, playbook = rested(*plays, **changes)
    waiting_ends = replace(account, waiting={})
    assert glanced(waiting_ends, playbook, again()) is None


def test_a_signal_that_ends_is_looked_at_whole() -> None:
    """An open signal whose cause a log-in ends is closed, which is more than a glance does."""
    away = negation(seen("core_used"))
    account, playbook = rested(signal("unused", After(delay=HOUR, since=LOGIN), only_while=away))
    opened = advance(account, (person("anna"),), [], START + HOUR, playbook).account
    assert opened.signals["unused"].closed_at is None
    assert glanced(opened, playbook, again("core_used", 2 * HOUR), after=2 * HOUR) is None
    assert glanced(opened, playbook, again(LOGIN, 2 * HOUR), after=2 * HOUR) is not None


def test_what_waits_and_is_dated_anew_is_looked_at_whole() -> None:
    """A play that waits for its window while a log-in breaks its silence is overtaken: that is more than a glance."""
    account, playbook = rested(play("quiet", Silent(period=3 * DAY, since=LOGIN), MAIL, max_defer=9 * DAY))
    waits = advance(account, (person("anna"),), [], START + 3 * DAY, playbook).account
    assert waits.waiting.keys() == {"quiet"}
    assert glanced(waits, playbook, again(after=3 * DAY + HOUR), after=3 * DAY + HOUR) is None


def test_a_new_colour_is_looked_at_whole() -> None:
    """A log-in that changes the colour of the health is written down, which is more than a glance does."""
    account, playbook = rested(health=HEALTH)
    assert glanced(account, playbook, again()) is not None
    assert glanced(replace(account, colour="red" if account.colour != "red" else "green"), playbook, again()) is None


def test_an_overdue_target_is_dated_by_its_event() -> None:
    """The event from which a target counts says when the milestone is overdue."""
    goal = Milestone(name="core", when=seen("core_used"), label="Core", targets=(Target(within=DAY, since="ordered"),))
    account, playbook = rested(play("late", Overdue(milestone="core"), MAIL), milestones={"core": goal})
    found = glanced(account, playbook, again("ordered"))
    assert found is not None
    assert found.wake_at == START + HOUR + DAY


def test_each_event_that_came_before_is_judged_already() -> None:
    """A late event of a name whose last turn was decided makes nothing due."""
    account, playbook = rested(play("each", Occurred(event="ordered"), MAIL, max_defer=DAY, exempt=True))
    done = advance(account, (person("anna"),), [again("ordered")], START + HOUR, playbook).account
    late = glanced(done, playbook, event("ordered", START + HOUR / 2), after=2 * HOUR)
    assert late is not None
    assert late.facts.events["ordered"].count == 2


@pytest.mark.parametrize("what", [EventKind.IDENTIFY, EventKind.GROUP])
def test_what_is_said_of_people_or_the_account_is_looked_at_whole(what: EventKind) -> None:
    """A trait is looked at in more places than conditions."""
    account, playbook = rested()
    said = traits(START + HOUR, seats=5) if what is EventKind.GROUP else replace(again(), kind=what, name=what.value)
    assert glanced(account, playbook, said) is None


def test_facts_are_laid_over_what_costs_to_be_copied() -> None:
    """Facts that are no plain dict are laid under the changes, and what comes of many folds is equal."""
    first, then, last = (again(LOGIN, number * HOUR) for number in (1, 2, 3))
    plain = fold(Facts(), [first], VOCABULARY)
    kept = replace(plain, events=MappingProxyType(dict(plain.events)))
    twice = fold(fold(kept, [then], VOCABULARY), [last], VOCABULARY)
    assert dict(twice.events) == dict(fold(plain, [then, last], VOCABULARY).events)
    assert len(getattr(twice.events, "maps", ())) == 2


def test_days_are_dated_by_no_single_event() -> None:
    """A day after the anchor is moved by no event but the anchor's own."""
    account, playbook = rested(play("day", OnDay(day=3), MAIL))
    assert earliest(playbook.plays["day"], account, playbook) is None
    assert not playbook.touched[LOGIN].dated
