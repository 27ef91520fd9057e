"""The world's faults: no room on the disk, no connection. Nothing is rejected for them, and all goes on afterwards."""

import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.acceptance.cohort import BEGIN, alike, cohort, cues_of, until
from tests.acceptance.plant import DAY, HOUR, Plant, built, holds
from tests.acceptance.plant import until as state
from tests.acceptance.simulator import expected
from tests.chaos.strikes import Ambush, in_drain

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

SMALL_DISK = "176m"
PAUSE = 0.4  # seconds between two cuts, and to wait for a drain
MOST_CUTS = 8


@pytest.fixture
def plant() -> Iterator[Plant]:
    with built(BEGIN) as plant:
        yield plant


def test_cut_connections_cost_nothing(plant: Plant) -> None:
    """Connections to database and broker are cut again and again for days: nothing is rejected, no touch is lost."""
    end = BEGIN + 4 * DAY
    members = until(cohort(60, sign_up_days=3), end)
    ambush = Ambush()

    def cut() -> int:
        """Cut all in the middle of the first drain, then of some that are met; how often. It must get through once."""
        struck = int(in_drain(plant, ambush, Plant.cut))
        while struck < MOST_CUTS and not ambush.over.wait(PAUSE):
            with plant.deciding_held():
                deadline = monotonic() + PAUSE  # what wakes waits as well, and with it the clock: never hold for long
                state(lambda: plant.in_flight() or monotonic() > deadline, "the moment to cut")  # noqa: B023 - used at once
                if plant.in_flight():
                    plant.cut()
                    struck += 1
        return struck

    cutting = plant.meanwhile(cut)
    assert ambush.ready.wait(30)
    try:
        plant.play(cues_of(members), BEGIN, end)
    finally:
        ambush.over.set()
    assert cutting.result(30) >= 1, "no cut met a drain"
    holds(plant, expected(members, plant.playbook, end))


def small_disk(home: Path) -> Callable[[], None]:
    """Put a small disk under PostgreSQL, where this machine lets us."""
    folder = home / "postgres"
    folder.mkdir(parents=True)
    owner = pwd.getpwnam("nobody")
    options = f"size={SMALL_DISK},uid={owner.pw_uid},gid={owner.pw_gid},mode=0700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "lifecycle-test", folder], check=False)
    if mounted.returncode != 0:
        pytest.skip("a disk that can be filled needs the right to mount one")

    def unmount() -> None:
        subprocess.run(["umount", folder], check=True)

    return unmount


@pytest.fixture
def cramped() -> Iterator[Plant]:
    if os.geteuid() != 0:
        pytest.skip("a disk that can be filled needs the right to mount one: run as root")
    with built(BEGIN, ground=small_disk) as plant:
        yield plant


def fill(ballast: Path) -> None:
    """Leave no byte free."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 65536):
                pass
        except OSError:
            return


def test_a_full_disk_rejects_nothing(cramped: Plant) -> None:
    """While the disk under PostgreSQL is full, events wait and none is rejected; with room again, all goes on."""
    plant, end = cramped, BEGIN + 2 * DAY
    members = until(alike(60, "steady"), end)
    before = BEGIN + 6 * HOUR
    plant.play([], BEGIN, before)
    ballast = plant.settings.home / "postgres" / "ballast"
    fill(ballast)
    moving = plant.meanwhile(lambda: plant.play(cues_of(members), before, end))
    state(lambda: "No space left on device" in plant.log("postgres"), "the disk is full")
    assert not moving.done()
    ballast.unlink()
    moving.result(120)
    holds(plant, expected(members, plant.playbook, end))
