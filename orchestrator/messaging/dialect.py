"""The small part of Jinja that templates may speak: values, conditions, one level of loops in a loop, a few filters.

Everything else is refused when a template is checked *and* when it is compiled: no calls, no assignments, no macros,
no includes, no powers, and dots reach into mappings only, never into Python objects. So a template's cost is bounded
by its own length and that of its values, and there is nothing in it to break out of; the sandbox stands behind as a
second wall.
"""

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from urllib.parse import quote

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from orchestrator.messaging.context import is_link
from orchestrator.messaging.errors import RenderError

LONGEST_SOURCE = 20_000  # characters of one template file
LONGEST_OUTPUT = 100_000  # characters that one part may render to
DEEPEST_LOOP = 2  # a loop within a loop

_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.If, nodes.For, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Test,
    nodes.Filter, nodes.Keyword, nodes.Add, nodes.Sub, nodes.Neg, nodes.Concat, nodes.List, nodes.Tuple,
)  # fmt: skip
_LOOP = frozenset({"index", "index0", "first", "last", "length"})

BEGIN, END = "\ue000", "\ue001"  # around a value on its way through Markdown; both are stripped from every value


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake in one part of a template."""

    line: int  # within the part, from 1
    message: str  # what is wrong and what to write instead


def shown(value: object) -> str:
    """How a value is written for a reader; raises RenderError for what cannot be (absent, lists, groups)."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Undefined):
        return str(value)  # StrictUndefined: raises, naming itself
    if isinstance(value, date):
        return f"{value.day} {value:%B} {value.year}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return shown_number(value)
    raise RenderError(f"{_kind(value)} cannot be printed; {_ADVICE.get(type(value), 'print one of its values')}")


def shown_number(value: float) -> str:
    """A number for a reader: thousands apart, at most one decimal (``1,234``, ``3.2``)."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}".removesuffix(".0")


def _kind(value: object) -> str:
    return "a value that is absent" if value is None else f"a {type(value).__name__}"


_ADVICE: Mapping[type, str] = {
    type(None): "say what to write instead: {{ name or 'words' }}, or ask with {% if name %}",
    bool: "ask with {% if … %}",
    list: "join it: {{ names | listed }}",
}


def sealed(value: object) -> str:
    """A value on its way through Markdown: letters and digits only, so that nothing in it can be markup."""
    text = shown(value)
    return f"{BEGIN}{text.encode().hex()}{END}" if text else ""


def in_link(value: object) -> str:
    """A value inside an address: a whole address as it is, anything else percent-encoded."""
    text = shown(value)
    return text if is_link(text) else quote(text, safe="")


def left_to_escape(value: object) -> str:
    """A value in the layout: finished HTML as it is, text for Jinja to escape."""
    return value if isinstance(value, Markup) else shown(value)


class Dialect(ImmutableSandboxedEnvironment):
    """An environment that reads nothing but mappings and calls nothing at all."""

    def __init__(self, finalize: Callable[[object], str], *, autoescape: bool = False) -> None:
        """Take how a value is written where it stands."""
        super().__init__(
            finalize=finalize, autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self.globals.clear()
        self.filters = cast("dict[str, Callable[..., Any]]", dict(FILTERS))
        self.tests = {name: self.tests[name] for name in ("defined", "undefined")}

    def getattr(self, obj: object, attribute: str) -> object:
        """``obj.attribute``: an entry of a mapping, or one of a loop's counters."""
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """``obj[argument]``: an entry of a mapping, or one of a list by its number."""
        try:
            if isinstance(obj, Mapping):
                return obj[argument]
            if isinstance(obj, list) and isinstance(argument, int):
                return obj[argument]
        except LookupError:
            pass  # undefined, as below
        return self.undefined(obj=obj, name=str(argument))

    def is_safe_callable(self, obj: object) -> bool:  # noqa: ARG002 as Jinja's sandbox declares it
        """Never: a template has nothing to call."""
        return False

    def compiled(self, source: str) -> Template:
        """The template, if it keeps to the dialect; raises RenderError with the line of the first mistake if not."""
        for finding in self.findings(source):
            raise RenderError(finding.message, line=finding.line)
        return self.from_string(source)

    def findings(self, source: str) -> Iterator[Finding]:
        """Everything in it that the dialect does not allow."""
        try:
            yield from self._strangers(self.parsed(source), 0)
        except TemplateSyntaxError as error:
            yield Finding(line=error.lineno, message=error.message or "this is not Jinja")
        except RenderError as error:
            yield Finding(line=error.line or 1, message=str(error))

    def parsed(self, source: str) -> nodes.Template:
        """The syntax tree; raises RenderError for a text too long or too deep, jinja2's error for a broken one."""
        if len(source) > LONGEST_SOURCE:
            raise RenderError(f"a template has at most {LONGEST_SOURCE:,} characters", line=1)
        if BEGIN in source or END in source:
            raise RenderError("the signs U+E000 and U+E001 are kept for values", line=1)
        try:
            return self.parse(source)
        except RecursionError as error:
            raise RenderError("it is nested too deeply", line=1) from error

    def _strangers(self, node: nodes.Node, loops: int) -> Iterator[Finding]:
        loops += isinstance(node, nodes.For)
        if loops > DEEPEST_LOOP:
            yield Finding(line=node.lineno, message=f"loops go at most {DEEPEST_LOOP} deep")
        if not isinstance(node, _ALLOWED):
            yield Finding(line=node.lineno, message=f"templates have no {_WORDS.get(type(node), type(node).__name__)}")
            return
        yield from self._unknown_word(node)
        for child in node.iter_child_nodes():
            yield from self._strangers(child, loops)

    def _unknown_word(self, node: nodes.Node) -> Iterator[Finding]:
        known: Collection[str] = self.filters if isinstance(node, nodes.Filter) else self.tests
        if isinstance(node, nodes.Filter | nodes.Test) and node.name not in known:
            yield Finding(line=node.lineno, message=f"there is no {node.name!r} here{did_you_mean(node.name, known)}")
        if isinstance(node, nodes.For) and node.recursive:
            yield Finding(line=node.lineno, message="templates have no recursive loops")


