"""What a playbook says of windows, quiet hours, holidays, caps, gaps and the holdout, and what it may not say of them."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

import re
import subprocess
import sys
from datetime import date, time, timedelta

import pytest

from orchestrator.core.calendars import Hours
from orchestrator.core.conditions import Literal
from orchestrator.core.playbook import Caps, Gaps, Holdout, Quiet
from orchestrator.playbook import public_holidays
from tests.playbook.small import HOUSE, bent, compiled, told

SEND = '  send: {days: [mon, fri], from: "09:00", to: "17:00"}'
WORKING = '  working: {days: [mon], from: "00:00", to: "24:00"}'
QUIET = '\n  quiet: {from: "21:00", to: "08:00"}'
MAIL = "    email: day_0_welcome\n"
TOUCH = "    touch: {one_of: [high, tech], default: tech}"
KEEPS = (SEND, SEND[:-1] + ", holidays: true}")
CAPS = "caps: {per_day: 1, per_week: 3}"
AT = '    at: "09:00"\n'


def test_quiet_hours() -> None:
    """Quiet hours are wall-clock times; their end may be that of the day."""
    assert compiled(bent((SEND, SEND + QUIET))).quiet == Quiet(begins=time(21), ends=time(8))
    evening = QUIET.replace("08:00", "24:00")
    assert compiled(bent((SEND, SEND + evening))).quiet == Quiet(begins=time(21), ends=time(0))
    assert compiled().quiet is None


@pytest.mark.parametrize(
    ("window", "hours"),
    [
        ("{days: [sat, sun]}", Hours(weekdays=frozenset({5, 6}), opens=time(9), closes=time(17))),
        ('{from: "07:00"}', Hours(weekdays=frozenset({0, 4}), opens=time(7), closes=time(17))),
        ('{to: "24:00"}', Hours(weekdays=frozenset({0, 4}), opens=time(9), closes=None)),
    ],
)
def test_a_window_of_its_own_says_what_differs(window: str, hours: Hours) -> None:
    """A play's own window takes from the playbook's what it does not say."""
    play = compiled(bent((MAIL, f"{MAIL}    window: {window}\n"))).plays["hello"]
    assert play.policy.window == hours
    assert compiled().plays["hello"].policy.window is None


def test_a_play_may_send_at_a_time_of_its_own_window() -> None:
    """``at`` is held against the play's own window, not against the playbook's."""
    early = bent((AT, '    at: "07:30"\n    window: {from: "07:00"}\n'))
    assert compiled(early).plays["hello"].policy.at == time(7, 30)


def test_holidays_are_kept_where_the_playbook_says_so() -> None:
    """Mail, silences and working time each keep to holidays by a word of their own; without one nothing does."""
    assert compiled().holidays is None
    sends = compiled(bent(KEEPS)).holidays
    silence = compiled(bent((SEND, SEND + "\n  silence: {holidays: true}"))).holidays
    assert sends is not None and silence is not None  # noqa: PT018 -- both
    assert (sends.send, sends.silence) == (True, False)
    assert (silence.send, silence.silence) == (False, True)
    assert sends.edition == silence.edition == "holidays 0.109"
    assert date(2026, 10, 3) in sends.dates["DE"]


def test_working_time_leaves_out_the_vendors_holidays() -> None:
    """The vendor's country closes its holidays, and the list is named in what wakes rest on."""
    playbook = compiled(bent((WORKING, WORKING[:-1] + ", country: de-by}")))
    assert date(2026, 1, 6) in playbook.working.closed  # Epiphany, in Bavaria
    assert date(2026, 1, 7) not in playbook.working.closed
    assert playbook.holidays is not None


def test_countries_and_their_parts() -> None:
    """A code names a country, or a part of one; an unknown part has its country's holidays, an unknown country none."""
    dates, epiphany = public_holidays.PublicHolidays(), date(2026, 1, 6)
    assert [epiphany in dates[code] for code in ("DE", "DE-BY", " de-by ", "DE-XX")] == [False, True, True, False]
    assert date(2026, 10, 3) in dates["DE-XX"]
    assert dates.get("XX") is None
    assert len(dates) == len(list(dates)) > 200


def test_holidays_are_known_for_the_years_that_rules_reach() -> None:
    """Outside of 1990 to 2100 no day is a holiday, and what is no date is none."""
    found = public_holidays.PublicHolidays()["US"]
    assert [date(year, 1, 1) in found for year in (1989, 1990, 2100, 2101)] == [False, True, True, False]
    assert "2026-01-01" not in found


@pytest.mark.parametrize("code", sorted(public_holidays.PublicHolidays()))
def test_every_country_can_be_asked(code: str) -> None:
    """No country of the list stops a decision, whatever it knows of a year."""
    assert isinstance(date(2026, 12, 25) in public_holidays.PublicHolidays()[code], bool)


def test_the_library_is_loaded_only_where_it_is_used() -> None:
    """A playbook that keeps to no holidays does not pay for them."""
    code = "import sys; from tests.playbook.small import shipped; shipped('b2b-saas'); print('holidays' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_gaps_caps_of_accounts_and_the_holdout() -> None:
    """Each is said by a key of its own; without it nothing is held back for its sake."""
    whole = bent(
        (
            CAPS,
            "caps: {per_day: 1, per_week: 3, account: {per_day: 2, per_week: 5}}\ngaps: {message: 20h}\nholdout: {share: 0.1, salt: winter}",
        )
    )
    playbook, bare = compiled(whole), compiled()
    assert playbook.account_caps == Caps(day=2, week=5)
    assert playbook.gaps == Gaps(message=timedelta(hours=20))
    assert compiled(bent((CAPS, CAPS + "\ngaps: {survey: 30d}"))).gaps == Gaps(survey=timedelta(days=30))
    assert playbook.holdout == Holdout(share=0.1, salt="winter")
    assert (bare.account_caps, bare.gaps, bare.holdout) == (None, None, None)


