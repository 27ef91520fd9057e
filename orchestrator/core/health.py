"""Health: what the weighted indicators of an account add up to, 0 to 100.

An indicator that is unknown is left out and the weights of the others are scaled up, but only as long as what is known
covers enough weight (``coverage_floor``): below it the whole is unknown, never green from nothing. Bands are half-open:
green from ``green`` on, yellow from ``yellow`` on, below it red. A human's override stands in for score and colour
until it expires; the raw score is kept beside it.

Its course is told by weekly samples of the raw score: the state of the account when a calendar week (Monday 00:00 UTC)
begins, taken once. A week that was missed stays unknown, because the facts of now cannot tell what they were then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from orchestrator.core.facts import Facts, Said
from orchestrator.core.figures import Figure

WORD = "health_overridden"  # the own event by which a human says otherwise
FULL = 100  # what the weights add up to, and the best score
MOST_SAMPLES = 60  # weeks that are kept: the newest
_HALF = 50  # what yellow is worth
_DIGITS = 6  # a score is rounded to these, so that a band's edge is not missed by the last bit of a float


@unique
class Colour(StrEnum):
    """How an indicator, or the whole, is doing."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@unique
class RollUp(StrEnum):
    """How the colours of the indicators make the colour of the whole; the score is always the weighted mean."""

    WEIGHTED = "weighted"  # by the band that the score lies in
    STRICT = "strict"  # all green: green; any red: red; else yellow (rules 1.3, "Health during onboarding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How readings are rolled up."""

    green: Figure = 70  # from this score on
    yellow: Figure = 40  # from this score on; below it: red
    coverage_floor: Figure = 60  # the weight that must be known, of 100
    roll_up: RollUp = RollUp.WEIGHTED
    worst_of: frozenset[str] = frozenset()  # indicators of which one red makes the whole red
    worth: tuple[Figure, Figure, Figure] = (FULL, _HALF, 0)  # what green, yellow and red count in the score

    def colour(self, score: Figure) -> Colour:
        """The band that a score lies in."""
        if score >= self.green:
            return Colour.GREEN
        return Colour.YELLOW if score >= self.yellow else Colour.RED

    def points(self, colour: Colour) -> Figure:
        """What a colour counts in the score."""
        return self.worth[tuple(Colour).index(colour)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one indicator says now."""

    name: str
    label: str  # what a person calls it
    weight: Figure  # of 100
    points: Figure | None  # 0 to 100; None: unknown
    colour: Colour | None  # None: unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A human's word on the health of an account."""

    score: Figure  # 0 to 100
    by: str  # who says so; empty when nobody is named
    reason: str
    at: datetime  # when it was said
    until: datetime  # it is in force before this instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The health of an account as things stand."""

    readings: tuple[Reading, ...]
    coverage: Figure  # the weight that is known, of 100
    raw: Figure | None  # the weighted mean of what is known; None: too little is
    override: Override | None  # in force
    score: Figure | None  # the override's, else the raw one
    colour: Colour | None  # of that score


def weighed(readings: Sequence[Reading], rules: Rules, override: Override | None) -> Health:
    """What these readings add up to."""
    known = [(reading.weight, reading.points) for reading in readings if reading.points is not None]
    whole = sum(weight for weight, _ in known)
    coverage = whole if isinstance(whole, int) else round(whole, _DIGITS)
    enough = coverage > 0 and coverage >= rules.coverage_floor
    raw = round(sum(weight * points for weight, points in known) / coverage, _DIGITS) if enough else None
    score = raw if override is None else override.score
    return Health(
        readings=tuple(readings),
        coverage=coverage,
        raw=raw,
        override=override,
        score=score,
        colour=None if score is None else _colour(score, readings, rules, override),
    )


def _colour(score: Figure, readings: Sequence[Reading], rules: Rules, override: Override | None) -> Colour:
    """The colour of a score; a human's word is not outvoted by an indicator."""
    if override is not None:
        return rules.colour(score)
    if any(reading.colour is Colour.RED for reading in readings if reading.name in rules.worst_of):
        return Colour.RED
    if rules.roll_up is RollUp.WEIGHTED:
        return rules.colour(score)
    colours = {reading.colour for reading in readings} - {None}
    if Colour.RED in colours:
        return Colour.RED
    return Colour.GREEN if colours == {Colour.GREEN} else Colour.YELLOW


def linear(figure: Figure, worst: Figure, best: Figure) -> Figure:
    """0 at ``worst`` (and beyond), 100 at ``best`` (and beyond), straight in between."""
    points = FULL * (figure - worst) / (best - worst)
    if not points > 0:
        return 0
    return round(points, _DIGITS) if points < FULL else FULL


def said(facts: Facts) -> Said | None:
    """The last word of a human on the health; None when nobody ever spoke of it."""
    return facts.said.get(WORD, {}).get("")


def override_of(facts: Facts, now: datetime) -> Override | None:
    """The override that is in force; one without a score of 0 to 100 or without an end lifts what was said before."""
    word = said(facts)
    if word is None:
        return None
    score, until, by, reason = (word.words[name] for name in ("score", "until", "by", "reason"))
    if not isinstance(score, int | float) or not 0 <= score <= FULL:
        return None
    if not isinstance(until, datetime) or until <= now:
        return None
    return Override(
        score=score,
        by=by if isinstance(by, str) else "",
        reason=reason if isinstance(reason, str) else "",
        at=word.stamp[0],
        until=until,
    )


def override_turned(facts: Facts, now: datetime) -> datetime | None:
    """When what the override says last changed: when it was said, or when it expired; None: nobody ever spoke."""
    word = said(facts)
    if word is None:
        return None
    until = word.words["until"]
    ended = isinstance(until, datetime) and until <= now
    return max(word.stamp[0], until) if ended and isinstance(until, datetime) else word.stamp[0]


def with_sample(samples: Mapping[int, Figure | None], week: int, score: Figure | None) -> dict[int, Figure | None]:
    """The samples with one more week; None: the score was unknown when it was taken."""
    taken = {**samples, week: score}
    return {number: taken[number] for number in sorted(taken)[-MOST_SAMPLES:]}


def falling_weeks(samples: Mapping[int, Figure | None], week: int) -> int | None:
    """How many weeks in a row, up to this one, began lower than the one before; None when that is not known.

    A week without a known sample breaks the run; where this week's or the last one's is missing nothing is known.
    """
    falls = 0
    while (later := samples.get(week)) is not None and (earlier := samples.get(week - 1)) is not None:
        if later >= earlier:
            return falls
        week, falls = week - 1, falls + 1
    return falls or None
