"""A customer gets another id: all that was decided stands, the old id leads on, and nobody is told anything twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.store import observation
from orchestrator.usecases.drain import drain
from orchestrator.usecases.merge import CannotRenameError, rename
from orchestrator.usecases.overrule import pause
from tests.usecases.company import HOUR, MONDAY, Company
from tests.usecases.playbooks import CALLED, DIVIDED, HELLO, tiny
from tests.usecases.world import World, another, begun, holding


@pytest.fixture
def old() -> Company:
    return Company("old", "ann")


@pytest.fixture
def welcomed(bare: World, old: Company) -> World:
    """An account under its old id that has had its welcome, and work that is open."""
    bare.publish(tiny(HELLO, CALLED))
    bare.drain(*old.sign_up())
    bare.live()
    bare.at(MONDAY + HOUR)
    bare.live()
    return bare


def test_everything_goes_on_under_the_new_id(welcomed: World, old: Company) -> None:
    """Facts, stage, ledger, people, open work and the timer are the new id's; nothing is decided again."""
    before = welcomed.document("old")
    assert rename(welcomed.ports, "old", "new") == "new"
    welcomed.live()
    after = welcomed.document("new")
    assert {**before, "wake_at": 0, "basis": ""} == {**after, "wake_at": 0, "basis": ""}
    assert welcomed.rows("SELECT id FROM accounts") == [{"id": "new"}]
    assert welcomed.rows("SELECT account_id FROM persons") == [{"account_id": "new"}]
    assert welcomed.rows("SELECT account_id FROM escalations WHERE closed_at IS NULL") == [{"account_id": "new"}]
    assert welcomed.rows("SELECT account_id FROM wakes") == [{"account_id": "new"}]
    assert len(welcomed.relay.taken) == 1
    welcomed.drain(Company("new", "ann").track("Signed Up", MONDAY + HOUR), old.track("Signed Up", MONDAY + HOUR))
    welcomed.live()
    assert welcomed.count_of("signed_up", "new") == 3
    assert len(welcomed.relay.taken) == 1


def test_its_history_is_found_under_the_new_id(welcomed: World) -> None:
    """What was decided as the old one is shown of the new one, with the name that it had."""
    rename(welcomed.ports, "old", "new")
    with welcomed.engine.connect() as connection:
        assert {row["account_id"] for row in observation.history(connection, "new")} == {"old"}
        assert [row["detail"] for row in observation.journal(connection, "new") if row["kind"] == "renamed"] == [
            {"gone": "old"}
        ]


def test_a_rename_can_be_taken_back(welcomed: World) -> None:
    """The former name is free for the account itself; a third name is led on to it."""
    rename(welcomed.ports, "old", "new")
    rename(welcomed.ports, "new", "newer")
    assert rename(welcomed.ports, "newer", "old") == "old"
    found = welcomed.rows("SELECT from_account, to_account FROM redirects ORDER BY 1")
    assert [tuple(row.values()) for row in found] == [("new", "old"), ("newer", "old")]
    assert welcomed.rows("SELECT id FROM accounts") == [{"id": "old"}]


def test_a_taken_name_merges(welcomed: World) -> None:
    """Calls under the new id came first: the two are one customer, whose welcome was sent."""
    welcomed.drain(Company("new", "ann").track("Logged In", MONDAY + HOUR))
    assert rename(welcomed.ports, "old", "new") == "new"
    welcomed.live()
    assert (welcomed.count_of("login", "new"), welcomed.count_of("signed_up", "new")) == (1, 1)
    assert len(welcomed.relay.taken) == 1


def test_a_former_name_of_another_merges_into_that(welcomed: World) -> None:
    """The new name belonged to a customer who has another one now: it is that customer."""
    welcomed.drain(Company("first", "bob").track("Logged In"))
    rename(welcomed.ports, "first", "second")
    assert rename(welcomed.ports, "old", "first") == "second"
    assert welcomed.rows("SELECT id FROM accounts") == [{"id": "second"}]


@pytest.mark.parametrize(("before", "after"), [("old", "old"), ("nobody", "new"), ("old", ""), ("old", "x" * 256)])
def test_only_what_is_there_gets_a_name_that_can_be_one(welcomed: World, before: str, after: str) -> None:
    """The same name, nobody, no name, or too long a one: refused, and nothing happens."""
    with pytest.raises(CannotRenameError):
        rename(welcomed.ports, before, after)
    assert welcomed.rows("SELECT id FROM accounts") == [{"id": "old"}]


def test_a_drain_that_waits_for_a_rename_follows_it(welcomed: World, pool: ThreadPoolExecutor, old: Company) -> None:
    """Events of the old id that are in flight are counted for the new one, once."""
    welcomed.send(old.track("Logged In"), old.lone("Logged In"))
    with another(welcomed) as second:
        with holding(welcomed, "LOCK TABLE redirects IN SHARE MODE"):
            renaming = begun(pool, welcomed, lambda: rename(welcomed.ports, "old", "new"), 1)
            draining = begun(pool, welcomed, lambda: drain(second.ports, 0, "second", 20), 2)
        renaming.result()
        assert draining.result().events == 2
    assert welcomed.count_of("login", "new") == 2
    assert welcomed.rows("SELECT id FROM accounts") == [{"id": "new"}]


def test_a_name_that_a_drain_opens_meanwhile_merges(welcomed: World, pool: ThreadPoolExecutor) -> None:
    """The first call of the new id and the rename at once: one account, whatever of the two comes first."""
    welcomed.send(Company("new", "bob").track("Logged In"))
    with another(welcomed) as second:
        with holding(welcomed, "LOCK TABLE wakes"):
            draining = begun(pool, welcomed, lambda: drain(second.ports, 0, "second", 20), 1)
            renaming = begun(pool, welcomed, lambda: rename(welcomed.ports, "old", "new"), 2)
        draining.result()
        assert renaming.result() == "new"
    assert welcomed.rows("SELECT id FROM accounts") == [{"id": "new"}]
    assert (welcomed.count_of("login", "new"), welcomed.count_of("signed_up", "new")) == (1, 1)


def test_words_under_the_old_id_reach_the_account(welcomed: World) -> None:
    """Somebody who knows only the old id pauses the account all the same."""
    rename(welcomed.ports, "old", "new")
    pause(welcomed.ports, "old", "mei")
    welcomed.live()
    assert welcomed.count_of("account_paused", "new") == 1


def test_a_parked_account_is_tried_again_under_its_new_id(bare: World, old: Company) -> None:
    """An account that cannot be decided gets its new id: the old parking is no more, the new one says why."""
    bare.publish(tiny(HELLO, DIVIDED))
    bare.drain(*old.sign_up(), old.track("Logged In"))
    rename(bare.ports, "old", "new")
    assert bare.rows("SELECT account_id FROM parked_accounts") == [{"account_id": "new"}]
    assert bare.count_of("login", "new") == 1
