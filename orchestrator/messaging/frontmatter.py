"""A template file's parts: front matter between two ``---`` lines (a few fields of YAML), then the body.

Every part keeps the line on which it stands, so that a mistake in it can be shown to its author. What is handed to a
human may have more of them (``PLAN_KEYS``): an agenda that adds up, a checklist, what to bring, a draft to send.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from orchestrator.messaging.dialect import LONGEST_SOURCE, did_you_mean
from orchestrator.messaging.errors import Problem, TemplateError
from orchestrator.messaging.nodes import Nodes

EMAIL_FIELDS = ("subject", "preview", "reason", "button.label", "button.url")
IN_APP_FIELDS = ("title", "button.label", "button.url")
ESCALATION_FIELDS = ("title",)
PLAN_KEYS = ("minutes", "agenda", "checklist", "bring", "draft")  # what an escalation may have besides

_MARK = "---"
_POINT = ("minutes", "what", "who")  # of an agenda
_DRAFT = ("subject", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a template file: Jinja, not yet rendered."""

    source: str  # its text
    line: int  # of its first line in the file, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a piece of work runs, as far as it is not Jinja; its words are parts: ``agenda.0.what``, ``checklist.0``."""

    minutes: int | None = None  # how long it takes; None: nothing is stated
    agenda: tuple[int, ...] = ()  # the minutes of each point, in order; they add up to ``minutes``
    bring: tuple[Part, ...] = ()  # names of assets of the content catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A template file taken apart."""

    fields: Mapping[str, Part]  # by name, nested ones dotted: ``button.label``
    body: Part
    plan: Plan = Plan()


def take_apart(file: str, text: str, wanted: Iterable[str], *, planned: bool = False) -> Sheet:
    """The parts of a template file; raises TemplateError with every missing, unknown, doubled or many-lined field.

    ``planned`` allows for PLAN_KEYS; an agenda that does not add up to its minutes is a mistake too.
    """
    lines = text.splitlines()
    try:
        end = lines.index(_MARK, 1) if lines[:1] == [_MARK] else -1
    except ValueError:
        end = -1
    if end < 0 or len(text) > LONGEST_SOURCE:
        size = f"a template has at most {LONGEST_SOURCE:,} characters"
        begin = "begin with front matter between two lines of three hyphens (---)"
        raise TemplateError([Problem(file=file, line=1, message=begin if end < 0 else size)])
    reader = _Reader(file, tuple(wanted), PLAN_KEYS if planned else ())
    fields = reader.read("\n".join(lines[1:end]))
    body = Part(source="\n".join(lines[end + 1 :]).rstrip(), line=end + 2)
    return Sheet(fields=fields, body=body, plan=reader.plan)


class _Reader(Nodes):
    """Reads the front matter of one file, noting all that is wrong with it."""

    def __init__(self, file: str, wanted: tuple[str, ...], extra: tuple[str, ...]) -> None:
        super().__init__(file, above=1)
        self.wanted = wanted
        self.extra = extra
        self.plan = Plan()

    def read(self, text: str) -> dict[str, Part]:
        root = self.tree(text)
        fields: dict[str, Part] = {}
        for name, part in (*self._entries(root, ""), *self._planned(root)):
            if name in fields:
                self.note(part.line, f"{name} is there twice")
            fields[name] = part
        for name in self.wanted:
            if name not in fields:
                self.note(1, f"{name} is missing")
        self.finished()
        return fields

    def _entries(self, node: yaml.Node | None, prefix: str) -> Iterator[tuple[str, Part]]:
        for key, at, value in self.pairs(node, prefix or "front matter"):
            name = f"{prefix}{key}"
            if f"{name}.".count(".") == 1 and any(wanted.startswith(f"{name}.") for wanted in self.wanted):
                yield from self._entries(value, f"{name}.")
            elif name in self.wanted:
                yield name, Part(source=self.text(name, value), line=self.line(value))
            elif name not in self.extra:
                known = (*self.wanted, *self.extra)
                self.note(self.line(at), f"there is no field {name!r}{did_you_mean(name, known)}")

    # -- the plan ----------------------------------------------------------------------------------------------------

    def _planned(self, root: yaml.Node | None) -> Iterator[tuple[str, Part]]:
        """The words of the plan; its minutes and what to bring are kept beside."""
        entries = root.value if isinstance(root, yaml.MappingNode) else ()
        of_plan = [(key, value) for key, value in entries if key.value in self.extra]
        for number, (key, _) in enumerate(of_plan):
            if any(key.value == earlier.value for earlier, _ in of_plan[:number]):
                self.note(self.line(key), f"{key.value} is there twice")
        found = {str(key.value): value for key, value in of_plan}
        points = self.entries(found["agenda"], "agenda") if "agenda" in found else []
        shapes = [self.known_pairs(point, "a point of the agenda", _POINT) for point in points]
        self._keep(found, points, shapes)
        yield from self._agenda(points, shapes)
        yield from self._checklist(found.get("checklist"))
        yield from self._draft(found.get("draft"))

    def _keep(
        self, found: Mapping[str, yaml.Node], points: list[yaml.Node], shapes: list[dict[str, yaml.Node]]
    ) -> None:
        minutes = self.minutes("minutes", found["minutes"]) if "minutes" in found else None
        each = tuple(self._of_point(shape, "minutes", point) for point, shape in zip(points, shapes, strict=True))
        if each and minutes != sum(each):
            stated = f"`minutes` says {minutes}" if minutes is not None else f"write `minutes: {sum(each)}` beside it"
            self.note(self.line(found.get("minutes", found["agenda"])), f"the agenda adds up to {sum(each)}; {stated}")
        brought = self.entries(found["bring"], "bring") if "bring" in found else []
        bring = tuple(Part(source=self.text("bring", name), line=self.line(name)) for name in brought)
        self.plan = Plan(minutes=minutes, agenda=each, bring=bring)

    def _of_point(self, shape: Mapping[str, yaml.Node], name: str, point: yaml.Node) -> int:
        if name in shape:
            return self.minutes(name, shape[name])
        self.note(self.line(point), f"a point of the agenda needs `{name}`")
        return 0

    def _agenda(self, points: list[yaml.Node], shapes: list[dict[str, yaml.Node]]) -> Iterator[tuple[str, Part]]:
        for number, (point, shape) in enumerate(zip(points, shapes, strict=True)):
            if "what" not in shape:
                self.note(self.line(point), "a point of the agenda needs `what`")
            for name in (word for word in ("what", "who") if word in shape):
                where = f"agenda.{number}.{name}"
                yield where, Part(source=self.text(name, shape[name]), line=self.line(shape[name]))

    def _checklist(self, node: yaml.Node | None) -> Iterator[tuple[str, Part]]:
        for number, item in enumerate(self.entries(node, "checklist") if node is not None else ()):
            yield f"checklist.{number}", Part(source=self.text("a checklist item", item), line=self.line(item))

    def _draft(self, node: yaml.Node | None) -> Iterator[tuple[str, Part]]:
        shape = self.known_pairs(node, "draft", _DRAFT) if node is not None else {}
        for name in _DRAFT if node is not None else ():
            if name not in shape:
                self.note(self.line(node), f"draft.{name} is missing")
                continue
            value = shape[name]
            block = isinstance(value, yaml.ScalarNode) and value.style in {"|", ">"}  # its text begins a line below
            source = self.text(f"draft.{name}", value, lines=name == "body")
            yield f"draft.{name}", Part(source=source, line=self.line(value) + block)
