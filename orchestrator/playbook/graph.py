"""A playbook as a picture: stages with the rows that lead between them, and the plays by the time they come due.

Two forms of the same graph: SVG for people, Mermaid for pages that draw it themselves. Both are made of the compiled
tables that the engine decides by, so a picture cannot say anything else.
"""

import html
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.core.playbook import OnDay, OnDays, Play, Playbook, Stage, Transition, doing
from orchestrator.core.timing import told
from orchestrator.playbook import spans

ANYWHERE = "any stage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A stage."""

    name: str
    goal: str
    window: str  # since the anchor; empty: none is stated
    exit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A row of the stage table."""

    number: int  # from 1, in the order in which rows are tried
    source: str | None  # None: any stage but the target
    target: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A play."""

    name: str
    label: str
    due: str  # when it comes due, as a sentence
    does: tuple[str, ...]  # its actions, each in a few words
    escalates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What is drawn."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    days: Mapping[int, tuple[Card, ...]]  # plays that come due on a day after the anchor
    others: tuple[Card, ...]  # all other plays
    checkpoints: tuple[Card, ...] = ()


def graph(playbook: Playbook) -> Graph:
    """The graph of a playbook."""
    days: dict[int, tuple[Card, ...]] = {}
    others: list[Card] = []
    for play in playbook.plays.values():
        listed = () if play.checkpoint is not None else _days(play, playbook.first_day)
        for day in listed:
            days[day] = (*days.get(day, ()), _card(play, f"Day {day}"))
        if not listed and play.checkpoint is None:
            others.append(_card(play, told(play.trigger, playbook.first_day)))
    return Graph(
        title=playbook.name,
        boxes=tuple(map(_box, playbook.stages.values())),
        arrows=tuple(_arrow(number, row) for number, row in enumerate(playbook.transitions, 1)),
        days=dict(sorted(days.items())),
        others=tuple(others),
        checkpoints=tuple(_asking(playbook.plays[name], playbook.first_day) for name in playbook.checkpoints),
    )


def _days(play: Play, first_day: int) -> tuple[int, ...]:
    match play.trigger:
        case OnDay(day=day):
            return (day + first_day,)
        case OnDays(days=days):
            return tuple(day + first_day for day in days)
        case _:
            return ()


def _box(stage: Stage) -> Box:
    return Box(name=stage.name, goal=stage.goal, window=_window(stage.window), exit=stage.exit)


def _window(window: tuple[timedelta, timedelta | None] | None) -> str:
    if window is None:
        return ""
    opens, closes = window
    return f"from {spans.written(opens)} on" if closes is None else f"{spans.written(opens)} to {spans.written(closes)}"


def _arrow(number: int, row: Transition) -> Arrow:
    return Arrow(number=number, source=row.source, target=row.target, when=row.when.text)


def _card(play: Play, due: str) -> Card:
    does = tuple(map(doing, play.actions))
    escalates = any(each.startswith("escalate") for each in does)
    return Card(name=play.name, label=play.label, due=due, does=does, escalates=escalates)


def _asking(play: Play, first_day: int) -> Card:
    """A checkpoint: what it asks for stands where others say what they do."""
    due = told(play.trigger, first_day)
    return Card(name=play.name, label=play.label, due=due, does=(f"met: {play.when.text}",), escalates=False)


# -- Mermaid ---------------------------------------------------------------------------------------------------------


def mermaid(drawn: Graph) -> str:
    """The graph as a Mermaid flowchart."""
    return "\n".join(["flowchart TB", *_mermaid_stages(drawn), *_mermaid_plays(drawn)]) + "\n"


def _mermaid_stages(drawn: Graph) -> Iterator[str]:
    yield '  subgraph stages["Stages"]'
    yield "    direction LR"
    for box in drawn.boxes:
        opens, closes = ("([", "])") if box.exit else ("[", "]")
        yield f"    stage_{box.name}{opens}{_quoted(box.name, box.window, box.goal)}{closes}"
    yield "  end"
    for arrow in drawn.arrows:
        for source in _sources(arrow, drawn):
            yield f"  stage_{source} -->|{_quoted(f'{arrow.number}. {arrow.when}')}| stage_{arrow.target}"


def _sources(arrow: Arrow, drawn: Graph) -> list[str]:
    if arrow.source is not None:
        return [arrow.source]
    return [box.name for box in drawn.boxes if box.name != arrow.target]


