"""What a human is handed with an escalation: the letter's context, and where the account stands."""

from dataclasses import replace

from orchestrator.core.account import Account
from orchestrator.core.context import open_items, work_context
from orchestrator.core.events import Event
from orchestrator.core.lifecycle import view_of
from orchestrator.core.playbook import ChecklistItem, OnDay, Playbook, Task
from tests.core.lives import life
from tests.core.playbooks import (
    DAY,
    HEALTH,
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
    with_plays,
)
from tests.core.strategies import START, event, person, traits

STANDING = ("segment", "phase", "project", "health", "signals", "checklist")
PLAIN = {name: replace(stage, checklist=()) for name, stage in STAGES.items()}
BARE = replace(PLAYBOOK, plays={}, stages=PLAIN, health=None, onboarding=None, segmentation=None)
ITEMS = (
    ChecklistItem(label="A login", when=seen("login")),
    ChecklistItem(label="Signed up", when=seen("signed_up")),
    ChecklistItem(label="A ratio", when=compare(calculate(constant(1), "/", count("login")), ">", 0)),
)


def lived(playbook: Playbook, *events: Event, days: float = 2) -> Account:
    """An account of so many days."""
    return life((person(),), playbook, START).live(events, START + days * DAY).account


def handed(account: Account, playbook: Playbook, days: float = 2) -> dict[str, object]:
    """What is said of where the account stands, so many days after the start."""
    context = work_context(account, person(), view_of(account, START + days * DAY, playbook), playbook)
    assert context.keys() >= {"account", "person", "setup", "goals"}
    return {name: context[name] for name in STANDING}


def test_a_playbook_without_any_of_it_says_nothing() -> None:
    """Where nothing is declared, nothing is said, and nothing is invented."""
    assert handed(lived(BARE, event("signed_up")), BARE) == {
        "segment": {},
        "phase": {},
        "project": {"open": [], "blocked": []},
        "health": {},
        "signals": {"open": []},
        "checklist": {"open": []},
    }


def test_the_owner_is_told_where_the_account_stands() -> None:
    """Segment and touch, the phase with its end, the health, open signals with their days, what the stage asks for."""
    absent = signal("absent", OnDay(day=0), only_while=NO_LOGIN)
    stages = {**STAGES, "onboarding": replace(STAGES["onboarding"], checklist=ITEMS, window=None)}
    book = with_plays(absent, onboarding=ONBOARDING, segmentation=SEGMENTATION, stages=stages)
    account = lived(book, traits(seats=500), event("signed_up"))
    found = handed(account, replace(book, health=HEALTH), days=1)
    assert found["segment"] == {"label": "Large", "touch": "high"}
    assert found["phase"] == {"label": "Kickoff", "owner": "csm", "deliverable": None, "until": "2026-03-06"}
    assert found["health"] == {"score": 16.666667, "colour": "red"}
    assert found["signals"] == {"open": ["absent (1 day)"]}
    assert found["checklist"] == {"open": ["A login", "A ratio"]}
    assert handed(account, book, days=0)["signals"] == {"open": ["absent (since today)"]}
    assert handed(account, book, days=2)["signals"] == {"open": ["absent (2 days)"]}


def test_the_work_of_the_project_is_handed_out() -> None:
    """What can be done in it now, each with who does it, and what waits for what; what is done is not named."""
    tasks = (
        Task(name="meet", label="Meet", done=seen("signed_up")),
        Task(name="import", label="Import", done=seen("ordered")),
        Task(name="map", label="Map", done=seen("ordered"), needs=("import",)),
    )
    phases = {**ONBOARDING.phases, "kickoff": replace(ONBOARDING.phases["kickoff"], tasks=tasks)}
    book = replace(BARE, onboarding=replace(ONBOARDING, phases=phases))
    found = handed(lived(book, event("signed_up"), days=1), book, days=1)["project"]
    assert found == {"open": ["Import (csm)"], "blocked": ["Map, until this is done: Import"]}


def test_no_phase_is_named_outside_of_an_onboarding() -> None:
    """Before an onboarding begins and after it is finished there is no phase; one without a time has no end."""
    book = replace(BARE, onboarding=ONBOARDING)
    endless = {name: replace(phase, within=None) for name, phase in ONBOARDING.phases.items()}
    account = lived(book, event("signed_up"), event("came_back"), event("setup_done"), event("ordered"))
    assert handed(lived(book, event("login")), book)["phase"] == {}
    assert handed(account, book)["phase"] == {}
    open_end = replace(book, onboarding=replace(ONBOARDING, phases=endless))
    found = handed(lived(open_end, event("signed_up")), open_end)["phase"]
    assert found == {"label": "Kickoff", "owner": "csm", "deliverable": None, "until": None}


def test_an_unknown_health_is_not_said() -> None:
    """Where too little is known there is neither a score nor a colour."""
    unknown = replace(HEALTH, indicators=tuple(replace(each, when=NO_LOGIN) for each in HEALTH.indicators))
    book = replace(BARE, health=unknown)
    assert handed(lived(BARE, event("login")), book)["health"] == {"score": None, "colour": None}


def test_what_cannot_be_evaluated_is_still_to_be_done() -> None:
    """An item of a checklist that divides by nothing is open, and breaks nothing."""
    book = replace(BARE, stages={**PLAIN, "onboarding": replace(STAGES["onboarding"], checklist=ITEMS)})
    account = lived(BARE, event("signed_up"))
    assert [item.label for item in open_items("onboarding", view_of(account, START, book), book)] == [
        "A login",
        "A ratio",
    ]
