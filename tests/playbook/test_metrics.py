"""Metrics as they are written: what each becomes, and what is refused."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

from datetime import timedelta

import pytest

from orchestrator.core.conditions import ALWAYS
from orchestrator.core.metrics import (
    Alert,
    Bound,
    Judged,
    Lamp,
    Mean,
    Median,
    NetPromoters,
    Ratio,
    Share,
    Side,
    Unit,
)
from orchestrator.core.playbook import Playbook
from orchestrator.playbook.lint import lint
from orchestrator.playbook.source import PlaybookSource
from tests.playbook.small import BESIDE_MAIL, SMALL, TEMPLATES, compiled, told

WRITTEN = """\
checkpoints:
  came_back: {label: Two logins, step: The first week, after: 7d since signed_up, met: login.count >= 2, target: {above: 0.5}}
  pleased: {step: The first month, day: 30, met: nps.latest > 8, target: {at_least: 0.8}}
  unpromised: {step: The first month, day: 30, met: login}
metrics:
  back:
    label: Back within a week
    group: young
    population: accounts whose seventh day has passed
    checkpoint: came_back
    among: touch == 'high'
    over: 90d
    least: 5
    alert: {below: 0.3, severity: high, colour: orange, action: Call the director, owner: cs_director}
    benchmark: activation
  hours_each: {population: everybody, average: hours, target: {at_least: 2}}
  middle: {population: everybody, median: hours * 2, target: {below: 9}, alert: {at_least: 9, severity: low, action: Look, owner: csm}}
  warm_ones: {population: everybody, share: warm, target: {above: 0.2}}
  promoters: {population: who answered, nps: {score: nps, promoters: 9, detractors: 6}, target: {above: 40}}
  per_login: {population: everybody, ratio: {of: hours, to: login.count}, unit: percent, target: {at_most: 1}}
