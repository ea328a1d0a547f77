"""What the tests of the command line have in common."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.project import Project, Result


def ended(result: Result, code: int, *texts: str) -> str:
    """The talk of a run that ended with ``code``, said ``texts`` and showed no traceback."""
    said = result.err + result.out
    assert result.code == code, said
    assert "Traceback" not in said
    for text in texts:
        assert text in said, said
    return said


def untouched(project: Project, code: int, *texts: str, args: tuple[str, ...] = (), **more: str | None) -> str:
    """Plan and apply both end with ``code`` and one clear message; account and ledger stay as they were."""
    env: Mapping[str, str | None] = more
    before, ledger = project.account.state(), ledger_of(project)
    ended(project.run("plan", *args, env=env), code, *texts)
    said = ended(project.run("apply", "--yes", *args, env=env), code, *texts)
    assert project.account.writes == []
    assert project.account.state() == before
    assert ledger_of(project) == ledger
    assert all(len(line) < 1000 for line in said.splitlines())
    return said


def ledger_of(project: Project) -> list[str]:
    """What the ledger holds, as text; nothing where there is none."""
    from reconciler.ledger.store import Store

    url = "sqlite:///.reconciler/ledger.db"
    if not Store.exists(url, project.folder):
        return []
    store = Store.peek(url, root=project.folder)
    assert store is not None
    with store:
        return [str(entry) for entry in store.entries()]
