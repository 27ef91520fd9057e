"""The five rules of ``advance`` (DESIGN.md, "One verb") as properties over random lives."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestrator.core import lifecycle, timing
from orchestrator.core.account import Account, Outcome
from orchestrator.core.decisions import Postponement
from orchestrator.core.errors import IllegalInputError
from orchestrator.core.events import Event
from orchestrator.core.facts import Facts, fold, union
from orchestrator.core.lifecycle import absorb, advance, opened, outlook
from orchestrator.core.people import Person
from orchestrator.core.playbook import Playbook
from orchestrator.core.reasons import DecisionReason, PostponementReason
from tests.core.lives import Life, life, outputs, same, unsure
from tests.core.playbooks import DAY, EVENTS, HOUR, NOISE, PLAYBOOK, VOCABULARY
from tests.core.strategies import (
    SPAN,
    START,
    crowds,
    event,
    groups,
    histories,
    instants,
    person,
    playbooks,
    several,
    tracks,
    words,
)

END = START + SPAN
MOMENT = timedelta(microseconds=1)
ANYTHING = several(tracks() | groups() | words())
OTHERS = several(tracks() | groups() | words(), prefix="n")


@st.composite
def arrivals(draw: st.DrawFn, events: Sequence[Event]) -> list[list[Event]]:
    """The events in any order, some of them twice, in any number of batches."""
    again = draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    shuffled = draw(st.permutations([*events, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=3)))
    return [shuffled[low:high] for low, high in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]


def received(account: Account, batches: Iterable[Sequence[Event]]) -> Account:
    """The account with each event folded once, as the store lets it through."""
    known: set[tuple[str, str]] = set()
    for batch in batches:
        fresh = [each for each in batch if (each.source, each.message_id) not in known]
        known |= {(each.source, each.message_id) for each in fresh}
        account = absorb(account, fresh, PLAYBOOK)
    return account


# -- 1: facts do not depend on order -----------------------------------------------------------------------------------


@given(st.data(), ANYTHING)
def test_facts_do_not_depend_on_arrival(data: st.DataObject, events: list[Event]) -> None:
    """Any permutation, duplication or split of the events gives the same facts."""
    account = opened("a", START, PLAYBOOK)
    assert received(account, data.draw(arrivals(events))) == received(account, [events])


@given(st.data(), histories(), crowds(), playbooks())
def test_an_undecided_account_does_not_depend_on_arrival(
    data: st.DataObject, events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """With no decision between the arrivals, the whole account and all that is decided then are equal."""
    account = opened("a", START, playbook)
    batches = data.draw(arrivals(events))
    together = advance(received(account, [events]), people, [], END, playbook)
    assert advance(received(account, batches), people, [], END, playbook) == together


@given(st.data(), several(tracks(("ordered", "nps_answered", "core_used", NOISE)) | groups(), 8))
def test_steps_that_decide_nothing_do_not_depend_on_arrival(data: st.DataObject, events: list[Event]) -> None:
    """Even advanced batch by batch the account is equal, as long as nothing was said on the way."""
    batches = data.draw(arrivals(events))
    known: set[str] = set()
    parts, whole = life((), PLAYBOOK, START), life((), PLAYBOOK, START)
    for batch in batches:
        fresh = {each.message_id: each for each in batch if each.message_id not in known}
        known |= set(fresh)
        assume(not outputs(parts.step(START, list(fresh.values()))))
    assume(not outputs(whole.step(START, events)))
    assert parts.account == whole.account


@given(ANYTHING, OTHERS)
def test_facts_of_a_union_are_the_union_of_facts(left: list[Event], right: list[Event]) -> None:
    """The facts of two disjoint sets of events, united, are the facts of all of them."""
    parts = [fold(Facts(), events, VOCABULARY) for events in (left, right)]
    assert union(*parts) == union(*reversed(parts)) == fold(Facts(), left + right, VOCABULARY)


@given(histories(), OTHERS, crowds(), playbooks(), instants())
def test_a_late_event_changes_no_past_decision(
    events: list[Event], late: list[Event], people: tuple[Person, ...], playbook: Playbook, now: datetime
) -> None:
    """What the ledger holds stays; a play's entry only ever moves to a later episode, and no episode comes twice."""
    lived = life(people, playbook, START).live([each for each in events if each.occurred_at <= now], now)
    before = lived.account.ledger
    lived.step(now, late)
    lived.sleep(END)
    for name, entry in before.items():
        after = lived.account.ledger[name]
        assert after == entry or after.episode > entry.episode
    episodes = [(each.play, each.episode) for each in lived.decisions]
    assert len(episodes) == len(set(episodes))


