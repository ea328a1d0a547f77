"""Settings: where each comes from, what wins, and what a file may not say."""

from pathlib import Path

import pytest

from reconciler.config.settings import load
from reconciler.errors import ConfigurationError
from reconciler.model.policy import Limits, Prune
from reconciler.model.values import Origin

KINDS = ("tag", "contact")
SECTIONS = ("tags", "contacts")
FULL = """\
format: 1
requires: ">=0.1,<1"
gateway: maton
connection: 21fd90f9
dialect: skill
defaults:
  contacts: {locale: en, country: FR}
prune: {tag: owned, contact: none}
limits: {deletes: 10, rate_limit: 5, parallel: 4}
vars: {domain: example.com, count: 5}
files: [people, site.yaml]
redact: false
environments:
  staging:
    gateway: maton-legacy
    connection: abcd
    defaults:
      contacts: {locale: no}
      tags: {active: true}
    prune: {tag: all}
    limits: {rate_limit: 2.5, updates: 50}
    vars: {domain: staging.example.com}
    files: {add: [extra.yaml], drop: [site.yaml]}
    protect: true
    redact: true
  other:
    files: [only.yaml]
    connection: efgh
"""


def loaded(root, text=None, *, flags=None, environ=None, environment=None, version="0.1.0"):
    """The settings of a project whose reconciler.yaml holds a text."""
    if text is not None:
        (root / "reconciler.yaml").write_text(text)
    return load(
        root,
        flags=flags or {},
        environ=environ or {},
        environment=environment,
        version=version,
        kinds=KINDS,
        sections=SECTIONS,
        cwd=root,
    )


