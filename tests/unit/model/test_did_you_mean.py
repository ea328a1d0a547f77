"""Near names for messages."""

import pytest

from reconciler.model.did_you_mean import near

MANY = ["Alpha", "Beta", "Gamma", "Delta"]


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("VIPP", ["VIP", "Gold"], '"VIP"'),
        ("vip", ["VIP", *MANY], '"VIP"'),
        ("zzz", ["b", "a", "a"], '"a", "b"'),
        ("zzz", MANY, ""),
        ("x", [], ""),
    ],
)
def test_near_names_else_all_of_few_else_none(name: str, known: list[str], text: str) -> None:
    """Case does not matter, doubles do not count."""
    assert near(name, known) == text


def test_among_very_many_names_only_those_that_begin_alike_are_compared() -> None:
    """Comparing each of a hundred thousand contacts takes longer than reading them."""
    many = [f"{n}@example.com" for n in range(3000)] + ["VIP", "VIPs"]
    assert near("vipp", many) == '"VIP", "VIPs"'
    assert near("zz", many) == ""
