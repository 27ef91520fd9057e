"""Plays: trigger, condition, actions and policy of each, resolved against the names of the playbook."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from orchestrator.core.calendars import Hours
from orchestrator.core.conditions import ALWAYS, Node
from orchestrator.core.facts import TraitType
from orchestrator.core.playbook import (
    After,
    Again,
    Before,
    Cadence,
    Closed,
    Entered,
    EveryWeek,
    Holds,
    Mode,
    Occurred,
    OnDay,
    OnDays,
    OnUnknown,
    Opened,
    Overdue,
    PhaseEntered,
    Play,
    Policy,
    Quiet,
    Reached,
    Silent,
    Stalled,
    Trigger,
)
from orchestrator.playbook import policy as policies
from orchestrator.playbook import spans
from orchestrator.playbook.actions import ActionCompiler, mails
from orchestrator.playbook.conditions import Names
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.onboarding import OnboardingCompiler
from orchestrator.playbook.schema import PlayShape
from orchestrator.playbook.segments import SegmentCompiler
from orchestrator.playbook.vocabulary import check_event, check_name

TRIGGERS = (
    "day",
    "before",
    "after",
    "silent",
    "on",
    "overdue",
    "reached",
    "entered",
    "stalled",
    "phase",
    "every",
    "holds",
    "opened",
    "closed",
)
_ONCE = OnDay | After | Overdue | Reached  # the triggers that come due once an account
DEFAULT_DEFER = timedelta(days=2)  # never longer than the play's valid_for

_KINDS: dict[str | int, str] = {
    "signals": "signal",
    "checkpoints": "checkpoint",
}  # section -> what stands in it; else plays
_NOTHING = OnDay(day=0)  # stands in where the trigger is wrong; what holds it is never used


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayCompiler:
    """What every play is compiled with."""

    tree: Tree  # takes the problems
    names: Names  # what a condition, a trigger and ``stages`` may speak of
    condition: Callable[[str, Path, Names], Node]  # compiles one, or notes what is wrong with it
    actions: ActionCompiler
    horizon: timedelta
    first_day: int  # what the playbook calls the anchor's own day
    window: Hours
    quiet: Quiet | None
    onboarding: OnboardingCompiler  # knows the phases
    segments: SegmentCompiler  # knows how long a stage takes
    exits: frozenset[str]  # stages of accounts that have left
    timed: frozenset[str] = frozenset()  # the milestones that have a target

    def play(self, name: str, shape: PlayShape) -> Play:
        """One compiled play; what is wrong with it is noted in the tree."""
        path: Path = ("plays", name)
        check_name(name, path, self.tree)
        return self.acting(name, shape, path, self.trigger(shape, path))

    def acting(self, name: str, shape: PlayShape, path: Path, trigger: Trigger) -> Play:
        """A play that stands at a path, with its actions."""
        actions = self.actions.actions(shape, path)
        return replace(self.bare(name, shape, path, trigger), actions=actions)

    def bare(self, name: str, shape: PlayShape, path: Path, trigger: Trigger) -> Play:
        """Condition and policy of what stands at a path, without an action."""
        policy = self._policy(shape, path)
        self._check_times(shape, policy, path)
        if policy.again is not None and isinstance(trigger, _ONCE) and trigger is not _NOTHING:
            told = "this comes due only once: `again` is for what comes due more often"
            self.tree.refuse((*path, "again"), told, key=True)
        return Play(
            name=name,
            label=shape.label or name.replace("_", " "),
            trigger=trigger,
            when=ALWAYS if shape.when is None else self.condition(shape.when, (*path, "when"), self.names),
            policy=policy,
            stages=self._stages(shape, path),
            audience=self.actions.audience(shape, path),
            prefer=self.actions.prefer(shape, path),
            unreachable=self.actions.unreachable(shape, path),
        )

    # -- trigger -----------------------------------------------------------------------------------------------------

    def trigger(self, shape: PlayShape, path: Path) -> Trigger:
        """The one trigger of what stands at a path."""
        if shape.span is not None and shape.holds is None:
            self.tree.refuse((*path, "for"), "`for` says how long a condition must hold: it stands beside `holds`")
        said = [name for name in TRIGGERS if getattr(shape, name) is not None]
        if len(said) != 1:
            kind = _KINDS.get(path[0], "play")
            told = f"this has {' and '.join(said)}" if said else "this has none"
            self.tree.refuse(path, f"a {kind} needs one trigger of {', '.join(TRIGGERS)}; {told}", key=True)
            return _NOTHING
        try:
            return self._said_trigger(shape, (*path, said[0]))
        except ValueError as error:
            self.tree.refuse((*path, said[0]), str(error))
            return _NOTHING

    def _said_trigger(self, shape: PlayShape, path: Path) -> Trigger:
        match shape:
            case PlayShape(day=int() as day):
                return OnDay(day=self._from_anchor(day))
            case PlayShape(day=tuple() as days):
                return OnDays(days=tuple(map(self._from_anchor, days)))
            case PlayShape(before=str() as text):
                return self._before(text, path)
            case PlayShape(after=str() as text):
                since = self._since(text, path)
                return After(delay=since.span.length, since=since.event, business=since.span.business)
            case PlayShape(silent=str() as text):
                since = self._since(text, path)
                if not since.span.length:
                    self.tree.refuse(path, "a silence must be longer than nothing")
                return Silent(period=since.span.length, since=since.event, business=since.span.business)
            case PlayShape(on=str() as event):
                self._check_event(event, path)
                return Occurred(event=event)
            case PlayShape(overdue=str() as milestone):
                return self._overdue(milestone, path)
            case PlayShape(reached=str() as milestone):
                self.check_known("milestone", milestone, path, self.names.milestones)
                return Reached(milestone=milestone)
            case PlayShape(entered=str() as stage):
                self.check_known("stage", stage, path, self.names.stages)
                return Entered(stage=stage)
            case PlayShape(phase=str() as phase):
                self.onboarding.check_phase(phase, path)
                return PhaseEntered(phase=phase)
            case PlayShape(stalled=str() as stage):
                self.check_known("stage", stage, path, self.names.stages)
                self.segments.check_end(stage, path)
                return Stalled(stage=stage)
            case PlayShape(holds=str() as text):
                return Holds(condition=self.condition(text, path, self.names), span=shape.span or timedelta(0))
            case PlayShape(opened=str() as signal):
                self.check_known("signal", signal, path, self.names.signals)
                return Opened(signal=signal)
            case PlayShape(closed=str() as signal):
                self.check_known("signal", signal, path, self.names.signals)
                return Closed(signal=signal)
            case _:
                return self._counted(spans.cadence(shape.every or ""))

    def _from_anchor(self, day: int) -> int:
        """A day as the playbook counts it, in days after the anchor's."""
        if day < self.first_day:
            raise ValueError(f"the first day is day {self.first_day}, as `first_day` says, got {day}")
        return day - self.first_day

    def _counted(self, found: Cadence | EveryWeek) -> Cadence | EveryWeek:
        return found if found.until_day is None else replace(found, until_day=self._from_anchor(found.until_day))

    def _before(self, text: str, path: Path) -> Before:
        found, traits = spans.until(text), self.names.vocabulary.traits
        rule = traits.get(found.trait)
        dates = [name for name, each in traits.items() if each.type is TraitType.INSTANT]
        if rule is None and found.trait not in self.names.broken:
            self.tree.refuse(path, f"unknown trait `{found.trait}`{did_you_mean(found.trait, dates)}", found.offset)
        elif rule is not None and rule.type is not TraitType.INSTANT:
            told = f"`{found.trait}` is a {rule.type.value} trait; `before` counts back from an instant"
            self.tree.refuse(path, f"{told}: {', '.join(dates)}", found.offset)
        return Before(lead=found.lead, until=found.trait)

    def _overdue(self, milestone: str, path: Path) -> Overdue:
        self.check_known("milestone", milestone, path, self.names.milestones)
        if milestone in self.names.milestones and milestone not in self.timed:
            self.tree.refuse(path, f"the milestone `{milestone}` has no `target` that could pass")
        return Overdue(milestone=milestone)

    def _since(self, text: str, path: Path) -> spans.Since:
        found = spans.since(text)
        self._check_event(found.event, path, found.offset)
        return found

    def _check_event(self, event: str, path: Path, offset: int | None = None) -> None:
        check_event(event, path, self.tree, {*self.names.vocabulary.events, *self.names.broken}, offset)

    def check_known(self, kind: str, name: str, path: Path, known: Iterable[str]) -> None:
        """Refuse a name that leads nowhere."""
        if name not in known and name not in self.names.broken:
            self.tree.refuse(path, f"unknown {kind} `{name}`{did_you_mean(name, known)}")

    # -- stages ------------------------------------------------------------------------------------------------------

    def _stages(self, shape: PlayShape, path: Path) -> frozenset[str]:
        for number, stage in enumerate(shape.stages):
            self.check_known("stage", stage, (*path, "stages", number), self.names.stages)
        return frozenset(shape.stages)

    # -- policy ------------------------------------------------------------------------------------------------------

    def _policy(self, shape: PlayShape, path: Path) -> Policy:
        goal = shape.only_while
        return Policy(
            at=shape.at,
            valid_for=shape.valid_for,
            max_defer=min(DEFAULT_DEFER, shape.valid_for) if shape.max_defer is None else shape.max_defer,
            priority=shape.priority,
            only_while=None if goal is None else self.condition(goal, (*path, "only_while"), self.names),
            exempt=shape.transactional,
            on_unknown=OnUnknown(shape.on_unknown),
            mode=None if shape.mode is None else Mode(shape.mode),
            window=self._window(shape, path),
            draft=policies.draft_of(
                shape.draft, (*path, "draft"), lambda text, at: self.condition(text, at, self.names)
            ),
            again=self._again(shape, path),
        )

    def _again(self, shape: PlayShape, path: Path) -> Again | None:
        if shape.again is None:
            return None
        try:
            return spans.again(shape.again)
        except ValueError as error:
            self.tree.refuse((*path, "again"), str(error))
            return None

    def _window(self, shape: PlayShape, path: Path) -> Hours | None:
        if shape.window is None:
            return None
        own = policies.own_window(shape.window, self.window, (*path, "window"), self.tree)
        policies.check_openings(own, self.quiet, (*path, "window"), self.tree)
        return own

    def _check_times(self, shape: PlayShape, policy: Policy, path: Path) -> None:
        if not policy.valid_for:
            self.tree.refuse((*path, "valid_for"), "`valid_for` must be longer than nothing")
        if policy.valid_for < policy.max_defer:
            self.tree.refuse((*path, "max_defer"), "`max_defer` may not be longer than `valid_for`: it would be stale")
        if policy.valid_for > self.horizon:
            self.tree.refuse((*path, "valid_for"), "`valid_for` may not be longer than the playbook's `horizon`")
        if policy.at is None or not mails(shape) or policy.exempt:
            return
        hindrance = policies.hindrance_at(policy.at, policy.window or self.window, self.quiet)
        if hindrance is not None:
            self.tree.refuse((*path, "at"), f"{policy.at:%H:%M} lies {hindrance}")
