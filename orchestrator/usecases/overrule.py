"""``overrule``: a person pauses or resumes an account. What people do are events too: it is folded like any other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from orchestrator.core.decisions import key
from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import OWN_SOURCE, Json
from orchestrator.store import accounts, events, keys
from orchestrator.store.events import ReportedOutcome
from orchestrator.usecases.ports import Ports


class UnknownAccountError(LifecycleError):
    """There is no account of this id to say anything of."""


class SaidOtherwiseError(LifecycleError):
    """Another word was said under this key before; it stands. Say this one under a key of its own."""


def pause(ports: Ports, account_id: str, who: str) -> UUID:
    """Pause an account: plays that come due wait, messages wait at the door; ``who`` says who wants it and why."""
    return say(ports, account_id, "account_paused", {"who": who[:500]})


def resume(ports: Ports, account_id: str, who: str) -> UUID:
    """Resume an account: what came due meanwhile is judged now, each with its own ``valid_for``."""
    return say(ports, account_id, "account_resumed", {"who": who[:500]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """What else is known of a person's word."""

    at: datetime | None = None  # when it was so, aware UTC, not in the future; None: now
    person: str | None = None  # the person at the account that it is about
    once: str | None = None  # names this very word, so that a second try of it counts once; None: each try counts


PLAIN = Aside()  # a word of now, each try of which counts


def say(ports: Ports, account_id: str, name: str, words: Mapping[str, Json], aside: Aside = PLAIN) -> UUID:
    """Report an own event of an account, with what a person says in it: it is folded in the account's next step.

    An id that the account had before it was merged or renamed will do.

    Raises:
        UnknownAccountError: there is no such account.
        SaidOtherwiseError: another word was said under its ``once`` before.
    """
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        name_now = accounts.redirects(connection, [account_id]).get(account_id, account_id)
        if not accounts.known(connection, [name_now]):
            raise UnknownAccountError
        told = (name, account_id, *(f"{word}={words[word]}" for word in sorted(words)))
        said = key(*told, now.isoformat()) if aside.once is None else key("once", account_id, aside.once)
        outcome = ReportedOutcome(
            account_id=name_now,
            person_id=aside.person,
            message_id=str(said),
            name=name,
            occurred_at=aside.at or now,
            properties=dict(words),
        )
        if aside.once is None or _is_new(connection, said, (*told, str(aside.at), str(aside.person))):
            events.report(connection, [outcome])
    ports.nudges.wake()
    return said


def _is_new(connection: Connection, said: UUID, told: Sequence[str]) -> bool:
    """Whether a word was not said before; own events have no other keys, so that these are only those of words."""
    (verdict,) = keys.admit(connection, [(keys.event_key(OWN_SOURCE, str(said)), key(*told).hex)]).verdicts
    if verdict is keys.Verdict.CONFLICT:
        raise SaidOtherwiseError
    return verdict is keys.Verdict.NEW
