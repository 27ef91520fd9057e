"""Every way in: each dialect at each of its paths, what refuses a body as a whole, and the document that tells it."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from orchestrator.core.events import Json
from orchestrator.gateway.answers import MEANING
from orchestrator.gateway.intake import ALIASES, WAYS
from tests.gateway.live import Gateway, ask, basic

WHO: dict[str, Json] = {"userId": "u-1", "context": {"groupId": "acme"}}
CLOUD: dict[str, Json] = {"specversion": "1.0", "id": "c-1", "source": "/app", "type": "Signed In", "subject": "u-1"}
POSTHOG: dict[str, Json] = {"event": "Signed In", "distinct_id": "u-1", "properties": {}}
SAID: dict[str, Json] = {
    "track": {**WHO, "event": "Signed In"},
    "identify": {**WHO, "traits": {"name": "Ann"}},
    "page": {**WHO, "name": "Home"},
    "screen": {**WHO, "name": "Home"},
    "group": {**WHO, "groupId": "acme", "traits": {}},
    "alias": {"userId": "u-1", "previousId": "anon-1"},
    "batch": {"batch": [{**WHO, "type": "track", "event": "Signed In"}]},
    "plain": [{"event": "Signed In", "account": "acme", "person": "u-1"}],
    "cloudevents": {**CLOUD, "data": {"account": "acme"}},
    "posthog": {**POSTHOG},
}
PATHS = [(way.dialect.value, path) for way in WAYS for path in (way.path, *way.aliases)]


@pytest.mark.parametrize("dialect", sorted(SAID))
def test_each_dialect_is_taken_at_each_of_its_paths(gateway: Gateway, dialect: str) -> None:
    """What a client library sends is answered 200 at every path that libraries use for it, and is one entry each."""
    paths = [path for name, path in PATHS if name == dialect]
    answers = {path: gateway.post(path, SAID[dialect]) for path in paths}
    assert {path: (answer.status, answer["success"]) for path, answer in answers.items()} == dict.fromkeys(
        paths, (200, True)
    )
    assert len(gateway.entries()) == len(paths)
    assert not any(entry.get(b"refused") for entry in gateway.entries())


def test_posthog_may_send_its_batch_where_segment_does(gateway: Gateway) -> None:
    """/batch/ takes PostHog's events too, under the key in their api_key."""
    batch: Json = {"api_key": gateway.secret, "batch": [{**POSTHOG}]}
    assert gateway.post("/batch/", batch, {}).status == 200
    (entry,) = gateway.entries()
    assert orjson.loads(entry[b"call"])["event"] == "Signed In"


def test_a_cloud_event_may_come_in_binary_mode(gateway: Gateway) -> None:
    """The attributes of a CloudEvent may stand in the head, its data in the body."""
    head = {f"ce-{name}": str(value) for name, value in CLOUD.items()}
    answer = gateway.send("/v1/cloudevents", b'{"account": "acme"}', {**basic(gateway.secret), **head})
    assert answer.status == 200
    assert len(gateway.entries()) == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/track", b"", 400, "not_json"),
        ("/v1/track", b"{", 400, "not_json"),
        ("/v1/track", b"[1]", 200, ""),
        ("/v1/track", b'{"event": "x"}', 400, "no_identity"),
        ("/v1/batch", b'{"batch": 1}', 400, "bad_field"),
        ("/v1/batch", b"{}", 400, "missing_field"),
        ("/v1/events", b'{"account": "a", "evnt": "x"}', 400, "bad_field"),
        ("/v1/batch", b'{"batch": [' + b"1," * 20_000 + b"1]}", 413, "too_many"),
    ],
)
def test_what_is_refused_is_kept(gateway: Gateway, path: str, body: bytes, status: int, code: str) -> None:
    """A body of which nothing is an event is answered 400, too many items 413; it is kept, with the reason."""
    answer = gateway.send(path, body)
    assert answer.status == status
    if code:
        assert answer["code"] == code
    (entry,) = gateway.entries()
    assert entry[b"refused"].decode().startswith(f"{code or 'bad_field'}: ")


def test_a_refused_body_is_kept_without_the_key_in_it(gateway: Gateway) -> None:
    """A write key in a body that cannot be read is not kept with it."""
    body = b'{"writeKey": "%b", "event": }' % gateway.secret.encode()
    assert gateway.send("/v1/track", body, {}).status == 400
    (entry,) = gateway.entries()
    assert gateway.secret.encode() not in entry[b"call"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("GET", "/v1/track", 405, "method_not_allowed"),
        ("GET", "/docs", 404, "not_found"),
        ("DELETE", "/v1/batch", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there_is_said_in_json(gateway: Gateway, method: str, path: str, status: int, code: str) -> None:
    """An unknown path and a wrong method are answered with a code and a message as well."""
    answer = ask(gateway.url, method, path)
    assert (answer.status, answer["code"]) == (status, code)
    assert answer["message"]
    assert status != 405 or answer.headers["Allow"] == "POST"


def test_a_page_of_another_origin_may_send(gateway: Gateway) -> None:
    """A browser that asks beforehand is allowed, and may read every answer, a refusal too."""
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    allowed = ask(gateway.url, "OPTIONS", "/v1/track", None, asked)
    assert (allowed.status, allowed.headers["Access-Control-Allow-Origin"]) == (204, "*")
    refused = gateway.post("/v1/track", {}, {"Origin": "https://shop.example"})
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, "*")


def document(gateway: Gateway) -> Mapping[str, Any]:
    told: Mapping[str, Any] = orjson.loads(ask(gateway.url, "GET", "/openapi.json").body)
    return told


def test_the_document_tells_each_way_with_all_its_answers(gateway: Gateway) -> None:
    """Each way in is in the OpenAPI document, once, with what it takes and every status that it may answer."""
    paths = document(gateway)["paths"]
    assert {way.path for way in WAYS} <= set(paths)
    assert not set(ALIASES) & set(paths)
    for way in WAYS:
        told = paths[way.path]["post"]
        assert set(told["responses"]) == {"200", "400", "401", "408", "413", "429", "500", "503"}
        assert told["requestBody"]["content"]
    for path in paths.values():
        for operation in path.values():
            assert set(operation["responses"]) <= set(map(str, MEANING))


def test_the_document_hangs_together(gateway: Gateway) -> None:
    """Whatever the document refers to is in it."""
    told = document(gateway)

    def references(value: Any) -> set[str]:  # noqa: ANN401 -- any JSON
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    named = {f"#/components/schemas/{name}" for name in told["components"]["schemas"]}
    assert references(told) <= named
