"""The meaning of every exit code, pruning mode, ``--allow`` class, action, cause, consequence and status."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.effects import Consequence
from reconciler.model.fleet import AccountState
from reconciler.model.plan import Action, Cause, Verb
from reconciler.model.policy import Allow, Prune
from reconciler.model.report import Status

CODES: Mapping[int, str] = {
    0: "Done, or nothing to do.",
    1: "Failure: files, flags, network, gateway, Systeme.io.",
    2: "Changes found, with `--detailed-exitcode`, `drift` or `--fail-on`.",
    3: "Refused: stale plan, missing approval, declined, ledger locked, no terminal to ask on.",
    4: "Partly applied, or stopped by `--max-calls` or `--max-minutes`; run it again.",
    130: "Interrupted; the changes made so far are recorded.",
}

PRUNES: Mapping[Prune, str] = {
    Prune.NONE: "Nothing. Resources that leave the files are forgotten and stay in the account.",
    Prune.CREATED: "Resources that reconciler created. Adopted ones are forgotten and stay in the account.",
    Prune.OWNED: "All managed resources, adopted ones included.",
    Prune.ALL: "Everything that the files do not declare, unmanaged resources included.",
}

ALLOWS: Mapping[Allow, str] = {
    Allow.DELETES: "Deletions and replacements above the limits, and those that look like half of a rename.",
    Allow.UPDATES: "Updates above the limits, those of adopted resources included.",
    Allow.CONTACTS: "Deleting contacts.",
    Allow.CANCEL: "Cancelling subscriptions.",
    Allow.RECREATE: "Creating managed contacts again that were deleted in the account.",
    Allow.MISSING: "Continuing although ten or more managed resources of a kind were looked for and none was found.",
    Allow.EMAILS: "Changes because of which more people than the limit may receive e-mail.",
    Allow.TAKEOVER: "Adopting or deleting resources that another ledger of the same database manages.",
}

ACTIONS: Mapping[Action, str] = {
    Action.CREATE: "Create the resource.",
    Action.ADOPT: "Manage the live resource with this natural key; only differing values are written.",
    Action.UPDATE: "Write the fields that differ, in one call.",
    Action.REPLACE: "Delete and create, because an immutable field differs.",
    Action.DELETE: "Delete the resource.",
    Action.FORGET: "Remove the entry from the ledger; nothing is sent.",
    Action.NO_CHANGE: "The resource matches the configuration. Counted, not listed.",
}

CAUSES: Mapping[Cause, str] = {
    Cause.NEW: "Declared, and not in the ledger.",
    Cause.EDITED: "The declared value differs from the one last written.",
    Cause.DRIFTED: "The value was changed in the account after it was last written.",
    Cause.BOTH: "Changed in the files and in the account; the files win.",
    Cause.RELEASED: "No longer declared: the field returns to its default, or is no longer managed.",
    Cause.MISSING: "Managed, and gone from the account.",
    Cause.REMOVED: "No longer declared in the files.",
    Cause.ROTATED: "The secret differs from the one last sent.",
    Cause.GONE_WITH: "Deleted together with another resource.",
    Cause.UNLISTED: "Not in an authoritative list (`authoritative`, `tags_authoritative`).",
    Cause.TAKEOVER: "Managed by another ledger of the same database.",
}

CONSEQUENCES: Mapping[Consequence, str] = {
    Consequence.REVERSIBLE: "Can be reverted.",
    Consequence.NEW_ID: "Can be reverted, under another id.",
    Consequence.CASCADES: "Removes what belongs to the resource too.",
    Consequence.IRREVERSIBLE: "Cannot be reverted.",
    Consequence.SEEN: "Visible to customers: e-mail, access, payments.",
}

STATUSES: Mapping[Status, str] = {
    Status.DONE: "Carried out.",
    Status.PENDING: "Accepted, and not visible in the account yet.",
    Status.FAILED: "Refused, or without an answer and not found in the account; `message` has the reason.",
    Status.SKIPPED: "A step that it needs failed.",
    Status.NOT_RUN: "The run stopped before this step.",
}

VERBS: Mapping[Verb, str] = {
    Verb.MAKE: "Create or update.",
    Verb.DROP: "Delete.",
    Verb.PARK: "Give a temporary name, so that another resource can take the present one.",
}

ACCOUNT_STATES: Mapping[AccountState, str] = {
    AccountState.UNCHANGED: "The account matches the configuration.",
    AccountState.CHANGES: "The plan has changes.",
    AccountState.DRIFTED: "Managed resources changed since the last run.",
    AccountState.APPLIED: "Every change was made.",
    AccountState.PARTIAL: "Some changes were made; run it again for the rest.",
    AccountState.REFUSED: "Refused: stale plan, missing approval, ledger locked.",
    AccountState.FAILED: "Failure: files, network, gateway, Systeme.io.",
    AccountState.STOPPED: "Interrupted; the changes made so far are recorded.",
    AccountState.NOT_RUN: "Not begun, because the run ended before.",
}
