"""Near names for messages."""

import pytest

from reconciler.engine.suggest import near

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
