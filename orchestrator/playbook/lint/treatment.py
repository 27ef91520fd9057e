"""Who is treated how: segments that nobody is in or falls between, and work in the wrong hands.

The rules are ``spec/rules.md`` 1.2: touch models (pillar 3) and "Keep human (7)". Where a playbook has no segments, a
text trait ``touch`` with a closed list stands for them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import Compare, Literal, Node, Term, TermKind, terms
from orchestrator.core.playbook import OF_SEGMENT, Action, Escalate, Play, SendEmail, Severity, TouchModel
from orchestrator.playbook.lint.clauses import Want
from orchestrator.playbook.lint.desk import Desk, asked
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.ladders import answers_to, opening_life
from orchestrator.playbook.lint.moments import Moment
from orchestrator.playbook.lint.timelines import events_of, lived, story
from orchestrator.playbook.loader import Path

_FOLLOWED = 60  # days that a life is followed

DUTIES: Mapping[str, str] = {
    "the kickoff": r"kick.?off",
    "defining success criteria": r"success.criteria",
    "solving complex problems": r"complex.problem",
    "engaging stakeholders": r"stakeholder",
    "deciding custom configuration": r"custom.config",
    "at-risk work": r"at.risk",
    "validating success": r"success.validation",
}  # what stays with humans -> the words by which a play says that it is about it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A kind of account that is treated by a touch model."""

    name: str
    touch: str
    holds: Node  # who belongs to it
    path: Path


def treatment(desk: Desk) -> Iterator[Finding]:
    """The rules on segments, touch models and human duties."""
    yield from _gaps(desk)
    for kind in _kinds(desk):
        yield from _wrong_hands(
            kind, [play for play in desk.playbook.plays.values() if _may_get(kind, play, desk)], desk
        )
    if _all_alike(desk):
        yield desk.finding(
            "one-process", ("segments",), "every segment goes through the same plays, owners and windows"
        )
    yield from _human_duties(desk)
    yield from _risks_without_a_human(desk)


# ----------------------------------------------------------------------------------------------------------- segments


def _gaps(desk: Desk) -> Iterator[Finding]:
    """``segment-gap`` and ``empty-segment``."""
    segmentation = desk.playbook.segmentation
    if segmentation is None:
        return
    rows = segmentation.by.rows
    for number, (fits, name) in enumerate(rows):
        if desk.possible(asked(fits), *_none(rows[:number])).impossible:
            yield desk.finding("empty-segment", ("segments", "table", str(name)), "nobody can ever be in this segment")
    view = desk.example(*_none(rows)) if segmentation.default in {name for _, name in rows} else None
    if view is not None:
        said = ", ".join(f"{name}: {written.value}" for name, written in sorted(view.facts.traits.items()))
        message = (
            f"between the segments is a gap: an account with {said} fits none and falls to `{segmentation.default}`"
        )
        yield desk.finding("segment-gap", ("segments", "default"), message)


def _none(rows: Sequence[tuple[Node, object]]) -> list[Moment]:
    return [asked(fits, Want.FALSE) for fits, _ in rows]


def _kinds(desk: Desk) -> Iterator[_Kind]:
    segmentation = desk.playbook.segmentation
    trait = desk.playbook.vocabulary.traits.get("touch")
    if segmentation is not None:
        for name, segment in segmentation.table.items():
            node = _equal(segmentation.by, name)
            yield _Kind(name=name, touch=segment.touch.value, holds=node, path=("segments", "table", name))
    elif trait is not None:
        for value in trait.values:
            node = _equal(Term(kind=TermKind.TRAIT, name="touch", text="touch"), value)
            yield _Kind(name=value, touch=value, holds=node, path=("vocabulary", "traits", "touch"))


def _equal(node: Node, value: str) -> Compare:
    return Compare(
        operator="==", left=node, right=Literal(value=value, text=repr(value)), text=f"{node.text} == {value!r}"
    )


# -------------------------------------------------------------------------------------------------------------- hands


