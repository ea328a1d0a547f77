"""Secrets from variables and files, and everything that is refused."""

import os

import pytest

from reconciler.config.scalars import UnresolvedSecret
from reconciler.config.secrets import MAX_SECRET_BYTES, resolve_secrets
from reconciler.config.yaml_loader import parse
from reconciler.model.values import Secret


@pytest.fixture
def project(tmp_path):
    """A project folder with a secret in it, and a folder beside it."""
    (tmp_path / "project").mkdir()
    (tmp_path / "beside").mkdir()
    (tmp_path / "project" / "hook.txt").write_bytes(b"s3cret\n")
    (tmp_path / "beside" / "other.txt").write_bytes(b"0ther")
    return tmp_path / "project"


def unsealed(declaration, project, environ=None, roots=()):
    """What stands in the place of a declaration afterwards, and what was found."""
    node = parse(f"secret: {declaration}\n", "f")
    found = resolve_secrets([UnresolvedSecret(node, "secret", node["secret"])], environ or {}, (project, *roots))
    return node["secret"], [str(finding.problem()) for finding in found]


def test_from_the_environment(project):
    """The source is shown, the value is not."""
    secret, found = unsealed("{env: WEBHOOK}", project, {"WEBHOOK": "s3cret"})
    assert secret == Secret("env:WEBHOOK", "s3cret")
    assert "s3cret" not in repr(secret)
    assert not found


@pytest.mark.parametrize("name", ["MATON_API_KEY", "RECONCILER_LEDGER_KEY", "RECONCILER_VAR_X", "maton_api_key"])
def test_our_own_variables_are_refused(project, name):
    """Whatever is in them, and whatever is allowed."""
    _, found = unsealed(f"{{env: {name}}}", project, {name: "k3y", "RECONCILER_ENV_ALLOW": "*"})
    assert found == [
        f"f:1:15: configuration files cannot read {name}; store the secret in another environment variable"
    ]


@pytest.mark.parametrize("allowed", ["", "OTHER", "aws_secret_access_key", " , "])
def test_other_variables_have_to_be_allowed(project, allowed):
    """A pipeline's environment holds what is no business of its files; the message has the line to set."""
    environ = {"AWS_SECRET_ACCESS_KEY": "k3y", "RECONCILER_ENV_ALLOW": allowed}
    (found,) = unsealed("{env: AWS_SECRET_ACCESS_KEY}", project, environ)[1]
    named = [allowed] if allowed.strip(" ,") else []
    assert f"set RECONCILER_ENV_ALLOW={','.join([*named, 'AWS_SECRET_ACCESS_KEY'])} where" in found
    assert "k3y" not in found


@pytest.mark.parametrize("allowed", ["CRM_TOKEN", "X, CRM_*", "*"])
def test_what_the_environment_allows(project, allowed):
    """Names and patterns."""
    environ = {"CRM_TOKEN": "s3cret", "RECONCILER_ENV_ALLOW": allowed}
    assert unsealed("{env: CRM_TOKEN}", project, environ)[0] == Secret("env:CRM_TOKEN", "s3cret")


