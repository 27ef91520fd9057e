"""A month of two hundred accounts in which everything is killed once or twice, at the worst moment."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from tests.acceptance.cohort import BEGIN, END, Member, between, cohort, cues_of
from tests.acceptance.plant import DAY, HOUR, Plant, built, holds
from tests.acceptance.simulator import expected
from tests.chaos.strikes import Ambush, Moment, Strike, at_once, before_send, in_drain, in_hand_over, part, server

CONNECTIONS = 2 * 4  # to the relay: two processes of the delivery worker, SMTP_CONNECTIONS each
NINE = timedelta(hours=9)  # when mail leaves in London
MOMENT = timedelta(minutes=1)


def calls_of(day: int) -> datetime:
    """When the product speaks on a day."""
    return BEGIN + day * DAY + 10 * HOUR + (day + 1) * MOMENT


SCHEDULE: Sequence[tuple[datetime, Strike]] = (
    (calls_of(1), Strike(name="a worker in a drain", moment=in_drain, blow=part("flow"))),
    (BEGIN + 2 * DAY + NINE, Strike(name="a sender before it sends", moment=before_send, blow=part("delivery"))),
    (BEGIN + 3 * DAY + NINE, Strike(name="a sender in a hand-over", moment=in_hand_over, blow=part("delivery"))),
    (BEGIN + 4 * DAY + NINE, Strike(name="beat", moment=at_once, blow=part("beat"))),
    (BEGIN + 7 * DAY + NINE, Strike(name="PostgreSQL in a hand-over", moment=in_hand_over, blow=server("postgres"))),
    (calls_of(9), Strike(name="PostgreSQL in a drain", moment=in_drain, blow=server("postgres"))),
    (calls_of(10), Strike(name="the broker in a drain", moment=in_drain, blow=server("valkey"))),
    (BEGIN + 14 * DAY + NINE, Strike(name="the broker in a hand-over", moment=in_hand_over, blow=server("valkey"))),
)


@pytest.fixture
def plant() -> Iterator[Plant]:
    with built(BEGIN) as plant:
        yield plant


def strike(plant: Plant, blow: Strike, members: Sequence[Member], begin: datetime, end: datetime) -> bool:
    """Play from ``begin`` to ``end`` with somebody lying in wait; whether they struck. All is well again afterwards."""
    ambush = Ambush()
    striking = plant.meanwhile(lambda: blow.moment(plant, ambush, blow.blow))
    assert ambush.ready.wait(30)
    plant.play(between(cues_of(members), begin, end), begin, end)
    ambush.over.set()
    struck = striking.result(60)
    plant.until_well()
    return struck


def live(plant: Plant, members: Sequence[Member], schedule: Sequence[tuple[datetime, Strike]]) -> list[str]:
    """The month, with these strikes; those whose moment did not come."""
    now, missed = BEGIN, []
    for at, blow in schedule:
        plant.play(between(cues_of(members), now - MOMENT, at - MOMENT), now, at - MOMENT)
        if not strike(plant, blow, members, at - MOMENT, at):
            missed.append(blow.name)
        now = at
    plant.play(between(cues_of(members), now, END), now, END)
    return missed


@pytest.mark.chaos
@pytest.mark.timeout(480)
def test_kills_cost_no_touch_and_repeat_none(plant: Plant) -> None:
    """Kill workers, beat, PostgreSQL, the broker within a month: all touches, none twice, doubts are named."""
    members = cohort(200)
    assert live(plant, members, SCHEDULE) == []
    holds(plant, expected(members, plant.playbook, END))
    assert 1 <= len(set(plant.settled)) <= len(SCHEDULE) * CONNECTIONS


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(5))
def test_kills_at_random_cost_no_touch_either(plant: Plant, seed: int) -> None:
    """Whatever is killed, and whenever, each account has exactly its touches, none twice."""
    chance = random.Random(seed)
    members = cohort(200)
    nines: list[tuple[datetime, tuple[Moment, ...]]] = [
        (BEGIN + day * DAY + NINE, (before_send, in_hand_over, at_once)) for day in range(1, 33) if day % 7 < 5
    ]
    calls: list[tuple[datetime, tuple[Moment, ...]]] = [(calls_of(day), (in_drain, at_once)) for day in range(1, 33)]
    blows = [part("flow"), part("delivery"), part("beat"), server("postgres"), server("valkey")]
    schedule = [
        (at, Strike(name=f"seed {seed}", moment=chance.choice(moments), blow=chance.choice(blows)))
        for at, moments in sorted(chance.sample(nines + calls, 16), key=lambda chosen: chosen[0])
    ]
    live(plant, members, schedule)
    holds(plant, expected(members, plant.playbook, END))
    assert len(set(plant.settled)) <= len(schedule) * CONNECTIONS
