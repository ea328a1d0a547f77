"""Commands, flags, help and exit codes; stdout is data, stderr is talk."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import jsonschema
import pytest

from reconciler.cli.main import COMMANDS
from tests.cli.support import ended, ledger_of
from tests.support.project import Project, Result, requests_of
from tests.support.waiting import PATIENCE

MakeProject = Callable[..., Project]


@pytest.fixture
def declared(project: Project) -> Project:
    """A project that would make two tags."""
    project.write("tags: [A, B]\n")
    return project


def helped() -> list[list[str]]:
    """Every command, and those of the groups."""
    import click

    from reconciler.cli.main import cli

    found: list[list[str]] = [[]]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        inner = list(command.commands) if isinstance(command, click.Group) else []
        found += [[name], *([name, each] for each in inner)]
    return found


@pytest.mark.parametrize("command", helped(), ids=" ".join)
def test_help(project: Project, command: list[str]) -> None:
    """Every command explains itself; every command of the first level shows an example."""
    result = project.run(*command, "--help")
    ended(result, 0, "Usage: reconciler")
    assert result.err == ""
    if len(command) < 2:
        assert "Example:" in result.out
        assert re.search(r"^ +reconciler|MATON_API_KEY=", result.out, re.MULTILINE)


def test_version(project: Project) -> None:
    """--version says name and version, in a process too."""
    from reconciler import __version__

    assert project.run("--version").out == f"reconciler {__version__}\n"
    assert project.process("--version").out == f"reconciler {__version__}\n"


def test_no_command(project: Project) -> None:
    """Alone it shows what there is, and that is not success."""
    result = project.run()
    assert result.code in (0, 1)
    assert "Usage" in result.out + result.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["plam"], '"plan"'),
        (["aply"], '"apply"'),
        (["plan", "--jsn"], "--json"),
        (["plan", "--detailed-exit-code"], "--detailed-exitcode"),
        (["apply", "--yess"], "--yes"),
        (["--rate-limt", "1", "plan"], "--rate-limit"),
        (["plan", "a", "b"], "b"),
        (["plan", "--target"], "--target"),
        (["--rate-limit", "fast", "plan"], "--rate-limit"),
        (["apply", "--parallel", "x"], "--parallel"),
        (["apply", "--allow", "everything"], "deletes"),
        (["apply", "--allow", "deletes=many"], "deletes"),
        (["schema", "file"], "files"),
        (["plan", "--dialect", "klingon"], "vendor"),
        (["-C", "nowhere", "plan"], "nowhere"),
        (["ledger", "lst"], "lst"),
        (["emulator", "--port", "99999"], "--port"),
    ],
)
def test_usage_errors(declared: Project, args: list[str], said: str) -> None:
    """A mistyped command or flag ends with 1, never 2, and with what was probably meant."""
    result = declared.run(*args)
    ended(result, 1, said)
    assert result.out == ""
    assert declared.account.requests == []


def test_usage_error_of_a_process(declared: Project) -> None:
    """The same seen from a shell."""
    result = declared.process("plan", "--jsn")
    ended(result, 1, "--json")


def test_init(project: Project) -> None:
    """Files that validate; a second time nothing is overwritten."""
    result = project.run("init", "shop")
    ended(result, 0, "wrote", "reconciler plan")
    ended(project.run("validate", "shop"), 0, "Valid: 1 tag")
    (project.folder / "shop/account.yaml").write_text("tags: [Mine]\n")
    ended(project.run("init", "shop"), 1, "already")
    assert (project.folder / "shop/account.yaml").read_text() == "tags: [Mine]\n"
    project.write("x", "taken")
    ended(project.run("init", "taken/shop"), 1, "taken")


def test_validate_needs_no_key_and_no_network(declared: Project) -> None:
    """Offline, and as JSON too."""
    env = {"MATON_API_KEY": None, "RECONCILER_GATEWAY_URL": None}
    ended(declared.run("validate", env=env), 0, "Valid: 2 tags.")
    document = declared.run("validate", "--json", env=env).document
    assert document == {"valid": True, "problems": [], "resources": {"tag": 2}}
    assert declared.account.requests == []


def test_exit_codes_of_plan(declared: Project) -> None:
    """0, or 2 with --detailed-exitcode while there are changes."""
    assert declared.run("plan").code == 0
    assert declared.run("plan", "--detailed-exitcode").code == 2
    assert declared.run("plan", "--json", "--detailed-exitcode").code == 2
    declared.apply()
    assert declared.run("plan", "--detailed-exitcode").code == 0


def test_partly_applied(project: Project) -> None:
    """4 when a part failed; what needs it is skipped with its reason; the next apply does the rest."""
    project.write("contacts: [{email: a@example.com, tags: [A]}, {email: b@example.com}]\ntags: [A]\n")
    body = {"title": "x", "detail": "name: not today", "type": "x"}
    project.account.fault("status", method="POST", path="/api/tags$", status=422, body=body)
    result = project.run("apply", "--yes")
    ended(result, 4, "not today", "skipped", "needs tag/A", "failed")
    assert len(project.account.state()["contacts"]) == 2
    ended(project.run("apply", "--yes"), 0)
    project.assert_converged()


def test_all_failed(project: Project) -> None:
    """1 when nothing could be done."""
    project.write("tags: [A]\n")
    project.account.fault("status", method="POST", status=422, body={"detail": "no", "title": "x"})
    ended(project.run("apply", "--yes"), 1, "failed")
    assert ledger_of(project) == []


@pytest.mark.parametrize("args", [["plan"], ["apply", "--yes"]])
def test_json_is_alone_on_stdout(declared: Project, args: list[str]) -> None:
    """One document, which its schema describes; all talk is on stderr."""
    result = declared.process(*args, "--json")
    assert result.code == 0, result.err
    schema = declared.run("schema", "plan" if args == ["plan"] else "report").document
    jsonschema.Draft7Validator.check_schema(schema)
    document = json.loads(result.out)
    jsonschema.Draft7Validator(schema).validate(document)
    assert document["summary"]["create"] == 2
    assert [(r["method"], r["path"], r["body"]) for c in document["changes"] for r in c["requests"]] == [
        ("POST", "/api/tags", {"name": "A"}),
        ("POST", "/api/tags", {"name": "B"}),
    ]


def test_report_of_every_kind_fits_its_schema(make_project: MakeProject) -> None:
    """Failures, skips, secrets and removals included; no secret is in it."""
    project = make_project({"courses": [{"name": "Yoga"}], "communities": [{"name": "Club"}]})
    project.env["HOOK"] = "s3cret"
    project.write("""
