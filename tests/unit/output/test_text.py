"""Plans and reports as lines of text."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Plan, Step, Verb
from reconciler.model.policy import Allow
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address, Origin, Ref
from reconciler.output.plan_view import PlanSheet
from reconciler.output.text import STYLES, call_lines, outcome_line, plan_lines, report_lines
from reconciler.planner.approvals import Approval

VIP, ANN = Address("tag", "VIP"), Address("contact", "ann@example.com")
BASE = Base(None, "", 0, "vendor")


def text(lines: Any) -> str:
    return "\n".join("".join(piece for piece, _ in line).rstrip() for line in lines)


def planned(*changes: Change, rate_limit: float = 10, writes: int = 1, **more: Any) -> str:
    approvals, hidden = more.pop("needed", ()), more.pop("hidden_fields", False)
    sheet = PlanSheet(Plan(BASE, changes, **more), "site", writes, rate_limit, tuple(approvals))
    return text(plan_lines(sheet, hidden_fields=hidden))


def field(before: Any, after: Any, cause: Cause = Cause.EDITED, path: str = "locale", **more: Any) -> FieldChange:
    return FieldChange(path, before, after, cause, **more)


def test_a_quiet_day_is_one_line() -> None:
    """How many, and with how many calls."""
    assert planned(Change(VIP, Action.NO_CHANGE), reads=2) == "No changes. 1 resource is as the files say (2 calls)."
    assert planned() == "No changes. 0 resources are as the files say (0 calls)."


def test_a_quiet_day_still_says_what_is_to_be_known() -> None:
    """Notes of what stays as it is."""
    assert planned(Change(VIP, Action.NO_CHANGE, note="no longer managed: x")).splitlines()[0] == (
        "    tag/VIP: no longer managed: x"
    )


@pytest.mark.parametrize("action", [action for action in Action if action is not Action.NO_CHANGE])
def test_every_action_is_one_line(action: Action) -> None:
    """With its sign, its address, and its position unless the line is gone from the files."""
    shown = planned(Change(VIP, action, origin=Origin("site.yaml", 4, 5), note="a note", effects=("an effect",)))
    line = shown.splitlines()[2]
    assert "tag/VIP" in line
    assert ("site.yaml:4:5" in line) == (action not in (Action.DELETE, Action.FORGET))
    assert line.endswith("a note; an effect")
    assert action in STYLES


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (field("en", "no"), 'locale         "en" → "no"  edited'),
        (field("en", None, Cause.DRIFTED), 'locale         "en" → (cleared)  drifted: changed in the account'),
        (field(None, "no", Cause.BOTH), 'locale         (none) → "no"  both the files and the account changed'),
        (field(False, True, Cause.RELEASED), "locale         false → true  released"),
        (field(None, "fr", Cause.NEW), 'locale         "fr"'),
        (field(None, None, Cause.ROTATED, sensitive=True), "locale         changed, not shown  rotated"),
        (field(None, None, Cause.NEW, sensitive=True), "locale         not shown"),
        (field(frozenset("ab"), frozenset("b")), "locale         - a  edited"),
        (field(None, frozenset({"b", "a"}), Cause.NEW), "locale         [a, b]"),
    ],
)
def test_every_cause_reads_as_a_reason(change: FieldChange, shown: str) -> None:
    """Both sides, and who moved."""
    text = planned(Change(ANN, Action.UPDATE, fields=(change,)))
    assert shown in " ".join(text.splitlines()[3].split(" ")).replace("       " * 5, "") or shown in _tight(text)


def _tight(shown: str) -> str:
    """Without the blanks that make columns, but for those of the field's name."""
    lines = []
    for line in shown.splitlines():
        head, rest = line[:23], line[23:]
        lines.append(head.strip().ljust(15) + "  ".join(part for part in rest.split("  ") if part.strip()).strip())
    return "\n".join(line.replace("   ", "  ") if "locale" not in line else line for line in lines)


def test_fields_can_be_left_out() -> None:
    """``-q`` shows the lines of resources only."""
    change = Change(ANN, Action.UPDATE, fields=(field("a", "b"),))
    assert "locale" not in planned(change, hidden_fields=True)


@pytest.mark.parametrize(
    ("cause", "remark"),
    [(Cause.EDITED, "renamed"), (Cause.DRIFTED, "renamed, drifted"), (Cause.BOTH, "renamed, both")],
)
def test_a_rename_stands_in_the_title(cause: Cause, remark: str) -> None:
    """Old and new name, and who moved where that was not the files alone."""
    shown = planned(Change(VIP, Action.UPDATE, fields=(field("Gold", "VIP", cause, path="name"),)))
    assert "~ tag/Gold → VIP" in shown
    assert remark in shown
    assert len(shown.splitlines()) == 6


def test_what_is_blocked_is_nothing_to_do_and_said() -> None:
    """With the reason."""
    shown = planned(Change(VIP, Action.DELETE, blocked="prevent_destroy"), writes=0)
    assert "! tag/VIP      blocked: prevent_destroy" in shown
    assert "Nothing to do, 1 blocked. 0 as they should be." in shown


