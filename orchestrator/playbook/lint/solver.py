"""Can these conditions be met together, at one instant of one account? Exact over intervals, lists and instants.

Each alternative (``clauses``) is a set of atoms. Terms of different subjects are independent; terms of one subject are
coupled: an event was seen, or its count is 0 and its last time infinitely long ago; scores lie within their scale, and
somebody answered or nobody did; a figure is what the count says it is; two falling weeks need three full ones. So a
subject is decided by trying one value of each piece of its terms (``pieces``), and time by differences (``instants``).

What is found satisfiable has a witness: a View on which the engine's own ``verdict`` was asked. What compares two
figures, or is not linear, is let pass here and only decided by that question: a *no* of this module is always one, and
where it can say neither yes nor no it says unproven.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, unique
from fractions import Fraction

from orchestrator.core.conditions import Compare, Literal, Node, Says, Term, TermKind, View, terms, verdict
from orchestrator.core.errors import UndecidableError
from orchestrator.core.facts import MOST_ANSWERS, MOST_NUMBER, MOST_VALUES, MOST_WEEKS, TraitType, Value
from orchestrator.core.health import FULL, MOST_SAMPLES, Colour
from orchestrator.core.playbook import Playbook
from orchestrator.playbook.lint import instants
from orchestrator.playbook.lint.clauses import Atoms, Demand, Implied, alternatives
from orchestrator.playbook.lint.instants import ANCHOR, DAY, ENTERED, NOW, Apart, Point
from orchestrator.playbook.lint.pieces import judged_or_no_value, real_numbers, turning_points, whole_numbers
from orchestrator.playbook.lint.witness import Found, view_of

MOST_ALTERNATIVES = 600  # of one question; beyond it nothing is proven
MOST_TRIES = 20_000  # combinations of values of one subject
MOST_TIMES = 64  # ways in which one alternative may lie in time
_MOST_EVENTS = 10**6  # a count is no greater here

Key = tuple[TermKind, str]


@unique
class Proof(Enum):
    """What is known of a question."""

    SATISFIABLE = "satisfiable"
    UNSATISFIABLE = "unsatisfiable"
    UNPROVEN = "not proven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known, with a View on which it holds where there is one."""

    proof: Proof
    witness: View | None = None

    @property
    def impossible(self) -> bool:
        """Whether it is proven that it never holds."""
        return self.proof is Proof.UNSATISFIABLE


def solve(
    demands: Sequence[Demand], playbook: Playbook, bounds: Iterable[Apart] = (), implied: Implied | None = None
) -> Answer:
    """Whether all demands can be met at one instant of one account, and these bounds of instants with them."""
    known = implied or Implied(milestones={name: milestone.when for name, milestone in playbook.milestones.items()})
    open_question = False
    for number, atoms in enumerate(alternatives(demands, known)):
        if number == MOST_ALTERNATIVES:
            return Answer(proof=Proof.UNPROVEN)
        for found in _Alternative(atoms, playbook, tuple(bounds)).found():
            view = None if found is None else view_of(found, playbook)
            known_atoms = (atom for atom in atoms if not _is_free(atom))
            if view is not None and _meets(view, (*demands, *known_atoms)):
                return Answer(proof=Proof.SATISFIABLE, witness=view)
            open_question = True
    return Answer(proof=Proof.UNPROVEN if open_question else Proof.UNSATISFIABLE)


def _meets(view: View, demands: Iterable[Demand]) -> bool:
    try:
        return all(demand.want.met(verdict(demand.node, view)) for demand in demands)
    except UndecidableError:
        return False


def _is_free(atom: Demand) -> bool:
    """Whether it is about health, for which ``clauses`` put a term that reads otherwise."""
    return any(term.kind is TermKind.OVERRIDE for term in terms(atom.node))


# ---------------------------------------------------------------------------------------------------------- the atoms

