"""Schema versions of webhook events: declared, sent, compared, pulled and accepted."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from tests.support.project import Project

SITE = """\
webhooks:
  - name: CRM
    url: https://crm.example.com/hook
    secret: {env: CRM}
    events: [CONTACT_CREATED, {event: SALE_NEW, schema_version: 1}]
"""


def written(project: Project) -> list[object]:
    """What the last request that wrote a webhook carried."""
    events: list[object] = project.account.writes[-1]["body"]["subscriptions"]
    return events


def test_a_version_is_sent_and_then_agrees(project: Project) -> None:
    """Only what is not the default is sent as an object; the next plan is empty."""
    project.env["CRM"] = "s3cret"
    project.write(SITE)
    planned = project.run("plan")
    assert "SALE_NEW (version 1)" in planned.out
    assert project.run("apply", "--yes").code == 0
    assert written(project) == ["CONTACT_CREATED", {"event": "SALE_NEW", "schemaVersion": 1}]
    assert project.run("plan", "--detailed-exitcode").code == 0

    project.write(SITE.replace("schema_version: 1", "schema_version: 2"))
    assert project.run("apply", "--yes").code == 0
    assert written(project) == ["CONTACT_CREATED", "SALE_NEW"]
    project.write(SITE.replace("{event: SALE_NEW, schema_version: 1}", "SALE_NEW"))
    assert project.run("plan", "--detailed-exitcode").code == 0


def test_pull_writes_only_what_is_not_the_default(project: Project) -> None:
    """And a plan of what was pulled is empty."""
    project.env["CRM"] = "s3cret"
    project.write(SITE)
    assert project.run("apply", "--yes").code == 0
    (project.folder / "site.yaml").unlink()
    assert project.run("pull", "client").code == 0
    (hook,) = yaml.safe_load((project.folder / "client" / "webhooks.yaml").read_text())["webhooks"]
    assert hook["events"] == ["CONTACT_CREATED", {"event": "SALE_NEW", "schema_version": 1}]


def test_drift_of_a_version_is_accepted(project: Project) -> None:
    """The item of the file changes, and nothing else."""
    project.env["CRM"] = "s3cret"
    project.write(SITE.replace("{event: SALE_NEW, schema_version: 1}", "SALE_NEW"))
    assert project.run("apply", "--yes").code == 0
    ((_, number),) = project.account.ids()["webhooks"].items()
    subscriptions = ["CONTACT_CREATED", {"event": "SALE_NEW", "schemaVersion": 1}]
    body = {"name": "CRM", "secret": "s3cret", "subscriptions": subscriptions}
    project.account.edit("PATCH", f"/api/webhooks/{number}", body)
    assert project.run("drift").code == 2
    accepted = project.run("pull", "--all", "--yes")
    assert accepted.code == 0, accepted.err
    assert (project.folder / "site.yaml").read_text() == SITE


def test_wrong_items(project: Project) -> None:
    """Each at its place."""
    project.env["CRM"] = "s3cret"
    project.write(SITE.replace("CONTACT_CREATED", "SALE_NEW"))
    assert "site.yaml:5:24: SALE_NEW is listed twice" in project.run("validate").err
    project.write(SITE.replace("event: SALE_NEW", "event: SALE_NEWS"))
    assert "SALE_NEW`?" in project.run("validate").err
    project.write(SITE.replace("schema_version: 1", "schema_version: new"))
    assert "site.yaml:5:" in project.run("validate").err
    project.write(SITE.replace("schema_version: 1", "version: 1"))
    assert "schema_version" in project.run("validate").err


def test_an_ignored_secret_that_the_account_requires(make_project: Callable[..., Project]) -> None:
    """The refusal names the way out, and following it works."""
    hook = {"name": "CRM", "url": "https://crm.example.com/hook", "secret": "s3cret", "events": ["SALE_NEW"]}
    project = make_project({"webhooks": [hook]}, strict_webhook_patch=True)
    project.env["CRM"] = "s3cret"
    ignoring = SITE + "    lifecycle: {ignore: [secret]}\n"
    project.write(ignoring)
    refused = project.run("apply", "--yes")
    assert refused.code != 0
    assert "set secret to its real value and remove it from lifecycle.ignore" in refused.out + refused.err
    project.write(SITE)
    assert project.run("apply", "--yes").code == 0
    assert project.run("plan", "--detailed-exitcode").code == 0
