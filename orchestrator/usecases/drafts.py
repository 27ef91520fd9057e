"""``drafts``: what a person approves before it leaves. Approved, it goes to the door as all do; discarded, it ends.

A draft that nobody approves in time ends by name, as ``expired`` (``rescue`` sees to it).
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from orchestrator.core.decisions import Message, Note, NoteKind
from orchestrator.core.errors import LifecycleError
from orchestrator.core.reasons import MessageReason
from orchestrator.messaging.compose import compose
from orchestrator.messaging.errors import MessagingError
from orchestrator.store import decisions, events, messages
from orchestrator.store.messages import Claimed
from orchestrator.usecases.deliver import letter, outcome
from orchestrator.usecases.ports import Ports

_MOST_NAME = 500  # characters of who it was that are kept


class NoDraftError(LifecycleError):
    """No draft of this id waits for approval, or its time is over; ``lifecycle message drafts`` lists those that do."""


def waiting(ports: Ports, account: str | None = None) -> Iterator[tuple[Message, str]]:
    """Each draft with its mail as plain text, subject first; why not, where it cannot be composed."""
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        for each in messages.drafts(connection, account):
            templates = ports.library.edition(connection, each.message.playbook_version).templates
            try:
                mail = compose(letter(each, now), templates, ports.mailing.sender)
            except MessagingError as error:
                yield each.message, f"it cannot be composed: {error}"
                continue
            body = mail.get_body(("plain",))
            yield each.message, f"{mail['Subject']}\n\n{body.get_content() if body else ''}"


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
