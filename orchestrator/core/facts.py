"""Facts: what events add up to, a function of the *set* of events (rule 1 of DESIGN.md, "One verb").

Everything kept here is a minimum, a maximum, a count of distinct messages, a sum of integers, a union, or a last writer
by (occurred_at, source, message_id). So any permutation or split of the same events gives the same facts, and the facts
of two merged accounts are the union of theirs. Sums are kept in millionths as integers, because adding floats depends
on the order. Where something must be bounded (weeks, distinct values, survey answers) the survivors are chosen by an
order over the whole set, never by arrival.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import TypeVar, assert_never

from orchestrator.core.events import OWN_EVENTS, OWN_SOURCE, Event, EventKind, Json
from orchestrator.core.figures import Figure

MILLIONTH = 1_000_000  # sums are kept in millionths
MOST_WEEKS = 60  # weeks of activity kept an event name: the newest
MOST_VALUES = 200  # distinct values kept a measure: the first in order
MOST_ANSWERS = 200  # people's answers kept a score: the newest
MOST_ONBOARDINGS = 20  # onboardings kept an account: the first in order
MOST_ID = 100  # characters of an onboarding's id that are kept
MOST_MEASURED = 1e12  # greater numbers are not added up
MOST_NUMBER = 1e300  # greater numbers are none
MOST_TEXT = 500  # characters of a text trait that are kept
MOST_SAID = 100  # subjects kept of each kind of human word: the newest
_OURS = frozenset(OWN_EVENTS)
_EPOCH_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)  # week 0 begins here

Stamp = tuple[datetime, str, str]
Value = bool | float | int | str | datetime | None


@unique
class TraitType(StrEnum):
    """What a trait may hold."""

    BOOL = "bool"
    NUMBER = "number"
    TEXT = "text"
    INSTANT = "instant"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitRule:
    """A declared trait of accounts."""

    type: TraitType  # what it may hold; anything else is unknown
    values: tuple[str, ...] = ()  # for TEXT: the closed list, if it is one
    default: Value = None  # what holds when it was never said; None is unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRule:
    """Where answers to a survey are found."""

    event: str  # our name of the event that carries an answer
    property: str  # its property that holds the number
    lowest: Figure  # the scale, both ends belong to it
    highest: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRule:
    """A figure made of an event: a property's sum or distinct values, how often it happened, or to how many people."""

    event: str  # our name of the event
    property: str | None  # its property; None: the person (distinct), or each event counts one
    distinct: bool  # True: count distinct values; False: add up numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A name of ours for some of a product's events: those whose properties say so."""

    name: str  # ours
    where: Mapping[str, tuple[bool | Figure | str, ...]]  # property -> what it may be; all must fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The names that a playbook speaks of, and the products' names for them."""

    events: frozenset[str]  # our names
    aliases: Mapping[str, str]  # the product's name -> ours (ours map to themselves)
    traits: Mapping[str, TraitRule]
    scores: Mapping[str, ScoreRule]
    measures: Mapping[str, MeasureRule]
    steps: frozenset[str] = frozenset()  # events that tell where an onboarding is: kept for each of them
    onboarding: str = "onboarding"  # the property of an event that says which onboarding it belongs to
    filters: Mapping[str, tuple[Filter, ...]] = field(default_factory=dict)  # the product's name -> by its properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is known of one event name; never seen is no Fact at all (closed world)."""

    count: int  # distinct messages
    first: datetime
    last: datetime
    weeks: Mapping[int, int] = field(default_factory=dict)  # week number -> messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A last-written value with the stamp of who wrote it."""

    value: Value
    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The last word of a person on one subject: a judgement, a goal, an open signal."""

    words: Mapping[str, Value]  # what was said, as SAYINGS types it; None: it was not said, or is not of that type
    stamp: Stamp


Stamped = TypeVar("Stamped", Written, Said)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class SayingRule:
    """What is kept of an own event that carries a person's word."""

    subject: str | None  # the property that names what it is about; None: there is one subject only, called ""
    words: Mapping[str, TraitRule]  # the properties that are kept, and what each may hold


_TEXT = TraitRule(type=TraitType.TEXT)

