"""Pruning, limits and gates → docs/reference/safety.md: what is deleted, and what needs a word of its own."""

from __future__ import annotations

from docs.generate import meanings
from docs.generate.markdown import code, table
from reconciler.engine.guard import COUNTED, UNCOUNTED
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.model.policy import Allow, Limits, Prune

INTRO = """\
# Safety

## What is deleted

Only what the ledger says is ours, and only once the files no longer name it. An empty or unreadable folder never
means "delete everything". Everything else in the account is foreign: counted, and touched only where the files say
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

## Gates

`plan` always shows; `apply` refuses with exit code 3 until each gate of the plan is opened by
`--allow CLASS[=N]`, for this one run. No setting and no variable opens one.

"""
LIMITS = """
The limits are `limits.deletes` and `limits.updates` in percent ({deletes} and {updates}) of what is ours, from
`limits.floor` ({floor}) resources on; people are counted in the same way. Removals from a set that is exact are a
share of that set. N has to be the exact number of the plan, so that what was looked at is what is allowed.

## Other promises

- `plan` holds a client that can send nothing but GET; the one that writes is made after every gate.
- What is overwritten or deleted is read again when its reading is older than `limits.fresh` seconds, waiting at the
  prompt included. What moved in between is not overwritten: its branch stops, the rest goes on.
- `protect: true` on an environment asks for its name, typed, or `--confirm NAME`.
- A saved plan is applied as it is, or refused when it would be another one now.
- One `apply` at a time: a ledger has a lease, and a second run is refused.
- Nothing is ever created twice: a lost answer to a POST is settled by looking.
"""


def page() -> str:
    """The whole page."""
    meanings.complete(Prune, meanings.PRUNES)  # type: ignore[arg-type]
    meanings.complete(Allow, meanings.ALLOWS)  # type: ignore[arg-type]
    limits = Limits()
    numbers = {"deletes": limits.deletes, "updates": limits.updates, "floor": limits.floor}
    return "".join([
        INTRO,
        table(["kind", "default", "when it leaves the files"], (_pruned(kind) for kind in KINDS.values())),
        PRUNE,
        table(["word", "what may go"], ([code(word.value), text] for word, text in meanings.PRUNES.items())),
        MORE,
        table(["class", "needed for", "number"], (
            [code(f"--allow {allow.value}{'=N' if allow in COUNTED else ''}"), text,
             "exact, required" if allow in COUNTED else "none" if allow in UNCOUNTED else "optional; exact if given"]
            for allow, text in meanings.ALLOWS.items()
        )),
        LIMITS.format(**numbers),
    ])  # fmt: skip


def _pruned(kind: Kind) -> list[str]:
    return [code(kind.name), code(kind.prune.value), _when(kind)]


def _when(kind: Kind) -> str:
    if not kind.create:
        return "never: it can only be ended, and only on request" if kind.update else "never: the API cannot write it"
    if kind.prune is Prune.NONE:
        return "forgotten, not deleted"
    return "deleted if ours, taken over ones included" if kind.prune is Prune.OWNED else "deleted if we made it"
