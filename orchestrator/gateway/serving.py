"""The process: two servers in one event loop, one for events and one for health and figures.

On SIGTERM it takes no new connection, answers what it has taken (so what was accepted is published), and ends with 0.
"""

import asyncio
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from orchestrator.gateway.app import create_app
from orchestrator.gateway.door import Door
from orchestrator.gateway.figures import figures
from orchestrator.gateway.keyring import KeyRing
from orchestrator.gateway.ops import create_ops
from orchestrator.gateway.publisher import Publisher
from orchestrator.gateway.wire import Wire
from orchestrator.runtime.addresses import Addresses
from orchestrator.runtime.composition import Installation, gateway_streams, install
from orchestrator.runtime.exporter import collectors
from orchestrator.runtime.servers import serving
from orchestrator.runtime.settings import Durability, Settings
from orchestrator.store import write_keys
from orchestrator.store.write_keys import WriteKey

logger = logging.getLogger(__name__)

GRACE_SECONDS = 12  # for requests under way when it is told to end: longer than any waits for the broker
SWITCH_SECONDS = 0.001  # that one thread keeps another waiting: the publisher's has the disk's word in its hands
LOOK_SECONDS = 0.01  # between two looks whether both servers listen
KEEP_ALIVE_SECONDS = 65  # an idle connection is kept: longer than the load balancers' usual 60


def main() -> None:
    """Serve until told to end."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings.load()
    sys.setswitchinterval(SWITCH_SECONDS)
    with serving(settings) as addresses:
        installation = install(settings, addresses)
        try:
            with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:  # uvloop's, where it is
                runner.run(_serve(open_door(installation, addresses)))
        finally:
            installation.close()


def open_door(installation: Installation, addresses: Addresses) -> Door:
    """Compose what the routes work with; connects to nothing yet. Belongs into the loop that serves."""
    settings = installation.settings
    counted = figures()
    publisher = Publisher(
        gateway_streams(settings, addresses),
        counted,
        confirmed=settings.durability is Durability.DISK,
        most_waiting=settings.most_waiting,
    )
    return Door(
        settings=settings,
        ports=installation.ports,
        keys=KeyRing(lambda: _all_keys(installation)),
        publisher=publisher,
        figures=counted,
    )


def _all_keys(installation: Installation) -> list[WriteKey]:
    with installation.ports.engine.connect() as connection:
        return write_keys.all_keys(connection)


class _Server(uvicorn.Server):
    """A server that is told to end by us: two of them would fight for the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


class Serving:
    """The two servers of a door."""

    def __init__(self, door: Door) -> None:
        """Listen to nothing yet."""
        settings = door.settings
        self.up = threading.Event()  # set once both of them listen
        self._events = _server(create_app(door), settings.gateway_host, settings.gateway_port)
        self._ops = _server(
            create_ops(door, collectors(door.ports, settings.most_waiting)),
            settings.gateway_host,
            settings.gateway_ops_port,
        )

    async def run(self) -> None:
        """Serve until told to end; then answer what was taken, and return. A port that is taken ends the process."""
        events, ops = (_bound(server) for server in (self._events, self._ops))
        beside = [asyncio.create_task(self._ops.serve([ops])), asyncio.create_task(self._say_up())]
        try:
            await self._events.serve([events])
        finally:
            self._ops.should_exit = True
            await asyncio.gather(*beside)

    async def _say_up(self) -> None:
        while not (self._events.started and self._ops.started):
            if self._events.should_exit or self._ops.should_exit:
                return
            await asyncio.sleep(LOOK_SECONDS)
        self.up.set()

    def end(self) -> None:
        """Take nothing more; may be called from anywhere."""
        self._events.should_exit = True


async def _serve(door: Door) -> None:
    serving_both = Serving(door)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving_both.end)
    await serving_both.run()


def _bound(server: _Server) -> socket.socket:
    try:
        return server.config.bind_socket()
    except SystemExit:
        told = "cannot listen on %s port %d: see GATEWAY_HOST, GATEWAY_PORT and GATEWAY_OPS_PORT"
        logger.error(told, server.config.host, server.config.port)  # noqa: TRY400 -- uvicorn has said why
        raise


def _server(app: ASGIApp, host: str, port: int) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,  # a line a request would name who sends what, and cost as much as the request
            log_level="warning",
            server_header=False,
            proxy_headers=False,  # nothing here asks who the client is
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            http=Wire,
            ws="none",
        )
    )
