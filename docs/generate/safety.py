"""Pruning, limits and approvals → docs/reference/safety.md: what is deleted, and what needs ``--allow``."""

from __future__ import annotations

from dataclasses import asdict

from docs.generate import meanings
from docs.generate.markdown import code, table
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.model.policy import Allow, Limits, Prune
from reconciler.planner.approvals import COUNTED, UNCOUNTED

INTRO = """\
# Safety

## Pruning

Only what the ledger says is ours, and only once the files no longer name it. An empty or unreadable folder never
means "delete everything". Everything else in the account is unmanaged: counted, and touched only where the files say
"these and no others" (`tags_exact`, `exclusive`) or pruning is `all`; that counts against the limits as well.

"""
PRUNE = """
`prune:` in `reconciler.yaml` changes this by kind, for example `prune: {tag: owned, contact: none}`:

"""
MORE = """
- `lifecycle: {prevent_destroy: true}` holds even after its block is gone: the ledger keeps it.
- A contact that leaves the files is forgotten together with the tags, enrollments and memberships that were written
  in its block; nothing is sent.
- A list that is not there is not managed; an empty one (`tags: []`) means: none of ours.
- `destroy` removes what this project made, and forgets what it only took over.
- Without a ledger (`--ledger none`) nothing is ever pruned.

## Approvals

`plan` lists the approvals that it needs; `apply` refuses with exit code 3 until each is given with
`--allow CLASS[=N]`, for that run only. No setting and no variable gives one.

"""
LIMITS = """
N must equal the number in the plan. Of `deletes` it is the number of deletions and replacements, of `updates` the
number of updates, of `emails` and `contacts` the number of people.

| what is counted | approval is required |
| --- | --- |
| managed resources that are deleted or replaced | above `limits.deletes` ({deletes}) percent of these |
| managed people from whom deletions take something | above `limits.deletes` percent of these |
| unmanaged people from whom deletions take something | from `limits.floor` people on |
| removals from a `tags_exact` or `exclusive` set | above `limits.deletes` percent of the set, or its people |
| managed resources, or people, that are updated | above `limits.updates` ({updates}) percent of these |
| people who may receive e-mail | above `limits.emails` ({emails}) people |

Percentages apply from `limits.floor` ({floor}) managed resources, or people, on. Managed means recorded in the
ledger, as a resource or as an end of a relation.

Before a tag or a contact field is deleted, the contacts that lose it are counted in the account, whoever tagged them:
one filtered list for a tag, the whole list for a field, nothing where contacts are read anyway. These calls are part
of the plan. With `--refresh none` the plan says "at least". A deletion is not carried out when more people lose
something than the plan said: a saved plan is stale then, and a reading older than `limits.fresh` is counted again.

## Other promises

- `plan` holds a client that can send nothing but GET; the one that writes is made after every approval.
- What is overwritten or deleted is read again when its reading is older than `limits.fresh` seconds, waiting at the
  prompt included. What moved in between is not overwritten: its branch stops, the rest goes on.
- `protect: true` on an environment asks for its name, typed, or `--confirm NAME`.
- A saved plan is applied as it is, or refused when it would be another one now.
- One `apply` at a time: a ledger has a lease, and a second run is refused.
- Nothing is ever created twice: a lost answer to a POST is settled by looking.
- Nothing that appeared in the meantime is overwritten. A resource that exists when it is to be created is adopted if
  it equals the configuration. Otherwise its branch stops, and `reconciler history RUN` shows what was there. Only an
  object with the values that were sent counts as created by a request whose answer was lost.
"""


def page() -> str:
    """The whole page."""
    meanings.complete(Prune, meanings.PRUNES)  # type: ignore[arg-type]
    meanings.complete(Allow, meanings.ALLOWS)  # type: ignore[arg-type]
    limits = Limits()
    return "".join(
        [
            INTRO,
            table(["kind", "default", "when it leaves the files"], (_pruned(kind) for kind in KINDS.values())),
            PRUNE,
            table(["word", "what may go"], ([code(word.value), text] for word, text in meanings.PRUNES.items())),
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
        return "never: it can only be ended, and only on request" if kind.update else "never: the API cannot write it"
    if kind.prune is Prune.NONE:
        return "forgotten, not deleted"
    return "deleted if ours, taken over ones included" if kind.prune is Prune.OWNED else "deleted if we made it"
