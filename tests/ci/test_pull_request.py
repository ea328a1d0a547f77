"""A pull request in full: planned, commented, planned again, merged, applied; drift seen, told once, and gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator
from tests.ci.conftest import Repository, ended
from tests.ci.jobs import ROOT, TWO_ENVIRONMENTS, WORKFLOW
from tests.support.postgres import Postgres

ONE = "tags: [VIP]\ncontacts:\n  - {email: ann@example.com, first_name: Annabel, tags: [VIP]}\n"
TWO = ONE + "  - {email: bo@example.com, first_name: Bo}\n"
STRANGER = {"id": 1, "issue": 7, "user": {"login": "eve"}, "body": "<!-- reconciler: plan default -->\nmine"}


def test_a_plan_is_told_in_one_comment_that_is_updated(repository: Repository) -> None:
    """Comment, summary and artefact name nobody; the second push updates; a stranger's marker stays theirs."""
    github = repository.github
    github.comments.append(dict(STRANGER))
    repository.project.write(ONE)
    first = repository.plan("b" * 40)
    assert not first.failed, first.log
    assert first.uploaded == "reconciler-plan-default"
    assert first.uploaded in github.comments[1]["body"]
    assert "tag/VIP" in first.summary
    repository.project.write(TWO)
    second = repository.plan("d" * 40)
    assert len(github.comments) == 2
    assert github.comments[0] == STRANGER
    body = github.comments[1]["body"]
    assert body.startswith("<!-- reconciler: plan default -->\n")
    assert body.count("<!--") == 1
    assert "ddddddd" in body
    assert "3 to create, 1 tag to assign" in body
    everything = body + first.log + first.summary + second.log + second.summary
    contents = b"".join(github.blobs.values()).decode("latin-1")
    assert not [word for word in ("ann@example.com", "Annabel") if word in everything + contents]
    assert not repository.account.writes
    assert "people as pseudonyms" in body


def test_people_are_named_where_that_is_wanted(repository: Repository, tmp_path: Path) -> None:
    """A setting of the action, off by default."""
    text = WORKFLOW.read_text(encoding="utf-8")
    repository.workflow = tmp_path / "reconciler.yml"
    repository.workflow.write_text(
        text.replace("          path: .\n", '          path: .\n          pseudonyms: "false"\n')
    )
    repository.project.write(ONE)
    planned = repository.plan()
    assert "contact/ann@example.com" in repository.github.comments[0]["body"]
    assert "people as pseudonyms" not in planned.summary


def test_what_was_reviewed_is_applied_and_drift_is_one_issue(repository: Repository) -> None:
    """Merge: the account is as the plan said. Drift by hand: one issue, updated, and closed when it is gone."""
    github, account = repository.github, repository.account
    repository.project.write(TWO)
    repository.plan()
    applied = repository.merge()
    assert not applied.failed, applied.log
    assert {each["email"]: len(each["tags"]) for each in account.state()["contacts"]} == {
        "ann@example.com": 1,
        "bo@example.com": 0,
    }
    assert "ann@example.com" not in applied.log + applied.summary

    ann, bo = (account.ids()["contacts"][f"{name}@example.com"] for name in ("ann", "bo"))

    def name(contact: int, text: str) -> None:
        account.edit("PATCH", f"/api/contacts/{contact}", {"fields": [{"slug": "first_name", "value": text}]})

    name(ann, "Other")
    assert not repository.drift().failed
    name(bo, "Another")
    writes = len(account.writes)
    told = repository.drift()
    (issue,) = github.issues
    assert issue["state"] == "open"
    assert issue["body"].startswith("<!-- reconciler: drift default -->\n")
    assert issue["body"].count("first_name") == 2
    assert "Other" not in issue["body"] + told.log
    assert len(account.writes) == writes
    name(ann, "Annabel")
    name(bo, "Bo")
    repository.drift()
    assert [each["state"] for each in github.issues] == ["closed"]


