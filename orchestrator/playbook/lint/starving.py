"""Mails that come due and cannot leave: no send window in time, or the calendar alone fills the caps.

Nothing is calculated here: the engine lives through a week of each weekday, with the mails alone and without their
conditions. One lost weekday is let pass (a Saturday's reminder may be worth nothing on Monday); two are told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator.core.audience import Audience
from orchestrator.core.calendars import DAY
from orchestrator.core.conditions import ALWAYS, Every, Node, TermKind, terms
from orchestrator.core.events import Event
from orchestrator.core.playbook import After, Cadence, EveryWeek, OnDay, OnDays, Play, Playbook, SendEmail
from orchestrator.playbook.lint.clauses import Want
from orchestrator.playbook.lint.desk import Desk, asked
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.moments import Moment
from orchestrator.playbook.lint.timelines import Happening, happened, lived, story
from orchestrator.playbook.lint.witness import MONDAY

_LOST = frozenset({"skipped", "cancelled"})
_HOURS = (3, 9, 15, 21)  # at which something without a time of day is tried
_MOST_LOST = 1  # weekdays that may be lost
_MANY = 4  # mails for which one finding is made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """A day on which a mail came due, and what became of it."""

    day: datetime
    told: tuple[Happening, ...]

    def lost(self, play: str) -> bool:
        return any(each.kind in _LOST for each in self.told if each.about == play)


def mails_that_starve(desk: Desk) -> Iterator[Finding]:
    """``starved-by-window`` and ``starved-by-caps``."""
    lives = _Lives(desk)
    mails = [play for play in desk.playbook.plays.values() if _counts(play)]
    shut = {play.name: found for play in mails if len(found := lives.shut_out(play)) > _MOST_LOST}
    yield from _shut_out(shut, desk)
    for play in mails:
        crowded = [] if play.name in shut else lives.crowded_out(play)
        if len(crowded) > _MOST_LOST:
            rivals = lives.company(play)
            message = (
                f"the calendar asks for more mail than the caps let through: of {len(rivals)} mails this one expires"
            )
            yield desk.finding("starved-by-caps", desk.paths[play.name], message, _story(crowded[0], set(rivals), desk))


def _shut_out(shut: Mapping[str, Sequence["_Try"]], desk: Desk) -> Iterator[Finding]:
    """One finding for each mail; where the same days shut out many, it is the window that is told of."""
    by_days: dict[str, list[str]] = {}
    for name, tries in shut.items():
        by_days.setdefault(_weekdays(tries), []).append(name)
    for days, names in by_days.items():
        if len(names) < _MANY:
            for name in names:
                message = f"due on a {days}, this mail never leaves: no send window opens within its `max_defer`"
                yield desk.finding("starved-by-window", desk.paths[name], message, _story(shut[name][0], {name}, desk))
        else:
            told = ", ".join(f"`{name}`" for name in names)
            message = (
                f"due on a {days}, {len(names)} mails never leave, for no window opens within their `max_defer`: {told}"
            )
            timeline = _story(shut[names[0]][0], {names[0]}, desk)
            yield desk.finding("starved-by-window", ("windows", "send"), message, timeline)


def _weekdays(tries: Sequence["_Try"]) -> str:
    *first, last = dict.fromkeys(f"{each.day:%A}" for each in tries)
    return f"{', '.join(first)} or {last}"


def _story(tried: _Try, plays: set[str], desk: Desk) -> tuple[str, ...]:
    shown = [each for each in tried.told if each.kind == "event" or (each.about in plays and each.kind != "done")]
    return story(shown, desk.playbook.first_day)


def _counts(play: Play) -> bool:
    return any(isinstance(action, SendEmail) for action in play.actions) and not play.policy.exempt


def _of_calendar(play: Play) -> bool:
    """Whether the date alone sends it: on its day, or again and again to whom its traits fit."""
    if isinstance(play.trigger, EveryWeek | Cadence):
        said = [play.when] if play.policy.only_while is None else [play.when, play.policy.only_while]
        return _counts(play) and all(term.kind is TermKind.TRAIT for node in said for term in terms(node))
    return _counts(play) and isinstance(play.trigger, OnDay | OnDays)


def _bare(play: Play) -> Play:
    """The play as it is when nothing but time stands against it."""
    return replace(
        play,
        when=ALWAYS,
        stages=frozenset(),
        audience=Audience(),
        unreachable=None,
        actions=tuple(action for action in play.actions if isinstance(action, SendEmail)),
        policy=replace(play.policy, only_while=None, draft=None),
    )


@dataclass(slots=True)
class _Lives:
    """Lives under parts of one playbook."""

    desk: Desk
    known: dict[tuple[frozenset[str], datetime], tuple[Happening, ...]] = field(default_factory=dict)

    # -- the window --------------------------------------------------------------------------------------------------

    def shut_out(self, play: Play) -> list[_Try]:
        """The weekdays on which it cannot leave at whatever hour it comes due."""
        hours = _HOURS if play.policy.at is None else (0,)
        at_once = replace(_bare(play), trigger=After(delay=timedelta(0), since=self.desk.playbook.anchor))
        alone = self.under({play.name: at_once})
        lost = []
        for number in range(7):
            days = [MONDAY + number * DAY + timedelta(hours=hour) for hour in hours]
            tries = [_Try(day=day, told=_lived(alone, day, day + play.policy.valid_for + DAY)) for day in days]
            if all(each.lost(play.name) for each in tries):
                lost.append(tries[0])
        return lost

    def under(self, plays: Mapping[str, Play]) -> Playbook:
        """The playbook with these plays alone, in a stage that nobody leaves."""
        return replace(self.desk.playbook, plays=plays, transitions=(), draft=None)

    # -- the caps ----------------------------------------------------------------------------------------------------

    def crowded_out(self, play: Play) -> list[_Try]:
        """The weekdays of a start on which it is lost in company."""
        if not isinstance(play.trigger, OnDay | OnDays):
            return []
        rivals = self.company(play)
        until = _last_day(play) + play.policy.valid_for + DAY
        tries = []
        for number in range(7):
            start = MONDAY + number * DAY + timedelta(hours=10)
            told = tuple(each for each in self.together(rivals, start) if each.at <= start + until)
            tries.append(_Try(day=start, told=told))
        return [each for each in tries if each.lost(play.name)]

    def together(self, rivals: Sequence[str], start: datetime) -> tuple[Happening, ...]:
        key = (frozenset(rivals), start)
        if key not in self.known:
            plays = {name: _bare(self.desk.playbook.plays[name]) for name in rivals}
            longest = max(_last_day(play) + play.policy.valid_for for play in plays.values())
            self.known[key] = _lived(self.under(plays), start, start + longest + 3 * DAY)
        return self.known[key]

    def company(self, play: Play) -> list[str]:
        """The mails of the calendar that the same account may get, this one among them."""
        return [
            name
            for name, other in self.desk.playbook.plays.items()
            if name == play.name or (_of_calendar(other) and self.meet(play, other))
        ]

    def meet(self, one: Play, other: Play) -> bool:
        """Whether one account may get both: at one instant everything counts, else what it is and stays."""
        if one.trigger == other.trigger and one.policy.at == other.policy.at:
            return not self.desk.possible(*_all_of(one), *_all_of(other)).impossible
        return not self.desk.possible(*_lasting(one.when), *_lasting(other.when)).impossible


def _all_of(play: Play) -> Iterator[Moment]:
    yield asked(play.when)
    if play.policy.only_while is not None:
        yield asked(play.policy.only_while, Want.NOT_FALSE)


def _lasting(node: Node) -> Iterator[Moment]:
    """The parts of a condition that read traits only."""
    for part in node.operands if isinstance(node, Every) else (node,):
        kinds = {term.kind for term in terms(part)}
        if kinds == {TermKind.TRAIT}:
            yield asked(part)


def _last_day(play: Play) -> timedelta:
    """Until when a play of days is followed; a weekly one follows the others."""
    match play.trigger:
        case OnDay(day=day):
            return (day + 1) * DAY
        case OnDays(days=days):
            return (max(days) + 1) * DAY
        case _:
            return timedelta(0)


def _lived(playbook: Playbook, start: datetime, until: datetime) -> tuple[Happening, ...]:
    begun: Event = happened(playbook.anchor, start)
    return lived(playbook, [begun], until)
