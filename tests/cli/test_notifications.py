"""Notifications of drift, applies and failures: what is told, to whom, and that nobody is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest

from tests.canaries.world import FIRST, INVALID, KEY, PEOPLE, SECOND, SECRETS, World, found
from tests.cli.support import ended
from tests.support.hands import delete_tag, rename_person
from tests.support.hook import Taken, hook
from tests.support.project import Project
from tests.support.watching import Script, nothing

SITE = """\
tags: [VIP]
contacts:
  - {email: ann@example.com, first_name: Ann, tags: [VIP]}
"""
LINK = "https://ci.example.com/jobs/7?a=1&b=2"
SCHEMA = Path(__file__).parents[2] / "schema" / "notification.schema.json"


@pytest.fixture
def taken() -> Iterator[Taken]:
    """A server that takes notifications."""
    with hook() as running:
        yield running
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        for document in running.documents:
            if "blocks" not in document:
                jsonschema.validate(document, schema, jsonschema.Draft7Validator)


@pytest.fixture
def told(project: Project, taken: Taken) -> Project:
    """A project that tells of itself."""
    project.env |= {"RECONCILER_NOTIFY_URL": taken.url, "RECONCILER_NOTIFY_LINK": LINK}
    project.write(SITE)
    return project


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Pauses that do something instead of waiting."""
    return Script(monkeypatch)


def test_an_apply_is_told(told: Project, taken: Taken) -> None:
    """Counts by kind and action, outcomes, the run, the link; and nothing when there was nothing to do."""
    ended(told.run("apply", "--yes"), 0)
    ended(told.run("apply", "--yes"), 0)
    (document,) = taken.documents
    assert document["event"] == "apply"
    assert (document["command"], document["run"], document["exit_code"]) == ("apply", 1, 0)
    assert document["changes"] == {"contact": {"create": 1}, "tag": {"create": 1}, "tagging": {"create": 1}}
    assert document["outcomes"] == {"done": 3}
    assert document["link"] == LINK
    assert document["text"] == "reconciler apply: applied (run 1); 3 done."


def test_drift_is_told(told: Project, taken: Taken) -> None:
    """From `drift`, resources by kind; and nothing where nothing drifted."""
    told.apply()
    ended(told.run("drift"), 0)
    rename_person(told, "ann@example.com", first_name="Eve")
    delete_tag(told, "VIP")
    ended(told.run("drift"), 2)
    assert taken.events == ["apply", "drift"]
    assert taken.documents[1]["drift"] == {"contact": 1, "tag": 1, "tagging": 1}
    assert taken.documents[1]["exit_code"] == 2


def test_failures_are_told(told: Project, taken: Taken) -> None:
    """Broken files, closed approvals, steps that fail; one notification for each run, and none for a plan."""
    told.write("environments: {live: {}}\n", "reconciler.yaml")
    told.env["RECONCILER_ENVIRONMENT"] = "live"
    told.write("tags: [")
    ended(told.run("plan"), 1)
    ended(told.run("apply", "--yes"), 1)
    told.write("tags: [" + ", ".join(f"T{n}" for n in range(12)) + "]\n")
    told.account.fault("status", method="POST", nth=2, times=1, status=422)
    ended(told.run("apply", "--yes"), 4)
    ended(told.run("apply", "--yes"), 0)
    told.write("tags: [T0]\n")
    ended(told.run("apply", "--yes"), 3)
    assert taken.events == ["failure", "failure", "apply", "failure"]
    broken, partial, _, gated = taken.documents
    assert (broken["error"], broken["environment"], broken["exit_code"]) == ("ConfigurationError", "live", 1)
    assert partial["outcomes"] == {"done": 11, "failed": 1}
    assert (gated["needs"], gated["error"], gated["changes"]) == (
        ["deletes"],
        "ApprovalRequired",
        {"tag": {"delete": 11}},
    )
    assert gated["text"].startswith(
        "reconciler apply, live: refused; ApprovalRequired; 11 to delete waiting; needs --allow del"
    )


