"""``overrule``: a person pauses or resumes an account. What people do are events too: it is folded like any other."""

from uuid import UUID

from orchestrator.core.decisions import key
from orchestrator.core.errors import LifecycleError
from orchestrator.store import accounts, events
from orchestrator.store.events import ReportedOutcome
from orchestrator.usecases.ports import Ports


class UnknownAccountError(LifecycleError):
    """There is no account of this id to be paused or resumed."""


def pause(ports: Ports, account_id: str, who: str) -> UUID:
    """Pause an account: plays that come due wait, messages wait at the door; ``who`` says who wants it and why."""
    return _say(ports, account_id, "account_paused", who)


def resume(ports: Ports, account_id: str, who: str) -> UUID:
    """Resume an account: what came due meanwhile is judged now, each with its own ``valid_for``."""
    return _say(ports, account_id, "account_resumed", who)


def _say(ports: Ports, account_id: str, name: str, who: str) -> UUID:
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        if not accounts.known(connection, [account_id]):
            raise UnknownAccountError
        said = key(name, account_id, who, now.isoformat())
        outcome = ReportedOutcome(
            account_id=account_id,
            person_id=None,
            message_id=str(said),
            name=name,
            occurred_at=now,
            properties={"who": who[:500]},
        )
        events.report(connection, [outcome])
    ports.nudges.wake()
    return said
