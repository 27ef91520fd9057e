"""Health: each rule has a playbook that trips it and one that does not."""

import pytest

from orchestrator.playbook.lint import indicators
from tests.playbook.lint.books import bent, found

HEALTH = """\
health:
  indicators:
    use: {weight: 60, green: login.days_ago < 7, yellow: login.days_ago < 14}
    mood: {weight: 40, green: nps.latest >= 8, yellow: nps.latest >= 6}
"""
USE = "green: login.days_ago < 7, yellow: login.days_ago < 14"
MOOD = "green: nps.latest >= 8, yellow: nps.latest >= 6"
TOP = "  indicators"


def book(*changes: tuple[str, str], plays: str = "") -> str:
    """The sound playbook with health, some of whose text is replaced."""
    text = HEALTH
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return bent(("plays:\n", f"{text}plays:\n{plays}"))


TRIPS = {
    "yellow behind green": (book(("< 14", "< 7")), "stuck-indicator", "health.indicators.use.yellow"),
    "always green": (book((USE, "green: login or not login")), "stuck-indicator", "health.indicators.use"),
    "never green": (book((">= 8", "> 10")), "stuck-indicator", "health.indicators.mood"),
    "never known": (
        book(("mood: {", "mood: {when: login and not login, ")),
        "stuck-indicator",
        "health.indicators.mood.when",
    ),
    "a figure that is never green": (
        book((MOOD, "value: nps.latest, from: 0, to: 20")),
        "stuck-indicator",
        "health.indicators.mood",
    ),
    "a figure that is always red": (
        book((MOOD, "value: nps.latest, from: 20, to: 60")),
        "stuck-indicator",
        "health.indicators.mood",
    ),
    "part of a lamp": (
        book((USE, "green: login.days_ago < 7 or size > 3 and size < 2")),
        "always-false",
        "health.indicators.use.green",
    ),
    "all of them decide alone": (
        book(
            (TOP, "  worst_of: [use, mood]\n  indicators"),
            (", yellow: nps.latest >= 6", ""),
            (", yellow: login.days_ago < 14", ""),
        ),
        "unreachable-band",
        "health.worst_of",
    ),
    "no room for yellow": (
        book(
            (TOP, "  roll_up: strict\n  indicators"),
            ("weight: 60", "weight: 0"),
            ("weight: 40", "weight: 100"),
            (USE, "green: login or started"),
            (MOOD, "green: login.count > 0"),
        ),
        "unreachable-band",
        "health.roll_up",
    ),
    "no room for red": (
        book((TOP, "  bands: {green: 30, yellow: 0}\n  indicators")),
        "unreachable-band",
        "health.bands",
    ),
    "no room for yellow between two colours": (
        book((TOP, "  bands: {green: 70, yellow: 65}\n  coverage_floor: 100\n  indicators")),
        "unreachable-band",
        "health.bands",
    ),
    "one lamp of two colours": (
        book(
            (f"    use: {{weight: 60, {USE}}}\n", ""),
            ("weight: 40", "weight: 100"),
            (", yellow: nps.latest >= 6", ""),
            (TOP, "  roll_up: strict\n  indicators"),
        ),
        "unreachable-band",
        "health.roll_up",
    ),
    "no room for red on lines": (
        book((TOP, "  bands: {green: 30, yellow: 0}\n  indicators"), (MOOD, "value: size, from: 10, to: 0")),
        "unreachable-band",
        "health.bands",
    ),
    "one event": (book((MOOD, "green: login.count > 3")), "one-fact", "health.indicators"),
}


@pytest.mark.parametrize("case", TRIPS)
def test_each_rule_of_health_is_tripped(case: str) -> None:
    """Health with one thing wrong gets that finding, at its place."""
    text, rule, path = TRIPS[case]
    told = [(finding.rule, finding.path) for finding in found(text)]
    assert (rule, path) in told, told


FINE = {
    "two lamps": book(),
    "worst of one": book((TOP, "  worst_of: [use]\n  indicators")),
    "strict": book((TOP, "  roll_up: strict\n  indicators")),
    "a line": book((MOOD, "value: nps.latest, from: 0, to: 10")),
    "a line downwards": book((MOOD, "value: size, from: 100, to: 0")),
    "a line among those that decide alone": book(
        (TOP, "  worst_of: [use, mood]\n  indicators"), (MOOD, "value: nps.latest, from: 0, to: 10")
    ),
    "a lamp that is known to some": book(("mood: {", "mood: {when: scored, ")),
    "a figure of an event": book(
        (MOOD, "value: size / 2, from: 0, to: 10"), (USE, "green: login.count > 3 and size > 2")
    ),
    "one indicator": book((f"    use: {{weight: 60, {USE}}}\n", ""), ("weight: 40", "weight: 100")),
}


@pytest.mark.parametrize("case", FINE)
def test_what_health_may_mean_is_not_warned_of(case: str) -> None:
    """What can be, and what nothing is proven of, gets no finding."""
    assert not [str(finding) for finding in found(FINE[case])]


def test_too_little_that_can_be_known_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no indicator can be known, health never is."""
    monkeypatch.setattr(indicators, "_stuck", lambda *_: ())
    text = book(("mood: {", "mood: {when: login and not login, "), (TOP, "  coverage_floor: 70\n  indicators"))
    assert [finding.message for finding in found(text)] == [
        "health is never known: at most 60 of 100 of the weight can be, and this asks for more"
    ]


def test_too_many_ways_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of bands nothing is said where the indicators combine in too many ways."""
    monkeypatch.setattr(indicators, "MOST_WAYS", 3)
    assert not found(TRIPS["no room for red"][0])


def test_figures_are_traced_to_their_events() -> None:
    """A measure and an answer rest on the event that they are read from."""
    measures = "  measures:\n    hours: {sum: hours, of: scored}\nmilestones:\n"
    text = book((USE, "green: hours > 3")).replace("milestones:\n", measures)
    assert "both indicators rest on `scored` alone" in str(*found(text))


def condition(text: str) -> list[str]:
    """The rules that a play trips that asks for this."""
    return [finding.rule for finding in found(book(plays=f'  more: {{day: 3, when: "{text}", email: day_3_setup}}\n'))]


def test_health_is_a_score_with_a_colour() -> None:
    """What a score and its colour can never say at once is proven; a human may set any score."""
    assert condition("health < 40 and health > 50") == ["never-fires"]
    assert condition("health > 100 or health < 0") == ["never-fires"]
    assert condition("health < 40 and health.colour == 'green'") == ["never-fires"]
    assert condition("health.falling_weeks < 0") == ["never-fires"]
    assert not condition("health < 40 and health.colour == 'red' and login.days_ago < 2")
    assert not condition("health.falling_weeks > 3 and health.falling_weeks < 6")
    assert not condition("health.raw < 40 and health.coverage > 50 and health > 90")
    assert condition("health.coverage > 100") == ["never-fires"]


def test_a_colour_in_which_indicators_have_a_say_is_not_that_of_the_score() -> None:
    """With `worst_of` a high score may be red."""
    text = book(
        (TOP, "  worst_of: [use]\n  indicators"),
        plays="  more: {day: 3, when: \"health > 80 and health.colour == 'red'\", email: day_3_setup}\n",
    )
    assert not found(text)
    assert not found(text.replace("health > 80 and ", "login and "))
