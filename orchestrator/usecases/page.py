"""``page``: what a signed link asks of its account, and what was answered, written down once."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestrator.core.events import Json
from orchestrator.core.playbook import Playbook
from orchestrator.intake import forms
from orchestrator.intake.forms import Answer, Asked, Filled
from orchestrator.intake.links import Link
from orchestrator.usecases import log
from orchestrator.usecases.log import GoalText, UnknownWordError
from orchestrator.usecases.overrule import Aside
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.words import Aimed, Happened, Judged, Word, spoken, write_down


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A form as it stands for one account."""

    title: str
    intro: str
    company: str  # what the account is called
    questions: tuple[Asked, ...]
    now: datetime  # aware UTC


def page(ports: Ports, templates: Path, link: Link) -> Page:
    """What a link asks of its account.

    Raises:
        UnknownAccountError: the account is not there any more.
        FormError: the form is not, or is not written as a form is.
    """
    form = forms.load(templates, link.form)
    account, playbook = log.found(ports, link.account)
    with ports.engine.connect() as connection:
        now = ports.clock.now(connection)
    name = account.facts.traits.get("name")
    asked = forms.asked(form, lambda event: _can_say(event, playbook), playbook.judgements)
    company = name.value if name is not None and isinstance(name.value, str) else account.id
    return Page(title=form.title, intro=form.intro, company=company, questions=tuple(asked), now=now)


def take(ports: Ports, link: Link, filled: Filled, nonce: str, now: datetime) -> None:
    """Write down what was answered; the same page sent again (its ``nonce`` tells) counts once.

    Raises:
        UnsayableError, UnknownWordError, SaidOtherwiseError: as ``write_down``.
    """
    for answer in filled.answers:
        at = None if answer.on is None else forms.noon(answer.on, now)
        once = f"{link.number}/{link.ends.timestamp():.0f}/{nonce}/{answer.question.control}"
        write_down(ports, link.account, _word(answer), filled.by, Aside(at=at, once=once))


def _can_say(event: str, playbook: Playbook) -> bool:
    try:
        spoken(event, playbook)
    except UnknownWordError:
        return False
    return True


def _word(answer: Answer) -> Word:
    asked = answer.question
    match asked.kind:
        case "judgement":
            return Judged(judgement=asked.name, evidence="said on a page", ticked=answer.value == "yes")
        case "goal":
            return Aimed(goal=forms.slug(answer.value), said=GoalText(text=answer.value))
        case "event":
            chosen: dict[str, Json] = {asked.kept_as: answer.value} if asked.kept_as else {}
            note: dict[str, Json] = {"note": answer.note} if answer.note else {}
            return Happened(event=asked.name, properties={**chosen, **note})
