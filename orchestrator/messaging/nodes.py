"""YAML that people write for the copy, read node by node, so that each mistake in it is told with its line."""

from collections.abc import Collection, Iterator

import yaml

from orchestrator.messaging.dialect import did_you_mean
from orchestrator.messaging.errors import Problem, TemplateError

_INTEGER = "tag:yaml.org,2002:int"


class Nodes:
    """The nodes of one text, and all that is wrong with it."""

    def __init__(self, file: str, above: int = 0) -> None:
        """Take the file's name, and how many lines stand above the text in it."""
        self.file = file
        self.above = above
        self.problems: list[Problem] = []

    def tree(self, text: str) -> yaml.Node | None:
        """The root; raises TemplateError for what is no YAML."""
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError) as error:
            mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
            line = mark.line + 1 + self.above if mark else 1
            self.note(line, "this is not YAML; put the text in double quotes")
            raise TemplateError(self.problems) from error

    def line(self, node: yaml.Node | None) -> int:
        """The line in the file on which a node begins, from 1."""
        return 1 if node is None else int(node.start_mark.line) + 1 + self.above

    def note(self, line: int, message: str) -> None:
        """Note what is wrong."""
        self.problems.append(Problem(file=self.file, line=line, message=message))

    def pairs(self, node: yaml.Node | None, what: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Name, key and value of each entry of a mapping; anything else is noted."""
        if not isinstance(node, yaml.MappingNode):
            self.note(self.line(node), f"write {what} as `name: text` lines")
            return
        for key, value in node.value:
            yield str(key.value), key, value

    def known_pairs(self, node: yaml.Node | None, what: str, known: Collection[str]) -> dict[str, yaml.Node]:
        """The values of a mapping by name, each of the known names at most once; others are noted."""
        found: dict[str, yaml.Node] = {}
        for name, key, value in self.pairs(node, what):
            if name not in known:
                self.note(self.line(key), f"{what} has no {name!r}{did_you_mean(name, known)}")
            elif name in found:
                self.note(self.line(key), f"{name} is there twice")
            else:
                found[name] = value
        return found

    def entries(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """The entries of a list; anything else is noted."""
        if isinstance(node, yaml.SequenceNode) and node.value:
            return list(node.value)
        self.note(self.line(node), f"{what} must be a list, one `- ` line an entry")
        return []

    def text(self, name: str, value: yaml.Node, *, lines: bool = False) -> str:
        """A text; one that is empty, or of more than one line where only one is allowed, is noted."""
        if not isinstance(value, yaml.ScalarNode):
            self.note(self.line(value), f"{name} must be text; put it in double quotes")
            return ""
        text = str(value.value).strip()
        if not text:
            self.note(self.line(value), f"{name} is empty")
        if len(text.splitlines()) > 1 and not lines:
            self.note(self.line(value), f"{name} must be one line")
        return text

    def minutes(self, name: str, value: yaml.Node) -> int:
        """A number of minutes from 1; anything else is noted, and counts as none."""
        if isinstance(value, yaml.ScalarNode) and value.tag == _INTEGER and str(value.value).isdecimal():
            minutes = int(value.value)
            if minutes > 0:
                return minutes
        self.note(self.line(value), f"{name} must be a whole number of minutes from 1")
        return 0

    def finished(self) -> None:
        """Raise TemplateError when anything was noted."""
        if self.problems:
            raise TemplateError(self.problems)
