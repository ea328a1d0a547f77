"""``history``: every run with who, when and how it ended, and what it did field by field; secrets never."""

from __future__ import annotations

import pytest

from reconciler.ledger.store import Store
from tests.cli.support import ended
from tests.support.project import Project

SITE = "tags: [VIP]\ncontacts: [{email: ann@example.com, first_name: Ann}]\n"


def runs(project: Project) -> list[dict[str, object]]:
    found: list[dict[str, object]] = project.run("history", "--json").document["runs"]
    return found


def test_no_ledger_and_no_run(project: Project) -> None:
    """Before the first apply there is no history, and that is said."""
    project.write(SITE)
    ended(project.run("history"), 1, "no ledger yet")
    ended(project.run("history", "--ledger", "none"), 1, "there is no ledger")
    Store.open("sqlite:///.reconciler/ledger.db", root=project.folder).close()
    ended(project.run("history"), 0, "No runs yet.")


def test_newest_first(project: Project) -> None:
    """Every apply, destroy and undo is a run, by the name of its command; in the table the newest is the last."""
    project.write(SITE)
    project.apply()
    project.write(SITE.replace("Ann}", "Anna}"))
    project.apply()
    assert project.run("undo", "2", "--yes").code == 0
    assert project.run("destroy", "--yes").code == 0
    found = runs(project)
    assert [(each["run"], each["command"], each["status"]) for each in found] == [
        (4, "destroy", "done"),
        (3, "undo", "done"),
        (2, "apply", "done"),
        (1, "apply", "done"),
    ]
    assert all(each["who"] and each["host"] and each["tool"] and each["finished"] for each in found)
    assert len({each["plan"] for each in found}) == 4
    assert found[-1]["calls"] == {"reads": 2, "writes": 2}
    head, *rows = ended(project.run("history", "--limit", "2"), 0).splitlines()
    assert head.split() == ["run", "started", "command", "result", "changes", "by"]
    assert [row.split()[0] for row in rows] == ["3", "4"]
    assert " 1 deleted " in rows[1]
    assert (found[0]["changes"], found[-1]["changes"]) == ({"deleted": 1}, {"created": 2})


def test_the_history_of_a_resource(project: Project) -> None:
    """What every run did to it, by its address or its name; another one is no part of it."""
    project.write(SITE)
    project.apply()
    project.write(SITE.replace("Ann}", "Anna}"))
    project.apply()
    for name in ("contact/ann@example.com", "ann@example.com"):
        said = ended(project.run("history", name), 0, "run 1", "created", "run 2", "updated", '"Ann" → "Anna"')
        assert "VIP" not in said
    document = project.run("history", "contact/ann@example.com", "--json").document
    assert [(each["run"], each["action"]) for each in document["outcomes"]] == [(1, "create"), (2, "update")]
    ended(project.run("history", "tag/VPI"), 1, 'no run changed tag/VPI; did you mean "tag/VIP"?')
    redacted = ended(project.run("--redact", "history", "contact/ann@example.com"), 0, "run 2", "updated")
    assert "ann@example.com" not in redacted
    assert "Anna" not in redacted
    outcomes = project.run("--redact", "history", "contact/ann@example.com", "--json").document["outcomes"]
    created, updated = ({each["path"]: each for each in outcome["fields"]} for outcome in outcomes)
    assert created.keys() == {"email", "first_name"}
    (name,) = updated.values()
    assert name["before"] == created["first_name"]["after"] != name["after"]
    assert {name["before"], name["after"]}.isdisjoint({"Ann", "Anna"})


def test_the_digest_is_that_of_the_plan(project: Project) -> None:
    """A saved plan has the digest of the same plan applied directly."""
    project.write(SITE)
    project.run("plan", "--out", "plan.json")
    assert project.run("apply", "--plan", "plan.json", "--yes").code == 0
    first = runs(project)[0]["plan"]
    assert isinstance(first, str)
    assert len(first) == 64


