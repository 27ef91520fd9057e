"""The content catalogue and the training that is handed out are as long, and come when, the rules say (1.2, 1.4)."""

import re
from typing import Any

import pytest

from orchestrator.messaging.catalogue import CATALOGUE
from orchestrator.messaging.context import sample_context
from orchestrator.messaging.templates import TemplateSet
from tests.rules.shelf import Shelf


def said(shelf: Shelf, key: str, *names: str) -> list[Any]:
    """What the catalogue says of these assets."""
    assets = shelf.data(CATALOGUE)["assets"]
    return [assets[name][key] for name in names]


def plan_for(touch: str, shelf: Shelf) -> str:
    """The training plan that is handed out for a touch model."""
    context = sample_context()
    context["segment"]["touch"] = touch
    return TemplateSet(shelf.templates).note("training_plan", context).body


def test_videos_are_as_long_as_the_rules_say(shelf: Shelf) -> None:
    """Two minutes to get started, five a use case, three a feature, thirty for administrators, 45 for end users."""
    videos = ("getting_started_video", "use_case_video", "feature_spotlight", "admin_deep_dive", "end_user_webinar")
    assert said(shelf, "minutes", *videos) == [2, 5, 3, 30, 45]


def test_lengths_that_vary_are_said(shelf: Shelf) -> None:
    """Videos in the product take three to five minutes."""
    assert said(shelf, "about", "embedded_videos") == ["3 to 5 minutes each"]


def test_training_follows_the_touch(shelf: Shelf) -> None:
    """High touch is trained live, one to one; low and tech touch find all of it by themselves; medium in groups."""
    high, medium, tech = (plan_for(touch, shelf) for touch in ("high", "medium", "tech"))
    assert "live 1:1 or in small groups" in high
    assert "Group webinars" in medium
    assert "100 % self-serve" in tech
    assert plan_for("low", shelf) == tech.replace("tech touch", "low touch")
    assert "self-serve" not in high + medium


def test_resources_are_named_for_their_step(shelf: Shelf) -> None:
    """Each has the day, week or month in which it is needed."""
    names = ("demo_deck", "usage_report_template", "roi_calculator", "value_report_30d")
    assert said(shelf, "step", *names) == ["day 4 to 5", "week 2", "week 3", "week 4"]
    assert said(shelf, "step", "roi_analysis_template", "value_review_deck") == ["month 2", "month 3"]


@pytest.mark.parametrize("kind", ["email", "in_app", "escalation", "notify"])
def test_what_is_written_is_used(shelf: Shelf, kind: str) -> None:
    """Each letter, note and handout is in some play of a playbook, a layer or a preset: nothing is only filed."""
    books = "\n".join(text for path, text in shelf.templates.items() if path.startswith("playbooks/"))
    written = {path.split("/")[1].removesuffix(".md") for path in shelf.templates if path.startswith(f"{kind}/")}
    unused = [each for each in written - {"_layout"} if not re.search(rf"(template|{kind}): {each}\b", books)]
    assert sorted(unused) == []
