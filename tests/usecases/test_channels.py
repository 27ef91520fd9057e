"""What goes by another channel than mail: kept, shown, never claimed, ended by name; and what plays set."""

from datetime import timedelta

from orchestrator.core.decisions import key
from orchestrator.core.playbook import AskSurvey, CallWebhook, Channel, Notify, Scale, SendEmail, ShowInApp, SurveyKind
from orchestrator.core.reasons import MessageReason
from orchestrator.insight.touches import as_found, found
from orchestrator.messaging.templates import TemplateKind, TemplateSet
from orchestrator.playbook.source import PlaybookSource
from orchestrator.store import messages, observation
from orchestrator.usecases import drafts
from orchestrator.usecases.publish import publish
from orchestrator.usecases.simulate import Arrival, simulate
from tests.usecases.company import DAY, HOUR, MONDAY, Company
from tests.usecases.playbooks import HEAD, tiny
from tests.usecases.world import FILES, World

BANNER = """---
title: "Welcome to {{ product.name }}"
button:
  label: "Choose a password"
  url: "{{ product.url }}/password"
---
One thing to begin with.
"""
QUESTION = """---
title: "How easy was it, from {{ survey.lowest or 0 }} to {{ survey.highest or 0 }}?"
button:
  label: "Answer"
  url: "{{ product.url }}/survey"
---
{{ survey.best or 0 }} is best.
"""
WORD = """---
title: "{{ account.name or 'An account' }} is stuck"
---
Have a look.
"""
MORE = {"in_app/greeting/en.md": BANNER, "in_app/effort/en.md": QUESTION, "notify/stuck.md": WORD}

EVERY_CHANNEL = """\
  hello:
    day: 0
    email: day_0_welcome
    in_app: greeting
    notify: {to: csm, template: stuck}
    webhook: crm
    only_while: not left
    valid_for: 2d
  ask:
    day: 0
    survey: {kind: ces, template: effort, scale: [1, 5], better: low, channel: in_app}
    valid_for: 1d
"""

SETS = """\
  hello:
    day: 0
    set: {owner: {name: Mei Tan}, traits: {plan: premium}}
    email: day_0_welcome
    valid_for: 2d
  greeted:
    day: 0
    when: plan == 'premium'
    priority: 60
    webhook: crm
    valid_for: 2d
"""


def published(world: World, plays: str) -> None:
    """Publish a playbook whose templates hold those of the other channels too."""
    text = HEAD.format(mode="live", cap=20) + plays
    publish(world.ports, PlaybookSource(file="test.yaml", text=text, templates=FILES | MORE))


def told(world: World) -> list[tuple[str, str, str | None]]:
    rows = world.rows("SELECT action, state, reason FROM messages ORDER BY action")
    return [(row["action"], row["state"], row["reason"]) for row in rows]


def test_each_letter_is_kept_with_its_channel(bare: World) -> None:
    """Every channel's letters are stored with who and where they are for."""
    published(bare, EVERY_CHANNEL)
    bare.drain(*Company().sign_up())
    rows = bare.rows("SELECT action, channel, person_id, address, template FROM messages ORDER BY action")
    assert [tuple(row.values()) for row in rows] == [
        ("email", "email", "ann", "ann@acme.example", "day_0_welcome"),
        ("in_app", "in_app", "ann", None, "greeting"),
        ("notify", "notify", None, "csm", "stuck"),
        ("survey", "in_app", "ann", None, "effort"),
        ("webhook", "webhook", None, "crm", "crm"),
    ]


def test_only_mail_is_delivered(bare: World) -> None:
    """The sender takes the mail; the others wait, are seen, and are no work that is left to do."""
    published(bare, EVERY_CHANNEL)
    bare.drain(*Company().sign_up())
    bare.live()
    assert told(bare) == [
        ("email", "sent", None),
        ("in_app", "pending", None),
        ("notify", "pending", None),
        ("survey", "pending", None),
        ("webhook", "pending", None),
    ]
    with bare.engine.connect() as connection:
        left = observation.backlog(connection, MONDAY)
        following = observation.next_instant(connection, MONDAY)
    assert (left.untaken, left.expired, left.sendable, left.at_rest) == (4, 0, 0, True)
    assert following == MONDAY + DAY + timedelta(microseconds=1)


def test_what_nobody_took_expires_by_name(bare: World) -> None:
    """After its time it is cancelled as expired, and its account is told; not before."""
    published(bare, EVERY_CHANNEL)
    bare.drain(*Company().sign_up())
    bare.live()
    bare.at(MONDAY + DAY)
    assert bare.deliver().others == 0
    bare.at(MONDAY + DAY + HOUR)
    with bare.engine.connect() as connection:
        assert observation.backlog(connection, MONDAY + DAY + HOUR).expired == 1
    assert bare.deliver().others == 1
    bare.live()
    assert ("survey", "cancelled", MessageReason.EXPIRED) in told(bare)
    assert bare.count_of("message_cancelled") == 1


