"""A plan sends nothing but GET, because its transport cannot; and without that guard it would show."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from requests.adapters import HTTPAdapter

from reconciler.commands import plan
from reconciler.gateway.client import Reader, Writer
from reconciler.gateway.transport import READ_METHODS, ForbiddenMethod, MethodAdapter, Transport
from reconciler.model.report import ApiRequest
from reconciler.refresh.account import refresh
from tests.proofs import estate
from tests.proofs.forks import Moment
from tests.support.project import Project

POST = ApiRequest("POST", "/api/tags", {"name": "written by a plan"})


def test_a_plan_sends_nothing_but_get(owned: Moment) -> None:
    """Over everything that a plan can hold: creates, updates, replaces, deletes, adoptions."""
    account, project = owned.restore(), owned.project
    before = account.state()
    for args in (["plan"], ["plan", "--json"], ["plan", "--detailed-exitcode"], ["plan", "--out", "saved.json"]):
        assert project.run(*args).code in (0, 2)
    assert {each["method"] for each in account.requests} == {"GET"}
    assert account.state() == before


def test_the_transport_of_a_reader_refuses_to_write(project: Project) -> None:
    """Called directly, with each method that writes, and its session too."""
    with Reader(project.server.url, project.server.key, connection=project.account.connection) as reader:
        assert not hasattr(reader, "send")
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with pytest.raises(ForbiddenMethod):
                reader.transport.exchange(method, "/systeme/api/tags", b"{}", "application/json")
            with pytest.raises(ForbiddenMethod):
                reader.transport.session().request(method, f"{project.server.url}/systeme/api/tags")
    assert not project.account.requests


@pytest.fixture
def writing_planner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planner that forgot itself: it sends a POST while it reads."""

    def writes(reader: Reader, *args: object, **options: object) -> object:
        reader._call(POST)
        return refresh(reader, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(plan, "refresh", writes)


@pytest.mark.usefixtures("writing_planner")
def test_a_planner_that_writes_is_stopped_by_the_transport(project: Project) -> None:
    """Nothing leaves."""
    project.write("tags: [A]")
    with pytest.raises(ForbiddenMethod):
        project.run("plan")
    assert not project.account.requests


@pytest.mark.usefixtures("writing_planner")
def test_without_the_guard_it_would_show(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof above proves something: with the guard taken out, the same planner writes and is seen."""
    project.write("tags: [A]")
    monkeypatch.setattr(MethodAdapter, "send", HTTPAdapter.send)
    assert project.run("plan").code == 0
    assert [each["method"] for each in project.account.writes] == ["POST"]
    with pytest.raises(AssertionError):
        assert {each["method"] for each in project.account.requests} == {"GET"}


def test_the_writer_is_made_after_every_approval(owned: Moment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the answer to the question there is no transport in the process that could write."""
    account, project = owned.restore(), owned.project
    made: list[frozenset[str]] = []
    make: Callable[..., None] = Transport.__init__

    def noting(
        transport: Transport, url: str, key: str, methods: frozenset[str] = READ_METHODS, **options: object
    ) -> None:
        made.append(methods)
        make(transport, url, key, methods, **options)

    monkeypatch.setattr(Transport, "__init__", noting)
    assert project.run("apply").code == 3, "gated"
    assert project.run("apply", *estate.ALLOW).code == 3, "nobody to ask"
    assert set(made) == {READ_METHODS}
    assert not account.writes
    assert Writer._methods != READ_METHODS
