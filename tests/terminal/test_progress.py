"""What is said of a long run, by a clock that the test holds."""

from __future__ import annotations

import io
import sys
import threading
from typing import Any

import pytest
from rich.cells import cell_len

from reconciler.cli.progress import Progress, ReadProgress, WriteProgress
from reconciler.cli.progress_listeners import Heartbeat, ProgressStyle, following, reading
from reconciler.cli.streams import configure_streams, speaks_unicode
from reconciler.cli.terminal import is_screen
from reconciler.model.plan import Action, Step, Verb
from reconciler.model.report import Outcome, Status
from reconciler.model.values import Address
from reconciler.output.layout import wrapped
from reconciler.output.wire_log import body_text
from reconciler.output.wording import plural


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now, self.calls, self.closed = 100.0, 0, 0.0

    def __call__(self) -> float:
        return self.now


def step(number: int, kind: str = "tag") -> Step:
    return Step(Address(kind, f"T{number}"), Verb.MAKE)


def end(each: Step, status: Status = Status.DONE) -> Outcome:
    return Outcome(each, Action.CREATE, status)


@pytest.fixture
def clock() -> Clock:
    """One for each test."""
    return Clock()


def test_reads(clock: Clock) -> None:
    """Counts by collection, of about how many, calls and their rate limit over the last seconds only."""
    progress = ReadProgress(lambda: clock.calls, lambda: clock.closed, clock)
    assert progress.line() == "reading: nothing yet; 0 calls, 0.0 per second"
    progress.reached("contact", 1200, 10000)
    progress.reached("tag", 3)
    progress.reached("community", 7, 5)
    progress.reached("enrollment", 4, 9, False)
    clock.calls, clock.now = 13, 110.0
    assert progress.line() == (
        "reading: 7 communities, 1,200 of about 10,000 contacts, 4 of 9 enrollments, 3 tags; 13 calls, 1.3 per second"
    )
    clock.now, clock.closed = 200.0, 12.4
    assert progress.foot() == "13 calls, 0.0 per second, waiting 12 s (rate limit of the gateway)"
    assert progress.fields()["kinds"]["contacts"] == {"done": 1200, "total": 10000, "about": True}
    assert progress.fields()["waiting"] == 12.4


def test_writes(clock: Clock) -> None:
    """Done of all, what failed, the rate limit, and the time that is left at it."""
    progress = WriteProgress(lambda: clock.calls, lambda: clock.closed, clock)
    steps = [*(step(n) for n in range(60)), *(step(n, "contact") for n in range(40))]
    progress.expect(each.address.kind for each in steps)
    assert progress.left() is None
    for each in steps[:20]:
        progress.ended(end(each))
    progress.ended(end(steps[20], Status.FAILED))
    clock.now += 10
    assert progress.foot() == "21 of 100 done, 1 failed or skipped, 2.1 per second, about 38 s left"
    assert progress.line().endswith("; 21 of 60 tags, 0 of 40 contacts")
    assert progress.fields()["failed"] == 1
    assert progress.fields()["left"] == pytest.approx(37.6, abs=0.1)
    for each in steps[:60]:
        progress.ended(end(each))
    assert progress.counted() == 60  # one that was accepted first ends twice, and counts once


def test_kinds_are_called_by_their_plurals() -> None:
    """As people say them."""
    assert [plural("tag"), plural("community"), plural("contact_field")] == ["tags", "communities", "contact fields"]


def test_a_heart_beats_until_it_is_left() -> None:
    """In a thread of its own; nothing is said after it."""
    beats, enough = [], threading.Event()

    def beat() -> None:
        beats.append(1)
        if len(beats) == 3:
            enough.set()

    with Heartbeat(0.001, beat):
        assert enough.wait(10)
    number = len(beats)
    assert number >= 3
    assert len(beats) == number
    with Heartbeat(60.0, beat):
        pass
    assert len(beats) == number


