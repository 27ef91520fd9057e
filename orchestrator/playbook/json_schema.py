"""The JSON Schema of the language, for editors: generated from the shapes that playbooks are read with.

It says what a shape says: keys, types, closed lists, bounds. Whether a name leads somewhere, or a condition is well
typed, only ``lifecycle playbook check`` can say.
"""

from typing import Any

from orchestrator.playbook.schema import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of a playbook file, in JSON Schema 2020-12.

    A file that extends another says only what differs: nothing is required of it, and ``null`` removes.
    """
    generated = _plain(Document.model_json_schema(by_alias=True))
    whole = {"$ref": "#/$defs/Document"}
    parts = {**generated.pop("$defs"), "Document": generated}
    partial = {f"Partial{name}": _partial(shape) for name, shape in parts.items()}
    return {
        "$schema": DIALECT,
        "title": "A playbook of lifecycle-orchestrator",
        "if": {"type": "object", "required": ["extends"]},
        "then": {"$ref": "#/$defs/PartialDocument"},
        "else": whole,
        "$defs": {**parts, **partial},
    }


def _plain(shape: Any, *, names: bool = False) -> Any:  # noqa: ANN401 -- JSON
    """A shape without pydantic's titles and its own notation of defaults; ``names``: its keys are names of ours."""
    match shape:
        case dict():
            dropped = set() if names else {"title", "default"}
            inner = {key: key in {"properties", "$defs"} and not names for key in shape}
            return {key: _plain(each, names=inner[key]) for key, each in shape.items() if key not in dropped}
        case list():
            return [_plain(each) for each in shape]
        case _:
            return shape


def _partial(shape: Any) -> Any:  # noqa: ANN401 -- JSON
    """A shape of which every part may be missing, and every value null."""
    match shape:
        case {"$ref": str(reference)}:
            return {"$ref": reference.replace("#/$defs/", "#/$defs/Partial")}
        case dict():
            kept = {key: _partial(value) for key, value in shape.items() if key != "required"}
            for key in ("properties", "additionalProperties"):
                if isinstance(shape.get(key), dict):
                    kept[key] = _nullable(key, shape[key])
            return kept
        case list():
            return [_partial(each) for each in shape]
        case _:
            return shape


def _nullable(key: str, shape: dict[str, Any]) -> dict[str, Any]:
    if key == "properties":
        return {name: _or_null(each) for name, each in shape.items()}
    return _or_null(shape)


def _or_null(shape: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    return {"anyOf": [_partial(shape), {"type": "null"}]}
