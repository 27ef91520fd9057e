"""The command ``lifecycle`` on an installation: what a person types and reads."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from orchestrator.runtime.servers import stop
from orchestrator.runtime.settings import Settings

pytestmark = pytest.mark.timeout(180)

CALLS = [
    {
        "type": "group",
        "messageId": "g-1",
        "userId": "u-1",
        "groupId": "acme",
        "timestamp": "2026-11-20T09:00:00Z",
        "traits": {"name": "Acme", "arr": 150000, "timezone": "Europe/Berlin"},
    },
    {
        "type": "identify",
        "messageId": "i-1",
        "userId": "u-1",
        "timestamp": "2026-11-20T09:00:00Z",
        "traits": {"email": "ann@acme.example", "name": "Ann Okafor", "role": "champion"},
    },
    {
        "type": "track",
        "messageId": "t-1",
        "userId": "u-1",
        "event": "Signed Up",
        "timestamp": "2026-11-20T09:00:00Z",
        "context": {"groupId": "acme"},
    },
]

NOW = datetime.now(UTC)  # of this run: what is found late is stale

DECIDE = """
from orchestrator.runtime.settings import Settings
from orchestrator.runtime.servers import serving
from orchestrator.runtime.composition import install
from orchestrator.usecases.drain import drain
settings = Settings.load()
with serving(settings) as addresses:
    ports = install(settings, addresses).ports
    for shard in range(settings.shards):
        drain(ports, shard, "test")
"""


WAKE = DECIDE.replace("drain import drain", "wake import wake").replace(
    """    for shard in range(settings.shards):
        drain(ports, shard, "test")
""",
    "    wake(ports)\n",
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A data folder with servers of its own that stay up while the module's tests run."""
    with tempfile.TemporaryDirectory(prefix="lc-cli-") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        from orchestrator.runtime.servers import start

        servers = start(Settings.load(home=home, database_url=None, redis_url=None))
        try:
            yield home
        finally:
            servers.leave()
            stop(Settings.load(home=home, database_url=None, redis_url=None))


@pytest.fixture(scope="module")
def lifecycle(home: Path) -> "Lifecycle":
    """The command, on a migrated installation that holds one account."""
    command = Lifecycle(home)
    command("migrate")
    file = home / "calls.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(call) for call in CALLS) + b"\n")
    command("events", "send", str(file))
    command.python(DECIDE)
    return command


class Lifecycle:
    def __init__(self, home: Path) -> None:
        unset = {"DATABASE_URL", "REDIS_URL", "STREAM_URL", "SMTP_URL"}
        kept = {name: value for name, value in os.environ.items() if name not in unset}
        self.environment = {**kept, "LIFECYCLE_HOME": str(home), "COLUMNS": "200"}

    def __call__(self, *arguments: str, status: int = 0) -> str:
        return self._run(["-m", "orchestrator.cli", *arguments], status)

    def python(self, script: str) -> str:
        return self._run(["-c", script], 0)

    def _run(self, arguments: list[str], status: int) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        told = done.stdout + done.stderr
        assert done.returncode == status, told
        return told


def test_migrate_publishes_the_playbook_and_can_be_repeated(lifecycle: Lifecycle) -> None:
    """A second migrate changes nothing and says which playbook is current."""
    assert re.search(r"playbook b2b-saas [0-9a-f]{16} is current", lifecycle("migrate"))


def test_show_tells_what_is_known_of_an_account(lifecycle: Lifecycle) -> None:
    """``account show`` names stage, the end of its window, facts, traits and people."""
    told = lifecycle("account", "show", "acme")
    for word in ("onboarding", "window of onboarding ends", "signed_up", "arr = 150000", "Ann Okafor", "champion"):
        assert word in told


@pytest.fixture
def scored(lifecycle: Lifecycle) -> Lifecycle:
    """Somebody at the account gave a low score, which is the director's work; a second time nothing is new."""
    call = {
        **CALLS[2],
        "messageId": "t-2",
        "event": "NPS Answered",
        "timestamp": NOW.isoformat(),
        "properties": {"score": 2},
    }
    file = Path(lifecycle.environment["LIFECYCLE_HOME"]) / "score.jsonl"
    file.write_bytes(orjson.dumps(call) + b"\n")
    lifecycle("events", "send", str(file))
    lifecycle.python(DECIDE)
    return lifecycle


