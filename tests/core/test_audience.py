"""Who a touch goes to: groups, who stands in, one letter an address, and work for a human when nobody is reachable."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.core.account import Outcome
from orchestrator.core.audience import ANYONE, GROUPS, NEW_FOR, Audience, Sought, holders, sought
from orchestrator.core.decisions import Step
from orchestrator.core.events import OWN_SOURCE
from orchestrator.core.people import Person
from orchestrator.core.playbook import OnDay, Play
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason
from tests.core.lives import Life, life
from tests.core.playbooks import DAY, HOUR, MAIL, negation, play, reached, seen, with_plays, work
from tests.core.strategies import START, event, person

CHAMPION = person("champ", role="champion")
OWNER = person("owner", role="Owner")
BUYER = person("buyer", role="Decision-Maker")
FIRST_ADMIN, SECOND_ADMIN = person("admin1", role="admin"), person("admin2", role="Admin")
BILLING = person("bill", role="billing contact")
PLAIN = person("plain")
CROWD = (PLAIN, BILLING, BUYER, SECOND_ADMIN, FIRST_ADMIN, OWNER, CHAMPION)
CALL = work()
LONG_AGO = START - 30 * DAY


def to(*names: str, fallback: tuple[str, ...] = ()) -> Audience:
    """An audience by the words of a playbook."""
    return Audience(to=tuple(GROUPS[name] for name in names), fallback=tuple(GROUPS[name] for name in fallback))


def reached_by(audience: Audience, *people: Person) -> list[str]:
    return [each.id for each in audience.of(people, LONG_AGO, by_mail=True)]


def touch(audience: Audience, **parts: Any) -> Play:  # noqa: ANN401 -- fields of Policy
    """A mail on the first day, to these."""
    return replace(play("p", OnDay(day=0), MAIL, **parts), audience=audience)


def begin(touched: Play, *people: Person) -> Life:
    """An account that signs up at the start, with these people."""
    lived = life(people, with_plays(touched), START)
    lived.step(START, [event("signed_up")])
    return lived


def addressed(step: Step) -> list[str]:
    return [each.person for each in step.messages]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["anyone"], ["champ"]),
        (["champion"], ["champ"]),
        (["owner"], ["owner"]),
        (["decision_maker"], ["buyer"]),
        (["admins"], ["admin1", "admin2"]),
        (["decision_maker", "champion"], ["champ", "buyer"]),
        (["everyone"], ["champ", "owner", "admin1", "admin2", "bill", "buyer", "plain"]),
    ],
)
def test_each_group(names: list[str], found: list[str]) -> None:
    """A group is one person or several, however the role is spelled; groups are united, the first in line first."""
    assert reached_by(to(*names), *CROWD) == found


def test_any_role_of_the_product_may_be_written_to() -> None:
    """A role that only this product has is found in whatever spelling."""
    assert reached_by(Audience(to=(holders("Billing-Contact"),)), *CROWD) == ["bill"]


def test_who_stands_in() -> None:
    """When nobody of a group has an address, the fallbacks are tried in their order; else they are not."""
    audience = to("champion", fallback=("decision_maker", "admins"))
    gone = person("champ", role="champion", email="")
    assert reached_by(audience, CHAMPION, BUYER) == ["champ"]
    assert reached_by(audience, gone, FIRST_ADMIN, BUYER) == ["buyer"]
    assert reached_by(audience, gone, FIRST_ADMIN, SECOND_ADMIN) == ["admin1", "admin2"]
    assert reached_by(audience, gone, PLAIN) == []


def test_whoever_takes_no_mail_is_not_reachable() -> None:
    """A bounced or unsubscribed champion is stood in for, as one without an address is."""
    barred = replace(CHAMPION, barred=True)
    assert reached_by(to("champion", fallback=("owner",)), barred, OWNER) == ["owner"]
    assert [each.id for each in to("champion").of([barred], LONG_AGO, by_mail=False)] == ["champ"]


def test_no_address_gets_a_touch_twice() -> None:
    """Two persons with one address, however spelled, get one letter; so does one person in two groups."""
    twins = (person("a", email="Team@Acme.example "), person("b", email="team@acme.example"), person("c"))
    assert reached_by(to("everyone"), *twins) == ["a", "c"]
    assert reached_by(to("champion", "everyone"), CHAMPION, PLAIN) == ["champ", "plain"]


def test_new_members_came_since_the_last_time() -> None:
    """New is who came since the touch was last decided; at the first time, in the fortnight before it was due."""
    old = replace(person("old"), first_seen=START - NEW_FOR)
    fresh = replace(person("fresh"), first_seen=START - DAY)
    nameless = replace(person("never-identified"), first_seen=None)
    lived = begin(touch(to("new_members"), exempt=True), old, fresh, nameless)
    assert addressed(lived.steps[0][1]) == ["fresh"]
    assert [each.id for each in to("new_members").of([old, fresh], START - DAY, by_mail=True)] == []


def test_each_letter_is_its_readers() -> None:
    """Several readers get a message each, with their own key, address and name."""
    lived = begin(touch(to("admins")), FIRST_ADMIN, person("admin2", role="admin", name="Bo Ek"))
    first, second = lived.steps[0][1].messages
    assert (first.address, second.address) == ("admin1@example.com", "admin2@example.com")
    assert first.id != second.id
    assert second.context["person"] == {"name": "Bo Ek", "first_name": "Bo", "role": "admin"}


def test_a_group_is_waited_for() -> None:
    """A touch to a champion waits for one, though others have an address, and is skipped when none comes."""
    lived = begin(touch(to("champion")), PLAIN)
    (waits,) = lived.steps[0][1].postponements
    assert (waits.reason, waits.until) == (PostponementReason.NO_RECIPIENT, START + 2 * DAY)
    lived.sleep(START + 3 * DAY)
    assert [each.reason for each in lived.decisions] == [DecisionReason.NO_RECIPIENT]


def test_when_nobody_is_reachable_a_human_takes_over() -> None:
    """At the end of the wait the work that ``unreachable`` names is opened, once, and closed with its cause."""
    touched = replace(touch(to("champion"), only_while=negation(reached("setup"))), unreachable=CALL)
    lived = begin(touched, PLAIN)
    lived.sleep(START + 3 * DAY)
    (decision,) = lived.decisions
    assert (decision.outcome, decision.reason, decision.decided_at) == (
        Outcome.DONE,
        DecisionReason.DUE,
        START + 2 * DAY,
    )
    answer = lived.steps[-1][1]
    assert ([each.action for each in answer.escalations], answer.messages) == ([CALL], ())
    withdrawn = lived.step(START + 4 * DAY, [event("setup_done", START + 4 * DAY)]).withdrawals
    assert [each.reason for each in withdrawn] == [MessageReason.GOAL_REACHED]


def test_where_somebody_is_reachable_no_human_is_called() -> None:
    """``unreachable`` is for nobody at all: with a reader there is a letter and no work."""
    answer = begin(replace(touch(to("champion")), unreachable=CALL), CHAMPION).steps[0][1]
    assert (addressed(answer), answer.escalations) == (["champ"], ())


@pytest.mark.parametrize(("names", "withdrawn"), [(("champion",), 0), (("admins",), 1), (("champion", "owner"), 1)])
def test_letters_to_several_stand_until_their_goal(names: tuple[str, ...], withdrawn: int) -> None:
    """When one of several letters has left, the others can still be withdrawn; one alone has nothing left to."""
    lived = begin(touch(to(*names), only_while=negation(seen("setup_done"))), *CROWD)
    sent = event("message_sent", START, source=OWN_SOURCE, properties={"play": "p", "episode": "once"})
    lived.step(START, [sent])
    answer = lived.step(START + HOUR, [event("setup_done", START + HOUR)])
    assert len(answer.withdrawals) == withdrawn


def test_what_a_playbook_seeks() -> None:
    """Roles, the newest, and whether somebody stands in: what must be looked up, and nothing for the default."""
    assert sought([Audience()]) == Sought()
    assert sought([to("champion", "new_members"), to("anyone", fallback=("owner",))]) == Sought(
        roles=frozenset({"champion", "owner"}), new=True, substitutes=True
    )
    assert timedelta(0) < NEW_FOR
    assert ANYONE in Audience().groups
