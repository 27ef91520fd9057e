"""Time passes: who is due is decided, once, and an account that cannot be decided waits alone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from orchestrator.store import accounts
from orchestrator.store.documents import micros
from orchestrator.usecases import overrule
from orchestrator.usecases.wake import wake
from tests.usecases.company import DAY, HOUR, MONDAY, Company, cohort
from tests.usecases.playbooks import CALLED, DIVIDED, HELLO, SECOND, WEEKLY, tiny
from tests.usecases.world import World, another, begun, counted, holding

MINUTE = timedelta(minutes=1)


def test_only_due_accounts_are_decided(bare: World) -> None:
    """A wake decides whose instant has come, and touches nobody else."""
    bare.publish(tiny(CALLED))
    early, late = Company("early"), Company("late")
    bare.drain(*early.sign_up(MONDAY - HOUR / 2), *late.sign_up())
    bare.at(MONDAY + HOUR / 2)
    before = bare.one("SELECT version FROM accounts WHERE id = 'late'")
    assert bare.wake().accounts == 1
    assert bare.decisions() == [("early", "called", "due")]
    assert bare.one("SELECT version FROM accounts WHERE id = 'late'") == before
    assert bare.wake().accounts == 0


def test_an_idle_wake_is_one_look(bare: World) -> None:
    """When nothing is due, a wake asks the time and who is due, and that is all."""
    bare.publish(tiny(CALLED))
    bare.drain(*(call for each in cohort(20) for call in each.sign_up()))
    with counted(bare.engine) as statements:
        assert bare.wake().accounts == 0
    assert len(statements) == 2


def _looked_at_early(world: World) -> Company:
    """An account whose call is due in an hour, and that is woken for nothing half an hour before."""
    world.publish(tiny(CALLED))
    company, early = Company(), MONDAY + HOUR / 2
    world.drain(*company.sign_up())
    world.rewrite("acme", lambda document: document.update(wake_at=micros(early)))
    world.run("UPDATE wakes SET wake_at = :early", early=early)
    world.at(early)
    return company


def test_a_wake_that_finds_nothing_writes_a_timer_and_no_account(bare: World) -> None:
    """When only the next look has moved, the narrow row says so, and whoever reads the account's own asks it."""
    _looked_at_early(bare)
    before = bare.rows("SELECT * FROM accounts")
    assert bare.wake().accounts == 1
    assert bare.one("SELECT wake_at FROM wakes") == MONDAY + HOUR
    assert bare.rows("SELECT * FROM accounts") == before
    assert bare.wake().accounts == 0
    with bare.engine.begin() as connection:
        (found,) = accounts.timed(connection, accounts.load(connection, ["acme"])).values()
    assert found.account.wake_at == MONDAY + HOUR


def test_an_event_after_a_wake_that_found_nothing_finds_the_account_at_rest(bare: World) -> None:
    """A drain takes such an account's instant from its timer: it glances at it, and saves it with that instant."""
    company = _looked_at_early(bare)
    bare.wake()
    with counted(bare.engine) as statements:
        bare.drain(company.track("Came Back"))
    assert not any("-- people:" in each for each in statements)
    assert bare.document()["wake_at"] == micros(MONDAY + HOUR)
    bare.at(MONDAY + HOUR)
    bare.wake()
    assert bare.decisions() == [("acme", "called", "due")]


def test_an_account_that_somebody_holds_is_skipped(bare: World) -> None:
    """A wake does not wait for a lock: whoever holds the account decides it, or the next tick does."""
    bare.publish(tiny(CALLED))
    bare.drain(*(call for each in cohort(3) for call in each.sign_up()))
    bare.at(MONDAY + HOUR)
    with holding(bare, "SELECT FROM accounts WHERE id = 'account-0001' FOR NO KEY UPDATE"):
        bare.wake()
        assert {account for account, _, _ in bare.decisions()} == {"account-0000", "account-0002"}
    bare.wake()
    assert len(bare.decisions()) == 3


def test_several_wakes_share_what_is_due(bare: World) -> None:
    """While one wake holds those who wait longest, another takes up the next, and does not find that nothing is due."""
    bare.publish(tiny(CALLED))
    first, *others = cohort(3)
    bare.drain(*first.sign_up(MONDAY - HOUR / 2), *(call for each in others for call in each.sign_up()))
    bare.at(MONDAY + HOUR)
    with another(bare, batch=1) as second, holding(bare, "SELECT FROM accounts WHERE id = 'account-0000' FOR UPDATE"):
        assert wake(second.ports).accounts == 2
    assert {account for account, _, _ in bare.decisions()} == {"account-0001", "account-0002"}