_WORDS: Mapping[type[nodes.Node], str] = {
    nodes.Call: "calls",
    nodes.Assign: "assignments",
    nodes.AssignBlock: "assignments",
    nodes.With: "assignments",
    nodes.Include: "includes: each message is one file on the one layout",
    nodes.Import: "imports",
    nodes.FromImport: "imports",
    nodes.Extends: "inheritance: the layout is put around by itself",
    nodes.Block: "blocks",
    nodes.Macro: "macros",
    nodes.CallBlock: "macros",
    nodes.FilterBlock: "filter blocks: write {{ value | filter }}",
}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` if something known is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def names_used(tree: nodes.Template) -> frozenset[tuple[str, int]]:
    """Each outside name a template reads, dotted (``account.name``), with the lines on which it does."""
    return frozenset(_names(tree, frozenset()))


def _names(node: nodes.Node, local: frozenset[str]) -> Iterator[tuple[str, int]]:
    if isinstance(node, nodes.For):
        yield from _names(node.iter, local)
        inner = local | {name.name for name in node.target.find_all(nodes.Name)} | _own_names(node.target) | {"loop"}
        for child in (*node.body, *node.else_, *([node.test] if node.test else [])):
            yield from _names(child, inner)
        return
    path = _dotted(node)
    if path is not None:
        if path.split(".")[0] not in local:
            yield path, node.lineno
        return
    for child in node.iter_child_nodes():
        yield from _names(child, local)


def _own_names(target: nodes.Node) -> set[str]:
    return {target.name} if isinstance(target, nodes.Name) else set()


def _dotted(node: nodes.Node) -> str | None:
    """``a.b`` or ``a["b"]`` as ``a.b``; None for anything but a plain path."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        base, key = _dotted(node.node), node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        base, key = _dotted(node.node), node.arg.value
    else:
        return None
    return None if base is None else f"{base}.{key}"


def rendered(template: Template, values: Mapping[str, object]) -> str:
    """The text, at most LONGEST_OUTPUT characters; raises RenderError, with the line where known."""
    try:
        return "".join(_bounded(template.generate(values)))
    except RenderError as error:
        raise RenderError(str(error), line=_line(template, error)) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise RenderError(str(error), line=_line(template, error)) from error


def _bounded(pieces: Iterable[str]) -> Iterator[str]:
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > LONGEST_OUTPUT:
            raise RenderError(f"it renders to more than {LONGEST_OUTPUT:,} characters")
        yield piece


def _line(template: Template, error: Exception) -> int | None:
    """The line of the template at which its compiled code stood (jinja2 rewrites the traceback to template lines)."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == (template.filename or "<template>"):
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def listed(names: Iterable[str]) -> str:
    """``a, b and c``."""
    *most, last = [str(name) for name in names] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def plural(number: float, one: str, many: str) -> str:
    """``1 person``, ``1,200 people``."""
    return f"{shown_number(number)} {one if number == 1 else many}"


FILTERS: Mapping[str, Callable[..., object]] = {
    "listed": listed,
    "plural": plural,
    "length": len,
    "lower": str.lower,
    "upper": str.upper,
    "capitalize": lambda text: text[:1].upper() + text[1:],
}
"""All filters: names joined in a sentence, a number with its noun, a list's length, and the case of letters."""
