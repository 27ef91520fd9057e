"""Small playbooks, written as people write them, around one to three plays."""

HEAD = """\
playbook: tiny
anchor: signed_up
mode: {mode}
core_feature: {{label: your first report, path: /reports/new}}
vocabulary:
  events:
    signed_up: [Signed Up]
    login: [Logged In]
    left: [Left]
    came_back: [Came Back]
  measures:
    tickets: {{sum: tickets, of: login}}
milestones:
  started: {{when: login}}
stages:
  first: young
  table:
    young: {{goal: grow}}
    gone: {{goal: leave, exit: true}}
  transitions:
    - {{from: any, to: gone, when: left}}
windows:
  send: {{days: [mon, tue, wed, thu, fri, sat, sun], from: "00:00", to: "24:00"}}
  working: {{days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}}
caps: {{per_day: {cap}, per_week: 20}}
plays:
"""

HELLO = """\
  hello:
    day: 0
    email: day_0_welcome
    only_while: not login
    valid_for: 2d
"""

SECOND = """\
  second:
    day: 0
    email: day_7_feature
    priority: 60
    valid_for: 3d
    max_defer: 3d
"""

RESENT = """\
  hello:
    day: 0
    email: day_0_welcome
    valid_for: 2d
    on_unknown: resend
"""

CALLED = """\
  called:
    after: 1h since signed_up
    only_while: not login
    escalate: {template: no_login, severity: high, category: adoption, owner: csm, due: 8h}
    valid_for: 7d
"""

DIVIDED = """\
  divided:
    reached: started
    when: 10 / tickets > 1
    email: day_7_feature
    valid_for: 7d
"""

DIVIDED_AT_THE_DOOR = """\
  hello:
    day: 0
    email: day_0_welcome
    only_while: not login or 10 / tickets > 1
    valid_for: 2d
"""

WEEKLY = """\
  weekly:
    every: week until day 60
    when: login
    email: day_7_feature
    valid_for: 6d
"""


def tiny(*plays: str, mode: str = "live", cap: int = 20) -> str:
    """The text of a playbook with these plays."""
    return HEAD.format(mode=mode, cap=cap) + "".join(plays or (HELLO,))
