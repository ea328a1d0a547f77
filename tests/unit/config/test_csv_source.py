"""CSV sources: what a CSV file may be, and every way in which it may not."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import csv
import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config import configuration
from reconciler.config.csv_source import column_of
from reconciler.errors import ConfigurationError
from reconciler.kinds import csv_source_forms
from reconciler.kinds.csv_options import ENCODINGS
from reconciler.model.csv_rows import CsvRows

RELATION = "enrollments:\n  - course: Launch\n    access: full_access\n    csv: %s\n"
PEOPLE = "contacts:\n  - csv: %s\n"
NOBODY = "to declare an empty list write `contacts: []`, so that a truncated file removes nobody"


def rows_of(root: Path, content: bytes | str, csv_source: str = "s.csv", text: str = RELATION) -> CsvRows:
    """What one block makes of one file."""
    (root / "s.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    (root / "site.yaml").write_text(text % csv_source)
    (item,) = configuration.load(
        [root / "site.yaml"],
        project=root,
        schema=configuration.files_schema(),
        environ={},
        cwd=root,
        forms=csv_source_forms(),
    )
    assert item.rows is not None
    return item.rows


def addresses(*arguments, **more) -> list[tuple[int, int, str]]:
    """Line, column and text of each address."""
    rows = rows_of(*arguments, **more)
    (column,) = (rows.columns[name] for name in ("contact", "email") if name in rows.columns)
    return list(zip(rows.lines, rows.places, column, strict=True))


def refused(*arguments, **more) -> list[str]:
    """The problems, as lines."""
    with pytest.raises(ConfigurationError) as caught:
        rows_of(*arguments, **more)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("content", "csv_source"),
    [
        ("ann@example.com\nbob@example.com\n", "s.csv"),
        ("whoever\nann@example.com\nbob@example.com", "s.csv"),
        ("\r\nEmail\r\nann@example.com\r\n\r\nbob@example.com\r\n", "s.csv"),
        ("n,E-Mail Address\nA,ann@example.com\nB, bob@example.com ,\n,,\n", "s.csv"),
        ("n;m\nA;ann@example.com\nB;bob@example.com\n", "{file: s.csv, column: m, delimiter: ;}"),
        ("n\tm\nA\tann@example.com\nB\tbob@example.com\n", "{file: s.csv, column: 2, delimiter: tab}"),
        ("A,ann@example.com\nB,bob@example.com\n", "{file: s.csv, column: 2}"),
        ("1,2\nann@example.com,x\nbob@example.com,y\n", '{file: s.csv, column: "1"}'),
        (codecs.BOM_UTF8 + b"email\nann@example.com\nbob@example.com\n", "s.csv"),
        ("email\nann@example.com\nbob@example.com\n".encode("utf-16"), "{file: s.csv, encoding: utf-16}"),
        ("n,email\nJosé,ann@example.com\nÉ,bob@example.com\n".encode("latin-1"), "{file: s.csv, encoding: latin-1}"),
        ('"n","email"\n"a ""b""\nc","ann@example.com"\n"d","bob@example.com"\n', "s.csv"),
    ],
)
def test_what_a_csv_source_may_look_like(tmp_path: Path, content: bytes | str, csv_source: str) -> None:
    """With and without a header, by name and number, in every encoding that is named."""
    assert [text for _, _, text in addresses(tmp_path, content, csv_source)] == ["ann@example.com", "bob@example.com"]


def test_every_row_knows_where_it_stands(tmp_path: Path) -> None:
    """The line on which it begins, and the column of the address, quotes and line breaks in cells aside."""
    content = 'name,email\n"A, ""a""",ann@example.com\n"two\nlines",bob@example.com\n,cid@example.com\n'
    assert addresses(tmp_path, content) == [
        (2, 12, "ann@example.com"),
        (3, 8, "bob@example.com"),
        (5, 2, "cid@example.com"),
    ]


@given(st.lists(st.text(st.sampled_from('a", ;é'), max_size=5), min_size=1, max_size=5), st.data())
def test_a_column_is_where_the_cell_begins(cells: list[str], data: st.DataObject) -> None:
    """What is read from there on is the cell again."""
    out = io.StringIO()
    csv.writer(out, quoting=data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))).writerow(cells)
    index = data.draw(st.integers(0, len(cells) - 1))
    place = column_of(out.getvalue(), index, ",")
    assert next(csv.reader([out.getvalue()[place - 1 :]])) in (cells[index:], [] if cells[index:] == [""] else None)


