"""The shape of a playbook file, as pydantic models: unknown keys are refused, nothing is guessed from another type.

What a model cannot see (does the event exist, is the condition well typed) is checked in ``compiler``. Every model
error is translated here into one sentence about a path, so that none of pydantic's own words reach the author.
"""

import copy
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails

from orchestrator.playbook import loader, spans
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Plain, Tree

_LENGTH = {"type": "string", "pattern": spans.PLAIN_SPAN, "description": "a duration such as 30m, 48h, 3d or 2w"}
_WORK = {"type": "string", "pattern": spans.WORKING_SPAN, "description": "working time such as 8h"}
_CLOCK = {"type": "string", "pattern": spans.CLOCK, "description": 'a time of day such as "09:00"'}
_CLOSING = {"anyOf": [_CLOCK, {"const": "24:00"}]}
_DAY = {"type": "integer", "minimum": 0, "maximum": spans.LATEST_DAY}
_DAYS = {"anyOf": [_DAY, {"type": "array", "items": _DAY, "minItems": 1, "uniqueItems": True}, {"type": "null"}]}

Duration = Annotated[timedelta, BeforeValidator(spans.plain_span), WithJsonSchema(_LENGTH)]
WorkingTime = Annotated[timedelta, BeforeValidator(spans.working_time), WithJsonSchema(_WORK)]
TimeOfDay = Annotated[time, BeforeValidator(spans.clock), WithJsonSchema(_CLOCK)]
Closing = Annotated[time | None, BeforeValidator(spans.closing), WithJsonSchema(_CLOSING)]
Days = Annotated[int | tuple[int, ...] | None, BeforeValidator(spans.days), WithJsonSchema(_DAYS)]
WindowShape = Annotated[list[Duration | None], Field(min_length=2, max_length=2)]
Words = Annotated[str, Field(min_length=1, max_length=500)]
Block = Annotated[str, Field(min_length=1, max_length=400)]  # a few sentences, for a letter of 150 words
Draft = Annotated[bool | str, BeforeValidator(spans.yes_no_or_text)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Mode = Literal["live", "shadow", "redirect"]
Severity = Literal["low", "medium", "high", "critical"]
Category = Literal["technical", "adoption", "champion", "timeline", "scope", "political"]
_SLUG, _PATH = r"^[a-z0-9][a-z0-9-]{0,63}$", r"^/"
_PATTERNS = {_SLUG: "a name of small letters, digits and -", _PATH: "a path that begins with /"}


@dataclass(frozen=True, slots=True)
class Short:
    """Marks a shape that has a short form too, for the JSON Schema; a validator before it reads that form."""

    form: JsonSchemaValue

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either form."""
        return {"anyOf": [self.form, handler(core)]}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    FROM_ELSEWHERE: ClassVar[frozenset[str]] = frozenset()  # fields whose default is not what holds where nobody spoke


def _long_form(written: Plain) -> Plain:
    """``seats: number`` is short for ``seats: {type: number}``."""
    return {"type": written} if isinstance(written, str) else written


def _listing(written: Plain) -> Plain:
    """``extends: x`` is short for ``extends: [x]``, ``to: champion`` for ``to: [champion]``."""
    return [written] if isinstance(written, str) else written


OneOrMore = Annotated[list[Words], BeforeValidator(_listing), Short({"type": "string"})]


class TraitShape(_Shape):
    """A trait of accounts; ``one_of`` alone says that it is text."""

    type: Literal["bool", "number", "text", "instant"] = "text"
    one_of: list[Words] | None = Field(default=None, min_length=1)
    default: Any = None  # held against the type by ``vocabulary``


_TYPE = {"enum": ["bool", "number", "text", "instant"]}


class ScoreShape(_Shape):
    """Where the answers to a survey are found."""

    event: str
    property: Words
    scale: list[float] = Field(min_length=2, max_length=2)


class MeasureShape(_Shape):
    """A figure: a property's sum or distinct values (``of`` an event), an event's times, or its different people."""

    of: str | None = None
    sum: Words | None = None
    distinct: Words | None = None
    times: str | None = None
    people: str | None = None

    @property
    def event(self) -> tuple[str, str] | None:
        """The key that names the event, and the event; None when no key does."""
        named = {"of": self.of, "times": self.times, "people": self.people}
        return next(((key, event) for key, event in named.items() if event is not None), None)

    @property
    def is_one(self) -> bool:
        """Whether it is exactly one of the four, with ``of`` where a property is named and nowhere else."""
        of_property = [self.sum, self.distinct]
        given = [each for each in (*of_property, self.times, self.people) if each is not None]
        return len(given) == 1 and (self.of is not None) is (of_property != [None, None])


class FilterShape(_Shape):
    """Some of a product's events: those whose properties are these."""

    name: Words
    where: dict[str, Any] = Field(min_length=1)  # what a property may be is held by ``vocabulary``


def _form(written: Plain) -> str:
    return "filter" if isinstance(written, dict) else "name"


ProductName = Annotated[Annotated[FilterShape, Tag("filter")] | Annotated[Words, Tag("name")], Discriminator(_form)]


class VocabularyShape(_Shape):
    """Our names, and the product's names for them."""

    events: dict[str, list[ProductName]]
    traits: dict[str, Annotated[TraitShape, BeforeValidator(_long_form), Short(_TYPE)]] = {}
    scores: dict[str, ScoreShape] = {}
    measures: dict[str, MeasureShape] = {}


def _each_in_order(written: Plain) -> Plain:
    """``phases: [kickoff, training]`` is short for ``phases: {kickoff: null, training: null}``."""
    if not isinstance(written, list) or not all(isinstance(name, str) for name in written):
        return written
    twice = sorted({name for name in written if written.count(name) > 1})
    if twice:
        raise ValueError(f"`{twice[0]}` is in the list twice")
    return dict.fromkeys(written)


class TaskShape(_Shape):
    """One piece of an onboarding's work."""

    label: Words | None = None
    done: str
    owner: Words | None = None
    deliverable: Words | None = None
    needs: OneOrMore = []


class PhaseShape(_Shape):
    """A part of an onboarding."""

    label: Words | None = None
    until: str
    within: Duration | None = None
    owner: Words | None = None
    deliverable: Words | None = None
    tasks: dict[str, TaskShape] = {}


class OnboardingShape(_Shape):
    """Where an onboarding is: its phases in order; an account may have several."""

    starts: OneOrMore = []
    property: Words = "onboarding"
    phases: dict[str, PhaseShape] = Field(min_length=1)


class SegmentShape(_Shape):
    """A kind of customer: whom it holds, and what is scaled by it."""

    label: Words | None = None
    where: dict[str, Any] = {}  # held against the traits by ``segments``
    touch: Literal["high", "medium", "low", "tech"]
    owner: Words | None = None
    windows: dict[str, WindowShape] = {}
    phases: Annotated[
        dict[str, Duration | None] | None,
        BeforeValidator(_each_in_order),
        Short({"type": "array", "items": {"type": "string"}}),
    ] = None


class SegmentsShape(_Shape):
    """The segments: the first whose ``where`` fits holds the account."""

    default: str
    unknown: str | None = None
    table: dict[str, SegmentShape]


class TargetShape(_Shape):
    """By when a milestone should be reached, since an event or another milestone."""

    within: Duration
    since: str


class MilestoneShape(_Shape):
    """A named condition, reached once."""

    when: str
    label: Words | None = None
    target: Duration | None = None
    targets: list[TargetShape] = []


class ChecklistItemShape(_Shape):
    """One thing that is to be done before a stage is left."""

    label: Words
    when: str


class StageShape(_Shape):
    """Where an account is in its life."""

    goal: Words
    window: WindowShape | None = None
    target: float | None = Field(default=None, ge=0, le=1)
    checklist: list[ChecklistItemShape] = []
    exit: bool = False


class TransitionShape(_Shape):
    """One row of the stage table."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    when: str


class StagesShape(_Shape):
    """The stage table."""

    first: str
    table: dict[str, StageShape]
    transitions: list[TransitionShape] = []


class IndicatorShape(_Shape):
    """One indicator of the health: `green` and `yellow`, or a figure from its worst to its best."""

    label: Words | None = None
    weight: float = Field(ge=0, le=100)
    when: str | None = None
    green: str | None = None
    yellow: str | None = None
    value: str | None = None
    worst: float | None = Field(default=None, alias="from")
    best: float | None = Field(default=None, alias="to")


class BandsShape(_Shape):
    """From which score on the health is green, and yellow; below it is red."""

    green: float = Field(default=70, ge=0, le=100)
    yellow: float = Field(default=40, ge=0, le=100)


class WorthShape(_Shape):
    """What an indicator of each colour counts in the score."""

    green: float = Field(default=100, ge=0, le=100)
    yellow: float = Field(default=50, ge=0, le=100)
    red: float = Field(default=0, ge=0, le=100)


class HealthShape(_Shape):
    """What the health of an account is made of."""

    indicators: dict[str, IndicatorShape]
    bands: BandsShape = BandsShape()
    worth: WorthShape = WorthShape()
    coverage_floor: float = Field(default=60, ge=0, le=100)
    roll_up: Literal["weighted", "strict"] = "weighted"
    worst_of: list[str] = []


class HoursShape(_Shape):
    """Which part of which weekdays counts."""

    days: list[Weekday] = Field(min_length=1)
    opens: TimeOfDay = Field(alias="from")
    closes: Closing = Field(alias="to")


class SendShape(HoursShape):
    """When mail may leave; ``holidays``: not on the holidays of the account's country."""

    holidays: bool = False


class WorkingShape(HoursShape):
    """When the vendor works; ``country``: not on its holidays."""

    country: Words | None = None


class PlayWindowShape(_Shape):
    """A play's own send window; what it does not say is the playbook's."""

    days: list[Weekday] | None = Field(default=None, min_length=1)
    opens: TimeOfDay | None = Field(default=None, alias="from")
    closes: Closing = Field(default=None, alias="to")  # said or not: ``model_fields_set`` knows


class QuietShape(_Shape):
    """The hours in which nobody is written to."""

    begins: TimeOfDay = Field(alias="from")
    ends: Closing = Field(alias="to")


class SilenceShape(_Shape):
    """What the working days of a silence or delay leave out beside the account's weekend."""

    holidays: bool = False


class WindowsShape(_Shape):
    """When mail may leave, when the vendor works, when nobody is written to, and which holidays count."""

    send: SendShape
    working: WorkingShape
    quiet: QuietShape | None = None
    silence: SilenceShape = SilenceShape()

    @property
    def keep_holidays(self) -> bool:
        """Whether anything in this playbook keeps to a holiday."""
        return self.send.holidays or self.silence.holidays or self.working.country is not None


class AccountCapsShape(_Shape):
    """How many touches one account may get, over all its people."""

    per_day: int = Field(ge=1)
    per_week: int = Field(ge=1)


class CapsShape(_Shape):
    """How many mails one address may get, and how many touches one account."""

    per_day: int = Field(ge=1)
    per_week: int = Field(ge=1)
    account: AccountCapsShape | None = None


class GapsShape(_Shape):
    """The least time between what one person gets."""

    message: Duration | None = None
    survey: Duration | None = None


class HoldoutShape(_Shape):
    """The share of accounts that is not written to."""

    share: float = Field(ge=0, le=1)
    salt: Words


class CoreFeatureShape(_Shape):
    """The one feature that the product is bought for."""

    label: Words
    path: Annotated[str, Field(pattern=_PATH)]


class EscalateShape(_Shape):
    """One piece of work for a human."""

    template: str
    severity: Severity | None = None  # None: the signal's, on its ladder
    category: Category | None = None  # the same
    owner: Words
    due: WorkingTime


class SurveyShape(_Shape):
    """One question to each of the audience."""

    kind: Literal["nps", "csat", "ces", "goal", "check_in", "exit"]
    template: str
    scale: list[float] | None = Field(default=None, min_length=2, max_length=2)
    better: Literal["high", "low"] | None = None
    channel: Literal["email", "in_app"] = "email"


class NotifyShape(_Shape):
    """A word to our own people: a role, or a chat channel."""

    to: Words
    template: str


class OwnerShape(_Shape):
    """The human who looks after an account, as letters name them."""

    name: Words
    email: Words | None = None


class SetShape(_Shape):
    """What a play says of its account; tags and unlocked things are traits that are true."""

    owner: OwnerShape | None = None
    tag: OneOrMore = []
    unlock: OneOrMore = []
    traits: dict[str, Any] = {}  # held against their types by ``actions``


class PlayShape(_Shape):
    """Trigger, condition, actions and policy, flat."""

    label: Words | None = None
    day: Days = None
    before: str | None = None
    after: str | None = None
    silent: str | None = None
    on: str | None = None
    overdue: str | None = None
    reached: str | None = None
    entered: str | None = None
    stalled: str | None = None
    phase: str | None = None
    every: str | None = None
    holds: str | None = None
    span: Duration | None = Field(default=None, alias="for")  # of ``holds``
    opened: str | None = None
    closed: str | None = None
    when: str | None = None
    email: str | None = None
    in_app: str | None = None
    prefer: Literal["email", "in_app"] | None = None
    survey: SurveyShape | None = None
    escalate: EscalateShape | None = None
    notify: NotifyShape | None = None
    webhook: Annotated[str, Field(pattern=_SLUG)] | None = None
    sets: SetShape | None = Field(default=None, alias="set")
    to: OneOrMore = []
    fallback: OneOrMore = []
    unreachable: EscalateShape | None = None
    at: TimeOfDay | None = None
    again: str | None = None
    valid_for: Duration = timedelta(days=2)
    max_defer: Duration | None = None
    priority: int = Field(default=50, ge=0, le=1000)
    only_while: str | None = None
    transactional: bool = False
    on_unknown: Literal["hold", "resend"] = "hold"
    mode: Mode | None = None
    window: PlayWindowShape | None = None
    draft: Draft | None = None
    stages: list[str] = []


class RungShape(PlayShape):
    """One step of a signal's ladder: a play that comes due when the signal has been open for so long (``after``)."""

    FROM_ELSEWHERE: ClassVar[frozenset[str]] = frozenset({"valid_for", "priority"})  # the signal's
    name: str | None = None
    unless: Literal["acknowledged"] | None = None


class SignalShape(PlayShape):
    """A signal: what opens it and keeps it open, and the ladder of what is done about it."""

    FROM_ELSEWHERE: ClassVar[frozenset[str]] = frozenset({"valid_for", "transactional", "on_unknown"})  # no key of its
    severity: Severity
    category: Category
    intervention: Words | None = None
    stays: str | None = Field(default=None, alias="while")
    cooldown: Duration = timedelta(0)
    absorbs: list[str] = []
    flag: Literal["at_risk"] | None = None
    ladder: list[RungShape] = []


class BoundShape(_Shape):
    """A limit, and on which side of it a figure should be."""

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None


class AlertShape(_Shape):
    """From where on a figure calls somebody."""

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    severity: Severity
    colour: Literal["red", "orange", "yellow"] = "red"
    action: Words
    owner: Words


class PromotersShape(_Shape):
    """Promoters less detractors, of the answers to a score."""

    score: str
    promoters: float
    detractors: float


class RatioShape(_Shape):
    """One number added up, over another added up."""

    of: str
    to: str


class MetricShape(_Shape):
    """One figure of many accounts, and what is promised of it."""

    label: Words | None = None
    group: Words | None = None
    population: Words
    checkpoint: str | None = None
    share: str | None = None
    average: str | None = None
    median: str | None = None
    nps: PromotersShape | None = None
    ratio: RatioShape | None = None
    among: str | None = None
    over: Duration | None = None
    least: int = Field(default=1, ge=1)
    unit: Literal["percent", "points", "number"] | None = None
    target: BoundShape | None = None
    alert: AlertShape | None = None
    benchmark: Words | None = None


class MissedShape(PlayShape):
    """What is done where a checkpoint is missed: a play with the checkpoint's trigger."""

    name: str | None = None


class CheckpointShape(PlayShape):
    """Something that should have happened by its day, judged once."""

    FROM_ELSEWHERE: ClassVar[frozenset[str]] = frozenset({"transactional", "on_unknown"})  # no key of its
    step: Words
    met: str
    among: str | None = None
    target: BoundShape | None = None
    missed: MissedShape | None = None


class Document(_Shape):
    """A whole playbook file."""

    playbook: Annotated[str, Field(pattern=_SLUG)]
    extends: Annotated[list[str], BeforeValidator(_listing), Short({"type": "string"})] = []  # ``inheritance`` resolves
    anchor: str
    first_day: int = Field(default=0, ge=0, le=1)  # what the playbook calls the anchor's own day
    timezone: str = "UTC"
    mode: Mode = "live"
    horizon: Duration = timedelta(days=30)
    core_feature: CoreFeatureShape | None = None
    blocks: dict[str, Block] = Field(default={}, alias="copy")
    vocabulary: VocabularyShape
    milestones: dict[str, MilestoneShape] = {}
    setup: list[str] = []
    in_app_from: str | None = None
    ages: dict[str, Duration] | None = Field(default=None, min_length=1)  # each until so long after the anchor
    segments: SegmentsShape | None = None
    judgements: dict[str, Words] = {}  # what only a human can tick: name and label
    onboarding: OnboardingShape | None = None
    health: HealthShape | None = None
    stages: StagesShape
    windows: WindowsShape
    caps: CapsShape
    draft: Draft | None = None
    gaps: GapsShape | None = None
    holdout: HoldoutShape | None = None
    signals: dict[str, SignalShape] = {}
    checkpoints: dict[str, CheckpointShape] = {}
    metrics: dict[str, MetricShape] = {}
    plays: dict[str, PlayShape]


_NAMED: tuple[Path, ...] = (
    ("plays",),
    ("signals",),
    ("checkpoints",),
    ("metrics",),
    ("milestones",),
    ("judgements",),
    ("copy",),
    ("ages",),
    ("health", "indicators"),
    *(("vocabulary", kind) for kind in VocabularyShape.model_fields),
    ("segments", "table"),
    ("onboarding", "phases"),
    ("stages", "table"),
)  # where declarations stand under their names
_ALL_WEEK = {"days": list(typing.get_args(Weekday)), "from": "00:00", "to": "24:00"}
_STAND_INS: Mapping[str | int, Plain] = {
    "playbook": "broken",
    "anchor": "anchor",  # its name is among the broken ones, so nobody looks for the event
    "windows": {"send": _ALL_WEEK, "working": _ALL_WEEK},
    "caps": {"per_day": 1, "per_week": 7},
}  # for required keys that are wrong, so that the rest can be checked


def validated(tree: Tree) -> tuple[Document | None, frozenset[str]]:
    """The document of a tree, and the names whose declarations are broken.

    Every problem of shape is noted in the tree. A broken play, milestone, name or top-level key is left out or stood in
    for, so that the rest can be checked and all problems are told together; None when too little is left for that.
    """
    try:
        return Document.model_validate(tree.data), frozenset()
    except ValidationError as error:
        details = error.errors(include_url=False)
    unread = {problem.path for problem in tree.problems}  # what YAML could not say is not said to be missing
    for detail in details:
        if not unread & {loader.shown(tree.held(detail["loc"]))}:
            note(detail, tree, Document)
    rest = copy.deepcopy(tree.data)
    broken = frozenset(name for detail in details if (name := _without(rest, detail, tree)) is not None)
    try:
        return Document.model_validate(rest), broken
    except ValidationError:
        return None, broken


def _without(data: Plain, detail: ErrorDetails, tree: Tree) -> str | None:
    """Take out what an error is about; the name of the declaration that goes with it."""
    path = tree.held(detail["loc"])
    if detail["type"] == "extra_forbidden":
        _drop(data, path)
        return None
    item = _item((*path, detail["loc"][-1]) if detail["type"] == "missing" else path)
    if not item:
        return None
    _drop(data, item)
    if len(item) == 1 and item[0] in _STAND_INS:
        data[item[0]] = _STAND_INS[item[0]]
    return str(item[-1])


def _drop(data: Plain, path: Path) -> None:
    """Remove what stands at a path, unless something above it is out already."""
    *above, last = path
    for step in above:
        data = data.get(step, {}) if isinstance(data, dict) else data[int(step)]
    data.pop(last, None)


def _item(path: Path) -> Path:
    """The declaration that a path lies in, or the top-level key."""
    for prefix in _NAMED:
        if len(path) > len(prefix) and path[: len(prefix)] == prefix:
            return path[: len(prefix) + 1]
    return path[:1]


def note(detail: ErrorDetails, tree: Tree, document: type[BaseModel]) -> None:
    """Note an error of pydantic's in the tree, in our words; ``document`` is the shape of the whole file."""
    path, kind = detail["loc"], detail["type"]
    if kind == "missing":
        tree.refuse(path, f"missing key `{path[-1]}`")
    elif kind == "extra_forbidden":
        known = _keys(document, tree.held(path[:-1]))
        tree.refuse(path, f"unknown key `{path[-1]}`{did_you_mean(str(path[-1]), known)}", key=True)
    else:
        tree.refuse(path, _sentence(detail))


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
}


