"""Everything that real clients and foreign writers have put on a stream, through a real drain: the neighbours live."""

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import redis

from orchestrator.core.events import Json
from orchestrator.intake.entries import unpacked
from orchestrator.intake.formats import Dialect, read
from orchestrator.intake.streams import posted, stamped
from tests.usecases.company import HOUR, MONDAY, Company
from tests.usecases.world import World

STREAM = "lifecycle:events:0"
CLOUD = b'{"specversion":"1.0","id":"c-1","source":"/crm","type":"Logged In","subject":"acme","time":"%s"}' % (
    MONDAY.isoformat().encode()
)
PLAIN = b'{"id":"p-1","event":"Logged In","account":"acme","at":"2026-03-02T09:00:00Z"}'
POSTHOG = (
    b'{"uuid":"h-1","event":"Logged In","distinct_id":"ann","timestamp":"2026-03-02T09:00:00Z",'
    b'"properties":{"$groups":{"company":"acme"}}}'
)

# By what is wrong: the fields of an entry as its writer wrote them, and the reasons that they are kept for.
FOREIGN: dict[str, tuple[list[bytes], list[str]]] = {
    "NaN": ([b"call", b'{"type":"track","properties":{"x":NaN}}'], ["not_a_number"]),
    "Infinity": ([b"call", b'{"type":"track","properties":{"x":[Infinity]}}'], ["not_a_number"]),
    "a number without end": ([b"call", b'{"type":"track","n":' + b"9" * 5000 + b"}"], ["not_a_number"]),
    "half a character": ([b"call", b'{"type":"track","properties":{"x":"\\ud83d"}}'], ["lone_surrogate"]),
    "half a character in bytes": ([b"call", b'{"type":"\xed\xa0\xbd"}'], ["lone_surrogate"]),
    "NUL": ([b"call", b'{"type":"track","properties":{"x":"\\u0000"}}'], ["nul_character"]),
    "not UTF-8": ([b"call", b'{"type":"\xff"}'], ["not_utf8"]),
    "UTF-16": ([b"call", '{"type":"track"}'.encode("utf-16")], ["not_utf8"]),
    "a raw line break": ([b"call", b'{"type":"a\nb"}'], ["not_json"]),
    "an abyss": ([b"call", b'{"a":' * 5_000 + b"1" + b"}" * 5_000], ["bad_field"]),
    "other names": ([b"payload", b"{}", b"\xff", b"\xfe"], ["missing_field"]),
    "no name at all": ([b"", b""], ["missing_field"]),
    "a doubled field, the last is poison": ([b"call", b"{}", b"call", b"\xff"], ["not_utf8"]),
    "a source that is not UTF-8": ([b"call", PLAIN, b"source", b"\xff"], ["not_utf8"]),
    "our own name as its source": ([b"call", PLAIN, b"source", b"lifecycle"], ["bad_field"]),
    "a binary envelope without a type": ([b"ce_id", b"1", b"ce_source", b"/s", b"data", b"\xff"], ["missing_field"]),
    "a binary envelope whose data are poison": (
        [b"ce_id", b"1", b"ce_source", b"/s", b"ce_type", b"t", b"ce_subject", b"a", b"data", b"NaN"],
        ["not_a_number"],
    ),
    "a batch with poison in it": (
        [b"call", b'{"batch":[' + CLOUD + b',{"p":NaN},' + POSTHOG + b',"x\xff",' + PLAIN + b"]}"],
        ["not_a_number", "not_utf8"],
    ),
    "what the gateway refused": ([b"call", PLAIN, b"refused", b"too_many: at most"], ["too_many"]),
    "what is too large": ([b"call", b'{"type":"track","event":"%s"}' % (b"x" * 2_000_000)], ["too_large"]),
}
GOOD: dict[str, list[bytes]] = {
    "segment": [b"call", Company().track("Logged In", MONDAY)],
    "cloudevents": [b"call", CLOUD],
    "posthog": [b"call", POSTHOG],
    "plain": [b"call", PLAIN],
    "binary": [b"ce_id", b"b-1", b"ce_source", b"/s", b"ce_type", b"Logged In", b"ce_subject", b"acme", b"x", b"\xff"],
    "doubled": [b"call", b"\xff", b"source", b"\xff", b"call", PLAIN, b"source", b"twice"],
    "a batch": [b"call", b"[" + PLAIN.replace(b"p-1", b"p-2") + b"," + CLOUD.replace(b"c-1", b"c-2") + b"]"],
}


def add(client: redis.Redis, fields: list[bytes], entry_id: str = "*") -> None:
    """XADD as a foreign writer sends it: doubled fields too."""
    client.execute_command("XADD", STREAM, entry_id, *fields)  # type: ignore[no-untyped-call] # redis-py gives it no types


def kept(world: World) -> dict[str, tuple[str, bytes]]:
    rows = world.rows("SELECT entry_id, reason, raw FROM rejected_events ORDER BY id")
    return {row["entry_id"]: (row["reason"], bytes(row["raw"])) for row in rows}


