"""The demonstration's own checks: each yields a sentence for whatever is not as it must be."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote

from orchestrator.core.account import Outcome
from orchestrator.core.reasons import DecisionReason
from orchestrator.insight.touches import Found
from orchestrator.messaging.catcher import read_index
from orchestrator.messaging.compose import mail_id
from orchestrator.runtime.cohort import Cohort, Member
from orchestrator.store.observation import Backlog

WELCOME = "day_0_welcome"
WELCOME_WITHIN = timedelta(minutes=5)  # of the sign-up, or of the first address (rules 1.0.2)
ORDINARY = frozenset({DecisionReason.CONDITION_FALSE, DecisionReason.ALREADY_DONE})  # why a signal is silent
MOST_DIFFERENCES = 10  # told of each kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail as the catcher got it."""

    account: str
    play: str
    message_id: str
    at: datetime  # its Date: the held clock at the hand-over
    html: str
    text: str
    file: str


def letters(folder: Path) -> list[Letter]:
    """The mails that the catcher kept, in the order of their arrival; a second copy of one is in it twice."""
    return [_letter(folder / caught.file) for caught in read_index(folder)]


def _letter(path: Path) -> Letter:
    mail = message_from_bytes(path.read_bytes(), policy=default)
    return Letter(
        account=unquote(str(mail["X-Lifecycle-Account"])),
        play=unquote(str(mail["X-Lifecycle-Play"])),
        message_id=str(mail["Message-ID"]),
        at=parsedate_to_datetime(str(mail["Date"])),
        html=_body(mail, "html"),
        text=_body(mail, "plain"),
        file=path.name,
    )


def _body(mail: object, form: str) -> str:
    part = mail.get_body((form,)) if isinstance(mail, EmailMessage) else None
    return str(part.get_content()).strip() if part is not None else ""


# ------------------------------------------------------------------------------------------------- whatever was played


def mails_are_whole(found: Found, caught: Sequence[Letter], domain: str) -> Iterator[str]:
    """What the database calls sent is what the catcher has, once, and each mail can be read in both forms."""
    for message_id, copies in Counter(letter.message_id for letter in caught).items():
        if copies > 1:
            yield f"the mail {message_id} arrived {copies} times"
    sent = {mail_id(row.id, domain): row for row in found.messages if row.state == "sent"}
    arrived = {letter.message_id: letter for letter in caught}
    for message_id in sorted(sent.keys() - arrived.keys()):
        yield f"{sent[message_id].account}: {sent[message_id].play} is called sent and did not arrive"
    for message_id in sorted(arrived.keys() - sent.keys()):
        yield f"{arrived[message_id].file} arrived, and nobody calls it sent"
    for letter in caught:
        if not (letter.html and letter.text):
            yield f"{letter.file} has no words in HTML or none in plain text"
        row = sent.get(letter.message_id)
        if row is not None and (row.account, row.play) != (letter.account, letter.play):
            yield f"{letter.file} names {letter.account} and {letter.play}, and is {row.account}'s {row.play}"


def all_at_rest(backlog: Backlog, waiting: int) -> Iterator[str]:
    """Nothing is left to do, and nothing is uncertain."""
    if waiting or not backlog.at_rest:
        yield f"there is still work left: {backlog}, {waiting} entries on the streams"
    if backlog.unknown:
        yield f"{backlog.unknown} messages are unknown: nobody knows whether they left"
    if backlog.parked:
        yield f"{backlog.parked} accounts are parked: a rule could not be evaluated"


def as_simulated(ran: Found, simulated: Found) -> Iterator[str]:
    """The workers decided what the core alone decides over the same calls in memory."""
    for what, told in (("decision", _decisions), ("message", _messages), ("escalation", _work), ("account", _stages)):
        yield from _differences(what, told(ran), told(simulated))


def _decisions(found: Found) -> Iterator[str]:
    for row in found.decisions:
        last = f", {row.repeats} times until {_at(row.last_at)}" if row.repeats > 1 else ""
        yield f"{row.account} {row.play} of {row.episode} {row.outcome}({row.reason}) at {_at(row.decided_at)}{last}"


def _messages(found: Found) -> Iterator[str]:
    for row in found.messages:
        ended = f"({row.reason}) " if row.state == "cancelled" else ""
        yield f"{row.account} {row.play} of {row.episode} {row.state} {ended}at {_at(row.settled_at)}"


def _work(found: Found) -> Iterator[str]:
    for row in found.escalations:
        closed = f", closed at {_at(row.closed_at)} ({row.reason})" if row.closed_at else ""
        yield f"{row.account} {row.play} opened at {_at(row.opened_at)}{closed}"


def _stages(found: Found) -> Iterator[str]:
    for name, account in found.accounts.items():
        yield f"{name} in {account.stage} since {_at(account.stage_entered_at)}"


