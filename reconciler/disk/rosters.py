"""The CSV file that a block names as its ``roster`` → the rows that it adds, or everything that is wrong in it.

The file is read as a stream and kept as columns of text. Problems carry the line and column of the CSV file; what is
wrong about the block itself, a column that is not there, carries those of the YAML.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Table
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import jsonschema_rs

from reconciler.disk import encodings, files
from reconciler.disk.cells import Lines, column_of, is_damaged, unguarded, words_of
from reconciler.disk.findings import Finding, count, shown, suggest
from reconciler.disk.nodes import Mapping
from reconciler.errors import ConfigurationError
from reconciler.kinds.email import identity
from reconciler.kinds.rosters import RosterForm
from reconciler.model.rows import Rows
from reconciler.model.values import Origin, clean

#: So many wrong rows of one file are told; the rest is counted.
TOLD = 50
#: A roster has at most so many rows: whoever has more has named another file.
MOST_ROWS = 1_000_000
#: Names of a column of addresses, in small letters and without blanks, dashes and underscores.
USUAL = frozenset(
    "email mail emailaddress emailadresse mailadresse adresseemail adressemail courriel email1value".split(" ")
)
#: What separates cells in files that people export.
DELIMITERS = (";", "\t", "|", ",")
#: Taken away around an address; any other white space in a cell of addresses is refused.
BLANKS = " \t\r\n"


class Place(NamedTuple):
    """Where rosters are: the folders below which they may lie, and the folder that names are shown from."""

    roots: Sequence[Path]
    cwd: Path | None = None
    discreet: bool = False


class Wanted(NamedTuple):
    """What a block says of its roster. ``at`` gives the position of a key of the long form, or of the short form."""

    file: str
    column: str | None
    delimiter: str
    encoding: str
    fields: Table[str, str]
    clears: bool
    at: Callable[[str], Origin]


class _Broken(Exception):
    """Nothing after this can be read; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


def read(
    block: Mapping, form: RosterForm, schema: Table[str, Any], place: Place, warn: Callable[[Finding], None]
) -> tuple[Rows | None, list[Finding]]:
    """The rows of a block that has a ``roster``, or None and what is wrong with it."""
    wanted = _wanted(block)
    if wanted is None or any(form.cell(name) is None for name in wanted.fields):
        return None, []  # not valid, and validation says so
    try:
        path = files.locate(wanted.file, place.roots)
    except ConfigurationError as error:
        return None, [Finding(wanted.at("file"), *error.problems[0][1:])]
    reading = _Reading(wanted, form, schema, files.shown_name(path, place.cwd), place.discreet)
    try:
        with path.open("rb") as raw:
            head = raw.peek(8)[:8]
            mismatch = encodings.another_format(head, path) or encodings.marked(head, wanted.encoding)
            if mismatch:
                raise _Broken(Finding(Origin(reading.name, 1, 1), *mismatch))
            with encodings.opened(raw, wanted.encoding) as stream:
                rows = reading.rows(stream)
                if rows:
                    reading.warn_of_damage(rows, warn)
    except _Broken as broken:
        return None, [*reading.findings, broken.finding]
    except UnicodeError:
        return None, [encodings.undecodable(path, wanted.encoding, reading.name)]
    except OSError as error:
        what = f"{reading.name} cannot be read: {(error.strerror or str(error)).lower()}"
        return None, [Finding(wanted.at("file"), what, "check its rights")]
    return rows, reading.findings


def _wanted(block: Mapping) -> Wanted | None:
    """Both forms as one; None where the mapping is not as the schema has it."""
    node = block["roster"]
    if isinstance(node, str):
        return Wanted(node, None, ",", "utf-8", {}, False, lambda key: block.value_origin("roster"))
    fields = node.get("fields", Mapping.at(node.file)) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or not isinstance(fields, Mapping):
        return None
    texts = [node.get("file"), node.get("column", ""), *(fields[name] for name in fields)]
    delimiter, encoding = node.get("delimiter", ","), node.get("encoding", "utf-8")
    if not all(isinstance(text, str) for text in texts) or not encodings.is_known(encoding):
        return None
    delimiter = "\t" if delimiter == "tab" else delimiter
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n ':
        return None

    def at(key: str) -> Origin:
        return fields.value_origin(key) if key in fields else node.value_origin(key)

    return Wanted(
        node["file"], node.get("column"), delimiter, encoding, dict(fields), node.get("empty", "") is None, at
    )  # fmt: skip


