"""What is told of an account at the gateway: put on the stream under the key's source, or written down at once."""

from typing import Any

import orjson
import pytest

from orchestrator.core.events import Json
from orchestrator.store.documents import unpacked
from orchestrator.usecases.drain import drain
from orchestrator.usecases.wake import wake
from tests.gateway.live import Answer, Gateway, ask, basic

ANN = "ann@acme.example"


def put(told: Gateway, body: Json, account: str = "acme", **headers: str) -> Answer:
    return ask(told.url, "PUT", f"/v1/accounts/{account}", orjson.dumps(body), {**basic(told.secret), **headers})


def decide(told: Gateway) -> None:
    """Let what is on the streams be decided."""
    for shard in range(told.door.shards):
        drain(told.door.ports, shard, "test")
    wake(told.door.ports)


def facts(told: Gateway, account: str = "acme") -> dict[str, Any]:
    with told.door.ports.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT document FROM accounts WHERE id = %s", (account,)).scalar_one()
    found: dict[str, Any] = unpacked(kept)["facts"]
    return found


def test_what_is_told_is_a_fact_after_the_next_drain(told: Gateway) -> None:
    """PUT answers what was understood; the drain applies it, under the key's source."""
    answer = put(told, {"arr": "€120,000", "renewal_at": "2026-12-31", "champion": ANN, "tier": "gold"})
    assert answer.status == 200
    assert answer["accepted"] == {
        "arr": 120000,
        "currency": "EUR",
        "renewal_at": "2026-12-31T00:00:00+00:00",
        "tier": "gold",
    }
    assert (answer["applied"], answer["people"]) == ("by the next drain", 1)
    assert any("tier" in note for note in answer["notes"])
    assert {fields[b"source"] for fields in told.entries()} == {b"shop"}
    decide(told)
    assert facts(told)["traits"]["arr"][0] == 120000


def test_only_what_is_given_changes(told: Gateway) -> None:
    """A second body changes its own fields only, and null clears."""
    bodies: list[Json] = [{"arr": 1, "renewal_at": "2026-12-31"}, {"arr": None}]
    for body in bodies:
        assert put(told, body).status == 200
        decide(told)
    traits = facts(told)["traits"]
    assert (traits["arr"][0], traits["renewal_at"][0] is None) == (None, False)


def test_the_same_under_a_key_is_one_event(told: Gateway) -> None:
    """A retry under an Idempotency-Key counts once, whenever it comes."""
    for _ in range(2):
        assert put(told, {"arr": 3}, **{"Idempotency-Key": "k-7"}).status == 200
    first, second = (fields[b"call"] for fields in told.entries())
    assert first == second


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"arr": "much", "seats": -1}, "bad_field", "expected a number such as 120000, got 'much'; seats: expected"),
        ([], "bad_json", "no JSON object"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(told: Gateway, body: Json, code: str, message: str) -> None:
    """A refused body names its fields, and nothing of it is put anywhere."""
    answer = put(told, body)
    assert (answer.status, answer["code"]) == (400, code)
    assert message in answer["message"]
    assert told.entries() == []


def test_without_a_key_nothing_is_told(told: Gateway) -> None:
    """Whoever shows no write key is refused."""
    assert ask(told.url, "PUT", "/v1/accounts/acme", b"{}").status == 401
    assert ask(told.url, "POST", "/v1/accounts/acme/log", b"{}").status == 401


@pytest.mark.parametrize("account", ["a%2Fb", "%5B%2Fred%5D", "m%C3%BCller"])
def test_an_account_may_have_any_id(told: Gateway, account: str) -> None:
    """Slashes, brackets and umlauts in an id are part of it."""
    assert put(told, {"arr": 1}, account).status == 200


@pytest.mark.parametrize("account", ["%00", "%20", "x" * 300])
def test_an_id_that_is_none_is_refused(told: Gateway, account: str) -> None:
    """What cannot be an id is answered, never an error of ours."""
    assert put(told, {"arr": 1}, account).status == 400


def log(told: Gateway, body: Json, account: str = "acme", **headers: str) -> Answer:
    return told.post(f"/v1/accounts/{account}/log", body, {**basic(told.secret), **headers})


def test_a_word_is_written_down_at_once(told: Gateway) -> None:
    """What a human says is a fact after the next wake; a retry under a key counts once."""
    for _ in range(2):
        answer = log(told, {"event": "login", "by": "mei", "properties": {"tickets": 2}}, **{"Idempotency-Key": "w-1"})
        assert answer.status == 200
    decide(told)
    assert facts(told)["events"]["login"][0] == 1


@pytest.mark.parametrize(
    ("body", "account", "status", "message"),
    [
        ({"event": "logn", "by": "mei"}, "acme", 400, "did you mean `login`"),
        ({"event": "login", "by": "mei"}, "acne", 404, "no account"),
        ({"event": "login"}, "acme", 400, "by: Field required"),
        ({"by": "mei"}, "acme", 400, "Say one of"),
        ({"event": "login", "judgement": "x", "by": "mei"}, "acme", 400, "Say one of"),
        ({"event": "login", "by": "mei", "at": "noon"}, "acme", 400, "at: expected a date"),
        ({"event": "login", "by": "mei", "at": "2999-01-01"}, "acme", 400, "between 2000 and now"),
        ({"event": "login", "by": "mei", "properties": {"a": "\0"}}, "acme", 400, "nul_character"),
        ({"goal": "save", "met": True, "by": "mei"}, "acme", 400, "no goal"),
    ],
)
def test_what_may_not_be_said_is_refused(told: Gateway, body: Json, account: str, status: int, message: str) -> None:
    """The playbook's vocabulary is the list, and each refusal says what is wrong."""
    answer = log(told, body, account)
    assert (answer.status, message in answer["message"]) == (status, True), answer.body


def test_another_word_under_a_key_is_a_conflict(told: Gateway) -> None:
    """The first word stands."""
    key = {"Idempotency-Key": "w-2"}
    assert log(told, {"goal": "save", "text": "Save an hour", "by": "mei"}, **key).status == 200
    assert log(told, {"event": "login", "by": "mei"}, **key).status == 409


@pytest.mark.parametrize(
    ("path", "allowed"), [("/v1/accounts/a", "PUT"), ("/v1/accounts/a/log", "POST"), ("/f/x", "GET, HEAD, POST")]
)
def test_a_wrong_method_is_told_the_right_ones(told: Gateway, path: str, allowed: str) -> None:
    """A 405 names every method that the path answers to."""
    answer = ask(told.url, "DELETE", path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
