"""A year of each segment, in five ways to live it: what the product and our people say of an account in 365 days."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

from orchestrator.core.events import Json
from orchestrator.testing import parse_scenario
from orchestrator.testing.verdict import live
from orchestrator.usecases.simulate import Simulated
from tests.rules.shelf import shipped

Said = dict[str, Json]
Life = Callable[[str], Sequence[Said]]

SEGMENTS: Mapping[str, int] = {"enterprise": 150_000, "mid_market": 50_000, "smb": 10_000, "self_serve": 1_200}  # ARR
BEGIN = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday in London
_LED = {
    # The days of kickoff, configuration, training, pilot, its success, go-live and met criteria.
    "enterprise": (10, 20, 28, 40, 60, 75, 95),
    "mid_market": (5, 12, 20, 28, 35, 42, 50),
}
_SET_UP = {"enterprise": 18, "mid_market": 10, "smb": 1, "self_serve": 1}  # the day


def _at(day: int, event: str, clock: str = "11:00", **properties: Json) -> Said:
    return {"at": f"day {day} {clock}", "event": event, "properties": properties}


def _uses(every: str, end: int) -> list[Said]:
    span: Said = {"every": every, "to": f"day {end}"}
    return [{**span, "from": "day 0 12:00", "event": "login"}, {**span, "from": "day 0 12:30", "event": "core_action"}]


def _features(day: int) -> list[Said]:
    return [_at(day, "feature_used", f"13:{number:02}", feature=f"f{number}") for number in range(8)]


def _sets_up(day: int) -> list[Said]:
    begun = [_at(day, event) for event in ("integration_added", "data_loaded", "invite_sent")]
    done = [_at(day + 1, event) for event in ("invite_accepted", "setup_finished", "workflow_created")]
    team = [_at(day + 1, "user_added", f"14:{number:02}") for number in range(4)]
    return [*begun, *done, *team, *(_at(day + 1, "kb_document_added", f"15:{number:02}") for number in range(11))]


def _content() -> list[Said]:
    """Who is glad: it brings something each week, and whoever is asked says so."""
    value = [_at(day, "value_delivered", hours_saved=3) for day in range(6, 360, 7)]
    scores = [_at(day, "nps_answered", "17:00", score=9) for day in (5, 14, 100)]
    return [*value, *scores, _at(7, "csat_answered", score=9), _at(6, "module_completed")]


def _led(segment: str) -> list[Said]:
    """What our people do and write down for an account that is led by people."""
    kickoff, configured, trained, pilot, succeeded, live_from, met = _LED[segment]
    before = ("welcome_scheduled", "kickoff_scheduled", "company_researched", "criteria_drafted", "kickoff_prepared")
    ready = ("instance_set_up", "data_prepared", "api_opened", "users_listed", "requirements_written", "settings_made")
    taught = ("admins_trained", "power_users_trained", "guides_shared", "executives_briefed", "training_attended")
    once = {0: "handoff_completed", 2: "readiness_assessed", kickoff: "kickoff_completed", pilot: "pilot_ready"}
    once |= {pilot + 1: "pilot_started", succeeded: "pilot_succeeded", live_from - 1: "launch_ready"}
    once |= {live_from: "went_live", met: "criteria_met", met + 1: "ongoing_handed_over"}
    talks = {4: "demo", 6: "first_week_check", 30: "review_30d", 95: "quarterly_review", 186: "quarterly_review"}
    talks |= {277: "quarterly_review", 290: "value_review"} | dict.fromkeys(range(16, 360, 14), "check_in")
    return [
        *(_at(1, event) for event in before),
        *(_at(configured - 1, event) for event in ready),
        *(_at(trained, event) for event in taught),
        *(_at(day, event, "15:00") for day, event in once.items()),
        *(_at(day, "Meeting Completed", "16:00", kind=kind) for day, kind in talks.items()),
        *(_at(day - 3, "Meeting Scheduled", "16:00", kind=kind) for day, kind in talks.items()),
        {"at": f"day {kickoff} 15:10", "goal": "roll_out", "text": "All teams use it"},
        {"at": "day 6 12:00", "judgement": "handoff_done", "by": "mei", "evidence": "the minutes"},
        {"at": "day 6 12:05", "judgement": "champion_strong", "by": "mei", "evidence": "the minutes"},
        *(_at(day, "Report Delivered") for day in range(33, 360, 30)),
        _at(320, "renewal_intent", intent="positive"),
    ]


def _served(segment: str) -> list[Said]:
    """All goes as it should, and everybody writes it down."""
    theirs = _led(segment) if segment in _LED else [_at(28, "criteria_met")]
    product = [*_uses("weekday", 364), *_features(3), *_sets_up(_SET_UP[segment]), *_content()]
    return [_at(0, "contract_signed", "10:05"), *product, *theirs, _at(340, "renewal_signed")]


LIVES: Mapping[str, Life] = {
    "served": _served,
    "heard by the product only": lambda _: [*_uses("weekday", 364), *_features(3), *_sets_up(2)],
    "there once a week": lambda _: [*_uses("week", 364), *_features(3), *_sets_up(4)],
    "fades after three weeks": lambda _: [*_uses("weekday", 20), *_sets_up(2)],
    "never comes": lambda _: [],
}


@cache
def year(segment: str, life: str) -> Simulated:
    """What the whole playbook makes of a life, in a year."""
    book = shipped().book("customer-lifecycle")
    told = {
        "scenario": f"A year of {segment} that is {life}",
        "anchor": "2026-03-02 10:00",
        "zone": "Europe/London",
        "account": {"arr": SEGMENTS[segment], "term": "annual", "renewal_at": "2027-03-02T10:00:00Z"},
        "people": {"ann": {"role": "champion"}, "ben": {"role": "decision maker"}},
        "events": LIVES[life](segment),
        "until": "day 365",
    }
    scenario = parse_scenario(json.dumps(told), book, file=f"{segment}, {life}")
    return live(scenario, book, scenario.until)
