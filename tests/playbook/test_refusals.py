"""What a playbook may not say, and the exact words of each refusal."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

from pathlib import Path

import pytest
from pydantic_core import ErrorDetails

from orchestrator.core.errors import LifecycleError
from orchestrator.playbook import PlaybookError, Problem, load, schema
from orchestrator.playbook.plays import TRIGGERS
from tests.playbook.small import SMALL, TEMPLATES, bent, compiled, told

DAY = "    day: 1\n"
MAIL = "    email: day_0_welcome\n"
TOUCH = "touch: {one_of: [high, tech], default: tech}"
ANCHOR = "anchor: signed_up"
AGAIN = "expected `never`, days such as `30d`, or `once a week` (day, month, quarter, year)"
CADENCES = "expected `week on monday`, `month`, `month on 15`, `quarter` (each with `until day 90` if you like) or `week until day 30`"
WORK = "{template: no_login, severity: low, category: scope, owner: csm, due: 4h}"
ROW = "{from: young, to: old, when: warm}"

# fmt: off
ONE_PROBLEM = [
    # shape
    (("anchor: signed_up\n", ""), "p.yaml:1:1: missing key `anchor`"),
    (("{goal: grow, window", "{window"), "p.yaml:23:5 stages.table.young: missing key `goal`"),
    ((MAIL, MAIL + "    vaild_for: 2d\n"), "36:5 plays.hello.vaild_for: unknown key `vaild_for` (did you mean `valid_for`?)"),
    (("goal: stay", "gaol: no, goal: stay"), "24:11 stages.table.old.gaol: unknown key `gaol` (did you mean `goal`?)"),
    (("to: old, when", "too: 1, to: old, when"), "26:21 stages.transitions[0].too: unknown key `too` (did you mean `to`?)"),
    (("to: old, ", ""), "26:7 stages.transitions[0]: missing key `to`"),
    (("sum: hours, of", "summ: 1, sum: hours, of"), "13:13 vocabulary.measures.hours.summ: unknown key `summ` (did you mean `sum`?)"),
    ((TOUCH, "touch: {typ: text}"), "9:13 vocabulary.traits.touch.typ: unknown key `typ` (did you mean `type`?)"),
    ((DAY, "    day: one\n"), "33:10 plays.hello.day: expected a whole number, got 'one'"),
    ((DAY, "    day: true\n"), "33:10 plays.hello.day: expected a whole number, got True"),
    ((DAY, "    day: 1.5\n"), "33:10 plays.hello.day: expected a whole number, got 1.5"),
    ((DAY, "    day: -1\n"), "33:10 plays.hello.day: expected a number of at least 0, got -1"),
    ((DAY, "    day: 9999\n"), "33:10 plays.hello.day: expected a number of at most 3660, got 9999"),
    ((DAY, DAY + "    transactional: yes\n"), "34:20 plays.hello.transactional: expected true or false, got 'yes'"),
    (("[Signed Up]", "Signed Up"), "5:16 vocabulary.events.signed_up: expected a list, got 'Signed Up'"),
    (("[Logged In]", "[5]"), "6:13 vocabulary.events.login[0]: expected text, got 5"),
    (("[Logged In]", '[""]'), "6:13 vocabulary.events.login[0]: expected some text, got nothing"),
    (("[Logged In]", f"[{'x' * 501}]"), "6:13 vocabulary.events.login[0]: expected a text of at most 500 characters, got 501"),
    (("{per_day: 1, per_week: 3}", "3"), "30:7 caps: expected keys with values, got 3"),
    (("per_day: 1", "per_day: 0"), "30:17 caps.per_day: expected a number of at least 1, got 0"),
    (("days: [mon, fri]", "days: []"), "28:16 windows.send.days: expected at least 1 item, got a list of 0"),
    (("[0d, 7d]", "[0d, 7d, 9d]"), "23:33 stages.table.young.window: expected at most 2 items, got a list of 3"),
    (("[mon, fri]", "[mno, fri]"), "28:17 windows.send.days[0]: expected mon, tue, wed, thu, fri, sat or sun, got 'mno' (did you mean `mon`?)"),
    ((ANCHOR, ANCHOR + "\nmode: shadwo"), "3:7 mode: expected live, shadow or redirect, got 'shadwo' (did you mean `shadow`?)"),
    (("playbook: small", "playbook: Small One"), "1:11 playbook: expected a name of small letters, digits and -, got 'Small One'"),
    ((ANCHOR, ANCHOR + "\ncore_feature: {label: x, path: y}"), "3:32 core_feature.path: expected a path that begins with /, got 'y'"),
    ((ANCHOR, ANCHOR + "\ncore_feature: {lable: x, label: y, path: /}"), "3:16 core_feature.lable: unknown key `lable` (did you mean `label`?)"),
    ((MAIL, "    escalate: {ownr: x, template: no_login, severity: low, category: scope, owner: csm, due: 4h}\n"), "35:16 plays.hello.escalate.ownr: unknown key `ownr` (did you mean `owner`?)"),
    ((TOUCH, f"{TOUCH}\n    size: {{default: [1]}}"), "10:21 vocabulary.traits.size.default: expected a value of type text, got [1]"),
    (("scale: [0, 10]", "scale: [0, high]"), "11:54 vocabulary.scores.nps.scale[1]: expected a number, got 'high'"),
    (("when: login\n", "when:\n"), "16:10 milestones.started.when: expected text, got nothing"),
    (("when: login\n", "when: {a: 1}\n"), "16:11 milestones.started.when: expected text, got keys with values"),
    # durations and times
    (("[0d, 7d]", "[0d, 7x]"), "23:38 stages.table.young.window[1]: expected a duration such as 30m, 48h, 3d or 2w, got '7x'"),
    (("[0d, 7d]", "[0d, 7]"), "23:38 stages.table.young.window[1]: expected a duration such as 30m, 48h, 3d or 2w, got 7"),
    (("[0d, 7d]", "[0d, 2 business days]"), "23:38 stages.table.young.window[1]: business time counts in `after` and `silent` only; write this in plain hours or days: '2 business days'"),
    (("[0d, 7d]", "[7d, 7d]"), "23:33 stages.table.young.window: the window must end after it begins"),
    (('at: "09:00"', "at: 9:00"), "34:9 plays.hello.at: expected a time of day such as \"09:00\", got '9:00'"),
    (('at: "09:00"', "at: 24:00"), "34:9 plays.hello.at: expected a time of day such as \"09:00\", got '24:00'"),
    (('at: "09:00"', "at: 9"), '34:9 plays.hello.at: expected a time of day such as "09:00", got 9'),
    (('at: "09:00"', "at: 08:59"), "34:9 plays.hello.at: 08:59 lies outside the send window"),
    (('at: "09:00"', "at: 17:00"), "34:9 plays.hello.at: 17:00 lies outside the send window"),
    # plays
    ((DAY, ""), f"32:3 plays.hello: a play needs one trigger of {', '.join(TRIGGERS)}; this has none"),
    ((DAY, DAY + "    reached: warm\n"), f"32:3 plays.hello: a play needs one trigger of {', '.join(TRIGGERS)}; this has day and reached"),
    ((MAIL, ""), "32:3 plays.hello: a play needs something to do: one or more of email, in_app, survey, escalate, notify, webhook, set"),
    (("email: day_0_welcome", "email: day_0_wellcome"), "35:12 plays.hello.email: there is no template templates/email/day_0_wellcome/en.md (did you mean `day_0_welcome`?)"),
    ((MAIL, "    escalate: {template: no_logn, severity: high, category: adoption, owner: csm, due: 4h}\n"), "35:26 plays.hello.escalate.template: there is no template templates/escalation/no_logn.md (did you mean `no_login`?)"),
    ((MAIL, "    escalate: {template: no_login, severity: high, category: adoption, owner: csm, due: 0h}\n"), "35:89 plays.hello.escalate.due: a human needs some time: `due` must be longer than nothing"),
    ((MAIL, "    escalate: {template: no_login, severity: high, category: adoption, owner: csm, due: 2d}\n"), "35:89 plays.hello.escalate.due: this counts your working time, as `working` says: write it in hours, got '2d'"),
    ((MAIL, "    escalate: {template: no_login, severity: high, category: adoption, owner: csm, due: soon}\n"), "35:89 plays.hello.escalate.due: expected a duration such as 30m, 48h, 3d or 2w, got 'soon'"),
    ((MAIL, "    escalate: {template: no_login, severity: hihg, category: adoption, owner: csm, due: 4h}\n"), "35:46 plays.hello.escalate.severity: expected low, medium, high or critical, got 'hihg' (did you mean `high`?)"),
    ((DAY, "    after: 2d since logn\n"), "33:21 plays.hello.after: unknown event `logn` (did you mean `login`?)"),
    ((DAY, "    after: 2d\n"), "33:12 plays.hello.after: expected a duration and an event such as `48h since signed_up`, got '2d'"),
    ((DAY, "    after: 2 since login\n"), "33:12 plays.hello.after: expected a duration such as 30m, 48h, 3d or 2w, got '2'"),
    ((DAY, "    after: 999999w since login\n"), "33:12 plays.hello.after: expected a duration of ten years at most, got '999999w'"),
    ((DAY, "    silent: 0d since login\n"), "33:13 plays.hello.silent: a silence must be longer than nothing"),
    ((DAY, "    every: week\n"), f"33:12 plays.hello.every: {CADENCES}, got 'week'"),
    ((DAY, "    every: fortnight\n"), f"33:12 plays.hello.every: {CADENCES}, got 'fortnight'"),
    ((DAY, "    every: week on mnday\n"), "33:12 plays.hello.every: expected a weekday such as monday, got 'mnday' (did you mean `monday`?)"),
    ((DAY, "    every: month on 32\n"), "33:12 plays.hello.every: expected a day of the month, 1 to 31 (31 is its last day, whichever that is), got '32'"),
    ((DAY, "    every: quarter on monday\n"), "33:12 plays.hello.every: expected a day of the month, 1 to 31 (31 is its last day, whichever that is), got 'monday'"),
    ((DAY, f"{DAY}    priority: 1001\n"), "34:15 plays.hello.priority: expected a number of at most 1000, got 1001"),
    ((DAY, f"{DAY}    again: never\n"), "34:5 plays.hello.again: this comes due only once: `again` is for what comes due more often"),
    ((DAY, "    on: login\n    again: monthly\n"), f"34:12 plays.hello.again: {AGAIN}, got 'monthly'"),
    ((DAY, "    on: login\n    again: 36h\n"), f"34:12 plays.hello.again: {AGAIN}, got '36h'"),
    ((DAY, "    on: login\n    again: 0d\n"), f"34:12 plays.hello.again: {AGAIN}, got '0d'"),
    ((DAY, "    on: login\n    again: 3 business days\n"), f"34:12 plays.hello.again: {AGAIN}, got '3 business days'"),
    ((DAY, "    day: []\n"), "33:10 plays.hello.day: expected a day or a list of days, got a list of 0"),
    ((DAY, "    day: [7, 7]\n"), "33:10 plays.hello.day: expected each day once and in order, got [7, 7]"),
    ((DAY, "    day: [14, 7]\n"), "33:10 plays.hello.day: expected each day once and in order, got [14, 7]"),
    ((DAY, "    day: [7, x]\n"), "33:10 plays.hello.day: expected a whole number, got 'x'"),
    ((DAY, "    day: 3661\n"), "33:10 plays.hello.day: expected a number of at most 3660, got 3661"),
    ((DAY, "    before: renewal_at\n"), "33:13 plays.hello.before: expected a duration and a trait such as `60d until renewal_at`, got 'renewal_at'"),
    ((DAY, "    before: 60d until renewal\n"), "33:23 plays.hello.before: unknown trait `renewal` (did you mean `renewal_at`?)"),
    ((DAY, "    before: 60d until seats\n"), "33:23 plays.hello.before: `seats` is a number trait; `before` counts back from an instant: renewal_at"),
    ((DAY, "    before: 2 business days until renewal_at\n"), "33:13 plays.hello.before: business time counts in `after` and `silent` only; write this in plain hours or days: '2 business days'"),
    ((DAY, "    on: scord\n"), "33:9 plays.hello.on: unknown event `scord` (did you mean `scored`?)"),
    ((DAY, "    overdue: strted\n"), "33:14 plays.hello.overdue: unknown milestone `strted` (did you mean `started`?)"),
    ((DAY, "    overdue: started\n"), "33:14 plays.hello.overdue: the milestone `started` has no `target` that could pass"),
    (("    when: login\n", "    when: login\n    targets: [{within: 3d, since: warn}]\n"), "17:35 milestones.started.targets[0].since: `warn` is no event and no other milestone (did you mean `warm`?)"),
    (("    when: login\n", "    when: login\n    targets: [{within: 3d, since: started}]\n"), "17:35 milestones.started.targets[0].since: `started` is no event and no other milestone (did you mean `scored`?)"),
    (("    when: login\n", "    when: login\n    targets: [{within: 3d}]\n"), "17:15 milestones.started.targets[0]: missing key `since`"),
    ((DAY, "    reached: warn\n"), "33:14 plays.hello.reached: unknown milestone `warn` (did you mean `warm`?)"),
    ((DAY, "    entered: odl\n"), "33:14 plays.hello.entered: unknown stage `odl` (did you mean `old`?)"),
    ((DAY, DAY + "    stages: [young, odl]\n"), "34:21 plays.hello.stages[1]: unknown stage `odl` (did you mean `old`?)"),
    ((DAY, DAY + "    valid_for: 1d\n    max_defer: 2d\n"), "35:16 plays.hello.max_defer: `max_defer` may not be longer than `valid_for`: it would be stale"),
    ((DAY, DAY + "    valid_for: 0d\n"), "34:16 plays.hello.valid_for: `valid_for` must be longer than nothing"),
    ((DAY, DAY + "    valid_for: 31d\n"), "34:16 plays.hello.valid_for: `valid_for` may not be longer than the playbook's `horizon`"),
    (("  hello:", "  not:"), "32:3 plays.not: `not` cannot be a name: use letters, digits and _, no word of the language"),
    # audience
    ((MAIL, MAIL + "    to: champoin\n"), "36:9 plays.hello.to: expected anyone, champion, owner, decision_maker, admins, everyone, new_members or `role` and its name, got `champoin` (did you mean `champion`?)"),
    ((MAIL, MAIL + "    to: [owner, admin]\n"), "36:17 plays.hello.to[1]: expected anyone, champion, owner, decision_maker, admins, everyone, new_members or `role` and its name, got `admin` (did you mean `admins`?)"),
    ((MAIL, MAIL + "    fallback: [owner, owner]\n"), "36:23 plays.hello.fallback[1]: `owner` is in the list already"),
    ((MAIL, MAIL + "    to: 5\n"), "36:9 plays.hello.to: expected a list, got 5"),
    ((MAIL, f"    escalate: {WORK}\n    to: owner\n"), "36:5 plays.hello.to: `to` is for a play that writes to people"),
    ((MAIL, f"{MAIL}    escalate: {WORK}\n    unreachable: {WORK}\n"), "37:5 plays.hello.unreachable: this play hands work to a human in any case: leave `unreachable` or `escalate` out"),
    ((MAIL, f"{MAIL}    unreachable: {WORK.replace('no_login', 'no_logn')}\n"), "36:29 plays.hello.unreachable.template: there is no template templates/escalation/no_logn.md (did you mean `no_login`?)"),
    # conditions
    (("when: warm", "when: wram"), "26:36 stages.transitions[0].when: unknown name `wram` (did you mean `warm`?)"),
    (("and login.count", "and logn.count"), "18:23 milestones.warm.when: unknown name `logn` (did you mean `login`?)"),
    (("when: started and", "when: >-\n      started\n      and touch > 2 and"), "20:11 milestones.warm.when: expected a number, got the text trait `touch`"),
    (("started and login.count > 2", '"started and touch > 2"'), "18:24 milestones.warm.when: expected a number, got the text trait `touch`"),
    (("started and login.count > 2", '"started and \\x74ouch > 2"'), "18:11 milestones.warm.when: expected a number, got the text trait `touch`"),
    (("started and login.count > 2", "started and touch == 'hihg'"), "18:32 milestones.warm.when: `touch` is never 'hihg', only high, tech (did you mean `high`?)"),
    (("when: login\n", "when: warm\n"), "16:11 milestones.started.when: a milestone may name only milestones above it, and `warm` is not above"),
    (("when: login\n", "when: started\n"), "16:11 milestones.started.when: a milestone may name only milestones above it, and `started` is not above"),
    (("when: login\n", "when: ''\n"), "16:11 milestones.started.when: the condition is empty"),
    ((DAY, DAY + "    only_while: login.count\n"), "34:17 plays.hello.only_while: expected true or false, got a number `login.count`"),
    ((DAY, DAY + "    when: stage == 'odl'\n"), "34:20 plays.hello.when: `stage` is never 'odl', only young, old (did you mean `old`?)"),
    # stages
    (("first: young", "first: yung"), "21:10 stages.first: unknown stage `yung` (did you mean `young`?)"),
    ((ROW, "{from: old, to: young, when: warm}"), "24:5 stages.table.old: no transition leads to the stage `old`"),
    ((ROW, f"{ROW}\n    - {{from: odl, to: young, when: warm}}"), "27:14 stages.transitions[1].from: unknown stage `odl` (did you mean `old`?)"),
    ((ROW, f"{ROW}\n    - {{from: old, to: odl, when: warm}}"), "27:23 stages.transitions[1].to: unknown stage `odl` (did you mean `old`?)"),
    ((ROW, f"{ROW}\n    - {{from: old, to: old, when: warm}}"), "27:23 stages.transitions[1].to: a transition leads to another stage, not from `old` to itself"),
    # judgements
    ((ANCHOR, ANCHOR + "\njudgements: {warm: x}"), "3:14 judgements.warm: `warm` is a milestone already: a name is one thing only"),
    ((ANCHOR, ANCHOR + "\njudgements: {proven: 3}"), "3:22 judgements.proven: expected text, got 3"),
    ((ANCHOR, ANCHOR + "\njudgements: {day: x}"), "3:14 judgements.day: `day` is a name that every condition has already"),
    # settings
    ((ANCHOR, "anchor: signd_up"), "2:9 anchor: unknown event `signd_up` (did you mean `signed_up`?)"),
    ((ANCHOR, ANCHOR + "\ntimezone: Mars/One"), "3:11 timezone: unknown time zone `Mars/One`: use a name such as Europe/Berlin"),
    ((ANCHOR, ANCHOR + "\ntimezone: ../../etc/passwd"), "3:11 timezone: unknown time zone `../../etc/passwd`: use a name such as Europe/Berlin"),
    (("per_day: 1", "per_day: 4"), "30:30 caps.per_week: a week cannot hold fewer mails than one of its days"),
    (('from: "00:00", to: "24:00"', 'from: "10:00", to: "09:00"'), "29:45 windows.working.to: the window must close after it opens, on the same day"),
    (("setup: [started]", "setup: [sarted]"), "19:9 setup[0]: unknown milestone `sarted` (did you mean `started`?)"),
    (("setup: [started]", "setup: [started, started]"), "19:18 setup[1]: `started` is in the list already"),
    # vocabulary
    (("[Logged In]", "[Signed Up]"), "6:13 vocabulary.events.login[0]: `Signed Up` leads to `signed_up` already: it may lead to one event only"),
    (("[Logged In]", "[signed_up]"), "6:13 vocabulary.events.login[0]: `signed_up` leads to `signed_up` already: it may lead to one event only"),
    (("[Logged In]", "[{name: login, where: {a: 1}}]"), "6:20 vocabulary.events.login[0].name: every `login` is a `login` already: give the filtered event a name of its own"),
    (("[Logged In]", "[Logged In, {name: Logged In, where: {a: 1}}]"), "6:31 vocabulary.events.login[1].name: every `Logged In` is a `login` already: give the filtered event a name of its own"),
    (("[Logged In]", "[{name: Logged In}]"), "6:13 vocabulary.events.login[0]: missing key `where`"),
    (("[Logged In]", "[{nam: Logged In, where: {a: 1}, name: x}]"), "6:14 vocabulary.events.login[0].nam: unknown key `nam` (did you mean `name`?)"),
    (("[Logged In]", "[{name: Logged In, where: {}}]"), "6:38 vocabulary.events.login[0].where: expected at least 1 item, got keys with values"),
    (("[Logged In]", "[{name: Logged In, where: {path: []}}]"), "6:45 vocabulary.events.login[0].where.path: expected a text, a number, true or false, or a list of such values"),
    (("[Logged In]", "[{name: Logged In, where: {path: {a: 1}}}]"), "6:45 vocabulary.events.login[0].where.path: expected a text, a number, true or false, or a list of such values"),
    (("[Logged In]", "[{name: Logged In, where: {path: [a, ~]}}]"), "6:45 vocabulary.events.login[0].where.path: expected a text, a number, true or false, or a list of such values"),
    (("scored: [Scored]", "scored: [Scored]\n    message_sent: []"), "8:5 vocabulary.events.message_sent: `message_sent` is an event of our own already: a name is one thing only"),
    (("    hours: {", "    login: {"), "13:5 vocabulary.measures.login: `login` is an event already: a name is one thing only"),
    (("    hours: {", "    seats: {"), "13:5 vocabulary.measures.seats: `seats` is a trait of every account already: a name is one thing only"),
    (("    hours: {", "    stage_days: {"), "13:5 vocabulary.measures.stage_days: `stage_days` is a name that every condition has already"),
    (("    hours: {", "    __class__: {"), "13:5 vocabulary.measures.__class__: `__class__` cannot be a name: use letters, digits and _, no word of the language"),
    ((TOUCH, TOUCH.replace("t: tech", "t: tehc")), "9:44 vocabulary.traits.touch.default: expected one of high, tech, got 'tehc' (did you mean `tech`?)"),
    ((TOUCH, f"{TOUCH}\n    trial: {{type: bool, default: maybe}}"), "10:34 vocabulary.traits.trial.default: expected a value of type bool, got 'maybe'"),
    ((TOUCH, f"{TOUCH}\n    size: numbr"), "10:5 vocabulary.traits.size: expected bool, number, text or instant, got 'numbr' (did you mean `number`?)"),
    ((TOUCH, f"{TOUCH}\n    size: {{type: number, one_of: [a]}}"), "10:34 vocabulary.traits.size.one_of: `one_of` is for text; `size` is number"),
    ((TOUCH, f"{TOUCH}\n    seats: text"), "10:12 vocabulary.traits.seats: `seats` is a number trait of every account and cannot be text"),
    ((TOUCH, f"{TOUCH}\n    weekend: text"), "10:14 vocabulary.traits.weekend: `weekend` needs its list: one_of: [sat_sun, fri_sat, sun, none]"),
    ((TOUCH, f"{TOUCH}\n    weekend: {{one_of: [sat_snu]}}"), "10:24 vocabulary.traits.weekend.one_of[0]: `sat_snu` is no weekend; known: sat_sun, fri_sat, sun, none (did you mean `sat_sun`?)"),
    (("{sum: hours, of: login}", "{of: login}"), "13:5 vocabulary.measures.hours: a measure is one of: `sum` … `of`, `distinct` … `of`, `times`, `people`"),
    (("{sum: hours, of", "{sum: a, distinct: b, of"), "13:5 vocabulary.measures.hours: a measure is one of: `sum` … `of`, `distinct` … `of`, `times`, `people`"),
    (("{sum: hours, of: login}", "{}"), "13:5 vocabulary.measures.hours: a measure is one of: `sum` … `of`, `distinct` … `of`, `times`, `people`"),
    (("{sum: hours, of: login}", "{times: login, of: login}"), "13:5 vocabulary.measures.hours: a measure is one of: `sum` … `of`, `distinct` … `of`, `times`, `people`"),
    (("{sum: hours, of: login}", "{times: lgoin}"), "13:20 vocabulary.measures.hours.times: unknown event `lgoin` (did you mean `login`?)"),
    (("of: login}", "of: lgoin}"), "13:29 vocabulary.measures.hours.of: unknown event `lgoin` (did you mean `login`?)"),
    (("event: scored", "event: score"), "11:18 vocabulary.scores.nps.event: unknown event `score` (did you mean `scored`?)"),
    (("scale: [0, 10]", "scale: [10, 0]"), "11:50 vocabulary.scores.nps.scale: expected the lower end first, got [10, 0]"),
]
# fmt: on


def test_the_small_playbook_is_whole() -> None:
    """The playbook that all the others are bent from has nothing wrong with it."""
    assert told(SMALL) == []


@pytest.mark.parametrize(("change", "message"), ONE_PROBLEM)
def test_each_mistake_is_named_with_its_place(change: tuple[str, str], message: str) -> None:
    """One mistake gives one problem: file, line, column, path, and what is wrong."""
    assert told(bent(change)) == [message if message.startswith("p.yaml") else f"p.yaml:{message}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("- a", "a list of 1"), ("a", "'a'"), ("~", "nothing")],
)
def test_a_playbook_is_keys_with_values(text: str, message: str) -> None:
    """A document of another kind is refused as a whole."""
    assert told(text) == [f"p.yaml:1:1: expected keys with values, got {message}"]


def test_what_yaml_could_not_say_is_told_once() -> None:
    """A value that cannot be read is not also said to be of the wrong type."""
    assert told(bent(("when: login\n", "when: !!float x\n"))) == [
        "p.yaml:16:11 milestones.started.when: `!!float` cannot be read here: write plain values"
    ]


def test_an_error_without_words_of_ours_is_still_told() -> None:
    """Should pydantic find what we have no sentence for, its own is told with the value."""
    detail = ErrorDetails(type="odd", loc=("a",), msg="Input is odd", input=[1])
    assert schema._sentence(detail) == "input is odd, got a list of 1"


def test_a_stage_cannot_be_called_any() -> None:
    """`any` stands for every stage in a transition, so no stage may have that name."""
    changed = bent(("old: {goal: stay}", "any: {goal: stay}"), ("to: old", "to: any"))
    assert told(changed) == ["p.yaml:24:5 stages.table.any: `any` stands for every stage and cannot be the name of one"]


def test_a_transition_to_any_is_refused() -> None:
    """A transition leads to one stage: `any` is not one."""
    assert told(bent((ROW, f"{ROW}\n    - {{from: old, to: any, when: warm}}"))) == [
        "p.yaml:27:23 stages.transitions[1].to: unknown stage `any`"
    ]


def test_a_playbook_needs_a_play() -> None:
    """Without a play there is nothing to decide."""
    text = SMALL[: SMALL.index("plays:")] + "plays: {}\n"
    assert told(text) == ["p.yaml:31:8 plays: a playbook needs a play"]


def test_an_empty_horizon_is_refused() -> None:
    """With no horizon everything would be history, and no play valid."""
    assert told(bent((ANCHOR, ANCHOR + "\nhorizon: 0d"))) == [
        "p.yaml:3:10 horizon: the horizon must be longer than nothing",
        "p.yaml:33:3 plays.hello: `valid_for` may not be longer than the playbook's `horizon`",
    ]


def test_all_problems_are_told_together() -> None:
    """Mistakes of shape, of names and of conditions come in one refusal, in the order of the file."""
    text = bent(
        ("playbook: small", "playbook: NO"),
        ("anchor: signed_up\n", ""),
        ("[Logged In]", "[Signed Up]"),
        ("when: started and", "when: startd and"),
        ("caps: {per_day: 1, per_week: 3}", "caps: {per_day: 1, per_week: three}"),
        ('at: "09:00"', "at: noon"),
    )
    assert [line.split(" ", 1)[0] for line in told(text)] == [
        "p.yaml:1:1:",
        "p.yaml:1:11",
        "p.yaml:5:13",
        "p.yaml:17:11",
        "p.yaml:29:30",
        "p.yaml:33:9",
    ]


def test_what_is_broken_elsewhere_is_said_once() -> None:
    """A name whose declaration is wrong is not called unknown by the rules that speak of it."""
    text = bent(("login: [Logged In]", "login: Logged In"), (DAY, "    after: 2d since login\n"), (TOUCH, "touch: 5"))
    text = text.replace("when: warm", "when: warm and touch == 'tech'")
    assert told(text) == [
        "p.yaml:6:12 vocabulary.events.login: expected a list, got 'Logged In'",
        "p.yaml:9:12 vocabulary.traits.touch: expected keys with values, got 5",
    ]


def test_a_broken_stage_and_milestone_are_said_once() -> None:
    """A broken stage or milestone leaves the rows, plays and lists that name it alone."""
    text = bent(
        ("old: {goal: stay}", "old: {}"), ("    when: login\n", "    wen: login\n"), (DAY, "    reached: started\n")
    )
    assert told(text) == [
        "p.yaml:15:3 milestones.started: missing key `when`",
        "p.yaml:16:5 milestones.started.wen: unknown key `wen` (did you mean `when`?)",
        "p.yaml:24:5 stages.table.old: missing key `goal`",
    ]


def test_too_little_to_go_on_tells_the_shape_alone() -> None:
    """Where a whole part is missing, its absence is told and nothing is guessed about the rest."""
    text = bent(("vocabulary:", "vocabluary:"))
    assert told(text) == [
        "p.yaml:1:1: missing key `vocabulary`",
        "p.yaml:3:1 vocabluary: unknown key `vocabluary` (did you mean `vocabulary`?)",
    ]


def test_several_faults_of_one_condition_are_told() -> None:
    """A condition with two mistakes tells both, each with its column."""
    assert told(bent(("started and login.count > 2", "strted and login.cuont > 2"))) == [
        "p.yaml:18:11 milestones.warm.when: unknown name `strted` (did you mean `started`?)",
        "p.yaml:18:22 milestones.warm.when: `login` has no `.cuont` (did you mean `count`?)",
    ]


def test_the_error_is_one_of_ours() -> None:
    """A refusal is a LifecycleError that carries its problems as values and prints them line by line."""
    with pytest.raises(PlaybookError) as refused:
        load(bent((ANCHOR, "anchor: nowhere")), TEMPLATES, file="p.yaml")
    assert isinstance(refused.value, LifecycleError)
    assert refused.value.problems == (
        Problem(file="p.yaml", line=2, column=9, path="anchor", message="unknown event `nowhere`"),
    )
    assert str(refused.value) == "p.yaml:2:9 anchor: unknown event `nowhere`"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A path that cannot be read is a problem of that file."""
    with pytest.raises(PlaybookError, match=r"none\.yaml:1:1: the file cannot be read: No such file or directory"):
        load(tmp_path / "none.yaml", TEMPLATES)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused with the line of the first bad byte."""
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"playbook: small\nlabel: caf\xe9\n")
    with pytest.raises(PlaybookError, match=r"latin\.yaml:2:1: the byte 0xe9 is no UTF-8"):
        load(path, TEMPLATES)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    """A file above the bound is refused by its size."""
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(PlaybookError, match=r"a playbook may have 1,000,000 bytes at most"):
        load(path, TEMPLATES)


def test_defaults_fit_together() -> None:
    """A play that says nothing of its times is valid for two days and may wait as long; a short one waits no longer."""
    policy = compiled().plays["hello"].policy
    short = compiled(bent((DAY, DAY + "    valid_for: 3h\n"))).plays["hello"].policy
    assert (policy.valid_for.days, policy.max_defer.days) == (2, 2)
    assert short.max_defer == short.valid_for
