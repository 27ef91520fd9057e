"""Small playbooks that trip a rule, and the findings of a text."""

from orchestrator.playbook import PlaybookSource, compile_playbook
from orchestrator.playbook.lint import Finding, lint
from tests.playbook.small import BESIDE_MAIL, TEMPLATES

SOUND = """\
playbook: sound
anchor: signed_up
vocabulary:
  events:
    signed_up: [Signed Up]
    login: [Logged In]
    scored: [Scored]
    left: [Left]
  traits:
    tier: {one_of: [high, tech], default: tech}
    size: number
  scores:
    nps: {event: scored, property: score, scale: [0, 10]}
milestones:
  started: {when: login}
  busy: {when: started and login.count > 2 and size > 3}
setup: [started]
stages:
  first: young
  table:
    young: {goal: grow}
    old: {goal: stay}
    gone: {goal: leave, exit: true}
  transitions:
    - {from: any, to: gone, when: left}
    - {from: young, to: old, when: busy and nps.lowest > 6}
windows:
  send: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}
  working: {days: [mon], from: "00:00", to: "24:00"}
caps: {per_day: 1, per_week: 3}
plays:
  hello:
    day: 1
    at: "09:00"
    when: tier == 'tech'
    email: day_0_welcome
"""  # no rule has anything to say of it


def bent(*changes: tuple[str, str]) -> str:
    """The sound playbook with some of its text replaced."""
    text = SOUND
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def found(text: str, seen: frozenset[str] | None = None) -> tuple[Finding, ...]:
    """What a playbook's check finds."""
    source = PlaybookSource(file="p.yaml", text=text, templates=TEMPLATES | BESIDE_MAIL)
    return lint(compile_playbook(source), source, seen)


def play(lines: str) -> tuple[str, str]:
    """A change that puts one more play at the end; its lines are indented here."""
    last = "    email: day_0_welcome\n"
    body = "".join(f"    {line}\n" for line in lines.strip().splitlines())
    return last, f"{last}  more:\n{body}"