class _Reading:
    """The state of reading one file: what it is called, which columns are wanted, what was found wrong."""

    def __init__(self, wanted: Wanted, form: RosterForm, schema: Table[str, Any], name: str, discreet: bool) -> None:
        self.findings: list[Finding] = []
        self.name = name
        self._wanted, self._form, self._discreet = wanted, form, discreet
        self._delimiter = wanted.delimiter
        self._definitions = schema.get("definitions", {})
        self._wrong = 0
        self._seen: dict[str, int] = {}

    def rows(self, stream: TextIO) -> Rows | None:
        """Every row below the header. Raises _Broken where nothing more can be read."""
        lines = Lines(stream, self._wanted.delimiter, self._broken)
        self._delimiter = lines.delimiter
        reader = csv.reader(lines, delimiter=lines.delimiter, strict=True, skipinitialspace=True)
        numbered = self._numbered(reader, lines.skipped)
        first = next(numbered, None)
        if first is None:
            raise self._broken(1, 1, "this file is empty", _NOBODY)
        header = first[1]
        columns = self._columns(header)
        if columns is None:
            return None
        headed = "@" not in header[columns[self._form.fills]]
        return self._collect(numbered if headed else _chain(first, numbered), len(header), columns, lines)

    def _collect(
        self, numbered: Iterator[tuple[int, list[str]]], width: int, columns: dict[str, int], lines: Lines
    ) -> Rows | None:
        numbers, places = array("L"), array("L")
        cells: dict[str, list[str]] = {name: [] for name in columns}
        checks = [(name, index, cells[name].append, self._gate(name)) for name, index in columns.items()]
        address = columns[self._form.fills]
        for line, row in numbered:
            if len(row) != width and (fault := _width_fault(row, width)):
                self._say(line, 1, *fault)
                continue
            place = 1 if address == 0 else column_of(lines.text, address, self._delimiter)
            if width == 1 and (sign := _delimiter_in(row[0], self._delimiter)):
                self._say(line, 1, "this row holds more than an address", _named_delimiter(sign))
                continue
            if not self._is_new(line, place, row[address]):
                continue
            numbers.append(line)
            places.append(place)
            for name, index, keep, is_valid in checks:
                text = _address(row[index]) if index == address else clean(unguarded(clean(row[index])))
                keep(text)
                if text and not is_valid(text):
                    self._refuse(name, text, line, column_of(lines.text, index, self._delimiter))
        return self._ended(Rows(self.name, numbers, places, cells, self._wanted.clears))

    def _ended(self, rows: Rows) -> Rows | None:
        if not rows and not self._wrong:
            self._say(1, 1, "no row follows the header", _NOBODY)
        if self._wrong > TOLD:
            what = f"{self._wrong:,} things are wrong in this file; {TOLD} of them are told"
            self.findings.append(Finding(Origin(self.name, 1, 1), what, "repair these first"))
        return None if self.findings else rows

    def _is_new(self, line: int, place: int, cell: str) -> bool:
        """Whether the row has an address that no row before it has."""
        key = identity(_address(cell))
        if not key:
            self._say(line, place, "there is no address in this row", "write it, or remove the row")
            return False
        first = self._seen.setdefault(key, line)
        if first == line:
            return True
        what = "this address" if self._discreet else shown(clean(cell))
        self._say(line, place, f"{what} is in this file twice; the first is in line {first}", "remove one of them")
        return False

    def _numbered(self, reader: Any, skipped: int) -> Iterator[tuple[int, list[str]]]:
        """Every row that is not blank, with the line on which it begins; ``skipped`` lines stand above the first."""
        before, rows = skipped, 0
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise self._broken(before + 1, 1, *words_of(error)) from None
            if row is None:
                return
            line, before = before + 1, reader.line_num + skipped
            if any(row) and any(map(str.strip, row)):
                rows += 1
                if rows > MOST_ROWS:
                    what = f"this file has more than {MOST_ROWS:,} rows"
                    raise self._broken(line, 1, what, "is it the right one? if so, split it")
                yield line, row

    def _broken(self, line: int, column: int, what: str, hint: str) -> _Broken:
        return _Broken(Finding(Origin(self.name, line, column), what, hint))

    def warn_of_damage(self, rows: Rows, warn: Callable[[Finding], None]) -> None:
        """A warning for each column with cells that a spreadsheet has spoiled: how many, and where the first is."""
        for name, cells in rows.columns.items():
            spoiled = [index for index, text in enumerate(cells) if text and is_damaged(text)]
            if spoiled:
                example = "" if self._discreet else f", the first {shown(cells[spoiled[0]])}"
                what = f"{name}: {count(len(spoiled), 'cell')} spoiled by a spreadsheet{example}"
                hint = "format the column as text or make it wider, and export it again"
                warn(Finding(Origin(self.name, rows.lines[spoiled[0]], 1), what, hint))

    def _columns(self, header: Sequence[str]) -> dict[str, int] | None:
        """The index of each column that is wanted; None when one is not there, which is then said."""
        names = [clean(cell.replace("\xa0", " ")) for cell in header]
        fills, wanted = self._form.fills, self._wanted
        found = {fills: self._usual(names) if wanted.column is None else self._named(names, wanted.column, "column")}
        found |= {field: self._named(names, column, field) for field, column in wanted.fields.items()}
        return None if any(index < 0 for index in found.values()) else found

    def _usual(self, names: Sequence[str]) -> int:
        """The only column, or the one that is called as such columns are; -1 where it has to be said."""
        if len(names) == 1 and not _delimiter_in(names[0], self._delimiter) and not names[0].startswith("#"):
            return 0
        usual = [index for index, name in enumerate(names) if re.sub("[-_ ]", "", name.casefold()) in USUAL]
        if len(usual) == 1:
            return usual[0]
        which = "two columns" if usual else "no column"
        self._absent("column", f"{which} of {self.name} {'are' if usual else 'is'} called `email`", names)
        return -1

    def _named(self, names: Sequence[str], column: str, key: str) -> int:
        """By name, by name in another case, or by number from 1; -1 and a word about it where there is none."""
        wanted = clean(column)
        for same in (names, [name.casefold() for name in names]):
            wanted = wanted if same is names else wanted.casefold()
            if same.count(wanted) > 1:
                what = f"several columns of {self.name} are called {shown(column)}"
                self.findings.append(Finding(self._wanted.at(key), what, "name it by its number, from 1"))
                return -1
            if wanted in same:
                return same.index(wanted)
        if column.isascii() and column.isdigit() and 0 < int(column[:6]) <= len(names):
            return int(column) - 1
        self._absent(key, f"{self.name} has no column {shown(column)}", names, column)
        return -1

    def _absent(self, key: str, what: str, names: Sequence[str], column: str = "") -> None:
        hint = suggest(column, [shown(name)[1:-1] for name in names if name], noun="columns")
        if self._discreet:  # without a header line these are the cells of a person
            hint = f"columns may be named by number, 1 to {len(names):,}"
        if other := _delimiter_in(self._delimiter.join(names), self._delimiter):
            hint = _named_delimiter(other)
        elif names[0].startswith("#"):
            hint = "its first line looks like a comment: remove it, so that the header is the first line"
        elif not column:
            hint = f"say which holds the addresses, e.g. `column: 1`; {hint}"
        self.findings.append(Finding(self._wanted.at(key), what, hint))

    def _schema(self, name: str) -> dict[str, Any]:
        return {**(self._form.cell(name) or {}), "definitions": self._definitions}

    def _gate(self, name: str) -> Callable[[str], bool]:
        gate: Callable[[str], bool] = jsonschema_rs.Draft7Validator(self._schema(name)).is_valid
        return gate

    def _refuse(self, name: str, text: str, line: int, place: int) -> None:
        """What the schema says about a cell, in the words that it has for the same value in YAML."""
        if self._wrong >= TOLD:
            self._wrong += 1
            return
        from reconciler.disk.explain import explain  # jsonschema takes long to import, and most files are valid

        node = Mapping.at(self.name, line - 1, place - 1)
        node.marks = (0, 0)
        node[name] = text
        schema = {"properties": {name: self._schema(name)}, "definitions": self._definitions}
        hidden = frozenset([id(text)]) if self._discreet else frozenset()
        for finding in explain(node, schema, hidden):
            what = finding.what if name.replace("_", " ") in finding.what else f"{name}: {finding.what}"
            self._say(line, place, what, finding.hint)

    def _say(self, line: int, place: int, what: str, hint: str) -> None:
        self._wrong += 1
        if self._wrong <= TOLD:
            self.findings.append(Finding(Origin(self.name, line, place), what, hint))


_NOBODY = "an empty list is written in YAML, so that a file that was cut off removes nobody: `contacts: []`"


def _address(cell: str) -> str:
    """The address in a cell, spelled as it stands there."""
    return unguarded(cell.strip(BLANKS)).strip(BLANKS)


def _delimiter_in(line: str, delimiter: str) -> str:
    """The sign that separates more cells of this line than its delimiter does, if there is one."""
    best = max(DELIMITERS, key=line.count)
    return best if line.count(best) > line.count(delimiter) else ""


def _named_delimiter(sign: str) -> str:
    name = "tab" if sign == "\t" else f"'{sign}'"
    return f"the file appears to use {name} as delimiter: add `delimiter: {name}`"


def _chain(first: tuple[int, list[str]], rest: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    yield first
    yield from rest


def _width_fault(row: Sequence[str], width: int) -> tuple[str, str] | None:
    """Cells beyond the header are a fault unless they are empty; missing ones always are."""
    if len(row) > width and not any(row[width:]):
        return None
    what = f"this row has {count(len(row), 'cell')}, and the first one has {width:,}"
    return what, "quote a cell that holds the delimiter" if len(row) > width else "write empty cells out"