def test_a_move_alone_is_said_for_what_has_a_name_of_its_own() -> None:
    """A relation that follows its parent goes without saying."""
    moved = Change(VIP, Action.NO_CHANGE, moved_from=Address("tag", "@vip"))
    follows = Change(Address("tagging", "a/VIP"), Action.NO_CHANGE, moved_from=Address("tagging", "a/@vip"))
    shown = planned(moved, follows, writes=0)
    assert "known as tag/@vip before" in shown
    assert "tagging" not in shown


def test_the_end_of_a_plan_counts_everything() -> None:
    """Actions, what is so already, strangers, calls, time, people, and that it is a part."""
    link = {"contact": Ref(ANN), "tag": Ref(VIP)}
    shown = planned(
        Change(Address("tagging", "x/VIP"), Action.CREATE, attrs=link, effects=("starts automations",)),
        Change(VIP, Action.CREATE),
        Change(ANN, Action.NO_CHANGE),
        Change(Address("contact", "x"), Action.CREATE, Cause.MISSING),
        writes=1201,
        unmanaged={"tag": 1000, "contact": 204},
        reads=9,
        partial=True,
    )
    assert "missing from the account" in shown
    assert "3 to create. 1 as they should be, 1,204 unmanaged and untouched. A partial plan" in shown
    assert "9 calls read this; 1,201 calls will write, about 2 min at 10 a second." in shown
    assert "2 people touched, 1 may be e-mailed." in shown


def test_without_a_rate_limit_no_time_is_foretold() -> None:
    """Nobody knows it."""
    assert "1 call will write." in planned(Change(VIP, Action.CREATE), rate_limit=0)


def test_approvals_say_what_to_type() -> None:
    """At the very end."""
    approval = Approval(Allow.DELETES, 4, "4 deletions affect 4 of 10 managed resources (limit 30%)")
    assert planned(Change(VIP, Action.DELETE), needed=[approval]).splitlines()[-1] == (
        "Approval required: 4 deletions affect 4 of 10 managed resources (limit 30%). To proceed: --allow deletes=4"
    )


def test_text_of_the_account_cannot_speak_to_the_terminal() -> None:
    """In titles, values, notes and paths."""
    evil = "\x1b]0;x\x07"
    change = Change(
        Address("contact", evil),
        Action.UPDATE,
        note=evil,
        fields=(field(evil, evil, path="fields." + evil), field("a", frozenset({evil}))),
    )
    renamed = Change(VIP, Action.UPDATE, fields=(field(evil, evil, path="name"),))
    outcome = Outcome(
        Step(Address("tag", evil), Verb.MAKE),
        Action.CREATE,
        Status.FAILED,
        message=evil,
        differs={"name": (evil, evil)},
    )
    everything = (
        planned(change, renamed) + text(report_lines(Report((outcome,)))) + text([outcome_line(outcome, 1, 1)])
    )
    everything += text(call_lines([("GET", evil, {"a": evil})]))
    assert "\x1b" not in everything
    assert "\x07" not in everything


def test_requests_are_listed_in_order() -> None:
    """Method, path and body; no body is nothing."""
    assert text(call_lines([("POST", "/api/tags", {"b": 1, "a": "é"}), ("DELETE", "/api/tags/1", None)])) == (
        '    1  POST   /api/tags  {"a": "é", "b": 1}\n    2  DELETE /api/tags/1'
    )


@pytest.mark.parametrize(
    ("status", "word"),
    [(Status.DONE, "created"), (Status.PENDING, "pending"), (Status.NOT_RUN, "not run"), (Status.FAILED, "failed")],
)
def test_each_step_is_a_line_as_it_ends(status: Status, word: str) -> None:
    """How many of how many, what became of it, and why."""
    outcome = Outcome(Step(VIP, Verb.MAKE), Action.CREATE, status, message="because")
    assert text([outcome_line(outcome, 3, 9)]) == f"     3/9  {word:<10}tag/VIP  because"


def test_a_report_says_what_failed_and_what_became_of_values() -> None:
    """And how it ended, in one line."""
    step = Step(VIP, Verb.MAKE)
    report = Report(
        (
            Outcome(step, Action.CREATE, Status.DONE, differs={"name": ("a", "b")}),
            Outcome(step, Action.CREATE, Status.FAILED, message="refused"),
            Outcome(step, Action.CREATE, Status.SKIPPED, message="needs x"),
        ),
        2,
        1,
        7,
        "interrupted",
    )
    assert text(report_lines(report, forgotten=2)).splitlines() == [
        "  failed: tag/VIP: refused",
        "  skipped: tag/VIP: needs x",
        '  note: tag/VIP: name was sent as "a", and is "b"',
        "Stopped: interrupted.",
        "Run 7: 1 done, 1 failed, 1 skipped, 2 settled in the ledger. 2 calls read, 1 call wrote.",
    ]
    assert text(report_lines(Report())) == "Run 0: nothing to do. 0 calls read, 0 calls wrote."
