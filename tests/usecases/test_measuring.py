"""The figures of a day are kept once, and alerts on all accounts together open, stay and close."""

from datetime import timedelta

from orchestrator.cli import metrics as face
from orchestrator.insight.measuring import KEPT, measure
from orchestrator.store import figures
from tests.usecases.company import DAY, MONDAY, Company
from tests.usecases.playbooks import tiny
from tests.usecases.world import World

PROMISES = """\
checkpoints:
  back: {step: First day, after: 1d since signed_up, met: login}
metrics:
  returning:
    population: accounts whose first day has passed
    checkpoint: back
    over: 3d
    target: {above: 0.8}
    alert: {below: 0.5, severity: high, action: Look at the first day, owner: cs_director}
  logins: {population: everybody, average: login.count, target: {at_least: 1}}
"""


def promising(world: World) -> None:
    """Two accounts sign up under a playbook that promises something, and nobody comes back within a day."""
    world.publish(tiny() + PROMISES)
    for name in ("acme", "umbrella"):
        world.drain(*Company(account=name, person=f"{name}-ann").sign_up())
    world.at(MONDAY + DAY + timedelta(hours=1))
    world.live()


def test_the_figures_of_a_day_are_kept_once(bare: World) -> None:
    """A second tick of the same day finds them, and the next day has its own."""
    promising(bare)
    assert measure(bare.ports)
    assert not measure(bare.ports)
    kept = bare.rows("SELECT metric, figure, population, unknown, grade FROM metric_samples ORDER BY metric")
    assert [tuple(row.values()) for row in kept] == [("logins", 0, 2, 0, "between"), ("returning", 0, 2, 0, "alert")]
    bare.at(MONDAY + 2 * DAY)
    assert measure(bare.ports)
    assert bare.one("SELECT count(*) FROM metric_samples") == 4


def alerts(world: World) -> list[tuple[str, str, str, str]]:
    """The alerts that are on: metric, severity, owner, action."""
    with world.engine.begin() as connection:
        on = figures.alerts(connection)
    return [(each.call.metric, each.call.severity, each.call.owner, each.call.action) for each in on]


def test_an_alert_opens_once_stays_while_nothing_is_known_and_closes_with_the_figure(bare: World) -> None:
    """It says who does what; four days later nobody's first day counts any more, which is no good news."""
    promising(bare)
    measure(bare.ports)
    on = [("returning", "high", "cs_director", "Look at the first day")]
    assert alerts(bare) == on
    for days in (2, 6):
        bare.at(MONDAY + days * DAY)
        measure(bare.ports)
        assert alerts(bare) == on
    assert bare.one("SELECT count(*) FROM cohort_alerts") == 1
    for name in ("acorn", "birch", "cedar"):
        bare.drain(*Company(account=name, person=f"{name}-ann").sign_up(MONDAY + 6 * DAY))
        bare.drain(Company(account=name, person=f"{name}-bob").track("Logged In", MONDAY + 6 * DAY))
    bare.at(MONDAY + 7 * DAY + timedelta(hours=1))
    bare.live()
    measure(bare.ports)
    assert not alerts(bare)


def test_an_alert_whose_metric_is_gone_is_closed(bare: World) -> None:
    """A playbook that promises it no longer calls nobody."""
    promising(bare)
    measure(bare.ports)
    bare.publish(tiny() + PROMISES.replace("    alert: {", "    # alert: {"))
    assert measure(bare.ports)
    assert not alerts(bare)


def test_what_is_kept_does_not_grow_without_end(bare: World) -> None:
    """Samples older than they are kept are dropped with the next day's."""
    promising(bare)
    measure(bare.ports)
    bare.at(MONDAY + DAY + KEPT + 2 * DAY)
    measure(bare.ports)
    assert bare.one("SELECT count(*) FROM metric_samples") == 2


def test_a_playbook_that_promises_nothing_keeps_nothing(world: World) -> None:
    """Nothing is read and nothing is written."""
    assert not measure(world.ports)
    assert bare_count(world) == 0


def bare_count(world: World) -> int:
    """How many samples are kept."""
    return int(world.one("SELECT count(*) FROM metric_samples"))


def test_the_board_says_since_when_an_alert_is_on(bare: World) -> None:
    """What `lifecycle metrics` prints below the tables: who does what, and since when."""
    promising(bare)
    measure(bare.ports)
    with bare.engine.begin() as connection:
        told = list(face.calls(connection))
    assert told == ["returning: high, cs_director: Look at the first day (on since 2026-03-03)"]
