"""Goals: an account's own success criteria, set by a human in the customer's words.

A goal is met when a human says so after it was last set, or when its figure (a measure, or how often an event happened)
has reached its target: so a goal set afresh is open again, unless its figure says otherwise. One that was dropped is no
goal. All of this is a function of the set of events.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from orchestrator.core.facts import Facts, Said, Vocabulary, measure
from orchestrator.core.figures import Figure

WORDS = ("goal_set", "goal_met", "goal_dropped")  # the own events that say so


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal as things stand."""

    name: str
    text: str  # in the customer's words; its name when none were given
    by: str  # who set it; empty when nobody is named
    set_at: datetime
    measure: str | None  # the measure or event that its figure is read from; None: only a human can say that it is met
    target: Figure  # what the figure has to reach; 0 without one
    figure: Figure | None  # where it stands; None: it has none
    met: bool


def goals_of(facts: Facts, vocabulary: Vocabulary) -> tuple[Goal, ...]:
    """The goals of an account in the order in which they were set."""
    words = facts.said.get("goal_set", {})
    standing = [(said.stamp, name) for name, said in words.items() if not _newer(facts, "goal_dropped", name, said)]
    return tuple(_goal(name, words[name], facts, vocabulary) for _, name in sorted(standing))


def _goal(name: str, said: Said, facts: Facts, vocabulary: Vocabulary) -> Goal:
    text, by, key, target = (said.words[word] for word in ("text", "by", "measure", "target"))
    figure = _figure(key, facts, vocabulary) if isinstance(key, str) and isinstance(target, int | float) else None
    wanted = target if isinstance(target, int | float) else 0
    return Goal(
        name=name,
        text=text if isinstance(text, str) and text else name,
        by=by if isinstance(by, str) else "",
        set_at=said.stamp[0],
        measure=key if isinstance(key, str) else None,
        target=wanted,
        figure=figure,
        met=_newer(facts, "goal_met", name, said) or (figure is not None and figure >= wanted),
    )


def _newer(facts: Facts, word: str, name: str, said: Said) -> bool:
    """Whether that word on a goal is newer than this one."""
    other = facts.said.get(word, {}).get(name)
    return other is not None and other.stamp > said.stamp


def _figure(key: str, facts: Facts, vocabulary: Vocabulary) -> Figure | None:
    if key in vocabulary.measures:
        return measure(key, facts) or 0
    if key not in vocabulary.events:
        return None
    fact = facts.events.get(key)
    return fact.count if fact else 0


def measured_by(facts: Facts, vocabulary: Vocabulary) -> frozenset[str]:
    """The events that the figures of an account's goals are read from."""
    return frozenset(_events(facts, vocabulary))


def _events(facts: Facts, vocabulary: Vocabulary) -> Iterator[str]:
    for said in facts.said.get("goal_set", {}).values():
        key = said.words["measure"]
        if isinstance(key, str):
            yield vocabulary.measures[key].event if key in vocabulary.measures else key


def instants(facts: Facts, vocabulary: Vocabulary) -> Iterator[datetime]:
    """Every instant that what is said of the goals rests on: the words, and the last of what is measured."""
    for word in WORDS:
        yield from (said.stamp[0] for said in facts.said.get(word, {}).values())
    for name in measured_by(facts, vocabulary):
        if name in facts.events:
            yield facts.events[name].last
