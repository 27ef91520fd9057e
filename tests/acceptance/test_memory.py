"""Memory stays flat: gateway, workers, deliverer and beat, while hundreds of thousands of events come in over HTTP.

``SOAK_EVENTS`` says how many; a leak shows with a tenth of them as well, only nearer to the noise.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from orchestrator.runtime.supervisor import Part
from tests.acceptance.doorway import Doorway
from tests.acceptance.plant import Plant, standing, until
from tests.usecases.playbooks import HELLO, WEEKLY, tiny

EVENTS = int(os.environ.get("SOAK_EVENTS", "300000"))
BATCH = 100
AN_ACCOUNT = 50  # events
WARM = 3  # a third of the events pass before memory is looked at: until then caches and pools fill
ROOM = 12 * 1024  # KiB that a process may grow by in the other two thirds: 60 bytes an event
PATIENCE = 1800
PATIENT = Retry(total=PATIENCE, allowed_methods=None, status_forcelist=[429])  # comes again when Retry-After says


class Whole(Doorway):
    """An installation with all its parts, a deliverer too."""

    def _parts(self) -> list[Part]:
        return Plant._parts(self)


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    playbook = tmp_path / "soaked.yaml"
    playbook.write_text(tiny(HELLO, WEEKLY), encoding="utf-8")
    made = Whole(playbook=playbook)
    standing.append(made)
    try:
        made.build()
        made.start()
        yield made
    finally:
        standing.remove(made)
        made.raze()


def batches(events: range) -> Iterator[bytes]:
    """What a product says: each account signs up, and then is used."""
    now = datetime.now(UTC).isoformat()
    for start in range(events.start, events.stop, BATCH):
        yield orjson.dumps({"batch": [call(number, now) for number in range(start, start + BATCH)]})


def call(number: int, now: str) -> dict[str, object]:
    account, step = divmod(number, AN_ACCOUNT)
    said: dict[str, object] = {
        "messageId": f"soak-{number}",
        "userId": f"person-{account}",
        "timestamp": now,
        "context": {"groupId": f"account-{account}"},
    }
    if step == 0:
        traits = {"email": f"person-{account}@soak.example", "name": "Ann"}
        return {**said, "type": "identify", "traits": traits}
    name = "Signed Up" if step == 1 else f"Logged In {number % 7}" if step % 2 else "Logged In"
    return {**said, "type": "track", "event": name, "properties": {"step": step}}


def send(whole: Whole, key: str, events: range) -> None:
    """Send them, as fast as they are taken, and wait until they are decided and mailed."""
    with requests.Session() as session:
        session.auth = (key, "")
        session.mount(whole.url, HTTPAdapter(max_retries=PATIENT))
        for body in batches(events):
            answer = session.post(f"{whole.url}/v1/batch", data=body, timeout=30)
            assert answer.status_code == 200, answer.text
    whole.until_drained(PATIENCE)
    busy = "SELECT count(*) FROM messages WHERE state IN ('pending', 'claimed', 'sending')"
    until(lambda: not whole.value(busy), "all mail has left", PATIENCE)


def grown(whole: Whole) -> dict[str, int]:
    """KiB of its own that each process holds, by part and process id; forked ones too."""
    found = {}
    for name, pid in whole.pids.items():
        for each in (pid, *whole.children(name)):
            status = Path(f"/proc/{each}/status").read_text(encoding="ascii")
            (held,) = (line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:"))
            found[f"{name} {each}"] = int(held)
    return found


@pytest.mark.soak
@pytest.mark.timeout(2 * PATIENCE)
def test_the_memory_of_every_process_is_flat(whole: Whole) -> None:
    """Hundreds of thousands of events after the warming up no process holds more than a few megabytes more."""
    key = whole.key("soak")
    send(whole, key, range(EVENTS // WARM))
    warm, bytes_warm = grown(whole), whole.ports.streams.client.info()["used_memory"]
    send(whole, key, range(EVENTS // WARM, EVENTS))
    after = grown(whole)
    print({name: (held, after.get(name)) for name, held in warm.items()})  # noqa: T201 -- the figures are the point
    assert set(after) == set(warm), "a process was started anew"
    assert {name: after[name] - held for name, held in warm.items() if after[name] - held > ROOM} == {}
    assert whole.ports.streams.client.info()["used_memory"] < bytes_warm + 1024 * ROOM
    assert whole.value("SELECT count(*) FROM events WHERE source = 'soak'") == EVENTS
