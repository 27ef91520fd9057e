"""Events as the world sends them: twice, shuffled, in parts, and poisoned."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pytest

from orchestrator.intake.streams import stream_key
from orchestrator.store.documents import unpacked
from tests.acceptance.cohort import BEGIN, Member, alike, cohort
from tests.acceptance.plant import DAY, HOUR, Plant, built, holds
from tests.acceptance.simulator import expected

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]

HELD = BEGIN + 18 * HOUR  # until all parts are in: nothing but the welcome is due by then
LAST = BEGIN + 5 * DAY


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    with built(BEGIN) as plant:
        yield plant


def first_day() -> list[Member]:
    """Accounts that all speak on their first day, before the clock moves on."""
    return [_before(member, HELD) for member in cohort(20, sign_up_days=1)]


def _before(member: Member, end: datetime) -> Member:
    return replace(member, cues=tuple(replace(cue, at=HELD) for cue in member.cues if cue.at <= end))


def calls_of(members: Sequence[Member]) -> list[bytes]:
    return [cue.call for member in members for cue in member.cues]


def once(calls: list[bytes]) -> list[list[bytes]]:
    return [calls]


def twice(calls: list[bytes]) -> list[list[bytes]]:
    return [calls, calls]


def shuffled(calls: list[bytes]) -> list[list[bytes]]:
    return [random.Random(7).sample(calls, len(calls))]


def in_four_parts(calls: list[bytes]) -> list[list[bytes]]:
    """The third part first, then the first, the fourth and the second."""
    quarter = -(-len(calls) // 4)
    parts = [calls[start : start + quarter] for start in range(0, len(calls), quarter)]
    return [parts[2], parts[0], parts[3], parts[1]]


def facts(plant: Plant) -> dict[str, Any]:
    rows = plant.rows("SELECT id, document FROM accounts")
    return {row["id"]: unpacked(row["document"])["facts"] for row in rows}


@pytest.fixture(scope="module")
def plainly(plant: Plant, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The facts when the file is sent once, as it is."""
    send(plant, once, tmp_path_factory.mktemp("once"))
    return facts(plant)


def send(plant: Plant, way: Callable[[list[bytes]], list[list[bytes]]], folder: Path) -> None:
    """Send the file in some way by the command, while the clock is held; each part is decided before the next comes."""
    plant.begin(HELD)
    for number, calls in enumerate(way(calls_of(first_day()))):
        file = folder / f"part-{number}.jsonl"
        file.write_bytes(b"\n".join(calls) + b"\n")
        sent = plant.command("events", "send", str(file))
        assert sent.returncode == 0, sent.stderr
        plant.conductor().finish(HELD)


@pytest.mark.parametrize("way", [twice, shuffled, in_four_parts])
def test_the_order_of_arrival_changes_nothing(
    plant: Plant,
    plainly: dict[str, Any],
    way: Callable[[list[bytes]], list[list[bytes]]],
    tmp_path: Path,
) -> None:
    """The same file sent twice, shuffled, or in four parts in the wrong order makes the same facts and touches."""
    send(plant, way, tmp_path)
    assert facts(plant) == plainly
    plant.play([], HELD, LAST)
    holds(plant, expected(first_day(), plant.playbook, LAST))


POISON: dict[str, tuple[bytes, str]] = {
    "not UTF-8": (b'{"type":"track","messageId":"x1","userId":"u","event":"\xff\xfe"}', "not_utf8"),
    "no JSON": (b"{", "not_json"),
    "no event": (b'{"type":"track","messageId":"x6","userId":"u"}', "missing_field"),
    "nobody": (b'{"type":"track","messageId":"x2","event":"Logged In"}', "no_identity"),
    "1 MB of text": (
        orjson.dumps(
            {"type": "track", "messageId": "x3", "userId": "u", "event": "E", "properties": {"text": "x" * 2**20}}
        ),
        "too_large",
    ),
    "NaN": (b'{"type":"track","messageId":"x4","userId":"u","event":"E","properties":{"figure":NaN}}', "not_a_number"),
    "NUL": (
        b'{"type":"track","messageId":"x5","userId":"u","event":"E","properties":{"text":"a\\u0000b"}}',
        "nul_character",
    ),
}


def test_poison_is_kept_apart(plant: Plant) -> None:
    """What cannot be an event stands in `rejected_events` with reason and bytes; its neighbours are decided."""
    plant.begin(HELD)
    neighbours = alike(10, "absent")
    calls = [cue.call for member in neighbours for cue in member.cues]
    mixed = [*chain.from_iterable(zip(calls, [raw for raw, _ in POISON.values()], strict=False)), *calls[len(POISON) :]]
    for call in mixed:
        plant.ports.streams.client.xadd(stream_key(0), {b"call": call})
    plant.ports.streams.client.xadd(stream_key(1), {b"other": b"no call at all"})
    plant.conductor().finish(HELD)
    kept = plant.rows("SELECT reason, raw FROM rejected_events")
    assert sorted(row["reason"] for row in kept) == sorted(
        ["missing_field", *(reason for _, reason in POISON.values())]
    )
    for raw, reason in POISON.values():
        assert any(row["reason"] == reason and raw[:1000] in bytes(row["raw"]) for row in kept)
    assert plant.value("SELECT count(*) FROM events WHERE source <> 'lifecycle'") == len(calls)
    assert len(plant.caught()) == len(neighbours)


def test_the_same_id_with_another_body_is_kept_as_a_conflict(plant: Plant) -> None:
    """A second body under a messageId is not folded: it stands in `rejected_events` as a conflict."""
    plant.begin(HELD)
    calls = [cue.call for cue in alike(1, "absent")[0].cues]
    other = orjson.dumps({**orjson.loads(calls[2]), "event": "Logged In"})
    plant.ports.streams.publish([*calls, other], received_at=HELD)
    plant.conductor().finish(HELD)
    assert [row["reason"] for row in plant.rows("SELECT reason FROM rejected_events")] == ["conflict"]
    (only,) = facts(plant).values()
    assert only["events"].keys() >= {"signed_up"}
    assert "login" not in only["events"]


def test_every_decision_can_be_explained(plant: Plant) -> None:
    """`lifecycle account why` tells of each play, done or not: rule, version, each clause, and what is to come."""
    plant.begin(BEGIN)
    (member,) = alike(1, "quiet")
    end = BEGIN + 4 * DAY
    plant.play([cue for cue in member.cues if cue.at <= end], BEGIN, end)
    told = plant.command("account", "why", member.account)
    assert told.returncode == 0, told.stderr
    for touch in plant.touches():
        assert f"{touch.play} {touch.outcome}({touch.reason})" in told.stdout
    assert plant.playbook.version in told.stdout
    assert "day 3 after the anchor" in told.stdout
    assert re.search(r"true +not setup_completed ", told.stdout)
    assert re.search(r"to come day_5_value at 2026-03-07 09:00 UTC", told.stdout)
