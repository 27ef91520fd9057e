"""Two accounts become one: what they were is united, nothing is decided again, and what comes later finds its way."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from orchestrator.store import observation
from orchestrator.usecases.deliver import deliver
from orchestrator.usecases.drain import drain
from orchestrator.usecases.merge import CannotMergeError, merge, rename
from tests.usecases.company import HOUR, MONDAY, Company
from tests.usecases.playbooks import CALLED, DIVIDED, HELLO, tiny
from tests.usecases.world import World, another, begun, holding


@pytest.fixture
def kept() -> Company:
    return Company("kept", "ann")


@pytest.fixture
def gone() -> Company:
    return Company("gone", "bob")


@pytest.fixture
def two(bare: World, kept: Company, gone: Company) -> World:
    """Two accounts that have both had their welcome."""
    bare.publish(tiny(HELLO, CALLED))
    bare.drain(*kept.sign_up(), *gone.sign_up(MONDAY - HOUR / 4))
    bare.live()
    return bare


def test_facts_are_united(two: World, kept: Company, gone: Company) -> None:
    """Counts add up, the first is the earlier one, and the gone account's row, timer and parking are no more."""
    two.drain(kept.track("Logged In"), gone.track("Logged In"), gone.track("Logged In", MONDAY - HOUR / 4))
    merge(two.ports, "gone", "kept")
    assert two.count_of("login", "kept") == 3
    assert two.count_of("signed_up", "kept") == 2
    assert two.rows("SELECT id FROM accounts") == [{"id": "kept"}]
    assert two.rows("SELECT FROM wakes WHERE account_id = 'gone'") == []


def test_nothing_is_decided_again(two: World) -> None:
    """Both accounts had their welcome: the merged one gets no other, and what neither had is decided once."""
    merge(two.ports, "gone", "kept")
    two.live()
    assert len(two.relay.taken) == 2
    two.at(MONDAY + HOUR)
    two.live()
    assert [(account, play) for account, play, _ in two.decisions()] == [
        ("gone", "hello"),
        ("kept", "called"),
        ("kept", "hello"),
    ]


def test_later_events_follow_the_redirect(two: World, kept: Company, gone: Company) -> None:
    """Calls that name the gone account, and those of its people that name none, are the kept one's."""
    merge(two.ports, "gone", "kept")
    two.drain(
        gone.track("Logged In"), gone.lone("Logged In", MONDAY + HOUR / 4), gone.identify(MONDAY, role="champion")
    )
    assert two.count_of("login", "kept") == 2
    assert two.rows("SELECT person_id FROM persons ORDER BY 1") == [{"person_id": "ann"}, {"person_id": "bob"}]
    assert two.one("SELECT count(*) FROM accounts") == 1


def test_redirects_are_followed_to_the_end(two: World, gone: Company) -> None:
    """An account that took another in and is merged itself: events of the first go to the last."""
    two.drain(*Company("last", "eve").sign_up())
    merge(two.ports, "gone", "kept")
    merge(two.ports, "kept", "last")
    two.drain(gone.track("Logged In"))
    assert two.count_of("login", "last") == 1


def test_people_messages_and_work_move(bare: World, kept: Company, gone: Company) -> None:
    """What waits to be sent goes on for the kept account; of two open works of one cause, one is closed as merged."""
    bare.publish(tiny(HELLO, CALLED))
    bare.drain(*kept.sign_up(), *gone.sign_up())
    bare.at(MONDAY + HOUR)
    bare.wake()
    merge(bare.ports, "gone", "kept")
    assert [row["account_id"] for row in bare.rows("SELECT account_id FROM messages")] == ["kept", "kept"]
    rows = bare.rows("SELECT account_id, close_reason FROM escalations ORDER BY close_reason")
    assert rows == [
        {"account_id": "gone", "close_reason": "merged"},
        {"account_id": "kept", "close_reason": None},
    ]
    bare.live()
    assert sorted(bare.relay.recipients) == ["ann@kept.example", "bob@gone.example"]


@pytest.mark.parametrize(("first", "second"), [("gone", "gone"), ("gone", "nobody"), ("nobody", "kept")])
def test_only_two_that_are_there_can_be_merged(two: World, first: str, second: str) -> None:
    """The same account twice, or one that is not there: refused, and nothing happens."""
    with pytest.raises(CannotMergeError):
        merge(two.ports, first, second)
    assert two.one("SELECT count(*) FROM accounts") == 2


