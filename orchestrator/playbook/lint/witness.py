"""A View that shows what was found: facts, instants, answers and figures made so that each term reads its value."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.core import health
from orchestrator.core.conditions import Says, TermKind, View
from orchestrator.core.facts import MILLIONTH, Fact, Facts, Said, Value, Written, week_of
from orchestrator.core.health import Colour
from orchestrator.core.playbook import Playbook
from orchestrator.core.signals import ACKNOWLEDGED, SignalState
from orchestrator.playbook.lint.instants import ANCHOR, ENTERED, NOW, Point

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)  # where the day count begins, so that all its weeks are full ones
_HIGHEST_FIRST_WEEK = 200  # activities of a first week, for a ratio
_SOURCE = "witness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found: where the instants lie, in microseconds, and what the other terms read."""

    at: Mapping[Point, int]
    values: Mapping[tuple[TermKind, str], Value]

    def value(self, kind: TermKind, name: str, otherwise: Value = None) -> Value:
        """What a term reads; ``otherwise`` where nothing was asked of it."""
        return self.values.get((kind, name), otherwise)


def view_of(found: Found, playbook: Playbook) -> View | None:
    """The View in which every term reads what was found; None when no calendar or no whole numbers hold it."""
    try:
        return _Making(found, playbook).view()
    except OverflowError:
        return None


