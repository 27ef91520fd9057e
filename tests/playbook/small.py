"""A small whole playbook that tests bend, and the templates that it names."""

from pathlib import Path

from orchestrator.core.playbook import Playbook
from orchestrator.playbook import PlaybookError, load

HOUSE = Path(__file__).parents[2]
SHIPPED = HOUSE / "templates" / "playbooks"

EMAILS = (
    "day_0_welcome",
    "day_1_core_feature",
    "day_3_setup",
    "day_5_value",
    "day_7_feature",
    "day_14_survey",
    "day_21_case_study",
    "day_21_return",
    "day_30_renewal",
    "day_30_value",
    "signal_no_login",
    "signal_setup_incomplete",
    "signal_no_core_action",
    "signal_early_ticket",
    "signal_invites_unaccepted",
    "signal_usage_falling",
    "signal_low_score",
    "gone_quiet",
)
ESCALATIONS = (
    "no_login",
    "setup_incomplete",
    "no_core_action",
    "early_ticket",
    "invites_unaccepted",
    "usage_falling",
    "low_score",
    "gone_quiet",
    "poor_health",
    "health_falling",
    "onboarding_stalled",
    "growth_stalled",
)
TEMPLATES = {f"email/{name}/en.md": name for name in EMAILS} | {f"escalation/{name}.md": name for name in ESCALATIONS}
BESIDE_MAIL = {"in_app/first_login/en.md": "greeting", "notify/stuck.md": "a word"}

SMALL = """\
playbook: small
anchor: signed_up
vocabulary:
  events:
    signed_up: [Signed Up]
    login: [Logged In]
    scored: [Scored]
  traits:
    touch: {one_of: [high, tech], default: tech}
  scores:
    nps: {event: scored, property: score, scale: [0, 10]}
  measures:
    hours: {sum: hours, of: login}
milestones:
  started:
    when: login
  warm:
    when: started and login.count > 2
setup: [started]
stages:
  first: young
  table:
    young: {goal: grow, window: [0d, 7d]}
    old: {goal: stay}
  transitions:
    - {from: young, to: old, when: warm}
windows:
  send: {days: [mon, fri], from: "09:00", to: "17:00"}
  working: {days: [mon], from: "00:00", to: "24:00"}
caps: {per_day: 1, per_week: 3}
plays:
  hello:
    day: 1
    at: "09:00"
    email: day_0_welcome
"""


def compiled(text: str = SMALL) -> Playbook:
    """The playbook of a text, with every template there is."""
    return load(text, TEMPLATES | BESIDE_MAIL, file="p.yaml")


def bent(*changes: tuple[str, str]) -> str:
    """The small playbook with some of its text replaced."""
    text = SMALL
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def told(text: str) -> list[str]:
    """What a refused playbook says, line by line."""
    try:
        compiled(text)
    except PlaybookError as error:
        return [str(problem) for problem in error.problems]
    return []


def shipped(name: str) -> Playbook:
    """A playbook of ``templates/playbooks``."""
    return load(SHIPPED / f"{name}.yaml", TEMPLATES)
