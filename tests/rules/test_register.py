"""The register is in order: every entry quotes the rules, has its home and its proof."""

from collections import Counter
from pathlib import Path

import pytest

from tests.rules.homes import HomeError, home_of
from tests.rules.proof import NoProofError, proof_of
from tests.rules.register import Entry, entries_of, register
from tests.rules.shelf import Shelf
from tests.rules.tokens import same

ENTRIES = register().entries
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=[each.rule for each in ENTRIES])


def test_every_entry_can_be_read() -> None:
    """Each entry is whole, and its quote is a part of one line of the rules."""
    assert not register().problems, "\n" + "\n".join(register().problems)


def test_no_rule_is_named_twice() -> None:
    """Each entry has a name of its own, and what is said elsewhere is an entry."""
    names = Counter(each.rule for each in ENTRIES)
    assert not [name for name, times in names.items() if times > 1]
    assert not [each.see for each in ENTRIES if each.see is not None and each.see not in names]


@each_entry
def test_each_home_holds_the_number_of_its_rule(entry: Entry, shelf: Shelf) -> None:
    """The value at the home has the number that the rules say; where it follows from it, the entry says how."""
    if entry.home is not None:
        number = home_of(entry, shelf.templates).number
        assert entry.reckoned or any(same(each.text, number) for each in entry.quoted), number
        assert entry.quoted or entry.reckoned, "the quote has no number"
    else:
        assert entry.quoted, "the quote has no number"


@each_entry
def test_what_proves_an_entry_is_there(entry: Entry) -> None:
    """The named test can be imported and takes a shelf; the scenario is a file."""
    assert entry.home is None or proof_of(entry) is not None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("- {rule: a, quote: no login after sign-up}", "a: Value error, an entry has one of `home`, `no_home`"),
        ("- {rule: a, quote: nobody said this 48, no_home: example}", "it stands in line: nowhere"),
        ("- {rule: a, quote: '48 hours', home: x.yaml, at: y}", "a home is proved by one of"),
        ("- {rule: a, quote: '48 hours', home: x.yaml, test: t}", "a home has one of `at`, `text`"),
        ("- {rule: a, quote: '48 hours', no_home: elsewhere}", "`see` names the rule"),
        ("- {rule: a, quote: '48 hours', no_home: example, at: y}", "stand beside `home` only"),
        ("- {rule: a, quote: '48 hours', no_hone: example}", "no_hone Extra inputs are not permitted"),
        ("- {rule: a, quote: '48 hours', home: x, at: y, says: {kind: email, name: z, words: w}}", "has to hold"),
        ("rule: a", "a register is a list of entries"),
        ("- 3", "valid dictionary"),
    ],
)
def test_a_wrong_entry_is_named_with_its_place(written: str, told: str, tmp_path: Path) -> None:
    """What is wrong with an entry is told with its file."""
    file = tmp_path / "wrong.yaml"
    file.write_text(written, encoding="utf-8")
    ((where, found),) = entries_of(file)
    assert where.startswith("wrong.yaml")
    assert told in f"{where}: {found}".replace("wrong.yaml:1 ", "")


HOMES = {
    "a.yaml": "signals:\n  late: {after: 48 business hours, share: 0.85, table: [0d, 7d]}\n  if: day >= 7 or day <= 7",
    "b.md": "---\nminutes: 90\n---\nIt takes 90 minutes, 10 of them for names.\n",
}


def entry(**fields: object) -> Entry:
    """An entry of the rule of the 48 hours with these fields."""
    return Entry.model_validate({"rule": "a", "quote": "no login after sign-up | 48 hours", "test": "t", **fields})


@pytest.mark.parametrize(
    ("fields", "line", "altered"),
    [
        ({"home": "a.yaml", "at": "signals.late.after"}, 2, "after: 49 business hours"),
        ({"home": "a.yaml", "at": "signals.late.share"}, 2, "share: 0.86"),
        ({"home": "a.yaml", "at": "signals.late.table.1"}, 2, "table: [0d, 8d]"),
        ({"home": "a.yaml", "at": "signals.if", "number": 7, "nth": 2}, 3, "day >= 7 or day <= 8"),
        ({"home": "b.md", "at": "minutes"}, 2, "minutes: 91"),
        ({"home": "b.md", "text": "90 minutes"}, 4, "It takes 91 minutes, 10"),
        ({"home": "b.md", "text": "minutes, 10 of", "number": 10}, 4, "minutes, 11 of"),
    ],
)
def test_one_number_is_altered_at_its_home(fields: dict[str, object], line: int, altered: str) -> None:
    """By path or by text, one number is found with its line, and only that one becomes another."""
    home = home_of(entry(**fields), HOMES)
    assert home.line == line
    (changed,) = (text for path, text in home.altered(HOMES).items() if text != HOMES[path])
    assert altered in changed


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"home": "c.yaml", "at": "x"}, "there is no templates/c.yaml"),
        ({"home": "a.yaml", "at": "signals.early.after"}, "nothing at `early`"),
        ({"home": "a.yaml", "at": "signals.late"}, "no single value"),
        ({"home": "b.md", "text": "minutes"}, "2 times, not once"),
        ({"home": "a.yaml", "at": "signals.if"}, "which number"),
        ({"home": "a.yaml", "at": "signals.late.after", "number": 47}, "which number"),
    ],
)
def test_a_home_that_is_not_there_is_told(fields: dict[str, object], told: str) -> None:
    """An entry whose home is gone, or holds no such number, is refused with the reason."""
    with pytest.raises(HomeError, match=told):
        home_of(entry(**fields), HOMES)


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("tests/rules/test_nowhere.py::test_x", "there is no"),
        ("tests/rules/test_tokens.py::test_gone", "has no test"),
        ("tests/rules/test_tokens.py::test_one_more_is_written_alike", "one argument"),
    ],
)
def test_a_proof_that_is_none_is_told(test: str, told: str) -> None:
    """A test that is not there, or that wants more than a shelf, proves nothing."""
    with pytest.raises(NoProofError, match=told):
        proof_of(entry(home="a.yaml", at="signals.late.after", test=test))
