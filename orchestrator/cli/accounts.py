"""``lifecycle accounts``: many accounts at once."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from orchestrator.cli import golive
from orchestrator.cli.console import err, installed, out
from orchestrator.cli.events import DURABLE_MS, NotDurableError
from orchestrator.core.errors import LifecycleError
from orchestrator.intake.particulars.sheet import Form, Sheet, opened
from orchestrator.intake.particulars.telling import Teller
from orchestrator.runtime.composition import Installation
from orchestrator.usecases.tell_rows import Outcome, tell_rows

app = typer.Typer(help="Accounts: many at once.", no_args_is_help=True)
app.command("go-live")(golive.go_live)

REFUSED = 1  # exit status: some rows were refused
LARGE = 1024 * 1024  # bytes from which a bar shows how far it is


class MappingError(LifecycleError):
    """The mapping must be an object of fields, each with the name of a column."""


@app.callback()
def accounts() -> None:
    """Accounts: many at once."""


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A CSV file, a row an account; or gzipped.", exists=True, dir_okay=False)
    ],
    mapped: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Where a field stands. Repeatable.")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="The same, as a YAML file.", exists=True, dir_okay=False)] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between cells. Unset: what the header has most of.")] = None,
    encoding: Annotated[str, typer.Option(help="Such as utf-8, latin-1, cp1252.")] = "utf-8",
    dates: Annotated[str | None, typer.Option(help="How dates are written, as %d.%m.%Y. Unset: 2026-12-31.")] = None,
    clears: Annotated[
        str | None, typer.Option(help="What a cell holds to clear its field. Empty says nothing.")
    ] = None,
    only_mapped: Annotated[bool, typer.Option("--only-mapped", help="Leave out columns that are not mapped.")] = False,
    source: Annotated[str, typer.Option(help="Who says it.")] = "import",
    at: Annotated[datetime | None, typer.Option(help="As of when (UTC). Unset: when the file was changed.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; show what would change.")] = False,
) -> None:
    """Import what a CRM knows of accounts from a CSV file; the same file again changes nothing, bad rows are named."""
    given = {**_from_file(mapping), **dict(_pair(each) for each in mapped or [])}
    form = Form(
        encoding=encoding, delimiter=delimiter, mapping=given, clears=clears, dates=dates, only_mapped=only_mapped
    )
    with installed() as installation, opened(file, form) as sheet:
        with installation.ports.engine.connect() as connection:
            now = installation.ports.clock.now(connection)
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        teller = Teller(source=source, received_at=now, at=min(at.replace(tzinfo=UTC) if at else changed, now))
        rows, refused = _go_through(installation, sheet, teller, file.stat().st_size, dry=dry_run)
    done = "could go in" if dry_run else "are on the streams, the next drain applies them"
    out.print(f"{rows - refused} of {rows} rows {done}; {refused} refused")
    if refused:
        raise typer.Exit(REFUSED)


def _pair(given: str) -> tuple[str, str]:
    name, equals, column = given.partition("=")
    if not (name and equals and column):
        raise typer.BadParameter(f"expected FIELD=COLUMN, got {given}")
    return name.strip(), column.strip()


def _from_file(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: {error}") from None
    if not isinstance(read, Mapping) or not all(isinstance(each, str) for pair in read.items() for each in pair):
        raise MappingError(f"{path}: expected an object of fields, each with the name of a column")
    return dict(read)


def _go_through(installation: Installation, sheet: Sheet, teller: Teller, size: int, *, dry: bool) -> tuple[int, int]:
    """Tell all rows; how many there were, and how many were refused."""
    rows = refused = 0
    columns = (TextColumn("{task.completed:,.0f} bytes"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=size < LARGE or not err.is_terminal) as progress:
        bar = progress.add_task("", total=size)
        for batch in tell_rows(installation.ports, sheet, teller):
            rows, refused = rows + len(batch), refused + sum(each.told is None for each in batch)
            _complain(batch)
            if dry:
                _show(batch)
            else:
                _publish(installation, batch, teller)
            progress.update(bar, completed=sheet.raw.tell())
    return rows, refused


def _complain(batch: Iterable[Outcome]) -> None:
    for each in batch:
        for complaint in each.complaints:
            err.print(f"line {each.line}, {complaint}", markup=False, soft_wrap=True)


def _show(batch: Iterable[Outcome]) -> None:
    for each in batch:
        if each.told is not None:
            changes = [
                f"{one.what} {one.before or '(not known)'} → {one.after or '(none)'}" for one in each.told.changes
            ]
            people = [f"{each.told.people} people"] if each.told.people else []
            told = "; ".join([*changes, *people]) or "nothing new"
            out.print(f"line {each.line}, {each.told.account}: {told}", markup=False, soft_wrap=True)


def _publish(installation: Installation, batch: Iterable[Outcome], teller: Teller) -> None:
    calls = [call for each in batch if each.told is not None for call in each.told.calls]
    streams = installation.ports.streams
    published = streams.publish(calls, source=teller.source, received_at=teller.received_at, durable_ms=DURABLE_MS)
    if calls and not published.durable and streams.can_wait:
        raise NotDurableError