def test_drafts() -> None:
    """Drafts are asked for by yes, no or a condition, of the playbook or of a play."""
    whole = compiled(bent((CAPS, CAPS + "\ndraft: touch == 'high'"), (MAIL, f"{MAIL}    draft: false\n")))
    assert whole.draft is not None
    assert whole.draft.text == "touch == 'high'"
    assert whole.plays["hello"].policy.draft == Literal(value=False, text="false")
    assert compiled().draft is compiled().plays["hello"].policy.draft is None


def test_the_example_of_the_language_page_says_all_of_it() -> None:
    """What the page shows of windows, caps, gaps, drafts and the holdout is what the language takes."""
    page = (HOUSE / "templates" / "playbooks" / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(windows:\n.*?)plays:\n.*?```", page, flags=re.DOTALL)
    playbook = compiled(bent((f"windows:\n{SEND}\n{WORKING}\n{CAPS}\n", shown)))
    assert None not in {playbook.quiet, playbook.account_caps, playbook.gaps, playbook.draft, playbook.holdout}
    assert playbook.holidays is not None


# fmt: off
REFUSED = [
    ([(SEND, SEND + QUIET.replace("08:00", "21:00"))], "29:30 windows.quiet.to: quiet hours that end when they begin would be all day, or none"),
    ([(SEND, SEND + '\n  quiet: {from: "08:00", to: "18:00"}'), (AT, "")], "29:10 windows.quiet: the quiet hours leave nothing of this window"),
    ([(SEND, SEND + '\n  quiet: {from: "08:00", to: "09:30"}')], "35:9 plays.hello.at: 09:00 lies in the quiet hours"),
    ([(AT, '    at: "07:30"\n')], "34:9 plays.hello.at: 07:30 lies outside the send window"),
    ([(MAIL, f"{MAIL}    window: {{}}\n")], "36:13 plays.hello.window: a window of its own needs `days`, `from` or `to`"),
    ([(MAIL, f'{MAIL}    window: {{from: "18:00"}}\n'), (AT, "")], "35:5 plays.hello.window: the window must close after it opens, on the same day"),
    ([(SEND, SEND + QUIET), (MAIL, f'{MAIL}    window: {{from: "22:00", to: "24:00"}}\n'), (AT, "")], "36:13 plays.hello.window: the quiet hours leave nothing of this window"),
    ([(WORKING, WORKING[:-1] + ", country: DF}")], "29:63 windows.working.country: unknown country `DF`: write DE, or DE-BY for a part with holidays of its own"),
    ([(WORKING, WORKING[:-1] + ", country: DE-XX}")], "29:63 windows.working.country: unknown country `DE-XX`: write DE, or DE-BY for a part with holidays of its own"),
    ([(CAPS, CAPS[:-1] + ", account: {per_day: 3, per_week: 2}}")], "30:65 caps.account.per_week: a week cannot hold fewer mails than one of its days"),
    ([(CAPS, CAPS + "\ngaps: {}")], "31:7 gaps: gaps need `message` or `survey`"),
    ([(CAPS, CAPS + "\ngaps: {survey: 0d}")], "31:16 gaps.survey: a gap must be longer than nothing"),
    ([(CAPS, CAPS + "\ngaps: {message: 0h}")], "31:17 gaps.message: a gap must be longer than nothing"),
    ([(CAPS, CAPS + "\ngaps: {massage: 2h, message: 1h}")], "31:8 gaps.massage: unknown key `massage` (did you mean `message`?)"),
    ([(CAPS, CAPS + "\nholdout: {share: 10, salt: a}")], "31:18 holdout.share: expected a number of at most 1, got 10"),
    ([(CAPS, CAPS + "\nholdout: {share: 0.1}")], "31:1 holdout: missing key `salt`"),
    ([(CAPS, CAPS + "\ndraft: 5")], "31:8 draft: expected true, false or a condition, got 5"),
    ([(CAPS, CAPS + "\ndraft: touch == 'hihg'")], "31:17 draft: `touch` is never 'hihg', only high, tech (did you mean `high`?)"),
    ([(MAIL, f"{MAIL}    draft: logn\n")], "36:12 plays.hello.draft: unknown name `logn` (did you mean `login`?)"),
    ([KEEPS, (TOUCH, f"{TOUCH}\n    country: {{default: Germany}}")], "10:24 vocabulary.traits.country.default: unknown country `Germany`: write DE, or DE-BY for a part with holidays of its own"),
]
# fmt: on


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_each_mistake_is_named_with_its_place(changes: list[tuple[str, str]], message: str) -> None:
    """One mistake gives one problem: file, line, column, path, and what is wrong."""
    assert told(bent(*changes)) == [f"p.yaml:{message}"]


def test_a_country_that_no_window_rests_on_is_not_checked() -> None:
    """A playbook that keeps to no holidays may call its countries what it likes."""
    assert told(bent((TOUCH, f"{TOUCH}\n    country: {{default: Germany}}"))) == []
