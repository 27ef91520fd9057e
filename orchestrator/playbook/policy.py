"""Policy at decision time: windows, quiet hours, holidays, caps, gaps and the holdout, from their shapes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import time, timedelta

from orchestrator.core import policy
from orchestrator.core.calendars import Hours
from orchestrator.core.conditions import Literal, Node
from orchestrator.core.playbook import Caps, Gaps, Holdout, Holidays, Quiet
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.schema import AccountCapsShape, CapsShape, Document, HoursShape, PlayWindowShape, QuietShape

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = time(0)
_NOTHING = timedelta(0)


def hours_of(shape: HoursShape, path: Path, tree: Tree) -> Hours:
    """The hours of a window."""
    hours = Hours(weekdays=_weekdays(shape.days), opens=shape.opens, closes=shape.closes)
    return _checked(hours, path, tree)


def own_window(shape: PlayWindowShape, window: Hours, path: Path, tree: Tree) -> Hours:
    """A play's own window: what it does not say is the playbook's."""
    said = shape.model_fields_set
    if not said:
        tree.refuse(path, "a window of its own needs `days`, `from` or `to`")
    own = replace(
        window,
        weekdays=window.weekdays if shape.days is None else _weekdays(shape.days),
        opens=window.opens if shape.opens is None else shape.opens,
        closes=shape.closes if "closes" in said else window.closes,
    )
    return _checked(own, path, tree)


def _weekdays(days: Sequence[str]) -> frozenset[int]:
    return frozenset(_WEEKDAYS.index(day) for day in days)


def _checked(hours: Hours, path: Path, tree: Tree) -> Hours:
    if hours.closes is not None and hours.opens >= hours.closes:
        tree.refuse((*path, "to"), "the window must close after it opens, on the same day")
    return hours


def quiet_of(shape: QuietShape | None, path: Path, tree: Tree) -> Quiet | None:
    """The quiet hours of a playbook, if it has some."""
    if shape is None:
        return None
    quiet = Quiet(begins=shape.begins, ends=shape.ends or _MIDNIGHT)
    if quiet.begins == quiet.ends:
        tree.refuse((*path, "to"), "quiet hours that end when they begin would be all day, or none")
        return None
    return quiet


def check_openings(window: Hours, quiet: Quiet | None, path: Path, tree: Tree) -> None:
    """Refuse quiet hours that leave nothing of a window."""
    if quiet is not None and not policy.without(window, quiet):
        tree.refuse(path, "the quiet hours leave nothing of this window")


def hindrance_at(wall: time, window: Hours, quiet: Quiet | None) -> str | None:
    """What keeps mail from leaving at that time of day, in words; None: nothing."""
    if not _open(wall, (window,)):
        return "outside the send window"
    return None if quiet is None or _open(wall, policy.without(window, quiet)) else "in the quiet hours"


def _open(wall: time, parts: tuple[Hours, ...]) -> bool:
    return any(each.opens <= wall and (each.closes is None or wall < each.closes) for each in parts)


# -- caps, gaps, the holdout -----------------------------------------------------------------------------------------


def caps_of(shape: CapsShape | AccountCapsShape, path: Path, tree: Tree) -> Caps:
    """How many in a day and in a week."""
    if shape.per_week < shape.per_day:
        tree.refuse((*path, "per_week"), "a week cannot hold fewer mails than one of its days")
    return Caps(day=shape.per_day, week=shape.per_week)


def account_caps_of(document: Document, tree: Tree) -> Caps | None:
    """How many touches an account may get; None when nothing is said of it."""
    shape = document.caps.account
    return None if shape is None else caps_of(shape, ("caps", "account"), tree)


def gaps_of(document: Document, tree: Tree) -> Gaps | None:
    """The minimum gaps; None when nothing is said of them."""
    if document.gaps is None:
        return None
    said = {"message": document.gaps.message, "survey": document.gaps.survey}
    if set(said.values()) == {None}:
        tree.refuse(("gaps",), "gaps need `message` or `survey`")
    for name, gap in said.items():
        if gap is not None and gap <= _NOTHING:
            tree.refuse(("gaps", name), "a gap must be longer than nothing")
    return Gaps(message=said["message"] or _NOTHING, survey=said["survey"] or _NOTHING)


def draft_of(written: bool | str | None, path: Path, condition: Callable[[str, Path], Node]) -> Node | None:  # noqa: FBT001 -- as it is written
    """When a person approves messages first; None when nothing is said of it."""
    if written is None:
        return None
    return condition(written, path) if isinstance(written, str) else Literal(value=written, text=str(written).lower())


def holdout_of(document: Document) -> Holdout | None:
    """Who is not written to; None when everyone is."""
    shape = document.holdout
    return None if shape is None else Holdout(share=shape.share, salt=shape.salt)


# -- holidays --------------------------------------------------------------------------------------------------------


def holidays_of(document: Document, tree: Tree) -> Holidays | None:
    """The holidays that a playbook keeps to; None, and nothing is loaded, when it keeps to none."""
    windows = document.windows
    if not windows.keep_holidays:
        return None
    from orchestrator.playbook import public_holidays  # noqa: PLC0415 -- who keeps no holidays does not pay for them

    trait = document.vocabulary.traits.get("country")
    if trait is not None and isinstance(trait.default, str):
        _check_country(trait.default, ("vocabulary", "traits", "country", "default"), tree)
    return Holidays(
        dates=public_holidays.PublicHolidays(),
        edition=public_holidays.EDITION,
        send=windows.send.holidays,
        silence=windows.silence.holidays,
    )


def working_hours(document: Document, tree: Tree) -> Hours:
    """The vendor's working time, without the holidays of its country if it names one."""
    shape = document.windows.working
    hours = hours_of(shape, ("windows", "working"), tree)
    if shape.country is None:
        return hours
    from orchestrator.playbook.public_holidays import days_of  # noqa: PLC0415 -- as above

    _check_country(shape.country, ("windows", "working", "country"), tree)
    return replace(hours, closed=days_of(shape.country) or hours.closed)


def _check_country(code: str, path: Path, tree: Tree) -> None:
    from orchestrator.playbook.public_holidays import is_known  # noqa: PLC0415 -- as above

    if not is_known(code):
        tree.refuse(path, f"unknown country `{code}`: write DE, or DE-BY for a part with holidays of its own")
