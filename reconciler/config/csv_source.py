"""Reads the rows of a CSV file that a block refers to with ``csv``, or reports every error in the file.

The file is read as a stream and kept as columns of text. Errors in the file carry the line and column of the CSV
file; errors in the block, such as a missing column, carry the position in the YAML file.
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

from reconciler.config import encodings, files
from reconciler.config.positions import MappingNode
from reconciler.config.problems import MAX_FINDINGS, Finding, count, shown, suggest
from reconciler.config.yaml_errors import FORBIDDEN
from reconciler.errors import ConfigurationError
from reconciler.kinds.csv_options import CsvForm
from reconciler.kinds.email import identity
from reconciler.model.csv_rows import CsvRows
from reconciler.model.values import Origin, clean

#: Rows that one CSV file may have; a larger file is probably the wrong one.
MOST_ROWS = 1_000_000
#: Names of a column of addresses, in small letters and without blanks, dashes and underscores.
USUAL = frozenset(
    "email mail emailaddress emailadresse mailadresse adresseemail adressemail courriel email1value".split(" ")
)
#: Delimiters that spreadsheet exports use.
DELIMITERS = (";", "\t", "|", ",")
#: Stripped around an e-mail address; any other white space in an address is refused.
BLANKS = " \t\r\n"


class CsvRoots(NamedTuple):
    """The folders that may contain CSV files, and the folder that displayed names are relative to.

    ``hides_values``: no message shows a value.
    """

    roots: Sequence[Path]
    cwd: Path | None = None
    hides_values: bool = False


class CsvReference(NamedTuple):
    """The ``csv`` options of a block. ``at`` returns the position of an option."""

    file: str
    column: str | None
    delimiter: str
    encoding: str
    fields: Table[str, str]
    clears: bool
    at: Callable[[str], Origin]


class _BrokenCsv(Exception):
    """The rest of the file cannot be read; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


def read(
    block: MappingNode, form: CsvForm, schema: Table[str, Any], place: CsvRoots, warn: Callable[[Finding], None]
) -> tuple[CsvRows | None, list[Finding]]:
    """The rows of a block that has a ``csv``, or None and the errors in it."""
    wanted = _wanted(block)
    if wanted is None or any(form.cell(name) is None for name in wanted.fields):
        return None, []  # invalid, and reported by validation
    try:
        path = files.locate(wanted.file, place.roots)
    except ConfigurationError as error:
        return None, [Finding(wanted.at("file"), *error.problems[0][1:])]
    reading = _CsvReading(wanted, form, schema, files.shown_name(path, place.cwd), place.hides_values)
    try:
        with path.open("rb") as raw:
            head = raw.peek(8)[:8]
            mismatch = encodings.another_format(head, path) or encodings.marked(head, wanted.encoding)
            if mismatch:
                raise _BrokenCsv(Finding(Origin(reading.name, 1, 1), *mismatch))
            with encodings.opened(raw, wanted.encoding) as stream:
                rows = reading.rows(stream)
                if rows:
                    reading.warn_of_damage(rows, warn)
    except _BrokenCsv as broken:
        return None, [*reading.findings, broken.finding]
    except UnicodeError:
        return None, [encodings.undecodable(path, wanted.encoding, reading.name)]
    except OSError as error:
        what = f"cannot read {reading.name}: {(error.strerror or str(error)).lower()}"
        return None, [Finding(wanted.at("file"), what, "check its permissions")]
    return rows, reading.findings


def _wanted(block: MappingNode) -> CsvReference | None:
    """The options of the short or the long form; None where the block does not match the schema."""
    node = block["csv"]
    if isinstance(node, str):
        return CsvReference(node, None, ",", "utf-8", {}, False, lambda key: block.value_origin("csv"))
    if not isinstance(node, MappingNode):
        return None
    fields = node.get("fields", MappingNode.at(node.file))
    if not isinstance(fields, MappingNode):
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

    return CsvReference(
        node["file"], node.get("column"), delimiter, encoding, dict(fields), node.get("empty", "") is None, at
    )


