"""Who is looked up for a decision: the first in line, those behind where a playbook asks, and who is barred."""

import pytest

from orchestrator.core.events import Json
from tests.usecases.company import MONDAY, Company
from tests.usecases.playbooks import tiny
from tests.usecases.world import World, counted

TO_CHAMPION = """\
  hello:
    day: 0
    email: day_0_welcome
    to: champion
    fallback: [decision_maker]
    unreachable: {template: no_login, severity: low, category: champion, owner: csm, due: 8h}
    valid_for: 2d
    max_defer: 1h
"""

TO_NEW = """\
  hello:
    day: 0
    email: day_0_welcome
    to: [new_members, role billing]
    valid_for: 2d
"""

SIGN_UP = Company().call(MONDAY, event="Signed Up", messageId="sign-up", userId="nobody-yet")


def somebody(name: str, **traits: Json) -> list[bytes]:
    """A person at the company."""
    return [Company(person=name).identify(MONDAY, **traits)]


def written_to(world: World) -> list[str]:
    return [row["person_id"] for row in world.rows("SELECT person_id FROM messages ORDER BY person_id")]


@pytest.mark.parametrize("barred", ["suppressed = 'bounce', suppressed_at = :now", "unsubscribed_at = :now"])
def test_whose_address_is_barred_is_stood_in_for(bare: World, barred: str) -> None:
    """A champion whose address bounced, or who wants no mail, is stood in for by the fallback."""
    bare.publish(tiny(TO_CHAMPION))
    bare.run("INSERT INTO contacts (address) VALUES ('champ@acme.example')")
    bare.run(f"UPDATE contacts SET {barred}", now=MONDAY)
    people = [*somebody("champ", role="champion", email="Champ@Acme.example"), *somebody("boss", role="Decision Maker")]
    bare.drain(*people, SIGN_UP)
    assert written_to(bare) == ["boss"]


def test_with_nobody_left_a_human_takes_over(bare: World) -> None:
    """When the last reachable person is gone, there is work for a human instead of silence."""
    bare.publish(tiny(TO_CHAMPION))
    bare.run("INSERT INTO contacts (address, unsubscribed_at) VALUES ('champ@acme.example', :now)", now=MONDAY)
    bare.drain(
        *somebody("champ", role="champion", email="champ@acme.example"),
        SIGN_UP,
    )
    bare.at(MONDAY.replace(hour=10))
    bare.wake()
    assert bare.one("SELECT cause FROM escalations") == "hello"
    assert written_to(bare) == []


def test_an_address_that_cannot_be_is_not_looked_up(bare: World) -> None:
    """What is no address bars nobody; the door names it."""
    bare.publish(tiny(TO_CHAMPION))
    bare.drain(*somebody("champ", role="champion", email="champ@nowhere"), *somebody("ann", email=None))
    bare.drain(SIGN_UP)
    assert written_to(bare) == ["champ"]


def test_those_behind_the_first_fifty_are_found(bare: World) -> None:
    """In a crowd of more than fifty, the newest and the holders of a role are written to, wherever they stand."""
    bare.publish(tiny(TO_NEW))
    old = MONDAY.replace(month=1)
    crowd = [Company(person=f"p{number:02}").identify(old, role="admin") for number in range(55)]
    billing = Company(person="bill").identify(old, role="Billing")
    bare.drain(*crowd, billing, *somebody("fresh"))
    bare.drain(SIGN_UP)
    assert written_to(bare) == ["bill", "fresh"]


def test_a_playbook_that_asks_for_nobody_looks_nobody_up(world: World) -> None:
    """Without groups behind and without fallbacks, neither statement is sent."""
    with counted(world.engine) as statements:
        world.drain(*Company().sign_up())
    assert not [each for each in statements if "-- behind" in each or "-- barred" in each]