def _may_get(kind: _Kind, play: Play, desk: Desk) -> bool:
    goal = play.policy.only_while
    also = [] if goal is None else [asked(goal, Want.NOT_FALSE)]
    return not desk.possible(asked(kind.holds), asked(play.when), *also).impossible


def _does(plays: Sequence[Play], action: type[Action]) -> bool:
    return any(isinstance(each, action) for play in plays for each in play.actions)


def _wrong_hands(kind: _Kind, plays: Sequence[Play], desk: Desk) -> Iterator[Finding]:
    """``high-touch-by-machine`` and ``tech-touch-by-humans``."""
    by_human, by_mail = _does(plays, Escalate), _does(plays, SendEmail)
    if kind.touch == TouchModel.HIGH and by_mail and not by_human:
        message = f"`{kind.name}` is high-touch and only gets mail: no play ever calls a human to such an account"
        yield desk.finding("high-touch-by-machine", kind.path, message, _life(kind, desk))
    if kind.touch == TouchModel.TECH and by_human and not by_mail:
        message = f"`{kind.name}` is tech-touch and only gets humans: no play ever writes to such an account"
        yield desk.finding("tech-touch-by-humans", kind.path, message, _life(kind, desk))


def _life(kind: _Kind, desk: Desk) -> tuple[str, ...]:
    views = [view for view in (desk.example(asked(kind.holds)),) if view is not None]
    told = [each for view in views for each in lived(desk.playbook, events_of(view), view.now + _FOLLOWED * DAY)]
    calling = {name for name, play in desk.playbook.plays.items() if _does([play], Escalate)}
    shown = {("event", False), ("sent", False), ("sent", True), ("done", True)}  # of a play that calls a human, or not
    return story([each for each in told if (each.kind, each.about in calling) in shown], desk.playbook.first_day)


def _all_alike(desk: Desk) -> bool:
    """Whether there are segments, and no play, row, owner, window or phase tells one from another."""
    segmentation = desk.playbook.segmentation
    if segmentation is None or len(segmentation.table) == 1:
        return False
    by = {term.name for term in terms(segmentation.by)}
    asks = any(term.kind is TermKind.TRAIT and term.name in by for _, node in desk.conditions() for term in terms(node))
    work = (each for play in desk.playbook.plays.values() for each in play.actions if isinstance(each, Escalate))
    owned = any(each.owner == OF_SEGMENT for each in work)
    scaled = any(segment.windows or segment.phases for segment in segmentation.table.values())
    return not (asks or owned or scaled)


# ------------------------------------------------------------------------------------------------------- human duties


def _human_duties(desk: Desk) -> Iterator[Finding]:
    """``human-duty``: a duty that only plays without a human are about."""
    doing = [play for play in desk.playbook.plays.values() if play.checkpoint is None]
    for duty, words in DUTIES.items():
        about = [play for play in doing if re.search(words, _said_of(play), flags=re.IGNORECASE)]
        if about and not _does(about, Escalate):
            message = f"{duty} stays with a human, and here only a machine does it: add an `escalate`"
            yield desk.finding("human-duty", desk.paths[about[0].name], message)


def _risks_without_a_human(desk: Desk) -> Iterator[Finding]:
    """``human-duty``: a signal that puts an account at risk, or is critical, and is answered by messages alone."""
    for name, signal in desk.playbook.signals.items():
        answers = answers_to(name, desk.playbook)
        grave = "puts an account at risk" if signal.at_risk else "is critical"
        asks = (signal.at_risk or signal.severity is Severity.CRITICAL) and answers and name not in desk.silent
        if not asks or _does(answers, Escalate):
            continue
        message = f"`{name}` {grave}, and no human is called: add a rung with an `escalate`"
        yield desk.finding("human-duty", desk.paths[name], message, opening_life(name, desk))


def _said_of(play: Play) -> str:
    templates = (action.template for action in play.actions if isinstance(action, SendEmail))
    return " ".join((play.name, play.label, *templates))