def _mermaid_plays(drawn: Graph) -> Iterator[str]:
    yield '  subgraph days["Day by day"]'
    for day, cards in drawn.days.items():
        yield f"    day_{day}(({_quoted(f'Day {day}')}))"
        for card in cards:
            yield f"    day_{day} --- play_{card.name}[{_quoted(card.label, *card.does)}]"
    yield from (f"    day_{day} --> day_{later}" for day, later in _pairs(drawn.days))
    yield "  end"
    yield '  subgraph others["When something happens, or does not"]'
    for card in drawn.others:
        yield f"    play_{card.name}[{_quoted(card.label, card.due, *card.does)}]"
    yield "  end"
    if drawn.checkpoints:
        yield '  subgraph checkpoints["Checkpoints"]'
        for card in drawn.checkpoints:
            yield f"    checkpoint_{card.name}[{_quoted(card.label, card.due, *card.does)}]"
        yield "  end"


def _pairs(days: Iterable[int]) -> Iterator[tuple[int, int]]:
    listed = list(days)
    return itertools.pairwise(listed)


def _quoted(*parts: str) -> str:
    return '"' + "<br/>".join(html.escape(part, quote=True) for part in parts if part) + '"'


# -- SVG -------------------------------------------------------------------------------------------------------------

WIDTH = 1200  # of the picture, in its own units
_MARGIN, _GAP, _LINE = 24, 16, 17
_BOX_HEIGHT, _CARD_WIDTH = 82, 272
_LETTER = 6.4  # about the width of one at 12 units
_STYLE = """
text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: #1f2933; }
.title { font-size: 20px; font-weight: 600; } .head { font-size: 14px; font-weight: 600; } .name { font-weight: 600; }
.quiet { fill: #52606d; } .paper { fill: #ffffff; } .box { fill: #e6f0fa; stroke: #3e6ea5; }
.exit { fill: #f3e8e8; stroke: #9b4a4a; } .card { fill: #f7f9fb; stroke: #bcccdc; }
.human { fill: #fff6e5; stroke: #c98a1b; } .arrow { fill: none; stroke: #52606d; stroke-width: 1.4; }
.badge { fill: #52606d; } .number { fill: #ffffff; font-size: 11px; font-weight: 600; }
""".strip()


def svg(drawn: Graph) -> str:
    """The graph as one SVG picture that needs nothing else."""
    painting = _Painting()
    painting.text(_MARGIN, painting.down(_LINE + 8), drawn.title, "title")
    _paint_stages(painting, drawn)
    _paint_cards(painting, "Day by day", [card for cards in drawn.days.values() for card in cards])
    _paint_cards(painting, "When something happens, or does not", drawn.others)
    _paint_cards(painting, "Checkpoints", drawn.checkpoints)
    return painting.svg(drawn.title)


class _Painting:
    """Shapes from top to bottom; ``y`` is where the next one goes."""

    def __init__(self) -> None:
        self.y = float(_MARGIN)
        self.shapes: list[str] = []

    def down(self, by: float) -> float:
        self.y += by
        return self.y

    def text(self, x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> None:
        attributes = f' class="{kind}"' if kind else ""
        self.shapes.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{attributes}>{html.escape(said)}</text>')

    def box(self, x: float, y: float, size: tuple[float, float], kind: str, hint: str) -> None:
        width, height = size
        self.shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" class="{kind}">'
            f"<title>{html.escape(hint)}</title></rect>"
        )

    def arrow(self, path: str) -> None:
        self.shapes.append(f'<path d="{path}" class="arrow" marker-end="url(#head)"/>')

    def badge(self, x: float, y: float, number: int) -> None:
        self.shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="9" class="badge"/>')
        self.text(x, y + 4, str(number), "number", "middle")

    def svg(self, title: str) -> str:
        height = self.y + _MARGIN
        head = '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img">',
                f"<title>{html.escape(title)}</title>",
                f"<style>{_STYLE}</style>",
                f'<defs>{head}<path d="M0 0 8 4 0 8z" class="badge"/></marker></defs>',
                f'<rect width="{WIDTH}" height="{height:g}" class="paper"/>',
                *self.shapes,
                "</svg>\n",
            ]
        )


