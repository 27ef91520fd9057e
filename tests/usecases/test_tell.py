"""What is told of an account becomes facts by the next drain, and withdrawn consent acts at the door."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.events import Json
from orchestrator.core.reasons import MessageReason
from orchestrator.intake.particulars.fields import UnusableError
from orchestrator.intake.particulars.sheet import Form, opened
from orchestrator.intake.particulars.telling import Teller, person_id
from orchestrator.usecases.simulate import Arrival, simulate
from orchestrator.usecases.tell import Told, tell
from orchestrator.usecases.tell_rows import tell_rows
from tests.usecases.company import DAY, HOUR, MONDAY, Company
from tests.usecases.playbooks import tiny
from tests.usecases.world import World

ANN = "ann@acme.example"


@pytest.fixture
def acme(bare: World) -> World:
    """One account with one person, under a playbook that asks what it pays."""
    bare.publish(tiny().replace("  measures:", "  traits: {arr: number}\n  measures:"))
    bare.drain(*Company().sign_up())
    return bare


def say(world: World, account: str = "acme", at: datetime = MONDAY, **body: Json) -> Told:
    """Tell it, and let the stream be drained."""
    world.at(at)
    teller = Teller(source="crm", received_at=at)
    (told,) = tell(world.ports, [(account, body)], [teller])
    assert isinstance(told, Told), told
    world.send(*told.calls, source="crm", received_at=at)
    world.drain()
    return told


def traits(world: World, account: str = "acme") -> dict[str, Any]:
    return {name: value for name, (value, *_) in world.facts(account)["traits"].items()}


def test_what_is_told_is_a_fact_by_the_next_drain(acme: World) -> None:
    """Numbers and dates are the playbook's traits; null clears one, and the others stay."""
    told = say(acme, arr="120,000", renewal_at="2026-12-31", industry="steel")
    assert [(each.what, each.before) for each in told.changes] == [("arr", ""), ("renewal_at", ""), ("industry", "")]
    assert traits(acme)["arr"] == 120000
    again = say(acme, arr=None, at=MONDAY + HOUR)
    assert [(each.what, each.before, each.after) for each in again.changes] == [("arr", "120000", "")]
    assert (traits(acme)["arr"], "renewal_at" in traits(acme)) == (None, True)


def test_the_same_told_twice_counts_once(acme: World) -> None:
    """A second telling of the same is known; a value that goes back to what it was counts."""
    for at, arr in ((MONDAY, 1), (MONDAY, 1), (MONDAY + HOUR, 2), (MONDAY + 2 * HOUR, 1)):
        say(acme, arr=arr, at=at)
    assert acme.one("SELECT count(*) FROM events WHERE kind = 'group'") == 3
    assert traits(acme)["arr"] == 1
    assert acme.rejected() == []


def test_an_older_word_does_not_overwrite_a_newer(acme: World) -> None:
    """What the CRM's record said last week gives way to what the product said since."""
    acme.drain(Company(person="bo").group(MONDAY - DAY, arr=5))
    say(acme, arr=1, as_of=(MONDAY - 7 * DAY).isoformat())
    assert traits(acme)["arr"] == 5


def test_an_account_nobody_knew_is_opened(acme: World) -> None:
    """The CRM may know an account before the product does."""
    say(acme, account="new", arr=7)
    assert traits(acme, "new") == {"arr": 7}


def test_a_champion_is_found_by_address_and_takes_the_role_over(acme: World) -> None:
    """Whoever had the role loses it to the person of the address."""
    say(acme, champion={"id": "bo", "email": "bo@acme.example"})
    told = say(acme, champion=ANN, at=MONDAY + HOUR)
    assert [(each.what, each.before, each.after) for each in told.changes] == [("champion", "bo", "ann")]
    roles = {row["person_id"]: row["traits"].get("role", [None])[0] for row in acme.rows("SELECT * FROM persons")}
    assert roles == {"ann": "champion", "bo": None}
    say(acme, champion=None, at=MONDAY + 2 * HOUR)
    assert acme.one("SELECT traits -> 'role' ->> 0 FROM persons WHERE person_id = 'ann'") is None


def test_what_cannot_be_used_is_answered_and_changes_nothing(acme: World) -> None:
    """An error comes instead of calls; its neighbours are told."""
    tellers = [Teller(source="crm", received_at=MONDAY)] * 2
    bad, good = tell(acme.ports, [("acme", {"arr": "much"}), ("a\0", {})], tellers)
    assert isinstance(bad, UnusableError)
    assert isinstance(good, UnusableError)


def consent(word: str, at: datetime = MONDAY, **more: Json) -> Json:
    return [{"email": ANN, "consent": {"status": word, "at": at.isoformat(), "source": "CRM list", **more}}]


def unsubscribed(world: World, address: str = ANN) -> datetime | None:
    found = world.rows("SELECT unsubscribed_at FROM contacts WHERE address = :a", a=address)
    return found[0]["unsubscribed_at"] if found else None


