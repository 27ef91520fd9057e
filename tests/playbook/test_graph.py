"""A playbook as a picture: everything that is decided by stands in it, nothing else, and any text is harmless."""

import re
from xml.etree import ElementTree as ET

import pytest

from orchestrator.core.playbook import Playbook
from orchestrator.playbook.graph import graph, mermaid, svg
from tests.playbook.small import HOUSE, bent, compiled, shipped

SPACE = "{http://www.w3.org/2000/svg}"


def texts(playbook: Playbook) -> str:
    """All that can be read in the picture, with one space between words."""
    root = ET.fromstring(svg(graph(playbook)))  # noqa: S314 -- our own picture
    return " ".join(" ".join(each.itertext()) for each in root.iter(f"{SPACE}text"))


@pytest.mark.parametrize("name", ["b2b-saas", "ravenstack"])
def test_all_that_is_decided_by_is_drawn(name: str) -> None:
    """Every stage, every row of the stage table and every play is in both forms."""
    playbook = shipped(name)
    seen, flow = texts(playbook), mermaid(graph(playbook))
    for stage in playbook.stages:
        assert stage in seen
        assert f"stage_{stage}" in flow
    for row in playbook.transitions:
        assert row.when.text in seen
    for play in playbook.plays.values():
        assert play.label in seen
        assert f"play_{play.name}[" in flow


def test_nothing_is_drawn_outside() -> None:
    """Boxes and lines stay inside the picture."""
    root = ET.fromstring(svg(graph(shipped("b2b-saas"))))  # noqa: S314 -- our own picture
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for box in root.iter(f"{SPACE}rect"):
        left, top = float(box.get("x", 0)), float(box.get("y", 0))
        assert left >= 0 <= top
        assert left + float(box.attrib["width"]) <= width
        assert top + float(box.attrib["height"]) <= height
    for path in root.iter(f"{SPACE}path"):
        assert all(float(number) >= 0 for number in re.findall(r"-?\d+\.?\d*", path.attrib["d"]))


def test_any_text_is_harmless() -> None:
    """Letters that mean something to SVG or Mermaid are shown, not obeyed."""
    playbook = compiled(bent(("goal: grow", 'goal: "<script>&\\"x\\"</script>"')))
    drawn = graph(playbook)
    assert '<script>&"x"</script>' in texts(playbook)
    assert "<script>" not in mermaid(drawn)
    assert "&quot;x&quot;" in mermaid(drawn)


def test_a_playbook_without_windows_days_or_transitions_is_drawn() -> None:
    """What a playbook does not have leaves no heading."""
    text = bent(
        ("    old: {goal: stay}\n  transitions:\n    - {from: young, to: old, when: warm}\n", ""),
        ("window: [0d, 7d]", "window: [0d, null]"),
        ("    day: 1\n", "    after: 1d since login\n"),
    )
    seen = texts(compiled(text))
    assert "from 0d on" in seen
    assert "Day by day" not in seen
    assert "24 hours after the first login" in seen


def test_a_long_condition_is_wrapped() -> None:
    """What does not fit in a line goes on in the next one, whole."""
    long = " and ".join(f"login.count > {number}" for number in range(12))
    assert long in texts(compiled(bent(("to: old, when: warm", f"to: old, when: '{long}'"))))


def test_a_play_of_several_days_stands_on_each() -> None:
    """A play that comes due on several days is seen on every one of them."""
    seen = texts(compiled(bent(("    day: 1\n", "    day: [2, 9]\n"))))
    assert "Day 2 hello" in seen
    assert "Day 9 hello" in seen


def test_the_picture_in_the_readme_is_the_shipped_playbook() -> None:
    """The picture that the README shows is drawn from the playbook that it speaks of."""
    kept = HOUSE / "templates" / "playbooks" / "b2b-saas.svg"
    renew = "lifecycle playbook graph templates/playbooks/b2b-saas.yaml > templates/playbooks/b2b-saas.svg"
    assert kept.read_text(encoding="utf-8") == svg(graph(shipped("b2b-saas"))), f"renew it: {renew}"
    assert "](templates/playbooks/b2b-saas.svg)" in (HOUSE / "README.md").read_text(encoding="utf-8")
