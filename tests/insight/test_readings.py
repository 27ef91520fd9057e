"""The programme as the accounts say it: over any playbook, and from the database."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from orchestrator.core.events import Event
from orchestrator.core.lifecycle import opened
from orchestrator.insight import readings
from orchestrator.insight.readings import by_touch, crowd, everyone, measured, measures
from orchestrator.insight.tables import Benchmarks
from orchestrator.playbook import PlaybookError, PlaybookSource, read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.store import accounts
from tests.playbook.lives import DAY, START, event, lived, traits
from tests.playbook.small import BESIDE_MAIL, SMALL
from tests.playbook.small import TEMPLATES as SMALL_TEMPLATES

TEMPLATES = template_texts(Path(__file__).parents[2] / "templates")
SHIPPED = read_source(Path(__file__).parents[2] / "templates" / "playbooks" / "b2b-saas.yaml", TEMPLATES)
WHOLE = read_source(Path(__file__).parents[2] / "templates" / "playbooks" / "customer-lifecycle.yaml", TEMPLATES)


@pytest.mark.parametrize("source", [SHIPPED, WHOLE], ids=["b2b-saas", "customer-lifecycle"])
def test_every_dimension_can_be_read(source: PlaybookSource, tables: Benchmarks) -> None:
    """Under the playbooks that are shipped each figure of the tables has a metric, and there are no others."""
    found = measures(source, TEMPLATES)
    names = [name.removeprefix("audit_") for name in found.playbook.metrics]
    assert (sorted(names), found.wordless) == (sorted([*tables.programme.dimensions, *tables.audit.further]), ())


def test_what_a_playbook_has_no_words_for_is_left_out() -> None:
    """Under a playbook with few words of its own the rest is still read, and what is not is named."""
    small = PlaybookSource(file="small.yaml", text=SMALL, templates={**SMALL_TEMPLATES, **BESIDE_MAIL})
    found = measures(small, TEMPLATES)
    assert sorted(found.playbook.metrics) == ["audit_first_login", "audit_nps_day_14"]
    assert set(found.wordless) == {
        "time_to_value", "activation", "setup_completion", "support_tickets", "retention_30d", "team_growth",
    }  # fmt: skip
    mute = SMALL.replace("login: [Logged In]", "came: [Logged In]").replace("when: login", "when: came")
    mute = mute.replace("login.count", "came.count").replace("of: login", "of: came")
    found = measures(PlaybookSource(file="small.yaml", text=mute, templates=small.templates), TEMPLATES)
    assert list(found.playbook.metrics) == ["audit_nps_day_14"]


def test_a_layer_that_is_not_there_is_an_error() -> None:
    """Without the layer nothing can be measured, and the error names it."""
    with pytest.raises(PlaybookError, match="there is no playbook or preset `layers/programme`"):
        measures(SHIPPED, {})


def test_what_nobody_says_is_unknown() -> None:
    """Of no accounts there is no figure; of one that did nothing there are only those that are closed-world."""
    by = measures(SHIPPED, TEMPLATES)
    assert measured([], by, START) == {}
    life = lived(by.playbook, [event("Signed Up", 0)], 10)
    found = measured([life.steps[-1].account], by, START + 10 * DAY)
    assert {name: each.value for name, each in found.items()} == {"activation": 0, "first_login": 0}


def test_all_accounts_are_read_a_page_at_a_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each account once, in the order of their ids, whatever the size of a page."""
    monkeypatch.setattr(readings, "_PAGE", 2)
    book = measures(SHIPPED, TEMPLATES).playbook
    with engine.begin() as connection:
        accounts.open_accounts(connection, [opened(f"a-{number}", START, book) for number in range(5)])
        assert [each.id for each in everyone(connection)] == [f"a-{number}" for number in range(5)]


def test_accounts_are_counted_by_touch() -> None:
    """Each in the touch model of its segment; whoever has left is nobody's work."""
    book = measures(SHIPPED, TEMPLATES).playbook
    gone = [event("Subscription Started", 1), event("Subscription Cancelled", 2)]
    lives: list[list[Event]] = [[traits(0, arr=150_000)], [traits(0, arr=150_000), *gone], [traits(0, arr=30_000)], []]
    found = [lived(book, [event("Signed Up", 0), *each], 3).steps[-1].account for each in lives]
    assert by_touch(found, book) == {"high": 1, "medium": 1, "tech": 1}
    assert by_touch(found, replace(book, segmentation=None)) == {}


def test_people_are_counted(engine: Engine) -> None:
    """How many there are, and how many came in the last month; of nobody nothing is said."""
    book = measures(SHIPPED, TEMPLATES).playbook
    with engine.begin() as connection:
        assert crowd(connection, START) == {}
        accounts.open_accounts(connection, [opened("a", START, book)])
        for person, days in (("ann", 0), ("bob", 20), ("eve", 45)):
            connection.execute(
                text(
                    "INSERT INTO persons (account_id, person_id, traits, rank, first_seen)"
                    " VALUES ('a', :p, '{}', 0, :at)"
                ),
                {"p": person, "at": START + days * DAY},
            )
        found = crowd(connection, START + 48 * DAY)
    assert {name: each.value for name, each in found.items()} == {"users": 3, "new_users_per_month": 2}
