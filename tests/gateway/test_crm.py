"""A CRM's signed webhook at the gateway: the signature first, then each record on its own."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

import orjson
import pytest
from standardwebhooks import Webhook

from orchestrator.core.events import Json
from orchestrator.usecases.drain import drain
from tests.gateway.conftest import CRM, STANDARD
from tests.gateway.live import Answer, Gateway
from tests.gateway.test_accounts import facts

PATH = "/v1/webhooks/crm"
OUTSIDE = "https://in.vendor.example"
RECORD: Json = {
    "eventId": 7,
    "properties": {
        "lifecycle_account_id": "acme",
        "annual_recurring_revenue": "120000.00",
        "renewal_date": "1798675200000",
        "billing_term": "Yearly",
    },
    "contacts": [{"properties": {"email": "ann@acme.example", "hs_email_optout": "true"}}],
}


def now(told: Gateway) -> datetime:
    with told.door.ports.engine.connect() as connection:
        return told.door.ports.clock.now(connection)


def hubspot(told: Gateway, body: bytes, off: timedelta = timedelta(0), secret: str = CRM) -> Answer:
    at = str(round((now(told) + off).timestamp() * 1000))
    message = b"POST" + f"{OUTSIDE}{PATH}/hubspot".encode() + body + at.encode()
    signature = base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()
    head = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": at}
    return told.send(f"{PATH}/hubspot", body, head)


def salesforce(told: Gateway, body: bytes, number: str = "msg-1", off: timedelta = timedelta(0)) -> Answer:
    at = (now(told) + off).replace(microsecond=0)
    signature = Webhook(STANDARD).sign(number, at, body.decode())
    head = {"webhook-id": number, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    return told.send(f"{PATH}/salesforce", body, head)


def test_a_signed_record_becomes_facts(told: Gateway) -> None:
    """What the CRM says is a fact after the next drain, and whoever opted out there is not written to."""
    answer = hubspot(told, orjson.dumps(RECORD))
    assert (answer.status, answer["accepted"], answer["refused"]) == (200, 1, [])
    drain(told.door.ports, 0, "test")
    traits = {name: written[0] for name, written in facts(told)["traits"].items()}
    assert (traits["arr"], traits["term"]) == (120000, "annual")
    with told.door.ports.engine.connect() as connection:
        query = "SELECT source, said_where, given FROM consents"
        assert [tuple(row) for row in connection.exec_driver_sql(query)] == [("crm:hubspot", "HubSpot", False)]


def test_a_repeat_is_harmless(told: Gateway) -> None:
    """The same delivery again is the same event, under either signature."""
    body = orjson.dumps({"Account": {"Lifecycle_Account_Id__c": "acme", "Annual_Recurring_Revenue__c": 5}})
    for _ in range(2):
        assert hubspot(told, orjson.dumps(RECORD)).status == 200
        assert salesforce(told, body).status == 200
    assert len(told.entries()) == 6
    assert len({fields[b"call"] for fields in told.entries()}) == 3


def test_a_value_that_goes_back_counts(told: Gateway) -> None:
    """Two deliveries with one content are two changes."""
    for number, arr in (("m-1", 1), ("m-2", 2), ("m-3", 1)):
        account = {"Lifecycle_Account_Id__c": "acme", "Annual_Recurring_Revenue__c": arr}
        assert salesforce(told, orjson.dumps({"Account": account}), number).status == 200
        drain(told.door.ports, 0, "test")
    assert facts(told)["traits"]["arr"][0] == 1


def test_one_bad_record_does_not_refuse_the_others(told: Gateway) -> None:
    """It is named in the answer and kept with its reason; the good ones go in."""
    bad: Json = {"eventId": 8, "properties": {"lifecycle_account_id": "acme", "annual_recurring_revenue": "much"}}
    lost: Json = {"eventId": 9, "properties": {}}
    answer = hubspot(told, orjson.dumps([bad, RECORD, lost]))
    assert (answer.status, answer["accepted"]) == (200, 1)
    assert [(each["index"], each["message"]) for each in answer["refused"]] == [
        (0, "arr: expected a number such as 120000, got 'much'"),
        (2, "account: expected a text of 1 to 255 characters, got nothing"),
    ]
    assert sum(b"refused" in fields for fields in told.entries()) == 2


@pytest.mark.parametrize("off", [timedelta(seconds=400), timedelta(seconds=-400)])
def test_a_signature_that_is_old_or_ahead_is_refused(told: Gateway, off: timedelta) -> None:
    """Five minutes are what clocks may differ by."""
    assert hubspot(told, orjson.dumps(RECORD), off).status == 401
    assert salesforce(told, b"{}", off=off).status == 401
    assert told.entries() == []


def test_a_signature_is_of_these_very_bytes(told: Gateway) -> None:
    """Another secret, another body, or none of it is refused before anything is read."""
    assert hubspot(told, orjson.dumps(RECORD), secret="guessed").status == 401
    at = str(round(now(told).timestamp() * 1000))
    for head in ({}, {"X-HubSpot-Signature-v3": "no base64", "X-HubSpot-Request-Timestamp": at}):
        assert told.send(f"{PATH}/hubspot", b"{", head).status == 401
    for head in ({}, {"webhook-id": "a", "webhook-timestamp": "nan", "webhook-signature": "v1"}):
        assert told.send(f"{PATH}/salesforce", b"\xff", head).status == 401
    assert told.entries() == []


@pytest.mark.parametrize("body", [b"{", b"7", b"[" * 3000])
def test_a_signed_body_that_is_no_record_is_refused(told: Gateway, body: bytes) -> None:
    """What is signed and cannot be read is the CRM's fault, and said to be."""
    assert salesforce(told, body).status == 400


@pytest.mark.parametrize("source", ["none", "shop", "..%2Fforms%2Fkickoff"])
def test_what_has_no_mapping_and_secret_is_not_there(told: Gateway, source: str) -> None:
    """An unknown CRM is a 404, whatever it shows."""
    assert told.send(f"{PATH}/{source}", b"{}", {}).status == 404