def test_every_kind_of_poison_stands_alone(world: World) -> None:
    """Of everything that has wedged a consumer each is kept whole with its reason, and what stands beside it counts."""
    for fields, _ in FOREIGN.values():
        add(world.client, fields)
    for fields in GOOD.values():
        add(world.client, fields)
    world.drain()
    reasons = [reason for _, listed in FOREIGN.values() for reason in listed]
    found = kept(world)
    assert sorted(reason for reason, _ in found.values()) == sorted(reasons)
    assert world.count_of("login") == 8  # those beside poison in a batch came in entries of their own too
    assert world.pending() == 0
    whole = {
        tuple(unpacked(raw)) for entry_id, (_, raw) in found.items() if "#" not in entry_id and len(raw) < 1_000_000
    }
    assert whole == {
        tuple(fields) for fields, listed in FOREIGN.values() if len(listed) == 1 and len(fields[1]) < 1_000_000
    }


def test_a_rejected_item_of_a_batch_is_kept_alone(world: World) -> None:
    """An item of a batch that is no event is kept under its entry and index, as an entry that can be put back."""
    add(world.client, [b"source", b"crm", *FOREIGN["a batch with poison in it"][0]], "5-5")
    world.drain()
    found = {entry_id: unpacked(raw) for entry_id, (_, raw) in kept(world).items()}
    assert found == {
        "5-5#1": [b"source", b"crm", b"call", b'{"p":NaN}'],
        "5-5#3": [b"source", b"crm", b"call", b'"x\xff"'],
    }


def test_an_id_in_the_far_future_tells_no_time(world: World) -> None:
    """An entry whose id lies ahead by half a million years happened when its call says, and holds up nobody."""
    world.client.delete(STREAM)
    add(world.client, [b"call", PLAIN], "18446744073709551615-1")
    world.drain()
    assert world.count_of("login") == 1
    assert world.one("SELECT max(occurred_at) FROM events") == MONDAY
    assert world.rejected() == []


def test_an_entry_that_is_read_twice_counts_once_without_an_id(world: World) -> None:
    """A call with neither id nor time counts once however often its entry is read, and twice in two entries."""
    timeless = [b"call", b'{"event":"Logged In","account":"acme"}']
    add(world.client, timeless, "7-1")
    world.drain()
    world.client.delete(STREAM)
    add(world.client, timeless, "7-1")
    add(world.client, timeless, "7-2")
    world.drain()
    assert world.count_of("login") == 2
    assert world.rejected() == []


@pytest.mark.parametrize("poison", [b'{"p":NaN}', b'{"p":"\\ud83d"}', b'{"p":"\x00"}', b"\xff", b"[" * 9000])
def test_what_the_gateway_reads_the_drain_keeps(world: World, poison: bytes) -> None:
    """A request with poison in it is put on the streams item by item: one is rejected as its sender was told."""
    company = Company()
    good = company.track("Logged In", MONDAY), company.track("Logged In", MONDAY + HOUR)
    body = b'{"batch":[' + b",".join([good[0], poison + (b"]" * 9000 if poison[:1] == b"[" else b""), good[1]]) + b"]}"
    world.at(MONDAY + HOUR + timedelta(minutes=1))
    items = read(Dialect.BATCH, body, {}, received_at=MONDAY + HOUR)
    stamp = stamped("shop", MONDAY + HOUR)
    world.ports.streams.put([posted(0, item.call, stamp, item.refusal) for item in items])
    world.drain()
    refusal = items[1].refusal
    assert refusal is not None
    assert world.rejected() == [refusal.reason.value]
    assert world.count_of("login") == 2


def test_formats_say_the_same(world: World) -> None:
    """One company told in four formats is one account with the same facts and people."""
    told = [
        {"type": "group", "messageId": "1", "groupId": "acme", "traits": {"name": "Acme"}},
        {"specversion": "1.0", "id": "2", "source": "/s", "type": "identify", "accountid": "acme", "userid": "ann"},
        {"event": "$set", "distinct_id": "ann", "uuid": "3", "properties": {"$set": {"email": "ann@acme.example"}}},
        {"event": "Logged In", "account": "acme", "person": "ann", "id": "4", "at": MONDAY.isoformat()},
    ]
    beside: dict[str, Json] = {"event": "Logged In", "distinct_id": "bob", "uuid": "5", "timestamp": MONDAY.isoformat()}
    beside["properties"] = {"$set": {"email": "bob@acme.example"}, "$groups": {"company": "acme"}}
    world.drain(*(orjson.dumps(each) for each in (*told, beside)))
    assert world.rejected() == []
    assert world.count_of("login") == 2
    assert "bob@acme.example" in str(world.one("SELECT traits FROM persons WHERE person_id = 'bob'"))
    assert "ann@acme.example" in str(world.one("SELECT traits FROM persons WHERE person_id = 'ann'"))


def test_what_the_readme_writes_to_a_stream_is_understood(world: World) -> None:
    """Each redis-cli line of the README puts what it says on a stream: five logins of acme, under their ids."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    lines = [shlex.split(line) for line in readme.splitlines() if line.startswith("redis-cli XADD")]
    world.at(datetime(2026, 11, 23, tzinfo=UTC))
    for _, *words in lines:
        world.client.execute_command(*words)  # type: ignore[no-untyped-call] # redis-py gives it no types
    world.drain()
    assert world.rejected() == []
    assert world.count_of("login") == len(re.findall("x-[1-9]", readme)) == 5
    told = world.rows("SELECT source, message_id FROM events ORDER BY message_id")
    assert [(row["source"], row["message_id"]) for row in told] == [
        ("segment", "/app x-4"),
        ("segment", "/app x-5"),
        ("segment", "x-1"),
        ("my-product", "x-2"),
        ("segment", "x-3"),
    ]
