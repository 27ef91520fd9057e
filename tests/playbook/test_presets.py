"""The presets that are shipped: each compiles on top of b2b-saas, and changes what it says and nothing else."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.facts import Facts, fold
from orchestrator.core.playbook import OnDay, Playbook
from orchestrator.core.segments import segment_of
from orchestrator.core.timing import told
from orchestrator.playbook import PlaybookSource, compile_playbook, read_source
from tests.playbook.lives import DAY, event, lived, traits
from tests.playbook.small import SHIPPED, TEMPLATES, shipped

PRESETS = sorted((SHIPPED / "presets").glob("*.yaml"))
LAYERS = sorted((SHIPPED / "layers").glob("*.yaml"))
SHELF = {path.relative_to(SHIPPED.parent).as_posix(): path.read_text(encoding="utf-8") for path in (*PRESETS, *LAYERS)}
COPY = {path.relative_to(SHIPPED.parent).as_posix(): "" for path in SHIPPED.parent.glob("*/**/*.md")}
BOOK = shipped("b2b-saas")
NAMING = {"arr-4-tier", "health-numeric"}  # they say what b2b-saas does already


def bases(name: str) -> str:
    """What a preset goes over, and itself, as its header says: ``b2b-saas, layers/journey, path-13-weeks``."""
    (shown,) = re.findall(r"^#   extends: \[(.*)\]$", SHELF[f"playbooks/presets/{name}.yaml"], flags=re.MULTILINE)
    return str(shown)


def with_preset(name: str, *more: str) -> Playbook:
    """The shipped playbook with a preset over it, and over that, others."""
    base = read_source(SHIPPED / "b2b-saas.yaml", TEMPLATES)
    shelf = {**base.templates, **COPY, **SHELF, "playbooks/b2b-saas.yaml": base.text}
    text = f"playbook: b2b-saas\nextends: [{', '.join((bases(name), *more))}]\n"
    return compile_playbook(PlaybookSource(file="ours.yaml", text=text, templates=shelf))


def same_but(found: Playbook, **kept: object) -> bool:
    """Whether it is the shipped playbook in all but these fields."""
    return replace(found, version=BOOK.version, **kept) == BOOK  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_each_preset_is_short_and_says_why(path: Path) -> None:
    """A preset is some lines over b2b-saas, begins with its reason, and shows how it is used."""
    text = SHELF[f"playbooks/presets/{path.name}"]
    assert text.startswith("# ")
    assert bases(path.stem).startswith("b2b-saas, ")
    assert bases(path.stem).endswith(f", {path.stem}")
    assert len(text.splitlines()) <= (50 if path.stem.startswith("industry-") else 25)
    assert path.stem in {"arr-4-tier", "health-numeric"} or not same_but(
        with_preset(path.stem)
    )  # these name the default


GOOD = [event("Signed Up", 0), event("Setup Completed", 0.1), event("Core Action", 0.2), event("Logged In", 0.2)]


def test_churn_below_40_takes_three_weeks() -> None:
    """Health below 40 for a week opens the signal, two weeks later it is churn; by default it never is."""
    book = with_preset("churn-below-40")
    assert same_but(book, transitions=BOOK.transitions)
    fell = 14.2  # login and core action are red after 14 days without
    stages = lived(book, GOOD, 50).stages
    assert stages == [("growth", 7), ("churned", pytest.approx(fell + 21, abs=0.01))]
    assert lived(BOOK, GOOD, 50).stages == [("growth", 7)]


def test_churn_below_40_is_taken_back() -> None:
    """Whose health is 50 again comes back; who cancelled does not, however much they use it."""
    book = with_preset("churn-below-40")
    back = [event(name, 40) for name in ("Core Action", "Logged In")]
    assert lived(book, [*GOOD, *back], 41).stages[1:] == [
        ("churned", pytest.approx(35.2, abs=0.01)),
        ("onboarding", 40),
        ("growth", 40),
    ]
    gone = [event("Subscription Started", 0), event("Subscription Cancelled", 38)]
    assert lived(book, [*GOOD, *gone, *back], 41).stages[-1][0] == "churned"
    assert lived(book, [*GOOD, gone[0], event("Subscription Cancelled", 12), *back], 41).stages[-1] == ("churned", 12)


@pytest.mark.parametrize(
    ("acv", "segment", "touch"),
    [
        (50_000, "enterprise", "high"),
        (49_999, "mid_market", "medium"),
        (10_000, "mid_market", "medium"),
        (9_999, "smb", "tech"),
        (500, "smb", "tech"),
        (None, "smb", "tech"),
    ],
)
def test_acv_3_tier_has_three_segments(acv: float | None, segment: str, touch: str) -> None:
    """Rules 1.2: 50K and more, 10 to 50K, and below, half-open; who pays less than 1K is in the lowest tier."""
    book = with_preset("acv-3-tier")
    said = [traits(0, acv=acv)] if acv is not None else []
    found = segment_of(fold(Facts(), said, book.vocabulary), book)
    assert found is not None
    assert (found.name, found.touch) == (segment, touch)


def test_acv_3_tier_changes_who_is_called() -> None:
    """An account of 60K ACV has a human, whatever its ARR; its onboarding may take 120 days."""
    book = with_preset("acv-3-tier")
    assert (book.milestones, book.health, list(book.plays)) == (BOOK.milestones, BOOK.health, list(BOOK.plays))
    life = [event("Signed Up", 0), traits(0, acv=60_000)]
    assert "no_login_call" in lived(book, life, 5).done
    assert "no_login_call" not in lived(BOOK, life, 5).done
    assert book.segmentation is not None
    assert book.segmentation.table["enterprise"].windows["onboarding"] == (0 * DAY, 120 * DAY)


def test_drafts_for_high_touch_wait_for_a_person() -> None:
    """Mail to a high-touch account is a draft, to everybody else it is not."""
    book = with_preset("drafts-for-high-touch")
    assert same_but(book, draft=BOOK.draft)
    for arr, draft in ((100_000, True), (25_000, False)):
        welcome, second = lived(book, [event("Signed Up", 0), traits(0, arr=arr)], 1).messages
        assert (welcome.draft, second.draft) == (False, draft)


@pytest.mark.parametrize(
    ("preset", "touches"),
    [
        ("touch-tech", {"enterprise": "high", "mid_market": "tech", "smb": "tech", "self_serve": "tech"}),
        ("touch-high", {"enterprise": "high", "mid_market": "high", "smb": "medium", "self_serve": "tech"}),
    ],
)
def test_a_touch_model_says_who_has_a_human(preset: str, touches: dict[str, str]) -> None:
    """Under touch-tech only enterprise accounts have a CSM; under touch-high all but self-serve ones have."""
    book = with_preset(preset)
    assert (book.milestones, list(book.plays)) == (BOOK.milestones, list(BOOK.plays))
    assert book.segmentation is not None
    assert {name: segment.touch for name, segment in book.segmentation.table.items()} == touches
    done = lived(book, [event("Signed Up", 0), traits(0, arr=30_000)], 5).done
    assert ("no_login_call" in done) is (touches["mid_market"] == "high")
    assert ("no_login_mail" in done) is (touches["mid_market"] == "tech")


def test_an_industry_has_its_own_pace_and_words() -> None:
    """E-commerce is asked about its first result on day 3, healthcare has ten days for its integrations."""
    quick, slow = with_preset("industry-e-commerce"), with_preset("industry-healthcare")
    life = [event("Signed Up", 0), event("Logged In", 0), traits(0, arr=150_000)]
    assert "no_core_action_call" in lived(quick, life, 4).done
    assert "no_core_action_call" not in lived(BOOK, life, 4).done
    assert "setup_incomplete_call" in lived(BOOK, life, 6).done
    assert "setup_incomplete_call" not in lived(slow, life, 6).done
    assert "setup_incomplete_call" in lived(slow, life, 11).done
    assert quick.core_feature == ("the ready-made templates", "/templates")
    assert slow.checklist == ("connector_picked", "integration_connected", "data_imported", "team_invited")


def test_each_industry_has_its_own_order_of_steps_and_its_own_feature() -> None:
    """No two industries are led to the same feature, and none has the set-up and the rules of the shipped playbook."""
    books = [with_preset(path.stem) for path in PRESETS if path.stem.startswith("industry-")]
    assert len({book.core_feature for book in [BOOK, *books]}) == len(books) + 1
    for book in books:
        steps = [(name, book.milestones[name].label) for name in book.checklist]
        assert steps != [(name, BOOK.milestones[name].label) for name in BOOK.checklist]
        assert book.plays != BOOK.plays


# -- anchors and days --------------------------------------------------------------------------------------------------


def test_days_from_1_change_nothing_but_the_numbers() -> None:
    """Every play comes due when it did, and is called by the next number."""
    book = with_preset("days-from-1")
    assert same_but(book, first_day=0)
    assert book.plays["day_0_welcome"].trigger == OnDay(day=0)
    assert told(book.plays["day_30_value"].trigger, book.first_day).startswith("day 31, ")


@pytest.mark.parametrize(
    ("preset", "event_name"), [("anchor-contract", "Contract Signed"), ("anchor-kickoff", "Kickoff Completed")]
)
def test_an_anchor_starts_the_days(preset: str, event_name: str) -> None:
    """The days count from the contract or the kickoff, the signals from the sign-up."""
    life = lived(with_preset(preset), [event("Signed Up", 0), event(event_name, 3)], 7)
    assert life.when("day_0_welcome") == [3.0]
    assert life.when("day_1_core_feature") == [pytest.approx(3 + 23 / 24)]
    assert life.when("no_login_mail") == [2.0]


def test_the_kickoff_may_be_day_1() -> None:
    """As one source counts: the two presets together."""
    book = with_preset("anchor-kickoff", "days-from-1")
    assert lived(book, [event("Signed Up", 0), event("Kickoff Completed", 3)], 4).when("day_0_welcome") == [3.0]
    assert told(book.plays["day_0_welcome"].trigger, book.first_day).startswith("day 1, ")
