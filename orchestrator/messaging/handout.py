"""What a human is handed, in one form: why, what to do, where the customer stands, agenda, checklist, draft mail.

It is put together as one Markdown text whose values are still sealed (see ``markdown``), so that both of its forms,
plain text and HTML, come from one parse and no value becomes markup.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.messaging.catalogue import Asset
from orchestrator.messaging.context import Value
from orchestrator.messaging.dialect import sealed

Values = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of an agenda, its words rendered."""

    minutes: int
    what: str
    who: str  # who leads it or must be there; empty: nobody in particular


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mail that the human may send, its words rendered."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handout:
    """All parts, rendered to Markdown with sealed values."""

    body: str  # why, and what to do
    minutes: int | None = None
    agenda: tuple[Point, ...] = ()
    checklist: tuple[str, ...] = ()
    bring: tuple[Asset, ...] = ()
    draft: Draft | None = None


def page(handout: Handout, values: Values) -> str:
    """The whole as Markdown, values still sealed."""
    blocks = [
        handout.body,
        _listed("Where they stand.", list(_standing(values))),
        _agenda(handout),
        _listed("Checklist.", [f"\\[ \\] {item}" for item in handout.checklist]),
        _listed("Bring.", [_asset(asset, str(values["product"]["url"] or "")) for asset in handout.bring]),
        _draft(handout.draft, values),
    ]
    return "\n\n".join(block for block in blocks if block)


def _listed(heading: str, lines: Sequence[str]) -> str:
    return "\n".join([f"**{heading}**", "", *(f"- {line}" for line in lines)]) if lines else ""


def _agenda(handout: Handout) -> str:
    if not handout.agenda:
        return "" if handout.minutes is None else f"**Time.** {handout.minutes} minutes."
    lines, at = [], 0
    for point in handout.agenda:
        who = f" ({point.who})" if point.who else ""
        lines.append(f"{_clock(at)} to {_clock(at + point.minutes)}: {point.what}{who}")
        at += point.minutes
    return _listed(f"Agenda, {handout.minutes} minutes.", lines)


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def _asset(asset: Asset, site: str) -> str:
    said = asset.values(site)
    label = sealed(asset.label)
    named = f"[{label}]({sealed(said['url'])})" if "url" in said else label
    length = f", {asset.minutes} minutes" if asset.minutes is not None else ""
    kind = "" if asset.kind in asset.label.lower() else f", {sealed(asset.kind)}"
    return f"{named}{kind}{length}{f': {sealed(asset.about)}' if asset.about else ''}"


def _draft(draft: Draft | None, values: Values) -> str:
    if draft is None:
        return ""
    to = f" to {sealed(values['person']['name'])}" if values["person"]["name"] else ""
    lines = [f"Subject: {draft.subject}", "", *draft.body.splitlines()]
    return "\n".join([f"**A draft{to}.**", "", *(f"> {line}".rstrip() for line in lines)])


# -- where they stand --------------------------------------------------------------------------------------------------


def _standing(values: Values) -> Iterator[str]:
    """A line for each thing that is known; nothing of what is not."""
    segment, phase, health = values["segment"], values["phase"], values["health"]
    if segment["label"]:
        yield sealed(segment["label"]) + (f", {sealed(segment['touch'])} touch" if segment["touch"] else "")
    if phase["label"]:
        yield "".join(_phase(phase))
    if health["score"] is not None:
        colour = f", {sealed(health['colour'])}" if health["colour"] else ""
        yield f"Health: {sealed(health['score'])} of 100{colour}"
    yield from _lists(values)


def _phase(phase: Mapping[str, Value]) -> Iterator[str]:
    yield f"Phase: {sealed(phase['label'])}"
    yield f", until {sealed(phase['until'])}" if phase["until"] is not None else ""
    yield f"; it ends with: {sealed(phase['deliverable'])}" if phase["deliverable"] else ""


_LISTS = (
    ("Open risks", "signals", "open"),
    ("Still to be done in this stage", "checklist", "open"),
    ("Their goals, not met yet", "goals", "open"),
    ("Where these goals stand", "goals", "progress"),
    ("Open in the project", "project", "open"),
    ("Waiting for something else", "project", "blocked"),
)  # what is said of each list, and its name in the context


def _lists(values: Values) -> Iterator[str]:
    for label, group, name in _LISTS:
        found = values[group][name]
        if isinstance(found, list):
            yield f"{label}: {'; '.join(map(sealed, found))}"
