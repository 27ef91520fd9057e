"""Whose fault: poison stands alone in ``rejected_events``; for a fault of the world nothing is rejected at all."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from orchestrator.usecases.drain import drain
from orchestrator.usecases.library import NoPlaybookError
from orchestrator.usecases.wake import wake
from tests.usecases.company import HOUR, MONDAY, Company, cohort
from tests.usecases.playbooks import CALLED, HELLO, tiny
from tests.usecases.world import World, begun, holding

POISON: dict[str, bytes] = {
    "not_utf8": b'{"type": "track", "userId": "\xff"}',
    "not_json": b"{",
    "not_a_number": b'{"type":"track","messageId":"nan","userId":"ann","event":"Logged In","properties":{"x":NaN}}',
    "nul_character": b'{"type":"track","messageId":"nul","userId":"\\u0000","event":"Logged In"}',
    "too_large": b'{"type":"track","messageId":"big","userId":"ann","event":"%s"}' % (b"x" * 1024 * 1024),
    "missing_field": b'{"type":"track","messageId":"what","userId":"ann"}',
    "no_identity": b'{"type":"track","messageId":"who","event":"Logged In"}',
    "unknown_type": b'{"type":"sing","messageId":"la","userId":"ann"}',
    "bad_timestamp": b'{"type":"track","messageId":"t","userId":"ann","event":"Logged In","timestamp":"soon"}',
}

RAISE = """
    CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF {when} THEN RAISE EXCEPTION 'stumbled' USING ERRCODE = '{state}'; END IF;
        RETURN NEW;
    END $$
"""


def stumble(world: World, table: str, state: str, when: str = "true") -> None:
    """From now on the database raises this SQLSTATE when such a row is written."""
    world.run(RAISE.format(state=state, when=when))
    world.run(f"CREATE TRIGGER stumble BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION stumble()")


def steady(world: World) -> None:
    """The cause is gone."""
    world.run("DROP FUNCTION stumble CASCADE")


@pytest.mark.parametrize("reason", POISON)
def test_poison_stands_alone_with_its_reason(world: World, reason: str) -> None:
    """An entry that is no call is kept under its reason; its neighbours are processed, and all are acknowledged."""
    company = Company()
    world.drain(company.track("Logged In"), POISON[reason], company.track("Logged In", MONDAY + HOUR))
    assert world.rejected() == [reason]
    assert world.count_of("login") == 2
    assert world.pending() == 0


def test_what_the_database_refuses_is_bisected(world: World) -> None:
    """Among forty events the three that the database refuses are found, each alone; the others are counted."""
    stumble(world, "events", "23514", "NEW.properties ? 'poison'")
    companies = cohort(40)
    refused = (7, 8, 33)
    world.drain(
        *(
            each.track("Logged In", MONDAY, **({"poison": 1} if n in refused else {}))
            for n, each in enumerate(companies)
        )
    )
    rows = world.rows("SELECT reason, detail, message_id FROM rejected_events ORDER BY message_id")
    assert [row["message_id"] for row in rows] == [f"account-{n:04}-person-{n:04}-1" for n in refused]
    assert {(row["reason"], row["detail"]) for row in rows} == {("data_error", "CheckViolation: stumbled")}
    assert world.one("SELECT count(*) FROM events") == 37
    assert world.pending() == 0


def test_a_refused_event_may_come_again_once_it_is_mended(world: World) -> None:
    """The key of an event that was rejected is not taken: the same event counts when its obstacle is gone."""
    login = Company().track("Logged In")
    stumble(world, "events", "22000")
    world.drain(login)
    steady(world)
    assert world.drain(login).events == 1


@pytest.mark.parametrize("state", ["53100", "53200", "57014", "58030", "25006", "42P01"])
def test_nothing_is_rejected_for_a_fault_of_the_world(world: World, state: str) -> None:
    """Disk full, memory, shutdown, a table that is missing: all stays pending, and goes on afterwards."""
    stumble(world, "accounts", state)
    world.send(*(each.track("Logged In") for each in cohort(5)))
    for _ in range(2):
        with pytest.raises(DBAPIError):
            world.drain()
    assert (world.rejected(), world.pending()) == ([], 5)
    steady(world)
    assert world.drain().events == 5


def test_a_cut_connection_rejects_nothing(world: World, pool: ThreadPoolExecutor) -> None:
    """A drain whose backend is killed in the middle leaves its batch pending; the next one does it."""
    company = Company()
    world.drain(*company.sign_up())
    world.send(*(company.track("Logged In", MONDAY + number * HOUR) for number in range(5)))
    with holding(world, "SELECT FROM accounts FOR NO KEY UPDATE"):
        cut = begun(pool, world, lambda: drain(world.ports, 0, "cut", 20), 1)
        world.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with pytest.raises(OperationalError):
            cut.result()
    assert (world.rejected(), world.pending(), world.count_of("login")) == ([], 5, 0)
    assert world.drain().events == 5


@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_a_lost_deadlock_is_tried_again(world: World, state: str) -> None:
    """Twice the transaction loses a deadlock; the third try succeeds, within the same run."""
    world.run("CREATE SEQUENCE tries")
    stumble(world, "accounts", state, "nextval('tries') < 3")
    assert world.drain(Company().track("Logged In")).events == 1
    assert world.one("SELECT last_value FROM tries") >= 3


def test_a_deadlock_without_end_rejects_nothing(world: World) -> None:
    """Tries are bounded; what then remains is pending."""
    stumble(world, "accounts", "40P01")
    with pytest.raises(OperationalError):
        world.drain(Company().track("Logged In"))
    assert (world.rejected(), world.pending()) == ([], 1)


def test_without_a_playbook_nothing_is_rejected(bare: World) -> None:
    """Events that come before a playbook is published wait for it."""
    with pytest.raises(NoPlaybookError):
        bare.drain(*Company().sign_up())
    assert (bare.rejected(), bare.pending()) == ([], 2)
    bare.publish(tiny())
    assert bare.drain().events == 2


def test_no_log_line_tells_what_an_event_says(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Addresses, names and properties stay out of the log, whatever goes wrong, and out of a rejection's detail."""
    caplog.set_level(logging.DEBUG)
    stumble(world, "events", "23514", "NEW.properties::text LIKE '%Okafor%'")
    world.drain(*Company().sign_up(), b'{"secret": "Okafor"}')
    world.live()
    assert "Okafor" not in caplog.text
    assert "acme.example" not in caplog.text
    assert not [row for row in world.rows("SELECT detail FROM rejected_events") if "Okafor" in row["detail"]]


