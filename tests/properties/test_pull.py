"""Any account, pulled, is what the files describe: nothing is left to write, and with --own nothing to take over."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from reconciler.emulator import Account, Emulator
from tests.properties.worlds import COURSES, ROOM, World, some
from tests.support.project import Project

ODD = [
    "no",
    "~",
    "null",
    "12",
    "1e3",
    "+331",
    "a: b",
    "x # y",
    "${var.x}",
    "$${",
    "{a}",
    "[b]",
    "- c",
    "&d",
    "*e",
    "!f",
    "%g",
    "@h",
    "`i`",
    "'",
    '"',
    "it's",
    "é",
    "日本",
    "😀",
    "a\tb",
    "a\nb",
    "a\u2028b",
    "trail:",
    "|",
    ">",
    "yes",
    "a,b",
    "a;b",
    "=1+1",
    "\x07bell",
    "\x7f",
    "<<",
    "?",
    "2024-01-01",
    "0x1F",
    ".inf",
    "'=1",
    "''+x",
    "-1",
    "\uff1dx",
    "'",
    "a\\b",
    "a\r\nb",
]
TEXT = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
LOCALES = st.sampled_from(["en", "no"])
NAMES = TEXT.map(str.strip).filter(lambda text: bool(text) and len(text) < 60)


@st.composite
def accounts(draw: st.DrawFn) -> World:
    """Small accounts with odd names; of courses some have one name."""
    tags = draw(st.lists(NAMES, unique_by=str.casefold, max_size=4))
    tags += [other for tag in tags[:1] if (other := unicodedata.normalize("NFD", tag)) not in tags]
    slugs = draw(some(["f1", "no", "null", "_x"]))
    emails = draw(some(["ann@example.com", "bob+no@example.com", "1@example.com"]))
    values = st.dictionaries(st.sampled_from([*slugs, "first_name", "surname", "phone_number"]), TEXT, max_size=3)
    courses = [{"name": name, "modules": modules} for name, modules in COURSES.items()]
    twins = [{"name": "Yoga", "modules": ["M1"]}] if draw(st.booleans()) else []
    pairs = draw(some([(email, course) for email in emails for course in (["Zen"] if twins else COURSES)]))
    access = st.sampled_from(["full_access", "dripping_content", "partial_access"])
    hooks = draw(st.lists(NAMES, unique_by=str.casefold, max_size=2))
    return {
        "courses": [*courses, *twins],
        "communities": ROOM["communities"],
        "tags": tags,
        "contact_fields": [{"slug": slug, "name": draw(NAMES)} for slug in slugs],
        "contacts": [
            {"email": email, "locale": draw(LOCALES), "fields": draw(values), "tags": draw(some(tags))}
            for email in emails
        ],
        "enrollments": [_enrollment(email, course, draw(access)) for email, course in pairs],
        "memberships": [{"contact": email, "community": "Club"} for email in draw(some(emails))],
        "webhooks": [
            {
                "name": name,
                "url": f"https://h{number}.example.com/",
                "secret": "s",
                "active": draw(st.booleans()),
                "events": draw(some(["SALE_NEW", "CONTACT_CREATED"])),
            }
            for number, name in enumerate(hooks)
        ],
    }


def _enrollment(email: str, course: str, access: str) -> World:
    partial = {"modules": COURSES[course][:1]} if access == "partial_access" else {}
    return {"contact": email, "course": course, "access": access, **partial}


def secrets_of(out: str) -> dict[str, str]:
    """The variables that a pull asks for, set."""
    names = [line.split()[0] for line in out.splitlines() if line.strip().startswith("WEBHOOK_")]
    return dict.fromkeys(names, "a secret")


@given(seed=accounts(), csv_source=st.booleans(), own=st.booleans())
def test_a_pulled_account_needs_no_writes(
    server: Emulator,
    make_account: Callable[..., Account],
    tmp_path_factory: Any,
    seed: World,
    csv_source: bool,
    own: bool,
) -> None:
    """Pull, validate, plan: adoptions at most; the account got only GETs, and a second pull writes the same."""
    project = Project(tmp_path_factory.mktemp("pull"), server, make_account(seed))
    options = [*(["--csv"] if csv_source else []), *(["--own"] if own else [])]
    pulled = project.run("pull", *options)
    assert pulled.code == 0, pulled.err
    if pulled.out.startswith("Nothing to write"):
        event("nothing there")
        return
    project.env |= secrets_of(pulled.out)
    checked = project.run("validate")
    assert checked.code == 0, checked.err
    document = project.plan()
    assert document["calls"]["writes"] == 0, [each for each in document["changes"] if each["action"] != "no_change"]
    assert {each["action"] for each in document["changes"]} <= ({"no_change"} if own else {"adopt"})
    assert project.account.writes == []
    (project.folder / "again").mkdir()
    again = Project(project.folder / "again", server, project.account)
    assert again.run("pull", *(["--csv"] if csv_source else [])).code == 0
    for path in again.folder.iterdir():
        assert path.read_bytes() == (project.folder / path.name).read_bytes()
