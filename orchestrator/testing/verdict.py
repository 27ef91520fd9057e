"""What became of a scenario: it is lived through by the product's own simulation, and each difference is found.

A play that must be decided, sent, postponed or escalated is looked for among the rows of the chronicle. Mails and work
are counted: two expectations never mean the same one, and those that say when choose first. The first difference is the
one at the earliest instant: what follows from it is rarely news.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.core.conditions import Every, View, terms, verdict
from orchestrator.core.decisions import NoteKind
from orchestrator.core.errors import UndecidableError
from orchestrator.core.lifecycle import view_of
from orchestrator.core.playbook import Playbook
from orchestrator.testing.scenario import ACCOUNT, Expectation, Scenario
from orchestrator.testing.states import Asked
from orchestrator.usecases.chronicle import Row, on_its_way, row
from orchestrator.usecases.simulate import Simulated, simulate

_MOMENT = timedelta(microseconds=1)  # the resolution of our clocks
_COUNTED = frozenset({"message", "escalation"})  # kinds of which each row meets one expectation only
_BESIDE = {
    "decision": {"decision", "postponement"},
    "postponement": {"decision", "postponement"},
    "message": {"decision", "postponement", "message"},
    "escalation": {"decision", "postponement", "escalation"},
}  # the kinds of rows that can tell why one of this kind did not come


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the chronicle with its instant."""

    at: datetime  # when it was; of a milestone, when it was reached
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is otherwise than expected."""

    at: datetime  # up to here it is as expected
    place: str  # of the expectation; of the scenario's ``only``
    expected: str
    expectation: Expectation | None = None  # None: it came beside all that were expected, or a state was asked
    asked: Asked | None = None  # the state that was expected
    instead: Line | None = None  # what came; None: nothing
    play: str | None = None  # what it is about, where it is about a play


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A scenario that was lived through."""

    scenario: Scenario
    playbook: Playbook
    lines: tuple[Line, ...]  # the chronicle
    differences: tuple[Difference, ...]  # the first one first

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.differences


def judge(scenario: Scenario, playbook: Playbook) -> Verdict:
    """Live through a scenario and find every difference."""
    lived = live(scenario, playbook, scenario.until)
    lines = tuple(_line(row(each), each.at) for each in lived.happened)
    found = sorted(_Judging(scenario, playbook, lines).differences(), key=lambda each: each.at)
    return Verdict(scenario=scenario, playbook=playbook, lines=lines, differences=tuple(found))


def live(scenario: Scenario, playbook: Playbook, until: datetime) -> Simulated:
    """The product's own simulation of a scenario, up to an instant."""
    words = (heard.word for heard in scenario.heard)
    return simulate((call.arrival for call in scenario.calls), playbook, until, words=words)


def view_at(scenario: Scenario, playbook: Playbook, at: datetime) -> View | None:
    """What conditions see of the account at an instant; None before anything is known of it."""
    account = live(scenario, playbook, at).accounts.get(ACCOUNT)
    return None if account is None else view_of(account, at, playbook)


def _is_so(asked: Asked, view: View | None) -> bool:
    """Whether a state is as expected; what cannot be evaluated is not."""
    try:
        return view is not None and verdict(asked.node, view) is asked.says
    except UndecidableError:
        return False


def _concerned(asked: Asked, view: View | None) -> str | None:
    """The first signal that is not as expected: it is a play, and what was decided of it belongs to the story."""
    if asked.kind != "signals" or view is None:
        return None
    parts = asked.node.operands if isinstance(asked.node, Every) else (asked.node,)
    wrong = (term.name for part in parts if verdict(part, view) is not True for term in terms(part))
    return next(wrong, None)


def _line(told: Row, at: datetime) -> Line:
    """A milestone is reached when what it rests on happened, which may be told later."""
    reached = told.get("reached_at") if told.get("note") == NoteKind.MILESTONE else None
    return Line(at=datetime.fromisoformat(reached) if isinstance(reached, str) else at, row=told)


