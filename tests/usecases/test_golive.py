"""Accounts whose past was read in go live by plan: nothing leaves for the past, and no burst leaves at all."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from orchestrator.usecases.golive import Chosen, Order, Plan, Preview, choose, make, preview, take_back
from tests.usecases.company import DAY, HOUR, MONDAY, Company, cohort
from tests.usecases.playbooks import HEAD
from tests.usecases.test_history import EVENTS, bring
from tests.usecases.world import SHIPPED, World, another

PLAYS = """\
  hello:
    day: 0
    email: day_0_welcome
  month:
    day: 30
    email: day_7_feature
    valid_for: 3d
  silent:
    silent: 5d since login
    escalate: {template: activation, severity: high, category: adoption, owner: csm, due: 4h}
"""


@pytest.fixture
def month(world: World) -> World:
    """An installation with a play of the first day, one of day 30, and one for who is silent."""
    world.publish(HEAD.format(mode="live", cap=9) + PLAYS)
    return world


def plan(world: World, which: Chosen | None = None, *, start_in: timedelta = HOUR, every: timedelta = HOUR) -> Plan:
    """A plan for those who are held."""
    return Plan(names=choose(world.ports, which or Chosen()), start=MONDAY + start_in, every=every)


def looked(world: World, made: Plan, days: int = 7, sample: int = 100) -> Preview:
    """What a plan would do."""
    *_, told = preview(world.ports, made, days, sample)
    return told


def begun(world: World, days_ago: dict[str, float]) -> None:
    """Companies that signed up so many days ago, and logged in then."""
    for name, days in days_ago.items():
        company, at = Company(name, f"p-{name}"), MONDAY - days * DAY
        bring(world, [*company.sign_up(at), company.track("Logged In", at)], f"{name}.jsonl")


def test_in_month_eight_nobody_gets_the_first_day(month: World) -> None:
    """Live at last, an old account gets nothing of its past, and a young one what comes due from then on."""
    begun(month, {"old": 240, "young": 29.9})
    assert sum(make(month.ports, plan(month))) == 2
    month.through(MONDAY, MONDAY + 6 * DAY, 6 * HOUR)
    assert month.relay.recipients == ["p-young@young.example"]
    assert month.decisions() == [
        ("old", "hello", "backfill"),
        ("old", "month", "backfill"),
        ("old", "silent", "backfill"),
        ("young", "hello", "backfill"),
        ("young", "month", "due"),
        ("young", "silent", "backfill"),
    ]
    assert "live" in {row["kind"] for row in month.rows("SELECT kind FROM journal WHERE account_id = 'old'")}


def test_silence_after_going_live_is_noticed(month: World) -> None:
    """Whoever was heard of shortly before, and never again, is silent in time."""
    begun(month, {"acme": 2})
    list(make(month.ports, plan(month)))
    month.through(MONDAY, MONDAY + 4 * DAY, 6 * HOUR)
    assert ("acme", "silent", "due") in month.decisions()
    assert month.one("SELECT count(*) FROM escalations") == 1


def test_each_goes_live_at_its_own_instant(month: World) -> None:
    """No two at once where a pace is set: each wakes at its instant, and nobody before."""
    begun(month, dict.fromkeys(("a", "b", "c"), 3.0))
    list(make(month.ports, plan(month)))
    woken = []
    for hours in range(5):
        month.at(MONDAY + hours * HOUR)
        woken.append(month.wake().accounts)
    assert woken == [0, 1, 1, 1, 0]


def test_the_preview_is_what_comes_to_pass(month: World) -> None:
    """Stages, skips, mails and work of a plan are those of the days that follow, when nothing more is heard."""
    begun(month, {"old": 240, "young": 28, "new": 1})
    made = plan(month)
    told = looked(month, made)
    assert (told.looked_at, told.stages, told.beyond, told.undecided) == (3, {"young": 3}, 0, 0)
    assert told.history == {"hello": 3, "month": 1, "silent": 2}
    list(make(month.ports, made))
    month.through(MONDAY, MONDAY + 8 * DAY, 6 * HOUR)
    sent = month.rows("SELECT play, due_at FROM decisions WHERE outcome = 'done' AND play <> 'silent'")
    assert sum(told.messages.values()) == len(sent) == len(month.relay.taken) == 1
    assert [play for _, play in told.messages] == ["month"]
    assert sum(told.work.values()) == month.one("SELECT count(*) FROM escalations") == 1


def test_the_preview_changes_nothing(month: World) -> None:
    """Looking ahead is done in memory: all accounts are held as before."""
    begun(month, {"old": 240, "new": 1})
    before = month.rows("SELECT * FROM accounts ORDER BY id")
    looked(month, plan(month))
    assert month.rows("SELECT * FROM accounts ORDER BY id") == before
    assert month.decisions() == []


def test_whom_no_day_is_counted_for_is_said(world: World) -> None:
    """An account without an event that is the playbook's anchor is named in the preview: names may not fit."""
    bring(world, [Company().track("Signed up, but in other words", MONDAY - DAY)])
    assert looked(world, plan(world)).uncounted == 1


