"""Account: one customer company, as far as the engine knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum, unique
from operator import attrgetter
from typing import Any

from orchestrator.core.facts import Facts, Vocabulary, union
from orchestrator.core.facts import known_as as facts_known_as
from orchestrator.core.figures import Figure
from orchestrator.core.reasons import DecisionReason, PostponementReason
from orchestrator.core.signals import Edge, SignalState, later_states


@unique
class Outcome(StrEnum):
    """What became of a play for an episode."""

    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What a play last did; equal skips in a row share one record."""

    episode: str  # the newest that was decided
    decided_at: datetime
    outcome: Outcome
    reason: DecisionReason
    first_episode: str  # where the run of equal skips began; else the episode itself
    first_decided_at: datetime
    repeats: int = 1  # how many equal decisions in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A play that came due and was postponed."""

    episode: str
    until: datetime | None  # judged again then; None: when the pause ends
    reason: PostponementReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """A message that was decided a short while ago: what minimum gaps and the account's caps count."""

    at: datetime  # when it was decided
    person: str  # for whom
    play: str
    episode: str
    mail: bool = True  # a survey may be asked in the product instead
    survey: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEntry:
    """That an onboarding entered a phase: said once, whatever is heard later."""

    at: datetime  # when it was entered
    turn: datetime  # when it was noted; no two entries of an account have the same, and a later one has a later


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One customer company."""

    id: str
    playbook_version: str  # it is pinned to this version until it is migrated by plan
    created_at: datetime  # when its first event reached us
    stage: str
    stage_entered_at: datetime
    facts: Facts = field(default_factory=Facts)
    anchor: datetime | None = None  # the start of the day count, frozen when the first day play is decided
    anchor_said: datetime | None = None  # the newest correction of a frozen anchor that was written down
    milestones: Mapping[str, datetime] = field(default_factory=dict)  # reached, and when
    ledger: Mapping[str, LedgerEntry] = field(default_factory=dict)  # by play
    waiting: Mapping[str, Waiting] = field(default_factory=dict)  # by play
    standing: Mapping[str, str] = field(default_factory=dict)  # play -> episode of what it did and may be withdrawn
    recent: tuple[Recent, ...] = ()  # by time; no further back than the playbook's gaps and caps look
    phases: Mapping[str, Mapping[str, PhaseEntry]] = field(default_factory=dict)  # onboarding -> phase -> its entry
    signals: Mapping[str, SignalState] = field(default_factory=dict)  # those that were ever open
    edges: Mapping[str, Edge] = field(default_factory=dict)  # play -> since when the condition that starts it holds
    samples: Mapping[int, Figure | None] = field(default_factory=dict)  # week -> raw health at its beginning
    colour: str = ""  # of its health when it was last noted; empty: unknown
    done: Mapping[str, datetime] = field(default_factory=dict)  # play -> when last, where its policy has an ``again``
    wake_at: datetime | None = None  # when something may next become due; None: not by time alone
    basis: str = ""  # what wake_at was derived from
    history: bool = False  # its past is being read in: events are folded, nothing is decided until it goes live
    live_at: datetime | None = None  # when it goes live, or went; None: that is not planned, or it always was

    def held(self, now: datetime) -> bool:
        """Whether it has not gone live yet."""
        return self.history and (self.live_at is None or now < self.live_at)

    @property
    def paused(self) -> bool:
        """Whether a person has paused it: the last word of account_paused and account_resumed."""
        paused = self.facts.events.get("account_paused")
        if paused is None:
            return False
        resumed = self.facts.events.get("account_resumed")
        return resumed is None or paused.last > resumed.last


_FIELDS = tuple(each.name for each in fields(Account))
_values_of = attrgetter(*_FIELDS)


def changed(account: Account, **changes: Any) -> Account:  # noqa: ANN401 -- the class refuses what is no field of it
    """As ``replace``, which asks each field what kind of field it is: a step changes an account some ten times."""
    return Account(**dict(zip(_FIELDS, _values_of(account), strict=True)) | changes)


def merge(kept: Account, gone: Account) -> Account:
    """The account that holds both: facts united, of each play what was decided last, nothing decided again.

    Where one of them is history, so are both: whoever merges says when they are live.
    """
    ledger = dict(gone.ledger)
    for play, entry in kept.ledger.items():
        other = ledger.get(play)
        ledger[play] = entry if other is None else max(entry, other, key=lambda each: (each.episode, each.decided_at))
    return replace(
        kept,
        created_at=min(kept.created_at, gone.created_at),
        facts=union(kept.facts, gone.facts),
        anchor=min((at for at in (kept.anchor, gone.anchor) if at is not None), default=None),
        milestones=_earliest(kept.milestones, gone.milestones),
        ledger=ledger,
        waiting={play: each for play, each in kept.waiting.items() if not _decided(each, ledger.get(play))},
        standing={**gone.standing, **kept.standing},
        recent=tuple(sorted({*kept.recent, *gone.recent}, key=lambda each: (each.at, each.play, each.person))),
        phases={
            each: {**gone.phases.get(each, {}), **kept.phases.get(each, {})} for each in {**gone.phases, **kept.phases}
        },
        signals=later_states(kept.signals, gone.signals),
        edges={**gone.edges, **kept.edges},
        samples={**gone.samples, **kept.samples},
        done=_latest(kept.done, gone.done),
        wake_at=None,
        basis="",
        history=kept.history or gone.history,
        live_at=max((at for at in (kept.live_at, gone.live_at) if at is not None), default=None),
    )


def renamed(account: Account, name: str) -> Account:
    """The same customer under another id: all that was decided stands; its next look is derived afresh."""
    return replace(account, id=name, wake_at=None, basis="")


def known_as(account: Account, names: Mapping[str, str], vocabulary: Vocabulary) -> Account:
    """The account with persons under the ids that they are known as now; its next look is derived afresh."""
    recent = tuple(replace(each, person=names.get(each.person, each.person)) for each in account.recent)
    facts = facts_known_as(account.facts, names, vocabulary)
    return replace(account, facts=facts, recent=recent, wake_at=None, basis="")


def _decided(waiting: Waiting, entry: LedgerEntry | None) -> bool:
    return entry is not None and entry.episode >= waiting.episode


def _latest(left: Mapping[str, datetime], right: Mapping[str, datetime]) -> dict[str, datetime]:
    return {**left, **{name: max(instant, left.get(name, instant)) for name, instant in right.items()}}


def _earliest(left: Mapping[str, datetime], right: Mapping[str, datetime]) -> dict[str, datetime]:
    merged = dict(left)
    for name, instant in right.items():
        merged[name] = min(instant, merged.get(name, instant))
    return merged
