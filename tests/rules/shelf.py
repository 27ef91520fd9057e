"""A shelf: all that stands under ``templates/``, as it is shipped or with something altered, and the books on it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest

from orchestrator.core.playbook import Playbook
from orchestrator.playbook import PlaybookError, PlaybookSource, compile_playbook, loader
from orchestrator.playbook.inheritance import SHELF
from orchestrator.testing import judge, parse_scenario, story

HOUSE = Path(__file__).parents[2]
TEMPLATES = HOUSE / "templates"
_READ = frozenset({".yaml", ".md", ".html", ".txt"})

_compose = lru_cache(maxsize=128)(loader._composed)  # parsing is most of a compilation; nodes are only read


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A tree of ``templates/``."""

    templates: Mapping[str, str]  # path under ``templates/`` -> text
    books: dict[tuple[str, ...], Playbook] = field(default_factory=dict, repr=False)  # compiled so far
    kept: dict[object, Any] = field(default_factory=dict, repr=False)  # what ``once`` keeps

    def book(self, name: str, *presets: str) -> Playbook:
        """A playbook, with presets over it; raises PlaybookError where it is refused."""
        if (name, *presets) not in self.books:
            self.books[name, *presets] = self._compiled(name, presets)
        return self.books[name, *presets]

    def _compiled(self, name: str, presets: tuple[str, ...]) -> Playbook:
        text = self.templates[f"{SHELF}{name}.yaml"]
        if presets:
            text = f"playbook: {name}\nextends: [{', '.join((name, *presets))}]\n"
        with patch.object(loader, "_composed", _compose):
            return compile_playbook(PlaybookSource(file=f"{name}.yaml", text=text, templates=self.templates))

    def once(self, key: object, make: Callable[[], Any]) -> Any:  # noqa: ANN401 -- whatever is made
        """What costs time to make, made once a shelf: a set of templates, a table that was read."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def text(self, path: str) -> str:
        """A file's text."""
        return self.templates[path]

    def data(self, path: str) -> Any:  # noqa: ANN401 -- whatever YAML holds
        """What a YAML file says; raises PlaybookError where it cannot be read."""
        tree = loader.read(self.templates[path], path)
        if tree.problems:
            raise PlaybookError(tree.problems)
        return tree.data

    def scenario(self, path: str | Path) -> None:
        """Live through a scenario file of the house under the playbook that its folder names.

        ``tests/scenarios/b2b-saas/caps.yaml`` tries ``b2b-saas``; in ``b2b-saas+acv-3-tier/`` with that preset over it.

        Raises:
            AssertionError: it comes out otherwise; the message tells the story.
        """
        file = HOUSE / path
        name, *presets = file.parent.name.split("+")
        book = self.book(name, *presets)
        verdict = judge(parse_scenario(file.read_text(encoding="utf-8"), book, file=str(path)), book)
        assert verdict.passed, f"\n{story(verdict)}"

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """The tree as a folder, for what reads files; gone afterwards."""
        with TemporaryDirectory() as place:
            for path, text in self.templates.items():
                file = Path(place) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            yield Path(place)

    def with_altered(self, path: str, templates: Mapping[str, str]) -> "Shelf":
        """The shelf of a tree that differs from this one in one file; what that file has no part in is kept."""
        return Shelf(templates=templates, books={} if path.startswith(SHELF) else dict(self.books))


@cache
def shipped() -> Shelf:
    """The shelf that is shipped."""
    files = sorted(path for path in TEMPLATES.rglob("*") if path.suffix in _READ)
    return Shelf(templates={path.relative_to(TEMPLATES).as_posix(): path.read_text("utf-8") for path in files})


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    """The shelf that is shipped."""
    return shipped()