class _Making:
    def __init__(self, found: Found, playbook: Playbook) -> None:
        self.found = found
        self.playbook = playbook
        zero = found.at[ANCHOR] if ANCHOR in found.at else found.at[NOW]
        self.instants = {point: MONDAY + timedelta(microseconds=offset - zero) for point, offset in found.at.items()}

    def view(self) -> View | None:
        events = {name: self.fact(name) for kind, name in self.instants if kind == "first"}
        if None in events.values():
            return None
        facts = Facts(
            events={name: fact for name, fact in events.items() if fact is not None},
            traits=dict(self.traits()),
            scores=dict(self.scores()),
            sums=dict(self.sums()),
            values=dict(self.distinct()),
            said={
                "judgement_ticked": dict(self.judged()),
                ACKNOWLEDGED: dict(self.acknowledged()),
                health.WORD: dict(self.overridden()),
            },
        )
        return View(
            facts=facts,
            vocabulary=self.playbook.vocabulary,
            now=self.now,
            anchor=self.instants.get(ANCHOR),
            stage=str(self.found.value(TermKind.STAGE, "", self.playbook.first_stage)),
            stage_entered_at=self.instants[ENTERED],
            milestones={
                name: self.instants.get(("reached", name), self.now)
                for (kind, name), value in self.found.values.items()
                if kind is TermKind.MILESTONE and value is True
            },
            signals=dict(self.signals()),
            samples=self.samples(),
        )

    @property
    def now(self) -> datetime:
        return self.instants[NOW]

    def fact(self, name: str) -> Fact | None:
        count = self.found.value(TermKind.COUNT, name, 1)
        assert isinstance(count, int), "of its domain"  # noqa: S101 -- invariant
        weeks = self.weeks(name)
        first, last = self.instants["first", name], self.instants["last", name]
        return None if weeks is None else Fact(count=count, first=first, last=last, weeks=weeks)

    def weeks(self, name: str) -> Mapping[int, int] | None:
        """Activity a week, since the anchor; None when no whole numbers make these falls and this ratio."""
        falls, ratio = (self.found.value(kind, name) for kind in (TermKind.FALLING, TermKind.WEEK_RATIO))
        if falls is None and ratio is None:
            return {}
        begin = week_of(self.instants[ANCHOR])
        full = week_of(self.now) - begin
        if not full and not falls:
            return {}
        assert isinstance(falls, int | None) and isinstance(ratio, int | float | None), "of their domains"  # noqa: S101, PT018 -- invariant
        weeks = next(_declines(full, falls, ratio), None)
        return None if weeks is None else {begin + number: each for number, each in enumerate(weeks) if each}

    def traits(self) -> Iterator[tuple[str, Written]]:
        for (kind, name), value in self.found.values.items():
            if kind is TermKind.TRAIT:
                yield name, self.written(value)
        for kind, name in self.instants:  # type: ignore[assignment]  # a kind of point, by its word
            if kind == "trait":
                yield name, self.written(self.instants["trait", name])

    def written(self, value: Value, number: int = 0) -> Written:
        return Written(value=value, stamp=(self.now, _SOURCE, f"{number:04}"))

    def scores(self) -> Iterator[tuple[str, Mapping[str, Written]]]:
        for name, rule in self.playbook.vocabulary.scores.items():
            lowest, latest = (self.found.value(kind, name) for kind in (TermKind.LOWEST, TermKind.LATEST))
            given = lowest if lowest is not None else latest
            count = self.found.value(TermKind.ANSWERS, name, 0 if given is None else 2 if lowest != latest else 1)
            assert isinstance(count, int), "of its domain"  # noqa: S101 -- invariant
            low, last = (each if each is not None else given for each in (lowest, latest))
            answers = [rule.highest if given is None else low] * (count - 1) + [rule.highest if given is None else last]
            if count:
                yield name, {f"person {n}": self.written(each, n) for n, each in enumerate(answers)}

    def sums(self) -> Iterator[tuple[str, int]]:
        for (kind, name), value in self.found.values.items():
            if kind is TermKind.MEASURE and not self.playbook.vocabulary.measures[name].distinct:
                assert isinstance(value, int | float), "of its domain"  # noqa: S101 -- invariant
                yield name, round(value * MILLIONTH)

    def judged(self) -> Iterator[tuple[str, Said]]:
        for (kind, name), value in self.found.values.items():
            if kind is TermKind.JUDGED:
                words = {"by": "Ann", "evidence": "seen", "ticked": value}
                yield name, Said(words=words, stamp=self.written(value).stamp)

    def signals(self) -> Iterator[tuple[str, SignalState]]:
        """Those that are open, and those that were."""
        for (kind, name), opened_at in self.instants.items():
            if kind == "opened":
                count = self.found.value(TermKind.SIGNAL_COUNT, name, 1)
                assert isinstance(count, int), "of its domain"  # noqa: S101 -- invariant
                yield name, SignalState(episode=opened_at.isoformat(), opened_at=opened_at, count=count)
        for (kind, name), value in self.found.values.items():
            if kind is TermKind.SIGNAL_COUNT and value and ("opened", name) not in self.instants:
                assert isinstance(value, int), "of its domain"  # noqa: S101 -- invariant
                yield name, SignalState(episode="", opened_at=self.now, closed_at=self.now, count=value)

    def acknowledged(self) -> Iterator[tuple[str, Said]]:
        for (kind, name), value in self.found.values.items():
            if kind is TermKind.ACKNOWLEDGED and value is True:
                yield name, Said(words={}, stamp=self.written(value).stamp)

    def overridden(self) -> Iterator[tuple[str, Said]]:
        """A human's word that makes health what was found."""
        score = self.found.value(TermKind.OVERRIDE, Says.SCORE.value)
        colour = self.found.value(TermKind.OVERRIDE, Says.COLOUR.value)
        if score is None and colour is not None and self.playbook.health is not None:
            rules = self.playbook.health.rules
            score = {Colour.GREEN: rules.green, Colour.YELLOW: rules.yellow, Colour.RED: 0}[Colour(str(colour))]
        if score is not None:
            words = {"score": score, "until": self.now + timedelta(days=1), "by": "Ann", "reason": "seen"}
            yield "", Said(words=words, stamp=self.written(score).stamp)

    def samples(self) -> Mapping[int, float]:
        """Weeks that began lower and lower."""
        falls, week = self.found.value(TermKind.HEALTH_FALLING, ""), week_of(self.now)
        if not isinstance(falls, int):
            return {}
        return {week - back: 1 + min(back, falls) for back in range(falls + 2)}  # it has stood still before

    def distinct(self) -> Iterator[tuple[str, frozenset[str]]]:
        for (kind, name), value in self.found.values.items():
            if kind is TermKind.MEASURE and self.playbook.vocabulary.measures[name].distinct:
                assert isinstance(value, int), "of its domain"  # noqa: S101 -- invariant
                yield name, frozenset(f"value {number}" for number in range(value))


def _declines(full: int, falls: int | None, ratio: float | None) -> Iterator[list[int]]:
    """Weeks of activity whose last ones fall so often, the last being so much of the first."""
    steps = falls or 0
    for first in range(_HIGHEST_FIRST_WEEK):
        last = 0 if ratio is None or math.isinf(ratio) else round(first * ratio)
        tail = [last + steps - number for number in range(steps + 1)]
        for middle in (0, first):
            weeks = [first, *[middle] * (full - steps - 2), *tail] if full > steps + 1 else [first, *tail[1:]]
            if len(weeks) == full and falls in {None, _falls(weeks)} and ratio in {None, _ratio(weeks)}:
                yield weeks


def _falls(weeks: list[int]) -> int:
    number = 0
    while number + 1 < len(weeks) and weeks[-number - 1] < weeks[-number - 2]:
        number += 1
    return number


def _ratio(weeks: list[int]) -> float:
    return weeks[-1] / weeks[0] if weeks[0] else math.inf
