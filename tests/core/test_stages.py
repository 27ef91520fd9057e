"""Stages over time: windows by segment, stalls, regression and win-back, and what is still to be done in them."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from orchestrator.core.events import Event
from orchestrator.core.lifecycle import opened, outlook
from orchestrator.core.playbook import Entered, Play, Playbook, Stalled, Transition
from orchestrator.core.reasons import DecisionReason, PostponementReason
from orchestrator.core.timing import stalls_at
from tests.core.lives import Life
from tests.core.playbooks import (
    DAY,
    HOUR,
    MAIL,
    PLAYBOOK,
    SEGMENTATION,
    STAGES,
    TRANSITIONS,
    compare,
    count,
    play,
    seen,
    with_plays,
    work,
)
from tests.core.strategies import START, event, pause, person, resume, traits

ZERO = timedelta(0)
LATE = play("late", Stalled(stage="onboarding"), work())
ENTERPRISE = replace(SEGMENTATION.table["large"], windows={"onboarding": (ZERO, 90 * DAY)})
SCALED = replace(SEGMENTATION, table={**SEGMENTATION.table, "large": ENTERPRISE})


def staged(*plays: Play, **changes: object) -> Playbook:
    """The test playbook with windows: seven days of onboarding, growth to day 30, then no end."""
    windows = {"onboarding": (ZERO, 7 * DAY), "growth": (7 * DAY, 30 * DAY), "maturity": (30 * DAY, None)}
    stages = {name: replace(stage, window=windows.get(name)) for name, stage in STAGES.items()}
    return replace(with_plays(*plays, stages=stages, segmentation=SCALED), **changes)  # type: ignore[arg-type]  # fields of Playbook


def lived(book: Playbook, *events: Event, until: datetime = START + 100 * DAY) -> Life:
    """A life that begins with the sign-up."""
    account = opened("a", START, book)
    life = Life(account=account, people=(person(),), playbook=book, now=START)
    return life.live([event("signed_up"), *events], until)


def told(life: Life) -> list[tuple[str, str, float]]:
    """Play, reason and day of each decision."""
    return [(each.play, each.reason.value, (each.decided_at - START) / DAY) for each in life.decisions]


def test_a_stall_is_due_when_the_window_ends() -> None:
    """At the end of the window, to the instant, half-open: the seventh day is already outside."""
    assert told(lived(staged(LATE), traits(seats=1))) == [("late", "due", 7.0)]


def test_the_window_is_that_of_the_segment() -> None:
    """What is a stall for a small customer is none for a large one (rules 1.9 "Onboarding length vs stage window")."""
    assert told(lived(staged(LATE), traits(seats=80))) == [("late", "due", 90.0)]


def test_a_stall_follows_the_segment() -> None:
    """A customer that grows into another segment before the end is measured by that one's window."""
    assert told(lived(staged(LATE), traits(seats=1), traits(START + 5 * DAY, seats=80))) == [("late", "due", 90.0)]


def test_who_moves_on_in_time_never_stalls() -> None:
    """Not even when the stage is left at the very end of its window; and nothing is said of it."""
    book = staged(LATE)
    assert told(lived(book, event("setup_done", START + DAY))) == []  # the row of the table says: day >= 7


def test_a_stall_found_too_late_is_skipped_as_overtaken() -> None:
    """Who did stall, and has moved on when we look at last, gets a record and no work."""
    book = staged(
        LATE, transitions=(Transition(source="onboarding", target="growth", when=seen("core_used"), path="r"),)
    )
    life = Life(account=opened("a", START, book), people=(person(),), playbook=book, now=START)
    life.step(START + 20 * DAY, [event("signed_up"), event("core_used", START + 9 * DAY)])
    assert told(life) == [("late", "overtaken", 20.0)]
    early = Life(account=opened("a", START, book), people=(person(),), playbook=book, now=START)
    early.step(START + 20 * DAY, [event("signed_up"), event("core_used", START + 5 * DAY)])
    assert told(early) == []


def test_a_stall_that_waits_ends_with_its_stage() -> None:
    """A paused account's stall waits; when the stage is left meanwhile, it is overtaken."""
    book = staged(LATE)
    moved = event("setup_done", START + 8 * DAY)
    life = lived(book, pause(START + 6 * DAY), moved, resume(START + 9 * DAY))
    waits = [each.reason for _, step in life.steps for each in step.postponements]
    assert waits == [PostponementReason.PAUSED]
    assert told(life) == [("late", DecisionReason.OVERTAKEN, 8.0)]


