"""The audit in five sections: nothing is invented, the worst comes first, every input is printed."""

from orchestrator.insight.audit import Audit, audit, coverage, told
from orchestrator.insight.figures import Given
from orchestrator.insight.tables import Benchmarks

KNOWN = {"time_to_value": 6, "activation": 0.5, "retention_30d": 0.7, "support_tickets": 2.1}
COMPANY = {"users": 400, "new_users_per_month": 80, "cost_per_user": 90, "project_cost": 20_000}
PLAYS = {"day_0_welcome", "day_3_setup", "another"}


def found(tables: Benchmarks, **figures: float) -> Audit:
    """The audit of these figures under a playbook that greets and reminds."""
    given = {name: Given(value=value, source="given") for name, value in figures.items()}
    return audit(given, PLAYS, tables)


def lines(tables: Benchmarks, **figures: float) -> list[str]:
    return "\n".join(told(found(tables, **figures), tables)).splitlines()


def section(tables: Benchmarks, number: int, **figures: float) -> list[str]:
    """The lines of one section, its heading first."""
    all_lines = lines(tables, **figures)
    begins = [index for index, line in enumerate(all_lines) if line[:2] in {"1.", "2.", "3.", "4.", "5."}]
    assert len(begins) == 5
    return [line for line in all_lines[begins[number - 1] : [*begins, len(all_lines)][number]] if line]


def test_the_score_says_what_is_unknown(tables: Benchmarks) -> None:
    """The first section has the score, its band, and of each dimension its figure and source, or that it is unknown."""
    score = section(tables, 1, **KNOWN)
    assert score[1] == "  61.4 of 100: Average, of average competitiveness. 75 % of the weight is known."
    assert "  Time to value (25 %): 6 days is worth 57.14 of 100 (given)" in score
    assert sum("unknown, so it does not count" in line for line in score) == 2


def test_too_few_figures_give_no_score(tables: Benchmarks) -> None:
    """Below the coverage floor there is no score, and it is said how much would be needed."""
    assert section(tables, 1, activation=0.5)[1] == "  No score: 20 % of the weight is known, and it takes 60 %."


def test_gaps_stand_by_stage(tables: Benchmarks) -> None:
    """Each of the five stages with its figures, the industry's, the goal, and what the gap costs the score."""
    gaps = section(tables, 2, **KNOWN, first_login=0.95, team_growth=0.2)
    assert [line.strip() for line in gaps if line.startswith("  ") and line[2] != " "] == [
        "Welcome", "Quick win", "Core setup", "Habit", "Expansion",
    ]  # fmt: skip
    assert (
        "    Activation: 50 % (industry 68 %, where the top quartile begins; excellent at 74.4 %):"
        " costs the score 12.0 points"
    ) in gaps
    assert any("First login: 95 % (goal 90 %, reached" in line for line in gaps)
    assert any("Team growth: 20 % (goal 50 %, not reached" in line for line in gaps)
    assert any("Day-14 NPS: unknown" in line for line in gaps)
    assert any("First login: unknown" in line for line in section(tables, 2))


def test_three_quick_improvements_the_worst_first(tables: Benchmarks) -> None:
    """What costs the score most is done first; where little is known, the heaviest unknown is measured."""
    quick = section(tables, 3, **KNOWN)
    assert [line.split(":")[0].strip() for line in quick[1:]] == [
        "1. Time to value",
        "2. Activation",
        "3. 30-day retention",
    ]
    measured = section(tables, 3, activation=0.5)
    assert measured[1].startswith("  1. Activation: ")
    assert [line[5:].split(".")[0] for line in measured[2:]] == [
        "Time to value is unknown",
        "Setup completion is unknown",
    ]


def test_a_programme_without_gaps_has_nothing_urgent(tables: Benchmarks) -> None:
    """Where every dimension is worth 100 nothing is made up."""
    best = {"time_to_value": 0, "activation": 1, "setup_completion": 1, "support_tickets": 0, "retention_30d": 1}
    assert section(tables, 3, **best, nps_day_14=100) == ["3. Urgent quick improvements, this week: 0"]
    assert "keep what is good" in section(tables, 4, **best, nps_day_14=100)[2]
    assert any("costs the score nothing" in line for line in section(tables, 2, **best, nps_day_14=100))


def test_the_roadmap_has_thirty_days(tables: Benchmarks) -> None:
    """First the quick improvements, then what lasts, the worst gap first; then the loop goes on."""
    roadmap = section(tables, 4, **KNOWN)
    assert roadmap[0] == "4. Roadmap of 30 days"
    assert [line.split(":")[0].strip() for line in roadmap[1:6]] == [
        "day 1 to 7", "day 8 to 14", "day 15 to 21", "day 22 to 30", "day 30",
    ]  # fmt: skip
    assert "Time to value: Follow five new customers" in roadmap[2]
    assert [line.split(":")[0].strip() for line in roadmap if line.startswith("    every")] == [
        "every week", "every month", "every quarter", "every year",
    ]  # fmt: skip


def test_the_playbook_says_what_is_automatic(tables: Benchmarks) -> None:
    """A task counts where the playbook has its play; tasks that only a part of can be automatic count half."""
    covered = coverage(PLAYS, tables.automation)
    assert (covered.done, covered.share) == (("welcome_email", "setup_checklist"), round(2 / 4.5, 6))
    every = {play for task in tables.automation.tasks.values() for play in [*task.plays, "another"]}
    assert coverage(every, tables.automation).share <= 1
    assert coverage((), tables.automation).share == 0


def test_every_input_of_the_return_is_printed(tables: Benchmarks) -> None:
    """With what it comes from, and then the saving and the return."""
    plan = section(tables, 5, **COMPANY, automation=0.4)
    assert "  automation = 40 % (given)" in plan
    assert "  automation_target = 70 % (the target of a company like yours (Fast growth))" in plan
    assert "  project_cost = $20,000 (given)" in plan
    assert plan[-2:] == ["  Saving a month: $2,160", "  ROI over 12 months: 29.6 %"]
    assert any("pays $50 to $150 a user" in line for line in plan)
    assert any("automation = 44.44 % (by the plays of the playbook)" in line for line in section(tables, 5, **COMPANY))


def test_a_return_with_something_missing_is_none(tables: Benchmarks) -> None:
    """What is missing is named, and nothing is computed."""
    plan = section(tables, 5, new_users_per_month=80)
    assert plan[-1] == (
        "  What it returns cannot be said: cost_per_user, automation_target, project_cost unknown"
        " (--figure NAME=NUMBER)."
    )


def test_automation_beyond_its_target_is_said(tables: Benchmarks) -> None:
    """Where more is automatic than is aimed at, the saving is below nothing, in words."""
    assert "more is automatic already" in section(tables, 5, **COMPANY, automation=0.9)[-2]
