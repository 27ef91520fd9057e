"""1.9: where the sources disagree, each variant is a preset, and each of its numbers decides something."""

from datetime import timedelta

import pytest

from orchestrator.core.events import Json
from orchestrator.core.playbook import Segmentation
from orchestrator.playbook import PlaybookSource
from orchestrator.playbook.lint import lint
from orchestrator.testing import Rehearsal
from orchestrator.usecases.publish import checked
from tests.playbook.lives import event, lived
from tests.rules.shelf import Shelf
from tests.rules.timeline import ENTERPRISE, MONDAY, SELF_SERVE, life

DAY = timedelta(days=1)
SLOW = {"nps-gate-above-40"}  # its figures take the check half a minute; it has been content with it
VARIANTS = [
    "acv-3-tier", "arr-4-tier", "churn-below-40", "expansion-by-renewal-only", "gone-quiet-2-days",
    "no-login-24-hours", "nps-gate-above-40", "nps-gate-waits", "onboarding-by-criteria", "onboarding-by-steps",
    "one-mail-every-day", "revenue-share-3-tier", "setup-3-days-after-login", "stage-windows-7-30-90",
]  # fmt: skip


def divides(shelf: Shelf, preset: str, trait: str, wanted: dict[float | str | None, str]) -> None:
    """Assert in which segment an account is, by the value of one trait (None: nobody said)."""
    for value, segment in wanted.items():
        said: dict[str, Json] = {} if value is None else {trait: value}
        account = Rehearsal(shelf.book("b2b-saas", preset), anchor=MONDAY, zone="Europe/Berlin", people=None, **said)
        account.until("day 0").assert_is(segment=segment)


def segmentation(shelf: Shelf, *presets: str) -> Segmentation:
    """The segments of the shipped playbook with presets over it."""
    found = shelf.book("b2b-saas", *presets).segmentation
    assert found is not None
    return found


def windows(shelf: Shelf, preset: str, stage: str = "onboarding") -> dict[str, float | None]:
    """The days until which a stage may last, segment by segment."""
    found = {name: segment.windows.get(stage) for name, segment in segmentation(shelf, preset).table.items()}
    return {name: None if span is None or span[1] is None else span[1] / DAY for name, span in found.items()}


@pytest.mark.parametrize("preset", [name for name in VARIANTS if name not in SLOW])
def test_a_variant_leaves_nothing_to_warn_of(preset: str, shelf: Shelf) -> None:
    """The check is content with each variant; where ARR divides nobody, it says that no rule reads it any more."""
    text = f"playbook: tried\nextends: [b2b-saas, {preset}]\n"
    source = PlaybookSource(file="tried.yaml", text=text, templates=shelf.templates)
    found = [str(finding) for finding in lint(checked(source), source, None)]
    assert all("no rule and no template reads the trait `arr`" in finding for finding in found), found


# -- segments ----------------------------------------------------------------------------------------------------------


def test_acv_3_tier(shelf: Shelf) -> None:
    """50K and more, 10K to 50K, and less; a range is half-open, and who pays less than 1K is in the lowest tier."""
    wanted: dict[float | str | None, str] = {50_000: "enterprise", 49_999: "mid_market", 10_000: "mid_market"}
    divides(shelf, "acv-3-tier", "acv", {**wanted, 9_999: "smb", 999: "smb", None: "smb"})


def test_acv_3_tier_has_its_own_durations(shelf: Shelf) -> None:
    """120, 60 and 30 days of onboarding."""
    assert windows(shelf, "acv-3-tier") == {"enterprise": 120, "mid_market": 60, "smb": 30}


def test_arr_4_tier(shelf: Shelf) -> None:
    """100K and more, 25K to 100K, 5K to 25K, and less."""
    wanted: dict[float | str | None, str] = {100_000: "enterprise", 99_999: "mid_market", 25_000: "mid_market"}
    divides(
        shelf, "arr-4-tier", "arr", {**wanted, 24_999: "smb", 5_000: "smb", 4_999: "self_serve", None: "self_serve"}
    )


def test_four_tiers_by_arr_are_the_default(shelf: Shelf) -> None:
    """What the preset says is what the shipped playbook has, segment by segment."""
    assert segmentation(shelf, "arr-4-tier") == segmentation(shelf)


def test_the_longest_durations_are_the_default(shelf: Shelf) -> None:
    """By default onboarding may take 180, 90, 60 and 30 days: the longest that any source gives a segment."""
    wanted = {"enterprise": 180, "mid_market": 90, "smb": 60, "self_serve": 30}
    assert windows(shelf, "arr-4-tier") == wanted


