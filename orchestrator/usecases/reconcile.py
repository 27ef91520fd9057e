"""``reconcile``: an uncertain hand-over is settled by what the relay's log, or an operator, says of its Message-ID."""

from uuid import UUID

from orchestrator.core.errors import LifecycleError
from orchestrator.store import events, messages
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.receipts import outcome


class NotUncertainError(LifecycleError):
    """No message of this id is in the state ``unknown``; ``lifecycle message unknown`` lists those that are."""


def reconcile(ports: Ports, message_id: UUID, *, arrived: bool) -> None:
    """Say that an unknown message arrived (it is sent) or that it did not (it goes again, while it is still valid).

    Raises:
        NotUncertainError: it is not unknown.
    """
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        each = messages.reconcile(connection, message_id, now, now, arrived=arrived)
        if each is None:
            raise NotUncertainError
        if arrived:
            events.report(connection, [outcome(each, "message_sent", now)])
    ports.nudges.deliver()
