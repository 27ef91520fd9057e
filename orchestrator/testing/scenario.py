"""Scenarios: a YAML timeline of one account, events in and decisions out, checked against the playbook that it tries.

A file is parsed with places (``playbook.loader``), checked as a playbook is (every name leads somewhere, all problems
together, each with line and "did you mean") and becomes calls of a product, which the product's own simulation lives
through, and expectations, each a filter of the rows of its chronicle (``usecases.chronicle``).

What a scenario need not say: at the anchor the account's traits and its people become known, and the playbook's anchor
event happens, unless ``events`` says when; what nobody in particular does is done by the first person.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path as FilePath
from typing import TypeVar

import orjson
from pydantic import ValidationError

from orchestrator.core.calendars import DAY, at_local, local_day, zone
from orchestrator.core.events import OWN_EVENTS, OWN_SOURCE, Json
from orchestrator.core.playbook import AskSurvey, CallWebhook, Channel, Letter, Notify, Playbook, ShowInApp
from orchestrator.playbook import loader, spans
from orchestrator.playbook.errors import PlaybookError, Problem, did_you_mean
from orchestrator.playbook.loader import Path, Plain, Tree
from orchestrator.playbook.schema import note
from orchestrator.testing import deeds
from orchestrator.testing.moments import MINUTE, Calendar, Moment
from orchestrator.testing.shape import EscalationShape, EventShape, PersonShape, ScenarioShape
from orchestrator.testing.states import END, Asked, StateCompiler
from orchestrator.usecases.simulate import SOURCE, Arrival, Word

ACCOUNT = "acme"  # the id of the one account of a scenario
SOMEBODY = "ann"  # who is there when no people are named
MOST_CALLS = 20_000  # that one scenario may make
NEVER = "never"
_SATURDAY = 5
_MOMENT = timedelta(microseconds=1)  # the resolution of our clocks
_T = TypeVar("_T")


class ScenarioError(PlaybookError):
    """The scenario cannot be lived through as it is written; mend each place that is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A call of the product, and what a reader is told of it."""

    arrival: Arrival
    happened: datetime  # when it happened; it may reach us later
    words: str  # in the timeline: ``login by ann``


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What no call says: an address that takes no mail any more, a draft that was looked at."""

    word: Word
    words: str  # in the timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One thing that must, or must not, stand in the chronicle."""

    place: str  # ``file:line:col path``
    kind: str  # of the row: decision, message, escalation, postponement, stage, milestone
    wanted: Mapping[str, str]  # what the row must say
    words: str  # as a reader is told what was expected
    moment: Moment | None = None  # when; None: at some time
    by: bool = False  # at the latest, not at, the moment
    absent: bool = False  # no such row may be there

    @property
    def play(self) -> str | None:
        """The play that it is about; None when it is about a stage or a milestone."""
        return self.wanted.get("play")

    def fits(self, at: datetime) -> bool:
        """Whether an instant is one that is meant."""
        moment = self.moment
        return moment is None or (at < moment.ends and (self.by or at >= moment.begins))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One account's timeline, and what must come of it."""

    file: str
    name: str
    proves: tuple[str, ...]  # the cases that it stands for
    calendar: Calendar
    calls: tuple[Said, ...]  # in the order of the file
    heard: tuple[Heard, ...]  # what no call says
    expectations: tuple[Expectation, ...]  # in the order of the file
    asked: tuple[Asked, ...]  # what the account must be like, at which times
    only: frozenset[str]  # kinds of rows (message, escalation) of which none but the expected may be there
    until: datetime  # the last instant that is lived through


def scenario_files(place: FilePath) -> list[FilePath]:
    """The scenarios of a folder and its folders, in order; of a file, itself."""
    found = [place] if place.is_file() else [each for each in place.rglob("*") if each.suffix in {".yaml", ".yml"}]
    return sorted(found)