def _paint_stages(painting: _Painting, drawn: Graph) -> None:
    number = len(drawn.boxes)
    width = (WIDTH - 2 * _MARGIN - (number - 1) * 3 * _GAP) / number
    lefts = {box.name: _MARGIN + index * (width + 3 * _GAP) for index, box in enumerate(drawn.boxes)}
    arcs = [arrow for arrow in drawn.arrows if arrow.source is not None]
    top = painting.down(_GAP + 22 * max(1, len(arcs)))
    for box in drawn.boxes:
        _paint_stage(painting, box, lefts[box.name], top, width)
    for level, arrow in enumerate(arcs):
        _paint_arc(painting, arrow, lefts, (width, top - 14 - 22 * level, top))
    painting.y = top + _BOX_HEIGHT + _GAP
    _paint_legend(painting, drawn.arrows)


def _paint_stage(painting: _Painting, box: Box, left: float, top: float, width: float) -> None:
    painting.box(left, top, (width, _BOX_HEIGHT), "exit" if box.exit else "box", box.goal)
    painting.text(left + 12, top + 22, box.name, "head")
    for number, line in enumerate([*_wrapped(box.goal, width - 24)[:2], box.window]):
        painting.text(left + 12, top + 40 + number * 15, line, "quiet")


def _paint_arc(painting: _Painting, arrow: Arrow, lefts: Mapping[str, float], size: tuple[float, float, float]) -> None:
    """One row as a line over the stages, with its number where it begins."""
    width, level, top = size
    assert arrow.source is not None, "rows from any stage are told below"  # noqa: S101 -- invariant
    forth = lefts[arrow.target] > lefts[arrow.source]
    start = lefts[arrow.source] + width * (0.75 if forth else 0.25) + 10 * (arrow.number % 3)
    end = lefts[arrow.target] + width * (0.25 if forth else 0.75) - 10 * (arrow.number % 3)
    painting.arrow(f"M{start:g} {top:g}V{level:g}H{end:g}V{top:g}")
    painting.badge((start + end) / 2, level, arrow.number)


def _paint_legend(painting: _Painting, arrows: Sequence[Arrow]) -> None:
    painting.text(_MARGIN, painting.down(_LINE), "From stage to stage: the first row that fits is taken", "head")
    for arrow in arrows:
        painting.badge(_MARGIN + 9, painting.down(_LINE + 5) - 4, arrow.number)
        route = f"{arrow.source or ANYWHERE} → {arrow.target}"
        painting.text(_MARGIN + 28, painting.y, route, "name")
        first, *rest = _wrapped(arrow.when, WIDTH - 320) or [""]
        painting.text(280, painting.y, first)
        for line in rest:
            painting.text(280, painting.down(_LINE), line)


def _paint_cards(painting: _Painting, head: str, cards: Sequence[Card]) -> None:
    """Cards under a heading, four a row, each row as high as its fullest card."""
    if not cards:
        return
    painting.text(_MARGIN, painting.down(_LINE * 2), head, "head")
    painting.down(_GAP / 2)
    for row in (cards[index : index + 4] for index in range(0, len(cards), 4)):
        texts = [_lines(card) for card in row]
        height = 14 + _LINE * max(map(len, texts))
        for column, (card, lines) in enumerate(zip(row, texts, strict=True)):
            _paint_card(painting, card, lines, (_MARGIN + column * (_CARD_WIDTH + _GAP + 5), height))
        painting.down(height + _GAP)
    painting.down(-_GAP)


def _paint_card(painting: _Painting, card: Card, lines: Sequence[tuple[str, str]], place: tuple[float, float]) -> None:
    left, height = place
    painting.box(left, painting.y, (_CARD_WIDTH, height), "human" if card.escalates else "card", card.name)
    for number, (line, kind) in enumerate(lines, 1):
        painting.text(left + 12, painting.y + 3 + number * _LINE, line, kind)


def _lines(card: Card) -> list[tuple[str, str]]:
    """A card's lines, each with its style."""
    said = ((card.due, "quiet"), (card.label, "name"), *((each, "") for each in card.does))
    return [(line, kind) for each, kind in said for line in _wrapped(each, _CARD_WIDTH - 40)]


def _wrapped(said: str, width: float) -> list[str]:
    """Words in lines of about that width."""
    lines: list[str] = []
    for word in said.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and len(longer) * _LETTER <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