SAYINGS: Mapping[str, SayingRule] = {
    "judgement_ticked": SayingRule(
        subject="judgement",
        words={"by": _TEXT, "evidence": _TEXT, "ticked": TraitRule(type=TraitType.BOOL, default=True)},
    ),
    "goal_set": SayingRule(
        subject="goal",
        words={"by": _TEXT, "text": _TEXT, "measure": _TEXT, "target": TraitRule(type=TraitType.NUMBER)},
    ),
    "goal_met": SayingRule(subject="goal", words={"by": _TEXT}),
    "goal_dropped": SayingRule(subject="goal", words={"by": _TEXT}),
    "escalation_acknowledged": SayingRule(subject="signal", words={"by": _TEXT}),
    "escalation_resolved": SayingRule(subject="signal", words={"by": _TEXT}),
    "health_overridden": SayingRule(
        subject=None,
        words={
            "by": _TEXT,
            "reason": _TEXT,
            "score": TraitRule(type=TraitType.NUMBER),
            "until": TraitRule(type=TraitType.INSTANT),
        },
    ),
}  # by own event: of each subject its last word is a fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All facts of an account."""

    events: Mapping[str, Fact] = field(default_factory=dict)
    traits: Mapping[str, Written] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, Written]] = field(default_factory=dict)  # score -> person -> answer
    sums: Mapping[str, int] = field(default_factory=dict)  # measure -> millionths
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)  # measure -> distinct values
    said: Mapping[str, Mapping[str, Said]] = field(default_factory=dict)  # own event -> subject -> its last word
    onboardings: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)  # id -> step -> the first time


def week_of(instant: datetime) -> int:
    """The number of the calendar week (Monday to Sunday, UTC) that an instant lies in."""
    return (instant - _EPOCH_MONDAY).days // 7


def fold(facts: Facts, events: Iterable[Event], vocabulary: Vocabulary) -> Facts:
    """The facts with these events added; each event must be new (the store and ``distinct`` see to it)."""
    tally = _Tally(vocabulary=vocabulary, before=facts, traits=facts.traits, onboardings=facts.onboardings)
    for event in events:
        tally.add(event)
    return tally.facts()


def laid_over(before: Mapping[str, Item], changes: dict[str, Item]) -> Mapping[str, Item]:
    """A mapping with these changes; one that is no plain dict may cost to be copied, and is laid under them."""
    if not changes:
        return before
    if isinstance(before, dict):
        return {**before, **changes}
    if isinstance(before, ChainMap):
        return ChainMap({**before.maps[0], **changes}, *before.maps[1:])
    return ChainMap(changes, before)  # type: ignore[arg-type] # it is only read: nothing is ever written into it


