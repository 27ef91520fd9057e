"""The playbook of the RavenStack data set says what its events can support, and no more."""

import json
from datetime import timedelta

from orchestrator.core.playbook import After, EveryWeek, OnDay, Reached, Silent
from tests.playbook.lives import DAY, Life, event, lived, traits
from tests.playbook.small import HOUSE, shipped

BOOK = shipped("ravenstack")
SAMPLE = HOUSE / "tests" / "inputs" / "events" / "ravenstack_segment_sample.jsonl"


def life(*names: tuple[str, float], until: float = 35, plan: str | None = None) -> Life:
    """The life of an account with these product events and this plan."""
    return lived(BOOK, [*(event(name, day) for name, day in names), *([traits(-1, plan=plan)] if plan else [])], until)


def test_what_the_sample_tells_is_known_or_left_out() -> None:
    """Each name and trait of the sample is declared, but for those that the playbook says no rule asks for."""
    calls = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    names = {call["event"] for call in calls if call["type"] == "track"}
    said = {name for call in calls if call["type"] == "group" for name in call["traits"]}
    assert names - set(BOOK.vocabulary.aliases) == {"Subscription Ended"}
    assert said - set(BOOK.vocabulary.traits) == {"industry", "referral", "isTrial"}


def test_the_first_trial_or_subscription_is_day_0() -> None:
    """Life begins with the first trial or subscription, and a later one does not begin it again."""
    assert BOOK.anchor == "subscribed"
    assert life(("Trial Started", 0), ("Subscription Started", 14)).when("day_0_welcome") == [0]


def test_the_touches_it_can_support() -> None:
    """All touches but the set-up reminder, of which no event speaks."""
    days = {name: play.trigger.day for name, play in BOOK.plays.items() if isinstance(play.trigger, OnDay)}
    assert sorted(days.values()) == [0, 1, 5, 7, 14, 21, 21, 30, 30]
    assert not [
        name for name in BOOK.plays if "setup" in name or "login" in name or "invite" in name or "score" in name
    ]


def test_the_signals_it_can_support() -> None:
    """R3, R4 and R6 with the numbers of 1.0.4, and going quiet, counted by the only sign of life."""
    assert BOOK.plays["no_core_action"].trigger == After(delay=timedelta(days=7), since="subscribed")
    assert BOOK.plays["early_ticket_opened"].trigger == Reached(milestone="early_ticket")
    assert BOOK.plays["usage_falling"].trigger == EveryWeek(until_day=30)
    assert BOOK.plays["gone_quiet"].trigger == Silent(period=3 * DAY, since="feature_used", business=True)


def test_enterprise_has_a_human() -> None:
    """An Enterprise account's signals go to its CSM; the others, and who never said, get a mail first."""
    assert "no_core_action" in life(("Trial Started", 0), plan="Enterprise").done
    for plan in ("Pro", None):
        done = life(("Trial Started", 0), plan=plan).done
        assert "no_core_action" not in done
        assert {"no_core_action_mail", "no_core_action_human"} <= set(done)


def test_an_old_ticket_is_no_early_one() -> None:
    """Many tickets come before the first subscription: they are no signal of it."""
    assert "early_ticket_mail" not in life(("Support Ticket Opened", -90), ("Trial Started", 0)).done
    assert "early_ticket_mail" in life(("Support Ticket Opened", 0.5), ("Trial Started", 0)).done


def test_accounts_churn_and_come_back_more_than_once() -> None:
    """Each churn leads out, each new subscription leads back in."""
    names = (("Trial Started", 0), ("Feature Used", 1), ("Account Churned", 20), ("Subscription Started", 30))
    found = life(*names, ("Account Churned", 40), ("Trial Started", 50), until=60).stages
    assert found == [
        ("growth", 7),
        ("churned", 20),
        ("onboarding", 30),
        ("growth", 30),
        ("churned", 40),
        ("onboarding", 50),
        ("growth", 50),
    ]


def test_a_subscription_that_ends_is_no_churn() -> None:
    """An account may have several subscriptions; one that ends leaves it where it is."""
    assert life(("Trial Started", 0), ("Feature Used", 1), ("Subscription Ended", 9), until=20).stages == [
        ("growth", 7)
    ]


def test_everyone_gets_the_value_summary() -> None:
    """No event tells the term as a trait, so Day 30 assumes nothing."""
    done = life(("Trial Started", 0)).done
    assert "day_30_value" in done
    assert "day_30_renewal" not in done


def test_a_whole_year_of_use_goes_the_whole_way() -> None:
    """A steady account that uses over 60 % of the forty features is mature at 30 days and expands at 90."""
    events = [event("Subscription Started", 0)]
    events += [event("Feature Used", day + 0.5, feature=f"feature_{day % 40}", count=3) for day in range(120)]
    found = lived(BOOK, events, 120)
    assert found.stages == [("growth", 7), ("maturity", 30), ("expansion", 90)]
    assert found.messages[-1].context["figures"] == {"core_actions": 90, "features": 30, "active_people": 1}
