"""What our own people say in a scenario: a judgement, a goal, an override of the health, a signal taken on or settled.

Each is an own event, as ``lifecycle account log``, ``acknowledge`` and ``resolve`` say it, under our own source. Beside
them stands what is no event: that an address takes no mail any more, and that somebody has looked at a draft.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from orchestrator.core import health, judgements, signals
from orchestrator.core.events import Json
from orchestrator.core.playbook import Playbook
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path
from orchestrator.testing.shape import EventShape
from orchestrator.usecases.simulate import Barred, Looked, Word

DETAILS: Mapping[str, frozenset[str]] = {
    "event": frozenset({"person", "properties", "times"}),
    "traits": frozenset({"person"}),
    "judgement": frozenset({"by", "evidence", "ticked"}),
    "goal": frozenset({"by", "text", "measure", "target"}),
    "goal_met": frozenset({"by"}),
    "goal_dropped": frozenset({"by"}),
    "override": frozenset({"by", "until", "why"}),
    "acknowledge": frozenset({"by"}),
    "resolve": frozenset({"by"}),
    "unsubscribed": frozenset(),
    "bounced": frozenset(),
    "complained": frozenset(),
    "approve": frozenset({"by"}),
    "discard": frozenset({"by"}),
}  # what an event may be, and the keys that may stand beside it
_TIMED = frozenset({"at", "every", "begins", "ends", "arrives"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A word of our people, as an own event."""

    name: str  # of the own event
    words: Mapping[str, Json]  # its properties
    told: str  # in the timeline


def kind_of(shape: EventShape) -> str | None:
    """Which of ``DETAILS`` an event is; None when it is none of them, or several."""
    said = [kind for kind in DETAILS if kind in shape.model_fields_set and (kind == "override" or getattr(shape, kind))]
    return said[0] if len(said) == 1 else None


def stray(shape: EventShape, kind: str) -> Iterator[tuple[str, str]]:
    """The keys of an event that do not belong to its kind, each with what is wrong about it."""
    for key in sorted(shape.model_fields_set - _TIMED - {kind} - DETAILS[kind]):
        owners = " or ".join(f"`{each}`" for each, details in DETAILS.items() if key in details)
        yield key, f"`{key}` stands beside {owners} only"


def problems(shape: EventShape, kind: str, playbook: Playbook, people: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """What a word of our people speaks of and the playbook does not have: where, below the event, and what."""
    known: dict[str, tuple[str, Iterable[str]]] = {
        "judgement": ("judgement", playbook.judgements),
        "acknowledge": ("signal", playbook.signals),
        "resolve": ("signal", playbook.signals),
        "approve": ("play", playbook.plays),
        "discard": ("play", playbook.plays),
        **dict.fromkeys(_BARRED, ("person", people)),
    }
    if kind in known:
        what, names = known[kind]
        name = str(getattr(shape, kind))
        if name not in names:
            yield (kind,), f"unknown {what} `{name}`{did_you_mean(name, names)}"
    if kind == "goal" and shape.measure is not None:
        figures = playbook.vocabulary.events.union(playbook.vocabulary.measures)
        if shape.measure not in figures:
            yield ("measure",), f"unknown measure or event `{shape.measure}`{did_you_mean(shape.measure, figures)}"
    if kind == "override":
        if playbook.health is None:
            yield (kind,), "this playbook has no `health` section: there is nothing to override"
        if (shape.override is None) is not (shape.until is None):
            yield (kind,), "an override has a score and `until`; `override: null` lifts the one that is in force"


def deed(shape: EventShape, kind: str, until: datetime | None) -> Deed:
    """The own event that a word of our people is; ``until`` is when an override expires."""
    who = shape.by or "somebody"
    name, words, told = _SAID[kind](shape, until)
    return Deed(name=name, words={**words, "by": who}, told=f"{told} by {who}")


def word(shape: EventShape, kind: str, at: datetime, account: str) -> tuple[Word, str] | None:
    """What is said at an instant and is no event, and how it is told; None: it is an event."""
    named = str(getattr(shape, kind))
    if kind in _BARRED:
        return Barred(at=at, person=named, why=_BARRED[kind]), f"{named} {_TOLD[kind]}"
    if kind in {"approve", "discard"}:
        who = shape.by or "somebody"
        looked = Looked(at=at, account=account, play=named, who=who, approved=kind == "approve")
        return looked, f"{named} {'approved' if looked.approved else 'discarded'} by {who}"
    return None


_BARRED: Mapping[str, Literal["bounce", "complaint", "unsubscribed"]] = {
    "unsubscribed": "unsubscribed",
    "bounced": "bounce",
    "complained": "complaint",
}
_TOLD = {
    "unsubscribed": "wants no mail any more",
    "bounced": "cannot be reached any more: the address bounced",
    "complained": "complains about our mail",
}


def _judged(shape: EventShape, _: datetime | None) -> tuple[str, dict[str, Json], str]:
    words: dict[str, Json] = {"judgement": shape.judgement, "ticked": shape.ticked}
    if shape.evidence is not None:
        words["evidence"] = shape.evidence
    return judgements.WORD, words, f"{shape.judgement} {'ticked' if shape.ticked else 'taken back'}"


def _goal_set(shape: EventShape, _: datetime | None) -> tuple[str, dict[str, Json], str]:
    words: dict[str, Json] = {"goal": shape.goal, "text": shape.text or str(shape.goal)}
    if shape.measure is not None:
        words |= {"measure": shape.measure, "target": shape.target or 0}
    return "goal_set", words, f"goal {shape.goal} set"


def _goal_ended(shape: EventShape, _: datetime | None) -> tuple[str, dict[str, Json], str]:
    if shape.goal_met is not None:
        return "goal_met", {"goal": shape.goal_met}, f"goal {shape.goal_met} met"
    return "goal_dropped", {"goal": shape.goal_dropped}, f"goal {shape.goal_dropped} dropped"


def _overridden(shape: EventShape, until: datetime | None) -> tuple[str, dict[str, Json], str]:
    reason: dict[str, Json] = {"reason": shape.why} if shape.why is not None else {}
    if shape.override is None or until is None:
        return health.WORD, {**reason, "score": None}, "override of the health lifted"
    words: dict[str, Json] = {**reason, "score": shape.override, "until": until.isoformat()}
    return health.WORD, words, f"health set to {shape.override:g}"


def _answered(shape: EventShape, _: datetime | None) -> tuple[str, dict[str, Json], str]:
    if shape.acknowledge is not None:
        return signals.ACKNOWLEDGED, {"signal": shape.acknowledge}, f"{shape.acknowledge} acknowledged"
    return signals.RESOLVED, {"signal": shape.resolve}, f"{shape.resolve} resolved"


_SAID: Mapping[str, Callable[[EventShape, datetime | None], tuple[str, dict[str, Json], str]]] = {
    "judgement": _judged,
    "goal": _goal_set,
    "goal_met": _goal_ended,
    "goal_dropped": _goal_ended,
    "override": _overridden,
    "acknowledge": _answered,
    "resolve": _answered,
}
