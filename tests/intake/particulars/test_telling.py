"""What is told becomes calls that count once, however often they are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from orchestrator.core.events import Json
from orchestrator.intake.particulars.dossier import Consent, Dossier, Somebody
from orchestrator.intake.particulars.fields import UnusableError
from orchestrator.intake.particulars.telling import Acquaintance, Teller, calls, person_id

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TELLER = Teller(source="crm", received_at=NOW)
ANN = Somebody(id=None, email="ann@acme.example", traits={"email": "ann@acme.example", "name": "Ann"})
KNOWN = Acquaintance(ids={"ann@acme.example": "u-1"}, champions=frozenset({"u-2"}))


def told(teller: Teller = TELLER, known: Acquaintance = KNOWN, **parts: Any) -> list[dict[str, Any]]:  # noqa: ANN401 -- fields of a dossier
    dossier = Dossier(account="acme", **{"traits": {}, **parts})
    return [orjson.loads(call) for call in calls(dossier, teller, known)]


def ids(*args: Any, **parts: Any) -> list[str]:  # noqa: ANN401 -- as above
    return [call["messageId"] for call in told(*args, **parts)]


def test_the_same_told_again_is_the_same_event() -> None:
    """Told twice as of one instant, the ids are equal; another value, another instant or another teller is another."""
    first = ids(traits={"arr": 1, "seats": 2})
    assert first == ids(traits={"seats": 2, "arr": 1})
    assert first != ids(traits={"arr": 2, "seats": 2})
    assert first != ids(replace(TELLER, at=NOW - timedelta(days=1)), traits={"arr": 1, "seats": 2})
    assert first != ids(replace(TELLER, source="import"), traits={"arr": 1, "seats": 2})


def test_under_a_key_of_the_tellers_a_retry_is_the_same_call() -> None:
    """With a key the whole call is the same whenever it comes: it has no time but its reception."""
    keyed = replace(TELLER, key="k-1")
    later = replace(keyed, received_at=NOW + timedelta(hours=1))
    assert told(keyed, traits={"arr": 1}) == told(later, traits={"arr": 1})
    assert "timestamp" not in told(keyed, traits={"arr": 1})[0]
    assert ids(keyed, traits={"arr": 1}) != ids(replace(keyed, key="k-2"), traits={"arr": 1})


def test_the_champion_is_one_person() -> None:
    """Whoever is told to be the champion is known by the address, and whoever was it is so no more."""
    champion, before = told(champion=ANN)
    assert (champion["userId"], champion["traits"]["role"]) == ("u-1", "champion")
    assert (before["userId"], before["traits"]) == ("u-2", {"role": None})
    assert champion["context"] == {"groupId": "acme"}


def test_no_champion_any_more() -> None:
    """Who was the champion loses the role."""
    (before,) = told(no_champion=True)
    assert (before["userId"], before["traits"]) == ("u-2", {"role": None})


def test_a_stranger_gets_an_id_that_hides_the_address() -> None:
    """Of whom only the address is known, the id is made of it, and does not show it."""
    (call,) = told(people=(replace(ANN, email="Bo@acme.example"),))
    assert call["userId"] == person_id("bo@acme.example")
    assert "bo" not in call["userId"].removeprefix("mail-")


def test_consent_is_told_in_the_words_of_the_core() -> None:
    """The person's call says what was said of consent, where, and when."""
    consent = Consent(given=True, source="form", at="2026-03-01T00:00:00+00:00", resubscribe=True)
    (call,) = told(people=(replace(ANN, consent=consent),))
    assert {name: value for name, value in call["traits"].items() if name.startswith("consent")} == {
        "consent": "given",
        "consent_source": "form",
        "consent_at": "2026-03-01T00:00:00+00:00",
        "consent_resubscribe": True,
    }


def test_an_empty_dossier_opens_the_account() -> None:
    """Who only names an account tells that there is one."""
    (call,) = told(known=Acquaintance())
    assert (call["type"], call["groupId"], call["traits"]) == ("group", "acme", {})


def deep(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", ["x" * 40_000, "a\0b", deep(120), deep(400)])
def test_what_the_stream_could_not_carry_is_refused_here(value: Json) -> None:
    """Too large, too deep or unstorable is said at once, not found by the drain."""
    with pytest.raises(UnusableError, match=r"^the whole: expected"):
        told(traits={"odd": value})


def test_a_time_far_ahead_is_refused() -> None:
    """What is told as of next year is a mistake."""
    with pytest.raises(UnusableError, match="bad_timestamp"):
        told(as_of=NOW + timedelta(days=400), traits={"arr": 1})
