"""Ages: how old an account is, in words, by the time that has passed since its anchor (``spec/rules.md`` 1.0.2)."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import Case, Compare, Literal, Term, TermKind
from orchestrator.playbook.conditions import Derived, Kind
from orchestrator.playbook.loader import Tree
from orchestrator.playbook.schema import Document
from orchestrator.playbook.vocabulary import AGE, check_name

OVER = "over"  # what ``age`` says once the last has ended
_AT = ("ages",)
_DAY = Term(kind=TermKind.DAY, name="", text=TermKind.DAY.value)


def ages_of(document: Document, tree: Tree) -> Case | None:
    """What says the age, half-open: each until its end, from that of the one before; None where none is declared."""
    shape = document.ages
    if shape is None:
        return None
    ended = timedelta(0)
    for name, end in shape.items():
        _check(name, end, ended, tree)
        ended = max(ended, end)
    rows = tuple((_before(end), name) for name, end in shape.items())
    return Case(rows=rows, default=OVER, text=AGE)


def _check(name: str, end: timedelta, before: timedelta, tree: Tree) -> None:
    check_name(name, (*_AT, name), tree)
    if name == OVER:
        tree.refuse((*_AT, name), f"`{OVER}` is what `age` says after the last one", key=True)
    if end <= before:
        tree.refuse(
            (*_AT, name), f"`{name}` must end after it begins: an age goes on from the end of the one before it"
        )


def _before(end: timedelta) -> Compare:
    limit = Literal(value=end / DAY, text=repr(end / DAY))
    return Compare(operator="<", left=_DAY, right=limit, text=f"day < {limit.text}")


def derived_names(ages: Case | None) -> Mapping[str, Derived]:
    """What a condition may ask once there are ages: ``age``."""
    return {} if ages is None else {AGE: Derived(node=ages, kind=Kind.TEXT, values=(*_words(ages), OVER))}


def _words(ages: Case) -> Iterable[str]:
    return (str(name) for _, name in ages.rows)