def test_revenue_share_3_tier(shelf: Shelf) -> None:
    """The tier that was reckoned over all accounts is the segment."""
    wanted: dict[float | str | None, str] = {"enterprise": "enterprise", "mid_market": "mid_market", "smb": "smb"}
    divides(shelf, "revenue-share-3-tier", "revenue_tier", {**wanted, None: "smb"})
    touches = {name: each.touch for name, each in segmentation(shelf, "revenue-share-3-tier").table.items()}
    assert touches == {"enterprise": "high", "mid_market": "medium", "smb": "tech"}


def test_a_touch_model_has_four_values(shelf: Shelf) -> None:
    """High, medium, low and tech: what one source calls low is the other's medium."""
    by_arr, by_acv = segmentation(shelf), segmentation(shelf, "acv-3-tier")
    assert [each.touch for each in by_arr.table.values()] == ["high", "medium", "low", "tech"]
    assert [each.touch for each in by_acv.table.values()] == ["high", "medium", "tech"]


# -- when it is a risk -------------------------------------------------------------------------------------------------


def test_no_login_after_24_hours(shelf: Shelf) -> None:
    """With the preset the human is called after 24 hours; without it after 48."""
    early, late = (life(shelf, *presets, arr=ENTERPRISE) for presets in (["no-login-24-hours"], []))
    early.until("day 3").assert_escalated("no_login_call", at="day 1 10:00")
    late.until("day 3").assert_escalated("no_login_call", at="day 2 10:00")


def test_the_human_of_day_7_stays(shelf: Shelf) -> None:
    """Where mail goes first, a human follows on day 7."""
    life(shelf, arr=SELF_SERVE).until("day 8").assert_escalated("no_login_human", at="day 7 10:00")


def test_gone_quiet_after_2_days(shelf: Shelf) -> None:
    """With the preset two days are quiet, also over a weekend; without it three working days."""
    for presets, opens in ((["gone-quiet-2-days"], "day 6 11:00"), ([], "day 9 11:00")):
        account = life(shelf, *presets, arr=ENTERPRISE).event("setup_finished", "day 0 12:00")
        account.event("login", "day 4 11:00").event("core_action", "day 4 12:00")
        account.until(opens.replace("11:00", "10:59")).assert_is(signals=[])
        account.until(opens).assert_is(signals=["gone_quiet"])


def test_gone_quiet_ends_within_2_days(shelf: Shelf) -> None:
    """Whoever comes back is quiet no longer."""
    account = life(shelf, "gone-quiet-2-days", arr=ENTERPRISE).event("login", "day 0 11:00")
    account.event("setup_finished", "day 0 12:00").event("core_action", "day 0 12:00")
    account.until("day 2 11:30").assert_is(signals=["gone_quiet"])
    account.event("login", "day 2 12:00").until("day 2 12:00").assert_is(signals=[])


def test_gone_quiet_lasts_while_2_days_are_silent(shelf: Shelf) -> None:
    """With the preset it is quiet for as long as the last login is two days old, and not only three."""
    account = life(shelf, "gone-quiet-2-days", arr=ENTERPRISE).event("login", "day 0 11:00")
    account.event("setup_finished", "day 0 12:00").event("core_action", "day 0 12:00")
    account.until("day 2 23:00").assert_is(signals=["gone_quiet"])


def test_setup_3_days_after_login(shelf: Shelf) -> None:
    """With the preset the set-up is a risk three days after the first login; without it five days after the sign-up."""
    for presets, opens in ((["setup-3-days-after-login"], "day 4 11:00"), ([], "day 5 10:00")):
        account = life(shelf, *presets, arr=ENTERPRISE).usage("login", "1d", "day 1 11:00", "day 6")
        account.event("core_action", "day 1 12:00")
        account.until("day 6").assert_escalated("setup_incomplete_call", at=opens)
    (target,) = shelf.book("b2b-saas", "setup-3-days-after-login").milestones["setup_completed"].targets
    assert (target.within, target.since) == (3 * DAY, "login")


# -- stages ------------------------------------------------------------------------------------------------------------


