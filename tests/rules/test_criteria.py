"""1.2, pillar 1: onboarding is complete when the success criteria of the product are met, and not before."""

from orchestrator.core.events import Json
from orchestrator.testing import Rehearsal
from tests.rules.shelf import Shelf
from tests.rules.timeline import MONDAY, SELF_SERVE, life

TEAM = 10  # seats


def complete(account: Rehearsal) -> bool:
    """Whether the account has left onboarding after ten days."""
    account.until("day 10")
    try:
        account.assert_stage("growth")
    except AssertionError:
        account.assert_stage("onboarding")
        return False
    return True


def marketing(shelf: Shelf, campaigns: int, leads: int, *, confirmed: bool = True) -> bool:
    account = life(shelf, "criteria-marketing-automation", arr=SELF_SERVE)
    for number in range(campaigns):
        account.event("campaign_launched", f"day {1 + number} 11:00")
    for number in range(leads):
        account.event("lead_qualified", f"day 4 11:{number:02}")
    if confirmed:
        account.said("day 5 11:00", judgement="nurture_better", by="mei", evidence="the call of today")
    return complete(account)


def test_a_campaign_and_ten_leads(shelf: Shelf) -> None:
    """One campaign, ten leads and the customer's word; neither nine leads nor a silent customer will do."""
    assert marketing(shelf, 1, 10)
    assert not marketing(shelf, 1, 9)
    assert not marketing(shelf, 0, 10)
    assert not marketing(shelf, 1, 10, confirmed=False)


def project(shelf: Shelf, people: int, *, template: bool = True, confirmed: bool = True) -> bool:
    book = shelf.book("b2b-saas", "criteria-project-management")
    crowd: dict[str, Json] = {f"p{number}": {} for number in range(TEAM)}
    account = Rehearsal(book, anchor=MONDAY, zone="Europe/Berlin", people=crowd, arr=SELF_SERVE, seats=TEAM)
    if template:
        account.event("template_created", "day 1 11:00")
    for number in range(people):
        account.event("task_worked_on", f"day 4 11:{number:02}", person=f"p{number}")
    if confirmed:
        account.said("day 5 11:00", judgement="visibility_better", by="mei", evidence="the call of today")
    return complete(account)


def test_four_fifths_of_the_team(shelf: Shelf) -> None:
    """8 of 10 people, a template and the customer's word; 7 of 10 will not do."""
    assert project(shelf, 8)
    assert not project(shelf, 7)
    assert not project(shelf, 8, template=False)
    assert not project(shelf, 8, confirmed=False)


def analytics(shelf: Shelf, dashboards: int, *judged: str, connected: bool = True) -> bool:
    account = life(shelf, "criteria-analytics", arr=SELF_SERVE)
    if connected:
        account.event("integration_added", "day 1 11:00")
    for number in range(dashboards):
        for minute in (0, 1):  # built, and built again: it is one dashboard
            at = f"day 4 1{minute}:{number:02}"
            account.event("dashboard_built", at, properties={"dashboard": f"d{number}"})
    for judgement in judged:
        account.said("day 5 11:00", judgement=judgement, by="mei", evidence="the call of today")
    return complete(account)


def test_three_dashboards(shelf: Shelf) -> None:
    """Three different dashboards on connected data, stakeholders who decide by it, a customer who serves itself."""
    both = ("decides_from_data", "serves_itself")
    assert analytics(shelf, 3, *both)
    assert not analytics(shelf, 2, *both)
    assert not analytics(shelf, 3, *both, connected=False)
    assert not analytics(shelf, 3, both[0])
    assert not analytics(shelf, 3, both[1])


def test_set_up_alone_completes_nothing(shelf: Shelf) -> None:
    """The named mistake: whoever only ticks the steps of the set-up stays in onboarding."""
    for preset in ("criteria-marketing-automation", "criteria-project-management", "criteria-analytics"):
        account = life(shelf, preset, arr=SELF_SERVE, seats=TEAM)
        assert not complete(account.event("setup_finished", "day 1 11:00").event("core_action", "day 1 12:00"))
    plain = life(shelf, arr=SELF_SERVE, seats=TEAM)
    assert complete(plain.event("setup_finished", "day 1 11:00").event("core_action", "day 1 12:00"))
