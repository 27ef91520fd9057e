"""From the text of a playbook to ``core.playbook.Playbook``: parse, check, resolve, compile; all problems together.

What is checked here is what no schema sees: that every name leads somewhere, that conditions are well typed, that
every stage can be reached, that windows open, that a play has one trigger and something to do, and that its times fit
together. Whether a template's variables exist is the messaging floor's check.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path as FilePath

from orchestrator.core import health as core_health
from orchestrator.core.calendars import zone
from orchestrator.core.conditions import ALWAYS, Every, Node, TermKind, Weighted, events_of, terms
from orchestrator.core.playbook import (
    After,
    ChecklistItem,
    Milestone,
    Mode,
    Occurred,
    Play,
    Playbook,
    Silent,
    Stage,
    Target,
    Transition,
    Trigger,
)
from orchestrator.core.signals import WORDS
from orchestrator.playbook import ages as age_words
from orchestrator.playbook import loader, policy
from orchestrator.playbook.actions import ActionCompiler
from orchestrator.playbook.checkpoints import compile_checkpoints
from orchestrator.playbook.conditions import ConditionError, Derived, Kind, Names, compile_condition
from orchestrator.playbook.errors import PlaybookError, did_you_mean
from orchestrator.playbook.health import ABSENT, NOT_YET, HealthCompiler, names_of
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.metrics import MetricCompiler
from orchestrator.playbook.onboarding import OnboardingCompiler, with_steps
from orchestrator.playbook.plays import PlayCompiler
from orchestrator.playbook.schema import Document, MilestoneShape, StageShape, validated
from orchestrator.playbook.segments import SegmentCompiler, derived_names, window_of
from orchestrator.playbook.signals import compile_signals, flag_of
from orchestrator.playbook.source import PlaybookSource, read_source, version_of
from orchestrator.playbook.vocabulary import check_event, check_name, vocabulary_of

CHECKLIST = "checklist"  # in a transition: all items of the stage that it leaves
NO_CHECKLIST = "`checklist` stands in a transition only: it is the checklist of the stage that is left"
ANY = "any"  # in a transition: every stage but the target
_ALWAYS_READ = frozenset({"account_paused", "account_resumed"})


def load(playbook: FilePath | str, templates: Mapping[str, str], *, file: str = "playbook.yaml") -> Playbook:
    """The compiled playbook of a file (a path) or of a text.

    Args:
        playbook: a path, or the YAML text itself.
        templates: path under ``templates/`` -> text.
        file: what errors call the text; a path names itself.

    Raises:
        PlaybookError: with every problem that it has.
    """
    if isinstance(playbook, FilePath):
        return compile_playbook(read_source(playbook, templates))
    return compile_playbook(PlaybookSource(file=file, text=playbook, templates=templates))


def compile_playbook(source: PlaybookSource) -> Playbook:
    """The compiled playbook of a source; its version is the hash of text and templates.

    Raises:
        PlaybookError: with every problem that it has.
    """
    tree = source.tree()
    found = _compiled(tree, source) if not tree.problems or tree.data is not None else None
    if tree.problems or found is None:
        raise PlaybookError(tree.problems)
    return found


def _compiled(tree: Tree, source: PlaybookSource) -> Playbook | None:
    document, broken = validated(tree)
    return None if document is None else _Compiler(document, tree, broken, source).playbook()


class _Compiler:
    """One document on its way to a Playbook; problems are noted in its tree."""

    def __init__(self, document: Document, tree: Tree, broken: frozenset[str], source: PlaybookSource) -> None:
        self.document = document
        self.tree = tree
        self.broken = broken
        self.source = source
        self.vocabulary = vocabulary_of(document, tree, broken)
        self.segments = SegmentCompiler(document=document, tree=tree, vocabulary=self.vocabulary, broken=broken)
        self.segmentation = self.segments.segmentation()
        self.onboarding = OnboardingCompiler(document=document, tree=tree, broken=broken, segments=self.segments)
        self.ages = age_words.ages_of(document, tree)
        given = {**derived_names(self.segmentation), **age_words.derived_names(self.ages)}
        self.derived = {**given, **self.onboarding.derived(), **flag_of(document.signals)}
        self.conditions: list[Node] = []  # every one, for ``reads``
        self.withheld: Mapping[str, str] = NOT_YET

    def playbook(self) -> Playbook:
        document = self.document
        milestones = self.milestones()
        onboarding = self.onboarding.compiled(partial(self.condition, names=self.names(document.milestones)))
        health = self.health()
        vocabulary = with_steps(self.vocabulary, onboarding, document)
        stages = self.stages()
        transitions = self.transitions(stages)
        self.check_stages()
        self.check_settings()
        window = policy.hours_of(document.windows.send, ("windows", "send"), self.tree)
        quiet = policy.quiet_of(document.windows.quiet, ("windows", "quiet"), self.tree)
        policy.check_openings(window, quiet, ("windows", "quiet"), self.tree)
        plays = PlayCompiler(
            tree=self.tree,
            names=self.names(document.milestones),
            condition=self.condition,
            actions=ActionCompiler(
                tree=self.tree,
                templates=self.source.templates,
                segments=self.segments,
                onboarding=self.onboarding,
                traits=self.vocabulary.traits,
                broken=self.broken,
            ),
            horizon=document.horizon,
            first_day=document.first_day,
            window=window,
            quiet=quiet,
            onboarding=self.onboarding,
            segments=self.segments,
            timed=frozenset(name for name, milestone in milestones.items() if milestone.timed),
            exits=frozenset(name for name, stage in document.stages.table.items() if stage.exit),
        )
        compiled = {
            **compile_signals(document.signals, plays, taken=document.plays),
            **compile_checkpoints(document.checkpoints, plays, taken=document.plays),
            **{name: plays.play(name, shape) for name, shape in document.plays.items()},
        }
        if not compiled and not self.broken:
            self.tree.refuse(("plays",), "a playbook needs a play")
        return Playbook(
            name=document.playbook,
            version=version_of(self.source),
            vocabulary=vocabulary,
            anchor=document.anchor,
            first_stage=document.stages.first,
            stages=stages,
            transitions=transitions,
            milestones=milestones,
            plays=compiled,
            caps=policy.caps_of(document.caps, ("caps",), self.tree),
            window=window,
            working=policy.working_hours(document, self.tree),
            timezone=document.timezone,
            mode=Mode(document.mode),
            checklist=tuple(document.setup),
            horizon=document.horizon,
            in_app_from=document.in_app_from,
            reads=self.reads(compiled.values(), milestones.values()) | vocabulary.steps,
            segmentation=self.segmentation,
            onboarding=onboarding,
            core_feature=(document.core_feature.label, document.core_feature.path)
            if document.core_feature
            else ("", ""),
            copy=dict(document.blocks),
            first_day=document.first_day,
            ages=self.ages,
            draft=policy.draft_of(
                document.draft, ("draft",), lambda text, at: self.condition(text, at, self.names(document.milestones))
            ),
            account_caps=policy.account_caps_of(document, self.tree),
            gaps=policy.gaps_of(document, self.tree),
            holdout=policy.holdout_of(document),
            quiet=quiet,
            holidays=policy.holidays_of(document, self.tree),
            judgements=dict(document.judgements),
            metrics=MetricCompiler(tree=self.tree, names=plays.names).compiled(document.metrics, compiled),
            health=health,
            sampled=self.reads_samples(),
        )

    # -- conditions --------------------------------------------------------------------------------------------------

    def names(self, milestones: Iterable[str]) -> Names:
        known = frozenset(milestones)
        return Names(
            vocabulary=self.vocabulary,
            stages=tuple(self.document.stages.table),
            milestones=known,
            derived=self.derived,
            elsewhere={
                CHECKLIST: NO_CHECKLIST,
                **self.withheld,
            },
            later=frozenset(self.document.milestones) - known,
            broken=self.broken,
            judgements=frozenset(self.document.judgements),
            signals=frozenset(self.document.signals),
        )

    def condition(
        self, text: str, path: Path, names: Names, compiled: Callable[[str, Names], Node] = compile_condition
    ) -> Node:
        """The compiled condition (or number) at a path; one that is wrong is noted and stands as always."""
        try:
            found = compiled(text, names)
        except ConditionError as error:
            for fault in error.faults:
                self.tree.refuse(path, fault.message, fault.offset)
            return ALWAYS
        self.conditions.append(found)
        return found

    def milestones(self) -> dict[str, Milestone]:
        compiled: dict[str, Milestone] = {}
        for name, shape in self.document.milestones.items():
            when = self.condition(shape.when, ("milestones", name, "when"), self.names(compiled))
            label = shape.label or name.replace("_", " ")
            targets = self.targets(name, shape)
            compiled[name] = Milestone(name=name, when=when, label=label, target=shape.target, targets=targets)
        return compiled

    def targets(self, milestone: str, shape: MilestoneShape) -> tuple[Target, ...]:
        others = self.document.milestones.keys() - {milestone}
        known = {*self.vocabulary.events, *others, *self.broken}
        for number, target in enumerate(shape.targets):
            if target.since not in known:
                told = f"`{target.since}` is no event and no other milestone{did_you_mean(target.since, known)}"
                self.tree.refuse(("milestones", milestone, "targets", number, "since"), told)
        return tuple(Target(within=target.within, since=target.since) for target in shape.targets)

    def health(self) -> Weighted | None:
        """What health is made of; from here on conditions may speak of it."""
        if self.document.health is None:
            self.withheld = ABSENT
            return None
        compiler = HealthCompiler(tree=self.tree, names=self.names(self.document.milestones), condition=self.condition)
        found = compiler.weighted(self.document.health)
        self.derived, self.withheld = {**self.derived, **names_of(found)}, {}
        return found

    def reads_samples(self) -> bool:
        """Whether any rule looks at the weekly samples of health."""
        return any(term.kind is TermKind.HEALTH_FALLING for node in self.conditions for term in terms(node))

    def reads(self, plays: Iterable[Play], milestones: Iterable[Milestone]) -> frozenset[str]:
        """The events that any rule looks at."""
        triggers = {name for play in plays for name in heard(play.trigger)}
        clocks = {target.since for milestone in milestones for target in milestone.targets}
        looked_at = {name for node in self.conditions for name in events_of(node, self.vocabulary)}
        said = {*(WORDS if self.document.signals else ()), *({core_health.WORD} if self.document.health else ())}
        return frozenset({self.document.anchor, *triggers, *clocks, *looked_at, *said}) | _ALWAYS_READ

    # -- stages ------------------------------------------------------------------------------------------------------

    def stages(self) -> dict[str, Stage]:
        compiled = {}
        for name, shape in self.document.stages.table.items():
            path: Path = ("stages", "table", name)
            window = None if shape.window is None else window_of(shape.window, (*path, "window"), self.tree)
            compiled[name] = Stage(
                name=name,
                goal=shape.goal,
                window=window,
                target=shape.target,
                checklist=self.checklist(shape, (*path, "checklist")),
                exit=shape.exit,
            )
        return compiled

    def checklist(self, shape: StageShape, path: Path) -> tuple[ChecklistItem, ...]:
        names = self.names(self.document.milestones)
        return tuple(
            ChecklistItem(label=item.label, when=self.condition(item.when, (*path, number, "when"), names))
            for number, item in enumerate(shape.checklist)
        )

    def leaving(self, source: str, stages: Mapping[str, Stage]) -> Names:
        """What a transition may speak of: also of the checklist of the stage that it leaves."""
        names = self.names(self.document.milestones)
        if source == ANY:
            return replace(
                names,
                elsewhere={**names.elsewhere, CHECKLIST: f"`checklist` is that of one stage, `{ANY}` is all of them"},
            )
        if source not in stages:
            return replace(names, broken=names.broken | {CHECKLIST})  # that there is no such stage is said already
        items = tuple(item.when for item in stages[source].checklist)
        if not items:
            return replace(names, elsewhere={**names.elsewhere, CHECKLIST: f"the stage `{source}` has no checklist"})
        node = Every(operands=items, text=CHECKLIST)
        return replace(names, derived={**names.derived, CHECKLIST: Derived(node=node, kind=Kind.BOOL)})

    def transitions(self, stages: Mapping[str, Stage]) -> tuple[Transition, ...]:
        rows = []
        for number, shape in enumerate(self.document.stages.transitions):
            path: Path = ("stages", "transitions", number)
            if shape.source != ANY:
                self.check_stage(shape.source, (*path, "from"))
            self.check_stage(shape.target, (*path, "to"))
            if shape.source == shape.target:
                self.tree.refuse(
                    (*path, "to"), f"a transition leads to another stage, not from `{shape.source}` to itself"
                )
            when = self.condition(shape.when, (*path, "when"), self.leaving(shape.source, stages))
            source = None if shape.source == ANY else shape.source
            rows.append(Transition(source=source, target=shape.target, when=when, path=loader.shown(path)))
        return tuple(rows)

    def check_stage(self, name: str, path: Path) -> None:
        known = self.document.stages.table
        if name not in known and name not in self.broken:
            self.tree.refuse(path, f"unknown stage `{name}`{did_you_mean(name, known)}")

    def check_stages(self) -> None:
        stages = self.document.stages
        self.check_stage(stages.first, ("stages", "first"))
        for name in stages.table:
            path = ("stages", "table", name)
            check_name(name, path, self.tree)
            if name == ANY:
                self.tree.refuse(path, f"`{ANY}` stands for every stage and cannot be the name of one", key=True)
        if stages.first not in stages.table or self.broken:
            return  # then what is reachable says nothing
        for name in stages.table:
            if name not in self.reachable():
                self.tree.refuse(("stages", "table", name), f"no transition leads to the stage `{name}`", key=True)

    def reachable(self) -> set[str]:
        stages = self.document.stages
        found, newest = {stages.first}, {stages.first}
        while newest:
            newest = {row.target for row in stages.transitions if row.source == ANY or row.source in newest} - found
            found |= newest
        return found

    # -- settings ----------------------------------------------------------------------------------------------------

    def check_settings(self) -> None:
        document, tree = self.document, self.tree
        check_event(document.anchor, ("anchor",), tree, {*document.vocabulary.events, *self.broken})
        if zone(document.timezone) is None:
            tree.refuse(("timezone",), f"unknown time zone `{document.timezone}`: use a name such as Europe/Berlin")
        if document.horizon <= timedelta(0):
            tree.refuse(("horizon",), "the horizon must be longer than nothing")
        start = document.in_app_from
        if start is not None and start not in {*document.milestones, *self.broken}:
            tree.refuse(("in_app_from",), f"unknown milestone `{start}`{did_you_mean(start, document.milestones)}")
        for number, name in enumerate(document.setup):
            if name not in document.milestones and name not in self.broken:
                tree.refuse(("setup", number), f"unknown milestone `{name}`{did_you_mean(name, document.milestones)}")
            elif name in document.setup[:number]:
                tree.refuse(("setup", number), f"`{name}` is in the list already")


def heard(trigger: Trigger) -> Iterator[str]:
    """The events that a trigger waits for."""
    match trigger:
        case After() | Silent():
            yield trigger.since
        case Occurred():
            yield trigger.event
        case _:
            return
