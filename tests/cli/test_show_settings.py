"""``validate --show``: what is set, and where it came from."""

from __future__ import annotations

from tests.support.project import Project

SETTINGS = """\
prune: {tag: owned}
vars: {site: example.com}
environments:
  staging: {connection: abc, limits: {deletes: 5}, defaults: {contacts: {locale: fr}}, protect: true}
"""


def rows(project: Project, *args: str, **env: str) -> dict[str, tuple[object, str]]:
    """Value and source by name."""
    found = project.run(*args, "validate", "--show", "--json", env=env)
    assert found.code == 0, found.err
    return {each["name"]: (each["value"], each["source"]) for each in found.document["settings"]}


def test_every_setting_has_a_source(project: Project) -> None:
    """A flag, a variable, a position, or default."""
    project.write("tags: [VIP]")
    project.write(SETTINGS, "reconciler.yaml")
    found = rows(project, "-e", "staging", "--pace", "3", RECONCILER_CONNECTION="from-outside")
    assert found["environment"] == ("staging", "-e")
    assert found["pace"] == (3.0, "--pace")
    assert found["connection"] == ("from-outside", "RECONCILER_CONNECTION")
    assert found["deletes"] == (5, "reconciler.yaml:4:39")
    assert found["prune.tag"] == ("owned", "reconciler.yaml:1:9")
    assert found["vars.site"] == ("example.com", "reconciler.yaml:2:8")
    assert found["defaults.contacts.locale"] == ("fr", "reconciler.yaml:4:74")
    assert found["protect"] == (True, "reconciler.yaml:4:88")
    assert found["updates"] == (30, "default")


def test_what_is_secret_stays_so(project: Project) -> None:
    """Keys and the password of a ledger, in both forms."""
    project.write("tags: [VIP]")
    env = {
        "MATON_API_KEY": "hunter-api", "RECONCILER_LEDGER_KEY": "hunter-digest",
        "RECONCILER_LEDGER": "postgresql://me:hunter-word@localhost/x?sslpassword=hunter-ssl",
    }  # fmt: skip
    found = rows(project, **env)
    assert found["api_key"] == ("set, not shown", "MATON_API_KEY")
    assert found["ledger"] == ("postgresql://me:***@localhost/x?sslpassword=***", "RECONCILER_LEDGER")
    shown = project.run("validate", "--show", env=env)
    assert "hunter" not in shown.out + shown.err + str(found)
    assert shown.out.splitlines()[0].split() == ["api_key", "set,", "not", "shown", "MATON_API_KEY"]
    assert shown.out.endswith("Valid: 1 tag.\n")


def test_without_the_flag_nothing_more_is_said(project: Project) -> None:
    """The settings are for who asks."""
    project.write("tags: [VIP]")
    assert project.run("validate").out == "Valid: 1 tag.\n"
    assert "settings" not in project.run("validate", "--json").document
