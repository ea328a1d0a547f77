"""Effects of writes, in the words that plans show, and their consequence class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

AUTOMATIONS = "starts automations"
MAIL = "may send e-mail"
ACCESS_GIVEN = "gives access"
ACCESS_TAKEN = "takes access away"
ACCESS_LAPSES = "access lapses for a moment"
NEW_ID = "takes a new id"
EVENTS_LOST = "events in between are lost"
TAGS_TAKEN = "taken from every contact that carries it"
VALUES_LOST = "destroys its value on every contact"
PERSON_DELETED = "deletes a person"
PAYMENTS_END = "ends payments"
IRREVERSIBLE = "irreversible"


class Consequence(Enum):
    """The reach of a change, and whether it can be reverted."""

    REVERSIBLE = "reversible"
    NEW_ID = "new_id"
    CASCADES = "cascades"
    IRREVERSIBLE = "irreversible"
    SEEN = "seen_by_customers"


_CLASSES: Mapping[str, Consequence] = {
    AUTOMATIONS: Consequence.SEEN,
    MAIL: Consequence.SEEN,
    ACCESS_GIVEN: Consequence.SEEN,
    ACCESS_TAKEN: Consequence.SEEN,
    ACCESS_LAPSES: Consequence.SEEN,
    PAYMENTS_END: Consequence.SEEN,
    NEW_ID: Consequence.NEW_ID,
    EVENTS_LOST: Consequence.IRREVERSIBLE,
    TAGS_TAKEN: Consequence.CASCADES,
    VALUES_LOST: Consequence.CASCADES,
    PERSON_DELETED: Consequence.CASCADES,
    IRREVERSIBLE: Consequence.IRREVERSIBLE,
}

#: Effects that may send an e-mail to a person.
MAILING = frozenset({AUTOMATIONS, MAIL})


def classes_of(effects: Iterable[str]) -> tuple[Consequence, ...]:
    """The consequence classes of a change, mildest first; a change without effects is reversible."""
    found = {_CLASSES[effect] for effect in effects if effect in _CLASSES}
    return tuple(each for each in Consequence if each in found) or (Consequence.REVERSIBLE,)
