"""Redaction of values, messages and log records; where its key comes from, and what it refuses."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable

import pytest

from reconciler.cli.logs import LOGGER, log
from reconciler.cli.main import run
from reconciler.cli.program import Program
from reconciler.cli.redaction import Redaction, start_logging
from reconciler.model.resource import DesiredState, LedgerEntry
from reconciler.model.values import Address
from tests.cli.support import ended
from tests.support.project import Project

ANN = Address("contact", "ann@example.com")


@pytest.mark.parametrize("form", ["text", "json"])
def test_messages_are_redacted(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """Text, fields and arguments of a record; standard error stays the stream that it is."""
    before = sys.stderr
    program = Program()
    program.redact, program.log_format = True, form
    start_logging(program)
    log("hello ann@example.com", event="greeting", first_name="Jo", count=3)
    LOGGER.warning("from %s", "bob@example.com")
    assert sys.stderr is before
    said = capsys.readouterr().err
    assert "example.com" not in said
    assert said.count("c:") == 2
    if form == "json":
        told = json.loads(said.splitlines()[0])
        assert told["first_name"].startswith("v:")
        assert told["count"] == 3


def test_a_level_for_each_v(capsys: pytest.CaptureFixture[str]) -> None:
    """-q leaves warnings; each -v adds a level."""
    shown = {}
    for name, quiet, verbose in (("q", True, 0), ("", False, 0), ("v", False, 1)):
        program = Program()
        program.quiet, program.verbose = quiet, verbose
        start_logging(program)
        for level in (logging.WARNING, logging.INFO, logging.DEBUG):
            log(logging.getLevelName(level), level)
        shown[name] = capsys.readouterr().err.split()
    assert shown == {"q": ["WARNING"], "": ["WARNING", "INFO"], "v": ["WARNING", "INFO", "DEBUG"]}


@pytest.mark.parametrize(
    "args",
    [["--redact", "--nope", "ann@example.com"], ["plan", "--redact", "--nope", "contact/ann@example.com"]],
    ids=" ".join,
)
def test_a_wrong_command_line_names_nobody(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Even where the flags before --redact, or after it, cannot be understood."""
    assert run(args) == 1
    assert "ann@" not in capsys.readouterr().err


def test_without_redaction_values_stay() -> None:
    """The same objects, whatever they hold."""
    redaction, document = Redaction(), {"email": "ann@example.com"}
    assert redaction.document(document) is document
    assert redaction.address(ANN) is ANN
    assert redaction.text("ann@example.com") == "ann@example.com"


def test_a_broken_standard_error_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that cannot be written is no record that is lost in silence."""

    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    start_logging(Program())
    monkeypatch.setattr(sys, "stderr", Broken())
    with pytest.raises(BrokenPipeError):
        log("hello")


def test_one_key_makes_all_marks_of_a_run() -> None:
    """The first mark settles the key: what is known of people before the ledger is open makes none."""
    redaction = Redaction()
    redaction.switch_on()
    redaction.learn_state(DesiredState())
    redaction.learn_entries([LedgerEntry(ANN, "7", {"first_name": "Annabel"})])
    redaction.use_digest(lambda name, text: "ab" * 32)
    assert redaction.text("Annabel and ann@example.com") == "v:abababab and c:abababab"
    redaction.use_digest(lambda name, text: "cd" * 32)
    assert redaction.text("ann@example.com") == "c:abababab"


def test_without_any_key_marks_last_for_one_run(project: Project) -> None:
    """No ledger and no key: the same mark within a run, another one in the next."""
    project.write("contacts: [{email: ann@example.com}]\n")
    shown = [ended(project.run("--redact", "plan", "--ledger", "none"), 0) for _ in range(2)]
    marks = [text.partition("contact/")[2][:10] for text in shown]
    assert marks[0] != marks[1]


def test_a_wrong_word_for_the_setting_is_refused(project: Project) -> None:
    """RECONCILER_REDACT is yes or no; anything else stops the run before it shows anything."""
    ended(project.run("validate", env={"RECONCILER_REDACT": "perhaps"}), 1, "perhaps")


def test_an_export_is_whole_or_not_at_all(project: Project) -> None:
    """Marks cannot be imported: a redacted export goes to a file of its owner, as it is, or nowhere."""
    project.write("contacts: [{email: ann@example.com}]\n")
    project.apply()
    ended(project.run("--redact", "ledger", "export"), 3, "--out", "--no-redact")
    ended(project.run("--redact", "ledger", "export", "--out", "out.json"), 0)
    assert "ann@example.com" in (project.folder / "out.json").read_text()
    assert "ann@example.com" in project.run("--redact", "--no-redact", "ledger", "export").out


def test_people_of_the_account_are_known_by_name(make_project: Callable[..., Project]) -> None:
    """A message of the server shows no value of a contact, whether the files declare it, or agree with it, or not."""
    seed = [
        {"email": "eve@example.com", "fields": {"surname": "Evergreen"}},
        {"email": "bob@example.com", "fields": {"surname": "Bobbington"}},
    ]
    project = make_project({"contacts": seed})
    project.write("contacts:\n  - {email: ann@example.com}\n  - {email: bob@example.com, last_name: Bobbington}\n")
    project.account.fault("status", method="POST", status=422, body={"detail": "that is Evergreen or Bobbington"})
    said = ended(project.run("--redact", "apply", "--yes"), 1, "that is v:")
    assert "Evergreen" not in said
    assert "Bobbington" not in said
