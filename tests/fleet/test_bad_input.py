"""What is wrong with a fleet: one clear message each, and no account is begun."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.support import ended
from tests.fleet.conftest import FleetProject

MakeFleet = Callable[..., FleetProject]


def refused(
    fleet: FleetProject, *texts: str, env: dict[str, str | None] | None = None, args: tuple[str, ...] = ()
) -> str:
    """Plan and apply end with 1 and these texts, in one line each; no account got a request, and nothing is left."""
    ended(fleet.run("fleet", "plan", *args), 1, *texts)
    said = ended(fleet.run("fleet", "apply", "--yes", *args), 1, *texts)
    assert not any(account.requests for account in fleet.accounts.values())
    assert not (fleet.folder / ".reconciler").exists()
    return said


def test_two_accounts_of_one_connection(make_fleet: MakeFleet) -> None:
    """Both would write to it."""
    fleet = make_fleet("acme", "bolt")
    text = (fleet.folder / "fleet.yaml").read_text()
    fleet.write(text.replace(fleet.accounts["bolt"].connection, fleet.accounts["acme"].connection), "fleet.yaml")
    said = refused(fleet, "fleet.yaml:5:5: bolt uses connection", "of acme (fleet.yaml:3:5)")
    assert said.count("error") == 1


def test_no_connection(make_fleet: MakeFleet) -> None:
    """The gateway would take its oldest one, for both."""
    fleet = make_fleet("acme", "bolt")
    fleet.write("common: [common]\naccounts: [{name: acme}, {name: bolt}]\n", "fleet.yaml")
    refused(fleet, "acme has no connection", "bolt has no connection")


def test_two_accounts_of_one_ledger(make_fleet: MakeFleet) -> None:
    """One would prune what the other created."""
    fleet = make_fleet("acme", "bolt")
    fleet.declare(acme="    ledger: one\n", bolt="    ledger: one\n")
    refused(fleet, "bolt uses the ledger of acme")


def test_a_path_that_is_missing_or_outside(make_fleet: MakeFleet) -> None:
    """Paths begin at the file of the fleet and stay below it."""
    fleet = make_fleet("acme", "bolt")
    fleet.declare("common: [nothing]\n", acme="    path: gone\n", bolt="    path: ..\n")
    refused(fleet, "gone does not exist", ".. is outside of the folder of the fleet", "nothing does not exist")


def test_a_key_that_is_not_set(make_fleet: MakeFleet) -> None:
    """The message names the variable and who needs it."""
    fleet = make_fleet("acme", "bolt", "corp")
    fleet.declare("key: {env: MATON_API_KEY_NORTH}\ncommon: [common]\n")
    refused(fleet, "environment variable MATON_API_KEY_NORTH is not set (needed by acme and 2 more)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accounts: []\n", "fleet.yaml:1:11: an empty list"),
        ("tags: [VIP]\n", "tags"),
        ("accounts: [{connection: x}]\n", "name"),
        ("accounts: [{name: a/b}]\n", "use letters, digits, - and _"),
        ("accounts: [{name: a, key: {env: AWS_SECRET}}]\n", "begins with MATON_API_KEY"),
        ("accounts: [{name: a, conection: x}]\n", "connection"),
        ("accounts: [{name: A, connection: x}, {name: a, connection: y}]\n", "duplicate account"),
        ("accounts: [{csv: gone.csv}]\n", "no such file: gone.csv"),
        ("accounts: [{csv: ../x.csv}]\n", "outside of the project"),
        ("accounts: [{name: a, connection: x}]\n", "a declares nothing"),
        ("accounts: 12\n", "fleet.yaml:1:11"),
        ("[1, 2]\n", "expected a mapping"),
        ("a: [\n", "fleet.yaml"),
    ],
)
def test_files_that_are_no_fleet(make_fleet: MakeFleet, text: str, message: str) -> None:
    """Each has its place and what to do."""
    fleet = make_fleet("acme")
    fleet.write(text, "fleet.yaml")
    ended(fleet.run("fleet", "validate"), 1, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("connection\nx\n", "no column `name`"),
        ("name,conection\na,b\n", "unknown column"),
        ("name,name\na,b\n", "duplicate column"),
        ("name,connection\na\n", "expected 2 cells, found 1"),
        ("name,connection\n,b\n", "no name in this row"),
        ("name,connection\na b,c\n", 'invalid name "a b"'),
        ("name,connection,key\na,b,HOME\n", "invalid key"),
        ("name,connection\n", "the file has no rows"),
        ("", "no column `name`"),
        ('name,connection\n"a,b\n', "invalid CSV"),
        ("name,connection\na,b\na,c\n", "duplicate account"),
    ],
)
def test_tables_that_are_none(make_fleet: MakeFleet, text: str, message: str) -> None:
    """Each has the line of the CSV file."""
    fleet = make_fleet("acme")
    fleet.write("common: [common]\naccounts: [{csv: more.csv}]\n", "fleet.yaml")
    fleet.write(text, "more.csv")
    ended(fleet.run("fleet", "validate"), 1, message, "more.csv")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--only", "acm"), "--only acm: no account has such a name or label"),
        (("--exclude", "*"), "--exclude leaves no account"),
        (("--only", "plan=gold"), "no account has such a name or label"),
        (("--continue",), "no run to continue"),
        (("--out", "common"), "is not the folder of a fleet run"),
        (("--max-failures", "0"), "--max-failures"),
    ],
)
def test_options_that_make_no_sense(make_fleet: MakeFleet, args: tuple[str, ...], message: str) -> None:
    """Said before anything is begun."""
    refused(make_fleet("acme", "bolt"), message, args=args)


@pytest.mark.parametrize("wave", ["x", "0.5", "101%", "-1", "1,,2"])
def test_waves_that_make_no_sense(make_fleet: MakeFleet, wave: str) -> None:
    """Numbers and percentages."""
    fleet = make_fleet("acme")
    ended(fleet.run("fleet", "apply", "--yes", "--wave", wave), 1, "--wave")
    assert fleet.account.requests == []


def test_no_fleet_here(make_fleet: MakeFleet) -> None:
    """A folder without the file, and a file that is not there."""
    fleet = make_fleet("acme")
    ended(fleet.run("fleet", "plan", "common"), 1, "contains no fleet.yaml")
    ended(fleet.run("fleet", "plan", "gone.yaml"), 1, "no such file")


def test_the_file_declares_no_resources(make_fleet: MakeFleet) -> None:
    """`plan` of the folder reads the resources beside fleet.yaml, not that file."""
    fleet = make_fleet("acme")
    ended(fleet.run("validate"), 0, "Valid: 2 tags")


def test_one_variable_for_all_connections_is_ignored(make_fleet: MakeFleet) -> None:
    """RECONCILER_CONNECTION of the plain command does not send all accounts to one."""
    fleet = make_fleet("acme", "bolt")
    env = {"RECONCILER_CONNECTION": fleet.accounts["acme"].connection}
    ended(fleet.run("fleet", "apply", "--yes", env=env), 0, "2 applied")
    assert fleet.accounts["bolt"].state()["tags"] == ["Lead", "VIP"]
