"""The meaning of each value of the closed lists; a value without one stops the generator."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from reconciler.kinds import effects
from reconciler.output.meanings import ACCOUNT_STATES, ACTIONS, ALLOWS, CAUSES, CODES, CONSEQUENCES, PRUNES, STATUSES
from reconciler.planner.drift import Alarm

__all__ = ["ACCOUNT_STATES", "ACTIONS", "ALLOWS", "CAUSES", "CODES", "CONSEQUENCES", "PRUNES", "STATUSES"]

EFFECTS: Mapping[str, str] = {
    effects.AUTOMATIONS: "Automation rules of the account may run: e-mails, campaigns, further tags.",
    effects.MAIL: "Systeme.io may send an e-mail to the person; its documentation does not say.",
    effects.ACCESS_GIVEN: "The person gets access to a course or community.",
    effects.ACCESS_TAKEN: "The person loses access.",
    effects.ACCESS_LAPSES: "The person has no access between the deletion and the creation.",
    effects.NEW_ID: "The resource gets another id; references to the old id elsewhere break.",
    effects.EVENTS_LOST: "Events between the deletion and the creation are not delivered.",
    effects.TAGS_TAKEN: "Every contact loses the tag, unmanaged ones too. The plan counts them.",
    effects.VALUES_LOST: "Every contact loses its value of the field. The plan counts them.",
    effects.PERSON_DELETED: "The contact is deleted, with its tags, enrollments and memberships.",
    effects.PAYMENTS_END: "The customer's payments and access end, now or with the period.",
    effects.IRREVERSIBLE: "It cannot be restored completely; `undo` lists what is lost.",
}

ALARMS: Mapping[Alarm, str] = {
    Alarm.DRIFT: "A managed resource was changed in the account.",
    Alarm.CONFLICT: "The files and the account changed the same field.",
    Alarm.DELETE: "The plan deletes something.",
}


def complete(words: type[Enum], meanings: Mapping[Enum, str]) -> None:
    """Raises KeyError for a word without a meaning."""
    missing = [word for word in words if word not in meanings]
    if missing:
        raise KeyError(f"no meaning of {missing} in docs/generate/meanings.py")