def _sentence(detail: ErrorDetails) -> str:
    context, given = detail.get("ctx", {}), detail["input"]
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "literal_error":
            choices = re.findall(r"'([^']+)'", context["expected"])
            return f"expected {_listed(choices)}, got {given!r}{did_you_mean(str(given), choices)}"
        case "greater_than_equal":
            return f"expected a number of at least {context['ge']:g}, got {given!r}"
        case "less_than_equal":
            return f"expected a number of at most {context['le']:g}, got {given!r}"
        case "too_short":
            return f"expected at least {_counted(context['min_length'])}, got {_brief(given)}"
        case "too_long":
            return f"expected at most {_counted(context['max_length'])}, got {_brief(given)}"
        case "string_too_short":
            return "expected some text, got nothing"
        case "string_too_long":
            return f"expected a text of at most {context['max_length']} characters, got {len(given)}"
        case "string_pattern_mismatch":
            return f"expected {_PATTERNS[context['pattern']]}, got {_brief(given)}"
        case kind if kind in _EXPECTED:
            return f"expected {_EXPECTED[kind]}, got {_brief(given)}"
        case _:
            return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, got {_brief(given)}"


def _counted(number: int) -> str:
    return f"{number} item{'' if number == 1 else 's'}"


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _brief(given: Plain) -> str:
    match given:
        case None:
            return "nothing"
        case dict():
            return "keys with values"
        case list():
            return f"a list of {len(given)}"
        case _:
            return repr(given)[:80]


def _keys(shape: Any, path: Path) -> frozenset[str]:  # noqa: ANN401 -- an annotation may be any type form
    """The keys that may stand at a path."""
    for step in path:
        shape = _inner(shape, step)
    fields: Mapping[str, Any] = getattr(shape, "model_fields", {})
    return frozenset(info.alias or name for name, info in fields.items())


def _inner(shape: Any, step: str | int) -> Any:  # noqa: ANN401 -- as above
    """What stands at one step within a shape."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        fields = {info.alias or name: info.annotation for name, info in shape.model_fields.items()}
        return _bare(fields[str(step)])
    return _bare(typing.get_args(shape)[-1])


def _bare(shape: Any) -> Any:  # noqa: ANN401 -- as above
    """A type without ``| None`` and without its annotations."""
    if typing.get_origin(shape) is Annotated:
        return _bare(typing.get_args(shape)[0])
    if typing.get_origin(shape) in {types.UnionType, typing.Union}:
        return _bare(typing.get_args(shape)[0])
    return shape
