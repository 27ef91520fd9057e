"""The layers that are shipped: each is clean over b2b-saas alone, and says at its top what it adds and needs."""

from pathlib import Path

import pytest

from orchestrator.playbook import PlaybookSource, compile_playbook
from orchestrator.playbook.lint import lint
from orchestrator.runtime.composition import template_texts
from tests.playbook.lives import event, lived, traits
from tests.playbook.small import HOUSE, SHIPPED

LAYERS = sorted((SHIPPED / "layers").glob("*.yaml"))
SHELF = template_texts(HOUSE / "templates")


def over(*names: str) -> PlaybookSource:
    """A playbook that rests on these."""
    return PlaybookSource(file="ours.yaml", text=f"playbook: ours\nextends: [{', '.join(names)}]\n", templates=SHELF)


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_each_layer_is_clean_alone(path: Path) -> None:
    """A layer over b2b-saas compiles without a warning, begins with its reason, and shows how it is used."""
    source = over("b2b-saas", f"layers/{path.stem}")
    assert [str(finding) for finding in lint(compile_playbook(source), source)] == []
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert f"#   extends: [b2b-saas, layers/{path.stem}]" in text


GOOD = [
    event(name, day + 0.1)
    for name in ("Core Action", "Logged In")
    for day in range(30)
    if not (name == "Core Action" and day > 5)
]


def test_one_red_indicator_makes_the_whole_red_but_in_numbers() -> None:
    """Rules 1.3: adoption red is red for all; with `health-numeric` the colour is the band of the score."""
    life = [event("Signed Up", 0), event("Setup Completed", 0), traits(0, arr=1200), *GOOD]
    strict, numeric = over("b2b-saas", "layers/risks"), over("b2b-saas", "layers/risks", "health-numeric")
    colours = [lived(compile_playbook(book), life, 28).steps[-1].account.colour for book in (strict, numeric)]
    assert colours == ["red", "yellow"]
