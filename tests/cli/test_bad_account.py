"""Keys, connections, servers and ledgers that cannot be used: one clear message, its exit code, nothing half done."""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from reconciler.gateway.retry import Retries, pause
from tests.cli.support import ended, ledger_of, untouched
from tests.support.project import Project

pytestmark = pytest.mark.usefixtures("short_pauses")
MakeProject = Callable[..., Project]


#: By status: how often a PUT, a POST and a GET are sent, and what is said of the GET.
ATTEMPTS = {
    201: (1, 1, 3, "201 with unexpected JSON"),
    202: (1, 1, 3, "202 with unexpected JSON"),
    203: (3, 2, 3, "203 with"),
    299: (3, 2, 3, "299 with"),
    300: (1, 1, 1, "the server redirects to nowhere"),
    302: (1, 2, 1, "the server redirects to nowhere"),
    303: (1, 2, 1, "the server redirects to nowhere"),
    399: (1, 1, 1, "the server redirects to nowhere"),
    404: (1, 1, 1, "not found"),
    409: (1, 1, 1, "Ordered status 409."),
    499: (1, 1, 1, "Ordered status 499."),
    408: (3, 2, 3, "the server answered 408"),
    500: (3, 2, 3, "the server answered 500"),
}


def test_attempts_by_status(project: Project) -> None:
    """What may have happened is repeated, a POST only after the account was looked at; what was refused is not."""
    emails = "".join(f"  - {{email: c{status}@example.com, tags: [@]}}\n" for status in ATTEMPTS)
    tags = "".join(f"  - {{name: T{status}, handle: t{status}}}\n" for status in ATTEMPTS)
    text = f"tags:\n  - All\n{tags}contacts:\n{emails}"
    project.write(text.replace("@]", "]"))
    project.apply()
    ids = project.account.ids()
    paths = {
        status: (
            f"/api/tags/{ids['tags'][f'T{status}']}",
            f"/api/contacts/{ids['contacts'][f'c{status}@example.com']}/tags",
        )
        for status in ATTEMPTS
    }
    for status, both in paths.items():
        for path in both:
            project.account.fault("status", path=f"{path}$", status=status, times=None)
    project.account.clear()
    project.write(text.replace("@]", "All]").replace("name: T", "name: U"))
    result = project.run("apply", "--yes", "--json", "--allow", "updates", env={"RECONCILER_EMAILS": "99"})
    sent = Counter(each["path"] for each in project.account.writes)
    done = {each["address"] for each in result.document["outcomes"] if each["status"] == "done"}
    assert done == {at for each in (201, 202) for at in (f"tag/@t{each}", f"tagging/c{each}@example.com/All")}
    project.write("tags: []\n")
    for status, (put, post, get, words) in ATTEMPTS.items():
        assert [sent[path] for path in paths[status]] == [put, post], status
        project.account.set_faults([{"kind": "status", "status": status, "match": {"times": None}}])
        project.account.clear()
        ended(project.run("plan", "--ledger", "none"), 1, f"GET /api/tags: {words}")
        assert len(project.account.requests) == get, status


@pytest.mark.parametrize(
    ("status", "headers", "pauses"),
    [
        (500, {}, [0.375, 0.75, 1.5, 2.25]),
        (429, {}, [0.375]),
        (429, {"Retry-After": "0"}, [0.125] * 4),
    ],
)
def test_pauses_are_doubled(
    declared: Project, monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], pauses: list[float]
) -> None:
    """Up to the longest; a time that the server names is not added to."""
    found = []

    def paused(*args: Any) -> float:
        found.append(pause(*args[:-1], lambda: 0.5))
        return 0.0

    monkeypatch.setattr("reconciler.gateway.client.Retries", lambda: Retries(tries=5, first=0.5, longest=3.0))
    monkeypatch.setattr("reconciler.gateway.client.pause", paused)
    declared.account.fault("status", status=status, headers=headers, times=len(pauses))
    ended(declared.run("plan"), 0)
    assert found == pauses


