"""Checkpoints: each becomes a play that does nothing and is judged once, also in a stage that is an exit.

So the ledger says of each account what became of it: done is met, skipped as ``condition_false`` is missed, skipped as
``not_among`` says nothing, and anything else is not known. What is done where it is ``missed`` is a play beside it with
the same trigger, which asks that the condition does *not* hold, and is withdrawn as soon as it does.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from orchestrator.core.conditions import ALWAYS, Every, Negation, Node
from orchestrator.core.metrics import Bound, Side
from orchestrator.core.playbook import Cadence, Checkpoint, EveryWeek, Play, Trigger
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.plays import TRIGGERS, PlayCompiler
from orchestrator.playbook.schema import AlertShape, BoundShape, CheckpointShape, MissedShape, PlayShape
from orchestrator.playbook.vocabulary import check_name

_OF_CHECKPOINTS = frozenset({*TRIGGERS, "span", "label", "at", "valid_for", "priority"})  # keys of a play it may have
_NO_MISSED = frozenset({*TRIGGERS, "span"})  # keys of a play that ``missed`` may not have
_DOES_NOTHING = "a checkpoint has no `{key}`: it asks whether `met` holds, `among` whom, and its `missed` acts"
_COMES_WITH_IT = "`missed` has no `{key}`: it comes due with its checkpoint"


def compile_checkpoints(
    shapes: Mapping[str, CheckpointShape], plays: PlayCompiler, *, taken: Iterable[str]
) -> dict[str, Play]:
    """The plays that a playbook's checkpoints are; what is wrong with them is noted in the tree.

    ``taken`` are the names of the playbook's other plays.
    """
    compiled: dict[str, Play] = {}
    for name, shape in shapes.items():
        for path, play in _compiled(name, shape, plays):
            if play.name in compiled or play.name in taken:
                plays.tree.refuse(path, f"`{play.name}` is a play already: a name is one thing only", key=True)
            compiled[play.name] = play
    return compiled


def missed_name(checkpoint: str, said: str | None) -> str:
    """The name of the play that acts where a checkpoint is missed."""
    return said or f"{checkpoint}_missed"


def _compiled(name: str, shape: CheckpointShape, plays: PlayCompiler) -> Iterator[tuple[Path, Play]]:
    path: Path = ("checkpoints", name)
    check_name(name, path, plays.tree)
    _refuse_keys(shape, set(PlayShape.model_fields) - _OF_CHECKPOINTS, path, plays, _DOES_NOTHING)
    trigger = plays.trigger(shape, path)
    met = plays.condition(shape.met, (*path, "met"), plays.names)
    among = ALWAYS if shape.among is None else plays.condition(shape.among, (*path, "among"), plays.names)
    target = None if shape.target is None else bound_of(shape.target, (*path, "target"), plays.tree)
    bare = plays.bare(name, _without_condition(shape), path, trigger)
    what = Checkpoint(step=shape.step, among=among, target=target)
    yield path, replace(bare, when=met, stages=_stages(trigger, plays), checkpoint=what)
    if shape.missed is not None:
        play = _missed(missed_name(name, shape.missed.name), _inheriting(shape.missed, shape), path, trigger, plays)
        yield (*path, "missed"), _where_missed(play, among, _not(met))


def _without_condition(shape: CheckpointShape) -> PlayShape:
    return shape.model_copy(update={"when": None})


def _refuse_keys(shape: PlayShape, keys: Iterable[str], path: Path, plays: PlayCompiler, message: str) -> None:
    for name in sorted(shape.model_fields_set.intersection(keys)):
        key = PlayShape.model_fields[name].alias or name
        plays.tree.refuse((*path, key), message.format(key=key), key=True)


def _stages(trigger: Trigger, plays: PlayCompiler) -> frozenset[str]:
    """Who has left has missed what was to come; but of who has left nothing is asked week after week."""
    return frozenset() if isinstance(trigger, EveryWeek | Cadence) else frozenset(plays.names.stages)


# -- what is done where it is missed -----------------------------------------------------------------------------------


def _inheriting(shape: MissedShape, checkpoint: CheckpointShape) -> MissedShape:
    """What it does not say of label and time of day is the checkpoint's."""
    said = {"label": shape.label or checkpoint.label, "at": shape.at or checkpoint.at}
    return shape.model_copy(update=said)


def _missed(name: str, shape: MissedShape, above: Path, trigger: Trigger, plays: PlayCompiler) -> Play:
    path: Path = (*above, "missed")
    if shape.name is not None:
        check_name(shape.name, (*path, "name"), plays.tree)
    _refuse_keys(shape, _NO_MISSED, path, plays, _COMES_WITH_IT)
    return plays.acting(name, shape, path, trigger)


def _where_missed(play: Play, among: Node, missed: Node) -> Play:
    stays = _all((missed, play.policy.only_while))
    return replace(play, when=_all((among, missed, play.when)), policy=replace(play.policy, only_while=stays))


def _not(node: Node) -> Node:
    return Negation(operand=node, text=f"not ({node.text})")


def _all(nodes: tuple[Node | None, ...]) -> Node:
    """All of these that say anything, as one condition."""
    said = tuple(node for node in nodes if node is not None and node is not ALWAYS)
    return said[0] if len(said) == 1 else Every(operands=said, text=" and ".join(f"({node.text})" for node in said))


# -- limits --------------------------------------------------------------------------------------------------------


def bound_of(shape: BoundShape | AlertShape, path: Path, tree: Tree) -> Bound | None:
    """The one limit of a shape; None, and a note in the tree, where it has none or several."""
    said = [(side, limit) for side in Side if (limit := getattr(shape, side.value)) is not None]
    if len(said) != 1:
        tree.refuse(path, f"expected one of {', '.join(side.value for side in Side)}, with its limit", key=True)
        return None
    ((side, limit),) = said
    return Bound(side=side, limit=limit)
