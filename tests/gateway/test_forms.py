"""The page behind a signed link: looking changes nothing, sending counts once, and nobody makes up a link."""

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from orchestrator.intake import links
from orchestrator.usecases.wake import wake
from tests.gateway.conftest import LINKS
from tests.gateway.live import Answer, Gateway, ask
from tests.gateway.test_accounts import facts
from tests.gateway.test_crm import now


def token(told: Gateway, account: str = "acme", form: str = "check-in", days: int = 14, secret: str = LINKS) -> str:
    at = now(told)
    return links.mint([secret], account, form, at, at + timedelta(days=days))


def look(told: Gateway, link: str, method: str = "GET") -> Answer:
    return ask(told.url, method, f"/f/{link}")


def send(told: Gateway, link: str, **fields: str) -> Answer:
    return told.send(f"/f/{link}", urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def nonce(page: Answer) -> str:
    found = re.search(rb'name="nonce" value="([^"]+)"', page.body)
    assert found is not None
    return found[1].decode()


def control(page: Answer, question: str) -> str:
    """The name of the first control of a question."""
    box = rb'name="(q\d+)"[^<]*>' + question.encode() + rb"</label>"
    listed = rb"<legend>" + question.encode() + rb'</legend>.*?name="(q\d+)"'
    found = re.search(box, page.body) or re.search(listed, page.body, flags=re.DOTALL)
    assert found is not None
    return found[1].decode()


def words(told: Gateway) -> list[tuple[str, dict[str, object]]]:
    """What was said of the account by humans."""
    wake(told.door.ports)
    with told.door.ports.engine.connect() as connection:
        query = "SELECT name, properties FROM events WHERE source = 'lifecycle' ORDER BY name"
        return [(row.name, row.properties) for row in connection.exec_driver_sql(query)]


def test_looking_changes_nothing(told: Gateway) -> None:
    """Link scanners send HEAD and GET, as often as they like."""
    link = token(told)
    for method in ("HEAD", "GET", "GET"):
        assert look(told, link, method).status == 200
    assert words(told) == []
    page = look(told, link).body.decode()
    assert "The kickoff was held" in page
    assert "Somebody there speaks for us" in page
    assert "what was agreed on has changed" not in page.lower()  # the account's playbook has no word for it


def test_what_is_sent_is_kept_once(told: Gateway) -> None:
    """The same page sent twice is one word each; a page that was opened anew may say more."""
    link = token(told)
    page = look(told, link)
    said = {
        "nonce": nonce(page),
        "by": "Mei Tan",
        control(page, "The kickoff was held"): "yes",
        f"{control(page, 'The kickoff was held')}-note": "Two <teams>",
        control(page, r"How do they feel about it\?"): "concerned",
        control(page, "Somebody there speaks for us"): "yes",
        control(page, "A goal of theirs, in their own words"): "Save an hour a week",
    }
    for _ in range(2):
        answer = send(told, link, **said)
        assert answer.status == 200
        assert b"Thank you" in answer.body
        assert b"Two &lt;teams&gt;" in answer.body
    assert words(told) == [
        ("goal_set", {"goal": "save_an_hour_a_week", "text": "Save an hour a week", "by": "Mei Tan"}),
        (
            "judgement_ticked",
            {"judgement": "champion_strong", "by": "Mei Tan", "evidence": "said on a page", "ticked": True},
        ),
        ("kickoff_completed", {"note": "Two <teams>", "by": "Mei Tan"}),
        ("sentiment_recorded", {"sentiment": "concerned", "by": "Mei Tan"}),
    ]
    assert send(told, link, **{**said, "nonce": nonce(look(told, link))}).status == 200
    assert len(words(told)) == 8


def test_what_is_missing_or_wrong_is_said_beside_it(told: Gateway) -> None:
    """Nothing is kept while there are faults, and what was filled in stays."""
    link = token(told)
    page = look(told, link)
    kickoff = control(page, "The kickoff was held")
    tomorrow = (now(told) + timedelta(days=1)).date().isoformat()
    answer = send(told, link, **{kickoff: "yes", f"{kickoff}-date": tomorrow, "nonce": "n"})
    assert answer.status == 400
    assert b"Say who you are." in answer.body
    assert b"A day up to today, please." in answer.body
    assert b"checked" in answer.body
    assert words(told) == []
    assert b"Nothing is filled in yet." in send(told, link, by="mei").body
    assert b"Choose one of these." in send(told, link, by="mei", **{kickoff: "perhaps"}).body
    assert b"but not this itself" in send(told, link, by="mei", **{f"{kickoff}-note": "x"}).body


def test_the_day_that_is_said_is_kept(told: Gateway) -> None:
    """What was held on a day happened at its noon."""
    link = token(told)
    kickoff = control(look(told, link), "The kickoff was held")
    day = (now(told) - timedelta(days=3)).date()
    assert send(told, link, by="mei", nonce="n", **{kickoff: "yes", f"{kickoff}-date": day.isoformat()}).status == 200
    wake(told.door.ports)
    micros = facts(told)["events"]["kickoff_completed"][1]
    assert micros // 1_000_000 // 3600 % 24 == 12


@pytest.mark.parametrize(
    ("changes", "status", "told_of"),
    [
        ({"days": -1}, 410, b"expired"),
        ({"secret": "another-secret-that-is-not-ours-at-all"}, 404, b"does not work"),
        ({"account": "acne"}, 404, b"not there any more"),
        ({"form": "nothing"}, 404, b"not there any more"),
    ],
)
def test_a_link_that_does_not_work_says_so(
    told: Gateway, changes: dict[str, object], status: int, told_of: bytes
) -> None:
    """Expired, forged, and of what is gone: a page that says it, and nothing is kept."""
    link = token(told, **changes)  # type: ignore[arg-type]  # its own parameters
    for answer in (look(told, link), send(told, link, by="mei", q0="yes")):
        assert (answer.status, told_of in answer.body) == (status, True)
    assert words(told) == []


@pytest.mark.parametrize("link", ["x", "W10.x", "%00", "x" * 3000, "a.b.c"])
def test_what_is_no_link_is_none(told: Gateway, link: str) -> None:
    """Whatever stands in the address, it is a page that says so."""
    assert look(told, link).status == 404


def test_the_page_loads_nothing_and_tells_nobody(told: Gateway) -> None:
    """No script, no asset of anybody's, no referrer, no frame, no cache; the policy allows this very style."""
    page = look(told, token(told))
    style = re.search(rb"<style>(.*?)</style>", page.body, flags=re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"'sha256-{digest}'" in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(rb"<script|<img|<link|https?://| style=", page.body)


class Labels(HTMLParser):
    """Which controls a page has, and which of them have a name that is read out."""

    def __init__(self) -> None:
        super().__init__()
        self.named: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "label":
            self.inside += "for" not in found
            self.named.add(found.get("for") or "")
        if tag in {"input", "textarea", "select"} and found.get("type") != "hidden":
            found["named"] = "yes" if self.inside or "aria-label" in found else None
            self.controls.append(found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "label" and self.inside:
            self.inside -= 1


def test_each_control_has_a_name_that_is_read_out(told: Gateway) -> None:
    """Whoever does not see the page hears what each control is."""
    labels = Labels()
    labels.feed(look(told, token(told)).body.decode())
    assert len(labels.controls) > 5
    for each in labels.controls:
        assert each["named"] or each.get("id") in labels.named, each


def test_several_secrets_may_sign(told: Gateway) -> None:
    """A new secret signs, and links of the old one work until they expire."""
    at = now(told)
    link = links.mint(["old"], "acme", "check-in", at, at + timedelta(days=1))
    assert links.opened(["new", "old"], link, at).account == "acme"
    assert links.mint(["new", "old"], "a", "f", at, at) == links.mint(["new"], "a", "f", at, at)
    with pytest.raises(links.NoLinkError):
        links.opened(["new"], link, at)
