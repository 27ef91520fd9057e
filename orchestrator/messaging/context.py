"""The names a template may use: one documented table, and how a saved context becomes plain, bounded values.

A value that is empty, missing or of the wrong kind counts as absent (None), and an absent value cannot be printed:
templates say what to write instead (``{{ person.first_name or "there" }}``), and ``TemplateSet.check`` proves that
they do.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, unique
from functools import cache
from itertools import islice

LONGEST_TEXT = 120  # characters; a longer value is cut and ends in an ellipsis
LONGEST_BLOCK = 400  # characters of one block of the playbook's own words
LONGEST_LINK = 2000  # characters; a longer link counts as absent
LONGEST_LIST = 20  # entries; the rest is dropped
LARGEST_NUMBER = 10**15  # above it a figure counts as absent


Value = str | int | float | date | list[str] | None

_LINK = re.compile(r"(https?://|mailto:)[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")
_FIGURE = re.compile(r"[a-z][a-z0-9_]*")  # a name that templates can spell
_JOINERS = frozenset("\u200c\u200d")  # they hold emoji and some scripts together; every other invisible sign goes


@unique
class Kind(StrEnum):
    """What sort of value a name stands for."""

    TEXT = "text"  # one line, at most LONGEST_TEXT characters
    LINK = "link"  # an absolute http, https or mailto address
    NUMBER = "number"  # a finite number
    DATE = "date"  # a calendar date, printed as "1 April 2026"
    TEXTS = "texts"  # a list of text


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """One name of the table."""

    path: str  # as written in a template: ``account.name``
    kind: Kind
    help: str  # what it says, for the author
    always: bool = False  # it is there in every letter; all others may be absent

    @property
    def keys(self) -> tuple[str, str]:
        """Group and name."""
        group, _, name = self.path.partition(".")
        return group, name


CONTEXT: tuple[Name, ...] = (
    Name(path="account.id", kind=Kind.TEXT, help="the account's id", always=True),
    Name(path="account.name", kind=Kind.TEXT, help="the customer's name"),
    Name(path="account.plan", kind=Kind.TEXT, help="the plan it is on"),
    Name(path="account.seats", kind=Kind.NUMBER, help="seats it has paid for"),
    Name(path="account.term", kind=Kind.TEXT, help="monthly or annual"),
    Name(path="account.renewal_date", kind=Kind.DATE, help="the day its contract renews"),
    Name(path="account.stage", kind=Kind.TEXT, help="where it is in its life: onboarding, growth, …"),
    Name(path="segment.label", kind=Kind.TEXT, help="which kind of customer it is: Enterprise, Mid-market, …"),
    Name(path="segment.touch", kind=Kind.TEXT, help="how much of a human it gets: high, medium, low or tech"),
    Name(path="phase.label", kind=Kind.TEXT, help="where its onboarding is (for escalations, as all of these)"),
    Name(path="phase.owner", kind=Kind.TEXT, help="the role that leads this phase"),
    Name(path="phase.deliverable", kind=Kind.TEXT, help="what this phase ends with"),
    Name(path="phase.until", kind=Kind.DATE, help="when this phase should be over"),
    Name(path="health.score", kind=Kind.NUMBER, help="its health, 0 to 100"),
    Name(path="health.colour", kind=Kind.TEXT, help="its health in a word: green, yellow or red"),
    Name(
        path="signals.open", kind=Kind.TEXTS, help="the risks that are open, each with its days: `Gone quiet (4 days)`"
    ),
    Name(path="checklist.open", kind=Kind.TEXTS, help="what its stage still asks for before it is left"),
    Name(path="project.open", kind=Kind.TEXTS, help="what can be worked on in its onboarding now"),
    Name(path="project.blocked", kind=Kind.TEXTS, help="what waits for something else there"),
    Name(path="person.first_name", kind=Kind.TEXT, help="the recipient's first name"),
    Name(path="person.name", kind=Kind.TEXT, help="the recipient's full name"),
    Name(path="person.role", kind=Kind.TEXT, help="the recipient's role, in small letters and `_`"),
    Name(path="person.email", kind=Kind.TEXT, help="the recipient's address (for escalations)"),
    Name(path="product.name", kind=Kind.TEXT, help="what our product is called", always=True),
    Name(path="product.url", kind=Kind.LINK, help="where it is", always=True),
    Name(path="touch.day", kind=Kind.NUMBER, help="which day it is, as the playbook counts them"),
    Name(path="touch.days", kind=Kind.NUMBER, help="days since sign-up"),
    Name(path="setup.done", kind=Kind.NUMBER, help="set-up steps done"),
    Name(path="setup.total", kind=Kind.NUMBER, help="set-up steps in all"),
    Name(path="setup.missing", kind=Kind.TEXTS, help="labels of the steps not done yet"),
    Name(path="goals.all", kind=Kind.TEXTS, help="the customer's own goals, in its words"),
    Name(path="goals.open", kind=Kind.TEXTS, help="those not met yet"),
    Name(path="goals.met", kind=Kind.TEXTS, help="those that are met"),
    Name(path="goals.progress", kind=Kind.TEXTS, help="where the measured ones stand: `Five reports: 3 of 5`"),
    Name(path="core_feature.label", kind=Kind.TEXT, help="the core feature, as a noun phrase", always=True),
    Name(path="core_feature.url", kind=Kind.LINK, help="straight to it", always=True),
    Name(path="owner.name", kind=Kind.TEXT, help="the human who looks after the account"),
    Name(path="owner.email", kind=Kind.TEXT, help="that person's address"),
    Name(path="survey.kind", kind=Kind.TEXT, help="what a survey asks: nps, csat, ces, goal, check_in, exit"),
    Name(path="survey.lowest", kind=Kind.NUMBER, help="the low end of the survey's scale, where numbers answer it"),
    Name(path="survey.highest", kind=Kind.NUMBER, help="its high end"),
    Name(path="survey.best", kind=Kind.NUMBER, help="the end that is the better one"),
    Name(path="survey.worst", kind=Kind.NUMBER, help="the other one"),
    Name(path="reply.url", kind=Kind.LINK, help="a mailto link that answers this mail", always=True),
)

FIGURES = "figures"  # an open group: ``figures.<measure>``, only those that really exist
COPY = "copy"  # an open group: ``copy.<block>``, the words of the playbook's section `copy`


class _Blocks(dict[str, Value]):
    """The blocks of words: whichever a template asks for, one that the playbook does not have is absent."""

    def __missing__(self, block: str) -> Value:
        return None


def context_names(figures: Iterable[str] = ()) -> frozenset[str]:
    """All names a template may use, given the measures that the playbook declares."""
    return frozenset({name.path for name in CONTEXT} | {FIGURES} | {f"{FIGURES}.{figure}" for figure in figures})


def clean(context: Mapping[str, object]) -> dict[str, dict[str, Value]]:
    """The values of CONTEXT, the figures and the blocks, plain and bounded; whatever else there is is left out."""
    cleaned: dict[str, dict[str, Value]] = {
        FIGURES: dict(_figures(_group(context, FIGURES))),
        COPY: _Blocks(_blocks(_group(context, COPY))),
    }
    for group, names in _by_group().items():
        found = _group(context, group)
        cleaned[group] = {key: read(found.get(key)) for key, read in names}
    return cleaned


@cache
def _by_group() -> Mapping[str, Sequence[tuple[str, Callable[[object], Value]]]]:
    """The names of CONTEXT by their groups, each with its reader."""
    found: dict[str, list[tuple[str, Callable[[object], Value]]]] = {}
    for name in CONTEXT:
        group, key = name.keys
        found.setdefault(group, []).append((key, _READERS[name.kind]))
    return found


def is_link(text: str) -> bool:
    """Whether this is an absolute http, https or mailto address that may stand in a mail as it is."""
    return len(text) <= LONGEST_LINK and _LINK.fullmatch(text) is not None


def plain_text(text: str, limit: int = LONGEST_TEXT) -> str:
    """One line of visible text of at most ``limit`` characters: no breaks, no control or direction marks."""
    bounded = text[: 20 * limit]  # so that a megabyte costs no more than a name
    visible = bounded if bounded.isascii() and bounded.isprintable() else "".join(map(_visible, bounded))
    one_line = " ".join(visible.split())
    cut = len(one_line) > limit or len(text) > len(bounded)
    return one_line[: limit - 1].rstrip().rstrip("\u200d\ufe0f") + "…" if cut else one_line


def _visible(sign: str) -> str:
    category = unicodedata.category(sign)
    if category in {"Zl", "Zp", "Zs"} or sign in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85":
        return " "
    return "" if category in {"Cc", "Cf", "Cs", "Co"} and sign not in _JOINERS else sign


def _group(context: Mapping[str, object], group: str) -> Mapping[object, object]:
    found = context.get(group)
    return found if isinstance(found, Mapping) else {}


def _figures(found: Mapping[object, object]) -> Iterator[tuple[str, Value]]:
    for name, value in found.items():
        number = _number(value)
        if isinstance(name, str) and _FIGURE.fullmatch(name) and number is not None:
            yield name, number


def _blocks(found: Mapping[object, object]) -> Iterator[tuple[str, Value]]:
    for name, value in found.items():
        if isinstance(name, str) and isinstance(value, str):
            yield name, plain_text(value, LONGEST_BLOCK) or None


def _text(value: object) -> Value:
    if isinstance(value, str):
        return plain_text(value) or None
    return str(value) if isinstance(value, int | float) and _number(value) is not None else None


def _link(value: object) -> Value:
    return value if isinstance(value, str) and is_link(value) else None


def _number(value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= LARGEST_NUMBER and math.isfinite(value) else None


def _date(value: object) -> Value:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        return _written_date(value)
    return value if isinstance(value, date) else None


def _written_date(value: str) -> date | None:
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def _texts(value: object) -> Value:
    entries = value if isinstance(value, list | tuple) else ()
    return [text for text in map(_text, islice(entries, LONGEST_LIST)) if isinstance(text, str)] or None


_READERS: Mapping[Kind, Callable[[object], Value]] = {
    Kind.TEXT: _text,
    Kind.LINK: _link,
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.TEXTS: _texts,
}

# One plausible value a name, for trial renderings and previews; the customer does not exist.
_SAMPLE: Mapping[str, object] = {
    "account.id": "acct_042",
    "account.name": "Northwind Traders",
    "account.plan": "Team",
    "account.seats": 25,
    "account.term": "annual",
    "account.renewal_date": "2027-03-01",
    "account.stage": "onboarding",
    "segment.label": "Mid-market",
    "segment.touch": "medium",
    "phase.label": "Configure",
    "phase.owner": "onboarding_specialist",
    "phase.deliverable": "a configured account",
    "phase.until": "2026-05-11",
    "health.score": 55,
    "health.colour": "yellow",
    "signals.open": ["Invitations not accepted (4 days)"],
    "checklist.open": ["Basic features in use"],
    "project.open": ["Data migration (customer)"],
    "project.blocked": ["Custom settings, until the data is there"],
    "person.first_name": "Ann",
    "person.name": "Ann Okafor",
    "person.role": "champion",
    "person.email": "ann@northwind.example",
    "product.name": "Lumen",
    "product.url": "https://app.lumen.example",
    "touch.day": 3,
    "touch.days": 3,
    "setup.done": 2,
    "setup.total": 4,
    "setup.missing": ["Invite your team", "Connect a data source"],
    "goals.all": ["Five reports a week", "One team on board"],
    "goals.open": ["Five reports a week"],
    "goals.met": ["One team on board"],
    "goals.progress": ["Five reports a week: 3 of 5"],
    "core_feature.label": "shared dashboards",
    "core_feature.url": "https://app.lumen.example/dashboards",
    "owner.name": "Mei Tan",
    "owner.email": "mei@lumen.example",
    "survey.kind": "nps",
    "survey.lowest": 0,
    "survey.highest": 10,
    "survey.best": 10,
    "survey.worst": 0,
    "reply.url": "mailto:hello@lumen.example",
}


def sample_context(
    figures: Iterable[str] = (), blocks: Iterable[str] = (), *, absent: Collection[str] = ()
) -> dict[str, dict[str, object]]:
    """A plausible context with every name but the ``absent`` ones, each figure being 12."""
    sample: dict[str, dict[str, object]] = {
        FIGURES: {f: 12 for f in figures if f"{FIGURES}.{f}" not in absent},
        COPY: {block: f"Your words on {block}." for block in blocks if f"{COPY}.{block}" not in absent},
    }
    for name in CONTEXT:
        group, key = name.keys
        sample.setdefault(group, {})
        if name.path not in absent:
            sample[group][key] = _SAMPLE[name.path]
    return sample


def trial_contexts(
    figures: Iterable[str] = (), blocks: Iterable[str] = ()
) -> Iterator[tuple[str, dict[str, dict[str, object]]]]:
    """What a template must survive: everything there, nothing optional there, each name missing, each name alone."""
    measured, worded = tuple(figures), tuple(blocks)
    optional = [name.path for name in CONTEXT if not name.always]
    optional += [*(f"{FIGURES}.{figure}" for figure in measured), *(f"{COPY}.{block}" for block in worded)]
    yield "with every name there", sample_context(measured, worded)
    yield "with nothing optional there", sample_context(measured, worded, absent=optional)
    for path in optional:
        others = [other for other in optional if other != path]
        yield f"without {path}", sample_context(measured, worded, absent=[path])
        yield f"with only {path}", sample_context(measured, worded, absent=others)
