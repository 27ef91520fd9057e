"""``rejected``: what was refused is put back after a fix, or dropped by a person who says why.

Putting back: the entries are locked, put on the streams again as they came, and only once the broker has them on disk
are they marked. Killed in between, they are still open and are put back again: an event counts once by its messageId,
and for one without an id the field ``retry_of`` says which entry it was first. Two people who retry at once do not wait
for each other: each puts back what the other has not in hand. What is refused again is a new entry, in a row of its
own.

Lines of an import of history did not come by a stream: they are read in again as history, so that nothing is sent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from orchestrator.core.errors import LifecycleError
from orchestrator.intake.entries import CALL, RECEIVED_AT, REFUSED, RETRY_OF, unpacked
from orchestrator.intake.rejection import RejectionReason
from orchestrator.store import rejected
from orchestrator.store.observation import Row
from orchestrator.store.rejected import Which
from orchestrator.usecases.history import STREAM, fold_again
from orchestrator.usecases.ports import Ports

BATCH = 500  # entries in a transaction
DURABLE_MS = 5000  # how long to wait for the broker's word that all of it is on disk
LONGEST = 500  # characters of a person's words that are kept


class NotOnDiskError(LifecycleError):
    """The broker did not confirm that the entries are on disk: they are still open, and may be tried again.

    Nothing counts twice. A broker that cannot confirm is told of by LIFECYCLE_DURABILITY=memory.
    """


class NoSuchEntryError(LifecycleError):
    """There is no rejected entry of this number; ``lifecycle rejected list --all`` names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What became of the entries that were to be put back."""

    put_back: int = 0  # on the streams again, or read in again
    cut_off: tuple[int, ...] = ()  # not all of their bytes were kept: they stay
    conflicts: tuple[int, ...] = ()  # their id is another event's, as long as nobody edits it: they stay

    def __add__(self, other: "Retried") -> "Retried":
        """Both together."""
        return Retried(
            put_back=self.put_back + other.put_back,
            cut_off=self.cut_off + other.cut_off,
            conflicts=self.conflicts + other.conflicts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person says about it."""

    who: str
    why: str = ""
    edited: bytes | None = None  # the call that one entry gets instead of its own


def retry(ports: Ports, which: Which, word: Word, *, confirm: bool = True) -> Iterator[Retried]:
    """Put open entries back, batch by batch, with what each did.

    What is refused again meanwhile is not tried again in this run. Without ``confirm`` the broker's memory is enough.

    Raises:
        NotOnDiskError: the broker did not confirm; what was not given before is still open.
    """
    with ports.engine.connect() as connection:
        until, after = rejected.newest(connection), 0
    while after < until:
        with ports.engine.begin() as connection:
            rows = rejected.taken(connection, which, after, until, BATCH)
            if not rows:
                return
            after = rows[-1]["id"]
            done = _again(connection, ports, rows, word, confirm=confirm)
        yield done


def _words(word: Word) -> dict[str, str]:
    return {"who": word.who[:LONGEST], "why": word.why[:LONGEST]}


def _again(connection: Connection, ports: Ports, rows: Sequence[Row], word: Word, *, confirm: bool) -> Retried:
    """Put these locked entries back, and mark them."""
    conflicts = {row["id"] for row in rows if row["reason"] == RejectionReason.CONFLICT and word.edited is None}
    whole = {row["id"]: fields for row in rows if (fields := _fields(row, word.edited)) is not None}
    back = [row for row in rows if row["id"] in whole and row["id"] not in conflicts]
    past = [row for row in back if row["stream"].startswith(STREAM)]
    _put_back(ports, [_marked(row, whole[row["id"]]) for row in back if row not in past], confirm=confirm)
    fold_again(ports, [(row["stream"], row["entry_id"], whole[row["id"]]) for row in past])
    now = ports.clock.now(connection)
    rejected.settle(connection, [row["id"] for row in back], {**_words(word), "what": "retried", "now": now})
    cut_off = tuple(row["id"] for row in rows if row["id"] not in whole)
    return Retried(put_back=len(back), cut_off=cut_off, conflicts=tuple(sorted(conflicts & whole.keys())))


def _fields(row: Row, edited: bytes | None) -> list[bytes] | None:
    """The fields as they came, without the door's refusal; None when they were cut off."""
    try:
        flat = unpacked(row["raw"])
    except ValueError:
        return None if edited is None else [CALL, edited]
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    kept = [(name, value) for name, value in pairs if name != REFUSED and (edited is None or name != CALL)]
    fresh = [] if edited is None else [(CALL, edited)]
    return [part for pair in (*kept, *fresh) for part in pair]


def _marked(row: Row, fields: list[bytes]) -> list[bytes]:
    """With when it first reached us, and as which entry: so it is dated, and counts, as if it had been taken then."""
    names = fields[::2]
    if RECEIVED_AT not in names:
        fields = [*fields, RECEIVED_AT, row["received_at"].isoformat().encode()]
    return fields if RETRY_OF in names else [*fields, RETRY_OF, f"{row['stream']}/{row['entry_id']}".encode()]


def _put_back(ports: Ports, entries: Sequence[list[bytes]], *, confirm: bool) -> None:
    if entries and not ports.streams.put_back(entries, durable_ms=DURABLE_MS).durable and confirm:
        raise NotOnDiskError


def drop(ports: Ports, which: Which, word: Word) -> int:
    """Drop open entries: their bytes are removed, the row stays with who dropped it and why; says how many."""
    dropped, after = 0, 0
    with ports.engine.connect() as connection:
        until = rejected.newest(connection)
    while after < until:
        with ports.engine.begin() as connection:
            rows = rejected.taken(connection, which, after, until, BATCH)
            if not rows:
                break
            after = rows[-1]["id"]
            words = {**_words(word), "what": "dropped", "now": ports.clock.now(connection)}
            dropped += rejected.settle(connection, [row["id"] for row in rows], words)
    return dropped
