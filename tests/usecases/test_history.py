"""The past of accounts is read in: it counts once, and nothing is done for it."""

import gzip
import io
import subprocess
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import orjson
import pytest

from orchestrator.insight.board import board
from orchestrator.intake.columns import columns_of
from orchestrator.intake.files import lines
from orchestrator.store import accounts
from orchestrator.usecases import history
from orchestrator.usecases.history import ReadIn, read_in
from orchestrator.usecases.merge import merge
from tests.usecases.company import DAY, HOUR, MONDAY, Company, cohort
from tests.usecases.playbooks import tiny
from tests.usecases.world import SHIPPED, World, counted

EVENTS = Path(__file__).parents[1] / "inputs" / "events"
PAST = MONDAY - 240 * DAY


def bring(world: World, calls: Sequence[bytes], file: str = "past.jsonl", source: str = "segment") -> ReadIn:
    """Read in the past that these calls tell."""
    read = lines(file, io.BytesIO(b"\n".join(calls)))
    return sum(read_in(world.ports, file, read, source), ReadIn())


def test_nothing_leaves_for_the_past(world: World) -> None:
    """An account whose past is read in is held: nothing is decided, no timer is set, and its events are kept."""
    done = bring(world, [*Company().sign_up(PAST), Company("new", "eve").track("Signed Up", MONDAY - HOUR)])
    assert done == ReadIn(lines=3, events=3)
    world.live()
    world.at(MONDAY + 9 * DAY)
    world.live()
    assert (world.decisions(), world.relay.taken) == ([], [])
    assert world.rows("SELECT account_id, wake_at, basis FROM wakes ORDER BY 1") == [
        {"account_id": "acme", "wake_at": None, "basis": "history"},
        {"account_id": "new", "wake_at": None, "basis": "history"},
    ]
    assert world.one("SELECT count(*) FROM events") == 3
    assert world.count_of("signed_up") == 1


def test_live_events_fold_into_a_held_account(world: World) -> None:
    """What the stream brings for an account that is not live yet is folded, and sends nothing either."""
    company = Company()
    bring(world, company.sign_up(PAST))
    done = world.drain(company.track("Signed Up"), company.track("Logged In"))
    assert (done.events, done.messages) == (2, 0)
    assert (world.count_of("signed_up"), world.count_of("login")) == (2, 1)
    assert (world.decisions(), world.document()["milestones"]) == ([], {})


def test_the_same_file_twice_counts_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a file in again, or one that the stream brought already, changes nothing, in whatever pieces."""
    company = Company()
    calls = [*company.sign_up(PAST), *(company.track("Logged In", PAST + day * DAY) for day in range(20))]
    world.drain(calls[-1])
    assert bring(world, calls) == ReadIn(lines=22, events=21, known=1)
    before = world.document()
    monkeypatch.setattr(history, "CHUNK", 7)
    monkeypatch.setattr(history, "BATCH", 2)
    assert bring(world, calls[::-1]) == ReadIn(lines=22, known=22)
    assert (world.document()["facts"], world.count_of("login")) == (before["facts"], 20)


def test_a_past_that_was_read_in_is_what_the_stream_would_have_told(world: World) -> None:
    """The facts of real accounts over two years are, byte by byte, those that the stream gives them."""
    world.publish((SHIPPED / "ravenstack.yaml").read_text())
    calls = (EVENTS / "ravenstack_segment_sample.jsonl").read_bytes().splitlines()
    assert bring(world, calls) == ReadIn(lines=728, events=728)
    facts = {name: document["facts"] for name, document in world.documents().items()}
    assert len(facts) == 10
    assert world.one("SELECT count(*) FROM decisions") == world.one("SELECT count(*) FROM messages") == 0
    for table in ("accounts", "events", "wakes", "event_keys", "identities", "persons", "parked_events"):
        world.run(f"TRUNCATE {table}")
    world.drain(*calls)
    assert {name: document["facts"] for name, document in world.documents().items()} == facts


def test_a_person_without_an_account_waits(world: World) -> None:
    """Events that name nobody's account wait for the call that does, whichever way that one comes."""
    calls = (EVENTS / "ecom_head200.jsonl").read_bytes().splitlines()
    assert bring(world, calls) == ReadIn(lines=200, events=200)
    person = orjson.loads(calls[0])["userId"]
    waiting = world.one("SELECT count(*) FROM parked_events WHERE person_id = :who", who=person)
    bring(world, [Company("shop", person).group(PAST)], "accounts.jsonl")
    assert world.one("SELECT count(*) FROM events WHERE account_id = 'shop'") == waiting + 1
    assert world.one("SELECT count(*) FROM parked_events WHERE person_id = :who", who=person) == 0


