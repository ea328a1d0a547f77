"""--target and --exclude."""

import pytest

from reconciler.errors import ConfigurationError
from reconciler.model.plan import Action, Change
from reconciler.planner.targeting import select
from tests.unit.planner.made import ANN, ANN_VIP, GOLD, VIP

CHANGES = (
    Change(ANN, Action.CREATE),
    Change(GOLD, Action.DELETE),
    Change(VIP, Action.CREATE),
    Change(ANN_VIP, Action.CREATE, depends_on=(ANN, VIP)),
)


def chosen(targets: tuple[str, ...] = (), excludes: tuple[str, ...] = ()) -> set[str]:
    return {str(change.address) for change in select(CHANGES, targets, excludes)}


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (("tagging/*",), {"tagging/ann@example.com/VIP", "contact/ann@example.com", "tag/VIP"}),
        (("tag",), {"tag/VIP"}),
        (("tag/Gold",), set()),
        (("contact/a??@example.com", "tag/VIP"), {"contact/ann@example.com", "tag/VIP"}),
    ],
)
def test_a_target_brings_what_it_needs_and_never_deletes(targets: tuple[str, ...], expected: set[str]) -> None:
    """By address, by pattern, by kind."""
    assert chosen(targets) == expected


def test_what_is_excluded_takes_along_what_needs_it() -> None:
    """Deletions stay out only when they are named."""
    assert chosen(excludes=("tag/VIP",)) == {"contact/ann@example.com", "tag/Gold"}
    assert chosen(excludes=("tag",)) == {"contact/ann@example.com"}
    assert chosen(("tagging",), ("contact",)) == {"tag/VIP"}


def test_excluding_what_is_there_already_skips_only_that() -> None:
    """What needs a live one can be made without touching it."""
    changes = (Change(VIP, Action.UPDATE), Change(ANN_VIP, Action.CREATE, depends_on=(VIP,)))
    assert [change.address for change in select(changes, (), ("tag/VIP",))] == [ANN_VIP]


@pytest.mark.parametrize(
    ("pattern", "hint"), [("tag/VIPP", "did you mean"), ("nothing/like/it/at/all/xyz", "no resource")]
)
def test_a_pattern_that_matches_nothing_is_an_error(pattern: str, hint: str) -> None:
    """With near addresses where there are any."""
    with pytest.raises(ConfigurationError, match=hint):
        select(CHANGES, (pattern,), ())
