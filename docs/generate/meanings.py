"""What each word of the closed lists means, in one sentence; a word without one stops the generator."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from reconciler.engine.drift import Alarm
from reconciler.kinds import effects
from reconciler.kinds.effects import Consequence
from reconciler.model.plan import Action, Cause
from reconciler.model.report import Status
from reconciler.render.meanings import ALLOWS, CODES, PRUNES

__all__ = ["ALLOWS", "CODES", "PRUNES"]

ACTIONS: Mapping[Action, str] = {
    Action.CREATE: "Make it.",
    Action.ADOPT: "Take over what is there under the natural key; only what differs is written.",
    Action.UPDATE: "Change the fields that differ, in one call.",
    Action.REPLACE: "Delete and create, because something differs that is set once.",
    Action.DELETE: "Delete it.",
    Action.FORGET: "Drop it from the ledger; nothing is sent.",
    Action.NOOP: "It is as it should be. Not listed.",
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

EFFECTS: Mapping[str, str] = {
    effects.AUTOMATIONS: "The account's rules may run: mails, campaigns, further tags.",
    effects.MAIL: "The vendor may write to the person; its document does not say whether it does.",
    effects.ACCESS_GIVEN: "The person can see a course or community.",
    effects.ACCESS_TAKEN: "The person can no longer see it.",
    effects.ACCESS_LAPSES: "Between the deletion and the creation there is no access.",
    effects.NEW_ID: "The account gives it another id; what refers to the old one elsewhere breaks.",
    effects.EVENTS_LOST: "What happens between deletion and creation is not delivered.",
    effects.TAGS_TAKEN: "Every contact loses the tag, foreign ones too. The plan counts them.",
    effects.VALUES_LOST: "Every contact loses what it has in the field. The plan counts them.",
    effects.PERSON_DELETED: "The contact goes, with its tags, enrollments and memberships.",
    effects.PAYMENTS_END: "The customer pays no more and loses what was paid for, now or with the period.",
    effects.IRREVERSIBLE: "It cannot be put back as it was; `undo` says first what stays lost.",
}

CONSEQUENCES: Mapping[Consequence, str] = {
    Consequence.REVERSIBLE: "Can be put back as it was.",
    Consequence.NEW_ID: "Can be put back, under another id.",
    Consequence.TAKES_ALONG: "Takes along what belongs to it.",
    Consequence.ONE_WAY: "Cannot be put back.",
    Consequence.SEEN: "People notice: mail, access, money.",
}

ALARMS: Mapping[Alarm, str] = {
    Alarm.DRIFT: "The account changed what is ours.",
    Alarm.CONFLICT: "The files and the account changed the same field.",
    Alarm.DELETE: "Something would be deleted.",
}

STATUSES: Mapping[Status, str] = {
    Status.DONE: "Carried out.",
    Status.PENDING: "Accepted, and not shown by the account yet.",
    Status.FAILED: "Refused, or unanswered and not found by looking; `message` says why.",
    Status.SKIPPED: "Something that it needs failed.",
    Status.NOT_RUN: "The run was stopped before it.",
}


def complete(words: type[Enum], meanings: Mapping[Enum, str]) -> None:
    """Raises KeyError for a word without a meaning."""
    missing = [word for word in words if word not in meanings]
    if missing:
        raise KeyError(f"no meaning of {missing} in docs/generate/meanings.py")
