"""The content catalogue: decks, guides, pages, videos and templates by name, for letters and for what humans bring.

It is one file among the templates, ``content/catalogue.yaml``, and so part of a playbook's version: ``levels`` say what
the levels of the hierarchy are for, ``assets`` what there is. Letters print ``content.<name>.label`` and its like;
``bring:`` of an escalation names assets.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from orchestrator.messaging.context import Value, is_link
from orchestrator.messaging.dialect import did_you_mean
from orchestrator.messaging.nodes import Nodes

CATALOGUE = "content/catalogue.yaml"
CONTENT = "content"  # the group of names in a template

ASSET_KEYS = ("label", "kind", "level", "minutes", "url", "step", "about")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One thing that customers read or watch, or that our own people bring."""

    name: str
    label: str  # what a person calls it
    kind: str  # deck, video, page, template, …
    level: str | None  # of the hierarchy; None: it stands outside of it
    minutes: int | None  # how long it takes to watch or read; None: nothing is stated
    url: str | None  # where it is: an address, or a path of the product that begins with /; None: it has no page
    step: str | None  # of the customer's way where it is needed
    about: str | None  # what is in it

    def values(self, site: str) -> dict[str, Value]:
        """What a template may print of it; only what it has."""
        url = f"{site.rstrip('/')}{self.url}" if self.url is not None and self.url.startswith("/") else self.url
        said: dict[str, Value] = {"label": self.label, "kind": self.kind, "level": self.level, "step": self.step}
        said |= {"minutes": self.minutes, "url": url, "about": self.about}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All assets of one version."""

    levels: Mapping[str, str] = field(default_factory=dict)  # of the hierarchy, in order -> what it is for
    assets: Mapping[str, Asset] = field(default_factory=dict)

    def names(self) -> frozenset[str]:
        """The dotted names that a template may use: ``content.kickoff_deck.label``."""
        return frozenset(
            f"{CONTENT}.{asset.name}.{key}"
            for asset in self.assets.values()
            for key in asset.values("https://x.example")
        )


def read_catalogue(text: str) -> Catalogue:
    """The catalogue; raises TemplateError with every mistake in it."""
    return _Reader(CATALOGUE).read(text)


class _Reader(Nodes):
    """Reads the catalogue, noting all that is wrong with it."""

    def read(self, text: str) -> Catalogue:
        parts = self.known_pairs(self.tree(text), "the catalogue", ("levels", "assets"))
        levels = dict(self._levels(parts.get("levels")))
        assets: dict[str, Asset] = {}
        for name, key, value in self.pairs(parts.get("assets"), "assets"):
            if name in assets:
                self.note(self.line(key), f"the asset {name} is there twice")
            assets[name] = self._asset(name, key, value, levels)
        self.finished()
        return Catalogue(levels=levels, assets=assets)

    def _levels(self, node: yaml.Node | None) -> Iterator[tuple[str, str]]:
        for name, _, value in self.pairs(node, "levels") if node is not None else ():
            yield name, self.text(name, value)

    def _asset(self, name: str, key: yaml.Node, node: yaml.Node, levels: Mapping[str, str]) -> Asset:
        if not name.isidentifier() or not name.isascii():
            self.note(self.line(key), f"a name has letters, digits and _ only, got {name!r}")
        shape = self.known_pairs(node, f"the asset {name}", ASSET_KEYS)
        said = {word: self.text(word, shape[word]) for word in shape if word != "minutes"}
        for word in ("label", "kind"):
            if word not in shape:
                self.note(self.line(key), f"the asset {name} needs `{word}`")
        self._check(shape, said, levels)
        return Asset(
            name=name,
            label=said.get("label", ""),
            kind=said.get("kind", ""),
            level=said.get("level"),
            minutes=self.minutes("minutes", shape["minutes"]) if "minutes" in shape else None,
            url=said.get("url"),
            step=said.get("step"),
            about=said.get("about"),
        )

    def _check(self, shape: Mapping[str, yaml.Node], said: Mapping[str, str], levels: Mapping[str, str]) -> None:
        level, url = said.get("level"), said.get("url")
        if level is not None and level not in levels:
            told = f"expected one of the levels {', '.join(levels)}, got {level!r}{did_you_mean(level, levels)}"
            self.note(self.line(shape["level"]), told)
        if url is not None and not is_link(f"https://x.example{url}" if url.startswith("/") else url):
            told = (
                f"url must be an http, https or mailto address or a path of the product that begins with /, got {url!r}"
            )
            self.note(self.line(shape["url"]), told)