tags: [A, B]
contact_fields: [{slug: shoe, name: S}]
contacts:
  - {email: a@example.com, tags: [A], fields: {shoe: 1}, courses: [Yoga]}
  - {email: x@nomx.example.com, tags: [A]}
webhooks: [{name: H, url: "https://h.example.com/", secret: {env: HOOK}, events: [SALE_NEW]}]
memberships: [{community: Club, contact: a@example.com}]
""")
    result = project.run("apply", "--yes", "--json")
    assert result.code == 4
    document = json.loads(result.out)
    jsonschema.Draft7Validator(project.run("schema", "report").document).validate(document)
    assert {each["status"] for each in document["outcomes"]} == {"done", "failed", "skipped"}
    assert "s3cret" not in result.out + result.err
    destroyed = project.run("destroy", "--yes", "--json", "--allow", "contacts=1", "--allow", "deletes")
    jsonschema.Draft7Validator(project.run("schema", "report").document).validate(destroyed.document)


@pytest.mark.parametrize("what", ["files", "settings", "fleet", "plan", "report"])
def test_schemas(project: Project, what: str) -> None:
    """Each is a valid draft 7 schema with a title."""
    document = project.run("schema", what).document
    jsonschema.Draft7Validator.check_schema(document)
    assert document["title"]


def test_calls_lists_every_request(declared: Project) -> None:
    """--calls: method, path and body, in order, secrets by their source."""
    declared.env["HOOK"] = "s3cret"
    declared.write(
        "webhooks: [{name: H, url: 'https://h.example.com/', secret: {env: HOOK}, events: [SALE_NEW]}]\n", "h.yaml"
    )
    out = ended(declared.run("plan", "--calls"), 0, "POST", "/api/tags", '{"name": "A"}', "/api/webhooks", "env:HOOK")
    assert "s3cret" not in out
    assert declared.account.writes == []


def test_targets_and_excludes(project: Project) -> None:
    """A target brings what it needs and never deletes; an excluded one takes along what needs it."""
    project.write("tags: [A, B, C]\n")
    project.apply()
    project.write("tags: [A, D]\ncontacts: [{email: a@example.com, tags: [D]}, {email: b@example.com}]\n")

    def actions(*args: str) -> dict[str, str]:
        changes = project.plan(*args)["changes"]
        return {each["address"]: each["action"] for each in changes if each["action"] != "no_change"}

    assert actions("--target", "tagging/a@example.com/D") == {
        "contact/a@example.com": "create",
        "tag/D": "create",
        "tagging/a@example.com/D": "create",
    }
    assert set(actions("--exclude", "tag/*")) == {"contact/a@example.com", "contact/b@example.com"}
    assert "delete" not in actions("--target", "tag/*").values()
    assert project.plan("--target", "tag")["partial"] is True
    ended(project.run("plan", "--target", "tag/Z"), 1, "matches no resource")
    project.apply("--target", "contact/b@example.com")
    assert requests_of(project.account, writes=True)[3:] == ["POST /api/contacts"]


@pytest.mark.parametrize("flag", [["--max-calls", "3"], ["--max-minutes", "0"]])
def test_bounded_runs(project: Project, flag: list[str]) -> None:
    """A bound ends a run cleanly with 4; the next one goes on."""
    project.write("tags: [A, B, C, D, E, F]\n")
    result = project.run("apply", "--yes", "--parallel", "1", *flag)
    ended(result, 4, flag[0])
    done = len(project.account.state()["tags"])
    assert done < 6
    assert len(ledger_of(project)) == done
    ended(project.run("apply", "--yes"), 0)
    assert len(project.account.state()["tags"]) == 6
    project.assert_converged()


@pytest.mark.parametrize(
    ("flag", "value"), [("--parallel", "0"), ("--parallel", "1000"), ("--max-calls", "-1"), ("--max-minutes", "-1")]
)
def test_bounds_that_are_none(declared: Project, flag: str, value: str) -> None:
    """A bound out of range is refused by name."""
    ended(declared.run("apply", "--yes", flag, value), 1, flag)
    assert declared.account.requests == []


def test_rate_limit(declared: Project) -> None:
    """--rate-limit out of range is refused; a given one is what the plan reckons with."""
    ended(declared.run("--rate-limit", "-1", "plan"), 1, "--rate-limit")
    ended(declared.run("--rate-limit", "1", "plan"), 0, " 1 s")


def test_one_worker_keeps_the_order(project: Project) -> None:
    """--parallel 1 sends in exactly the order that --calls lists."""
    project.write("tags: [A, B]\ncontacts: [{email: a@example.com, tags: [A, B]}]\n")
    planned = [each["path"] for change in project.plan()["changes"] for each in change["requests"]]
    project.account.clear()
    project.apply("--parallel", "1")
    assert len(project.account.writes) == len(planned) == 5


GATED = "tags: [A, B, C, D, E, F, G, H, I, J]\n"


@pytest.mark.parametrize("allow", [[], ["deletes=3"], ["updates"], ["contacts=10"], ["deletes=11"]])
def test_approvals_stay_shut(project: Project, allow: list[str]) -> None:
    """Above the limits an apply is refused with 3, says what to type, and wrong counts do not open it."""
    project.write(GATED)
    project.apply()
    project.write("tags: [A]\n")
    project.account.clear()
    ended(project.run("plan"), 0, "--allow deletes=9")
    ledger = ledger_of(project)
    flags = [word for each in allow for word in ("--allow", each)]
    ended(project.run("apply", "--yes", *flags), 3, "--allow deletes=9", "No changes were made")
    assert project.account.writes == []
    assert ledger_of(project) == ledger
    ended(project.run("apply", "--yes", "--allow", "deletes=9"), 0)
    assert project.account.state()["tags"] == ["A"]


def test_people_are_never_deleted_without_their_number(project: Project) -> None:
    """`contacts` wants the exact count."""
    project.write("prune: {contact: created}\n", "reconciler.yaml")
    project.write("contacts: [{email: a@example.com}, {email: b@example.com}]\n")
    project.apply()
    project.write("contacts: [{email: a@example.com}]\n")
    for flags in ([], ["--allow", "contacts"], ["--allow", "contacts=2"]):
        ended(project.run("apply", "--yes", *flags), 3, "--allow contacts=1")
    ended(project.run("apply", "--yes", "--allow", "contacts=1"), 0)
    assert len(project.account.state()["contacts"]) == 1


def test_destroy(make_project: MakeProject) -> None:
    """What we made goes, what we only took over stays and is forgotten; --ledger none has nothing to destroy."""
    project = make_project({"tags": ["Theirs"]})
    project.write("tags: [Theirs, Ours]\n")
    project.apply()
    ended(project.run("destroy", "--ledger", "none", "--yes"), 1, "ledger")
    ended(project.run("destroy"), 3, "--yes")
    ended(project.run("destroy", "--yes"), 0)
    assert project.account.state()["tags"] == ["Theirs"]
    assert ledger_of(project) == []
    ended(project.run("destroy", "--yes"), 0)


def test_ledger_commands(declared: Project) -> None:
    """list, show and forget; before the first apply there is none."""
    for args in (["list"], ["show", "tag/A"], ["forget", "tag/A", "--yes"]):
        ended(declared.run("ledger", *args), 1, "no ledger yet")
    declared.apply()
    ended(declared.run("ledger", "list"), 0, "tag/A", "tag/B", "2 resources")
    ended(declared.run("ledger", "list", "*/B"), 0, "1 resource;")
    assert [each["address"] for each in declared.run("ledger", "list", "--json").document["entries"]] == [
        "tag/A",
        "tag/B",
    ]
    assert declared.run("ledger", "show", "tag/A").document["applied"] == {"name": "A"}
    ended(declared.run("ledger", "show", "tag/C"), 1, "tag/C", '"tag/A"')
    ended(declared.run("ledger", "forget", "tag/A"), 3, "--yes")
    ended(declared.run("ledger", "forget", "tag/A", "tag/Z", "--yes"), 1, "tag/Z")
    assert len(ledger_of(declared)) == 2
    ended(declared.run("ledger", "forget", "tag/A", "--yes"), 0, "forgot tag/A")
    declared.account.clear()
    declared.write("tags: []\n")
    declared.apply("--allow", "deletes")
    assert declared.account.state()["tags"] == ["A"]


def test_without_a_ledger(make_project: MakeProject) -> None:
    """--ledger none works by names, prunes nothing and leaves no file."""
    project = make_project({"tags": ["Old"]})
    project.write("tags: [New]\n")
    ended(project.run("apply", "--yes", "--ledger", "none"), 0)
    assert project.account.state()["tags"] == ["New", "Old"]
    assert not (project.folder / ".reconciler").exists()
    assert project.run("plan", "--ledger", "none").code == 0


def test_ci_refuses_a_ledger_that_is_lost(declared: Project) -> None:
    """With CI=true the default file is refused for apply; named by a flag, or none, it is taken."""
    ended(declared.run("apply", "--yes", env={"CI": "true"}), 1, "would be lost", "Set RECONCILER_LEDGER")
    assert declared.account.requests == []
    ended(declared.run("plan", env={"CI": "true"}), 0)
    ended(declared.run("apply", "--yes", "--ledger", "sqlite:///kept.db", env={"CI": "true"}), 0)
    assert (declared.folder / "kept.db").exists()


@pytest.mark.parametrize(
    "settings", ["", "ledger: sqlite:///evil.db\n", "environments: {a: {ledger: sqlite:///evil.db}}\n"]
)
def test_in_ci_a_checkout_brings_no_ledger(project: Project, settings: str) -> None:
    """A crafted ledger would say that tags of others are managed, so that they are deleted: it is not read."""
    project.write("tags: [A, Newsletter, VIP]\n")
    ledger = "sqlite:///evil.db" if settings else "sqlite:///.reconciler/ledger.db"
    project.apply("--ledger", ledger)
    project.account.clear()
    project.write("tags: [A]\n")
    project.write(settings, "reconciler.yaml")
    env = {"CI": "true", "RECONCILER_ENVIRONMENT": "a" if "environments" in settings else None}
    where = "reconciler.yaml:1:" if settings else ".reconciler/ledger.db"
    for command in (
        ["plan"],
        ["apply", "--yes"],
        ["drift"],
        ["ledger", "list"],
        ["ledger", "unlock"],
        ["doctor"],
        ["plan", "--out", "p.json"],
        ["destroy", "--yes"],
        ["undo", "1", "--yes"],
    ):
        result = project.run(*command, env=env)
        ended(result, 1, where, "Set RECONCILER_LEDGER")
    assert project.account.writes == []
    ended(project.run("plan", env={**env, "RECONCILER_LEDGER": ledger}), 0, "2 to delete")


def test_nobody_to_ask(declared: Project) -> None:
    """Without a terminal and without --yes: 3, and nothing is changed."""
    for result in (declared.run("apply"), declared.process("apply", stdin="yes\n")):
        ended(result, 3, "--yes")
    assert declared.account.writes == []


def test_protected_environments(declared: Project) -> None:
    """--yes alone is not enough: the environment's name has to be given."""
    declared.write("environments: {production: {protect: true}, staging: {}}\n", "reconciler.yaml")
    ended(declared.run("-e", "production", "apply", "--yes"), 3, "--confirm production")
    ended(declared.run("-e", "production", "apply", "--yes", "--confirm", "staging"), 3, "--confirm production")
    assert declared.account.writes == []
    ended(declared.run("-e", "production", "apply", "--confirm", "production"), 0)
    ended(declared.run("-e", "staging", "plan"), 0)


