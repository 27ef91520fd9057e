"""The table that the register makes: rule, what it says, where it lives, what proves it; and what is still missing."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tests.rules.homes import HomeError, home_of
from tests.rules.register import Entry, Register
from tests.rules.tokens import Token, lines, tokens

TABLE = "playbooks/RULES.md"  # under ``templates/``

_HEAD = """\
# The rules, where they live, and what proves them

Written by `python -m tests.rules` from `tests/rules/register/`; a test holds it equal. Each row is a number of the
domain's rules (`tests/rules/rules.md`): the file and line under `templates/` where you change it, and the test that
fails when it is altered there. A second table has the numbers that nothing follows from, with the reason.
"""


def table(register: Register, templates: Mapping[str, str]) -> str:
    """The whole page."""
    entries = sorted(register.entries, key=_position)
    homes = [each for each in entries if each.home is not None]
    others = [each for each in entries if each.home is None]
    rows = [_row(each.rule, _said(each), _place(each, templates), f"`{each.proof}`") for each in homes]
    bare = [_row(each.rule, _said(each), _reason(each)) for each in others]
    first = ["| rule | what it says | where | test |", "|---|---|---|---|", *rows]
    second = ["| rule | what it says | why it has no home |", "|---|---|---|", *bare]
    return "\n".join([_HEAD, *first, "", "## Numbers without a home", "", *second, ""])


def _position(entry: Entry) -> tuple[int, int, str]:
    """Where it stands in the rules."""
    line, begin = entry.place
    return line.number, begin, entry.rule


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _said(entry: Entry) -> str:
    return entry.quote.replace("|", r"\|").replace("**", "")


def _place(entry: Entry, templates: Mapping[str, str]) -> str:
    home = home_of(entry, templates)
    return f"`{home.path}:{home.line}`" + (f" ({entry.reckoned})" if entry.reckoned else "")


def _reason(entry: Entry) -> str:
    return f"said again: {entry.see}" if entry.see else str(entry.no_home)


def covered(entries: Sequence[Entry], templates: Mapping[str, str]) -> set[Token]:
    """The number tokens that some entry covers."""
    return {token for entry in entries for token in entry.covered(_number(entry, templates))}


def _number(entry: Entry, templates: Mapping[str, str]) -> str | None:
    try:
        return None if entry.home is None else home_of(entry, templates).number
    except HomeError:
        return "0"  # told by the test of the register; here it covers what is named


def missing(entries: Sequence[Entry], templates: Mapping[str, str]) -> dict[str, list[str]]:
    """The number tokens that no entry covers, by section, each with its place and its line."""
    found: dict[str, list[str]] = defaultdict(list)
    for token in _uncovered(entries, templates):
        text = lines()[token.line - 1].text
        found[token.section].append(f"rules.md:{token.line}:{token.begin + 1} `{token.text}` in: {text}")
    return dict(found)


def _uncovered(entries: Sequence[Entry], templates: Mapping[str, str]) -> Iterator[Token]:
    has = covered(entries, templates)
    return (token for token in tokens() if token not in has)
