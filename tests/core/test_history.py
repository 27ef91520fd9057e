"""History: an account whose past is read in is held, goes live once, and nothing is done for what came due before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.core.account import Account, Outcome, merge
from orchestrator.core.decisions import NoteKind
from orchestrator.core.events import Event
from orchestrator.core.lifecycle import HELD, advance, glance, opened, version_of
from orchestrator.core.people import Person
from orchestrator.core.playbook import Entered, Holds, Milestone, OnDay, Playbook, Transition
from orchestrator.core.reasons import DecisionReason
from tests.core.lives import Life, life, outputs
from tests.core.playbooks import DAY, HOUR, MAIL, MILESTONES, PLAYBOOK, compare, count, negation, play, seen, with_plays
from tests.core.strategies import (
    SPAN,
    START,
    crowds,
    event,
    histories,
    instants,
    pause,
    person,
    playbooks,
    resume,
    traits,
)

END = START + SPAN
MOMENT = timedelta(microseconds=1)
ANNA = person("anna")
ON_DAYS = (play("first", OnDay(day=0), MAIL), play("later", OnDay(day=20), MAIL, valid_for=3 * DAY))


def held(at: datetime | None = None, playbook: Playbook = PLAYBOOK) -> Account:
    """A new account whose past is being read in, and that goes live then."""
    return replace(opened("a", START, playbook), history=True, live_at=at)


def read_in(batches: Sequence[Sequence[Event]], playbook: Playbook, people: Sequence[Person] = ()) -> Account:
    """A held account after these batches."""
    account = held(playbook=playbook)
    for batch in batches:
        account = advance(account, people, batch, END, playbook).account
    return account


@st.composite
def split(draw: st.DrawFn, events: Sequence[Event]) -> list[list[Event]]:
    """The events in any order, in a few batches."""
    shuffled = draw(st.permutations(events))
    cut = draw(st.integers(0, len(shuffled)))
    return [shuffled[:cut], shuffled[cut:]]


@given(st.data(), histories(), crowds(), playbooks())
def test_nothing_is_decided_while_the_past_is_read_in(
    data: st.DataObject, events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """However the past comes in, nothing is said, no stage is left, and no instant to look again is set."""
    account = held(playbook=playbook)
    for batch in data.draw(split(events)):
        assert glance(account, batch, END, playbook) is not None
        step = advance(account, people, batch, END, playbook)
        account = step.account
        assert outputs(step) == ()
    assert (account.stage, account.milestones, account.wake_at, account.basis) == ("onboarding", {}, None, HELD)
    assert advance(account, people, [], END, playbook).account is account


@given(st.data(), histories(), crowds(), playbooks())
def test_a_past_that_was_read_in_equals_one_that_was_streamed(
    data: st.DataObject, events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """Facts, milestones, stage, phases, anchor and health are those that the live stream of the same events gives."""
    bare = replace(playbook, plays={}, milestones=MILESTONES)
    streamed = advance(opened("a", START, bare), people, events, END, bare).account
    gone_live = advance(replace(read_in(data.draw(split(events)), bare), live_at=END), people, [], END, bare).account
    assert replace(gone_live, live_at=None) == streamed
    assert gone_live.facts == life(people, bare, START).live(events, END).account.facts


@given(histories(), crowds(), playbooks())
def test_going_live_does_nothing_for_the_past(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """No message, work or trait comes of the step that takes an account live, and nothing is left undecided."""
    step = advance(replace(read_in([events], playbook), live_at=END), people, [], END, playbook)
    assert (step.messages, step.escalations, step.events, step.withdrawals) == ((), (), (), ())
    assert all(each.outcome is Outcome.SKIPPED for each in step.decisions)
    assert {each.reason for each in step.decisions} <= {DecisionReason.BACKFILL, DecisionReason.OVERTAKEN}
    assert [each.detail for each in step.notes if each.kind is NoteKind.LIVE] == [{"live_at": END.isoformat()}]
    assert not step.account.history
    again = advance(replace(step.account, basis=""), people, [], END, playbook)
    assert (outputs(again), again.account) == ((), step.account)


@given(histories(), crowds(), playbooks(), instants())
def test_only_what_comes_due_after_going_live_is_done(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook, live_at: datetime
) -> None:
    """Whatever happens later, nothing is done that came due before the account went live."""
    past = [each for each in events if each.occurred_at <= live_at]
    account = replace(read_in([past], playbook), live_at=live_at)
    lived = Life(account=account, people=people, playbook=playbook, now=live_at)
    lived.step(live_at)
    lived.live([each for each in events if each.occurred_at > live_at], END)
    done = [each for each in lived.decisions if each.outcome is Outcome.DONE]
    assert all(each.due_at > live_at for each in done)


@given(histories(), crowds(), playbooks(), instants())
def test_a_live_account_keeps_what_it_postponed(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook, now: datetime
) -> None:
    """More past of a live account makes it do nothing, and it still judges what it had postponed."""
    lived = life(people, playbook, START).live([each for each in events if each.occurred_at <= now], now)
    lived.step(now)
    before = {(name, each.episode) for name, each in lived.account.waiting.items()}
    past = [replace(each, message_id=f"old-{each.message_id}") for each in events if each.occurred_at <= now]
    lived.account = replace(lived.account, history=True, live_at=now, basis="")
    step = lived.step(now, past)
    assume(not lived.account.paused)
    done = {(each.play, each.episode) for each in step.decisions if each.outcome is Outcome.DONE}
    assert done <= before
    left = {(name, each.episode) for name, each in step.account.waiting.items()}
    assert before <= left | {(each.play, each.episode) for each in step.decisions}


def test_the_anchor_stays_the_true_one() -> None:
    """BACKFILL: on day 19 it gets no mail of its first day, and that of day 20 on day 20 after its anchor."""
    book = with_plays(*ON_DAYS)
    account = replace(read_in([[event("signed_up")]], book), live_at=START + 19 * DAY)
    lived = Life(account=account, people=(ANNA,), playbook=book, now=START + 19 * DAY)
    lived.step(lived.now)
    assert [(each.play, each.reason) for each in lived.decisions] == [("first", DecisionReason.BACKFILL)]
    assert (lived.account.anchor, lived.account.wake_at) == (START, START + 20 * DAY)
    lived.step(START + 20 * DAY)
    assert [(each.play, each.reason) for each in lived.decisions][1:] == [("later", DecisionReason.DUE)]


def test_it_is_looked_at_again_when_it_goes_live() -> None:
    """A held account with a planned instant wakes then, also when events reach it meanwhile; one without never does."""
    planned = advance(held(START + DAY), (), [event("signed_up")], START, PLAYBOOK)
    assert (planned.wake_at, planned.account.held(START + DAY - MOMENT)) == (START + DAY, True)
    assert not planned.account.held(START + DAY)
    assert advance(planned.account, (), [event("login", START + HOUR)], START + HOUR, PLAYBOOK).wake_at == START + DAY
    assert advance(held(), (), [event("signed_up")], START, PLAYBOOK).wake_at is None


def test_what_nothing_dates_is_history_too() -> None:
    """A stage, a milestone and a condition that rest on nothing that happened are found as of the going live."""
    never = negation(seen("login"))
    book = with_plays(
        play("entered", Entered(stage="growth"), MAIL),
        play("quiet", Holds(condition=never), MAIL),
        transitions=(Transition(source="onboarding", target="growth", when=never, path="stages.0"),),
        milestones={"new": Milestone(name="new", when=never, label="New")},
    )
    step = advance(replace(read_in([[traits(START, seats=3)]], book), live_at=END), (ANNA,), [], END + HOUR, book)
    assert (step.account.stage_entered_at, step.account.milestones) == (END, {"new": END})
    assert {each.reason for each in step.decisions} == {DecisionReason.BACKFILL}
    assert {each.play for each in step.decisions} == {"entered", "quiet"}


def test_a_pause_does_not_keep_the_past() -> None:
    """What came due before a paused account went live is history at once, and does not go out when it is resumed."""
    account = read_in([[event("signed_up"), pause(START + HOUR)]], with_plays(*ON_DAYS))
    lived = Life(account=replace(account, live_at=END), people=(ANNA,), playbook=with_plays(*ON_DAYS), now=END)
    assert [each.reason for each in lived.step(END).decisions] == [DecisionReason.BACKFILL] * len(lived.decisions)
    assert [each.outcome for each in lived.step(END + HOUR, [resume(END + HOUR)]).decisions] == []


def test_what_is_merged_with_a_held_account_is_held() -> None:
    """Who merges two accounts of which one is held has one that is held, until the later of their instants."""
    live = opened("a", START, PLAYBOOK)
    assert merge(live, held()).held(END)
    assert merge(held(START), replace(live, id="b")).live_at == START
    assert not merge(live, live).history


def test_the_conditions_of_a_live_account_are_dated_as_ever() -> None:
    """Without a past to be read in, what nothing dates is found now."""
    book = with_plays(milestones={"few": Milestone(name="few", when=compare(count("login"), "<", 1), label="Few")})
    assert advance(opened("a", START, book), (), [], END, book).account.milestones == {"few": END}


@given(st.lists(st.sampled_from((pause(START), resume(START + HOUR)))), playbooks())
def test_a_basis_names_the_version_that_it_was_derived_from(events: list[Event], playbook: Playbook) -> None:
    """What a timer keeps tells which playbook a live account is pinned to, paused or not."""
    account = advance(opened("a", START, playbook), (), events, START + DAY, playbook).account
    assert version_of(account.basis) == playbook.version


def test_an_account_of_which_nothing_was_derived_names_no_version() -> None:
    """A held account, and one that could not be decided, are looked up themselves."""
    assert version_of(read_in([[]], PLAYBOOK).basis) is None
    assert version_of("") is None
