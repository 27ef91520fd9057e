"""Telling: a dossier becomes Segment calls, group for the account and identify for its people, each with an id.

The ids are made of the content, so that the same dossier told twice as of the same instant counts once, and any change
of it counts. Where the teller gives a key of its own (``Idempotency-Key``), the ids are made of that, and the calls
carry no time but what the dossier says itself: a retry is then the same event whenever it comes, and the time of the
event is its reception.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

import orjson

from orchestrator.core.events import Json
from orchestrator.intake.particulars.dossier import Consent, Dossier, Somebody
from orchestrator.intake.particulars.fields import Fault, UnusableError
from orchestrator.intake.segment import Rejection, parse_call

CHAMPION = "champion"  # the role of whoever speaks for us there
_DIGITS = 32  # of the digest that ids are made of: 128 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquaintance:
    """Whom we know at the account already."""

    ids: Mapping[str, str] = field(default_factory=dict)  # address in small letters -> the person's id
    champions: frozenset[str] = frozenset()  # ids of those whose role it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Who tells it, and as of when."""

    source: str  # under which the events stand
    received_at: datetime  # when it reached us, aware UTC
    at: datetime | None = None  # as of when it holds, aware UTC; None: as of the reception
    key: str | None = None  # of the teller's own, the same for a retry


def calls(dossier: Dossier, teller: Teller, known: Acquaintance) -> tuple[bytes, ...]:
    """The calls that tell it, the account's first. Raises UnusableError when one of them could not be read again."""
    told = [_group(dossier)] if dossier.traits or not _people(dossier, known) else []
    told += [_identify(dossier.account, person, each) for person, each in _people(dossier, known)]
    dated = teller if dossier.as_of is None else replace(teller, at=dossier.as_of)
    return tuple(_written(dossier.account, call, dated, number) for number, call in enumerate(told))


def champion_of(dossier: Dossier, known: Acquaintance) -> str | None:
    """The id of whoever is told to be the champion; None when nobody is."""
    return None if dossier.champion is None else _whose(dossier.champion, known)


def person_id(email: str) -> str:
    """The id of somebody of whom only the address is known; it does not show the address."""
    return f"mail-{sha256(email.strip().lower().encode()).hexdigest()[:_DIGITS]}"


def _people(dossier: Dossier, known: Acquaintance) -> list[tuple[str, Somebody]]:
    """Everybody that is told of, with their ids; whoever is the champion no more is told to be none."""
    people = [(_whose(each, known), each) for each in dossier.people]
    if dossier.champion is not None:
        role = replace(dossier.champion, traits={**dossier.champion.traits, "role": CHAMPION})
        people.append((_whose(role, known), role))
    if dossier.champion is not None or dossier.no_champion:
        named = {person for person, _ in people}
        ceased = Somebody(id=None, email=None, traits={"role": None})
        people += [(person, ceased) for person in sorted(known.champions - named)]
    return people


def _whose(person: Somebody, known: Acquaintance) -> str:
    if person.id is not None:
        return person.id
    email = (person.email or "").lower()
    return known.ids.get(email) or person_id(email)


def _group(dossier: Dossier) -> dict[str, Json]:
    return {"type": "group", "groupId": dossier.account, "traits": dict(dossier.traits)}


def _identify(account: str, person: str, said: Somebody) -> dict[str, Json]:
    traits = {**said.traits, **(_consent(said.consent) if said.consent is not None else {})}
    return {"type": "identify", "userId": person, "context": {"groupId": account}, "traits": traits}


def _consent(consent: Consent) -> dict[str, Json]:
    said: dict[str, Json] = {
        "consent": "given" if consent.given else "withdrawn",
        "consent_source": consent.source,
        "consent_at": consent.at,
        "consent_resubscribe": consent.resubscribe or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _written(account: str, call: dict[str, Json], teller: Teller, number: int) -> bytes:
    try:
        raw = orjson.dumps({**call, **_named(account, call, teller, number)})
        parse_call(raw, source=teller.source, received_at=teller.received_at)
    except orjson.JSONEncodeError:
        raise UnusableError(Fault(field="the whole", expected="JSON", got="what is nested too deep")) from None
    except Rejection as rejection:
        raise UnusableError(Fault(field="the whole", expected="a call that can be read", got=str(rejection))) from None
    return raw


def _named(account: str, call: dict[str, Json], teller: Teller, number: int) -> dict[str, str]:
    """The call's id, and its time where it has one of its own."""
    if teller.key is not None:
        whose = str(call.get("userId", ""))  # as far as it was known: it may be known better at the retry
        name = {"messageId": _digest("key", teller.source, account, teller.key, str(number), whose)}
        return name if teller.at is None else {**name, "timestamp": teller.at.isoformat()}
    at = (teller.at or teller.received_at).astimezone(UTC).isoformat()
    content = orjson.dumps(call, option=orjson.OPT_SORT_KEYS).decode()
    return {"messageId": _digest("told", teller.source, at, content), "timestamp": at}


def _digest(kind: str, *parts: str) -> str:
    text = "".join(f"{len(part)}:{part}" for part in parts)  # so that no two divisions of the same letters are equal
    return f"{kind}-{sha256(text.encode()).hexdigest()[:_DIGITS]}"
