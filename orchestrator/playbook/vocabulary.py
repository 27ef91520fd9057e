"""The vocabulary of a playbook: its own names, the names that every playbook has, and what each leads to."""

import keyword
import re
from collections.abc import Iterable, Mapping

from orchestrator.core.events import OWN_EVENTS
from orchestrator.core.facts import Filter, MeasureRule, ScoreRule, TraitRule, TraitType, Value, Vocabulary, trait_value
from orchestrator.core.timing import WEEKENDS
from orchestrator.playbook.conditions import AT_RISK, BUILTINS
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.schema import Document, FilterShape, TraitShape, VocabularyShape

BUILTIN_TRAITS = {
    "name": TraitRule(type=TraitType.TEXT),
    "plan": TraitRule(type=TraitType.TEXT),
    "timezone": TraitRule(type=TraitType.TEXT),
    "country": TraitRule(type=TraitType.TEXT),
    "weekend": TraitRule(type=TraitType.TEXT, values=tuple(WEEKENDS)),
    "owner_name": TraitRule(type=TraitType.TEXT),
    "owner_email": TraitRule(type=TraitType.TEXT),
    "seats": TraitRule(type=TraitType.NUMBER),
    "term": TraitRule(type=TraitType.TEXT, values=("monthly", "annual")),
    "renewal_at": TraitRule(type=TraitType.INSTANT),
}  # what engine and templates know of every account; a playbook may say more of them, not something else

SEGMENT_NAMES = ("segment", "touch")  # what a condition may ask of an account where segments are declared
PHASE_NAMES = ("phase", "phase_days", "phase_late", "onboardings")  # the same where an onboarding has phases
AGE = "age"  # the same where ages are declared
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_AT = ("vocabulary",)


def check_name(name: str, path: Path, tree: Tree) -> None:
    """Refuse a name that cannot stand in a condition."""
    if _NAME.fullmatch(name) is None or keyword.iskeyword(name):
        tree.refuse(path, f"`{name}` cannot be a name: use letters, digits and _, no word of the language", key=True)
    elif name in BUILTINS:
        tree.refuse(path, f"`{name}` is a name that every condition has already", key=True)


def vocabulary_of(document: Document, tree: Tree, broken: frozenset[str]) -> Vocabulary:
    """The compiled vocabulary; what is wrong with it is noted in the tree."""
    shape = document.vocabulary
    _check_names(document, tree)
    aliases = _aliases(shape, tree)
    return Vocabulary(
        events=frozenset({*shape.events, *OWN_EVENTS}),
        aliases=aliases,
        filters=_filters(shape, aliases, tree),
        traits=_traits(shape, tree),
        scores=_scores(shape, tree, broken),
        measures=_measures(shape, tree, broken),
    )


def _check_names(document: Document, tree: Tree) -> None:
    """A name is of the language and is one thing only."""
    shape = document.vocabulary
    taken = dict.fromkeys(OWN_EVENTS, "an event of our own")
    if any(stage.checklist for stage in document.stages.table.values()):
        taken["checklist"] = "the checklist of a stage"
    if document.onboarding is not None:
        taken.update(dict.fromkeys(PHASE_NAMES, "given by the onboarding"))
    if document.ages is not None:
        taken[AGE] = "given by the ages"
    if document.segments is not None:
        taken.update(dict.fromkeys(SEGMENT_NAMES, "given by the segments"))
    if any(signal.flag for signal in document.signals.values()):
        taken[AT_RISK] = "the flag of signals"
    if document.health is not None:
        taken["health"] = "given by the section `health`"
    kinds: tuple[tuple[str, Path, Iterable[str]], ...] = (
        ("an event", (*_AT, "events"), shape.events),
        ("a trait", (*_AT, "traits"), shape.traits),
        ("a score", (*_AT, "scores"), shape.scores),
        ("a measure", (*_AT, "measures"), shape.measures),
        ("a milestone", ("milestones",), document.milestones),
        ("a judgement", ("judgements",), document.judgements),
        ("a signal", ("signals",), document.signals),
    )
    for kind, above, names in kinds:
        for name in names:
            check_name(name, (*above, name), tree)
            other = "a trait of every account" if name in BUILTIN_TRAITS and kind != "a trait" else taken.get(name)
            if other is not None:
                tree.refuse((*above, name), f"`{name}` is {other} already: a name is one thing only", key=True)
            taken.setdefault(name, kind)


def _aliases(shape: VocabularyShape, tree: Tree) -> dict[str, str]:
    """The product's names, each leading to one of ours; ours lead to themselves."""
    aliases = {name: name for name in (*OWN_EVENTS, *shape.events)}
    for name, products in shape.events.items():
        for number, product in enumerate(products):
            if isinstance(product, FilterShape):
                continue
            leads_to = aliases.setdefault(product, name)
            if leads_to != name:
                path = (*_AT, "events", name, number)
                tree.refuse(path, f"`{product}` leads to `{leads_to}` already: it may lead to one event only")
    return aliases


