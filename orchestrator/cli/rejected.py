"""``lifecycle rejected``: what was refused and why; put back after a fix, or dropped."""

import getpass
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from orchestrator.cli.console import err, installed, out
from orchestrator.core.errors import LifecycleError
from orchestrator.core.facts import instant
from orchestrator.intake.entries import CALL, unpacked
from orchestrator.intake.formats import belongs_to
from orchestrator.intake.rejection import RejectionReason
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.spans import plain_span
from orchestrator.runtime.composition import Installation
from orchestrator.runtime.settings import Durability
from orchestrator.store import accounts
from orchestrator.store import rejected as entries
from orchestrator.store.observation import Row
from orchestrator.store.rejected import Which
from orchestrator.usecases import rejected as settled

app = typer.Typer(help="Rejected: what was refused, and why.", no_args_is_help=True)

Numbers = Annotated[list[int] | None, typer.Argument(metavar="ID…", help="Entries, as `rejected list` numbers them.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Only those refused for this reason.")]
Source = Annotated[str | None, typer.Option("--source", help="Only those of this source.")]
Since = Annotated[str | None, typer.Option("--since", help="Only those since then: 3d, 12h, a date or an instant.")]
Every = Annotated[bool, typer.Option("--all", help="All that are open.")]
By = Annotated[str | None, typer.Option("--by", help="Who says so; the one who is logged in without it.")]

_EXPLAINED = {
    RejectionReason.CONFLICT: "The event that came first under this source and messageId counts and stands. To let this"
    " one count too, give it a messageId of its own: `lifecycle rejected retry ID --edit FILE`. Else drop it.",
    RejectionReason.DATA_ERROR: "All else of its batch was taken. When what refused it is mended, retry it as it is.",
    RejectionReason.TOO_LARGE: "Retry it when it has been made smaller: `lifecycle rejected retry ID --edit FILE`.",
}  # what to do about it, where that is not plain from the reason


class NothingMeantError(LifecycleError):
    """Say which: numbers, `--reason`, `--source`, `--since`, or `--all`."""


class UnknownReasonError(LifecycleError):
    """There is no such reason."""


class BadSinceError(LifecycleError):
    """``--since`` expects a span such as 3d or 12h, a date, or an instant (UTC where no zone is given)."""


class OneToEditError(LifecycleError):
    """``--edit`` corrects one entry: name exactly one number."""


@app.command("list")
def list_(
    reason: Reason = None,
    source: Source = None,
    since: Since = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were put back or dropped.")] = False,
    most: Annotated[int, typer.Option("--most", min=1, max=10_000, help="How many to list.")] = 50,
    before: Annotated[int | None, typer.Option("--before", help="The page before this number.")] = None,
) -> None:
    """List what was refused, the newest first, with how many there are for each reason."""
    with installed() as installation, installation.ports.engine.connect() as connection:
        which = _which(installation, connection, (reason, source, since))
        counts = entries.counted(connection, which, everything=everything)
        rows = entries.listed(connection, which, most, before, everything=everything)
    if not counts:
        out.print("nothing was rejected" if everything else "nothing that was rejected is open")
        return
    _print_counts(counts)
    _print_entries(rows)
    if len(rows) == most:
        out.print(f"older ones: --before {rows[-1]['id']}")


def _print_counts(counts: Sequence[Row]) -> None:
    table = Table("reason", "entries", "the last at", "what it says")
    for row in counts:
        last = f"{row['last']:%Y-%m-%d %H:%M}"
        table.add_row(escape(row["reason"]), f"{row['entries']:,}", last, _sentence(row["reason"]))
    out.print(table)


def _print_entries(rows: Sequence[Row]) -> None:
    """A line each: number, when, why, where, and what about it."""
    for row in rows:
        done = f" ({row['settled_as']} by {row['settled_by']})" if row["settled_as"] else ""
        place = f"{row['stream']} {row['entry_id']}"
        told = f"{row['id']}  {row['received_at']:%Y-%m-%d %H:%M}  {row['reason']}  {place}  {row['detail']}{done}"
        out.print(told, markup=False, soft_wrap=True)


def _sentence(reason: str) -> str:
    known = {each.value: each.sentence for each in RejectionReason}
    return escape(known.get(reason, ""))


@app.command()
def show(number: Annotated[int, typer.Argument(metavar="ID", help="Its number in `rejected list`.")]) -> None:
    """Show one of them whole: why it was refused, what can be done, and every field as it came."""
    with installed() as installation, installation.ports.engine.connect() as connection:
        row = entries.found(connection, number)
        if row is None:
            raise settled.NoSuchEntryError
        for line in _told(row):
            out.print(line, markup=False, soft_wrap=True)
        if row["reason"] == RejectionReason.CONFLICT:
            _print_standing(connection, row)
        _print_fields(row["raw"])


def _told(row: Row) -> Iterator[str]:
    yield f"{row['id']}: {row['reason']}, received at {row['received_at']:%Y-%m-%d %H:%M:%S} UTC"
    yield f"  from {row['stream']}, entry {row['entry_id']}"
    yield f"  source {row['source'] or '?'}, messageId {row['message_id'] or '?'}"
    known = {each.value: each for each in RejectionReason}
    if row["reason"] in known:
        yield f"  {known[row['reason']].sentence} {_EXPLAINED.get(known[row['reason']], '')}".rstrip()
    yield f"  {row['detail']}"
    if row["settled_as"]:
        why = f": {row['settled_why']}" if row["settled_why"] else ""
        yield f"  {row['settled_as']} at {row['settled_at']:%Y-%m-%d %H:%M} UTC by {row['settled_by']}{why}"