def _at(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S.%f}" if instant else "the end still"


def _differences(what: str, ran: Iterable[str], simulated: Iterable[str]) -> Iterator[str]:
    left, right = Counter(ran), Counter(simulated)
    for verb, extra in (("ran, and is not simulated", left - right), ("is simulated, and did not run", right - left)):
        told = sorted(extra.elements())
        yield from (f"a {what} {verb}: {each}" for each in told[:MOST_DIFFERENCES])
        if len(told) > MOST_DIFFERENCES:
            yield f"and {len(told) - MOST_DIFFERENCES} more: a {what} {verb}"


def lines_are_accounted_for(lines: int, events: int, backlog: Backlog, repeated: int) -> Iterator[str]:
    """Each line of the file is an event, was refused, waits for its account, or had come before."""
    told = events + backlog.rejected + backlog.waiting_persons + repeated
    if told != lines:
        yield (
            f"{lines} lines were sent, and {told} are accounted for: {events} events, {backlog.rejected} rejected, "
            f"{backlog.waiting_persons} waiting for an account, {repeated} sent before"
        )


# -------------------------------------------------------------------------------------------------------- the cohort


def fates_are_as_expected(found: Found, caught: Sequence[Letter], cohort: Cohort) -> Iterator[str]:
    """Each account has its touches, each once, its skips with their reasons, its escalations, and its stage."""
    for name in sorted(found.accounts.keys() - cohort.members.keys()):
        yield f"{name}: an account that nobody expected"
    for member in cohort.members.values():
        yield from (f"{member.account} ({member.fate}): {wrong}" for wrong in _member(found, caught, member))


def _member(found: Found, caught: Sequence[Letter], member: Member) -> Iterator[str]:
    expected, account = member.expected, found.accounts.get(member.account)
    if account is None:
        yield "there is no such account"
        return
    mine = [letter for letter in caught if letter.account == member.account]
    yield from _sent(Counter(letter.play for letter in mine), Counter(expected.sent))
    yield from _reasons("skipped", expected.skipped, _skipped(found, member))
    yield from _reasons("cancelled", expected.cancelled, _cancelled(found, member))
    yield from _reasons("escalated", expected.escalated, _escalated(found, member))
    yield from _reasons("waiting", expected.waiting, {play: each.reason for play, each in account.waiting.items()})
    if account.stage != expected.stage:
        yield f"expected to be in {expected.stage} at the end, is in {account.stage}"
    yield from _welcome([letter for letter in mine if letter.play == WELCOME], member)


def _sent(arrived: Counter[str], expected: Counter[str]) -> Iterator[str]:
    yield from (f"{play} was expected and did not arrive" for play in sorted((expected - arrived).elements()))
    for play in sorted((arrived - expected).elements()):
        yield f"{play} arrived {arrived[play]} times" if expected[play] else f"{play} arrived and was not expected"


def _skipped(found: Found, member: Member) -> Iterator[tuple[str, str]]:
    for row in found.decisions:
        told = row.play.startswith("day_") or row.reason not in ORDINARY
        if told and row.account == member.account and row.outcome == Outcome.SKIPPED:
            yield row.play, row.reason


def _cancelled(found: Found, member: Member) -> Iterator[tuple[str, str]]:
    for row in found.messages:
        if row.account == member.account and row.state != "sent":
            yield row.play, row.reason or row.state


def _escalated(found: Found, member: Member) -> Iterator[tuple[str, str]]:
    for row in found.escalations:
        if row.account == member.account:
            yield row.play, "open" if row.closed_at is None else str(row.reason)


def _reasons(
    what: str, expected: Mapping[str, str], found: Iterable[tuple[str, str]] | Mapping[str, str]
) -> Iterator[str]:
    pairs = found.items() if isinstance(found, Mapping) else found
    wanted, got = (
        Counter((play, str(reason)) for play, reason in expected.items()),
        Counter((p, str(r)) for p, r in pairs),
    )
    for play, reason in sorted((wanted - got).elements()):
        yield f"{play} was expected to be {what} ({reason}) and is not"
    for play, reason in sorted((got - wanted).elements()):
        yield f"{play} is {what} ({reason}), which was not expected"


def _welcome(welcomes: Sequence[Letter], member: Member) -> Iterator[str]:
    """Within five minutes of the sign-up; of the first address, where that came later."""
    if member.known is not None:
        latest = max(member.signed_up, member.known) + WELCOME_WITHIN
        yield from (f"the welcome left at {each.at}, not within five minutes" for each in welcomes if each.at > latest)


def nothing_was_refused(backlog: Backlog) -> Iterator[str]:
    """Every call of the cohort is good, and names its account."""
    if backlog.rejected or backlog.waiting_persons:
        yield f"{backlog.rejected} calls were rejected, {backlog.waiting_persons} wait for an account"
