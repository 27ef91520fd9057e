"""A small playbook and scenarios for it: a welcome, a reminder while the set-up is open, a call after silence."""

from functools import cache

from orchestrator.core.playbook import Playbook
from orchestrator.playbook.compiler import load
from orchestrator.testing import Verdict, judge, parse_scenario

PLAYBOOK = """
playbook: small
anchor: signed_up
vocabulary:
  events: {signed_up: [Signed Up], login: [], setup: [Set Up], asked: []}
  traits: {touch: {one_of: [high, tech], default: tech}}
  scores: {nps: {event: asked, property: score, scale: [0, 10]}}
milestones:
  ready: {when: setup}
stages:
  first: trial
  table: {trial: {goal: g}, customer: {goal: g}, gone: {goal: g, exit: true}}
  transitions:
    - {from: trial, to: customer, when: ready and login.count >= 2}
    - {from: customer, to: gone, when: login.count >= 99}
windows:
  send: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}
  working: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}
caps: {per_day: 1, per_week: 3}
plays:
  welcome: {day: 0, email: welcome, transactional: true}
  reminder: {day: 2, at: "09:00", only_while: not setup, email: reminder}
  call: {silent: 3d since login, when: touch == 'high', only_while: login.days_ago >= 3,
         escalate: {template: call, severity: high, category: adoption, owner: csm, due: 8h}, valid_for: 7d}
"""
TEMPLATES = {
    "email/welcome/en.md": "---\nsubject: Welcome\n---\nHello\n",
    "email/reminder/en.md": "---\nsubject: Reminder\n---\nHello\n",
    "escalation/call.md": "---\ntitle: Call\n---\nCall\n",
}
HEAD = """
scenario: A trial
anchor: 2026-03-02 10:00
zone: Europe/Berlin
account: {touch: high}
"""  # a Monday


@cache
def playbook() -> Playbook:
    """The small playbook, compiled once."""
    return load(PLAYBOOK, TEMPLATES)


def judged(text: str, head: str = HEAD, until: str = "day 2") -> Verdict:
    """A scenario of the small playbook, lived through."""
    whole = f"{head.strip()}\n{text.strip()}\nuntil: {until}\n"
    return judge(parse_scenario(whole, playbook(), file="trial.yaml"), playbook())
