"""A sheet: a CSV file of accounts, a row each (or a row a person), read row by row in bounded memory.

The header's names are those of ``dossier`` (``arr``, ``renewal_at``, ``champion.email`` …; case and spaces do not
count), or are led there by a mapping from field to column. ``account`` is the account's id. A column that is not
mapped keeps its name, as a trait. An empty cell says nothing; a word of the caller's clears the field. A row that has
``person.id`` or ``person.email`` tells of one person; an account may stand in many rows.

Bad bytes, too few or too many cells: the row is refused with its line, and the others go in.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import Json
from orchestrator.intake.particulars.fields import dated, put

ACCOUNT = "account"  # the field that says whose row it is
LONGEST_LINE = 1024 * 1024  # bytes of a header that is looked at for its delimiter
LONGEST_CELL = 131_072  # characters
DELIMITERS = ",;\t|"
MOST_COLUMNS = 500

_GZIP = b"\x1f\x8b"
_SPACE = re.compile(r"[\s\-/]+")


class SheetError(LifecycleError):
    """The file as a whole cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a sheet is written."""

    encoding: str = "utf-8"  # a codec's name; a byte order mark is left out
    delimiter: str | None = None  # None: the one that the header has most of
    mapping: Mapping[str, str] = field(default_factory=dict)  # field -> column; "-" as a field: a column to leave out
    clears: str | None = None  # what a cell holds that clears its field; None: nothing does
    dates: str | None = None  # how dates are written, as ``%d.%m.%Y``; None: ISO 8601
    only_mapped: bool = False  # leave out the columns that are not mapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a sheet."""

    line: int  # where it begins, from 1
    account: str  # empty when the row does not say
    body: Mapping[str, Json]  # as ``dossier`` reads it
    complaint: str = ""  # why it cannot be read; empty: it can


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """An opened file."""

    columns: Mapping[str, str]  # field -> the column that it is read from
    raw: IO[bytes]  # for how far it is read: ``raw.tell()`` bytes of the file
    rows: Iterator[Row]

    def column(self, name: str) -> str:
        """The column that a field (or what stands under it) is read from; the field itself when there is none."""
        plain = name.replace("people[0].", "person.")
        return next((column for each, column in self.columns.items() if plain in {each, each.split(".")[0]}), plain)


@contextmanager
def opened(path: Path, form: Form) -> Iterator[Sheet]:
    """Open a CSV file, gzipped or not (by its first bytes).

    Raises:
        SheetError: there is no such encoding, no header, no column for the account, or one that is mapped is missing.
    """
    plain = form.encoding.lower().replace("_", "-")
    try:
        encoding = codecs.lookup("utf-8-sig" if plain in {"utf-8", "utf8"} else plain).name  # without its mark
    except LookupError:
        raise SheetError(f"there is no encoding {form.encoding!r}; try utf-8, latin-1 or cp1252") from None
    with path.open("rb") as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        content: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]  # is one in all but name
        text = io.TextIOWrapper(content, encoding=encoding, errors="surrogateescape", newline="")
        yield _sheet(text, raw, form)


def _sheet(text: io.TextIOWrapper, raw: IO[bytes], form: Form) -> Sheet:
    try:
        header = text.readline(LONGEST_LINE)
    except (OSError, EOFError, UnicodeError, zlib.error) as error:
        raise SheetError(f"the file cannot be read: {error}") from None
    delimiter = form.delimiter or max(DELIMITERS, key=header.count)
    lines = _Lines(text)
    csv.field_size_limit(LONGEST_CELL)  # the limit is the whole process's, and another reader may have moved it
    reader = csv.reader(lines, delimiter=delimiter)
    names = next(csv.reader([header], delimiter=delimiter), [])
    columns = _columns([name.strip() for name in names], form)
    return Sheet(columns=columns, raw=raw, rows=_rows(reader, lines, [name.strip() for name in names], columns, form))


@dataclass(slots=True)
class _Lines:
    """The lines behind the header, counted, and why there are no more of them when that is not their end."""

    text: io.TextIOWrapper
    read: int = 1  # the header is the first
    broken: str = ""

    def __iter__(self) -> Iterator[str]:
        try:
            for line in self.text:
                self.read += 1
                yield line
        except (OSError, EOFError, UnicodeError, zlib.error) as error:  # a torn gzip
            self.broken = f"the file breaks off: {error}"


def _columns(names: list[str], form: Form) -> dict[str, str]:
    """Which column each field is read from."""
    if not any(names) or len(names) > MOST_COLUMNS:
        raise SheetError(f"expected a header of 1 to {MOST_COLUMNS} columns in the first line, got {len(names)}")
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SheetError(f"two columns have one name: {', '.join(doubled)}")
    missing = sorted(column for column in form.mapping.values() if column not in names)
    if missing:
        raise SheetError(f"the header has no column {', '.join(missing)}; it has {', '.join(names)}")
    mapped = set(form.mapping.values())
    usual = {} if form.only_mapped else {_plain(name): name for name in names if name and name not in mapped}
    columns = {**usual, **{each: column for each, column in form.mapping.items() if each != "-"}}
    if ACCOUNT not in columns:
        raise SheetError(f"no column says which account a row is of: --map account=COLUMN; it has {', '.join(names)}")
    return columns


def _plain(name: str) -> str:
    return _SPACE.sub("_", name.strip().lower())


def _rows(
    reader: Iterator[list[str]], lines: _Lines, names: list[str], columns: Mapping[str, str], form: Form
) -> Iterator[Row]:
    while True:
        line = lines.read + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield _refused(line, str(error))
            continue
        if cells is None:
            break
        if any(cells):
            yield _row(line, names, cells, columns, form)
    if lines.broken:
        yield _refused(lines.read + 1, lines.broken)


def _refused(line: int, complaint: str) -> Row:
    return Row(line=line, account="", body={}, complaint=complaint)


def _row(line: int, names: list[str], cells: list[str], columns: Mapping[str, str], form: Form) -> Row:
    if len(cells) != len(names):
        return _refused(line, f"expected {len(names)} cells as in the header, got {len(cells)}")
    by_column = dict(zip(names, cells, strict=True))
    torn = next((name for name, cell in by_column.items() if _is_torn(cell)), None)
    if torn is not None:
        return _refused(line, f"column {torn}: bytes that are no {form.encoding}; --encoding names another")
    said = {each: by_column[column].strip() for each, column in columns.items()}
    return Row(line=line, account=said.pop(ACCOUNT), body=_body(said, form))


def _is_torn(cell: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in cell)


def _body(said: Mapping[str, str], form: Form) -> dict[str, Json]:
    """The cells as ``dossier`` reads them: names with dots are objects, ``person`` is one of the people."""
    body: dict[str, Json] = {}
    for name, cell in said.items():
        if cell:
            put(body, name.split("."), _value(cell, form))
    person = body.pop("person", None)
    return body if person is None else {**body, "people": [person]}


def _value(cell: str, form: Form) -> str | None:
    if cell == form.clears:
        return None
    return dated(cell, form.dates) if form.dates else cell
