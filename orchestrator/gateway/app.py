"""The application: routes, one shape of errors, and what goes around every request.

``create_app`` is the only factory; another module's routes go into ``ROUTERS``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.gateway import bodies, intake
from orchestrator.gateway.answers import Refusal, problem
from orchestrator.gateway.door import Door

ROUTERS: tuple[APIRouter, ...] = (intake.router,)
"""Whatever answers at the gateway's port."""

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
    _answer_errors(app)
    app.add_middleware(Doorway, door=door)
    return app


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


def _answer_errors(app: FastAPI) -> None:
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _failed)


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- a handler's signature
    assert isinstance(error, Refusal)  # noqa: S101 -- it is registered for nothing else
    return error.response()


async def _not_there(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- a handler's signature
    assert isinstance(error, HTTPException)  # noqa: S101 -- it is registered for nothing else
    status = HTTPStatus(error.status_code)
    return problem(status, status.name.lower(), f"{status.description or status.phrase}.", error.headers)


async def _not_valid(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- a handler's signature
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- it is registered for nothing else
    told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5])
    return problem(400, "invalid", told)


async def _gone(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- a handler's signature
    return problem(GONE, "client_gone", "The client hung up.")


async def _failed(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- a handler's signature
    return problem(500, "internal_error", "The gateway failed on this; it is in its log.")


# ------------------------------------------------------------------------------------------------- around requests


class Doorway:
    """Around each request: is there room for it, and what became of it."""

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
        if not self.door.room.enter():
            await bodies.busy().response()(scope, receive, answer)
            self._count(scope, answer.status, began)
            return
        try:
            await self.app(scope, receive, answer)
        finally:
            self.door.room.leave(scope)
            self._count(scope, answer.status, began)

    def _count(self, scope: MutableMapping[str, Any], status: int, began: float) -> None:
        route = getattr(scope.get("route"), "path", UNKNOWN)
        self.door.figures.answered(route, status, time.monotonic() - began)


class _Answer:
    """Passes an answer on, and remembers its status."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.status = GONE

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self.send(message)
