"""What writes set off, and how far it reaches."""

from reconciler.kinds import KINDS
from reconciler.kinds.effects import AUTOMATIONS, IRREVERSIBLE, MAIL, PERSON_DELETED, Consequence, classes_of


def test_without_effects_a_change_can_be_put_back() -> None:
    """Nothing said, or something not classed."""
    assert classes_of(()) == (Consequence.REVERSIBLE,)
    assert classes_of(("unheard of",)) == (Consequence.REVERSIBLE,)


def test_classes_come_mildest_first_and_once() -> None:
    """Whatever the order of the effects."""
    found = classes_of((MAIL, IRREVERSIBLE, AUTOMATIONS, PERSON_DELETED))
    assert found == (Consequence.CASCADES, Consequence.IRREVERSIBLE, Consequence.SEEN)


def test_every_effect_of_every_kind_is_classed() -> None:
    """No kind invents a word that nobody reads."""
    for kind in KINDS.values():
        for effects in kind.effects.values():
            assert all(classes_of((effect,)) != (Consequence.REVERSIBLE,) for effect in effects)