def read_scenario(path: FilePath, playbook: Playbook) -> Scenario:
    """The scenario of a file, checked against the playbook that it tries.

    Raises:
        ScenarioError: with every problem that it has.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the file cannot be read: {getattr(error, 'strerror', None) or 'it is no UTF-8'}"
        raise ScenarioError([Problem(file=str(path), line=1, column=1, path="", message=message)]) from error
    return parse_scenario(text, playbook, file=str(path))


def parse_scenario(text: str, playbook: Playbook, *, file: str = "scenario.yaml") -> Scenario:
    """The scenario of a text; raises as ``read_scenario`` does."""
    tree = loader.read(text, file, "scenario")
    found = None if tree.problems else _compiled(tree, playbook)
    if tree.problems or found is None:
        raise ScenarioError(tree.problems)
    return found


def _compiled(tree: Tree, playbook: Playbook) -> Scenario | None:
    try:
        shape = ScenarioShape.model_validate(tree.data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            note(detail, tree, ScenarioShape)
        return None
    calendar = _calendar(shape, tree, playbook)
    return None if calendar is None else _Compiler(shape, tree, playbook, calendar).scenario()


def _calendar(shape: ScenarioShape, tree: Tree, playbook: Playbook) -> Calendar | None:
    tz = zone(shape.zone or playbook.timezone)
    if tz is None:
        tree.refuse(("zone",), f"unknown time zone `{shape.zone}`: write it as Europe/Berlin")
        return None
    try:
        written = datetime.fromisoformat(shape.anchor.strip())
        at = Calendar(anchor=written.replace(tzinfo=tz), zone=tz, first_day=playbook.first_day).moment(shape.anchor).at
    except (ValueError, OverflowError):
        tree.refuse(("anchor",), f'expected a local time such as "2026-03-02 09:30", got {shape.anchor!r}')
        return None
    return Calendar(anchor=at, zone=tz, first_day=playbook.first_day)


class _Compiler:
    """One scenario on its way; problems are noted in its tree."""

    def __init__(self, shape: ScenarioShape, tree: Tree, playbook: Playbook, calendar: Calendar) -> None:
        self.shape = shape
        self.tree = tree
        self.playbook = playbook
        self.calendar = calendar
        self.people = {SOMEBODY: PersonShape(role="champion")} if shape.people is None else shape.people
        self.calls: list[Said] = []
        self.heard: list[Heard] = []
        self.until = calendar.anchor  # the end, once it is read

    def scenario(self) -> Scenario | None:
        until = self.tried(("until",), lambda: self.calendar.moment(self.shape.until))
        if until is None:
            return None
        self.until = _last(until)
        self.check_traits(self.shape.account, ("account",))
        self.introduce()
        self.live()
        return Scenario(
            file=self.tree.origin.file,
            name=self.shape.scenario,
            proves=tuple(self.shape.proves),
            calendar=self.calendar,
            calls=tuple(self.calls),
            heard=tuple(self.heard),
            expectations=tuple(self.expectations()),
            asked=tuple(StateCompiler(self.shape, self.tree, self.playbook, self.moment).asked()),
            only=_only(self.shape.only),
            until=self.until,
        )

    def moment(self, path: Path, text: str, before: datetime | None = None) -> Moment | None:
        """The moment at a path, refused when the scenario is over by then: nothing would come of it."""
        found = self.tried(path, lambda: self.calendar.moment(text, before))
        if found is not None and found.begins > self.until:
            self.tree.refuse(path, f"`{text}` lies after the scenario's end, `until: {self.shape.until}`")
        return found

    def tried(self, path: Path, read: Callable[[], _T]) -> _T | None:
        """What can be read at a path; None, and the problem noted, when it cannot."""
        try:
            return read()
        except (ValueError, OverflowError) as error:
            self.tree.refuse(path, str(error))
            return None

    def known(self, path: Path, name: str, known: Iterable[str], what: str) -> None:
        listed = list(known)
        if name not in listed:
            self.tree.refuse(path, f"unknown {what} `{name}`{did_you_mean(name, listed)}")

    # -- what happens ------------------------------------------------------------------------------------------------

    def introduce(self) -> None:
        """The account and its people become known, and the day count starts."""
        anchor = self.calendar.anchor
        zoned = {"timezone": self.calendar.zone.key} if self.shape.zone else {}
        self.call(anchor, anchor, "group", "", groupId=ACCOUNT, traits={**zoned, **self.shape.account})
        for name, person in self.people.items():
            at = self.introduced(name, person)
            if at is not None:
                said = "" if at == anchor else f"{name} becomes known"
                self.call(at, at, "identify", said, name, traits=_introduction(name, person))
        if not any(self.starts(each) for each in self.shape.events):
            self.track(anchor, anchor, self.playbook.anchor, self.somebody(), {})

    def introduced(self, name: str, person: PersonShape) -> datetime | None:
        if person.known in {None, NEVER}:
            return None if person.known else self.calendar.anchor
        moment = self.moment(("people", name, "known"), str(person.known))
        return moment.at if moment else None

    def starts(self, shape: EventShape) -> bool:
        event = shape.event or ""
        return self.playbook.vocabulary.aliases.get(event) == self.playbook.anchor

    def somebody(self) -> str | None:
        return next(iter(self.people), None)

    def live(self) -> None:
        before = self.calendar.anchor
        for number, shape in enumerate(self.shape.events):
            path: Path = ("events", number)
            self.check_event(shape, path)
            for count, at in enumerate(self.instants(shape, path, before), start=1):
                before = at
                self.happen(shape, path, at, count)
                if len(self.calls) > MOST_CALLS:
                    self.tree.refuse(path, f"a scenario may make {MOST_CALLS:,} calls at most")
                    return

    def check_event(self, shape: EventShape, path: Path) -> None:
        if (shape.at is None) is (shape.every is None):
            self.tree.refuse(path, "an event has one of: `at`, `every`", key=True)
        kind = deeds.kind_of(shape)
        if kind is None:
            self.tree.refuse(path, f"an event has one of: {', '.join(f'`{each}`' for each in deeds.DETAILS)}", key=True)
        else:
            self.check_kind(shape, kind, path)
        if shape.event is not None:
            words = self.playbook.vocabulary
            self.known((*path, "event"), shape.event, {*words.aliases, *words.filters}, "event")
        if shape.person is not None:
            self.known((*path, "person"), shape.person, self.people, "person")
        elif shape.traits is not None:
            self.check_traits(shape.traits, (*path, "traits"))
        for key, given in (("from", shape.begins), ("to", shape.ends)):
            if (given is None) is not (shape.every is None):
                told = f"`every` needs `{key}`" if given is None else f"`{key}` stands beside `every` only"
                self.tree.refuse(path if given is None else (*path, key), told, key=True)

    def check_kind(self, shape: EventShape, kind: str, path: Path) -> None:
        for key, told in deeds.stray(shape, kind):
            self.tree.refuse((*path, key), told, key=True)
        for below, told in deeds.problems(shape, kind, self.playbook, self.people):
            self.tree.refuse((*path, *below), told)

    def check_traits(self, traits: Mapping[str, Plain], path: Path) -> None:
        for name in traits:
            if name not in self.playbook.vocabulary.traits:
                near = did_you_mean(name, self.playbook.vocabulary.traits)
                self.tree.refuse((*path, name), f"unknown trait `{name}`{near}", key=True)

    def instants(self, shape: EventShape, path: Path, before: datetime) -> list[datetime]:
        """When an event happens: once, or again and again from ``from`` to ``to``, both within."""
        if shape.at is not None:
            moment = self.moment((*path, "at"), shape.at, before)
            return [moment.at] if moment else []
        if shape.every is None or shape.begins is None or shape.ends is None:
            return []
        every = shape.every
        begins = self.moment((*path, "from"), shape.begins, before)
        ends = self.moment((*path, "to"), shape.ends, before)
        if begins is None or ends is None or self.tried((*path, "every"), lambda: _step(every)) is None:
            return []
        found = [at for at in _repeated(every, begins.at, _last(ends), self.calendar) if at < ends.ends]
        if not found:
            self.tree.refuse((*path, "to"), f"`{ends.text}` lies before `{begins.text}`")
        return found

    def happen(self, shape: EventShape, path: Path, at: datetime, count: int) -> None:
        arrived = at
        if shape.arrives is not None:
            moment = self.moment((*path, "arrives"), shape.arrives, at)
            arrived = moment.at if moment else at
            if arrived < at:
                self.tree.refuse((*path, "arrives"), f"`{shape.arrives}` lies before it happens")
        if shape.traits is not None:
            self.say_traits(shape, at, arrived)
        elif shape.event is not None:
            properties = _numbered(shape.properties or {}, count)
            for _ in range(shape.times):
                self.track(at, arrived, shape.event, shape.person or self.somebody(), properties)
        else:
            self.do(shape, path, at, arrived)

    def say_traits(self, shape: EventShape, at: datetime, arrived: datetime) -> None:
        traits = shape.traits or {}
        told = ", ".join(f"{name}: {value}" for name, value in traits.items())
        if shape.person is None:
            self.call(at, arrived, "group", f"the account is {told}", groupId=ACCOUNT, traits=traits)
        else:
            self.call(at, arrived, "identify", f"{shape.person} is {told}", shape.person, traits=traits)

    def do(self, shape: EventShape, path: Path, at: datetime, arrived: datetime) -> None:
        """Say a word of our people."""
        kind = deeds.kind_of(shape)
        found = None if kind is None else deeds.word(shape, kind, arrived, ACCOUNT)
        if found is not None:
            self.heard.append(Heard(word=found[0], words=found[1]))
        elif kind is not None:
            said = shape.until
            until = None if said is None else self.tried((*path, "until"), lambda: self.calendar.moment(said, at).at)
            deed = deeds.deed(shape, kind, until)
            self.call(at, arrived, "track", deed.told, None, OWN_SOURCE, event=deed.name, properties=dict(deed.words))

    def track(
        self, at: datetime, arrived: datetime, event: str, person: str | None, properties: Mapping[str, Json]
    ) -> None:
        words = f"{event} by {person}" if person else event
        source = OWN_SOURCE if event in OWN_EVENTS else SOURCE
        self.call(at, arrived, "track", words, person, source, event=event, properties=dict(properties))

    def call(
        self,
        at: datetime,
        arrived: datetime,
        kind: str,
        words: str,
        person: str | None = None,
        source: str = SOURCE,
        /,
        **body: Json,
    ) -> None:
        """Say one Segment call, which names the account and has a number of its own."""
        named = {} if person is None else {"userId": person}
        said: dict[str, Json] = {
            "type": kind,
            "messageId": f"{ACCOUNT}-{len(self.calls) + 1:05}",
            "timestamp": at.isoformat(),
            "context": {"groupId": ACCOUNT},
            **named,
            **body,
        }
        late = "" if arrived == at else f", which happened {self.calendar.told(at)}"
        arrival = Arrival(at=arrived, call=orjson.dumps(said), source=source)
        self.calls.append(Said(arrival=arrival, happened=at, words=f"{words}{late}" if words else ""))

    # -- what must come of it ----------------------------------------------------------------------------------------

    def expectations(self) -> Iterator[Expectation]:
        shape = self.shape
        for number, decided in enumerate(shape.expect):
            wanted = {"play": decided.play, "outcome": decided.outcome, "reason": decided.reason}
            yield self.of_play("decision", ("expect", number), decided.at, decided.by, wanted)
        for number, sent in enumerate(shape.sent):
            path: Path = ("sent", number)
            if sent.to is not None:
                self.known((*path, "to"), sent.to, self.people, "person")
            wanted = {"play": sent.play, "state": "sent", "person": sent.to, "template": sent.template}
            yield self.of_play("message", path, sent.at, sent.by, wanted)
        yield from self.of_letters()
        for number, cancelled in enumerate(shape.cancelled):
            wanted = {"play": cancelled.play, "state": "cancelled", "reason": cancelled.reason}
            yield self.of_play("message", ("cancelled", number), cancelled.at, cancelled.by, wanted)
        for number, waits in enumerate(shape.postponed):
            path = ("postponed", number)
            until = self.instant((*path, "until"), waits.until)
            wanted = {"play": waits.play, "reason": waits.reason, "until": until}
            yield self.of_play("postponement", path, waits.at, waits.by, wanted)
        for number, work in enumerate(shape.escalations):
            yield from self.of_work(("escalations", number), work)
        for number, never in enumerate(shape.never):
            reaching = ({"state": "pending", "channel": channel} for channel in _TAKEN)
            for kind, said in (
                ("message", {"state": "sent"}),
                ("escalation", {"state": "open"}),
                *((("message", each)) for each in reaching),
            ):
                told = self.of_play(kind, ("never", number), never.at, never.by, {"play": never.play, **said})
                yield replace(told, absent=True)
        yield from self.of_account()

    def of_letters(self) -> Iterator[Expectation]:
        """What goes by another channel than mail, or waits as a draft."""
        shape = self.shape
        for key, listed in (("in_app", shape.in_app), ("notify", shape.notify), ("webhook", shape.webhook)):
            for number, each in enumerate(listed):
                self.check_action((key, number), key, each.play)
                wanted = {"state": "pending", "action": key, "person": each.to, "template": each.template}
                yield self.of_play("message", (key, number), each.at, each.by, {"play": each.play, **wanted})
        for number, asks in enumerate(shape.survey):
            action = self.check_action(("survey", number), "survey", asks.play)
            mailed = action is None or action.channel is Channel.EMAIL
            wanted = {
                "state": "sent" if mailed else "pending",
                "action": "survey",
                "person": asks.to,
                "survey": asks.kind,
            }
            yield self.of_play("message", ("survey", number), asks.at, asks.by, {"play": asks.play, **wanted})
        for number, draft in enumerate(shape.drafts):
            wanted = {"state": "draft", "person": draft.to, "template": draft.template}
            yield self.of_play("message", ("drafts", number), draft.at, draft.by, {"play": draft.play, **wanted})

    def check_action(self, path: Path, key: str, play: str) -> Letter | None:
        """The action of a play that a key means; refused when the play takes none."""
        known = self.playbook.plays.get(play)
        actions = () if known is None else known.actions
        found = next((each for each in actions if isinstance(each, _ACTIONS[key])), None)
        if known is not None and found is None:
            self.tree.refuse((*path, "play"), f"the play `{play}` has no `{key}`")
        return found

    def of_work(self, path: Path, shape: EscalationShape) -> Iterator[Expectation]:
        due = self.instant((*path, "due"), shape.due)
        rest = {"owner": shape.owner, "severity": shape.severity, "category": shape.category, "due_at": due}
        yield self.of_play("escalation", path, shape.at, shape.by, {"play": shape.play, "state": "open", **rest})
        if shape.closed is not None:
            reason = None if shape.closed == NEVER else shape.closed
            closed = self.of_play(
                "escalation", path, None, None, {"play": shape.play, "state": "closed", "reason": reason}
            )
            yield replace(closed, absent=reason is None)

    def instant(self, path: Path, text: str | None) -> str | None:
        """A moment as rows have instants."""
        moment = None if text is None else self.tried(path, lambda: self.calendar.moment(text))
        return None if moment is None else moment.at.isoformat().replace("+00:00", "Z")

    def of_play(
        self, kind: str, path: Path, at: str | None, by: str | None, wanted: Mapping[str, str | None]
    ) -> Expectation:
        self.known((*path, "play"), str(wanted["play"]), self.playbook.plays, "play")
        if at is not None and by is not None:
            self.tree.refuse((*path, "by"), "an expectation has one of: `at`, `by`", key=True)
        text = at or by
        moment = None if text is None else self.moment((*path, "at" if at else "by"), text)
        asked = {key: value for key, value in wanted.items() if value is not None}
        return self.expectation(kind, path, asked, moment, by=by is not None)

    def of_account(self) -> Iterator[Expectation]:
        for text, stage in self.shape.stage.items():
            path: Path = ("stage",) if ("stage", text) not in self.tree.places else ("stage", text)
            self.known(path, stage, self.playbook.stages, "stage")
            moment = None if text == END else self.moment(path, text)
            yield self.expectation("stage", path, {"stage": stage}, moment, by=True)
        for name, text in self.shape.milestone.items():
            path = ("milestone", name)
            if name not in self.playbook.milestones:
                near = did_you_mean(name, self.playbook.milestones)
                self.tree.refuse(path, f"unknown milestone `{name}`{near}", key=True)
            by = text.removeprefix("by ")
            moment = None if text == NEVER else self.moment(path, by)
            told = self.expectation("milestone", path, {"milestone": name}, moment, by=by != text)
            yield replace(told, absent=text == NEVER)

    def expectation(
        self, kind: str, path: Path, wanted: Mapping[str, str], moment: Moment | None, *, by: bool
    ) -> Expectation:
        place = self.tree.places[self.tree.held(path)]
        line, column = place.key
        return Expectation(
            place=f"{self.tree.origin.file}:{line}:{column} {loader.shown(path)}",
            kind=kind,
            wanted=wanted,
            words=_words(kind, wanted, moment, self.calendar, by=by and kind != "stage"),
            moment=moment,
            by=by,
        )


def _only(word: str) -> frozenset[str]:
    return {
        "": frozenset[str](),
        "all": frozenset({"message", "escalation"}),
        "messages": frozenset({"message"}),
        "escalations": frozenset({"escalation"}),
    }[word]


def _introduction(name: str, person: PersonShape) -> dict[str, Json]:
    email = f"{name}@{ACCOUNT}.example" if person.email == "" else person.email
    said = {"email": email, "name": person.name, "role": person.role, "timezone": person.timezone}
    return {key: value for key, value in said.items() if value is not None}


def _last(moment: Moment) -> datetime:
    """The last instant that a moment means: of a day its last, else the instant itself."""
    return moment.ends - _MOMENT if moment.ends - moment.begins > MINUTE else moment.at


def _step(every: str) -> timedelta:
    """How far one repetition is from the next.

    Raises:
        ValueError: it is no duration, and neither day, weekday nor week.
    """
    words = {"day": DAY, "weekday": DAY, "week": 7 * DAY}
    if every in words:
        return words[every]
    try:
        step = spans.plain_span(every)
    except ValueError:
        raise ValueError(f"expected day, weekday, week or a duration such as 1d or 6h, got {every!r}") from None
    if not step:
        raise ValueError(f"expected some time between two of them, got {every!r}")
    return step


def _repeated(every: str, begins: datetime, last: datetime, calendar: Calendar) -> Iterator[datetime]:
    """The instants of a repetition: whole days keep the wall clock, hours are hours."""
    step, at = _step(every), begins
    wall = begins.astimezone(calendar.zone).time()
    while at <= last:
        if every != "weekday" or at.astimezone(calendar.zone).weekday() < _SATURDAY:
            yield at
        at = at + step if step % DAY else at_local(local_day(at, calendar.zone) + step, wall, calendar.zone)


def _numbered(properties: Mapping[str, Plain], count: int) -> dict[str, Json]:
    """The properties of one repetition: ``{n}`` in a text is its number."""
    return {
        name: value.replace("{n}", str(count)) if isinstance(value, str) else value
        for name, value in properties.items()
    }


def _words(kind: str, wanted: Mapping[str, str], moment: Moment | None, calendar: Calendar, *, by: bool) -> str:
    """An expectation in the words of a reader."""
    told = {**wanted, **{key: calendar.told(datetime.fromisoformat(wanted[key])) for key in _TIMES if key in wanted}}
    if wanted.get("state") == "open":
        told["state"] = "escalated"
    word = told.pop("action", told.pop("channel", None))
    if word is not None and wanted.get("state") == "pending":
        told["state"] = word
    parts = [_SENTENCE[key].format(value) for key, value in sorted(told.items(), key=_place_in_sentence)]
    bare = [_BARE[kind]] if kind in _BARE and not wanted.keys() & {"outcome"} else []
    when = [] if moment is None else [f"{'by' if by else 'at'} {moment.text}"]
    return " ".join((*parts[:1], *bare, *parts[1:], *when))


_TAKEN = (Channel.IN_APP, Channel.NOTIFY, Channel.WEBHOOK)  # whose messages are there to be taken
_ACTIONS: Mapping[str, type[Letter]] = {
    "in_app": ShowInApp,
    "notify": Notify,
    "webhook": CallWebhook,
    "survey": AskSurvey,
}
_SENTENCE = {
    "play": "{}",
    "stage": "stage {}",
    "milestone": "milestone {}",
    "outcome": "{}",
    "state": "{}",
    "survey": "{}",
    "person": "to {}",
    "owner": "to {}",
    "template": "of template {}",
    "severity": "of severity {}",
    "category": "of category {}",
    "reason": "({})",
    "until": "until {}",
    "due_at": "due {}",
}  # how a reader is told what a row must say, in this order
_BARE = {"postponement": "waits", "decision": "decided"}  # where the row's own words are none
_TIMES = ("until", "due_at")


def _place_in_sentence(item: tuple[str, str]) -> int:
    return list(_SENTENCE).index(item[0])
