"""One field: what somebody wrote, read as the type that its name has, or refused in words that name the field.

Spreadsheets and CRMs write everything as text, so a number and a date may come as text in any of the ways below.

* **Numbers** ``120000``, ``120,000.50``, with a currency sign or an ISO code (``€120,000``, ``120000 EUR``), or
  ``{"amount": 120000, "currency": "EUR"}``. The currency is kept beside the number. ``1.234,56`` is refused: whether
  it is one thousand or one is not guessed at.
* **Dates** ISO 8601. A date without a time is midnight where the account is: a contract that ends on 31 December ends
  with that day there, not with London's.
* **Truth** true and false, or yes, no, y, n, 1, 0.
* **Closed lists** in whatever case.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import TypeAlias
from zoneinfo import ZoneInfo

from orchestrator.core.calendars import at_local
from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import Json
from orchestrator.core.facts import MOST_NUMBER, MOST_TEXT, TraitRule, TraitType, instant

MOST_QUOTED = 40  # characters of a refused value that are quoted
DATE = "a date such as 2026-12-31"

_YES_NO = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}
_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "$": None}  # many countries call theirs a dollar
_UNIT = r"[A-Z]{3}|[€£₹₩$]"
_MONEY = re.compile(rf"(?P<before>{_UNIT})?\s*(?P<number>-?[0-9][0-9,]*(\.[0-9]+)?)\s*(?P<after>{_UNIT})?")
_GROUPED = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?|-?[0-9]+(\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")

Reader: TypeAlias = Callable[[Json], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A field that cannot be used as it was written."""

    field: str  # its name, as ``champion.email``
    expected: str  # what it may hold
    got: str  # what it holds, in a few words; never an address

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, got {self.got}"


class UnusableError(LifecycleError):
    """Fields cannot be used as they were written; mend each that is named and send it again."""

    def __init__(self, *faults: Fault) -> None:
        """Take the faults, in the order of the fields."""
        self.faults = faults
        super().__init__("; ".join(str(fault) for fault in faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A number with what was said of its currency."""

    amount: float | int
    currency: str | None = None  # ISO 4217; None: not said


def refused(field: str, expected: str, raw: Json) -> UnusableError:
    """The error that says so; the value is quoted in brief."""
    return UnusableError(Fault(field=field, expected=expected, got=quoted(raw)))


def quoted(raw: Json) -> str:
    """A value in a few words; an address is not repeated."""
    match raw:
        case None:
            return "nothing"
        case str() if "@" in raw or len(raw) > MOST_QUOTED:
            return f"a text of {len(raw)} characters"
        case bool():
            return "true" if raw else "false"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return repr(raw)


def read(field: str, raw: Json, rule: TraitRule, zone: ZoneInfo) -> Json:
    """The value as its rule types it, in JSON; None stays None (it clears the field). Raises UnusableError."""
    if raw is None:
        return None
    match rule.type:
        case TraitType.BOOL:
            return truth(field, raw)
        case TraitType.NUMBER:
            return money(field, raw).amount
        case TraitType.INSTANT:
            return moment(field, raw, zone).isoformat()
        case TraitType.TEXT:
            return one_of(field, raw, rule.values) if rule.values else words(field, raw)


def truth(field: str, raw: Json) -> bool:
    """True or false. Raises UnusableError."""
    if isinstance(raw, bool):
        return raw
    said = _YES_NO.get(str(raw).strip().lower()) if isinstance(raw, str | int) else None
    if said is None:
        raise refused(field, "true or false", raw)
    return said


def money(field: str, raw: Json) -> Money:
    """A number, with the currency where one is said. Raises UnusableError."""
    if isinstance(raw, dict) and raw.keys() <= {"amount", "currency"} and "amount" in raw:
        return Money(amount=money(field, raw["amount"]).amount, currency=_of_code(field, raw.get("currency")))
    if isinstance(raw, str):
        return _written(field, raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not _is_number(raw):
        raise refused(field, "a number such as 120000", raw)
    return Money(amount=raw)


def _is_number(raw: float) -> bool:
    return abs(raw) <= MOST_NUMBER if isinstance(raw, int) else math.isfinite(raw) and abs(raw) <= MOST_NUMBER


def _written(field: str, raw: str) -> Money:
    found = _MONEY.fullmatch(raw.strip())
    if found is None or _GROUPED.fullmatch(found["number"]) is None or (found["before"] and found["after"]):
        raise refused(field, "a number such as 120000", raw)
    text = found["number"].replace(",", "")
    number = float(text) if "." in text else int(text)
    if not _is_number(number):
        raise refused(field, "a number such as 120000", raw)
    sign = found["before"] or found["after"]
    return Money(amount=number, currency=_SIGNS.get(sign, sign) if sign else None)


def _of_code(field: str, raw: Json) -> str | None:
    return None if raw is None else currency(f"{field}.currency", raw)


def currency(field: str, raw: Json) -> str:
    """An ISO 4217 code. Raises UnusableError."""
    code = raw.strip().upper() if isinstance(raw, str) else ""
    if _CURRENCY.fullmatch(code) is None:
        raise refused(field, "a currency's three letters, such as EUR", raw)
    return code


def moment(field: str, raw: Json, zone: ZoneInfo) -> datetime:
    """An instant, aware UTC; a date without a time is its midnight in ``zone``. Raises UnusableError."""
    text = raw.strip() if isinstance(raw, str) else ""
    day = _day(text)
    at = instant(text) if day is None else _midnight(day, zone)
    if at is None:
        raise refused(field, DATE, raw)
    return at


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date, zone: ZoneInfo) -> datetime | None:
    try:
        return at_local(day, time(), zone)
    except OverflowError:  # the first and the last day that there are
        return None


def dated(text: str, form: str) -> str:
    """A date that is written in another form (as ``%d.%m.%Y``) in ISO 8601; what is none stays as it is."""
    try:
        return datetime.strptime(text.strip(), form).date().isoformat()  # noqa: DTZ007 -- a date has no zone yet
    except ValueError:
        return text


def words(field: str, raw: Json) -> str:
    """A text that is not blank, of at most MOST_TEXT characters. Raises UnusableError."""
    text = str(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else raw
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_TEXT or "\0" in text:
        raise refused(field, f"a text of 1 to {MOST_TEXT} characters", raw)
    return text.strip()


def one_of(field: str, raw: Json, values: tuple[str, ...]) -> str:
    """One of a closed list, in its spelling. Raises UnusableError."""
    said = raw.strip().lower() if isinstance(raw, str) else raw
    found = next((value for value in values if value.lower() == said), None)
    if found is None:
        raise refused(field, f"one of {', '.join(values)}{_near(said, values)}", raw)
    return found


def _near(said: object, values: tuple[str, ...]) -> str:
    near = get_close_matches(said, values, n=1) if isinstance(said, str) else []
    return f" (did you mean {near[0]}?)" if near else ""


def put(body: dict[str, Json], path: list[str], value: Json) -> None:
    """Write a value under names with dots, each an object in the one before."""
    *above, last = path
    for step in above:
        inner = body.get(step)
        if not isinstance(inner, dict):
            inner = {} if inner is None else {"status" if step == "consent" else "name": inner}
            body[step] = inner
        body = inner
    body[last] = value
