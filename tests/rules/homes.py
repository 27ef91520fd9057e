"""Where a number lives: the home of an entry in a tree of ``templates/``, and the tree with that one number altered.

In YAML a home is a path (``signals.no_login.after``, list items by number); so it is in the front matter of a Markdown
file. In its text it is a piece of it that stands there once. Altered means one more; of a decimal, one more in its
last place (0.85 becomes 0.86); of a time of day, a minute later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from orchestrator.playbook import loader
from orchestrator.playbook.loader import Path, Tree
from tests.rules.register import Entry
from tests.rules.tokens import amount, same, written_in

_FENCE = "---\n"  # around the front matter of a Markdown file
_LAST_MINUTE = 24 * 60 - 1


class HomeError(Exception):
    """An entry's home is not there, or holds no such number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One number in one file."""

    path: str  # under ``templates/``
    line: int  # from 1
    begin: int  # of the number in the file's text, from 0
    end: int
    number: str  # as written

    def altered(self, templates: Mapping[str, str]) -> dict[str, str]:
        """The tree with this number one more."""
        text = templates[self.path]
        return {**templates, self.path: f"{text[: self.begin]}{one_more(self.number)}{text[self.end :]}"}


def home_of(entry: Entry, templates: Mapping[str, str]) -> Home:
    """The number that an entry is about.

    Raises:
        HomeError: the file, the path, the piece of text or the number is not there, or not once.
    """
    path = entry.home or ""
    if path not in templates:
        raise HomeError(f"there is no templates/{path}")
    text = templates[path]
    begin, end = _by_text(text, entry.text) if entry.text is not None else _by_path(text, path, entry.at or "")
    number, start = _chosen(text[begin:end], entry)
    start += begin
    line = text.count("\n", 0, start) + 1
    return Home(path=path, line=line, begin=start, end=start + len(number), number=number)


def _by_text(text: str, piece: str) -> tuple[int, int]:
    if text.count(piece) != 1:
        raise HomeError(f"`{piece}` stands there {text.count(piece)} times, not once")
    begin = text.index(piece)
    return begin, begin + len(piece)


def _by_path(text: str, file: str, at: str) -> tuple[int, int]:
    front, offset = (_front_matter(text), len(_FENCE)) if file.endswith(".md") else (text, 0)
    tree = _tree(front, file)
    place = tree.places[_path(tree, at)]
    if place.value is None:
        raise HomeError(f"`{at}` is no single value")
    return place.begin + offset, place.end + offset


def _front_matter(text: str) -> str:
    return text.split(_FENCE)[1] if text.startswith(_FENCE) and text.count(_FENCE) > 1 else ""


@lru_cache(maxsize=256)
def _tree(text: str, file: str) -> Tree:
    return loader.read(text, file)


def _path(tree: Tree, at: str) -> Path:
    path: Path = ()
    for step in at.split("."):
        steps = [(*path, step), *([(*path, int(step))] if step.isdigit() else [])]
        found = next((each for each in steps if each in tree.places), None)
        if found is None:
            raise HomeError(f"there is no `{at}`: nothing at `{step}`")
        path = found
    return path


def _chosen(value: str, entry: Entry) -> tuple[str, int]:
    """The number of a value that is meant, and where it begins."""
    found = [(each.group(), each.start()) for each in written_in(value)]
    meant = found if entry.number is None else [each for each in found if amount(each[0]) == amount(entry.number)]
    if entry.number is None and len(found) > 1:  # the one that the quote says
        meant = [each for each in found if any(same(token.text, each[0]) for token in entry.quoted)]
    if entry.nth is not None:
        meant = meant[entry.nth - 1 : entry.nth]
    if len(meant) != 1:
        raise HomeError(f"which number of {value!r} is meant? Say it: `number`, and `nth` where it is there twice")
    return meant[0]


def one_more(number: str) -> str:
    """The next number, written as the one that is given: 48 is 49, 0.85 is 0.86, 09:00 is 09:01, 1,000 is 1,001."""
    if ":" in number:
        minutes = amount(number)
        later = int(minutes) + (1 if minutes < _LAST_MINUTE else -1)
        return f"{later // 60:02}:{later % 60:02}"
    plain = number.replace(",", "")
    places = len(plain.partition(".")[2])
    more = Decimal(plain) + Decimal(1).scaleb(-places)
    return f"{more:,}" if "," in number else f"{more}"
