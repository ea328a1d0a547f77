"""Markup → what a browser would make of it: elements in order, texts, attributes; what is not nested fails."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input"})


@dataclass
class Element:
    """A tag with its attributes, and all the text below it."""

    tag: str
    attrs: dict[str, str]
    text: str = ""
    inside: tuple[str, ...] = ()


class Parsed(HTMLParser):
    """``elements`` in document order; ``text`` is everything between tags but style and script."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self._open: list[Element] = []
        self.feed(markup)
        self.close()
        assert self._open == [], [each.tag for each in self._open]

    @property
    def text(self) -> str:
        """All of it, pieces apart."""
        return "\n".join(self.texts)

    @property
    def skeleton(self) -> list[tuple[str, ...]]:
        """Tags and the names of their attributes: what no text may change."""
        return [(each.tag, *each.attrs) for each in self.elements]

    def all(self, tag: str, **attrs: str) -> list[Element]:
        """The elements of that tag that have these attributes."""
        return [each for each in self.elements if each.tag == tag and attrs.items() <= each.attrs.items()]

    def of(self, style: str) -> list[Element]:
        """The elements of that class."""
        return [each for each in self.elements if style in each.attrs.get("class", "").split()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        assert len(dict(attrs)) == len(attrs), f"{tag} has an attribute twice"
        element = Element(
            tag, {name: value or "" for name, value in attrs}, inside=tuple(each.tag for each in self._open)
        )
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One that ends at once, as in SVG."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """The innermost element ends, and no other."""
        assert self._open and self._open[-1].tag == tag, f"</{tag}> in {[each.tag for each in self._open]}"
        self._open.pop()

    def handle_data(self, text: str) -> None:
        """Text belongs to everything that is open."""
        for each in self._open:
            each.text += text
        if not {"style", "script"} & {each.tag for each in self._open}:
            self.texts.append(text)
