"""Two projects of one account, whose ledgers are in one PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import Locked
from reconciler.ledger import schema
from reconciler.ledger.store import Store
from tests.cli.support import ended
from tests.support.hands import delete_tag
from tests.support.postgres import Postgres
from tests.support.project import Project


@pytest.fixture
def pair(make_project: Callable[..., Project], postgres: Postgres, tmp_path: Path) -> tuple[Project, Project]:
    """``shop`` manages two tags; ``school`` has the same account and wants one of them."""
    shop, number = make_project(), tmp_path.name.rpartition("_")[2]
    shop.env["RECONCILER_LEDGER"] = f"{postgres.url}&schema=shop_{number}"
    shop.write("tags: [VIP, Lead]\n")
    ended(shop.run("apply", "--yes"), 0)
    folder = tmp_path / "school"
    folder.mkdir()
    school = Project(folder, shop.server, shop.account)
    school.env["RECONCILER_LEDGER"] = f"{postgres.url}&schema=School-{number}"
    school.write("tags: [VIP, Pupil]\n")
    return shop, school


def test_what_another_project_manages_is_not_adopted(pair: tuple[Project, Project]) -> None:
    """It is blocked, the rest is applied; the other project still manages it."""
    shop, school = pair
    plan = school.plan()
    (blocked,) = [each for each in plan["changes"] if each["blocked"]]
    assert blocked["address"] == "tag/VIP"
    assert "managed by shop" in blocked["blocked"] and "--allow takeover=N" in blocked["blocked"]
    ended(school.run("apply", "--yes"), 0)
    assert sorted(school.account.state()["tags"]) == ["Lead", "Pupil", "VIP"]
    assert "tag/VIP" not in school.run("ledger", "list").out
    shop.assert_converged()


def test_what_the_other_project_lost_is_created(pair: tuple[Project, Project]) -> None:
    """A tag that is gone from the account is managed by nobody: creating it takes nothing over."""
    shop, school = pair
    delete_tag(shop, "VIP")
    assert [each["blocked"] for each in school.plan()["changes"]] == [None, None]
    ended(school.run("apply", "--yes"), 0)
    assert sorted(school.account.state()["tags"]) == ["Lead", "Pupil", "VIP"]


def test_a_takeover_needs_the_exact_number(pair: tuple[Project, Project]) -> None:
    """--allow takeover=N adopts; without or with another number it is refused."""
    _, school = pair
    ended(school.run("apply", "--yes", "--allow", "takeover"), 3, "--allow takeover=1")
    ended(school.run("apply", "--yes", "--allow", "takeover=2"), 3, "--allow takeover=1")
    ended(school.run("apply", "--yes", "--allow", "takeover=1"), 0)
    assert "tag/VIP" in school.run("ledger", "list").out


def test_what_was_taken_over_may_be_deleted(pair: tuple[Project, Project]) -> None:
    """From then on both ledgers list it, and neither protects it from the other."""
    _, school = pair
    ended(school.run("apply", "--yes", "--allow", "takeover=1"), 0)
    school.write("prune: {tag: owned}\n", "reconciler.yaml")
    school.write("tags: [Pupil]\n")
    ended(school.run("apply", "--yes"), 0)
    assert sorted(school.account.state()["tags"]) == ["Lead", "Pupil"]


def test_pruning_spares_what_another_project_manages(pair: tuple[Project, Project]) -> None:
    """``prune: all`` deletes unmanaged resources, not those of the other project."""
    shop, school = pair
    school.write("prune: {tag: all}\n", "reconciler.yaml")
    school.account.seed({"tags": ["Old"]})
    plan = school.plan()
    deleted = {each["address"]: each["blocked"] for each in plan["changes"] if each["action"] == "delete"}
    assert deleted["tag/Old"] is None
    assert "managed by shop" in deleted["tag/Lead"]
    ended(school.run("apply", "--yes"), 0)
    assert sorted(school.account.state()["tags"]) == ["Lead", "Pupil", "VIP"]
    shop.assert_converged()


def test_what_nobody_can_create_is_not_taken_over(pair: tuple[Project, Project]) -> None:
    """Two projects may both want a subscription cancelled: neither could delete it."""
    shop, school = pair
    shop.account.seed(
        {
            "contacts": [{"email": "ann@example.com"}],
            "courses": [{"id": 71, "name": "Launch"}],
            "subscriptions": [{"id": 7, "contact": "ann@example.com", "plan": "Monthly"}],
        }
    )
    wanted = "subscriptions: [{contact: ann@example.com, plan: Monthly, state: cancelled, when: now}]\n"
    for project, tags in ((shop, "tags: [VIP, Lead]\n"), (school, "tags: [Pupil]\n")):
        project.write(tags + wanted)
        ended(project.run("apply", "--yes", "--allow", "cancel=1"), 0)
        assert "subscription/ann@example.com/Monthly" in project.run("ledger", "list").out
        project.assert_converged()


def test_other_accounts_of_the_database_are_nobodys_neighbours(
    pair: tuple[Project, Project], make_project: Callable[..., Project]
) -> None:
    """The same names in another account are free."""
    other = make_project({"tags": ["VIP"]})
    other.env["RECONCILER_LEDGER"] = pair[0].env["RECONCILER_LEDGER"].replace("shop_", "other_")
    other.write("tags: [VIP]\n")
    assert [each["blocked"] for each in other.plan()["changes"]] == [None]


def test_ledgers_do_not_wait_for_each_other(postgres: Postgres, tmp_path: Path) -> None:
    """While one ledger is created, others of the database are created and opened; only the same one waits."""
    import psycopg

    one, other = (f"{name}-{tmp_path.name}" for name in ("one", "other"))
    with psycopg.connect(host=str(postgres.folder), user="ledger", dbname="postgres") as creating:
        creating.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (schema._ADVISORY_LOCK, one))
        for _ in range(2):
            Store.open(f"{postgres.url}&schema={other}", root=tmp_path, patience=0.2).close()
        with pytest.raises(Locked):
            Store.open(f"{postgres.url}&schema={one}", root=tmp_path, patience=0.2)
    Store.open(f"{postgres.url}&schema={one}", root=tmp_path, patience=0.2).close()
