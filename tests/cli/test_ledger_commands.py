"""``ledger unlock, export, import, move, rebind``: the record itself, kept in order and never half changed."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger.lock import Lock
from reconciler.ledger.lock_holder import LockHolder
from reconciler.ledger.store import Store
from tests.cli.support import ended
from tests.support.project import Project

URL = "sqlite:///.reconciler/ledger.db"
SITE = """\
tags: [VIP]
contacts: [{email: ann@example.com, first_name: Ann, tags: [VIP]}]
webhooks: [{name: W, url: 'https://x.example.com', secret: {env: SECRET}, events: [SALE_NEW]}]
"""


@pytest.fixture
def applied(project: Project) -> Project:
    """A project whose account is as its files say."""
    project.env["SECRET"] = "canary-3"
    project.write(SITE)
    project.apply()
    project.account.clear()
    return project


def entries(project: Project) -> dict[str, Any]:
    with Store.open(URL, root=project.folder) as store:
        return {str(each.address): each for each in store.entries()}


# unlock


def test_unlock_nobody(applied: Project) -> None:
    """Nothing to do."""
    ended(applied.run("ledger", "unlock"), 0, "the ledger is not locked")


def test_unlock_somebody(applied: Project) -> None:
    """Holder and age are shown, and it asks; then the lease is free."""
    with Store.open(URL, root=applied.folder) as store:
        Lock.acquire(store, LockHolder("eve", "far-away", 7, boot="other"))
        ended(applied.run("apply", "--yes"), 3, "locked by eve on far-away", "ledger unlock")
        ended(applied.run("ledger", "unlock"), 3, "locked by eve on far-away (process 7) since 2", "--yes")
        ended(applied.run("apply", "--yes"), 3, "locked by eve")
        ended(applied.run("ledger", "unlock", "--yes"), 0, "unlocked")
    ended(applied.run("apply", "--yes"), 0)


# export and import


def test_export_to_a_file(applied: Project) -> None:
    """Only for its owner, versioned, without a secret; the same document as on standard output."""
    ended(applied.run("ledger", "export", "--out", "out.json"), 0, "wrote 4 entries to out.json")
    path = applied.folder / "out.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document == applied.run("ledger", "export").document
    assert document["format_version"] == "1.0"
    assert "canary" not in path.read_text(encoding="utf-8")
    ended(applied.run("ledger", "export", "--out", "."), 1, "is a folder")
    ended(applied.run("ledger", "export", "--out", "no/where.json"), 1, "cannot write the ledger")


def test_export_and_import(applied: Project) -> None:
    """The ledger at another place: the same entries and lineage, and nothing to do; the secret is sent once more."""
    before, lineage = entries(applied), applied.run("ledger", "export").document["lineage"]
    applied.run("ledger", "export", "--out", "out.json")
    (applied.folder / ".reconciler/ledger.db").rename(applied.folder / "old.db")
    ended(applied.run("ledger", "import", "out.json"), 0, "imported 4 entries", "sends these secrets again")
    after = entries(applied)
    assert after.keys() == before.keys()
    assert all(after[each].applied == before[each].applied for each in before)
    assert applied.run("ledger", "export").document["lineage"] == lineage
    assert [each["address"] for each in applied.plan()["changes"] if each["action"] != "no_change"] == ["webhook/W"]
    applied.apply()
    applied.assert_converged()


def test_with_one_key_the_digests_count(project: Project) -> None:
    """With RECONCILER_LEDGER_KEY nothing is sent again."""
    project.env |= {"SECRET": "canary-3", "RECONCILER_LEDGER_KEY": "k" * 32}
    project.write(SITE)
    project.apply()
    project.run("ledger", "export", "--out", "out.json")
    result = project.run("ledger", "import", "out.json", "--ledger", "sqlite:///other.db")
    assert "secrets again" not in ended(result, 0, "imported 4 entries")
    ended(project.run("plan", "--ledger", "sqlite:///other.db"), 0, "No changes.")


def test_import_into_a_ledger_that_is_not_empty(applied: Project) -> None:
    """Refused; nothing changes."""
    applied.run("ledger", "export", "--out", "out.json")
    before = entries(applied)
    ended(applied.run("ledger", "import", "out.json"), 1, "is not empty")
    assert entries(applied) == before


def test_import_of_another_account(applied: Project, make_project: Callable[..., Project]) -> None:
    """A ledger belongs to its connection."""
    applied.run("ledger", "export", "--out", "out.json")
    other = make_project()
    ended(other.run("ledger", "import", str(applied.folder / "out.json")), 1, "is the ledger of connection")
    assert not (other.folder / ".reconciler").exists()


def test_import_into_a_ledger_that_was_used_without_entries(applied: Project) -> None:
    """It stays that of its account, which the imported one may leave open."""
    applied.run("ledger", "export", "--out", "out.json")
    document = applied.run("--no-redact", "ledger", "export").document
    applied.write(json.dumps({**document, "account": None}), "open.json")
    account = applied.account.connection
    for name in ("out.json", "open.json"):
        env = {"RECONCILER_LEDGER": f"sqlite:///of-{name}.db"}
        with Store.open(env["RECONCILER_LEDGER"], root=applied.folder) as store, Lock.acquire(store):
            store.claim(account)
        ended(applied.run("ledger", "import", name, env=env), 0, "imported 4 entries")
        assert applied.run("--no-redact", "ledger", "export", env=env).document["account"] == account


def test_some_entries_are_listed(project: Project) -> None:
    """By a pattern; an address that is written out is no pattern."""
    project.write('tags: ["A[1]", A1, B]\n')
    project.apply()

    def listed(text: str) -> list[str]:
        return [each["address"] for each in project.run("ledger", "list", text, "--json").document["entries"]]

    assert listed("tag/A*") == ["tag/A1", "tag/A[1]"]
    assert listed("tag/A[1]") == ["tag/A1", "tag/A[1]"]
    assert listed("tag/B") == ["tag/B"]


ENTRY = {
    "address": "tag/X",
    "provenance": "created",
    "state": "settled",
    "since": 0,
    "run": 1,
    "managed_since": 1,
    "applied": {"name": "X"},
}
WRONG = {
    "cut": '{"entries": [',
    "a list": "[]",
    "no ledger": "{}",
    "a future": json.dumps({"format_version": "2.0", "entries": []}),
    "no head": json.dumps({"format_version": "1.0", "entries": []}),
    "no kind": {**ENTRY, "address": "planet/X"},
    "no field": {**ENTRY, "applied": {"colour": "red"}},
    "no address": {**ENTRY, "address": "X"},
    "no state": {**ENTRY, "state": "odd"},
    "a number for an id": {**ENTRY, "remote_id": 7},
    "a list for a value": {**ENTRY, "applied": {"name": ["X"]}},
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_imported(project: Project, content: Any) -> None:
    """A message that names the file, and no ledger at all."""
    if isinstance(content, dict):
        head = {"format_version": "1.0", "lineage": "l", "serial": 1, "account": None}
        content = json.dumps({**head, "entries": [ENTRY, content]})
    project.write(content, "in.json")
    result = project.run("ledger", "import", "in.json")
    assert result.code in (1, 3)
    ended(result, result.code, "in.json")
    assert not (project.folder / ".reconciler").exists()
    ended(project.run("ledger", "import", "nowhere.json"), 1, "cannot read the ledger file")


def test_the_same_address_twice(project: Project) -> None:
    """One of them would be lost."""
    head = {"format_version": "1.0", "lineage": "l", "serial": 1, "account": None}
    project.write(json.dumps({**head, "entries": [ENTRY, ENTRY]}), "in.json")
    ended(project.run("ledger", "import", "in.json"), 1, "stands there twice")


# move


def test_move_to_a_handle(applied: Project) -> None:
    """The resource and its relations go by the new address; with the files changed too nothing is to be done."""
    ended(applied.run("ledger", "move", "--yes", "tag/VIP", "tag/@vip"), 0, "tag/VIP → tag/@vip")
    found = entries(applied)
    assert "tag/@vip" in found
    assert found["tagging/ann@example.com/@vip"].applied["tag"].target.key == "@vip"
    applied.write(SITE.replace("tags: [VIP]\n", "tags: [{name: VIP, handle: vip}]\n"))
    applied.assert_converged()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("tag/VPI", "tag/X", "tag/VIP"),
        ("tag/VIP", "contact/x@example.com", "cannot become"),
        ("tag/VIP", "tag/VIP", "goes by that address already"),
        ("tag/VIP", "tag/a/b", "tag/a%2Fb"),
        ("tag/VIP", "nothing", "is not an address: use kind/key"),
        ("tagging/ann@example.com/VIP", "tagging/ann@example.com/X", "move the contact or the tag instead"),
    ],
)
def test_moves_that_cannot_be(applied: Project, old: str, new: str, text: str) -> None:
    """Each with its reason; the ledger stays as it is."""
    before = entries(applied)
    ended(applied.run("ledger", "move", "--yes", old, new), 1, text)
    assert entries(applied) == before


def test_move_onto_another(applied: Project) -> None:
    """Nobody is overwritten."""
    applied.write(SITE.replace("tags: [VIP]\n", "tags: [VIP, Gold]\n", 1))
    applied.apply()
    ended(applied.run("ledger", "move", "--yes", "tag/VIP", "tag/Gold"), 1, "tag/Gold is already in the ledger")


# rebind


@pytest.fixture
def reconnected(applied: Project) -> Project:
    """A project whose ledger is of a connection that is no more; the account is the same."""
    with Store.open(URL, root=applied.folder) as store, Lock.acquire(store):
        store.rebind("the-old-connection")
    ended(applied.run("plan"), 1, "the-old-connection", "ledger rebind")
    return applied


def test_rebind(reconnected: Project) -> None:
    """What is found is counted, it asks, and then the ledger is of this connection."""
    ended(reconnected.run("ledger", "rebind"), 3, "1 of 1 contact found by id", "--yes")
    ended(
        reconnected.run("ledger", "rebind", "--yes"),
        0,
        f"the ledger now belongs to connection {reconnected.account.connection}",
    )
    reconnected.assert_converged()
    ended(reconnected.run("ledger", "rebind", "--yes"), 0, "already")
    assert reconnected.account.writes == []


def test_rebind_to_another_account(reconnected: Project, make_project: Callable[..., Project]) -> None:
    """Refused where most of what is ours is not there, unless that is said."""
    other = make_project()
    args = ("ledger", "rebind", "--yes", "--connection", other.account.connection)
    ended(reconnected.run(*args), 3, "only 0 of 4 resources", "--allow missing")
    assert reconnected.run("ledger", "export").document["account"] == "the-old-connection"
    ended(reconnected.run(*args, "--allow", "missing"), 0, "the ledger now belongs to connection")
    assert reconnected.run("ledger", "export").document["account"] == other.account.connection


@pytest.mark.parametrize(
    "command", [("unlock",), ("export",), ("move", "tag/A", "tag/B"), ("rebind",)], ids=lambda args: args[0]
)
def test_no_ledger_yet(project: Project, command: tuple[str, ...]) -> None:
    """There is nothing to tend, and none is made."""
    ended(project.run("ledger", *command), 1, "no ledger yet")
    assert list(Path(project.folder).iterdir()) == []


def test_import_needs_a_ledger(project: Project) -> None:
    """None is no ledger."""
    ended(project.run("ledger", "import", "x.json", "--ledger", "none"), 1, "no ledger to import into")
