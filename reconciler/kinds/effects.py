"""What writes set off, in the words that plans show, and the class of consequence that each is in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

AUTOMATIONS = "starts automations"
MAIL = "may e-mail people"
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
    """How far a change reaches and whether it can be put back."""

    REVERSIBLE = "reversible"
    NEW_ID = "new_id"
    TAKES_ALONG = "takes_along"
    ONE_WAY = "one_way"
    SEEN = "seen_by_customers"


_CLASSES: Mapping[str, Consequence] = {
    AUTOMATIONS: Consequence.SEEN,
    MAIL: Consequence.SEEN,
    ACCESS_GIVEN: Consequence.SEEN,
    ACCESS_TAKEN: Consequence.SEEN,
    ACCESS_LAPSES: Consequence.SEEN,
    PAYMENTS_END: Consequence.SEEN,
    NEW_ID: Consequence.NEW_ID,
    EVENTS_LOST: Consequence.ONE_WAY,
    TAGS_TAKEN: Consequence.TAKES_ALONG,
    VALUES_LOST: Consequence.TAKES_ALONG,
    PERSON_DELETED: Consequence.TAKES_ALONG,
    IRREVERSIBLE: Consequence.ONE_WAY,
}

#: Effects after which a person may find a mail in the box.
MAILING = frozenset({AUTOMATIONS, MAIL})


def classes_of(effects: Iterable[str]) -> tuple[Consequence, ...]:
    """The classes that a change is in, mildest first; without effects it is reversible."""
    found = {_CLASSES[effect] for effect in effects if effect in _CLASSES}
    return tuple(each for each in Consequence if each in found) or (Consequence.REVERSIBLE,)
