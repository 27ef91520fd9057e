"""``log``: a human's word on an account is written down: on a judgement, a goal, an open signal, its health.

Each is an own event, folded like any other, with who said it; what the account's playbook does not know is refused.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from orchestrator.core import signals
from orchestrator.core.account import Account
from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import Json
from orchestrator.core.health import WORD
from orchestrator.core.playbook import Playbook
from orchestrator.playbook.errors import did_you_mean
from orchestrator.store import accounts
from orchestrator.usecases.overrule import PLAIN, Aside, UnknownAccountError, say
from orchestrator.usecases.ports import Ports

LONGEST = 500  # characters of a text that are kept


class UnknownWordError(LifecycleError):
    """The account's playbook has no judgement, measure or event of this name."""


class UnknownGoalError(LifecycleError):
    """The account has no goal of this name; ``lifecycle account show ACCOUNT`` names those that it has by now."""


class NoOpenSignalError(LifecycleError):
    """The account has no open signal of this name; ``lifecycle account show ACCOUNT`` names those that are open."""


class NoHealthError(LifecycleError):
    """The account's playbook has no ``health`` section: there is nothing to override."""


class OverError(LifecycleError):
    """The override would be over already; ``--until`` names a later instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalText:
    """A goal as it is set."""

    text: str  # in the customer's words
    measure: str | None = None  # a measure, or an event that is counted; None: only a human can say that it is met
    target: float = 0  # what the figure has to reach


def tick(
    ports: Ports,
    account_id: str,
    judgement: str,
    by: str,
    evidence: str,
    *,
    ticked: bool = True,
    aside: Aside = PLAIN,
) -> UUID:
    """Tick a judgement, or take it back; ``evidence`` says what it rests on.

    Raises:
        UnknownAccountError: there is no such account.
        UnknownWordError: its playbook has no such judgement.
    """
    account, playbook = found(ports, account_id)
    if judgement not in playbook.judgements:
        near = did_you_mean(judgement, playbook.judgements)
        raise UnknownWordError(f"the account's playbook has no judgement `{judgement}`{near}")
    said: dict[str, Json] = {"by": by[:LONGEST], "evidence": evidence[:LONGEST], "ticked": ticked}
    return say(ports, account.id, "judgement_ticked", {"judgement": judgement, **said}, aside)


def set_goal(ports: Ports, account_id: str, goal: str, by: str, said: GoalText, aside: Aside = PLAIN) -> UUID:
    """Set a goal, or set it afresh: then it is open again, unless its figure says otherwise.

    Raises:
        UnknownAccountError: there is no such account.
        UnknownWordError: what it is measured by is neither a measure nor an event of its playbook.
    """
    account, playbook = found(ports, account_id)
    known = playbook.vocabulary.events.union(playbook.vocabulary.measures)
    if said.measure is not None and said.measure not in known:
        near = did_you_mean(said.measure, known)
        raise UnknownWordError(f"the account's playbook has no measure or event `{said.measure}`{near}")
    told: dict[str, Json] = {"goal": goal, "by": by[:LONGEST], "text": said.text[:LONGEST]}
    measured: dict[str, Json] = {} if said.measure is None else {"measure": said.measure, "target": said.target}
    return say(ports, account.id, "goal_set", {**told, **measured}, aside)


def acknowledge(ports: Ports, account_id: str, signal: str, by: str) -> UUID:
    """Take an open signal on: it stays open, and the rungs of its ladder that ask for that are climbed no further.

    Raises:
        UnknownAccountError: there is no such account.
        NoOpenSignalError: it has no such signal, or it is not open.
    """
    return _answer(ports, account_id, signal, by, signals.ACKNOWLEDGED)


def resolve(ports: Ports, account_id: str, signal: str, by: str) -> UUID:
    """Settle an open signal: it closes, what was done about it is withdrawn, and only a new cause opens it again.

    Raises:
        UnknownAccountError: there is no such account.
        NoOpenSignalError: it has no such signal, or it is not open.
    """
    return _answer(ports, account_id, signal, by, signals.RESOLVED)


def _answer(ports: Ports, account_id: str, signal: str, by: str, word: str) -> UUID:
    account, _ = found(ports, account_id)
    if not signals.is_open(signal, account.signals):
        raise NoOpenSignalError
    return say(ports, account.id, word, {"signal": signal, "by": by[:LONGEST]})


def end_goal(ports: Ports, account_id: str, goal: str, by: str, *, met: bool, aside: Aside = PLAIN) -> UUID:
    """Say that a goal is met, or that it is dropped and is no goal any more.

    Raises:
        UnknownAccountError: there is no such account.
        UnknownGoalError: it has no such goal.
    """
    account, _ = found(ports, account_id)
    if goal not in account.facts.said.get("goal_set", {}):
        raise UnknownGoalError
    said: dict[str, Json] = {"goal": goal, "by": by[:LONGEST]}
    return say(ports, account.id, "goal_met" if met else "goal_dropped", said, aside)


def override_health(ports: Ports, account_id: str, by: str, reason: str, word: tuple[float, datetime]) -> UUID:
    """Say what the health of an account is, 0 to 100, until an instant (aware); the raw score is kept beside it.

    Raises:
        UnknownAccountError: there is no such account.
        NoHealthError: its playbook says nothing of health.
        OverError: that instant has passed.
    """
    score, until = word
    account, playbook = found(ports, account_id)
    with ports.engine.connect() as connection:
        now = ports.clock.now(connection)
    if playbook.health is None:
        raise NoHealthError
    if until <= now:
        raise OverError
    told: dict[str, Json] = {"score": score, "until": until.astimezone(UTC).isoformat()}
    return say(ports, account.id, WORD, {"by": by[:LONGEST], "reason": reason[:LONGEST], **told})


def lift_override(ports: Ports, account_id: str, by: str, reason: str) -> UUID:
    """Take an override back before its end: the raw score counts again.

    Raises:
        UnknownAccountError: there is no such account.
    """
    account, _ = found(ports, account_id)
    return say(ports, account.id, WORD, {"by": by[:LONGEST], "reason": reason[:LONGEST], "score": None})


def found(ports: Ports, account_id: str) -> tuple[Account, Playbook]:
    """The account, where it was merged to, and the version that it is pinned to."""
    with ports.engine.connect() as connection:
        followed = accounts.redirects(connection, [account_id]).get(account_id, account_id)
        found = accounts.load(connection, [followed]).get(followed)
        if found is None:
            raise UnknownAccountError
        return found.account, ports.library.edition(connection, found.account.playbook_version).playbook
