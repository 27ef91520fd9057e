"""Files of events: JSON lines and rows, plain or gzipped, each line with its place, in bounded memory."""

import gzip
import io
from pathlib import Path

import orjson
import pytest

from orchestrator.intake import files
from orchestrator.intake.columns import BadMappingError, Columns, columns_of
from orchestrator.intake.files import Line, NotReadableError, lines


def read(name: str, content: bytes, *words: str) -> list[Line]:
    """The lines of a file with this content."""
    return list(lines(name, io.BytesIO(content), columns_of(None, words)))


def calls(name: str, content: bytes, *words: str) -> list[dict[str, object]]:
    """The calls of a file of rows, without the ids that were made for them."""
    return [
        {key: value for key, value in orjson.loads(line.raw).items() if key != "messageId"}
        for line in read(name, content, *words)
    ]


def test_lines_have_their_numbers() -> None:
    """Blank lines are counted and left out; a mark at the beginning and other line ends are no matter."""
    found = read("a.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n\n  {"b": 2}\n\n{"c": 3}')
    assert [(line.number, line.raw) for line in found] == [(1, b'{"a": 1}'), (3, b'{"b": 2}'), (5, b'{"c": 3}')]


def test_what_is_packed_is_judged_by_its_content() -> None:
    """A gzipped file needs no ending that says so, may have several parts, and a lying ending harms nothing."""
    packed = gzip.compress(b"{1}\n") + gzip.compress(b"{2}\n")
    assert [line.raw for line in read("a.jsonl", packed)] == [b"{1}", b"{2}"]
    assert [line.raw for line in read("a.jsonl.gz", b"{1}\n")] == [b"{1}"]


def test_a_torn_file_gives_what_it_holds_and_says_so() -> None:
    """What comes before the tear is given; then the reader is told which file breaks off."""
    packed = gzip.compress(b"".join(b'{"line": %d}\n' % number for number in range(50_000)))
    found: list[Line] = []

    with pytest.raises(NotReadableError, match=r"torn\.jsonl\.gz"):
        found.extend(lines("torn.jsonl.gz", io.BytesIO(packed[: len(packed) // 2])))
    assert len(found) > 100


def test_a_line_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the beginning of what is too long is held, it is refused by name, and the next line stands."""
    monkeypatch.setattr(files, "LONGEST_LINE", 10)
    first, second = read("a.jsonl", b"x" * 1000 + b"\n{2}\n")
    assert (first.number, first.raw) == (1, b"x" * 10)
    assert first.fault is not None
    assert (first.fault.reason, second.raw, second.fault) == ("too_large", b"{2}", None)


def test_columns_are_known_by_their_own_names() -> None:
    """A file whose columns are called account, person, event, time and id needs no mapping; the rest are properties."""
    (line,) = read(
        "a.csv", b"id,account,person,event,time,seats,vip,code,note\n1,acme,u,Login,2024-01-31,3,TRUE,007,\n"
    )
    assert orjson.loads(line.raw) == {
        "type": "track",
        "messageId": "1",
        "timestamp": "2024-01-31",
        "userId": "u",
        "context": {"groupId": "acme"},
        "event": "Login",
        "properties": {"seats": 3, "vip": True, "code": "007"},
    }


def test_a_file_of_accounts_or_of_people() -> None:
    """With a type, rows are group or identify calls, and the other columns are traits."""
    (group,) = calls("a.csv", b"org,arr,since\nacme,1200.5,2024\n", "account=org", "type=group", "time=since")
    told = {"type": "group", "timestamp": "2024", "groupId": "acme", "traits": {"arr": 1200.5}}
    assert group == told
    (person,) = calls("a.tsv", b"who\temail\torg\nu\ta@b.c\tacme\n", "person=who", "type=identify")
    traits = {"email": "a@b.c", "org": "acme"}
    assert person == {"type": "identify", "userId": "u", "traits": traits}


@pytest.mark.parametrize("word", ["tab", "\\t", "\t"])
def test_what_stands_between_columns_can_be_said(word: str) -> None:
    """A tab has a name that a command line can hold; without a word the file's ending decides."""
    (call,) = calls("a.txt", b"account\tevent\nacme\tLogin\n", "account=account", "event=event", f"delimiter={word}")
    assert call["event"] == "Login"


def test_one_event_for_all_rows_and_other_names_for_columns(tmp_path: Path) -> None:
    """A YAML file says what happened in every row, what a column is called as a property, and which are none."""
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("account: org\nname: Signed Up\nrename: {pl: plan}\nignore: [x, gone]\ntime: at\n")
    source = io.BytesIO(b"org,pl,x,at\nacme,pro,1,1704067200\nacme,pro,2,1704067200123\n")
    found = [orjson.loads(line.raw) for line in lines("a.csv", source, columns_of(mapping))]
    assert [(call["event"], call["properties"]) for call in found] == [("Signed Up", {"plan": "pro"})] * 2
    assert [call["timestamp"] for call in found] == ["2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00.123000+00:00"]


def test_a_row_has_an_id_of_its_content() -> None:
    """The same row has the same id wherever it stands; another has another."""
    first, second, again = read("a.csv", b"account,event\nacme,Login\nacme,Logout\nacme,Login\n")
    ids = [orjson.loads(line.raw)["messageId"] for line in (first, second, again)]
    assert (ids[0] == ids[2], ids[0] == ids[1]) == (True, False)


def test_rows_of_several_lines_and_rows_that_do_not_fit() -> None:
    """A quoted cell may hold line ends; a row with other cells than the header, or of other bytes, is refused alone."""
    content = b'account,event,note\nacme,Login,"two\nlines"\nacme,Login\nacme,\xff,x\n\nacme,Logout,\n'
    whole, short, other, last = read("a.csv", content)
    assert (whole.number, whole.fault, orjson.loads(whole.raw)["properties"]) == (3, None, {"note": "two\nlines"})
    assert short.fault is not None
    assert (short.number, short.fault.reason, orjson.loads(short.raw)) == (4, "bad_field", ["acme", "Login"])
    assert other.fault is not None
    assert (other.fault.reason, last.number, last.fault) == ("not_utf8", 7, None)


def test_an_empty_file_is_nothing() -> None:
    """Neither kind of file needs a line."""
    assert read("a.csv", b"") == read("a.jsonl", b"") == read("a.csv", b"account,event\n") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["account=nobody"], "no column nobody"),
        (["rename"], "expected KEY=COLUMN"),
        (["acount=org"], "`acount` is not known"),
        (["account=org", "type=alias"], "track, group, identify, page or screen"),
        (["account=org", "delimiter=;;"], "one character"),
        (["account="], "the name of a column"),
        (["event=org"], "no column is known to be the account or the person"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_whole(words: list[str], told: str) -> None:
    """Nothing of a file is read by a mapping that names what it has not, or says what cannot be."""
    with pytest.raises(BadMappingError, match=told):
        read("a.csv", b"org,event\nacme,Login\n", *words)


def test_a_mapping_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    mapping = tmp_path / "mapping.yaml"
    for text in ("- a\n", "a: [\n"):
        mapping.write_text(text)
        with pytest.raises(BadMappingError, match=r"mapping\.yaml"):
            columns_of(mapping)
    assert columns_of(None) is None
    mapping.write_text("ignore: x, y\naccount: org\n")
    assert columns_of(mapping) == Columns(account="org", ignore=("x", "y"))
