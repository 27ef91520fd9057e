"""The application: routes, one shape of errors, and what goes around every request.

``create_app`` is the only factory; another module's routes go into ``ROUTERS``.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from itertools import chain
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.gateway import accounts, bodies, crm, forms, intake, shapes
from orchestrator.gateway.answers import Refusal, problem
from orchestrator.gateway.browsers import Browsers
from orchestrator.gateway.door import Door

logger = logging.getLogger(__name__)

ROUTERS: tuple[APIRouter, ...] = (intake.router, accounts.router, crm.router, forms.router)
"""Whatever answers at the gateway's port."""

SCHEMES = {
    "basic": {"type": "http", "scheme": "basic", "description": "The write key as the user, no password."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The write key as the token."},
}
MOST_TOLD = 5  # faults of a request that its answer names
GONE = 499  # in the figures: the client hung up before its answer
UNKNOWN = "unknown"  # in the figures: a path that is none, so that strangers cannot make up routes


def create_app(door: Door) -> FastAPI:
    """The gateway on a door: its documentation is ``/openapi.json``, without pages that load others' scripts."""
    app = FastAPI(
        title="lifecycle-orchestrator",
        summary="Events in, from any client library.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,  # clients lose the body or the key on a 307
    )
    app.state.door = door
    for router in ROUTERS:
        app.include_router(router)
    answer_errors(app)
    app.add_middleware(Doorway, door=door)
    app.add_middleware(Browsers)
    app.openapi = partial(_described, app)  # type: ignore[method-assign]  # FastAPI's own way to replace it
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: ours has no 422, and says how a key is shown."""
    if app.openapi_schema is None:
        told = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        for operation in (each for path in told["paths"].values() for each in path.values()):
            operation["responses"].pop("422", None)
        schemas = told.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas |= shapes.components()
        told["components"]["securitySchemes"] = SCHEMES
        app.openapi_schema = told
    return app.openapi_schema


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Publish and keep the keys fresh while requests are served; when this ends, all of them have been answered."""
    door: Door = app.state.door
    await door.keys.refresh()
    tasks = [asyncio.create_task(work) for work in (door.publisher.run(), door.keys.keep_fresh())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        door.publisher.close()


# --------------------------------------------------------------------------------------------------------- errors


def answer_errors(app: Starlette) -> None:
    """Give an application the one shape of errors."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(ClientDisconnect, _gone)


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- a handler's signature
    assert isinstance(error, Refusal)  # noqa: S101 -- it is registered for nothing else
    return error.response()


async def _not_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- it is registered for nothing else
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed(request.scope, headers.get("Allow", ""))
    return problem(status, status.name.lower(), f"{status.description or status.phrase}.", headers)


def _allowed(scope: Scope, first: str) -> str:
    """The methods of all routes written like the one that says most of this path; the framework names the first's."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, Route)]
    paths = [route.path for route in routes if route.matches(scope)[0] is not Match.NONE]
    named = (route.methods or () for route in routes if paths and route.path == max(paths, key=len))
    return ", ".join(sorted(set(chain.from_iterable(named)))) or first


async def _not_valid(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- a handler's signature
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- it is registered for nothing else
    told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:MOST_TOLD])
    return problem(400, "invalid", told)


async def _gone(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- a handler's signature
    return problem(GONE, "client_gone", "The client hung up.")


# ------------------------------------------------------------------------------------------------- around requests


class Doorway:
    """Around each request: is there room for it, what became of it, and our own faults."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        """Stand before an application."""
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in if there is room, and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, answer = time.monotonic(), _Answer(send)
        scope["path"] = intake.ALIASES.get(scope["path"], scope["path"])
        if self.door.room.enter():
            try:
                await self._answered(scope, receive, answer)
            finally:
                self.door.room.leave(scope)
        else:
            await bodies.busy().response()(scope, receive, answer)
        route = getattr(scope.get("route"), "path", UNKNOWN)
        self.door.figures.answered(route, answer.status, time.monotonic() - began)

    async def _answered(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self.app(scope, receive, answer)
        except Exception:
            logger.exception("a request failed")
            if answer.status == GONE:  # nothing was said yet
                failed = problem(500, "internal_error", "The gateway failed on this; it is in its log.")
                await failed(scope, receive, answer)


class _Answer:
    """Passes an answer on, and remembers its status."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.status = GONE

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        try:
            await self.send(message)
        except RuntimeError as error:
            if "closed" not in str(error):  # uvloop's word for a client that has hung up
                raise
            self.status = GONE
