"""Many accounts through the command line: plan, apply, drift, validate, and what is left in the folder."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.support import ended
from tests.fleet.conftest import FleetProject, fits_schema

MakeFleet = Callable[..., FleetProject]


def tags_of(fleet: FleetProject, name: str) -> list[str]:
    """The names of the tags of an account."""
    return sorted(fleet.accounts[name].state()["tags"])


def test_plan_apply_plan(make_fleet: MakeFleet) -> None:
    """All accounts get what is common, in one run each, and the next plan is empty."""
    fleet = make_fleet("acme", "bolt", "corp")
    said = ended(fleet.run("fleet", "plan", "--detailed-exitcode"), 2, "3 accounts: 3 changes.", "6 to create")
    assert ".reconciler/fleet" in said
    assert not any(account.writes for account in fleet.accounts.values())
    ended(fleet.run("fleet", "apply", "--yes"), 0, "3 accounts: 3 applied.")
    assert [tags_of(fleet, name) for name in fleet.accounts] == [["Lead", "VIP"]] * 3
    again = fleet.run("fleet", "plan", "--detailed-exitcode")
    ended(again, 0, "3 accounts: 3 unchanged.")
    ended(fleet.run("fleet", "apply", "--yes"), 0, "3 accounts: 3 unchanged.")
    assert [len(account.writes) for account in fleet.accounts.values()] == [2, 2, 2]


def test_one_account_is_the_plain_command(make_fleet: MakeFleet) -> None:
    """A fleet of one has the ledger, the calls and the plan of the command without a fleet."""
    fleet = make_fleet("acme")
    fleet.write(f"accounts: [{{name: acme, path: ., connection: {fleet.account.connection}}}]\n", "fleet.yaml")
    assert fleet.run("fleet", "apply", "--yes").code == 0
    plain = {"RECONCILER_CONNECTION": fleet.account.connection}
    ended(fleet.run("plan", "--detailed-exitcode", env=plain), 0, "No changes.")
    fleet.write("tags: [VIP]\n", "common/tags.yaml")
    document = json.loads(fleet.run("plan", "--json", env=plain).out)
    fleet.run("fleet", "plan")
    assert json.loads((fleet.folder / ".reconciler/fleet/acme/plan.report.json").read_text()) == document


def test_own_files_and_variables(make_fleet: MakeFleet) -> None:
    """An account reads its own folder beside the common one; variables are its own; a row of a CSV is an account."""
    fleet = make_fleet("acme", "bolt")
    fleet.write('tags: ["${var.brand} VIP"]\n', "common/tags.yaml")
    fleet.write("tags: [Partner]\n", "clients/acme/own.yaml")
    fleet.write(
        f"name,connection,vars.brand,labels.plan\nbolt,{fleet.accounts['bolt'].connection},Bolt,gold\n", "more.csv"
    )
    fleet.write(
        "common: [common]\naccounts:\n"
        f"  - {{name: acme, connection: {fleet.account.connection}, path: clients/acme, vars: {{brand: A}}}}\n"
        "  - csv: more.csv\n",
        "fleet.yaml",
    )
    ended(fleet.run("fleet", "validate"), 0, "Valid: 2 accounts, 3 resources.")
    ended(fleet.run("fleet", "apply", "--yes"), 0, "2 applied")
    assert tags_of(fleet, "acme") == ["A VIP", "Partner"]
    assert tags_of(fleet, "bolt") == ["Bolt VIP"]
    assert "1 account:" in fleet.run("fleet", "plan", "--only", "plan=gold").out


def test_settings_of_the_folder_hold_for_all(make_fleet: MakeFleet) -> None:
    """A reconciler.yaml beside the fleet holds for accounts without one; each account has a ledger of its own."""
    fleet = make_fleet("acme", "bolt")
    fleet.write("vars: {word: Gold}\n", "reconciler.yaml")
    fleet.write('tags: ["${var.word}"]\n', "common/tags.yaml")
    ended(fleet.run("fleet", "apply", "--yes"), 0, "2 applied")
    assert sorted(path.name for path in (fleet.folder / ".reconciler").glob("*.db")) == ["acme.db", "bolt.db"]


def test_one_failure_stops_nobody(make_fleet: MakeFleet) -> None:
    """A wrong connection or key, a server that fails, wrong files and a broken ledger fail alone; the worst code
    wins."""
    fleet = make_fleet("acme", "bolt", "corp", "dune", "echo", "fern")
    fleet.env["MATON_API_KEY_ECHO"] = "wrong"
    fleet.write("no database", ".reconciler/fern.db")
    fleet.accounts["bolt"].fault("status", times=None, status=500)
    fleet.write("tagz: []\n", "clients/corp/own.yaml")
    key = "    key: {env: MATON_API_KEY_ECHO}\n"
    fleet.declare(corp="    path: clients/corp\n", dune="    ledger: other\n", echo=key)
    fleet.write(
        (fleet.folder / "fleet.yaml").read_text().replace(fleet.accounts["dune"].connection, "nowhere"), "fleet.yaml"
    )
    written = f"json={fleet.folder / 'report.json'}"
    ended(fleet.run("fleet", "apply", "--yes", "--output", written), 1, "1 applied", "5 failed")
    report = json.loads((fleet.folder / "report.json").read_text())
    assert fits_schema(report)
    errors = {each["name"]: each["error"] for each in report["accounts"] if each["error"]}
    expected = {"bolt": "500", "corp": "tagz", "dune": "nowhere", "echo": "MATON_API_KEY_ECHO", "fern": "no SQLite"}
    assert errors.keys() == expected.keys()
    assert not [name for name, text in expected.items() if text not in errors[name]], errors
    assert tags_of(fleet, "acme") == ["Lead", "VIP"]
    log = (fleet.folder / ".reconciler/fleet/bolt/log.txt").read_text()
    assert "GET /api/tags" in log


def test_max_failures_begins_no_further_account(make_fleet: MakeFleet) -> None:
    """With one account at a time, those after the failure are not begun, and --continue runs them."""
    fleet = make_fleet("acme", "bolt", "corp")
    fleet.declare("common: [common]\nparallel: 1\n")
    fleet.accounts["acme"].fault("status", times=None, status=403)
    ended(fleet.run("fleet", "plan", "--max-failures", "1"), 1, "1 failed", "not run")
    assert not fleet.accounts["corp"].requests
    fleet.accounts["acme"].set_faults([])
    ended(fleet.run("fleet", "plan", "--continue"), 0, "3 accounts: 3 changes.")


def test_waves_stop_at_a_failure(make_fleet: MakeFleet) -> None:
    """The first wave fails while it is applied: nothing of the second is touched; --continue goes on."""
    fleet = make_fleet("acme", "bolt", "corp")
    fleet.accounts["acme"].fault("status", method="POST", times=None, status=422)
    ended(fleet.run("fleet", "apply", "--yes", "--wave", "1,100%"), 1, "1 failed", "2 not run")
    assert not fleet.accounts["bolt"].writes and not fleet.accounts["corp"].writes
    fleet.accounts["acme"].set_faults([])
    ended(fleet.run("fleet", "apply", "--yes", "--continue", "--wave", "1,100%"), 0, "3 applied")
    assert [tags_of(fleet, name) for name in fleet.accounts] == [["Lead", "VIP"]] * 3


def test_approvals_are_the_sum(make_fleet: MakeFleet) -> None:
    """Twelve deletions in each of two accounts need 24, not 12; the message names the share of each account."""
    fleet = make_fleet("acme", "bolt")
    fleet.write(f"tags: {[f'T{n}' for n in range(12)]}\n", "common/tags.yaml")
    ended(fleet.run("fleet", "apply", "--yes"), 0)
    fleet.write("tags: [T0]\n", "common/tags.yaml")
    ended(fleet.run("fleet", "apply", "--yes"), 3, "acme 11, bolt 11", "--allow deletes=22", "No changes were made")
    ended(fleet.run("fleet", "apply", "--yes", "--allow", "deletes=11"), 3, "--allow deletes=22")
    assert len(tags_of(fleet, "acme")) == 12
    ended(fleet.run("fleet", "apply", "--yes", "--allow", "deletes=22"), 0, "2 applied")
    assert tags_of(fleet, "bolt") == ["T0"]


def test_a_plan_that_changed_meanwhile_is_not_applied(make_fleet: MakeFleet) -> None:
    """What was approved is applied, or nothing."""
    fleet = make_fleet("acme", "bolt")

    def meanwhile() -> None:
        fleet.accounts["acme"].seed({"tags": ["VIP"]})

    ended(fleet.run("fleet", "apply", "--yes", on_output=meanwhile), 3, "changed since it was planned", "1 applied")
    assert fleet.accounts["acme"].writes == []


def test_drift(make_fleet: MakeFleet) -> None:
    """Drift of one account is found, and exits with 2."""
    fleet = make_fleet("acme", "bolt")
    assert fleet.run("fleet", "apply", "--yes").code == 0
    ended(fleet.run("fleet", "drift"), 0, "2 unchanged")
    fleet.accounts["bolt"].replace({"tags": ["VIP"]}, {})
    drifted = fleet.run("fleet", "drift", "--json")
    assert (drifted.code, drifted.document["summary"]["drifted"], drifted.document["summary"]["unchanged"]) == (
        2,
        1,
        1,
    )
    assert fits_schema(drifted.document)
    assert (fleet.folder / ".reconciler/fleet/bolt/drift.json").exists()


def test_reports(make_fleet: MakeFleet, tmp_path: Path) -> None:
    """The table as JSON, Markdown and HTML, and the same in the folder."""
    fleet = make_fleet("acme", "bolt")
    outputs = [f"--output={form}={tmp_path / form}" for form in ("markdown", "html", "text")]
    result = fleet.run("fleet", "plan", "--json", *outputs)
    document = result.document
    assert fits_schema(document)
    assert [each["name"] for each in document["accounts"]] == ["acme", "bolt"]
    assert document["summary"]["changes"] == 2
    assert "| `acme` | changes | 2 to create |" in (tmp_path / "markdown").read_text()
    assert "<td>acme</td><td>changes</td>" in (tmp_path / "html").read_text()
    assert (fleet.folder / ".reconciler/fleet/report.md").read_text().startswith("<!-- reconciler: ")
    assert (fleet.folder / ".reconciler/fleet").stat().st_mode & 0o077 == 0


def test_people_are_redacted(make_fleet: MakeFleet) -> None:
    """With --redact no file of the run names a person."""
    fleet = make_fleet("acme")
    fleet.write("contacts:\n  - {email: ann@example.com, locale: en, tags: [VIP]}\n", "common/people.yaml")
    ended(fleet.run("--redact", "fleet", "apply", "--yes", "--allow", "emails"), 0, "1 applied")
    texts = [path.read_text() for path in (fleet.folder / ".reconciler/fleet").rglob("*.*") if path.is_file()]
    assert len(texts) > 5
    assert not any("ann@example" in text for text in texts)
    assert any("contact/c:" in text for text in texts)


def test_a_protected_environment_is_confirmed_by_name(make_fleet: MakeFleet) -> None:
    """--yes is not enough."""
    fleet = make_fleet("acme")
    fleet.write("environments: {live: {protect: true}}\n", "reconciler.yaml")
    ended(fleet.run("-e", "live", "fleet", "apply", "--yes"), 3, "--confirm live")
    assert fleet.accounts["acme"].writes == []
    ended(fleet.run("-e", "live", "fleet", "apply", "--yes", "--confirm", "live"), 0, "1 applied")


def test_without_a_terminal_yes_is_needed(make_fleet: MakeFleet) -> None:
    """Nobody can be asked."""
    fleet = make_fleet("acme")
    ended(fleet.process("fleet", "apply"), 3, "--yes")
    assert fleet.accounts["acme"].writes == []


@pytest.mark.parametrize("number", [2, 15])
def test_a_driver_that_is_killed_loses_nothing(make_fleet: MakeFleet, number: int) -> None:
    """SIGKILL in the middle of an apply: nothing is created twice, and --continue finishes the rest."""
    names = [f"client-{n}" for n in range(8)]
    fleet = make_fleet(*names)
    fleet.declare("common: [common]\nparallel: 2\n")
    for account in fleet.accounts.values():
        account.options.latency = 30
    process = fleet.started("fleet", "apply", "--yes")
    while sum(len(account.writes) for account in fleet.accounts.values()) < number:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    fleet.finish()
    assert [tags_of(fleet, name) for name in names] == [["Lead", "VIP"]] * 8


def test_a_worker_that_is_killed_is_replaced(make_fleet: MakeFleet) -> None:
    """SIGKILL of the worker process: the driver begins its unfinished accounts again."""
    names = [f"client-{n}" for n in range(6)]
    fleet = make_fleet(*names)
    for account in fleet.accounts.values():
        account.options.latency = 50
    process = fleet.started("fleet", "apply", "--yes", "--workers", "1")
    while not sum(len(account.writes) for account in fleet.accounts.values()):
        assert process.poll() is None
        time.sleep(0.01)
    for pid in _workers(process.pid):
        os.kill(pid, 9)
    assert process.wait(120) == 0
    assert [tags_of(fleet, name) for name in names] == [["Lead", "VIP"]] * 6


def _workers(driver: int) -> list[int]:
    """The worker processes of a driver: children of the fork server, which is one of its children."""
    return [worker for child in _children(driver) for worker in _children(child)]


def _children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def test_a_signal_ends_it_in_order(make_fleet: MakeFleet) -> None:
    """Ctrl-C: what is under way is recorded, the rest is not begun, 130; --continue finishes."""
    names = [f"client-{n}" for n in range(6)]
    fleet = make_fleet(*names)
    fleet.declare("common: [common]\nparallel: 1\n")
    for account in fleet.accounts.values():
        account.options.latency = 50
    process = fleet.started("fleet", "apply", "--yes")
    while not sum(len(account.writes) for account in fleet.accounts.values()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(2)
    assert process.wait(60) == 130
    ended(fleet.run("fleet", "apply", "--yes", "--continue"), 0, "6 accounts")
    assert [tags_of(fleet, name) for name in names] == [["Lead", "VIP"]] * 6