def test_further_columns_become_fields(tmp_path: Path) -> None:
    """By name, in any case, or by number; an attribute for each."""
    rows = rows_of(
        tmp_path,
        "Mail,First,C\na@example.com,Ann,Acme\n",
        "{file: s.csv, column: mail, fields: {first_name: First, fields.company: 3}, empty: null}",
        text=PEOPLE,
    )
    assert {name: list(cells) for name, cells in rows.columns.items()} == {
        "email": ["a@example.com"],
        "first_name": ["Ann"],
        "fields.company": ["Acme"],
    }
    assert rows.clears


def test_all_that_is_wrong_with_rows_is_told_at_once(tmp_path: Path) -> None:
    """Each with its own line and column."""
    content = "n,email\nA,ann@example\nB,ANN@example.com\nC,ann@example.com\nD\nE,e@example.com,x\nF,\n"
    content += "G,two words@x.y\n"
    assert refused(tmp_path, content) == [
        's.csv:2:3: contact: invalid e-mail address "ann@example"; use an address such as ann@example.com',
        's.csv:4:3: duplicate address "ann@example.com"; first on line 3; remove one of them',
        "s.csv:5:1: this row has 1 cell; the header has 2; keep the delimiters of empty cells",
        "s.csv:6:1: this row has 3 cells; the header has 2; put a cell that contains the delimiter into quotes",
        "s.csv:7:3: no e-mail address in this row; add it, or remove the row",
        's.csv:8:3: contact: invalid e-mail address "two words@x.y"; did you mean "words@x.y"?',
    ]


def test_cells_are_held_to_what_yaml_is_held_to(tmp_path: Path) -> None:
    """In the words that YAML gets."""
    csv_source = "{file: s.csv, fields: {country: c, locale: l}}"
    found = refused(tmp_path, "email,c,l\na@example.com,FRA,en\nb@example.com,FR,xx\n", csv_source, text=PEOPLE)
    assert found[0] == 's.csv:2:15: invalid country "FRA"; use a two-letter code such as FR'
    assert found[1].startswith('s.csv:3:18: unsupported locale "xx"; use one of en, fr')


@pytest.mark.parametrize("name", ["city", "email", "tags", "field.x", "fields.", "fields.two words", ""])
def test_a_column_for_what_nobody_can_fill(tmp_path: Path, name: str) -> None:
    """Said of the block, whatever else is right about it; the file is not read with it."""
    csv_source = f'{{file: s.csv, fields: {{first_name: 2, "{name}": 1}}}}'
    (found,) = refused(tmp_path, "email,c\na@example.com,FRA\n", csv_source, text=PEOPLE)
    assert found.startswith(f'site.yaml:2:48: invalid key "{name}"; columns go to first_name,')


def test_an_address_takes_no_further_columns(tmp_path: Path) -> None:
    """A CSV source of a relation is addresses and nothing else."""
    (found,) = refused(tmp_path, "email,c\na@example.com,FRA\n", "{file: s.csv, fields: {first_name: c}}")
    assert found.startswith("site.yaml:4:24: unknown key `fields`")


def test_very_many_problems_are_counted(tmp_path: Path) -> None:
    """Nobody reads a hundred thousand lines."""
    found = refused(tmp_path, "email\n" + "nobody\n" * 1 + "".join(f"nobody{n}\n" for n in range(5000)))
    assert found[0] == "s.csv:1:1: 5,001 errors in this file; the first 1,000 are listed; fix these first"
    assert len(found) == 1001


