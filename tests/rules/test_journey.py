"""1.2 and 1.3: the segments, the path of each, time to value, and the hand-over from sales in time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from orchestrator.core.facts import Facts, fold
from orchestrator.core.lifecycle import absorb, opened, view_of
from orchestrator.core.playbook import Playbook
from orchestrator.core.segments import segment_of
from orchestrator.core.timing import stalls_at
from tests.playbook.lives import DAY, START, event, lived, traits
from tests.rules.shelf import Shelf

WHOLE = "customer-lifecycle"
ENTERPRISE, MID_MARKET, SMB, SELF_SERVE = 100_000, 25_000, 5_000, 4_999
LED = {
    "handoff": "handoff_completed",
    "kickoff": "kickoff_completed",
    "configure": "setup_finished",
    "train": "training_attended",
    "pilot": "pilot_succeeded",
    "go_live": "went_live",
    "transition": "criteria_met",
}  # what ends each phase
ALONE = {
    "setting_up": "setup_completed",
    "learning": "activated",
    "adopting": "full_value",
    "confirming": "criteria_met",
}  # the same; most are milestones


def path(shelf: Shelf, arr: float, *presets: str, ends: dict[str, str]) -> dict[str, float]:
    """The phases of an account with this ARR, each with the days after which it is late."""
    book = shelf.book(WHOLE, *presets)
    found = {}
    for number in range(len(ends)):
        account = opened("acme", START, book)
        done = list(ends.values())[:number]
        said = [traits(0, arr=arr), event("contract_signed", 0), *(event(name, 1) for name in done)]
        reached = {name: START + DAY for name in done if name in book.milestones}
        if "went_live" in done:
            reached["full_value"] = START + DAY  # what a go-live ends with, beside the day itself
        account = replace(absorb(account, said, book), milestones=reached)
        journey = view_of(account, START + 2 * DAY, book).journey
        assert journey is not None
        assert journey.late_at is not None, journey
        found[journey.phase] = (journey.late_at - journey.entered_at) / DAY
    return found


def stalls(shelf: Shelf, arr: float, *presets: str, book: str = "b2b-saas", trait: str = "arr") -> float:
    """The day on which an onboarding has stalled."""
    found = shelf.book(book, *presets)
    account = absorb(opened("acme", START, found), [event("signed_up", 0), traits(0, **{trait: arr})], found)
    at = stalls_at(account, found)
    assert at is not None
    return (at - START) / DAY


def kind(book: Playbook, **said: float) -> tuple[str, str]:
    """The segment and the touch model of who says this."""
    found = segment_of(fold(Facts(), [traits(0, **said)], book.vocabulary), book)
    assert found is not None
    return found.name, found.touch.value


def alone(shelf: Shelf) -> Playbook:
    """The layer without the others, some of which call for the same thing."""
    return shelf.book("b2b-saas", "layers/journey")


# -- segments ----------------------------------------------------------------------------------------------------------


def test_segments_by_arr(shelf: Shelf) -> None:
    """1.3: from 100K, from 25K, from 5K, and below; each bound belongs to the segment above it."""
    book = shelf.book("b2b-saas")
    assert [kind(book, arr=arr) for arr in (100_000, 99_999, 25_000, 24_999, 5_000, 4_999)] == [
        ("enterprise", "high"),
        ("mid_market", "medium"),
        ("mid_market", "medium"),
        ("smb", "low"),
        ("smb", "low"),
        ("self_serve", "tech"),
    ]


def test_segments_by_acv(shelf: Shelf) -> None:
    """1.2: from 50K, from 10K, and below."""
    book = shelf.book("b2b-saas", "acv-3-tier")
    assert [kind(book, acv=acv) for acv in (50_000, 49_999, 10_000, 9_999, 999)] == [
        ("enterprise", "high"),
        ("mid_market", "medium"),
        ("mid_market", "medium"),
        ("smb", "tech"),
        ("smb", "tech"),
    ]


def test_segments_by_employees(shelf: Shelf) -> None:
    """1.2: a thousand and more, a hundred and more, fewer."""
    book = shelf.book("b2b-saas", "segments-by-employees")
    assert [kind(book, employees=number)[0] for number in (1_000, 999, 100, 99)] == [
        "enterprise",
        "mid_market",
        "mid_market",
        "smb",
    ]


# -- durations ---------------------------------------------------------------------------------------------------------


def test_the_longest_onboarding(shelf: Shelf) -> None:
    """1.3: it has stalled after 180, 90, 60 and 30 days."""
    assert [stalls(shelf, arr) for arr in (ENTERPRISE, MID_MARKET, SMB, SELF_SERVE)] == [180, 90, 60, 30]


def test_the_shortest_onboarding(shelf: Shelf) -> None:
    """1.3: at the short end, after 90, 60, 30 and 14."""
    preset = "onboarding-90-60-30-14"
    assert [stalls(shelf, arr, preset) for arr in (ENTERPRISE, MID_MARKET, SMB, SELF_SERVE)] == [90, 60, 30, 14]


def test_the_longest_onboarding_of_three_tiers(shelf: Shelf) -> None:
    """1.2, pillar 4: 120, 60 and 30 days."""
    assert [stalls(shelf, acv, "acv-3-tier", trait="acv") for acv in (50_000, 10_000, 9_999)] == [120, 60, 30]


def test_the_shortest_onboarding_of_three_tiers(shelf: Shelf) -> None:
    """1.2, pillar 4, at the short end: 90, 45 and 14 days."""
    presets = ("acv-3-tier", "onboarding-90-45-14")
    assert [stalls(shelf, acv, *presets, trait="acv") for acv in (50_000, 10_000, 9_999)] == [90, 45, 14]


# -- paths -------------------------------------------------------------------------------------------------------------


def weeks(days: Sequence[float]) -> list[float]:
    """After which week each of these spans ends, one after the other."""
    return [sum(days[: number + 1]) / 7 for number in range(len(days))]


def without_pilot() -> dict[str, str]:
    """The phases of mid-market."""
    return {name: end for name, end in LED.items() if name != "pilot"}


def test_the_path_of_enterprise(shelf: Shelf) -> None:
    """1.2: discovery to week 2, implementation with training to 6, pilot to 8, rollout to 12, hand-off to 14."""
    found = path(shelf, ENTERPRISE, ends=LED)
    assert list(found) == list(LED)
    assert found["handoff"] == 1
    assert weeks(list(found.values()))[1:] == [2, 5, 6, 8, 12, 14]


def test_the_path_of_mid_market(shelf: Shelf) -> None:
    """1.2: kickoff in week 1, configuration to 3, training to 4, live to 6, validation to 8; no pilot."""
    found = path(shelf, MID_MARKET, ends=without_pilot())
    assert list(found) == list(without_pilot())
    assert weeks(list(found.values()))[1:] == [1, 3, 4, 6, 8]


def test_the_path_at_their_own_pace(shelf: Shelf) -> None:
    """1.2: set up by day 7, learning in week 2, adopting in weeks 3 and 4, confirmed by day 30."""
    for arr in (SMB, SELF_SERVE):
        found = path(shelf, arr, ends=ALONE)
        assert found == {"setting_up": 7, "learning": 7, "adopting": 14, "confirming": 2}
        assert sum(found.values()) == 30


def test_the_shorter_path_of_enterprise(shelf: Shelf) -> None:
    """1.2, pillar 4: week 1, to week 4, to 6, to 7, to 12, to 13."""
    found = path(shelf, ENTERPRISE, "path-13-weeks", ends=LED)
    assert weeks(list(found.values()))[1:] == [1, 4, 6, 7, 12, 13]


def test_the_shorter_path_at_their_own_pace(shelf: Shelf) -> None:
    """1.2, pillar 4: day 3, week 1, week 2, weeks 3 and 4."""
    for arr in (SMB, SELF_SERVE):
        found = path(shelf, arr, "path-13-weeks", ends=ALONE)
        assert found["setting_up"] == 3
        assert weeks(list(found.values()))[1:] == [1, 2, 4]


def test_the_plan_of_45_days(shelf: Shelf) -> None:
    """1.3 P1 to P5: a week before the kickoff; from its day on to day 14, to day 30, to day 45."""
    for arr in (ENTERPRISE, MID_MARKET):
        found = path(shelf, arr, "project-45-days", ends=LED)
        assert found["kickoff"] == 7
        configured = 1 + found["configure"]
        assert configured == 14
        assert configured + found["train"] == 30
        assert configured + found["train"] + found["pilot"] + found["go_live"] == 45


def test_the_seven_phases(shelf: Shelf) -> None:
    """1.3: hand-off, kickoff, configure, train, pilot, go-live, transition; each is led, and ends with something."""
    onboarding = shelf.book(WHOLE).onboarding
    assert onboarding is not None
    seven = [phase for name, phase in onboarding.phases.items() if name in LED]
    assert [phase.name for phase in seven] == list(LED)
    assert all(phase.owner and phase.deliverable and phase.tasks for phase in seven)


def test_what_blocks_the_configuration(shelf: Shelf) -> None:
    """1.3 P3: the instance needs the kickoff, data its export, integrations the API, users their list."""
    onboarding = shelf.book(WHOLE).onboarding
    assert onboarding is not None
    needs = {task.name: task.needs for phase in onboarding.phases.values() for task in phase.tasks}
    assert needs["instance_setup"] == ("kickoff_meeting",)
    assert needs["data_migration"] == ("data_preparation",)
    assert needs["integrations"] == ("api_access",)
    assert needs["provisioning"] == ("user_list",)
    assert needs["custom_settings"] == ("requirements",)


# -- time to value -----------------------------------------------------------------------------------------------------


def target(shelf: Shelf, milestone: str) -> float:
    """The days that a milestone may take, on its first clock."""
    found = shelf.book(WHOLE).milestones[milestone]
    within = found.targets[0].within if found.targets else found.target
    assert within is not None
    return within / DAY


def test_the_first_login_is_due_in_24_hours(shelf: Shelf) -> None:
    """1.3: from the sign-up to the first access."""
    assert target(shelf, "first_login") == 1


def test_the_set_up_is_due_3_days_after_the_first_login(shelf: Shelf) -> None:
    """1.3: on its own clock."""
    assert target(shelf, "configured") == 3
    assert shelf.book(WHOLE).milestones["configured"].targets[0].since == "login"


SET_UP = [event("signed_up", 0), event("login", 0.1), event("core_action", 0.2), event("csat_answered", 0.2, score=9)]


def test_the_first_value_is_due_7_days_after_the_set_up(shelf: Shelf) -> None:
    """1.3: a led account without a result by then is asked about, at that minute."""
    events = [*SET_UP, traits(0, arr=ENTERPRISE), event("setup_finished", 4)]
    assert lived(alone(shelf), events, 12).when("first_value_late_led") == [11.0]
    assert lived(alone(shelf), [*events, event("value_delivered", 10.9)], 12).when("first_value_late_led") == []


def test_the_first_value_is_due_7_days_after_the_sign_up(shelf: Shelf) -> None:
    """1.3 metrics: an account at its own pace with a human is asked about on that clock."""
    events = [*SET_UP, traits(0, arr=SMB), event("setup_finished", 4)]
    assert lived(alone(shelf), events, 12).when("first_value_late") == [7.0]
    assert lived(alone(shelf), [*events, event("value_delivered", 6.9)], 12).when("first_value_late") == []


def test_full_value_is_due_30_days_after_the_first(shelf: Shelf) -> None:
    """1.3: from the first value to adoption."""
    used = [event("core_action", 1 + day) for day in range(40)]
    logins = [event("login", 1.1 + day) for day in range(40)]
    events = [*SET_UP, traits(0, arr=ENTERPRISE), event("setup_finished", 1), event("value_delivered", 3)]
    assert lived(shelf.book(WHOLE), [*events, *used, *logins], 36).when("full_value_late") == [33.0]


def test_growth_is_talked_about_60_days_after_adoption(shelf: Shelf) -> None:
    """1.3: it takes 60 to 90 days from the tenth use on, here on day 8; who has grown by then is not asked."""
    features = [event("feature_used", 4, feature=name) for name in ("one", "two", "three")]
    used = [event("core_action", 0.3 + day) for day in range(80)]
    logins = [event("login", 0.3 + day) for day in range(80)]
    begun = [*SET_UP, traits(0, arr=ENTERPRISE), event("setup_finished", 1), event("value_delivered", 3), *features]
    events = [*begun, *used, *logins]
    assert lived(shelf.book(WHOLE), events, 75).when("growth_talk") == [8.3 + 60]
    assert lived(shelf.book(WHOLE), [*events, event("user_added", 50)], 75).when("growth_talk") == []


def test_growth_is_due_90_days_after_adoption(shelf: Shelf) -> None:
    """1.3: the long end."""
    assert target(shelf, "grown") == 90


# -- the hand-over from sales ------------------------------------------------------------------------------------------


def test_sales_hands_over_within_24_hours(shelf: Shelf) -> None:
    """1.2: a contract that is not handed over a day later is the director's; each contract has its own day."""
    book = shelf.book(WHOLE)
    events = [traits(0, arr=MID_MARKET), event("signed_up", 0), event("contract_signed", 2)]
    life = lived(book, events, 5)
    assert (life.when("handoff_from_sales"), life.when("handoff_from_sales_late")) == ([2.0], [3.0])
    in_time = [*events, event("handoff_completed", 2.9), event("contract_signed", 40, onboarding="emea")]
    assert lived(book, in_time, 43).when("handoff_from_sales_late") == [41.0]


def test_the_phase_of_the_hand_over_takes_24_hours(shelf: Shelf) -> None:
    """1.2: where a path does not say otherwise."""
    onboarding = shelf.book(WHOLE).onboarding
    assert onboarding is not None
    assert onboarding.phases["handoff"].within == timedelta(hours=24)
