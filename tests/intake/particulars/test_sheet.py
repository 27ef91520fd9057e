"""A CSV file is read row by row, however it was written, and each bad row is named by its line."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.events import Json
from orchestrator.intake.particulars.sheet import Form, Row, SheetError, opened

PLAIN = "account,arr,Renewal At\nacme,100,2026-12-31\n"


def rows(path: Path, content: str | bytes, **form: Any) -> list[Row]:  # noqa: ANN401 -- fields of Form
    file = path / "accounts.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with opened(file, Form(**form)) as sheet:
        return list(sheet.rows)


ACME: dict[str, Json] = {"arr": "100", "renewal_at": "2026-12-31"}


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (PLAIN.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + PLAIN.encode(), "UTF_8"),
        (PLAIN.replace(",", ";").encode(), "latin-1"),
        (PLAIN.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"), "utf-16"),
        (gzip.compress(PLAIN.replace(",", "|").encode()), "utf-8"),
    ],
    ids=["plain", "mark", "semicolons", "tabs", "gzip"],
)
def test_a_file_is_read_however_it_was_written(tmp_path: Path, content: bytes, encoding: str) -> None:
    """Delimiter, byte order mark, line ends and gzip are found; the encoding is named."""
    (row,) = rows(tmp_path, content, encoding=encoding)
    assert (row.line, row.account, row.body) == (2, "acme", ACME)


def test_names_with_dots_are_objects(tmp_path: Path) -> None:
    """A person or champion is told in columns of its own; an empty cell says nothing."""
    header = "account,champion.email,person.id,person.consent,person.consent.source,owner.name"
    content = f"{header}\nacme,a@b.example,u-1,out,CRM,\n"
    (row,) = rows(tmp_path, content)
    assert row.body == {
        "champion": {"email": "a@b.example"},
        "people": [{"id": "u-1", "consent": {"status": "out", "source": "CRM"}}],
    }


def test_columns_are_led_to_fields(tmp_path: Path) -> None:
    """A mapping says where a field stands; one column may be two fields, and the others may be left out."""
    mapping = {"account": "Account ID", "contract_end": "Ends", "renewal_at": "Ends"}
    content = "Account ID,Ends,Secret\nacme,31.12.2026,x\n"
    (row,) = rows(tmp_path, content, mapping=mapping, dates="%d.%m.%Y", only_mapped=True)
    assert (row.account, row.body) == ("acme", {"contract_end": "2026-12-31", "renewal_at": "2026-12-31"})


def test_a_word_clears(tmp_path: Path) -> None:
    """Only the word that was agreed on clears a field."""
    (row,) = rows(tmp_path, "account,arr,seats\nacme,-,\n", clears="-")
    assert row.body == {"arr": None}


def test_bad_rows_are_named_and_the_others_go_in(tmp_path: Path) -> None:
    """Bytes, cells and quotes that are wrong cost their row only; lines are counted through quoted breaks."""
    content = b'account,name\nacme,"two\nlines"\nfew\n\nbolt,M\xfcller\n' + b"huge," + b"x" * 200_000 + b"\nlast,ok\n"
    found = rows(tmp_path, content)
    assert [(row.line, row.account or row.complaint) for row in found] == [
        (2, "acme"),
        (4, "expected 2 cells as in the header, got 1"),
        (6, "column name: bytes that are no utf-8; --encoding names another"),
        (7, "field larger than field limit (131072)"),
        (8, "last"),
    ]


def test_a_torn_archive_gives_what_it_has(tmp_path: Path) -> None:
    """What could be unpacked goes in; that the file breaks off is said."""
    lines = "".join(f"a-{number},{number}\n" for number in range(20_000))
    found = rows(tmp_path, gzip.compress(("account,arr\n" + lines).encode())[:-2000])
    assert found[0].account == "a-0"
    assert "breaks off" in found[-1].complaint


@pytest.mark.parametrize(
    ("content", "form", "told"),
    [
        ("", {}, "expected a header"),
        ("arr\n1\n", {}, "--map account=COLUMN"),
        ("account,a,a\n", {}, "two columns have one name: a"),
        (PLAIN, {"mapping": {"arr": "ARR"}}, "has no column ARR"),
        (PLAIN, {"encoding": "klingon"}, "no encoding 'klingon'"),
        (b"\x1f\x8bnonsense", {}, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_refused(
    tmp_path: Path, content: str | bytes, form: dict[str, Any], told: str
) -> None:
    """What is wrong with the whole file is said before anything goes in."""
    with pytest.raises(SheetError, match=told):
        rows(tmp_path, content, **form)


def test_a_field_leads_back_to_its_column(tmp_path: Path) -> None:
    """A complaint names the column of the file, not only our field."""
    file = tmp_path / "accounts.csv"
    file.write_text("account,Ends,person.email\n")
    with opened(file, Form(mapping={"renewal_at": "Ends"})) as sheet:
        named = [sheet.column(each) for each in ("renewal_at", "people[0].email", "contract_end")]
    assert named == ["Ends", "person.email", "contract_end"]
