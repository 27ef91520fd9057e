"""Phases of onboardings as a playbook writes them: what they become, and what they may not say."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

from datetime import timedelta

import pytest

from orchestrator.core.lifecycle import view_of
from orchestrator.core.playbook import PhaseEntered
from tests.playbook.lives import START, event, lived, traits
from tests.playbook.small import bent, compiled, told

DAY = timedelta(days=1)
EVENTS = "    scored: [Scored]\n"
STEPS = "    scored: [Scored]\n    kickoff_held: [Kickoff Held]\n    trained: [Trained]\n    live: [Live]\n    project_started: []\n"
ONBOARDING = """\
onboarding:
  starts: project_started
  property: project
  phases:
    kickoff: {label: Kickoff, until: kickoff_held, within: 7d, owner: specialist, deliverable: the plan}
    training: {until: trained and (login or warm)}
    go_live: {until: live, within: 30d}
segments:
  default: many
  table:
    big: {where: {seats: [50, null]}, touch: high, phases: {kickoff: 14d, training: null, go_live: null}}
    many: {touch: tech, phases: [kickoff, go_live]}
stages:
"""
UNTOUCHED = ("    touch: {one_of: [high, tech], default: tech}\n", "    arr: number\n")
TRIGGER = '    day: 1\n    at: "09:00"\n'
WHEN = "    day: 1\n    when: "
WORK = "    escalate: {template: no_login, severity: low, category: scope, owner: csm, due: 4h}\n"
MAIL = "    email: day_0_welcome\n"


def phased(*changes: tuple[str, str]) -> str:
    """The small playbook with an onboarding of three phases, and other changes."""
    return bent((EVENTS, STEPS), ("stages:\n", ONBOARDING), UNTOUCHED, *changes)


def test_an_onboarding() -> None:
    """Its phases in order with all that is said of them, where it begins, and the steps that are kept."""
    book = compiled(phased())
    found = book.onboarding
    assert found is not None
    assert [(each.name, each.label, each.until.text, each.within) for each in found.phases.values()] == [
        ("kickoff", "Kickoff", "kickoff_held", 7 * DAY),
        ("training", "training", "trained and (login or warm)", None),
        ("go_live", "go live", "live", 30 * DAY),
    ]
    assert (found.phases["kickoff"].owner, found.phases["kickoff"].deliverable) == ("specialist", "the plan")
    assert (found.starts, book.vocabulary.onboarding) == (("project_started",), "project")
    assert book.vocabulary.steps == {"project_started", "kickoff_held", "trained", "login", "live"}
    assert book.reads >= book.vocabulary.steps


def test_segments_have_their_own_path() -> None:
    """A list, or each phase with its time here; a segment that says nothing has all of them."""
    table = compiled(phased((", phases: {kickoff: 14d, training: null, go_live: null}", ""))).segmentation
    assert table is not None
    assert (table.table["big"].phases, table.table["many"].phases) == (None, {"kickoff": None, "go_live": None})
    longer = compiled(phased()).segmentation
    assert longer is not None
    assert longer.table["big"].phases == {"kickoff": 14 * DAY, "training": None, "go_live": None}


def test_an_onboarding_begins_with_the_anchor() -> None:
    """Where nothing else is said."""
    book = compiled(phased(("  starts: project_started\n  property: project\n", "")))
    assert book.onboarding is not None
    assert (book.onboarding.starts, book.vocabulary.onboarding) == (("signed_up",), "onboarding")


def test_an_onboarding_may_begin_with_the_first_of_several_events() -> None:
    """With a contract or with a sign-up, whichever comes first."""
    book = compiled(phased(("starts: project_started", "starts: [signed_up, project_started]")))
    account = lived(book, [event("signed_up", 2), event("project_started", 1)], 3).steps[-1].account
    (journey,) = view_of(account, START + 3 * DAY, book).journeys
    assert journey.phases == (("kickoff", START + DAY),)


def test_a_playbook_without_phases() -> None:
    """The names are free, and nothing is kept of onboardings."""
    book = compiled(bent((EVENTS, f"{EVENTS}    phase: [Phase Changed]\n")))
    assert (book.onboarding, book.vocabulary.steps) == (None, frozenset())
    assert "phase" in book.vocabulary.events


def test_what_conditions_may_ask() -> None:
    """The phase of a closed list, its days, whether it is late, and how many onboardings are unfinished."""
    said = "phase in ['none', 'kickoff', 'done'] and phase_days < 9 and not phase_late and onboardings + 1 > 2"
    assert compiled(phased(("    day: 1\n", f'{WHEN}"{said}"\n'))).plays["hello"].when.text == said


def test_a_phase_is_a_trigger() -> None:
    """So is the end of the onboarding."""
    for phase in ("training", "done"):
        book = compiled(phased((TRIGGER, f"    phase: {phase}\n")))
        assert book.plays["hello"].trigger == PhaseEntered(phase=phase)


def test_each_project_is_led_through_its_phases() -> None:
    """From the YAML to the work: one episode a project, on the path of the account's segment."""
    book = compiled(phased((TRIGGER, "    phase: go_live\n"), (MAIL, WORK)))
    steps = [
        event("project_started", 0),
        event("project_started", 1, project="two"),
        event("Kickoff Held", 2, project="two"),
    ]
    late = [event("Kickoff Held", 4), event("Trained", 6, project="two"), event("Logged In", 6, project="two")]
    assert lived(book, [*steps, *late], 20).when("hello") == [2, 4]
    assert lived(book, [traits(seats=80), *steps, *late], 20).when("hello") == [6]