def test_who_is_not_due_any_more_when_it_is_claimed_is_left_out(bare: World) -> None:
    """Claimed accounts are held against other wakes, and asked again under the lock whether they are due."""
    bare.publish(tiny(CALLED))
    bare.drain(*(call for each in cohort(3) for call in each.sign_up()))
    bare.at(MONDAY + HOUR)
    with another(bare) as second, bare.engine.begin() as connection:
        claimed = accounts.claim(connection, MONDAY + HOUR, 500)
        assert wake(second.ports).accounts == 0
        bare.run("UPDATE wakes SET wake_at = :later WHERE account_id = 'account-0001'", later=MONDAY + 2 * HOUR)
        due = accounts.still_due(connection, claimed, MONDAY + HOUR)
    assert (claimed, due) == (["account-0000", "account-0001", "account-0002"], ["account-0000", "account-0002"])


def test_what_another_wake_has_decided_is_read_again_under_the_lock(bare: World, pool: ThreadPoolExecutor) -> None:
    """Two wakes see the same candidates; the one that comes second to the lock finds them decided."""
    bare.publish(tiny(CALLED))
    bare.drain(*(call for each in cohort(5) for call in each.sign_up()))
    bare.at(MONDAY + HOUR)
    with another(bare) as second:
        with holding(bare, "LOCK TABLE ledger"):
            first = begun(pool, bare, lambda: wake(bare.ports), 1)
            assert wake(second.ports).accounts == 0
        assert first.result().accounts == 5
        assert wake(second.ports).accounts == 0
    assert len(bare.decisions()) == 5


def test_no_statement_is_sent_per_woken_account(bare: World) -> None:
    """Waking 60 accounts takes as many statements as waking three."""
    bare.publish(tiny(CALLED))
    bare.drain(*(call for each in cohort(63) for call in each.sign_up(MONDAY)[:1]))
    companies = cohort(63)
    bare.drain(*(each.call(MONDAY, messageId=f"s-{each.account}", event="Signed Up") for each in companies[:3]))
    bare.at(MONDAY + HOUR)
    with counted(bare.engine) as few:
        assert bare.wake().accounts == 3
    bare.drain(*(each.call(MONDAY + HOUR, messageId=f"s-{each.account}", event="Signed Up") for each in companies[3:]))
    bare.at(MONDAY + 2 * HOUR)
    with counted(bare.engine) as many:
        assert bare.wake().accounts == 60
    assert len(many) == len(few)


def _divided(world: World) -> list[Company]:
    """Three accounts, of which the middle one has no tickets to divide by."""
    world.publish(tiny(HELLO, DIVIDED))
    companies = cohort(3)
    calls = [call for each in companies for call in each.sign_up()]
    calls += [each.track("Logged In", MONDAY, **({"tickets": 2} if n != 1 else {})) for n, each in enumerate(companies)]
    world.drain(*calls)
    return companies


def test_a_play_that_raises_parks_its_account_alone(bare: World) -> None:
    """The account is parked with its error, its facts are saved, its journal says so, and its neighbours go on."""
    _divided(bare)
    (parked,) = bare.rows("SELECT * FROM parked_accounts")
    assert (parked["account_id"], parked["tries"], parked["until"]) == ("account-0001", 1, MONDAY + MINUTE)
    assert "UndecidableError" in parked["error"]
    assert bare.count_of("login", "account-0001") == 1
    assert {account for account, play, _ in bare.decisions() if play == "divided"} == {"account-0000", "account-0002"}
    assert bare.one("SELECT detail ->> 'tries' FROM journal WHERE kind = 'parked'") == "1"
    assert bare.rejected() == []


def test_pauses_grow(bare: World) -> None:
    """Each failure doubles the pause, up to six hours; between the tries nothing is done."""
    _divided(bare)
    pauses = []
    for _ in range(11):
        until = bare.one("SELECT until FROM parked_accounts")
        bare.at(until - timedelta(seconds=1))
        assert bare.wake().accounts == 0
        bare.at(until)
        assert bare.wake().accounts == 1
        pauses.append((bare.one("SELECT until FROM parked_accounts") - until) / MINUTE)
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    assert bare.one("SELECT since FROM parked_accounts") == MONDAY


def test_a_parked_account_recovers_when_its_cause_is_gone(bare: World) -> None:
    """Events go on being folded; when the pause is over and the rule can be told again, everything is decided."""
    middle = _divided(bare)[1]
    bare.drain(middle.track("Logged In", MONDAY, tickets=2))
    assert bare.count_of("login", "account-0001") == 2
    assert [play for account, play, _ in bare.decisions() if account == "account-0001"] == []
    bare.at(MONDAY + MINUTE)
    bare.wake()
    assert [play for account, play, _ in bare.decisions() if account == "account-0001"] == ["divided", "hello"]
    assert bare.rows("SELECT FROM parked_accounts") == []


