"""Settings: one documented table, and errors that name the variable."""

import os
from pathlib import Path

import pytest

from orchestrator.runtime.settings import ClockKind, Settings, SettingsError


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        Settings.load()
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LIFECYCLE_SHARDS", "four", "integer"),
        ("LIFECYCLE_SHARDS", "0", "greater than or equal to 1"),
        ("LIFECYCLE_CLOCK", "sundial", "'system' or 'held'"),
        ("LIFECYCLE_APPENDFSYNC", "never", "'everysec' or 'always'"),
        ("MAIL_FROM", "nobody", "one e-mail address"),
        ("MAIL_FROM", "a@b.example\nBcc: c@d.example", "one line"),
        ("MAIL_UNSUBSCRIBE", "mailto:a@b@c", "one e-mail address"),
        ("MAIL_DOMAIN", "mail example", "a domain"),
        ("PRODUCT_URL", "app.example.com", "https://"),
        ("FLOWER_PORT", "123456", "65535"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """A bad value is refused with its variable, what was expected, and what it was."""
    (line,) = refusal(monkeypatch, **{name: value}).splitlines()
    assert line.startswith(f"{name}: ")
    assert said in line
    assert repr(value) in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u:secret@h/d"),
        ("REDIS_URL", "redis://:secret@h:99999999/0"),
        ("STREAM_URL", "http://:secret@h"),
        ("SMTP_URL", "smtp://u:secret@/"),
        ("SMTP_URL", "smtp://u:secret@h:port"),
        ("FLOWER_BASIC_AUTH", "secret"),
    ],
)
def test_a_refused_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A bad address is refused by the name of its variable, without the password in it."""
    message = refusal(monkeypatch, **{name: value})
    assert message.startswith(f"{name}: ")
    assert "secret" not in message


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bad variable has its line, and a default that rests on one has none."""
    message = refusal(monkeypatch, LIFECYCLE_SHARDS="x", MAIL_FROM="y")
    assert [line.partition(":")[0] for line in message.splitlines()] == ["LIFECYCLE_SHARDS", "MAIL_FROM"]


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repr of settings holds no password."""
    for name in ("DATABASE_URL", "REDIS_URL", "STREAM_URL", "SMTP_URL", "FLOWER_BASIC_AUTH"):
        scheme = {"DATABASE_URL": "postgresql://", "SMTP_URL": "smtp://", "FLOWER_BASIC_AUTH": ""}.get(name, "redis://")
        monkeypatch.setenv(name, f"{scheme}u:hush@h")
    monkeypatch.setenv("LINK_SECRET", "hush" * 8)
    monkeypatch.setenv("CRM_SECRETS", "hubspot=hush")
    assert "hush" not in f"{Settings.load()!r} {Settings.load()}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("LINK_SECRET", "short"), ("CRM_SECRETS", "hubspot"), ("CRM_SECRETS", "Hub=a"), ("PUBLIC_URL", "x")],
)
def test_a_secret_that_cannot_sign_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A secret that is too short, or of no source, is named, and not repeated."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: expected"):
        Settings.load()


def test_secrets_may_be_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is exchanged for another, both are accepted."""
    monkeypatch.setenv("LINK_SECRET", f"{'a' * 32} {'b' * 32}")
    monkeypatch.setenv("CRM_SECRETS", "hubspot=a hubspot=b=c other=d")
    settings = Settings.load()
    assert settings.link_secrets == ("a" * 32, "b" * 32)
    assert settings.crm_secrets_of("hubspot") == ("a", "b=c")
    assert settings.crm_secrets_of("none") == ()


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files set variables to nothing; that is no value."""
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("LIFECYCLE_SHARDS", "")
    settings = Settings.load()
    assert settings.database_url is None
    assert settings.shards == 4


def test_a_variable_of_the_shell_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME, which every shell sets, does not become the data folder."""
    monkeypatch.setenv("HOME", "/root")
    monkeypatch.setenv("CLOCK", "held")
    assert Settings.load().home == Path.cwd() / "var"
    assert Settings.load().clock is ClockKind.SYSTEM


def test_defaults_follow_what_they_rest_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The playbook lies in the templates, and the mail domain is the sender's, unless they are set."""
    monkeypatch.setenv("LIFECYCLE_TEMPLATES", str(tmp_path))
    monkeypatch.setenv("MAIL_FROM", "Ada <ada@mail.example>")
    settings = Settings.load()
    assert settings.playbook == tmp_path / "playbooks" / "b2b-saas.yaml"
    assert settings.mail_domain == "mail.example"
    assert settings.mail_unsubscribe == "unsubscribe@mail.example"


def test_a_keyword_goes_before_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller says by field name overrides the environment; an unknown name is refused."""
    monkeypatch.setenv("LIFECYCLE_SHARDS", "7")
    assert Settings.load(shards=3).shards == 3
    with pytest.raises(SettingsError, match="shard: there is no such setting"):
        Settings.load(shard=3)


def test_each_setting_is_documented() -> None:
    """Each setting has a variable, a sentence of help, and no secret for a default."""
    for setting in Settings.table():
        assert setting.name.isupper(), setting
        assert setting.help.endswith("."), setting


def test_each_default_of_the_table_is_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting each variable to its documented default changes nothing."""
    before = Settings.load()
    for setting in Settings.table():
        monkeypatch.setenv(setting.name, setting.default)
    assert Settings.load() == before


def test_a_misspelt_variable_is_noticed() -> None:
    """A variable that begins like ours and is none is told, with the name that was perhaps meant."""
    environment = {**os.environ, "LIFECYCLE_SHARD": "3", "LIFECYCLE_SHARDS": "3"}
    assert Settings.misspelt(environment) == {"LIFECYCLE_SHARD": "LIFECYCLE_SHARDS"}
