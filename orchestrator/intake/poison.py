"""JSON from outside: loaded, or refused by the name and place of what nobody can keep.

Clients emit NaN, Infinity, half characters and NUL; strict parsers refuse all of it, PostgreSQL refuses each of them. A
good text is read once by orjson; only what orjson refuses is read again, slowly, to say why. Never recursive beyond
what the readers themselves allow, whatever the depth.
"""

import json
import math
from collections.abc import Iterator

import orjson

from orchestrator.core.events import Json
from orchestrator.intake.rejection import MOST_DETAIL, Rejection, RejectionReason

MOST_DEPTH = 100  # levels of nesting; orjson writes at most 254, and rows put some around it

BOM = b"\xef\xbb\xbf"  # some platforms write it; it means nothing in UTF-8


def loaded(raw: bytes) -> Json:
    """The value that a JSON text holds, free of anything that cannot be kept; raises Rejection, and nothing else."""
    raw = raw.removeprefix(BOM)
    try:
        value: Json = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise diagnosis(raw, str(error)) from None
    if (b"\\" in raw and b"\\u0000" in raw) or raw.count(b"{") + raw.count(b"[") > MOST_DEPTH:
        refuse_unfit(raw, value)
    return value


def refuse_unfit(raw: bytes, value: Json) -> None:
    """Raise Rejection where a value that orjson read from (or wrote as) these bytes holds NUL, or is too deep."""
    if b"\\u0000" in raw:  # it may also be a backslash followed by u0000
        _refuse_nul(value)
    if raw.count(b"{") + raw.count(b"[") > MOST_DEPTH and depth(value) > MOST_DEPTH:
        raise too_deep()


def _refuse_nul(call: Json) -> None:
    for path, item in walk(call):
        if isinstance(item, str) and "\0" in item:
            raise Rejection(RejectionReason.NUL_CHARACTER, path)


def depth(value: Json) -> int:
    """Levels of nesting, counted without recursion."""
    level, depth = [value], 0
    while level := [child for parent in level for child in _children(parent)]:
        depth += 1
    return depth


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def too_deep() -> Rejection:
    """A call that is nested deeper than can be kept."""
    return Rejection(RejectionReason.BAD_FIELD, f"the call: nested deeper than {MOST_DEPTH} levels")


def diagnosis(raw: bytes, complaint: str) -> Rejection:
    """Say why orjson refused these bytes."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return Rejection(_undecodable(raw), f"at byte {error.start}")
    try:
        call = json.loads(text, strict=False, parse_int=float)  # reads NaN, half characters and raw control characters
    except RecursionError:
        return too_deep()
    except ValueError:
        return _not_json(text, complaint)
    poison = next((_poison(path, item) for path, item in walk(call) if _is_poison(item)), None)
    return poison or (too_deep() if depth(call) > MOST_DEPTH else Rejection(RejectionReason.NOT_JSON, complaint))


def _undecodable(raw: bytes) -> RejectionReason:
    try:
        raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return RejectionReason.NOT_UTF8
    return RejectionReason.LONE_SURROGATE


def _not_json(text: str, complaint: str) -> Rejection:
    if "\0" in text:
        return Rejection(RejectionReason.NUL_CHARACTER, f"at character {text.index(chr(0))}")
    return Rejection(RejectionReason.NOT_JSON, complaint)


def _is_poison(item: Json) -> bool:
    if isinstance(item, float):
        return not math.isfinite(item)
    return isinstance(item, str) and ("\0" in item or _is_torn(item))


def _is_torn(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _poison(path: str, item: Json) -> Rejection:
    if not isinstance(item, str):
        return Rejection(RejectionReason.NOT_A_NUMBER, path)
    return Rejection(RejectionReason.NUL_CHARACTER if "\0" in item else RejectionReason.LONE_SURROGATE, path)


def walk(value: Json) -> Iterator[tuple[str, Json]]:
    """Every value and every name in it with its path, in the order of the text; never recursive, whatever the depth."""
    waiting: list[tuple[str, Json]] = [("", value)]
    while waiting:
        path, item = waiting.pop()
        yield path or "the call", item
        if isinstance(item, dict):
            waiting += reversed([entry for key, child in item.items() for entry in _named(path, key, child)])
        elif isinstance(item, list):
            waiting += reversed([(f"{path}[{index}]"[-MOST_DETAIL:], child) for index, child in enumerate(item)])


def _named(path: str, key: str, child: Json) -> tuple[tuple[str, Json], tuple[str, Json]]:
    shown = key if key.isascii() and key.isidentifier() else ascii(key[:40])
    place = f"{path}.{shown}".removeprefix(".")[-MOST_DETAIL:]
    return (f"the name {place}", key), (place, child)


def sort_of(value: Json) -> str:
    """What a value is, in words that do not quote it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return f"a text of {len(value)} characters"
        case list():
            return "a list"
        case dict():
            return "an object"
