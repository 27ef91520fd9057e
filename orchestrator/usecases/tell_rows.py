"""``tell_rows``: the accounts of a sheet are told in batches; a bad row is named, and the good ones go in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

from orchestrator.intake.particulars.fields import UnusableError
from orchestrator.intake.particulars.sheet import Row, Sheet
from orchestrator.intake.particulars.telling import Teller
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.tell import Told, tell

BATCH = 500  # rows that are looked up together
_MOMENT = timedelta(microseconds=1)  # between two rows: of one account the later row has the last word


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one row."""

    line: int  # where it begins, from 1
    told: Told | None  # None: it was refused
    complaints: tuple[str, ...] = ()  # why; each names its column


def tell_rows(ports: Ports, sheet: Sheet, teller: Teller) -> Iterator[list[Outcome]]:
    """What each row comes to, batch by batch; nothing is put on the streams yet. ``teller.at`` must be set."""
    while batch := list(islice(sheet.rows, BATCH)):
        usable = [row for row in batch if not row.complaint]
        told = dict(zip((row.line for row in usable), _told(ports, usable, teller), strict=True))
        yield [_outcome(row, told.get(row.line), sheet) for row in batch]


def _told(ports: Ports, rows: list[Row], teller: Teller) -> Iterator[Told | UnusableError]:
    """One by one, since each has a time of its own; looked up together."""
    assert teller.at is not None, "rows are told as of the file's time"  # noqa: S101 -- states an invariant
    tellers = [replace(teller, at=teller.at + row.line * _MOMENT) for row in rows]
    yield from tell(ports, [(row.account, row.body) for row in rows], tellers)


def _outcome(row: Row, told: Told | UnusableError | None, sheet: Sheet) -> Outcome:
    match told:
        case None:
            return Outcome(line=row.line, told=None, complaints=(row.complaint,))
        case UnusableError():
            complaints = tuple(f"column {sheet.column(fault.field)}: {fault}" for fault in told.faults)
            return Outcome(line=row.line, told=None, complaints=complaints)
        case _:
            return Outcome(line=row.line, told=told)
