"""Projects: what there is to do in each onboarding, who does it, and what holds it up (``spec/rules.md`` 1.3 "Phases").

The tasks stand at the phases of the playbook. A task is done while its condition holds: the events in it are those of
the onboarding itself, everything else (a milestone, a figure, a judgement) is the account's. It is blocked while a task
that it needs is not done, and open otherwise. What is left open in a phase that is over stays in sight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, unique

from orchestrator.core.conditions import FINISHED, Journey, View, verdict
from orchestrator.core.errors import UndecidableError
from orchestrator.core.events import Json
from orchestrator.core.facts import Facts
from orchestrator.core.phases import path_of
from orchestrator.core.playbook import (
    OF_PHASE,
    OF_SEGMENT,
    Escalate,
    Onboarding,
    Phase,
    PhaseEntered,
    Playbook,
    Task,
    Trigger,
)
from orchestrator.core.segments import segment_of


@unique
class TaskState(StrEnum):
    """How far a task is."""

    DONE = "done"
    OPEN = "open"  # somebody could do it now
    BLOCKED = "blocked"  # something that it needs is not done


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A task of one onboarding as it stands."""

    name: str
    label: str  # what a person calls it
    phase: str  # the phase that it belongs to
    state: TaskState
    owner: str | None  # the role that does it: its own, else its phase's
    deliverable: str | None  # what it leaves behind
    waits_for: tuple[str, ...]  # what a person calls the tasks that block it


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One onboarding with its work."""

    onboarding: str  # its id; "" when the events name none
    phase: str  # the name of the phase that it is in, or ``done``
    label: str  # what a person calls that
    entered_at: datetime  # when it was entered
    late_at: datetime | None  # when it has taken longer than it should; None: nothing is stated
    owner: str | None  # the role that leads it
    deliverable: str | None  # what it ends with
    work: tuple[Work, ...]  # of every phase on the account's path, in order

    @property
    def open(self) -> tuple[Work, ...]:
        """What could be done now, of the phases up to this one."""
        return tuple(each for each in self.so_far if each.state is TaskState.OPEN)

    @property
    def so_far(self) -> tuple[Work, ...]:
        """The work of the phases up to the one that it is in."""
        phases = [each.phase for each in self.work]
        last = len(phases) - phases[::-1].index(self.phase) if self.phase in phases else len(phases)
        return self.work[:last]


def projects_of(view: View, playbook: Playbook) -> tuple[Project, ...]:
    """Each onboarding of the account with its work, the oldest first; none where the playbook has no phases."""
    onboarding = playbook.onboarding
    if onboarding is None:
        return ()
    path = path_of(onboarding, view.facts, playbook)
    return tuple(_project(each, onboarding, path, view, playbook) for each in view.journeys)


def project_of(view: View, playbook: Playbook) -> Project | None:
    """The oldest unfinished onboarding, else the one that was finished last; None when none has begun."""
    found = {each.onboarding: each for each in projects_of(view, playbook)}
    return None if view.journey is None else found.get(view.journey.onboarding)


def project_words(view: View, playbook: Playbook) -> dict[str, Json]:
    """What a handout says of the onboarding that goes on: what is open and what is blocked; empty when none does."""
    project = project_of(view, playbook)
    if project is None or project.phase == FINISHED:
        return {}
    blocked = (each for each in project.so_far if each.state is TaskState.BLOCKED)
    return {
        "open": [f"{each.label} ({each.owner})" if each.owner else each.label for each in project.open],
        "blocked": [f"{each.label}, after: {', '.join(each.waits_for)}" for each in blocked],
    }


def _project(
    journey: Journey, onboarding: Onboarding, path: Sequence[Phase], view: View, playbook: Playbook
) -> Project:
    phase = onboarding.phases.get(journey.phase)
    return Project(
        onboarding=journey.onboarding,
        phase=journey.phase,
        label=journey.phase if phase is None else phase.label,
        entered_at=journey.entered_at,
        late_at=journey.late_at,
        owner=None if phase is None else led_by(phase.owner, view.facts, playbook),
        deliverable=None if phase is None else phase.deliverable,
        work=_work(path, _own(journey.onboarding, view), playbook),
    )


def _own(onboarding: str, view: View) -> View:
    """What the tasks of one onboarding look at: of the events that are kept for each, only those of its own."""
    steps = view.facts.onboardings[onboarding]
    others = {name: fact for name, fact in view.facts.events.items() if name not in view.vocabulary.steps}
    own = {name: replace(view.facts.events[name], first=at) for name, at in steps.items()}
    return replace(view, facts=replace(view.facts, events={**others, **own}))


def _work(path: Sequence[Phase], view: View, playbook: Playbook) -> tuple[Work, ...]:
    tasks = {task.name: (phase, task) for phase in path for task in phase.tasks}
    done = {name: _done(task, view) for name, (_, task) in tasks.items()}
    return tuple(_standing(phase, task, done, tasks, view.facts, playbook) for phase, task in tasks.values())


def _standing(
    phase: Phase,
    task: Task,
    done: Mapping[str, bool],
    tasks: Mapping[str, tuple[Phase, Task]],
    facts: Facts,
    playbook: Playbook,
) -> Work:
    waits_for = tuple(tasks[need][1].label for need in task.needs if not done.get(need, True))
    state = TaskState.DONE if done[task.name] else TaskState.BLOCKED if waits_for else TaskState.OPEN
    return Work(
        name=task.name,
        label=task.label,
        phase=phase.name,
        state=state,
        owner=led_by(task.owner or phase.owner, facts, playbook),
        deliverable=task.deliverable,
        waits_for=() if state is TaskState.DONE else waits_for,
    )


def _done(task: Task, view: View) -> bool:
    try:
        return verdict(task.done, view) is True
    except UndecidableError:
        return False


def led_by(owner: str | None, facts: Facts, playbook: Playbook) -> str | None:
    """The role that leads a phase or does a task; ``segment`` is the owner of the account's segment."""
    segment = segment_of(facts, playbook) if owner == OF_SEGMENT else None
    return owner if segment is None else segment.owner


def led(work: Escalate, trigger: Trigger, view: View, playbook: Playbook) -> Escalate:
    """The work with whoever leads the phase as its owner, if it asks for that.

    The phase is the one that is entered, else that of the oldest unfinished onboarding; before the first it is the
    first one, and at the end of the last it is the last one.
    """
    if work.owner != OF_PHASE or playbook.onboarding is None:
        return work
    path = path_of(playbook.onboarding, view.facts, playbook)
    now_in = path[0].name if view.journey is None else view.journey.phase
    phase = trigger.phase if isinstance(trigger, PhaseEntered) else now_in
    found = path[-1] if phase == FINISHED else playbook.onboarding.phases[phase]
    return replace(work, owner=led_by(found.owner, view.facts, playbook) or work.owner)
