import pytest

from orchestrator.messaging.address import normalise
from orchestrator.messaging.errors import AddressError


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("ann@northwind.example", "ann@northwind.example"),
        ("  Ann.O'Kafor+News@Northwind.EXAMPLE\n", "ann.o'kafor+news@northwind.example"),
        ("ann@müller.example", "ann@xn--mller-kva.example"),
        ("ann@XN--MLLER-KVA.example", "ann@xn--mller-kva.example"),
        ("ann@例え.jp", "ann@xn--r8jz45g.jp"),
    ],
)
def test_an_address_has_one_spelling(written: str, normal: str) -> None:
    """However an address is written, it is kept in one spelling, and that one stays as it is."""
    assert normalise(written) == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize(
    "written",
    [
        "", "ann", "@northwind.example", "ann@", "ann@localhost", "ann@northwind..example", "ann@-x.example",
        "a@b@c.example",
        "Ann <ann@northwind.example>", "ann @northwind.example", ".ann@x.example", "ann.@x.example",
        '"ann o"@x.example',
        "ann@[127.0.0.1]", "ann@127.0.0.1", "ann@x.example\r\nBcc: all@x.example", "ann\x00@x.example", "änn@x.example",
        "ann@x.example,bob@x.example", "mailto:ann@x.example", "ann@straße.example", f"{'a' * 65}@x.example",
        f"ann@{'a' * 64}.example", "ann@" + "a." * 200 + "example", "😀" * 1_000_000, "ann@x.example>",
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused(written: str) -> None:
    """What is no address, or none that this product can send to, is refused in a short sentence."""
    with pytest.raises(AddressError) as refused:
        normalise(written)
    assert 10 < len(str(refused.value)) < 500
