"""What a play may do beside mail and work for a human: how it is written, and the exact words of each refusal."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

from datetime import time, timedelta

import pytest

from orchestrator.core.playbook import (
    Action,
    AskSurvey,
    CallWebhook,
    Channel,
    Escalate,
    Notify,
    Scale,
    SendEmail,
    SetTrait,
    ShowInApp,
    SurveyKind,
)
from tests.playbook.small import bent, compiled, told

MAIL = "    email: day_0_welcome\n"
NPS = Scale(lowest=0, highest=10, high_is_better=True)
TOUCH = "touch: {one_of: [high, tech], default: tech}"
TRAITS = (TOUCH, f"{TOUCH}\n    vip: bool\n    reports_open: bool\n    team: number")


def survey(kind: SurveyKind, scale: Scale | None = None, channel: Channel = Channel.EMAIL) -> AskSurvey:
    template = "day_14_survey" if channel is Channel.EMAIL else "first_login"
    return AskSurvey(kind=kind, template=template, scale=scale, channel=channel)


# fmt: off
WRITTEN: list[tuple[str, tuple[Action, ...]]] = [
    ("in_app: first_login", (ShowInApp(template="first_login"),)),
    ("notify: {to: '#cs-alerts', template: stuck}", (Notify(to="#cs-alerts", template="stuck"),)),
    ("webhook: crm", (CallWebhook(name="crm"),)),
    ("survey: {kind: nps, template: day_14_survey}", (survey(SurveyKind.NPS, NPS),)),
    ("survey: {kind: nps, template: day_14_survey, scale: [0, 10], better: high}", (survey(SurveyKind.NPS, NPS),)),
    ("survey: {kind: ces, template: day_14_survey, scale: [1, 5], better: low}", (survey(SurveyKind.CES, Scale(lowest=1, highest=5, high_is_better=False)),)),
    ("survey: {kind: goal, template: day_14_survey}", (survey(SurveyKind.GOAL),)),
    ("survey: {kind: exit, template: first_login, channel: in_app}", (survey(SurveyKind.EXIT, channel=Channel.IN_APP),)),
    ("survey: {kind: check_in, template: day_14_survey, scale: [1, 3], better: high}", (survey(SurveyKind.CHECK_IN, Scale(lowest=1, highest=3, high_is_better=True)),)),
    ("set: {tag: vip}", (SetTrait(traits=(("vip", True),)),)),
    ("set: {tag: [vip], unlock: reports_open, traits: {team: 5, touch: high}}", (SetTrait(traits=(("vip", True), ("reports_open", True), ("team", 5), ("touch", "high"))),)),
    ("set: {owner: {name: Mei Tan, email: mei@lumen.example}}", (SetTrait(traits=(("owner_name", "Mei Tan"), ("owner_email", "mei@lumen.example"))),)),
    ("set: {owner: {name: Mei Tan}}", (SetTrait(traits=(("owner_name", "Mei Tan"), ("owner_email", None))),)),
    ("set: {tag: vip}\n    email: day_0_welcome\n    in_app: first_login", (SetTrait(traits=(("vip", True),)), SendEmail(template="day_0_welcome"), ShowInApp(template="first_login"))),
]
REFUSED = [
    ("in_app: frist_login", "in_app: there is no template templates/in_app/frist_login/en.md (did you mean `first_login`?)"),
    ("notify: {to: csm, template: stcuk}", "notify.template: there is no template templates/notify/stcuk.md (did you mean `stuck`?)"),
    ("notify: {template: stuck}", "notify: missing key `to`"),
    ("webhook: C R M", "webhook: expected a name of small letters, digits and -, got 'C R M'"),
    ("survey: {kind: npm, template: day_14_survey}", "survey.kind: expected nps, csat, ces, goal, check_in or exit, got 'npm' (did you mean `nps`?)"),
    ("survey: {kind: nps, template: day_14_survay}", "survey.template: there is no template templates/email/day_14_survay/en.md (did you mean `day_14_survey`?)"),
    ("survey: {kind: nps, template: day_14_survey, scale: [1, 5]}", "survey.scale: an nps goes from 0 to 10: call another scale csat"),
    ("survey: {kind: nps, template: day_14_survey, better: low}", "survey.better: of an nps the high end is the better one"),
    ("survey: {kind: ces, template: day_14_survey, scale: [1, 5]}", "survey: a scale is stated with its direction: `scale: [1, 5]` and `better: high` or `better: low`"),
    ("survey: {kind: csat, template: day_14_survey}", "survey: a scale is stated with its direction: `scale: [1, 5]` and `better: high` or `better: low`"),
    ("survey: {kind: goal, template: day_14_survey, better: low}", "survey: a scale is stated with its direction: `scale: [1, 5]` and `better: high` or `better: low`"),
    ("survey: {kind: ces, template: day_14_survey, scale: [5, 1], better: low}", "survey.scale: expected the lower end first, got [5, 1]"),
    ("email: day_0_welcome\n    survey: {kind: goal, template: day_14_survey}", "survey: a touch is one letter a channel: this has `email` too: give one a play of its own"),
    ("in_app: first_login\n    survey: {kind: goal, template: first_login, channel: in_app}", "survey: a touch is one letter a channel: this has `in_app` too: give one a play of its own"),
    ("set: {}", "set: this sets nothing: give `owner`, `tag`, `unlock` or `traits`"),
    ("set: {tag: vpi}", "set.tag: unknown trait `vpi` (did you mean `vip`?)"),
    ("set: {unlock: [vip, team]}", "set.unlock[1]: `team` takes a value of type number, got True"),
    ("set: {tag: vip, traits: {vip: false}}", "set.traits.vip: `vip` is set twice"),
    ("set: {traits: {touch: hihg}}", "set.traits.touch: `touch` takes one of high, tech, got 'hihg' (did you mean `high`?)"),
    ("set: {traits: {touch: null}}", "set.traits.touch: `touch` takes one of high, tech, got None"),
    ("email: day_0_welcome\n    prefer: in_app", "prefer: `prefer` chooses between `email` and `in_app`: this play does not have both"),
    ("webhook: crm\n    to: champion", "to: `to` is for a play that writes to people"),
    ("survey: {kind: goal, template: day_14_survey}\n    at: 23:00", "at: 23:00 lies outside the send window"),
]
# fmt: on


@pytest.mark.parametrize(("written", "actions"), WRITTEN, ids=[written for written, _ in WRITTEN])
def test_each_action(written: str, actions: tuple[Action, ...]) -> None:
    """Every way of writing an action gives its value."""
    assert compiled(bent(TRAITS, (MAIL, f"    {written}\n"))).plays["hello"].actions == actions


@pytest.mark.parametrize(("written", "message"), REFUSED, ids=[written for written, _ in REFUSED])
def test_each_mistake(written: str, message: str) -> None:
    """Each mistake is one problem, at its path."""
    given = written if "at: 23" not in written else written.replace("\n    at: 23:00", "")
    changes = [TRAITS, (MAIL, f"    {given}\n")]
    if given != written:
        changes.append(('    at: "09:00"\n', "    at: 23:00\n"))
    (problem,) = told(bent(*changes))
    assert problem.endswith((f" plays.hello.{message}", f": plays.hello.{message}"))


def test_a_note_in_the_product_may_come_at_any_hour() -> None:
    """What is no mail is not held against the send window."""
    text = bent((MAIL, "    in_app: first_login\n"), ('at: "09:00"', "at: 23:00"))
    assert compiled(text).plays["hello"].policy.at == time(23)


def test_mail_until_a_milestone_then_in_app() -> None:
    """The playbook says from which milestone on it writes in-app, a play which of both it wants."""
    both = (MAIL, f"{MAIL}    in_app: first_login\n    prefer: email\n")
    book = compiled(bent(("anchor: signed_up\n", "anchor: signed_up\nin_app_from: warm\n"), both))
    assert (book.in_app_from, book.plays["hello"].prefer) == ("warm", Channel.EMAIL)
    assert (compiled().in_app_from, compiled().plays["hello"].prefer) == (None, None)


def test_an_unknown_milestone_to_write_in_app_from() -> None:
    """A milestone that the playbook does not have is named with the nearest."""
    (problem,) = told(bent(("anchor: signed_up\n", "anchor: signed_up\nin_app_from: wram\n")))
    assert problem == "p.yaml:3:14: in_app_from: unknown milestone `wram` (did you mean `warm`?)".replace("14: ", "14 ")


@pytest.mark.parametrize("written", ["16h", "16 business hours", "960 minutes"])
def test_a_deadline_counts_working_time_however_it_is_written(written: str) -> None:
    """`due` is always working time, so that saying so changes nothing."""
    work = f"    escalate: {{template: no_login, severity: low, category: scope, owner: csm, due: {written}}}\n"
    (action,) = compiled(bent((MAIL, work))).plays["hello"].actions
    assert isinstance(action, Escalate)
    assert action.due == timedelta(hours=16)
