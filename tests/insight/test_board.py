"""The board: what many accounts say adds up, and nothing known is never good news."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.core.account import Account
from orchestrator.core.conditions import ALWAYS, Literal
from orchestrator.core.facts import Fact, Facts
from orchestrator.core.metrics import Alert, Bound, Grade, Lamp, Measured, Median, Metric, Ratio, Share, Side, Unit
from orchestrator.insight.board import Row, board, documents, grouped, promised, written
from tests.core.playbooks import PLAYBOOK, constant, count, seen
from tests.core.strategies import START

LOGINS = count("login")


def accounts(*logins: int) -> list[Account]:
    """An account for each number of logins."""
    return [
        Account(
            id=f"a{number}",
            playbook_version=PLAYBOOK.version,
            created_at=START,
            stage="onboarding",
            stage_entered_at=START,
            facts=Facts(events={"login": Fact(first=START, last=START, count=times)} if times else {}),
        )
        for number, times in enumerate(logins)
    ]


def row(measured: Measured, *logins: int, **changes: object) -> Row:
    """The one row of a board over accounts with so many logins."""
    metric = Metric(
        name="m", label="M", group="g", population="all", measured=measured, target=Bound(side=Side.ABOVE, limit=0.5)
    )
    metric = replace(metric, **changes)  # type: ignore[arg-type]  # fields of a metric
    (found,) = board(accounts(*logins), replace(PLAYBOOK, metrics={"m": metric}), START + timedelta(days=1))
    return found


def test_a_share_is_of_those_who_count_and_of_whom_something_is_known() -> None:
    """Two of three have logged in."""
    found = row(Share(of=seen("login")), 1, 4, 0)
    assert (found.population, found.unknown, found.figure, found.grade) == (3, 0, 2 / 3, Grade.MET)


def test_a_median_needs_every_number_and_a_ratio_only_sums() -> None:
    """The middle of 1, 2 and 9 is 2; the sum over itself is 1."""
    assert row(Median(of=LOGINS), 1, 9, 2).figure == 2
    assert row(Ratio(of=LOGINS, to=LOGINS), 1, 9, 2).figure == 1


def test_nothing_known_is_unknown_and_never_green() -> None:
    """No account, a division by nothing, only unknown answers, or fewer than the least: all are unknown."""
    unknown = Literal(value=None, text="None")
    for found in (
        row(Share(of=seen("login"))),
        row(Ratio(of=LOGINS, to=LOGINS), 0),
        row(Share(of=unknown), 1, 1),
        row(Share(of=seen("login")), 1, 1, least=3),
    ):
        assert (found.figure, found.grade, found.colour) == (None, Grade.UNKNOWN, "unknown")
    assert row(Share(of=unknown), 1, 1).unknown == 2


@pytest.mark.parametrize(("logins", "colour"), [((1, 1, 0), "green"), ((1, 0), "yellow"), ((1, 0, 0, 0), "orange")])
def test_the_colour_is_green_yellow_or_that_of_the_alert(logins: tuple[int, ...], colour: str) -> None:
    """Two thirds are more than half, a half is between target and alert, a quarter is an alert."""
    bound = Bound(side=Side.BELOW, limit=0.3)
    alert = Alert(bound=bound, severity="high", action="Look", owner="csm", lamp=Lamp.ORANGE)
    found = row(Share(of=seen("login")), *logins, alert=alert)
    assert found.colour == colour
    (document,) = documents([found], {})
    assert document["alert"] == ({"severity": "high", "action": "Look", "owner": "csm"} if colour == "orange" else None)
    assert (document["target"], document["colour"]) == ("> 0.5", colour)


def test_rows_stand_under_their_headings() -> None:
    """A heading stands where its first row does, with all its rows."""
    rows = [row(Share(of=ALWAYS), 1, name=name, group=group) for name, group in (("a", "x"), ("b", "y"), ("c", "x"))]
    assert {group: [each.metric.name for each in listed] for group, listed in grouped(rows).items()} == {
        "x": ["a", "c"],
        "y": ["b"],
    }


def test_figures_and_limits_are_written_as_people_read_them() -> None:
    """A share is a percentage, and a limit loses no digit."""
    assert (written(0.8567, Unit.PERCENT), written(41.25, Unit.POINTS), written(None, Unit.NUMBER)) == (
        "85.7%",
        "41.25",
        "unknown",
    )
    assert promised(Bound(side=Side.AT_LEAST, limit=0.855), Unit.PERCENT) == ">= 85.5%"
    assert promised(Bound(side=Side.BELOW, limit=7), Unit.NUMBER) == "< 7"


def test_an_account_of_which_nothing_can_be_said_does_not_stop_the_board() -> None:
    """A constant that is no number is unknown."""
    assert row(Median(of=constant("x")), 1).unknown == 1