class _CsvReading:
    """State of reading one file: its name, the wanted columns, the errors found so far."""

    def __init__(
        self, wanted: CsvReference, form: CsvForm, schema: Table[str, Any], name: str, hides_values: bool
    ) -> None:
        self.findings: list[Finding] = []
        self.name = name
        self._wanted, self._form, self._hides_values = wanted, form, hides_values
        self._delimiter = wanted.delimiter
        self._definitions = schema.get("definitions", {})
        self._wrong = 0
        self._seen: dict[str, int] = {}

    def rows(self, stream: TextIO) -> CsvRows | None:
        """Every row below the header. Raises _BrokenCsv where the rest cannot be read."""
        lines = CsvLines(stream, self._wanted.delimiter, self._broken)
        self._delimiter = lines.delimiter
        reader = csv.reader(lines, delimiter=lines.delimiter, strict=True, skipinitialspace=True)
        numbered = self._numbered(reader, lines.skipped)
        first = next(numbered, None)
        if first is None:
            raise self._broken(1, 1, "the file is empty", _NOBODY)
        header = first[1]
        columns = self._columns(header)
        if columns is None:
            return None
        headed = "@" not in header[columns[self._form.fills]]
        return self._collect(numbered if headed else _chain(first, numbered), len(header), columns, lines)

    def _collect(
        self, numbered: Iterator[tuple[int, list[str]]], width: int, columns: dict[str, int], lines: CsvLines
    ) -> CsvRows | None:
        numbers, places = array("L"), array("L")
        cells: dict[str, list[str]] = {name: [] for name in columns}
        checks = [(name, index, cells[name].append, self._approval(name)) for name, index in columns.items()]
        address = columns[self._form.fills]
        for line, row in numbered:
            if len(row) != width and (fault := _width_fault(row, width)):
                self._say(line, 1, *fault)
                continue
            place = 1 if address == 0 else column_of(lines.text, address, self._delimiter)
            if width == 1 and (sign := _delimiter_in(row[0], self._delimiter)):
                self._say(line, 1, "expected one address in this row", _named_delimiter(sign))
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
        return self._ended(CsvRows(self.name, numbers, places, cells, self._wanted.clears))

    def _ended(self, rows: CsvRows) -> CsvRows | None:
        if not rows and not self._wrong:
            self._say(1, 1, "the file has a header but no rows", _NOBODY)
        if self._wrong > MAX_FINDINGS:
            what = f"{self._wrong:,} errors in this file; the first {MAX_FINDINGS:,} are listed"
            self.findings.append(Finding(Origin(self.name, 1, 1), what, "fix these first"))
        return None if self.findings else rows

    def _is_new(self, line: int, place: int, cell: str) -> bool:
        """Whether the row has an address that no earlier row has."""
        key = identity(_address(cell))
        if not key:
            self._say(line, place, "no e-mail address in this row", "add it, or remove the row")
            return False
        first = self._seen.setdefault(key, line)
        if first == line:
            return True
        what = "address" if self._hides_values else f"address {shown(clean(cell))}"
        self._say(line, place, f"duplicate {what}; first on line {first}", "remove one of them")
        return False

    def _numbered(self, reader: Any, skipped: int) -> Iterator[tuple[int, list[str]]]:
        """Every row that is not blank, with the line on which it begins; ``skipped`` lines precede the first."""
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
                    raise self._broken(line, 1, what, "check the file name, or split the file")
                yield line, row

    def _broken(self, line: int, column: int, what: str, hint: str) -> _BrokenCsv:
        return _BrokenCsv(Finding(Origin(self.name, line, column), what, hint))

    def warn_of_damage(self, rows: CsvRows, warn: Callable[[Finding], None]) -> None:
        """Warn about each column with cells that a spreadsheet has damaged: their number and first position."""
        for name, cells in rows.columns.items():
            spoiled = [index for index, text in enumerate(cells) if text and is_damaged(text)]
            if spoiled:
                example = "" if self._hides_values else f", the first {shown(cells[spoiled[0]])}"
                what = f"{name}: {count(len(spoiled), 'cell')} damaged by a spreadsheet{example}"
                hint = "format the column as text or widen it, then export again"
                warn(Finding(Origin(self.name, rows.lines[spoiled[0]], 1), what, hint))

    def _columns(self, header: Sequence[str]) -> dict[str, int] | None:
        """The index of each wanted column; None after reporting a missing one."""
        names = [clean(cell.replace("\xa0", " ")) for cell in header]
        fills, wanted = self._form.fills, self._wanted
        found = {fills: self._usual(names) if wanted.column is None else self._named(names, wanted.column, "column")}
        found |= {field: self._named(names, column, field) for field, column in wanted.fields.items()}
        return None if any(index < 0 for index in found.values()) else found

    def _usual(self, names: Sequence[str]) -> int:
        """The index of the only column, or of the one with a usual name for addresses; -1 after reporting none."""
        if len(names) == 1 and not _delimiter_in(names[0], self._delimiter) and not names[0].startswith("#"):
            return 0
        usual = [index for index, name in enumerate(names) if re.sub("[-_ ]", "", name.casefold()) in USUAL]
        if len(usual) == 1:
            return usual[0]
        which = "two columns" if usual else "no column"
        self._absent("column", f"{which} of {self.name} {'are' if usual else 'is'} called `email`", names)
        return -1

    def _named(self, names: Sequence[str], column: str, key: str) -> int:
        """The index of a column by name, by name in another case, or by number from 1; -1 after reporting none."""
        wanted = clean(column)
        for same in (names, [name.casefold() for name in names]):
            wanted = wanted if same is names else wanted.casefold()
            if same.count(wanted) > 1:
                what = f"several columns of {self.name} are called {shown(column)}"
                self.findings.append(Finding(self._wanted.at(key), what, "use the column number, from 1"))
                return -1
            if wanted in same:
                return same.index(wanted)
        if column.isascii() and column.isdigit() and 0 < int(column[:6]) <= len(names):
            return int(column) - 1
        self._absent(key, f"{self.name} has no column {shown(column)}", names, column)
        return -1

    def _absent(self, key: str, what: str, names: Sequence[str], column: str = "") -> None:
        hint = suggest(column, [shown(name)[1:-1] for name in names if name], noun="columns")
        if self._hides_values:  # without a header line these are the cells of a person
            hint = f"use a column number from 1 to {len(names):,}"
        if other := _delimiter_in(self._delimiter.join(names), self._delimiter):
            hint = _named_delimiter(other)
        elif names[0].startswith("#"):
            hint = "the first line looks like a comment: remove it, so that the header comes first"
        elif not column:
            hint = f"name the column of the addresses, e.g. `column: 1`; {hint}"
        self.findings.append(Finding(self._wanted.at(key), what, hint))

    def _schema(self, name: str) -> dict[str, Any]:
        return {**(self._form.cell(name) or {}), "definitions": self._definitions}

    def _approval(self, name: str) -> Callable[[str], bool]:
        approval: Callable[[str], bool] = jsonschema_rs.Draft7Validator(self._schema(name)).is_valid
        return approval

    def _refuse(self, name: str, text: str, line: int, place: int) -> None:
        """Report an invalid cell with the message that the same value has in YAML."""
        if self._wrong >= MAX_FINDINGS:
            self._wrong += 1
            return
        from reconciler.config.validation import explain  # jsonschema takes long to import, and most files are valid

        node = MappingNode.at(self.name, line - 1, place - 1)
        node.marks = (0, 0)
        node[name] = text
        schema = {"properties": {name: self._schema(name)}, "definitions": self._definitions}
        hidden = frozenset([id(text)]) if self._hides_values else frozenset()
        for finding in explain(node, schema, hidden):
            what = finding.what if name.replace("_", " ") in finding.what else f"{name}: {finding.what}"
            self._say(line, place, what, finding.hint)

    def _say(self, line: int, place: int, what: str, hint: str) -> None:
        self._wrong += 1
        if self._wrong <= MAX_FINDINGS:
            self.findings.append(Finding(Origin(self.name, line, place), what, hint))


