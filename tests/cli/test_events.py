"""``--json-events``: one object a line, as its schema says, from the first moment to the last."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

import jsonschema
import pytest

from tests.cli.support import ended
from tests.cli.test_signals import TAGS, heard, hold, started
from tests.support.project import Project, Result
from tests.support.waiting import PATIENCE, line_with

__all__ = ["heard"]  # a fixture of its module


def events(out: str, project: Project) -> list[dict[str, Any]]:
    """The events of a stream, each valid, numbered, and in their order."""
    schema = project.run("schema", "event").document
    told = [json.loads(line) for line in out.splitlines()]
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    for event in told:
        validator.validate(event)
    assert [event["number"] for event in told] == list(range(1, len(told) + 1))
    assert told[0]["event"] == "begin"
    assert told[0]["format_version"] == "1.0"
    assert [event["event"] for event in told[:-1] if event["event"] in ("report", "error")] == []
    return told


def of(told: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in told if event["event"] == name]


def stream(result: Result, project: Project, code: int = 0) -> list[dict[str, Any]]:
    assert result.code == code, result.err
    return events(result.out, project)


def test_a_run(project: Project) -> None:
    """Plan, each step as it begins and ends, and the report that --json would print."""
    project.write("tags: [A, B]\ncontacts: [{email: a@example.com, tags: [A]}]\n")
    told = stream(project.run("apply", "--yes", "--json-events"), project)
    assert told[0]["command"] == "apply"
    assert of(told, "plan")[0]["summary"]["create"] == 4
    begun = [event["address"] for event in of(told, "started")]
    assert sorted(begun) == ["contact/a@example.com", "tag/A", "tag/B", "tagging/a@example.com/A"]
    assert [event["done"] for event in of(told, "ended")] == [1, 2, 3, 4]
    report = told[-1]
    assert report["event"] == "report"
    assert [each["status"] for each in report["outcomes"]] == ["done"] * 4
    assert report["calls"]["sent"]["writes"] == 4
    assert stream(project.run("apply", "--yes", "--json-events"), project)[-1]["outcomes"] == []


@pytest.mark.parametrize("args", [["destroy", "--allow", "deletes"], ["undo", "1"]], ids=lambda args: args[0])
def test_other_runs(project: Project, args: list[str]) -> None:
    """Whatever writes can stream."""
    project.write("tags: [A]\n")
    project.apply()
    told = stream(project.run(*args, "--yes", "--json-events"), project)
    assert told[0]["command"] == args[0]
    assert told[-1]["outcomes"][0]["action"] == "delete"


def test_what_goes_wrong(project: Project) -> None:
    """Broken files, a closed approval, nobody to ask: the last event says why, with the exit code."""
    project.write("tagz: [A]\n")
    result = project.run("apply", "--json-events")
    last = stream(result, project, 1)[-1]
    assert (last["event"], last["exit_code"]) == ("error", 1)
    assert "tagz" in last["message"]
    assert "tagz" in result.err
    project.write("tags: [A]\n")
    last = stream(project.run("apply", "--json-events"), project, 3)[-1]
    assert (last["event"], last["exit_code"]) == ("error", 3)
    assert project.account.writes == []


@pytest.mark.parametrize("flag", ["--json"])
def test_one_standard_output(project: Project, flag: str) -> None:
    """Two cannot have it; nothing is begun."""
    project.write("tags: [A]\n")
    result = project.run("apply", "--yes", "--json-events", flag)
    ended(result, 1, "--json-events")
    assert result.out == ""
    assert project.account.requests == []


def test_nobody_is_named(project: Project) -> None:
    """With --redact events hold marks."""
    project.write("contacts: [{email: ann@example.com, first_name: Annabel}]\n")
    told = stream(project.run("--redact", "apply", "--yes", "--json-events"), project)
    assert "ann@example.com" not in json.dumps(told)
    assert "Annabel" not in json.dumps(told)
    assert of(told, "started")[0]["address"].startswith("contact/c:")


def event_of(running: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line of a stream, as it comes."""
    assert running.stdout is not None
    event: dict[str, Any] = json.loads(running.stdout.readline())
    return event


def test_stopped_in_the_middle(project: Project) -> None:
    """Each line is there at once; a signal ends the stream with a report, heartbeats before it."""
    project.write(TAGS)
    hold(project, nth=3)
    running = started(project, "--heartbeat", "0.05", "apply", "--yes", "--parallel", "2", "--json-events")
    assert running.stdout is not None
    assert event_of(running)["event"] == "begin"
    told = [event_of(running)]
    while told[-1]["event"] != "heartbeat" or len(project.account.writes) < 4:
        told.append(event_of(running))
    running.send_signal(signal.SIGINT)
    assert running.stderr is not None
    line_with("Stopping", running.stderr)
    project.account.set_faults([])
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, err
    told += [json.loads(line) for line in out.splitlines()]
    assert told[-1]["event"] == "report"
    assert told[-1]["stopped"] == "interrupted"
    beats = of(told, "heartbeat")
    assert {"kinds", "rate", "calls"} <= set(beats[-1])
    assert beats[-1]["total"] == 30
    schema = project.run("schema", "event").document
    for event in told:
        jsonschema.validate(event, schema)