def test_what_nobody_took_is_withdrawn_with_its_play(bare: World) -> None:
    """When the goal is reached, what waits on any channel is cancelled at once."""
    published(bare, EVERY_CHANNEL)
    company = Company()
    bare.drain(*company.sign_up())
    bare.live()
    bare.drain(company.track("Left"))
    states = {(state, reason) for action, state, reason in told(bare) if action in {"in_app", "notify", "webhook"}}
    assert states == {("cancelled", MessageReason.EXITED)}


def test_a_stored_letter_is_read_back_as_what_it_is(bare: World) -> None:
    """A row tells its action again: kind and scale of a survey, the role of a word, the system of a call."""
    published(bare, EVERY_CHANNEL + "  goal:\n    day: 0\n    survey: {kind: goal, template: day_7_feature}\n")
    bare.drain(*Company().sign_up())
    with bare.engine.connect() as connection:
        bare.at(MONDAY + 9 * DAY)
        late = messages.expire_untaken(connection, MONDAY + 9 * DAY, MessageReason.EXPIRED, 50)
        mails = messages.claim(connection, key("t"), MONDAY + 9 * DAY, 60, 50)
    effort = Scale(lowest=1, highest=5, high_is_better=False)
    assert {each.message.action for each in late} == {
        ShowInApp(template="greeting"),
        Notify(to="csm", template="stuck"),
        CallWebhook(name="crm"),
        AskSurvey(kind=SurveyKind.CES, template="effort", scale=effort, channel=Channel.IN_APP),
    }
    assert {each.message.action for each in mails} == {
        SendEmail(template="day_0_welcome"),
        AskSurvey(kind=SurveyKind.GOAL, template="day_7_feature"),
    }


def test_a_note_in_the_product_is_approved_as_a_mail_is(bare: World) -> None:
    """A draft on another channel shows its words; words to our own people are never drafts."""
    published(bare, EVERY_CHANNEL.replace("    valid_for: 2d", "    draft: true\n    valid_for: 2d"))
    bare.drain(*Company().sign_up())
    shown = {message.channel: words for message, words in drafts.waiting(bare.ports)}
    assert shown.keys() == {Channel.EMAIL, Channel.IN_APP}
    assert shown[Channel.IN_APP] == "Welcome to Lumen\n\nOne thing to begin with."


def test_what_is_set_is_kept_as_an_event(bare: World) -> None:
    """It is folded at once, and its event is in the account's history, once."""
    bare.publish(tiny(SETS))
    bare.drain(*Company().sign_up())
    bare.live()
    assert {name: value[0] for name, value in bare.facts()["traits"].items()} == {
        "owner_name": "Mei Tan",
        "owner_email": None,
        "plan": "premium",
    }
    (row,) = bare.rows("SELECT * FROM events WHERE source = 'lifecycle' AND kind = 'group'")
    assert (row["message_id"], row["properties"]["plan"]) == (str(key("set", "acme", "hello", "once", "0")), "premium")
    assert [play for _, play, reason in bare.decisions() if reason == "due"] == ["greeted", "hello"]


def test_what_ran_is_what_is_simulated(bare: World) -> None:
    """Every decision and every end of a message, on whatever channel, is as the simulation has it."""
    published(bare, EVERY_CHANNEL)
    calls = Company().sign_up()
    bare.drain(*calls)
    bare.through(MONDAY, MONDAY, HOUR)
    for instant in (MONDAY + DAY, MONDAY + 2 * DAY):
        bare.at(instant + timedelta(microseconds=1))
        bare.live()
    with bare.engine.connect() as connection:
        ran = found(connection)
        playbook = bare.ports.library.current(connection).playbook
    arrivals = [Arrival(at=MONDAY, call=call) for call in calls]
    simulated = as_found(simulate(arrivals, playbook, MONDAY + 3 * DAY))
    assert {(row.id, row.state, row.reason, row.settled_at) for row in ran.messages} == {
        (row.id, row.state, row.reason, row.settled_at) for row in simulated.messages
    }
    assert len(ran.decisions) == len(simulated.decisions)


def test_templates_of_every_kind_are_found() -> None:
    """Notes in the product lie in folders by language, words to our own people in files."""
    known = TemplateSet(MORE)
    assert known.names(TemplateKind.IN_APP) == ("effort", "greeting")
    assert known.names(TemplateKind.NOTIFY) == ("stuck",)
