"""Signals: each becomes a play whose effect is to be open, and each rung of its ladder a play that its opening starts.

So a ladder needs no rule of its own. A rung comes due when the signal has been open for its ``after``, stands only
while the signal is open, and with ``unless: acknowledged`` is left out once a human has taken the signal on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrator.core.conditions import ALWAYS, Either, Every, Negation, Node, Term, TermKind
from orchestrator.core.playbook import Holds, Opened, Play, Severity, Signal
from orchestrator.playbook import spans
from orchestrator.playbook.conditions import AT_RISK, Derived, Kind
from orchestrator.playbook.loader import Path
from orchestrator.playbook.plays import TRIGGERS, PlayCompiler
from orchestrator.playbook.schema import PlayShape, RungShape, SignalShape
from orchestrator.playbook.vocabulary import check_name

VALID_FOR = timedelta(days=14)  # a risk is looked at again before it opens: it does not go stale as fast as a mail

_OF_ALL = frozenset({"label", "when", "valid_for", "priority", "stages"})
_OF_SIGNALS = frozenset({*TRIGGERS, *_OF_ALL, "span"})  # keys of a play that a signal may have
_NO_RUNG = frozenset({*TRIGGERS, "span"}) - {"after"}  # keys of a play that a rung may not have


def compile_signals(shapes: Mapping[str, SignalShape], plays: PlayCompiler, *, taken: Iterable[str]) -> dict[str, Play]:
    """The plays that a playbook's signals and their ladders are; what is wrong with them is noted in the tree.

    ``taken`` are the names of the playbook's other plays.
    """
    compiled: dict[str, Play] = {}
    for name, shape in shapes.items():
        signal = _signal(name, shape, shapes, plays)
        for path, play in ((("signals", name), signal), *_ladder(signal, shape, plays)):
            if play.name in compiled or play.name in taken:
                plays.tree.refuse(path, f"`{play.name}` is a play already: a name is one thing only", key=True)
            compiled[play.name] = play
    return {**compiled, **_roots_first(shapes, compiled)}


def _roots_first(shapes: Mapping[str, SignalShape], compiled: Mapping[str, Play]) -> dict[str, Play]:
    """The signals, each root before what it absorbs should both come due at one instant, whatever they say."""
    found: dict[str, Play] = {}
    for name in sorted(shapes, key=lambda each: len(_below(each, shapes))):
        policy = compiled[name].policy
        first = min((found[each].policy.priority - 1 for each in shapes[name].absorbs if each in found), default=1000)
        found[name] = replace(compiled[name], policy=replace(policy, priority=min(policy.priority, first)))
    return found


def flag_of(shapes: Mapping[str, SignalShape]) -> dict[str, Derived]:
    """The name ``at_risk`` of a section: is any signal open that bears the flag; no name where none does."""
    return risk_of(name for name, shape in shapes.items() if shape.flag is not None)


def risk_of(signals: Iterable[str]) -> dict[str, Derived]:
    """The name ``at_risk`` over the signals that bear the flag; no name where there are none."""
    flagged = tuple(Term(kind=TermKind.SIGNAL, name=name, text=name) for name in signals)
    return {AT_RISK: Derived(node=Either(operands=flagged, text=AT_RISK), kind=Kind.BOOL)} if flagged else {}


# -- the signal itself -------------------------------------------------------------------------------------------------


def _signal(name: str, shape: SignalShape, shapes: Mapping[str, SignalShape], plays: PlayCompiler) -> Play:
    path: Path = ("signals", name)
    _refuse_keys(shape, set(PlayShape.model_fields) - _OF_SIGNALS, path, plays, _DOES_NOTHING)
    _check_symptoms(name, shapes, plays)
    filled = _filled(shape, valid_for=min(VALID_FOR, plays.horizon))
    trigger = plays.trigger(shape, path)
    bare = plays.bare(name, filled, path, trigger)
    held = trigger.condition if isinstance(trigger, Holds) else None
    stays = held if shape.stays is None else plays.condition(shape.stays, (*path, "while"), plays.names)
    what = Signal(
        severity=Severity(shape.severity),
        category=shape.category,
        intervention=shape.intervention or "",
        absorbs=frozenset(shape.absorbs),
        cooldown=shape.cooldown,
        at_risk=shape.flag is not None,
    )
    return replace(bare, policy=replace(bare.policy, only_while=stays), signal=what)


_DOES_NOTHING = "a signal has no `{key}`: what is done about it stands on its `ladder`, what keeps it open in `while`"
_CLIMBS_BY_TIME = "a rung has no `{key}`: it comes due when its signal has been open for its `after`"


def _refuse_keys(shape: PlayShape, keys: Iterable[str], path: Path, plays: PlayCompiler, message: str) -> None:
    for name in sorted(shape.model_fields_set.intersection(keys)):
        key = PlayShape.model_fields[name].alias or name
        plays.tree.refuse((*path, key), message.format(key=key), key=True)


def _filled(shape: PlayShape, **defaults: Any) -> PlayShape:  # noqa: ANN401 -- fields of PlayShape
    """The shape with these where it says nothing itself."""
    return shape.model_copy(update={key: to for key, to in defaults.items() if key not in shape.model_fields_set})


def _check_symptoms(name: str, shapes: Mapping[str, SignalShape], plays: PlayCompiler) -> None:
    for number, symptom in enumerate(shapes[name].absorbs):
        path: Path = ("signals", name, "absorbs", number)
        plays.check_known("signal", symptom, path, shapes)
        if symptom == name:
            plays.tree.refuse(path, f"`{name}` cannot absorb itself")
        elif name in _below(symptom, shapes):
            plays.tree.refuse(path, f"`{name}` and `{symptom}` absorb each other: only one of them can be the root")


def _below(name: str, shapes: Mapping[str, SignalShape]) -> set[str]:
    """A signal, its symptoms, and theirs."""
    found, newest = {name}, {name}
    while newest:
        newest = {each for one in newest if one in shapes for each in shapes[one].absorbs} - found
        found |= newest
    return found


# -- its ladder ------------------------------------------------------------------------------------------------------


def _ladder(signal: Play, shape: SignalShape, plays: PlayCompiler) -> Iterator[tuple[Path, Play]]:
    for number, rung in enumerate(shape.ladder):
        path: Path = ("signals", signal.name, "ladder", number)
        if rung.name is not None:
            check_name(rung.name, (*path, "name"), plays.tree)
        yield path, _rung(rung.name or f"{signal.name}_{number + 1}", rung, signal, path, plays)


def _rung(name: str, shape: RungShape, signal: Play, path: Path, plays: PlayCompiler) -> Play:
    _refuse_keys(shape, _NO_RUNG, path, plays, _CLIMBS_BY_TIME)
    policy = signal.policy
    filled = _filled(shape, label=signal.label, valid_for=policy.valid_for, priority=policy.priority)
    play = plays.acting(name, _with_severity(filled, signal), path, _trigger(shape, signal.name, path, plays))
    is_open = Term(kind=TermKind.SIGNAL, name=signal.name, text=signal.name)
    when = play.when if shape.unless is None else _both(_not_acknowledged(signal.name), play.when)
    own = play.policy.only_while
    stays = replace(play.policy, only_while=is_open if own is None else _both(is_open, own))
    return replace(play, when=when, policy=stays, stages=play.stages or _exits(signal, plays))


def _with_severity(shape: PlayShape, signal: Play) -> PlayShape:
    """What a rung's escalation does not say of severity and category is the signal's."""
    work, what = shape.escalate, signal.signal
    if work is None or what is None:
        return shape
    said = {"severity": work.severity or what.severity.value, "category": work.category or what.category}
    return shape.model_copy(update={"escalate": work.model_copy(update=said)})


def _trigger(shape: RungShape, signal: str, path: Path, plays: PlayCompiler) -> Opened:
    if shape.after is None:
        return Opened(signal=signal)
    try:
        found = spans.working_span(shape.after)
    except ValueError as error:
        plays.tree.refuse((*path, "after"), str(error))
        return Opened(signal=signal)
    return Opened(signal=signal, delay=found.length, business=found.business)


def _not_acknowledged(signal: str) -> Node:
    said = f"{signal}.acknowledged"
    return Negation(operand=Term(kind=TermKind.ACKNOWLEDGED, name=signal, text=said), text=f"not {said}")


def _both(first: Node, second: Node) -> Node:
    if second is ALWAYS:
        return first
    return Every(operands=(first, second), text=f"{first.text} and ({second.text})")


def _exits(signal: Play, plays: PlayCompiler) -> frozenset[str]:
    """A rung of a signal that lives in an exit stage lives there too; elsewhere it climbs whatever the stage."""
    return signal.stages if signal.stages & plays.exits else frozenset()
