"""The road with faults does to a request what its name says: else the proofs that lean on it prove nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests

from tests.acceptance.faulty import Fault, every_fault, road


@dataclass(slots=True)
class Behind:
    """A server at the end of the road."""

    port: int = 0
    bodies: list[bytes] = field(default_factory=list)  # of the requests that it took


@pytest.fixture
def behind() -> Iterator[Behind]:
    seen = Behind()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            body = self.rfile.read(size)
            if len(body) < size:
                return
            seen.bodies.append(body)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        seen.port = server.server_address[1]
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield seen
        server.shutdown()
        thread.join()


MET: dict[Fault, tuple[int | None, bool]] = {  # what the client is answered (None: nothing), and whether it was taken
    Fault.NONE: (200, True),
    Fault.TOO_MANY: (429, False),
    Fault.BROKEN: (500, False),
    Fault.AWAY: (503, False),
    Fault.STRANGE: (502, False),
    Fault.REFUSED: (None, False),
    Fault.CUT: (None, False),
    Fault.LOST: (None, True),
    Fault.SHORT: (None, True),
    Fault.LATE: (200, True),
}


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_does_what_it_says(behind: Behind, fault: Fault) -> None:
    """Each fault shows the client its answer or none, and lets the gateway have the request or not."""
    status: int | None = None
    with road(behind.port, [fault]) as way:
        try:
            status = requests.post(way.url, b"x" * 1000, timeout=5).status_code
        except requests.RequestException:
            status = None
    assert (status, bool(behind.bodies)) == MET[fault]


def test_no_two_faults_come_in_a_row() -> None:
    """A plan has every fault, and a request that gets through after each."""
    plan = every_fault(3)
    assert set(plan) == set(Fault)
    assert all(fault is Fault.NONE for fault in plan[1::2])
