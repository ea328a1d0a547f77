"""Documents → YAML as people write it: any indentation, quotes, brackets, comments, blank lines."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from reconciler.edit.yaml_writer import is_plain, scalar

#: What stands in a line without quotes, in brackets and out of them, and is read as this text.
BARE = re.compile(r"[^\W_][\w.@-]*(?: [\w.@-]+)*")


class Writer:
    """``write`` makes the text of one document; ``random`` makes every choice."""

    def __init__(self, random: Random, *, calm: bool = False) -> None:
        self.random, self.calm = random, calm
        self.lines: list[str] = []
        self.comments = 0
        self.in_text = False  # what is indented belongs to the lines above

    def write(self, document: dict[str, Any]) -> str:
        """A document as the text of a file."""
        self.mapping(document, 0, " ")
        self.around(0, top=0)
        return "\n".join(self.lines) + "\n" * self.random.randint(0, 3)

    def chance(self, share: float) -> bool:
        """Whether something happens that happens this often."""
        return not self.calm and self.random.random() < share

    def comment(self) -> str:
        """One that is nowhere else."""
        self.comments += 1
        return f"# {'x: [y] ' * self.chance(0.1)}{self.comments}" + " " * self.chance(0.1)

    def around(self, indent: int, *, top: int) -> None:
        """Blank lines and comments on lines of their own; ``top``: how deep one may begin."""
        while self.chance(0.25):
            depth = self.random.randint(0, top) if self.chance(0.3) and not self.in_text else indent
            blank = "" if self.in_text else " " * self.random.randint(0, 3)
            self.lines.append(self.random.choice(["", blank, " " * depth + self.comment()]))

    def line(self, text: str, *, open_end: bool = False) -> None:
        """A line of code, with a comment behind it at times."""
        self.in_text = False
        behind = " " * self.random.randint(1, 9) + self.comment() if not open_end and self.chance(0.2) else ""
        self.lines.append(text + behind + " " * (2 * self.chance(0.1) if not open_end else 0))

    def mapping(self, mapping: dict[str, Any], indent: int, first: str) -> None:
        """Pairs in any order; the first stands behind ``first``, where that is no blank."""
        pairs = list(mapping.items())
        if not self.calm:
            self.random.shuffle(pairs)
        for index, (key, value) in enumerate(pairs):
            behind = bool(first.strip()) and index == 0
            if not behind:
                self.around(indent, top=indent + 5 if index else indent)
            lead = first if behind else " " * indent
            self.value(f"{lead}{self.key(key)}{' ' * self.chance(0.1)}:", value, indent)

    def value(self, lead: str, value: Any, indent: int) -> None:
        """What stands behind a key or a dash."""
        space = " " * self.random.choice([1, 1, 1, 2, 5])
        if isinstance(value, dict | list) and value and not self.chance(0.35):
            self.line(lead)
            deeper = indent + self.random.choice([2, 2, 4, 3, 1])
            if isinstance(value, dict):
                self.mapping(value, deeper, " ")
            else:
                self.items(value, indent if self.chance(0.3) else deeper)
        elif isinstance(value, dict | list) and value and self.chance(0.3):
            self.spread(lead + space, value, indent)
        elif isinstance(value, str) and self.chance(0.2) and self.fits_block(value):
            pad = " " * (indent + self.random.choice([1, 2, 4]))
            self.lines.append(lead + space + "|-")
            self.lines += [pad + line if line else "" for line in value.split("\n")]
            self.in_text = True
        else:
            self.line(lead + space + self.inline(value))

    def items(self, items: list[Any], indent: int) -> None:
        """A list, item by item."""
        for index, item in enumerate(items):
            self.around(indent, top=indent + 5 if index else indent)
            dash = " " * indent + "-" + " " * self.random.choice([1, 1, 1, 3])
            if isinstance(item, dict) and not self.chance(0.3):
                if self.chance(0.1):
                    self.line(dash.rstrip())
                    dash = " " * len(dash)
                self.mapping(item, len(dash), dash)
            else:
                self.line(dash + self.inline(item))

    def spread(self, lead: str, value: Any, indent: int) -> None:
        """Brackets over several lines."""
        pad, ends = " " * (indent + self.random.randint(1, 6)), "{}" if isinstance(value, dict) else "[]"
        self.line(lead + ends[0])
        parts = (
            [f"{self.key(key)}: {self.inline(each)}" for key, each in value.items()]
            if ends == "{}"
            else [self.inline(each) for each in value]
        )
        for part in parts:
            self.line(pad + part + ",")
            if self.chance(0.1):
                self.lines.append(pad + self.comment())
        self.line(pad + ends[1])

    def inline(self, value: Any) -> str:
        """A value on one line."""
        blank, comma = " " * self.chance(0.2), "," + " " * self.random.choice([1, 1, 2])
        if isinstance(value, dict):
            inner = comma.join(f"{self.key(key)}: {self.inline(each)}" for key, each in value.items())
            return "{" + blank + inner + blank + "}"
        if isinstance(value, list):
            return "[" + blank + comma.join(map(self.inline, value)) + blank + "]"
        if isinstance(value, str):
            return self.text(value)
        return "null" if value is None else str(value).lower()

    def key(self, key: str) -> str:
        """A key, at times in quotes."""
        return json.dumps(key) if self.chance(0.1) or not key[0].isalpha() or key in ("no", "null") else key

    def text(self, text: str) -> str:
        """A scalar in one of the ways that hold it."""
        if is_plain(text) or (BARE.fullmatch(text) and text not in ("null", "Null", "NULL") and self.chance(0.5)):
            return text if not self.chance(0.3) else self.quoted(text)
        return self.quoted(text)

    def quoted(self, text: str) -> str:
        """In quotes of either sort."""
        if text.isprintable() and self.chance(0.5):
            return "'" + text.replace("'", "''") + "'"
        return scalar(text, '"')

    @staticmethod
    def fits_block(text: str) -> bool:
        """Whether the text can stand as lines of its own."""
        lines = text.split("\n")
        tidy = all(line.isprintable() and line.strip(" ") == line for line in lines)
        return tidy and bool(lines[0]) and bool(lines[-1]) and "\n\n" not in text