class _Judging:
    """The chronicle of one scenario beside what was expected of it."""

    def __init__(self, scenario: Scenario, playbook: Playbook, lines: Sequence[Line]) -> None:
        self.scenario = scenario
        self.playbook = playbook
        self.lines = lines
        self.taken: set[int] = set()  # numbers of counted lines that have met an expectation

    def differences(self) -> Iterator[Difference]:
        expected = self.scenario.expectations
        for each in sorted(expected, key=lambda each: (each.moment is None, len(each.wanted) * -1)):
            found = self.of_stage(each) if each.kind == "stage" else self.of_lines(each)
            if found is not None:
                yield found
        yield from self.of_states()
        yield from self.beside()

    # -- one expectation ---------------------------------------------------------------------------------------------

    def of_lines(self, expectation: Expectation) -> Difference | None:
        met = next((number for number in self.matching(expectation) if number not in self.taken), None)
        if expectation.absent:
            return None if met is None else self.difference(expectation, self.lines[met], self.lines[met].at)
        if met is None:
            return self.unmet(expectation)
        if expectation.kind in _COUNTED:
            self.taken.add(met)
        return None

    def matching(self, expectation: Expectation) -> Iterator[int]:
        for number, line in enumerate(self.lines):
            if _says(line.row, expectation) and expectation.fits(line.at):
                yield number

    def unmet(self, expectation: Expectation) -> Difference:
        limit = self.scenario.until if expectation.moment is None else expectation.moment.ends - _MOMENT
        instead = self.instead(expectation, limit)
        return self.difference(expectation, instead, limit if instead is None else min(instead.at, limit))

    def instead(self, expectation: Expectation, limit: datetime) -> Line | None:
        """What came in its place: at its time, else the last word before it, else the first one after it."""
        if expectation.play is None:
            return next((line for line in self.lines if _says(line.row, expectation)), None)
        beside = [line for line in self.about(expectation) if not on_its_way(line.row)]
        like = [line for line in beside if line.row["kind"] == expectation.kind and expectation.fits(line.at)]
        before = [line for line in beside if line.at <= limit]
        after = [line for line in beside if line.at > limit]
        timed = like[-1:] if expectation.moment is not None else []
        return next(iter([*timed, *before[-1:], *after[:1]]), None)

    def about(self, expectation: Expectation) -> Iterator[Line]:
        kinds = _BESIDE[expectation.kind]
        for number, line in enumerate(self.lines):
            if line.row.get("play") == expectation.play and line.row["kind"] in kinds and number not in self.taken:
                yield line

    def of_stage(self, expectation: Expectation) -> Difference | None:
        """The stage at the end of a moment, else at the end of the scenario."""
        limit = self.scenario.until if expectation.moment is None else expectation.moment.ends - _MOMENT
        entered = [line for line in self.lines if line.row["kind"] == "stage" and line.at <= limit]
        stage = entered[-1].row["target"] if entered else self.playbook.first_stage
        if stage == expectation.wanted["stage"]:
            return None
        return self.difference(expectation, entered[-1] if entered else None, limit)

    def of_states(self) -> Iterator[Difference]:
        """What the account is not like, asked of the simulation up to each instant that is meant."""
        scenario, playbook = self.scenario, self.playbook
        views = {at: view_at(scenario, playbook, at) for at in {each.limit(scenario.until) for each in scenario.asked}}
        for each in scenario.asked:
            at = each.limit(scenario.until)
            if not _is_so(each, views[at]):
                play = _concerned(each, views[at])
                yield Difference(at=at, place=each.place, expected=each.words, asked=each, play=play)

    def difference(self, expectation: Expectation, instead: Line | None, at: datetime) -> Difference:
        never = "never " if expectation.absent else ""
        return Difference(
            at=at,
            place=expectation.place,
            expected=f"{never}{expectation.words}",
            expectation=expectation,
            instead=instead,
            play=expectation.play,
        )

    # -- what nobody expected ----------------------------------------------------------------------------------------

    def beside(self) -> Iterator[Difference]:
        for number, line in enumerate(self.lines):
            kind = str(line.row["kind"])
            if kind in self.scenario.only and _reaches(line.row) and number not in self.taken:
                yield Difference(
                    at=line.at,
                    place=f"{self.scenario.file} only",
                    expected=_beside(line.row),
                    instead=line,
                    play=str(line.row["play"]),
                )


def _reaches(told: Row) -> bool:
    """Whether a message or an escalation reaches somebody: a mail that leaves, what is there to be taken, work."""
    return told["state"] in {"sent", "open"} or (told["state"] == "pending" and not on_its_way(told))


def _beside(told: Row) -> str:
    if told["kind"] == "escalation":
        return "no other work than that under `escalations`"
    return (
        "no other mail than those under `sent`"
        if told["state"] == "sent"
        else f"no other than those under `{told['action']}`"
    )


def _says(told: Row, expectation: Expectation) -> bool:
    """Whether a row is of the kind and says what is wanted, whenever it is."""
    kind = told["note"] if told["kind"] == "note" else told["kind"]
    return kind == expectation.kind and all(told.get(key) == value for key, value in expectation.wanted.items())
