"""What a number of the rules is: every number token of ``rules.md``, with its line, column and section.

A token is a run of digits as a person reads it: ``48``, ``2.1``, ``1,000``, the clock ``00:15``, the ratio ``1:1``.
What stands around it is no part of it (``$50K`` is 50, ``25%`` is 25, ``80-100`` and ``[80,100]`` are 80 and 100,
``30 d`` is 30); the letters of weeks and days are let through (``W1-2`` is 1 and 2, ``D-7..0`` is 7 and 0). No numbers,
but names, are:

* what begins with another letter: ``R1``, ``P5``, ``L4``, ``B2B``, ``v1.0``; and digits that go on as a word: ``2FA``;
* sections of the rules: ``1.0.4`` anywhere, ``1.9`` at the beginning of a heading;
* the names of the sources: ``000`` to ``004``, also with their hexadecimal tail.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

RULES = Path(__file__).parent / "rules.md"
HEAD = "head"  # the section before the first heading that has a number

_DIGITS = r"\d+:\d+|(?<!\[)\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?"
_SAID = re.compile(rf"(?:(?<!\w)|(?<=\b[WD]))(?<!\d\.)(?:{_DIGITS})(?=K|\W|$)(?!\.\d)")
_NAMES = re.compile(r"^#+ \d+(?:\.\d+)*\b|\b\d+(?:\.\d+){2,}|\b00\d(?:_\w+)?\b")
_WRITTEN = re.compile(rf"(?<![\w.])(?:{_DIGITS})")
_HEADING = re.compile(r"^##+ (?P<number>\d+(?:\.\d+)+)?\s*(?P<title>[^(:]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A number where it stands."""

    text: str  # as written, without thousands commas
    line: int  # from 1
    begin: int  # of it in the line, from 0
    end: int
    section: str  # ``1.0.4``, ``1.2 Handoffs``, ``head``

    @property
    def place(self) -> str:
        """``line 107, column 12``."""
        return f"line {self.line}, column {self.begin + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the rules."""

    number: int  # from 1
    text: str
    section: str


@cache
def lines() -> tuple[Line, ...]:
    """The lines of the rules, each with the section it stands in."""
    return tuple(_sectioned(RULES.read_text(encoding="utf-8")))


def _sectioned(text: str) -> Iterator[Line]:
    section, above = HEAD, ""
    for number, line in enumerate(text.splitlines(), start=1):
        found = _HEADING.match(line)
        if found is not None:
            above = (found["number"] or above) if line.startswith("## ") else above
            section = found["number"] or f"{above} {found['title'].strip()}"
        yield Line(number=number, text=line, section=section)


@cache
def tokens() -> tuple[Token, ...]:
    """Every number token of the rules, in order."""
    return tuple(token for line in lines() for token in tokens_of(line))


def tokens_of(line: Line) -> Iterator[Token]:
    """The number tokens of a line of the rules."""
    names = [found.span() for found in _NAMES.finditer(line.text)]
    for found in _SAID.finditer(line.text):
        if not any(begin <= found.start() < end for begin, end in names):
            yield _token(found, line)


def _token(found: re.Match[str], line: Line) -> Token:
    text = found.group().replace(",", "")
    return Token(text=text, line=line.number, begin=found.start(), end=found.end(), section=line.section)


def written_in(text: str) -> list[re.Match[str]]:
    """The numbers of a value or a piece of a template: ``48`` in ``48 business hours``, ``30`` in ``30d``."""
    return list(_WRITTEN.finditer(text))


def amount(text: str) -> Decimal:
    """What a number comes to; a clock or a ratio counts its last part (``01:15`` is 75)."""
    large, colon, small = text.replace(",", "").partition(":")
    return Decimal(large) * 60 + Decimal(small) if colon else Decimal(large)


def same(said: str, written: str) -> bool:
    """Whether a number of the rules is the one that is written at its home: also as a share, or in thousands."""
    rule, home = amount(said), amount(written)
    return home in {rule, rule / 100, rule * 1000}
