"""The words of the closed lists → one sentence each: exit codes, pruning, ``--allow``, what plans and reports say."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.effects import Consequence
from reconciler.model.plan import Action, Cause, Verb
from reconciler.model.policy import Allow, Prune
from reconciler.model.report import Status

CODES: Mapping[int, str] = {
    0: "Done, or nothing to do.",
    1: "Failure: files, flags, network, vendor.",
    2: "Changes found, where that was asked for: `--detailed-exitcode`, `drift`, `--fail-on`.",
    3: "Refused: stale plan, approval missing, declined, ledger locked, nobody to ask.",
    4: "Applied in part, or stopped by `--max-calls` or `--max-minutes`; run it again.",
    130: "Interrupted; what was done is recorded.",
}

PRUNES: Mapping[Prune, str] = {
    Prune.NONE: "Nothing. What leaves the files is forgotten and stays in the account.",
    Prune.CREATED: "What we made. What we only took over is forgotten and stays.",
    Prune.OWNED: "What is ours, taken over ones included.",
    Prune.ALL: "Unmanaged ones as well: what the files do not name goes.",
}

ALLOWS: Mapping[Allow, str] = {
    Allow.DELETES: "Deletions and replacements above the limits, and those that look like half of a rename.",
    Allow.UPDATES: "Updates above the limits, those of adopted resources included.",
    Allow.CONTACTS: "Deleting contacts.",
    Allow.CANCEL: "Cancelling subscriptions.",
    Allow.RECREATE: "Creating managed contacts again that were deleted in the account.",
    Allow.MISSING: "Continuing although ten or more managed resources of a kind were looked for and none was found.",
    Allow.EMAILS: "Changes because of which more people than the limit may receive e-mail.",
}

ACTIONS: Mapping[Action, str] = {
    Action.CREATE: "Make it.",
    Action.ADOPT: "Take over what is there under the natural key; only what differs is written.",
    Action.UPDATE: "Change the fields that differ, in one call.",
    Action.REPLACE: "Delete and create, because something differs that is set once.",
    Action.DELETE: "Delete it.",
    Action.FORGET: "Drop it from the ledger; nothing is sent.",
    Action.NO_CHANGE: "It is as it should be. Not listed.",
}

CAUSES: Mapping[Cause, str] = {
    Cause.NEW: "The files name it and the ledger does not know it.",
    Cause.EDITED: "The files want something else than was last written.",
    Cause.DRIFTED: "The account changed it since it was last written.",
    Cause.BOTH: "The files and the account changed it; the files win.",
    Cause.RELEASED: "The files no longer say it: it goes back to its default, or is no longer managed.",
    Cause.MISSING: "It was ours and is gone from the account.",
    Cause.REMOVED: "The files no longer name it.",
    Cause.ROTATED: "The secret is another one than the one last sent.",
    Cause.GONE_WITH: "The deletion of something else takes it along.",
    Cause.NOT_IN_SET: "The files say `tags_exact` or `exclusive`, and it is not among these.",
}

CONSEQUENCES: Mapping[Consequence, str] = {
    Consequence.REVERSIBLE: "Can be put back as it was.",
    Consequence.NEW_ID: "Can be put back, under another id.",
    Consequence.TAKES_ALONG: "Takes along what belongs to it.",
    Consequence.ONE_WAY: "Cannot be put back.",
    Consequence.SEEN: "People notice: mail, access, money.",
}

STATUSES: Mapping[Status, str] = {
    Status.DONE: "Carried out.",
    Status.PENDING: "Accepted, and not shown by the account yet.",
    Status.FAILED: "Refused, or unanswered and not found by looking; `message` says why.",
    Status.SKIPPED: "Something that it needs failed.",
    Status.NOT_RUN: "The run was stopped before it.",
}

VERBS: Mapping[Verb, str] = {
    Verb.MAKE: "Bring it to the desired state.",
    Verb.DROP: "Take it away.",
    Verb.PARK: "Give it a name for the moment, so that another one can have its own.",
}