@pytest.mark.parametrize(
    ("content", "csv_source", "problem"),
    [
        (b"", "s.csv", f"s.csv:1:1: the file is empty; {NOBODY}"),
        (b"\n \n\n", "s.csv", f"s.csv:1:1: the file is empty; {NOBODY}"),
        (b"email,name\n", "s.csv", f"s.csv:1:1: the file has a header but no rows; {NOBODY}"),
        (
            b"a,b\n1,2\n",
            "s.csv",
            (
                "site.yaml:4:10: no column of s.csv is called `email`; "
                "name the column of the addresses, e.g. `column: 1`; columns: a, b"
            ),
        ),
        (
            b"email,mail\nx@y.z,x@y.z\n",
            "s.csv",
            (
                "site.yaml:4:10: two columns of s.csv are called `email`; "
                "name the column of the addresses, e.g. `column: 1`; columns: email, mail"
            ),
        ),
        (
            b"e-mial,b\n1,2\n",
            "{file: s.csv, column: e-mail}",
            'site.yaml:4:32: s.csv has no column "e-mail"; did you mean `e-mial`?',
        ),
        (
            b"a,a\n1,2\n",
            "{file: s.csv, column: a}",
            'site.yaml:4:32: several columns of s.csv are called "a"; use the column number, from 1',
        ),
        (b"a,b\n1,2\n", "{file: s.csv, column: 3}", 'site.yaml:4:32: s.csv has no column "3"; columns: a, b'),
        (
            b"n;email\nA;a@example.com\n",
            "s.csv",
            (
                "site.yaml:4:10: no column of s.csv is called `email`; "
                "the file appears to use ';' as delimiter: add `delimiter: ';'`"
            ),
        ),
        (
            b"n\temail\nA\ta@example.com\n",
            "{file: s.csv, column: email}",
            (
                'site.yaml:4:32: s.csv has no column "email"; '
                "the file appears to use tab as delimiter: add `delimiter: tab`"
            ),
        ),
        (
            "n,email\nA,a@example.com\nJosé,b@example.com\n".encode("cp1252"),
            "s.csv",
            (
                "s.csv:3:4: not valid utf-8; looks like Windows-1252, as saved by Excel: add `encoding: cp1252`, "
                'or save it as "CSV UTF-8"'
            ),
        ),
        (
            b"email\na@example.com\n\x81\xe9@example.com\n",
            "{file: s.csv, encoding: cp1252}",
            "s.csv:3:1: not valid cp1252; add `encoding: latin-1` if it is Latin-1, or save it as UTF-8",
        ),
        (
            b"email\na@example.com\n\x81\xe9@example.com\n",
            "s.csv",
            "s.csv:3:1: not valid utf-8; add `encoding: latin-1` if it is Latin-1, or save it as UTF-8",
        ),
        (
            b"email\na@example.com\n\xc3",
            "s.csv",
            ("s.csv:3:1: incomplete character at the end of the file (utf-8); save it again as UTF-8"),
        ),
        (
            "email\na@example.com".encode("utf-16"),
            "s.csv",
            "s.csv:1:1: the file has a UTF-16 byte order mark; add `encoding: utf-16`, or save the file as UTF-8",
        ),
        (
            codecs.BOM_UTF8 + b"email\na@example.com",
            "{file: s.csv, encoding: cp1252}",
            "s.csv:1:1: the file has a UTF-8 byte order mark, but `encoding` is cp1252; remove `encoding`",
        ),
        (
            b'n,email\n"a,b@example.com\nc\n',
            "s.csv",
            ('s.csv:2:1: unclosed quote; close it, or write "" for a quote inside a cell'),
        ),
        (
            b'email\n"a"b,b@example.com\n',
            "s.csv",
            ('s.csv:2:1: unescaped quote inside a quoted cell; write "" for a quote inside a cell'),
        ),
    ],
)
def test_what_no_row_can_be_read_from(tmp_path: Path, content: bytes, csv_source: str, problem: str) -> None:
    """One clear problem, with what to do."""
    assert refused(tmp_path, content, csv_source) == [problem]


def test_utf_16_without_a_mark(tmp_path: Path) -> None:
    """It decodes as UTF-8, to nothing that anybody wrote."""
    assert refused(tmp_path, "n,email\nA,a@example.com\n".encode("utf-16-le")) == [
        "s.csv:1:2: the character U+0000 is not allowed here; looks like UTF-16: save it as UTF-8"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("email\na@example.com\n".encode("utf-16-le"), "UTF-16 without a byte order mark; save the file as UTF-8"),
        ("email\na@example.com\n".encode("utf-16-be"), "UTF-16 without a byte order mark; save the file as UTF-8"),
        (b"email\na@example.com\n", "not valid UTF-16; remove `encoding`, or set the right one"),
        (b"x", "not valid UTF-16"),
        ("email\n".encode("utf-16")[:-1], "incomplete character at the end of the file (utf-16)"),
        ("email\na@example.com\n".encode("utf-32"), "the character U+0000 is not allowed here"),
    ],
)
def test_what_is_called_utf_16_and_is_not(tmp_path: Path, content: bytes, said: str) -> None:
    """One problem, whatever is in the file."""
    (found,) = refused(tmp_path, content, "{file: s.csv, encoding: utf-16}")
    assert said in found


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(content=st.binary(max_size=60) | st.text().map(str.encode) | st.text().map(lambda text: text.encode("utf-16")))
def test_no_bytes_end_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, encoding: str, content: bytes) -> None:
    """Rows or problems, whichever encoding is named."""
    folder = tmp_path_factory.mktemp("bytes")
    with contextlib.suppress(ConfigurationError):
        rows_of(folder, content, f"{{file: s.csv, encoding: {encoding}}}")


