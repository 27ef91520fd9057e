"""The register: which numbers of the rules each entry covers, where they live, and what proves it.

An entry quotes a part of one line of ``rules.md``. With a home it covers the numbers of the quote that are the number
at the home (48 is ``48h``, 25 % is 0.25, $50K is 50000), or those that ``numbers`` names; where the number at the home
is another one than the rules' (six weeks are ``42d``), ``reckoned`` says in words how it follows. With ``no_home`` it
covers all numbers of the quote, or ``numbers``. One of these proves a home:

* ``test``: ``tests/…/test_x.py::test_y``, a function of one argument ``shelf``; or a scenario,
  ``tests/scenarios/….yaml``;
* ``says``: the rendered handout or letter contains these words (``tests.rules.says``);
* ``graded``: the metric or checkpoint is met at ``met`` and not at ``missed``. For these ``tests/rules/graded.py`` has
  to have ``graded(shelf: Shelf, wanted: Graded) -> None``, which asserts. Until it has, such an entry is refused.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from orchestrator.playbook import loader
from tests.rules.tokens import Line, Token, amount, lines, same, tokens, written_in

FOLDER = Path(__file__).parent / "register"
GRADED = "tests.rules.graded"
NoHome = Literal[
    "heading",  # a count or an ordinal of the text itself: "Four tips", "(2)"
    "name",  # a name with digits in it
    "derived",  # arithmetic on other numbers, which have homes
    "evidence",  # a story or a claim that nothing follows from
    "marketing",  # what the source sells
    "example",  # an illustration: another number would do as well
    "elsewhere",  # said again: `see` names the rule that has the home
]


def _digits(written: object) -> object:
    """A number as it is compared: its text."""
    return str(written) if isinstance(written, int | float) and not isinstance(written, bool) else written


Digits = Annotated[str, BeforeValidator(_digits)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Says(_Shape):
    """Words that whoever gets a letter or a handout must read in it."""

    kind: str
    name: str
    words: str


class Graded(_Shape):
    """Values of a metric or checkpoint that must count as met, and as missed."""

    metric: str
    met: list[Decimal] = []
    missed: list[Decimal] = []
    alert: list[Decimal] = []  # values at which its alert fires
    quiet: list[Decimal] = []  # values at which it does not
    book: str = "customer-lifecycle"


class Entry(_Shape):
    """One number of the rules."""

    rule: str = Field(min_length=1)
    quote: str = Field(min_length=1)
    line: int | None = None  # where the quote stands several times
    numbers: list[Digits] | None = None
    home: str | None = None
    at: str | None = None
    text: str | None = None
    number: Digits | None = None
    nth: int | None = None  # which one, where the value holds the number more than once
    reckoned: str | None = None  # how the home's number follows from the quote's
    test: str | None = None
    says: Says | None = None
    graded: Graded | None = None
    no_home: NoHome | None = None
    see: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for message in _faults(self):
            raise ValueError(message)
        return self

    @cached_property
    def place(self) -> tuple[Line, int]:
        """The line of the quote, and where in it the quote begins.

        Raises:
            ValueError: the rules do not say that, or not once.
        """
        found = [each for each in lines() if self.quote in each.text and self.line in {None, each.number}]
        if len(found) != 1 or found[0].text.count(self.quote) != 1:
            told = ", ".join(str(each.number) for each in found) or "nowhere"
            raise ValueError(f"the quote has to stand in rules.md once; it stands in line: {told}")
        return found[0], found[0].text.index(self.quote)

    @cached_property
    def quoted(self) -> tuple[Token, ...]:
        """The number tokens of the quote that the entry is about."""
        line, begin = self.place
        end = begin + len(self.quote)
        inside = [each for each in tokens() if each.line == line.number and begin <= each.begin and each.end <= end]
        wanted = None if self.numbers is None else {amount(each) for each in self.numbers}
        return tuple(each for each in inside if wanted is None or amount(each.text) in wanted)

    def covered(self, number: str | None) -> tuple[Token, ...]:
        """The tokens that it covers, given the number at its home (None: it has none)."""
        if number is None or self.numbers is not None or self.reckoned is not None:
            return self.quoted
        return tuple(each for each in self.quoted if same(each.text, number))

    @property
    def proof(self) -> str:
        """What proves it, in a word for the table."""
        if self.says is not None:
            return f"says: {self.says.kind} {self.says.name}"
        if self.graded is not None:
            return f"graded: {self.graded.metric}"
        return self.test or ""


def _faults(entry: Entry) -> Iterator[str]:
    proofs = sum(each is not None for each in (entry.test, entry.says, entry.graded))
    if (entry.home is None) is (entry.no_home is None):
        yield "an entry has one of `home`, `no_home`"
    if entry.home is None and (proofs or entry.at or entry.text or entry.number or entry.reckoned):
        yield "`at`, `text`, `number`, `reckoned` and what proves it stand beside `home` only"
    if entry.home is not None and (entry.at is None) is (entry.text is None):
        yield "a home has one of `at`, `text`"
    if entry.home is not None and proofs != 1:
        yield "a home is proved by one of `test`, `says`, `graded`"
    if (entry.no_home == "elsewhere") is (entry.see is None):
        yield "`see` names the rule that has the home, for `no_home: elsewhere` and only there"
    if entry.graded is not None and not _can_grade():
        yield f"`graded` needs {GRADED}, which is not there yet"
    if entry.says is not None and not written_in(entry.says.words):
        yield "`says.words` has to hold the number"


@cache
def _can_grade() -> bool:
    return importlib.util.find_spec(GRADED) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """All entries that are in order, and what is wrong with the others."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]  # ``register/journey.yaml:12 1.3 P2: …``


@cache
def register() -> Register:
    """The register as it stands in ``register/*.yaml``."""
    entries: list[Entry] = []
    problems: list[str] = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for where, found in entries_of(path):
            problems += [f"{where}: {found}"] if isinstance(found, str) else []
            entries += [found] if isinstance(found, Entry) else []
    return Register(entries=tuple(entries), problems=tuple(problems))


def entries_of(path: Path) -> Iterator[tuple[str, Entry | str]]:
    """Each entry of a file with its place, or what is wrong with it."""
    tree = loader.read(path.read_text(encoding="utf-8"), path.name, "register")
    if tree.problems or not isinstance(tree.data, list):
        yield path.name, "; ".join(str(each) for each in tree.problems) or "a register is a list of entries"
        return
    for number, written in enumerate(tree.data):
        rule = written.get("rule", "an entry") if isinstance(written, dict) else "an entry"
        yield f"{path.name}:{tree.places[(number,)].line} {rule}", _entry(written)


def _entry(written: Any) -> Entry | str:  # noqa: ANN401 -- whatever YAML holds
    try:
        entry = Entry.model_validate(written)
        entry.place  # noqa: B018 -- raises where the rules do not say so
    except ValidationError as error:
        return "; ".join(f"{'.'.join(map(str, each['loc']))} {each['msg']}".strip() for each in error.errors())
    except ValueError as error:
        return str(error)
    return entry
