"""Products that send without pause, and remember what they were promised: which calls were answered 200."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests

from tests.acceptance.plant import until
from tests.acceptance.said import BEGAN

PRODUCTS = 6  # that send at a time
CALLS = 7  # a batch
TIMEOUT = 12  # seconds for an answer
PAUSE = 0.05  # seconds after a refusal


@dataclass(slots=True)
class Load:
    """What a number of products sent, each call once, and what they heard."""

    url: str
    key: str
    name: str  # part of each id
    answered: set[str] = field(default_factory=set)  # ids of calls whose batch was answered 200
    open: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # batches that were not, by their first id
    statuses: Counter[int] = field(default_factory=Counter)  # what was answered; 0: nothing
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def sent(self) -> set[str]:
        """The ids of all calls that were ever sent."""
        return self.answered | {call["messageId"] for batch in self.open.values() for call in batch}

    def until_more(self, calls: int) -> None:
        """Return once so many further calls were answered 200."""
        wanted = len(self.answered) + calls
        until(lambda: len(self.answered) >= wanted, f"{calls} more calls are answered")

    def resend(self) -> None:
        """Send what was not answered again, with the same ids, until all is."""
        with requests.Session() as session:
            for _ in range(100):
                for batch in list(self.open.values()):
                    self._send(session, batch)
                if not self.open:
                    return
        raise AssertionError(f"not taken in a hundred tries: {len(self.open)} batches, answers {self.statuses}")

    def run(self, product: int) -> None:
        """Be one product, until it is over."""
        with requests.Session() as session:
            number = 0
            while not self._over.is_set():
                number += 1
                self._send(session, [self._call(product, number, place) for place in range(CALLS)])

    def stop(self) -> None:
        """Let each product end with the batch that it is sending."""
        self._over.set()

    def _send(self, session: requests.Session, batch: list[dict[str, Any]]) -> None:
        try:
            status = session.post(
                f"{self.url}/v1/batch", json={"batch": batch}, auth=(self.key, ""), timeout=TIMEOUT
            ).status_code
        except requests.RequestException:
            status = 0
        with self._lock:
            self.statuses[status] += 1
            first = batch[0]["messageId"]
            if status == 200:
                self.answered.update(call["messageId"] for call in batch)
                self.open.pop(first, None)
            else:
                self.open[first] = batch
        if status != 200:
            self._over.wait(PAUSE)

    def _call(self, product: int, number: int, place: int) -> dict[str, Any]:
        account = f"{self.name}-{(product + number + place) % 20}"
        return {
            "type": "track",
            "messageId": f"{self.name}-{product}-{number}-{place}",
            "userId": f"{account}-ann",
            "event": "Logged In",
            "timestamp": (BEGAN + timedelta(seconds=number * CALLS + place)).isoformat(),
            "context": {"groupId": account},
            "properties": {"tickets": 1},
        }


@contextmanager
def loaded(url: str, key: str, name: str) -> Iterator[Load]:
    """Products at work, for the length of the block."""
    load = Load(url=url, key=key, name=name)
    threads: Sequence[threading.Thread] = [
        threading.Thread(target=load.run, args=(product,), name=f"product-{product}") for product in range(PRODUCTS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stop()
        for thread in threads:
            thread.join(2 * TIMEOUT)
    assert not any(thread.is_alive() for thread in threads)