@pytest.mark.parametrize(("number", "lines"), [(50, 50), (51, 1)])
def test_few_steps_and_many(capsys: pytest.CaptureFixture[str], clock: Clock, number: int, lines: int) -> None:
    """Each has a line while they are few; of many only what failed has one."""
    steps = [step(n) for n in range(number)]
    with following(steps, WriteProgress(clock=clock), ProgressStyle(seconds=0)) as listener:
        assert listener is not None
        for done, each in enumerate(steps, 1):
            listener(end(each, Status.FAILED if done == 7 else Status.DONE), done, number)
    said = capsys.readouterr().err
    assert said.count("\n") == lines
    assert "failed" in said


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    """No lines, no beats, no listener; with a stream of events only the stream hears."""
    with following([step(1)], WriteProgress(clock=clock), ProgressStyle(quiet=True)) as nobody:
        assert nobody is None
    with reading(ReadProgress(clock=clock), ProgressStyle(quiet=True)) as nothing:
        assert nothing is None
    with following([], WriteProgress(clock=clock), ProgressStyle()) as idle:
        assert idle is None
    heard: list[Any] = []

    class Events:
        def ended(self, *told: Any) -> None:
            heard.append(told)

        def heartbeat(self, progress: Progress) -> None:
            heard.append(progress)

    with following([step(1)], WriteProgress(clock=clock), ProgressStyle(True, 60.0, Events())) as listener:
        assert listener is not None
        listener(end(step(1)), 1, 1)
    assert len(heard) == 1
    assert capsys.readouterr().err == ""


def test_a_dumb_terminal_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be redrawn on it."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    assert is_screen({"TERM": "xterm"})
    assert not is_screen({"TERM": "dumb"})
    assert speaks_unicode(sys.stderr, {"LANG": "en_GB.UTF-8"})
    assert not speaks_unicode(sys.stderr, {"LANG": "C"})
    assert speaks_unicode(sys.stderr, {"LANG": "C", "PYTHONUTF8": "1"})
    assert speaks_unicode(io.StringIO(), {"LANG": "C"})


def test_streams_spell_out_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of ours have a similar one; other characters are escaped as in JSON, and nothing fails."""
    inner = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(inner, encoding="ascii", write_through=True))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True))
    configure_streams()
    print("a → b… é 🎉 \ud800")
    print("→ \ud800", file=sys.stderr)
    assert inner.getvalue() == b"a -> b... \\u00e9 \\ud83c\\udf89 \\ud800\n"
    assert sys.stderr.buffer.getvalue().decode() == "→ \\ud800\n"


@pytest.mark.parametrize("width", range(6, 40))
def test_wrapping_loses_nothing(width: int) -> None:
    """Every sign is still there, no line is too wide, and what follows stands further in."""
    line = [
        ("  + ", "green"),
        ("contact/somebody@example.com", "green"),
        ("    site.yaml:1:1", "dim"),
        ("  日本語のタグ 🎉 x", ""),
    ]
    lines = wrapped(line, width)
    texts = ["".join(piece for piece, _ in each) for each in lines]
    whole = "".join(piece for piece, _ in line)
    assert "".join("".join(texts).split()) == "".join(whole.split())

    assert max(map(cell_len, texts)) <= width
    assert all(text.startswith(" ") for text in texts)
    assert {style for each in lines for _, style in each} >= {"green", "dim"}


def test_bodies_open_nothing() -> None:
    """Secrets, tokens, sessions and keys are masked, whatever is no JSON is not shown, long ones are cut."""
    body = (
        b'{"secret": "s", "api_key": "k", "url": "https://u:p@h.example.com/x?session_token=1", "a": ["hush!"], '
        b'"n": {"redirect_url": "::["}}'
    )
    assert body_text(body, ("hush", "")) == (
        '{"secret": "(hidden)", "api_key": "(hidden)", "url": "https://h.example.com/(hidden)", "a": ["(hidden)!"], '
        '"n": {"redirect_url": "(hidden)"}}'
    )
    assert body_text(None) == body_text(b"") == ""
    assert body_text(b"<html>") == "6 bytes that are not JSON"
    assert "characters)" in body_text(b'"' + b"x" * 5000 + b'"')
