"""Columns: how a row of CSV becomes a call: which column is the account, the person, the event, its time, its id.

Every other column that holds something becomes a property (a trait, in a file of accounts or of people): a number where
a spreadsheet would say so, true or false, else text. A row without an id of its own gets one made of its content, so
that the same row counts once however often its file is read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import yaml

from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import EventKind, Json

ASKED = ("account", "person", "event", "time", "id")  # what a column may say
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")  # what a spreadsheet would call a number; 007 is a name
_COUNTED = re.compile(r"\d{9,13}(\.\d{1,6})?")  # a time as seconds since 1970, or as milliseconds
_MOST_SECONDS = 1e11  # what is more than this (the year 5138) counts milliseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS: Mapping[str, bool] = {"true": True, "false": False}
_OF_TRAITS = frozenset({EventKind.GROUP, EventKind.IDENTIFY})


class BadMappingError(LifecycleError):
    """The mapping of columns is not in order, or does not fit the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the columns of a file say; each is named as the file's first line names it."""

    account: str | None = None  # the account's id
    person: str | None = None  # the person's id
    event: str | None = None  # what happened, as the product says it
    time: str | None = None  # when: ISO 8601, or seconds or milliseconds since 1970
    id: str | None = None  # the event's own id
    name: str | None = None  # no column: what happened in every row, where no column says it
    type: EventKind = EventKind.TRACK  # no column: of every row; group for a file of accounts, identify for people
    delimiter: str | None = None  # no column: what stands between two; None: as the file's ending says
    ignore: tuple[str, ...] = ()  # those that are no properties
    rename: Mapping[str, str] = field(default_factory=dict)  # column -> the property that it becomes

    @property
    def asked(self) -> dict[str, str]:
        """What is said by a column, and by which."""
        named = {each: getattr(self, each) for each in ASKED}
        return {each: column for each, column in named.items() if column is not None}


def columns_of(file: Path | None, words: Sequence[str] = ()) -> Columns | None:
    """The mapping of a YAML file, with what ``KEY=VALUE`` words say put over it; None when neither says anything.

    Raises:
        BadMappingError: a key is unknown, or a value is not what it must be.
    """
    said: Any = {} if file is None else _yaml(file)
    if not isinstance(said, dict):
        raise BadMappingError(f"{file}: expected keys, each with its column")
    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not equals:
            raise BadMappingError(f"--map {key}: expected KEY=COLUMN")
    said |= {key.strip(): value.strip() for key, _, value in pairs}
    return _columns(said) if said else None


def _yaml(file: Path) -> object:
    try:
        return yaml.safe_load(file.read_text()) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadMappingError(f"{file}: {' '.join(str(error).split())}") from None


def _columns(said: Mapping[str, Any]) -> Columns:
    checked: dict[str, Any] = {}
    for key, value in said.items():
        if key not in {each.name for each in fields(Columns)}:
            raise BadMappingError(
                f"mapping: `{key}` is not known; known are {', '.join(f.name for f in fields(Columns))}"
            )
        checked[key] = _checked(key, value)
    return Columns(**checked)


def _checked(key: str, value: Any) -> Any:  # noqa: ANN401 -- whatever YAML holds
    match key, value:
        case "ignore", str():
            return tuple(each.strip() for each in value.split(","))
        case "ignore", list():
            return tuple(map(str, value))
        case "rename", dict():
            return {str(column): str(name) for column, name in value.items()}
        case "type", "track" | "group" | "identify" | "page" | "screen":
            return EventKind(value)
        case "delimiter", "tab" | "\\t" | "":  # an empty one is a tab that was trimmed
            return "\t"
        case "delimiter", str() if len(value) == 1:
            return value
        case "account" | "person" | "event" | "time" | "id" | "name", str() if value:
            return value
    raise BadMappingError(f"mapping: `{key}`: expected {_EXPECTED.get(key, 'the name of a column')}")


_EXPECTED: Mapping[str, str] = {
    "ignore": "a list of columns",
    "rename": "columns, each with the name it gets",
    "type": "track, group, identify, page or screen",
    "delimiter": "one character, or `tab`",
    "name": "what happened in every row",
}


def fitting(columns: Columns | None, header: Sequence[str]) -> Columns:
    """The mapping, once the file is known to have its columns; without one, columns are known by their own names.

    Raises:
        BadMappingError: the file has not the columns that the mapping names, or no account and no person.
    """
    own: dict[str, Any] = {name: name for name in ASKED if name in header}
    found = columns or Columns(**own)
    missing = sorted({*found.asked.values(), *found.rename}.difference(header))
    if missing:
        raise BadMappingError(f"no column {', '.join(missing)}; the file has: {', '.join(header)[:500]}")
    if found.account is None and found.person is None:
        told = "no column is known to be the account or the person: say `--map account=COLUMN`, `--map person=COLUMN`"
        raise BadMappingError(f"{told}; the file has: {', '.join(header)[:500]}")
    return found


def call_of(row: Mapping[str, str], columns: Columns) -> dict[str, Json]:
    """A row as a Segment call; whether it is in order shows when it is read."""
    said = {each: row[column].strip() for each, column in columns.asked.items()}
    kept = {*columns.asked.values(), *columns.ignore}
    body = {columns.rename.get(name, name): _typed(cell) for name, cell in row.items() if name not in kept and cell}
    call: dict[str, Json] = {"type": columns.type.value, "messageId": said.get("id") or _made_of(row)}
    call |= {"timestamp": _time(said["time"])} if said.get("time") else {}
    call |= {"userId": said["person"]} if said.get("person") else {}
    call |= _belonging(said.get("account"), columns)
    if columns.type is EventKind.TRACK:
        call["event"] = said.get("event") or columns.name
    return {**call, "traits" if columns.type in _OF_TRAITS else "properties": body}


def _belonging(account: str | None, columns: Columns) -> dict[str, Json]:
    if not account:
        return {}
    return {"groupId": account} if columns.type is EventKind.GROUP else {"context": {"groupId": account}}


def _made_of(row: Mapping[str, str]) -> str:
    said = "\0".join(f"{name}\0{cell}" for name, cell in sorted(row.items()))
    return f"row-{blake2b(said.encode('utf-8', 'surrogateescape'), digest_size=16).hexdigest()}"


def _typed(cell: str) -> Json:
    text = cell.strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def _time(cell: str) -> str:
    """ISO 8601; what cannot be read is left as it is, so that the refusal names it."""
    if not _COUNTED.fullmatch(cell):
        return cell
    number = float(cell)
    return (_EPOCH + timedelta(seconds=number / 1000 if number > _MOST_SECONDS else number)).isoformat()