def test_a_past_that_waited_for_its_account_stays_past(world: World) -> None:
    """Freed by the stream's own call, which opens the account, what was imported sends nothing all the same."""
    company = Company()
    bring(world, [company.lone("Signed Up", MONDAY - HOUR)])
    world.drain(company.group(), company.identify())
    world.live()
    assert world.count_of("signed_up") == 1
    assert (world.decisions(), world.relay.taken) == ([("acme", "hello", "backfill")], [])


def test_bad_lines_are_kept_with_their_place_and_stop_nobody(world: World) -> None:
    """What cannot be read is listed under file and line, once however often it is tried; its neighbours go in."""
    company = Company()
    poison = [
        b"{",
        b'{"type": "track"}',
        b"\xff\xfe",
        b'{"type":"track","messageId":"z","userId":"\\ud83d","event":"x"}',
    ]
    calls = [poison[0], *company.sign_up(PAST), *poison[1:], company.track("Logged In", PAST)]
    assert bring(world, calls, "folder/past.jsonl") == ReadIn(lines=7, events=3, rejected=4)
    assert bring(world, calls, "folder/past.jsonl") == ReadIn(lines=7, known=3, rejected=4)
    listed = world.rows("SELECT stream, entry_id, reason FROM rejected_events ORDER BY id")
    assert [(row["stream"], row["entry_id"].partition("-")[0]) for row in listed] == [
        ("history:past.jsonl", number) for number in ("1", "4", "5", "6")
    ]
    assert [row["reason"] for row in listed] == ["not_json", "no_identity", "not_utf8", "lone_surrogate"]


def test_what_has_no_time_is_no_history(world: World) -> None:
    """An event that does not say when it happened is refused; what is said of an account or a person holds now."""
    company = Company()
    calls = [company.call(PAST, event="Logged In", timestamp=None), company.track("Logged In", MONDAY + HOUR)]
    traits = company.call(PAST, type="group", groupId="acme", timestamp=None, traits={"name": "Acme"})
    assert bring(world, [*calls, traits]) == ReadIn(lines=3, events=1, rejected=2)
    assert world.rejected() == ["bad_timestamp", "bad_timestamp"]


def test_another_body_under_one_id_is_a_conflict(world: World) -> None:
    """The first that came stands; the other is kept with its reason."""
    first = orjson.loads(Company().track("Logged In", PAST))
    other = orjson.dumps(first | {"event": "Left"})
    assert bring(world, [orjson.dumps(first), other]) == ReadIn(lines=2, events=1, rejected=1)
    assert world.rejected() == ["conflict"]


def test_more_past_of_a_live_account_does_nothing(world: World) -> None:
    """It stays live: what its older past makes due is skipped as history, and what it had decided stands."""
    company = Company()
    world.drain(company.identify(), company.track("Logged In"))
    assert world.decisions() == []
    assert bring(world, [company.track("Signed Up", MONDAY - HOUR)]).events == 1
    world.live()
    assert (world.decisions(), world.relay.taken) == ([("acme", "hello", "backfill")], [])
    assert "history" not in world.document()
    assert world.document()["milestones"].keys() == {"started"}


def test_what_a_live_account_has_on_its_way_still_leaves(world: World) -> None:
    """A mail that was decided before more of the past came leaves all the same."""
    company = Company()
    world.drain(*company.sign_up())
    bring(world, [company.track("Signed Up", PAST)])
    world.live()
    assert world.relay.recipients == [company.email]


