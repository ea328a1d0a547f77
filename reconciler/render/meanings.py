"""The words of the closed lists → one sentence each: exit codes, pruning, classes of ``--allow``."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.policy import Allow, Prune

CODES: Mapping[int, str] = {
    0: "Done, or nothing to do.",
    1: "Failure: files, flags, network, vendor.",
    2: "Changes found, where that was asked for: `--detailed-exitcode`, `drift`, `--fail-on`.",
    3: "Refused: stale plan, closed gate, declined, ledger locked, nobody to ask.",
    4: "Applied in part, or stopped by `--max-calls` or `--max-minutes`; run it again.",
    130: "Interrupted; what was done is recorded.",
}

PRUNES: Mapping[Prune, str] = {
    Prune.NONE: "Nothing. What leaves the files is forgotten and stays in the account.",
    Prune.CREATED: "What we made. What we only took over is forgotten and stays.",
    Prune.OWNED: "What is ours, taken over ones included.",
    Prune.ALL: "Foreign ones as well: what the files do not name goes.",
}

ALLOWS: Mapping[Allow, str] = {
    Allow.DELETES: "Deletes and replaces above the limit, and a deletion beside a creation that looks like a rename.",
    Allow.UPDATES: "Updates above the limit, those of an adoption included.",
    Allow.CONTACTS: "Deleting people.",
    Allow.CANCEL: "Ending subscriptions.",
    Allow.RECREATE: "Making people again who are ours and were deleted in the account.",
    Allow.MISSING: "Going on although ten or more of ours of one kind were looked for and none was found.",
}
