"""Content: one call in any format, told apart by what is in it, becomes a Segment call, and that an event.

| it is            | because it has                                                        |
|------------------|-----------------------------------------------------------------------|
| a CloudEvent     | ``specversion``                                                       |
| a Segment call   | a ``type`` that is one of Segment's six (RudderStack's are the same)  |
| a PostHog event  | ``distinct_id`` (or ``$distinct_id``), beside or within ``properties``|
| plain            | ``account``, ``person`` or ``at``, and no ``type``                    |

Whatever is none of them is read as a Segment call, whose reader says what it misses.
"""

from collections.abc import Mapping
from datetime import datetime

from orchestrator.core.events import Json
from orchestrator.intake import segment
from orchestrator.intake.formats import cloudevents, plain, posthog
from orchestrator.intake.rejection import Rejection
from orchestrator.intake.segment import KINDS, Parsed


def parse(raw: bytes, *, source: str, received_at: datetime, stamped: bool = True, place: str | None = None) -> Parsed:
    """Read one call in any format, as ``segment.parse_call`` reads Segment's, and under its promises.

    ``place`` names where the call stands, and stands in for its id when it has neither an id nor a time of its own.
    Raises Rejection, and nothing else whatever the bytes.
    """
    call = as_segment(segment.call_in(raw), received_at if stamped else None)
    return segment.parsed(call, source=source, received_at=received_at, stamped=stamped, place=place)


def as_segment(call: dict[str, Json], received_at: datetime | None) -> Mapping[str, Json]:
    """The Segment call that says the same; raises Rejection, in the words of the call's own format.

    ``received_at`` is the reception, None when only the time of reading is known.
    """
    word = call.get("type")
    if "specversion" in call:
        return cloudevents.as_segment(call)
    if isinstance(word, str) and word in KINDS:
        return call
    if posthog.speaks(call):
        return posthog.as_segment(call, received_at)
    return plain.as_segment(call) if plain.speaks(call) else call


def belongs_to(raw: bytes) -> str | None:
    """The account, else the person, by which a call is routed; None when it will be rejected or names neither."""
    try:
        return segment.owner(as_segment(segment.call_in(raw), None))
    except Rejection:
        return None
