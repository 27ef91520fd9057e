"""Markdown to HTML and to plain text, from the same parse; values are put in afterwards, so they never become markup.

A value travels through the parser as letters and digits between two private signs (``dialect.sealed``) and is
unsealed in the parsed tokens: the renderer then escapes it as the text that it is, and inside an address it is
percent-encoded. HTML and pictures in the source are switched off: what does not come from a writer's Markdown cannot
get in, and nothing is loaded from afar.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestrator.messaging.context import is_link
from orchestrator.messaging.dialect import BEGIN, END
from orchestrator.messaging.errors import RenderError

WIDTH = 76  # columns of the plain text

_PARSER = MarkdownIt("commonmark", {"html": False}).disable(["html_block", "html_inline", "image", "reference"])
_SEALED = re.compile(f"{BEGIN}([0-9a-f]*){END}")
_SEALED_IN_LINK = re.compile(f"(?:{BEGIN}|{quote(BEGIN)})([0-9a-f]*)(?:{END}|{quote(END)})")
_LEFTOVER = re.compile(f"[{BEGIN}{END}]|{quote(BEGIN)}|{quote(END)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One text in its two forms."""

    html: str  # block elements, no styles
    text: str  # wrapped at WIDTH; addresses stand after their label


def read(source: str) -> Body:
    """Both forms of a Markdown text with sealed values; raises RenderError for a link that no mail may hold."""
    tokens = _PARSER.parse(source)
    for token in tokens:
        _unseal(token)
    body = Body(
        html=_PARSER.renderer.render(tokens, _PARSER.options, {}), text="\n".join(_Page(tokens).lines()).strip()
    )
    if _LEFTOVER.search(body.html):
        raise RenderError("a value stands where Markdown has no room for one; give it a place in a sentence or a link")
    return body


def _unseal(token: Token) -> None:
    token.content = _SEALED.sub(_opened, token.content)
    if "href" in token.attrs:
        token.attrs["href"] = _address(str(token.attrs["href"]))
    for child in token.children or ():
        _unseal(child)


def _opened(sealed: re.Match[str]) -> str:
    return bytes.fromhex(sealed[1]).decode()


def _address(href: str) -> str:
    address = _SEALED_IN_LINK.sub(_opened_in_link, href)
    if not is_link(address):
        raise RenderError(f"{address[:80]!r} is not an http, https or mailto address")
    return address


def _opened_in_link(sealed: re.Match[str]) -> str:
    value = _opened(sealed)
    return value if is_link(value) else quote(value, safe="")


class _Page:
    """The plain text of a parse: blocks apart by an empty line, lists and quotes set in."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.first: list[str] = []  # what the next line of each open block begins with
        self.rest: list[str] = []  # what its other lines begin with
        self.counters: list[int | None] = []  # of the open lists; None: bullets

    def lines(self) -> Iterator[str]:
        """Line by line."""
        for token in self.tokens:
            yield from self._line(token)

    def _line(self, token: Token) -> Iterator[str]:
        match token.type:
            case "bullet_list_open":
                self.counters.append(None)
            case "ordered_list_open":
                self.counters.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self.counters.pop()
                yield from [""] if not self.counters else []
            case "list_item_open":
                self._indent(self._marker())
            case "blockquote_open":
                self._indent("> ", "> ")
            case "list_item_close" | "blockquote_close":
                self.first.pop()
                self.rest.pop()
            case "inline":
                yield from self._wrapped("".join(_words(token.children or ())))
            case "paragraph_close" | "heading_close":
                yield from [""] if not token.hidden else []
            case "fence" | "code_block":
                yield from ["".join([*self.rest, "    ", line]) for line in token.content.splitlines()] + [""]
            case "hr":
                yield from ["-" * 20, ""]
            case _:
                pass  # the opening of a paragraph or heading says nothing in plain text

    def _marker(self) -> str:
        number = self.counters[-1]
        if number is None:
            return "- "
        self.counters[-1] = number + 1
        return f"{number}. "

    def _indent(self, first: str, rest: str | None = None) -> None:
        self.first.append(first)
        self.rest.append(" " * len(first) if rest is None else rest)

    def _wrapped(self, text: str) -> Iterator[str]:
        for line in text.split("\n"):
            yield textwrap.fill(
                line, WIDTH, initial_indent="".join(self.first), subsequent_indent="".join(self.rest),
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
            self.first = list(self.rest)


def _words(children: Sequence[Token]) -> Iterator[str]:
    links: list[str] = []
    for child in children:
        match child.type:
            case "text" | "code_inline":
                yield child.content
            case "softbreak":
                yield " "
            case "hardbreak":
                yield "\n"
            case "link_open":
                links.append(str(child.attrs["href"]))
            case "link_close":
                yield f" ({links.pop()})"
            case _:
                pass  # emphasis is not shown in plain text
