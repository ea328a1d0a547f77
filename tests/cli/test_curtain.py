"""The one place that all output passes: it redacts when asked, keeps JSON whole, and gives the streams back."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable

import click
import pytest

from reconciler.cli.redaction import FilteredStream, OutputFilter
from reconciler.model.resource import DesiredState, LedgerEntry
from reconciler.model.values import Address
from tests.cli.support import ended
from tests.support.project import Project

ANN = Address("contact", "ann@example.com")


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], io.TextIOWrapper]:
    """Puts streams of an encoding in place of the process's own; returns the one for data."""

    def put(encoding: str) -> io.TextIOWrapper:
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True))
        return out

    return put


def written(stream: io.TextIOWrapper) -> str:
    """What went through, as text."""
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(stream.encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_all_that_is_written_is_looked_through(streams: Callable[[str], io.TextIOWrapper], encoding: str) -> None:
    """By click and by print, on streams of any encoding; afterwards the streams are the old ones."""
    out = streams(encoding)
    output_filter = OutputFilter()
    output_filter.install()
    output_filter.redact()
    output_filter.redact()
    click.echo("ann@example.com · 1")
    print("ann@example.com", file=sys.stdout)
    sys.stdout.writelines(["x ann@example.com\n"])
    assert isinstance(sys.stdout, FilteredStream)
    assert not hasattr(sys.stdout, "buffer")
    output_filter.restore()
    output_filter.restore()
    assert sys.stdout is out
    assert "ann@example.com" not in written(out)
    assert written(out).count("c:") == 3


@pytest.mark.parametrize("indent", [2, None])
def test_json_stays_json(indent: int | None) -> None:
    """A document is redacted by the names of its fields, in its own layout; what only begins like one is text."""
    output_filter = OutputFilter()
    assert output_filter.text("ann@example.com") == "ann@example.com"
    output_filter.redact()
    output_filter.restore()
    text = json.dumps({"first_name": "Jo", "count": 3}, indent=indent) + "\n"
    shown = output_filter.text(text)
    assert shown.endswith("}\n")
    assert shown.count("\n") == text.count("\n")
    assert json.loads(shown)["first_name"].startswith("v:")
    assert json.loads(shown)["count"] == 3
    assert output_filter.text("{ann@example.com").startswith("{c:")


def test_one_key_makes_all_marks_of_a_run() -> None:
    """The first mark settles the key: what is known of people before the ledger is open makes none."""
    output_filter = OutputFilter()
    output_filter.redact()
    output_filter.restore()
    output_filter.learn_state(DesiredState())
    output_filter.learn_entries([LedgerEntry(ANN, "7", {"first_name": "Annabel"})])
    output_filter.use_digest(lambda name, text: "ab" * 32)
    assert output_filter.text("Annabel and ann@example.com") == "v:abababab and c:abababab"
    output_filter.use_digest(lambda name, text: "cd" * 32)
    assert output_filter.text("ann@example.com") == "c:abababab"


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