@pytest.mark.parametrize(
    ("content", "value"), [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a\r", "a\r"), (" a ", " a ")]
)
def test_one_line_end_is_left_away(project, content, value):
    """From a variable as from a file."""
    (project / "x.txt").write_bytes(content.encode())
    assert unsealed("{file: x.txt}", project)[0].value == value
    assert unsealed("{env: WEBHOOK}", project, {"WEBHOOK": content})[0].value == value
    assert "is empty" in unsealed("{env: WEBHOOK}", project, {"WEBHOOK": "\n"})[1][0]


def test_missing_empty_and_broken_variables(project):
    """Each says which."""
    assert unsealed("{env: WEBHOOK}", project)[1] == [
        "f:1:15: environment variable WEBHOOK is not set; set it to the value of the secret"
    ]
    assert "WEBHOOK is empty" in unsealed("{env: WEBHOOK}", project, {"WEBHOOK": ""})[1][0]
    assert "WEBHOOK is not UTF-8" in unsealed("{env: WEBHOOK}", project, {"WEBHOOK": "\udcff"})[1][0]


def test_from_a_file(project):
    """One line break at the end is dropped."""
    assert unsealed("{file: hook.txt}", project)[0] == Secret("file:hook.txt", "s3cret")
    (project / "two.txt").write_bytes(b"a\n\n")
    assert unsealed("{file: two.txt}", project)[0].value == "a\n"
    (project / "dos.txt").write_bytes(b"a\r\n")
    assert unsealed("{file: dos.txt}", project)[0].value == "a"


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../beside/other.txt", "x/../../beside/other.txt", "/proc/self/environ"]
)
def test_paths_out_of_the_project_are_refused(project, name):
    """Absolute ones and those that climb."""
    secret, found = unsealed(f"{{file: {name}}}", project)
    assert "is outside of the project" in found[0]
    assert "RECONCILER_FILES" in found[0]
    assert not isinstance(secret, Secret)


def test_links_are_followed_and_checked(project):
    """Inside is fine, outside is not, whether the file or its folder is the link."""
    (project / "inner").symlink_to(project / "hook.txt")
    (project / "outer").symlink_to("/etc/passwd")
    (project / "folder").symlink_to(project.parent / "beside")
    assert unsealed("{file: inner}", project)[0].value == "s3cret"
    assert "is outside of the project" in unsealed("{file: outer}", project)[1][0]
    assert "is outside of the project" in unsealed("{file: folder/other.txt}", project)[1][0]


def test_further_folders_may_be_named(project):
    """By RECONCILER_FILES; then an absolute path into them is fine too."""
    beside = project.parent / "beside"
    assert unsealed("{file: other.txt}", project, roots=[beside])[0].value == "0ther"
    assert unsealed(f"{{file: {beside}/other.txt}}", project, roots=[beside])[0].value == "0ther"


@pytest.mark.parametrize("folder", [".git", ".reconciler"])
def test_private_folders_are_refused(project, folder):
    """A checkout keeps its token there, and we the ledger."""
    (project / folder).mkdir()
    (project / folder / "config").write_text("token")
    assert "is outside of the project" in unsealed(f"{{file: {folder}/config}}", project)[1][0]


def test_files_that_hold_no_secret(project):
    """Missing, empty, too long, not text, not a file, no path."""
    (project / "empty").write_bytes(b"\n")
    (project / "long").write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    (project / "binary").write_bytes(b"\xff\xfe")
    os.mkfifo(project / "pipe")
    words = {
        "nobody": "no such file: nobody",
        "empty": "is empty",
        "long": "is larger than 65,536 bytes",
        "binary": "is not UTF-8",
        "pipe": "no such file: pipe",
        "'a\0b'": "is not a valid path",
        ".": "no such file",
    }
    for name, what in words.items():
        if "\0" in name:
            continue
        assert what in unsealed(f"{{file: {name}}}", project)[1][0], name
    assert "is not a valid path" in unsealed('{file: "a\\0b"}', project)[1][0]
    assert "is not a valid path" in unsealed('{file: " "}', project)[1][0]


def test_the_largest_secret_fits(project):
    """The limit is exact."""
    (project / "large").write_bytes(b"x" * MAX_SECRET_BYTES)
    assert len(unsealed("{file: large}", project)[0].value) == MAX_SECRET_BYTES


def test_an_unreadable_file(project, monkeypatch):
    """The reason of the system is passed on."""

    def denied(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", denied)
    assert "permission denied" in unsealed("{file: hook.txt}", project)[1][0]


@pytest.mark.parametrize("declaration", ["{}", "{env: A, file: b}", "{env: [a]}", "{other: x}"])
def test_what_is_not_valid_is_left_to_validation(project, declaration):
    """It has been said already."""
    secret, found = unsealed(declaration, project, {"A": "x"})
    assert not found
    assert not isinstance(secret, Secret)
