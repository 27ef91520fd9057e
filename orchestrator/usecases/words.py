"""``words``: what humans may say of an account, by its playbook, and any of it written down, once.

The vocabulary of the account's playbook is the list of what may be said: its events, its judgements, and the goals of
the customer. An event is said under the name that most of the playbook's rules listen to: where a filter names one of
the product's names for it, under that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

import orjson

from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import OWN_EVENTS, Json
from orchestrator.core.facts import Vocabulary
from orchestrator.core.playbook import Playbook
from orchestrator.intake.segment import OLDEST, Rejection, parse_call
from orchestrator.playbook.errors import did_you_mean
from orchestrator.usecases import log
from orchestrator.usecases.log import LONGEST, GoalText, UnknownWordError
from orchestrator.usecases.overrule import PLAIN, Aside, say
from orchestrator.usecases.ports import Ports


class UnsayableError(LifecycleError):
    """What was said cannot be kept as it is; mend what the message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something happened that no product tells."""

    event: str  # one of the playbook's events, or one of the product's names for it
    properties: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A judgement was made, or taken back."""

    judgement: str
    evidence: str = ""
    ticked: bool = True  # False: it holds no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Aimed:
    """A goal of the customer's was set."""

    goal: str
    said: GoalText


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A goal is met, or is none any more."""

    goal: str
    met: bool  # False: dropped


Word: TypeAlias = Happened | Judged | Aimed | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Sayable:
    """One thing that may be said of an account."""

    name: str
    label: str  # what a person calls it; empty: the playbook has no other word for it
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)  # property -> values that rules listen to


def write_down(ports: Ports, account_id: str, word: Word, by: str, aside: Aside = PLAIN) -> UUID:
    """Write down what a human says of an account; ``by`` says who.

    Raises:
        UnknownAccountError: there is no such account.
        UnknownWordError: its playbook has no such event, judgement or measure.
        UnknownGoalError: it has no such goal.
        UnsayableError: a text or a time cannot be kept.
        SaidOtherwiseError: something else was said under this key before.
    """
    _check(ports, word, by, aside)
    match word:
        case Happened():
            return _happened(ports, account_id, word, by, aside)
        case Judged(judgement=name, evidence=evidence, ticked=ticked):
            return log.tick(ports, account_id, name, by, evidence, ticked=ticked, aside=aside)
        case Aimed(goal=goal, said=said):
            return log.set_goal(ports, account_id, goal, by, said, aside)
        case Ended(goal=goal, met=met):
            return log.end_goal(ports, account_id, goal, by, met=met, aside=aside)


def _happened(ports: Ports, account_id: str, word: Happened, by: str, aside: Aside) -> UUID:
    account, playbook = log.found(ports, account_id)
    name = spoken(word.event, playbook)
    _check_scores(name, word.properties, playbook.vocabulary)
    return say(ports, account.id, name, {**word.properties, "by": by[:LONGEST]}, aside)


def _check(ports: Ports, word: Word, by: str, aside: Aside) -> None:
    """Refuse what the database could not keep, and times that cannot be."""
    if not by.strip():
        raise UnsayableError("by: expected who says so, got nothing")
    with ports.engine.connect() as connection:
        now = ports.clock.now(connection)
    if aside.at is not None and not OLDEST <= aside.at <= now:
        raise UnsayableError(f"at: expected a time between {OLDEST:%Y} and now, got {aside.at.isoformat()}")
    try:
        said = {"by": by, "person": aside.person, "word": {name: getattr(word, name) for name in word.__slots__}}
        call = {"type": "track", "messageId": "1", "event": "word", "userId": aside.person or "1", "properties": said}
        parse_call(orjson.dumps(call, default=_plain), source="words", received_at=now)
    except (TypeError, orjson.JSONEncodeError):
        raise UnsayableError("a text holds what is no character, or too much stands within each other") from None
    except Rejection as rejection:
        raise UnsayableError(str(rejection)) from None


def _plain(value: object) -> dict[str, Json]:
    assert isinstance(value, GoalText | Mapping), "nothing else stands in a word"  # noqa: S101 -- states an invariant
    return dict(value) if isinstance(value, Mapping) else {"text": value.text, "measure": value.measure}


def _check_scores(name: str, properties: Mapping[str, Json], vocabulary: Vocabulary) -> None:
    """An answer outside of its scale would count for nothing, silently."""
    ours = {vocabulary.aliases.get(name), *(each.name for each in vocabulary.filters.get(name, ()))}
    for rule in vocabulary.scores.values():
        given = properties.get(rule.property)
        if rule.event not in ours or given is None:
            continue
        if isinstance(given, bool) or not isinstance(given, int | float) or not rule.lowest <= given <= rule.highest:
            raise UnsayableError(f"{rule.property}: expected a number from {rule.lowest:g} to {rule.highest:g}")


def spoken(said: str, playbook: Playbook) -> str:
    """The name under which something is said.

    Raises:
        UnknownWordError: the playbook has no such event.
    """
    vocabulary = playbook.vocabulary
    names = _names(vocabulary)
    if said not in names:
        judged = "; it is a judgement: log it as one" if said in playbook.judgements else did_you_mean(said, names)
        raise UnknownWordError(f"the account's playbook has no event `{said}`{judged}")
    ours = vocabulary.aliases.get(said, said)
    called = [said, *sorted(each for each, leads_to in vocabulary.aliases.items() if leads_to == ours)]
    return next((each for each in called if each in vocabulary.filters), ours)


def _names(vocabulary: Vocabulary) -> set[str]:
    return {*vocabulary.aliases, *vocabulary.filters} - set(OWN_EVENTS)


def sayable(playbook: Playbook) -> tuple[list[Sayable], list[Sayable]]:
    """The events that may be said, by our names, and the judgements."""
    vocabulary = playbook.vocabulary
    events = [
        Sayable(name=name, label="", choices=_choices(spoken(name, playbook), vocabulary))
        for name in sorted(vocabulary.events - set(OWN_EVENTS))
    ]
    return events, [Sayable(name=name, label=label) for name, label in playbook.judgements.items()]


def _choices(name: str, vocabulary: Vocabulary) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in vocabulary.filters.get(name, ()):
        for prop, values in each.where.items():
            known = found.setdefault(prop, [])
            known += [told for told in map(_told, values) if told not in known]
    return found


def _told(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def instant_of(at: datetime) -> datetime:
    """A time that a person said without a zone is UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