def test_environments_keep_ledgers_of_their_own(declared: Project, make_project: MakeProject) -> None:
    """-e names a ledger file of its own, so that two accounts do not mix."""
    other = make_project()
    one, two = declared.account.connection, other.account.connection
    declared.write(f"environments: {{a: {{connection: {one}}}, b: {{connection: {two}}}}}\n", "reconciler.yaml")
    for name in ("a", "b"):
        result = declared.run("-e", name, "apply", "--yes", env={"RECONCILER_CONNECTION": None})
        ended(result, 0)
    assert declared.account.state()["tags"] == other.account.state()["tags"] == ["A", "B"]


def test_another_folder(declared: Project) -> None:
    """-C starts there; the ledger and the positions belong to that folder."""
    (declared.folder / "sub").mkdir()
    declared.write("tags: [X]\n", "sub/x.yaml")
    ended(declared.run("-C", "sub", "apply", "--yes"), 0, "tag/X", "x.yaml:1")
    assert (declared.folder / "sub/.reconciler/ledger.db").exists()
    assert stat.S_IMODE((declared.folder / "sub/.reconciler/ledger.db").stat().st_mode) == 0o600
    assert declared.account.state()["tags"] == ["X"]


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(declared: Project, env: dict[str, str], coloured: bool) -> None:
    """None when piped; FORCE_COLOR and NO_COLOR are obeyed, and NO_COLOR wins."""
    result = declared.run("plan", env=env)
    assert ("\x1b[" in result.out) is coloured


