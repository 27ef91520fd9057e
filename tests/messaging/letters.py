"""Letters for tests: a plausible one, to be varied."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from uuid import UUID

from orchestrator.messaging.compose import Letter, Sender, compose
from orchestrator.messaging.context import sample_context
from orchestrator.messaging.templates import TemplateSet

FOLDER = Path(__file__).parents[2] / "templates"
FIGURES = ("hours_saved", "active_people", "core_actions", "core_actions_this_week", "modules")
SHIPPED = TemplateSet.from_folder(FOLDER)

SENDER = Sender(
    product_name="Lumen",
    product_url="https://app.lumen.example",
    mail_from="hello@lumen.example",
    reply_to="team@lumen.example",
    domain="lumen.example",
    postal_address="1 Harbour Street, Dublin",
    unsubscribe="stop@lumen.example",
)
LETTER = Letter(
    message_id=UUID("0190c0de-0000-7000-8000-000000000001"),
    template="day_1_core_feature",
    locale="en",
    address="ann@northwind.example",
    name="Ann Okafor",
    context=sample_context(FIGURES),
    dated=datetime(2026, 4, 1, 9, 30, tzinfo=UTC),
)


def letter(**changes: object) -> Letter:
    """The plausible letter, varied."""
    return replace(LETTER, **changes)  # type: ignore[arg-type]  # a mixture on purpose


def numbered(number: int) -> EmailMessage:
    """The mail of one of many letters, each with an id of its own."""
    return compose(letter(message_id=UUID(int=number)), SHIPPED, SENDER)


def received(mail: EmailMessage) -> EmailMessage:
    """The mail as its reader's program parses it."""
    parsed = message_from_bytes(mail.as_bytes(), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def bodies(mail: EmailMessage) -> tuple[str, str]:
    """HTML and plain text as received."""
    parsed = received(mail)
    html, text = parsed.get_body(("html",)), parsed.get_body(("plain",))
    assert html is not None
    assert text is not None
    return html.get_content(), text.get_content()