def test_withdrawn_consent_stops_the_mail_that_waits(acme: World) -> None:
    """A mail that is pending when consent is withdrawn does not leave (P5)."""
    acme.wake()
    assert acme.message()["state"] == "pending"
    say(acme, people=consent("opted_out"))
    acme.deliver()
    assert (acme.message()["state"], acme.message()["reason"]) == ("cancelled", MessageReason.UNSUBSCRIBED)
    assert acme.relay.taken == []
    (row,) = acme.rows("SELECT * FROM consents")
    assert (row["address"], row["given"], row["said_where"], row["source"]) == (ANN, False, "CRM list", "crm")


T = [MONDAY - timedelta(days=days) for days in (3, 2, 1)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_an_import_resubscribes_nobody(acme: World, order: tuple[int, ...]) -> None:
    """Consent that is only said to be given lifts no withdrawal, whatever order they are told in."""
    words = [consent("given", T[0], resubscribe=True), consent("withdrawn", T[1]), consent("given", T[2])]
    for number, which in enumerate(order):
        say(acme, people=words[which], at=MONDAY + number * HOUR)
    assert unsubscribed(acme) == T[1]
    assert acme.one("SELECT count(*) FROM consents") == 3


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_later_word_that_says_so_lifts_a_withdrawal(acme: World, order: tuple[int, ...]) -> None:
    """Who agreed again after leaving, and of whom the teller says so, is written to again."""
    words = [consent("withdrawn", T[1]), consent("given", T[2], resubscribe=True)]
    for number, which in enumerate(order):
        say(acme, people=words[which], at=MONDAY + number * HOUR)
    assert unsubscribed(acme) is None


def test_a_word_without_its_time_lifts_nothing(acme: World) -> None:
    """That somebody agreed again must say when."""
    say(acme, people=consent("withdrawn", T[0]))
    again: Json = [{"email": ANN, "consent": {"status": "given", "resubscribe": True}}]
    say(acme, people=again, at=MONDAY + HOUR)
    assert unsubscribed(acme) == T[0]


def test_it_lifts_no_complaint(acme: World) -> None:
    """A complaint stays, whatever a CRM says."""
    acme.run("INSERT INTO contacts (address, suppressed, suppressed_at) VALUES (:a, 'complaint', now())", a=ANN)
    say(acme, people=consent("given", T[2], resubscribe=True))
    assert acme.one("SELECT suppressed FROM contacts WHERE address = :a", a=ANN) == "complaint"


def test_a_withdrawal_waits_for_the_address(acme: World) -> None:
    """Who withdrew while no address was known is not written to once there is one."""
    say(acme, people=[{"id": "bo", "consent": "out"}])
    assert unsubscribed(acme, "bo@acme.example") is None
    acme.drain(Company(person="bo").identify(MONDAY + HOUR))
    assert unsubscribed(acme, "bo@acme.example") == MONDAY


def test_somebody_known_by_address_alone_is_a_person_of_the_account(acme: World) -> None:
    """A contact of the CRM whom the product never saw is one of the account's people."""
    say(acme, people=[{"email": "cy@acme.example", "role": "decision maker"}])
    assert acme.one("SELECT count(*) FROM persons WHERE person_id = :id", id=person_id("cy@acme.example")) == 1


def test_a_sheet_goes_in_row_by_row(acme: World, tmp_path: Path) -> None:
    """Good rows become facts, the last row of an account wins, bad ones name line and column; twice is once."""
    file = tmp_path / "accounts.csv"
    file.write_text("account,Revenue\nacme,100\nacme,200\nbolt,much\nbolt\n")
    told = []
    for _ in range(2):
        with opened(file, Form(mapping={"arr": "Revenue"})) as sheet:
            teller = Teller(source="import", received_at=MONDAY, at=MONDAY - DAY)
            outcomes = [each for batch in tell_rows(acme.ports, sheet, teller) for each in batch]
        told = [call for each in outcomes if each.told for call in each.told.calls]
        acme.send(*told, source="import", received_at=MONDAY)
        acme.drain()
    assert traits(acme)["arr"] == 200
    assert acme.one("SELECT count(*) FROM events WHERE kind = 'group'") == 2
    assert [(each.line, each.complaints) for each in outcomes if each.told is None] == [
        (4, ("column Revenue: arr: expected a number such as 120000, got 'much'",)),
        (5, ("expected 2 cells as in the header, got 1",)),
    ]


def test_a_simulation_writes_to_nobody_who_withdrew(bare: World) -> None:
    """The same calls simulated end as they do in the flow: the mail is cancelled at the door."""
    playbook = bare.publish(tiny())
    company = Company()
    calls = [*company.sign_up(), company.identify(MONDAY, consent="withdrawn", consent_source="form")]
    bare.drain(*calls)
    bare.live()
    found = simulate([Arrival(at=MONDAY, call=call) for call in calls], playbook, MONDAY + HOUR)
    (end,) = found.messages
    assert (end.state, end.reason) == (bare.message()["state"], bare.message()["reason"])
    assert end.reason is MessageReason.UNSUBSCRIBED
