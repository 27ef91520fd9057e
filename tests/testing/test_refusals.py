from pathlib import Path

import pytest

from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason
from orchestrator.testing import ScenarioError, parse_scenario, read_scenario
from orchestrator.testing.deeds import DETAILS
from tests.testing.small import HEAD, playbook

ORDERLY = HEAD.strip() + "\nuntil: day 9\n"


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, playbook(), file="s.yaml")
    return [str(problem).removeprefix("s.yaml:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("sent: [remindr]", "6:8 sent[0]: unknown play `remindr` (did you mean `reminder`?)"),
        ("never: [{play: cal}]", "6:16 never[0].play: unknown play `cal` (did you mean `call`?)"),
        ("sent: [{play: reminder, to: bob}]", "6:29 sent[0].to: unknown person `bob`"),
        ("sent: [{play: reminder, at: day 2, by: day 3}]", "6:36 sent[0].by: an expectation has one of: `at`, `by`"),
        (
            "sent: [{play: reminder, at: +2h}]",
            "6:29 sent[0].at: `+2h` counts from the event before it: it can stand in `events` only",
        ),
        (
            "expect: [{play: call, outcome: don}]",
            "6:32 expect[0].outcome: expected done or skipped, got 'don' (did you mean `done`?)",
        ),
        ("stage: customr", "6:8 stage: unknown stage `customr` (did you mean `customer`?)"),
        ("stage: {day 1: tril}", "6:16 stage.day 1: unknown stage `tril` (did you mean `trial`?)"),
        ("milestone: {redy: day 1}", "6:13 milestone.redy: unknown milestone `redy` (did you mean `ready`?)"),
        (
            "stage: {x: trial}",
            "6:12 stage.x: expected `day 3`, `day 3 09:00`, `+2h` or an instant such as `2026-03-05 09:00`, got 'x'",
        ),
        ("only: mails", "6:7 only: expected true, messages or escalations, got 'mails'"),
        ("expects: []", "6:1 expects: unknown key `expects` (did you mean `expect`?)"),
        ("people: {ann: {mail: x}}", "6:16 people.ann.mail: unknown key `mail` (did you mean `email`?)"),
        (
            "people: {ann: {known: day 10}}",
            "6:23 people.ann.known: `day 10` lies after the scenario's end, `until: day 9`",
        ),
        ("events: [{at: day 1, event: logn}]", "6:29 events[0].event: unknown event `logn` (did you mean `login`?)"),
        ("events: [{at: day 1, event: login, person: bob}]", "6:44 events[0].person: unknown person `bob`"),
        (
            "events: [{at: day 1, traits: {tuch: high}}]",
            "6:31 events[0].traits.tuch: unknown trait `tuch` (did you mean `touch`?)",
        ),
        ("events: [{event: login}]", "6:10 events[0]: an event has one of: `at`, `every`"),
        (
            "events: [{at: day 1}]",
            f"6:10 events[0]: an event has one of: {', '.join(f'`{kind}`' for kind in DETAILS)}",
        ),
        ("events: [{every: 1d, from: day 1, event: login}]", "6:10 events[0]: `every` needs `to`"),
        ("events: [{at: day 1, to: day 2, event: login}]", "6:22 events[0].to: `to` stands beside `every` only"),
        (
            "events: [{every: often, from: day 1, to: day 2, event: login}]",
            "6:18 events[0].every: expected day, weekday, week or a duration such as 1d or 6h, got 'often'",
        ),
        (
            "events: [{every: 0h, from: day 1, to: day 2, event: login}]",
            "6:18 events[0].every: expected some time between two of them, got '0h'",
        ),
        (
            "events: [{every: 1d, from: day 3, to: day 2, event: login}]",
            "6:39 events[0].to: `day 2` lies before `day 3`",
        ),
        (
            "events: [{at: day 10, event: login}]",
            "6:15 events[0].at: `day 10` lies after the scenario's end, `until: day 9`",
        ),
        (
            "events: [{at: day 2, event: login, arrives: day 1}]",
            "6:45 events[0].arrives: `day 1` lies before it happens",
        ),
        (
            "events: [{at: day 1 25:00, event: login}]",
            "6:15 events[0].at: expected a time of day such as \"09:00\", got '25:00'",
        ),
        (
            "events: [{at: day 9999, event: login}]",
            "6:15 events[0].at: expected a day within ten years, got `day 9999`",
        ),
        (
            "events: [{every: 1m, from: day 0, to: day 9, event: login, times: 9}]",
            "6:10 events[0]: a scenario may make 20,000 calls at most",
        ),
    ],
)
def test_each_mistake_is_named_with_its_place(line: str, problem: str) -> None:
    """A scenario that cannot be meant is refused with line, column, path, and what was perhaps meant."""
    assert problems(f"{ORDERLY}{line}\n") == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the scenario is empty"),
        ("scenario: [", "1:12: while parsing a flow node, expected the node content, but found '<stream end>'"),
        (
            ORDERLY.replace("Europe/Berlin", "Europe/Berlim"),
            "3:7 zone: unknown time zone `Europe/Berlim`: write it as Europe/Berlin",
        ),
        (
            ORDERLY.replace("2026-03-02 10:00", "monday"),
            "2:9 anchor: expected a local time such as \"2026-03-02 09:30\", got 'monday'",
        ),
        (
            ORDERLY.replace("{touch: high}", "{tuch: high}"),
            "4:11 account.tuch: unknown trait `tuch` (did you mean `touch`?)",
        ),
        (ORDERLY.replace("until: day 9\n", ""), "1:1: missing key `until`"),
        (ORDERLY.replace("day 9", "9"), "5:8 until: expected text, got 9"),
    ],
)
def test_what_every_scenario_needs_is_asked_for(text: str, problem: str) -> None:
    """Head and end of a scenario are checked before what happens in it."""
    assert problems(text) == [problem]


def test_all_problems_are_told_together() -> None:
    """One reading names every mistake, in the order of the file."""
    text = f"{ORDERLY}events: [{{at: day 1, event: logn}}]\nsent: [remindr, wellcome]\n"
    assert [problem.split(" ")[0] for problem in problems(text)] == ["6:29", "7:8", "7:17"]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("expect", DecisionReason.STALE),
        ("cancelled", MessageReason.EXPIRED),
        ("postponed", PostponementReason.CAPPED),
    ],
)
def test_a_reason_is_of_its_own_list(key: str, reason: str) -> None:
    """A reason is a word of the closed list of its kind; a near one is offered, and all are named."""
    assert parse_scenario(f"{ORDERLY}{key}: [{{play: call, reason: {reason}}}]\n", playbook()).expectations
    (problem,) = problems(f"{ORDERLY}{key}: [{{play: call, reason: {reason[:-1]}}}]\n")
    assert f"{key}[0].reason: unknown reason `{reason[:-1]}` (did you mean `{reason}`?); known: " in problem


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file and one that is no UTF-8 are refused by name."""
    torn = tmp_path / "torn.yaml"
    torn.write_bytes(b"\xff")
    with pytest.raises(ScenarioError, match=r"torn\.yaml:1:1: the file cannot be read: it is no UTF-8"):
        read_scenario(torn, playbook())
    with pytest.raises(ScenarioError, match="cannot be read: No such file"):
        read_scenario(tmp_path / "none.yaml", playbook())
