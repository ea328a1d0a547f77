"""However a project is written, fmt says the same in one way; and what pull writes is that way already."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from hypothesis import event, example, given, reject
from hypothesis import strategies as st

from reconciler.commands.fmt import format_stream
from reconciler.commands.project import Invocation
from reconciler.edit import fmt
from reconciler.emulator import Account, Emulator
from reconciler.errors import ConfigurationError
from reconciler.kinds.contact import LOCALES
from reconciler.kinds.webhook import EVENTS
from tests.properties.sloppy import Writer
from tests.properties.test_pull import NAMES, TEXT, accounts
from tests.properties.worlds import World, some
from tests.support.project import Project
from tests.support.workspace import opened

PARTS = [
    *("a: ", "b: ", "tags:", "contacts:", "- ", "-", "\n", "\n", "\n  ", "\n    ", "\n\n", " ", "# c\n", " # d\n"),
    *("|\n", ">-\n", "|+\n", "|2\n", "&x ", "*x", "!!str ", "[", "]", "{", "}", ", ", '"q"', "'s'", "word", "? "),
    *("---\n", "...\n", "<<: ", "name: ", "email: ", "no", "1", "\t", "\r\n", "'\n  '", '"\\\n"', "#", ":", "\u2028"),
]
PEOPLE = ["zed@example.com", "ann@example.com", "Bo+no@example.com", "1@example.com"]
VALUES = TEXT.map(lambda text: text.replace("$", "")).filter(lambda text: bool(text.strip()) and "\x07" not in text)
SAFE = VALUES.filter(lambda text: not re.search("[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f]", text))


@st.composite
def documents(draw: st.DrawFn) -> World:
    """What a file may declare: every section, short and long forms, values of every sort."""
    tags = draw(st.lists(NAMES.filter(lambda text: "$" not in text), unique_by=str.casefold, max_size=4))
    slugs = draw(some(["company", "no", "f_1"]))
    made: World = {
        "tags": [{"name": tag, "handle": f"t{at}"} if draw(st.booleans()) else tag for at, tag in enumerate(tags)],
        "contact_fields": [{"slug": slug, "name": draw(SAFE)} for slug in slugs],
        "contacts": [draw(_person(email, slugs, tags)) for email in draw(some(PEOPLE))],
        "webhooks": [
            {
                "name": name,
                "url": f"https://{name}.example.com/",
                "secret": {"env": "HOOK"},
                "active": False,
                "events": draw(some(list(EVENTS))) or ["SALE_NEW"],
                "lifecycle": {"prevent_destroy": True},
            }
            for name in draw(some(["crm", "billing"]))
        ],
        "enrollments": [
            {
                "course": course,
                "access": "partial_access",
                "modules": draw(st.lists(SAFE, min_size=1, max_size=3)),
                "contacts": draw(some(PEOPLE)) or PEOPLE[:1],
            }
            for course in draw(some(["Zen", "Art", "Yoga: 2"]))
        ],
        "memberships": [{"community": {"path": "club"}, "contacts": PEOPLE}] if draw(st.booleans()) else [],
    }
    return {section: items for section, items in made.items() if items}


@st.composite
def _person(draw: st.DrawFn, email: str, slugs: list[str], tags: list[str]) -> World:
    person: World = {"email": email}
    if draw(st.booleans()):
        person |= {"first_name": draw(SAFE), "locale": draw(st.sampled_from([*LOCALES[:3], None]))}
    if slugs and draw(st.booleans()):
        person["fields"] = {
            slug: draw(SAFE | st.just("A long value. " * 9).map(str.strip) | st.none()) for slug in slugs
        }
    if draw(st.booleans()):
        person["tags"] = draw(some(tags))
    return person


#: A comment beside the dash of an item. Below a block of text ruamel.yaml would write it as a part of that text.
BESIDE_A_DASH = re.compile(r"^ *- +#", re.MULTILINE)


def formatted(text: str) -> str:
    """The text that fmt makes; it leaves alone only what would lose a comment in brackets, or beside a dash."""
    paper = format_stream(text.encode())
    if "would change a value" in paper.note and BESIDE_A_DASH.search(text):
        assert paper.after == text.encode()
        reject()
    assert paper.note == "" or ("would be lost" in paper.note and paper.after == text.encode())
    return paper.after.decode()


def comments(text: str) -> list[str]:
    """Every comment that the writer made: they all end with a number."""
    return sorted(found.rstrip() for found in re.findall(r"# (?:x: \[y\] )?\d+[ \t]*$", text, re.MULTILINE))


def desired(folder: Path, text: str) -> dict[str, Any]:
    """The compiled state of a project of one file, where each stands left out."""
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    state = opened(
        Path("site.yaml"), Invocation(folder, {"HOOK": "secret", "RECONCILER_ENV_ALLOW": "HOOK"}, {})
    ).state
    return {str(each.address): (dict(each.attrs), each.lifecycle) for each in state.resources.values()}


@given(document=documents(), random=st.randoms(use_true_random=False))
def test_it_says_the_same_in_one_way(tmp_path_factory: Any, document: World, random: Random) -> None:
    """The same state, the same comments; doing it again changes nothing, and order in the file tells nothing."""
    folder = tmp_path_factory.mktemp("fmt")
    text = Writer(random).write(document) if document else "# 1\n"
    result = formatted(text)
    if result == text:
        event("unchanged")
        return
    assert formatted(result) == result
    assert comments(result) == comments(text)
    assert desired(folder, result) == desired(folder, text)
    assert not re.search(r"\n\n\n| \n|\n\n\Z|\A\n", result)


@given(document=documents(), random=st.randoms(use_true_random=False))
def test_sections_stand_in_one_order(document: World, random: Random) -> None:
    """Without comments and aliases, however the sections were ordered."""
    texts = []
    for _ in range(2):
        shuffled = dict(random.sample(list(document.items()), len(document)))
        texts.append(formatted(Writer(Random(0), calm=True).write(shuffled) if shuffled else "# 1\n"))
    assert list(yaml.safe_load(texts[0]) or {}) == list(yaml.safe_load(texts[1]) or {})
    if len(document) > 1:
        assert len(texts[0].split("\n\n")) == len(document)


@given(document=documents(), random=st.randoms(use_true_random=False))
def test_simple_files_need_not_be_written(document: World, random: Random) -> None:
    """What is taken as it is, ruamel.yaml would write as it is."""
    text = Writer(random, calm=True).write(document) if document else "# 1\n"
    result = formatted(text)
    event("simple" if fmt._is_canonical(result.split("\n")) else "written")
    with patch.object(fmt, "_is_canonical", return_value=False):
        assert formatted(text) == result
        assert formatted(result) == result


SIMPLE = """\
# A comment
# above all

