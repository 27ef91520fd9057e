"""Files of events: JSON lines or CSV, plain or gzipped, read in bounded memory, each line with its place.

A line of JSON is a call, in any format that an entry of a stream may have. A row of CSV becomes a call by its mapping
(``columns``). What cannot even be a call is given as it stands, with the reason: it stops nobody.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

import orjson

from orchestrator.core.errors import LifecycleError
from orchestrator.intake.columns import BadMappingError, Columns, call_of, fitting
from orchestrator.intake.rejection import Rejection, RejectionReason

LONGEST_LINE = 1024 * 1024  # bytes; what is longer is cut off and refused, so that no file eats the memory
_GZIP = b"\x1f\x8b"  # a file is judged by what is inside, not by its name
_BOM = b"\xef\xbb\xbf"
_OF_ROWS = {".csv": ",", ".tsv": "\t"}  # endings of files of rows, and what usually stands between two columns


class NotReadableError(LifecycleError):
    """A file breaks off or cannot be read; what came before is in, and importing it again is harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What stands at one place of a file."""

    number: int  # of the line, from 1; of a row of several lines the last
    raw: bytes  # a call; of a row that cannot be one, its cells
    fault: Rejection | None = None  # why it cannot even be a call


def lines(name: str, stream: BinaryIO, columns: Columns | None = None) -> Iterator[Line]:
    """Each line of a file, unpacked when it is gzipped; rows where ``columns`` say so or its name ends in csv or tsv.

    Raises:
        BadMappingError: the mapping does not fit the file.
        NotReadableError: the file breaks off.
    """
    ending = name.lower().removesuffix(".gz")[-4:]
    usual = _OF_ROWS.get(ending)
    delimiter = usual if columns is None else columns.delimiter or usual or ","
    try:
        opened = _unpacked(stream)
        yield from _calls(opened) if delimiter is None else _rows(opened, columns, delimiter)
    except BadMappingError as error:
        raise BadMappingError(f"{name}: {error}") from None
    except (EOFError, OSError) as error:
        raise NotReadableError(f"{name}: {error}") from None


def _unpacked(stream: BinaryIO) -> IO[bytes]:
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
    packed = buffered.peek(len(_GZIP)).startswith(_GZIP)
    return io.BufferedReader(gzip.GzipFile(fileobj=buffered)) if packed else buffered


def _bounded(stream: IO[bytes]) -> Iterator[bytes]:
    """Each line; of one that is too long its beginning, a byte longer than it may be."""
    while raw := stream.readline(LONGEST_LINE + 1):
        rest = raw
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE + 1)
        yield raw


def _calls(stream: IO[bytes]) -> Iterator[Line]:
    for number, raw in enumerate(_bounded(stream), 1):
        text = raw.strip().removeprefix(_BOM)
        if len(raw) > LONGEST_LINE:
            yield Line(number=number, raw=raw[:LONGEST_LINE], fault=_too_long())
        elif text:
            yield Line(number=number, raw=text)


def _too_long() -> Rejection:
    return Rejection(RejectionReason.TOO_LARGE, f"a line of more than {LONGEST_LINE} bytes; its beginning is kept")


def _rows(stream: IO[bytes], columns: Columns | None, delimiter: str) -> Iterator[Line]:
    csv.field_size_limit(LONGEST_LINE)
    text = (raw.decode("utf-8", "surrogateescape").removeprefix("\ufeff") for raw in _bounded(stream))
    reader = csv.reader(text, delimiter=delimiter)
    header: list[str] | None = None
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield Line(number=reader.line_num, raw=b"", fault=_broken(str(error)))
            continue
        if row is None:
            return
        if header is None:
            header = [each.strip() for each in row]
            columns = fitting(columns, header)
        elif columns is not None and any(row):
            yield _row(reader.line_num, row, header, columns)


def _row(number: int, row: Sequence[str], header: Sequence[str], columns: Columns) -> Line:
    cells = json.dumps(row).encode()  # what is no UTF-8 stays as it was, escaped
    if len(row) != len(header):
        return Line(number=number, raw=cells, fault=_broken(f"expected {len(header)} columns, got {len(row)}"))
    try:
        return Line(number=number, raw=orjson.dumps(call_of(dict(zip(header, row, strict=True)), columns)))
    except orjson.JSONEncodeError:
        fault = Rejection(RejectionReason.NOT_UTF8, "the row holds bytes that are not UTF-8")
        return Line(number=number, raw=cells, fault=fault)


def _broken(detail: str) -> Rejection:
    return Rejection(RejectionReason.BAD_FIELD, f"the row: {detail}")
