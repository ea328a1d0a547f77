"""Writes docs/reference/safety.md: pruning, limits and approvals."""

from __future__ import annotations

from dataclasses import asdict

from docs.generate import meanings
from docs.generate.markdown import code, table
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.model.policy import COUNTED, UNCOUNTED, Allow, Limits, Prune

INTRO = """\
# Safety

## Pruning

Only managed resources are deleted, those in the ledger, and only after the files stop declaring them. An empty or
unreadable folder never means "delete everything". Everything else in the account is unmanaged: counted, and changed
only by an authoritative list (`authoritative`, `tags_authoritative`) or `prune: all`, whose deletions count against
the limits as well.

"""
PRUNE = """
`prune:` in `reconciler.yaml` changes this by kind, for example `prune: {tag: owned, contact: none}`:

"""
MORE = """
- `lifecycle: {prevent_destroy: true}` remains in force after its block was removed, because the ledger records it.
- A contact that leaves the files is forgotten together with the tags, enrollments and memberships declared in its
  block; nothing is sent.
- A missing list is unmanaged; an empty one (`tags: []`) removes the managed entries.
- `destroy` deletes what this project created, and forgets what it adopted.
- Without a ledger (`--ledger none`) nothing is pruned.

## Approvals

`plan` lists the approvals that it needs; `apply` refuses with exit code 3 until each is given with
`--allow CLASS[=N]`, for this run only. Settings and variables cannot give approvals.

"""
LIMITS = """
N must equal the number in the plan: of deletions and replacements for `deletes`, of updates for `updates`, of people
for `emails` and `contacts`.

| counted | approval is required |
| --- | --- |
| managed resources that are deleted or replaced | above `limits.deletes` ({deletes}) percent of these |
| managed people who lose something by deletions | above `limits.deletes` percent of these |
| unmanaged people who lose something by deletions | from `limits.floor` people on |
| removals from an authoritative list | above `limits.deletes` percent of the list, or its people |
| managed resources, or people, that are updated | above `limits.updates` ({updates}) percent of these |
| people who may receive e-mail | above `limits.emails` ({emails}) people |

Percentages apply from `limits.floor` ({floor}) managed resources, or people, on. Managed means recorded in the
ledger, as a resource or as an end of a relation.

Before a tag or a contact field is deleted, all contacts that lose it are counted in the account: with one filtered
list for a tag, with the whole list for a field, without calls if the contacts are read anyway. These calls are part
of the plan. With `--refresh none` the plan says "at least". A deletion is not carried out if more people would lose
something than the plan shows: a saved plan is stale then, and a count older than `limits.fresh` is repeated.

## Other guarantees

- `plan` uses a client that can only send GET; the one that writes is created after all approvals.
- Resources to overwrite or delete are read again if their reading is older than `limits.fresh` seconds, time at the
  prompt included. What changed in between is not overwritten: that step fails, the others continue. Taggings and
  memberships have no values that could change; they are removed without that.
- `protect: true` on an environment requires its name, typed or as `--confirm NAME`.
- A saved plan is applied as it is, or refused if a plan made now would differ.
- One `apply` at a time: a run locks the ledger, and a second run is refused.
- Nothing is created twice: after a lost answer to a POST the account is read.
- Nothing that appeared in the meantime is overwritten. If a resource to create exists already, it is adopted if it
  equals the configuration; otherwise the step fails, and `reconciler history RUN` shows the values found. After a
  lost answer, only a resource with the values sent counts as created.
"""


def page() -> str:
    """The whole page."""
    meanings.complete(Prune, meanings.PRUNES)  # type: ignore[arg-type]
    meanings.complete(Allow, meanings.ALLOWS)  # type: ignore[arg-type]
    limits = Limits()
    return "".join(
        [
            INTRO,
            table(["kind", "default", "after it leaves the files"], (_pruned(kind) for kind in KINDS.values())),
            PRUNE,
            table(
                ["value", "what may be deleted"], ([code(word.value), text] for word, text in meanings.PRUNES.items())
            ),
            MORE,
            table(
                ["class", "needed for", "number"],
                (
                    [
                        code(f"--allow {allow.value}{'=N' if allow in COUNTED else ''}"),
                        text,
                        "exact, required"
                        if allow in COUNTED
                        else "none"
                        if allow in UNCOUNTED
                        else "optional; exact if given",
                    ]
                    for allow, text in meanings.ALLOWS.items()
                ),
            ),
            LIMITS.format(**asdict(limits)),
        ]
    )


def _pruned(kind: Kind) -> list[str]:
    return [code(kind.name), code(kind.prune.value), _when(kind)]


def _when(kind: Kind) -> str:
    if not kind.create:
        return "kept: it can only be cancelled, by its `state`" if kind.update else "kept: the API cannot write it"
    if kind.prune is Prune.NONE:
        return "forgotten, not deleted"
    return (
        "deleted, whether created or adopted" if kind.prune is Prune.OWNED else "deleted if created, kept if adopted"
    )
