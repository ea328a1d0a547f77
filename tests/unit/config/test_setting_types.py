"""Texts of flags, variables and settings."""

from pathlib import Path

import pytest

from reconciler.config import setting_types


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://api.maton.ai", "https://api.maton.ai"),
        ("https://gateway.example.com:8443/base/", "https://gateway.example.com:8443/base"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.3.2.1:1", "http://127.3.2.1:1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_addresses(text, address):
    """https anywhere, http on loopback."""
    assert setting_types.address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "http://api.maton.ai",
        "http://localhost.example.com",
        "http://128.0.0.1",
        "https://user@api.maton.ai",
        "https://user:pw@api.maton.ai",
        "https://api.maton.ai?x=1",
        "https://api.maton.ai#x",
        "https://api.maton.ai?",
        "ftp://api.maton.ai",
        "api.maton.ai",
        "https://",
        "https://api.maton.ai:x",
        "https://[::1",
        "",
        "file:///etc",
        "https://api.maton.ai\\@evil.example.com",
        "https://api.maton.ai/ x",
        "https://api\n.maton.ai",
        "http://0.0.0.0",
    ],
)
def test_refused_addresses(text):
    """Anything that could carry the key elsewhere, or in the clear."""
    with pytest.raises(ValueError, match="expected"):
        setting_types.address(text)


@pytest.mark.parametrize(
    "text",
    ["none", "sqlite:///x.db", "sqlite://", "postgresql+psycopg://h/d", "postgresql://h/d", "postgres://u@h/d"],
)
def test_ledgers(text):
    """SQLite, PostgreSQL or none."""
    assert setting_types.ledger(text) == text


@pytest.mark.parametrize("text", ["mysql://h/d", "x.db", "", "sqlite:x"])
def test_refused_ledgers(text):
    """Others are named as expected."""
    with pytest.raises(ValueError, match="expected"):
        setting_types.ledger(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pw@h/d", "postgresql://u:***@h/d"),
        ("postgres://u:p@w:x@h:5432/d", "postgres://u:***@h:5432/d"),
        ("postgresql://u:p/w@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p#w@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?password=x&sslmode=hunter2", "postgresql://h/d?password=***&sslmode=***"),
        ("postgresql://h/d?pass%77ord=x", "postgresql://h/d?pass%77ord=***"),
        ("postgresql://u:p?w@h/d", "postgresql://***"),
        ("postgresql://h/d?password=x@y", "postgresql://***"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("sqlite:///a@b.db", "sqlite:///a@b.db"),
        ("none", "none"),
    ],
)
def test_ledgers_are_shown_without_passwords(url, shown):
    """Whatever characters a password holds, and wherever it is."""
    assert setting_types.without_password(url) == shown


def test_a_password_with_an_unescaped_at_sign():
    """The driver would take a part of it for the host, look that up and show it."""
    with pytest.raises(ValueError, match="@ as %40") as caught:
        setting_types.ledger("postgresql://u:PW@CANARY@h/d")
    assert "CANARY" not in str(caught.value)


def test_paths_of_sqlite():
    """Relative ones are below the project."""
    root = Path("/p")
    assert setting_types.sqlite_path("sqlite:///x.db", root) == Path("/p/x.db")
    assert setting_types.sqlite_path("sqlite:////var/x.db", root) == Path("/var/x.db")
    assert setting_types.sqlite_path("sqlite:///:memory:", root) is None
    assert setting_types.sqlite_path("sqlite://", root) is None
    assert setting_types.sqlite_path("none", root) is None


@pytest.mark.parametrize(
    ("specifier", "version", "answer"),
    [
        (">=0.1,<1", "0.1.0", True),
        (">=0.1, <1", "1.0.0", False),
        ("==0.1", "0.1.0", True),
        ("!=0.1", "0.1.0", False),
        (">0.1", "0.1.0", False),
        (">0.1", "0.1.1", True),
        ("<=0.10", "0.9", True),
        (">=0.2", "0.10.dev1", True),
    ],
)
def test_versions(specifier, version, answer):
    """Dotted numbers, zeros at the end do not count."""
    assert setting_types.admits(specifier, version) is answer


@pytest.mark.parametrize("specifier", ["0.1", "~=1", ">=", "", ">=a"])
def test_refused_versions(specifier):
    """The form is said."""
    with pytest.raises(ValueError, match="expected a range"):
        setting_types.admits(specifier, "0.1")


def test_small_values():
    """Numbers, truth values, choices, text."""
    assert setting_types.number("2.5") == 2.5
    assert setting_types.whole(1, 5)("5") == 5
    assert setting_types.truth("YES") is True
    assert setting_types.truth(False) is False
    assert setting_types.choice(["a"])("a") == "a"
    assert setting_types.text(" x ") == "x"


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (setting_types.number, "-1"),
        (setting_types.number, "nan"),
        (setting_types.number, "inf"),
        (setting_types.number, "x"),
        (setting_types.number, None),
        (setting_types.whole(1, 5), "6"),
        (setting_types.whole(1, 5), "0"),
        (setting_types.whole(1), "1.5"),
        (setting_types.whole(0), "-1"),
        (setting_types.truth, "maybe"),
        (setting_types.choice(["a"]), "b"),
        (setting_types.text, " "),
        (setting_types.text, "a\nb"),
    ],
)
def test_refused_small_values(reader, text):
    """Each says what it expects."""
    with pytest.raises(ValueError, match="expected"):
        reader(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("90s", 90),
        ("0.5s", 0.5),
        ("1h30m", 5400),
        ("2d", 172800),
        ("45", 45),
        (" 10 M ", 600),
        ("1d1h1m1s", 90061),
    ],
)
def test_durations(text, seconds):
    """As people write them; a bare number is seconds."""
    assert setting_types.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "m", "5x", "-5m", "1m1h", "1e9d", "999999d", "٥m", "5 minutes"])
def test_refused_durations(text):
    """What is none, or nothing, or longer than a year."""
    with pytest.raises(ValueError, match="such as 30s"):
        setting_types.duration(text)


def test_hooks_and_links():
    """Path and query stay as they are; a link may be http."""
    url = "https://hooks.example.com/a/b?token=c&x=1"
    assert setting_types.hook(url) == setting_types.link(url) == url
    assert setting_types.hook("http://127.0.0.1:8080/x") == "http://127.0.0.1:8080/x"
    assert setting_types.link("http://ci.example.com/1") == "http://ci.example.com/1"


@pytest.mark.parametrize(
    "text",
    [
        "http://hooks.example.com/secret",
        "ftp://hooks.example.com/secret",
        "https://a:secret@example.com",
        "https://example.com/#secret",
        "https://[secret",
        "https://example.com:port/secret",
        "secret",
        "https://example.com/a secret",
        "https://example.com/<secret>",
        "https://exämple.com/secret",
        "https:///secret",
    ],
)
def test_refused_hooks(text):
    """Each says what it expects, and repeats nothing of it."""
    with pytest.raises(ValueError, match="expected") as refusal:
        setting_types.hook(text)
    assert "secret" not in str(refusal.value).replace("a secret", "")


def test_several():
    """With commas or as a list, in the order of the names, each once."""
    read = setting_types.several(["drift", "apply", "failure"])
    assert read("failure, drift") == read(["failure", "drift", "drift"]) == "drift,failure"
    for wrong in ("", "drift,", "all", [], ["x"]):
        with pytest.raises(ValueError, match="one or more of drift, apply, failure"):
            read(wrong)
