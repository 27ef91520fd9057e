"""The source of a playbook: its text with its templates, which together have one version."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.playbook.errors import PlaybookError, Problem
from orchestrator.playbook.loader import MOST_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookSource:
    """What a version is made of."""

    file: str  # the name that errors give as the place
    text: str  # YAML
    templates: Mapping[str, str]  # path under ``templates/`` -> text: ``email/<name>/en.md``, ``escalation/<name>.md``


def version_of(source: PlaybookSource) -> str:
    """The version: 16 hexadecimal digits of SHA-256 over text and templates; the file's name is no part of it."""
    digest = hashlib.sha256()
    for part in (source.text, *(part for item in sorted(source.templates.items()) for part in item)):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)  # so that no two divisions of the same letters are equal
    return digest.hexdigest()[:16]


def read_source(path: Path, templates: Mapping[str, str]) -> PlaybookSource:
    """The source of a file.

    Raises:
        PlaybookError: the file cannot be read, is too large, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)  # one more than may be: the loader refuses it by its size
        text = raw.decode("utf-8")
    except OSError as error:
        raise PlaybookError([_about(path, f"the file cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PlaybookError([_about(path, f"the byte {raw[error.start]:#04x} is no UTF-8", line)]) from error
    return PlaybookSource(file=str(path), text=text, templates=templates)


def _about(path: Path, message: str, line: int = 1) -> Problem:
    return Problem(file=str(path), line=line, column=1, path="", message=message)
