"""The small values: addresses, escapes, origins, references, secrets."""

import pytest

from reconciler.model.values import Address, Origin, Ref, Secret, clean, escape, unescape


def test_an_address_is_its_text_and_back() -> None:
    """``tagging/ann@example.com/VIP`` splits at the first slash only."""
    address = Address.parse("tagging/ann@example.com/VIP")
    assert address == Address("tagging", "ann@example.com/VIP")
    assert str(address) == "tagging/ann@example.com/VIP"


@pytest.mark.parametrize("text", ["", "tag", "tag/", "/VIP"])
def test_what_has_no_kind_or_no_key_is_no_address(text: str) -> None:
    """The message says how one is written."""
    with pytest.raises(ValueError, match="kind/key"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("text", "shown"), [("  VIP \t", "VIP"), ("Cafe\u0301", "Caf\u00e9"), ("\u00a0Zoe\u0308\u2003", "Zo\u00eb")]
)
def test_names_are_compared_trimmed_and_composed(text: str, shown: str) -> None:
    """NFC, and no white space around, of any alphabet."""
    assert clean(text) == shown


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("VIP", "VIP"),
        ("a/b", "a%2Fb"),
        ("50%", "50%25"),
        ("%2F", "%252F"),
        ("#1", "%231"),
        ("@home", "%40home"),
        ("?x", "%3Fx"),
        ("a#b@c?", "a#b@c?"),
        ("#a/b", "%23a%2Fb"),
        ("", ""),
    ],
)
def test_escaping_a_part_can_be_undone(part: str, key: str) -> None:
    """Slash and percent everywhere; ``#``, ``@`` and ``?`` only where they would mean something."""
    assert escape(part) == key
    assert unescape(key) == part


def test_a_secret_shows_its_source_only() -> None:
    """Neither repr nor str holds the value."""
    secret = Secret("env:NAME", "hush")
    assert "hush" not in repr(secret) + str(secret)
    assert "env:NAME" in str(secret)


def test_origins_and_references_read_as_people_write_them() -> None:
    """``file:line:column`` and ``kind/key``."""
    assert str(Origin("site.yaml", 4, 5)) == "site.yaml:4:5"
    assert str(Ref(Address("tag", "VIP"))) == "tag/VIP"
