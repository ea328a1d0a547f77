"""A fleet in the pipelines: one comment, a plan of every account, and exactly these applied after the merge."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import pytest

from reconciler.emulator import Account, Emulator
from tests.ci.conftest import Repository
from tests.ci.test_gitlab import GitLab, gitlab, job  # noqa: F401 - fixtures
from tests.support.postgres import Postgres
from tests.support.project import Project, Result

PEOPLE = "contacts: [{email: ann@example.com, first_name: Annabel}]\n"


NAMES = ("acme", "bolt", "corp", "dune")


def declare(project: Project, server: Emulator, postgres: Postgres, names: tuple[str, ...]) -> dict[str, Account]:
    """Write a fleet with ledgers in one database; its accounts by name."""
    number = project.folder.name
    accounts = {name: server.account(f"{number}-{name}", {}) for name in names}
    rows = [
        f"  - {{name: {name}, connection: {account.connection}, ledger: {number}-{name}}}\n"
        for name, account in accounts.items()
    ]
    project.write(f"common: [common]\naccounts:\n{''.join(rows)}", "fleet.yaml")
    project.write(f"tags: [VIP]\n{PEOPLE}", "common/site.yaml")
    project.env["RECONCILER_LEDGER"] = postgres.url
    return accounts


@pytest.fixture
def accounts(repository: Repository, server: Emulator, postgres: Postgres) -> dict[str, Account]:
    """The accounts of a repository that is a fleet."""
    found = declare(repository.project, server, postgres, NAMES)
    repository.secrets["RECONCILER_LEDGER"] = postgres.url
    repository.given = {"fleet": "."}
    return found


def tags(accounts: dict[str, Account]) -> list[list[str]]:
    """The tags of each account."""
    return [sorted(account.state()["tags"]) for account in accounts.values()]


def test_a_pull_request_of_a_fleet(repository: Repository, accounts: dict[str, Account]) -> None:
    """Planned with one comment that names nobody, and applied in waves; no drift after it."""
    planned = repository.plan()
    assert not planned.failed, planned.log
    assert planned.uploaded == "reconciler-plan-fleet"
    (comment,) = repository.github.comments
    assert comment["body"].startswith("<!-- reconciler: plan fleet -->\n### Fleet")
    assert "| `acme` | changes | 2 to create |" in comment["body"]
    assert not any(account.writes for account in accounts.values())
    applied = repository.merge(given={"arguments": "--wave 1,100%"})
    assert not applied.failed, applied.log
    assert "4 applied" in applied.summary
    assert tags(accounts) == [["VIP"]] * 4
    assert not repository.drift().failed
    texts = comment["body"] + planned.log + applied.log + applied.summary
    (kept,) = repository.github.blobs.values()
    texts += b"".join(unpacked(kept).values()).decode()
    assert "ann@example.com" not in texts and "Annabel" not in texts


def test_only_what_was_reviewed_is_applied(repository: Repository, accounts: dict[str, Account]) -> None:
    """An account that changed since, one whose plan was forged, and one that could not be planned: not applied, and
    no hindrance to the others."""
    accounts["corp"].fault("status", times=None, status=403)
    planned = repository.plan()
    assert planned.failed
    assert planned.uploaded == "reconciler-plan-fleet"
    assert "| `corp` | failed |" in repository.github.comments[0]["body"]
    accounts["corp"].set_faults([])
    accounts["acme"].edit("POST", "/api/tags", {"name": "VIP"})
    (number,) = repository.github.blobs
    files = unpacked(repository.github.blobs[number])
    saved = json.loads(files["bolt/plan.json"])
    saved["plan"]["changes"] = saved["plan"]["changes"][:1]
    repository.github.blobs[number] = packed({**files, "bolt/plan.json": json.dumps(saved).encode()})
    applied = repository.merge()
    assert applied.inner["run"]["outputs"]["exit-code"] == "4"
    for name, reason in {"acme": "stale", "bolt": "modified after it was created", "corp": "not planned"}.items():
        assert [line for line in applied.summary.splitlines() if f"`{name}`" in line and reason in line]
    assert "1 applied, 2 refused, 1 not run" in applied.summary
    assert tags(accounts)[1:] == [[], [], ["VIP"]]


def packed(files: dict[str, bytes]) -> bytes:
    """An archive of these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The files of an archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return {name: files.read(name) for name in files.namelist()}


def test_a_merge_request_of_a_fleet(
    project: Project,
    job: Callable[..., Result],  # noqa: F811
    gitlab: GitLab,  # noqa: F811
    server: Emulator,
    postgres: Postgres,
) -> None:
    """On GitLab: the whole artifact of the plan job is fetched, and its plans are applied."""
    accounts = declare(project, server, postgres, NAMES[:2])
    told = {"RECONCILER_FLEET": ".", "RECONCILER_WAVE": "1,100%", "RECONCILER_GITLAB_TOKEN": "glpat"}
    planned = job("plan", CI_MERGE_REQUEST_IID="7", **told)
    assert planned.code == 0, planned.err
    (posted,) = [body["body"] for call, body in gitlab.requests if call == "POST /merge_requests/7/notes"]
    assert "| `acme` | changes | 2 to create |" in posted
    kept = sorted(path for path in (project.folder / "reconciler-plan").rglob("[!.]*") if path.is_file())
    gitlab.answers["GET /jobs/9/artifacts"] = packed(
        {str(path.relative_to(project.folder)): path.read_bytes() for path in kept}
    )
    applied = job("apply", **told)
    assert applied.code == 0, applied.err
    assert "2 applied" in applied.out
    assert tags(accounts) == [["VIP"], ["VIP"]]
    gitlab.answers["GET /jobs/9/artifacts"] = b"no archive"
    assert job("apply", **told).code == 1