def _print_standing(connection: Connection, row: Row) -> None:
    """The event that holds the id, where it can be found by the account that this one names."""
    account = belongs_to(_call(row["raw"]))
    if account is None or row["source"] is None or row["message_id"] is None:
        return
    followed = accounts.redirects(connection, [account]).get(account, account)
    held = entries.standing(connection, followed, row["source"], row["message_id"])
    if held is not None:
        told = f"{held['kind']} {held['name']!r}, occurred at {held['occurred_at']}, received at {held['received_at']}"
        out.print(f"  the one that stands: {told}", markup=False, soft_wrap=True)


def _call(raw: bytes) -> bytes:
    try:
        flat = unpacked(raw)
    except ValueError:
        return b""
    return dict(zip(flat[::2], flat[1::2], strict=True)).get(CALL, b"")


def _print_fields(raw: bytes) -> None:
    """Each field by itself, JSON on many lines; what is no text is shown byte by byte."""
    try:
        flat = unpacked(raw)
    except ValueError:
        out.print("only the beginning was kept:", markup=False)
        flat = [b"", raw]
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        out.print(f"\n{_shown(name)}:\n{_pretty(value)}", markup=False, soft_wrap=True)


def _pretty(value: bytes) -> str:
    try:
        return (
            orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2).decode()
            if value[:1] in b"{["
            else _shown(value)
        )
    except orjson.JSONDecodeError:
        return _shown(value)


def _shown(value: bytes) -> str:
    """As text; what a terminal must not be given is escaped."""
    text = value.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)


@app.command()
def retry(
    numbers: Numbers = None,
    reason: Reason = None,
    source: Source = None,
    since: Since = None,
    everything: Every = False,
    edit: Annotated[
        str | None,
        typer.Option("--edit", metavar="FILE", help="A file with the corrected call; - reads it by the pipe."),
    ] = None,
    by: By = None,
    why: Annotated[str, typer.Option("--why", help="What was mended.")] = "",
) -> None:
    """Put refused entries back, as they came or corrected. What is refused again is listed again."""
    if edit is not None and len(numbers or ()) != 1:
        raise OneToEditError
    edited = None if edit is None else _read(edit)
    total = settled.Retried()
    with installed() as installation:
        with installation.ports.engine.connect() as connection:
            which = _which(installation, connection, (reason, source, since), numbers, everything=everything)
        confirm = installation.settings.durability is Durability.DISK
        word = settled.Word(who=_who(by), why=why, edited=edited)
        for done in settled.retry(installation.ports, which, word, confirm=confirm):
            total += done
    out.print(f"{total.put_back} put back")
    for ids, told in (
        (total.conflicts, "their id is another event's: correct it with --edit, or drop them"),
        (total.cut_off, "not all of their bytes were kept: correct them with --edit, or drop them"),
    ):
        if ids:
            err.print(f"{len(ids)} stay ({', '.join(map(str, ids[:20]))}): {told}", markup=False, soft_wrap=True)


def _read(file: str) -> bytes:
    return (sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()).strip()


@app.command()
def drop(
    why: Annotated[str, typer.Option("--why", help="Why: kept with the entry.")],
    numbers: Numbers = None,
    reason: Reason = None,
    source: Source = None,
    since: Since = None,
    everything: Every = False,
    by: By = None,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Drop refused entries: their bytes are removed, who dropped them and why is kept."""
    with installed() as installation:
        with installation.ports.engine.connect() as connection:
            which = _which(installation, connection, (reason, source, since), numbers, everything=everything)
            counts = entries.counted(connection, which, everything=False)
        if not counts:
            out.print("none of them is open")
            return
        _print_counts(counts)
        if not sure:
            typer.confirm(f"Drop these {sum(row['entries'] for row in counts)} for good?", abort=True)
        dropped = settled.drop(installation.ports, which, settled.Word(who=_who(by), why=why))
        out.print(f"{dropped} dropped")


def _who(by: str | None) -> str:
    return by or getpass.getuser()


def _which(
    installation: Installation,
    connection: Connection,
    filters: tuple[str | None, str | None, str | None],
    numbers: Sequence[int] | None = None,
    *,
    everything: bool = True,
) -> Which:
    """Those that are meant; raises NothingMeantError when neither a number, a filter nor all was said."""
    reason, source, since = filters
    if not (numbers or everything or any(filters)):
        raise NothingMeantError
    known = [each.value for each in RejectionReason]
    if reason is not None and reason not in known:
        raise UnknownReasonError(f"there is no reason `{reason}`{did_you_mean(reason, known)}")
    at = None if since is None else _instant(since, installation.ports.clock.now(connection))
    return Which(ids=tuple(numbers) if numbers else None, reason=reason, source=source, since=at)


def _instant(text: str, now: datetime) -> datetime:
    at = instant(text)
    if at is not None:
        return at
    try:
        return now - plain_span(text)
    except (ValueError, OverflowError):
        raise BadSinceError from None
