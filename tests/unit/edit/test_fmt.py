"""Files as people write them, and as fmt leaves them."""

# ruff: noqa: E501, ISC004
from __future__ import annotations

import pytest

from reconciler.commands.fmt import format_stream
from reconciler.errors import ConfigurationError

CASES = {
    "sections stand as they need each other": (
        "webhooks: []\ncontacts:\n  - email: a@example.com\ntags:\n  - VIP\n",
        "tags:\n  - VIP\n\ncontacts:\n  - email: a@example.com\n\nwebhooks: []\n",
    ),
    "keys and items keep their order": (
        "contacts:\n  - lifecycle: {prevent_destroy: true}\n    tags: [B, A]\n    email: b@example.com\n  - email: a@example.com\n",
        None,
    ),
    "two blanks deeper, and one behind": (
        "tags:\n- VIP\n-   name:    B\n    handle:   b\n",
        "tags:\n  - VIP\n  - name: B\n    handle: b\n",
    ),
    "a dash alone takes its first key": (
        "contacts:\n  -\n    # hers\n    email: a@example.com\n",
        "contacts:\n  # hers\n  - email: a@example.com\n",
    ),
    "blank lines": (
        "\n\ntags:\n\n  - A\n\n\n\n  - B\ncontacts:\n  - email: a@example.com\n\n\n",
        "tags:\n\n  - A\n\n  - B\n\ncontacts:\n  - email: a@example.com\n",
    ),
    "blanks at the end of lines, and other line breaks": ("tags:   \r\n  - A \t\r\n", "tags:\n  - A\n"),
    "no line break at the end": ("tags: [A]", "tags: [A]\n"),
    "a mark of UTF-8": ("\ufefftags: [A]\n", "tags: [A]\n"),
    "quotes and escapes stay": (
        "contacts:\n  - \"email\": a@example.com\n    first_name: \"Ann \\u00e9\\x41\"\n    tags: ['it''s', \"x y\", 'no']\n",
        None,
    ),
    "text that YAML would read as something else": (
        "contacts:\n  - email: a@example.com\n    phone_number: +336\n    locale: no\n"
        "    fields: {a: 01234, c: ~, d: 1e3, e: 12:30, f: 2024-01-01}\n",
        None,
    ),
    "brackets": (
        "tags: [ B,A ,{ name : C ,handle: c} ]\n",
        "tags: [B, A, {name: C, handle: c}]\n",
    ),
    "brackets over several lines": (
        "contacts:\n    - email: a@example.com\n      tags: [\n            A,\n          B ]  # two\n",
        "contacts:\n  - email: a@example.com\n    tags: [A, B] # two\n",
    ),
    "braces of a single pair": ('contacts:\n  - email: a@example.com\n    tags: [A, {id: "1"}]\n', None),
    "a block below brackets with comments": (
        "tags:\n  # one\n  - {name: A}  # two\n  - name: B\n    handle: b\n",
        None,
    ),
    "brackets that are too long": (
        "contacts:\n  - {email: somebody.with.a.name@example.com, fields: {"
        + ", ".join(f"field_{n}: value {n}" for n in range(5))
        + "}}\n",
        "contacts:\n  - email: somebody.with.a.name@example.com\n    fields: {"
        + ", ".join(f"field_{n}: value {n}" for n in range(5))
        + "}\n",
    ),
    "comments stay where they were, or as near as they were": (
        "tags:\n    - name: A     # far\n      handle: aaa # near\n    - name: Bbbbbb  # aligned\n      handle: b  # two\n",
        "tags:\n  - name: A       # far\n    handle: aaa   # near\n  - name: Bbbbbb    # aligned\n    handle: b    # two\n",
    ),
    "comments at the end of a block belong to it": (
        "contacts:\n  - email: b@example.com\n    # first_name: B\n  - email: a@example.com\n  # - email: c@example.com\n"
        "tags: [A]\n",
        "tags: [A]\n\ncontacts:\n  - email: b@example.com\n    # first_name: B\n  - email: a@example.com\n"
        "  # - email: c@example.com\n",
    ),
    "comments in the place of a value": (
        "contacts:\n  # - email: a@example.com\ntags: [A]\n",
        "tags: [A]\n\ncontacts:\n  # - email: a@example.com\n",
    ),
    "the head of a file stays its head": (
        "# yaml-language-server: $schema=x.json\n# About it.\ncontacts: []\n# about tags\ntags: []\n",
        "# yaml-language-server: $schema=x.json\n# About it.\n\n# about tags\ntags: []\n\ncontacts: []\n",
    ),
    "a heading goes along, and what is at the end stays there": (
        "# Head.\n\n# People\n\ncontacts: []\n\n# Words\n\ntags: []\n\n# tags:\n#   - C\n",
        "# Head.\n\n# Words\n\ntags: []\n\n# People\n\ncontacts: []\n\n# tags:\n#   - C\n",
    ),
    "texts of several lines": (
        "contacts:\n    - fields:\n            a: |\n                one\n                  two\n\n                three\n"
        "            b: >-\n              folded\n            c: 'x\n              y'\n      email: a@example.com\n",
        "contacts:\n  - fields:\n      a: |\n        one\n          two\n\n        three\n"
        "      b: >-\n        folded\n      c: 'x y'\n    email: a@example.com\n",
    ),
    "blank lines that are content": (
        "contacts:\n  - email: a@example.com\n    first_name: |+\n      A\n\n\n    last_name: B\n",
        None,
    ),
    "how deep a text is written": (
        "contacts:\n    - email: a@example.com\n      first_name: |2\n          A\n",
        "contacts:\n  - email: a@example.com\n    first_name: |2\n        A\n",
    ),
    "anchors": (
        "contacts:\n  - &a {email: b@example.com}\n  - email: c@example.com\n    fields: &f\n         x: 1\n"
        "  - <<: *a\n    email: a@example.com\n    fields: *f\n",
        "contacts:\n  - &a {email: b@example.com}\n  - email: c@example.com\n    fields: &f\n      x: 1\n"
        "  - <<: *a\n    email: a@example.com\n    fields: *f\n",
    ),
    "a document that says so": ("---\ntags:\n- A\n", "---\ntags:\n  - A\n"),
    "settings": (
        "environments:\n  prod:\n    vars: {b: 1, a: 2}\n    connection: x\nformat: 1\n# All of it\nfiles: [b, a]\n",
        "format: 1\n# All of it\nfiles: [b, a]\nenvironments:\n  prod:\n    vars: {b: 1, a: 2}\n    connection: x\n",
    ),
    "only comments": ("\n\n# one  \n\n\n\n# two", "# one\n\n# two\n"),
    "nothing": ("\n \n", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file(name: str) -> None:
    """Before and after; the second time nothing changes."""
    before, after = CASES[name]
    paper = format_stream(before.encode())
    assert paper.note == ""
    assert paper.after.decode() == (before if after is None else after)
    assert not format_stream(paper.after).differs


def test_brackets_become_a_block_in_a_block() -> None:
    """What is too long even on a line of its own goes on, level by level."""
    names = [f"Course number {number}" for number in range(12)]
    text = f"contacts:\n  - email: a@example.com\n    courses: [{', '.join(names)}]\n"
    lines = format_stream(text.encode()).after.decode().splitlines()
    assert lines[2:5] == ["    courses:", "      - Course number 0", "      - Course number 1"]


def test_utf_16_becomes_utf_8() -> None:
    """As every other file of a project."""
    assert format_stream("tags: [é]\n".encode("utf-16")).after == "tags: [é]\n".encode()


NOTES = {
    "tags: [A]  # a\u2028\n": "line breaks",
    "tags:\n  - A\ncontacts:\n  - email: a@example.com\n    tags: [  # these\n      A ]\n": "a comment in line 5 would be lost",
    "tags:\n  - &b {name: B}\ncontacts:\n  - {email: &e a@example.com}\ntaggings:\n  - {tag: B, contact: *e}\n"
    "contact_fields:\n  - {slug: a, name: *e}\n": "alias",
}


@pytest.mark.parametrize("text", NOTES)
def test_what_is_left_alone_says_why(text: str) -> None:
    """Nothing moves that could not move safely."""
    paper = format_stream(text.encode())
    assert NOTES[text] in paper.note
    if "alias" not in paper.note:
        assert not paper.differs
    else:
        assert paper.after.decode().index("contacts:") < paper.after.decode().index("contact_fields:")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("tags: [A\n", "stdin:1:7: "),
        ("tags: [A]\ntags: [B]\n", "stdin:2:1: "),
        ("a: *x\n", "stdin:1:4: "),
        ("tags: [A]\n---\ntags: [B]\n", "stdin:2:1: "),
        ("tags:\n\t- A\n", "stdin:2:1: "),
    ],
)
def test_what_cannot_be_read(text: str, where: str) -> None:
    """The same findings as those of the loader."""
    with pytest.raises(ConfigurationError) as raised:
        format_stream(text.encode())
    assert str(raised.value).startswith(where)


@pytest.mark.parametrize("style", ["|-", ">"])
def test_a_comment_below_a_block_of_text_stays_a_comment(style: str) -> None:
    """Its column may be inside of the text, which is indented less than before."""
    text = f"tags:\n    -   name:  {style}\n          one\n\n        # 9\n        handle: t3\n"
    paper = format_stream(text.encode())
    assert paper.note == ""
    assert paper.after.decode() == f"tags:\n  - name: {style}\n      one\n\n    # 9\n    handle: t3\n"


def test_a_comment_stays_in_its_block_below_brackets_that_became_one() -> None:
    """Blocks are numbered: one more above must not move the comments of those that follow."""
    people = ", ".join(f"person-{number}@example.com" for number in range(4))
    kept = (
        "  - course: B\n    contacts:\n      - ann@example.com\n  - course: |-\n      C\n    # 9\n    contacts: []\n"
    )
    text = f"enrollments:\n  - {{course: A, modules: [a], contacts: [{people}]}}\n{kept}"
    paper = format_stream(text.encode())
    assert paper.note == ""
    assert paper.after.decode().endswith(kept)