def test_a_stall_that_waits_ends_with_its_window() -> None:
    """Another segment whose window has no end takes the cause away."""
    open_ended = replace(ENTERPRISE, windows={"onboarding": (ZERO, None)})
    book = staged(LATE, segmentation=replace(SCALED, table={**SCALED.table, "large": open_ended}))
    grown = traits(START + 8 * DAY, seats=80)
    life = lived(book, pause(START + 6 * DAY), grown, resume(START + 9 * DAY))
    assert told(life) == [("late", DecisionReason.OVERTAKEN, 8.0)]
    assert not life.account.waiting


def test_each_life_of_a_stage_stalls_by_itself() -> None:
    """Who is won back has the whole length of the window again, and a stall of its own."""
    events = [event("left", START + 20 * DAY), event("came_back", START + 50 * DAY), event("login", START + 50 * DAY)]
    life = lived(staged(LATE), *events, until=START + 70 * DAY)
    assert told(life) == [("late", "due", 7.0), ("late", "due", 57.0)]


def test_who_enters_late_has_the_whole_window() -> None:
    """Growth runs from its entry (rules 1.9 "Growth's clock"): entered on day 25, it stalls 23 days later."""
    book = staged(play("late", Stalled(stage="growth"), work()), transitions=TRANSITIONS[:3])
    assert told(lived(book, event("setup_done", START + 25 * DAY))) == [("late", "due", 48.0)]
    assert told(lived(book, event("setup_done", START + DAY))) == [("late", "due", 30.0)]


@pytest.mark.parametrize("stage", ["maturity", "churned"])
def test_a_window_without_an_end_never_stalls(stage: str) -> None:
    """A stage that may last, or that has no window, has no such instant."""
    account = replace(opened("a", START, PLAYBOOK), stage=stage, anchor=START)
    assert stalls_at(account, staged(LATE)) is None


def test_without_an_anchor_nothing_stalls() -> None:
    """The day count has not begun."""
    assert stalls_at(opened("a", START, PLAYBOOK), staged(LATE)) is None


def test_history_is_measured_from_the_anchor() -> None:
    """An account that we hear of late has been in its first stage since its sign-up: a stall long past is stale."""
    book = staged(LATE)
    now = START + 60 * DAY
    life = Life(account=opened("a", now, book), people=(person(),), playbook=book, now=now)
    life.step(now, [event("signed_up", START)])
    assert told(life) == [("late", "stale", 60.0)]


def test_the_outlook_tells_of_the_stall() -> None:
    """What will be due if nothing changes is seen beforehand, as a sentence in every decision."""
    book = staged(LATE)
    life = lived(book, until=START + DAY)
    (due,) = outlook(life.account, (), START + DAY, book)
    assert due.at == START + 7 * DAY
    (decision,) = lived(book).decisions
    assert decision.trigger == "stage onboarding not left by the end of its window"


# -- back and forth ----------------------------------------------------------------------------------------------------

BACK = Transition(source="maturity", target="growth", when=compare(count("ticket_opened"), ">=", 3), path="back")
UP = Transition(source="growth", target="maturity", when=compare(count("ticket_opened"), "<", 3), path="up")


def stages(life: Life) -> list[tuple[object, float]]:
    """The stages that were entered, with the day of their entry."""
    notes = [each.detail for _, step in life.steps for each in step.notes if each.kind == "stage"]
    return [(each["target"], (datetime.fromisoformat(str(each["entered_at"])) - START) / DAY) for each in notes]


def test_an_account_may_fall_back() -> None:
    """A regression is a row of the stage table like any other; the stage has a new life and its entry comes again."""
    book = staged(
        play("hello", Entered(stage="growth"), MAIL, exempt=True),
        transitions=(Transition(source="onboarding", target="growth", when=seen("setup_done"), path="first"), UP, BACK),
    )
    tickets = [event("ticket_opened", START + (10 + day) * DAY) for day in range(3)]
    life = lived(book, event("setup_done", START + 2 * DAY), *tickets, until=START + 30 * DAY)
    assert stages(life) == [("growth", 2.0), ("maturity", 2.0), ("growth", 12.0)]
    assert [(each.play, each.reason.value) for each in life.decisions] == [("hello", "overtaken"), ("hello", "due")]


def test_an_account_may_be_won_back() -> None:
    """Who left and comes back starts in onboarding, carried on at once by what still stands."""
    events = [
        event("setup_done", START + DAY),
        event("left", START + 20 * DAY),
        event("login", START + 60 * DAY),
        event("came_back", START + 60 * DAY + HOUR),
    ]
    life = lived(staged(), *events, until=START + 65 * DAY)
    back = 60 + 1 / 24
    assert stages(life) == [
        ("growth", 7.0),
        ("maturity", pytest.approx(17.0)),
        ("churned", 20.0),
        ("onboarding", pytest.approx(back)),
        ("growth", pytest.approx(back)),
    ]
