"""Browsers: pages of any origin may send events, since a key is shown by the page's own code and no cookie counts here.

Each answer allows it, refusals too: a page that may not read an answer takes it for a failure, and sends again.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALLOWED = {"Access-Control-Allow-Origin": "*"}
_EXPOSED = {**_ALLOWED, "Access-Control-Expose-Headers": "Retry-After"}
DAY = "86400"  # seconds for which a browser may remember that it may ask


class Browsers:
    """Answers what browsers ask beforehand, and marks every other answer as theirs to read."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what no page of another origin sends."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if "origin" not in headers:
            await self.app(scope, receive, send)
            return
        wanted = headers.get("access-control-request-method")
        if scope["method"] == "OPTIONS" and wanted is not None:
            asked = headers.get("access-control-request-headers", "")
            await _allowed(wanted, asked)(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_EXPOSED)
            await send(message)

        await self.app(scope, receive, marked)


def _allowed(method: str, headers: str) -> Response:
    told = {**_ALLOWED, "Access-Control-Allow-Methods": method, "Access-Control-Max-Age": DAY}
    if headers:
        told["Access-Control-Allow-Headers"] = headers
    return Response(status_code=204, headers=told)