def ready(shelf: Shelf, *presets: str, scores: tuple[int, ...] = (), **traits: str | float) -> Rehearsal:
    """An account each of whose people answers the survey on day 1, and that is set up and active an hour later."""
    people: dict[str, Json] = {"ann": {}, **{f"p{number}": {} for number in range(len(scores))}}
    said: dict[str, Json] = {"arr": SELF_SERVE, **traits}
    account = Rehearsal(shelf.book("b2b-saas", *presets), anchor=MONDAY, zone="Europe/Berlin", people=people, **said)
    for number, score in enumerate(scores):
        account.event("nps_answered", f"day 1 10:{number:02}", properties={"score": score}, person=f"p{number}")
    return account.event("setup_finished", "day 1 11:00").event("core_action", "day 1 12:00")


def test_by_default_only_a_detractor_holds_back(shelf: Shelf) -> None:
    """By default a 7 does not keep an account in onboarding, and a 6 does; silence does for seven days."""
    ready(shelf, scores=(7,)).until("day 2").assert_stage("growth")
    ready(shelf, scores=(10, 6)).until("day 8").assert_stage("onboarding")
    ready(shelf).until("day 7 09:59").assert_stage("onboarding")
    ready(shelf).until("day 7 10:00").assert_stage("growth")


@pytest.mark.parametrize(
    ("scores", "stage"),
    [
        ((9,), "growth"),
        ((8,), "onboarding"),
        ((9, 8), "growth"),  # 50
        ((9, 9, 9, 9, 9, 9, 6), "growth"),  # 71
        ((9, 9, 8, 8, 8), "onboarding"),  # 40, and not above it
        ((9, 9, 8, 8), "growth"),  # 50
        ((9, 10, 10, 6), "growth"),  # 50
        ((9, 10, 0), "onboarding"),  # 33
    ],
)
def test_the_gate_of_an_nps_above_40_in_figures(scores: tuple[int, ...], stage: str, shelf: Shelf) -> None:
    """With the preset the account's own NPS has to be above 40."""
    ready(shelf, "nps-gate-above-40", scores=scores).until("day 2").assert_stage(stage)


def test_nps_gate_above_40(shelf: Shelf) -> None:
    """With the preset an NPS of 40 holds an account back and one of 40.9 does not; silence does for seven days."""
    ready(shelf, "nps-gate-above-40", scores=(9, 9, 8, 8, 8)).until("day 8").assert_stage("onboarding")
    scores = (*(9,) * 9, *(8,) * 13)  # nine of twenty-two: 40.9, which a gate above 41 would hold back
    ready(shelf, "nps-gate-above-40", scores=scores).until("day 2").assert_stage("growth")
    account = ready(shelf, "nps-gate-above-40")
    account.until("day 7 09:59").assert_stage("onboarding")
    account.until("day 7 10:00").assert_stage("growth")


def test_nps_gate_waits(shelf: Shelf) -> None:
    """With the preset silence blocks for good, and an answer that is no detractor's opens."""
    ready(shelf, "nps-gate-waits").until("day 40").assert_stage("onboarding")
    ready(shelf, "nps-gate-waits", scores=(7,)).until("day 2").assert_stage("growth")
    ready(shelf, "nps-gate-waits", scores=(6,)).until("day 9").assert_stage("onboarding")


def test_stage_windows_7_30_90(shelf: Shelf) -> None:
    """With the preset even an enterprise account stalls on day 7; without it on day 180, and nobody before day 30."""
    book = shelf.book("b2b-saas", "stage-windows-7-30-90")
    spans = {name: stage.window for name, stage in book.stages.items()}
    assert [spans[name] for name in ("onboarding", "growth", "maturity")] == [
        (0 * DAY, 7 * DAY),
        (7 * DAY, 30 * DAY),
        (30 * DAY, 90 * DAY),
    ]
    assert set(windows(shelf, "stage-windows-7-30-90").values()) == {None}
    busy = life(shelf, "stage-windows-7-30-90", arr=ENTERPRISE).usage("login", "1d", "day 0 13:00", "day 8")
    busy.event("setup_finished", "day 0 12:00").event("core_action", "day 0 12:00")
    busy.event("nps_answered", "day 1 12:00", properties={"score": 6})
    busy.until("day 8").assert_escalated("onboarding_stalled", at="day 7 10:00")


def test_by_default_nobody_stalls_on_day_7(shelf: Shelf) -> None:
    """By default the same account has 180 days."""
    account = life(shelf, arr=ENTERPRISE).usage("login", "1d", "day 0 13:00", "day 8")
    account.event("setup_finished", "day 0 12:00").event("core_action", "day 0 12:00")
    account.event("nps_answered", "day 1 12:00", properties={"score": 6})
    account.until("day 8").assert_never("onboarding_stalled")