def test_show_tells_the_owner_what_to_do(scored: Lifecycle) -> None:
    """Open work is shown with its owner, its deadline and the words of its template."""
    told = scored("account", "show", "acme")
    assert "cs_director, until" in told
    assert "Ann Okafor" in told.split("cs_director, until")[1]


def test_open_work_is_listed_and_handed_out(scored: Lifecycle) -> None:
    """``escalation list`` names owner, account and play; ``show`` prints the page, and what is not open is an error."""
    listed = scored("escalation", "list", "--owner", "cs_director")
    assert re.search(r"cs_director\W+acme\W+low_score_call", listed)
    assert "acme" not in scored("escalation", "list", "--owner", "nobody")
    page = scored("escalation", "show", "acme", "low_score_call")
    assert "critical, cs_director, until" in page
    assert "Where they stand." in page
    assert "No such work is open" in scored("escalation", "show", "acme", "nothing", status=2)


def test_why_explains_each_decision_and_what_is_to_come(lifecycle: Lifecycle) -> None:
    """``account why`` gives reason, trigger, clauses with values, zone, and the outlook."""
    told = lifecycle("account", "why", "acme")
    assert "day_0_welcome" in told
    assert "stale" in told or "due" in told
    assert "Europe/Berlin" in told
    assert "to come" in told


def test_why_of_one_play_tells_of_that_play_only(lifecycle: Lifecycle) -> None:
    """``account why ACCOUNT PLAY`` leaves the others out, and refuses a play that is none."""
    assert "day_14_survey" not in lifecycle("account", "why", "acme", "day_0_welcome")
    assert "no play of this name" in lifecycle("account", "why", "acme", "day_99", status=2)


def test_an_unknown_account_is_a_clear_error(lifecycle: Lifecycle) -> None:
    """No trace: one sentence that says what to do."""
    told = lifecycle("account", "show", "nobody", status=2)
    assert "no account of this id" in told
    assert "Traceback" not in told


def test_pause_and_resume_are_taken(lifecycle: Lifecycle) -> None:
    """A person can pause and resume an account, by name."""
    lifecycle("account", "pause", "acme", "--who", "Bo: on holiday")
    lifecycle("account", "resume", "acme", "--who", "Bo: back")
    lifecycle("account", "pause", "nobody", "--who", "Bo", status=2)


def test_words_of_humans_are_logged_and_shown(lifecycle: Lifecycle) -> None:
    """A goal is logged by name and shown; a judgement that the playbook does not have is refused."""
    lifecycle("account", "log", "goal", "acme", "save", "--by", "Bo", "--text", "Save an hour", "--measure", "login")
    lifecycle.python(WAKE)
    assert "goal save, open: Save an hour (0 of 1), set by Bo" in lifecycle("account", "show", "acme")
    lifecycle("account", "log", "goal", "acme", "save", "--by", "Bo", "--met")
    lifecycle.python(WAKE)
    assert "goal save, met: Save an hour" in lifecycle("account", "show", "acme")
    assert "say one of" in lifecycle("account", "log", "goal", "acme", "save", "--by", "Bo", status=2)
    told = lifecycle("account", "log", "override", "acme", "--by", "Bo", "--reason", "x", "--score", "9", status=2)
    assert "say --score and --until, or --lift" in told
    until = ("--score", "9", "--until", "2099-01-01")
    lifecycle("account", "log", "override", "acme", "--by", "Bo", "--reason", "x", *until)
    lifecycle.python(WAKE)
    assert "set by Bo until 2099-01-01 00:00 UTC: x" in lifecycle("account", "show", "acme")
    lifecycle("account", "log", "override", "acme", "--by", "Bo", "--reason", "x", "--lift")
    refused = lifecycle("account", "log", "judgement", "acme", "fluent", "--by", "Bo", status=2)
    assert "no judgement `fluent`" in refused


@pytest.mark.parametrize("command", ["acknowledge", "resolve"])
def test_only_an_open_signal_is_answered(lifecycle: Lifecycle, command: str) -> None:
    """A signal that is not open cannot be taken on or settled: one sentence says where the open ones are."""
    assert "no open signal of this name" in lifecycle("account", command, "acme", "absent", "--by", "Bo", status=2)


