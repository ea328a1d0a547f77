"""Secrets in no artefact of any command; under --redact nobody's address or name either."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from reconciler.gateway.connections import Connections
from tests.canaries.world import INVALID, KEY, PEOPLE, SECOND, SECRETS, UNPLANNABLE, World, every_line, found

#: Holds people by design: 0600, and named as such.
KEEPS_PEOPLE = ("ledger.db", "ordinary.json")


def live_through(world: World, *flags: str) -> None:
    """The whole life of a project: applied, everything moved, every command, refused, failed, applied, destroyed."""
    world.settle(*flags)
    world.move_on()
    world.run("--no-redact", "plan", "--out", "ordinary.json", code=0)
    world.run("--redact", "plan", "--out", "sealed.json", code=0)
    world.results.clear()
    for line in every_line():
        world.run(*flags, *line)
    _fail(world, *flags)
    world.project.write(SECOND)
    world.run(*flags, "apply", "--yes", "--plan", "sealed.json")
    world.run(*flags, "apply", "--yes", "--json")
    world.run(*flags, "destroy", "--yes", "--allow", "deletes")


def _fail(world: World, *flags: str) -> None:
    """Everything that can go wrong and says something of it."""
    account, project = world.project.account, world.project
    for text in (INVALID, UNPLANNABLE):
        project.write(text)
        for command in (("validate",), ("validate", "--json"), ("plan",), ("apply", "--yes")):
            world.run(*flags, *command)
    project.write(SECOND)
    said = {
        "violations": [
            {
                "propertyPath": "url",
                "message": f"{SECRETS['new url token']} of {project.env['HOOK_URL']} is not good",
            },
            {
                "propertyPath": "email",
                "message": "canary.ann@example.com or Annamaria (Annamaria Quillfeather) is taken",
            },
            {"propertyPath": "secret", "message": f"{SECRETS['rotated webhook secret']} is too short"},
        ]
    }
    account.fault("status", method="PATCH", times=None, status=422, body=said)
    account.fault("status", method="POST", times=None, status=422, body=said)
    account.fault("status", method="DELETE", times=None, status=422, body=said)
    world.run(*flags, "apply", "--yes")
    world.run(*flags, "apply", "--yes", "--json")
    account.set_faults([])
    world.run(*flags, "plan", MATON_API_KEY="canary-wrong-key-1b")
    world.run(*flags, "plan", HOOK_SECRET=None)
    world.run(*flags, "plan", "--target", "contact/canary.nobody@example.com")
    world.run(*flags, "apply", "--plan", "canary.ann@example.com.json")
    world.run(*flags, "plan", "canary.ann@example.com")


@pytest.mark.parametrize("flags", [(), ("-vv",), ("--redact", "-vv")], ids=" ".join)
def test_no_artefact_of_a_whole_life_holds_a_secret(world: World, flags: tuple[str, ...]) -> None:
    """Output, errors, logs, plan files, the bytes of the ledger and its log: none holds a key, secret or token."""
    live_through(world, *flags)
    assert found([*SECRETS.values(), "canary-wrong-key-1b"], world.artefacts()) == []


@pytest.mark.parametrize("flags", [("--redact",), ("--redact", "-vv")], ids=" ".join)
def test_redacted_output_names_nobody(world: World, flags: tuple[str, ...]) -> None:
    """Under --redact nothing but the ledger and an ordinary plan file holds an address or a name."""
    live_through(world, *flags)
    assert found(PEOPLE, _but(world, *KEEPS_PEOPLE)) == []
    assert len(world.results) > 40


def _but(world: World, *names: str) -> Iterator[tuple[str, bytes]]:
    return ((name, content) for name, content in world.artefacts() if not any(each in name for each in names))


def test_the_canaries_sing_without_redaction(world: World) -> None:
    """The search finds people where nothing hides them: else the test above proves nothing."""
    world.settle()
    world.run("plan", "--json", code=0)
    seen = {place.partition(" in ")[0] for place in found(PEOPLE, world.artefacts())}
    assert {"canary.ann@example.com", "canary.bob@example.com"} <= seen


@pytest.mark.parametrize("way", ["environment", "file"])
def test_redaction_is_asked_for_by_a_flag_a_variable_or_the_file(world: World, way: str) -> None:
    """RECONCILER_REDACT and ``redact: true`` do what the flag does, and --no-redact overrides both."""
    world.settle("--redact")
    if way == "file":
        world.project.write("redact: true\n", "reconciler.yaml")
    else:
        world.project.env["RECONCILER_REDACT"] = "true"
    world.move_on()
    for line in (("plan",), ("plan", "--json"), ("ledger", "list"), ("validate",)):
        world.run(*line)
    world.run("--no-redact", "plan", code=0)
    (*_, (_, shown)) = world.results
    world.results.pop()
    assert found(PEOPLE, _but(world, *KEEPS_PEOPLE)) == []
    assert "canary.ann@example.com" in shown.out


def test_marks_are_the_same_in_every_output(world: World) -> None:
    """One person has one mark: in plan, JSON, requests, log, report and ledger, from run to run."""
    import re

    world.settle("--redact", "-vv")
    world.run("--redact", "ledger", "list", "contact/canary.ann*")
    world.run("--redact", "ledger", "show", "contact/canary.ann@example.com", code=0)
    listed = re.findall(r"contact/(c:[0-9a-f]{8})", world.results[1][1].out)
    applied = world.results[0][1]
    assert len(listed) == 1
    assert f"contact/{listed[0]}" in applied.out
    assert f"contact/{listed[0]}" in applied.err
    assert world.results[2][1].document["applied"]["email"] == listed[0]


def test_session_urls_of_connections_do_not_show(make_world: Callable[[], World]) -> None:
    """The URL that opens a connection's session is in no repr, no log and no error."""
    world = make_world()
    with Connections(world.project.server.url, KEY) as connections:
        (mine,) = [each for each in connections.list() if each.id == world.project.account.connection]
    assert "session_token" in mine.url
    assert mine.url not in repr(mine)
    world.project.env["RECONCILER_CONNECTION"] = ""
    world.settle("-vv")
    world.run("-vv", "plan", "--json")
    token = mine.url.partition("session_token=")[2]
    assert found([token, "session_token"], world.artefacts()) == []
