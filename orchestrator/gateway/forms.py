"""The page behind a signed link: what a colleague is asked of an account, without a login and without scripts.

Link scanners send HEAD and GET to every address in a mail, so neither changes anything; POST writes down, and the same
page sent twice counts once. The page loads nothing from anywhere, tells nobody where it was, and may not be framed.
"""

import base64
import secrets
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jinja2
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from orchestrator.gateway import bodies
from orchestrator.gateway.accounts import spoken
from orchestrator.gateway.answers import MEANING, Refusal
from orchestrator.gateway.door import Door
from orchestrator.intake.forms import Answer, FormError, filled
from orchestrator.intake.links import ExpiredLinkError, Link, NoLinkError, opened
from orchestrator.usecases.overrule import UnknownAccountError
from orchestrator.usecases.page import Page, page, take

MOST_FIELDS = 300  # of a sent page: 50 questions have three controls each
LONGEST_NONCE = 64  # characters
_HERE = Path(__file__).parent

router = APIRouter(tags=["forms"])


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    html = {"text/html": {"schema": {"type": "string"}}}
    return {status: {"description": MEANING[status], "content": html} for status in sorted({*statuses, 500})}


@router.head("/f/{token}", include_in_schema=False)
@router.get(
    "/f/{token}",
    summary="The page behind a signed link; nothing is changed by looking at it.",
    operation_id="look_at_form",
    response_class=HTMLResponse,
    responses=_documented(200, 404, 410, 429, 503),
)
async def look(request: Request, token: str) -> Response:
    """Show what is asked."""
    door: Door = request.app.state.door
    try:
        _, asked = await _page(door, token)
    except Refusal as refusal:
        return _sorry(refusal)
    return _asking(asked, {}, {})


@router.post(
    "/f/{token}",
    summary="What was answered on the page behind a signed link.",
    operation_id="send_form",
    response_class=HTMLResponse,
    responses=_documented(200, 400, 404, 408, 410, 413, 429, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}},
        }
    },
)
async def send(request: Request, token: str) -> Response:
    """Write down what was answered, and say thank you."""
    door: Door = request.app.state.door
    try:
        link, asked = await _page(door, token)
        sent = _sent(await bodies.read(request))
        said = filled(asked.questions, sent, asked.now.date())
        if said.faults:
            return _asking(asked, sent, said.faults)
        nonce = sent.get("nonce", "")[:LONGEST_NONCE]
        await spoken(door, lambda: take(door.ports, link, said, nonce, asked.now))
    except Refusal as refusal:
        return _sorry(refusal)
    return _html(title="Thank you", company=asked.company, told=["This is kept:"], noted=[*map(_noted, said.answers)])


async def _page(door: Door, token: str) -> tuple[Link, Page]:
    """What a link permits, and what it asks. Raises Refusal."""
    now = await door.now()
    try:
        link = opened(door.settings.link_secrets, token, now)
        return link, await door.aside(lambda: page(door.ports, door.settings.templates, link))
    except ExpiredLinkError as error:
        raise Refusal(410, "expired", str(error)) from None
    except NoLinkError as error:
        raise Refusal(404, "no_link", str(error)) from None
    except (UnknownAccountError, FormError):
        raise Refusal(404, "no_form", "What the link led to is not there any more.") from None


def _sent(body: bytes) -> dict[str, str]:
    """The fields of a sent page; of a doubled one the last counts."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Refusal(400, "bad_form", "The page has more fields than it was sent with.") from None
    return dict(pairs)


def _noted(answer: Answer) -> str:
    asked = answer.question
    words = {"yes": "yes", "no": "no longer"} if asked.kind == "judgement" else asked.options
    value = "" if asked.kind == "event" and not asked.options else f": {words.get(answer.value, answer.value)}"
    on = "" if answer.on is None else f", {answer.on.isoformat()}"
    return f"{asked.ask.rstrip('?') if value else asked.ask}{value}{on}" + (f" ({answer.note})" if answer.note else "")


# ------------------------------------------------------------------------------------------------------------- the page


def _asking(asked: Page, sent: Mapping[str, str], faults: Mapping[str, str]) -> Response:
    nonce = sent.get("nonce") or secrets.token_urlsafe(16)
    told = [asked.intro] if asked.intro else []
    return _html(
        400 if faults else 200,
        title=asked.title,
        company=asked.company,
        told=told,
        asking=True,
        questions=asked.questions,
        today=asked.now.date().isoformat(),
        sent=sent,
        faults=faults,
        nonce=nonce[:LONGEST_NONCE],
    )


def _sorry(refusal: Refusal) -> Response:
    titles = {404: "This link does not work", 410: "This link has expired"}
    title = titles.get(refusal.status, "This did not work")
    again = "It may work in a moment: try again." if refusal.status in {408, 429, 503} else ""
    return _html(refusal.status, refusal.headers, title=title, told=[str(refusal), *filter(None, [again])])


def _html(status: int = 200, headers: Mapping[str, str] | None = None, **told: object) -> Response:
    css, template, policy = _assets()
    nothing: dict[str, object] = {"company": "", "noted": [], "faults": {}, "asking": False}
    text = template.render(**{**nothing, **told}, css=css)
    return HTMLResponse(text, status, {**(headers or {}), **HEADERS, "Content-Security-Policy": policy})


HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


@cache
def _assets() -> tuple[str, jinja2.Template, str]:
    """The style, the page, and what a browser may load for it: nothing but this very style."""
    css = (_HERE / "page.css").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False)
    digest = base64.b64encode(sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return css, environment.from_string((_HERE / "page.html").read_text(encoding="utf-8")), policy
