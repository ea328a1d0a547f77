"""Somebody else edits the account between plan and apply, and between two calls of an apply, at random."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.emulator import Account
from reconciler.gateway.transport import Reply, Transport
from tests.proofs.conftest import WHOLE
from tests.proofs.desk import Desk
from tests.proofs.forks import Moment
from tests.proofs.hasty import make_hasty

EMAILS = ("ann@example.com", "bob@example.com", "cid@example.com", "found@example.com", "going@example.com")
TAGS = ("Ours", "Going", "Before", "Left", "Right", "One", "Two", "Found")
SLUGS = ("kept", "going", "theirs", "first_name")
HOOKS = ("Changing", "Moving", "Careful", "Leaving", "Found hook")
_STAMPS = itertools.count(1)

#: What somebody does: a sort of edit, which one of it, and at which event of the run (0: before the apply).
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["value", "locale", "rename tag", "label", "new tag", "tag", "hook", "new contact"]),
        st.integers(0, 9),
        st.integers(0, 90),
    ),
    min_size=1,
    max_size=6,
)


class Stranger:
    """Edits the account silently, and remembers each of its values until it changes it itself."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.left: dict[tuple[str, ...], Any] = {}

    def edit(self, what: str, which: int) -> None:
        """What the account refuses does not happen."""
        stamp = f"by hand {next(_STAMPS)}"
        with contextlib.suppress(ValueError, KeyError):
            self.left |= getattr(self, "_" + what.replace(" ", "_"))(which, stamp)

    def _contact(self, which: int) -> tuple[str, int]:
        email = EMAILS[which % len(EMAILS)]
        return email, self.account.ids()["contacts"][email]

    def _value(self, which: int, stamp: str) -> dict[tuple[str, ...], Any]:
        _, number = self._contact(which)
        slug = SLUGS[which % len(SLUGS)]
        self.account.edit("PATCH", f"/api/contacts/{number}", {"fields": [{"slug": slug, "value": stamp}]})
        return {("value", str(number), slug): stamp}

    def _locale(self, which: int, stamp: str) -> dict[tuple[str, ...], Any]:
        _, number = self._contact(which)
        locale = ("de", "pt", "nl")[which % 3]
        self.account.edit("PATCH", f"/api/contacts/{number}", {"locale": locale})
        return {("locale", str(number)): locale}

    def _rename_tag(self, which: int, stamp: str) -> dict[tuple[str, ...], Any]:
        number = self.account.ids()["tags"][TAGS[which % len(TAGS)]]
        self.account.edit("PUT", f"/api/tags/{number}", {"name": stamp})
        return {("tag", str(number)): stamp}

    def _label(self, which: int, stamp: str) -> dict[tuple[str, ...], Any]:
        slug = SLUGS[which % 3]
        self.account.edit("PATCH", f"/api/contact_fields/{slug}", {"fieldName": stamp})
        return {("label", slug): stamp}

    def _new_tag(self, which: int, stamp: str) -> dict[tuple[str, ...], Any]:
        number = self.account.edit("POST", "/api/tags", {"name": stamp})["id"]
        return {("tag", str(number)): stamp}

    def _new_contact(self, which: int, stamp: str) -> dict[tuple[str, ...], Any]:
        email = f"hand{next(_STAMPS)}@example.com"
        number = self.account.edit("POST", "/api/contacts", {"email": email, "locale": "de"})["id"]
        return {("locale", str(number)): "de"}

    def _tag(self, which: int, stamp: str) -> dict[tuple[str, ...], Any]:
        _, number = self._contact(which)
        tag = self.account.edit("POST", "/api/tags", {"name": stamp})["id"]
        self.account.edit("POST", f"/api/contacts/{number}/tags", {"tagId": tag})
        return {("tagging", str(number), str(tag)): True}

    def _hook(self, which: int, stamp: str) -> dict[tuple[str, ...], Any]:
        name = HOOKS[which % len(HOOKS)]
        number = self.account.ids()["webhooks"][name]
        secret = next(each["secret"] for each in self.account.state()["webhooks"] if each["name"] == name)
        body = {"name": name, "secret": secret, "subscriptions": ["CONTACT_OPT_IN"]}
        self.account.edit("PATCH", f"/api/webhooks/{number}", body)
        return {("events", str(number)): ["CONTACT_OPT_IN"]}