def test_blanks_before_quotes(tmp_path: Path) -> None:
    """A quote after a blank opens a cell all the same, and the columns of what follows are still right."""
    content = 'email, "name"\nann@example.com, "Ann, A"\n'
    rows = rows_of(tmp_path, content, "{file: s.csv, fields: {first_name: name}}", text=PEOPLE)
    assert list(rows.columns["first_name"]) == ["Ann, A"]
    assert addresses(tmp_path, ' "n", "email"\n "A, b", "ann@example.com"\n') == [(2, 9, "ann@example.com")]


@pytest.mark.parametrize(
    ("content", "sign"),
    [
        ("ann@example.com;Ann\nbob@example.com;Bob\n", "';'"),
        ("Ann;ann@example.com\n", "';'"),
        ("Email|Name\nann@example.com|Ann\n", "'|'"),
        ("ann@example.com|Ann\n", "'|'"),
        ("ann@example.com\tAnn\n", "tab"),
        ("Email\nann@example.com;Ann\n", "';'"),
        ("Name;Email;x,y\nAnn;ann@example.com;1,2\n", "';'"),
    ],
)
def test_another_delimiter(tmp_path: Path, content: str, sign: str) -> None:
    """A line is never taken for an address, with or without a header."""
    for found in refused(tmp_path, content):
        assert f"add `delimiter: {sign}`" in found


@pytest.mark.parametrize(
    ("content", "csv_source"),
    [
        ("sep=;\nn;email\nA;ann@example.com\n", "s.csv"),
        ("sep=\t\r\nn\temail\r\nA\tann@example.com\r\n", "s.csv"),
        ('"sep=;"\nn;email\nA;ann@example.com\n', "{file: s.csv, delimiter: ','}"),
        ("SEP=,\nn,email\nA,ann@example.com\n", "s.csv"),
    ],
)
def test_a_first_line_that_names_the_delimiter(tmp_path: Path, content: str, csv_source: str) -> None:
    """Excel's own; it counts as a line."""
    assert addresses(tmp_path, content, csv_source) == [(3, 3, "ann@example.com")]


@pytest.mark.parametrize(("char", "hint"), [("\x01", "remove it"), ("\x1b", "remove it"), ("\0", "UTF-16")])
def test_control_characters(tmp_path: Path, char: str, hint: str) -> None:
    """Refused as in YAML, where they are."""
    (found,) = refused(tmp_path, f"n,email\nA{char},ann@example.com\n")
    assert found.startswith(f"s.csv:2:2: the character U+{ord(char):04X} is not allowed here; ")
    assert hint in found


def test_windows_characters_in_latin_1(tmp_path: Path) -> None:
    """The usual confusion of the two."""
    content = "n,email\n\u201cA\u201d,ann@example.com\n".encode("cp1252")
    (found,) = refused(tmp_path, content, "{file: s.csv, encoding: latin-1}")
    assert found == (
        "s.csv:2:1: the character U+0093 is not allowed here; looks like Windows-1252: add `encoding: cp1252`"
    )


