"""``overrule``: a person pauses or resumes an account. What people do are events too: it is folded like any other."""

from collections.abc import Mapping
from uuid import UUID

from orchestrator.core.decisions import key
from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import Json
from orchestrator.store import accounts, events
from orchestrator.store.events import ReportedOutcome
from orchestrator.usecases.ports import Ports


class UnknownAccountError(LifecycleError):
    """There is no account of this id to say anything of."""


def pause(ports: Ports, account_id: str, who: str) -> UUID:
    """Pause an account: plays that come due wait, messages wait at the door; ``who`` says who wants it and why."""
    return say(ports, account_id, "account_paused", {"who": who[:500]})


def resume(ports: Ports, account_id: str, who: str) -> UUID:
    """Resume an account: what came due meanwhile is judged now, each with its own ``valid_for``."""
    return say(ports, account_id, "account_resumed", {"who": who[:500]})


def say(ports: Ports, account_id: str, name: str, words: Mapping[str, Json]) -> UUID:
    """Report an own event of an account, with what a person says in it: it is folded in the account's next step.

    Raises:
        UnknownAccountError: there is no such account.
    """
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        if not accounts.known(connection, [account_id]):
            raise UnknownAccountError
        said = key(name, account_id, *(f"{word}={words[word]}" for word in sorted(words)), now.isoformat())
        outcome = ReportedOutcome(
            account_id=account_id,
            person_id=None,
            message_id=str(said),
            name=name,
            occurred_at=now,
            properties=dict(words),
        )
        events.report(connection, [outcome])
    ports.nudges.wake()
    return said
