"""``handouts``: what the owner of open work is handed, in the words of the version that opened it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from orchestrator.core.playbook import Escalate
from orchestrator.messaging.compose import compose_note
from orchestrator.messaging.templates import Note
from orchestrator.usecases.ports import Ports


def handout(ports: Ports, connection: Connection, work: Mapping[str, Any]) -> Note:
    """Title and page of an escalation, as ``observation`` gives it.

    Raises:
        NoPlaybookError: its version was never published here.
        RenderError: its template cannot be rendered with what is known of the account.
    """
    edition = ports.library.edition(connection, work["playbook_version"])
    play = edition.playbook.plays[work["play"]]
    action = next(each for each in (*play.actions, play.unreachable) if isinstance(each, Escalate))
    return compose_note(action.template, work["context"], edition.templates, ports.mailing.sender)
