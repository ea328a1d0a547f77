"""Plans and reports as lines of text; ``RECONCILER_UPDATE=text`` writes the expected texts again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from reconciler.kinds.effects import AUTOMATIONS, MAIL, TAGS_TAKEN
from reconciler.model.plan import (
    Action,
    AgreedChanges,
    Base,
    Cause,
    Change,
    Changes,
    FieldChange,
    Loss,
    Plan,
    Step,
    Verb,
)
from reconciler.model.policy import Allow
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address, Origin, Ref, Secret
from reconciler.output.plan_sheet import SIGNS, PlanSheet
from reconciler.output.text import STYLES, call_lines, outcome_line, plan_lines, report_lines
from reconciler.planner.approvals import Approval

VIP, ANN = Address("tag", "VIP"), Address("contact", "ann@example.com")
BASE = Base(None, "", 0, "vendor")
EXPECTED = Path(__file__).parent / "text"


def text(lines: Any) -> str:
    return "\n".join("".join(piece for piece, _ in line).rstrip() for line in lines)


def planned(*changes: Change, **more: Any) -> str:
    shown = {name: more.pop(name) for name in ("titles_only", "columns", "detail") if name in more}
    sheet = {name: more.pop(name) for name in ("approvals", "protected") if name in more}
    rate_limit, writes = more.pop("rate_limit", 10), more.pop("writes", 1)
    made = PlanSheet(Plan(BASE, changes, **more), "site, connection default", writes, rate_limit, **sheet)
    return text(plan_lines(made, **shown))


def field(before: Any, after: Any, cause: Cause = Cause.EDITED, path: str = "locale", **more: Any) -> FieldChange:
    return FieldChange(path, before, after, cause, **more)


def new(path: str, value: Any, **more: Any) -> FieldChange:
    return FieldChange(path, None, value, Cause.NEW, **more)


def created(kind: str, key: str, line: int, *fields: FieldChange, file: str = "site.yaml", **more: Any) -> Change:
    origin = Origin(file, line, 5)
    return Change(Address(kind, key), Action.CREATE, Cause.NEW, fields, origin=origin, **more)


def everything() -> list[Change]:
    """One of each: what a first plan of a real project holds, in address order."""
    changes = [*students(), *people(), *account()]
    return sorted(changes, key=lambda change: change.address)


def students() -> Iterator[Change]:
    """Thirty rows of a CSV file: a person, a tag and a course each."""
    for number in range(30):
        who, line = f"student{number:02}@example.com", number + 2
        fields = (new("first_name", f"Name {number}"), new("locale", "en"))
        yield created("contact", who, line, *fields, file="students.csv", effects=(AUTOMATIONS,))
        yield created("tagging", f"{who}/Bootcamp 2026", line, file="students.csv", effects=(AUTOMATIONS,))
        access = new("access", "full_access")
        yield created("enrollment", f"{who}/Bootcamp", line, access, file="students.csv", effects=(MAIL,))


def people() -> Iterator[Change]:
    """An adopted one with changes, one that is only adopted, and a tag for one who does not change."""
    ann = (field("Ann", "Anne", path="first_name"), field(None, "Acme, makers of everything", path="fields.company"))
    yield Change(ANN, Action.ADOPT, Cause.EDITED, ann, origin=Origin("people.yaml", 6, 5))
    yield created("tagging", "ann@example.com/Newsletter", 10, file="people.yaml", effects=(AUTOMATIONS,))
    yield Change(Address("contact", "cy@example.com"), Action.ADOPT, origin=Origin("people.yaml", 17, 5))
    yield created("tagging", "dee@example.com/Newsletter", 22, file="people.yaml", effects=(AUTOMATIONS,))


def account() -> Iterator[Change]:
    """Tags and a webhook: renamed, deleted, blocked, created."""
    loss = Loss(250, 248)
    note = "no longer in the files; managed since run 3; 250 contacts lose it (248 of them unmanaged)"
    yield Change(Address("tag", "Course buyers"), Action.DELETE, effects=(TAGS_TAKEN,), note=note, loss=loss)
    yield Change(Address("tag", "Kept"), Action.DELETE, blocked="prevent_destroy")
    renamed = (field("Gold", "VIP", path="name"),)
    yield Change(VIP, Action.UPDATE, fields=renamed, origin=Origin("site.yaml", 8, 5), note="3 contacts keep it")
    secret = Secret("env:CRM_WEBHOOK_SECRET", "hush")
    fields = (
        new("url", "https://crm.example.com/hooks/systeme/incoming"),
        new("secret", None, sensitive=True),
        new("events", frozenset({"SALE_NEW", "CONTACT_CREATED", "OPT_IN", "SALE_CANCELED"})),
    )
    yield created("webhook", "CRM sync", 16, *fields, attrs={"secret": secret})


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_plan_at_every_width(columns: int) -> None:
    """Equal changes once, relations inside people, positions at the right edge; nothing wraps into a column."""
    approvals = (
        Approval(Allow.DELETES, 1, "1 deletion affects 250 people, 248 of them unmanaged"),
        Approval(Allow.EMAILS, 32, "32 people may receive e-mail (limit 10)"),
    )
    more = {"approvals": approvals, "protected": "production", "reads": 9, "writes": 98, "unmanaged": {"tag": 16}}
    shown = planned(*everything(), columns=columns, **more) + "\n"
    file = EXPECTED / f"plan-{columns}.txt"
    if os.environ.get("RECONCILER_UPDATE") == "text":
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")
    assert max(map(cell_len, shown.splitlines())) <= columns


def test_a_quiet_day_is_one_line() -> None:
    """How many, and with how many calls."""
    assert planned(Change(VIP, Action.NO_CHANGE), reads=2) == (
        "No changes. 1 resource matches the configuration (2 API calls)."
    )
    assert planned() == "No changes. 0 resources match the configuration (0 API calls)."


def test_a_quiet_day_still_shows_notes() -> None:
    """Remarks on what is unchanged; equal ones together."""
    changes = [Change(Address("tag", f"T{n}"), Action.NO_CHANGE, note="no longer managed: x") for n in range(5)]
    assert planned(*changes).splitlines()[0] == "  tag/T0, tag/T1, tag/T2 and 2 more: no longer managed: x"


@pytest.mark.parametrize("action", [action for action in Action if action is not Action.NO_CHANGE])
def test_every_action_has_a_sign(action: Action) -> None:
    """With its address, and its position unless the block is gone from the files."""
    shown = planned(Change(VIP, action, origin=Origin("site.yaml", 4, 5), note="a note", effects=("an effect",)))
    line = next(line for line in shown.splitlines() if "tag/VIP" in line)
    assert f"{SIGNS[action.value].symbol:>3} tag/VIP" in line
    assert ("site.yaml:4" in line) == (action not in (Action.DELETE, Action.FORGET))
    assert "a note" in shown and "an effect" in shown
    assert SIGNS.keys() == STYLES.keys()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (field("en", "no"), ['"en" → "no"', "edited"]),
        (field("en", None, Cause.DRIFTED), ['"en" → (cleared)', "changed in the account"]),
        (field(None, "no", Cause.BOTH), ['unset → "no"', "conflict: the files win"]),
        (field(False, True, Cause.RELEASED), ["false → true", "reset: not in the files"]),
        (field(None, "fr", Cause.NEW), ['"fr"']),
        (field(None, None, Cause.ROTATED, sensitive=True), ["changed, not shown", "rotated"]),
        (field(None, None, Cause.NEW, sensitive=True), ["not shown"]),
        (field(frozenset("ab"), frozenset("b")), ["- a", "edited"]),
        (field(None, frozenset({"b", "a"}), Cause.NEW), ["a, b"]),
    ],
)
def test_every_cause_reads_as_a_reason(change: FieldChange, words: list[str]) -> None:
    """Both sides, and who changed it."""
    line = next(line for line in planned(Change(ANN, Action.UPDATE, fields=(change,))).splitlines() if "loc" in line)
    assert [part.strip() for part in line.split("  ") if part.strip()] == ["locale", *words]


def test_fields_can_be_left_out() -> None:
    """``-q`` shows the lines of resources only."""
    change = Change(ANN, Action.UPDATE, fields=(field("a", "b"),))
    assert "locale" not in planned(change, titles_only=True)


@pytest.mark.parametrize(
    ("cause", "remark"),
    [(Cause.EDITED, ""), (Cause.DRIFTED, "changed in the account"), (Cause.BOTH, "conflict: the files win")],
)
def test_a_rename_stands_in_the_title(cause: Cause, remark: str) -> None:
    """Old and new name, and who changed it where that was not the files alone."""
    shown = planned(Change(VIP, Action.UPDATE, fields=(field("Gold", "VIP", cause, path="name"),)))
    assert "~ tag/Gold → VIP" in shown
    assert "tag  1 to rename" in shown
    assert remark in shown


def test_what_is_blocked_is_counted_and_explained() -> None:
    """With the reason."""
    shown = planned(Change(VIP, Action.DELETE, blocked="prevent_destroy"), writes=0)
    assert "! tag/VIP" in shown and "blocked: prevent_destroy" in shown
    assert "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked." in shown


def test_a_new_address_is_shown_for_what_has_a_name_of_its_own() -> None:
    """A relation that follows its parent is not."""
    moved = Change(VIP, Action.NO_CHANGE, moved_from=Address("tag", "@vip"))
    follows = Change(Address("tagging", "a/VIP"), Action.NO_CHANGE, moved_from=Address("tagging", "a/@vip"))
    shown = planned(moved, follows, writes=0)
    assert "formerly tag/@vip" in shown
    assert "tagging/" not in shown


def test_totals_count_updates_of_adopted_resources() -> None:
    """An adopted resource that is written to is in both counts; one that is not is a number only."""
    written = Change(ANN, Action.ADOPT, fields=(field("a", "b"),))
    same = [Change(Address("tag", f"T{n}"), Action.ADOPT) for n in range(3)]
    shown = planned(written, *same)
    assert "Plan: 0 to create, 1 to update, 0 to replace, 0 to delete, 4 to adopt (1 of them updated)." in shown
    assert "tag  3 to adopt" in shown
    assert "tag/T0" not in shown
    assert "tag/T0" in planned(written, *same, detail=True)


def test_adoptions_without_a_change_are_counted_and_not_made() -> None:
    """Only a person whose relations change is looked up: a first plan may adopt hundreds of thousands."""
    adopted = {each.address: each for each in (Change(ANN, Action.ADOPT, remote_id="1"),)}

    def make(_: Action | None) -> Iterator[Change]:
        raise AssertionError("went through everything that is adopted")

    counts = {("contact", Action.ADOPT): 12_000, ("course", Action.NO_CHANGE): 7, ("tag", Action.ADOPT): 30}
    own = (created("tagging", f"{ANN.key}/VIP", 3),)
    plan = Plan(BASE, Changes(own, AgreedChanges(counts, make, adopted.get)))
    shown = text(plan_lines(PlanSheet(plan, "site", 1, 10))).splitlines()
    assert "contact  12,000 to adopt" in shown and "tag  30 to adopt" in shown
    assert [line.split() for line in shown if "ann@" in line or "VIP" in line] == [
        ["=", f"contact/{ANN.key}", "adopt"],
        ["tags", "+", "VIP"],
    ]
    assert "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 12,030 to adopt. 1 tag to assign." in shown
    assert "      7 unchanged." in shown


def test_the_end_of_a_plan_counts_everything() -> None:
    """Actions, unchanged and unmanaged resources, calls, time, people, and that it is a partial plan."""
    link = {"contact": Ref(ANN), "tag": Ref(VIP)}
    shown = planned(
        Change(ANN, Action.NO_CHANGE),
        Change(Address("contact", "x"), Action.CREATE, Cause.MISSING),
        Change(VIP, Action.CREATE),
        Change(Address("tagging", "y/VIP"), Action.CREATE, attrs=link, effects=("starts automations",)),
        writes=1201,
        unmanaged={"tag": 1000, "contact": 204},
        reads=9,
        partial=True,
    )
    assert "missing from the account" in shown
    assert "Plan: 2 to create, 0 to update, 0 to replace, 0 to delete. 1 tag to assign." in shown
    assert "1 unchanged, 1,204 unmanaged (not touched). Partial plan: other resources were not considered." in shown
    assert "API calls: 9 made to read; 1,201 to apply, about 2 min at 10 per second." in shown
    assert "People: 2 affected; up to 1 may receive e-mail." in shown


def test_equal_changes_are_one_block_whatever_they_come_from() -> None:
    """With values, from two on and from several files; different values keep a block each below five people."""
    equal = [created("contact", f"{name}@example.com", 3, new("locale", "en"), file=f"{name}.yaml") for name in "abc"]
    shown = planned(*equal)
    assert "+ 3 contacts, each with the same changes" in shown
    assert "a.yaml and 2 more files" in shown
    assert "a@example.com, b@example.com, c@example.com" in shown
    different = [created("contact", f"{n}@example.com", n, new("first_name", f"N{n}")) for n in range(1, 6)]
    assert "contacts, each" not in planned(*different[:4])
    shown = planned(*different)
    assert "+ 5 contacts, each with the same changes" in shown and "site.yaml:1–5" in shown
    assert "from the file" in shown and '"N1"' not in shown
    assert '"N1"' in planned(*different, detail=True)


def test_relations_of_unchanged_people_are_grouped_by_what_they_relate_to() -> None:
    """Under their own kind, with the names of the people."""
    changes = [created("tagging", f"p{n}@example.com/{tag}", 3) for n in range(9) for tag in ("A", "B")]
    shown = planned(*sorted(changes, key=lambda change: change.address))
    assert shown.count("+ 9 taggings, each with the same changes") == 2
    assert "tag             A" in shown
    assert "p0@example.com, p1@example.com, p2@example.com and 6 more (-v lists all)" in shown


def test_names_are_shown_as_people_write_them() -> None:
    """Never percent-encoded."""
    shown = planned(created("tag", "%23hash", 1), created("tagging", "a@example.com/50%25 off%2Fsale", 2))
    assert "tag/#hash" in shown and "tagging/a@example.com/50% off/sale" in shown


def test_without_a_rate_limit_no_time_is_given() -> None:
    """Nobody knows it."""
    assert "API calls: 0 made to read; 1 to apply." in planned(Change(VIP, Action.CREATE), rate_limit=0)


def test_text_of_the_account_cannot_speak_to_the_terminal() -> None:
    """In titles, values, notes, paths, positions and names of equal ones."""
    evil = "\x1b]0;x\x07"
    change = Change(
        Address("contact", evil),
        Action.UPDATE,
        note=evil,
        origin=Origin(evil, 1, 1),
        fields=(field(evil, evil, path="fields." + evil), field("a", frozenset({evil}))),
    )
    same = [Change(Address("contact", f"{evil}{n}"), Action.CREATE, origin=Origin(evil, n, 1)) for n in range(9)]
    renamed = Change(VIP, Action.UPDATE, fields=(field(evil, evil, path="name"),))
    outcome = Outcome(
        Step(Address("tag", evil), Verb.MAKE),
        Action.CREATE,
        Status.FAILED,
        message=evil,
        differs={"name": (evil, evil)},
    )
    plan = Plan(BASE, (change, *same, renamed))
    everything = planned(*plan.changes) + text(report_lines(Report((outcome,)), plan)) + text([outcome_line(outcome)])
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
    """What became of it, and why."""
    outcome = Outcome(Step(VIP, Verb.MAKE), Action.CREATE, status, message="because")
    assert text([outcome_line(outcome)]) == f"  {word:<9} tag/VIP  because"


def test_a_complete_run_uses_the_counts_of_the_plan() -> None:
    """In the past tense; what is only recorded in the ledger is counted, too."""
    update = Change(ANN, Action.ADOPT, fields=(field("a", "b"),))
    tag, quiet = Change(VIP, Action.CREATE), Change(Address("tag", "Old"), Action.ADOPT)
    tagging = Change(Address("tagging", "ann@example.com/VIP"), Action.CREATE)
    outcomes = [Outcome(Step(c.address, Verb.MAKE), c.action, Status.DONE) for c in (update, tag, tagging)]
    report = Report(tuple(outcomes), 5, 3, 4)
    assert text(report_lines(report, Plan(BASE, (update, tag, quiet, tagging)), seconds=0.94)) == (
        "Run 4 complete: 1 created, 1 updated, 2 adopted, 1 tag assigned (5 calls to read, 3 to apply, 0.9 s)."
    )


def test_an_incomplete_run_says_what_failed_and_where() -> None:
    """What was skipped for it, what the server made of values, and how to go on."""
    made, bad = created("tag", "A", 3), created("contact", "x@nomx.example", 14, file="students.csv")
    next_to_it = created("enrollment", "x@nomx.example/Bootcamp", 14, file="students.csv")
    outcomes = (
        Outcome(Step(made.address, Verb.MAKE), Action.CREATE, Status.DONE, differs={"name": ("a", "b")}),
        Outcome(Step(bad.address, Verb.MAKE), Action.CREATE, Status.FAILED, message="email: refused"),
        Outcome(Step(next_to_it.address, Verb.MAKE), Action.CREATE, Status.SKIPPED, message="needs the contact"),
    )
    report = Report(outcomes, 2, 1, 7, "interrupted")
    assert text(report_lines(report, Plan(BASE, (bad, next_to_it, made)))).splitlines() == [
        "Run 7 incomplete: 1 of 3 done, 1 failed, 1 skipped (2 calls to read, 1 to apply). Run it again to continue.",
        "Stopped: interrupted.",
        "  failed   contact/x@nomx.example  students.csv:14",
        "           email: refused",
        "  skipped  enrollment/x@nomx.example/Bootcamp  needs the contact",
        '  note     tag/A: name was sent as "a", and is "b"',
    ]


def test_many_failures_are_counted() -> None:
    """The first twenty are listed."""
    changes = [created("tag", f"T{n:03}", n) for n in range(1, 101)]
    outcomes = [Outcome(Step(c.address, Verb.MAKE), c.action, Status.FAILED, message="no") for c in changes]
    lines = text(report_lines(Report(tuple(outcomes), 1, 100, 1), Plan(BASE, tuple(changes)))).splitlines()
    assert len(lines) == 1 + 20 * 2 + 1
    assert lines[-1] == "  and 80 more failed"
