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
from pathlib import PurePath

from orchestrator.core.events import EventKind
from orchestrator.intake.entries import CALL, SOURCE, Entry, Rejected, Told, decode, understand
from orchestrator.intake.files import Line
from orchestrator.intake.rejection import Rejection, RejectionReason
from orchestrator.store.events import RejectedEvent
from orchestrator.usecases.drain import reject, take_in
from orchestrator.usecases.ports import Ports

CHUNK = 20_000  # lines that are sorted together: some 100 MB while they are
MOST_BYTES = 16 * 1024 * 1024  # of the lines of a chunk, however long each is
BATCH = 4_000  # events in a transaction: longer ones hold up the drains of their accounts
STREAM = "history:"  # what the name of a file begins with where rejected events name their stream
_MOST_NAME = 200  # characters of a file's name that are kept
_SAYS_WHO = frozenset({EventKind.GROUP, EventKind.IDENTIFY, EventKind.ALIAS})  # what is said of somebody holds now


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadIn:
    """What reading in a past did, counted."""

    lines: int = 0  # calls; a line may hold several
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
    for chunk in _chunked(lines):
        yield from _chunk(ports, stream_of(file), chunk, source)


def _chunked(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lists of lines, none longer than CHUNK, none much larger than MOST_BYTES."""
    chunk: list[Line] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line.raw)
        if len(chunk) >= CHUNK or size >= MOST_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def fold_again(ports: Ports, entries: Sequence[tuple[str, str, list[bytes]]]) -> ReadIn:
    """Read in lines that were rejected (stream, entry id, fields) as history again; refused anew, they are new rows."""
    with ports.engine.connect() as connection:
        now = ports.clock.now(connection)
    told = (understand(stream, _next(entry_id), fields, now=now) for stream, entry_id, fields in entries)
    return _take(ports, [_dated(each) for listed in told for each in listed])


def _next(entry_id: str) -> str:
    """The id of another try: ``17-ab12cd34``, ``17-ab12cd34~2``, ``17-ab12cd34~3``."""
    first, _, number = entry_id.partition("~")
    return f"{first}~{int(number or 1) + 1}"


def _chunk(ports: Ports, stream: str, chunk: Sequence[Line], source: str) -> Iterator[ReadIn]:
    with ports.engine.connect() as connection:
        now = ports.clock.now(connection)
    read = [told for each in chunk for told in _understood(stream, each, source, now)]
    read.sort(key=_whose)
    for start in range(0, len(read), BATCH):
        yield _take(ports, read[start : start + BATCH])


def _take(ports: Ports, read: Sequence[Told | Rejected]) -> ReadIn:
    done = reject(ports, [_kept(each) for each in read if isinstance(each, Rejected)])
    done += take_in(ports, [each for each in read if isinstance(each, Told)], past=True)
    known = len(read) - done.events - done.rejected
    return ReadIn(lines=len(read), events=done.events, known=known, rejected=done.rejected)


def _whose(read: Told | Rejected) -> tuple[str, str]:
    if isinstance(read, Rejected):
        return ("", "")
    event = read.parsed.event
    return (event.account or "", event.person or "")


def _understood(stream: str, line: Line, source: str, now: datetime) -> list[Told | Rejected]:
    """A line as an entry of a stream; its id is its place and content: a line that was mended is another."""
    entry_id = f"{line.number}-{blake2b(line.raw, digest_size=4).hexdigest()}"
    fields = [CALL, line.raw, SOURCE, source.encode()]
    if line.fault is not None:
        return [_faulty(decode(stream, entry_id, fields, now=now), line.fault)]
    return [_dated(each) for each in understand(stream, entry_id, fields, now=now)]


def _faulty(entry: Entry | Rejected, fault: Rejection) -> Rejected:
    return entry if isinstance(entry, Rejected) else entry.rejected(fault.reason, fault.detail)


def _dated(told: Told | Rejected) -> Told | Rejected:
    """What says no time happened in no past, unless it is said of an account or a person."""
    if isinstance(told, Rejected):
        return told
    event = told.parsed.event
    if event.occurred_at == told.entry.received_at and event.kind not in _SAYS_WHO:
        why = "timestamp: what is history says when it happened; this has no time, or one that lies ahead"
        return told.entry.rejected(RejectionReason.BAD_TIMESTAMP, why)
    return told


def _kept(each: Rejected) -> RejectedEvent:
    return RejectedEvent(
        stream=each.stream,
        entry_id=each.entry_id,
        received_at=each.received_at,
        reason=each.reason.value,
        detail=each.detail,
        raw=each.raw,
        source=each.source,
    )