_NOBODY = "to declare an empty list write `contacts: []`, so that a truncated file removes nobody"


def _address(cell: str) -> str:
    """The address in a cell, spelled as it stands there."""
    return unguarded(cell.strip(BLANKS)).strip(BLANKS)


def _delimiter_in(line: str, delimiter: str) -> str:
    """A delimiter that separates more cells of this line than ``delimiter`` does; empty if there is none."""
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
    what = f"this row has {count(len(row), 'cell')}; the header has {width:,}"
    return what, "put a cell that contains the delimiter into quotes" if len(
        row
    ) > width else "keep the delimiters of empty cells"


#: Characters that one line may have, so that a file without line breaks is not read into memory.
LONGEST = 1_000_000


#: The line that sets the delimiter in Excel.
_SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[-+]?[0-9]+([.,][0-9]+)?[eE]\+[0-9]+")
_ERROR = re.compile(r"#+|#[A-Z/0-9]+[!?]|#N/A|#NV")

#: Beginnings that a spreadsheet takes for a formula (OWASP, CSV injection), behind any number of guards.
_FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def guarded(cell: str) -> str:
    """A cell that no spreadsheet evaluates: ``'`` before a possible formula or the ``+`` of a phone number."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """The inverse of :func:`guarded`; a cell without a guard is returned unchanged."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class CsvLines:
    """The lines of a stream; ``text`` is the current one. ``refuse`` creates the error of a line.

    A first line ``sep=;`` is skipped and sets the ``delimiter``; it counts as a line.
    """

    def __init__(self, stream: TextIO, delimiter: str, refuse: Callable[[int, int, str, str], Exception]) -> None:
        self.text = ""
        self.delimiter, self.skipped = delimiter, 0
        self._stream, self._refuse, self._number = stream, refuse, 0
        self._first = self._next()
        if separator := _SEPARATOR.fullmatch(self._first):
            self.delimiter, self.skipped = separator.group(1), 1
            self._first = self._next()

    def __iter__(self) -> Iterator[str]:
        line = self._first
        while line:
            self.text = line
            yield line
            line = self._next()

    def _next(self) -> str:
        """The next line; empty at the end. Raises for one that is too long or holds a control character."""
        line = self._stream.readline(LONGEST + 1)
        self._number += 1
        if len(line) > LONGEST:
            what = f"this line is longer than {count(LONGEST, 'character')}"
            raise self._refuse(self._number, 1, what, "check that this is a CSV file")
        if found := FORBIDDEN.search(line):
            what = f"the character U+{ord(found.group()):04X} is not allowed here"
            raise self._refuse(self._number, found.start() + 1, what, _advice(found.group()))
        return line


