"""Accounts: paused or not, and two of them made one."""

from dataclasses import replace
from typing import Any

from hypothesis import given

from orchestrator.core.account import Account, LedgerEntry, Outcome, Waiting, merge
from orchestrator.core.events import Event
from orchestrator.core.facts import union
from orchestrator.core.lifecycle import absorb, advance, opened
from orchestrator.core.people import Person
from orchestrator.core.playbook import Playbook
from orchestrator.core.reasons import DecisionReason, PostponementReason
from tests.core.lives import life
from tests.core.playbooks import DAY, HOUR, PLAYBOOK
from tests.core.strategies import SPAN, START, crowds, histories, pause, playbooks, resume


def entry(episode: str, hours: int = 0) -> LedgerEntry:
    """A decided episode."""
    at = START + hours * HOUR
    return LedgerEntry(
        episode=episode,
        decided_at=at,
        outcome=Outcome.DONE,
        reason=DecisionReason.DUE,
        first_episode=episode,
        first_decided_at=at,
    )


def waiting(episode: str) -> Waiting:
    """A postponed episode."""
    return Waiting(episode=episode, until=START + DAY, reason=PostponementReason.OUTSIDE_WINDOW)


def account(**changes: Any) -> Account:  # noqa: ANN401 -- fields of Account
    """A new account with changes."""
    return replace(opened("a", START, PLAYBOOK), **changes)


def test_the_last_word_says_whether_it_is_paused() -> None:
    """Paused after the last pause, not after the last resume, whatever order they arrive in."""
    assert not account().paused
    assert absorb(account(), [pause(START)], PLAYBOOK).paused
    words = [pause(START), resume(START + HOUR), pause(START + 2 * HOUR)]
    assert absorb(account(), reversed(words), PLAYBOOK).paused
    assert not absorb(account(), [*words, resume(START + 3 * HOUR)], PLAYBOOK).paused


def test_of_each_play_the_later_decision_is_kept() -> None:
    """Two ledgers are united: the later episode, and of the same episode the later decision."""
    kept = account(ledger={"a": entry("2026-03-09"), "b": entry("once", 5), "c": entry("once")})
    gone = account(ledger={"a": entry("2026-03-16"), "b": entry("once", 1), "d": entry("once")})
    assert merge(kept, gone).ledger == {
        "a": entry("2026-03-16"),
        "b": entry("once", 5),
        "c": entry("once"),
        "d": entry("once"),
    }
    assert merge(gone, kept).ledger == merge(kept, gone).ledger


def test_what_one_has_decided_the_other_no_longer_waits_for() -> None:
    """A postponed episode that the other account has decided is not waited for; others are."""
    kept = account(waiting={"a": waiting("once"), "b": waiting("2026-03-16"), "c": waiting("once")})
    gone = account(ledger={"a": entry("once"), "b": entry("2026-03-09")}, waiting={"d": waiting("once")})
    assert set(merge(kept, gone).waiting) == {"b", "c"}


def test_the_earliest_counts() -> None:
    """Creation, anchor and milestones are the earlier of both; stage and pinned version are the kept account's."""
    kept = account(anchor=START + DAY, milestones={"a": START + DAY, "b": START}, stage="growth")
    gone = account(created_at=START - DAY, anchor=START, milestones={"a": START, "c": START}, stage="churned")
    both = merge(kept, gone)
    assert (both.created_at, both.anchor, both.stage) == (START - DAY, START, "growth")
    assert both.milestones == {"a": START, "b": START, "c": START}
    assert merge(account(), account(anchor=START)).anchor == START
    assert merge(account(), account()).anchor is None


def test_what_stands_at_either_stands() -> None:
    """What both accounts did may still be withdrawn, and when to wake is derived afresh."""
    both = merge(account(standing={"a": "once"}, basis="v1", wake_at=START), account(standing={"b": "once"}))
    assert both.standing == {"a": "once", "b": "once"}
    assert (both.basis, both.wake_at) == ("", None)


@given(histories(), histories(), crowds(), playbooks())
def test_merging_decides_nothing_again(
    left: list[Event], right: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """The merged account has the facts of both, goes on without error, and decides no episode that one had decided."""
    others = [replace(each, source="other") for each in right]
    lives = [life(people, playbook, START).live(events, START + SPAN) for events in (left, others)]
    kept, gone = (lived.account for lived in lives)
    both = merge(kept, gone)
    assert both.facts == union(kept.facts, gone.facts)
    step = advance(both, people, [], START + SPAN, playbook)
    known = {(each.play, each.episode) for lived in lives for each in lived.decisions}
    for decision in step.decisions:
        assert (decision.play, decision.episode) not in known or decision.episode > both.ledger[decision.play].episode
    assert advance(step.account, people, [], START + SPAN, playbook).decisions == ()
