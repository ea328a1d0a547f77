"""One YAML file ⇄ one scenario: what a person wrote above, what is expected of the tool below.

about            one sentence
account          rows before: a seed of the emulator, with its ``options``
earlier          YAML that was applied before, so that the ledger holds entries (``earlier_env``, ``earlier_flags``)
meanwhile        what was done to the account since, behind our back: [method, path, body]
days_later       how long ago that was
files            YAML of the project: the text of site.yaml, or texts by name
settings         text of reconciler.yaml
env, flags       of this run; ``race`` is done to the account between plan and first write
faults           rules of the emulator, for the apply
parallel         writes in flight (1). With more, ``requests`` is sorted, and no two writes to one contact overlap
order            with ``parallel``: chains of requests (their beginnings, ``$`` ends one), each sent after the last
later            acts that follow, one after the other, each a mapping:
                 files, settings   that hold from now on
                 meanwhile         what somebody else does first; ``days_later`` how long that takes
                 env, flags, race, faults   of this act only; ``env`` is added to that of the scenario
                 and one command: ``apply`` (nothing said), ``undo: 1``, ``command: [ledger, forget, tag/A, --yes]``,
                 or an apply that is killed while a request is under way, carried out by the account (``done``) or
                 not: ``kill: {method: POST, path: /api/tags$, nth: 1, done: false}``
─────────────────────────────────────────────────────────────────────────────────────────────
reads            collections that are read, and single looks, by the plan
plan             the changes of ``plan --json``, a line each (``recorded.plan_lines``)
totals           its numbers that are not zero (``recorded.totals``)
approvals        those that it needs, with their counts
text             what ``plan`` prints, in the few scenarios that ask for it by having this key
error            what the refused command prints instead, or after it
exit             of ``apply``, if not 0
requests         the writes of ``apply``, in order
failed           steps that are not done, and why; values that the server made others of: [sent, is]
account_after    sections of the account that are other ones afterwards
ledger           what the ledger then holds beyond the obvious (``recorded.ledger_lines`` says what that is)
then             the changes of the next plan, and remarks on what needs none
outcomes         one mapping for each act: plan, approvals, exit, requests, account_after, ledger, failed (without the
                 reasons), then (the plan after it; not of ``undo`` and ``command``)
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from reconciler.emulator.seedfiles import parse

GIVEN = frozenset(
    {"about", "account", "earlier", "earlier_env", "earlier_flags", "meanwhile", "days_later", "files", "settings"}
    | {"env", "flags", "race", "faults", "parallel", "order", "later"}
)
EXPECTED = ("reads", "plan", "totals", "approvals", "text", "error", "exit", "requests", "failed", "account_after")
EXPECTED += ("ledger", "then", "outcomes")
_START = re.compile(rf"^(?:{'|'.join(EXPECTED)}):", re.MULTILINE)


def load(path: Path) -> dict[str, Any]:
    """The scenario in a file; a key that none knows is an error."""
    case: dict[str, Any] = parse(path.read_bytes(), "yaml")
    unknown = set(case) - GIVEN - set(EXPECTED)
    assert not unknown, f"{path.name}: unknown {unknown}"
    assert {"about", "files"} <= case.keys(), f"{path.name}: `about` and `files` are needed"
    return case


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """The lower half; what is left out is expected to be empty."""
    return {key: case[key] for key in EXPECTED if case.get(key)}


def save(path: Path, found: dict[str, Any]) -> None:
    """Write the lower half anew; what a person wrote stays as it is."""
    text = path.read_text(encoding="utf-8")
    start = _START.search(text)
    given = (text[: start.start()] if start else text).rstrip()
    parts = [_section(key, found[key]) for key in EXPECTED if found.get(key)]
    path.write_text(given + "\n\n" + "\n".join(parts) + "\n", encoding="utf-8")


def _section(key: str, value: Any) -> str:
    if key == "outcomes":
        return "\n".join([f"{key}:", *(_act(act) for act in value)])
    if isinstance(value, str) and "\n" in value:
        lines = "".join(f"  {line}".rstrip() + "\n" for line in value.splitlines())
        return f"{key}: |{2 if value.startswith(' ') else ''}\n{lines}".rstrip("\n")
    if isinstance(value, list):
        return "\n".join([f"{key}:", *(f"  - {_item(item)}" for item in value)])
    if key == "totals":
        return f"{key}: {_flow(value)}"
    if isinstance(value, dict):
        return "\n".join([f"{key}:", *(_rows(section, rows) for section, rows in value.items())])
    return f"{key}: {_flow(value)}"


def _act(act: dict[str, Any]) -> str:
    """One act as an item of a list, its keys below each other."""
    if not act:
        return "  - {}"
    lines = "\n".join(_section(key, value) for key, value in act.items()).splitlines()
    return "\n".join([f"  - {lines[0]}", *(f"    {line}" for line in lines[1:])])


def _rows(section: str, rows: list[Any]) -> str:
    if not rows or isinstance(rows[0], str):
        return f"  {section}: {_flow(rows)}"
    return "\n".join([f"  {section}:", *(f"    - {_flow(row)}" for row in rows)])


def _item(item: Any) -> str:
    """``POST /api/tags: {name: VIP}``"""
    if isinstance(item, dict):
        ((line, body),) = item.items()
        return f"{_flow(line)}: {_flow(body)}"
    return _flow(item)


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=100_000, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
