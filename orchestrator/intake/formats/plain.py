"""Plain: an event in our own words, for who has no client library.

``{"id", "event", "account", "person", "at", "properties"}`` is something that happened. Without ``event``,
``{"person", "traits"}`` says who a person is (``account`` beside it: where), and ``{"account", "traits"}`` what an
account is. ``event`` and one of ``account`` and ``person`` are needed, the rest may be left out. A word that is none of
these is refused by its name: what is misspelt would else be lost without a sign.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from orchestrator.core.events import Json
from orchestrator.intake.rejection import Rejection, RejectionReason
from orchestrator.intake.segment import MOST_ID, identifier, named_object

WORDS = ("id", "event", "account", "person", "at", "properties", "traits")
_TELLING = frozenset({"account", "person", "at"})  # words that nobody else uses for a call


def speaks(call: Mapping[str, Json]) -> bool:
    """Whether a call is of this format."""
    return "type" not in call and not _TELLING.isdisjoint(call)


def as_segment(call: Mapping[str, Json]) -> dict[str, Json]:
    """The Segment call that says the same; raises Rejection."""
    _refuse_strangers(call)
    account, person, event = (identifier(call, word) for word in ("account", "person", "event"))
    if account is None and person is None:
        raise Rejection(RejectionReason.NO_IDENTITY, "account and person are both missing or blank")
    said = {"messageId": call.get("id"), "timestamp": call.get("at"), "userId": person}
    told = {**said, **_told(call, event, account, person)}
    return {word: value for word, value in told.items() if value is not None}


def _told(call: Mapping[str, Json], event: str | None, account: str | None, person: str | None) -> dict[str, Json]:
    traits = named_object(call, "traits")
    where: dict[str, Json] = {"context": {"groupId": account} if account else None}
    if event is not None and "traits" in call:
        raise Rejection(
            RejectionReason.BAD_FIELD, "traits: an event has properties; send traits in a call without event"
        )
    if event is not None:
        return {"type": "track", "event": event, "properties": named_object(call, "properties"), **where}
    if "traits" not in call:
        raise Rejection(RejectionReason.MISSING_FIELD, "event")
    if person is not None:
        return {"type": "identify", "traits": traits, **where}
    return {"type": "group", "groupId": account, "traits": traits}


def _refuse_strangers(call: Mapping[str, Json]) -> None:
    strange = next((word for word in call if word not in WORDS), None)
    if strange is not None:
        near = get_close_matches(strange[:MOST_ID].lower(), WORDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; expected {', '.join(WORDS)}"
        raise Rejection(RejectionReason.BAD_FIELD, f"{strange[:40]!a}: unknown{hint}")
