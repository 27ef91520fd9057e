"""The ten anti-patterns of an onboarding (``spec/rules.md`` 1.3), asked of a playbook whose onboarding has phases.

Some are rules elsewhere: "ignoring early warnings" is ``unheard-signal``, "same process for all" is ``one-process``.
What a playbook is about is told by its words: names, labels and templates of plays, phases and milestones.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from orchestrator.core.audience import ANYONE
from orchestrator.core.conditions import FINISHED, TermKind, terms
from orchestrator.core.playbook import (
    After,
    AskSurvey,
    Before,
    Cadence,
    Entered,
    Escalate,
    Letter,
    Occurred,
    Opened,
    PhaseEntered,
    Play,
    SendEmail,
    Silent,
    Trigger,
)
from orchestrator.playbook.lint.desk import Desk
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.loader import Path

ANTI_PATTERNS: Mapping[str, str] = {
    "skipping kickoff alignment": "no-kickoff",
    "feature training without outcomes": "training-alone",
    "no documented success criteria": "no-criteria",
    "single-threaded relationships": "one-contact",
    "rigid timelines": "rigid-timeline",
    "disappearing after go-live": "gone-after-go-live",
    "ignoring early warnings": "unheard-signal",
    "same process for all": "one-process",
    "delayed value demonstration": "no-value-date",
    "no post-onboarding handoff": "no-handoff",
}  # as the source names it -> the rule that finds it

_KICKOFF = r"kick.?off"
_TRAINING = r"train|workshop|academy"
_CRITERIA = r"success.criteria|criteria.met|success.validation|success.plan"
_GO_LIVE = r"go.?live|went.?live|launch|roll.?out"
_HANDOFF = r"hand.?off|hand.?over|transition"
_GOALS = frozenset({TermKind.GOALS_SET, TermKind.GOALS_MET, TermKind.GOALS_OPEN})
_ONBOARDING: Path = ("onboarding", "phases")


def anti_patterns(desk: Desk) -> Iterator[Finding]:
    """What an onboarding leaves out; nothing where a playbook describes none."""
    if desk.playbook.onboarding is not None:
        for rule, (left_out, message) in _RULES.items():
            if left_out(desk):
                yield desk.finding(rule, _ONBOARDING, message)


def _says(words: str, desk: Desk) -> bool:
    return re.search(words, " ".join(_words(desk)), flags=re.IGNORECASE) is not None


def _words(desk: Desk) -> Iterator[str]:
    """The words by which a playbook says what it is about."""
    yield from _words_of_phases(desk)
    for play in desk.playbook.plays.values():
        yield from (play.name, play.label, *(_template(each) for each in play.actions))
    for name, milestone in desk.playbook.milestones.items():
        yield from (name, milestone.label)
    yield from desk.playbook.judgements


def _template(action: object) -> str:
    return action.template if isinstance(action, SendEmail | AskSurvey | Escalate) else ""


def _words_of_phases(desk: Desk) -> Iterator[str]:
    onboarding = desk.playbook.onboarding
    for phase in onboarding.phases.values() if onboarding is not None else ():
        yield from (phase.name, phase.label, phase.deliverable or "", phase.until.text)


def _counts_people(desk: Desk) -> bool:
    return any(measure.distinct and measure.property is None for measure in desk.playbook.vocabulary.measures.values())


# ----------------------------------------------------------------------------------------------------- what is left out


def _no_kickoff(desk: Desk) -> bool:
    return not _says(_KICKOFF, desk)


def _no_criteria(desk: Desk) -> bool:
    return not (_says(_CRITERIA, desk) or _asks_for(_GOALS, desk))


def _training_alone(desk: Desk) -> bool:
    said = (f"{name} {each.label} {each.when.text}" for name, each in desk.playbook.milestones.items())
    outcome = any(re.search(_TRAINING, words, flags=re.IGNORECASE) is None for words in said)
    return _says(_TRAINING, desk) and not (outcome or _asks_for(_GOALS, desk))


def _one_contact(desk: Desk) -> bool:
    written = (play for play in desk.playbook.plays.values() if any(isinstance(each, Letter) for each in play.actions))
    groups = {group for play in written for group in play.audience.groups}
    return groups == {ANYONE} and not _counts_people(desk)


def _rigid_timeline(desk: Desk) -> bool:
    onboarding, segmentation = desk.playbook.onboarding, desk.playbook.segmentation
    timed = onboarding is not None and any(phase.within is not None for phase in onboarding.phases.values())
    scaled = segmentation is not None and any(each.phases is not None for each in segmentation.table.values())
    return timed and not (scaled or _asks_for({TermKind.PHASE_LATE}, desk))


def _gone_after_go_live(desk: Desk) -> bool:
    return _says(_GO_LIVE, desk) and not any(_comes_later(play, desk) for play in desk.playbook.plays.values())


def _comes_later(play: Play, desk: Desk) -> bool:
    """Whether a play reaches out, by what starts it, after the onboarding or from its go-live on."""
    match play.trigger:
        case Opened(signal=name):
            return _acts(play) and _starts_later(desk.playbook.plays[name].trigger, desk)
        case _:
            return _acts(play) and _starts_later(play.trigger, desk)


def _starts_later(trigger: Trigger, desk: Desk) -> bool:
    match trigger:
        case Before():
            return True
        case Cadence(until_day=until):
            return until is None
        case Entered(stage=stage):
            return stage != desk.playbook.first_stage
        case PhaseEntered(phase=phase):
            return phase == FINISHED
        case After(since=event) | Silent(since=event) | Occurred(event=event):
            return re.search(_GO_LIVE, event.replace("_", " "), flags=re.IGNORECASE) is not None
        case _:
            return False


def _no_value_date(desk: Desk) -> bool:
    return not any(milestone.timed for milestone in desk.playbook.milestones.values())


def _no_handoff(desk: Desk) -> bool:
    return not _says(_HANDOFF, desk)


def _asks_for(kinds: Collection[TermKind], desk: Desk) -> bool:
    return any(term.kind in kinds for _, node in desk.conditions() for term in terms(node))


def _acts(play: Play) -> bool:
    return any(isinstance(each, SendEmail | AskSurvey | Escalate) for each in play.actions)


_RULES: Mapping[str, tuple[Callable[[Desk], bool], str]] = {
    "no-kickoff": (_no_kickoff, "the onboarding has no kickoff: nobody agrees with the customer on what it is for"),
    "no-criteria": (_no_criteria, "nothing asks for success criteria or goals: nobody can say later whether it worked"),
    "training-alone": (_training_alone, "people are trained, and nothing asks what came of it: add a milestone of use"),
    "one-contact": (_one_contact, "everything goes to one person, and nothing counts how many there are"),
    "rigid-timeline": (_rigid_timeline, "phases last the same for all, and nobody is called when one is late"),
    "gone-after-go-live": (_gone_after_go_live, "nothing reaches out after the go-live: the customer is left alone"),
    "no-value-date": (_no_value_date, "no milestone has a target: nobody notices that the first value comes late"),
    "no-handoff": (_no_handoff, "nothing hands the customer over when the onboarding is finished"),
}  # rule -> whether it is left out, and what to say of it