def _filters(shape: VocabularyShape, aliases: Mapping[str, str], tree: Tree) -> dict[str, tuple[Filter, ...]]:
    """The product's names that lead to more of ours by their properties; a name of ours stands for all it is called."""
    found: dict[str, tuple[Filter, ...]] = {}
    for name, products in shape.events.items():
        for number, product in enumerate(products):
            if isinstance(product, FilterShape):
                path = (*_AT, "events", name, number)
                which = Filter(name=name, where=_where(product, path, tree))
                if aliases.get(product.name) == name:
                    told = f"every `{product.name}` is a `{name}` already: give the filtered event a name of its own"
                    tree.refuse((*path, "name"), told)
                for called in [each for each in aliases if aliases[each] == product.name] or [product.name]:
                    found[called] = (*found.get(called, ()), which)
    return found


def _where(shape: FilterShape, path: Path, tree: Tree) -> dict[str, tuple[bool | float | str, ...]]:
    where = {}
    for name, said in shape.where.items():
        values = said if isinstance(said, list) else [said]
        if not values or not all(isinstance(value, bool | int | float | str) for value in values):
            told = "expected a text, a number, true or false, or a list of such values"
            tree.refuse((*path, "where", name), told)
        where[name] = tuple(values)
    return where


def _traits(shape: VocabularyShape, tree: Tree) -> dict[str, TraitRule]:
    return {**BUILTIN_TRAITS, **{name: _trait(name, trait, tree) for name, trait in shape.traits.items()}}


def _trait(name: str, shape: TraitShape, tree: Tree) -> TraitRule:
    path = (*_AT, "traits", name)
    rule = TraitRule(type=TraitType(shape.type), values=tuple(shape.one_of or ()))
    builtin = BUILTIN_TRAITS.get(name)
    if builtin is not None and builtin.type is not rule.type:
        tree.refuse(path, f"`{name}` is a {builtin.type.value} trait of every account and cannot be {rule.type.value}")
    if rule.values and rule.type is not TraitType.TEXT:
        tree.refuse((*path, "one_of"), f"`one_of` is for text; `{name}` is {rule.type.value}")
    if name == "weekend":
        _check_weekend(rule, path, tree)
    return TraitRule(type=rule.type, values=rule.values, default=_default(shape, rule, path, tree))


def _check_weekend(rule: TraitRule, path: Path, tree: Tree) -> None:
    for number, word in enumerate(rule.values):
        if word not in WEEKENDS:
            known = ", ".join(WEEKENDS)
            tree.refuse(
                (*path, "one_of", number), f"`{word}` is no weekend; known: {known}{did_you_mean(word, WEEKENDS)}"
            )
    if not rule.values:
        tree.refuse(path, f"`weekend` needs its list: one_of: [{', '.join(WEEKENDS)}]")


def _default(shape: TraitShape, rule: TraitRule, path: Path, tree: Tree) -> Value:
    if shape.default is None:
        return None
    value = trait_value(shape.default, rule)
    if value is None:
        wanted = f"one of {', '.join(rule.values)}" if rule.values else f"a value of type {rule.type.value}"
        near = did_you_mean(str(shape.default), rule.values)
        tree.refuse((*path, "default"), f"expected {wanted}, got {shape.default!r}{near}")
    return value


def check_event(name: str, path: Path, tree: Tree, known: Iterable[str], offset: int | None = None) -> None:
    """Refuse an event that the vocabulary does not have."""
    if name not in known:
        tree.refuse(path, f"unknown event `{name}`{did_you_mean(name, known)}", offset)


def _scores(shape: VocabularyShape, tree: Tree, broken: frozenset[str]) -> dict[str, ScoreRule]:
    scores = {}
    for name, score in shape.scores.items():
        path = (*_AT, "scores", name)
        check_event(score.event, (*path, "event"), tree, {*shape.events, *broken})
        lowest, highest = score.scale
        if lowest >= highest:
            tree.refuse((*path, "scale"), f"expected the lower end first, got [{lowest:g}, {highest:g}]")
        scores[name] = ScoreRule(event=score.event, property=score.property, lowest=lowest, highest=highest)
    return scores


def _measures(shape: VocabularyShape, tree: Tree, broken: frozenset[str]) -> dict[str, MeasureRule]:
    measures = {}
    for name, measure in shape.measures.items():
        path = (*_AT, "measures", name)
        if measure.event is None or not measure.is_one:
            tree.refuse(path, "a measure is one of: `sum` … `of`, `distinct` … `of`, `times`, `people`", key=True)
        key, event = measure.event or ("of", "")
        if measure.event is not None:
            check_event(event, (*path, key), tree, {*shape.events, *broken})
        distinct = measure.distinct is not None or measure.people is not None
        measures[name] = MeasureRule(event=event, property=measure.sum or measure.distinct, distinct=distinct)
    return measures
