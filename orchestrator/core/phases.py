"""Phases: where each onboarding of an account is, derived from its own steps (``spec/rules.md`` 1.2 and 1.3).

An account may be onboarded several times (a second department, another product): a step belongs to the onboarding that
its event names, and facts keep the first time of each step of each. An onboarding begins with its first step. It is in
the first phase, in the order of the account's segment, whose ``until`` does not hold for its own steps; a phase that
was over before it could begin is passed by. What was entered is noted once in the account, in turns that only grow, so
that a play of a phase has one episode an onboarding, whatever is heard later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.core.account import PhaseEntry
from orchestrator.core.conditions import FINISHED, Journey, View, became, verdict
from orchestrator.core.facts import Fact, Facts
from orchestrator.core.playbook import Onboarding, Phase, Playbook
from orchestrator.core.segments import segment_of

_MOMENT = timedelta(microseconds=1)

Entries = Mapping[str, Mapping[str, PhaseEntry]]  # onboarding -> phase -> its entry


def journeys(onboarding: Onboarding, view: View, playbook: Playbook) -> tuple[Journey, ...]:
    """Where each onboarding of the account is, the oldest first."""
    path = path_of(onboarding, view.facts, playbook)
    opens = onboarding.opens
    begun = {
        each: steps for each, steps in view.facts.onboardings.items() if opens is None or not opens.isdisjoint(steps)
    }
    found = [_journey(each, _opening(steps, opens), path, view) for each, steps in begun.items()]
    return tuple(sorted(found, key=lambda each: (each.phases[0][1], each.onboarding)))


def _opening(steps: Mapping[str, datetime], opens: frozenset[str] | None) -> Mapping[str, datetime]:
    """The steps that lead an onboarding from phase to phase: what is kept for its tasks alone does not."""
    return steps if opens is None else {name: at for name, at in steps.items() if name in opens}


def path_of(onboarding: Onboarding, facts: Facts, playbook: Playbook) -> tuple[Phase, ...]:
    """The phases in the order, and with the times, of the account's segment."""
    segment = segment_of(facts, playbook)
    if segment is None or segment.phases is None:
        return tuple(onboarding.phases.values())
    own = ((onboarding.phases[name], within) for name, within in segment.phases.items())
    return tuple(phase if within is None else replace(phase, within=within) for phase, within in own)


def _journey(onboarding: str, steps: Mapping[str, datetime], path: Sequence[Phase], view: View) -> Journey:
    own = replace(view, facts=Facts(events={name: Fact(count=1, first=at, last=at) for name, at in steps.items()}))
    at = min(steps.values())
    entered: list[tuple[str, datetime]] = []
    for phase in path:
        if verdict(phase.until, own) is not True:
            late_at = None if phase.within is None else at + phase.within
            return Journey(onboarding=onboarding, phases=(*entered, (phase.name, at)), late_at=late_at)
        ended = max(at, became(phase.until, own))
        if ended > at:
            entered.append((phase.name, at))
        at = ended
    return Journey(onboarding=onboarding, phases=(*entered, (FINISHED, at)))


def entered(known: Entries, now_at: Sequence[Journey], now: datetime) -> list[tuple[str, str, PhaseEntry]]:
    """The entries that are not noted yet: onboarding, phase, and its entry with a turn of its own."""
    new = sorted(
        (at, each.onboarding, phase)
        for each in now_at
        for phase, at in each.phases
        if phase not in known.get(each.onboarding, {})
    )
    newest = max((entry.turn for entries in known.values() for entry in entries.values()), default=now - _MOMENT)
    first = max(now, newest + _MOMENT)
    return [
        (onboarding, phase, PhaseEntry(at=at, turn=first + number * _MOMENT))
        for number, (at, onboarding, phase) in enumerate(new)
    ]


def with_entries(known: Entries, new: Sequence[tuple[str, str, PhaseEntry]]) -> Entries:
    """All entries together."""
    together = {onboarding: dict(entries) for onboarding, entries in known.items()}
    for onboarding, phase, entry in new:
        together.setdefault(onboarding, {})[phase] = entry
    return together


def episode_of(onboarding: str, entry: PhaseEntry) -> str:
    """The episode of an entry: later turns are greater."""
    return f"{entry.turn.isoformat()} {onboarding}".rstrip()


def over(phase: str, episode: str, now_at: Sequence[Journey]) -> bool:
    """Whether the onboarding of an episode has left the phase."""
    onboarding = episode.partition(" ")[2]
    return all(each.phase != phase for each in now_at if each.onboarding == onboarding)