def test_a_plan_that_went_stale_is_refused(repository: Repository) -> None:
    """The account moved since the review: exit 3, what to do, and nothing is recalculated."""
    repository.project.write(ONE)
    repository.plan()
    repository.account.edit("POST", "/api/tags", {"name": "VIP"})
    writes = len(repository.account.writes)
    ended = repository.merge()
    assert ended.failed
    assert ended.inner["run"]["outputs"]["exit-code"] == "3"
    assert "stale" in ended.log
    assert "refused" in ended.summary
    assert "by hand with `apply`, and with the approvals (--allow) that are missing" in ended.summary
    assert len(repository.account.writes) == writes


def test_by_hand_a_plan_of_main_is_made_and_applied(repository: Repository, postgres: Postgres) -> None:
    """The way on after a refusal, with a ledger in PostgreSQL: plan of the commit itself, apply of just that plan."""
    repository.secrets["RECONCILER_LEDGER"] = postgres.namespace()
    repository.project.write(ONE)
    head = "e" * 40
    planned = repository.job("plan", "workflow_dispatch", inputs={"command": "plan"}, sha=head).run()
    assert planned is not None
    assert planned.uploaded == "reconciler-plan-default"
    assert repository.github.comments == []
    ended = repository.job("apply", "workflow_dispatch", inputs={"command": "apply"}, sha=head).run()
    assert ended is not None
    assert not ended.failed, ended.log
    assert len(repository.account.state()["contacts"]) == 1
    assert repository.secrets["RECONCILER_LEDGER"] not in ended.unmasked


def test_files_that_are_wrong_are_told_in_the_comment(repository: Repository) -> None:
    """The job fails, the comment says where, the annotation stands at the line; no plan is kept."""
    repository.project.write("tags: [VIP]\nwebhoks: []\n")
    ended = repository.plan()
    assert ended.failed
    assert "site.yaml:2:1" in repository.github.comments[0]["body"]
    assert any("file=site.yaml,line=2" in line for line in ended.annotations)
    assert not ended.uploaded


def test_jobs_are_for_their_events(make_repository: Callable[..., Repository]) -> None:
    """No apply on a pull request, no plan on a push, no apply of another branch."""
    repository = make_repository()
    assert repository.job("apply", "pull_request").run() is None
    assert repository.job("plan", "push").run() is None
    assert repository.job("apply", "push", ref="refs/heads/other").run() is None
    assert repository.job("drift", "push").run() is None


class Two:
    """The repository of the two-environments example: examples/environments, two accounts, environments in GitHub."""

    def __init__(self, repository: Repository, server: Emulator, postgres: Postgres) -> None:
        self.repository = repository
        self.accounts = {name: server.account(f"{name}-{id(self)}", {}) for name in ("staging", "production")}
        shutil.copytree(ROOT / "examples" / "environments", repository.checkout, dirs_exist_ok=True)
        settings = repository.checkout / "reconciler.yaml"
        text = settings.read_text()
        for name, account in self.accounts.items():
            text = text.replace(f"    connection: {name}", f"    connection: {account.connection}")
        settings.write_text(text)
        key = repository.secrets["MATON_API_KEY"]
        self.environments = {}
        for name in self.accounts:
            secrets = {"MATON_API_KEY": key, "RECONCILER_LEDGER": postgres.namespace()}
            secrets |= {"RECONCILER_LEDGER_KEY": f"{name}-key-that-stays", "ORDERS_WEBHOOK_SECRET": f"0rders-{name}"}
            self.environments |= {name: secrets, f"{name}-plan": secrets}
        repository.secrets = {}
        repository.workflow = TWO_ENVIRONMENTS
        del repository.env["RECONCILER_CONNECTION"], repository.env["RECONCILER_ENV_ALLOW"]

    def told(self, environment: str) -> dict[str, Any]:
        """What the jobs of one environment get."""
        return {"environments": self.environments, "matrix": {"environment": environment}}


@pytest.fixture
def two(repository: Repository, server: Emulator, postgres: Postgres) -> Two:
    """Two empty accounts."""
    return Two(repository, server, postgres)


