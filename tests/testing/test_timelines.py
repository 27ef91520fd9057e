from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pytest

from orchestrator.core.events import Json
from orchestrator.testing import parse_scenario
from orchestrator.testing.moments import Calendar
from tests.testing.small import HEAD, judged, playbook

BERLIN = Calendar(anchor=datetime(2026, 3, 27, 16, 30, tzinfo=UTC), zone=ZoneInfo("Europe/Berlin"))  # a Friday, 17:30


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def calls(events: str) -> list[dict[str, Json]]:
    text = f"{HEAD.strip()}\nuntil: day 99\nevents:\n{events}"
    return [orjson.loads(said.arrival.call) for said in parse_scenario(text, playbook()).calls]


def times(events: str) -> list[str]:
    """When `login` happens, in UTC."""
    return [str(call["timestamp"])[:16] for call in calls(events) if call.get("event") == "login"]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("day 0", "2026-03-27T16:30Z"),
        ("day 1", "2026-03-28T16:30Z"),
        ("day 3", "2026-03-30T15:30Z"),  # the clocks changed on day 2
        ("day 3 09:00", "2026-03-30T07:00Z"),
        ("day -1 09:00", "2026-03-26T08:00Z"),
        ("2026-03-30 09:00", "2026-03-30T07:00Z"),
        ("2026-03-30T09:00:00Z", "2026-03-30T09:00Z"),
        ("+90m", "2026-03-27T18:00Z"),
    ],
)
def test_a_moment_is_local_unless_it_says_otherwise(text: str, at: str) -> None:
    """Days and bare times are on the account's clock; an instant with a zone is itself."""
    assert BERLIN.moment(text, BERLIN.anchor).at == instant(at)


def test_a_day_is_all_of_it_and_a_time_its_minute() -> None:
    """In an expectation a bare day means any time of that local day, a time means that minute."""
    day, minute = BERLIN.moment("day 2"), BERLIN.moment("day 2 09:00")
    assert (day.begins, day.ends) == (instant("2026-03-28T23:00Z"), instant("2026-03-29T22:00Z"))  # 23 hours
    assert (minute.begins, minute.ends) == (instant("2026-03-29T07:00Z"), instant("2026-03-29T07:01Z"))


def test_an_instant_is_told_as_it_is_written() -> None:
    """What a story tells of a time is what a scenario may write, with the weekday."""
    assert BERLIN.told(instant("2026-03-30T07:00Z")) == "day 3 Mon 09:00"
    assert BERLIN.told(instant("2026-03-26T08:00:05Z")) == "day -1 Thu 09:00:05"


def test_later_counts_from_the_event_before() -> None:
    """`+2h` is two hours after the event before it, the first one's after the anchor."""
    assert times("  - {at: +2h, event: login}\n  - {at: +30m, event: login}\n") == [
        "2026-03-02T11:00",
        "2026-03-02T11:30",
    ]


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("1d", ["03-06T08", "03-07T08", "03-08T08", "03-09T08"]),
        ("day", ["03-06T08", "03-07T08", "03-08T08", "03-09T08"]),
        ("weekday", ["03-06T08", "03-09T08"]),
        ("week", ["03-06T08"]),
        ("36h", ["03-06T08", "03-07T20", "03-09T08"]),
    ],
)
def test_usage_is_repeated(every: str, expected: list[str]) -> None:
    """`every` goes from its first moment to the end of its last day, both within."""
    assert [
        at[5:13] for at in times(f"  - {{every: {every}, from: day 4 09:00, to: day 7, event: login}}\n")
    ] == expected


def test_whole_days_keep_the_wall_clock() -> None:
    """Over a change of the clocks a weekly login stays at nine o'clock."""
    days = times("  - {every: week, from: day 20 09:00, to: day 40, event: login}\n")
    assert days == ["2026-03-22T08:00", "2026-03-29T07:00", "2026-04-05T07:00"]


def test_properties_are_numbered_and_events_counted() -> None:
    """`{n}` in a property is the number of the repetition; `times` makes so many calls of their own."""
    text = '  - {every: 1d, from: day 1, to: day 2, event: login, times: 2, properties: {page: "p{n}", of: 2}}\n'
    found = [call for call in calls(text) if call.get("event") == "login"]
    assert [call["properties"] for call in found] == [{"page": f"p{n}", "of": 2} for n in (1, 1, 2, 2)]
    assert len({str(call["messageId"]) for call in found}) == 4


