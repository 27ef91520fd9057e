from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.messaging.context import plain_text
from orchestrator.messaging.dialect import Dialect, rendered, sealed
from orchestrator.messaging.errors import RenderError
from orchestrator.messaging.markdown import read

BODY = Dialect(sealed)


class Reader(HTMLParser):
    """What a mail program makes of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def said(source: str, value: str) -> tuple[Reader, str]:
    body = read(rendered(BODY.compiled(source), {"v": value}))
    return Reader(body.html), body.text


HOSTILE = [
    "**[x](http://evil)** <b>", "<script>alert(1)</script>", "[a]: http://evil 'x'", "![p](http://evil/p.png)",
    "`code`", "# big",
    "&lt;&amp;", "\\*x\\*", "<http://evil>", "1. one", "- one", "> q", "---", "a|b", "{{ product.url }}",
    "{% raw %}", "&#60;b&#62;",
]  # fmt: skip


@pytest.mark.parametrize("source", ["{{ v }}", "Hello {{ v }},", "- {{ v }}", "**{{ v }}**", "# {{ v }}", "> {{ v }}"])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_shown_literally(source: str, value: str) -> None:
    """A value that looks like Markdown or HTML is shown as it is, in both forms, wherever it stands."""
    innocent, _ = said(source, "Ann")
    reader, text = said(source, value)
    assert reader.tags == innocent.tags
    assert value in reader.text
    assert value in text


@given(st.text(min_size=1, max_size=60).map(plain_text).filter(bool))
def test_no_value_makes_markup(value: str) -> None:
    """No value whatsoever adds a tag or is changed on its way to the reader."""
    reader, _ = said("Dear {{ v }}, *welcome*.", value)
    assert reader.tags == ["p", "em"]
    assert reader.text.strip() == f"Dear {value}, welcome."


def test_a_value_in_a_link_is_encoded() -> None:
    """A whole address stays as it is; any other value becomes part of the address that it stands in."""
    assert (
        'href="https://x.example/?q=a%26b%20c%29"'
        in read(rendered(BODY.compiled("[go](https://x.example/?q={{ v }})"), {"v": "a&b c)"})).html
    )
    assert (
        'href="https://x.example/?a=1&amp;b=2"'
        in read(rendered(BODY.compiled("[go]({{ v }})"), {"v": "https://x.example/?a=1&b=2"})).html
    )


@pytest.mark.parametrize("value", ["javascript:alert(1)", "evil", "data:text/html;x", "//evil.example"])
def test_a_link_leads_somewhere_or_nowhere(value: str) -> None:
    """A link made of something that is no address is an error."""
    with pytest.raises(RenderError, match="http, https or mailto"):
        read(rendered(BODY.compiled("[go]({{ v }})"), {"v": value}))


@pytest.mark.parametrize("source", ["<b>x</b>", "<script>x</script>", "![p](https://x.example/p.png)"])
def test_the_source_has_no_html_and_no_pictures(source: str) -> None:
    """HTML in the source is shown as text, and no picture is loaded."""
    html = read(source).html
    assert "<b>" not in html
    assert "<script" not in html
    assert "<img" not in html


def test_the_plain_text_reads_well() -> None:
    """Paragraphs, lists, quotes and links keep their shape in plain text."""
    source = (
        "# Title\n\nOne *word* and [a link](https://x.example).\nSame line.  \nNext.\n\n- a\n- b\n  - c\n\n"
        "3. x\n4. y\n\n> quoted\n\n---\n\n`code`\n\n    block"
    )
    assert read(source).text == (
        "Title\n\nOne word and a link (https://x.example). Same line.\nNext.\n\n- a\n- b\n  - c\n\n"
        "3. x\n4. y\n\n> quoted\n\n--------------------\n\ncode\n\n    block"
    )


def test_long_lines_are_wrapped() -> None:
    """Plain text is wrapped, and what belongs to a list stays under it."""
    lines = read("- " + "word " * 40).text.splitlines()
    assert max(map(len, lines)) <= 76
    assert all(line.startswith("  ") for line in lines[1:])
