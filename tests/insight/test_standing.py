"""Where an account stands, told in lines."""

from dataclasses import replace
from datetime import timedelta

from orchestrator.core.account import Account
from orchestrator.core.conditions import Case, TermKind
from orchestrator.core.context import open_items
from orchestrator.core.events import Event
from orchestrator.core.lifecycle import advance, opened, view_of
from orchestrator.core.playbook import ChecklistItem, OnDay, Severity, Signal, Task
from orchestrator.insight.standing import standing
from tests.core.lives import Life
from tests.core.playbooks import (
    DAY,
    HOUR,
    NO_LOGIN,
    ONBOARDING,
    PLAYBOOK,
    SEGMENTATION,
    STAGES,
    calculate,
    compare,
    constant,
    count,
    seen,
    signal,
    term,
    with_plays,
)
from tests.core.strategies import START, acknowledge, event, person, traits

BOOK = replace(PLAYBOOK, segmentation=SEGMENTATION)


def account(*events: Event) -> Account:
    """An account that signed up at the start."""
    return advance(opened("a", START, BOOK), (person(),), [event("signed_up"), *events], START, BOOK).account


def test_segment_window_and_checklist() -> None:
    """Who they are and by what, how long they have, and what is still to be done."""
    found = account(traits(seats=80), event("core_used"))
    assert list(standing(found, START, BOOK)) == [
        "segment Large: high touch, owner specialist; segment = large (seats = 80, term = unknown)",
        "window of onboarding ends 2026-03-24 10:20 UTC",
        "checklist of onboarding: 1 of 2 done",
        "  to do: Set up (setup)",
    ]


def test_each_onboarding_has_a_line() -> None:
    """Where it is, since when, until when, who leads it and what it ends with; a finished one only that it is."""
    book = replace(BOOK, onboarding=ONBOARDING)
    done = [event(name, START + HOUR) for name in ("setup_done", "core_used", "ordered")]
    other = event("setup_done", START + 2 * HOUR, properties={"onboarding": "emea"})
    found = advance(opened("a", START, book), (person(),), [event("signed_up"), *done, other], START, book).account
    since = "since 2026-03-04 12:20 UTC"
    assert list(standing(found, START + 5 * DAY, book))[-2:] == [
        "onboarding: done since 2026-03-04 11:20 UTC",
        f"onboarding emea: Training {since}, late since 2026-03-09 00:20 UTC, ends with: trained people",
    ]
    started = advance(opened("a", START, book), (person(),), [event("signed_up")], START, book).account
    assert list(standing(started, START, book))[-1] == (
        "onboarding: Kickoff since 2026-03-04 10:20 UTC, until 2026-03-06 10:20 UTC, led by csm"
    )


def test_what_is_not_known_is_said() -> None:
    """An unknown segment is looked after as the default one, and shown as unknown; a window that is over has ended."""
    lines = list(standing(account(), START + 8 * DAY, BOOK))
    assert lines[0] == "segment Small: tech touch; segment = unknown (seats = unknown, term = unknown)"
    assert lines[1] == "window of onboarding ended 2026-03-11 22:20 UTC"


def test_a_playbook_without_any_of_it_says_nothing() -> None:
    """No segments, no window, no checklist: no lines."""
    plain = {name: replace(stage, window=None, checklist=()) for name, stage in STAGES.items()}
    assert list(standing(account(), START, replace(BOOK, segmentation=None, stages=plain))) == []


def test_an_item_that_cannot_be_evaluated_is_open() -> None:
    """It is shown as still to be done, and breaks nothing."""
    ratio = compare(calculate(constant(1), "/", count("login")), ">", 0)
    item = ChecklistItem(label="Ratio", when=ratio)
    onboarding = replace(STAGES["onboarding"], checklist=(item,), window=(timedelta(0), None))
    book = replace(BOOK, stages={**STAGES, "onboarding": onboarding})
    assert open_items("onboarding", view_of(account(), START, book), book) == (item,)


def test_each_open_signal_has_a_line() -> None:
    """How bad it is, since when it is open, who has taken it on, and what to do; a closed one has none."""
    what = Signal(severity=Severity.HIGH, category="adoption", intervention="Call them.", at_risk=True)
    absent = replace(signal("absent", OnDay(day=0), only_while=NO_LOGIN), signal=what)
    book = with_plays(absent, signal("flat", OnDay(day=0)))
    lived = Life(account=opened("a", START, book), people=(), playbook=book, now=START)
    lived.step(START, [event("signed_up"), acknowledge("flat", START + HOUR)])
    assert list(standing(lived.account, START, book))[:3] == [
        "signal absent (absent), high, at risk: open since 2026-03-04 10:20 UTC, nobody has taken it on",
        "  to do: Call them.",
        "signal flat (flat), high: open since 2026-03-04 10:20 UTC, taken on by mei at 2026-03-04 11:20 UTC",
    ]
    lived.step(START + HOUR, [event("login", START + HOUR)])
    assert not [line for line in standing(lived.account, START, book) if "absent" in line]


def test_the_age_is_told_in_the_words_of_the_playbook() -> None:
    """Where it has such words, and the account an anchor."""
    young = compare(term(TermKind.DAY), "<", 3)
    book = replace(BOOK, ages=Case(rows=((young, "new"),), default="over", text="age"))
    assert "age: new" in standing(account(), START + 2 * DAY, book)
    assert "age: over" in standing(account(), START + 3 * DAY, book)
    assert not [line for line in standing(opened("a", START, book), START, book) if line.startswith("age")]


def test_the_work_of_an_onboarding_is_listed_under_it() -> None:
    """What is open or blocked of the phases so far: what it waits for, who does it, and what it leaves behind."""
    meet = Task(name="meet", label="Meet", done=seen("login"), owner="ann")
    plan = Task(name="plan", label="Plan", done=seen("ordered"), needs=("meet",), deliverable="a plan")
    kickoff = replace(ONBOARDING.phases["kickoff"], tasks=(meet, plan))
    book = replace(BOOK, onboarding=replace(ONBOARDING, phases={"kickoff": kickoff}), segmentation=None)
    begun = advance(opened("a", START, book), (person(),), [event("signed_up")], START, book).account
    assert list(standing(begun, START, book))[-3:] == [
        "  tasks so far: 0 of 2 done",
        "    open: Meet, by ann",
        "    blocked: Plan, waits for: Meet, by csm, leaves: a plan",
    ]