WRONG = [
    (("starts: project_started", "starts: project_stared"), "25:11 onboarding.starts: unknown event `project_stared` (did you mean `project_started`?)"),
    (("starts: project_started", "starts: [live, project_stared]"), "25:18 onboarding.starts[1]: unknown event `project_stared` (did you mean `project_started`?)"),
    (("until: kickoff_held", "until: kickoff_hold"), "28:38 onboarding.phases.kickoff.until: unknown name `kickoff_hold` (did you mean `kickoff_held`?)"),
    (("until: kickoff_held", "until: not kickoff_held"), "28:38 onboarding.phases.kickoff.until: `until` joins events and milestones by `and` and `or`: what has happened stays so"),
    (("until: kickoff_held", "until: kickoff_held and login.count > 2"), "28:38 onboarding.phases.kickoff.until: `until` joins events and milestones by `and` and `or`: what has happened stays so"),
    (("until: kickoff_held", "until: phase_late"), "28:38 onboarding.phases.kickoff.until: `until` joins events and milestones by `and` and `or`: what has happened stays so"),
    (("    go_live: {until", "    done: {until"), "30:5 onboarding.phases.done: `done` is what `phase` says without an unfinished one"),
    (("phases: [kickoff, go_live]", "phases: [kickof, go_live]"), "35:25 segments.table.many.phases: unknown phase `kickof` (did you mean `kickoff`?)"),
    (("{kickoff: 14d, ", "{kickof: 14d, "), "34:61 segments.table.big.phases.kickof: unknown phase `kickof` (did you mean `kickoff`?)"),
    (("phases: [kickoff, go_live]", "phases: []"), "35:33 segments.table.many.phases: an onboarding needs a phase"),
    (("phases: [kickoff, go_live]", "phases: [kickoff, kickoff]"), "35:33 segments.table.many.phases: `kickoff` is in the list twice"),
    (("phases: [kickoff, go_live]", "phases: [kickoff, 3]"), "35:33 segments.table.many.phases: expected keys with values, got a list of 2"),
    (("    live: [Live]", "    phase: [Live]\n    live: []"), "10:5 vocabulary.events.phase: `phase` is given by the onboarding already: a name is one thing only"),
    ((TRIGGER, "    phase: go_life\n"), "49:12 plays.hello.phase: unknown phase `go_life` (did you mean `go_live`?)"),
    (("    day: 1\n", f"{WHEN}phase == 'go_life'\n"), "50:20 plays.hello.when: `phase` is never 'go_life', only kickoff, training, go_live, none, done (did you mean `go_live`?)"),
    (("    day: 1\n", f"{WHEN}phase_days + 1 > 3\n"), "50:11 plays.hello.when: `phase_days` moves with the clock: compare it with a plain number by < <= > or >=, so that the engine knows when it turns"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_what_an_onboarding_may_not_say(change: tuple[str, str], message: str) -> None:
    """Each refusal names its place."""
    assert f"p.yaml:{message}" in told(phased(change))


def test_phases_need_an_onboarding() -> None:
    """A playbook without one has no phase to enter, and no path of a segment."""
    assert told(bent((TRIGGER, "    phase: kickoff\n"))) == ["p.yaml:33:12 plays.hello.phase: unknown phase `kickoff`"]
    segments = "segments:\n  default: many\n  table:\n    many: {touch: tech, phases: [kickoff]}\nstages:\n"
    assert told(bent(("stages:\n", segments), UNTOUCHED)) == [
        "p.yaml:23:25 segments.table.many.phases: unknown phase `kickoff`"
    ]


def test_a_broken_phase_is_told_once() -> None:
    """What names a phase whose declaration is wrong is not refused for it too."""
    assert len(told(phased(("go_live: {until: live", "go_live: {until: 3"), (TRIGGER, "    phase: go_live\n")))) == 1


TASKS = "deliverable: the plan, tasks: {meet: {done: kickoff_held, deliverable: notes}, agree: {label: Agree, done: goals.set and nps.answers > 0, owner: segment, needs: meet}}}\n"
TASKED = ("deliverable: the plan}\n", TASKS)
GO_LIVE = (
    "    go_live: {until: live, within: 30d}\n",
    "    go_live: {until: live, within: 30d, owner: csm, tasks: {launch: {done: login, needs: [agree, meet]}}}\n",
)
OWNED = ("touch: high, ", "touch: high, owner: lead, "), ("many: {touch: tech, ", "many: {touch: tech, owner: lead, ")


def test_the_tasks_of_a_phase() -> None:
    """In order, with all that is said of them; their events are kept for each onboarding, and begin none."""
    book = compiled(phased(TASKED, GO_LIVE, *OWNED))
    assert book.onboarding is not None
    meet, agree = book.onboarding.phases["kickoff"].tasks
    assert (meet.name, meet.label, meet.done.text, meet.owner, meet.deliverable, meet.needs) == (
        "meet",
        "meet",
        "kickoff_held",
        None,
        "notes",
        (),
    )
    assert (agree.label, agree.done.text, agree.owner, agree.needs) == (
        "Agree",
        "goals.set and nps.answers > 0",
        "segment",
        ("meet",),
    )
    assert book.onboarding.phases["go_live"].tasks[0].needs == ("agree", "meet")
    assert set(book.onboarding.opens or ()) == {"project_started", "kickoff_held", "trained", "login", "live"}
    other = compiled(phased(("deliverable: the plan}\n", "tasks: {meet: {done: scored}}}\n")))
    assert other.onboarding is not None
    assert other.vocabulary.steps - (other.onboarding.opens or set()) == {"scored"}


def test_work_may_be_of_who_leads_the_phase() -> None:
    """With the owner of a segment where the phase says so."""
    led = (
        (
            "    training: {until: trained and (login or warm)}\n",
            "    training: {until: trained and (login or warm), owner: segment}\n",
        ),
        GO_LIVE,
        *OWNED,
    )
    book = compiled(
        phased(TASKED, *led, (TRIGGER, "    phase: go_live\n"), (MAIL, WORK.replace("owner: csm", "owner: phase")))
    )
    steps = [event("project_started", 0), event("Kickoff Held", 2)]
    assert [each.action.owner for each in lived(book, steps, 9).escalations] == ["csm"]


WRONG_TASKS = [
    ((TASKED, GO_LIVE, *OWNED, ("needs: meet", "needs: met")), "onboarding.phases.kickoff.tasks.agree.needs: unknown task `met` (did you mean `meet`?)"),
    ((TASKED, GO_LIVE, *OWNED, ("deliverable: notes}", "deliverable: notes, needs: launch}")), "onboarding.phases.kickoff.tasks.agree.needs: these tasks wait for each other: agree → meet → launch → agree"),
    ((TASKED, *OWNED, ("needs: meet", "needs: agree")), "onboarding.phases.kickoff.tasks.agree.needs: these tasks wait for each other: agree → agree"),
    ((TASKED, GO_LIVE, *OWNED, ("launch: {", "meet: {")), "onboarding.phases.go_live.tasks.meet: `meet` is a task of `kickoff` already: a name is one task only"),
    ((TASKED,), "onboarding.phases.kickoff.tasks.agree.owner: `segment` asks for the owner of the segment, and `big` names none"),
    (((TASKED[0], TASKS.replace("goals.set", "goals.sat")), *OWNED), "onboarding.phases.kickoff.tasks.agree.done: `goals` has no `.sat` (did you mean `set`?)"),
    (((TASKED[0], TASKS.replace("meet: {done: kickoff_held", "met-it: {done: kickoff_held")), *OWNED), "onboarding.phases.kickoff.tasks.met-it: `met-it` cannot be a name: use letters, digits and _, no word of the language"),
    (((MAIL, WORK.replace("owner: csm", "owner: phase")),), "plays.hello.escalate.owner: `phase` asks for the owner of the phase, and `training` names none"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), WRONG_TASKS)
def test_what_tasks_may_not_say(changes: tuple[tuple[str, str], ...], message: str) -> None:
    """Each refusal names its place."""
    assert message in [line.split(" ", 1)[1] for line in told(phased(*changes))]


def test_a_circle_of_tasks_is_told_once() -> None:
    """At one of them."""
    one_way = (GO_LIVE[0], GO_LIVE[1].replace("[agree, meet]", "agree"))
    circle = phased(TASKED, one_way, *OWNED, ("deliverable: notes}", "deliverable: notes, needs: launch}"))
    assert len(told(circle)) == 1


def test_who_leads_a_phase_needs_phases() -> None:
    """A playbook without an onboarding has nobody to lead it."""
    (line,) = told(bent((MAIL, WORK.replace("owner: csm", "owner: phase"))))
    assert line.endswith("`phase` is who leads the phase of the onboarding, and this playbook has no phases")
