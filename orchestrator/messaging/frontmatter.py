"""A template file's parts: front matter between two ``---`` lines (a few fields of YAML), then the body.

Every part keeps the line on which it stands, so that a mistake in it can be shown to its author.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from orchestrator.messaging.dialect import LONGEST_SOURCE, did_you_mean
from orchestrator.messaging.errors import Problem, TemplateError

EMAIL_FIELDS = ("subject", "preview", "reason", "button.label", "button.url")
IN_APP_FIELDS = ("title", "button.label", "button.url")
ESCALATION_FIELDS = ("title",)

_MARK = "---"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a template file: Jinja, not yet rendered."""

    source: str  # its text
    line: int  # of its first line in the file, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A template file taken apart."""

    fields: Mapping[str, Part]  # by name, nested ones dotted: ``button.label``
    body: Part


def take_apart(file: str, text: str, wanted: Iterable[str]) -> Sheet:
    """The parts of a template file; raises TemplateError with every missing, unknown, doubled or many-lined field."""
    lines = text.splitlines()
    try:
        end = lines.index(_MARK, 1) if lines[:1] == [_MARK] else -1
    except ValueError:
        end = -1
    if end < 0 or len(text) > LONGEST_SOURCE:
        size = f"a template has at most {LONGEST_SOURCE:,} characters"
        begin = "begin with front matter between two lines of three hyphens (---)"
        raise TemplateError([Problem(file=file, line=1, message=begin if end < 0 else size)])
    fields = _Reader(file, tuple(wanted)).read("\n".join(lines[1:end]))
    return Sheet(fields=fields, body=Part(source="\n".join(lines[end + 1 :]).rstrip(), line=end + 2))


class _Reader:
    """Reads the front matter of one file, noting all that is wrong with it."""

    def __init__(self, file: str, wanted: tuple[str, ...]) -> None:
        self.file = file
        self.wanted = wanted
        self.problems: list[Problem] = []

    def read(self, text: str) -> dict[str, Part]:
        fields: dict[str, Part] = {}
        for name, part in self._entries(self._tree(text), ""):
            if name in fields:
                self._note(part.line, f"{name} is there twice")
            fields[name] = part
        for name in self.wanted:
            if name not in fields:
                self._note(1, f"{name} is missing")
        if self.problems:
            raise TemplateError(self.problems)
        return fields

    def _tree(self, text: str) -> yaml.Node | None:
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError) as error:
            mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
            self._note(mark.line + 2 if mark else 1, "this is not YAML; put the text in double quotes")
            raise TemplateError(self.problems) from error

    def _entries(self, node: yaml.Node | None, prefix: str) -> Iterator[tuple[str, Part]]:
        if not isinstance(node, yaml.MappingNode):
            self._note(1 if node is None else _line(node), f"write {prefix or 'front matter'} as `name: text` lines")
            return
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            if f"{name}.".count(".") == 1 and any(wanted.startswith(f"{name}.") for wanted in self.wanted):
                yield from self._entries(value, f"{name}.")
            elif name not in self.wanted:
                self._note(_line(key), f"there is no field {name!r}{did_you_mean(name, self.wanted)}")
            else:
                yield name, Part(source=self._line_of_text(name, value), line=_line(value))

    def _line_of_text(self, name: str, value: yaml.Node) -> str:
        if not isinstance(value, yaml.ScalarNode):
            self._note(_line(value), f"{name} must be text; put it in double quotes")
            return ""
        text = str(value.value).strip()
        if not text:
            self._note(_line(value), f"{name} is empty")
        if len(text.splitlines()) > 1:
            self._note(_line(value), f"{name} must be one line")
        return text

    def _note(self, line: int, message: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, message=message))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 2  # the marks count from 0, and the first --- stands above
