"""Projects: the tasks of each onboarding, what blocks them, and who leads it."""

from dataclasses import replace

from orchestrator.core.conditions import Node
from orchestrator.core.events import Event
from orchestrator.core.lifecycle import opened, view_of
from orchestrator.core.playbook import Escalate, Onboarding, PhaseEntered, Play, Playbook, Reached, Severity, Task
from orchestrator.core.projects import Project, TaskState, led, project_of, project_words, projects_of
from tests.core.lives import life
from tests.core.playbooks import (
    DAY,
    EVENTS,
    ONBOARDING,
    PLAYBOOK,
    SEGMENTATION,
    VOCABULARY,
    calculate,
    compare,
    constant,
    count,
    play,
    reached,
    seen,
    with_plays,
)
from tests.core.strategies import START, event, person, traits


def task(name: str, done: Node, *needs: str, owner: str | None = None, deliverable: str | None = None) -> Task:
    """A task as a playbook would state it."""
    return Task(name=name, label=name.replace("_", " "), done=done, needs=needs, owner=owner, deliverable=deliverable)


KICKOFF = (
    task("meet", seen("login"), deliverable="notes"),
    task("plan", reached("setup"), "meet", owner="ann"),
)
TRAINING = (task("teach", compare(count("login"), ">=", 3), "plan"), task("look", seen("nps_answered"), "elsewhere"))


def with_tasks(phases: Onboarding = ONBOARDING) -> Onboarding:
    """The test onboarding with two tasks in each of its first two phases."""
    tasks = {"kickoff": KICKOFF, "training": TRAINING, "handoff": ()}
    return replace(
        phases,
        phases={name: replace(each, tasks=tasks[name]) for name, each in phases.phases.items()},
        opens=frozenset({"signed_up", "setup_done", "core_used", "came_back", "ordered"}),
    )


def book(*plays: Play) -> Playbook:
    """The test playbook with phases that have tasks."""
    steps = VOCABULARY.steps | {"login"}
    words = replace(VOCABULARY, steps=steps)
    made = with_plays(*plays, onboarding=with_tasks(), segmentation=SEGMENTATION, reads=frozenset(EVENTS))
    return replace(made, vocabulary=words)


def step(name: str, days: float, onboarding: str = "") -> Event:
    """A step of an onboarding, so many days after the start."""
    return event(name, START + days * DAY, properties={"onboarding": onboarding} if onboarding else {})


def after(*events: Event, days: float = 10) -> tuple[Project, ...]:
    """The projects of an account after so many days."""
    account = life((person(),), book(), START).live(events, START + days * DAY).account
    return projects_of(view_of(account, START + days * DAY, book()), book())


def states(project: Project) -> dict[str, str]:
    """How far each task is."""
    return {each.name: each.state.value for each in project.work}


def test_a_task_is_blocked_until_what_it_needs_is_done() -> None:
    """Open without a need, blocked by one that is not done, and done whatever it needed."""
    (found,) = after(step("signed_up", 0))
    assert states(found) == {"meet": "open", "plan": "blocked", "teach": "blocked", "look": "open"}
    assert [each.waits_for for each in found.work] == [(), ("meet",), ("plan",), ()]
    (found,) = after(step("signed_up", 0), step("login", 1), step("login", 2), step("login", 3))
    assert states(found) == {"meet": "done", "plan": "open", "teach": "done", "look": "open"}
    assert [each.waits_for for each in found.work] == [(), (), (), ()]


def test_what_a_task_needs_of_a_phase_that_is_passed_by_does_not_block_it() -> None:
    """The path of the account's segment leaves out what nobody does there."""
    view = view_of(
        life((person(),), book(), START).live([traits(seats=80), step("signed_up", 0)], START + DAY).account,
        START + DAY,
        book(),
    )
    segmentation = replace(
        SEGMENTATION,
        table={name: replace(each, phases={"training": None}) for name, each in SEGMENTATION.table.items()},
    )
    (found,) = projects_of(view, replace(book(), segmentation=segmentation))
    assert states(found) == {"teach": "open", "look": "open"}


def test_a_project_says_where_it_is_and_what_could_be_done() -> None:
    """Phase, since when, by when, who leads it; its open work is that of the phases so far."""
    (found,) = after(step("signed_up", 0))
    assert (found.onboarding, found.phase, found.label, found.owner) == ("", "kickoff", "Kickoff", "csm")
    assert (found.entered_at, found.late_at, found.deliverable) == (START, START + 2 * DAY, None)
    assert [(each.name, each.owner, each.deliverable, each.phase) for each in found.open] == [
        ("meet", "csm", "notes", "kickoff")
    ]
    assert [each.name for each in found.so_far] == ["meet", "plan"]
    (later,) = after(step("signed_up", 0), step("setup_done", 1))
    assert [each.name for each in later.so_far] == ["meet", "plan", "teach", "look"]
    assert [(each.name, each.owner) for each in later.work] == [
        ("meet", "csm"),
        ("plan", "ann"),
        ("teach", None),
        ("look", None),
    ]


def test_a_finished_project_shows_all_that_was_left() -> None:
    """What is not done stays in sight."""
    steps = [step(name, 1) for name in ("setup_done", "came_back", "ordered")]
    (found,) = after(step("signed_up", 0), *steps)
    assert (found.phase, found.label, found.owner, found.deliverable) == ("done", "done", None, None)
    assert [each.name for each in found.so_far] == ["meet", "plan", "teach", "look"]


