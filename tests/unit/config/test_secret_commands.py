"""Secrets that a command prints: who may run, what is passed on, and every way to fail."""

import pytest

from reconciler.config import secret_commands, secrets
from reconciler.config.scalars import UnresolvedSecret
from reconciler.config.yaml_loader import parse
from reconciler.model.values import Secret


@pytest.fixture
def project(tmp_path):
    """A project folder, and beside it a folder of programs."""
    (tmp_path / "project").mkdir()
    (tmp_path / "bin").mkdir()
    return tmp_path / "project"


def program(project, script, name="op"):
    """A program that a shell script stands in for, and the environment that allows it."""
    path = project.parent / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{path.parent}:/usr/bin:/bin", "RECONCILER_SECRET_COMMANDS": name}


def unsealed(words, project, environ, **more):
    """What stands in the place of a command afterwards, and what was found."""
    node = parse(f"secret: {{command: {words}}}\n", "f")
    found = secrets.resolve_secrets([UnresolvedSecret(node, "secret", node["secret"])], environ, (project,), **more)
    return node["secret"], [str(finding.problem()) for finding in found]


def test_what_a_program_prints(project):
    """Arguments as they are written, no shell; the source is shown, the value is not."""
    environ = program(project, 'printf "%s\\n" "s3cret $*"')
    secret, found = unsealed("[op, read, 'op://A b/$HOME;x']", project, environ)
    assert secret == Secret("command:op read 'op://A b/$HOME;x'", "s3cret read op://A b/$HOME;x")
    assert "s3cret" not in repr(secret)
    assert not found


def test_it_runs_in_the_project_without_our_variables(project):
    """Paths are those of the project; the API key is for nobody; input is empty."""
    environ = program(project, 'cat; echo "$PWD ${MATON_API_KEY-none} ${RECONCILER_LEDGER_KEY-none} $VAULT_ADDR"')
    environ |= {"MATON_API_KEY": "k3y", "RECONCILER_LEDGER_KEY": "k3y", "VAULT_ADDR": "there"}
    assert unsealed("[op]", project, environ)[0].value == f"{project} none none there"


@pytest.mark.parametrize("allowed", ["op", "op read", "sops, op  read", "vault,op read,pass"])
def test_allowed(project, allowed):
    """Any command of a program, or those that begin with some words."""
    environ = program(project, "echo s3cret") | {"RECONCILER_SECRET_COMMANDS": allowed}
    assert unsealed("[op, read, x]", project, environ)[0].value == "s3cret"


@pytest.mark.parametrize("allowed", [None, "", " , ", "opa", "OP", "op write", "op read y", "*"])
def test_refused(project, allowed):
    """Without the setting nothing runs; the message has the line to set."""
    environ = program(project, "touch ran; echo s3cret")
    del environ["RECONCILER_SECRET_COMMANDS"]
    environ |= {} if allowed is None else {"RECONCILER_SECRET_COMMANDS": allowed}
    (found,) = unsealed("[op, read, op://x]", project, environ)[1]
    assert found.startswith("f:1:19: configuration files may not run `op read`; if you trust everybody")
    assert f'RECONCILER_SECRET_COMMANDS="{allowed + "," if allowed else ""}op read" where' in found
    assert not (project / "ran").exists()


@pytest.mark.parametrize("path", ["", ".", "bin", "::"])
def test_programs_of_the_project_are_not_found(project, path):
    """Neither by a relative folder of PATH nor by a relative name: a pull request could bring them."""
    (project / "bin").mkdir()
    for folder in (project, project / "bin"):
        (folder / "op").write_text("#!/bin/sh\ntouch ran\n")
        (folder / "op").chmod(0o755)
    for name in ("op", "./op", "bin/op"):
        environ = {"PATH": path, "RECONCILER_SECRET_COMMANDS": name}
        assert f"cannot find the program {name}" in unsealed(f"[{name}]", project, environ)[1][0]


def test_an_absolute_name(project):
    """Where it is allowed as it is written."""
    program(project, "echo s3cret")
    name = str(project.parent / "bin" / "op")
    assert unsealed(f"[{name}]", project, {"RECONCILER_SECRET_COMMANDS": name})[0].value == "s3cret"


FAILURES = {
    "echo s3cret; echo s3cret >&2; exit 3": "op failed with exit code 3; run it by hand in the project folder",
    "kill -9 $$": "op was ended by signal 9",
    "echo": "op printed nothing",
    'printf "\\377"': "op printed something that is not UTF-8",
    "yes s3cret": "op printed more than 65,536 bytes, the limit for a secret",
}


@pytest.mark.parametrize("script", FAILURES)
def test_failures(project, script):
    """One message with the name of the program; nothing of what it printed."""
    (found,) = unsealed("[op]", project, program(project, script))[1]
    assert FAILURES[script] in found
    assert "s3cret" not in found


def test_a_program_that_cannot_run(project):
    """Not a program for this machine, and an argument that none can have."""
    environ = program(project, "")
    (project.parent / "bin" / "op").write_bytes(b"\x7fELF")
    assert "cannot run op: " in unsealed("[op]", project, environ)[1][0]
    assert "cannot run op: " in unsealed('[op, "a\\0b"]', project, program(project, "echo x"))[1][0]


@pytest.mark.parametrize("script", ["sleep 60", "exec >&-; sleep 60", "sleep 60 &"])
def test_the_time_limit(project, script, monkeypatch):
    """What it started is ended as well."""
    monkeypatch.setattr(secret_commands, "SECONDS", 0.3)
    assert "op did not finish within 0.3 seconds" in unsealed("[op]", project, program(project, script))[1][0]


def test_it_runs_once(project):
    """Equal commands share one run, also one that fails."""
    for script in ("echo run >> log; echo s3cret", "echo run >> log; exit 1"):
        environ = program(project, script)
        node = parse("a: {command: [op, x]}\nb: {command: [op, x]}\n", "f")
        places = [UnresolvedSecret(node, key, node[key]) for key in "ab"]
        assert len(secrets.resolve_secrets(places, environ, (project,))) in (0, 2)
        assert (project / "log").read_text() == "run\n"
        (project / "log").unlink()


def test_what_needs_no_secret_skips_it(project):
    """It is not run unless it is allowed."""
    environ = program(project, "echo s3cret")
    assert unsealed("[op]", project, environ, skip_commands=True)[0] == Secret("command:op", "s3cret")
    assert unsealed("[pass]", project, environ, skip_commands=True) == (Secret("command:pass", ""), [])


@pytest.mark.parametrize("declaration", ["[]", "op", "{a: b}", "[[op]]", "[op, {a: b}]"])
def test_what_is_not_valid_is_left_to_validation(project, declaration):
    """It has been said already."""
    secret, found = unsealed(declaration, project, program(project, "echo s3cret"))
    assert not found
    assert not isinstance(secret, Secret)
