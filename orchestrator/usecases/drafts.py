"""``drafts``: what a person approves before it leaves. Approved, it goes to the door as all do; discarded, it ends.

A draft that nobody approves in time ends by name, as ``expired`` (``rescue`` sees to it).
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from orchestrator.core.decisions import Message, Note, NoteKind
from orchestrator.core.errors import LifecycleError
from orchestrator.core.playbook import Channel
from orchestrator.core.reasons import MessageReason
from orchestrator.messaging.compose import Letter, Sender, compose, full_context
from orchestrator.messaging.errors import MessagingError
from orchestrator.messaging.templates import TemplateSet
from orchestrator.store import decisions, events, messages
from orchestrator.store.messages import Claimed
from orchestrator.usecases.deliver import letter
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.receipts import outcome

_MOST_NAME = 500  # characters of who it was that are kept


class NoDraftError(LifecycleError):
    """No draft of this id waits for approval, or its time is over; ``lifecycle message drafts`` lists those that do."""


def waiting(ports: Ports, account: str | None = None) -> Iterator[tuple[Message, str]]:
    """Each draft as plain text, its subject or title first; why not, where it cannot be composed."""
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        for each in messages.drafts(connection, account):
            templates = ports.library.edition(connection, each.message.playbook_version).templates
            try:
                yield each.message, _shown(letter(each, now), each.message.channel, templates, ports.mailing.sender)
            except MessagingError as error:
                yield each.message, f"it cannot be composed: {error}"


def _shown(draft: Letter, channel: Channel, templates: TemplateSet, sender: Sender) -> str:
    """The words of a mail, or of a note in the product."""
    if channel is Channel.EMAIL:
        mail = compose(draft, templates, sender)
        body = mail.get_body(("plain",))
        return f"{mail['Subject']}\n\n{body.get_content() if body else ''}"
    banner = templates.banner(draft.template, draft.locale, full_context(draft, sender))
    return f"{banner.title}\n\n{banner.body.text}"


def approve(ports: Ports, message_id: UUID, who: str) -> None:
    """Let a draft leave; ``who`` says who wants it.

    Raises:
        NoDraftError: it is no draft, or its time is over.
    """
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        each = messages.approve(connection, message_id, now)
        if each is None:
            raise NoDraftError
        decisions.write_journal(connection, [(each.message.account, _note(each, "approved", who, now))], [])
    ports.nudges.deliver()


def discard(ports: Ports, message_id: UUID, who: str) -> None:
    """End a draft: it will not be sent; ``who`` says who wants it.

    Raises:
        NoDraftError: it is no draft.
    """
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        each = messages.discard(connection, message_id, MessageReason.DISCARDED, now)
        if each is None:
            raise NoDraftError
        decisions.write_journal(connection, [(each.message.account, _note(each, "discarded", who, now))], [])
        events.report(connection, [outcome(each, "message_cancelled", now, MessageReason.DISCARDED)])
    ports.nudges.wake()


def _note(each: Claimed, what: str, who: str, now: datetime) -> Note:
    detail = {"message": str(each.message.id), "play": each.message.play, "what": what, "who": who[:_MOST_NAME]}
    return Note(kind=NoteKind.DRAFT, at=now, detail=detail)