def test_each_onboarding_has_its_own_work() -> None:
    """An event that is a step counts for the onboarding that it names, a figure for all of the account."""
    one, two = after(
        step("signed_up", 0, "a"), step("signed_up", 1, "b"), step("login", 2, "b"), step("nps_answered", 3)
    )
    assert (states(one)["meet"], states(two)["meet"]) == ("open", "done")
    assert (states(one)["look"], states(two)["look"]) == ("done", "done")


def test_a_task_alone_begins_no_onboarding() -> None:
    """Who logs in has begun nothing; the login before the start is done all the same."""
    assert after(step("login", 1)) == ()
    (found,) = after(step("login", 1), step("signed_up", 3))
    assert (found.entered_at, states(found)["meet"]) == (START + 3 * DAY, "done")


def test_a_task_that_cannot_be_evaluated_is_not_done() -> None:
    """Nothing breaks."""
    ratio = compare(calculate(constant(1), "/", count("login")), ">", 0)
    odd = replace(with_tasks().phases["kickoff"], tasks=(task("odd", ratio),))
    playbook = replace(book(), onboarding=replace(with_tasks(), phases={"kickoff": odd}))
    playbook = replace(playbook, segmentation=None)
    view = view_of(life((person(),), playbook, START).live([step("signed_up", 0)], START).account, START, playbook)
    found = project_of(view, playbook)
    assert found is not None
    assert found.work[0].state is TaskState.OPEN


def test_the_project_of_an_account_is_the_oldest_unfinished() -> None:
    """None before one has begun, and none where the playbook has no phases."""
    account = life((person(),), book(), START).live([step("signed_up", 0, "a"), step("signed_up", 1, "b")], START + DAY)
    view = view_of(account.account, START + DAY, book())
    found = project_of(view, book())
    assert found is not None
    assert found.onboarding == "a"
    empty = view_of(opened("a", START, book()), START, book())
    assert project_of(empty, book()) is None
    assert project_of(view_of(opened("a", START, PLAYBOOK), START, PLAYBOOK), PLAYBOOK) is None


def test_a_handout_is_told_what_is_open_and_what_is_blocked() -> None:
    """Of the onboarding that goes on, with who does it and what it waits for; nothing when none goes on."""
    begun = life((person(),), book(), START).live([step("signed_up", 0)], START).account
    words = project_words(view_of(begun, START, book()), book())
    assert words == {"open": ["meet (csm)"], "blocked": ["plan, after: meet"]}
    trained = life((person(),), book(), START).live([step("signed_up", 0), step("setup_done", 1)], START + DAY).account
    words = project_words(view_of(trained, START + DAY, book()), book())
    assert words == {"open": ["meet (csm)", "teach", "look"], "blocked": []}
    ended = [step(each, 1) for each in ("setup_done", "came_back", "ordered")]
    finished = life((person(),), book(), START).live([step("signed_up", 0), *ended], START + 2 * DAY).account
    assert project_words(view_of(finished, START + 2 * DAY, book()), book()) == {}
    assert project_words(view_of(opened("a", START, book()), START, book()), book()) == {}


# -- who leads it ------------------------------------------------------------------------------------------------------

WORK = Escalate(template="no_login", severity=Severity.LOW, category="scope", owner="phase", due=4 * DAY / 24)
LED = replace(
    with_tasks(),
    phases={
        "kickoff": replace(with_tasks().phases["kickoff"], owner="csm"),
        "training": replace(with_tasks().phases["training"], owner="segment"),
        "handoff": replace(with_tasks().phases["handoff"], owner="director"),
    },
)


def leader(*events: Event, entering: str | None = None, days: float = 5) -> str:
    """Who owns the work of a play by then."""
    playbook = replace(book(), onboarding=LED)
    account = life((person(),), playbook, START).live(events, START + days * DAY).account
    trigger = Reached(milestone="setup") if entering is None else PhaseEntered(phase=entering)
    return led(WORK, trigger, view_of(account, START + days * DAY, playbook), playbook).owner


def test_the_work_is_of_whoever_leads_the_phase() -> None:
    """The oldest unfinished onboarding's; before the first phase the first one's, after the last the last one's."""
    assert leader() == "csm"
    assert leader(step("signed_up", 0)) == "csm"
    assert leader(traits(seats=80), step("signed_up", 0), step("setup_done", 1)) == "specialist"
    assert (
        leader(step("signed_up", 0), *(step(each, 1) for each in ("setup_done", "came_back", "ordered"))) == "director"
    )


def test_a_play_of_a_phase_is_of_who_leads_that_phase() -> None:
    """Also when another onboarding is elsewhere."""
    steps = (step("signed_up", 0), step("setup_done", 1, "b"))
    assert (leader(*steps), leader(*steps, entering="handoff")) == ("csm", "director")


def test_other_work_keeps_its_owner() -> None:
    """So does all work of a playbook without phases."""
    view = view_of(opened("a", START, PLAYBOOK), START, PLAYBOOK)
    other = replace(WORK, owner="csm")
    assert led(other, Reached(milestone="setup"), view, book()) is other
    assert led(WORK, Reached(milestone="setup"), view, PLAYBOOK) is WORK


def test_the_work_that_is_opened_bears_its_owner() -> None:
    """From the play to the escalation."""
    playbook = replace(book(play("p", PhaseEntered(phase="training"), WORK)), onboarding=LED)
    steps: list[Event] = [traits(seats=80), step("signed_up", 0), step("setup_done", 1)]
    lives = life((person(),), playbook, START).live(steps, START + 5 * DAY)
    assert [each.action.owner for _, answer in lives.steps for each in answer.escalations] == ["specialist"]