def test_json_has_no_colour(declared: Project) -> None:
    """Data is never coloured."""
    assert "\x1b" not in declared.run("plan", "--json", env={"FORCE_COLOR": "1"}).out


def test_a_reader_that_goes_away(declared: Project) -> None:
    """A closed pipe is no traceback."""
    declared.write("tags: [" + ", ".join(f"T{n}" for n in range(3000)) + "]\n")
    command = f"{sys.executable} -m reconciler plan | head -1"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=declared.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={"PATH": "/usr/bin:/bin", **declared.env, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") == 1


def test_start_up_is_light(project: Project) -> None:
    """--help and --version import nothing heavy."""
    code = "import sys; from reconciler.cli.main import run; run(['--help'])\n"
    code += "print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    for heavy in ("requests", "sqlalchemy", "jsonschema", "deepdiff", "rich", "yaml", "starlette"):
        assert f"'{heavy}'" not in done.stderr


def without_the_emulator(project: Project, *args: str) -> Result:
    """A run of the command in a process that does not find the packages of the extra ``emulator``."""
    code = "import sys; sys.modules.update(starlette=None, uvicorn=None)\n"
    code += "from reconciler.cli.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *args]
    done = subprocess.run(
        command, cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def test_the_emulator_is_an_extra(project: Project) -> None:
    """Without its packages one sentence names the extra, and everything else works."""
    said = ended(without_the_emulator(project, "emulator"), 1, "pip install 'reconciler[emulator]'")
    assert said.count("\n") == 1
    project.write("tags: [VIP]\n")
    ended(without_the_emulator(project, "apply", "--yes"), 0, "tag/VIP")
    assert list(project.account.state()["tags"]) == ["VIP"]


def test_emulator_command(project: Project, tmp_path: Path) -> None:
    """It starts, says where, and ends on a signal; a bad seed is named. The first of two accounts has the seed."""
    seed = tmp_path / "seed.yaml"
    seed.write_text("nonsense: [A]\n")
    ended(project.run("emulator", "--port", "0", "--seed", str(seed)), 1, "nonsense")
    seed.write_text("tags: [A]\n")
    words = ["emulator", "--port", "0", "--seed", str(seed), "--connection", "default", "--connection", "other"]
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "reconciler", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=project.folder,
    )
    assert running.stdout is not None
    url = running.stdout.readline().split()[2]
    project.write("tags: [B]\n")
    env = {"RECONCILER_GATEWAY_URL": url, "MATON_API_KEY": "emulator-key", "RECONCILER_CONNECTION": "default"}
    ended(project.run("plan", env=env), 0, "tag/B", "1 unmanaged")
    ended(project.run("plan", env=env | {"RECONCILER_CONNECTION": "other"}), 0, "tag/B", "0 unchanged.")
    running.terminate()
    _, err = running.communicate(timeout=PATIENCE)
    assert "Traceback" not in err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "emulator.example.com"])