def refused(*arguments, **more):
    """The problems of the settings, as lines."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(*arguments, **more)
    return [str(problem) for problem in caught.value.problems]


def test_defaults_without_a_file(tmp_path):
    """Everything has a value, and says that nobody chose it."""
    found = loaded(tmp_path)
    assert found.gateway_url == found.control_url == "https://api.maton.ai"
    assert found.ledger == f"sqlite:///{tmp_path}/.reconciler/ledger.db"
    assert (found.rate_limit, found.parallel, found.dialect, found.limits) == (10.0, 8, "vendor", Limits())
    assert (found.api_key, found.digest_key, found.connection, found.requires) == (None, None, None, None)
    assert (found.files, found.files_roots, found.environment, found.max_calls) == (None, (), None, None)
    assert (found.protect, found.redact, found.ci) == (False, False, False)
    assert (found.prune, found.defaults, found.vars) == ({}, {}, {})
    assert set(found.sources.values()) == {"default"}


def test_the_top_level_of_the_file(tmp_path):
    """Each with its position as source."""
    found = loaded(tmp_path, FULL)
    assert (found.connection, found.dialect, found.requires) == ("21fd90f9", "skill", ">=0.1,<1")
    assert found.limits == Limits(deletes=10)
    assert (found.rate_limit, found.parallel) == (5.0, 4)
    assert found.prune == {"tag": Prune.OWNED, "contact": Prune.NONE}
    assert found.vars == {"domain": "example.com", "count": "5"}
    assert found.files == ("people", "site.yaml")
    assert found.sources["rate_limit"] == "reconciler.yaml:9:23"
    assert found.sources["vars.domain"] == "reconciler.yaml:10:8"
    assert found.sources["updates"] == "default"


def test_an_environment_overrides(tmp_path):
    """Key by key in limits, prune, vars and defaults."""
    found = loaded(tmp_path, FULL, environment="staging")
    assert found.environment == "staging"
    assert (found.gateway_url, found.control_url) == ("https://gateway.maton.ai", "https://ctrl.maton.ai")
    assert found.limits == Limits(deletes=10, updates=50)
    assert (found.rate_limit, found.parallel, found.connection) == (2.5, 4, "abcd")
    assert found.prune == {"tag": Prune.ALL, "contact": Prune.NONE}
    assert found.vars == {"domain": "staging.example.com", "count": "5"}
    assert found.defaults == {"contacts": {"locale": "no", "country": "FR"}, "tags": {"active": "true"}}
    assert found.defaults["contacts"].origin("country") == Origin("reconciler.yaml", 7, 26)
    assert found.files == ("people", "site.yaml", "extra.yaml", "!site.yaml")
    assert (found.protect, found.redact) == (True, True)
    assert found.ledger == f"sqlite:///{tmp_path}/.reconciler/staging.db"
    assert found.sources["rate_limit"] == "reconciler.yaml:21:14"


def test_files_of_an_environment(tmp_path):
    """A list replaces; adding without a list adds to all."""
    assert loaded(tmp_path, FULL, environment="other").files == ("only.yaml",)
    text = "environments: {x: {files: {add: [.x/a.yaml], drop: [b.yaml]}}}\n"
    assert loaded(tmp_path, text, environment="x").files == (".", ".x/a.yaml", "!b.yaml")


def test_the_environment_may_come_from_a_variable(tmp_path):
    """And the flag wins over it."""
    assert loaded(tmp_path, FULL, environ={"RECONCILER_ENVIRONMENT": "staging"}).environment == "staging"
    assert loaded(tmp_path, FULL, environ={"RECONCILER_ENVIRONMENT": "x"}, environment="other").environment == "other"


def test_flag_before_variable_before_file(tmp_path):
    """Each source is named; an empty variable does not count."""
    environ = {"RECONCILER_RATE_LIMIT": "3", "RECONCILER_DIALECT": "vendor", "RECONCILER_PARALLEL": ""}
    found = loaded(tmp_path, FULL, flags={"rate_limit": 1.0, "dialect": None}, environ=environ)
    assert (found.rate_limit, found.dialect, found.parallel) == (1.0, "vendor", 4)
    assert found.sources["rate_limit"] == "--rate-limit"
    assert found.sources["dialect"] == "RECONCILER_DIALECT"


def test_variables_only(tmp_path):
    """Keys, folders of files, bounds of a run, CI."""
    (tmp_path / "shared").mkdir()
    environ = {
        "MATON_API_KEY": "k3y\n",
        "RECONCILER_LEDGER_KEY": "d1gest-of-16-chr",
        "RECONCILER_FILES": "shared",
        "CI": "true",
        "RECONCILER_MAX_CALLS": "100",
        "RECONCILER_MAX_MINUTES": "1.5",
        "RECONCILER_REDACT": "1",
        "RECONCILER_LEDGER": "postgresql+psycopg://u:pw@h/d",
    }
    found = loaded(tmp_path, environ=environ)
    assert (found.api_key, found.digest_key, found.ci, found.redact) == ("k3y", "d1gest-of-16-chr", True, True)
    assert (found.max_calls, found.max_minutes) == (100, 1.5)
    assert found.files_roots == (tmp_path / "shared",)
    assert found.sources["api_key"] == "MATON_API_KEY"
    assert found.ledger == "postgresql+psycopg://u:pw@h/d"
    for hidden in ("k3y", "d1gest-of-16-chr", "pw"):
        assert hidden not in repr(found)


def test_addresses_come_from_flags_and_variables(tmp_path):
    """Control follows the gateway unless it is given too."""
    found = loaded(tmp_path, flags={"gateway_url": "http://127.0.0.1:8000"})
    assert found.control_url == found.gateway_url == "http://127.0.0.1:8000"
    environ = {"RECONCILER_GATEWAY_URL": "https://g.example.com", "RECONCILER_CONTROL_URL": "https://c.example.com"}
    found = loaded(tmp_path, environ=environ)
    assert (found.gateway_url, found.control_url) == ("https://g.example.com", "https://c.example.com")


def test_bad_addresses_are_not_shown(tmp_path):
    """They may hold a password."""
    found = refused(tmp_path, environ={"RECONCILER_GATEWAY_URL": "https://u:hunter2@example.com"})
    assert found == ["RECONCILER_GATEWAY_URL: invalid value; expected a URL without user, query and fragment"]


def test_an_address_in_the_file_is_refused_with_the_reason(tmp_path):
    """Whoever may edit the file could send the key elsewhere."""
    found = refused(tmp_path, "gateway: https://evil.example.com\ngateway_url: https://evil.example.com\n")
    assert found[0].startswith("reconciler.yaml:1:10:")
    assert "cannot" not in found[0]
    assert "send the API key elsewhere" in found[0]
    assert found[1].startswith("reconciler.yaml:2:1: the gateway URL cannot be set in this file")
    assert "send the API key" in refused(tmp_path, "environments: {x: {gateway: https://evil.example.com}}")[0]
    assert "cannot be set" in refused(tmp_path, "environments: {x: {control_url: https://evil.example.com}}")[0]


def test_a_key_in_the_file_is_refused_and_not_shown(tmp_path):
    """At the top and in an environment."""
    assert refused(tmp_path, "api_key: hunter2\nenvironments: {x: {api_key: hunter2}}\n") == [
        "reconciler.yaml:1:1: API keys must not be stored in this file; set environment variable MATON_API_KEY",
        "reconciler.yaml:2:20: API keys must not be stored in this file; set environment variable MATON_API_KEY",
    ]


@pytest.mark.parametrize(
    ("ledger", "what"),
    [
        ("postgresql://u@h/hunter2", "only an SQLite ledger can be set in this file"),
        ("postgres://h/d?service=hunter2", "only an SQLite ledger can be set in this file"),
        ("postgresql:///d?host=hunter2", "only an SQLite ledger can be set in this file"),
        ("sqlite:///.git/hooks/hunter2", "the ledger is outside of the project"),
        ("sqlite:///.GIT/hunter2", "the ledger is outside of the project"),
        ("sqlite:////etc/hunter2", "the ledger is outside of the project"),
        ("sqlite:///../hunter2.db", "the ledger is outside of the project"),
        ("sqlite:///x.db?mode=hunter2", "the ledger is outside of the project"),
        ("mysql://hunter2", "invalid value"),
    ],
)
def test_ledgers_that_a_file_may_not_name(tmp_path, ledger, what):
    """Servers, and paths out of the project; the value is not shown."""
    (found,) = refused(tmp_path, f"ledger: {ledger}\n")
    assert found.startswith(f"reconciler.yaml:1:9: {what}")
    assert "hunter2" not in found


def test_ledgers_that_a_file_may_name(tmp_path):
    """A file below the project, or none."""
    assert loaded(tmp_path, "ledger: sqlite:///state/x.db\n").ledger == f"sqlite:///{tmp_path}/state/x.db"
    assert loaded(tmp_path, "ledger: sqlite:///.reconciler/x.db\n").ledger == f"sqlite:///{tmp_path}/.reconciler/x.db"
    assert loaded(tmp_path, "ledger: none\n").ledger == "none"


def test_all_problems_at_once(tmp_path):
    """File, variables and flags."""
    text = "formta: 1\ndialect: sikll\nlimits: {deletes: 101, rate_limit: fast}\n"
    text += "prune: {tga: owned, contact: maybe}\nredact: yes\n"
    environ = {"RECONCILER_RATE_LIMIT": "quick", "RECONCILER_FILES": "nowhere", "MATON_API_KEY": "a b\x07"}
    found = refused(tmp_path, text, flags={"parallel": 0}, environ=environ)
    assert [line.split(": ")[0] for line in found] == [
        "RECONCILER_RATE_LIMIT",
        "--parallel",
        "RECONCILER_FILES",
        "MATON_API_KEY",
        "reconciler.yaml:1:1",
        "reconciler.yaml:2:10",
        "reconciler.yaml:3:19",
        "reconciler.yaml:3:36",
        "reconciler.yaml:4:9",
        "reconciler.yaml:4:30",
        "reconciler.yaml:5:9",
    ]
    assert "did you mean `format`?" in found[4]
    assert "did you mean `skill`?" in found[5]
    assert "did you mean `tag`?" in found[8]


def test_an_unknown_environment(tmp_path):
    """Those that there are are listed."""
    assert refused(tmp_path, FULL, environment="prod") == [
        "-e: unknown environment `prod`; environments: other, staging"
    ]
    assert refused(tmp_path, FULL, environment="stagign")[0].endswith(
        "did you mean `staging`? environments: other, staging"
    )


def test_an_environment_without_a_file(tmp_path):
    """There are none."""
    assert refused(tmp_path, environment="prod")[0].endswith("no environments are defined")


def test_names_of_environments_are_plain(tmp_path):
    """They become part of a path."""
    (found,) = refused(tmp_path, 'environments: {"../../x": {}}\n', environment="../../x")
    assert "an environment's name has letters, digits, - and _" in found


def test_the_version(tmp_path):
    """What the project requires is checked against the tool."""
    assert refused(tmp_path, FULL, version="1.2.0") == [
        (
            "reconciler.yaml:2:11: this project requires reconciler >=0.1,<1, but this is 1.2.0; "
            "install a matching version"
        )
    ]
    assert "expected a range" in refused(tmp_path, "requires: new\n")[0]
    assert loaded(tmp_path, "requires: new\n", version="").requires == "new"


def test_an_unknown_format(tmp_path):
    """There is one so far."""
    assert refused(tmp_path, "format: 2\n") == ["reconciler.yaml:1:9: unsupported format 2; use one of 1"]


def test_two_settings_files(tmp_path):
    """One of them would be ignored, so none is."""
    (tmp_path / "reconciler.yml").write_text("")
    assert refused(tmp_path, "") == ["reconciler.yaml: there is also reconciler.yml; remove one of them"]


@pytest.mark.parametrize("text", ["a: [b", "- list", "word"])
def test_unusable_files(tmp_path, text):
    """Broken syntax and wrong roots."""
    assert refused(tmp_path, text)[0].startswith("reconciler.yaml:1:")


def test_a_link_out_of_the_project(tmp_path):
    """The settings are a file of the project."""
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "reconciler.yaml").symlink_to("/etc/passwd")
    assert "is outside of the project" in refused(tmp_path / "p")[0]


def test_settings_may_use_variables_of_the_environment(tmp_path):
    """By the same rule as all files: only those that are meant for it."""
    text = "connection: ${env.RECONCILER_VAR_CONNECTION}\nvars: {d: '${env.RECONCILER_VAR_D:-x}'}\n"
    found = loaded(tmp_path, text, environ={"RECONCILER_VAR_CONNECTION": "abc"})
    assert (found.connection, found.vars) == ("abc", {"d": "x"})
    assert (
        "cannot be read" in refused(tmp_path, "connection: ${env.MATON_API_KEY}\n", environ={"MATON_API_KEY": "k"})[0]
    )


def test_defaults_keep_their_text(tmp_path):
    """They are typed where they are filled in."""
    found = loaded(
        tmp_path, "defaults: {contacts: {locale: no, fields: {a: ${var.x}}}}\n".replace("${var.x}", "'${var.x}'")
    )
    assert found.defaults["contacts"]["fields"]["a"] == "${var.x}"


def test_relative_roots(tmp_path, monkeypatch):
    """The root is made absolute, the shown name stays short."""
    monkeypatch.chdir(tmp_path)
    found = load(Path(), flags={}, environ={}, cwd=tmp_path)
    assert found.root == tmp_path