def test_many_accounts_cost_few_statements(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The past is folded in sets: as many statements for two hundred accounts as for one."""
    monkeypatch.setattr("orchestrator.store.keys.MANY", 1)  # so that both take the same way in
    few, many = ([call for each in cohort(size) for call in each.sign_up(PAST)] for size in (1, 200))
    with counted(world.engine) as once:
        bring(world, few)
    with counted(world.engine) as often:
        bring(world, many)
    assert len(often) <= len(once) + 2


def test_rows_are_read_by_their_mapping(world: World) -> None:
    """A CSV file, gzipped, with columns of its own names becomes facts; a row counts once however often it is read."""
    text = (
        "org;who;did;when;tickets;extra\n"
        f"acme;ann;Signed Up;{PAST:%Y-%m-%d %H:%M:%S};;x\n"
        f'acme;ann;"Logged In";{int((PAST + DAY).timestamp())};3;"a ""quoted"" ; one"\n'
        f"acme;ann;Logged In;{int((PAST + DAY).timestamp())}000;4;\n"
        "acme;ann;Logged In\n"
        f"acme;ann;Logged In;not a time;4;\n"
    )
    words = ["account=org", "person=who", "event=did", "time=when", "delimiter=;", "ignore=extra"]
    for _ in range(2):
        read = lines("past.csv.gz", io.BytesIO(gzip.compress(text.encode())), columns_of(None, words))
        done = sum(read_in(world.ports, "past.csv.gz", read, "warehouse"), ReadIn())
    assert done == ReadIn(lines=5, known=3, rejected=2)
    assert (world.count_of("login"), world.facts()["sums"]) == (2, {"tickets": 7_000_000})
    assert world.rejected() == ["bad_field", "bad_timestamp"]


def test_a_merge_with_a_live_account_lives(world: World) -> None:
    """When a held account is merged into one that lives, its past does nothing, and the account stays live."""
    world.drain(*Company().sign_up())
    bring(world, Company("old", "bob").sign_up(PAST))
    merge(world.ports, "old", "acme")
    assert "history" not in world.document()
    assert world.document()["live_at"] > 0


def test_who_is_not_live_yet_is_in_no_figure(world: World) -> None:
    """The board counts accounts that live; one whose past is being read in would look as if it had done nothing."""
    metrics = "metrics:\n  logins: {population: everybody, average: login.count, target: {at_least: 1}}\n"
    book = world.publish(tiny() + metrics)
    world.drain(*Company().sign_up())
    bring(world, Company("old", "bob").sign_up(PAST))
    with world.engine.connect() as connection:
        (row,) = board(accounts.every(connection, 10), book, MONDAY)
    assert row.population == 1


KILLED = """
import sys
import redis
from orchestrator.intake.files import lines
from orchestrator.store.engine import create_engine
from orchestrator.usecases import history
from tests.usecases.world import Relay, ports_of

url, socket, file = sys.argv[1:]
history.CHUNK, history.BATCH = 300, 40
ports = ports_of(create_engine(url), redis.Redis(unix_socket_path=socket), Relay())
with open(file, "rb") as stream:
    for done in history.read_in(ports, file, lines(file, stream), "segment"):
        print(done.events, flush=True)
"""


@pytest.mark.timeout(120)
def test_killed_at_any_point_it_goes_on_where_it_was(world: World, valkey_socket: str, tmp_path: Path) -> None:
    """An import that is killed and run again, twice, ends in the facts of one that was left alone."""
    calls = [call for each in cohort(30) for call in each.sign_up(PAST)]
    users = [Company(each.account, each.person, count(100)) for each in cohort(30)]
    calls += [each.track("Logged In", PAST + day * DAY, tickets=day) for day in range(40) for each in users]
    file = tmp_path / "past.jsonl"
    file.write_bytes(b"\n".join(calls))
    url = world.engine.url.render_as_string(hide_password=False)
    for transactions in (3, 9):
        importing = subprocess.Popen(
            [sys.executable, "-c", KILLED, url, valkey_socket, str(file)], stdout=subprocess.PIPE, text=True
        )
        with importing:
            told = importing.stdout
            assert told is not None
            for _ in range(transactions):
                assert told.readline()
            importing.kill()
    begun = world.one("SELECT count(*) FROM events")
    assert 0 < begun < len(calls)
    assert bring(world, calls) == ReadIn(lines=len(calls), events=len(calls) - begun, known=begun)
    assert world.one("SELECT count(*) FROM events") == len(calls)
    for company in cohort(30):
        assert world.count_of("login", company.account) == 40
        assert world.facts(company.account)["sums"] == {"tickets": sum(range(40)) * 1_000_000}