def test_a_wake_waits_out_a_fault_of_the_world(bare: World) -> None:
    """A wake that meets a full disk raises, parks nobody, and the accounts stay due."""
    bare.publish(tiny(CALLED))
    bare.drain(*(call for each in cohort(5) for call in each.sign_up()))
    bare.at(MONDAY + HOUR)
    stumble(bare, "accounts", "53100")
    with pytest.raises(OperationalError):
        wake(bare.ports)
    assert bare.rows("SELECT FROM parked_accounts") == []
    steady(bare)
    assert bare.wake().accounts == 5


def test_an_account_that_cannot_be_written_is_parked_alone(bare: World) -> None:
    """A wake in which one account's decision is refused by the database parks that one; its neighbours are decided."""
    bare.publish(tiny(HELLO, CALLED))
    bare.drain(*(call for each in cohort(9) for call in each.sign_up()))
    bare.at(MONDAY + HOUR)
    stumble(bare, "escalations", "23514", "NEW.account_id = 'account-0004'")
    bare.wake()
    assert bare.one("SELECT count(*) FROM escalations") == 8
    (parked,) = bare.rows("SELECT * FROM parked_accounts")
    assert (parked["account_id"], parked["tries"]) == ("account-0004", 1)
    assert bare.wake().accounts == 0
    steady(bare)
    bare.at(MONDAY + 2 * HOUR)
    bare.wake()
    assert bare.one("SELECT count(*) FROM escalations") == 9
    assert bare.rows("SELECT FROM parked_accounts") == []


def test_a_document_of_another_version_stops_nobody_else(bare: World) -> None:
    """An account whose document this version cannot read is parked by the wake; the others are decided."""
    bare.publish(tiny(CALLED))
    bare.drain(*(call for each in cohort(5) for call in each.sign_up()))
    bare.rewrite("account-0002", lambda found: found.update(format=2))
    bare.at(MONDAY + HOUR)
    bare.wake()
    assert bare.one("SELECT count(*) FROM escalations") == 4
    assert bare.one("SELECT account_id FROM parked_accounts") == "account-0002"
