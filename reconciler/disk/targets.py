"""A file of patterns, one a line → the patterns and where each stands."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reconciler.disk.files import read
from reconciler.errors import ConfigurationError, Problem


def read_targets(path: Path, name: str) -> dict[str, str]:
    """Position by pattern; raises ConfigurationError for a file that cannot be read, or names nothing."""
    try:
        text = read(path, name).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError([Problem(name, "is not UTF-8", "save it as UTF-8")]) from None
    return parse_targets(text.splitlines(), name)


def parse_targets(lines: Iterable[str], name: str) -> dict[str, str]:
    """Blank lines and those that begin with ``#`` say nothing. An empty choice is no choice of everything."""
    patterns: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            patterns.setdefault(pattern, f"{name}:{number}")
    if not patterns:
        raise ConfigurationError([Problem(name, "names nothing", "write one address or pattern a line")])
    return patterns
