"""Signals: what an account's state says of each, and since when the conditions that start plays hold.

A signal is a play whose only effect is to be open. Its trigger opens it (one at a time), its ``only_while`` going false
closes it, and so do an exit of the account and a human who resolves it. What follows from it are ordinary plays: the
rungs of its ladder start when it has been open for so long, and are withdrawn when it closes. Here is the state and
what follows from the state alone; the rules that change it are in ``lifecycle``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, unique

from orchestrator.core.facts import Facts

ACKNOWLEDGED, RESOLVED = WORDS = ("escalation_acknowledged", "escalation_resolved")  # own events about a signal


@unique
class Closing(StrEnum):
    """Why a signal closed."""

    CLEARED = "cleared"  # what it tells of is over
    EXITED = "exited"  # the account has left
    RESOLVED = "resolved"  # a human has settled it


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalState:
    """A signal that is open, or was."""

    episode: str  # of the play that opened it
    opened_at: datetime
    closed_at: datetime | None = None  # None: it is open
    count: int = 1  # how often it has opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Since when a watched condition holds; kept, so that no later event dates it anew."""

    since: datetime
    until: datetime | None = None  # when it ceased to hold; None: it holds


def is_open(name: str, states: Mapping[str, SignalState]) -> bool:
    """Whether a signal is open now."""
    return name in states and states[name].closed_at is None


def said_at(word: str, name: str, states: Mapping[str, SignalState], facts: Facts) -> datetime | None:
    """When a human last said this word (of WORDS) about an open signal; None when not since it opened."""
    said = facts.said.get(word, {}).get(name)
    if said is None or not is_open(name, states):
        return None
    at = said.stamp[0]
    return at if at >= states[name].opened_at else None


def acknowledged_at(name: str, states: Mapping[str, SignalState], facts: Facts) -> datetime | None:
    """When a human last took an open signal on, or settled it; None when nobody has since it opened."""
    return max((at for word in WORDS if (at := said_at(word, name, states, facts)) is not None), default=None)


def closings(names: Iterable[str], states: Mapping[str, SignalState]) -> list[datetime]:
    """When those of these signals that are closed closed."""
    found = (states[name].closed_at for name in names if name in states)
    return [at for at in found if at is not None]


def later_states(kept: Mapping[str, SignalState], gone: Mapping[str, SignalState]) -> dict[str, SignalState]:
    """The states of two merged accounts: what is open at either is open, since the earlier, else the later closing."""
    merged = {**gone, **kept}
    for name in kept.keys() & gone.keys():
        both = (kept[name], gone[name])
        held = [each for each in both if each.closed_at is None]
        of = min(held, key=_opening) if held else max(both, key=_closing)
        merged[name] = replace(of, count=sum(each.count for each in both))
    return merged


def _opening(state: SignalState) -> tuple[datetime, str]:
    return (state.opened_at, state.episode)


def _closing(state: SignalState) -> tuple[datetime, datetime, str]:
    return (state.closed_at or state.opened_at, *_opening(state))
