"""Calls that fail and are repeated, cut off or given up: how often they are sent, and what is said of them."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.gateway import responses
from reconciler.gateway.client import HttpClient
from reconciler.gateway.retry import Retries
from tests.cli.support import ended
from tests.support.project import Project
from tests.support.waiting import until
from tests.unit.gateway.server import HANG, HANG_UP, Move, RawServer, answer, refused_port

pytestmark = pytest.mark.usefixtures("short_pauses")
MakeProject = Callable[..., Project]


def page(items: Any, more: Any = True) -> Move:
    """A page of a list."""
    return answer(200, {"items": items, "hasMore": more})


def planned(project: Project, *moves: Move) -> tuple[int, str]:
    """How many requests a plan sends to a server that answers so, and what it says; it fails."""
    with RawServer(list(moves)) as server:
        said = ended(project.run("plan", env={"RECONCILER_GATEWAY_URL": server.url}), 1)
    return len(server.seen), said


TOO_MANY = answer(422, {"violations": [{"propertyPath": "pagination.limit", "message": "too many"}]})
NO_CURSOR = "endless pages: the cursor does not advance"
#: First pages that another one cannot follow: how many requests they take, and what is said.
PAGES = {
    "a yes": (page([{"id": True, "name": "B"}]), 1, NO_CURSOR),
    "no items": (page([]), 1, NO_CURSOR),
    "the same": (page([{"id": 1, "name": "B"}]), 2, NO_CURSOR),
    "a number": (page(5), 1, "the response contains no list of items"),
    "more of text": (page([{"id": 1, "name": "B"}], "yes"), 1, "does not state whether more pages follow"),
    "any limit refused": (TOO_MANY, 2, "pagination.limit: too many"),
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_that_lead_nowhere(declared: Project, name: str) -> None:
    """No page is asked for whose beginning is unknown, or that was there already."""
    move, count, words = PAGES[name]
    sent, said = planned(declared, move)
    assert (sent, words in said) == (count, True), said


def test_a_list_has_so_many_pages_at_most(declared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is far above what there can be; here it is three."""
    monkeypatch.setattr("reconciler.gateway.client.MOST_PAGES", 3)
    sent, said = planned(declared, *(page([{"id": number, "name": f"T{number}"}]) for number in range(9)))
    assert (sent, "the pages do not end; 3 were read" in said) == (3, True), said


def test_a_list_without_pages_must_be_whole(project: Project) -> None:
    """Contact fields have no cursor: rows that are left out cannot be read."""
    project.write("contact_fields: [{slug: a, name: A}]\n")
    sent, said = planned(project, page([{"slug": "a", "fieldName": "A"}]))
    assert (sent, "the list is incomplete and cannot be paged" in said) == (1, True), said


def test_an_account_of_the_other_dialect(make_project: MakeProject) -> None:
    """Its answers show it, and the setting is named before anything is planned."""
    project = make_project({"contact_fields": [{"slug": "b", "name": "B"}]}, dialect="skill")
    project.write("contact_fields: [{slug: a, name: A}]\n")
    ended(project.run("plan", env={"RECONCILER_DIALECT": "vendor"}), 1, "set dialect: skill")
    ended(project.run("plan"), 0, "1 to create")


def test_what_a_list_repeats_is_counted_once(make_project: MakeProject) -> None:
    """The last of a page is the cursor, so that three full pages are three calls."""
    project = make_project({"tags": [f"T{number}" for number in range(300)]})
    project.write("tags: [A]\n")
    assert project.plan()["calls"]["reads"] == 3


def test_attempts_are_counted_and_logged(declared: Project) -> None:
    """With -vv each has its line: status, number and what the server says of its quota."""
    declared.account.fault("drop_before")
    declared.account.fault("status", status=429, headers={"Retry-After": "0", "X-RateLimit-Remaining": "5"})
    result = declared.run("-vv", "plan", "--json")
    assert result.document["calls"] == {"reads": 3, "writes": 1}
    lines = [line.partition(" → ")[2] for line in result.err.splitlines() if " → " in line]
    assert [line.partition(" in ")[0] for line in lines] == ["no answer", "429", "200"]
    assert [line.partition(" ms")[2] for line in lines] == [
        "",
        ", attempt 2, X-RateLimit-Remaining: 5, Retry-After: 0",
        ", attempt 3",
    ]


