"""A playbook that has everything whose state can be asked at a time: signals, health, segments, phases, judgements."""

from functools import cache

from orchestrator.core.playbook import Playbook
from orchestrator.playbook.compiler import load
from orchestrator.testing import Verdict, judge, parse_scenario

PLAYBOOK = """
playbook: whole
anchor: signed_up
vocabulary:
  events: {signed_up: [Signed Up], login: [], setup: [], report: [], asked: []}
  traits: {tier: {one_of: [silver, gold], default: silver}, vip: {type: bool}, seats: {type: number}}
  measures: {reports: {times: report}}
segments:
  table: {smb: {where: {seats: [0, 50]}, touch: tech}, large: {where: {seats: [50, null]}, touch: high}}
  default: smb
onboarding:
  phases: {kickoff: {until: setup, within: 3d}, first_value: {until: report}}
health:
  indicators:
    engagement: {weight: 60, when: day >= 0, green: login.days_ago <= 2, yellow: login.days_ago <= 5, label: Logs in}
    adoption: {weight: 40, value: reports, from: 0, to: 10, when: day >= 3}
judgements: {value_proven: The value is proven}
milestones: {ready: {when: setup}}
stages:
  first: trial
  table: {trial: {goal: g}, customer: {goal: g}}
  transitions: [{from: trial, to: customer, when: ready and value_proven}]
windows:
  send: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}
  working: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}
caps: {per_day: 5, per_week: 20}
signals:
  silence: {silent: 3d since login, while: login.days_ago >= 3, severity: high, category: adoption, flag: at_risk,
            ladder: [{after: 1d, unless: acknowledged, escalate: {template: call, owner: csm, due: 8h}}]}
  unproven: {day: 6, while: not value_proven, severity: low, category: adoption, valid_for: 7d}
plays:
  upgrade: {reached: ready, set: {traits: {tier: gold}}}
  told: {when: goals.open >= 1, day: 1, notify: {to: csm, template: note}, webhook: crm}
"""
TEMPLATES = {
    "notify/note.md": "---\ntitle: Look\n---\nLook\n",
    "escalation/call.md": "---\ntitle: Call\n---\nCall\n",
}
HEAD = """
scenario: A whole life
anchor: 2026-03-02 10:00
zone: Europe/Berlin
account: {seats: 20}
"""  # a Monday


@cache
def playbook() -> Playbook:
    """The playbook, compiled once."""
    return load(PLAYBOOK, TEMPLATES)


def judged(text: str, until: str = "day 8") -> Verdict:
    """A scenario of it, lived through."""
    whole = f"{HEAD.strip()}\n{text.strip()}\nuntil: {until}\n"
    return judge(parse_scenario(whole, playbook(), file="whole.yaml"), playbook())