def test_many_are_looked_at_evenly(world: World) -> None:
    """Of more accounts than are asked for, some are taken, from the first to the last."""
    bring(world, [call for each in cohort(50) for call in each.sign_up(MONDAY - 9 * DAY)])
    told = looked(world, plan(world), sample=10)
    assert (told.looked_at, told.history) == (10, {"hello": 10})
    assert looked(world, plan(world, every=DAY), days=3, sample=50).beyond > 40


def test_what_cannot_be_decided_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account whose rules fail stops no plan."""
    begun(world, {"acme": 3})

    def broken(*_: object) -> Iterator[None]:
        raise ZeroDivisionError

    monkeypatch.setattr("orchestrator.usecases.golive._lived", broken)
    assert looked(world, plan(world)).undecided == 1


def test_a_plan_can_be_taken_back_until_it_has_come(world: World) -> None:
    """Who is live stays live; the others are held until further notice, and can be planned again."""
    begun(world, dict.fromkeys(("a", "b", "c"), 3.0))
    made = plan(world)
    assert sum(make(world.ports, made)) == 3
    assert choose(world.ports, Chosen()) == []
    world.at(MONDAY + HOUR)
    world.wake()
    assert choose(world.ports, Chosen(planned=True)) == ["b", "c"]
    assert sum(take_back(world.ports, made.names)) == 2
    world.at(MONDAY + 9 * HOUR)
    assert world.wake().accounts == 0
    assert choose(world.ports, Chosen()) == ["b", "c"]


def test_making_it_again_changes_nothing(world: World) -> None:
    """Killed halfway and made again, each account has one instant."""
    begun(world, dict.fromkeys(("a", "b"), 3.0))
    made = plan(world)
    assert (sum(make(world.ports, made)), sum(make(world.ports, made))) == (2, 0)


def test_only_some_in_some_order(world: World) -> None:
    """By name, by who began when."""
    begun(world, {"a": 9, "b": 99, "c": 1})
    assert choose(world.ports, Chosen(order=Order.NEWEST)) == ["c", "a", "b"]
    assert choose(world.ports, Chosen(order=Order.OLDEST)) == ["b", "a", "c"]
    assert choose(world.ports, Chosen(only=frozenset({"b", "x"}))) == ["b"]
    assert choose(world.ports, Chosen(segment="large")) == []


def test_only_a_segment(world: World) -> None:
    """Where the playbook has segments, those of one go live by themselves."""
    world.publish((SHIPPED / "b2b-saas.yaml").read_text())
    for name, arr in (("big", 150_000), ("small", 1_000)):
        company = Company(name, name)
        bring(
            world, [company.group(MONDAY - 9 * DAY, arr=arr), company.track("Signed Up", MONDAY - 9 * DAY)], f"{name}.j"
        )
    assert choose(world.ports, Chosen(segment="enterprise")) == ["big"]


def test_live_events_before_going_live_do_not_send(world: World) -> None:
    """What the product says of a planned account folds, keeps its instant, and is not acted on before."""
    begun(world, {"acme": 3})
    list(make(world.ports, plan(world, start_in=DAY)))
    world.drain(Company("acme", "new").track("Signed Up"))
    world.live()
    assert world.decisions() == []
    assert world.one("SELECT wake_at FROM wakes WHERE account_id = 'acme'") == MONDAY + DAY


TABLES = ("accounts", "events", "wakes", "event_keys", "identities", "persons", "parked_events", "ledger", "decisions")


def determined(world: World) -> dict[str, tuple[object, ...]]:
    """What the facts of each account determine: the facts, what was reached and when, stage, phases and anchor."""
    named = ("facts", "milestones", "stage", "entered", "anchor")
    return {name: tuple(document[each] for each in named) for name, document in sorted(world.documents().items())}


def test_real_accounts_of_two_years_go_live_as_the_stream_would_have_left_them(world: World) -> None:
    """Facts, milestones, stage and anchor are those of the stream; nothing is done that came due before."""
    world.publish((SHIPPED / "ravenstack.yaml").read_text())
    calls = (EVENTS / "ravenstack_segment_sample.jsonl").read_bytes().splitlines()
    bring(world, calls)
    list(make(world.ports, plan(world, start_in=timedelta(0), every=timedelta(0))))
    assert world.wake().accounts == 10
    assert world.one("SELECT count(*) FROM decisions WHERE reason = 'backfill'") >= 10
    assert world.one("SELECT count(*) FROM decisions WHERE outcome = 'done'") == 0
    assert world.one("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM escalations)") == 0
    gone_live = determined(world)
    for table in TABLES:
        world.run(f"TRUNCATE {table}")
    with another(world, batch=len(calls)) as at_once:  # what is decided between two batches, later events do not undo
        at_once.drain(*calls)
    assert determined(world) == gone_live
