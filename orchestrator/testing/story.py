"""The first difference as a story: what happened up to there, what was expected, what came instead, and why.

The timeline shows what the world did and what reached anybody; what was decided only of the play that the difference is
about, because of thirty plays most are skipped for good reasons. Times are local, as the scenario writes them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.core.account import Outcome
from orchestrator.core.conditions import Clause, Node, explain
from orchestrator.core.decisions import NoteKind
from orchestrator.core.events import Json
from orchestrator.core.lifecycle import outlook, view_of
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason
from orchestrator.core.signals import Closing
from orchestrator.core.timing import told as trigger_told
from orchestrator.testing.scenario import ACCOUNT, Expectation
from orchestrator.testing.standing import as_it_is, clause_told, rests_on
from orchestrator.testing.states import Asked
from orchestrator.testing.verdict import Difference, Line, Verdict, live, view_at
from orchestrator.usecases.chronicle import Row, on_its_way, words

_CLOSED = {
    Closing.CLEARED: "what it tells of was over",
    Closing.EXITED: "the account had left",
    Closing.RESOLVED: "a human had settled it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A line of the timeline."""

    at: datetime
    verb: str
    subject: str
    call: bool  # the world's; else ours


def story(verdict: Verdict) -> str:
    """All of it, line by line; of a scenario that passed, its name."""
    if verdict.passed:
        return f"✓ {verdict.scenario.file}: {verdict.scenario.name}"
    return "\n".join(_told(verdict, verdict.differences[0]))


def _told(verdict: Verdict, first: Difference) -> Iterator[str]:
    scenario = verdict.scenario
    yield f"✗ {scenario.file}: {scenario.name}"
    yield f"    {scenario.calendar.legend()}"
    yield ""
    yield from timeline(verdict, first.at, first.play)
    yield ""
    yield f"    expected  {first.expected}"
    yield f"              {first.place}"
    yield f"    instead   {_instead(verdict, first)}"
    for number, reason in enumerate(_why(verdict, first)):
        yield f"    {'' if number else 'because':9} {reason}"
    more = len(verdict.differences) - 1
    if more:
        yield ""
        yield f"    {more} more difference{'' if more == 1 else 's'} from there on"


# ------------------------------------------------------------------------------------------------------- the timeline


def timeline(verdict: Verdict, until: datetime, play: str | None = None) -> Iterator[str]:
    """What happened up to an instant, with what was decided of one play; None: of none."""
    scenario = verdict.scenario
    calls = [_heard(call.arrival.at, call.words) for call in scenario.calls if call.words]
    calls += [_heard(each.word.at, each.words) for each in scenario.heard]
    ours = [line for line in verdict.lines if line.at <= until]
    shown = [line for line in ours if _is_shown(line.row, play) or _opens(line.row, verdict)]
    told = [
        *(call for call in calls if call.at <= until),
        *(
            _Told(at=line.at, verb=verb, subject=subject, call=False)
            for line in shown
            for verb, subject in [_words(line.row, verdict)]
        ),
    ]
    for each in _runs(sorted(told, key=lambda each: (each.at, not each.call))):
        yield _line(verdict, each[0], each[-1], len(each))
    hidden = sum(
        line.row["kind"] == "decision" for line in ours if line not in shown and line.row.get("outcome") == "skipped"
    )
    if hidden:
        yield f"    ({hidden} play{'' if hidden == 1 else 's'} skipped meanwhile, of no concern here)"


def _heard(at: datetime, words: str) -> _Told:
    return _Told(at=at, verb="event", subject=words, call=True)


def _opens(told: Row, verdict: Verdict) -> bool:
    """Whether a row is the decision that opened a signal."""
    return told["kind"] == "decision" and told["outcome"] == Outcome.DONE and told["play"] in verdict.playbook.signals


def _words(told: Row, verdict: Verdict) -> tuple[str, str]:
    return ("opened", str(told["play"])) if _opens(told, verdict) else words(told)


def _is_shown(told: Row, play: str | None) -> bool:
    match told["kind"]:
        case "decision" | "postponement":
            return told["play"] == play
        case "withdrawal":
            return False
        case "note":
            return told["note"] != NoteKind.DRAFT  # somebody looked at it: the scenario's own word
        case "message":
            return not on_its_way(told)
        case _:
            return True


def _runs(told: Sequence[_Told]) -> Iterator[list[_Told]]:
    """The lines, in which calls of the same words are one as long as nothing of ours lies between them."""
    block: dict[str, list[_Told]] = {}
    for each in told:
        if each.call:
            block.setdefault(each.subject, []).append(each)
        else:
            yield from block.values()
            block = {}
            yield [each]
    yield from block.values()


def _line(verdict: Verdict, first: _Told, last: _Told, times: int) -> str:
    calendar = verdict.scenario.calendar
    until = f" until {calendar.told(last.at)}" if last.at > first.at else ""
    repeated = f", {times} times{until}" if times > 1 else ""
    return f"    {calendar.told(first.at):17}  {first.verb:9}  {first.subject}{repeated}"


# ------------------------------------------------------------------------------------------------------- what and why