def test_what_never_arrived_is_not_counted(declared: Project) -> None:
    """A port that refuses: the message begins with the address, and no request was made."""
    url = f"http://127.0.0.1:{refused_port()}"
    result = declared.run("-vv", "plan", env={"RECONCILER_GATEWAY_URL": url})
    said = ended(result, 1, f"error: Cannot connect to the gateway at {url} (")
    assert said.count("→ no answer in") == 3


def test_the_last_attempt_of_a_read_is_told(declared: Project) -> None:
    """What became of an earlier one does not matter, since a read changes nothing."""
    sent, said = planned(declared, HANG_UP, answer(429, {"detail": "slow down"}, Retry_After="0"))
    assert (sent, "GET /api/tags: too many calls (slow down)" in said) == (3, True), said


def test_a_pause_that_the_server_asks_for(declared: Project) -> None:
    """The next request waits for it; one that is longer than anybody waits ends the run at once."""
    declared.account.fault("status", status=429, headers={"Retry-After": "1"})
    began = time.monotonic()
    ended(declared.run("plan"), 0)
    assert time.monotonic() - began >= 1
    declared.account.clear()
    declared.account.fault("status", status=429, headers={"Retry-After": "500"}, times=None)
    ended(declared.run("plan"), 1, "the quota is used up for another 500 s")
    assert len(declared.account.requests) == 1


def test_the_rate_limit_holds(make_project: MakeProject) -> None:
    """Two calls at once, the third half a second later."""
    project = make_project({"tags": [f"T{number}" for number in range(250)]})
    project.write("tags: [A]\n")
    began = time.monotonic()
    ended(project.run("plan", env={"RECONCILER_RATE_LIMIT": "2"}), 0)
    assert time.monotonic() - began >= 0.5