def test_check_names_the_line_of_a_mistake(lifecycle: Lifecycle, tmp_path: Path) -> None:
    """``playbook check`` refuses with file, line, column, path and what was perhaps meant."""
    shipped = Path("templates/playbooks/b2b-saas.yaml").read_text(encoding="utf-8")
    broken = tmp_path / "mine.yaml"
    broken.write_text(shipped.replace("only_while: not core_action", "only_while: not core_acton", 1), encoding="utf-8")
    line = broken.read_text(encoding="utf-8").splitlines().index("    only_while: not core_acton") + 1
    told = lifecycle("playbook", "check", str(broken), status=2).replace("\n", "")
    assert re.search(rf"mine\.yaml:{line}:\d+ plays\.day_1_core_feature\.only_while: .*core_action", told), told
    assert "in order" in lifecycle("playbook", "check", "templates/playbooks/b2b-saas.yaml")


def test_a_playbook_is_shown(lifecycle: Lifecycle, tmp_path: Path) -> None:
    """``playbook show`` lists the plays; with ``--resolved`` each value says from which file and line it comes."""
    listed = lifecycle("playbook", "show")
    assert "day_3_setup" in listed
    assert "escalate to" in listed
    own = tmp_path / "own.yaml"
    own.write_text("extends: b2b-saas\nmode: shadow\n", encoding="utf-8")
    whole = lifecycle("playbook", "show", str(own), "--resolved").replace("\n", " ")
    assert re.search(rf"mode: shadow +# {own}:2", whole)
    assert re.search(r"email: day_3_setup +# templates/playbooks/b2b-saas.yaml:\d+", whole)


def test_a_playbook_is_drawn(lifecycle: Lifecycle) -> None:
    """``playbook graph`` prints an SVG picture, or Mermaid."""
    assert lifecycle("playbook", "graph").startswith("<svg ")
    assert lifecycle("playbook", "graph", "--as", "mermaid").startswith("flowchart TB\n")


def test_the_schema_is_printed(lifecycle: Lifecycle) -> None:
    """``playbook schema`` prints JSON that names its dialect."""
    assert json.loads(lifecycle("playbook", "schema"))["$schema"].startswith("https://json-schema.org/")


def test_check_warns_of_what_is_hardly_meant(lifecycle: Lifecycle, tmp_path: Path) -> None:
    """A play that cannot fire is shown with a timeline; a warning fails only under ``--strict``."""
    shipped = Path("templates/playbooks/b2b-saas.yaml").read_text(encoding="utf-8")
    odd = tmp_path / "mine.yaml"
    odd.write_text(
        shipped.replace("    when: term == 'monthly'", "    when: term == 'monthly' and day < 7"), encoding="utf-8"
    )
    told = lifecycle("playbook", "check", str(odd))
    assert "plays.day_30_renewal.when: warning: this play can never fire" in told
    assert re.search(r"^    day  30 .* day_30_renewal is skipped: condition_false", told, flags=re.MULTILINE), told
    assert "in order, 1 warning." in told
    lifecycle("playbook", "check", str(odd), "--strict", status=1)
    lifecycle("playbook", "check", "templates/playbooks/b2b-saas.yaml", "--strict")


def test_check_looks_which_events_were_seen(lifecycle: Lifecycle, tmp_path: Path) -> None:
    """With ``--seen`` it tells the events of which the store knows none, and no others."""
    told = lifecycle("playbook", "check", "templates/playbooks/b2b-saas.yaml", "--seen")
    assert "the store has never seen `Logged In`, `Signed In`, `login`, `user.logged_in` [never-seen]" in told
    assert "vocabulary.events.signed_up" not in told


def test_check_says_when_nobody_looked(tmp_path: Path) -> None:
    """Without a database ``--seen`` says that it did not look."""
    told = Lifecycle(tmp_path)("playbook", "check", "templates/playbooks/b2b-saas.yaml", "--seen")
    assert "nobody looked which events were seen" in told
    assert "no warnings" in told


def test_doctor_says_what_is_missing_and_exits_1(lifecycle: Lifecycle) -> None:
    """Without workers the installation is not healthy, and the doctor says so."""
    told = lifecycle("doctor", status=1)
    assert "none answers" in told
    assert "PostgreSQL 18" in told


