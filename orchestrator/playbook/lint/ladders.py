"""Signals and their ladders: nobody hears of one, one closes as it opens, two rungs say the same at once."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import timedelta

from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import Node, Term, TermKind, View, terms
from orchestrator.core.playbook import (
    Action,
    AskSurvey,
    Closed,
    Escalate,
    Holds,
    Notify,
    Opened,
    Play,
    Playbook,
    SendEmail,
    ShowInApp,
    doing,
)
from orchestrator.playbook.lint.clauses import Want
from orchestrator.playbook.lint.desk import Desk, asked, openings
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.moments import SETTLED, Moment
from orchestrator.playbook.lint.timelines import events_of, lived, story

_FOLLOWED = 7  # days that an open signal is followed at least


def signals_and_ladders(desk: Desk) -> Iterator[Finding]:
    """``unheard-signal``, ``closes-at-once``, ``narrow-while`` and ``twin-rungs``."""
    for name in desk.playbook.signals:
        if name not in desk.silent:
            yield from _unheard(name, desk)
            yield from _fleeting(desk.playbook.plays[name], desk)
            yield from _twins(name, desk)


def answers_to(signal: str, playbook: Playbook) -> list[Play]:
    """The plays that a signal's opening starts: its rungs, and others."""
    return [
        play for play in playbook.plays.values() if isinstance(play.trigger, Opened) and play.trigger.signal == signal
    ]


def opening_life(signal: str, desk: Desk, *moments: Moment, plays: Sequence[str] = ()) -> tuple[str, ...]:
    """The life of an account for which a signal opens while all of this is so; nothing where none was found."""
    views = (desk.example(*way, *moments) for way in openings(desk.playbook.plays[signal], desk))
    shown = (signal, *(plays or (each.name for each in answers_to(signal, desk.playbook))))
    return next((_followed(signal, view, desk, shown, "opened") for view in views if view is not None), ())


def _followed(signal: str, view: View, desk: Desk, shown: Sequence[str], kind: str) -> tuple[str, ...]:
    """What becomes of a signal and of these plays after what a View shows; nothing if that does not happen to it."""
    play, answers = desk.playbook.plays[signal], answers_to(signal, desk.playbook)
    held = play.trigger.span if isinstance(play.trigger, Holds) else timedelta(0)
    delays = (each.trigger.delay for each in answers if isinstance(each.trigger, Opened))
    told = lived(desk.playbook, events_of(view), view.now + held + max(delays, default=held) + _FOLLOWED * DAY)
    lines = [each for each in told if each.kind == "event" or each.about in shown]
    happens = any((each.about, each.kind) == (signal, kind) for each in lines)
    return story(lines, desk.playbook.first_day) if happens else ()


def fleeting(signal: str, desk: Desk) -> bool:
    """Whether a signal closes the moment it opens, because nothing lets it be open."""
    return desk.possible(SETTLED, asked(Term(kind=TermKind.SIGNAL, name=signal, text=signal))).impossible


# ------------------------------------------------------------------------------------------------------------ unheard


def _unheard(name: str, desk: Desk) -> Iterator[Finding]:
    if answers_to(name, desk.playbook) or any(_hears(play, name) for play in desk.playbook.plays.values()):
        return
    if any(_reads(node, name) for _, node in desk.conditions()):
        return
    hides = sorted(desk.playbook.signals[name].absorbs)
    also = f", and while it is open {' and '.join(f'`{each}`' for each in hides)} cannot open" if hides else ""
    message = f"`{name}` opens and nobody hears of it: it has no `ladder`, and no play or condition asks for it{also}"
    yield desk.finding("unheard-signal", desk.paths[name], message, opening_life(name, desk))


def _hears(play: Play, signal: str) -> bool:
    return isinstance(play.trigger, Closed) and play.trigger.signal == signal


def _reads(node: Node, signal: str) -> bool:
    return any(term.name == signal and term.kind in _OF_SIGNALS for term in terms(node))


_OF_SIGNALS = frozenset({TermKind.SIGNAL, TermKind.SIGNAL_DAYS, TermKind.SIGNAL_COUNT, TermKind.ACKNOWLEDGED})


# ----------------------------------------------------------------------------------------------------------- fleeting


def _fleeting(play: Play, desk: Desk) -> Iterator[Finding]:
    """``closes-at-once`` and ``narrow-while``."""
    stays, path = play.policy.only_while, (*desk.paths[play.name], "while")
    if stays is None:
        return
    if fleeting(play.name, desk):
        message = f"`{play.name}` closes the moment it opens: once it is open, `{stays.text}` cannot hold"
        yield desk.finding("closes-at-once", path, message, opening_life(play.name, desk, plays=(play.name,)))
    elif isinstance(play.trigger, Holds) and path in desk.tree.places:
        yield from _narrow(play, play.trigger.condition, stays, desk)


def _narrow(play: Play, opens: Node, stays: Node, desk: Desk) -> Iterator[Finding]:
    """A `while` that asks for more than what opens the signal: it is meant to ask for less."""
    view = desk.example(asked(opens), asked(stays, Want.FALSE), asked(play.when))
    if view is None or not desk.possible(asked(stays), asked(opens, Want.NOT_TRUE)).impossible:
        return
    message = (
        f"`while` asks for more than `holds`: when `{opens.text}` comes to hold and `{stays.text}` does not yet,"
        f" `{play.name}` does not open and is not tried again; let `while` ask for less"
    )
    timeline = _followed(play.name, view, desk, (play.name,), "skipped")
    yield desk.finding("narrow-while", (*desk.paths[play.name], "while"), message, timeline)


# -------------------------------------------------------------------------------------------------------------- twins


def _twins(signal: str, desk: Desk) -> Iterator[Finding]:
    """``twin-rungs``: two rungs that come at one instant and give the same people the same kind of thing."""
    for one, other in itertools.combinations(answers_to(signal, desk.playbook), 2):
        shared = _shared(one, other)
        if one.trigger != other.trigger or not shared or one.audience != other.audience or one.stages != other.stages:
            continue
        both = [
            asked(node) for play in (one, other) for node in (play.when, play.policy.only_while) if node is not None
        ]
        if desk.possible(SETTLED, *both).witness is None:
            continue
        message = (
            f"`{one.name}` and `{other.name}` come at the same moment and do the same ({shared}):"
            " give one of them another `after` or `when`"
        )
        timeline = opening_life(signal, desk, *both, plays=(one.name, other.name))
        yield desk.finding("twin-rungs", desk.paths[other.name], message, timeline)


def _shared(one: Play, other: Play) -> str:
    """What both do to the same people, as words."""
    for first, second in itertools.product(one.actions, other.actions):
        if type(first) is type(second) and _for_whom(first) == _for_whom(second) is not None:
            return doing(first)
    return ""


def _for_whom(action: Action) -> str | None:
    """To whom something goes, beside the audience of its play; None: two of a kind never are one too many."""
    match action:
        case Escalate(owner=owner):
            return owner
        case Notify(to=to):
            return to
        case SendEmail() | ShowInApp() | AskSurvey():
            return ""
        case _:
            return None