tags:
  - VIP
  - name: Größe 1:2 (a/b)
    handle: b

contacts:
  - email: a+b@example.com
    first_name: 'no'
    last_name: "say: #1"
    locale: no
    fields:
      birthday: 2024-01-01
      time: 12:30
      url: https://example.com/a
    tags:
      - VIP
      - 01234
    lifecycle: {prevent_destroy: true, ignore: x}
  - email: b@example.com
    tags: [VIP, B]
    fields:

webhooks: []
"""


@pytest.mark.parametrize("line", range(len(SIMPLE.split("\n"))))
def test_simple_lines(line: int) -> None:
    """Every line is simple; with a blank more before it, or with one line less, the file is still formatted alike."""
    lines = SIMPLE.split("\n")
    assert fmt._is_canonical(lines)
    for changed in ([*lines[:line], " " + lines[line], *lines[line + 1 :]], [*lines[:line], *lines[line + 1 :]]):
        with contextlib.suppress(ConfigurationError):
            result = formatted("\n".join(changed))
            with patch.object(fmt, "_is_canonical", return_value=False):
                assert formatted("\n".join(changed)) == result


@given(text=st.lists(st.sampled_from(PARTS), max_size=25).map("".join))
@example("a: |+\n b\n\n\n")
@example("? a\n: b\n")
@example("--- a\n")
@example("a: &x [1]\nb: *x\n")
@example("tags: [a\n, b]\n")
@example("|\n\n")
@example("tags:|\n\n")
def test_whatever_can_be_read_stays_what_it_is(text: str) -> None:
    """Any text: refused, left alone, or the same in one way."""
    try:
        paper = format_stream(text.encode())
    except ConfigurationError:
        event("not YAML")
        return
    event(paper.note or "formatted")
    again = format_stream(paper.after)
    assert again.after == paper.after
    assert again.note == paper.note


@given(seed=accounts(), csv_source=st.booleans())
def test_what_pull_writes_is_as_it_should_be(
    server: Emulator, make_account: Callable[..., Account], tmp_path_factory: Any, seed: World, csv_source: bool
) -> None:
    """Nothing would change in a pulled project."""
    project = Project(tmp_path_factory.mktemp("pulled"), server, make_account(seed))
    pulled = project.run("pull", *(["--csv"] if csv_source else []))
    assert pulled.code == 0, pulled.err
    checked = project.run("fmt", "--diff", "--check")
    assert (checked.out, checked.code) == ("", 0)
