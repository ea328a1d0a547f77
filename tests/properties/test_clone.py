"""Any small account, cloned: nobody who was not let through is in a request to the target, or in its ledger."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from reconciler.emulator import Account, Emulator
from tests.properties.worlds import some
from tests.support.pair import Pair

EMAILS = [
    "ann@example.com",
    "Bob.Archer@Example.org",
    "o'neil+x@example.com",
    "a=b/c@example.net",
    "ünal@example.org",
]
ACCESS = ["full_access", "dripping_content"]
COURSES, CLUBS = ["Yoga", "Zen"], ["Club", "Den"]
ROOM = {"courses": [{"name": each} for each in COURSES], "communities": [{"name": each} for each in CLUBS]}
KINDS = ["tags", "contact_fields", "contacts", "taggings", "enrollments", "memberships"]
Seed = dict[str, Any]


def private(index: int) -> dict[str, str]:
    """What tells who the one of that number is."""
    return {
        "first_name": f"Zqfirst{index}",
        "surname": f"Zqlast{index}",
        "phone_number": f"+9900000{index}",
        "company_name": f"Zqwork{index}",
        "nick": f"Zqnick{index}",
    }


@st.composite
def seeds(draw: st.DrawFn) -> Seed:
    """Accounts with people; texts may spell addresses where nobody expects them."""
    emails = draw(some(EMAILS))
    tags = draw(some(["A", "B/é", *(f"met {each}." for each in EMAILS[:3]), "x %40 y", "a @ b"]))
    contacts = []
    for email in emails:
        fields = {slug: value for slug, value in private(EMAILS.index(email)).items() if draw(st.booleans())}
        if draw(st.booleans()):
            fields["friend"] = f"<{draw(st.sampled_from(EMAILS))}>"
        if draw(st.booleans()):
            fields["country"] = draw(st.sampled_from(["FR", "DE"]))
        contacts.append(
            {
                "email": email,
                "locale": draw(st.sampled_from(["en", "no"])),
                "fields": fields,
                "tags": draw(some(tags)),
            }
        )
    pairs = st.tuples(st.sampled_from(emails), st.sampled_from([*COURSES, *CLUBS])) if emails else st.nothing()
    joined = draw(st.lists(pairs, unique=True, max_size=4)) if emails else []
    return {
        **ROOM,
        "tags": tags,
        "contacts": contacts,
        "contact_fields": [{"slug": slug, "name": slug.title()} for slug in ("nick", "friend")],
        "enrollments": [
            {"contact": who, "course": what, "access": draw(st.sampled_from(ACCESS))}
            for who, what in joined
            if what in COURSES
        ],
        "memberships": [{"contact": who, "community": what} for who, what in joined if what in CLUBS],
    }


def about(email: str) -> list[str]:
    """Every text that gives the person away."""
    return [email, email.casefold(), email.replace("@", "%40"), *private(EMAILS.index(email)).values()]


@given(seed=seeds(), allowed=some(EMAILS), data=st.data())
def test_nobody_is_named(
    server: Emulator, make_account: Callable[..., Account], tmp_path: Path, seed: Seed, allowed: list[str], data: Any
) -> None:
    """And a second clone has nothing to do, relations follow, the source is only read, nobody of the target goes."""
    pair = start(server, make_account, tmp_path, seed)
    kinds = [*KINDS] if data.draw(st.booleans()) else ["contacts", *data.draw(some(KINDS[:2]))]
    args = [word for kind in kinds for word in ("--kind", kind)] + [
        "--domain",
        "staging.example.com",
        "--skip-missing",
    ]
    args += [word for email in allowed for word in ("--allow-contact", email)]
    pair.done(*args)
    told = pair.told()
    hidden = [each["email"] for each in seed["contacts"] if each["email"] not in allowed]
    event(f"{len(hidden)} hidden, {len(seed['contacts']) - len(hidden)} let through")
    for text in (text for email in hidden for text in about(email)):
        assert text.casefold() not in told
    after = pair.account.state()
    assert "theirs" in after["tags"]
    assert len(after["contacts"]) == len(seed["contacts"]) + 1
    if len(kinds) == len(KINDS):
        assert len(after["memberships"]) == len(seed["memberships"])
        assert len(after["enrollments"]) == len(seed["enrollments"])
    pair.account.clear()
    pair.done(*args)
    assert pair.account.writes == pair.source.writes == []


def start(server: Emulator, make_account: Callable[..., Account], folder: Path, seed: Seed) -> Pair:
    """Both accounts and the folder anew; the target holds something of its own."""
    pair = folder / "pair"
    shutil.rmtree(pair, ignore_errors=True)
    pair.mkdir()
    theirs = {**ROOM, "tags": ["theirs"], "contacts": [{"email": "own@example.com", "tags": ["theirs"]}]}
    return Pair(pair, server, make_account(seed), make_account(theirs, id_offset=900))