def names_of(event: Event, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Our names of what happened: the plain one, and each whose filter fits; none when no rule speaks of it.

    The words of OWN_EVENTS are only ours to say, filtered or not.
    """
    if event.name in _OURS and event.source != OWN_SOURCE:
        return ()
    plain, filters = vocabulary.aliases.get(event.name), vocabulary.filters.get(event.name)
    names = () if plain is None else (plain,)
    if filters is None:
        return names
    return tuple(dict.fromkeys((*names, *(each.name for each in filters if _fits(event, each)))))


def _fits(event: Event, which: Filter) -> bool:
    return all(_among(event.properties.get(name), values) for name, values in which.where.items())


def _among(given: Json, values: tuple[bool | Figure | str, ...]) -> bool:
    """Whether a property is one of some constants; true is not 1."""
    return any(given == value and isinstance(given, bool) is isinstance(value, bool) for value in values)


def adds(event: Event, vocabulary: Vocabulary) -> bool:
    """Whether an event can change an account's facts at all; the others are kept, and nothing else is done."""
    return event.kind is EventKind.GROUP or bool(names_of(event, vocabulary))


def concerns(event: Event, vocabulary: Vocabulary) -> bool:
    """Whether an event can change what is known of an account or of its people."""
    return event.kind is EventKind.IDENTIFY or adds(event, vocabulary)


@dataclass(slots=True, kw_only=True)
class _Tally:
    """Facts while events are added: copied once a call, however many events; it never leaves ``fold``."""

    vocabulary: Vocabulary
    before: Facts
    traits: Mapping[str, Written]
    onboardings: Mapping[str, Mapping[str, datetime]]
    events: dict[str, Fact] = field(default_factory=dict)  # what changes; so are the next
    scores: dict[str, Mapping[str, Written]] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    values: dict[str, frozenset[str]] = field(default_factory=dict)
    said: dict[str, Mapping[str, Said]] = field(default_factory=dict)

    def facts(self) -> Facts:
        return Facts(
            events=laid_over(self.before.events, self.events),
            traits=self.traits,
            scores=laid_over(self.before.scores, self.scores),
            sums=laid_over(self.before.sums, self.sums),
            values=laid_over(self.before.values, self.values),
            said=laid_over(self.before.said, self.said),
            onboardings=self.onboardings,
        )

    def add(self, event: Event) -> None:
        if event.kind is EventKind.GROUP:
            self.traits = last_written(self.traits, _said(event, self.vocabulary))
        for name in names_of(event, self.vocabulary):
            self.events[name] = _counted(self.events.get(name) or self.before.events.get(name), event)
            self.score(name, event)
            self.measure(name, event)
            if name in SAYINGS:
                held = self.said.get(name) or self.before.said.get(name, {})
                self.said[name] = _newest_said(last_written(held, _word(event, SAYINGS[name])))
            if name in self.vocabulary.steps:
                step = {onboarding_of(event, self.vocabulary): {name: event.occurred_at}}
                self.onboardings = _earliest_steps(self.onboardings, step)

    def score(self, name: str, event: Event) -> None:
        for score, rule in self.vocabulary.scores.items():
            number = _number(event.properties.get(rule.property)) if rule.event == name else None
            if number is not None and rule.lowest <= number <= rule.highest:
                answer = {event.person or "": Written(value=number, stamp=event.stamp)}
                held = self.scores.get(score) or self.before.scores.get(score, {})
                self.scores[score] = _newest_answers(last_written(held, answer))

    def measure(self, name: str, event: Event) -> None:
        for measure, rule in self.vocabulary.measures.items():
            raw = _measured(event, rule) if rule.event == name else None
            if rule.distinct and isinstance(raw, str):
                held = self.values.get(measure) or self.before.values.get(measure, frozenset())
                if raw[:MOST_TEXT] not in held:
                    self.values[measure] = _first_values(held | {raw[:MOST_TEXT]})
            number = None if rule.distinct else _number(raw)
            if number is not None and abs(number) <= MOST_MEASURED:
                so_far = self.sums[measure] if measure in self.sums else self.before.sums.get(measure, 0)
                self.sums[measure] = so_far + round(number * MILLIONTH)


def onboarding_of(event: Event, vocabulary: Vocabulary) -> str:
    """Which of the account's onboardings an event belongs to; "" when it names none (most accounts have only one)."""
    raw = event.properties.get(vocabulary.onboarding)
    said = str(raw)[:MOST_ID].strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    return said if said.isprintable() else ""


def _earliest_steps(
    left: Mapping[str, Mapping[str, datetime]], right: Mapping[str, Mapping[str, datetime]]
) -> Mapping[str, Mapping[str, datetime]]:
    """The first time of each step of each onboarding; too many are cut by their ids, so that arrival has no say."""
    kept = sorted({*left, *right})[:MOST_ONBOARDINGS]
    return {each: _earliest(left.get(each, {}), right.get(each, {})) for each in kept}


def _earliest(left: Mapping[str, datetime], right: Mapping[str, datetime]) -> Mapping[str, datetime]:
    return {step: min(steps[step] for steps in (left, right) if step in steps) for step in sorted({*left, *right})}


def _measured(event: Event, rule: MeasureRule) -> Json:
    if rule.property is not None:
        return event.properties.get(rule.property)
    return event.person if rule.distinct else 1


def _counted(fact: Fact | None, event: Event) -> Fact:
    at, week = event.occurred_at, week_of(event.occurred_at)
    if fact is None:
        return Fact(count=1, first=at, last=at, weeks={week: 1})
    weeks = {**fact.weeks, week: fact.weeks.get(week, 0) + 1}
    return Fact(count=fact.count + 1, first=min(fact.first, at), last=max(fact.last, at), weeks=_newest_weeks(weeks))


def _newest_weeks(weeks: dict[int, int]) -> dict[int, int]:
    if len(weeks) <= MOST_WEEKS:
        return weeks
    return {week: weeks[week] for week in sorted(weeks)[-MOST_WEEKS:]}


def _said(event: Event, vocabulary: Vocabulary) -> dict[str, Written]:
    return {
        name: Written(value=trait_value(event.properties[name], rule), stamp=event.stamp)
        for name, rule in vocabulary.traits.items()
        if name in event.properties
    }


def _word(event: Event, rule: SayingRule) -> dict[str, Said]:
    """A person's word by its subject; nothing when it names none."""
    said = event.properties
    subject = "" if rule.subject is None else said.get(rule.subject)
    if not isinstance(subject, str):
        return {}
    words = {name: trait_value(said[name], kind) if name in said else kind.default for name, kind in rule.words.items()}
    return {subject[:MOST_TEXT]: Said(words=words, stamp=event.stamp)}


def last_written(left: Mapping[str, Stamped], right: Mapping[str, Stamped]) -> dict[str, Stamped]:
    """For each name the value with the greater stamp."""
    merged = dict(left)
    for name, written in right.items():
        held = merged.get(name)
        if held is None or written.stamp > held.stamp:
            merged[name] = written
    return merged


def trait_value(raw: Json, rule: TraitRule) -> Value:
    """The value as its rule types it; None (unknown) when it cannot be that."""
    match rule.type:
        case TraitType.BOOL:
            return raw if isinstance(raw, bool) else None
        case TraitType.NUMBER:
            return _number(raw)
        case TraitType.TEXT:
            text = raw[:MOST_TEXT] if isinstance(raw, str) else None
            return text if not rule.values or text in rule.values else None
        case TraitType.INSTANT:
            return instant(raw)
        case _ as unreachable:
            assert_never(unreachable)


def _number(raw: Json) -> Figure | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    return raw if -MOST_NUMBER <= raw <= MOST_NUMBER else None  # NaN is not; an int may be too long for a float


def instant(raw: Json) -> datetime | None:
    """An ISO 8601 date or time as aware UTC (a bare date is its midnight UTC); None when it is none."""
    if not isinstance(raw, str):
        return None
    try:
        parsed = datetime.fromisoformat(raw)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _newest_answers(answers: dict[str, Written]) -> dict[str, Written]:
    return _newest_of(answers, MOST_ANSWERS)


def _newest_said(said: dict[str, Said]) -> dict[str, Said]:
    return _newest_of(said, MOST_SAID)


def _newest_of(written: dict[str, Stamped], most: int) -> dict[str, Stamped]:
    if len(written) <= most:
        return written
    return dict(sorted(written.items(), key=lambda item: (item[1].stamp, item[0]))[-most:])


def _first_values(values: frozenset[str]) -> frozenset[str]:
    return values if len(values) <= MOST_VALUES else frozenset(sorted(values)[:MOST_VALUES])


def union(left: Facts, right: Facts) -> Facts:
    """The facts of two disjoint sets of events together (merging two accounts)."""
    return Facts(
        events={name: _joined(left.events.get(name), right.events.get(name)) for name in {*left.events, *right.events}},
        traits=last_written(left.traits, right.traits),
        scores={
            name: _newest_answers(last_written(left.scores.get(name, {}), right.scores.get(name, {})))
            for name in {*left.scores, *right.scores}
        },
        sums={name: left.sums.get(name, 0) + right.sums.get(name, 0) for name in {*left.sums, *right.sums}},
        values={
            name: _first_values(left.values.get(name, frozenset()) | right.values.get(name, frozenset()))
            for name in {*left.values, *right.values}
        },
        said={
            name: _newest_said(last_written(left.said.get(name, {}), right.said.get(name, {})))
            for name in {*left.said, *right.said}
        },
        onboardings=_earliest_steps(left.onboardings, right.onboardings),
    )


def known_as(facts: Facts, names: Mapping[str, str], vocabulary: Vocabulary) -> Facts:
    """The facts with persons under the ids that they are known as now: whoever had two ids is counted once.

    A figure that has reached its bound of distinct values may fall short by those who were counted twice in it.
    """
    of_persons = {name for name, rule in vocabulary.measures.items() if rule.distinct and rule.property is None}
    values = {
        name: frozenset(names.get(each, each) for each in kept) if name in of_persons else kept
        for name, kept in facts.values.items()
    }
    return replace(facts, values=values, scores={name: _answered(kept, names) for name, kept in facts.scores.items()})


def _answered(answers: Mapping[str, Written], names: Mapping[str, str]) -> dict[str, Written]:
    """Each person's last answer, under whatever id it was given."""
    left = {person: answer for person, answer in answers.items() if person not in names}
    for person in answers.keys() & names.keys():
        left = last_written(left, {names[person]: answers[person]})
    return left


def measure(name: str, facts: Facts) -> Figure | None:
    """A figure; None when nothing was ever measured."""
    if name in facts.values:
        return len(facts.values[name])
    return facts.sums[name] / MILLIONTH if name in facts.sums else None


def _joined(left: Fact | None, right: Fact | None) -> Fact:
    if left is None or right is None:
        only = left or right
        assert only is not None, "a name of the union is in one of the two"  # noqa: S101 -- states an invariant
        return only
    weeks = {week: left.weeks.get(week, 0) + right.weeks.get(week, 0) for week in {*left.weeks, *right.weeks}}
    return Fact(
        count=left.count + right.count,
        first=min(left.first, right.first),
        last=max(left.last, right.last),
        weeks=_newest_weeks(weeks),
    )