"""
METRICS = SMALL + WRITTEN


def changed(*changes: tuple[str, str]) -> str:
    """The playbook with metrics, with some of its text replaced."""
    text = METRICS
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.fixture(scope="module")
def book() -> Playbook:
    """The playbook with metrics."""
    return compiled(METRICS)


def test_a_metric_says_what_it_counts_and_what_is_promised(book: Playbook) -> None:
    """All that its author may say of one is there, its target taken from its checkpoint."""
    metric = book.metrics["back"]
    assert (metric.label, metric.group, metric.population) == (
        "Back within a week",
        "young",
        "accounts whose seventh day has passed",
    )
    assert (metric.measured, metric.among.text) == (Judged(checkpoint="came_back"), "touch == 'high'")
    assert (metric.over, metric.least, metric.benchmark) == (timedelta(days=90), 5, "activation")
    assert (metric.target, metric.unit) == (Bound(side=Side.ABOVE, limit=0.5), Unit.PERCENT)
    bound = Bound(side=Side.BELOW, limit=0.3)
    assert metric.alert == Alert(
        bound=bound, severity="high", action="Call the director", owner="cs_director", lamp=Lamp.ORANGE
    )


def test_each_kind_of_figure_is_one_of_six(book: Playbook) -> None:
    """A share, a mean, a median, net promoters, a ratio; each with its unit."""
    kinds = {name: (type(each.measured), each.unit) for name, each in book.metrics.items()}
    assert kinds == {
        "back": (Judged, Unit.PERCENT),
        "hours_each": (Mean, Unit.NUMBER),
        "middle": (Median, Unit.NUMBER),
        "warm_ones": (Share, Unit.PERCENT),
        "promoters": (NetPromoters, Unit.POINTS),
        "per_login": (Ratio, Unit.PERCENT),
        "pleased": (Judged, Unit.PERCENT),
    }
    assert book.metrics["hours_each"].label == "hours each"
    assert (book.metrics["hours_each"].group, book.metrics["hours_each"].among) == ("other", ALWAYS)


def test_a_name_alone_may_move_or_have_no_end() -> None:
    """A metric reads it at one instant, so `days_ago` and `first_day` have a mean and a median there."""
    book = compiled(
        changed(("average: hours,", "average: login.days_ago,"), ("median: hours * 2", "median: login.first_day"))
    )
    measured = [book.metrics[name].measured for name in ("hours_each", "middle")]
    assert [each.of.text for each in measured if isinstance(each, Mean | Median)] == [
        "login.days_ago",
        "login.first_day",
    ]


def test_a_checkpoint_with_a_target_is_a_metric(book: Playbook) -> None:
    """Unless another metric names it; one without a target is none."""
    metric = book.metrics["pleased"]
    assert (metric.label, metric.group, metric.measured) == ("pleased", "The first month", Judged(checkpoint="pleased"))
    assert metric.target == Bound(side=Side.AT_LEAST, limit=0.8)
    assert not {"came_back", "unpromised"} & book.metrics.keys()


def test_what_only_a_metric_reads_wakes_nobody() -> None:
    """An event that no rule reads stays unread, and is no unused name either."""
    text = METRICS.replace("    scored: [Scored]\n", "    scored: [Scored]\n    seen: [Seen]\n").replace(
        "average: hours,", "average: seen.count,"
    )
    assert "seen" not in compiled(text).reads
    source = PlaybookSource(file="p.yaml", text=text, templates=TEMPLATES | BESIDE_MAIL)
    named = [each.message for each in lint(compiled(text), source) if each.rule == "unused-name"]
    assert not [each for each in named if "`seen`" in each or "`nps`" in each]


def test_a_score_that_only_a_metric_counts_is_used() -> None:
    """Net promoters of a score are a use of it."""
    text = changed(("met: nps.latest > 8", "met: login.count > 8"))
    source = PlaybookSource(file="p.yaml", text=text, templates=TEMPLATES | BESIDE_MAIL)
    assert not [each for each in lint(compiled(text), source) if "`nps`" in each.message]


REFUSED = (
    (
        ("checkpoint: came_back", "checkpoint: came_bak"),
        "metrics.back.checkpoint: unknown checkpoint `came_bak` (did you mean `came_back`?)",
    ),
    (
        ("    checkpoint: came_back\n", ""),
        "metrics.back: a metric has one of checkpoint, share, average, median, nps, ratio",
    ),
    (
        ("average: hours,", "average: hours, median: hours,"),
        "metrics.hours_each: a metric has one of checkpoint, share, average, median, nps, ratio",
    ),
    (("average: hours,", "average: our,"), "metrics.hours_each.average: unknown name `our`"),
    (("average: hours,", "average: login.days_ago + 1,"), "metrics.hours_each.average: "),
    (
        ("average: hours,", "average: warm,"),
        "metrics.hours_each.average: expected a number, got the milestone `warm` (true or false)",
    ),
    (("share: warm", "share: hours"), "metrics.warm_ones.share: "),
    (
        ("average: hours, target: {at_least: 2}", "average: hours"),
        "metrics.hours_each: a metric needs a `target`, its own or its checkpoint's",
    ),
    (
        ("average: hours, target: {at_least: 2}", "average: hours, target: {}"),
        "metrics.hours_each.target: expected one of above, at_least, below, at_most, with its limit",
    ),
    (
        ("checkpoint: came_back", "checkpoint: unpromised"),
        "metrics.back: a metric needs a `target`, its own or its checkpoint's",
    ),
    (("score: nps", "score: nsp"), "metrics.promoters.nps.score: unknown score `nsp` (did you mean `nps`?)"),
    (
        ("detractors: 6", "detractors: 9"),
        "metrics.promoters.nps.detractors: detractors must end below where promoters begin",
    ),
    (
        ("average: hours,", "average: hours, over: 30d,"),
        "metrics.hours_each.over: `over` is for a `checkpoint` or an `nps`: they know when it was said",
    ),
    (("{below: 0.3,", "{below: 0.6,"), "metrics.back.alert: an alert lies beyond what the target (> 0.5) still misses"),
    (("{below: 0.3,", "{above: 0.3,"), "metrics.back.alert: an alert lies beyond what the target (> 0.5) still misses"),
    (
        ("{at_least: 9,", "{at_least: 8,"),
        "metrics.middle.alert: an alert lies beyond what the target (< 9) still misses",
    ),
    (("{below: 0.3,", "{"), "metrics.back.alert: expected one of above, at_least, below, at_most, with its limit"),
    (("  warm_ones:", "  pleased:"), "metrics.pleased: `pleased` is a checkpoint: a name is one thing only"),
    (("  warm_ones:", "  day:"), "metrics.day: `day` is a name that every condition has already"),
    (("group: young", "group: 7"), "metrics.back.group: expected text, got 7"),
)  # what is written wrongly, and what is said of it


def test_days_until_something_happened_may_be_averaged() -> None:
    """Alone, a name that is infinite until it happened is a figure: of accounts to which it never did it is unknown."""
    for kind, of in (("median: hours * 2", "median: login.first_day"), ("average: hours", "average: started.days")):
        metrics = compiled(changed((kind, of))).metrics
        found = metrics["middle" if kind.startswith("median") else "hours_each"].measured
        assert isinstance(found, Mean | Median)
        assert found.of.text == of.partition(" ")[2]


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_what_is_no_metric_is_refused(change: tuple[str, str], said: str) -> None:
    """Each mistake is told with its place."""
    assert any(said in each for each in told(changed(change))), told(changed(change))