# -- 2: it rests -------------------------------------------------------------------------------------------------------


@given(histories(), crowds(), playbooks(), instants())
def test_it_rests(events: list[Event], people: tuple[Person, ...], playbook: Playbook, now: datetime) -> None:
    """A second call at the same instant, even one that may cut nothing short, answers nothing and changes nothing."""
    first = advance(opened("a", START, playbook), people, events, now, playbook)
    again = advance(unsure(first.account), people, [], now, playbook)
    assert outputs(again) == ()
    assert again.account == first.account
    assert advance(first.account, people, [], now, playbook).account is first.account


# -- 3: time is never polled -------------------------------------------------------------------------------------------


@given(histories(), crowds(), playbooks(), st.lists(instants(), min_size=1, max_size=6))
def test_nothing_happens_before_wake_at(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook, looks: list[datetime]
) -> None:
    """At any instant strictly before ``wake_at``, looking at everything changes nothing."""
    lived = life(people, playbook, START)
    lived.step(START)  # whoever was looked at once knows when to look again
    account = lived.live(events, max(looks)).account
    looks = [lived.now + (each - START) for each in looks] + ([account.wake_at - MOMENT] if account.wake_at else [])
    for now in looks:
        if lived.now <= now and (account.wake_at is None or now < account.wake_at):
            step = advance(unsure(account), people, [], now, playbook)
            assert outputs(step) == ()
            assert (step.account.stage, step.account.milestones) == (account.stage, account.milestones)
            assert (step.account.ledger, step.account.waiting) == (account.ledger, account.waiting)


