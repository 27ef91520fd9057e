"""Segments in a playbook: what they become, what they may not say, and what an account in each of them gets."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.core.playbook import TouchModel
from tests.playbook.lives import event, lived, traits
from tests.playbook.small import bent, compiled, told

DAY = timedelta(days=1)
TRAIT = "    touch: {one_of: [high, tech], default: tech}\n"
TRAITS = "    arr: number\n    industry: {one_of: [bank, shop, farm]}\n    strategic: {type: bool, default: false}\n"
TABLE = """\
segments:
  default: self_serve
  table:
    strategic: {where: {strategic: true}, touch: high, owner: specialist, windows: {young: [0d, 180d]}}
    enterprise: {label: Enterprise, where: {arr: [100000, null]}, touch: high, owner: specialist, windows: {young: [0d, 90d], old: [90d, null]}}
    shops: {where: {arr: [null, 100000], industry: [shop, farm]}, touch: medium, owner: pooled}
    bank: {where: {industry: bank, arr: [5000, 100000]}, touch: low, owner: pooled}
    odd: {where: {arr: 77}, touch: low, owner: pooled}
    self_serve: {touch: tech, owner: support}
stages:
"""
WORK = "    escalate: {template: no_login, severity: low, category: scope, owner: segment, due: 4h}\n"
MAIL = "    email: day_0_welcome\n"


def segmented(*changes: tuple[str, str]) -> str:
    """The small playbook with segments, and other changes."""
    return bent((TRAIT, TRAITS), ("stages:\n", TABLE), *changes)


def test_the_table() -> None:
    """Name, label, touch model, owner and windows of each segment, and the default."""
    found = compiled(segmented()).segmentation
    assert found is not None
    assert list(found.table) == ["strategic", "enterprise", "shops", "bank", "odd", "self_serve"]
    enterprise = found.table["enterprise"]
    assert (enterprise.label, enterprise.touch, enterprise.owner) == ("Enterprise", TouchModel.HIGH, "specialist")
    assert enterprise.windows == {"young": (0 * DAY, 90 * DAY), "old": (90 * DAY, None)}
    assert (found.table["self_serve"].label, found.default) == ("self serve", "self_serve")
    assert [(condition.text, name) for condition, name in found.by.rows] == [
        ("strategic == True", "strategic"),
        ("arr >= 100000", "enterprise"),
        ("arr < 100000 and industry in ['shop', 'farm']", "shops"),
        ("industry == 'bank' and arr >= 5000 and arr < 100000", "bank"),
        ("arr == 77", "odd"),
    ]


def test_a_playbook_without_segments_has_none() -> None:
    """The names `segment` and `touch` are then free: `touch` is a trait like any other."""
    book = compiled()
    assert book.segmentation is None
    assert book.vocabulary.traits["touch"].default == "tech"


def test_conditions_ask_for_segment_and_touch() -> None:
    """Both are derived names of a closed list; a word that is none of it is refused with the nearest."""
    text = segmented(("    day: 1\n", "    day: 1\n    when: segment != 'bank' and touch in ['high', 'medium']\n"))
    assert compiled(text).plays["hello"].when.text == "segment != 'bank' and touch in ['high', 'medium']"
    wrong = segmented(("    day: 1\n", "    day: 1\n    when: segment == 'banks' or touch == 'hihg' or segment > 2\n"))
    assert told(wrong) == [
        "p.yaml:45:22 plays.hello.when: `segment` is never 'banks', only strategic, enterprise, shops, bank, odd, self_serve (did you mean `bank`?)",
        "p.yaml:45:42 plays.hello.when: `touch` is never 'hihg', only high, medium, low, tech (did you mean `high`?)",
        "p.yaml:45:52 plays.hello.when: expected a number, got a text `segment`",
    ]


def test_a_milestone_may_ask_for_the_segment() -> None:
    """Derived names stand in every condition."""
    book = compiled(segmented(("when: login\n", "when: login or touch == 'high'\n")))
    assert book.milestones["started"].when.text == "login or touch == 'high'"


def test_a_derived_name_has_no_attributes() -> None:
    """It is one word."""
    text = segmented(("    day: 1\n", "    day: 1\n    when: segment.days > 2\n"))
    assert told(text) == ["p.yaml:45:11 plays.hello.when: `segment` has no `.days`"]


def test_the_default_may_have_rows_of_its_own() -> None:
    """A segment in the middle may also be the one that takes the rest."""
    found = compiled(
        segmented(
            ("default: self_serve", "default: bank\n  unknown: odd"),
            ("    self_serve: {touch: tech, owner: support}\n", ""),
        )
    ).segmentation
    assert found is not None
    assert (found.by.default, found.by.unknown, len(found.by.rows)) == ("bank", "odd", 5)


WRONG = [
    (("default: self_serve", "default: self_srve"), "23:12 segments.default: unknown segment `self_srve` (did you mean `self_serve`?)"),
    (("default: self_serve", "default: self_serve\n  unknown: bnak"), "24:12 segments.unknown: unknown segment `bnak` (did you mean `bank`?)"),
    (("where: {arr: 77}, ", ""), "29:5 segments.table.odd: whom does `odd` hold? Only the default may leave out `where`"),
    (("where: {arr: 77}", "where: {ar: 77}"), "29:19 segments.table.odd.where.ar: unknown trait `ar` (did you mean `arr`?)"),
    (("where: {arr: 77}", "where: {arr: many}"), "29:24 segments.table.odd.where.arr: expected a number or a range such as [5000, 25000], from the first to before the second, got 'many'"),
    (("where: {arr: 77}", "where: {arr: true}"), "29:24 segments.table.odd.where.arr: expected a number or a range such as [5000, 25000], from the first to before the second, got True"),
    (("where: {arr: 77}", "where: {arr: [1, 2, 3]}"), "29:24 segments.table.odd.where.arr: expected a number or a range such as [5000, 25000], from the first to before the second, null for no end, got [1, 2, 3]"),
    (("where: {arr: 77}", "where: {arr: [1, x]}"), "29:24 segments.table.odd.where.arr: expected a number or a range such as [5000, 25000], from the first to before the second, null for no end, got [1, 'x']"),
    (("where: {arr: 77}", "where: {arr: [null, null]}"), "29:24 segments.table.odd.where.arr: a range without both ends holds every number: leave it out"),
    (("where: {arr: 77}", "where: {arr: [5, 5]}"), "29:24 segments.table.odd.where.arr: the range must end after it begins"),
    (("where: {arr: 77}", "where: {industry: banc}"), "29:29 segments.table.odd.where.industry: the trait is never 'banc', only bank, shop, farm (did you mean `bank`?)"),
    (("where: {arr: 77}", "where: {industry: [bank, 7]}"), "29:29 segments.table.odd.where.industry: expected a text or a list of texts, got ['bank', 7]"),
    (("where: {arr: 77}", "where: {industry: []}"), "29:29 segments.table.odd.where.industry: expected a text or a list of texts, got []"),
    (("where: {arr: 77}", "where: {strategic: high}"), "29:30 segments.table.odd.where.strategic: expected true or false, got 'high'"),
    (("where: {arr: 77}", "where: {renewal_at: 2026-01-01}"), "29:31 segments.table.odd.where.renewal_at: expected a trait that is no instant: a segment does not change with the clock, got '2026-01-01'"),
    (("[0d, 180d]", "[9d, 9d]"), "25:92 segments.table.strategic.windows.young: the window must end after it begins"),
    (("{young: [0d, 180d]}", "{yuong: [0d, 180d]}"), "25:85 segments.table.strategic.windows.yuong: unknown stage `yuong` (did you mean `young`?)"),
    (("touch: medium", "touch: mid"), "27:74 segments.table.shops.touch: expected high, medium, low or tech, got 'mid'"),
    (("    odd: {where", "    is: {where"), "29:5 segments.table.is: `is` cannot be a name: use letters, digits and _, no word of the language"),
    ((TRAITS, TRAITS + TRAIT), "12:5 vocabulary.traits.touch: `touch` is given by the segments already: a name is one thing only"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_what_segments_may_not_say(change: tuple[str, str], message: str) -> None:
    """Each refusal names its place and, where there is one, the nearest word."""
    assert told(segmented(change)) == [f"p.yaml:{message}"]


def test_a_broken_segment_is_told_once() -> None:
    """What names a segment whose declaration is wrong is not refused for it too."""
    text = segmented(("self_serve: {touch: tech, owner: support}", "self_serve: {touch: teck, owner: support}"))
    assert told(text) == [
        "p.yaml:30:25 segments.table.self_serve.touch: expected high, medium, low or tech, got 'teck' (did you mean `tech`?)"
    ]
    trait = segmented(("    arr: number\n", "    arr: nmber\n"))
    assert told(trait) == [
        "p.yaml:9:5 vocabulary.traits.arr: expected bool, number, text or instant, got 'nmber' (did you mean `number`?)"
    ]
    stage = segmented(("old: {goal: stay}", "old: {gaol: stay}"))
    assert len(told(stage)) == 2  # the key and that the goal is missing


def test_the_owner_of_the_segment_must_be_named() -> None:
    """`owner: segment` asks every segment for one, and asks for segments."""
    assert told(segmented((MAIL, WORK))) == []
    assert told(segmented((MAIL, WORK), ("touch: low, owner: pooled}\n    odd", "touch: low}\n    odd"))) == [
        "p.yaml:46:75 plays.hello.escalate.owner: `segment` asks for the owner of the segment, and `bank` names none"
    ]
    assert told(bent((MAIL, WORK))) == [
        "p.yaml:35:75 plays.hello.escalate.owner: `segment` is the owner of the account's segment, and this playbook has no segments"
    ]


@pytest.mark.parametrize(
    ("said", "owner"),
    [
        ({"strategic": True, "arr": 10}, "specialist"),
        ({"arr": 100_000}, "specialist"),
        ({"arr": 99_999.99, "industry": "farm"}, "pooled"),
        ({"arr": 4_999, "industry": "bank"}, "support"),
        ({}, "support"),
    ],
)
def test_the_work_goes_to_the_owner_of_the_segment(said: dict[str, Any], owner: str) -> None:
    """From the YAML to the escalation: who fits no row, or is not known yet, is the default's."""
    life = lived(compiled(segmented((MAIL, WORK))), [event("Signed Up", 0), traits(**said)], 5)
    assert [each.action.owner for each in life.escalations] == [owner]
