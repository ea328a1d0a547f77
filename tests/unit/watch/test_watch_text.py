"""The line of a cycle, and the two forms of a notification."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds import KINDS
from reconciler.model.plan import Action
from reconciler.model.report import Status
from reconciler.output.notification import (
    EVENTS,
    Notice,
    notice_document,
    notice_text,
    notification_schema,
    slack_document,
)
from reconciler.watch.cycles import CycleResult
from reconciler.watch.text import cycle_line, span
from reconciler.watch.watch import Cycle

COUNT = st.integers(0, 10**6)
KIND, ACTION = st.sampled_from(sorted(KINDS)), st.sampled_from([action.value for action in Action])
NOTICES = st.builds(
    Notice,
    event=st.sampled_from(EVENTS),
    command=st.sampled_from(["apply", "drift", "watch"]),
    environment=st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]*", fullmatch=True),
    run=st.none() | COUNT,
    cycle=st.none() | COUNT,
    exit_code=st.sampled_from([0, 1, 2, 3, 4]),
    error=st.none() | st.just("Unauthorized"),
    resolved=st.booleans(),
    changes=st.dictionaries(st.tuples(KIND, ACTION), COUNT),
    drift=st.dictionaries(KIND, COUNT),
    outcomes=st.dictionaries(st.sampled_from([status.value for status in Status]), COUNT),
    blocked=COUNT,
    needs=st.just(()) | st.just(("deletes",)),
    link=st.none() | st.just("https://ci.example.com/1?a=1&b=2"),
)


@given(NOTICES)
def test_every_notice_fits_the_schema(notice: Notice) -> None:
    """The plain form is what is published; its text is one line; Slack gets text without signs of its own."""
    document = notice_document(notice)
    jsonschema.validate(document, notification_schema(), jsonschema.Draft7Validator)
    assert "\n" not in document["text"]
    slack = slack_document(notice)
    assert set(slack) == {"text", "blocks"}
    assert not set("<>") & set(slack["text"])


def test_the_schema_is_one() -> None:
    """Draft 7."""
    jsonschema.Draft7Validator.check_schema(notification_schema())


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        (
            Notice("drift", "watch", "live", cycle=3, drift={"tag": 1, "contact": 1200}),
            (
                "reconciler watch, live: 1,201 resources changed in the account since the last run; "
                "1,200 contact, 1 tag."
            ),
        ),
        (Notice("apply", "apply", run=7, outcomes={"done": 3}), "reconciler apply: applied (run 7); 3 done."),
        (
            Notice("apply", "apply", run=7, exit_code=4, outcomes={"done": 1, "failed": 2}),
            "reconciler apply: applied in part (run 7); 1 done, 2 failed.",
        ),
        (Notice("failure", "drift", error="Unauthorized", exit_code=1), "reconciler drift: failed; Unauthorized."),
        (
            Notice("failure", "watch", exit_code=3, changes={("tag", "delete"): 9}, needs=("deletes",), blocked=1),
            "reconciler watch: refused; 9 to delete waiting; 1 blocked; needs --allow deletes.",
        ),
        (Notice("failure", "watch", resolved=True), "reconciler watch: works again."),
    ],
)
def test_texts(notice: Notice, text: str) -> None:
    """What people read."""
    assert notice_text(notice) == text


def test_slack_signs_and_links() -> None:
    """A sign for what happened, and the link behind a word."""
    block = slack_document(Notice("failure", "apply", exit_code=1, link="https://ci.example.com/1"))["blocks"][0]
    assert block["text"]["text"] == ":x: reconciler apply: failed.\n<https://ci.example.com/1|Open the run>"


def test_lines() -> None:
    """Number, ending, why, calls, and when it goes on."""
    line = cycle_line(Cycle(3, CycleResult.FAILED, seconds=1.25, calls=(4, 1)), "no connection.", 300)
    assert line == "cycle 3: failed: no connection. 5 calls in 1.2 s; next in 5 min."
    assert cycle_line(Cycle(4, CycleResult.STOPPED)) == "cycle 4: stopped. 0 calls in 0.0 s."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 s"), (1, "1 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2.0 h")],
)
def test_spans(seconds: float, text: str) -> None:
    """Short enough for a line."""
    assert span(seconds) == text