@settings(max_examples=15)
@given(histories(8), crowds(), playbooks())
def test_waking_when_told_equals_looking_every_hour(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """Calls at every hour besides the wakes decide nothing more, and nothing else."""
    soon = [replace(each, occurred_at=START + (each.occurred_at - START) / 4) for each in events]
    until = START + 12 * DAY
    told, polled = (life(people, playbook, START, cut_short=cut) for cut in (True, False))
    for each in (told, polled):
        each.step(START)  # whoever was looked at once knows when to look again
    assert told.live(soon, until).said == polled.live(soon, until, hourly=True).said


@given(histories(), crowds(), playbooks())
def test_a_late_call_visits_the_missed_instants_in_order(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """What a late call finds is judged in the order in which it was due, each by its own valid_for."""
    step = advance(opened("a", START, playbook), people, events, END, playbook)
    judged = [each for each in step.decisions if each.reason is not DecisionReason.OVERTAKEN]
    turns = [(each.due_at, playbook.plays[each.play].policy.priority, each.play) for each in judged]
    assert turns == sorted(turns)
    for each in judged:
        late = END - each.due_at > playbook.plays[each.play].policy.valid_for
        elsewhere = each.reason in {DecisionReason.EXITED, DecisionReason.OTHER_STAGE}
        assert elsewhere or late is (each.reason is DecisionReason.STALE)


@given(histories(), crowds(), playbooks())
def test_nothing_stale_is_sent(events: list[Event], people: tuple[Person, ...], playbook: Playbook) -> None:
    """A message is made within its play's valid_for, and may not leave after it."""
    step = advance(opened("a", START, playbook), people, events, END, playbook)
    for message in step.messages:
        assert message.due_at <= message.not_before <= message.not_after
        assert message.not_after == message.due_at + playbook.plays[message.play].policy.valid_for


# -- 4: nothing silent -------------------------------------------------------------------------------------------------


@given(histories(), crowds(), playbooks())
def test_what_came_due_is_decided_once_with_a_reason(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """Each play that came due has one decision an episode, or waits by name; each postponement ends in a decision."""
    lived = life(people, playbook, START).live(events, END)
    decided = [(each.play, each.episode) for each in lived.decisions]
    assert len(decided) == len(set(decided))
    assert all(isinstance(each.reason, DecisionReason) for each in lived.decisions)
    assert all((each.outcome is Outcome.DONE) is (each.reason is DecisionReason.DUE) for each in lived.decisions)
    waiting = {(play, each.episode) for play, each in lived.account.waiting.items()}
    for due in outlook(lived.account, people, lived.now, playbook):
        assert due.at > lived.now or (due.play.name, due.episode) in waiting
    for said in lived.said:
        if isinstance(said, Postponement):
            assert (said.play, said.episode) in waiting.union(decided)


@given(histories(), crowds(), playbooks())
def test_each_entry_of_a_stage_is_answered(events: list[Event], people: tuple[Person, ...], playbook: Playbook) -> None:
    """Whatever stage was entered and left, even in one late call, the plays of its entry are decided or still wait."""
    lived = life(people, playbook, START).live(events, END)
    answered = {(each.play, each.episode) for each in lived.decisions}
    answered |= {(play, each.episode) for play, each in lived.account.waiting.items()}
    entered = [each.detail for _, step in lived.steps for each in step.notes if each.kind == "stage"]
    for name, stage in (("growing", "growth"), ("farewell", "churned")):
        if name in playbook.plays and playbook.plays[name].policy.at is None:
            lives = {(name, each["entered_at"]) for each in entered if each["target"] == stage}
            assert lives <= answered


@given(histories(), crowds(), playbooks())
def test_equal_skips_in_a_row_share_one_record(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """A repeated skip counts up and names the record that it continues: first episode and first instant."""
    runs: dict[str, tuple[str, datetime, DecisionReason, int]] = {}
    for each in life(people, playbook, START).live(events, END).decisions:
        first_episode, first_at, reason, count = runs.get(each.play, ("", START, None, 0))
        if each.outcome is Outcome.SKIPPED and each.reason is reason:
            expected = (first_episode, first_at, count + 1)
            assert (each.first_episode, each.first_decided_at, each.repeats) == expected
            runs[each.play] = (first_episode, first_at, each.reason, count + 1)
        else:
            assert (each.first_episode, each.first_decided_at, each.repeats) == (None, None, 1)
            runs[each.play] = (each.episode, each.decided_at, each.reason, 1)


# -- 5: illegal input raises and changes nothing -----------------------------------------------------------------------

FOREIGN = event("login", account="b")
NAMELESS = event("login", account=None)
NAIVE = event("login", START.replace(tzinfo=None))
ELSEWHERE = event("login", START.astimezone(timezone(2 * HOUR)))


@pytest.mark.parametrize("wrong", [FOREIGN, NAMELESS, NAIVE, ELSEWHERE], ids=["foreign", "nameless", "naive", "zoned"])
def test_an_illegal_event_raises_and_changes_nothing(wrong: Event) -> None:
    """An event of another account, of none, or without a UTC instant is refused, and the account is untouched."""
    account = advance(opened("a", START, PLAYBOOK), (), [event("signed_up")], START, PLAYBOOK).account
    before = repr(account)
    with pytest.raises(IllegalInputError):
        advance(account, (), [event("login"), wrong], START, PLAYBOOK)
    assert repr(account) == before


@pytest.mark.parametrize("now", [START.replace(tzinfo=None), START.astimezone(timezone(HOUR))], ids=["naive", "zoned"])
def test_an_illegal_now_raises(now: datetime) -> None:
    """The instant of deciding must be aware UTC."""
    with pytest.raises(IllegalInputError, match="now"):
        advance(opened("a", START, PLAYBOOK), (), [], now, PLAYBOOK)


def test_another_version_of_the_playbook_raises() -> None:
    """An account is only advanced under the version that it is pinned to."""
    with pytest.raises(IllegalInputError, match="pinned"):
        advance(opened("a", START, PLAYBOOK), (), [], START, replace(PLAYBOOK, version="v2"))


def test_a_stage_that_the_playbook_does_not_have_raises() -> None:
    """An account in an unknown stage is refused rather than left standing."""
    lost = replace(opened("a", START, PLAYBOOK), stage="limbo")
    with pytest.raises(IllegalInputError, match="limbo"):
        advance(lost, (), [], START, PLAYBOOK)


# -- the short cut -----------------------------------------------------------------------------------------------------


@given(histories(), crowds(), playbooks())
def test_cutting_short_equals_the_full_way(events: list[Event], people: tuple[Person, ...], playbook: Playbook) -> None:
    """An event that no rule reads costs its fold only, and what comes of it all equals looking at everything."""
    short = life(people, playbook, START).live(events, END)
    watchful = replace(playbook, reads=frozenset({*playbook.reads, *EVENTS, NOISE}))
    assert life(people, watchful, START).live(events, END).said == short.said
    full = life(people, playbook, START, cut_short=False).live(events, END)
    assert full.said == short.said
    assert same(replace(full.account, wake_at=None), replace(short.account, wake_at=None))
    assert full.account.wake_at is None or (short.account.wake_at or LATER) <= full.account.wake_at


LATER = END + 10_000 * DAY


@given(histories(), crowds(), playbooks())
def test_asking_what_changed_equals_asking_everything(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """Whatever a step changes, a rule that does not look at it says what it said before; the next look is no later."""
    indexed = life(people, playbook, START).live(events, END)
    everything = frozenset(each.name for each in fields(Account))
    forgetful = replace(playbook)
    object.__setattr__(forgetful, "dated_by", dict.fromkeys(everything, tuple(playbook.plays)))
    with patch.object(lifecycle, "_FOLLOWED", everything):
        full = life(people, forgetful, START).live(events, END)
    assert full.said == indexed.said
    assert replace(full.account, wake_at=None) == replace(indexed.account, wake_at=None)
    assert full.account.wake_at is None or (indexed.account.wake_at or LATER) <= full.account.wake_at


@given(histories(), crowds(), playbooks())
def test_whatever_is_due_was_looked_for(events: list[Event], people: tuple[Person, ...], playbook: Playbook) -> None:
    """No play comes due that is not among those whose start has come about."""
    account = life(people, playbook, START).live(events, END).account
    zone = timing.zone_of(account, None, playbook)
    due = {name for name, each in playbook.plays.items() if timing.next_due(each, account, zone, playbook)}
    assert due <= set(timing.unfinished(account, playbook))


def test_an_unread_event_is_only_folded() -> None:
    """What no rule reads is counted, and nothing else of the account is written."""
    lived = Life(account=opened("a", START, PLAYBOOK), people=(person(),), playbook=PLAYBOOK, now=START)
    lived.step(START, [event("signed_up")])
    before = lived.account
    assert outputs(lived.step(START + HOUR, [event(NOISE, START + HOUR)])) == ()
    assert lived.account == replace(before, facts=lived.account.facts)
    assert lived.account.facts.events[NOISE].count == 1


def test_a_pause_is_never_cut_short() -> None:
    """A pause is seen at once, though no rule of the playbook reads it."""
    lived = life((person(),), PLAYBOOK, START)
    lived.step(START, [event("signed_up")])
    lived.step(START + HOUR, [event("account_paused", START + HOUR, source="lifecycle")])
    assert lived.account.basis.endswith("/paused")
    lived.sleep(START + 2 * DAY)
    reasons = {each.reason for _, step in lived.steps for each in step.postponements}
    assert reasons == {PostponementReason.PAUSED}
