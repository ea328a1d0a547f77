"""The bytes of a YAML file → the same in canonical order and style, proved to say the same; or why they stay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.config import yaml_loader
from reconciler.config.positions import Node
from reconciler.config.problems import Complaint, raise_if_any
from reconciler.edit import layout, printing
from reconciler.edit.layout import Unmovable
from reconciler.errors import ConfigurationError
from reconciler.kinds.canonical_order import Order

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*", re.MULTILINE)
_ODD_BREAKS = re.compile("[\x85\u2028\u2029]")
_ANCHORS = "an alias would come before its anchor; the order was kept"


class Formatted(NamedTuple):
    """The text as it should be. ``note``: what was not done to it, and why. ``known``: it holds a key of ours."""

    text: str
    note: str = ""
    known: bool = True


def formatted(content: bytes, file: str, order: Order, *, apart: bool = True) -> Formatted:
    """One file in the order and style of the project's files; ``apart``: blank lines between its top keys.

    Raises ConfigurationError with every position where it cannot be read.
    """
    decoded = yaml_loader.decode(content, file)
    if isinstance(decoded, Complaint):
        raise_if_any([decoded])
    text = str(decoded).replace("\r\n", "\n").replace("\r", "\n")
    tree = yaml_loader.parse(text, file)
    known = not tree or (isinstance(tree, Mapping) and not order.keys.keys().isdisjoint(tree))
    if not tree and not re.sub(_COMMENT, "", text).strip():
        return Formatted(_bare(text))
    if _ODD_BREAKS.search(text):
        return Formatted(text, "it has line breaks that readers of YAML do not agree on", known)
    try:
        return _printed(text, tree, file, order, apart)._replace(known=known)
    except Unmovable as why:
        return Formatted(text, str(why), known)


def _printed(text: str, tree: Node, file: str, order: Order, apart: bool) -> Formatted:
    for sort in (True, False):
        found = layout.read(text)
        result = printing.printed(found, text, order, apart=apart, sort=sort)
        if result == text or _says_the_same(found.comments, tree, result, file, order):
            return Formatted(result, "" if sort else _ANCHORS)
    raise Unmovable("it could not be formatted without changing what it says")


def _says_the_same(comments: list[str], tree: Node, result: str, file: str, order: Order) -> bool:
    """Nothing is believed: the result is read again, and its comments are counted."""
    try:
        again = yaml_loader.parse(result, file)
    except ConfigurationError:
        return False
    if again != tree and _unordered(again, order) != _unordered(tree, order):
        return False
    return not comments or sorted(layout.read(result).comments) == sorted(comments)


def _unordered(tree: Any, order: Order) -> Any:
    """The tree with each section that is sorted as a sorted list."""
    if not isinstance(tree, Mapping):
        return tree
    return {
        key: sorted(map(_frozen, value), key=repr) if isinstance(value, list) and order.of(key).rank else value
        for key, value in tree.items()
    }


def _frozen(node: Any) -> Any:
    if isinstance(node, Mapping):
        return tuple(sorted((key, repr(_frozen(value))) for key, value in node.items()))
    return tuple(map(_frozen, node)) if isinstance(node, list) else node


def _bare(text: str) -> str:
    """A file of comments and blank lines."""
    return "\n".join(printing.thin(line.rstrip() for line in text.strip().split("\n"))) + "\n" if text.strip() else ""
