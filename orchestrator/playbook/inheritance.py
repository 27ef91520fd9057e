"""``extends:``: a playbook that says only what differs from others. Every value keeps the place that it comes from.

What is extended is named by a preset (``touch-high``: ``playbooks/presets/touch-high.yaml`` or
``playbooks/touch-high.yaml`` under the templates folder) or by a file (``./ours.yaml``, beside the one that names it).
Of several, a later one goes over an earlier one, and the playbook itself over them all:

* keys with values are joined key by key; anything else (text, numbers, lists) replaces what was inherited;
* ``null`` removes what was inherited;
* a trigger replaces the inherited trigger, whichever it is: a play has one.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.playbook import loader
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Origin, Path, Place, Plain, Tree
from orchestrator.playbook.plays import TRIGGERS

SHELF = "playbooks/"  # where playbooks and presets stand under ``templates/``
MOST_BASES = 20  # files that one playbook may rest on
_PRESETS = "presets/"
_ENDING = ".yaml"
_ONE_TRIGGER = frozenset({"plays", "signals", "checkpoints"})  # whose entries have exactly one of TRIGGERS

Lookup = Callable[[str], str | None]  # the text at a path under ``templates/``; None when there is none


def inherited(text: str, file: str, lookup: Lookup, known: Mapping[str, str]) -> Tree:
    """The document of a text with all that it extends; ``known`` are the paths that an error may suggest."""
    return _Inheriting(lookup=lookup, known=known).whole(loader.read(text, file), "", ())


@dataclass(slots=True, kw_only=True)
class _Inheriting:
    """One playbook with its bases."""

    lookup: Lookup
    known: Mapping[str, str]
    read: int = 0  # bases so far

    def whole(self, own: Tree, at: str, above: tuple[str, ...]) -> Tree:
        """The tree over its bases; ``at`` is its path on the shelf, ``above`` are those that extend it.

        Where a base is missing or torn the tree has no data: what it lacks then is not the author's to be told.
        """
        joined: Tree | None = None
        for step, word in _references(own):
            base = self.base(own, step, word, at, above)
            joined = base if joined is None else _over(joined, base)
        return own if joined is None else _over(joined, own)

    def base(self, own: Tree, step: Path, word: str, at: str, above: tuple[str, ...]) -> Tree:
        """The tree of one reference; one without data when it leads nowhere, which is noted."""
        found = next(((key, text) for key in candidates(word, at) if (text := self.lookup(key)) is not None), None)
        if found is None:
            own.refuse(step, f"there is no playbook or preset `{word}`{did_you_mean(word, map(_named, self.known))}")
            return _TORN
        key, text = found
        if key in above:
            own.refuse(step, f"`{word}` extends itself: {' extends '.join(map(_named, (*above, key)))}")
            return _TORN
        self.read += 1
        if self.read > MOST_BASES:
            own.refuse(step, f"a playbook may rest on {MOST_BASES} others at most")
            return _TORN
        return self.whole(loader.read(text, f"templates/{key}"), key, (*above, key))


def _references(tree: Tree) -> Iterator[tuple[Path, str]]:
    """What a document extends, with the place of each; what is no text is the schema's to refuse."""
    said = tree.data.get("extends") if isinstance(tree.data, dict) else None
    if isinstance(said, str):
        yield ("extends",), said
    elif isinstance(said, list):
        yield from ((("extends", number), word) for number, word in enumerate(said) if isinstance(word, str))


def candidates(word: str, at: str) -> tuple[str, ...]:
    """The paths under ``templates/`` that a reference may mean, for a file that stands at a path itself."""
    if not word.endswith(_ENDING):
        return (f"{SHELF}{_PRESETS}{word}{_ENDING}", f"{SHELF}{word}{_ENDING}")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(at) or SHELF, word))
    return (path,) if path.startswith(SHELF) else ()


def _named(path: str) -> str:
    """What a path under ``templates/`` is called in ``extends``."""
    return path.removeprefix(SHELF).removeprefix(_PRESETS).removesuffix(_ENDING)


_TORN = Tree(origin=Origin(file="", text=""))  # stands in for a base that cannot be read; nothing is noted in it


def _over(base: Tree, own: Tree) -> Tree:
    """One tree with another over it."""
    problems = [*base.problems, *own.problems]
    if base.data is None or own.data is None:
        return Tree(origin=own.origin, problems=problems)
    joining = _Joining(base=base, own=own)
    data = joining.value((), base.data, own.data)
    return Tree(origin=own.origin, data=data, places=joining.places, problems=problems)


@dataclass(slots=True, kw_only=True)
class _Joining:
    base: Tree
    own: Tree
    places: dict[Path, Place] = field(default_factory=dict)

    def value(self, path: Path, base: Plain, own: Plain) -> Plain:
        """What holds at a path that both have."""
        if not (isinstance(base, dict) and isinstance(own, dict)):
            return self.taken(self.own, path, own)
        self.places[path] = self.own.places[path]
        kept = {key: value for key, value in base.items() if not _replaced(path, key, own)}
        joined = {key: self.inherited_or_own((*path, key), value, own) for key, value in kept.items()}
        new = {key: value for key, value in own.items() if key not in base}
        return {**joined, **{key: self.taken(self.own, (*path, key), value) for key, value in new.items()}}

    def inherited_or_own(self, path: Path, base: Plain, own: dict[str, Plain]) -> Plain:
        key = str(path[-1])
        return self.value(path, base, own[key]) if key in own else self.taken(self.base, path, base)

    def taken(self, tree: Tree, path: Path, value: Plain) -> Plain:
        """A value as one of the trees has it, with the places of all that is in it."""
        self.places[path] = tree.places[path]
        match value:
            case dict():
                return {key: self.taken(tree, (*path, key), each) for key, each in value.items()}
            case list():
                return [self.taken(tree, (*path, number), each) for number, each in enumerate(value)]
            case _:
                return value


def _replaced(path: Path, key: str, own: dict[str, Plain]) -> bool:
    """Whether an inherited key is gone: removed by name, or a trigger beside a new trigger."""
    if key in own:
        return own[key] is None
    triggers = len(path) == 2 and path[0] in _ONE_TRIGGER and key in TRIGGERS  # noqa: PLR2004 -- section and name
    return triggers and any(own.get(trigger) is not None for trigger in TRIGGERS)
