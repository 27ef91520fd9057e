"""Weeks without mishap, so that what chaos does can be told from what the product does by itself."""

from collections.abc import Iterator

import pytest

from tests.acceptance.cohort import BEGIN, cohort, cues_of, until
from tests.acceptance.plant import DAY, Plant, built, holds
from tests.acceptance.simulator import expected

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    with built(BEGIN, workers=3, beats=2) as plant:
        yield plant


def test_two_beats_and_three_workers_do_what_one_of_each_does(plant: Plant) -> None:
    """With two beats and three workers of each kind at once, every account has exactly its touches, none twice."""
    end = BEGIN + 12 * DAY
    members = until(cohort(60), end)
    plant.play(cues_of(members), BEGIN, end)
    holds(plant, expected(members, plant.playbook, end))
    assert not plant.settled
