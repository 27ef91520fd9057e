"""A dossier: what is told of one account at once, read and checked field by field.

Only the fields that are given change anything; a field that is null is cleared. Names and types are the playbook's
(its vocabulary) and those below; any other field is kept as a trait of that name, which no rule reads until a playbook
declares it.

| field | what |
|---|---|
| ``name``, ``plan``, ``country``, ``timezone`` | texts; the time zone is an IANA name |
| ``arr``, ``seats``, ``departments_total``, ``term_months`` | numbers of 0 or more; money may name its ``currency`` |
| ``contract_start``, ``contract_end``, ``renewal_at`` | dates |
| ``term`` | a word of the playbook (``monthly``, ``annual`` …), or a number of months, kept as ``term_months`` too |
| ``departments`` | how many there are, or their names: ``departments_total`` is their number |
| ``owner`` | who looks after them: a name, an address, or ``{"name": …, "email": …}`` |
| ``champion`` | one person (below), or an address: this one, and nobody else; null: there is none any more |
| ``people`` | a list of persons |
| ``parent`` | the id of the account that it belongs to |
| ``as_of`` | when all this held, as an instant: what is known from later is not overwritten |
| ``traits`` | any of the fields above, as an object |

A person is ``{"id": …, "email": …, "name": …, "role": …, "timezone": …, "locale": …, "consent": …}``, with an id or an
address. ``consent`` is ``withdrawn`` or ``given`` (or opted_out, opted_in …), or an object with ``status``, ``source``
(who says so), ``at`` (when it was said) and ``resubscribe``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from types import MappingProxyType
from typing import ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from orchestrator.core import calendars
from orchestrator.core.events import Json
from orchestrator.core.facts import TraitRule, TraitType
from orchestrator.intake.particulars import fields
from orchestrator.intake.particulars.fields import Fault, UnusableError, refused
from orchestrator.intake.segment import MOST_ID

MOST_PEOPLE = 100  # persons told of at once: each is a call of its own
MOST_FIELDS = 500  # fields told at once: more is a mistaken delimiter, not an account
LONGEST_TERM = 999  # months
LONGEST_ADDRESS = 254  # characters: RFC 5321, as in messaging/address
MOST_DEPARTMENTS = 1000  # names in a list of departments

_NUMBER, _TEXT, _INSTANT = (TraitRule(type=each) for each in (TraitType.NUMBER, TraitType.TEXT, TraitType.INSTANT))

KNOWN: Mapping[str, TraitRule] = MappingProxyType(
    {
        "arr": _NUMBER,
        "currency": _TEXT,
        "parent": _TEXT,
        "contract_start": _INSTANT,
        "contract_end": _INSTANT,
        "term_months": _NUMBER,
        "departments_total": _NUMBER,
    }
)  # what a CRM knows of every account, beside the traits of the playbook

NOT_NEGATIVE = frozenset({"arr", "seats", "term_months", "departments_total"})
PERSONAL = ("name", "firstName", "lastName", "role", "locale")  # a person's texts
TERMS = {1: "monthly", 3: "quarterly", 12: "annual"}  # months -> the playbook's word; a multiple of 12 is annual too

_ADDRESS = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")
_GIVEN = frozenset({"given", "granted", "opted_in", "opted-in", "opt-in", "in", "subscribed", "yes", "true"})
_WITHDRAWN = frozenset({"withdrawn", "opted_out", "opted-out", "opt-out", "out", "unsubscribed", "no", "false"})
_CONSENT = "given or withdrawn"
_APART = frozenset({"as_of", "champion", "people"})  # fields that are no traits of the account

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a person said of getting mail, as somebody tells it."""

    given: bool  # False: withdrawn
    source: str | None = None  # where it was said; None: not told
    at: str | None = None  # when, ISO 8601 UTC; None: not told
    resubscribe: bool = False  # that it is meant to lift an earlier withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """One person at the account, as far as they are told of."""

    id: str | None  # in the product; None: only the address is known
    email: str | None
    traits: Mapping[str, Json]  # as a call of the Segment spec names them; null clears
    consent: Consent | None = None  # None: not told of


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What is told of one account at once."""

    account: str  # its id in the product
    traits: Mapping[str, Json]  # checked; null clears
    people: tuple[Somebody, ...] = ()
    champion: Somebody | None = None  # told to be the one champion
    no_champion: bool = False  # told that there is none
    as_of: datetime | None = None  # when it held, aware UTC; None: not told
    notes: tuple[str, ...] = ()  # what the teller should know, in sentences


def read(account: str, told: Mapping[str, Json], declared: Mapping[str, TraitRule], zone: ZoneInfo) -> Dossier:
    """What a body tells of an account, by the traits that its playbook declares; ``zone`` is where it is.

    Raises:
        UnusableError: all fields that cannot be used, each with its name.
    """
    body = _unwrapped(told)
    reading = _Reading(rules={**KNOWN, **declared}, declared=declared, zone=_zone(body) or zone, faults=[], notes=[])
    dossier = reading.dossier(_account(account), body)
    if reading.faults:
        raise UnusableError(*reading.faults)
    return dossier


def _account(account: str) -> str:
    if not account.strip() or len(account) > MOST_ID or "\0" in account:
        raise refused("account", f"a text of 1 to {MOST_ID} characters", account or None)
    return account


def _unwrapped(told: Mapping[str, Json]) -> dict[str, Json]:
    inner = told.get("traits")
    if inner is not None and not isinstance(inner, dict):
        raise refused("traits", "an object", inner)
    body = {**(inner or {}), **{name: value for name, value in told.items() if name != "traits"}}
    if len(body) > MOST_FIELDS:
        raise UnusableError(Fault(field="the whole", expected=f"at most {MOST_FIELDS} fields", got=str(len(body))))
    return body


def _zone(body: Mapping[str, Json]) -> ZoneInfo | None:
    name = body.get("timezone")
    return calendars.zone(name.strip()) if isinstance(name, str) else None


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One body while it is read; it never leaves ``read``."""

    rules: Mapping[str, TraitRule]  # of all names that are known
    declared: Mapping[str, TraitRule]  # those that rules of the playbook may read
    zone: ZoneInfo  # where a date without a time is midnight
    faults: list[Fault]
    notes: list[str]

    def dossier(self, account: str, body: Mapping[str, Json]) -> Dossier:
        traits: dict[str, Json] = {}
        for name, raw in body.items():
            if name not in _APART:
                traits |= self.attempt(self.trait, name, raw) or {}
        self.attempt(_in_order, traits)
        champion, as_of = body.get("champion"), body.get("as_of")
        return Dossier(
            account=account,
            traits=traits,
            people=tuple(self.people(body.get("people"))),
            champion=self.attempt(self.person, "champion", champion) if champion is not None else None,
            no_champion="champion" in body and champion is None,
            as_of=None if as_of is None else self.attempt(fields.moment, "as_of", as_of, self.zone),
            notes=tuple(self.notes),
        )

    def attempt(self, reading: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | None:
        """Read one thing; what is wrong with it is noted, and the others are read."""
        try:
            return reading(*args, **named)
        except UnusableError as error:
            self.faults.extend(error.faults)
            return None

    # ------------------------------------------------------------------------------------------------------- traits

    def trait(self, name: str, raw: Json) -> dict[str, Json]:
        """What one field says, by trait."""
        match name:
            case "owner":
                return _owner(raw)
            case "departments" if name not in self.declared:
                return _departments(raw)
            case "term":
                return self.term(raw)
            case "timezone":
                return {name: None if raw is None else _timezone(name, raw)}
            case "currency":
                return {name: None if raw is None else fields.currency(name, raw)}
            case "owner_email":
                return {name: None if raw is None else address(name, raw)}
            case _ if name in self.rules:
                return self.typed(name, raw)
            case _:
                return {name: self.unknown(name, raw)}

    def typed(self, name: str, raw: Json) -> dict[str, Json]:
        value = fields.read(name, raw, self.rules[name], self.zone)
        if name in NOT_NEGATIVE and isinstance(value, int | float) and value < 0:
            raise refused(name, "a number of 0 or more", raw)
        if self.rules[name].type is not TraitType.NUMBER or raw is None:
            return {name: value}
        code = fields.money(name, raw).currency
        return {name: value} if code is None else {name: value, "currency": code}

    def term(self, raw: Json) -> dict[str, Json]:
        months = _months(raw)
        if months is None:
            return self.typed("term", raw)
        word = TERMS.get(months, "annual" if months % 12 == 0 else None)
        if word is None or word not in (self.rules["term"].values or (word,)):
            self.notes.append(f"term: {months} months has no word in the playbook; it is kept as term_months only")
            word = None
        return {"term": word, "term_months": months}

    def unknown(self, name: str, raw: Json) -> Json:
        if not name.strip() or len(name) > MOST_ID or "\0" in name:
            raise refused(fields.quoted(name), f"a name of 1 to {MOST_ID} characters", name)
        near = get_close_matches(name, self.rules, n=1, cutoff=0.8)
        hint = f" (did you mean {near[0]}?)" if near else ""
        self.notes.append(f"{name}: kept as a trait; no rule of the playbook reads it{hint}")
        return raw.strip() if isinstance(raw, str) else raw

    # ------------------------------------------------------------------------------------------------------- people

    def people(self, raw: Json) -> Iterable[Somebody]:
        if raw is None:
            return []
        if not isinstance(raw, list) or len(raw) > MOST_PEOPLE:
            expected = f"a list of at most {MOST_PEOPLE} persons"
            self.faults.append(Fault(field="people", expected=expected, got=fields.quoted(raw)))
            return []
        read = [self.attempt(self.person, f"people[{at}]", each) for at, each in enumerate(raw)]
        return [person for person in read if person is not None]

    def person(self, field: str, raw: Json) -> Somebody:
        said = {"email": raw} if isinstance(raw, str) else raw
        if not isinstance(said, dict):
            raise refused(field, "a person: an object with an id or an email", raw)
        email = self.optional(said, field, "email", address)
        person_id = self.optional(said, field, "id", _id)
        if said.get("email") is None and said.get("id") is None:
            raise refused(field, "a person with an id or an email", raw)
        traits = {name: self.optional(said, field, name, fields.words) for name in PERSONAL if name in said}
        if "timezone" in said:
            traits["timezone"] = self.optional(said, field, "timezone", _timezone)
        given = {**({"email": email} if "email" in said else {}), **traits}
        consent = (
            None if said.get("consent") is None else self.attempt(self.consent, f"{field}.consent", said["consent"])
        )
        return Somebody(id=person_id, email=email, traits=given, consent=consent)

    def optional(
        self, said: Mapping[str, Json], field: str, name: str, reading: Callable[[str, Json], str]
    ) -> str | None:
        """A field of a person; None when it is not given, null, or cannot be used (which is noted)."""
        raw = said.get(name)
        return None if raw is None else self.attempt(reading, f"{field}.{name}", raw)

    def consent(self, field: str, raw: Json) -> Consent:
        said = raw if isinstance(raw, dict) else {"status": raw}
        at, source = said.get("at"), said.get("source")
        return Consent(
            given=_given(f"{field}.status" if isinstance(raw, dict) else field, said.get("status")),
            source=None if source is None else fields.words(f"{field}.source", source),
            at=None if at is None else fields.moment(f"{field}.at", at, self.zone).isoformat(),
            resubscribe=fields.truth(f"{field}.resubscribe", said.get("resubscribe", False)),
        )


def _in_order(traits: Mapping[str, Json]) -> None:
    start, end = traits.get("contract_start"), traits.get("contract_end")
    if isinstance(start, str) and isinstance(end, str) and end < start:  # both ISO 8601 in UTC
        raise UnusableError(Fault(field="contract_end", expected="a date after contract_start", got=end[:10]))


def _owner(raw: Json) -> dict[str, Json]:
    match raw:
        case None:
            return {"owner_name": None, "owner_email": None}
        case dict():
            return {f"owner_{key}": _of_owner(key, raw[key]) for key in ("name", "email") if key in raw}
        case str() if "@" in raw:
            return {"owner_email": address("owner", raw)}
        case _:
            return {"owner_name": fields.words("owner", raw)}


def _of_owner(key: str, raw: Json) -> Json:
    reading = address if key == "email" else fields.words
    return None if raw is None else reading(f"owner.{key}", raw)


def _departments(raw: Json) -> dict[str, Json]:
    if raw is None:
        return {"departments": None, "departments_total": None}
    listed = raw.replace(";", ",").split(",") if isinstance(raw, str) and not raw.strip().isdigit() else raw
    if not isinstance(listed, list):
        number = fields.money("departments", raw).amount
        if number < 0:
            raise refused("departments", "a number of 0 or more, or names", raw)
        return {"departments_total": number}
    if len(listed) > MOST_DEPARTMENTS:
        raise refused("departments", f"at most {MOST_DEPARTMENTS} names", raw)
    names = sorted({fields.words("departments", each) for each in listed if each != ""})
    return {"departments": list(names), "departments_total": len(names)}


def _months(raw: Json) -> int | None:
    """A term that is told in months; None when it is a word."""
    text = raw.strip().lower().removesuffix("months").removesuffix("month").strip() if isinstance(raw, str) else raw
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= len(str(LONGEST_TERM)):
        text = int(text)
    if isinstance(text, int | float) and not isinstance(text, bool):
        if not 1 <= text <= LONGEST_TERM or text != int(text):
            raise refused("term", "a word such as annual, or a number of months", raw)
        return int(text)
    return None


def _timezone(field: str, raw: Json) -> str:
    name = raw.strip() if isinstance(raw, str) else ""
    if not name or calendars.zone(name) is None:
        raise refused(field, "an IANA time zone such as Europe/Berlin", raw)
    return name


def address(field: str, raw: Json) -> str:
    """Something that may be one e-mail address. Raises UnusableError."""
    text = raw.strip() if isinstance(raw, str) else ""
    if len(text) > LONGEST_ADDRESS or _ADDRESS.fullmatch(text) is None:
        raise refused(field, "one e-mail address such as ann@acme.example", raw)
    return text


def _id(field: str, raw: Json) -> str:
    text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_ID or "\0" in text:
        raise refused(field, f"an id of 1 to {MOST_ID} characters", raw)
    return text


def _given(field: str, raw: Json) -> bool:
    word = str(raw).strip().lower() if isinstance(raw, str | bool) else ""
    if word not in _GIVEN | _WITHDRAWN:
        raise refused(field, _CONSENT, raw)
    return word in _GIVEN
