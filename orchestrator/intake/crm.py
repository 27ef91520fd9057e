"""A CRM's webhook: which of its JSON is an account and which are traits, as templates/crm/*.yaml say it.

A path leads into the JSON by names and numbers with dots between (``properties.arr``, ``contacts.0.email``). What is
not there, or is an empty text, says nothing. A record becomes a body as ``dossier`` reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import Json
from orchestrator.intake.forms import NAME
from orchestrator.intake.particulars.fields import put
from orchestrator.intake.signatures import Hmac

MOST_RECORDS = 1000  # of one delivery: more is no notification, but an export
_Plain = bool | int | float | str
_Path = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class MappingError(LifecycleError):
    """The mapping of a CRM cannot be used as it is written."""


class UnknownCrmError(LifecycleError):
    """There is no mapping for this CRM."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Timestamp(_Strict):
    """Where the time of a signature stands."""

    header: str
    unit: Literal["s", "ms"] = "s"


class Signature(_Strict):
    """HMAC-SHA256 in a header."""

    header: str
    encoding: Literal["hex", "base64"]
    prefix: str = ""
    over: Annotated[Sequence[str], Field(min_length=1)] = ("body",)
    timestamp: Timestamp | None = None

    @model_validator(mode="after")
    def _covers(self) -> "Signature":
        if "body" not in self.over:
            raise ValueError("`over` must have `body`: else anybody could change it")
        if self.timestamp is not None and "timestamp" not in self.over:
            raise ValueError("`over` must have `timestamp`: else anybody could make it new")
        return self


class Source(_Strict):
    """Where a field is taken from."""

    path: _Path | None = Field(default=None, alias="from")
    millis: bool = False  # it is a number of milliseconds since 1970
    words: Mapping[str, _Plain] = Field(default_factory=dict)  # the CRM's word -> ours; others stay as they are
    always: _Plain | None = None  # not taken from anywhere: this

    @model_validator(mode="after")
    def _is_one(self) -> "Source":
        if (self.path is None) is (self.always is None):
            raise ValueError("a field has one of `from` and `always`")
        return self


_Fields = Mapping[str, _Path | Source]


class People(_Strict):
    """Where persons are."""

    each: _Path  # the path of a list
    fields: _Fields


class CrmMapping(_Strict):
    """How a CRM's JSON is read."""

    signature: Literal["standard"] | Signature
    each: _Path | None = None  # the path of the list of records; unset: the body is the record, or a list of them
    id: _Path | None = None  # what tells this change from any other; with Standard Webhooks the delivery has an id
    account: _Path
    fields: _Fields
    people: People | None = None

    @model_validator(mode="after")
    def _told_apart(self) -> "CrmMapping":
        if self.signature != "standard" and self.id is None and "as_of" not in self.fields:
            raise ValueError("give `id` or `fields.as_of`: a value that goes back to what it was is no repeat")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a delivery."""

    account: str  # empty: it does not say
    body: Mapping[str, Json]  # as ``dossier`` reads it
    key: str  # tells this change of this record from any other
    raw: bytes  # as JSON, for what is refused


def load(folder: Path, source: str) -> CrmMapping:
    """The mapping of a CRM in the folder of templates.

    Raises:
        UnknownCrmError: there is none of this name.
        MappingError: it is not written as a mapping is.
    """
    path = folder / "crm" / f"{source}.yaml"
    if NAME.fullmatch(source) is None or not path.is_file():
        raise UnknownCrmError
    try:
        return CrmMapping.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: {error}") from None
    except ValidationError as error:
        told = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise MappingError(f"{path}: {'; '.join(told)}") from None


def how(mapping: CrmMapping) -> Hmac | None:
    """How a delivery is signed; None: as Standard Webhooks ask."""
    if mapping.signature == "standard":
        return None
    said = mapping.signature
    return Hmac(
        header=said.header,
        encoding=said.encoding,
        prefix=said.prefix,
        over=said.over,
        timestamp=None if said.timestamp is None else said.timestamp.header,
        unit="s" if said.timestamp is None else said.timestamp.unit,
    )


def records(mapping: CrmMapping, body: Json, delivery: str | None) -> list[Record] | None:
    """The records of a delivery; ``delivery`` is its id, if it has one. None: there is no list where it should be."""
    listed = body if mapping.each is None else found(body, mapping.each)
    if mapping.each is None and isinstance(body, dict):
        listed = [body]
    if not isinstance(listed, list) or len(listed) > MOST_RECORDS:
        return None
    return [_record(mapping, each, number, delivery) for number, each in enumerate(listed)]


def _record(mapping: CrmMapping, raw: Json, number: int, delivery: str | None) -> Record:
    written = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)
    told = None if mapping.id is None else found(raw, mapping.id)
    name = f"{delivery}/{number}" if delivery is not None and told is None else str(told)
    key = sha256(written).hexdigest() if told is None and delivery is None else name
    account = found(raw, mapping.account)
    body = _body(mapping.fields, raw)
    if mapping.people is not None:
        people = found(raw, mapping.people.each)
        listed = people if isinstance(people, list) else []
        body = {**body, "people": [_body(mapping.people.fields, each) for each in listed]} if listed else body
    known = account if isinstance(account, str) else str(account) if isinstance(account, int) else ""
    return Record(account=known, body=body, key=key, raw=written)


def _body(fields: _Fields, raw: Json) -> dict[str, Json]:
    body: dict[str, Json] = {}
    for name, source in fields.items():
        value = _value(Source.model_validate({"from": source}) if isinstance(source, str) else source, raw)
        if value is not None and value != "":
            put(body, name.split("."), value)
    return body


def _value(source: Source, raw: Json) -> Json:
    if source.path is None:
        return source.always
    value = found(raw, source.path)
    if isinstance(value, str | int | bool) and str(value) in source.words:
        return source.words[str(value)]
    return _of_millis(value) if source.millis else value


def _of_millis(value: Json) -> Json:
    """Midnight UTC is how a date without a time comes in milliseconds: it is that date, wherever the account is."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
        return value
    try:
        at = datetime.fromtimestamp(float(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return value
    return at.date().isoformat() if at.time() == datetime.min.time() else at.isoformat()


def found(raw: Json, path: str) -> Json:
    """What stands at a path; None when nothing does."""
    value: Any = raw
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    found_there: Json = value
    return found_there