def archive(*names: str) -> bytes:
    """A ZIP archive with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            archive("[Content_Types].xml", "xl/workbook.xml"),
            "this is an Excel workbook, not a CSV file; export it as CSV",
        ),
        (archive("mimetype", "content.xml"), "this is an OpenDocument spreadsheet, not a CSV file; export it as CSV"),
        (archive("people.csv"), "this is a ZIP archive, not a CSV file; unpack it"),
        (archive("people.csv")[:20], "this is a ZIP archive, not a CSV file; unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is an Excel workbook, not a CSV file; export it as CSV"),
        (gzip.compress(b"email", mtime=0), "this is a gzip archive, not a CSV file; unpack it"),
        (bz2.compress(b"email"), "this is a bzip2 archive, not a CSV file; unpack it"),
        (b"%PDF-1.7", "this is a PDF document, not a CSV file; export the table as CSV"),
    ],
    ids=["xlsx", "ods", "zip", "cut zip", "xls", "gzip", "bzip2", "pdf"],
)
def test_files_of_another_format(tmp_path: Path, content: bytes, said: str) -> None:
    """Under the name of a CSV file."""
    assert refused(tmp_path, content) == [f"s.csv:1:1: {said}"]


@pytest.mark.parametrize(
    "header",
    [
        "E-Mail-Adresse",
        "Adresse e-mail",
        "E-mail\u00a0Address",
        "E-mail 1 - Value",
        "Courriel",
        "EMAIL_ADDRESS",
    ],
)
def test_usual_names(tmp_path: Path, header: str) -> None:
    """What exports call the column."""
    assert [text for *_, text in addresses(tmp_path, f"n,{header}\nA,ann@example.com\n")] == ["ann@example.com"]


@pytest.mark.parametrize("comment", ["# exported on Monday", "# exported, on Monday"])
def test_a_comment_above_the_header(tmp_path: Path, comment: str) -> None:
    """One problem, not one for each row."""
    (found,) = refused(tmp_path, f"{comment}\nn,email\nA,ann@example.com\n")
    assert found.endswith("the first line looks like a comment: remove it, so that the header comes first")


def test_what_a_spreadsheet_spoils(tmp_path: Path) -> None:
    """A warning for each column, with how many cells and the first of them; other signs are values."""
    values = ["3.36123E+10", "########", "#N/A", "#NAME?", "#REF!", "#VALUE!", "#NV", "1,5E+3", "#BEZUG!"]
    sound = ["#1", "+33612345678", "C#", "E+", "#hashtag", "1E5", "-", "#"]
    lines = [f"p{number}@example.com,{text!r},Ann".replace("'", '"') for number, text in enumerate([*sound, *values])]
    warned: list[str] = []
    (tmp_path / "s.csv").write_text("email,phone,n\n" + "\n".join(lines))
    (tmp_path / "site.yaml").write_text(PEOPLE % "{file: s.csv, fields: {phone_number: phone, first_name: n}}")
    loaded = configuration.load(
        [tmp_path],
        project=tmp_path,
        schema=configuration.files_schema(),
        environ={},
        cwd=tmp_path,
        forms=csv_source_forms(),
        warn=lambda finding: warned.append(str(finding.problem())),
    )
    assert len(list(loaded)) == 1
    (line,) = warned
    assert line.startswith('s.csv:10:1: phone_number: 9 cells damaged by a spreadsheet, the first "3.36123E+10"; ')


@pytest.mark.parametrize("content", [b"x" * 10_000_000, b'"' + b"x\n" * 5_000_000, b"email," + b"x" * 10_000_000])
def test_ten_megabytes_in_one_cell(tmp_path: Path, content: bytes) -> None:
    """Refused, and never held whole."""
    (tmp_path / "s.csv").write_bytes(content)
    tracemalloc.start()
    try:
        (found,) = refused(tmp_path, content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "longer than" in found
    assert peak < 15_000_000


def test_a_file_of_far_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody named the wrong one."""
    monkeypatch.setattr("reconciler.config.csv_source.MOST_ROWS", 3)
    found = refused(tmp_path, "email\na@example.com\nb@example.com\nc@example.com\n")
    assert found == ["s.csv:4:1: this file has more than 3 rows; check the file name, or split the file"]


@pytest.mark.parametrize(("kind", "words"), [("folder", "no such file: s.csv"), ("forbidden", "permission denied")])
def test_a_file_that_cannot_be_opened(tmp_path: Path, kind: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said at the line that names it."""
    (tmp_path / "site.yaml").write_text(RELATION % "s.csv")
    if kind == "folder":
        (tmp_path / "s.csv").mkdir()
    else:
        (tmp_path / "s.csv").write_text("a@example.com\n")
        read, whole = Path.open, tmp_path / "s.csv"

        def refuse(path: Path, *arguments, **more):
            if path == whole:
                raise PermissionError(13, "Permission denied")
            return read(path, *arguments, **more)

        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigurationError) as caught:
        next(
            configuration.load(
                [tmp_path / "site.yaml"],
                project=tmp_path,
                schema=configuration.files_schema(),
                environ={},
                cwd=tmp_path,
                forms=csv_source_forms(),
            )
        )
    (problem,) = caught.value.problems
    assert problem.where == "site.yaml:4:10"
    assert words in problem.what


def test_a_hundred_thousand_rows_stay_lean(tmp_path: Path) -> None:
    """Some 100 bytes a row: the text of the address, and where it stands."""
    (tmp_path / "s.csv").write_text("email\n" + "".join(f"person{n}@example.com\n" for n in range(20_000)))
    content = (tmp_path / "s.csv").read_bytes()
    tracemalloc.start()
    try:
        rows = rows_of(tmp_path, content)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(rows) == 20_000
    assert held < 20_000 * 250
