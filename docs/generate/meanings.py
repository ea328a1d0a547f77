"""What each word of the closed lists means, in one sentence; a word without one stops the generator."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from reconciler.kinds import effects
from reconciler.output.meanings import ACTIONS, ALLOWS, CAUSES, CODES, CONSEQUENCES, PRUNES, STATUSES
from reconciler.planner.drift import Alarm

__all__ = ["ACTIONS", "ALLOWS", "CAUSES", "CODES", "CONSEQUENCES", "PRUNES", "STATUSES"]

EFFECTS: Mapping[str, str] = {
    effects.AUTOMATIONS: "The account's rules may run: mails, campaigns, further tags.",
    effects.MAIL: "The vendor may write to the person; its document does not say whether it does.",
    effects.ACCESS_GIVEN: "The person can see a course or community.",
    effects.ACCESS_TAKEN: "The person can no longer see it.",
    effects.ACCESS_LAPSES: "Between the deletion and the creation there is no access.",
    effects.NEW_ID: "The account gives it another id; what refers to the old one elsewhere breaks.",
    effects.EVENTS_LOST: "What happens between deletion and creation is not delivered.",
    effects.TAGS_TAKEN: "Every contact loses the tag, unmanaged ones too. The plan counts them.",
    effects.VALUES_LOST: "Every contact loses what it has in the field. The plan counts them.",
    effects.PERSON_DELETED: "The contact goes, with its tags, enrollments and memberships.",
    effects.PAYMENTS_END: "The customer pays no more and loses what was paid for, now or with the period.",
    effects.IRREVERSIBLE: "It cannot be put back as it was; `undo` says first what stays lost.",
}

ALARMS: Mapping[Alarm, str] = {
    Alarm.DRIFT: "The account changed what is ours.",
    Alarm.CONFLICT: "The files and the account changed the same field.",
    Alarm.DELETE: "Something would be deleted.",
}


def complete(words: type[Enum], meanings: Mapping[Enum, str]) -> None:
    """Raises KeyError for a word without a meaning."""
    missing = [word for word in words if word not in meanings]
    if missing:
        raise KeyError(f"no meaning of {missing} in docs/generate/meanings.py")