_OF_ACCOUNTS = frozenset({TermKind.DAY, TermKind.STAGE_DAYS, TermKind.DAYS_UNTIL, TermKind.MILESTONE_DAYS})
_OF_TIME = _OF_ACCOUNTS | {TermKind.DAYS_AGO, TermKind.BUSINESS_DAYS_AGO, TermKind.FIRST_DAY, TermKind.SIGNAL_DAYS}
_INSTANTS = frozenset({TermKind.FIRST, TermKind.LAST})
_OF_ANSWERS = frozenset({TermKind.LATEST, TermKind.LOWEST})
_OF_SCORES = _OF_ANSWERS | {TermKind.ANSWERS}
_OF_SIGNALS = frozenset({TermKind.SIGNAL, TermKind.SIGNAL_DAYS, TermKind.SIGNAL_COUNT, TermKind.ACKNOWLEDGED})
_OF_EVENTS = (
    frozenset({TermKind.SEEN, TermKind.COUNT, TermKind.FALLING, TermKind.WEEK_RATIO}) | _INSTANTS | _OF_TIME
) - (_OF_ACCOUNTS | _OF_SIGNALS)
_OF_HEALTH = frozenset({TermKind.OVERRIDE, TermKind.HEALTH_FALLING})
_PLAIN = frozenset({TermKind.TRAIT, TermKind.STAGE, TermKind.MILESTONE, TermKind.JUDGED}) | _OF_HEALTH
_KNOWN = _OF_EVENTS | _OF_SCORES | _OF_SIGNALS | _OF_ACCOUNTS | _PLAIN | {TermKind.MEASURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Situation:
    """What decides whether a term is known at all."""

    anchored: bool  # the anchor's event was seen
    full_week: bool | None  # since the anchor one is over; None: no rule asks


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What one event, or one signal, may be like."""

    seen: bool  # of a signal: it is open
    values: Mapping[Key, Value] = field(default_factory=dict)

    @property
    def once(self) -> bool:
        return self.seen and any(key[0] is TermKind.COUNT and value == 1 for key, value in self.values.items())

    @property
    def falls(self) -> int:
        falls = (value for (kind, _), value in self.values.items() if kind is TermKind.FALLING)
        return max((value for value in falls if isinstance(value, int)), default=0)


class _Alternative:
    """Atoms that must be met together."""

    def __init__(self, atoms: Atoms, playbook: Playbook, bounds: tuple[Apart, ...]) -> None:
        self.playbook = playbook
        self.words = playbook.vocabulary
        self.bounds = bounds
        self.instants = {key for bound in bounds for key in (bound.later, bound.earlier)}
        self.of_time: list[tuple[Compare, Demand]] = []
        self.of: dict[Key, list[Demand]] = {}
        self.points: dict[Key, set[Fraction]] = {}
        self.impossible = False
        self.terms: set[Key] = set()
        for atom in atoms:
            self.sort(atom)

    def sort(self, atom: Demand) -> None:
        """Put an atom where it will be decided; what compares two figures is left to the witness."""
        keys = {(term.kind, term.name) for term in terms(atom.node)}
        if not all(kind in _KNOWN for kind, _ in keys):
            return
        self.terms |= keys
        if not keys:
            self.impossible |= not any(map(atom.want.met, judged_or_no_value(atom.node, None)))
        elif isinstance(atom.node, Compare) and all(self.is_time(side) for side in (atom.node.left, atom.node.right)):
            self.of_time.append((atom.node, atom))
        elif len(keys) == 1 and (points := turning_points(atom.node)) is not None:
            (key,) = keys
            self.of.setdefault(key, []).append(atom)
            self.points.setdefault(key, set()).update(points)

    def is_time(self, node: Node) -> bool:
        match node:
            case Term(kind=TermKind.TRAIT, name=name):
                return self.words.traits[name].type is TraitType.INSTANT
            case Term(kind=kind):
                return kind in _OF_TIME | _INSTANTS
            case Literal(value=value):
                return isinstance(value, int | float) and not isinstance(value, bool)
            case _:
                return False

    def found(self) -> Iterator[Found | None]:
        """What may meet them all; None where the search was given up."""
        if self.impossible:
            return
        plain = {key: self.plain(key) for key in self.terms if key[0] in _PLAIN and not self.is_instant(key)}
        if not all(plain.values()):
            return
        chosen = {key: values[0] for key, values in plain.items()}
        for situation in self.situations():
            yield from self.in_situation(situation, chosen)

    def situations(self) -> Iterator[_Situation]:
        weekly = any(kind is TermKind.WEEK_RATIO for kind, _ in self.terms)
        for anchored in (True, False):
            for full_week in (True, False) if weekly and anchored else (None,):
                yield _Situation(anchored=anchored, full_week=full_week)

    def in_situation(self, situation: _Situation, chosen: Mapping[Key, Value]) -> Iterator[Found | None]:
        states = {event: list(self.states(event, situation)) for event in self.events()}
        bounded = {name for kind, name in self.instants if kind == "trait"}
        known: list[tuple[str, tuple[bool, ...]]] = [
            (trait, (True,) if trait in bounded else (True, False)) for trait in self.instant_traits()
        ]
        known += [(name, self.reached(name)) for name in self.timed_milestones()]
        ways = itertools.product(*states.values(), *(choice for _, choice in known))
        for number, way in enumerate(ways):
            if number == MOST_TRIES or None in way:
                yield None
                return
            of_events = {event: state for event, state in zip(states, way, strict=False) if isinstance(state, _State)}
            told = {trait for (trait, _), is_known in zip(known, way[len(states) :], strict=True) if is_known}
            reached: dict[Key, Value] = {(TermKind.MILESTONE, name): name in told for name in self.timed_milestones()}
            yield from self.in_time(situation, {**chosen, **reached}, of_events, told)

    # -- values ------------------------------------------------------------------------------------------------------

    def met(self, key: Key, value: Value) -> bool:
        """Whether every atom over this one term is met where it reads this value."""
        return all(any(map(atom.want.met, judged_or_no_value(atom.node, value))) for atom in self.of.get(key, ()))

    def timed_milestones(self) -> list[str]:
        """The milestones of which it is asked how long they took."""
        return sorted(name for kind, name in self.terms if kind is TermKind.MILESTONE_DAYS)

    def reached(self, milestone: str) -> tuple[bool, ...]:
        return tuple(each for each in (True, False) if self.met((TermKind.MILESTONE, milestone), each))

    def is_instant(self, key: Key) -> bool:
        if key[0] is TermKind.DAYS_UNTIL:
            return True
        return key[0] is TermKind.TRAIT and self.words.traits[key[1]].type is TraitType.INSTANT

    def instant_traits(self) -> list[str]:
        bounded = {name for kind, name in self.instants if kind == "trait"}
        return sorted(bounded.union(key[1] for key in self.terms if self.is_instant(key)))

    def plain(self, key: Key) -> list[Value]:
        """The values that a term without couplings may have here; unknown is the last to be tried."""
        return [value for value in self.plain_domain(key) if self.met(key, value)]

    def plain_domain(self, key: Key) -> Sequence[Value]:
        kind, name = key
        if kind is TermKind.STAGE:
            return tuple(self.playbook.stages)
        if kind in {TermKind.MILESTONE, TermKind.JUDGED}:
            return (True, False)
        if kind in _OF_HEALTH:
            return self.healths(key)
        rule = self.words.traits[name]
        match rule.type:
            case TraitType.BOOL:
                return (True, False, None)
            case TraitType.NUMBER:
                return (*real_numbers(self.points.get(key, ()), -MOST_NUMBER, MOST_NUMBER), None)
            case _:
                return (*(rule.values or self.texts(key)), None)

    def healths(self, key: Key) -> Sequence[Value]:
        kind, name = key
        if kind is TermKind.HEALTH_FALLING:
            return (*whole_numbers(self.points.get(key, ()), 0, MOST_SAMPLES - 1), None)
        if name == Says.COLOUR:
            return (*(colour.value for colour in Colour), None)
        return (*real_numbers(self.points.get(key, ()), 0, FULL), None)

    def texts(self, key: Key) -> Iterator[str]:
        """The texts that an open list is compared with, and one that is none of them."""
        said = {
            side.value
            for atom in self.of.get(key, ())
            if isinstance(atom.node, Compare)
            for side in (atom.node.left, atom.node.right)
            if isinstance(side, Literal) and isinstance(side.value, str)
        }
        yield from sorted(said)
        yield next(text for text in ("other", *(f"other {n}" for n in range(len(said)))) if text not in said)

    # -- events ------------------------------------------------------------------------------------------------------

    def subject(self, key: Key) -> str | None:
        """The event or signal that a term is about; None for the others."""
        kind, name = key
        if kind in _OF_EVENTS | _OF_SIGNALS:
            return name
        if kind in _OF_SCORES:
            return self.words.scores[name].event
        return self.words.measures[name].event if kind is TermKind.MEASURE else None

    def events(self) -> list[str]:
        about = {event for key in self.terms if (event := self.subject(key)) is not None}
        bounded = {name for kind, name in self.instants if kind in {"first", "last", "opened"}}
        return sorted(about | bounded | {self.playbook.anchor})

    def states(self, event: str, situation: _Situation) -> Iterator[_State | None]:
        """What the event may be like, as far as its own terms go; None where the search was given up."""
        keys = [key for key in sorted(self.terms) if self.subject(key) == event and key[0] not in _OF_TIME | _INSTANTS]
        if event in self.playbook.signals:
            yield from self.signal(event, keys)
            return
        required = any(kind in {"first", "last"} and name == event for kind, name in self.instants)
        if event != self.playbook.anchor or situation.anchored:
            yield from self.seen(event, keys, situation)
        if not required and (event != self.playbook.anchor or not situation.anchored):
            values = {key: self.unseen_value(key, situation) for key in keys}
            if all(self.met(key, value) for key, value in values.items()):
                yield _State(seen=False, values=values)

    def signal(self, name: str, keys: Sequence[Key]) -> Iterator[_State]:
        """What a signal may be like: open, or not."""
        for is_open in (True,) if ("opened", name) in self.instants else (True, False):
            fits = {
                key: [value for value in self.of_signal(key, is_open=is_open) if self.met(key, value)] for key in keys
            }
            if all(fits.values()):
                yield _State(seen=is_open, values={key: values[0] for key, values in fits.items()})

    def of_signal(self, key: Key, *, is_open: bool) -> Sequence[Value]:
        match key[0]:
            case TermKind.SIGNAL:
                return (is_open,)
            case TermKind.SIGNAL_COUNT:
                return whole_numbers(self.points.get(key, ()), int(is_open), _MOST_EVENTS)
            case _:
                return (False, True) if is_open else (False,)

    def unseen_value(self, key: Key, situation: _Situation) -> Value:
        match key[0]:
            case TermKind.SEEN:
                return False
            case TermKind.WEEK_RATIO:
                return math.inf if situation.full_week else None
            case TermKind.FALLING:
                return 0 if situation.anchored else None
            case kind:
                return None if kind in _OF_ANSWERS else 0

    def seen(self, event: str, keys: Sequence[Key], situation: _Situation) -> Iterator[_State | None]:
        """It was seen: often, and just once (then its first time is its last)."""
        count: Key = (TermKind.COUNT, event)
        every = [count, *(key for key in keys if key != count)]
        shared = {point for key in every for point in self.points.get(key, ())}
        domains = [[value for value in self.domain(key, shared, situation) if self.met(key, value)] for key in every]
        often: _State | None = None
        once: _State | None = None
        for number, values in enumerate(itertools.product(*domains)):
            if number == MOST_TRIES:
                yield None
                return
            state = _State(seen=True, values=dict(zip(every, values, strict=True)))
            if self.coherent(event, state.values):
                once, often = (state, often) if state.once and once is None else (once, often or state)
            if once and often and not often.once:
                break
        usual = (once, often) if event == self.playbook.anchor else (often, once)
        yield from (state for state in usual if state is not None)

    def domain(self, key: Key, points: Iterable[Fraction], situation: _Situation) -> Sequence[Value]:
        """The values that a term of a seen event may have."""
        kind, name = key
        match kind:
            case TermKind.SEEN:
                return (True,)
            case TermKind.COUNT:
                needed = {Fraction(MOST_ANSWERS), Fraction(_sum_to(MOST_WEEKS))}
                return whole_numbers({*points, *needed, Fraction(2)}, 1, _MOST_EVENTS)
            case TermKind.FALLING:
                return whole_numbers(points, 0, MOST_WEEKS - 1) if situation.anchored else (None,)
            case TermKind.WEEK_RATIO:
                return (*real_numbers(points, 0, _MOST_EVENTS), math.inf) if situation.full_week else (None,)
            case TermKind.ANSWERS:
                return whole_numbers(points, 0, MOST_ANSWERS)
            case TermKind.MEASURE:
                return self.figures(name, points)
            case _:
                rule = self.words.scores[name]
                return (*real_numbers(points, rule.lowest, rule.highest), None)

    def figures(self, name: str, points: Iterable[Fraction]) -> Sequence[Value]:
        rule = self.words.measures[name]
        if rule.distinct:
            return whole_numbers(points, 0, MOST_VALUES)
        if rule.property is None:
            return whole_numbers({*points, Fraction(2)}, 1, _MOST_EVENTS)
        return real_numbers(points, -MOST_NUMBER, MOST_NUMBER)

    def coherent(self, event: str, values: Mapping[Key, Value]) -> bool:
        """Whether these values of one event's terms can be true together."""
        count = values[(TermKind.COUNT, event)]
        assert isinstance(count, int), "of its domain"  # noqa: S101 -- invariant
        for (kind, name), value in values.items():
            if kind is TermKind.FALLING and isinstance(value, int) and _sum_to(value) > count:
                return False
            if kind is TermKind.MEASURE and not self.fits(name, value, count):
                return False
            if kind in _OF_SCORES and not self.answered(name, values, count):
                return False
        return True

    def fits(self, name: str, value: Value, count: int) -> bool:
        rule = self.words.measures[name]
        assert isinstance(value, int | float), "of its domain"  # noqa: S101 -- invariant
        if rule.distinct:
            return value <= count
        return rule.property is not None or value == count

    def answered(self, name: str, values: Mapping[Key, Value], count: int) -> bool:
        """Somebody answered and all is known, or nobody did and nothing is; one answer is the lowest and the latest."""
        lowest, latest = (values.get((kind, name), ...) for kind in (TermKind.LOWEST, TermKind.LATEST))
        answers = values.get((TermKind.ANSWERS, name))
        known = {value is not None for value in (lowest, latest) if value is not ...}
        if len(known) > 1 or (answers is not None and known and known != {answers != 0}):
            return False
        if isinstance(answers, int) and answers > count:
            return False
        if not isinstance(lowest, int | float) or not isinstance(latest, int | float):
            return True
        return lowest == latest if answers == 1 or count == 1 else lowest <= latest

    # -- time --------------------------------------------------------------------------------------------------------

    def in_time(
        self, situation: _Situation, chosen: Mapping[Key, Value], states: Mapping[str, _State], told: set[str]
    ) -> Iterator[Found | None]:
        """Where the instants may lie: as one expects, or with an anchor that was corrected after it was frozen."""
        seen = {event for event, state in states.items() if state.seen}
        ways = self.ways(situation, seen, told)
        if ways is None:
            return
        once = {event for event, state in states.items() if state.once}
        natural = list(self.natural(situation, seen, once))
        weeks = self.weeks(situation, max(state.falls for state in states.values()))
        points = {NOW, ENTERED, *(point for name in seen for point in self.instants_of(name))}
        points |= {self.instant_of(name) for name in told} | ({ANCHOR} if situation.anchored else set())
        natural += [Apart(later=point, earlier=NOW, most=0) for point in points if point[0] == "reached"]
        for usual, passed in itertools.product(self.usual(situation, points), weeks):
            for number, way in enumerate(itertools.product(*ways)):
                if number == MOST_TIMES:
                    yield None
                    return
                bounds = [
                    *itertools.chain(*way),
                    *natural,
                    *passed,
                    *self.bounds,
                    *usual,
                ]
                at = instants.placed(points, bounds) if _within(bounds, points) else None
                if at is not None:
                    values = {
                        **chosen,
                        **{key: each for state in states.values() for key, each in state.values.items()},
                    }
                    yield Found(at=at, values=values)
                    return

    def usual(self, situation: _Situation, points: Iterable[Point]) -> Iterator[list[Apart]]:
        """What one expects: nothing happens before the anchor, then the anchor's event does not; then all that can."""
        if situation.anchored:
            firsts = [point for point in points if point[0] == "first"]
            yield [Apart(later=ANCHOR, earlier=first, most=0) for first in sorted(firsts)]
            yield [Apart(later=ANCHOR, earlier=("first", self.playbook.anchor), most=0)]
        yield []

    def instant_of(self, name: str) -> Point:
        """The instant that a trait names, or at which a milestone was reached."""
        return ("reached", name) if name in self.playbook.milestones else ("trait", name)

    def instants_of(self, name: str) -> tuple[Point, ...]:
        """The instants of an event that was seen, or of a signal that is open."""
        return (("opened", name),) if name in self.playbook.signals else (("first", name), ("last", name))

    def ways(self, situation: _Situation, seen: set[str], told: set[str]) -> list[tuple[tuple[Apart, ...], ...]] | None:
        """For each atom of time the ways in which it can be met; None when one cannot."""
        found = []
        for node, atom in self.of_time:
            met = self.way(node, atom, situation, seen, told)
            if not met:
                return None
            found.append(met)
        return found

    def way(
        self, node: Compare, atom: Demand, situation: _Situation, seen: set[str], told: set[str]
    ) -> tuple[tuple[Apart, ...], ...]:
        left, right = (self.placed(side, situation, seen, told) for side in (node.left, node.right))
        if left is None or right is None:
            return ((),) if atom.want.met(None) else ()
        sign = node.operator if atom.want.upward else _OTHERWISE[node.operator]
        if isinstance(left, tuple) and isinstance(right, tuple):
            return instants.apart(left[0], sign, right[0], 0)  # two instants, or two spans since the anchor
        return (*_against(left, sign, right), *self.looser(node, sign, seen))

    def looser(self, node: Compare, sign: str, seen: set[str]) -> tuple[tuple[Apart, ...], ...]:
        """There are fewer working days than days: so many at most may be any number of days."""
        term = node.left if isinstance(node.left, Term) else node.right
        at_least = {">", ">="} if term is node.left else {"<", "<="}
        working = isinstance(term, Term) and term.kind is TermKind.BUSINESS_DAYS_AGO and term.name in seen
        return ((),) if working and sign not in at_least else ()

    def placed(
        self, node: Node, situation: _Situation, seen: set[str], told: set[str]
    ) -> tuple[Point, ...] | float | None:
        """A side as one instant, as a span between two, as a number of days (never: infinite), or unknown."""
        match node:
            case Literal(value=int() | float() as value):
                return value
            case Term(kind=TermKind.STAGE_DAYS):
                return (NOW, ENTERED)
            case Term(kind=TermKind.DAY):
                return (NOW, ANCHOR) if situation.anchored else None
            case Term(kind=TermKind.TRAIT, name=name):
                return (("trait", name),) if name in told else None
            case Term(kind=TermKind.DAYS_UNTIL, name=name):
                return (("trait", name), NOW) if name in told else None
            case Term(kind=TermKind.MILESTONE_DAYS, name=name) if name in told:
                return (("reached", name), ANCHOR) if situation.anchored else None
            case Term(kind=TermKind.DAYS_AGO | TermKind.BUSINESS_DAYS_AGO, name=name):
                return (NOW, ("last", name)) if name in seen else math.inf
            case Term(kind=TermKind.SIGNAL_DAYS, name=name):
                return (NOW, ("opened", name)) if name in seen else 0
            case Term(kind=TermKind.FIRST_DAY, name=name) if name in seen:
                return (("first", name), ANCHOR) if situation.anchored else None
            case Term(kind=TermKind.LAST, name=name):
                return (("last", name),) if name in seen else -math.inf
            case Term(kind=TermKind.FIRST, name=name) if name in seen:
                return (("first", name),)
            case _:
                return math.inf

    def natural(self, situation: _Situation, seen: set[str], once: set[str]) -> Iterator[Apart]:
        """What holds of every account: nothing lies ahead, a first time is no later than the last."""
        yield Apart(later=ENTERED, earlier=NOW, most=0)
        for event in sorted(seen):
            *_, last = chain = self.instants_of(event)
            yield from (Apart(later=one, earlier=next_one, most=0) for one, next_one in itertools.pairwise(chain))
            yield Apart(later=last, earlier=NOW, most=0)
        for event in sorted(once):
            yield Apart(later=("last", event), earlier=("first", event), most=0)
        if situation.anchored:
            first, last = ("first", self.playbook.anchor), ("last", self.playbook.anchor)
            yield Apart(later=first, earlier=ANCHOR, most=0)  # a late report of an earlier one does not move it back
            yield Apart(later=ANCHOR, earlier=last, most=0)

    def weeks(self, situation: _Situation, falls: int) -> tuple[tuple[Apart, ...], ...]:
        """How many full weeks are over: some to spare first, so that there is room for any ratio, then the fewest."""
        if situation.full_week is False:
            return ((Apart(later=NOW, earlier=ANCHOR, most=14 * DAY - 1),),)
        if not falls and not situation.full_week:
            return ((),)
        fewest = falls + 1
        return tuple((Apart(later=ANCHOR, earlier=NOW, most=-7 * DAY * (fewest + spare)),) for spare in (2, 1, 0))


_OTHERWISE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _against(
    left: tuple[Point, ...] | float, sign: str, right: tuple[Point, ...] | float
) -> tuple[tuple[Apart, ...], ...]:
    """A span against a number of days, or what never was against what was."""
    if isinstance(left, tuple) and not isinstance(right, tuple):
        if math.isinf(right):
            holds = sign == "!=" or (sign in {"<", "<="} if right > 0 else sign in {">", ">="})
            return ((),) if holds else ()
        return instants.apart(left[0], sign, left[1], right)
    if isinstance(right, tuple):
        return _against(right, _MIRRORED[sign], left)
    assert not isinstance(left, tuple), "asked above"  # noqa: S101 -- invariant
    node = Compare(operator=sign, left=Literal(value=left, text=""), right=Literal(value=right, text=""), text=sign)
    return ((),) if judged_or_no_value(node, None) == (True,) else ()


def _within(bounds: Iterable[Apart], points: set[Point]) -> bool:
    return all(bound.later in points and bound.earlier in points for bound in bounds)


def _sum_to(number: int) -> int:
    return number * (number + 1) // 2