def grown(shelf: Shelf, *presets: str, term: str) -> Rehearsal:
    """An account that does everything right for a quarter of a year."""
    account = ready(shelf, *presets, scores=(9,), term=term).usage("core_action", "1d", "day 1 13:00", "day 35")
    return account.usage("feature_used", "1d", "day 1 13:00", "day 9", properties={"feature": "feature {n}"})


def test_by_default_an_annual_term_goes_on_on_day_90(shelf: Shelf) -> None:
    """By default an annual account comes into expansion on day 90, renewed or not; a monthly one has to renew."""
    account = grown(shelf, term="annual")
    account.until("day 90 10:59").assert_stage("maturity")
    account.until("day 90 11:00").assert_stage("expansion")
    grown(shelf, term="monthly").until("day 94").assert_stage("maturity")


def test_expansion_by_renewal_only(shelf: Shelf) -> None:
    """With the preset nobody comes into expansion who has not renewed, and nobody before day 90."""
    preset = "expansion-by-renewal-only"
    grown(shelf, preset, term="annual").until("day 94").assert_stage("maturity")
    account = grown(shelf, preset, term="annual").event("renewal_signed", "day 60 12:00")
    account.until("day 90 10:59").assert_stage("maturity")
    account.until("day 90 11:00").assert_stage("expansion")


def test_onboarding_by_steps(shelf: Shelf) -> None:
    """With the preset the steps are all; by default the core feature must have been used as well."""
    for presets, stage in ((["onboarding-by-steps"], "growth"), ([], "onboarding")):
        account = life(shelf, *presets, arr=SELF_SERVE).event("setup_finished", "day 0 11:00")
        account.event("nps_answered", "day 1 12:00", properties={"score": 7}).until("day 2").assert_stage(stage)


def test_onboarding_by_criteria(shelf: Shelf) -> None:
    """With the preset the customer's own criteria are what counts, whatever was set up."""
    preset = "onboarding-by-criteria"
    ready(shelf, preset, scores=(9,)).until("day 9").assert_stage("onboarding")
    account = life(shelf, preset, arr=SELF_SERVE).event("criteria_met", "day 9 12:00")
    account.until("day 9 12:00").assert_stage("growth")
    goal = life(shelf, preset, arr=SELF_SERVE).said("day 1", goal="roll_out", text="All teams use it")
    goal.said("day 9 12:00", goal_met="roll_out", by="mei").until("day 9").assert_stage("growth")


def test_active_is_a_core_action_in_seven_days(shelf: Shelf) -> None:
    """On day 21 whoever used the core feature in the last 7 days is asked for a case study; who did not is not."""
    for at, asked in (("day 14 09:00", True), ("day 14 08:59", False), ("day 13 09:30", False)):
        account = life(shelf, arr=ENTERPRISE).event("setup_finished", "day 0 12:00").event("login", "day 0 12:00")
        account.event("core_action", at).until("day 21 09:00")
        account.assert_decided("day_21_case_study", outcome="done" if asked else "skipped")


# -- how often ---------------------------------------------------------------------------------------------------------


def test_the_cadence_begins_and_ends(shelf: Shelf) -> None:
    """The eight touches begin with the sign-up itself and end on day 30."""
    account = life(shelf, arr=ENTERPRISE, term="annual").until("day 30 11:00")
    account.assert_sent("day_0_welcome", at="day 0 10:00")
    account.assert_decided("day_30_value", at="day 30 09:00")


def test_the_first_day_may_be_day_1(shelf: Shelf) -> None:
    """With the preset the first day is day 1, and each touch leaves on the day that it left on."""
    book = shelf.book("b2b-saas", "days-from-1")
    assert book.first_day == 1
    for presets in ([], ["days-from-1"]):
        sent = lived(shelf.book("b2b-saas", *presets), [event("Signed Up", 0)], 2).when("day_1_core_feature")
        assert sent == [pytest.approx(23 / 24)]


def test_one_mail_every_day(shelf: Shelf) -> None:
    """By default three mails a week are the most; with the preset one a day is, all week."""
    assert [shelf.book("b2b-saas").caps.day, shelf.book("b2b-saas").caps.week] == [1, 3]
    caps = shelf.book("b2b-saas", "one-mail-every-day").caps
    assert [caps.day, caps.week] == [1, 7]
