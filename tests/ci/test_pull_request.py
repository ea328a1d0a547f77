"""A pull request in full: planned, commented, planned again, merged, applied; drift seen, told once, and gone."""

from __future__ import annotations

from collections.abc import Callable

from tests.ci.conftest import Repository
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
    assert first.uploaded == f"reconciler-plan-default-{'b' * 40}"
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
    assert "4 to create" in body
    everything = body + first.log + first.summary + second.log + second.summary
    contents = b"".join(github.blobs.values()).decode("latin-1")
    assert not [word for word in ("ann@example.com", "Annabel") if word in everything + contents]
    assert not repository.account.writes


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
    assert repository.store.exists()

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
    """The account moved since the review: exit 3, said what to do, nothing planned anew, and the ledger is stored."""
    repository.project.write(ONE)
    repository.plan()
    repository.account.edit("POST", "/api/tags", {"name": "VIP"})
    writes = len(repository.account.writes)
    ended = repository.merge()
    assert ended.failed
    assert ended.inner["run"]["outputs"]["exit-code"] == "3"
    assert ended.inner["store"]["outcome"] == "success"
    assert "stale" in ended.log
    assert "refused" in ended.summary
    assert "by hand with `apply`" in ended.summary
    assert len(repository.account.writes) == writes


def test_by_hand_a_plan_of_main_is_made_and_applied(repository: Repository, postgres: Postgres) -> None:
    """The way on after a refusal, with a ledger in PostgreSQL: plan of the commit itself, apply of just that plan."""
    repository.secrets["RECONCILER_LEDGER"] = postgres.namespace()
    repository.given = {}
    repository.project.write(ONE)
    head = "e" * 40
    planned = repository.job("plan", "workflow_dispatch", inputs={"command": "plan"}, sha=head).run()
    assert planned is not None
    assert planned.uploaded == f"reconciler-plan-default-{head}"
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


def test_a_protected_environment_is_confirmed_by_the_job(repository: Repository) -> None:
    """The workflow names it, and its plan was approved; a webhook's secret comes from the job's environment."""
    repository.project.write("environments: {live: {protect: true}}\n", "reconciler.yaml")
    hook = "{name: Orders, url: 'https://o.example.com/', secret: {env: ORDERS_WEBHOOK_SECRET}, events: [SALE_NEW]}"
    repository.project.write(f"webhooks: [{hook}]\n")
    repository.given["environment"] = "live"
    repository.env["ORDERS_WEBHOOK_SECRET"] = "0rders"
    planned = repository.plan()
    assert not planned.failed, planned.log
    applied = repository.merge()
    assert not applied.failed, applied.log
    assert repository.account.state()["webhooks"][0]["secret"] == "0rders"
    assert "0rders" not in planned.unmasked + applied.unmasked
    assert not repository.drift().failed