def test_the_anchor_event_comes_by_itself_unless_it_is_told() -> None:
    """Without a word of it the anchor event happens at the anchor; told by the product's name, it is told."""
    assert [call["event"] for call in calls("  - {at: day 1, event: login}\n") if "event" in call] == [
        "signed_up",
        "login",
    ]
    told = calls("  - {at: day 0 11:00, event: Signed Up}\n")
    assert [call["event"] for call in told if "event" in call] == ["Signed Up"]


def test_nobody_need_be_there() -> None:
    """With no people calls name the account only; a person may become known late, or never."""
    text = HEAD.strip() + "\nuntil: day 1\npeople: {}\n"
    assert all("userId" not in orjson.loads(said.arrival.call) for said in parse_scenario(text, playbook()).calls)
    late = HEAD.strip() + "\nuntil: day 1\npeople: {ann: {known: day 1 08:00}, bob: {known: never}}\n"
    words = [said.words for said in parse_scenario(late, playbook()).calls]
    assert words == ["", "ann becomes known", "signed_up by ann"]


def test_traits_may_change_on_the_way() -> None:
    """An event may say traits of the account, or of a person, and they hold from then on."""
    assert judged(
        "events:\n  - {at: day 1, traits: {touch: tech}}\n  - {at: day 1, person: ann, traits: {email: null}}\n"
        "expect:\n  - {at: day 3 10:00, play: call, reason: condition_false}\n"
        "  - {play: reminder, outcome: skipped, reason: no_recipient}\n",
        until="day 6",
    ).passed


def test_our_own_words_are_said_by_our_own_people() -> None:
    """An event of ours, such as account_paused, is said under our own source, so that it counts."""
    assert judged(
        "events: [{at: day 1, event: account_paused}]\npostponed: [{play: reminder, at: day 2 09:00, reason: paused}]"
    ).passed


def test_two_expectations_are_met_by_two_mails() -> None:
    """Mails are counted: the same play expected twice must be sent twice, and those that say when choose first."""
    assert not judged("sent: [welcome, welcome]").passed
    assert judged("sent: [{play: welcome, at: day 0 10:00}, reminder]\nonly: true").passed


def test_work_is_held_to_owner_deadline_and_end() -> None:
    """An escalation's owner, severity, deadline and end are each held."""
    events = "events: [{at: day 4 12:00, event: login}]\n"
    right = "owner: csm, severity: high, category: adoption, due: day 3 18:00, closed: goal_reached"
    assert judged(f"{events}escalations: [{{play: call, at: day 3 10:00, {right}}}]", until="day 5").passed
    for wrong in (
        "owner: cto",
        "severity: low",
        "category: scope",
        "due: day 4 12:00",
        "closed: never",
        "closed: exited",
    ):
        assert not judged(f"{events}escalations: [{{play: call, {wrong}}}]", until="day 5").passed, wrong


def test_never_may_be_limited_in_time() -> None:
    """`never` with `by` forbids it until then only."""
    assert judged("never: [{play: reminder, by: day 2 08:59}]").passed
    assert not judged("never: [{play: reminder, by: day 2 09:00}]").passed


def test_the_stage_is_that_at_the_end_of_the_moment() -> None:
    """A stage of a day is the one that the day ends with; a bare stage is that at the end."""
    events = "events:\n  - {at: day 1 12:00, event: setup}\n  - {every: 1d, from: day 0, to: day 1, event: login}\n"
    assert judged(f"{events}stage: {{day 0: trial, day 1 11:59: trial, day 1 12:00: customer, end: customer}}").passed
    assert judged(f"{events}stage: customer\nmilestone: {{ready: by day 1}}").passed
    assert not judged(f"{events}stage: trial").passed
    assert not judged(f"{events}milestone: {{ready: never}}").passed


def test_a_scenario_counts_days_as_its_playbook_does() -> None:
    """Where the anchor's own day is day 1, day 0 is the one before it."""
    one = Calendar(anchor=BERLIN.anchor, zone=BERLIN.zone, first_day=1)
    assert one.moment("day 1").at == BERLIN.anchor
    assert one.moment("day 4 09:00").at == BERLIN.moment("day 3 09:00").at
    assert one.told(instant("2026-03-30T07:00Z")) == "day 4 Mon 09:00"
    assert one.legend().startswith("day 1 is Fri 2026-03-27")