def test_the_emulator_stays_on_this_machine(project: Project, host: str) -> None:
    """Elsewhere it needs to be allowed, and a key that not everybody knows."""
    ended(project.run("emulator", "--host", host), 1, "--public")
    ended(project.run("emulator", "--host", host, "--public"), 1, "--key")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("import tag/VIP", "apply adopts it"),
        ("state list", "reconciler ledger list"),
        ("state mv tag/A tag/B", "reconciler ledger move"),
        ("state nonsense", "reconciler ledger."),
        ("ledger mv tag/A tag/B", "reconciler ledger move"),
        ("diff", "reconciler plan"),
        ("sync", "reconciler apply"),
        ("dump", "reconciler pull"),
        ("refresh", "reconciler drift"),
        ("output", "reconciler explain"),
        ("plann", 'Did you mean "plan"?'),
        ("apply -auto-approve", "No such option '-auto-approve'. Use --yes."),
        ("apply --auto-approve", "No such option '--auto-approve'. Use --yes."),
        ("plan --doit", "reconciler apply"),
        ("plan -out=plan.json", "--out FILE"),
        ("plan -target=tag/VIP", "--target ADDRESS"),
        ("plan -var x=1", "RECONCILER_VAR_NAME"),
        ("plan --targt tag/VIP", "--target"),
    ],
)
def test_words_of_other_tools_get_a_hint(line: str, hint: str, project: Project) -> None:
    """Commands and flags of Terraform, octoDNS and decK name ours; what is only mistyped gets a similar one."""
    ended(project.run(*line.split()), 1, hint)


def test_hints_name_what_there_is() -> None:
    """Every command and flag in a hint exists."""
    from reconciler.cli import hints
    from reconciler.cli.main import cli

    root = click.Context(cli)
    commands = {name: cli.get_command(root, name) for name in cli.list_commands(root)}
    flags = {flag for each in (cli, *commands.values()) for option in each.params for flag in option.opts}
    for hint in (*hints.COMMANDS.values(), *hints.FLAGS.values()):
        for name, inner in re.findall(r"reconciler ([a-z]+)(?: ([a-z]+))?", hint):
            assert name in commands, hint
            group = commands[name]
            assert not (inner and isinstance(group, click.Group)) or inner in group.commands, hint
        for flag in re.findall(r"(?<!\w)--?[a-zA-Z][a-z-]*", hint):
            assert flag in flags | {"--version", "-v", "-vv"}, hint