def test_what_nobody_asked_for_is_not_told(told: Project, taken: Taken) -> None:
    """`on` chooses events, in the file or by a variable; a declined apply is no failure."""
    told.write("notify: {on: [failure]}\n", "reconciler.yaml")
    told.apply()
    told.write("tags: [")
    ended(told.run("apply", "--yes"), 1)
    ended(told.run("apply", "--yes", env={"RECONCILER_NOTIFY_ON": "apply,drift"}), 1)
    told.write("tags: [Gold]\n")
    ended(told.run("apply"), 3, "--yes")
    assert taken.events == ["failure"]


def test_plans_tell_nobody(told: Project, taken: Taken) -> None:
    """Whatever they find."""
    for command in (("plan",), ("plan", "--detailed-exitcode"), ("validate",), ("history",)):
        told.run(*command)
    told.write("tags: [")
    told.run("plan")
    assert taken.documents == []


def test_slack(told: Project, taken: Taken) -> None:
    """A text and a block, with the link behind a word, and Slack's own signs escaped."""
    told.env["RECONCILER_NOTIFY_FORMAT"] = "slack"
    told.apply()
    (document,) = taken.documents
    assert set(document) == {"text", "blocks"}
    assert document["text"] == "reconciler apply: applied (run 1); 3 done."
    (block,) = document["blocks"]
    assert block["text"]["type"] == "mrkdwn"
    assert block["text"]["text"].endswith(f"\n<{LINK}|Open the run>")


def test_a_watch_tells_news_once(told: Project, taken: Taken, script: Script) -> None:
    """Drift when it is another one, a failure when it begins, and its end; not the same thing every cycle."""
    told.apply()
    taken.documents.clear()
    steps: list[Callable[[], object]] = [
        lambda: rename_person(told, "ann@example.com", first_name="Eve"),
        nothing,
        lambda: delete_tag(told, "VIP"),
        lambda: told.write("tags: ["),
        nothing,
        lambda: told.write(SITE),
    ]
    script.run(told, "--max-cycles", "7", steps=steps)
    shown = [(each["event"], each["cycle"], each["resolved"]) for each in taken.documents]
    assert shown == [("drift", 2, False), ("drift", 4, False), ("failure", 5, False), ("failure", 7, True)]
    assert taken.documents[3]["text"] == "reconciler watch: works again; 2 to create, 1 to update waiting."


def test_a_watch_tells_what_it_applied(told: Project, taken: Taken, script: Script) -> None:
    """Each time; and a closed approval once."""
    names = ", ".join(f"T{n}" for n in range(12))
    steps: list[Callable[[], object]] = [
        lambda: told.write(f"tags: [{names}]\n"),
        lambda: told.write("tags: [T0]\n"),
        nothing,
    ]
    script.run(told, "--apply", "--max-cycles", "4", steps=steps)
    assert [(each["event"], each["run"], each["needs"]) for each in taken.documents] == [
        ("apply", 1, []),
        ("apply", 2, []),
        ("failure", None, ["deletes"]),
    ]


@pytest.mark.parametrize("status", [500, 404, 302])
def test_one_that_is_not_taken_is_a_warning(told: Project, taken: Taken, status: int) -> None:
    """One line with the host alone, the same exit code; a server's trouble is tried again, no redirect followed."""
    with hook("/elsewhere") as other:
        taken.answers = [(status, {"Location": other.url, "Retry-After": "0"})] * 9
        result = told.run("apply", "--yes")
        assert other.documents == []
    said = ended(result, 0, f"warning: the notification to 127.0.0.1 failed: answered {status}")
    assert said.count("warning:") == 1
    assert "s3cr3t" not in said
    assert len(taken.documents) == (3 if status == 500 else 1)


def test_a_short_trouble_is_survived(told: Project, taken: Taken) -> None:
    """429 and 503 are tried again, and then nothing is said of it."""
    taken.answers = [(429, {"Retry-After": "0"}), (503, {})]
    assert "warning" not in ended(told.run("apply", "--yes"), 0)
    assert len(taken.documents) == 3


def test_nobody_there(told: Project) -> None:
    """No connection is a warning too, for whatever exit code the command has."""
    told.env["RECONCILER_NOTIFY_URL"] = "http://127.0.0.1:1/s3cr3t"
    told.write("tags: [")
    said = ended(told.run("apply", "--yes"), 1, "failed: no answer (ConnectionError)")
    assert "s3cr3t" not in said


