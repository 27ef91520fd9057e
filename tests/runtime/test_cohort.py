"""The cohort of the demonstration in memory: what was worked out by hand is what the core decides."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.cli.demo_checks import Letter, as_simulated, fates_are_as_expected
from orchestrator.core.playbook import Playbook
from orchestrator.insight.touches import Found, as_found
from orchestrator.playbook.source import read_source
from orchestrator.runtime.cohort import Cohort, CohortError, arrival, dated, read_cohort, read_events
from orchestrator.runtime.composition import template_texts
from orchestrator.usecases.publish import checked
from orchestrator.usecases.simulate import Arrival, Simulated, _World, simulate

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
MOMENT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return checked(read_source(TEMPLATES / "playbooks" / "b2b-saas.yaml", template_texts(TEMPLATES)))


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return read_cohort(TEMPLATES / "demo" / "cohort.yaml")


@pytest.fixture(scope="module")
def lived(cohort: Cohort, playbook: Playbook) -> Simulated:
    return simulate((Arrival(at=cue.at, call=cue.call) for cue in cohort.cues), playbook, cohort.end)


def letters(found: Found) -> Iterable[Letter]:
    for row in found.messages:
        if row.state == "sent" and row.settled_at is not None:
            yield Letter(
                account=row.account,
                play=row.play,
                message_id=str(row.id),
                at=row.settled_at,
                html="…",
                text="…",
                file="",
            )


def test_each_fate_is_met(cohort: Cohort, lived: Simulated) -> None:
    """The core decides for every account of the cohort what its fate expects, and nothing else."""
    found = as_found(lived)
    assert list(fates_are_as_expected(found, list(letters(found)), cohort)) == []


def test_the_month_is_short_to_live_through(lived: Simulated) -> None:
    """The cohort's month has fewer than 500 instants, so that it passes in about a minute."""
    assert len(lived.instants) < 500


def test_the_order_of_the_calls_does_not_matter(cohort: Cohort, playbook: Playbook, lived: Simulated) -> None:
    """Given backwards, or twice, the same calls lead to the same decisions."""
    calls = [Arrival(at=cue.at, call=cue.call) for cue in reversed(cohort.cues)]
    again = simulate([*calls, *calls], playbook, cohort.end)
    assert list(as_simulated(as_found(again), as_found(lived))) == []
    assert again.repeated == len(calls)


def test_the_order_within_an_instant_does_not_matter(
    cohort: Cohort, playbook: Playbook, lived: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At one instant the workers may deliver, wake or drain first: the cohort's month is the same."""

    def backwards(world: _World, now: datetime) -> None:
        world.instants.append(now)
        world._deliver(now)
        world._wake(now)
        for name, events in sorted(world._arrived(now).items()):
            world._step(name, events, now)
        while world._deliver(now) or world._wake(now):
            pass

    monkeypatch.setattr(_World, "live", backwards)
    again = simulate((Arrival(at=cue.at, call=cue.call) for cue in cohort.cues), playbook, cohort.end)
    assert list(as_simulated(as_found(again), as_found(lived))) == []


def test_a_difference_is_told(lived: Simulated) -> None:
    """A decision that only one of the two made is told on its side."""
    whole = as_found(lived)
    less = Found(
        accounts=whole.accounts,
        decisions=whole.decisions[1:],
        messages=whole.messages,
        escalations=whole.escalations,
    )
    (told,) = as_simulated(less, whole)
    assert told.startswith("a decision is simulated, and did not run")
    (told,) = as_simulated(whole, less)
    assert told.startswith("a decision ran, and is not simulated")


def test_a_mistake_in_the_file_is_placed(tmp_path: Path) -> None:
    """A cohort with a key that is none is refused with the place of the key."""
    path = tmp_path / "cohort.yaml"
    path.write_text("days: 35\nfates: [{fate: x, storey: y}]\n")
    with pytest.raises(CohortError, match=r"fates\.0\.storey: Extra inputs"):
        read_cohort(path)


def test_a_file_of_calls_is_played_by_its_timestamps() -> None:
    """Calls arrive in the order of their timestamps; one that has none arrives with the one before it."""
    lines = [b'{"timestamp": "2026-03-02T09:00:00Z"}', b"poison", b'{"timestamp": "2026-03-01T09:00:00Z"}']
    cohort = read_events(lines, timedelta(days=1))
    assert [cue.call for cue in cohort.cues] == [lines[2], lines[0], lines[1]]
    assert cohort.cues[1].at == cohort.cues[2].at == arrival(MOMENT)
    assert cohort.end == arrival(MOMENT) + timedelta(days=1)


def test_calls_of_any_format_are_played_by_their_times() -> None:
    """A CloudEvent's time and a plain event's at are read like a timestamp."""
    lines = [b'{"at":"2026-03-02T09:00:02Z","account":"a"}', b'{"specversion":"1.0","time":"2026-03-02T09:00:01Z"}']
    assert [line for _, line in dated(lines)] == lines[::-1]


def test_a_file_without_times_is_refused() -> None:
    """Where no call says when, nothing can be played."""
    with pytest.raises(CohortError, match="no call with a timestamp"):
        read_events([b"poison"], timedelta(days=1))
