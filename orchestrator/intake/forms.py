"""Forms: what a person is asked of an account on a page, as templates/forms/*.yaml say it, and what they answered.

A form is written for every account; what the account's playbook has no word for is not asked. An answer that is left
out says nothing.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from orchestrator.core.errors import LifecycleError
from orchestrator.playbook.errors import did_you_mean

LONGEST_TEXT = 500  # characters of an answer
LONGEST_NAME = 100  # characters of who says it
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # of a form: it is a file's name, and nothing above it

_SLUG = re.compile(r"[^a-z0-9]+")
_Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class FormError(LifecycleError):
    """The form cannot be used as it is written."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(_Strict):
    """A property of an event, and what it may be."""

    property: _Line
    options: Annotated[Mapping[str, str], Field(min_length=1)]  # what is kept -> what is read


class Question(_Strict):
    """One thing that is asked."""

    event: _Line | None = None  # an event of the playbook: a box to tick, or a choice
    judgement: _Line | None = None  # a judgement of the playbook, or * for all of them
    goal: Literal[True] | None = None  # a goal of the customer's, in their words
    ask: str = ""  # the question; of a judgement: what the playbook calls it, when empty
    choose: Choice | None = None  # of an event: what it was
    date: bool = False  # of an event: also ask when it was
    note: str = ""  # of an event: also ask for a text, under this word; kept as ``note``

    @model_validator(mode="after")
    def _is_one(self) -> "Question":
        if [self.event, self.judgement, self.goal].count(None) != 2:  # noqa: PLR2004 -- all but one
            raise ValueError("a question is one of `event`, `judgement` and `goal`")
        if (self.event or self.goal) and not self.ask:
            raise ValueError("`ask` is missing")
        return self


class Form(_Strict):
    """A page."""

    title: _Line
    intro: str = ""
    questions: Annotated[Sequence[Question], Field(min_length=1, max_length=50)]


def load(folder: Path, name: str) -> Form:
    """A form of the folder of templates.

    Raises:
        FormError: there is none of this name, or it is not written as a form is.
    """
    shelf = folder / "forms"
    path = shelf / f"{name}.yaml"
    if NAME.fullmatch(name) is None or not path.is_file():
        known = sorted(each.stem for each in shelf.glob("*.yaml")) if shelf.is_dir() else []
        raise FormError(
            f"there is no form `{name}`{did_you_mean(name, known)}; there are: {', '.join(known) or 'none'}"
        )
    try:
        return Form.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormError(f"{path}: {error}") from None
    except ValidationError as error:
        told = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise FormError(f"{path}: {'; '.join(told)}") from None


# ------------------------------------------------------------------------------------------------------- for an account


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as it stands on the page."""

    control: str  # the name of its first control; the others are ``<control>-date`` and ``<control>-note``
    kind: Literal["event", "judgement", "goal"]
    name: str  # of the event or judgement
    ask: str
    kept_as: str = ""  # the property that a choice is kept as
    options: Mapping[str, str] = field(default_factory=dict)
    date: bool = False
    note: str = ""


def asked(form: Form, can_say: Callable[[str], bool], judgements: Mapping[str, str]) -> list[Asked]:
    """What is asked of an account whose playbook can hear these events and has these judgements."""
    questions = [one for each in form.questions for one in _spread(each, judgements)]
    fitting = [each for each in questions if each.event is None or can_say(each.event)]
    return [_asked(number, each, judgements) for number, each in enumerate(fitting)]


def _spread(question: Question, judgements: Mapping[str, str]) -> Iterable[Question]:
    if question.judgement is None:
        return [question]
    names = judgements if question.judgement == "*" else [question.judgement]
    return [question.model_copy(update={"judgement": name}) for name in names if name in judgements]


def _asked(number: int, question: Question, judgements: Mapping[str, str]) -> Asked:
    control = f"q{number}"
    if question.judgement is not None:
        ask = question.ask or judgements[question.judgement]
        return Asked(control=control, kind="judgement", name=question.judgement, ask=ask)
    if question.event is None:
        return Asked(control=control, kind="goal", name="", ask=question.ask)
    chosen = question.choose
    return Asked(
        control=control,
        kind="event",
        name=question.event,
        ask=question.ask,
        kept_as="" if chosen is None else chosen.property,
        options={} if chosen is None else chosen.options,
        date=question.date,
        note=question.note,
    )


# ------------------------------------------------------------------------------------------------------------ answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said to one question."""

    question: Asked
    value: str  # what was chosen; of a box ``yes``; of a judgement ``yes`` or ``no``; of a goal its text
    on: date | None = None  # when it was
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A page that was sent."""

    by: str
    answers: Sequence[Answer]
    faults: Mapping[str, str]  # control -> what is wrong with it, in a sentence


def filled(questions: Sequence[Asked], sent: Mapping[str, str], today: date) -> Filled:
    """What a sent page says; nothing of it counts while there are faults."""
    faults: dict[str, str] = {}
    by = _text(sent.get("by", ""))
    if not 1 <= len(by) <= LONGEST_NAME:
        faults["by"] = "Say who you are."
    answers = [each for each in (_answer(one, sent, today, faults) for one in questions) if each is not None]
    if not answers and not faults:
        faults["form"] = "Nothing is filled in yet."
    return Filled(by=by, answers=answers, faults=faults)


def _answer(question: Asked, sent: Mapping[str, str], today: date, faults: dict[str, str]) -> Answer | None:
    value = _text(sent.get(question.control, ""))
    note, day = _text(sent.get(f"{question.control}-note", "")), _text(sent.get(f"{question.control}-date", ""))
    if not value:
        if note or day:
            faults[question.control] = "You have said more about this, but not this itself."
        return None
    allowed = question.options or {"event": {"yes"}, "judgement": {"yes", "no"}, "goal": {value}}[question.kind]
    if value not in allowed:
        faults[question.control] = "Choose one of these."
    if len(value) > LONGEST_TEXT or len(note) > LONGEST_TEXT:
        faults[question.control] = f"At most {LONGEST_TEXT} characters."
    on = _day(day)
    if day and (on is None or on > today):
        faults[f"{question.control}-date"] = "A day up to today, please."
    return Answer(question=question, value=value, on=on, note=note)


def _text(raw: str) -> str:
    return raw.replace("\0", "").replace("\r\n", "\n").strip()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def slug(text: str) -> str:
    """A short name made of a text, for a goal that was only told in words."""
    return _SLUG.sub("_", text.lower()).strip("_")[:40] or "goal"


def noon(day: date, now: datetime) -> datetime:
    """When something was of which only the day is known: its noon, UTC, and not after now."""
    return min(datetime(day.year, day.month, day.day, 12, tzinfo=now.tzinfo), now)
