"""E-mail addresses: one identity, one rule for what may be written, one guess at what was meant."""

from __future__ import annotations

import unicodedata

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.email import PATTERN, fault, identity, is_valid, spellings

#: Letters that case folding, compatibility forms or composition make equal to others.
TRICKY = "aAbBkKsSiIßſẞﬁ\u212aςσΣéÉe\u0301E\u0130ıåÅ\u212bA\u030aｋ①"
ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

texts = st.text(alphabet=TRICKY, min_size=1, max_size=4).map(lambda name: f"{name}@example.com")


def reference(text: str) -> str:
    """NFC with ASCII letters in lower case; the Kelvin sign is no ASCII letter."""
    return unicodedata.normalize("NFC", text.replace("\u212a", "\ue000")).translate(ASCII_LOWER)


@given(texts, texts)
def test_two_spellings_are_one_person_only_by_composition_and_ascii_case(one: str, other: str) -> None:
    """Neither case folding nor compatibility forms make two addresses one."""
    assert (identity(one) == identity(other)) == (reference(one) == reference(other))


@given(texts)
def test_every_form_of_an_address_is_the_same_person(text: str) -> None:
    """Composed or decomposed."""
    assert {identity(each) for each in spellings(text)} == {identity(text)}
    assert identity(identity(text)) == identity(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße@example.com", "strasse@example.com"),
        ("ﬁona@example.com", "fiona@example.com"),
        ("\u212aay@example.com", "kay@example.com"),
        ("jeſſ@example.com", "jess@example.com"),
        ("nikoς@example.com", "nikoσ@example.com"),
        ("ÉVA@example.com", "éva@example.com"),
        ("ｋay@example.com", "kay@example.com"),
    ],
)
def test_look_alikes_are_two_people(one: str, other: str) -> None:
    """What only more than NFC and ASCII case makes equal."""
    assert identity(one) != identity(other)


@given(st.text(alphabet="aB.@-+' \u200b\ufeff\u00ad\u00e9;<\"\n\x85\u3164", max_size=12))
def test_the_pattern_of_the_schema_is_the_rule(text: str) -> None:
    """The validator of files, whose regular expressions are not Python's, accepts the same texts."""
    approval = jsonschema_rs.Draft7Validator({"pattern": PATTERN})
    assert approval.is_valid(text) == is_valid(text) == (fault(text) is None)


@given(st.text(alphabet="ab.@;, <>\"'|\u200b\u00a0", min_size=1, max_size=14))
def test_what_is_proposed_may_be_written(text: str) -> None:
    """A proposal is another text, and valid."""
    found = fault(text)
    assert found is None or not found.meant or (found.meant != text and is_valid(found.meant))


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com",
        "o'brien@example.com",
        "a+b=c/d%e@mail.example.org",
        "jos\u00e9@ex\u00e4mple.com",
        "x@b-c.example.com",
    ],
)
def test_addresses_that_may_be_written(address: str) -> None:
    """Letters of every script, and the signs that mailboxes have."""
    assert fault(address) is None


@pytest.mark.parametrize(
    ("litter", "meant"),
    [
        ("mailto:ann@example.com", "ann@example.com"),
        ("mailto:ann@example.com?subject=Hi", "ann@example.com"),
        ("bob@example.com;", "bob@example.com"),
        ("cy@example.com.", "cy@example.com"),
        ("<ed@example.com>", "ed@example.com"),
        ("Ed <ed@example.com>", "ed@example.com"),
        ('"ed@example.com"', "ed@example.com"),
        ("'ed@example.com'", "ed@example.com"),
        ("\u201ced@example.com\u201d", "ed@example.com"),
        ("ivy@example..com", "ivy@example.com"),
        (".jo@example.com", "jo@example.com"),
        ("jo.@example.com", "jo@example.com"),
        ('="ann@example.com"', "ann@example.com"),
        ("ann@example.com;Ann", "ann@example.com"),
        ("Ann|ann@example.com", "ann@example.com"),
        ("ann @ example.com", "ann@example.com"),
        ("ann@example,com", "ann@example.com"),
        ("ann\uff20example.com", "ann@example.com"),
        ("o\u2019brien@example.com", "o'brien@example.com"),
        ("ann@-a.example.com", ""),
        ("ann@a_b.example.com", ""),
        ("Email|Name", ""),
        ("ann", ""),
    ],
)
def test_litter_is_refused_with_the_address_that_was_meant(litter: str, meant: str) -> None:
    """What comes along when an address is pasted."""
    found = fault(litter)
    assert found is not None
    assert (found.unseen, found.meant) == ("", meant)


@pytest.mark.parametrize(
    "code", [0x200B, 0xFEFF, 0x202A, 0x202E, 0xAD, 0x2060, 0x3164, 0x115F, 0x1F, 0x85, 0xA0, 0xE0041]
)
@pytest.mark.parametrize("place", [0, 2, 15])
def test_invisible_characters_are_named_with_their_place(code: int, place: int) -> None:
    """At either end and inside."""
    plain = "ann@example.com"
    found = fault(plain[:place] + chr(code) + plain[place:])
    assert found is not None
    assert found.unseen.startswith(f"U+{code:04X} (")
    assert found.at == place + 1
    if not (chr(code).isspace() and place == 2):
        assert found.meant == plain