def test_what_was_folded_while_parked_is_decided_though_no_time_has_come(bare: World) -> None:
    """An account is not taken for quiet when it comes back: what arrived meanwhile was never looked at."""
    bare.publish(tiny(DIVIDED, WEEKLY))
    company = Company()
    bare.drain(*company.sign_up())
    bare.drain(company.track("Logged In"))
    bare.drain(company.track("Left", tickets=2), company.track("Logged In", tickets=2))
    assert bare.document()["stage"] == "young"
    bare.at(MONDAY + MINUTE)
    bare.wake()
    assert bare.document()["stage"] == "gone"


def test_a_paused_account_waits_and_resumes(bare: World) -> None:
    """What comes due while a person has paused the account is judged when it is resumed."""
    bare.publish(tiny(CALLED))
    bare.drain(*Company().sign_up())
    overrule.pause(bare.ports, "acme", "mei: they asked for peace")
    bare.at(MONDAY + HOUR)
    bare.live()
    assert bare.decisions() == []
    assert bare.one("SELECT detail ->> 'reason' FROM journal WHERE kind = 'postponed'") == "paused"
    bare.at(MONDAY + 2 * HOUR)
    overrule.resume(bare.ports, "acme", "mei: they called")
    bare.live()
    assert bare.decisions() == [("acme", "called", "due")]


def test_what_lost_its_turn_waits_for_the_gap_and_names_the_winner(bare: World) -> None:
    """A second mail keeps the minimum gap across steps, as the document remembers the first, and names it."""
    bare.publish(tiny(HELLO, SECOND).replace("plays:\n", "gaps: {message: 20h}\nplays:\n"))
    bare.drain(*Company().sign_up())
    (told,) = bare.rows("SELECT play, detail FROM journal WHERE kind = 'postponed'")
    assert (told["play"], told["detail"]["by"], told["detail"]["reason"]) == ("second", "hello", "outranked")
    bare.at(MONDAY + 19 * HOUR)
    bare.wake()
    assert bare.decisions() == [("acme", "hello", "due")]
    bare.at(MONDAY + 20 * HOUR)
    bare.wake()
    assert bare.decisions() == [("acme", "hello", "due"), ("acme", "second", "due")]
    assert [said[2] for said in bare.document()["recent"]] == ["second"]


def test_only_a_known_account_can_be_paused(world: World) -> None:
    """A mistyped id is refused."""
    with pytest.raises(overrule.UnknownAccountError):
        overrule.pause(world.ports, "acne", "mei")


def test_a_play_is_not_decided_twice_whatever_the_document_says(bare: World) -> None:
    """An account whose ledger is ahead of its document (a restore, a bug) is parked; its neighbours are decided."""
    bare.publish(tiny(CALLED))
    bare.drain(*(call for each in cohort(3) for call in each.sign_up()))
    bare.run("INSERT INTO ledger VALUES ('account-0001', 'called', 'once', :now)", now=MONDAY)
    bare.at(MONDAY + HOUR)
    bare.live()
    assert bare.decisions() == [("account-0000", "called", "due"), ("account-0002", "called", "due")]
    assert bare.one("SELECT count(*) FROM escalations WHERE account_id = 'account-0001'") == 0
    (parked,) = bare.rows("SELECT account_id, error FROM parked_accounts")
    assert parked["account_id"] == "account-0001"
    assert "DecidedTwiceError" in parked["error"]


def test_events_of_an_account_that_is_out_of_step_are_folded(bare: World) -> None:
    """The same, found by a drain: nothing is rejected, the facts are saved."""
    bare.publish(tiny(HELLO))
    bare.run("INSERT INTO ledger VALUES ('acme', 'hello', 'once', :now)", now=MONDAY)
    bare.drain(*Company().sign_up(), *Company("other", "bob").sign_up())
    assert bare.rejected() == []
    assert bare.count_of("signed_up") == 1
    assert bare.decisions() == [("other", "hello", "due")]


def test_equal_skips_share_one_record(bare: World) -> None:
    """Weeks in which nothing was to be said are one row, with the first, the last and their number."""
    bare.publish(tiny(WEEKLY))
    bare.drain(*Company().sign_up())
    for week in range(1, 5):
        bare.at(MONDAY + week * 7 * DAY)
        bare.live()
    (row,) = bare.rows("SELECT * FROM decisions")
    assert (row["reason"], row["repeats"], row["episode"]) == ("condition_false", 4, "2026-03-09")
    assert row["last_at"] - row["decided_at"] == 21 * DAY
    assert bare.one("SELECT episode FROM ledger") == "2026-03-30"


def test_an_escalation_closes_with_its_cause(bare: World) -> None:
    """Work that was handed to a human is taken back in the transaction that learns that it is done."""
    bare.publish(tiny(CALLED))
    company = Company()
    bare.drain(*company.sign_up())
    bare.at(MONDAY + HOUR)
    bare.live()
    bare.drain(company.track("Logged In", MONDAY + HOUR))
    (row,) = bare.rows("SELECT closed_at, close_reason FROM escalations")
    assert (row["closed_at"], row["close_reason"]) == (MONDAY + HOUR, "goal_reached")
