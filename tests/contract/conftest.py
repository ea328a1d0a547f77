"""The vendor's own description of the interface, where it lies beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.contract.openapi import Interface

HERE = Path(__file__).parent
VENDOR = Path(
    os.environ.get("RECONCILER_VENDOR_OPENAPI") or HERE.parent.parent.parent / "shared/vendor/systeme-openapi.json"
)
#: Beginnings of the paths that the vendor's document does not have yet.
NEWER = ("/api/school/course-modules",)


@pytest.fixture(scope="module")
def vendor() -> Interface:
    """The vendor's document; tests that ask for it are not there without it."""
    return Interface.load(VENDOR)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Our own description stands for the vendor's document where that is not at hand."""
    if VENDOR.is_file():
        return
    held = [item for item in items if "vendor" in getattr(item, "fixturenames", ())]
    items[:] = [item for item in items if item not in held]
    config.hook.pytest_deselected(items=held)