def _instead(verdict: Verdict, difference: Difference) -> str:
    if difference.asked is not None:
        view = view_at(verdict.scenario, verdict.playbook, difference.at)
        return as_it_is(difference.asked, view, verdict.playbook, verdict.scenario.calendar)
    line = difference.instead
    if line is None:
        stage = difference.expectation is not None and difference.expectation.kind == "stage"
        return f"stage {verdict.playbook.first_stage}, from the beginning" if stage else "nothing"
    verb, subject = words(line.row)
    if line.row["kind"] == "stage":
        return f"stage {line.row['target']}, since {verdict.scenario.calendar.told(line.at)}"
    return f"{verb} {subject} at {verdict.scenario.calendar.told(line.at)}"


def _why(verdict: Verdict, difference: Difference) -> Iterator[str]:
    expectation, line = difference.expectation, difference.instead
    if difference.asked is not None:
        yield from _of_state(verdict, difference.asked, difference)
    elif difference.play is None and expectation is not None:
        yield from _of_account(verdict, expectation, difference.at)
    elif line is None:
        yield _nothing(verdict, str(difference.play), difference.at)
    else:
        yield from _of_row(verdict, line.row)


def _of_state(verdict: Verdict, asked: Asked, difference: Difference) -> Iterator[str]:
    """The last word about a signal that is not as expected; else the clauses that the state rests on."""
    if difference.play is None:
        view = view_at(verdict.scenario, verdict.playbook, difference.at)
        yield from rests_on(asked, view, verdict.playbook)
        return
    about = [line for line in verdict.lines if line.at <= difference.at and _is_of(line.row, difference.play)]
    if about:
        yield from _of_row(verdict, about[-1].row)
    else:
        yield _nothing(verdict, difference.play, difference.at)


def _is_of(told: Row, signal: str) -> bool:
    """Whether a row says what was decided of a signal, or that it closed."""
    return told.get("signal") == signal or (told["kind"] in {"decision", "postponement"} and told["play"] == signal)


def _of_row(verdict: Verdict, told: Row) -> Iterator[str]:
    match told["kind"]:
        case "postponement":
            until = told["until"]
            end = f" Until {verdict.scenario.calendar.told(_instant(until))}." if until else ""
            yield f"{PostponementReason(str(told['reason'])).sentence}{end}"
        case "decision":
            yield from _of_decision(verdict, told)
        case "note":
            closed = verdict.scenario.calendar.told(_instant(told["at"]))
            yield f"It closed at {closed}: {_CLOSED[Closing(str(told['closed']))]}."
        case _:
            if told["reason"]:
                yield MessageReason(str(told["reason"])).sentence
            yield from (reason for line in _decided(verdict, told) for reason in _of_decision(verdict, line.row))


def _decided(verdict: Verdict, told: Row) -> Iterable[Line]:
    """The decision that a mail or a piece of work comes from."""
    cause = (told["play"], told["episode"])
    decisions = (line for line in verdict.lines if line.row["kind"] == "decision")
    return [line for line in decisions if (line.row["play"], line.row["episode"]) == cause][:1]


def _of_decision(verdict: Verdict, told: Row) -> Iterator[str]:
    due = verdict.scenario.calendar.told(_instant(told["due_at"]))
    yield f"{DecisionReason(str(told['reason'])).sentence} Came due at {due}: {told['trigger']}."
    clauses = told["clauses"]
    for clause in clauses if isinstance(clauses, list) else []:
        if isinstance(clause, dict) and clause["value"]:  # a constant explains nothing
            yield clause_told(_clause(clause))


def _clause(told: Row) -> Clause:
    held = told["verdict"]
    said = held if isinstance(held, bool) else None
    return Clause(text=str(told["text"]), value=str(told["value"]), verdict=said, decisive=bool(told["decisive"]))


def _nothing(verdict: Verdict, play: str, at: datetime) -> str:
    """Why a play has not been decided by then: it comes due later, or nothing calls for it."""
    lived = live(verdict.scenario, verdict.playbook, at)
    trigger = trigger_told(verdict.playbook.plays[play].trigger, verdict.playbook.first_day)
    account = lived.accounts.get(ACCOUNT)
    ahead = [] if account is None else outlook(account, lived.people[ACCOUNT], at, verdict.playbook)
    due = next((each.at for each in ahead if each.play.name == play), None)
    if due is None:
        return f"Nothing has made it due: {trigger}."
    return f"It comes due at {verdict.scenario.calendar.told(due)}: {trigger}."


def _of_account(verdict: Verdict, expectation: Expectation, at: datetime) -> Iterator[str]:
    """The conditions that stand between the account and the stage, or the milestone, that was expected."""
    lived = live(verdict.scenario, verdict.playbook, at)
    account = lived.accounts.get(ACCOUNT)
    if account is None:
        return
    view = view_of(account, min(at, verdict.scenario.until), verdict.playbook)
    if expectation.kind == "milestone":
        guards: list[tuple[str, Node]] = [("", verdict.playbook.milestones[expectation.wanted["milestone"]].when)]
    else:
        rows = [row for row in verdict.playbook.rows[account.stage] if row.target == expectation.wanted["stage"]]
        guards = [(f"from {account.stage} to {row.target}: ", row.when) for row in rows]
        if not guards:
            yield f"No row of the stage table leads from {account.stage} to {expectation.wanted['stage']}."
    for head, guard in guards:
        yield f"{head}{guard.text}"
        yield from (clause_told(clause) for clause in explain(guard, view) if clause.value)


def _instant(text: Json) -> datetime:
    return datetime.fromisoformat(str(text))
