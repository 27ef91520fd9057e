"""``lifecycle events import``: the past of accounts, read in from files; nothing is sent for it."""

import gc
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sqlalchemy import Connection

from orchestrator.cli.console import err, installed, out
from orchestrator.core.errors import LifecycleError
from orchestrator.intake.columns import Columns, columns_of
from orchestrator.intake.files import Line, lines
from orchestrator.store import accounts
from orchestrator.store import rejected as refused
from orchestrator.usecases.history import ReadIn, read_in, stream_of
from orchestrator.usecases.ports import Ports

GARBAGE = 500_000  # objects between two looks for cycles
PIPE = Path("-")
MOST_TOLD = 20  # refused lines of a file that are named at the end; `lifecycle rejected list` has them all


class NotHistoryError(LifecycleError):
    """Say `--history`: it is the past, and nothing is sent for it. What is to be acted on: `lifecycle events send`."""


class NoFileError(LifecycleError):
    """There is no such file."""


@dataclass(slots=True)
class _Reading:
    """How far a file has been read."""

    file: str
    stream: BinaryIO
    size: int | None  # bytes; None: nobody knows, it comes by a pipe
    read: int = 0  # lines
    done: int = 0  # of them, those that are in

    def lines(self, columns: Columns | None) -> Iterator[Line]:
        """Its lines, counted."""
        for line in lines(self.file, self.stream, columns):
            self.read += 1
            yield line

    @property
    def bytes_done(self) -> int:
        """About so many bytes are in: what was read, in the share of its lines that are in."""
        return 0 if self.size is None else self.stream.tell() * self.done // max(self.read, 1)


def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="JSON lines or CSV, plain or gzipped; - is a pipe.")
    ],
    history: Annotated[
        bool, typer.Option("--history", help="It is the past: fold it, and send nothing for it.")
    ] = False,
    source: Annotated[str, typer.Option(help="Who says it; with messageId the identity of an event.")] = "segment",
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="KEY=COLUMN", help="CSV: the column of account, person, event, time, id."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="CSV: a YAML file of such keys.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Read in the past of accounts from files; they are held until `accounts go-live`. Importing again is harmless."""
    if not history:
        raise NotHistoryError
    named = columns_of(mapping, columns or ())
    _check(files)
    total = ReadIn()
    gc.set_threshold(
        GARBAGE
    )  # what is read lives as long as its chunk: looking for cycles in it took a third of the time
    with installed() as installation, _progress() as progress:
        for file in files:
            done = _file(installation.ports, file, named, source, progress)
            total += done
            progress.console.print(f"{file}: {_told(done)}", markup=False, soft_wrap=True)
        with installation.ports.engine.connect() as connection:
            _end(connection, files, total)


@contextmanager
def _quickly() -> Iterator[None]:
    """What is read lives as long as its chunk: looking for cycles in it took a third of the time.

    Nor is each refusal logged: they are named at the end.
    """
    usual, log = gc.get_threshold(), logging.getLogger("orchestrator.usecases.drain")
    level = log.level
    gc.set_threshold(GARBAGE)
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        log.setLevel(level)


def _check(files: Sequence[Path]) -> None:
    """Nothing is begun when a name is wrong."""
    missing = [str(each) for each in files if each != PIPE and not each.is_file()]
    if missing:
        raise NoFileError(f"there is no file {', '.join(missing)}")


def _file(ports: Ports, file: Path, columns: Columns | None, source: str, progress: Progress) -> ReadIn:
    total = ReadIn()
    with _opened(file) as reading:
        task = progress.add_task(file.name, total=reading.size, rate="")
        for done in read_in(ports, reading.file, reading.lines(columns), source):
            total += done
            reading.done = total.lines
            elapsed = progress.tasks[task].elapsed or 0.0
            rate = f"{total.lines / elapsed:,.0f} events/s" if elapsed else ""
            progress.update(task, completed=reading.bytes_done, rate=f"{total.lines:,} lines, {rate}")
        progress.update(task, completed=reading.size)
    return total


@contextmanager
def _opened(file: Path) -> Iterator[_Reading]:
    if file == PIPE:
        yield _Reading(file="-", stream=sys.stdin.buffer, size=None)
        return
    with file.open("rb") as stream:
        yield _Reading(file=file.name, stream=stream, size=file.stat().st_size)


def _progress() -> Progress:
    texts = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    return Progress(*texts, TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn(), console=err)


def _told(done: ReadIn) -> str:
    told = f"{done.lines:,} lines: {done.events:,} events are new, {done.known:,} were known, {done.rejected:,} refused"
    return told if done.lines else "nothing in it"


def _end(connection: Connection, files: Sequence[Path], total: ReadIn) -> None:
    if total.rejected:
        for stream in sorted({stream_of(each.name) for each in files}):
            _print_refused(connection, stream)
    held, planned = accounts.count_held(connection)
    if held:
        told = f"{held:,} accounts are held, {planned:,} of them until a planned instant: nothing is sent for them"
        out.print(f"{told}; `lifecycle accounts go-live` takes them live", markup=False, soft_wrap=True)


def _print_refused(connection: Connection, stream: str) -> None:
    """The first refused lines of a file that are still open, as file:line."""
    for row in refused.of_stream(connection, stream, MOST_TOLD):
        place = f"{stream.partition(':')[2]}:{row['entry_id'].partition('-')[0]}"
        err.print(f"{place}: {row['reason']}: {row['detail']}", markup=False, soft_wrap=True)
    err.print("refused lines are kept: `lifecycle rejected list`, `show`, `retry`", markup=False)