def test_what_a_run_did(project: Project) -> None:
    """Before and after by field, in the order in which it happened."""
    project.write(SITE)
    project.apply()
    project.write("tags: [VIP]\ncontacts: [{email: ann@example.com, first_name: Anna}]\n")
    project.apply()
    ended(project.run("history", "1"), 0, "created    tag/VIP", "created    contact/ann@example.com", '"Ann"')
    ended(project.run("history", "2"), 0, "updated    contact/ann@example.com", '"Ann" → "Anna"')
    document = project.run("history", "2", "--json").document
    (outcome,) = document["outcomes"]
    assert outcome["fields"] == [{"path": "first_name", "before": "Ann", "after": "Anna"}]
    assert (document["run"], outcome["action"], outcome["status"]) == (2, "update", "done")


def test_what_goes_along_is_told(project: Project) -> None:
    """Relations that went with a deleted contact are part of the run."""
    project.write("tags: [VIP]\ncontacts: [{email: ann@example.com, tags: [VIP]}]\n")
    project.apply()
    project.write("prune: {contact: owned}\n", "reconciler.yaml")
    project.write("tags: [VIP]\ncontacts: []\n")
    project.apply("--allow", "contacts=1")
    ended(project.run("history", "2"), 0, "deleted    contact/ann@example.com", "tagging/ann@example.com/VIP")


def test_a_failed_step(project: Project) -> None:
    """Failures are told with their reason, and change no field."""
    project.write("tags: [VIP]\ncontacts: [{email: ann@example.com, tags: [VIP]}]\n")
    project.account.fault("status", method="POST", path="/api/tags", status=403)
    ended(project.run("apply", "--yes", "--parallel", "1"), 4)
    said = ended(project.run("history", "1"), 0, "failed     tag/VIP", "created    contact/ann@example.com")
    assert "tagging" not in said, "it was not tried"
    assert runs(project)[0]["status"] == "partial"


def test_a_step_in_doubt(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answered every attempt with an error, though it carried them out."""
    project.write(SITE)
    project.apply()
    project.write(SITE.replace("Ann}", "Anna}"))
    project.account.fault("error_after", method="PATCH", times=None)
    monkeypatch.setattr("reconciler.gateway.client.pause", lambda *_: 0.0)
    ended(project.run("apply", "--yes"), 1)
    ended(project.run("history", "2"), 0, "failed     contact/ann@example.com", "502")


def test_secrets_are_not_in_it(project: Project) -> None:
    """Neither the value nor its digest."""
    project.write("webhooks: [{name: W, url: 'https://x.example.com', secret: {env: S}, events: [SALE_NEW]}]\n")
    assert project.run("apply", "--yes", env={"S": "canary-5f1d"}).code == 0
    for args in (("history",), ("history", "--json"), ("history", "1"), ("history", "1", "--json")):
        result = project.run(*args)
        assert "canary" not in result.out + result.err


@pytest.mark.parametrize("number", ["7", "0", "-- -1"])
def test_an_unknown_run(project: Project, number: str) -> None:
    """The known ones are named."""
    project.write(SITE)
    project.apply()
    ended(project.run("history", *number.split()), 1, "there is no run", "knows 1")


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"CI_JOB_URL": "https://gitlab.example.com/a/b/-/jobs/7"}, "https://gitlab.example.com/a/b/-/jobs/7"),
        (
            {
                "GITHUB_SERVER_URL": "https://github.example.com",
                "GITHUB_REPOSITORY": "a/b",
                "GITHUB_RUN_ID": "42",
            },
            "https://github.example.com/a/b/actions/runs/42",
        ),
        ({"CI_JOB_URL": "javascript:alert(1)"}, ""),
        ({}, ""),
    ],
    ids=["gitlab", "github", "no address", "none"],
)
def test_the_job_of_a_run_is_recorded(project: Project, env: dict[str, str], url: str) -> None:
    """Its URL is in the history."""
    project.write("tags: [A]\n")
    ended(project.run("apply", "--yes", env=env), 0)
    (run,) = project.run("history", "--json").document["runs"]
    assert run["job"] == url
    assert url in project.run("history").out
