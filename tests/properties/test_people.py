"""Any spellings of addresses in files and account: who is adopted, who is created, and who is refused."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds import KINDS
from reconciler.model.resource import Desired
from reconciler.model.values import Origin
from reconciler.planner.decoding import DecodedItem
from reconciler.planner.identity import name_live
from reconciler.planner.matched_state import Entries

CONTACT = KINDS["contact"]
#: Pairs of letters that NFC, ASCII case, other case, folding or compatibility make equal.
LETTERS = ["a", "A", "s", "ss", "S", "ß", "ſ", "é", "e\u0301", "É", "k", "K", "\u212a", "ﬁ", "fi", "σ", "ς"]
ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

addresses = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=2).map(
    lambda name: f"{''.join(name)}@example.com"
)


def same(text: str) -> str:
    """Equal for spellings of one person; the Kelvin sign is no ASCII letter."""
    return unicodedata.normalize("NFC", text.replace("\u212a", "\ue000")).translate(ASCII_LOWER)


def alike(text: str) -> str:
    """Equal for spellings that differ in case and form only."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@given(st.lists(addresses, max_size=4, unique_by=same), st.lists(addresses, max_size=4, unique_by=same))
def test_a_person_is_adopted_by_identity_alone(live: list[str], written: list[str]) -> None:
    """Every live one goes to the line of the same identity; whom a look-alike keeps from being created is refused."""
    items = [
        DecodedItem(str(number), CONTACT.address({"email": email}).key, {"email": email}, (), (), {})
        for number, email in enumerate(live)
    ]
    wanted = {}
    for line, email in enumerate(written, 1):
        attrs = {"email": email}
        address = CONTACT.address(attrs)
        wanted[address.key] = Desired(address, attrs, Origin("site.yaml", line, 1))
    found = name_live(CONTACT, wanted, Entries(), items)

    adopted = {live[index]: wanted[each].attrs["email"] for index, each in enumerate(found.keys) if each in wanted}
    by_identity = {same(email): email for email in written}
    assert adopted == {email: by_identity[same(email)] for email in live if same(email) in by_identity}

    new = [email for email in written if same(email) not in {same(each) for each in live}]
    crowded = [
        email
        for email in new
        if sum(alike(each) == alike(email) for each in written) > 1
        or any(alike(each) == alike(email) for each in live)
    ]
    assert bool(found.problems) == bool(crowded)
    for problem in found.problems:
        assert sum(f'"{each}"' in f"{problem.what} {problem.hint}" for each in {*live, *written}) >= 2
