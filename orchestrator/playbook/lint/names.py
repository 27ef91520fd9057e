"""Names that lead nowhere: declared and read by no rule, or never heard from any product."""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from orchestrator.core.conditions import Term
from orchestrator.core.events import OWN_EVENTS
from orchestrator.core.metrics import NetPromoters
from orchestrator.core.playbook import Playbook, SetTrait
from orchestrator.playbook.inheritance import SHELF
from orchestrator.playbook.lint.desk import Desk
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.loader import Path
from orchestrator.playbook.vocabulary import BUILTIN_TRAITS

_WORD = re.compile(r"\w+")


def unused_names(desk: Desk) -> Iterator[Finding]:
    """``unused-name``: what no rule and no template reads.

    A milestone with a target is read by its report, and what a play sets by the product and by people.
    """
    playbook, words = desk.playbook, desk.playbook.vocabulary
    read = {(term.kind, term.name) for term in _terms(playbook)}
    names = {name for _, name in read} | _triggered(desk) | {playbook.anchor, *playbook.checklist}
    copy = (text for path, text in desk.source.templates.items() if not path.startswith(SHELF))
    written = {word for text in copy for word in _WORD.findall(text)}
    answered = {rule.event for rule in words.scores.values()} | {rule.event for rule in words.measures.values()}
    told_apart = {words.aliases[name] for name in words.filters if name in words.aliases}  # by their properties
    kinds: tuple[tuple[str, Path, Mapping[str, object], set[str]], ...] = (
        (
            "event",
            ("vocabulary", "events"),
            dict.fromkeys(words.events),
            {*names, *playbook.reads, *answered, *told_apart, *OWN_EVENTS},
        ),
        ("trait", ("vocabulary", "traits"), words.traits, {*names, *_set(playbook), *BUILTIN_TRAITS}),
        ("score", ("vocabulary", "scores"), words.scores, names | _asked(playbook)),
        ("measure", ("vocabulary", "measures"), words.measures, names | written),
        ("milestone", ("milestones",), playbook.milestones, names | _promised(desk)),
    )
    for kind, above, declared, used in kinds:
        for name in sorted(declared.keys() - used):
            yield desk.finding("unused-name", (*above, name), f"no rule and no template reads the {kind} `{name}`")


def _asked(playbook: Playbook) -> set[str]:
    """The scores that a metric counts."""
    return {metric.measured.score for metric in playbook.metrics.values() if isinstance(metric.measured, NetPromoters)}


def _set(playbook: Playbook) -> set[str]:
    """The traits that plays set: they are read outside, by the product and by people."""
    actions = [each for play in playbook.plays.values() for each in play.actions]
    return {trait for each in actions if isinstance(each, SetTrait) for trait, _ in each.traits}


def _promised(desk: Desk) -> set[str]:
    return {name for name, milestone in desk.playbook.milestones.items() if milestone.timed}


def _triggered(desk: Desk) -> set[str]:
    return {word for play in desk.playbook.plays.values() for word in _texts(play.trigger)}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in _inner(value):
        yield from _texts(inner)


def _terms(value: object) -> Iterator[Term]:
    """Every term that stands anywhere in a value."""
    if isinstance(value, Term):
        yield value
    for inner in _inner(value):
        yield from _terms(inner)


def _inner(value: object) -> Iterator[object]:
    if dataclasses.is_dataclass(value):
        yield from (getattr(value, each.name) for each in dataclasses.fields(value))
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, tuple | frozenset):
        yield from value


def names_never_seen(desk: Desk) -> Iterator[Finding]:
    """``never-seen``: events none of whose names is in the store."""
    if desk.seen is None:
        return
    words = desk.playbook.vocabulary
    for event in sorted(words.events - set(OWN_EVENTS)):
        plain = {name for name, ours in words.aliases.items() if ours == event}
        by_properties = {name for name, which in words.filters.items() if event in {each.name for each in which}}
        names = sorted(plain | by_properties)
        if desk.seen.isdisjoint(names):
            told = ", ".join(f"`{name}`" for name in names)
            yield desk.finding("never-seen", ("vocabulary", "events", event), f"the store has never seen {told}")