def test_the_address_is_a_secret(told: Project, taken: Taken) -> None:
    """Never from a file, https but on loopback; neither `validate --show` nor a refusal shows it."""
    for setting, text in (
        ("notify: {url: https://hooks.example.com/s3cr3t}", "RECONCILER_NOTIFY_URL"),
        ("environments: {e: {notify: {url: s3cr3t}}}", "RECONCILER_NOTIFY_URL"),
    ):
        told.write(f"{setting}\n", "reconciler.yaml")
        assert "s3cr3t" not in ended(told.run("plan"), 1, text)
    (told.folder / "reconciler.yaml").unlink()
    assert "s3cr3t" not in ended(told.run("validate", "--show"), 0, "notify_url", "set, not shown")
    for url in (
        "http://hooks.example.com/s3cr3t",
        "ftp://x/s3cr3t",
        "https://me:s3cr3t@hooks.example.com/",
        "s3cr3t",
    ):
        said = ended(told.run("apply", "--yes", env={"RECONCILER_NOTIFY_URL": url}), 1, "RECONCILER_NOTIFY_URL")
        assert "s3cr3t" not in said
    told.write(
        "webhooks: [{name: W, url: https://example.com, events: [SALE_NEW], secret: {env: RECONCILER_NOTIFY_URL}}]\n"
    )
    assert "s3cr3t" not in ended(told.run("plan"), 1, "configuration files cannot read RECONCILER_NOTIFY_URL")
    assert taken.documents == []


@pytest.mark.parametrize(
    ("name", "value"), [("FORMAT", "xml"), ("ON", "drift,everything"), ("LINK", "javascript:alert(1)"), ("LINK", "x")]
)
def test_settings_that_cannot_be_meant(told: Project, name: str, value: str) -> None:
    """Each is told by its variable."""
    ended(told.run("plan", env={f"RECONCILER_NOTIFY_{name}": value}), 1, f"RECONCILER_NOTIFY_{name}")


@pytest.fixture
def world(project: Project, taken: Taken, tmp_path: Path) -> World:
    """The canaries' world on this test's emulator, telling of itself."""
    folder = tmp_path / "world"
    folder.mkdir()
    made = World(folder, project.server, f"{project.account.connection}-canary")
    made.project.env["RECONCILER_NOTIFY_URL"] = taken.url
    return made


@pytest.mark.parametrize("form", ["json", "slack"])
def test_nobody_is_named(world: World, taken: Taken, script: Script, form: str) -> None:
    """No address, name, value, secret, key or path of a whole life is in any byte that leaves for the hook."""
    project = world.project
    project.env["RECONCILER_NOTIFY_FORMAT"] = form
    said = {"violations": [{"propertyPath": "email", "message": "canary.ann@example.com is taken by Annamaria"}]}
    world.settle()
    world.move_on()
    world.run("drift")
    for text in (INVALID, FIRST.replace("Gold]", "canary.ann@example.com]")):
        project.write(text)
        world.run("apply", "--yes")
    project.write(SECOND)
    project.account.fault("status", method="PATCH", times=None, status=422, body=said)
    world.run("apply", "--yes")
    project.account.set_faults([])
    script.run(project, "--apply", "--max-cycles", "3", steps=[world.move_on, lambda: project.write(INVALID)])
    world.run("apply", "--plan", "canary.ann@example.com.json")
    sent = [("body", each) for each in taken.bodies]
    sent += [("headers", json.dumps(each).encode()) for each in taken.headers]
    assert len(taken.bodies) >= 6
    assert found([*PEOPLE, *SECRETS.values(), KEY, project.server.key, "canary", "crm.example.com"], iter(sent)) == []
    assert all("Authorization" not in each and "Maton-Connection" not in each for each in taken.headers)


def test_a_defect_does_not_show_the_address(told: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback that carries it hides it."""
    from reconciler.cli.redaction import Redaction

    url = "https://hooks.example.com/s3cr3t"
    monkeypatch.setenv("RECONCILER_NOTIFY_URL", url)
    said = Redaction().defect(RuntimeError, RuntimeError(f"boom {url}"), None)
    assert "boom (hidden)" in said
    assert "s3cr3t" not in said