def test_patience_has_an_end(declared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause that would end after it is not begun."""
    monkeypatch.setattr("reconciler.gateway.client.Retries", lambda: Retries(first=60, longest=60, patience=20))
    declared.account.fault("status", times=None)
    ended(declared.run("plan"), 1, "GET /api/tags: the server answered 500")
    assert len(declared.account.requests) == 1


def test_the_time_of_a_run_ends_a_read(declared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause that ends after --max-minutes is not begun, and no answer is waited for longer."""
    monkeypatch.setattr("reconciler.gateway.client.Retries", lambda: Retries(first=300, longest=300))
    declared.account.fault("status", times=None)
    ended(declared.run("plan", "--max-minutes", "1"), 4, "--max-minutes reached")
    assert len(declared.account.requests) == 1


def test_a_write_that_has_begun_is_finished(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its repetitions are sent though the time of the run is over by then."""

    def clock() -> float:
        return time.monotonic() + (100 if project.account.writes else 0)

    defaults = HttpClient.__init__.__kwdefaults__ or {}
    monkeypatch.setattr(HttpClient.__init__, "__kwdefaults__", {**defaults, "clock": clock})
    project.write("tags: [{name: A, handle: a}]\n")
    project.apply()
    project.account.clear()
    project.write("tags: [{name: B, handle: a}]\n")
    project.account.fault("status", method="PUT")
    ended(project.run("apply", "--yes", "--max-minutes", "1"), 0)
    assert [each["status"] for each in project.account.writes] == [500, 200]


@pytest.mark.parametrize("how", ["time", "signal"])
def test_what_ends_a_read_is_told(declared: Project, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Not that there was no answer, though it was the last attempt."""
    monkeypatch.setattr("reconciler.gateway.client.Retries", lambda: Retries(tries=1))
    began = time.monotonic()
    with RawServer([HANG]) as server:
        declared.env["RECONCILER_GATEWAY_URL"] = server.url
        if how == "time":
            ended(declared.run("plan", "--max-minutes", "0.01"), 4, "--max-minutes reached")
        else:
            with _signal_after(lambda: server.seen):
                ended(declared.run("plan"), 130, "interrupted")
    assert time.monotonic() - began < 25, "no answer is waited for 30 seconds"


@contextlib.contextmanager
def _signal_after(condition: Callable[[], object]) -> Iterator[None]:
    """This process gets a signal when the condition holds."""

    def end() -> None:
        until(condition)
        os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end)
    ending.start()
    yield
    ending.join()


@pytest.mark.parametrize(
    ("method", "command", "code", "words"),
    [("GET", ("plan",), 130, "interrupted"), ("PUT", ("apply", "--yes"), 1, "the server answered 500")],
)
def test_a_signal_ends_a_pause(
    project: Project, monkeypatch: pytest.MonkeyPatch, method: str, command: tuple[str, ...], code: int, words: str
) -> None:
    """Nothing is sent after it; of a write the outcome of the last attempt is reported, which may have been done."""
    project.write("tags: [{name: A, handle: a}]\n")
    project.apply()
    project.account.clear()
    project.write("tags: [{name: B, handle: a}]\n")
    monkeypatch.setattr("reconciler.gateway.client.Retries", lambda: Retries(first=10, longest=10))
    project.account.fault("status", method=method, times=None)

    def sent() -> int:
        return sum(each["method"] == method for each in project.account.requests)

    with _signal_after(sent):
        ended(project.run(*command), code, words)
    assert sent() == 1


def test_a_signal_while_a_membership_is_sent_again(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request may have been carried out, so it stays announced; the next run looks, and sends."""
    project = make_project({"communities": ["Club"], "contacts": [{"email": "ann@example.com"}]})
    project.write("memberships: [{community: Club, contact: ann@example.com}]\n")
    monkeypatch.setattr("reconciler.gateway.client.Retries", lambda: Retries(first=60, longest=60))
    project.account.fault("drop_before", method="POST")
    project.account.fault("status", method="POST", status=429, times=None)

    def sent() -> int:
        return sum(each["method"] == "POST" for each in project.account.requests)

    with _signal_after(lambda: sent() == 2):
        ended(project.run("apply", "--yes"), 130, "interrupted")
    assert len(project.run("ledger", "list", "--json").document["intents"]) == 1
    project.account.set_faults([])
    project.apply()
    assert (sent(), project.run("ledger", "list", "--json").document["intents"]) == (3, [])


def test_an_id_that_leads_elsewhere(project: Project) -> None:
    """No request is sent to a path that is none of this resource."""
    project.write("tags: [{name: B, renamed_from: A}]\n")
    item = {"id": "1/../2", "name": "A"}
    with RawServer([page([item], more=False), answer(200, item)]) as server:
        result = project.run("apply", "--yes", env={"RECONCILER_GATEWAY_URL": server.url})
    ended(result, 1, "not a path of this API: '/api/tags/1/../2'")
    assert {each.method for each in server.seen} == {"GET"}


@pytest.mark.parametrize("status", [400, 401])
def test_nothing_is_tried_without_a_connection(project: Project, status: int) -> None:
    """After the first refusal of key or connection no further write is sent."""
    project.write("tags: [A, B, C]\n")
    project.account.fault("status", method="POST", status=status, body={"error": "no"}, times=1)
    result = project.run("apply", "--yes", "--parallel", "1")
    ended(result, 4, "the account cannot be reached; run apply again to continue")
    assert len(project.account.writes) == 1


def test_a_deletion_whose_first_attempt_was_done(project: Project) -> None:
    """The second one finds nothing, which is what was wanted; any other answer leaves the tag managed."""
    project.write("tags: [A, B]\n")
    project.apply()
    project.write("tags: [B]\n")
    project.account.fault("status", method="DELETE", times=None)
    ended(project.run("apply", "--yes", "--allow", "deletes"), 1, "the server answered 500")
    assert project.account.state()["tags"] == ["A", "B"]
    assert len(project.run("ledger", "list", "--json").document["entries"]) == 2
    project.account.set_faults([])
    project.account.fault("error_after", method="DELETE")
    assert "gone already" not in ended(project.run("apply", "--yes", "--allow", "deletes"), 0, "1 deleted")
    assert [each["status"] for each in project.account.writes[-2:]] == [502, 404]
    assert project.account.state()["tags"] == ["B"]
    project.write("tags: []\n")
    project.account.fault("status", method="DELETE", status=404, body={"detail": "gone"})
    ended(project.run("apply", "--yes", "--allow", "deletes"), 0, "was gone already")


def test_an_update_of_what_is_gone(project: Project) -> None:
    """A 404 for a repeated update is a failure: it was not the first attempt that deleted it."""
    project.write("tags: [{name: A, handle: a}]\n")
    project.apply()
    project.write("tags: [{name: B, handle: a}]\n")
    project.account.fault("status", method="PUT")
    project.account.fault("status", method="PUT", status=404, body={"detail": "gone"})
    ended(project.run("apply", "--yes"), 1, "not found (gone)")
    assert project.account.state()["tags"] == ["A"]


def test_an_update_in_doubt(project: Project) -> None:
    """What was refused in the end was refused; what was only throttled may have been done before."""
    project.write("tags: [{name: A, handle: a}]\n")
    project.apply()
    project.write("tags: [{name: B, handle: a}]\n")
    for status, words in ((422, "never"), (429, "did not send a complete response")):
        project.account.set_faults([])
        project.account.fault("drop_before", method="PUT")
        project.account.fault("status", method="PUT", status=status, body={"detail": "never"}, times=None)
        ended(project.run("apply", "--yes"), 1, words)
    project.account.set_faults([])
    project.account.fault("status", method="PUT", status=429, body={"detail": "never"}, times=None)
    ended(project.run("apply", "--yes"), 1, "too many calls (never)")


def test_a_secret_is_hidden_wherever_it_is_repeated(project: Project) -> None:
    """In the refusal of its own request, and in that of another one."""
    project.env |= {"A_WEBHOOK": "s3cret-of-a", "B_WEBHOOK": "s3cret-of-b"}
    hook = "  - {{name: {0}, url: 'https://{0}.example.com/', events: [SALE_NEW], secret: {{env: {0}_WEBHOOK}}}}\n"
    project.write("webhooks:\n" + hook.format("A") + hook.format("B") + "tags: [T]\n")
    body = {"detail": "neither s3cret-of-a nor s3cret-of-b"}
    project.account.fault("status", method="POST", status=422, body=body, times=None)
    said = ended(project.run("apply", "--yes"), 1, "neither (hidden) nor (hidden)")
    assert "s3cret" not in said


#: Status, headers and raw body of an answer: how often a GET is sent, and what is said of the last one.
ANSWERS: tuple[tuple[int, dict[str, str], bytes, int, str], ...] = (
    (150, {}, b"", 1, "the server answered 150 (status 150, no text)"),
    (200, {}, b" ", 3, "200 with an empty body instead of JSON"),
    (200, {}, b"<html><title>\nSign  in</title>", 3, "200 with a body that is not JSON: an HTML page, Sign  in"),
    (200, {}, b"\n <!DOCTYPE html><p>Sign in", 3, "200 with a body that is not JSON: an HTML page"),
    (200, {}, b"{", 3, "200 with a body that is not JSON: {"),
    (301, {"Location": "/b?c=d"}, b"", 1, "the server redirects to /b; {REFUSED}"),
    (302, {"Location": "http://a@b.example/c?d"}, b"", 1, "the server redirects to http://b.example/c; {REFUSED}"),
    (307, {"Location": "http://["}, b"", 1, "the server redirects to an unreadable place; {REFUSED}"),
    (403, {}, b"stop", 1, "stop"),
    (403, {}, b"\x1b[31mst\x00op\x1b[0m", 1, "st op"),
    (403, {}, b"x" * 200, 1, "x" * 200),
    (403, {}, b"x" * 201, 1, "x" * 199 + "…"),
    (404, {}, b"", 1, "not found (status 404, no text)"),
    (404, {}, b"{}", 1, "not found ({})"),
    (404, {}, b"no such page", 3, "404, but not from Systeme.io: no such page"),
    (500, {}, b"broken", 3, "the server answered 500 (broken); {STALE}"),
    (502, {}, b"broken", 3, "the server answered 502 (broken)"),
    (400, {}, b'{"error": "Invalid app name"}', 1, '{NO_APP} ({"error": "Invalid app name"})'),
)
PHRASES = {
    "{REFUSED}": "redirects are refused, check RECONCILER_GATEWAY_URL",
    "{STALE}": responses.STALE,
    "{NO_APP}": responses.NO_APP,
}


def test_what_is_said_of_an_answer(declared: Project) -> None:
    """One line: what came instead of a list, without what terminals obey."""
    for status, headers, raw, count, words in ANSWERS:
        for name, phrase in PHRASES.items():
            words = words.replace(name, phrase)
        found = planned(declared, answer(status, raw=raw, **headers))
        assert found == (count, f"error: GET /api/tags: {words}\n"), (status, raw)


def test_an_answer_that_is_too_long(declared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another attempt would bring the same."""
    monkeypatch.setattr("reconciler.gateway.transport.MAX_ANSWER_BYTES", 2**20)
    sent, said = planned(declared, answer(200, raw=b" " * 2**20 + b"{}"))
    assert (sent, "GET /api/tags: the answer is longer than 1 MiB" in said) == (1, True), said


def test_who_refuses_where_connections_are_asked_for(project: Project) -> None:
    """There it is always the gateway: neither a stored key nor a connection can be the cause."""
    for status, body, words in (
        (401, {"detail": "no", "title": "Bad"}, "Maton rejected the API key. Check MATON_API_KEY."),
        (400, {"error": "no"}, 'GET /connections: {"error": "no"}'),
        (500, {"error": "no"}, 'GET /connections: the server answered 500 ({"error": "no"})'),
    ):
        with RawServer([answer(status, body)]) as server:
            result = project.run("connections", "list", env={"RECONCILER_CONTROL_URL": server.url})
        assert ended(result, 1).rstrip("\n") == f"error: {words}", status


def test_without_a_name_no_connection_is_named(declared: Project) -> None:
    """The refusal of the gateway, when the one in use was not chosen by a person."""
    body = {"error": "No active connection."}
    with RawServer([answer(400, body)]) as server:
        env = {"RECONCILER_GATEWAY_URL": server.url, "RECONCILER_CONNECTION": None}
        said = ended(declared.run("plan", "--ledger", "none", env=env), 1)
    assert "active connection" in said


SECRET = 'é"s3>?cret'


def test_forms_of_a_secret(project: Project) -> None:
    """As text, in JSON of both manners, in base64 of both manners also before other text; whole, not in part."""
    project.env |= {"A_WEBHOOK": SECRET, "B_WEBHOOK": f"{SECRET}-2", "C_WEBHOOK": "sevenly"}
    hook = "  - {{name: {0}, url: 'https://{0}.example.com/', events: [SALE_NEW], secret: {{env: {0}_WEBHOOK}}}}\n"
    project.write("webhooks:\n" + "".join(map(hook.format, "ABC")))
    content = f"{SECRET} and more".encode()
    forms = [SECRET, json.dumps(SECRET)[1:-1], json.dumps(SECRET, ensure_ascii=False)[1:-1], f"{SECRET}-2"]
    forms += [encode(content).decode() for encode in (base64.b64encode, base64.urlsafe_b64encode)]
    forms += [base64.b64encode(b"sevenly").decode()]
    refusal = answer(422, raw=" ".join(forms).encode())
    with RawServer([answer(200, {"items": [], "hasMore": False}), refusal]) as server:
        said = ended(project.run("apply", "--yes", env={"RECONCILER_GATEWAY_URL": server.url}), 1)
    rest = [base64.b64encode(content[9:]).decode(), base64.urlsafe_b64encode(content[9:]).decode()]
    words = f"(hidden) (hidden) (hidden) (hidden) (hidden){rest[0]} (hidden){rest[1]} (hidden)eQ=="
    assert words in said