def sight(account: Account) -> dict[tuple[str, ...], Any]:
    """Everything that somebody may have edited, by what it is and its id."""
    seen: dict[tuple[str, ...], Any] = {}
    for row in account.content.contacts.rows.values():
        seen |= {("value", str(row.id), slug): value for slug, value in row.fields.items()}
        seen |= {("tagging", str(row.id), str(tag)): True for tag in row.tags}
        seen[("locale", str(row.id))] = row.locale
    seen |= {("tag", str(row.id)): row.name for row in account.content.tags.rows.values()}
    seen |= {("label", row.slug): row.label for row in account.content.fields.values()}
    for hook in account.content.webhooks.values():
        live = sorted(event.event for event in hook.events if event.disabled_at is None)
        seen[("events", hook.id)] = live
    return seen


def unguarded(patch: pytest.MonkeyPatch, account: Account, stranger: Stranger, edits: dict[int, list[Any]]) -> None:
    """Edits happen between two calls: before a reading call, or before a write that no check went before."""
    exchange, event = Transport.exchange, itertools.count(1)
    checked = {"last": False}

    def watched(transport: Transport, method: str, *rest: Any) -> Reply:
        due = edits.pop(next(event), [])
        if method == "GET" or not checked["last"]:
            for what, which in due:
                stranger.edit(what, which)
        elif due:
            edits.setdefault(next(event), []).extend(due)  # inside the gap between check and write: later
        checked["last"] = method == "GET"
        return exchange(transport, method, *rest)

    patch.setattr(Transport, "exchange", watched)


def went_along(what: tuple[str, ...], seen: dict[tuple[str, ...], Any]) -> bool:
    """A value whose field was deleted, a tag of a person who was: the plan said so, and by how many."""
    if what[0] == "value":
        return ("label", what[2]) not in seen
    return what[0] == "tagging" and ("locale", what[1]) not in seen


@given(edits=EDITS)
@settings(
    max_examples=300 if WHOLE else 8,
    deadline=None,
    derandomize=not WHOLE,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_that_somebody_else_wrote_is_overwritten(owned: Moment, edits: list[Any]) -> None:
    """With ``fresh`` 0 every edit is still there after the apply, or what it was made to is gone with its owner."""
    account = owned.restore()
    stranger, due = Stranger(account), {}
    desk = Desk(owned.project, RECONCILER_FRESH="0")
    with pytest.MonkeyPatch.context() as patch, desk.session.ledger_to_write() as store:
        make_hasty(patch)
        planned = desk.plan(store)
        for what, which, when in edits:
            if when < 10:
                stranger.edit(what, which)
            else:
                due.setdefault(when - 9, []).append((what, which))
        unguarded(patch, account, stranger, due)
        desk.carry_out(planned, store, parallel=1)
    seen = sight(account)
    lost = {what: (value, seen.get(what)) for what, value in stranger.left.items() if seen.get(what) != value}
    assert not {what: sides for what, sides in lost.items() if not went_along(what, seen)}


@pytest.mark.parametrize(("waited", "again"), [(29.0, 0), (31.0, 6)])
def test_waiting_at_the_prompt_counts(
    owned: Moment, monkeypatch: pytest.MonkeyPatch, waited: float, again: int
) -> None:
    """A reading older than ``fresh`` seconds is made again: a page per collection with values, and the people."""
    account = owned.restore()
    desk = Desk(owned.project)
    make_hasty(monkeypatch)
    with desk.session.ledger_to_write() as store:
        planned = desk.plan(store)
        account.clear()
        report = desk.carry_out(planned, store, clock=lambda: planned.read_at + waited)
    assert not report.stopped
    looks = [each for each in account.requests if each["method"] == "GET"]
    lists = {each["path"] for each in looks} - {"/api/community/memberships"}
    assert len(looks) - _arrivals(looks) == again, [each["path"] for each in looks]
    assert not again or lists >= {"/api/contacts", "/api/tags", "/api/webhooks", "/api/contact_fields"}


def _arrivals(looks: list[Any]) -> int:
    """How often a community was asked who has arrived."""
    return sum("community" in each["query"] and "contact" not in each["query"] for each in looks)
