"""``history``: the past of accounts is read in, and nothing is done for it.

Files of events are read in chunks, each sorted by account, so that an account is folded as few times as possible, in
memory that does not grow with the files. An account that was not known is opened *held*: its events are folded, those
that the live stream brings meanwhile too, and nothing is decided until it goes live (``golive``). One that lives
already is only told more of its past (``lookback``).

It may be killed at any point and run again, as often as one likes: each transaction is whole, and an event counts once
by (source, messageId). It does not pass through the streams, so it neither waits for drains nor holds them up for more
than a transaction.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from pathlib import PurePath

from orchestrator.core.events import EventKind
from orchestrator.intake.entries import CALL, SOURCE, Entry, Rejected, decode
from orchestrator.intake.files import Line
from orchestrator.intake.segment import Rejection, RejectionReason
from orchestrator.store.events import RejectedEvent
from orchestrator.usecases.drain import Call, reject, take_in
from orchestrator.usecases.ports import Ports

CHUNK = 20_000  # lines that are sorted together: some 100 MB while they are
BATCH = 4_000  # events in a transaction: longer ones hold up the drains of their accounts
STREAM = "history:"  # what the name of a file begins with where rejected events name their stream
_MOST_NAME = 200  # characters of a file's name that are kept
_SAYS_WHO = frozenset({EventKind.GROUP, EventKind.IDENTIFY, EventKind.ALIAS})  # what is said of somebody holds now


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadIn:
    """What reading in a past did, counted."""

    lines: int = 0
    events: int = 0  # counted for the first time
    known: int = 0  # counted before: the file, or the live stream, had brought them
    rejected: int = 0

    def __add__(self, other: "ReadIn") -> "ReadIn":
        """Both together."""
        return ReadIn(
            lines=self.lines + other.lines,
            events=self.events + other.events,
            known=self.known + other.known,
            rejected=self.rejected + other.rejected,
        )


def stream_of(file: str) -> str:
    """The stream that the rejected lines of a file are listed under."""
    return f"{STREAM}{PurePath(file).name[-_MOST_NAME:] or '-'}"


def read_in(ports: Ports, file: str, lines: Iterable[Line], source: str) -> Iterator[ReadIn]:
    """Fold the lines of a file as history; gives what each transaction did, once it is committed.

    Raises SQLAlchemy's errors of the world; what was given before is in, and all of it may be read again.
    """
    rest = iter(lines)
    while chunk := list(islice(rest, CHUNK)):
        yield from _chunk(ports, stream_of(file), chunk, source)


def fold_again(ports: Ports, entries: Sequence[tuple[str, str, list[bytes]]]) -> ReadIn:
    """Read in lines that were rejected (stream, entry id, fields) as history again; refused anew, they are new rows."""
    with ports.engine.connect() as connection:
        now = ports.clock.now(connection)
    return _take(
        ports,
        [_understood(decode(stream, _next(entry_id), fields, now=now), None) for stream, entry_id, fields in entries],
    )


def _next(entry_id: str) -> str:
    """The id of another try: ``17-ab12cd34``, ``17-ab12cd34~2``, ``17-ab12cd34~3``."""
    first, _, number = entry_id.partition("~")
    return f"{first}~{int(number or 1) + 1}"


def _chunk(ports: Ports, stream: str, chunk: Sequence[Line], source: str) -> Iterator[ReadIn]:
    with ports.engine.connect() as connection:
        now = ports.clock.now(connection)
    read = [_understood(_entry(stream, each, source, now), each.fault) for each in chunk]
    read.sort(key=_whose)
    for start in range(0, len(read), BATCH):
        yield _take(ports, read[start : start + BATCH])


def _take(ports: Ports, read: Sequence[Call | Rejected]) -> ReadIn:
    done = reject(ports, [_kept(each) for each in read if isinstance(each, Rejected)])
    done += take_in(ports, [each for each in read if isinstance(each, Call)], past=True)
    known = len(read) - done.events - done.rejected
    return ReadIn(lines=len(read), events=done.events, known=known, rejected=done.rejected)


def _whose(read: Call | Rejected) -> tuple[str, str]:
    if isinstance(read, Rejected):
        return ("", "")
    event = read.parsed.event
    return (event.account or "", event.person or "")


def _entry(stream: str, line: Line, source: str, now: datetime) -> Entry | Rejected:
    """A line as an entry of a stream; its id is its place and content: a line that was mended is another."""
    digest = blake2b(line.raw, digest_size=4).hexdigest()
    return decode(stream, f"{line.number}-{digest}", [CALL, line.raw, SOURCE, source.encode()], now=now)


def _understood(entry: Entry | Rejected, fault: Rejection | None) -> Call | Rejected:
    if isinstance(entry, Rejected):
        return entry
    try:
        return _dated(entry, fault)
    except Rejection as rejection:
        return entry.rejected(rejection.reason, rejection.detail)


def _dated(entry: Entry, fault: Rejection | None) -> Call:
    if fault is not None:
        raise fault
    parsed = entry.parse()
    if parsed.event.occurred_at == entry.received_at and parsed.event.kind not in _SAYS_WHO:
        told = "timestamp: what is history says when it happened; this has no time, or one that lies ahead"
        raise Rejection(RejectionReason.BAD_TIMESTAMP, told)
    return Call(entry=entry, parsed=parsed)


def _kept(each: Rejected) -> RejectedEvent:
    return RejectedEvent(
        stream=each.stream,
        entry_id=each.entry_id,
        received_at=each.received_at,
        reason=each.reason.value,
        detail=each.detail,
        raw=each.raw,
    )
