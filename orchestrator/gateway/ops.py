"""Health and figures, on a port of their own, which is not for the outside."""

import asyncio
from collections.abc import Awaitable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import Connection
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.gateway.answers import said
from orchestrator.gateway.app import answer_errors
from orchestrator.gateway.door import Door
from orchestrator.intake.streams import CannotWaitError
from orchestrator.runtime.settings import Durability
from orchestrator.store.migrate import stands_at_head

READY_SECONDS = 3.0  # that a look at a server may take
NOT_MIGRATED = "not migrated: lifecycle migrate"


def create_ops(door: Door, collectors: tuple[Collector, ...] = ()) -> Starlette:
    """``/healthz``, ``/readyz`` and ``/metrics`` of a door; ``collectors`` bring figures of the installation."""
    for collector in collectors:
        door.figures.registry.register(collector)
    app = Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)],
    )
    app.state.door = door
    answer_errors(app)
    return app


async def healthz(request: Request) -> Response:  # noqa: ARG001 -- a route's signature
    """The process lives."""
    return said({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Events can be taken; else 503, and what is missing."""
    door: Door = request.app.state.door
    checks = await asyncio.gather(_checked(_broker(door)), _checked(_database(door)))
    told = dict(zip(("broker", "database"), checks, strict=True))
    keys = door.keys.is_read or told["database"] == "ok"
    ready = told["broker"] == "ok" and keys and told["database"] != NOT_MIGRATED
    return said({"status": "ready" if ready else "not ready", **told}, status=200 if ready else 503)


async def metrics(request: Request) -> Response:
    """Everything that is counted, as Prometheus reads it; collected in a thread, as collectors ask servers."""
    door: Door = request.app.state.door
    body = await asyncio.to_thread(generate_latest, door.figures.registry)
    return Response(body, media_type=CONTENT_TYPE_LATEST)


async def _checked(check: Awaitable[str]) -> str:
    """What a check says; whatever goes wrong in it is said in a word, without addresses."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await check
    except TimeoutError:
        return "does not answer in time"
    except Exception as error:  # noqa: BLE001 -- not ready, for whatever reason
        return f"away: {type(error).__name__}"


async def _broker(door: Door) -> str:
    return await asyncio.to_thread(_confirms, door)


def _confirms(door: Door) -> str:
    """Whether the broker answers, and can confirm what it is asked to confirm."""
    try:
        door.publisher.streams.check(confirm=door.settings.durability is Durability.DISK)
    except CannotWaitError as error:
        return f"{error} Or set LIFECYCLE_DURABILITY=memory."
    return "ok"


async def _database(door: Door) -> str:
    return await door.database(_migrated)


def _migrated(connection: Connection) -> str:
    return "ok" if stands_at_head(connection) else NOT_MIGRATED