def test_doctor_names_a_misspelt_setting(lifecycle: Lifecycle) -> None:
    """A variable that looks like ours and is none is told, with the one that was meant."""
    other = Lifecycle(Path(lifecycle.environment["LIFECYCLE_HOME"]))
    other.environment["LIFECYCLE_SHARD"] = "8"
    assert "did you mean LIFECYCLE_SHARDS" in other("doctor", status=1)


def test_drafts_are_listed_and_answered_by_name(lifecycle: Lifecycle) -> None:
    """``message drafts`` lists; approving or discarding what is no draft is refused."""
    assert "subject" in lifecycle("message", "drafts", "--read")
    nothing = "00000000-0000-0000-0000-000000000001"
    for verb in ("approve", "discard"):
        assert "No draft" in lifecycle("message", verb, nothing, "--by", "mei", status=2)


def test_uncertain_messages_are_listed_and_settled_by_name(lifecycle: Lifecycle) -> None:
    """``message unknown`` lists; settling what is not uncertain is refused."""
    assert "Message-ID" in lifecycle("message", "unknown")
    nothing = "00000000-0000-0000-0000-000000000001"
    assert "No message" in lifecycle("message", "settle", nothing, "--arrived", status=2)


def test_merge_and_rename_leave_redirects(lifecycle: Lifecycle) -> None:
    """After a rename and a merge the first id shows the kept account; until then the line above it was shown."""
    call = {**CALLS[0], "messageId": "g-2", "groupId": "acme-old", "userId": "u-2", "traits": {"parent": "acme"}}
    file = Path(lifecycle.environment["LIFECYCLE_HOME"]) / "more.jsonl"
    file.write_bytes(orjson.dumps(call) + b"\n")
    lifecycle("events", "send", str(file))
    lifecycle.python(DECIDE)
    assert "acme-old is now acme-older" in lifecycle("account", "rename", "acme-old", "acme-older")
    assert "belongs to acme" in lifecycle("account", "show", "acme-old")
    shown = lifecycle("account", "show", "acme")
    assert "acme-older" in shown
    assert "the family: 2 accounts" in shown
    lifecycle("account", "merge", "acme-older", "acme")
    assert "acme" in lifecycle("account", "show", "acme-old")
    lifecycle("account", "merge", "acme-old", "acme", status=2)
    lifecycle("account", "rename", "acme-old", "acme-new", status=2)


def test_a_bad_setting_is_named(lifecycle: Lifecycle) -> None:
    """A value that cannot be used is refused with the name of its variable."""
    other = Lifecycle(Path(lifecycle.environment["LIFECYCLE_HOME"]))
    other.environment["LIFECYCLE_SHARDS"] = "many"
    assert "LIFECYCLE_SHARDS" in other("doctor", status=2)


def test_plans_and_audits_read_the_accounts(lifecycle: Lifecycle) -> None:
    """``audit``, ``plan staffing`` and ``plan segments`` find in the database what nobody has to say."""
    audited = lifecycle("audit")
    assert re.search(
        r"users = \d+ \(people that the database knows\)|new_users_per_month = \d+ \(people first", audited
    )
    assert "none of ours runs" not in audited
    assert "people first seen" not in lifecycle("audit", "--no-database")
    assert re.search(r"high-touch +│ 8 to 15 accounts +│ 1 to 1 for 1", lifecycle("plan", "staffing"))
    assert "enterprise: {where: {arr: [150000, null]}, touch: high, owner: csm}" in lifecycle("plan", "segments")


def test_the_board_reads_the_accounts(lifecycle: Lifecycle, tmp_path: Path) -> None:
    """``metrics`` counts the database's accounts, with what others reach beside each target."""
    book = tmp_path / "board.yaml"
    book.write_text("playbook: board\nextends: [b2b-saas, layers/checkpoints]\n", encoding="utf-8")
    lifecycle.environment["LIFECYCLE_PLAYBOOK"] = str(book)
    try:
        lifecycle("migrate")
        rows = {row["metric"]: row for row in json.loads(lifecycle("metrics", "--json"))}
    finally:
        del lifecycle.environment["LIFECYCLE_PLAYBOOK"]
    assert rows["programme_completed"]["population"] == 1
    assert rows["days_to_value"]["benchmark"] == 4.2