#: Status, headers and body of an error, and what is said of it.
WRITERS: tuple[tuple[int, dict[str, str], object, str], ...] = (
    (400, {}, {"violations": []}, 'GET /api/tags: {"violations": []}'),
    (400, {}, {"detail": "no", "title": "Bad"}, "GET /api/tags: no"),
    (400, {}, {"detail": "no", "type": "x"}, "GET /api/tags: no"),
    (400, {}, {"detail": " ", "title": "Bad"}, "GET /api/tags: Bad"),
    (400, {}, {"errors": ["no"]}, 'GET /api/tags: {"errors": ["no"]}'),
    (400, {"Content-Type": "application/problem+json"}, {"detail": "no"}, "GET /api/tags: no"),
    (400, {}, {"detail": "no"}, "finds no active connection"),
    (400, {}, {"title": "Bad", "type": "x"}, "finds no active connection"),
    (400, {}, [], "finds no active connection"),
    (401, {}, {"detail": "no"}, "Maton rejected the API key."),
    (401, {"WWW-Authenticate": "Api key"}, [], "Systeme.io rejected the key stored in the connection."),
    (401, {}, {"detail": "no", "title": "Bad"}, "Systeme.io rejected the key stored in the connection."),
    (422, {}, {"violations": [{"message": "a"}, 1, {"propertyPath": "p", "message": "b"}]}, "GET /api/tags: a; p: b"),
    (422, {}, {"violations": {}, "detail": 1, "title": "Bad"}, "GET /api/tags: Bad"),
)


def test_who_wrote_an_error(declared: Project) -> None:
    """The gateway's refusals are about the key or the connection, those of Systeme.io about the request."""
    for status, headers, body, words in WRITERS:
        declared.account.set_faults([{"kind": "status", "status": status, "headers": headers, "body": body}])
        assert words in ended(declared.run("plan"), 1), (status, headers, body)


@pytest.mark.parametrize("key", [None, ""])
def test_no_key(declared: Project, key: str | None) -> None:
    """The variable to set is named, and nothing is asked."""
    untouched(declared, 1, "MATON_API_KEY", MATON_API_KEY=key)
    assert declared.account.requests == []


def test_a_wrong_key(declared: Project) -> None:
    """A 401 says that the key is refused, and does not repeat the key; the raw answer is for ``-v``."""
    said = untouched(declared, 1, "Maton rejected the API key. Check MATON_API_KEY.", MATON_API_KEY="wr0ng-key")
    assert "wr0ng-key" not in said
    assert "401" not in said
    loud = ended(declared.run("-v", "plan", env={"MATON_API_KEY": "wr0ng-key"}), 1, "GET /api/tags: 401, ")
    assert "wr0ng-key" not in loud


@pytest.mark.parametrize("key", ["a b\nc", "caf\u00e9\u4e2d", "x" * 1_000])
def test_an_odd_key(declared: Project, key: str) -> None:
    """A key that no header can hold, or none that anybody issued, is refused without being shown."""
    said = untouched(declared, 1, "MATON_API_KEY", MATON_API_KEY=key)
    assert key not in said


def test_an_unknown_connection(declared: Project) -> None:
    """The gateway's 400 names the connection, the setting and the connections that there are."""
    untouched(declared, 1, "nobody", "RECONCILER_CONNECTION", RECONCILER_CONNECTION="nobody")
    untouched(declared, 1, 'No connection "nobody" for this key', " available: ", RECONCILER_CONNECTION="nobody")
    untouched(declared, 1, "nobody", args=("--connection", "nobody"))


def test_no_connection_at_all(declared: Project, one_shot: Callable[..., str]) -> None:
    """Without an active connection there is nothing to work with."""
    url = one_shot(200, b'{"connections": []}')
    env = {"RECONCILER_CONNECTION": None, "RECONCILER_CONTROL_URL": url}
    ended(declared.run("plan", env=env), 1, "no active")


