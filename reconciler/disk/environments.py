"""The environments of ``reconciler.yaml`` → what is wrong between them: no two may use one account or one ledger."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from reconciler.disk import readers
from reconciler.disk.findings import Finding
from reconciler.disk.nodes import Mapping
from reconciler.model.values import Origin

#: What an environment has of one thing, in a form that can be compared; None where two can have it.
Known = Callable[[str, object], str | None]


def default_ledger(environment: str | None) -> str:
    """One file for each environment, and one for the project without any."""
    return f"sqlite:///.reconciler/{environment or 'ledger'}.db"


def clashes(top: Mapping, root: Path) -> Iterator[Finding]:
    """Every second environment with the connection or the ledger of an earlier one, by what the file says; and each
    with the connection of the top level, which has a ledger of its own.

    Flags and variables do not count: they hold for one run, and the file for all of them.
    """
    yield from _shared(top, "connection", lambda name, value: str(value) if value is not None else None)
    yield from _shared(top, "ledger", lambda name, value: _place(str(value or default_ledger(name)), root))


def _place(url: str, root: Path) -> str | None:
    if url == "none":
        return None
    path = readers.sqlite_path(url, root)
    return os.path.realpath(path) if path else url


def _shared(top: Mapping, key: str, known: Known) -> Iterator[Finding]:
    environments: Mapping = top.get("environments") or Mapping.at(top.file)
    first: dict[str, tuple[str, Origin]] = {}
    alone = top.get("connection") if key == "connection" else None
    for name, block in environments.items():
        block = Mapping.at(top.file) if block is None else block
        holder = block if key in block else top
        value = known(name, holder.get(key))
        if value is None:
            continue
        here = holder.value_origin(key) if holder is block else environments.origin(name)
        if value == alone:
            what = f"`{name}` would use the connection of the top level, at {top.value_origin(key)}"
            yield Finding(here, what, "give it a connection of its own, or move that one below it")
            continue
        other, there = first.setdefault(value, (name, here))
        if other != name:
            what = f"`{name}` would use the {key} of `{other}`, at {there}"
            yield Finding(here, what, f"give each environment a {key} of its own")