def test_two_environments_are_planned_and_applied(two: Two) -> None:
    """Secrets of each environment, a comment and a plan for each, and the protected one is confirmed."""
    repository, github = two.repository, two.repository.github
    logs = ""
    for name in two.accounts:
        planned = repository.plan(variables={"CODE_SCANNING": "true"}, **two.told(name))
        assert not planned.failed, planned.log
        assert planned.environment == f"{name}-plan"
        assert planned.uploaded == f"reconciler-plan-{name}"
        assert json.loads(planned.sarif)["version"] == "2.1.0"
        logs += planned.unmasked + planned.summary
    assert [each["body"].splitlines()[0] for each in github.comments] == [
        f"<!-- reconciler: plan {name} -->" for name in two.accounts
    ]
    for name, account in two.accounts.items():
        applied = repository.merge(**two.told(name))
        assert not applied.failed, applied.log
        assert applied.environment == name
        assert account.state()["webhooks"][0]["secret"] == f"0rders-{name}"
        assert not repository.drift(**two.told(name)).failed
        logs += applied.unmasked + applied.summary
    assert [len(account.state()["contacts"]) for account in two.accounts.values()] == [1, 0]
    assert "0rders" not in logs + str(github.comments)
    for name, account in two.accounts.items():
        (tag,) = account.ids()["tags"].values()
        account.edit("DELETE", f"/api/tags/{tag}", None)
        assert not repository.drift(**two.told(name)).failed
    assert [each["title"] for each in github.issues] == ["Drift detected: staging", "Drift detected: production"]


def test_a_plan_of_one_environment_is_not_that_of_the_other(two: Two) -> None:
    """Its name is another one, and so is the key that signs it."""
    two.repository.plan(**two.told("staging"))
    refused = two.repository.merge(**two.told("production"))
    assert refused.failed
    assert "has the artifact reconciler-plan-production" in refused.log
    assert not two.accounts["production"].writes


def test_a_secret_that_is_missing_is_named(two: Two) -> None:
    """With the place in the file; there is no plan."""
    for secrets in two.environments.values():
        secrets.pop("ORDERS_WEBHOOK_SECRET", None)
    ended = two.repository.plan(**two.told("staging"))
    assert ended.failed
    assert "site.yaml:14:19" in ended.log
    assert "ORDERS_WEBHOOK_SECRET" in two.repository.github.comments[0]["body"]
    assert not ended.uploaded


def test_what_the_merge_queue_planned_is_applied(two: Two) -> None:
    """The queue merges several pull requests; the plan of its commit is that of main."""
    repository = two.repository
    branch = "refs/heads/gh-readonly-queue/main/pr-7"
    queued = repository.job("plan", "merge_group", sha="c" * 40, ref=branch, **two.told("staging"))
    planned = queued.run(TWO_ENVIRONMENTS)
    assert planned is not None
    assert not planned.failed, planned.log
    assert repository.github.comments == []
    applied = repository.merge(**two.told("staging"))
    assert not applied.failed, applied.log
    assert "(merge_group)" in applied.log
    assert two.accounts["staging"].state()["tags"] == ["[staging] Customer"]


def test_an_approval_is_given_by_hand(repository: Repository) -> None:
    """After a refused apply: plan on main, then apply with --allow as an input of the workflow."""
    repository.project.write("limits: {deletes: 1, floor: 0}\nprune: {tag: all}\n", "reconciler.yaml")
    repository.project.write("tags: [A, B, C]\n")
    repository.plan()
    assert not repository.merge().failed
    repository.project.write("tags: [A]\n")
    head, asked = "e" * 40, {"command": "plan"}
    repository.job("plan", "workflow_dispatch", inputs=asked, sha=head).run()
    by_hand = {"command": "apply"}
    refused = ended(repository.job("apply", "workflow_dispatch", inputs=by_hand, sha=head))
    assert refused.inner["run"]["outputs"]["exit-code"] == "3"
    assert "--allow deletes=2" in refused.summary
    approved = ended(
        repository.job("apply", "workflow_dispatch", inputs={**by_hand, "arguments": "--allow deletes=2"}, sha=head)
    )
    assert not approved.failed, approved.log
    assert repository.account.state()["tags"] == ["A"]
