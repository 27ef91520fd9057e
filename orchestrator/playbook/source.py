"""The source of a playbook: its text with its templates and all that it extends, which together have one version."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.playbook.errors import PlaybookError, Problem
from orchestrator.playbook.inheritance import SHELF, inherited
from orchestrator.playbook.loader import MOST_BYTES, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookSource:
    """What a version is made of."""

    file: str  # the name that errors give as the place
    text: str  # YAML
    templates: Mapping[str, str]
    # path under ``templates/`` -> text: ``email/<name>/en.md``, ``escalation/<name>.md``; and ``playbooks/<name>.yaml``
    # of those that this one extends

    def tree(self) -> Tree:
        """The document with all that it extends; ``problems`` of the tree tells what could not be read."""
        shelf = {path: text for path, text in self.templates.items() if path.startswith(SHELF)}
        return inherited(self.text, self.file, shelf.get, shelf)


def version_of(source: PlaybookSource) -> str:
    """The version: 16 hexadecimal digits of SHA-256 over text and templates; the file's name is no part of it."""
    digest = hashlib.sha256()
    for part in (source.text, *(part for item in sorted(source.templates.items()) for part in item)):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)  # so that no two divisions of the same letters are equal
    return digest.hexdigest()[:16]


def read_source(path: Path, templates: Mapping[str, str]) -> PlaybookSource:
    """The source of a file; of the playbooks and presets among the templates only those that it rests on.

    A playbook that is extended is looked for beside the file first, then among the templates.

    Raises:
        PlaybookError: a file cannot be read, is too large, or is not UTF-8.
    """
    text = _text(path)
    shelf = {name: text for name, text in templates.items() if name.startswith(SHELF)}
    used: dict[str, str] = {}

    def look(name: str) -> str | None:
        beside = path.parent / name.removeprefix(SHELF)
        found = _text(beside) if beside.is_file() else shelf.get(name)
        if found is not None:
            used[name] = found
        return found

    inherited(text, str(path), look, shelf)  # what is wrong is told when it is compiled
    others = {name: text for name, text in templates.items() if name not in shelf}
    return PlaybookSource(file=str(path), text=text, templates={**others, **used})


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)  # one more than may be: the loader refuses it by its size
        cut = len(raw) > MOST_BYTES  # perhaps within a letter
        return raw.decode("utf-8", errors="replace" if cut else "strict")
    except OSError as error:
        raise PlaybookError([_about(path, f"the file cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PlaybookError([_about(path, f"the byte {raw[error.start]:#04x} is no UTF-8", line)]) from error


def _about(path: Path, message: str, line: int = 1) -> Problem:
    return Problem(file=str(path), line=line, column=1, path="", message=message)
