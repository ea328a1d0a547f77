"""What is said on standard error: more under -v, JSON lines for collectors, heartbeats of long runs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.cli.support import ended
from tests.support.project import Project

SECRET = "a-secret-of-a-webhook"
HOOKED = """
tags: [A]
contacts: [{email: ann@example.com, first_name: Annabel}]
webhooks: [{name: W, url: "https://hooks.example.com/T0KEN", secret: {env: HOOK_SECRET}, events: [SALE_NEW]}]
"""


@pytest.fixture
def hooked(project: Project) -> Project:
    """People and a secret."""
    project.write(HOOKED)
    project.env["HOOK_SECRET"] = SECRET
    return project


def objects(text: str) -> list[dict[str, Any]]:
    """Every line of it, as JSON with a time, a level, an event and a message."""
    told: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for each in told:
        assert list(each)[:4] == ["time", "level", "event", "message"]
        assert each["time"].endswith("Z")
        assert datetime.fromisoformat(each["time"]).tzinfo is not None
        assert each["level"] in ("debug", "info", "warning", "error")
    return told


def test_one_v_tells_decisions(hooked: Project) -> None:
    """By which way each collection was read, and at which rate limit."""
    said = hooked.run("-v", "plan").err
    assert "calls read the account" in said
    assert "contact: " in said
    assert "GET /" not in said
    assert hooked.run("plan").err == ""


def test_two_tell_calls(hooked: Project) -> None:
    """Method, path, status, time and quota; no bodies."""
    hooked.account.fault("status", method="GET", times=1, status=429, headers={"Retry-After": "0"})
    said = hooked.run("-vv", "apply", "--yes").err
    assert "GET /api/webhooks → 200 in " in said
    assert "429 in" in said
    assert "Retry-After: 0" in said
    assert "attempt 2" in said
    assert "sent {" not in said


def test_three_tell_bodies(hooked: Project) -> None:
    """Bodies, without what opens anything; with --redact nobody is named in them."""
    said = hooked.run("-vvv", "apply", "--yes").err
    assert 'sent {"email": "ann@example.com"' in said
    assert '"secret": "(hidden)"' in said
    for hidden in (SECRET, "T0KEN", hooked.env["MATON_API_KEY"]):
        assert hidden not in said
    hooked.write("tags: [B]\n", "more.yaml")
    said = hooked.run("-vvv", "--redact", "apply", "--yes").err
    assert "ann@example.com" not in said
    assert "Annabel" not in said
    assert '"email": "c:' in said


def test_sessions_are_not_told(project: Project) -> None:
    """The address of a connection opens a session: its host is all that is said."""
    said = project.run("-vvv", "connections", "list").err
    assert "(hidden)" in said
    assert "session" not in said.replace("/connections", "")


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_json_lines(hooked: Project, way: str) -> None:
    """Everything on standard error, calls with their fields; standard output is what it was."""
    flags = ["--log-format", "json"] if way == "flag" else []
    env = {} if way == "flag" else {"RECONCILER_LOG_FORMAT": "json"}
    plain = hooked.run("plan").out
    result = hooked.run(*flags, "-vv", "plan", env=env)
    assert result.out == plain
    told = objects(result.err)
    calls = [each for each in told if each["event"] == "call"]
    assert {"method", "path", "status", "ms", "attempt", "headers"} <= set(calls[0])
    assert [each["event"] for each in told if each["event"] == "read"] == ["read"]
    steps = [each for each in objects(hooked.run(*flags, "apply", "--yes", env=env).err) if each["event"] == "step"]
    assert {each["address"] for each in steps} == {"tag/A", "contact/ann@example.com", "webhook/W"}


@pytest.mark.parametrize(
    ("args", "event", "code"),
    [
        (["plan", "nowhere"], "error", 1),
        (["plan", "--nope"], "usage", 1),
        (["nonsense"], "usage", 1),
        (["apply"], "error", 3),
    ],
    ids=str,
)
def test_errors_are_json_too(hooked: Project, args: list[str], event: str, code: int) -> None:
    """Each with its exit code, also where the flags themselves are wrong."""
    result = hooked.run(*args, env={"RECONCILER_LOG_FORMAT": "json"})
    assert result.code == code
    last = objects(result.err)[-1]
    assert (last["level"], last["event"], last["exit_code"]) == ("error", event, code)


def test_json_lines_name_nobody(hooked: Project) -> None:
    """Marks in fields and messages."""
    said = hooked.run("--redact", "--log-format", "json", "-vvv", "apply", "--yes").err
    assert objects(said)
    assert "ann@example.com" not in said
    assert "Annabel" not in said


def test_long_runs_off_a_terminal(project: Project) -> None:
    """Up to fifty steps have a line each; more have heartbeats, and their failures lines."""
    project.write("tags: [" + ", ".join(f"T{n}" for n in range(50)) + "]\n")
    assert project.run("apply", "--yes").err.count("created") == 50
    project.write("tags: [" + ", ".join(f"U{n}" for n in range(51)) + "]\n", "more.yaml")
    project.account.fault("status", method="POST", nth=5, times=1, status=500, body={"detail": "broken"})
    project.account.fault("status", method="POST", nth=20, times=1, status=403, body={"detail": "not this one"})
    project.account.fault("latency", method="POST", nth=30, times=4, seconds=1.0)
    said = project.run("--heartbeat", "0.05", "apply", "--yes", "--parallel", "4").err
    assert "created" not in said
    assert "of 51 done" in said
    assert "per second" in said
    assert "of 51 tags" in said
    quiet = project.run("-q", "--heartbeat", "0.01", "apply", "--yes").err
    assert "heartbeat" not in quiet and "of 51" not in quiet


def test_reading_has_a_heartbeat(project: Project) -> None:
    """Where pages take their time."""
    project.write("tags: [" + ", ".join(f"T{n}" for n in range(150)) + "]\n")
    project.apply("--parallel", "16")
    project.account.fault("latency", method="GET", times=None, seconds=0.1)
    said = project.run("--heartbeat", "0.02", "plan", "--refresh", "full").err
    assert "reading: 100" in said
    assert "heartbeat" in project.run("--heartbeat", "0.02", "--log-format", "json", "plan", "--refresh", "full").err
    assert "reading" not in project.run("--heartbeat", "0", "plan", "--refresh", "full").err
    ended(project.run("--heartbeat", "-1", "plan"), 1, "--heartbeat")