@pytest.fixture
def one_shot() -> Iterator[Callable[..., str]]:
    """Starts servers that answer everything in one way; gives their address."""
    running: list[HTTPServer] = []

    def start(status: int, body: bytes, kind: str = "application/json", length: int | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


ITEM = b'{"items": [{"id": 1, "name": "A"}], "hasMore": false}'

ANSWERS = {
    "html": (200, b"<html><head><title>Sign in</title></head></html>", "text/html", None),
    "html behind 502": (502, b"<html><title>Bad gateway</title></html>", "text/html", None),
    "cut": (200, ITEM[:20], "application/json", len(ITEM)),
    "broken": (200, ITEM[:20], "application/json", None),
    "nothing": (200, b"", "application/json", None),
    "null": (200, b"null", "application/json", None),
    "a list": (200, b"[]", "application/json", None),
    "no items": (200, b'{"hasMore": false}', "application/json", None),
    "items of text": (200, b'{"items": ["A"], "hasMore": false}', "application/json", None),
    "items without id": (200, b'{"items": [{"name": "A"}], "hasMore": false}', "application/json", None),
    "items without name": (200, b'{"items": [{"id": 1}], "hasMore": false}', "application/json", None),
    "no hasMore": (200, b'{"items": []}', "application/json", None),
    "for ever": (200, b'{"items": [{"id": 1, "name": "A"}], "hasMore": true}', "application/json", None),
    "empty for ever": (200, b'{"items": [], "hasMore": true}', "application/json", None),
    "deep": (200, b'{"items": ' + b"[" * 100_000 + b"]" * 100_000 + b', "hasMore": false}', "application/json", None),
    "teapot": (418, b'{"detail": "short and stout"}', "application/json", None),
    "forbidden": (403, b'{"title": "x", "detail": "not yours"}', "application/problem+json", None),
    "not there": (404, b"{}", "application/json", None),
    "500": (500, b'{"error": "\\u001b[31mred\\u0007"}', "application/json", None),
    "odd violations": (422, b'{"violations": ["a", 5, {"message": "b"}]}', "application/problem+json", None),
    "moved": (301, b"", "text/html", None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_odd_answers(declared: Project, one_shot: Callable[..., str], name: str) -> None:
    """Whatever a server answers instead of a list, nothing is planned from it, and terminal escapes are taken out."""
    url = one_shot(*ANSWERS[name])
    said = untouched(declared, 1, "/api/tags" if "items without" not in name else "tag", RECONCILER_GATEWAY_URL=url)
    assert "\x1b" not in said
    assert "\x07" not in said


def test_items_of_wrong_types(declared: Project, one_shot: Callable[..., str]) -> None:
    """A name that is a number or a list is an answer that cannot be worked with."""
    for body in (b'{"id": 1, "name": ["A"]}', b'{"id": {}, "name": {"a": 1}}', b'{"id": [1], "name": 5}'):
        url = one_shot(200, b'{"items": [' + body + b'], "hasMore": false}')
        ended(declared.run("plan", env={"RECONCILER_GATEWAY_URL": url}), 1)


def test_contacts_of_wrong_shape(project: Project, one_shot: Callable[..., str]) -> None:
    """The same inside contacts: rows of fields and tags that are none."""
    project.write("contacts: [{email: a@example.com, tags: [A]}]\n")
    contacts = (
        b'{"id": 1, "email": "a@example.com", "fields": ["x"], "tags": []}',
        b'{"id": 1, "email": "a@example.com", "fields": [{"slug": "a"}], "tags": []}',
        b'{"id": 1, "email": "a@example.com", "fields": [], "tags": ["A"]}',
        b'{"id": 1, "email": "a@example.com", "fields": [], "tags": [{"name": "A"}]}',
        b'{"id": 1, "email": 5, "name": "A"}',
    )
    for body in contacts:
        url = one_shot(200, b'{"items": [' + body.replace(b"}", b', "name": "A"}', 0) + b'], "hasMore": false}')
        ended(project.run("plan", env={"RECONCILER_GATEWAY_URL": url}), 1)


def test_a_port_that_refuses(declared: Project) -> None:
    """Nobody listens: the address is named."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
    untouched(declared, 1, "127.0.0.1", RECONCILER_GATEWAY_URL=url)


@pytest.mark.parametrize(
    "url", ["http://gateway.example.com", "ftp://127.0.0.1", "nonsense", "https://u:p@example.com"]
)
def test_gateway_addresses_that_are_refused(declared: Project, url: str) -> None:
    """Only https, or http on loopback, and without a password."""
    untouched(declared, 1, "RECONCILER_GATEWAY_URL", "invalid value", RECONCILER_GATEWAY_URL=url)
    untouched(declared, 1, "--gateway-url", "invalid value", args=("--gateway-url", url))


def test_a_gateway_address_in_the_settings(declared: Project) -> None:
    """Whoever may edit the files must not be able to send the key elsewhere."""
    declared.write("gateway_url: https://evil.example.com\n", "reconciler.yaml")
    untouched(declared, 1, "reconciler.yaml:1:1", "--gateway-url")
    declared.write("gateway: https://evil.example.com\n", "reconciler.yaml")
    untouched(declared, 1, "reconciler.yaml:1:10")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format: 2\n", "reconciler.yaml:1:9"),
        ("limts: {}\n", "limits"),
        ("limits: {deletes: 200}\n", "reconciler.yaml:1"),
        ("limits: {rate_limit: -1}\n", "reconciler.yaml:1"),
        ("prune: {tagging: some}\n", "owned"),
        ("prune: {tags: owned}\n", "tag"),
        ("requires: '>=99'\n", "99"),
        ("dialect: klingon\n", "vendor"),
        ("ledger: mysql://u:p@example.com/x\n", "reconciler.yaml:1:9"),
        ("connection: [a]\n", "reconciler.yaml:1"),
        ("environments: {a b: {}}\n", "reconciler.yaml:1"),
        ("api_key: hush\n", "MATON_API_KEY"),
        ("- a\n", "reconciler.yaml"),
        ("vars: {a: [b]}\n", "reconciler.yaml:1"),
    ],
)
def test_bad_settings(declared: Project, text: str, said: str) -> None:
    """Unknown, impossible and misplaced settings are named with their place."""
    declared.write(text, "reconciler.yaml")
    untouched(declared, 1, said)


def test_an_unknown_environment(declared: Project) -> None:
    """The known ones are near at hand."""
    declared.write("environments: {staging: {}, production: {}}\n", "reconciler.yaml")
    ended(declared.run("-e", "stagign", "plan"), 1, "stagign", "staging")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECONCILER_RATE_LIMIT", "fast"),
        ("RECONCILER_RATE_LIMIT", "-1"),
        ("RECONCILER_RATE_LIMIT", "nan"),
        ("RECONCILER_PARALLEL", "0"),
        ("RECONCILER_DIALECT", "x"),
        ("RECONCILER_MAX_CALLS", "-3"),
        ("RECONCILER_LEDGER", "nonsense://"),
    ],
)
def test_bad_variables(declared: Project, name: str, value: str) -> None:
    """A variable that cannot be read is named."""
    ended(declared.run("plan", env={name: value}), 1, name)


# Ledgers


def test_a_ledger_of_garbage(declared: Project) -> None:
    """A file that is no ledger is named and left alone."""
    path = declared.write("this is no database, and long enough to be none\n" * 40, ".reconciler/ledger.db")
    before = path.read_bytes()
    for command in (["plan"], ["apply", "--yes"], ["ledger", "list"], ["destroy", "--yes"]):
        ended(declared.run(*command), 1, "ledger.db")
    assert path.read_bytes() == before
    assert declared.account.writes == []


def test_a_ledger_that_is_cut(declared: Project) -> None:
    """Half a ledger is refused."""
    declared.apply()
    path = declared.folder / ".reconciler/ledger.db"
    path.write_bytes(path.read_bytes()[:3000])
    declared.account.clear()
    for command in (["plan"], ["apply", "--yes"]):
        ended(declared.run(*command), 1, "ledger")
    assert declared.account.writes == []


def test_a_ledger_that_is_a_folder(declared: Project) -> None:
    """A folder is no ledger."""
    (declared.folder / ".reconciler/ledger.db").mkdir(parents=True)
    for command in (["plan"], ["apply", "--yes"]):
        ended(declared.run(*command), 1, "ledger")
    assert declared.account.writes == []


def test_a_ledger_below_a_file(declared: Project) -> None:
    """Where the folder of the ledger is a file, that is said."""
    declared.write("x", "taken")
    ended(declared.run("apply", "--yes", "--ledger", "sqlite:///taken/ledger.db"), 1, "taken")
    assert declared.account.writes == []


def test_a_ledger_without_rights(declared: Project) -> None:
    """chmod 000 on the ledger: refused, but for the one user who may read everything."""
    declared.apply()
    path = declared.folder / ".reconciler/ledger.db"
    path.chmod(0)
    if os.access(path, os.R_OK):
        assert declared.run("plan").code == 0
    else:
        ended(declared.run("plan"), 1, "ledger")


def test_the_ledger_of_another_account(declared: Project, make_project: MakeProject) -> None:
    """A ledger belongs to one connection; with another one nothing is read or written."""
    declared.apply()
    other = make_project()
    env = {"RECONCILER_CONNECTION": other.account.connection}
    before = ledger_of(declared)
    for command in (["plan"], ["apply", "--yes"], ["destroy", "--yes"]):
        ended(declared.run(*command, env=env), 1, declared.account.connection)
    assert other.account.requests == []
    assert ledger_of(declared) == before


def test_an_account_where_nothing_of_ours_is(make_project: MakeProject) -> None:
    """Ten owned, none there: refused until somebody says that this is meant."""
    project = make_project()
    names = ", ".join(f"T{n}" for n in range(10))
    project.write(f"tags: [{names}]\n")
    project.apply()
    for number in project.account.ids()["tags"].values():
        project.account.edit("DELETE", f"/api/tags/{number}")
    project.account.clear()
    ended(project.run("plan"), 0, "Approval required", "--allow missing")
    ended(project.run("apply", "--yes"), 3, "--allow missing", "No changes were made")
    assert project.account.writes == []
    ended(project.run("apply", "--yes", "--allow", "missing"), 0)
    assert len(project.account.state()["tags"]) == 10


# Names from the account


NASTY = "a\x1b]0;owned\x07\x1b[31mred\u202eeman\x9b\nnext\rline\u2028"


def test_names_from_the_account_are_cleaned(make_project: MakeProject) -> None:
    """Terminal escapes, control and direction characters of unmanaged names never reach a terminal."""
    project = make_project(
        {
            "tags": [{"name": NASTY, "id": 5}],
            "contacts": [{"email": "a@example.com", "tags": [NASTY]}],
            "courses": [{"name": NASTY + "x"}],
        }
    )
    project.write("prune: {tag: all, tagging: all}\n", "reconciler.yaml")
    project.write(
        "tags: [B]\ncontacts: [{email: a@example.com, first_name: A, tags: [B]}]\n"
        "enrollments: [{contact: a@example.com, course: Nope, access: full_access}]\n"
    )
    dangling = project.run("plan")
    assert dangling.code == 1
    project.write("tags: [B]\ncontacts: [{email: a@example.com, tags: [B]}]\n")
    said = [dangling, project.run("plan", "--calls"), project.run("apply", "--yes")]
    said += [project.run("apply", "--yes", "--allow", "deletes=1"), project.run("ledger", "list")]
    for result in said:
        for char in ("\x1b", "\x07", "\x9b", "\u202e", "\r", "\u2028"):
            assert char not in result.out + result.err, (char, result)
    assert project.account.state()["tags"] == ["B"]


def test_errors_from_the_account_are_cleaned(project: Project) -> None:
    """The same for the text of a refusal."""
    project.write("tags: [A]\n")
    body = {"title": "x", "detail": "no\x1b[2J\x07 way", "type": "x", "violations": []}
    project.account.fault("status", method="POST", status=422, body=body)
    result = project.run("apply", "--yes")
    assert result.code == 1
    assert "\x1b" not in result.err + result.out
    assert "way" in result.err + result.out


def test_parts_of_a_secret_url_are_masked_in_a_refusal(project: Project) -> None:
    """Name, password and whatever has six characters; shorter ones are words such as hook."""
    secrets = ("sesame", "passw0rd", "abc123", "t0ken-of-mine", "s3cret-value")
    project.env |= {
        "HOOK": "https://sesame:passw0rd@h.example.com/hook/abc123?key=t0ken-of-mine",
        "HUSH": secrets[-1],
    }
    project.write("webhooks: [{name: W, url: {env: HOOK}, secret: {env: HUSH}, events: [SALE_NEW]}]\n")
    detail = f"the hook on h.example.com with {', '.join(secrets)} is refused"
    body = {"title": "x", "detail": detail, "type": "x", "violations": []}
    project.account.fault("status", method="POST", status=422, body=body)
    said = ended(project.run("apply", "--yes"), 1, "the hook on h.example.com with")
    assert not [part for part in secrets if part in said]


def test_an_output_path_that_is_a_folder(declared: Project, tmp_path: Path) -> None:
    """--out takes a file in a folder that exists."""
    (declared.folder / "out").mkdir()
    ended(declared.run("plan", "--out", "out"), 1, "out")
    ended(declared.run("plan", "--out", "missing/plan.json"), 1, "missing/plan.json")
    assert not (declared.folder / "missing").exists()


@pytest.mark.parametrize("email", ["ann@nomx.example.com"])
def test_an_address_that_takes_no_mail(project: Project, email: str) -> None:
    """The vendor's refusal ends with its own words, the address and the file's line."""
    project.write(f"tags: [A]\ncontacts: [{{email: {email}, tags: [A]}}]\n")
    result = project.run("apply", "--yes")
    said = ended(result, 4, email, "takes no mail")
    assert "skipped" in said
    assert [entry for entry in ledger_of(project) if email in entry] == []
    assert project.account.state()["tags"] == ["A"]


@pytest.mark.parametrize("body", [[], [{"id": 1, "name": "A"}], "created", 5])
def test_a_write_answered_by_no_object(project: Project, body: object) -> None:
    """It is no success: the account is asked whether the tag is there, and it is sent again."""
    project.write("tags: [A]\n")
    project.account.fault("status", method="POST", path="/api/tags", status=200, body=body)
    ended(project.run("apply", "--yes"), 0, "1 created")
    assert len(project.account.writes) == 2
    (entry,) = project.run("ledger", "list", "--json").document["entries"]
    assert entry["remote_id"] == str(project.account.ids()["tags"]["A"])
    project.assert_converged()