def test_a_drain_that_waits_for_a_merge_follows_it(two: World, pool: ThreadPoolExecutor, gone: Company) -> None:
    """A drain that has taken the gone account for its events' own decides its batch again, for the kept one."""
    two.send(gone.track("Logged In"))
    with another(two) as second:
        with holding(two, "LOCK TABLE redirects IN SHARE MODE"):
            merging = begun(pool, two, lambda: merge(two.ports, "gone", "kept"), 1)
            draining = begun(pool, two, lambda: drain(second.ports, 0, "second", 20), 2)
        merging.result()
        assert draining.result().events == 1
    assert two.count_of("login", "kept") == 1
    assert two.one("SELECT count(*) FROM accounts") == 1
    assert two.rejected() == []


def test_a_merge_that_waits_for_a_drain_unites_what_it_wrote(
    two: World, pool: ThreadPoolExecutor, gone: Company, kept: Company
) -> None:
    """A merge that comes second takes what the drain has counted, and what it linked: neither is a deadlock."""
    two.send(gone.track("Logged In"), Company("kept", "bob").group(MONDAY + HOUR / 4), kept.track("Logged In"))
    with another(two) as second:
        with holding(two, "LOCK TABLE events"):
            draining = begun(pool, two, lambda: drain(second.ports, 0, "second", 20), 1)
            merging = pool.submit(merge, two.ports, "gone", "kept")
        draining.result()
        merging.result()
    assert two.count_of("login", "kept") == 2


def test_a_new_account_under_a_gone_name_is_not_opened(two: World, pool: ThreadPoolExecutor, gone: Company) -> None:
    """A drain that resolved its events before the merge and looks for their account after it does not open it anew."""
    two.send(gone.track("Logged In"))
    with another(two) as second:
        with holding(two, "LOCK TABLE events"):
            draining = begun(pool, two, lambda: drain(second.ports, 0, "second", 20), 1)
            merge(two.ports, "gone", "kept")
        assert draining.result().events == 1
    assert two.count_of("login", "kept") == 1
    assert two.one("SELECT count(*) FROM accounts") == 1


def test_an_outcome_of_the_gone_account_is_folded_into_the_kept_one(bare: World, gone: Company, kept: Company) -> None:
    """A sender that was under way during the merge reports to the old name: the report is not stranded."""
    bare.publish(tiny(HELLO))
    bare.drain(*kept.sign_up(), *gone.sign_up())
    bare.relay.before = lambda: merge(bare.ports, "gone", "kept") if len(bare.relay.taken) == 0 else None
    bare.deliver()
    bare.live()
    assert len(bare.relay.taken) == 2
    assert bare.count_of("message_sent", "kept") == 2
    assert bare.one("SELECT count(*) FROM outcomes") == 0


def test_a_message_that_was_claimed_during_the_merge_is_sent(bare: World, gone: Company, kept: Company) -> None:
    """A sender that holds a message of the gone account lets it go: it comes again as the kept one's, not as erased."""
    bare.publish(tiny(HELLO))
    bare.drain(*gone.sign_up(), *kept.sign_up(MONDAY - HOUR))
    merged: list[bool] = []

    def meanwhile() -> None:
        if not merged:
            merged.append(True)
            merge(bare.ports, "gone", "kept")

    bare.relay.before = meanwhile
    deliver(bare.ports, "test", seconds=20)
    assert sorted(bare.relay.recipients) == ["ann@kept.example", "bob@gone.example"]
    assert {row["state"] for row in bare.rows("SELECT state FROM messages")} == {"sent"}


def test_a_touch_that_both_have_on_its_way_reaches_an_address_once(bare: World) -> None:
    """One person at both accounts waits for the same welcome twice: the second is cancelled as repeated at the door."""
    bare.publish(tiny(HELLO))
    kept, gone = Company("kept", "ann"), Company("gone", "ann")
    bare.drain(kept.identify(email="ann@firm.example"), kept.track("Signed Up"))
    bare.drain(gone.identify(email="Ann@firm.example"), gone.track("Signed Up"))
    merge(bare.ports, "gone", "kept")
    bare.live()
    assert bare.relay.recipients == ["ann@firm.example"]
    assert [row["reason"] for row in bare.rows("SELECT reason FROM messages ORDER BY state")] == ["repeated", None]


def test_what_the_gone_account_has_sent_counts(bare: World) -> None:
    """The gone one's welcome has left, the kept one's waits: the same address is not welcomed again."""
    bare.publish(tiny(HELLO))
    kept, gone = Company("kept", "ann"), Company("gone", "ann")
    bare.drain(gone.identify(email="ann@firm.example"), gone.track("Signed Up"))
    bare.deliver()
    bare.drain(kept.identify(email="ann@firm.example"), kept.track("Signed Up"))
    merge(bare.ports, "gone", "kept")
    bare.live()
    assert bare.relay.recipients == ["ann@firm.example"]