def _advice(char: str) -> str:
    if char == "\0":
        return "looks like UTF-16: save it as UTF-8"
    return "looks like Windows-1252: add `encoding: cp1252`" if "\x80" <= char <= "\x9f" else "remove it"


def is_damaged(text: str) -> bool:
    """Whether a spreadsheet replaced the value: ``########``, ``#N/A``, ``3.36123E+10``."""
    if text[0] == "#":
        return bool(_ERROR.fullmatch(text)) and len(text) > 2
    return "+" in text and bool(_SCIENTIFIC.fullmatch(text))


def column_of(text: str, index: int, delimiter: str) -> int:
    """The column, from 1, at which a cell begins on the line ``text``; 1 where the row began on another line."""
    at, place = 0, 0
    while at < index:
        place = _end_of_cell(text, place, delimiter) + 1
        if place > len(text):
            return 1
        at += 1
    return place + 1


def _end_of_cell(text: str, place: int, delimiter: str) -> int:
    """The index of the delimiter after the cell that begins at ``place``; the length of the line if there is none."""
    while text[place : place + 1] == " ":
        place += 1
    quoted = text[place : place + 1] == '"'
    while quoted:
        place = text.find('"', place + 1)
        if place < 0:
            return len(text)
        if text[place + 1 : place + 2] == '"':
            place += 1
            continue
        quoted = False
    end = text.find(delimiter, place)
    return len(text) if end < 0 else end


def words_of(error: csv.Error) -> tuple[str, str]:
    """The message and the advice for an error of the csv module."""
    text = str(error)
    if "field larger" in text:
        return f"a cell is longer than {csv.field_size_limit():,} characters", "check for an unclosed quote"
    if "unexpected end" in text:
        return "unclosed quote", 'close it, or write "" for a quote inside a cell'
    if "expected after" in text:
        return "unescaped quote inside a quoted cell", 'write "" for a quote inside a cell'
    return f"invalid CSV: {text}", "save it again as CSV"
