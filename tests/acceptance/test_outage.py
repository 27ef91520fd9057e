"""What stands still: the broker emptied, everything stopped for ten days, an account that cannot be decided."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
import pytest

from orchestrator.core.events import EventKind
from orchestrator.core.reasons import DecisionReason
from orchestrator.intake.streams import GROUP, stream_key
from orchestrator.playbook.source import PlaybookSource
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.conductor import Cue
from orchestrator.store import observation
from orchestrator.usecases.publish import publish
from tests.acceptance.cohort import BEGIN, Member, alike, between, cohort, cues_of, until
from tests.acceptance.plant import DAY, HOUR, Plant, built, holds
from tests.acceptance.simulator import Outage, expected

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def running() -> Iterator[Plant]:
    with built(BEGIN) as plant:
        yield plant


@pytest.fixture
def plant(running: Plant) -> Plant:
    running.begin(BEGIN)
    return running


def test_a_flushed_broker_loses_and_repeats_nothing(plant: Plant) -> None:
    """The broker is emptied while accounts wait: nothing due is lost or repeated, the consumer groups come back."""
    flushed, end = BEGIN + 3 * DAY + 12 * HOUR, BEGIN + 7 * DAY
    members = until(cohort(30, sign_up_days=3), end)
    plant.play(between(cues_of(members), BEGIN, flushed), BEGIN, flushed)
    client = plant.ports.streams.client
    client.flushall()
    plant.play(between(cues_of(members), flushed, end), flushed, end)
    holds(plant, expected(members, plant.playbook, end))
    for shard in range(plant.settings.shards):
        assert [group["name"] for group in client.xinfo_groups(stream_key(shard))] == [GROUP.encode()]


DOWN = Outage(begin=BEGIN + 4 * DAY + 12 * HOUR, end=BEGIN + 14 * DAY + 12 * HOUR)


def silent_while(outage: Outage, member: Member) -> Member:
    """The same account, not heard of during the outage: what comes due meanwhile is judged on facts that stand."""
    return replace(member, cues=tuple(cue for cue in member.cues if not outage.begin < cue.at <= outage.end))


def test_after_ten_days_nothing_stale_leaves(plant: Plant) -> None:
    """After ten days of standstill what is still valid is sent; the rest is `skipped(stale)`, in its order."""
    end = DOWN.end + 2 * DAY
    old = [silent_while(DOWN, member) for member in until(cohort(30, sign_up_days=4), end)]
    new = alike(6, "absent", prefix="meanwhile", begin=DOWN.begin.replace(hour=0) + 3 * DAY)
    newest = alike(6, "absent", prefix="just-now", begin=DOWN.end.replace(hour=0))
    plant.play(between(cues_of(old), BEGIN, DOWN.begin), BEGIN, DOWN.begin)
    plant.stop()
    for cue in cues_of([*new, *newest]):
        plant.ports.streams.publish([cue.call], received_at=cue.at)
    with plant.ports.engine.begin() as connection:
        plant.clock.set(connection, DOWN.end)
    plant.start()
    plant.play(between(cues_of(old), DOWN.end, end), DOWN.end, end)
    holds(plant, expected([*old, *new, *newest], plant.playbook, end, [DOWN]))
    stale = [touch for touch in plant.touches() if touch.reason is DecisionReason.STALE]
    assert {touch.play for touch in stale} >= {"day_0_welcome", "day_7_feature"}
    late = plant.rows("SELECT play FROM messages WHERE state = 'sent' AND settled_at > not_after")
    assert not late
    for member in old:
        judged = _judged_at(plant, member.account, DOWN.end)
        assert [row["due_at"] for row in judged] == sorted(row["due_at"] for row in judged)


def _judged_at(plant: Plant, account: str, now: datetime) -> list[Any]:
    """What was decided for an account at an instant, in the order in which ``why`` tells it."""
    history = plant.looked(lambda connection: observation.history(connection, account))
    return [row for row in history if row["decided_at"] == now]


DIVIDES = """
  seats_paid_for:
    label: What a seat costs
    day: 2
    at: "09:00"
    when: 30 / seats > 1
    email: day_7_feature
    valid_for: 4d
    max_defer: 4d
"""


def sold(member: Member, seats: int) -> Member:
    """The same account with a number of seats."""
    return replace(member, cues=tuple(_with_seats(cue, seats) for cue in member.cues))


def _with_seats(cue: Cue, seats: int) -> Cue:
    call = orjson.loads(cue.call)
    if call["type"] != EventKind.GROUP:
        return cue
    return replace(cue, call=orjson.dumps({**call, "traits": {**call["traits"], "seats": seats}}))


def test_an_account_that_cannot_be_decided_is_parked_and_told(plant: Plant) -> None:
    """A play raises for one account: it is parked, `lifecycle doctor` names it and exits 1, and the others go on."""
    settings = plant.settings
    text = settings.playbook.read_text(encoding="utf-8").replace("playbook: b2b-saas", "playbook: divides") + DIVIDES
    source = PlaybookSource(file="divides.yaml", text=text, templates=template_texts(settings.templates))
    playbook = publish(plant.ports, source)
    end = BEGIN + 4 * DAY
    well = [sold(member, 3) for member in alike(6, "absent")]
    (ill,) = (sold(member, 0) for member in alike(1, "absent", prefix="seatless"))
    assert plant.command("doctor").returncode == 0
    plant.play(cues_of([*well, ill]), BEGIN, end)
    told = plant.command("doctor")
    assert told.returncode == 1
    assert ill.account in told.stdout
    assert "UndecidableError" in told.stdout
    others = expected(well, playbook, end)
    assert {touch for touch in plant.touches() if touch.account != ill.account} == others.touches
    assert {mail.message_id for mail in plant.caught() if mail.account != ill.account} == {
        plant.header(each) for each in others.sent
    }
    assert [row["account_id"] for row in plant.rows("SELECT account_id FROM parked_accounts")] == [ill.account]
