"""One published set of templates: a mapping of path to text, so that an old version still renders as it did then.

Paths: ``email/<name>/<locale>.md`` (one folder a message), ``email/_layout/layout.html`` and ``layout.txt`` (the one
frame around all of them), ``in_app/<name>/<locale>.md`` (a note in the product: a title, a few words, one button),
``escalation/<name>.md`` (what a human is told to do), ``notify/<name>.md`` (what our own people are told),
``content/catalogue.yaml`` (what there is to read, to watch and to bring).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, unique
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from jinja2 import Template, TemplateSyntaxError
from markupsafe import Markup

from orchestrator.messaging import handout, markdown
from orchestrator.messaging.catalogue import CATALOGUE, CONTENT, Catalogue, read_catalogue
from orchestrator.messaging.context import COPY, FIGURES, clean, is_link, plain_text, trial_contexts
from orchestrator.messaging.dialect import (
    Dialect,
    did_you_mean,
    in_link,
    left_to_escape,
    names_used,
    rendered,
    sealed,
    shown,
)
from orchestrator.messaging.errors import MessagingError, Problem, RenderError, TemplateError
from orchestrator.messaging.frontmatter import (
    EMAIL_FIELDS,
    ESCALATION_FIELDS,
    IN_APP_FIELDS,
    Part,
    Plan,
    Sheet,
    take_apart,
)
from orchestrator.messaging.handout import Draft, Handout, Point

LAYOUT_HTML = "email/_layout/layout.html"
LAYOUT_TEXT = "email/_layout/layout.txt"
LONGEST_SUBJECT = 150  # characters; a longer one is cut

# What the layout may read; the author's words come to it ready-made.
LAYOUT_NAMES = frozenset({
    "locale", "subject", "preview", "reason", "body", "button", "button.label", "button.url", "product.name",
    "product.url", "sender.name", "sender.postal_address", "transactional", "unsubscribe.url", "unsubscribe.address",
})  # fmt: skip

_BLOCK = f"{COPY}."  # how a block of the playbook's own words is read
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_READS_BLOCK = re.compile(r"\bcopy\.(\w+)")

_LINE = Dialect(shown)  # one line of text
_LINK = Dialect(in_link)  # an address
_BODY = Dialect(sealed)  # Markdown
_HTML = Dialect(left_to_escape, autoescape=True)  # the layout
_TEXT = Dialect(shown)  # the layout's plain text


@unique
class TemplateKind(StrEnum):
    """What a template is for."""

    EMAIL = "email"
    IN_APP = "in_app"
    ESCALATION = "escalation"
    NOTIFY = "notify"


_FIELDS = {
    TemplateKind.EMAIL: EMAIL_FIELDS,
    TemplateKind.IN_APP: IN_APP_FIELDS,
    TemplateKind.ESCALATION: ESCALATION_FIELDS,
    TemplateKind.NOTIFY: ESCALATION_FIELDS,
}  # of their front matter
_IN_LANGUAGES = frozenset({TemplateKind.EMAIL, TemplateKind.IN_APP})  # what customers read: a folder each


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """The one thing a mail asks for."""

    label: str  # what it says
    url: str  # where it leads: http, https or mailto


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One mail's words, before the layout."""

    locale: str  # of the file they come from
    subject: str  # one line
    preview: str  # one line, shown by mail programs after the subject
    reason: str  # one line: why you get this
    button: Button
    body: markdown.Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """The words of one note in the product."""

    title: str  # one line
    button: Button  # the one thing that it asks for
    body: markdown.Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The words of an escalation or a notification."""

    title: str  # one line
    body: str  # plain text
    html: str  # the same as block elements, no styles


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A compiled part that knows where it stands."""

    file: str
    line: int  # of its first line in the file
    template: Template

    def render(self, values: Mapping[str, object]) -> str:
        try:
            return rendered(self.template, values)
        except RenderError as error:
            raise self.misplaced(error) from error

    def misplaced(self, error: RenderError) -> RenderError:
        """The same error with its place in the file."""
        return RenderError(error.message, file=self.file, line=self.line + (error.line or 1) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A template file, compiled."""

    locale: str
    fields: Mapping[str, _Piece]
    body: _Piece
    plan: Plan
    assets: Catalogue
    known: dict[str, markdown.Body] | None = None  # while it is tried: what was read before; the trials hardly differ

    def line(self, field: str, values: Mapping[str, object], limit: int) -> str:
        """A field as one line of at most ``limit`` characters; an empty one is an error."""
        text = plain_text(self.fields[field].render(values), limit)
        if not text:
            raise self.fields[field].misplaced(RenderError(f"{field} renders to nothing"))
        return text

    def link(self, field: str, values: Mapping[str, object]) -> str:
        """A field as an address."""
        address = self.fields[field].render(values).strip()
        if not is_link(address):
            found = f"{field} renders to {address[:80]!r}, which is not an http, https or mailto address"
            raise self.fields[field].misplaced(RenderError(found))
        return address

    def prose(self, values: Mapping[str, object]) -> markdown.Body:
        """The body in both forms."""
        return self.read(self.body.render(values))

    def read(self, source: str) -> markdown.Body:
        """A rendered text in both forms."""
        if self.known is not None and source in self.known:
            return self.known[source]
        try:
            found = markdown.read(source)
        except RenderError as error:
            raise self.body.misplaced(error) from error
        if self.known is not None:
            self.known[source] = found
        return found

    def said(self, field: str, values: Mapping[str, object]) -> str:
        """A field as it goes into Markdown, its values sealed; nothing when it is not there."""
        return self.fields[field].render(values).strip() if field in self.fields else ""

    def needed(self, field: str, values: Mapping[str, object]) -> str:
        """The same; an empty one is an error."""
        text = self.said(field, values)
        if not text:
            raise self.fields[field].misplaced(RenderError(f"{field} renders to nothing"))
        return text


class TemplateSet:
    """All templates of one version; compiled when first used, and then kept."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """Take the texts by path, as ``from_folder`` reads them or the database keeps them."""
        self.files: Mapping[str, str] = MappingProxyType(dict(sorted(files.items())))
        self._compiled: dict[str, _Compiled] = {}
        self._frames: dict[str, _Piece] = {}
        self._catalogue: Catalogue | None = None
        self._tried: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[str, dict[str, dict[str, Any]]]]] = {}
        self._shown: tuple[str, dict[str, Any]] | None = None

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """The set in a ``templates/`` folder; raises TemplateError for a file that is not UTF-8.

        The playbooks of the folder are among its files: one may extend another.
        """
        paths = [
            *folder.glob("playbooks/**/*.yaml"),
            *(path for kind in _IN_LANGUAGES for path in folder.glob(f"{kind}/*/*.md")),
            *(path for kind in TemplateKind if kind not in _IN_LANGUAGES for path in folder.glob(f"{kind}/*.md")),
            folder / LAYOUT_HTML,
            folder / LAYOUT_TEXT,
            folder / CATALOGUE,
        ]
        return cls({path.relative_to(folder).as_posix(): _text(path, folder) for path in paths if path.is_file()})

    def names(self, kind: TemplateKind = TemplateKind.EMAIL) -> tuple[str, ...]:
        """The templates of a kind, in the order of the alphabet."""
        paths = [path.split("/") for path in self.files]
        if kind not in _IN_LANGUAGES:
            return tuple(parts[1].removesuffix(".md") for parts in paths if parts[0] == kind)
        return tuple(dict.fromkeys(parts[1] for parts in paths if parts[0] == kind and parts[1] != "_layout"))

    @property
    def catalogue(self) -> Catalogue:
        """What there is to read, to watch and to bring; raises TemplateError when its file has mistakes."""
        if self._catalogue is None:
            self._catalogue = read_catalogue(self.files[CATALOGUE]) if CATALOGUE in self.files else Catalogue()
        return self._catalogue

    def locales(self, name: str, kind: TemplateKind = TemplateKind.EMAIL) -> tuple[str, ...]:
        """The languages in which a message is written."""
        start = f"{kind}/{name}/"
        return tuple(path[len(start) :].removesuffix(".md") for path in self.files if path.startswith(start))

    def variables(self, name: str, kind: TemplateKind = TemplateKind.EMAIL) -> frozenset[str]:
        """The dotted names a template reads, in any of its languages; raises TemplateError when it cannot be read."""
        return frozenset(path for file in self._files_of(name, kind) for _, path, _ in self._uses(file, kind))

    def check(self, name: str, known_names: Collection[str], kind: TemplateKind = TemplateKind.EMAIL) -> list[Problem]:
        """All that is wrong with a template: its form, its dialect, unknown names, and whether absent values break it.

        ``known_names`` are the names a template may read, as ``context.context_names`` gives them. Beside these it may
        read the content catalogue, and any block of words (``copy.<block>``): which of them there are, the playbooks
        say, and none has to be.
        """
        try:
            files = self._files_of(name, kind)
        except MessagingError as error:
            return [Problem(file=f"{kind}/{name}", line=1, message=str(error))]
        try:
            names = frozenset(known_names) | self.catalogue.names()
        except TemplateError as error:
            return list(error.problems)
        found = [problem for file in files for problem in self._check_file(file, kind, names)]
        return found + (self._check_layout() if kind is TemplateKind.EMAIL else [])

    def blocks(self) -> frozenset[str]:
        """The blocks of words (``copy.<block>``) that any template reads, also one that cannot be read as a whole."""
        texts = (text for path, text in self.files.items() if path.partition("/")[0] in set(TemplateKind))
        return frozenset(block for text in texts for tag in _TAG.findall(text) for block in _READS_BLOCK.findall(tag))

    def words(self, name: str, locale: str, context: Mapping[str, object]) -> Words:
        """A message's words in the nearest language: ``en-GB``, else ``en``, else English.

        Raises TemplateError when the template is missing or broken, RenderError when this context does not suffice.
        """
        compiled = self._compile(self._file(name, locale), TemplateKind.EMAIL)
        return _words(compiled, self._values(context))

    def banner(self, name: str, locale: str, context: Mapping[str, object]) -> Banner:
        """The words of a note in the product; language and errors as with ``words``."""
        compiled = self._compile(self._file(name, locale, TemplateKind.IN_APP), TemplateKind.IN_APP)
        return _banner(compiled, self._values(context))

    def note(self, name: str, context: Mapping[str, object]) -> Note:
        """What a human is handed with an escalation; raises as ``words`` does."""
        (file,) = self._files_of(name, TemplateKind.ESCALATION)
        return _handed(self._compile(file, TemplateKind.ESCALATION), self._values(context))

    def framed(self, words: Words, frame: Mapping[str, object]) -> tuple[str, str]:
        """HTML (styles not yet in the tags) and plain text of a whole mail; ``frame`` holds what LAYOUT_NAMES adds."""
        button = {"label": words.button.label, "url": words.button.url}
        values = {**frame, "locale": words.locale, "subject": words.subject, "preview": words.preview}
        values |= {"reason": words.reason, "button": button}
        html = self._frame(LAYOUT_HTML, _HTML).render({**values, "body": Markup(words.body.html)})  # noqa: S704 our renderer's own output, every value in it escaped
        return html, self._frame(LAYOUT_TEXT, _TEXT).render({**values, "body": words.body.text})

    def _values(self, context: Mapping[str, object]) -> dict[str, dict[str, Any]]:
        """What a template may print: the context, cleaned, and the content catalogue."""
        values: dict[str, dict[str, Any]] = {**clean(context)}
        values[CONTENT] = self._contents(str(values["product"]["url"] or ""))
        return values

    def _contents(self, site: str) -> dict[str, Any]:
        """The content catalogue with addresses on this site; that of the last one is kept: nearly all mails are its."""
        if self._shown is None or self._shown[0] != site:
            self._shown = (site, {name: asset.values(site) for name, asset in self.catalogue.assets.items()})
        return self._shown[1]

    def _file(self, name: str, locale: str, kind: TemplateKind = TemplateKind.EMAIL) -> str:
        for candidate in dict.fromkeys((locale, locale.partition("-")[0], "en")):
            if f"{kind}/{name}/{candidate}.md" in self.files:
                return f"{kind}/{name}/{candidate}.md"
        return self._files_of(name, kind)[0]

    def _files_of(self, name: str, kind: TemplateKind) -> list[str]:
        if name not in self.names(kind):
            missing = f"there is no {kind} template {name!r}{did_you_mean(name, self.names(kind))}"
            raise TemplateError([Problem(file=f"{kind}/{name}", line=1, message=missing)])
        if kind not in _IN_LANGUAGES:
            return [f"{kind}/{name}.md"]
        return [f"{kind}/{name}/{locale}.md" for locale in self.locales(name, kind)]

    def _sheet(self, file: str, kind: TemplateKind) -> Sheet:
        return take_apart(file, self.files[file], _FIELDS[kind], planned=kind is TemplateKind.ESCALATION)

    def _compile(self, file: str, kind: TemplateKind) -> _Compiled:
        if file not in self._compiled:
            sheet = self._sheet(file, kind)
            strangers = self._strangers(file, sheet.plan)
            if strangers:
                raise TemplateError(strangers)
            fields = {name: _piece(file, part, _dialect(name)) for name, part in sheet.fields.items()}
            locale = file.rpartition("/")[2].removesuffix(".md") if kind in _IN_LANGUAGES else "en"
            self._compiled[file] = _Compiled(
                locale=locale,
                fields=fields,
                body=_piece(file, sheet.body, _BODY),
                plan=sheet.plan,
                assets=self.catalogue,
            )
        return self._compiled[file]

    def _strangers(self, file: str, plan: Plan) -> list[Problem]:
        """What is to be brought and is in no catalogue."""
        known = self.catalogue.assets
        return [
            Problem(
                file=file,
                line=part.line,
                message=f"there is no asset {part.source!r}{did_you_mean(part.source, known)}",
            )
            for part in plan.bring
            if part.source not in known
        ]

    def _frame(self, file: str, dialect: Dialect) -> _Piece:
        if file not in self._frames:
            if file not in self.files:
                raise TemplateError([Problem(file=file, line=1, message="the layout is missing")])
            self._frames[file] = _piece(file, Part(source=self.files[file], line=1), dialect)
        return self._frames[file]

    def _uses(self, file: str, kind: TemplateKind) -> Iterator[tuple[int, str, str]]:
        """Line, dotted name and file of each use; parts that are not Jinja say so elsewhere."""
        sheet = self._sheet(file, kind)
        for part in (*sheet.fields.values(), sheet.body):
            yield from ((part.line + line - 1, path, file) for path, line in _names_in(part))

    def _check_file(self, file: str, kind: TemplateKind, known_names: Collection[str]) -> list[Problem]:
        try:
            sheet = self._sheet(file, kind)
        except TemplateError as error:
            return list(error.problems)
        parts = [(part, _dialect(field)) for field, part in sheet.fields.items()] + [(sheet.body, _BODY)]
        found = [problem for part, dialect in parts for problem in _findings(file, part, dialect)]
        found += [
            Problem(file=file, line=line, message=f"there is no {path!r} here{did_you_mean(path, known_names)}")
            for line, path, _ in sorted(self._uses(file, kind))
            if path not in known_names and not path.startswith(_BLOCK)
        ]
        found += self._strangers(file, sheet.plan)
        return found or list(_first(self._trials(file, kind, known_names)))

    def _trials(self, file: str, kind: TemplateKind, known_names: Collection[str]) -> Iterator[Problem]:
        compiled = replace(self._compile(file, kind), known={})
        write = _WRITERS[kind]
        figures = sorted(path.partition(".")[2] for path in known_names if path.startswith(f"{FIGURES}."))
        blocks = sorted({path.removeprefix(_BLOCK) for _, path, _ in self._uses(file, kind) if path.startswith(_BLOCK)})
        for case, values in self._trial_values(figures, blocks):
            try:
                write(compiled, values)
            except RenderError as error:
                place = error.problem
                yield Problem(file=place.file, line=place.line, message=f"{case}, it does not render: {place.message}")

    def _trial_values(self, figures: list[str], blocks: list[str]) -> list[tuple[str, dict[str, dict[str, Any]]]]:
        """The trials, ready to be printed from: the same for every template that reads the same blocks."""
        asked = (tuple(figures), tuple(blocks))
        if asked not in self._tried:
            self._tried[asked] = [(case, self._values(context)) for case, context in trial_contexts(figures, blocks)]
        return self._tried[asked]

    def _check_layout(self) -> list[Problem]:
        found: list[Problem] = []
        for file, dialect in ((LAYOUT_HTML, _HTML), (LAYOUT_TEXT, _TEXT)):
            part = Part(source=self.files.get(file, ""), line=1)
            found += [] if file in self.files else [Problem(file=file, line=1, message="the layout is missing")]
            found += _findings(file, part, dialect)
            found += [
                Problem(file=file, line=line, message=f"there is no {path!r} here{did_you_mean(path, LAYOUT_NAMES)}")
                for path, line in sorted(_names_in(part))
                if path not in LAYOUT_NAMES
            ]
        return found


def _text(path: Path, folder: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        place = path.relative_to(folder).as_posix()
        raise TemplateError([Problem(file=place, line=1, message="it is not UTF-8 text")]) from error


def _dialect(field: str) -> Dialect:
    if field.startswith(("agenda.", "checklist.", "draft.")):
        return _BODY
    return _LINK if field == "button.url" else _LINE


def _piece(file: str, part: Part, dialect: Dialect) -> _Piece:
    try:
        return _Piece(file=file, line=part.line, template=dialect.compiled(part.source))
    except RenderError as error:
        place = Problem(file=file, line=part.line + (error.line or 1) - 1, message=error.message)
        raise TemplateError([place]) from error


def _findings(file: str, part: Part, dialect: Dialect) -> list[Problem]:
    found = dialect.findings(part.source)
    return [Problem(file=file, line=part.line + finding.line - 1, message=finding.message) for finding in found]


def _names_in(part: Part) -> frozenset[tuple[str, int]]:
    try:
        return names_used(_LINE.parsed(part.source))
    except (RenderError, TemplateSyntaxError):
        return frozenset()


def _words(compiled: _Compiled, values: Mapping[str, object]) -> Words:
    return Words(
        locale=compiled.locale,
        subject=compiled.line("subject", values, LONGEST_SUBJECT),
        preview=compiled.line("preview", values, 2 * LONGEST_SUBJECT),
        reason=compiled.line("reason", values, 2 * LONGEST_SUBJECT),
        button=_button(compiled, values),
        body=compiled.prose(values),
    )


def _banner(compiled: _Compiled, values: Mapping[str, object]) -> Banner:
    return Banner(
        title=compiled.line("title", values, LONGEST_SUBJECT),
        button=_button(compiled, values),
        body=compiled.prose(values),
    )


def _button(compiled: _Compiled, values: Mapping[str, object]) -> Button:
    label = compiled.line("button.label", values, LONGEST_SUBJECT)
    return Button(label=label, url=compiled.link("button.url", values))


def _note(compiled: _Compiled, values: Mapping[str, object]) -> Note:
    body = compiled.prose(values)
    return Note(title=compiled.line("title", values, LONGEST_SUBJECT), body=body.text, html=body.html)


def _handed(compiled: _Compiled, values: Mapping[str, Any]) -> Note:
    """Title and whole page of what a human is handed."""
    fields, plan = compiled.fields, compiled.plan
    points = (
        Point(
            minutes=minutes,
            what=compiled.needed(f"agenda.{at}.what", values),
            who=compiled.said(f"agenda.{at}.who", values),
        )
        for at, minutes in enumerate(plan.agenda)
    )
    items = (compiled.said(name, values) for name in fields if name.startswith("checklist."))
    whole = Handout(
        body=compiled.body.render(values),
        minutes=plan.minutes,
        agenda=tuple(points),
        checklist=tuple(item for item in items if item),
        bring=tuple(compiled.assets.assets[part.source] for part in plan.bring),
        draft=_draft(compiled, values) if "draft.body" in fields else None,
    )
    body = compiled.read(handout.page(whole, values))
    return Note(title=compiled.line("title", values, LONGEST_SUBJECT), body=body.text, html=body.html)


def _draft(compiled: _Compiled, values: Mapping[str, object]) -> Draft:
    return Draft(subject=compiled.needed("draft.subject", values), body=compiled.needed("draft.body", values))


_WRITERS: Mapping[TemplateKind, Callable[[_Compiled, Mapping[str, object]], object]] = {
    TemplateKind.EMAIL: _words,
    TemplateKind.IN_APP: _banner,
    TemplateKind.ESCALATION: _handed,
    TemplateKind.NOTIFY: _note,
}


def _first(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The first problem at each place: the same gap shows in many trials."""
    seen: set[tuple[str, int]] = set()
    for problem in problems:
        if (problem.file, problem.line) not in seen:
            seen.add((problem.file, problem.line))
            yield problem
