"""Plans that are saved, reviewed and applied later: exactly what was reviewed, or a refusal, account by account."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.cli.support import ended
from tests.fleet.conftest import FleetProject

MakeFleet = Callable[..., FleetProject]
APPLY = ("fleet", "apply", "--yes", "--plans", "saved")


@pytest.fixture
def fleet(make_fleet: MakeFleet) -> FleetProject:
    """Two accounts with a key for plans, as in a pipeline; their plans are in the folder ``saved``."""
    made = make_fleet("acme", "bolt")
    made.env["RECONCILER_LEDGER_KEY"] = "a-key-of-the-team"
    ended(made.run("fleet", "plan", "--out", "saved"), 0, "2 changes")
    return made


def change(fleet: FleetProject, name: str, text: Callable[[str], str], file: str = "plan.json") -> None:
    """Change a saved file."""
    path = fleet.folder / "saved" / name / file
    path.write_text(text(path.read_text()))


def test_what_was_saved_is_applied(fleet: FleetProject) -> None:
    """No account is read twice before it is applied, and the next plan is empty."""
    for account in fleet.accounts.values():
        account.clear()
    ended(fleet.run(*APPLY, "--wave", "1,100%"), 0, "2 accounts: 2 applied.")
    reads = [sum(1 for each in account.requests if each["method"] == "GET") for account in fleet.accounts.values()]
    assert reads == [1, 1]
    ended(fleet.run("fleet", "plan"), 0, "2 unchanged")
    assert (fleet.folder / "saved/acme/plan.json").exists()


def test_an_account_that_changed_is_refused_alone(fleet: FleetProject) -> None:
    """With what changed; the other one is applied."""
    fleet.accounts["acme"].seed({"tags": ["VIP"]})
    ended(fleet.run(*APPLY), 3, "the plan is stale", "tag/VIP: was create", "1 applied, 1 refused")
    assert not fleet.accounts["acme"].writes
    assert sorted(fleet.accounts["bolt"].state()["tags"]) == ["Lead", "VIP"]


@pytest.mark.parametrize("forge", ["change", "swap", "unsigned", "no JSON", "missing"])
def test_a_forged_plan_is_refused_alone(fleet: FleetProject, forge: str) -> None:
    """A changed file, that of another account, one without a signature, garbage, and none."""
    saved = fleet.folder / "saved"
    if forge == "change":
        change(fleet, "acme", lambda text: text.replace("VIP", "VIQ"))
    elif forge == "swap":
        (saved / "acme/plan.json").write_bytes((saved / "bolt/plan.json").read_bytes())
    elif forge == "unsigned":
        change(fleet, "acme", lambda text: json.dumps({**json.loads(text), "integrity": {"sha256": "0" * 64}}))
    elif forge == "no JSON":
        change(fleet, "acme", lambda text: text[:100])
    else:
        (saved / "acme/plan.json").unlink()
    result = fleet.run(*APPLY)
    assert "1 applied" in result.out and result.code in (1, 3, 4), result.out + result.err
    assert not fleet.accounts["acme"].writes
    assert fleet.accounts["bolt"].writes


def test_results_that_were_forged_give_no_approval(fleet: FleetProject) -> None:
    """The numbers beside the plans are not signed: the run of the account asks for its own approvals."""
    fleet.write("limits: {deletes: 1, floor: 0}\nprune: {tag: all}\n", "reconciler.yaml")
    for account in fleet.accounts.values():
        account.seed({"tags": ["Old", "Older", "Oldest"]})
    ended(fleet.run("fleet", "plan", "--out", "saved"), 0, "Approval required: deletes in 2 accounts", "deletes=6")
    ended(fleet.run(*APPLY), 3, "--allow deletes=6")
    results = fleet.folder / "saved/results.jsonl"
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    results.write_text("".join(json.dumps({**line, "needs": []}) + "\n" for line in lines))
    ended(fleet.run(*APPLY), 3, "2 refused", "Approval required: 3 deletions")
    ended(fleet.run("fleet", "plan", "--out", "saved"), 0)
    ended(fleet.run(*APPLY, "--allow", "deletes=6"), 0, "2 applied")


def test_a_plan_that_failed_is_not_applied(make_fleet: MakeFleet) -> None:
    """The others are; the exit code says that something is left."""
    fleet = make_fleet("acme", "bolt")
    fleet.accounts["acme"].fault("status", times=None, status=403)
    ended(fleet.run("fleet", "plan", "--out", "saved"), 1, "1 failed")
    fleet.accounts["acme"].set_faults([])
    ended(fleet.run(*APPLY), 4, "not planned", "1 applied, 1 not run")
    assert not fleet.accounts["acme"].writes


def test_redacted_plans_are_applied(make_fleet: MakeFleet) -> None:
    """They name nobody, and need the key that signs them."""
    fleet = make_fleet("acme")
    fleet.write("contacts:\n  - {email: ann@example.com, locale: en}\n", "common/people.yaml")
    ended(fleet.run("--redact", "fleet", "plan", "--out", "saved"), 3, "needs a persistent key")
    assert not fleet.account.requests
    fleet.env["RECONCILER_LEDGER_KEY"] = "a-key-of-the-team"
    ended(fleet.run("--redact", "fleet", "plan", "--out", "saved"), 0)
    texts = [path.read_text() for path in (fleet.folder / "saved").rglob("*.*") if path.is_file()]
    assert not any("ann@example" in text for text in texts)
    ended(fleet.run("--redact", *APPLY), 0, "1 applied")
    assert len(fleet.account.state()["contacts"]) == 1


def test_the_rest_of_saved_plans_is_applied_later(fleet: FleetProject) -> None:
    """An account that failed halfway: --continue applies the rest of its plan."""
    fleet.accounts["acme"].fault("status", method="POST", times=1, status=422)
    ended(fleet.run(*APPLY), 4, "1 applied, 1 partial")
    ended(fleet.run(*APPLY, "--continue"), 0, "2 accounts")
    assert sorted(fleet.accounts["acme"].state()["tags"]) == ["Lead", "VIP"]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("run.json", None, "there are no saved plans in"),
        ("run.json", "[]", "run.json is damaged"),
        ("results.jsonl", '{"name": 1}\n', "run.json is damaged"),
        ("results.jsonl", "[" * 100_000 + "\n", "run.json is damaged"),
        ("run.json", '{"command": "apply", "accounts": []}', "holds a run of `fleet apply`, not of `fleet plan`"),
        ("run.json", '{"command": "plan", "accounts": []}', "has no plan of these accounts"),
        ("run.json", '{"command": "plan", "accounts": ["zeta"]}', "accounts that the fleet does not declare: zeta"),
    ],
)
def test_folders_without_plans(fleet: FleetProject, file: str, text: str | None, message: str) -> None:
    """One message, and nothing is begun."""
    path = fleet.folder / "saved" / file
    path.unlink() if text is None else path.write_text(text)
    for account in fleet.accounts.values():
        account.clear()
    ended(fleet.run(*APPLY), 1, message)
    assert not any(account.requests for account in fleet.accounts.values())


def test_the_folder_of_the_run_is_another_one(fleet: FleetProject) -> None:
    """It would be emptied before its plans are read."""
    ended(fleet.run(*APPLY, "--out", "saved"), 1, "is also the folder of this run")
    assert (fleet.folder / "saved/acme/plan.json").exists()