def test_two_senders_at_once_send_a_merged_touch_once(
    bare: World, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes hold one of the two messages each: the address's row lets the second see what the first began."""
    bare.publish(tiny(HELLO))
    monkeypatch.setattr("orchestrator.usecases.deliver.BATCH", 1)
    kept, gone = Company("kept", "ann"), Company("gone", "ann")
    bare.drain(kept.identify(email="ann@firm.example"), kept.track("Signed Up"))
    bare.drain(gone.identify(email="ann@firm.example"), gone.track("Signed Up"))
    merge(bare.ports, "gone", "kept")
    bare.run("INSERT INTO contacts (address) VALUES ('ann@firm.example')")
    with another(bare) as other:
        with holding(bare, "SELECT FROM contacts FOR NO KEY UPDATE"):
            sending = begun(pool, bare, lambda: deliver(bare.ports, "first", 20), 1)
            competing = begun(pool, bare, lambda: deliver(other.ports, "second", 20), 2)
        sending.result()
        competing.result()
    assert bare.relay.recipients == ["ann@firm.example"]


def test_who_is_known_at_both_is_one_person(bare: World) -> None:
    """Of each trait the last word stays, whichever account heard it."""
    bare.publish(tiny(HELLO))
    kept, gone = Company("kept", "ann"), Company("gone", "ann")
    bare.drain(kept.identify(MONDAY - HOUR, name="Ann Old"), gone.identify(MONDAY, name="Ann New", role="champion"))
    merge(bare.ports, "gone", "kept")
    rows = bare.rows("SELECT account_id, traits -> 'name' ->> 0 AS name, rank FROM persons")
    assert [tuple(row.values()) for row in rows] == [("kept", "Ann New", 0)]


def test_the_history_of_both_is_shown(two: World) -> None:
    """Decisions, journal and messages of the gone account are found under the kept one."""
    merge(two.ports, "gone", "kept")
    with two.engine.connect() as connection:
        decided = [(row["account_id"], row["play"]) for row in observation.history(connection, "kept")]
        notes = [row["kind"] for row in observation.journal(connection, "kept")]
        sent = [row["account_id"] for row in observation.messages(connection, "kept")]
    assert sorted(decided) == [("gone", "hello"), ("kept", "hello")]
    assert sorted(sent) == ["gone", "kept"]
    assert "merged" in notes


def test_a_merge_back_is_refused(two: World) -> None:
    """What was merged away is there no more: it cannot take the other in."""
    merge(two.ports, "gone", "kept")
    with pytest.raises(CannotMergeError):
        merge(two.ports, "kept", "gone")
    assert two.one("SELECT count(*) FROM accounts") == 1


def test_a_parked_account_can_be_merged_away(bare: World) -> None:
    """An account that cannot be decided is taken in; its parking goes, and the other one is decided at once."""
    bare.publish(tiny(HELLO, DIVIDED))
    kept, gone = Company("kept", "ann"), Company("gone", "bob")
    bare.drain(*gone.sign_up(), gone.track("Logged In"), *kept.sign_up(), kept.track("Logged In", tickets=5))
    assert bare.rows("SELECT account_id FROM parked_accounts") == [{"account_id": "gone"}]
    merge(bare.ports, "gone", "kept")
    assert bare.rows("SELECT account_id FROM parked_accounts") == []
    assert bare.count_of("login", "kept") == 2


@pytest.mark.parametrize("seed", range(3))
def test_merges_and_a_rename_while_two_drains_and_a_sender_work(
    bare: World, pool: ThreadPoolExecutor, seed: int
) -> None:
    """One person signs three accounts up; they become one in the middle of it: all is counted, one welcome is sent."""
    bare.publish(tiny(HELLO.replace("    only_while: not login\n", "")))
    chance = Random(seed)
    companies = [Company(name, "ann") for name in ("first", "second", "third")]
    for each in companies:
        bare.drain(each.identify(email="ann@firm.example"))
    calls = [
        call for each in companies for call in (each.track("Signed Up"), *(each.track("Logged In") for _ in range(20)))
    ]
    chance.shuffle(calls)
    for call in calls:
        bare.put(chance.randrange(2), call)
    with another(bare, batch=4) as second, another(bare, batch=5) as third:
        drains = [
            pool.submit(drain, each.ports, shard, f"drain-{shard}", 60) for shard, each in enumerate((second, third))
        ]
        merge(bare.ports, "first", "second")
        rename(bare.ports, "second", "other")
        merge(bare.ports, "other", "third")
        sending = pool.submit(deliver, second.ports, "sender", 20)  # not earlier: until then they are three customers
        for work in drains:
            work.result()
        sending.result()
    bare.live()
    assert (bare.count_of("login", "third"), bare.count_of("signed_up", "third")) == (60, 3)
    assert bare.rows("SELECT id FROM accounts") == [{"id": "third"}]
    assert bare.relay.recipients == ["ann@firm.example"]
    assert bare.rejected() == []
    assert bare.one("SELECT count(*) FROM outcomes") == 0
