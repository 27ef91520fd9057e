"""The shape of a scenario file, as pydantic models: unknown keys are refused, nothing is guessed from another type."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason, Reason
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Plain

Words = Annotated[str, Field(min_length=1, max_length=500)]


def _play(written: Plain) -> Plain:
    """``day_3_setup`` is short for ``{play: day_3_setup}``."""
    return {"play": written} if isinstance(written, str) else written


def _at_the_end(written: Plain) -> Plain:
    """``growth`` is short for ``{end: growth}``."""
    return written if isinstance(written, dict) else {"end": written}


def _condition(written: Plain) -> Plain:
    """``ready and not login`` is short for ``{condition: ready and not login}``."""
    return {"condition": written} if isinstance(written, str) else written


def _truth(written: Plain) -> bool | None:
    """What a condition may say; None is unknown."""
    if isinstance(written, bool):
        return written
    if written != "unknown":
        raise ValueError(f"expected true, false or unknown, got {written!r}")
    return None


def _strictness(written: Plain) -> Plain:
    """``true`` is short for messages and escalations."""
    if isinstance(written, bool):
        return "all" if written else ""
    if written not in ("messages", "escalations"):
        raise ValueError(f"expected true, messages or escalations, got {written!r}")
    return written


def _reason(reasons: type[Reason]) -> BeforeValidator:
    """Words of a closed list, with the nearest one for a wrong one."""
    known = [reason.value for reason in reasons]

    def check(written: Plain) -> Plain:
        if isinstance(written, str) and written not in known:
            raise ValueError(f"unknown reason `{written}`{did_you_mean(written, known)}; known: {', '.join(known)}")
        return written

    return BeforeValidator(check)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class PersonShape(_Shape):
    """Someone at the account; who they are is known from the anchor on, unless ``known`` says otherwise."""

    name: Words | None = None
    email: str | None = ""  # empty: ``<id>@acme.example``; null: none
    role: Words | None = None
    timezone: Words | None = None
    known: str | None = None  # a moment, or ``never``


class EventShape(_Shape):
    """Something that happens: an event of the playbook's, traits that are said, or the word of one of our people."""

    at: str | None = None
    every: str | None = None
    begins: str | None = Field(default=None, alias="from")
    ends: str | None = Field(default=None, alias="to")
    event: str | None = None
    traits: dict[str, Any] | None = None  # of the account; with ``person``, of that person
    person: str | None = None
    properties: dict[str, Any] | None = None
    times: int = Field(default=1, ge=1, le=1000)
    judgement: str | None = None  # ticked
    ticked: bool = True  # false: the judgement is taken back
    evidence: Words | None = None  # what it rests on
    goal: Words | None = None  # set, or set afresh
    text: Words | None = None  # in the customer's words
    measure: str | None = None  # what the goal's figure is read from
    target: float | None = None  # what that figure has to reach
    goal_met: Words | None = None
    goal_dropped: Words | None = None
    override: Annotated[float | None, Field(ge=0, le=100)] = None  # what the health is; null: no longer
    until: str | None = None  # the moment at which the override expires
    why: Words | None = None
    acknowledge: str | None = None  # an open signal that somebody looks after
    resolve: str | None = None  # one that somebody has settled
    unsubscribed: str | None = None  # a person who wants no mail any more
    bounced: str | None = None  # a person whose address is dead
    complained: str | None = None  # a person who called our mail spam
    approve: str | None = None  # a play whose drafts may leave
    discard: str | None = None  # a play whose drafts never will
    by: Words | None = None  # whose word it is
    arrives: str | None = None  # when it reaches us; without it, when it happens


class _TimedShape(_Shape):
    play: str
    at: str | None = None
    by: str | None = None


class DecisionShape(_TimedShape):
    """What must be decided."""

    outcome: Literal["done", "skipped"] | None = None
    reason: Annotated[str | None, _reason(DecisionReason)] = None


class SentShape(_TimedShape):
    """A mail that must leave."""

    to: str | None = None
    template: str | None = None


class LetterShape(_TimedShape):
    """Something by another channel than mail, or a draft; ``to`` is a person, a role or another system."""

    to: str | None = None
    template: str | None = None


class SurveyShape(_TimedShape):
    """A survey that must reach somebody: sent by mail, or left in the product."""

    to: str | None = None
    kind: Literal["nps", "csat", "ces", "goal", "check_in", "exit"] | None = None


class CancelledShape(_TimedShape):
    """A mail that was decided and must not leave."""

    reason: Annotated[str | None, _reason(MessageReason)] = None


class PostponedShape(_TimedShape):
    """Something that must wait."""

    reason: Annotated[str | None, _reason(PostponementReason)] = None
    until: str | None = None


class EscalationShape(_TimedShape):
    """Work that must reach a human; ``closed`` says why it is closed again, or ``never``."""

    owner: Words | None = None
    severity: Literal["low", "medium", "high", "critical"] | None = None
    category: Words | None = None
    due: str | None = None  # its deadline, a moment
    closed: str | None = None


class NeverShape(_TimedShape):
    """A play of which nothing may reach anybody: no mail leaves, no work is opened."""


class HoldsShape(_Shape):
    """A condition of the playbook's own language that must hold, must not, or must be unknown."""

    condition: str
    at: str | None = None
    says: Annotated[bool | None, BeforeValidator(_truth)] = Field(default=True, alias="is")  # None: unknown


class ScenarioShape(_Shape):
    """A whole scenario file."""

    scenario: Words
    why: str | None = None
    proves: list[Words] = []  # the cases that it stands for, in the words of whoever keeps the list
    anchor: str
    zone: str | None = None
    account: dict[str, Any] = {}
    people: dict[str, PersonShape] | None = None
    events: list[EventShape] = []
    until: str
    expect: list[DecisionShape] = []
    sent: list[Annotated[SentShape, BeforeValidator(_play)]] = []
    in_app: list[Annotated[LetterShape, BeforeValidator(_play)]] = []
    notify: list[Annotated[LetterShape, BeforeValidator(_play)]] = []
    webhook: list[Annotated[LetterShape, BeforeValidator(_play)]] = []
    survey: list[Annotated[SurveyShape, BeforeValidator(_play)]] = []
    drafts: list[Annotated[LetterShape, BeforeValidator(_play)]] = []
    cancelled: list[Annotated[CancelledShape, BeforeValidator(_play)]] = []
    postponed: list[Annotated[PostponedShape, BeforeValidator(_play)]] = []
    escalations: list[Annotated[EscalationShape, BeforeValidator(_play)]] = []
    never: list[Annotated[NeverShape, BeforeValidator(_play)]] = []
    stage: Annotated[dict[str, str], BeforeValidator(_at_the_end)] = {}
    milestone: dict[str, str] = {}
    signals: Annotated[dict[str, list[str]], BeforeValidator(_at_the_end)] = {}  # those that are open, and no others
    health: Annotated[dict[str, int | float | str], BeforeValidator(_at_the_end)] = {}
    segment: Annotated[dict[str, str], BeforeValidator(_at_the_end)] = {}
    phase: Annotated[dict[str, str], BeforeValidator(_at_the_end)] = {}
    traits: dict[str, dict[str, Any]] = {}
    holds: list[Annotated[HoldsShape, BeforeValidator(_condition)]] = []
    only: Annotated[str, BeforeValidator(_strictness)] = ""
