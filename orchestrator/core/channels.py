"""Which of a play's actions are taken, by which channel its letters go, and to what address.

A play may hold both a mail and a note in the product. Then its ``prefer`` says which of them goes; else the playbook's
``in_app_from`` does: mail until that milestone is reached, in-app from then on (``spec/rules.md`` 1.1, practice 4:
"email after welcome; in-app once the product is sticky"); where neither is said, both go.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from orchestrator.core.people import Person
from orchestrator.core.playbook import (
    Action,
    AskSurvey,
    CallWebhook,
    Channel,
    Escalate,
    Letter,
    Notify,
    Play,
    Playbook,
    SendEmail,
    SetTrait,
    ShowInApp,
)

Numbered: TypeAlias = tuple[int, Action]  # an action with its place in its play


def chosen(play: Play, milestones: Mapping[str, datetime], playbook: Playbook) -> tuple[Numbered, ...]:
    """The actions that a play takes, given the milestones that are reached."""
    numbered = tuple(enumerate(play.actions))
    if not {SendEmail, ShowInApp} <= {type(action) for action in play.actions}:
        return numbered
    left_out = _left_out(play, milestones, playbook)
    return tuple((number, action) for number, action in numbered if not isinstance(action, left_out))


def _left_out(play: Play, milestones: Mapping[str, datetime], playbook: Playbook) -> tuple[type[Letter], ...]:
    if play.prefer is None and playbook.in_app_from is None:
        return ()
    wanted = play.prefer or (Channel.IN_APP if playbook.in_app_from in milestones else Channel.EMAIL)
    return (SendEmail,) if wanted is Channel.IN_APP else (ShowInApp,)


def to_people(actions: Iterable[Numbered]) -> bool:
    """Whether any of these is a letter to the account's people."""
    return any(isinstance(action, SendEmail | ShowInApp | AskSurvey) for _, action in actions)


def by_mail(actions: Iterable[Numbered]) -> bool:
    """Whether any of these is a mail: it needs an address, and an open window."""
    return any(isinstance(action, Letter) and action.channel is Channel.EMAIL for _, action in actions)


def address_of(letter: Letter, person: Person | None) -> str:
    """Where a letter goes: a person's mail address, a role or chat channel, another system; empty in the product."""
    match letter:
        case Notify(to=to):
            return to
        case CallWebhook(name=name):
            return name
        case _:
            return (person.email or "") if person is not None and letter.channel is Channel.EMAIL else ""


def lone_mail(play: Play) -> bool:
    """Whether all that a play leaves behind is one mail to one person: once it has left, nothing can be withdrawn."""
    left = [action for action in play.actions if not isinstance(action, SetTrait)]
    several = len(play.audience.to) > 1 or any(group.several for group in play.audience.groups)
    return not several and len(left) == 1 and by_mail(enumerate(left))


def leaves(play: Play) -> bool:
    """Whether a play does anything that could be withdrawn: letters and work, not what is set."""
    return any(isinstance(action, Letter | Escalate) for action in play.actions)
