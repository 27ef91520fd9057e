"""PostHog events: ``event``, ``distinct_id``, ``properties``, ``timestamp``, as its libraries send them.

| event               | becomes                                                                              |
|---------------------|--------------------------------------------------------------------------------------|
| ``$identify``       | identify; traits are ``$set_once`` beneath ``$set``; ``$anon_distinct_id`` is known  |
| ``$set``            | identify                                                                             |
| ``$groupidentify``  | group, where the group is an account; else the event that it is                      |
| ``$create_alias``   | alias                                                                                |
| ``$pageview``       | page                                                                                 |
| ``$screen``         | screen                                                                               |
| anything else       | the event of that name; ``$set`` in it says who its person is besides                |

* **Account.** Of ``$groups`` the first type of ACCOUNTS that is there: a group may as well be a project or a team, and
  such a one must not become a customer. An event without one belongs to its person.
* **Which.** ``uuid``, else ``$insert_id``.
* **When.** ``timestamp``, corrected by ``sent_at`` as Segment's are; ``offset`` (milliseconds between the event and its
  being sent) where there is no timestamp.
* ``historical_migration`` changes nothing: an old event is folded at its own time, and what it would have brought about
  is stale by then. Months of history are better read in with ``lifecycle events import``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from orchestrator.core.events import Json
from orchestrator.intake.rejection import Rejection, RejectionReason
from orchestrator.intake.segment import identifier, named_object

ACCOUNTS = ("company", "account", "organization", "organisation", "customer", "workspace")  # group types, in this order
SECRETS = ("api_key", "token")  # the keys by which a library shows who it is
_LONGEST_OFFSET = timedelta(days=365)  # what is longer is a clock, not a wait
_ENVELOPE = frozenset(
    {"token", "distinct_id", "$groups", "$set", "$set_once", "$insert_id"}
)  # no properties of an event
_BESIDE = ("$set", "$set_once")  # posthog-python puts them beside the properties, others among them
_CALLED = {"$pageview": "page", "$screen": "screen"}


def speaks(call: Mapping[str, Json]) -> bool:
    """Whether a call is of this format."""
    properties = call.get("properties")
    within = isinstance(properties, dict) and "distinct_id" in properties
    return within or "distinct_id" in call or "$distinct_id" in call


def as_segment(call: Mapping[str, Json], received_at: datetime | None) -> dict[str, Json]:
    """The Segment call that says the same; ``received_at`` is the reception, None when it is not known.

    Raises Rejection.
    """
    properties = named_object(call, "properties")
    event = identifier(call, "event")
    if event is None:
        raise Rejection(RejectionReason.MISSING_FIELD, "event")
    account = _account(properties)
    person = identifier(call, "distinct_id") or identifier(call, "$distinct_id") or _within(properties, "distinct_id")
    told: dict[str, Json] = {
        "messageId": identifier(call, "uuid") or _within(properties, "$insert_id"),
        "userId": person,
        "context": {"groupId": account} if account else None,
        **_times(call, received_at),
        **_told(event, {**{name: call[name] for name in _BESIDE if name in call}, **properties}),
    }
    if told["userId"] is None and (told["context"] is None and told["type"] != "group"):
        raise Rejection(RejectionReason.NO_IDENTITY, "distinct_id is missing or blank")
    return {word: value for word, value in told.items() if value is not None}


def _within(properties: Mapping[str, Json], field: str) -> str | None:
    return identifier(properties, field, "properties.")


def _account(properties: Mapping[str, Json]) -> str | None:
    groups = properties.get("$groups")
    if not isinstance(groups, dict):
        return None
    return next((identifier(groups, kind, "properties.$groups.") for kind in ACCOUNTS if groups.get(kind)), None)


def _told(event: str, properties: dict[str, Json]) -> dict[str, Json]:
    if event in {"$identify", "$set"}:
        known = _within(properties, "$anon_distinct_id")
        return {"type": "identify", "anonymousId": known, "traits": _traits(properties)}
    if event == "$create_alias":
        told = {"type": "alias", "previousId": properties.get("alias")}
        return {**told, "userId": properties["distinct_id"]} if properties.get("distinct_id") else told
    if event == "$groupidentify" and properties.get("$group_type") in ACCOUNTS:
        return _group(properties)
    said: dict[str, Json] = {name: value for name, value in properties.items() if name not in _ENVELOPE}
    if event in _CALLED:
        name = properties.get("$screen_name" if event == "$screen" else "title")
        seen = {"type": _CALLED[event], "name": name if isinstance(name, str) else None, "properties": said}
        return {**seen, "traits": _traits(properties) or None}
    return {"type": "track", "event": event, "properties": said, "traits": _traits(properties) or None}


def _traits(properties: Mapping[str, Json]) -> dict[str, Json]:
    once, traits = (properties.get(name) for name in ("$set_once", "$set"))
    return {**(once if isinstance(once, dict) else {}), **(traits if isinstance(traits, dict) else {})}


def _group(properties: Mapping[str, Json]) -> dict[str, Json]:
    """A group call; the libraries make up a distinct_id for it (``$company_acme``), which is nobody."""
    told: dict[str, Json] = {"type": "group", "groupId": _within(properties, "$group_key")}
    traits = properties.get("$group_set")
    return {**told, "userId": None, "traits": traits if isinstance(traits, dict) else {}}


def _times(call: Mapping[str, Json], received_at: datetime | None) -> dict[str, Json]:
    said, offset = call.get("timestamp"), call.get("offset")
    if said:
        sent = call.get("sent_at")
        return {"timestamp": said, "originalTimestamp": said, "sentAt": sent} if sent else {"timestamp": said}
    if received_at is None or isinstance(offset, bool) or not isinstance(offset, int | float):
        return {}
    waited = timedelta(milliseconds=min(abs(offset), _LONGEST_OFFSET / timedelta(milliseconds=1)))
    return {"originalTimestamp": _EPOCH.isoformat(), "sentAt": (_EPOCH + waited).isoformat()}


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # any instant: only the wait counts, and a resend is to say the same
