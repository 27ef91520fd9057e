"""``extends``: what is inherited, what goes over it, and what each refusal says."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.playbook import OnDay, Silent
from orchestrator.playbook import PlaybookError, PlaybookSource, compile_playbook, read_source, version_of
from tests.playbook.small import SMALL, TEMPLATES

BASE = "playbooks/base.yaml"
SHELF = {**TEMPLATES, BASE: SMALL}


def source(text: str, **presets: str) -> PlaybookSource:
    """A playbook over the small one and some presets."""
    shelf = {f"playbooks/presets/{name.replace('_', '-')}.yaml": preset for name, preset in presets.items()}
    return PlaybookSource(file="p.yaml", text=text, templates={**SHELF, **shelf})


def refused(text: str, **presets: str) -> list[str]:
    """What a playbook's refusal says, line by line."""
    with pytest.raises(PlaybookError) as error:
        compile_playbook(source(text, **presets))
    return [str(problem) for problem in error.value.problems]


def test_what_is_not_said_is_inherited() -> None:
    """A playbook that only extends decides as the one that it extends, under a version of its own."""
    extended, base = compile_playbook(source("extends: base")), compile_playbook(source(SMALL))
    assert replace(extended, version="") == replace(base, version="")
    assert extended.version != base.version


def test_keys_are_joined_and_values_replaced() -> None:
    """A play may change one value and keep the others; a new play stands beside the inherited ones."""
    book = compile_playbook(
        source("extends: base\nplays:\n  hello: {at: '10:00'}\n  more: {day: 2, email: day_3_setup}\n")
    )
    assert book.plays.keys() == {"hello", "more"}
    assert book.plays["hello"].policy.at is not None
    assert book.plays["hello"].policy.at.hour == 10
    assert book.plays["hello"].trigger == OnDay(day=1)


def test_null_removes() -> None:
    """``null`` takes away what was inherited: a play, or the time of one."""
    text = "extends: base\nplays:\n  hello: null\n  more: {day: 2, email: day_3_setup}\n"
    assert compile_playbook(source(text)).plays.keys() == {"more"}
    assert compile_playbook(source("extends: base\nplays: {hello: {at: null}}\n")).plays["hello"].policy.at is None


def test_a_list_replaces_a_list() -> None:
    """Lists are not joined: what is said is the whole list."""
    book = compile_playbook(source("extends: base\nwindows: {send: {days: [tue]}}\n"))
    assert book.window.weekdays == frozenset({1})


def test_a_trigger_replaces_a_trigger() -> None:
    """A play has one trigger: the new one takes the place of the inherited one, whichever it is."""
    book = compile_playbook(source("extends: base\nplays: {hello: {silent: 3d since login}}\n"))
    assert isinstance(book.plays["hello"].trigger, Silent)


def test_later_bases_go_over_earlier_ones() -> None:
    """Of several bases the later wins, and the playbook itself over them all."""
    presets = {
        "one": "playbook: one\nmode: shadow\ntimezone: Europe/Berlin\n",
        "two": "playbook: two\nmode: redirect\n",
    }
    book = compile_playbook(source("extends: [base, one, two]\nplaybook: own\n", **presets))
    assert (book.name, book.mode, book.timezone) == ("own", "redirect", "Europe/Berlin")


def test_bases_may_extend() -> None:
    """A preset may rest on another; a file beside it is named by its path."""
    presets = {"one": "extends: ./two.yaml\nmode: shadow\n", "two": "extends: ../base.yaml\ntimezone: Asia/Kolkata\n"}
    book = compile_playbook(source("extends: one\n", **presets))
    assert (book.mode, book.timezone) == ("shadow", "Asia/Kolkata")


def test_a_problem_names_the_file_that_it_comes_from() -> None:
    """What is wrong in a base is told with the base's name, line and column."""
    assert refused("extends: [base, bad]\n", bad="plays:\n  hello: {when: login.cuont > 1}\n") == [
        "templates/playbooks/presets/bad.yaml:2:17 plays.hello.when: `login` has no `.cuont` (did you mean `count`?)"
    ]


@pytest.mark.parametrize(
    ("text", "presets", "message"),
    [
        (
            "extends: bsae\n",
            {},
            "p.yaml:1:10 extends: there is no playbook or preset `bsae` (did you mean `base`?)",
        ),
        (
            "extends: [base, ../secret.yaml]\n",
            {},
            "p.yaml:1:17 extends[1]: there is no playbook or preset `../secret.yaml`",
        ),
        (
            "extends: [base, one]\n",
            {"one": "extends: two\n", "two": "extends: one\n"},
            "templates/playbooks/presets/two.yaml:1:10 extends: `one` extends itself: one extends two extends one",
        ),
        ("extends: [base, 5]\n", {}, "p.yaml:1:17 extends[1]: expected text, got 5"),
        (
            f"extends: [{', '.join(['base'] * 21)}]\n",
            {},
            "p.yaml:1:131 extends[20]: a playbook may rest on 20 others at most",
        ),
        (
            "extends: [base, torn]\n",
            {"torn": "mode: '\n"},
            "templates/playbooks/presets/torn.yaml:2:1: while scanning a quoted scalar, found unexpected end of stream",
        ),
    ],
)
def test_what_cannot_be_extended_is_refused(text: str, presets: dict[str, str], message: str) -> None:
    """Each reference that leads nowhere, around, or out of the folder is told with its place."""
    assert refused(text, **presets) == [message]


def test_a_file_is_looked_for_beside_the_playbook(tmp_path: Path) -> None:
    """What is extended by path stands beside the playbook; only what is used belongs to the source and its version."""
    (tmp_path / "ours.yaml").write_text(SMALL, encoding="utf-8")
    own = tmp_path / "own.yaml"
    own.write_text("extends: ./ours.yaml\nmode: shadow\n", encoding="utf-8")
    found = read_source(own, {**TEMPLATES, "playbooks/other.yaml": "unused"})
    assert set(found.templates) == {*TEMPLATES, "playbooks/ours.yaml"}
    assert compile_playbook(found).mode == "shadow"
    (tmp_path / "ours.yaml").write_text(f"{SMALL}\n", encoding="utf-8")
    assert version_of(read_source(own, TEMPLATES)) != version_of(found)


def test_a_file_that_extends_nothing_there_is_read(tmp_path: Path) -> None:
    """What leads nowhere is told when the playbook is compiled, not when it is read."""
    own = tmp_path / "own.yaml"
    own.write_text("extends: nowhere\n", encoding="utf-8")
    with pytest.raises(PlaybookError, match="there is no playbook or preset `nowhere`"):
        compile_playbook(read_source(own, TEMPLATES))


def test_a_file_that_is_too_large_is_told_by_its_size(tmp_path: Path) -> None:
    """Where the reading stops in the middle of a letter, the size is what is wrong, not the letter."""
    own = tmp_path / "own.yaml"
    own.write_text(f"#{'😀' * 260_000}\n", encoding="utf-8")
    with pytest.raises(PlaybookError, match="a playbook may have 1,000,000 bytes at most"):
        compile_playbook(read_source(own, TEMPLATES))
